"""Float64 points inside chambers, their signs decided for the floats they are."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels.tree import unscale
from arrangement._kernels.verification import (
    Coordinates,
    OutputBits,
    check_signs,
    margin_direction,
)
from arrangement.exact import (
    IntRow,
    column_shifts,
    dual_basis,
    integer_row,
    multiply,
    primitive,
    scaled_floats,
)
from arrangement.listing.cells import CellGeometry, Layout
from arrangement.model import Arrangement, unpack

# a chamber so thin that the rounded point misses it is tried at so many scales more
_SCALES = 64


class FloatWitnesses:
    """Turns candidates in coordinates of the cone into points of the data.

    A point is kept only if the sign of every row at it, as the float64 vector that it
    is, was decided to be that of the pattern: by floats with a proven error bound, in
    doubt by integers.  A chamber that no rounding of an exact point hits gets NaN.
    """

    def __init__(self, arrangement: Arrangement, layout: Layout) -> None:
        self._geometry = CellGeometry(arrangement, layout)
        self._n = arrangement.n_hyperplanes
        self._is_affine = not arrangement.is_central
        self.width = data_width(arrangement)
        self._columns = [*arrangement.pivot_columns, self.width - 1][: layout.rank]
        matrix = _data_coordinates(arrangement, layout.rank)
        self._rows = _rows_on_data(arrangement, matrix)
        self._first = layout.input_row[layout.places[: len(self._rows)]]
        self._shifts = column_shifts(self._rows, layout.rank)
        self._map = _scaled_map(matrix, self._shifts, layout.shifts)
        floats = scaled_floats(self._rows, self._shifts)
        # summed with as many roundings as columns
        norm = float(np.abs(floats).sum(axis=1).max()) * (1.0 + 2.0**-40)
        n_words = layout.words_per_pattern
        self._coordinates = Coordinates(np.zeros((layout.rank, 64 * n_words)), norm)
        self._coordinates.values[:, self._first] = floats.T
        self._mask = np.zeros(n_words, dtype=np.uint64)
        for i in self._first.tolist():
            self._mask[i // 64] |= np.uint64(1 << (i % 64))
        none = np.zeros_like(self._mask)
        self._bits = OutputBits(self._mask, none, np.zeros((0, 5), dtype=np.int64))

    def points(
        self, patterns: NDArray[np.uint64], candidates: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return a point (width,) for each pattern, homogeneous when affine."""
        scaled = candidates @ self._map.T
        bad = np.zeros(len(scaled), dtype=np.bool_)
        copied = np.zeros_like(self._mask)
        own = patterns & self._mask
        check_signs(self._coordinates, scaled, own, 1, self._bits, copied, bad)
        points = np.zeros((len(scaled), self.width))
        shifts, columns = np.array(self._shifts), np.array(self._columns)
        unscale(scaled, shifts, columns, self._is_affine, points, bad)
        for k in np.flatnonzero(bad).tolist():
            found = self._decided(patterns[k : k + 1], points[k, columns])
            points[k, columns] = found
        return points

    def _decided(
        self, words: NDArray[np.uint64], point: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the point if it is inside, else another one, else NaN."""
        bits = unpack(words, self._n)[0, self._first].tolist()
        if self._is_inside(bits, point):
            return point
        # rays that are almost opposite cancel in their sum
        point[:] = self._middle(bits)
        if self._is_inside(bits, point):
            return point
        exact = self._geometry.witnesses(words)[0].tolist()
        row = [int(exact[column]) for column in self._columns]
        # facets first: there a point that is outside is found to be so
        facets = self._geometry.facets(words)[0]
        order = np.argsort(~np.isin(self._first, facets), kind="stable").tolist()
        for scale in range(_SCALES, 2 * _SCALES):
            # at each scale the entries round differently
            rounded = scaled_floats([tuple(scale * x for x in row)], [0] * len(row))
            if self._is_inside(bits, rounded[0], order):
                point[:] = rounded[0]
                return point
        return np.full(len(row), np.nan)

    def _middle(self, bits: list[bool]) -> NDArray[np.float64]:
        """Direction of largest margin, up to rounding."""
        signs = np.where(bits, 1.0, -1.0)[:, None]
        rows = signs * self._coordinates.values[:, self._first].T
        if self._is_affine:
            infinity = np.eye(1, len(self._shifts), len(self._shifts) - 1)
            rows = np.vstack([rows, infinity])
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        width = rows.shape[1]
        out = np.zeros(width)
        gram = np.zeros((width + 2, width + 3))
        corral = np.zeros(width + 2, dtype=np.int64)
        weights, step = np.zeros(width + 2), np.zeros(width + 2)
        margin_direction(rows, out, corral, gram, weights, step, 50 * width)
        middle: NDArray[np.float64] = np.ldexp(out, -np.array(self._shifts))
        return middle

    def _is_inside(
        self, bits: list[bool], point: NDArray[np.float64], order: Any = None
    ) -> bool:
        """Decide the sign of every row in integers, in this order."""
        if not np.all(np.isfinite(point)):
            return False
        exact = integer_row([Fraction(x) for x in point.tolist()])
        if self._is_affine and exact[-1] <= 0:
            return False
        for i in range(len(bits)) if order is None else order:
            value = sum(x * y for x, y in zip(self._rows[i], exact, strict=True))
            if value == 0 or (value > 0) != bits[i]:
                return False
        return True


def data_width(arrangement: Arrangement) -> int:
    """Coordinates of a point of the data, homogeneous when affine."""
    if arrangement.projection is not None:
        return len(arrangement.pivot_columns) + (not arrangement.is_central)
    return arrangement.dimension + (not arrangement.is_central)


def _data_coordinates(arrangement: Arrangement, rank: int) -> list[list[Fraction]]:
    """Matrix (r, r) from coordinates of the cone to those of the data that matter."""
    basis = arrangement.column_basis
    if basis is None:
        basis = tuple(tuple(int(i == j) for j in range(rank)) for i in range(rank))
    scales = [*arrangement.column_scales, Fraction(1)][:rank]
    return [[s * x for x in row] for s, row in zip(scales, basis, strict=True)]


def _rows_on_data(
    arrangement: Arrangement, matrix: list[list[Fraction]]
) -> list[IntRow]:
    """Rows of the cone as integer functionals of the coordinates of the data."""
    whole = [integer_row(row) for row in matrix]
    # column k of the inverse, from its direction and the row that it is dual to
    inverse = [
        [x / sum(a * b for a, b in zip(row, column, strict=True)) for x in column]
        for row, column in zip(
            matrix, [[Fraction(x) for x in c] for c in dual_basis(whole)], strict=True
        )
    ]
    rank = len(inverse)
    # times what makes all of it integers
    entries = integer_row([column[i] for i in range(rank) for column in inverse])
    integers = [entries[i * rank : (i + 1) * rank] for i in range(rank)]
    return [primitive(row) for row in multiply(arrangement.cone.rows, integers)]


def _scaled_map(
    matrix: list[list[Fraction]], outer: list[int], inner: tuple[int, ...]
) -> NDArray[np.float64]:
    """Round the matrix from scaled to scaled coordinates, up to a common factor."""
    two = Fraction(2)
    scaled = [
        [x * two**s / two**t for x, t in zip(row, inner, strict=True)]
        for row, s in zip(matrix, outer, strict=True)
    ]
    peak = max(abs(x) for row in scaled for x in row)
    rounded = [[float(x / peak) for x in row] for row in scaled]
    return np.array(rounded, dtype=np.float64)
