"""Points that meet every chamber of every matrix with small entries.

The hyperplanes ``x . z = 0`` of *all* vectors x with entries up to some size cut the
space into chambers.  A matrix with such entries has some of these hyperplanes, so each
of its chambers holds a chamber of all of them: one point of each of those meets it.
The signs of all vectors at these points are a table, from which the patterns of many
matrices at once are read: which bits come together at a point.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from reference.small import line_of, regions


class Grid:
    """Signs of all vectors of a width with entries up to a size, at these points.

    ``signs[k, j]`` is 1 where the vector of number k is at least 0 at point j.
    """

    def __init__(self, width: int, most: int, *, is_affine: bool = False) -> None:
        self.width, self.most = width, most
        vectors = list(product(range(-most, most + 1), repeat=width))
        halves = sorted({x for x in vectors if x > (0,) * width})
        lines = dict.fromkeys(line_of(_shortest(x)) for x in halves)
        points = list(regions([*lines], width).values())
        if is_affine:
            points = [z for z in points if z[-1] > 0]
        # Python's integers: nothing wraps around, however large a point is
        values = np.array(vectors, dtype=object) @ np.array(points, dtype=object).T
        assert all(values[k].all() for k, x in enumerate(vectors) if any(x))
        self.points = points
        self.signs = (values >= 0).astype(np.uint16)

    def numbers(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Numbers of vectors, over the last axis."""
        base = 2 * self.most + 1
        weights = base ** np.arange(self.width)[::-1]
        return (rows + self.most) @ weights

    def patterns(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which bit vectors are patterns, of matrices (B, n, width), n at most 16.

        Entry (k, code) is whether ``sum(bit_i << i)`` is a pattern of matrix k.
        """
        count, n, _ = rows.shape
        numbers = self.numbers(rows)
        codes = np.zeros((count, len(self.points)), dtype=np.uint16)
        for i in range(n):
            codes |= self.signs[numbers[:, i]] << np.uint16(i)
        is_there = np.zeros((count, 1 << n), dtype=bool)
        is_there[np.arange(count)[:, None], codes] = True
        return is_there


def _shortest(vector: tuple[int, ...]) -> tuple[int, ...]:
    divisor = int(np.gcd.reduce(vector))
    return tuple(x // divisor for x in vector)
