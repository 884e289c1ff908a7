"""Symmetric matrices as vectors, such that inner products stay what they are."""

from __future__ import annotations

import math
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from convex_solver.typing import Array

Indices: TypeAlias = NDArray[np.intp]


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
        # of rows (i, j) and columns (k, m): with b instead of a in turn they come twice
        ik, im, jk, jm = self._entries(a)
        if a is b:
            total = im * jk
            total += ik * jm
            total *= 2.0
        else:
            other_ik, other_im, other_jk, other_jm = self._entries(b)
            total = jk * other_im
            for first, second in ((im, other_jk), (jm, other_ik), (ik, other_jm)):
                first *= second
                total += first
        total *= 0.25 * self.scale[:, None] * self.scale[None, :]
        return np.asarray(total)

    def _entries(self, a: Array) -> tuple[Array, Array, Array, Array]:
        """Return ``a_ik``, ``a_im``, ``a_jk`` and ``a_jm`` (..., size, size)."""
        first, second = np.take(a, self.i, axis=-2), np.take(a, self.j, axis=-2)
        ik, im = np.take(first, self.i, axis=-1), np.take(first, self.j, axis=-1)
        jk, jm = np.take(second, self.i, axis=-1), np.take(second, self.j, axis=-1)
        return ik, im, jk, jm

    def add_products(self, out: Array, a: Array) -> None:
        """Add ``kronecker(a, eye(r))``, of which most entries are zero, to ``out``."""
        for row, column, i, k, scale in self._alike:
            out[..., row, column] += scale * a[..., i, k]

    @cached_property
    def _alike(self) -> list[tuple[Indices, Indices, Indices, Indices, Array]]:
        """Return where two of four indices agree, the other two, and scales."""
        ends, found = (self.i, self.j), []
        for one, other in ((self.i, self.j), (self.j, self.i)):
            for k, m in (ends, ends[::-1]):
                rows, columns = np.nonzero(one[:, None] == k[None, :])
                scale = 0.25 * self.scale[rows] * self.scale[columns]
                found.append((rows, columns, other[rows], m[columns], scale))
        return found
