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
from typing import NamedTuple

import numpy as np
import scipy.linalg as la

from convex_solver.losses import DataTerm
from convex_solver.restricted.direction import Direction
from convex_solver.restricted.fitted_iterate import FittedIterate
from convex_solver.restricted.iterate import Iterate
from convex_solver.restricted.working_set import WorkingSet
from convex_solver.typing import Array


class Way(NamedTuple):
    """How a solve goes about it."""

    share: float
    is_far: bool = False
    growth: float = 1.0
    is_fitted: bool = False


MAX_ITERATIONS = 150
# The least centring of a corrector, relative to the complementarity.
LEAST_CENTRING = 1e-6
# Ways of a solve: the complementarity is not aimed below ``share`` of the residuals, at
# the weights there are, or, where it is far, at those that there may be; the first
# weights are so many times larger.  The second and third are tried where the first ends
# at so many times the gap that is asked for, and above one that is enough, mostly; the
# others where they are lost: weights of thin chambers of raw columns may have to grow
# by 10^9.
WAYS = (
    Way(0.3, is_fitted=True),
    Way(1.0),
    Way(0.0),
    Way(10.0, is_far=True, growth=1e4),
    Way(0.3, is_far=True, growth=1e6),
)
LOST = 1e-3
FAR, FINEST = 10.0, 1e-7
# Careful systems come after one iteration without progress, or so many more where they
# take longer than all else: of more samples than this.
CHEAP, WAIT = 300, 2
# A corrected step below these, on its own and beside the predictor's, is done without.
SHORT, SHORTER = 1e-3, 0.1
NO_STEP = 1e-10
# Iterations without this much progress, of any measure, that end a run: fewer of them
# when the gap is small.
PROGRESS = 0.97
PATIENCE, LAST_PATIENCE, SMALL_GAP = 10, 3, 1e-7


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
        if np.isinf(self.primal):
            return 1.0
        return (self.primal - self.dual) / self.primal

    def better(self, other: RestrictedSolution) -> RestrictedSolution:
        """Return the weights of the one and the dual point of the one or the other."""
        best = self
        if other.primal < best.primal:
            best = replace(best, weights=other.weights, primal=other.primal)
        if other.dual > best.dual:
            best = replace(best, v=other.v, dual=other.dual, prices=other.prices)
        return best


