"""Characteristic polynomial from the definition: slow, plain Python, `Fraction`.

``chi(A) = chi(A') - chi(A'')`` with ``A'`` the deletion of one hyperplane and ``A''``
the restriction to it, as sets of affine hyperplanes; ``t**d`` for no hyperplane.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

Hyperplane = tuple[Fraction, ...]


def characteristic_polynomial(
    normals: Sequence[Sequence[int | Fraction]],
    offsets: Sequence[int | Fraction] | None = None,
) -> tuple[int, ...]:
    """Ascending coefficients, divided by ``t**(d - rank)`` (essentialised)."""
    d = len(normals[0]) if normals else 0
    shifts = [0] * len(normals) if offsets is None else offsets
    hyperplanes = {
        _canonical((*map(Fraction, a), Fraction(b)))
        for a, b in zip(normals, shifts, strict=True)
        if any(a)
    }
    polynomial = _polynomial(sorted(hyperplanes), d)
    return tuple(polynomial[d - rank(normals) :])


def count_chambers(
    normals: Sequence[Sequence[int | Fraction]],
    offsets: Sequence[int | Fraction] | None = None,
) -> int:
    """Zaslavsky: ``|chi(-1)|``."""
    polynomial = characteristic_polynomial(normals, offsets)
    return abs(sum((-1) ** power * value for power, value in enumerate(polynomial)))


def rank(rows: Sequence[Sequence[int | Fraction]]) -> int:
    """Rank by elimination over the rationals."""
    left = [list(map(Fraction, row)) for row in rows]
    found = 0
    for column in range(len(left[0]) if left else 0):
        pivot = next((i for i, row in enumerate(left) if row[column]), None)
        if pivot is None:
            continue
        top = left.pop(pivot)
        found += 1
        for row in left:
            factor = row[column] / top[column]
            row[:] = [x - factor * y for x, y in zip(row, top, strict=True)]
    return found


def _canonical(hyperplane: Hyperplane) -> Hyperplane:
    lead = next(x for x in hyperplane[:-1] if x)
    return tuple(x / lead for x in hyperplane)


def _polynomial(hyperplanes: list[Hyperplane], d: int) -> list[int]:
    if not hyperplanes:
        return [0] * d + [1]
    *others, last = hyperplanes
    deletion = _polynomial(others, d)
    restriction = _polynomial(_restrict(others, last), d - 1)
    return [a - b for a, b in zip(deletion, [*restriction, 0], strict=True)]


def _restrict(hyperplanes: list[Hyperplane], to: Hyperplane) -> list[Hyperplane]:
    """Solve ``to`` for one coordinate and put it into the others."""
    pivot = next(c for c, x in enumerate(to[:-1]) if x)
    restricted = set()
    for other in hyperplanes:
        factor = other[pivot] / to[pivot]
        row = [x - factor * y for x, y in zip(other, to, strict=True)]
        del row[pivot]
        if any(row[:-1]):  # else parallel to `to`, and they do not meet
            restricted.add(_canonical(tuple(row)))
    return sorted(restricted)
