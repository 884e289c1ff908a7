"""The search for large prices in a run of column generation: climbs and coverings."""

from __future__ import annotations

import math
import time
from concurrent.futures import Executor
from typing import Any

import numpy as np

from convex_solver.certificates import COVERED_RANK, cover_sphere
from convex_solver.program import ConvexProgram, rotated
from convex_solver.rounding import lengths
from convex_solver.solver.pricing import Maxima, Pricer
from convex_solver.typing import Array

# Random starts of a pricing round, for each dimension and at least, and of the first
# round.  With few of them rounds are many where betas are small.
N_RANDOM, N_LEAST = 20, 180
N_FIRST = 60
# Share of these in high rank at first, and where neurons move: a climb is long there,
# and those from what is known find more.
FEW = 0.2
# Rank from which a climb, some r steps of n r operations, is too long for so many.
HIGH = 10.0
# Maxima that a covering may return.
N_PEAKS = 200
# Share of the cones, 1 in so many, that a covering may look for all of them with.
EACH = 10
# Distance of a covering's bound from what it is to find, at most.
COARSE = 0.05
# Maxima with a price above this share of beta are where the next climbs start too.
PROMISING = 0.9


class Search:
    """The maxima of the price that are known, for the last dual point asked about.

    Attributes
    ----------
    maxima : Maxima
    n_cones : int
        What the last covering took.
    seconds : float
        About what all of it would have taken.
    """

    def __init__(
        self,
        program: ConvexProgram,
        X: Array,
        basis: Array,
        v: Array,
        seed: int,
        deadline: float,
        n_jobs: int,
        executor: Executor | None = None,
    ) -> None:
        self.program, self.X, self.basis = program, X, basis
        self.deadline = deadline
        self.n_jobs, self.executor = n_jobs, executor
        self.pricer = Pricer(X, program.arrangement, seed, n_jobs)
        self.n_cones, self.seconds = 0, 0.0
        none = np.zeros((0, X.shape[1]))
        n_first = self._count(N_FIRST)
        if program.rank > COVERED_RANK:
            n_first = int(FEW * n_first)
        self.maxima = self._climb(v, none, np.zeros(0), n_first)

    def _count(self, per_dimension: int, least: int = 0) -> int:
        """Random starts: fewer where a climb is long."""
        r = self.X.shape[1]
        share = min(1.0, (HIGH / max(r, 1)) ** 2)
        return int(max(10.0, max(per_dimension * r, least) * share))

    def _climb(self, v: Array, seeds: Array, signs: Array, n_random: int) -> Maxima:
        spread = self.program.spread(v)
        return self.pricer.maxima(spread, seeds, n_random, self.deadline, signs)

    def random_directions(self, per_dimension: int, most: float) -> Array:
        """Return some directions (k, r): fewer for many rows, and at most so many."""
        n = len(self.X)
        count = max(10.0, self._count(per_dimension) * min(1.0, 1000.0 / n))
        return self.pricer.random_directions(int(min(count, max(most, 2.0))))

    def climb(
        self, v: Array, weights: Array, signs: Array, *, is_near: bool = False
    ) -> None:
        """Climb from the neurons of a master problem, the last maxima, and at random.

        ``weights`` (G, r) and ``signs`` (G,); neurons of next to no weight are left
        out.  Where the neurons are near the best ones, random starts are fewer in high
        rank.
        """
        norms = lengths(weights)
        active = norms > 1e-6 * norms.max(initial=0.0)
        last = self.promising()
        seeds = np.vstack([weights[active], last.directions])
        both = np.concatenate([signs[active], last.signs])
        n_random = self._count(N_RANDOM, N_LEAST)
        if is_near and self.program.rank > COVERED_RANK:
            n_random = int(FEW * n_random)
        self.maxima = self._climb(v, seeds, both, n_random)

    def promising(self) -> Maxima:
        """Return the maxima that nearly break the dual constraint, or do."""
        return self.maxima.above(PROMISING * self.program.beta)

    def cover(
        self, v: Array, margin: float, max_cones: int, deadline: float = math.inf
    ) -> Maxima:
        """Return maxima that a covering leads to, above ``beta (1 + margin)``.

        A covering sees every direction, so what it finds is what random starts did
        not.  Its bound is not used: the certificate makes its own.
        """
        begin = time.monotonic()
        # raw columns have their maxima beside a principal axis, where all orthants
        # meet, and in a few of the orthants of their own axes
        is_own = self.program.d == self.X.shape[1]
        basis = self.basis if is_own else np.eye(self.X.shape[1])
        options: dict[str, Any] = {
            "floor": self.program.beta * (1.0 + margin),
            "rtol": min(max(margin, 1e-11), COARSE),
            "hints": self.maxima.directions[:N_PEAKS] @ basis.T,
            "deadline": min(deadline, self.deadline),
            "n_jobs": self.n_jobs,
            "executor": self.executor,
        }
        X, spread = self.program.X if is_own else self.X, self.program.spread(v)
        found = cover_sphere(
            X, spread, n_peaks=N_PEAKS, max_cones=max_cones // EACH, **options
        )
        peaks, values = found.peaks, found.peak_values
        if not found.is_reached:
            # far above beta there is too much to look at: the largest value alone
            found = cover_sphere(X, spread, max_cones=max_cones, **options)
            peaks = np.vstack([peaks, found.direction])
            sign = np.sign(self.pricer.evaluate(spread, peaks[-1:] @ basis))
            values = np.concatenate([values, sign])
        self.n_cones = found.n_cones
        self.seconds = (time.monotonic() - begin) / max(found.share, 1e-9)
        peaks, values = peaks[values != 0.0], values[values != 0.0]
        return self._climb(v, rotated(peaks, basis), -np.sign(values), 0)
