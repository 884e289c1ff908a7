"""Symmetric matrices as vectors, such that inner products stay what they are."""

from __future__ import annotations

import math

import numpy as np

from convex_solver.typing import Array


class Packing:
    """Symmetric r x r matrices as vectors of ``size = r (r + 1) / 2`` numbers.

    Entries off the diagonal come once, times ``sqrt 2``: ``<A, B> = pack(A).pack(B)``.

    Parameters
    ----------
    r : int
        At least 1.
    """

    def __init__(self, r: int) -> None:
        self.r = r
        self.i, self.j = np.triu_indices(r)
        self.scale = np.where(self.i == self.j, 1.0, math.sqrt(2.0))
        self.size = self.i.size
        self.identity = self.pack(np.eye(r))

    def pack(self, matrix: Array) -> Array:
        """Return matrices (..., r, r), symmetric, as vectors (..., size)."""
        return np.asarray(matrix[..., self.i, self.j] * self.scale)

    def unpack(self, vector: Array) -> Array:
        """Return the matrices (..., r, r) of vectors (..., size)."""
        matrix = np.zeros((*vector.shape[:-1], self.r, self.r))
        matrix[..., self.i, self.j] = vector / self.scale
        matrix[..., self.j, self.i] = matrix[..., self.i, self.j]
        return matrix

    def outer(self, x: Array, y: Array) -> Array:
        """Return ``(x y^T + y x^T) / 2`` of vectors (..., r), packed (..., size)."""
        shape = np.broadcast_shapes(x.shape, y.shape)[:-1]
        packed = np.empty((*shape, self.size))
        root = math.sqrt(0.5)
        start = 0
        for i in range(self.r):
            stop = start + self.r - i
            part = packed[..., start:stop]
            np.multiply(x[..., i, None], y[..., i:], out=part)
            part += y[..., i, None] * x[..., i:]
            part *= root
            packed[..., start] *= root
            start = stop
        return packed

    def kronecker(self, a: Array, b: Array) -> Array:
        """Return the matrices of ``Y -> (a Y b + b Y a) / 2`` (..., size, size).

        ``a`` and ``b`` (..., r, r) are symmetric.
        """
        i, j = self.i[:, None], self.j[:, None]
        k, m = self.i[None, :], self.j[None, :]
        total = a[..., j, k] * b[..., m, i] + a[..., j, m] * b[..., k, i]
        total += a[..., i, k] * b[..., m, j] + a[..., i, m] * b[..., k, j]
        if a is not b:
            total += b[..., j, k] * a[..., m, i] + b[..., j, m] * a[..., k, i]
            total += b[..., i, k] * a[..., m, j] + b[..., i, m] * a[..., k, j]
            total *= 0.5
        return np.asarray(0.25 * self.scale[:, None] * self.scale[None, :] * total)
