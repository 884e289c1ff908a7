"""Read numbers of any kind as exact integers, and exact linear algebra on them.

A float64 is a rational number, a decimal string is one, a ``Fraction`` is one.
Scaling a row by a positive number changes no sign pattern, so every row becomes
a tuple of Python integers and no rounding ever happens.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from heapq import nlargest
from typing import TypeAlias

IntRow: TypeAlias = tuple[int, ...]


def integer_row(row: Sequence[Fraction | int]) -> IntRow:
    """Scale a row by the positive number that makes it primitive integers."""
    scale = math.lcm(*(value.denominator for value in row)) if row else 1
    integers = [value.numerator * (scale // value.denominator) for value in row]
    divisor = math.gcd(*integers) if integers else 0
    if divisor > 1:
        integers = [value // divisor for value in integers]
    return tuple(integers)


def canonical(row: IntRow) -> tuple[IntRow, int]:
    """Return ``(key, orientation)``: first nonzero entry positive in ``key``."""
    for value in row:
        if value:
            return (row, 1) if value > 0 else (tuple(-x for x in row), -1)
    return row, 0


class Echelon:
    """Incremental fraction-free row echelon form over the integers.

    ``add(row)`` returns whether the row is independent of those added before.
    The reduced rows are kept primitive, so their size stays that of minors.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        self.pivots: list[int] = []
        self._rows: list[list[int]] = []

    @property
    def rank(self) -> int:
        """Number of independent rows added."""
        return len(self.pivots)

    def add(self, row: Iterable[int]) -> bool:
        """Add a row; False (and nothing changes) when it is dependent."""
        if self.rank == self.width:
            return False
        current = list(row)
        for pivot, basis in zip(self.pivots, self._rows, strict=True):
            factor = current[pivot]
            if factor:
                lead = basis[pivot]
                current = [
                    lead * x - factor * y for x, y in zip(current, basis, strict=True)
                ]
        divisor = math.gcd(*current) if current else 0
        if divisor == 0:
            return False
        current = [x // divisor for x in current]
        self.pivots.append(next(k for k, x in enumerate(current) if x))
        self._rows.append(current)
        return True


def independent_rows(rows: Sequence[IntRow], width: int) -> tuple[list[int], list[int]]:
    """Return indices of the first maximal independent rows and pivot columns."""
    echelon = Echelon(width)
    chosen: list[int] = []
    for index, row in enumerate(rows):
        if echelon.rank == width:
            break
        if echelon.add(row):
            chosen.append(index)
    return chosen, sorted(echelon.pivots)


def dual_basis(basis: Sequence[IntRow]) -> list[IntRow]:
    """Primitive integer vectors ``c_k`` with ``basis[j] . c_k`` = 0 (j != k), > 0.

    These are the rays of the simplicial cone ``{z : basis z >= 0}``, the columns of
    the inverse up to positive factors.  Gauss-Jordan with exact integers.
    """
    size = len(basis)
    work = [
        list(row) + [int(i == j) for j in range(size)] for i, row in enumerate(basis)
    ]
    for column in range(size):
        pivot = next(i for i in range(column, size) if work[i][column])
        work[column], work[pivot] = work[pivot], work[column]
        lead = work[column]
        for i in range(size):
            factor = work[i][column]
            if i != column and factor:
                head = lead[column]
                row = [
                    head * x - factor * y for x, y in zip(work[i], lead, strict=True)
                ]
                divisor = math.gcd(*row)
                work[i] = [x // divisor for x in row] if divisor > 1 else row
    columns = []
    for k in range(size):
        # row i of the inverse is work[i][size:] / work[i][i]
        inverse = [Fraction(work[i][size + k], work[i][i]) for i in range(size)]
        columns.append(integer_row(inverse))
    return columns


def multiply(rows: Sequence[IntRow], matrix: Sequence[IntRow]) -> list[IntRow]:
    """Return ``rows @ matrix`` in Python integers."""
    columns = list(zip(*rows, strict=True))
    if not columns or not matrix[0]:
        return [()] * len(rows)
    out = []
    for factors in zip(*matrix, strict=True):
        total: Sequence[int] = [0] * len(rows)
        for factor, column in zip(factors, columns, strict=True):
            if factor:
                total = [x + factor * y for x, y in zip(total, column, strict=True)]
        out.append(total)
    return list(zip(*out, strict=True))


def determinant(rows: Sequence[Sequence[int]]) -> int:
    """Return the determinant of a square integer matrix (Bareiss 1968)."""
    matrix = [list(row) for row in rows]
    size = len(matrix)
    sign, previous = 1, 1
    for c in range(size - 1):
        pivot = next((i for i in range(c, size) if matrix[i][c]), None)
        if pivot is None:
            return 0
        if pivot != c:
            matrix[c], matrix[pivot] = matrix[pivot], matrix[c]
            sign = -sign
        lead = matrix[c][c]
        for i in range(c + 1, size):
            factor = matrix[i][c]
            matrix[i] = [
                (lead * x - factor * y) // previous
                for x, y in zip(matrix[i], matrix[c], strict=True)
            ]
        previous = lead
    return sign * matrix[-1][-1] if size else 1


def hadamard_bits(rows: Sequence[IntRow], size: int) -> int:
    """Return b with ``|minor| < 2**b`` for every minor of ``size`` rows.

    Hadamard's inequality on the ``size`` longest rows, with the norm rounded up;
    a minor on fewer columns is bounded by the same row norms.  Also tried on
    columns, since data with columns of very different size is the usual case.
    """
    if size <= 0 or not rows:
        return 1
    columns = list(zip(*rows, strict=True))
    squares = [[x * x for x in column] for column in columns]
    norms = nlargest(size, map(sum, zip(*squares, strict=True)))
    by_rows = math.prod(max(norm, 1) for norm in norms)
    peaks = [max(map(abs, column)) for column in columns]
    peaks = sorted((max(peak, 1) for peak in peaks), reverse=True)[:size]
    by_columns = math.prod(peak * peak * size for peak in peaks)
    return (math.isqrt(min(by_rows, by_columns)) + 1).bit_length()
