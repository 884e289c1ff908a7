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

from arrangement.exact import exact_product
from convex_solver.typing import Array

# Columns whose sizes differ by more than this are found by sums in two words: rounding
# X V once leaves the smallest 2**-53 of the largest.
UNLIKE = 2.0**10
# Between them products in two words are exact.
SMALL, LARGE = 1e-120, 1e120


def principal_axes(X: Array, rank: int) -> tuple[Array, Array]:
    """Return ``(X V, V)``, V (d, rank) with orthonormal columns, the largest first."""
    _, sizes, vt = np.linalg.svd(X, full_matrices=False)
    basis = np.ascontiguousarray(vt[:rank].T)
    if rank and sizes[0] > UNLIKE * sizes[rank - 1]:
        return rotated(X, basis), basis
    return np.ascontiguousarray(X @ basis), basis


def rotated(X: Array, basis: Array) -> Array:
    """Return ``X V`` as if summed in twice the digits and rounded once.

    Dot2 of Ogita, Rump & Oishi (2005), for all entries at once.  Numbers too large or
    small for that are multiplied in float64.
    """
    sizes = np.abs(np.concatenate([X.ravel(), basis.ravel()]))
    if np.any((sizes != 0.0) & ((sizes < SMALL) | (sizes > LARGE))):
        return np.ascontiguousarray(X @ basis)
    total = np.zeros((X.shape[0], basis.shape[1]))
    rest = np.zeros_like(total)
    for column, row in zip(X.T, basis, strict=True):
        p, error = exact_product(column[:, None], row[None, :])
        high = total + p
        back = high - total
        rest += error + ((total - (high - back)) + (p - back))
        total = high
    return total + rest


def column_sizes(X: Array) -> Array:
    """Return powers of two near the root mean squares of the columns, (r,).

    Dividing by them rounds nothing.  The size of a column of zeros is 1.
    """
    largest = np.abs(X).max(axis=0, initial=0.0)
    is_used = largest > 0.0
    largest = np.where(is_used, largest, 1.0)
    squares = np.sum((X / largest) ** 2, axis=0) / max(len(X), 1)
    exponents = np.log2(largest) + 0.5 * np.log2(np.where(is_used, squares, 1.0))
    # where neither a size nor its inverse leaves float64
    return np.asarray(np.exp2(np.clip(np.round(exponents), -1000.0, 1000.0)))
