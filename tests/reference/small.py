"""All patterns and the characteristic polynomial of a small matrix, soon and exactly.

Plain integers, from the definitions, with nothing of the package:

- patterns hyperplane by hyperplane: a region is cut in two where the hyperplane meets
  it, and it meets just those that the others cut it into; every region has a point;
- the polynomial as a sum over all sets of rows (Whitney 1932), each with its rank.

Some hundred times as fast as `brute_force`, which decides each system of inequalities
by itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

Row = tuple[int, ...]


def integer_rows(X, offsets=None) -> list[Row]:
    """Rows of Fractions as integers, ``(a_i, -b_i)`` if there are offsets."""
    rows = [[*row] for row in X]
    if offsets is not None:
        rows = [[*row, -b] for row, b in zip(rows, offsets, strict=True)]
    return [_integers(row) for row in rows]


def patterns(rows: Sequence[Row], width: int, *, is_affine: bool) -> set[Row]:
    """The bits ``1[x . z >= 0]`` at a point of each region.

    Affine: of the regions where the last of ``width`` coordinates is above 0.
    """
    lines = dict.fromkeys(line_of(row) for row in rows if any(row))
    infinity = (*[0] * (width - 1), 1)
    if is_affine:
        lines = {infinity: None} | lines
    points = regions([*lines], width).values()
    if is_affine:
        points = [z for z in points if z[-1] > 0]
    return {tuple([int(_dot(row, z) >= 0) for row in rows]) for z in points}


def polynomial(rows: Sequence[Row], *, is_affine: bool) -> tuple[int, ...]:
    """Ascending coefficients, divided by ``t**(d - rank)``.

    ``sum (-1)**len(S) t**(r - rank S)`` over the sets S of hyperplanes that have a
    point in common.
    """
    lines = [row for row in rows if any(row[: len(row) - is_affine])]
    lines = [*dict.fromkeys(map(line_of, lines))]
    terms: dict[int, int] = {}

    def visit(start: int, echelon: list[Row], sign: int) -> None:
        terms[len(echelon)] = terms.get(len(echelon), 0) + sign
        for k in range(start, len(lines)):
            rest = _reduced(lines[k], echelon)
            if not any(rest):
                visit(k + 1, echelon, -sign)
            elif any(rest[: len(rest) - is_affine]):
                visit(k + 1, [*echelon, rest], -sign)

    visit(0, [], 1)
    # in general position with infinity the largest sets have the whole rank
    rank = max(terms)
    return tuple(terms.get(rank - k, 0) for k in range(rank + 1))


def regions(lines: list[Row], width: int) -> dict[Row, Row]:
    """Signs and a point of each region; lines are primitive and pairwise different."""
    found: dict[Row, Row] = {(): (1,) * width}
    for i, h in enumerate(lines):
        on = _regions_on(lines[:i], h, width)
        grown = {}
        for signs, z in found.items():
            if signs in on:
                size = 1 + max((abs(_dot(x, h)) for x in lines[:i]), default=0)
                for side in (1, -1):
                    point = [
                        size * a + side * b for a, b in zip(on[signs], h, strict=True)
                    ]
                    grown[(*signs, side)] = _integers(point)
            else:
                value = _dot(h, z)
                assert value, "a point on a hyperplane that does not meet its region"
                grown[(*signs, 1 if value > 0 else -1)] = z
        found = grown
    return found


def _regions_on(lines: list[Row], h: Row, width: int) -> dict[Row, Row]:
    """Signs and a point on h of each region into which the lines cut it."""
    p = next(k for k, x in enumerate(h) if x)
    side = 1 if h[p] > 0 else -1
    cut = {}
    for x in lines:
        row = [h[p] * x[k] - x[p] * h[k] for k in range(width) if k != p]
        cut[line_of(_integers(row))] = None
    on = {}
    for z in regions([*cut], width - 1).values():
        z = (*z[:p], 0, *z[p:])
        point = [abs(h[p]) * x for x in z]
        point[p] = -side * _dot(h, z)
        on[tuple([1 if _dot(x, point) > 0 else -1 for x in lines])] = tuple(point)
    return on


def _reduced(row: Row, echelon: list[Row]) -> Row:
    for other in echelon:
        p = next(k for k, x in enumerate(other) if x)
        if row[p]:
            row = tuple(
                [other[p] * x - row[p] * y for x, y in zip(row, other, strict=True)]
            )
    return _integers(row)


def _integers(row: Sequence[int | Fraction]) -> Row:
    """A positive multiple in integers without a common factor."""
    unit = math.lcm(*[x.denominator for x in row])
    whole = [x.numerator * (unit // x.denominator) for x in row]
    size = math.gcd(*whole) or 1
    return tuple([x // size for x in whole])


def line_of(row: Row) -> Row:
    lead = next(filter(None, row))
    return row if lead > 0 else tuple([-x for x in row])


def _dot(a: Sequence[int], b: Sequence[int]) -> int:
    return sum([x * y for x, y in zip(a, b, strict=True)])