class InteriorPoint:
    """One solve: an iterate, the directions from it, and the best point so far."""

    def __init__(
        self,
        blocks: WorkingSet,
        data: DataTerm,
        beta: float,
        way: Way = WAYS[0],
    ) -> None:
        self.way = way
        self.iterate = self._begin(blocks, data, beta)
        self.direction = Direction(self.iterate)
        self.best: RestrictedSolution | None = None
        self.stalled, self.least = 0, np.full(4, np.inf)
        self.noted: tuple[float, float] | None = None

    def _begin(self, blocks: WorkingSet, data: DataTerm, beta: float) -> Iterate:
        """Return where the way begins."""
        if self.way.is_fitted and blocks.is_raw:
            try:
                return FittedIterate(blocks, data, beta)
            except (ZeroDivisionError, la.LinAlgError):
                pass  # numbers that are too large or too small for it
        return Iterate(blocks, data, beta, self.way.growth)

    def run(self, tol: float, deadline: float = np.inf) -> RestrictedSolution:
        """Iterate to a relative gap of ``tol``, or until no progress is left.

        Where numbers overflow from the start on, the solution is the zero network.
        """
        spent = 0.0
        for iteration in range(MAX_ITERATIONS):
            begin = time.monotonic()
            best = self.note(iteration)
            if best is None or best.gap <= tol:
                break
            patience = PATIENCE if best.gap > SMALL_GAP else LAST_PATIENCE
            # an iteration is not cut short: none is begun that would end much later
            if self.stalled >= patience or begin + 0.5 * spent > deadline:
                break
            if not self.advance():
                break
            spent = time.monotonic() - begin
        if self.best is None or np.isinf(self.best.primal):
            return self._nothing()
        return self.best

    def _nothing(self) -> RestrictedSolution:
        """Return the zero network and the zero dual point, which bounds at zero."""
        at = self.iterate
        primal = at.data.value(np.zeros_like(at.z))
        prices = np.zeros(len(at.t))
        return RestrictedSolution(
            np.zeros_like(at.w), np.zeros_like(at.v), primal, 0.0, prices, 0
        )

    def merits(self) -> tuple[float, float]:
        """Complementarity, and what the residuals can change in the duality gap."""
        complementarity, residual = self.iterate.merits(self.direction.step)
        if self.way.is_far:
            residual = max(residual, self.iterate.at_most())
        return complementarity, residual

    def note(self, iteration: int) -> RestrictedSolution | None:
        """Measure the iterate and keep what is best; None if it is not finite."""
        at = self.iterate
        at.measure()
        primal, dual, prices = at.bounds()
        is_lost = np.isnan(primal) or (np.isinf(primal) and not at.may_overflow)
        if is_lost or not at.is_finite:
            return None
        self.noted = self.merits()
        merits = np.array([primal - dual, 1.0 / max(dual, 1e-300), *self.noted])
        has_gained = np.any(merits < PROGRESS * self.least)
        self.stalled = 0 if has_gained else self.stalled + 1
        self.least = np.minimum(self.least, merits)
        best = self.best or RestrictedSolution(at.w, at.v, np.inf, dual, prices, 0)
        if primal < best.primal:
            best = replace(best, weights=at.w, primal=primal)
        if dual > best.dual:
            best = replace(best, v=at.v, dual=dual, prices=prices)
        self.best = replace(best, iterations=iteration)
        return self.best

    def advance(self) -> bool:
        """Take a step; False if there is none, or a cone is flat to rounding."""
        is_small = self.iterate.z.size <= CHEAP
        if self.stalled > (0 if is_small else WAIT):
            self.direction.take_care()
        try:
            return self._predict_and_correct()
        except (ZeroDivisionError, la.LinAlgError):  # the former of a kernel
            return False

    def _predict_and_correct(self) -> bool:
        """Mehrotra's predictor and corrector."""
        at, direction = self.iterate, self.direction
        total = direction.scale()
        if not total > 0.0:
            return False
        direction.factorise()
        direction.aim(0.0, False)
        predicted = at.largest_step(direction.step)
        left = max(at.complementarity(direction.step, predicted) / total, 0.0)
        # where it falls far below the residuals, steps become short for good
        residual = (self.noted or self.merits())[1]
        behind = self.way.share * residual / total
        mu = total / at.n_pairs * min(max(left**3, LEAST_CENTRING, behind), 1.0)
        direction.aim(mu, True)
        length = at.largest_step(direction.step)
        is_short = length < SHORT and length < SHORTER * predicted
        if is_short and at.term.is_quadratic:
            # far from the path the second-order term does harm
            direction.aim(mu, False)
            length = at.largest_step(direction.step)
        if not np.isfinite(length) or length < NO_STEP:
            return False
        at.move(direction.step, length, direction.dv)
        self.noted = None
        return at.is_inside


def solve_restricted(
    blocks: WorkingSet,
    data: DataTerm,
    beta: float,
    tol: float,
    *,
    enough: float = FINEST,
    deadline: float = np.inf,
) -> RestrictedSolution:
    """Solve the program over ``blocks`` to a relative gap of ``tol`` if it can.

    Where it ends above that and above ``enough``, other ways are tried.  Past
    ``deadline`` (of `time.monotonic`) the best point so far is returned.
    """
    best: RestrictedSolution | None = None
    iterations = 0
    for way in WAYS:
        if best is not None and way.is_far and best.gap <= LOST:
            break
        with np.errstate(all="ignore"):
            found = InteriorPoint(blocks, data, beta, way).run(tol, deadline)
        iterations += found.iterations
        best = found if best is None else best.better(found)
        is_enough = best.gap <= max(FAR * tol, enough)
        if is_enough or time.monotonic() > deadline:
            break
    assert best is not None
    return replace(best, iterations=iterations)
