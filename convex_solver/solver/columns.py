"""The working set of a run of column generation: what comes in, what goes out."""

from __future__ import annotations

import numpy as np

from convex_solver.restricted import RestrictedSolution, empty_set
from convex_solver.rounding import lengths
from convex_solver.solver.pricing import Maxima
from convex_solver.typing import Array

# Blocks with a price below this share of beta and next to no weight are dropped.
UNUSED = 0.8
# Bytes that the working set may take.
MAX_BYTES = 5e8
# Up to this share of them, those that are not needed are kept where rows are many.
SPARED = 0.4


class Columns:
    """Chambers with a sign, as the blocks of the master problem.

    Attributes
    ----------
    blocks : WorkingSet
    deadline : float
        Of `time.monotonic`; past it no more are added.
    """

    def __init__(self, X: Array, n_patches: int, deadline: float) -> None:
        self.blocks = empty_set(X, n_patches)
        self.deadline = deadline
        self.n_samples = X.shape[0] // n_patches

    def add(self, directions: Array, signs: Array) -> int:
        """Add the chambers of directions (k, r); return how many were new."""
        added = first = 0
        while not len(self.blocks) and first < len(directions):
            # without any block there is nothing to solve, so one is there in any case
            one = slice(first, first + 1)
            added += self.blocks.add(directions[one], signs[one])
            first += 1
        rest = directions[first:], signs[first:]
        return added + self.blocks.add(*rest, self.deadline)

    def cut(self, weights: Array) -> int:
        """Add rows to cones that weights (G, r) break; return how many."""
        return self.blocks.cut(weights, self.deadline)

    def add_both(self, directions: Array) -> int:
        """Add the chambers of directions (k, r), with both signs."""
        both = np.repeat([1.0, -1.0], len(directions))
        return self.add(np.vstack([directions, directions]), both)

    def add_breaking(self, maxima: Maxima, price: float) -> int:
        """Add the chambers of the maxima above a price; return how many were new."""
        breaking = maxima.values > price
        return self.add(maxima.near[breaking], maxima.signs[breaking])

    def prune(self, solution: RestrictedSolution, beta: float) -> None:
        """Drop blocks that are far from use, so that master problems stay small.

        None is dropped twice.  So a round adds a block that never was there, or one
        that stays, and a run, whose rounds add some until the last, comes to an end.
        """
        r = self.blocks.X.shape[1]
        is_small = len(self.blocks) * r <= self.n_samples + 30 * r
        if is_small and self.blocks.nbytes <= SPARED * MAX_BYTES:
            return
        norms = lengths(solution.weights)
        used = norms > 1e-3 * norms.max(initial=0.0)
        used |= solution.prices > UNUSED * beta
        self.blocks.keep(used | self.blocks.has_returned())

    @property
    def is_full(self) -> bool:
        """Whether the working set has reached its memory."""
        return self.blocks.nbytes > MAX_BYTES
