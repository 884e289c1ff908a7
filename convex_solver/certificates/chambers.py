"""Bound the largest price chamber by chamber, over a listing that is proven."""

from __future__ import annotations

import math
import time
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from arrangement import InputError, PatternSet, WorkersLostError, iter_patterns
from convex_solver._kernels.certify import Chambers, Weighted, price_block
from convex_solver.certificates.elsewhere import warn_of_loss
from convex_solver.leaves import Hint
from convex_solver.reading import Data, check_kind
from convex_solver.rounding import LEAST, U, frobenius_above, scaled_above, times_above
from convex_solver.typing import Array

# What norms below 1e-154, whose squares underflow, are taken to be at least; relative
# to rows and weights of about one, as the kernel gets them.
FLOOR = 1e-150


@dataclass(frozen=True)
class Price:
    """A bound of ``|v^T (X u)_+|``, ``|u| <= 1``, and why it is one."""

    largest: float
    n_patterns: int | None
    n_cones: int | None
    bound: int
    proof: str
    leaves: tuple[Hint, ...] = ()


def price_chambers(
    data: Data,
    v: Array,
    patterns: PatternSet | None,
    deadline: float = math.inf,
    executor: Executor | None = None,
) -> Price:
    """Price chamber by chamber: of a stream that proves itself, or a proven list.

    Past ``deadline`` (of `time.monotonic`) nothing is known: the bound is infinite.
    The chambers are listed on an executor, if there is one.
    """
    if patterns is not None:
        check_kind(patterns, PatternSet, "patterns")
    if patterns is not None and patterns.proof is None:
        raise InputError("patterns carry no proof; use enumerate_patterns(X).")
    try:
        return _price(data, v, patterns, deadline, executor)
    except WorkersLostError:
        warn_of_loss()
        return _price(data, v, patterns, deadline, None)


def _price(
    data: Data,
    v: Array,
    patterns: PatternSet | None,
    deadline: float,
    executor: Executor | None,
) -> Price:
    stream = iter_patterns(
        data.arrangement, facets=True, prove=patterns is None, executor=executor
    )
    parts: list[NDArray[np.uint64]] = []
    count = 0
    best = 0.0
    rows = ScaledRows.of(data, v)
    for block in stream:
        if time.monotonic() > deadline:
            return Price(math.inf, None, None, stream.bound, "no time was left")
        count += len(block)
        if patterns is not None:
            parts.append(block.packed.copy())
        largest = rows.largest(block)
        if math.isnan(largest):  # overflow: nothing is known, and max() would drop it
            largest = math.inf
        best = max(best, largest)
    best = scaled_above(best + FLOOR, rows.exponent) if np.any(v) else best
    if patterns is None:
        return Price(best, count, None, stream.bound, str(stream.proof))
    # the chambers priced are those of the proven list, bit for bit, in whatever order
    if not np.array_equal(_ordered(np.concatenate(parts)), _ordered(patterns.packed)):
        raise InputError("patterns are not the listing of these data; leave them out.")
    return Price(best, count, None, patterns.bound, str(patterns.proof))


def _ordered(packed: NDArray[np.uint64]) -> NDArray[np.uint64]:
    return packed[np.lexsort(packed.T)]


@dataclass(frozen=True, eq=False)
class ScaledRows:
    """``v^T (X u)_+ = 2^exponent weights^T (X u)_+`` with rows of about one.

    Each row is scaled by a power of two and its weight by the inverse: exactly, but for
    what underflows, and ``slack`` holds that.  So no product of the kernel overflows,
    and none that underflows is near a bound.
    """

    X: Array
    error: Array
    weights: Array
    slack: float
    exponent: int

    @classmethod
    def of(cls, data: Data, v: Array) -> ScaledRows:
        """Return the rows of data with the weights of a dual point."""
        sizes = np.abs(data.X) + data.X_error
        own = np.frexp(sizes.max(axis=1, initial=0.0))[1].astype(np.int64)
        X = np.ldexp(data.X, -own[:, None])
        # entries that underflow beside one of about one
        error = np.ldexp(data.X_error, -own[:, None]) + LEAST
        mantissas, powers = np.frexp(v)
        powers = powers.astype(np.int64) + own
        exponent = int(powers[v != 0.0].max(initial=-(10**4)))
        weights = np.ldexp(mantissas, np.maximum(powers - exponent, -(10**4)))
        slack = _slack(X, error, weights)
        return cls(X, error, weights, slack, exponent)

    def largest(self, block: PatternSet) -> float:
        """Upper bound of the largest price over some chambers and both signs."""
        return float(self.prices(block).max())

    def prices(self, block: PatternSet) -> Array:
        """Upper bounds of the prices of some chambers, (P, 2), one for each sign."""
        facets = block.facets()
        starts = np.cumsum([0, *map(len, facets)], dtype=np.int64)
        flat = np.concatenate([*facets, np.zeros(0, dtype=np.int64)])
        prices = np.zeros((len(block), 2))
        chambers = Chambers(block.packed, starts, flat)
        weighted = Weighted(self.X, self.error, self.weights, self.slack)
        price_block(chambers, weighted, prices)
        return prices


def _slack(X: Array, error: Array, weights: Array) -> float:
    """Bound what rounding adds to a price.

    ``g = X^T D v`` is a sum of at most n products: its error is below
    ``sum |v_i| (|x_i| (n + 4) u + e_i)``, whatever D.  One more ``u |v_i| |x_i|``
    covers the rounding of ``t v`` later.
    """
    n, d = X.shape
    size = np.abs(X) * ((n + 8) * U) + error
    rounding = frobenius_above(times_above(np.abs(weights)[None, :], size))
    return float(rounding + n * math.sqrt(d) * LEAST)
