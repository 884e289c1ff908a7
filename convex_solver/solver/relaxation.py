"""The program with its chambers replaced by moments: a dual point in any dimension.

    min  l(z, y) + beta (tau_1 + tau_2)
    s.t. L_i <= z_i <= U_i,   [[tau_s, m_s^T], [m_s, M_s]] >= 0,   tau_s = tr M_s,

    L_i = 1/2 (m_1.x_i + |M_1 x_i|) - 1/2 (m_2.x_i + sqrt(tau_2 x_i^T M_2 x_i)),
    U_i = 1/2 (m_1.x_i + sqrt(tau_1 x_i^T M_1 x_i)) - 1/2 (m_2.x_i + |M_2 x_i|).

A network is a point of it, with M the sum of ``alpha_j u_j u_j^T`` over the neurons of
one sign, so its value is a lower bound; its multipliers ``v`` are a dual point of the
program itself, and feasible: `leaves.largest_moments` for that v proves it.  Solved by
a barrier and Newton's method in some ``r^2`` unknowns, with ``n r^4`` operations each.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
import scipy.linalg as la
from scipy import sparse

from convex_solver.certificates import Certificate, bounds
from convex_solver.leaves import (
    MOST_RANK,
    Packing,
    Spread,
    add_curvature,
    cone_ratio,
    curvature,
    form_price,
    joined,
    pull_back,
    spread,
)
from convex_solver.losses import DataTerm, NewtonTerm, longest_step
from convex_solver.networks import TwoLayerReLU
from convex_solver.program import ConvexProgram
from convex_solver.typing import Array

MOST_STEPS = 100
# Share of the way to the border that a step takes, and the shortest step.
STEP = 0.97
SHORTEST = 1e-6
# The least centring; a step this short is aimed closer to the centre; how much shorter
# each try is.
LEAST_CENTRING, SHORT, BACK = 1e-3, 0.3, 0.75
# Steps without a better bound that end a run.
PATIENCE = 8
# Entries of the matrices that are made at a time.
CHUNK = 1 << 22


@dataclass(frozen=True, eq=False)
class RelaxedSolution:
    """A dual point, and about the lower bound that it gives.

    ``v`` (n,); ``estimate``, the dual value when it is scaled to be feasible, but for
    rounding; ``value`` of a point of the relaxation, not below its optimum;
    ``seconds``.
    """

    v: Array
    estimate: float
    value: float
    seconds: float


def relaxed_certificate(
    program: ConvexProgram, network: TwoLayerReLU, v: Array, deadline: float
) -> Certificate:
    """Bounds with a dual point of the relaxation, whose price is relaxed too."""
    return bounds(
        program.data,
        network,
        v,
        program.beta,
        program.loss,
        method="relaxation",
        deadline=deadline,
    )


class _Side:
    """The moments of the neurons of one sign, and the multiplier of their cone."""

    def __init__(self, m: Array, M: Array, Z: Array) -> None:
        self.m, self.M, self.Z = m, M, Z
        self.whole = joined(m, M)
        inverse = np.linalg.inv(self.whole)
        self.inverse = 0.5 * (inverse + inverse.T)

    @property
    def complementarity(self) -> float:
        return float(np.sum(self.whole * self.Z))


@dataclass(frozen=True, eq=False)
class _Step:
    """A direction: of the moments and multipliers of both signs, and of the rows."""

    moments: list[tuple[Array, Array]]
    multipliers: list[Array]
    z: Array
    v: Array
    push: Array
    pull: Array


class RelaxedProgram:
    """The relaxation of one program at one leaf, which is the whole sphere."""

    def __init__(self, program: ConvexProgram) -> None:
        self.data: DataTerm = program.data_term
        _, values, vt = np.linalg.svd(program.X, full_matrices=False)
        self.size = float(values[0])
        self.beta = program.beta / self.size
        rows = program.X @ vt[: program.rank].T / self.size
        used = np.any(rows != 0.0, axis=1)
        self.X = np.ascontiguousarray(rows[used])
        samples = np.repeat(np.arange(program.n), program.n_patches)[used]
        # samples without a row have prediction 0
        self.alive = np.bincount(samples, minlength=program.n) > 0
        self.total = sparse.csr_array(
            (np.ones(samples.size), (samples, np.arange(samples.size))),
            shape=(program.n, samples.size),
        )
        self.packing = Packing(program.rank)
        self.bordered = Packing(program.rank + 1)

    @staticmethod
    def takes(program: ConvexProgram) -> bool:
        """Whether the rank is one for which there is memory and time."""
        return 1 < program.rank <= MOST_RANK

    @np.errstate(all="ignore")
    def solve(self, tol: float, deadline: float = math.inf) -> RelaxedSolution:
        """Solve to a relative gap of about ``tol``, or as far as there is time."""
        begin = time.monotonic()
        nothing = np.zeros(self.data.y.size)
        zero = self.data.value(nothing)
        if zero <= 0.0:
            return RelaxedSolution(nothing, 0.0, 0.0, 0.0)
        point = _Point(self)
        best, v, value, waited = -math.inf, nothing, zero, 0
        for _ in range(MOST_STEPS):
            bound = point.dual_value()
            value = min(value, point.value())
            waited = 0 if bound > best else waited + 1
            if bound > best:
                best, v = bound, self.data.clip(point.term.v)
            is_done = value - best <= tol * value or waited >= PATIENCE
            if is_done or time.monotonic() > deadline or not point.advance():
                break
        return RelaxedSolution(v, best, value, time.monotonic() - begin)


class _Point:
    """The point of the interior point method."""

    def __init__(self, program: RelaxedProgram) -> None:
        self.program, data = program, program.data
        r, n = program.packing.r, data.y.size
        zero = data.value(np.zeros(n))
        tau = 0.1 * zero / program.beta
        self.pairs = 2 * int(program.alive.sum()) + 2 * (r + 1)
        mu = max(zero, 1e-300) / self.pairs
        m, M = np.zeros(r), np.eye(r) * (tau / r)
        Z: Array = mu * np.asarray(np.linalg.inv(joined(m, M)), float)
        self.sides = [_Side(m, M, Z) for _ in range(2)]
        self.softness = 0.0
        self.look()
        v = data.gradient(data.rough_fit()[0])
        self._place(v, mu)
        self.term: NewtonTerm = data.newton(self.z, v, mu)
        self.pairs += self.term.n_pairs
        self._place(self.term.v, mu)

    def _place(self, v: Array, mu: float) -> None:
        """Set z such that ``v = mu / (z - L) - mu / (U - z)``, and the two forces."""
        alive = self.program.alive
        width = np.where(alive, self.high - self.low, 1.0)
        root = 2.0 * mu + np.hypot(v * width, 2.0 * mu)
        below = 2.0 * mu * width / (root + v * width)
        above = 2.0 * mu * width / (root - v * width)
        self.z = np.where(alive, self.low + below, 0.0)
        self.push = np.where(alive, mu / below, 0.0)
        self.pull = np.where(alive, mu / above, 0.0)

    def look(self) -> None:
        """Compute the bounds of the rows."""
        self.spreads = [self._spread(side.M) for side in self.sides]
        self.low, self.high = self._bounds(self.spreads, [x.m for x in self.sides])

    def _spread(self, M: Array) -> Spread:
        return spread(self.program.X, M, self.softness)

    def _bounds(self, spreads: list[Spread], means: list[Array]) -> tuple[Array, Array]:
        """Return ``L`` and ``U``."""
        first, second = spreads
        middle = self.program.X @ (means[0] - means[1])
        total = self.program.total
        low = 0.5 * (total @ (middle + first.least - second.most))
        return low, 0.5 * (total @ (middle + first.most - second.least))

    def value(self) -> float:
        """Return the objective of the relaxation."""
        traces = sum(at.trace for at in self.spreads)
        return self.program.data.value(self.z) + self.program.beta * traces

    def dual_value(self) -> float:
        """``-l*`` of v scaled by what the quadratic forms of these moments prove."""
        program = self.program
        v = program.data.clip(self.term.v)
        rows = program.total.T @ v
        price = max(
            form_price(program.X, sign * rows, at)
            for sign, at in zip((-1.0, 1.0), self.spreads, strict=True)
        )
        cap = program.beta / price if price > 0.0 else math.inf
        return -program.data.conjugate(program.data.best_scale(v, cap) * v)

    def gaps(self) -> tuple[Array, Array]:
        """Return ``z - L`` and ``U - z``, 1 for samples without rows."""
        alive = self.program.alive
        return (
            np.where(alive, self.z - self.low, 1.0),
            np.where(alive, self.high - self.z, 1.0),
        )

    def complementarity(self) -> float:
        """Sum of all products."""
        below, above = self.gaps()
        total = float(self.push @ below + self.pull @ above)
        total += sum(side.complementarity for side in self.sides)
        return total + self.term.complementarity(0.0)

    def advance(self) -> bool:
        """Take a step; False where none is left."""
        try:
            return self._step()
        except (la.LinAlgError, ValueError):  # the latter of numbers not finite
            return False

    def _step(self) -> bool:
        mu = self.complementarity() / self.pairs
        # softer bounds of the rows weigh as much as their gaps; L falls and U rises
        size = float(np.mean(np.abs(self.term.v[self.program.alive])))
        self.softness = min(self.softness or math.inf, mu / max(size, 1e-300))
        if self.softness == math.inf or not self._is_soft():
            self.softness = 0.0
        self.look()
        factor = self._factorise()
        predicted = self._direction(factor, 0.0)
        share = (1.0 - self._reach(predicted, self._longest(predicted))) ** 2
        for aim in (min(max(share, LEAST_CENTRING), 0.8), 0.8):
            step = self._direction(factor, aim * mu)
            length = self._reach(step, self._longest(step))
            # where the bounds of the rows bend too much, closer to the centre
            if length >= SHORT or aim == 0.8:
                break
        while length > SHORTEST:
            if self._move(step, length):
                return True
            length *= BACK
        return False

    def _is_soft(self) -> bool:
        """Whether the softness leaves room between the bounds."""
        self.look()
        below, above = self.gaps()
        return bool(np.all(below > 0.0) and np.all(above > 0.0))

    def _reach(self, step: _Step, length: float) -> float:
        """Shorten a step until the gaps of the rows keep a share of what they lose."""
        below, above = self.gaps()
        while length > SHORTEST:
            moved = [
                self._spread(side.M + length * dM)
                for side, (_, dM) in zip(self.sides, step.moments, strict=True)
            ]
            low, high = self._bounds(
                moved,
                [
                    side.m + length * dm
                    for side, (dm, _) in zip(self.sides, step.moments, strict=True)
                ],
            )
            z = self.z + length * step.z
            alive = self.program.alive
            least = (1.0 - STEP) * (1.0 - 0.5 * length)
            if np.all((z - low > least * below) & (high - z > least * above) | ~alive):
                return length
            length *= BACK
        return length

    def _factorise(self) -> tuple[Array, bool]:
        program = self.program
        r, packing = program.packing.r, program.packing
        half = r + packing.size
        hessian = np.zeros((2 * half, 2 * half))
        push, pull = (program.total.T @ part for part in (self.push, self.pull))
        for k, (up, down) in enumerate(((push, pull), (pull, push))):
            own = slice(k * half, (k + 1) * half)
            side = self.sides[k]
            hessian[own, own] = curvature(
                side.Z, side.inverse, packing, program.bordered
            )
            inner = hessian[own, own][r:, r:]
            add_curvature(
                inner, program.X, packing, self.spreads[k], 0.5 * down, 0.5 * up
            )
        self._add_products(hessian)
        factor: tuple[Array, bool] = la.cho_factor(
            hessian, overwrite_a=True, check_finite=False
        )
        return factor

    def _stiffness(self) -> tuple[Array, Array, Array, Array]:
        """Return a, b, h of the rows and their sum."""
        below, above = self.gaps()
        a, b, h = self.push / below, self.pull / above, self.term.curvature()
        return a, b, h, np.where(self.program.alive, a + b + h, 1.0)

    def _add_products(self, hessian: Array) -> None:
        """Add what the predictions, eliminated, leave: two rank-one terms a sample."""
        program = self.program
        a, b, h, total = self._stiffness()
        rest = np.where(program.alive, b + h, 1.0)
        least = np.sqrt(a * rest / total)
        mixed = -b * np.sqrt(a / (rest * total))
        last = np.sqrt(b * h / rest)
        ends = program.total.indptr
        step = max(1, CHUNK // hessian.shape[0])
        for k in range(0, a.size, step):
            stop = min(k + step, a.size)
            rows, part = slice(ends[k], ends[stop]), slice(k, stop)
            summed = program.total[part, rows]
            low, high = (summed @ slopes for slopes in self._slopes(rows))
            first = low * least[part, None] + high * mixed[part, None]
            hessian += first.T @ first
            high *= last[part, None]
            hessian += high.T @ high

    def _slopes(self, rows: slice) -> tuple[Array, Array]:
        """Gradients of the lower and of the upper bounds of rows."""
        X, packing = self.program.X[rows], self.program.packing
        square = packing.outer(X, X)
        parts = []
        for at in self.spreads:
            least = np.hstack([X, packing.outer(X, at.policy[rows])])
            ratio = at.square[rows] / at.most[rows]
            most = square * (at.trace / at.most[rows])[:, None]
            most += np.multiply.outer(ratio, packing.identity)
            parts.append((0.5 * least, 0.5 * np.hstack([X, 0.5 * most])))
        (low, high), (low_2, high_2) = parts
        return np.hstack([low, -high_2]), np.hstack([high, -low_2])

    def _direction(self, factor: tuple[Array, bool], mu: float) -> _Step:
        """Solve for the step to the centre of ``mu``."""
        program = self.program
        r, packing, X = program.packing.r, program.packing, program.X
        alive = program.alive
        a, b, h, total = self._stiffness()
        below, above = self.gaps()
        rho = self.term.shift(mu, False)
        miss = self.term.v + rho - mu / below + mu / above
        push = np.where(alive, mu / below + a * miss / total, 0.0)
        pull = np.where(alive, mu / above - b * miss / total, 0.0)
        half = r + packing.size
        gradient = np.zeros(2 * half)
        forces = [program.total.T @ part for part in (push, pull)]
        for k, (up, down) in enumerate((forces, forces[::-1])):
            at, side = self.spreads[k], self.sides[k]
            own = gradient[k * half : (k + 1) * half]
            own -= mu * pull_back(side.inverse, packing)
            own[:r] += 0.5 * (X.T @ (up - down))
            share = 0.25 * down / at.most
            matrix = (program.beta - float(share @ at.square)) * np.eye(r)
            matrix -= (X * (share * at.trace)[:, None]).T @ X
            s = 0.5 * (X * up[:, None]).T @ at.policy
            own[r:] += packing.pack(matrix + 0.5 * (s + s.T))
        x = -la.cho_solve(factor, gradient, check_finite=False)
        moments, multipliers, changes = [], [], []
        for k, side in enumerate(self.sides):
            own = x[k * half : (k + 1) * half]
            dm, dM = own[:r], packing.unpack(own[r:])
            change = side.inverse @ joined(dm, dM) @ side.Z
            multipliers.append(mu * side.inverse - side.Z - 0.5 * (change + change.T))
            moments.append((dm, dM))
            at = self.spreads[k]
            image = X @ dM
            line = X @ dm
            least = line + np.einsum("ij,ij->i", image, at.policy)
            most = np.einsum("ij,ij->i", image, X) * at.trace
            most = line + 0.5 * (most + at.square * np.trace(dM)) / at.most
            changes.append((0.5 * least, 0.5 * most))
        (low, high), (low_2, high_2) = changes
        dlow, dhigh = program.total @ (low - high_2), program.total @ (high - low_2)
        dz = np.where(alive, (a * dlow + b * dhigh - miss) / total, 0.0)
        dv = h * dz + rho
        self.term.complete(dz, dv)
        dpush = np.where(alive, mu / below - self.push - a * (dz - dlow), 0.0)
        dpull = np.where(alive, mu / above - self.pull - b * (dhigh - dz), 0.0)
        return _Step(moments, multipliers, dz, dv, dpush, dpull)

    def _longest(self, step: _Step) -> float:
        """Return the length of a step that keeps the multipliers and moments inside."""
        length = min(
            longest_step(self.push, step.push),
            longest_step(self.pull, step.pull),
            self.term.largest_step(),
        )
        parts = zip(self.sides, step.moments, step.multipliers, strict=True)
        for side, (dm, dM), dZ in parts:
            length = min(
                length, cone_ratio(side.whole, joined(dm, dM)), cone_ratio(side.Z, dZ)
            )
        return min(1.0, STEP * length)

    def _move(self, step: _Step, length: float) -> bool:
        """Go there, unless a row's bounds cross."""
        before = self.sides, self.z, self.spreads, self.low, self.high
        try:
            self.sides = [
                _Side(side.m + length * dm, side.M + length * dM, side.Z + length * dZ)
                for side, (dm, dM), dZ in zip(
                    self.sides, step.moments, step.multipliers, strict=True
                )
            ]
        except np.linalg.LinAlgError:
            return False
        self.z = self.z + length * step.z
        self.look()
        below, above = self.gaps()
        if not (np.all(below > 0.0) and np.all(above > 0.0)):
            self.sides, self.z, self.spreads, self.low, self.high = before
            return False
        self.push = self.push + length * step.push
        self.pull = self.pull + length * step.pull
        self.term.move(length, self.z, step.v)
        return True
