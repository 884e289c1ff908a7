"""Worked examples of `fold` along the tree of chambers: one row changes a step.

Each is a compiled visitor and a short function around it.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrangement import Arrangement, fold


@numba.njit
def bit_of(pattern: Any, i: int) -> bool:
    """Bit of row i in a packed pattern."""
    return pattern[i >> 6] >> np.uint64(i & 63) & np.uint64(1) != 0


@numba.njit
def visit_sums(state, pattern, witness, changed, depth, is_new):
    """Keep ``sum of values over bits 1``; remember the pattern that brings it nearest.

    ``state``: values (n,), target and running sum and least distance (3,), all int64,
    the pattern (words,) and the witness (d,) there.
    """
    values, numbers, best, point = state
    if depth == 0 and is_new:
        for i in range(values.size):
            if bit_of(pattern, i):
                numbers[1] += values[i]
    for i in changed:
        numbers[1] += values[i] if bit_of(pattern, i) else -values[i]
    distance = abs(numbers[1] - numbers[0])
    if is_new and distance < numbers[2]:
        numbers[2] = distance
        best[:] = pattern
        point[:] = witness


def nearest_sum(
    X: Any, values: ArrayLike, target: int, *, offsets: ArrayLike | None = None
) -> tuple[int, NDArray[np.uint64], NDArray[np.float64]]:
    """Least ``|sum of values over the rows on the positive side - target|``.

    Returns it with the pattern and a point of its chamber.  ``values`` (n,) are ints;
    sums below 2**62.
    """
    arrangement = Arrangement.coerce(X, offsets=offsets)
    n = arrangement.n_hyperplanes
    numbers = np.array([target, 0, 2**62], dtype=np.int64)
    best = np.zeros(-(-n // 64), dtype=np.uint64)
    point = np.zeros(arrangement.dimension + (not arrangement.is_central))
    state = (np.asarray(values, dtype=np.int64), numbers, best, point)
    fold(arrangement, visit_sums, state, order="tree")
    return int(numbers[2]), best, point


def most_balanced(
    X: Any, weights: ArrayLike
) -> tuple[int, NDArray[np.uint64], NDArray[np.float64]]:
    """Split the rows by a hyperplane so that the weights of both sides differ least.

    Returns the difference, the pattern and a point.  ``2 sum(+) - total``.
    """
    doubled = 2 * np.asarray(weights, dtype=np.int64)
    return nearest_sum(X, doubled, int(doubled.sum()) // 2)


def tukey_depth(points: ArrayLike, z: ArrayLike) -> int:
    """Fewest ``points`` (n, d) in a closed half-space that has ``z`` (d,) in it.

    Tukey (1975).  The half-space may be taken with z on its boundary: count
    ``(p_i - z) . u >= 0`` (differences are exact).  On a lower face some of these are
    zero, and count; next to it, in a chamber, no more do; so chambers suffice, and a
    point equal to z counts everywhere.
    """
    center = [Fraction(x) for x in np.asarray(z).tolist()]
    rows = np.array(
        [
            [Fraction(x) - c for x, c in zip(point, center, strict=True)]
            for point in np.asarray(points).tolist()
        ],
        dtype=object,
    )
    return nearest_sum(rows, np.ones(len(rows), dtype=np.int64), 0)[0]


def zero_one_loss(
    points: ArrayLike, labels: ArrayLike, *, floats: str = "binary"
) -> tuple[int, NDArray[np.float64]]:
    """Fewest errors of a classifier ``1[points w + b >= 0]``, exactly, and its (w, b).

    A point on the boundary gets label 1.  Chambers suffice: from weights with points on
    the boundary, raising b a little keeps all labels.  The errors are a constant minus
    the sum of ``+-1`` over the points with bit 1: an error less for a 1, one more for a
    0.
    """
    y = np.asarray(labels, dtype=bool)
    data = np.asarray(points)
    ones = np.ones((len(data), 1), dtype=data.dtype)
    X = Arrangement(np.concatenate([data, ones], axis=1), floats=floats)
    # errors = ones + sum over bits 1 of (1 - 2 y), at least 0
    errors, _, weights = nearest_sum(X, np.where(y, -1, 1), -int(y.sum()))
    return errors, weights
