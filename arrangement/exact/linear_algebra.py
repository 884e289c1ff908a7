"""Read numbers of any kind as exact integers, and exact linear algebra on them.

A float64 is a rational number, a decimal string is one, a ``Fraction`` is one.
Scaling a row by a positive number changes no sign pattern, so every row becomes
a tuple of Python integers and no rounding ever happens.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from contextlib import suppress
from fractions import Fraction
from functools import cached_property
from heapq import nlargest
from operator import mul
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels import rows as kernels
from arrangement._kernels import short_columns as guides
from arrangement.exact.floats import rounded

IntRow: TypeAlias = tuple[int, ...]

# rows from which on floats say which are longest, and how near to that is near
_MANY_ROWS = 64
_NEARLY = 1.0 - 2.0**-28
# how near to a whole number a logarithm says nothing, and which are too small to
_NEAR, _LEAST_LOG = 2.0**-20, 30.0


def integer_row(row: Sequence[Fraction | int]) -> IntRow:
    """Scale a row by the positive number that makes it primitive integers."""
    scale = math.lcm(*(value.denominator for value in row)) if row else 1
    integers = [value.numerator * (scale // value.denominator) for value in row]
    divisor = math.gcd(*integers) if integers else 0
    if divisor > 1:
        integers = [value // divisor for value in integers]
    return tuple(integers)


def primitive(row: IntRow) -> IntRow:
    """Return integers over their gcd; zeros stay."""
    divisor = math.gcd(*row)
    return tuple(x // divisor for x in row) if divisor > 1 else row


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


def cofactors(basis: Sequence[IntRow]) -> list[IntRow]:
    """Integer vectors ``c_k`` with ``basis[j] . c_k`` = 0 (j != k), ``|det|`` (j = k).

    These are the rays of the simplicial cone ``{z : basis z >= 0}``, the columns of
    the inverse times the size of the determinant, and so minors of the basis.
    Gauss-Jordan without fractions (Bareiss 1968): every entry on the way is a minor, so
    that divisions leave no rest.
    """
    size = len(basis)
    if size == 3:
        return _cross_products(*basis)
    work = [[*row, *(int(i == j) for j in range(size))] for i, row in enumerate(basis)]
    previous = 1
    for column in range(size):
        pivot = next(i for i in range(column, size) if work[i][column])
        work[column], work[pivot] = work[pivot], work[column]
        lead = work[column]
        head = lead[column]
        for i in range(size):
            if i != column:
                row = work[i]
                factor = row[column]
                work[i] = [
                    (head * x - factor * y) // previous
                    for x, y in zip(row, lead, strict=True)
                ]
        previous = head
    # the left half is the determinant times the identity now
    columns = zip(*(row[size:] for row in work), strict=True)
    return [*columns] if previous > 0 else [tuple(-x for x in c) for c in columns]


def _cross_products(a: IntRow, b: IntRow, c: IntRow) -> list[IntRow]:
    """`cofactors` of three rows."""
    rays = [_cross(b, c), _cross(c, a), _cross(a, b)]
    if sum(map(mul, a, rays[0])) > 0:
        return rays
    return [(-x, -y, -z) for x, y, z in rays]


def _cross(a: IntRow, b: IntRow) -> IntRow:
    (p, q, r), (x, y, z) = a, b
    return q * z - r * y, r * x - p * z, p * y - q * x


def dual_basis(basis: Sequence[IntRow]) -> list[IntRow]:
    """Primitive integer vectors ``c_k`` with ``basis[j] . c_k`` = 0 (j != k), > 0.

    The `cofactors` over their gcd.
    """
    return [primitive(vector) for vector in cofactors(basis)]


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


def exact_signs(
    rows: Sequence[IntRow],
    vectors: Sequence[IntRow],
    near_rows: NDArray[np.float64],
    near_vectors: NDArray[np.float64],
) -> NDArray[np.int8]:
    """Return the sign of the product of every vector with every row, exactly.

    ``near_rows`` (n, r) and ``near_vectors`` (k, r) are both as `scaled_floats` makes
    them, the columns of one divided by what those of the other are multiplied by.  They
    decide where their errors leave no doubt, and integers where they do.

    Returns
    -------
    ndarray, shape (k, n), int8
    """
    signs = np.empty((len(vectors), len(rows)), dtype=np.int8)
    kernels.product_signs(near_rows, near_vectors, signs)
    for j, i in np.argwhere(np.abs(signs) > 1).tolist():
        value = sum(map(mul, rows[i], vectors[j]))
        signs[j, i] = (value > 0) - (value < 0)
    return signs


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


def solved(
    square: Sequence[Sequence[int]], right: Sequence[Fraction]
) -> list[Fraction] | None:
    """Solve a system exactly, by elimination without fractions; None if singular.

    Examples
    --------
    >>> solved([[0, 2], [1, 1]], [Fraction(1), Fraction(3, 4)])
    [Fraction(1, 4), Fraction(1, 2)]
    >>> solved([[1, 2], [2, 4]], [Fraction(1), Fraction(2)]) is None
    True
    """
    common = math.lcm(*(x.denominator for x in right))
    lines = [[*line, int(x * common)] for line, x in zip(square, right, strict=True)]
    done, before = [], 1
    for k in range(len(square)):
        pivot = next((i for i, line in enumerate(lines) if line[k]), None)
        if pivot is None:
            return None
        top = lines.pop(pivot)
        lines = [
            [
                (top[k] * y - line[k] * z) // before
                for y, z in zip(line, top, strict=True)
            ]
            for line in lines
        ]
        before = top[k]
        done.append(top)
    found: list[Fraction] = []
    for k in reversed(range(len(square))):
        line = done[k]
        rest = line[-1] - sum(map(mul, line[k + 1 : -1], found))
        found.insert(0, Fraction(rest) / line[k])
    return [x / common for x in found]


class MinorBounds:
    """How large the minors of some rows can be (Hadamard), for every size of them.

    Parameters
    ----------
    rows : sequence of tuple of int
    most : int
        The largest size that is asked for.
    floats : ndarray, shape (n, width), float64, optional
        The rows, each entry rounded once, where they are at hand.
    logs : ndarray, shape (most, 2), float64, optional
        What `minor_logs` of the kernels finds of them, where it was asked already.
    """

    def __init__(
        self,
        rows: Sequence[IntRow],
        most: int,
        floats: NDArray[np.float64] | None = None,
        *,
        logs: NDArray[np.float64] | None = None,
    ) -> None:
        self._rows, self._most = rows, most
        self._floats = floats
        if logs is None and floats is not None and most > 0 and floats.size:
            # a copy: kernels are compiled for arrays that may be written
            logs, norms = np.empty((most, 2)), np.empty(most)
            if not guides.minor_logs(np.array(floats), logs, norms) < guides.LARGE:
                logs = None
        self._logs: list[list[float]] = [] if logs is None else logs.tolist()

    @cached_property
    def _sizes(self) -> tuple[list[int], list[int]]:
        """The largest norms of rows, squared, and entries of columns, at least 1."""
        rows, most, floats = self._rows, self._most, self._floats
        if not rows or most <= 0 or not rows[0]:
            return [], []
        if floats is None and len(rows) > _MANY_ROWS:
            with suppress(OverflowError):
                floats = rounded(rows)
        if floats is not None and len(rows) > _MANY_ROWS:
            long, peaks = _longest(rows, most, floats)
        else:
            long = list(rows)
            peaks = [max(map(abs, column)) for column in zip(*rows, strict=True)]
        squares = [[x * x for x in column] for column in zip(*long, strict=True)]
        norms = list(map(sum, zip(*squares, strict=True)))
        return (
            [max(norm, 1) for norm in nlargest(most, norms)],
            sorted((max(peak, 1) for peak in peaks), reverse=True),
        )

    @property
    def peak(self) -> int:
        """The largest size of an entry, or 1."""
        return max(self._sizes[1], default=1)

    @property
    def peak_bits(self) -> int:
        """Bits of the `peak`, which are mostly known without it."""
        bits = _bits_of(self._logs[0][1]) if self._logs else 0
        return bits or self.peak.bit_length()

    def bits(self, size: int) -> int:
        """Return b with ``|minor| < 2**b`` for every minor of ``size`` rows.

        Hadamard's inequality on the ``size`` longest rows, with the norm rounded up;
        a minor on fewer columns is bounded by the same row norms.  Also tried on
        columns, since data with columns of very different size is the usual case.
        """
        if 0 < size <= len(self._logs):
            bits = _bits_of(min(self._logs[size - 1]))
            if bits:
                return bits
        norms, largest = self._sizes
        if size <= 0 or not norms:
            return 1
        by_rows = math.prod(norms[:size])
        peaks = math.prod(largest[:size])
        by_columns = peaks * peaks * size ** min(size, len(largest))
        return (math.isqrt(min(by_rows, by_columns)) + 1).bit_length()


def _bits_of(log: float) -> int:
    """Bits of an integer from its binary logarithm, or 0 where that is not clear.

    Where it is, rounding does not matter, nor does 1 more.
    """
    whole = math.floor(log)
    return whole + 1 if log > _LEAST_LOG and _NEAR < log - whole < 1.0 - _NEAR else 0


def _longest(
    rows: Sequence[IntRow], most: int, floats: NDArray[np.float64]
) -> tuple[list[IntRow], list[int]]:
    """Return rows with the longest ones among them, and the peak of each column.

    Squares of floats, and sums of up to a million of them, are right to a part in
    2**30; so what is longest is among those that are nearly so in floats.
    """
    with np.errstate(over="ignore"):
        norms = np.einsum("ij,ij->i", floats, floats)
    sizes = np.abs(floats)
    tops = sizes.max(axis=0)
    peaks = []
    for k, top in enumerate(tops.tolist()):
        near = np.flatnonzero(sizes[:, k] >= top * _NEARLY)
        if top < 2.0**53:
            peaks.append(int(top))
        else:
            peaks.append(max(abs(rows[i][k]) for i in near.tolist()))
    least = np.partition(norms, -most)[-most] if most < len(rows) else 0.0
    if not np.isfinite(least):
        return list(rows), peaks
    near = np.flatnonzero(norms >= least * _NEARLY)
    if least < 2.0**52:
        # exact, and so are ties: of equal ones any will do
        near = np.argpartition(norms, -most)[-most:] if most < len(rows) else near
    return [rows[i] for i in near.tolist()], peaks


def hadamard_bits(rows: Sequence[IntRow], size: int) -> int:
    """Return b with ``|minor| < 2**b`` for every minor of ``size`` rows.

    As `MinorBounds`, which is for several sizes.
    """
    return MinorBounds(rows, size).bits(size)
