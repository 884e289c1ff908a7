"""Bound the largest price chamber by chamber, over a listing that is proven."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from arrangement import InputError, PatternSet, iter_patterns
from convex_solver._kernels.certify import price_block
from convex_solver.reading import Data
from convex_solver.rounding import U
from convex_solver.typing import Array


@dataclass(frozen=True)
class _Price:
    largest: float
    n_patterns: int | None
    n_cones: int | None
    bound: int
    proof: str


def _by_chambers(
    data: Data, v: Array, patterns: PatternSet | None, deadline: float = math.inf
) -> _Price:
    """Price chamber by chamber: of a stream that proves itself, or a proven list.

    Past ``deadline`` (of `time.monotonic`) nothing is known: the bound is infinite.
    """
    if patterns is not None and patterns.proof is None:
        raise InputError("patterns carry no proof; use enumerate_patterns(X).")
    stream = iter_patterns(data.arrangement, facets=True, prove=patterns is None)
    parts: list[NDArray[np.uint64]] = []
    count = 0
    best = 0.0
    slack = _slack(data, v)
    for block in stream:
        if time.monotonic() > deadline:
            return _Price(math.inf, count, None, stream.bound, "no time was left")
        count += len(block)
        if patterns is not None:
            parts.append(block.packed.copy())
        largest = _largest(data, block, v, slack)
        if math.isnan(largest):  # overflow: nothing is known, and max() would drop it
            largest = math.inf
        best = max(best, largest)
    # Underflow: a vector with entries below 1e-154 has a computed norm of zero, and
    # products lose less than 1e-323 each.  Above 1e-134 the factors of the kernel
    # cover that, below it this term does.
    best = best + 1e-150 if np.any(v) else best
    if patterns is None:
        return _Price(best, count, None, stream.bound, str(stream.proof))
    # the chambers priced are those of the proven list, bit for bit, in whatever order
    if not np.array_equal(_ordered(np.concatenate(parts)), _ordered(patterns.packed)):
        raise InputError("patterns are not the listing of these data; leave them out.")
    return _Price(best, count, None, patterns.bound, str(patterns.proof))


def _ordered(packed: NDArray[np.uint64]) -> NDArray[np.uint64]:
    return packed[np.lexsort(packed.T)]


def _slack(data: Data, v: Array) -> float:
    """Bound what rounding adds to a price.

    ``g = X^T D v`` is a sum of at most n products: its error is below
    ``sum |v_i| (|x_i| (n + 4) u + e_i)``, whatever D.  One more ``u |v_i| |x_i|``
    covers the rounding of ``t v`` later.
    """
    n = data.X.shape[0]
    size = np.abs(data.X) * ((n + 8) * U) + data.X_error
    return float(np.linalg.norm(np.abs(v) @ size)) * (1.0 + 2.0**-30)


def _largest(data: Data, block: PatternSet, v: Array, slack: float) -> float:
    """Upper bound of the largest price over some chambers and both signs."""
    facets = block.facets()
    starts = np.cumsum([0, *map(len, facets)], dtype=np.int64)
    flat = np.concatenate([*facets, np.zeros(0, dtype=np.int64)])
    prices = np.zeros((len(block), 2))
    price_block(block.packed, starts, flat, data.X, data.X_error, v, slack, prices)
    return float(prices.max())
