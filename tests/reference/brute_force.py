"""The chambers of an arrangement from the definition, in exact arithmetic.

A bit vector is a pattern when a system of strict linear inequalities has a
solution.  Each system is decided by the simplex method over the integers
(Edmonds' fraction-free pivots, Bland's rule), so nothing is rounded and nothing
is shared with the package.  Slow: meant for at most ten rows or so.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np

Bits = tuple[int, ...]
IntVector = tuple[int, ...]


def exact(value: Any, *, floats: str = "binary") -> Fraction:
    """Return one number as a Fraction; floats by value or by shortest decimal."""
    if isinstance(value, (float, np.floating)) and floats == "decimal":
        return Fraction(str(value))
    if isinstance(value, np.floating):
        return Fraction(*value.as_integer_ratio())
    if isinstance(value, np.integer):
        return Fraction(int(value))
    if isinstance(value, (int, float, Fraction, Decimal, str)):
        return Fraction(value)
    raise AssertionError(f"unexpected entry {value!r}")


def primitive(vector: Iterable[Fraction | int]) -> IntVector:
    """Scale by a positive number to coprime integers."""
    fractions = [Fraction(x) for x in vector]
    scale = math.lcm(*(x.denominator for x in fractions))
    integers = [int(x * scale) for x in fractions]
    divisor = math.gcd(*integers) or 1
    return tuple(x // divisor for x in integers)


def homogeneous_rows(
    X: Any, offsets: Any = None, *, floats: str = "binary"
) -> list[IntVector]:
    """Return ``x_i``, or ``(a_i, -b_i)``, as primitive integer vectors."""
    rows = [[exact(value, floats=floats) for value in row] for row in X]
    if offsets is not None:
        for row, b in zip(rows, offsets, strict=True):
            row.append(-exact(b, floats=floats))
    return [primitive(row) for row in rows]


def dot(a: Sequence[int], b: Sequence[int]) -> int:
    """Return the exact inner product."""
    return sum(x * y for x, y in zip(a, b, strict=True))


def interior_point(constraints: Sequence[IntVector], d: int) -> IntVector | None:
    """Return an integer ``z`` with ``c . z > 0`` for every constraint, or None.

    Maximises t subject to ``c . z >= t`` and ``t <= 1``: by scaling, the maximum is
    1 when the open cone has a point and 0 otherwise.
    """
    if any(not any(c) for c in constraints):
        return None
    # columns: z+, z-, t, slacks, right-hand side; last row: reduced costs
    m = len(constraints)
    width = 2 * d + 1
    table = []
    for i, c in enumerate(constraints):
        slack = [int(i == j) for j in range(m + 1)]
        table.append([*(-x for x in c), *c, 1, *slack, 0])
    table.append([*([0] * 2 * d), 1, *(int(j == m) for j in range(m + 1)), 1])
    costs = [*([0] * 2 * d), -1, *([0] * (m + 1)), 0]
    table.append(costs)
    basis = [width + i for i in range(m + 1)]
    previous = 1
    while True:
        costs = table[-1]
        entering = next((j for j, x in enumerate(costs[:-1]) if x < 0), None)
        if entering is None:
            break
        leaving = _leaving_row(table, basis, entering)
        previous = _pivot(table, leaving, entering, previous)
        basis[leaving] = entering
    values = {j: table[i][-1] for i, j in enumerate(basis)}  # times 1 / previous
    if values.get(2 * d, 0) <= 0:
        return None
    return primitive(values.get(k, 0) - values.get(d + k, 0) for k in range(d))


def _leaving_row(table: list[list[int]], basis: list[int], entering: int) -> int:
    best = None
    for i in range(len(basis)):
        head = table[i][entering]
        if head > 0:
            key = (Fraction(table[i][-1], head), basis[i])
            if best is None or key < best[0]:
                best = (key, i)
    assert best is not None, "t <= 1, so the program is bounded"
    return best[1]


def _pivot(table: list[list[int]], r: int, c: int, previous: int) -> int:
    pivot_row = table[r]
    head = pivot_row[c]
    for i, row in enumerate(table):
        if i != r:
            factor = row[c]
            table[i] = [
                (head * x - factor * y) // previous  # exact: the entries are minors
                for x, y in zip(row, pivot_row, strict=True)
            ]
    return head


def chambers(X: Any, offsets: Any = None, *, floats: str = "binary") -> set[Bits]:
    """Return the bit vectors of all chambers.

    Bit i is ``1[x_i . z >= 0]`` (or ``1[a_i . z - b_i >= 0]``) at an interior point z
    of the chamber; a zero row (a zero normal) is constant.
    """
    rows = homogeneous_rows(X, offsets, floats=floats)
    affine = offsets is not None
    d = len(rows[0]) if rows else int(affine)
    start: list[IntVector] = []
    if affine:
        start = [(*([0] * (d - 1)), 1)]
    found: list[tuple[Bits, list[IntVector], IntVector | None]] = [((), start, None)]
    for row in rows:
        if not any(row[: d - affine]):
            bit = int(not affine or row[-1] >= 0)
            found = [((*bits, bit), cuts, z) for bits, cuts, z in found]
            continue
        grown = []
        for bits, cuts, z in found:
            for bit, cut in ((1, row), (0, tuple(-x for x in row))):
                # a point inside the prefix that is already on this side will do
                point = z if z is not None and dot(cut, z) > 0 else None
                if point is None:
                    point = interior_point([*cuts, cut], d)
                if point is not None:
                    grown.append(((*bits, bit), [*cuts, cut], point))
        found = grown
    return {bits for bits, _, _ in found}


def matrix_rank(rows: Sequence[Sequence[int | Fraction]]) -> int:
    """Return the exact rank by Gaussian elimination over the rationals."""
    return len(pivot_columns(rows))


def pivot_columns(rows: Sequence[Sequence[int | Fraction]]) -> list[int]:
    """Return the columns of the pivots of a row echelon form."""
    work = [[Fraction(x) for x in row] for row in rows]
    pivots: list[int] = []
    for column in range(len(work[0]) if work else 0):
        top = len(pivots)
        hit = next((i for i in range(top, len(work)) if work[i][column]), None)
        if hit is None:
            continue
        work[top], work[hit] = work[hit], work[top]
        for i in range(top + 1, len(work)):
            factor = work[i][column] / work[top][column]
            if factor:
                pairs = zip(work[i], work[top], strict=True)
                work[i] = [x - factor * y for x, y in pairs]
        pivots.append(column)
    return pivots


def hyperplane_classes(
    X: Any, offsets: Any = None, *, floats: str = "binary"
) -> list[list[int]]:
    """Group the rows that are hyperplanes by the hyperplane they define."""
    rows = homogeneous_rows(X, offsets, floats=floats)
    affine = offsets is not None
    groups: dict[IntVector, list[int]] = {}
    for i, row in enumerate(rows):
        if any(row[: len(row) - affine]):
            groups.setdefault(max(row, tuple(-x for x in row)), []).append(i)
    return list(groups.values())


def is_uniform(X: Any, offsets: Any = None, *, floats: str = "binary") -> bool:
    """Whether every ``rank`` distinct hyperplanes are independent, by all minors.

    Affine: general position, that is the same for the homogeneous rows together
    with the hyperplane at infinity.
    """
    rows = homogeneous_rows(X, offsets, floats=floats)
    classes = hyperplane_classes(X, offsets, floats=floats)
    distinct = [rows[group[0]] for group in classes]
    if offsets is not None and distinct:
        distinct.append((*([0] * (len(distinct[0]) - 1)), 1))
    r = matrix_rank(distinct)
    return all(matrix_rank(subset) == r for subset in combinations(distinct, r))
