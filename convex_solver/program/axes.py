"""Principal axes of the data, and the sizes of their columns along these.

A rotation keeps the norms of weights, and the columns ``X V`` are orthogonal.  They
are of very unlike sizes where the mean of a column is far above its spread (years,
pressure in hPa, map coordinates): a mean 10^5 times the spread makes chambers 10^10
times as thin in one direction as in the others.  Geometry is then done in coordinates
``z = s u``, in which all columns ``X V / s`` are of one size, and norms are taken of
``u = z / s``.
"""

from __future__ import annotations

import numpy as np

from convex_solver.rounding import product_in_two_words
from convex_solver.typing import Array

# Columns whose sizes differ by more than this are found by sums in two words: rounding
# X V once leaves the smallest 2**-53 of the largest.
UNLIKE = 2.0**10
# Powers of two between the largest column and the smallest, at most.
MOST_UNLIKE = 45.0


def principal_axes(X: Array, rank: int) -> tuple[Array, Array]:
    """Return ``(X V, V)``, V (d, rank) with orthonormal columns, the largest first."""
    _, sizes, vt = np.linalg.svd(X, full_matrices=False)
    basis = np.ascontiguousarray(vt[:rank].T)
    if rank and sizes[0] > UNLIKE * sizes[rank - 1]:
        return rotated(X, basis), basis
    return np.ascontiguousarray(X @ basis), basis


def rotated(X: Array, basis: Array) -> Array:
    """Return ``X V`` as if summed in twice the digits and rounded once."""
    high, low, _ = product_in_two_words(X, basis)
    return high + low


def column_sizes(X: Array) -> Array:
    """Return powers of two near the root mean squares of the columns, (r,).

    They are relative to the smallest, which is 1: numbers as large or as small as
    float64 allows then keep their squares.  Dividing by them rounds nothing, and
    columns of zeros count as the smallest.  All are 1 where float64 has no digits for
    both the largest and the smallest.
    """
    largest = np.abs(X).max(axis=0, initial=0.0)
    is_used = largest > 0.0
    if not np.any(is_used):
        return np.ones(X.shape[1])
    largest = np.where(is_used, largest, 1.0)
    squares = np.sum((X / largest) ** 2, axis=0) / max(len(X), 1)
    exponents = np.log2(largest) + 0.5 * np.log2(np.where(is_used, squares, 1.0))
    exponents = np.where(is_used, np.round(exponents), np.inf)
    exponents = np.where(is_used, exponents - exponents.min(), 0.0)
    if exponents.max() > MOST_UNLIKE:
        return np.ones(X.shape[1])
    return np.asarray(np.exp2(exponents))
