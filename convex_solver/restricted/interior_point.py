"""A structured primal-dual interior point method for a set of blocks.

The program over chosen chambers (all of them, or a working set) is

    min  l(sum_g A_g w_g, y) + beta sum_g t_g,   t_g >= |w_g|,   F_g w_g >= 0,

``A_g = +-D_g X`` and F_g the facets of the chamber.  Nesterov-Todd scaling, Mehrotra's
predictor and corrector.  Everything of a block but its r weights is eliminated in
closed form (`_kernels.interior_point`), which leaves one dense symmetric positive
definite system, of the weights or of the samples, whichever is smaller:

    (blockdiag(B) + A^T H A) dw = b - A^T rho          weights, size G r
    (H^-1 + A blockdiag(B)^-1 A^T) dv = A B^-1 b + H^-1 rho    samples, size n

with the gradient ``v`` of the loss as its own variable, ``dv = H A dw + rho``.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
import scipy.linalg as la

from convex_solver._kernels.solve import interior_point as kernels
from convex_solver.losses import DataTerm, NewtonTerm
from convex_solver.restricted.newton_system import (
    MixedSystem,
    NewtonSystem,
    SamplesSystem,
    WeightsSystem,
)
from convex_solver.restricted.working_set import WorkingSet
from convex_solver.typing import Array

MAX_ITERATIONS = 100
STEP = 0.995
# Size of the predictions at the start, relative to y.
START_SIZE = 0.1
# The system of the weights is better conditioned near the end (inactive blocks only
# scale its diagonal), so it is taken even when it is somewhat larger.
PREFER_WEIGHTS = 2.0
MAX_WEIGHTS = 6000
# A Newton system is solved once more unless its relative residual is at most this.
ACCURATE = 1e-11
# A relative residual above this makes the next systems careful.
LOST = 1e-4
# Largest system that is factorised with pivoting, which is slow.
MAX_CAREFUL = 4000


@dataclass(frozen=True, eq=False)
class RestrictedSolution:
    """Solution of the program over a working set, with bounds of that program.

    ``weights`` (G, r), the dual point ``v`` (n,), the objective of the weights, the
    dual bound of ``v`` scaled, the prices ``|A_g^T v - F_g^T lam|``.
    """

    weights: Array
    v: Array
    primal: float
    dual: float
    prices: Array
    iterations: int

    @property
    def gap(self) -> float:
        """``(primal - dual) / primal``, and 0 when both are 0."""
        if self.primal <= 0.0:
            return 0.0
        return (self.primal - self.dual) / self.primal


class InteriorPoint:
    """One solve; `run` iterates, each attribute is the current point."""

    def __init__(
        self,
        blocks: WorkingSet,
        data: DataTerm,
        beta: float,
    ) -> None:
        self.blocks = blocks
        self.data = data
        self.y = data.y
        self.beta = beta
        G, r = blocks.centres.shape
        m = blocks.rows.shape[0]
        self.eta2, self.kappa = np.empty(G), np.empty(G)
        self.point = np.empty((G, r + 1))
        self.factors = np.empty((G, r, r))
        self.e0, self.e1 = np.empty(G), np.empty((G, r))
        self.dt, self.dw, self.ds1 = np.zeros(G), np.zeros((G, r)), np.zeros((G, r))
        self.dq, self.dlam, self.h = np.zeros(m), np.zeros(m), np.zeros(m)
        self.q = np.empty(m)
        self.ds0 = 0.0
        self.is_careful = False
        self._start()

    # starting point

    def _start(self) -> None:
        """Start on the central path of a larger beta, where the zero network is best.

        There ``v`` is the gradient of the loss at zero and ``s0`` twice the largest
        price, so that all equations but ``s0 = beta`` hold, with room to spare; every
        step then brings ``s0`` closer to beta.
        """
        blocks = self.blocks
        counts = np.diff(blocks.starts)
        spread = float(np.linalg.norm(blocks.outputs(blocks.centres)))
        rough, wanted = self.data.rough_fit()
        size = START_SIZE * max(wanted / spread, 1e-150)
        self.w = size * blocks.centres
        self.t = np.full(len(blocks), 1.5 * size)
        self.z = blocks.predict(self.w)
        self.v = self.data.gradient(rough)
        prices = np.linalg.norm(blocks.transposed(self.v), axis=1)
        self.s0 = max(self.beta, 2.0 * float(prices.max(initial=0.0)))
        self.term: NewtonTerm = self.data.newton(self.z, self.v, self.s0 * size)
        self.v = self.term.v
        prices = np.linalg.norm(blocks.transposed(self.v), axis=1)
        self.s0 = max(self.s0, 1.5 * float(prices.max(initial=0.0)))
        kernels.facet_products(blocks.starts, blocks.rows, self.w, self.q)
        # at the analytic centre sum of F_f / (F_f u) is the number of facets times u
        share = np.repeat(0.1 * self.s0 * size / np.maximum(counts, 1), counts)
        self.lam = share / self.q
        self.s1 = self._slopes()

    def _slopes(self) -> Array:
        """``A^T v - F^T lam``, which s1 has to equal."""
        blocks = self.blocks
        slopes = blocks.transposed(self.v)
        kernels.add_multipliers(blocks.starts, blocks.rows, self.lam, -1.0, slopes)
        return slopes

    # one iteration

    def _factorise(self) -> None:
        blocks = self.blocks
        kernels.factor_blocks(
            blocks.starts,
            blocks.rows,
            self.q,
            self.lam,
            self.eta2,
            self.point,
            self.kappa,
            self.factors,
        )
        self.curvature = self.term.curvature()
        if self.is_careful:
            kind: type[NewtonSystem] = MixedSystem
        elif blocks.AT.shape[0] <= min(PREFER_WEIGHTS * self.y.size, MAX_WEIGHTS):
            kind = WeightsSystem
        else:
            kind = SamplesSystem
        room = 1.0 - np.linalg.norm(self.s1, axis=1) / self.s0
        active = np.linalg.norm(self.w, axis=1) > room * self.t.max()
        self.system = kind(blocks, self.factors, self.curvature, active)

    def _refined(self, b: Array, rho: Array) -> tuple[Array, Array]:
        """Solve, refine once at need, go over to the careful system if that is lost."""
        while True:
            dw, dv = self.system.solve(b, rho)
            r1, r2 = self.system.miss(b, rho, dw, dv)
            if _relative(r1, b, r2, dv) <= ACCURATE:
                return dw, dv
            more_w, more_v = self.system.solve(r1, r2)
            dw, dv = dw + more_w, dv + more_v
            if self.is_careful or self.y.size > MAX_CAREFUL:
                return dw, dv
            r1, r2 = self.system.miss(b, rho, dw, dv)
            if not _relative(r1, b, r2, dv) > LOST:
                return dw, dv
            self.is_careful = True
            self._factorise()

    def _direction(self, mu: float, correct: bool) -> None:
        blocks = self.blocks
        self.ds0 = self.beta - self.s0
        kernels.centring(
            self.t,
            self.w,
            self.s0,
            self.s1,
            self.ds0,
            self.eta2,
            self.point,
            self.dt,
            self.dw,
            self.ds1,
            mu,
            correct,
            self.e0,
            self.e1,
        )
        self.h = (mu - self.dq * self.dlam) / self.q if correct else mu / self.q
        self.h -= self.lam
        rho = self.term.shift(mu, correct)
        b = np.empty_like(self.w)
        kernels.right_sides(
            blocks.starts,
            blocks.rows,
            self.h,
            self.point,
            self.kappa,
            self.e0,
            self.e1,
            self.residual,
            b,
        )
        self.dw, self.dv = self._refined(b, rho)
        self.dz = blocks.predict(self.dw)
        kernels.complete_steps(
            blocks.starts,
            blocks.rows,
            self.q,
            self.lam,
            self.h,
            self.eta2,
            self.point,
            self.kappa,
            self.e0,
            self.e1,
            self.dw,
            self.dt,
            self.ds1,
            self.dq,
            self.dlam,
        )
        self.term.complete(self.dz, self.dv)

    def _largest_step(self) -> float:
        G = self.t.size
        step = min(
            kernels.cone_step(self.t, self.w, self.dt, self.dw),
            kernels.cone_step(
                np.full(G, self.s0), self.s1, np.full(G, self.ds0), self.ds1
            ),
            _ratio(self.q, self.dq),
            _ratio(self.lam, self.dlam),
            self.term.largest_step(),
        )
        return float(min(1.0, STEP * step))

    def _complementarity(self, step: float) -> float:
        w, s1 = self.w + step * self.dw, self.s1 + step * self.ds1
        total = (self.s0 + step * self.ds0) * float(np.sum(self.t + step * self.dt))
        total += float(np.sum(w * s1))
        q, lam = self.q + step * self.dq, self.lam + step * self.dlam
        return total + float(q @ lam) + self.term.complementarity(step)

    def _move(self, step: float) -> None:
        blocks = self.blocks
        self.w = self.w + step * self.dw
        self.t = self.t + step * self.dt
        self.s1 = self.s1 + step * self.ds1
        self.lam = self.lam + step * self.dlam
        self.z = blocks.predict(self.w)
        # q follows w; where rounding would spoil its sign, the update is kept
        moved = self.q + step * self.dq
        kernels.facet_products(blocks.starts, blocks.rows, self.w, self.q)
        self.q = np.where(self.q > 0.5 * moved, self.q, moved)
        self.term.move(step, self.z, self.dv)
        self.v = self.term.v
        # the same for s1, which follows v and the multipliers
        self.s0 += step * self.ds0
        exact = self._slopes()
        room = self.s0 - np.linalg.norm(self.s1, axis=1)
        safe = self.s0 - np.linalg.norm(exact, axis=1) > 0.5 * room
        self.s1[safe] = exact[safe]

    def bounds(self) -> tuple[float, float, Array]:
        """Objective of the weights, dual bound, and the price of every block."""
        primal = self.data.value(self.z) + self.beta * float(
            np.sum(np.linalg.norm(self.w, axis=1))
        )
        v = self.data.clip(self.v)
        vector = self.s1 + self.residual
        if not np.array_equal(v, self.v):
            vector += self.blocks.transposed(v - self.v)
        prices = np.linalg.norm(vector, axis=1)
        worst = float(prices.max(initial=0.0))
        cap = self.beta / worst if worst > 0.0 else np.inf
        dual = -self.data.conjugate(self.data.best_scale(v, cap) * v)
        return primal, dual, prices

    def _merits(self) -> tuple[float, float]:
        """Complementarity, and what the residuals can change in the duality gap."""
        weights = np.linalg.norm(self.w, axis=1)
        sizes = np.linalg.norm(self.residual, axis=1)
        residual = float(weights @ sizes) + self.term.residual()
        residual += abs(self.s0 - self.beta) * float(np.sum(self.t))
        return self._complementarity(0.0), residual

    def run(self, tol: float, deadline: float = np.inf) -> RestrictedSolution:
        """Iterate to a relative gap of ``tol``, or until no progress is left."""
        best: RestrictedSolution | None = None
        stalled, least = 0, np.full(4, np.inf)
        for iteration in range(MAX_ITERATIONS):
            self._measure()
            primal, dual, prices = self.bounds()
            if not (np.isfinite(primal) and np.all(np.isfinite(self.v))):
                break
            merits = np.array([primal - dual, 1.0 / max(dual, 1e-300), *self._merits()])
            stalled = 0 if np.any(merits < 0.97 * least) else stalled + 1
            least = np.minimum(least, merits)
            if best is None or primal < best.primal:
                best = replace(
                    best or RestrictedSolution(self.w, self.v, 0.0, dual, prices, 0),
                    weights=self.w,
                    primal=primal,
                )
            if dual > best.dual:
                best = replace(best, v=self.v, dual=dual, prices=prices)
            best = replace(best, iterations=iteration)
            if best.gap <= tol or stalled >= (10 if best.gap > 1e-7 else 3):
                break
            if time.monotonic() > deadline or not self._iterate():
                break
        if best is None:
            raise ArithmeticError("the interior point method found no finite point")
        return best

    def _measure(self) -> None:
        """Residual of the dual equations ``A^T v - F^T lam = s1``."""
        self.residual = self._slopes() - self.s1

    def _predict(self) -> bool:
        """Scale, factorise and take the predictor's direction; False if that fails."""
        self.total = kernels.scale_blocks(
            self.t, self.w, self.s0, self.s1, self.eta2, self.point, self.kappa
        )
        self.total += float(self.q @ self.lam) + self.term.complementarity(0.0)
        if not self.total > 0.0:
            return False
        try:
            self._factorise()
        except la.LinAlgError:
            return False
        self._direction(0.0, False)
        return True

    def _iterate(self) -> bool:
        """Take a step; False if there is none, or a cone is flat to rounding."""
        try:
            return self._step()
        except ZeroDivisionError:  # of a kernel
            return False

    def _step(self) -> bool:
        if not self._predict():
            return False
        mu = self.total / (self.t.size + self.q.size + self.term.n_pairs)
        first = self._largest_step()
        ratio = max(self._complementarity(first) / self.total, 0.0)
        self._direction(mu * min(max(ratio**3, 1e-6), 1.0), True)
        step = self._largest_step()
        if step < 1e-3 and step < 0.1 * first and self.term.is_quadratic:
            # far from the path the second-order term does harm
            self._direction(mu * min(max(ratio**3, 1e-6), 1.0), False)
            step = self._largest_step()
        if not np.isfinite(step) or step < 1e-10:
            return False
        self._move(step)
        return bool(np.all(self.t > np.linalg.norm(self.w, axis=1)))


def solve_restricted(
    blocks: WorkingSet,
    data: DataTerm,
    beta: float,
    tol: float,
    *,
    deadline: float = np.inf,
) -> RestrictedSolution:
    """Solve the program over ``blocks`` to a relative gap of ``tol`` if it can.

    Past ``deadline`` (of `time.monotonic`) the best point so far is returned.
    """
    with np.errstate(all="ignore"):
        return InteriorPoint(blocks, data, beta).run(tol, deadline)


def _relative(r1: Array, b: Array, r2: Array, dv: Array) -> float:
    """Return the larger relative residual of the two equations."""
    first = float(np.linalg.norm(r1)) / (float(np.linalg.norm(b)) + 1e-300)
    second = float(np.linalg.norm(r2)) / (float(np.linalg.norm(dv)) + 1e-300)
    return max(first, second)


def _ratio(x: Array, dx: Array) -> float:
    falling = dx < 0.0
    if not np.any(falling):
        return np.inf
    return float(np.min(-x[falling] / dx[falling]))
