"""Determinants, orthogonal vectors and distances of rays, from their definitions."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TypeAlias

Vector: TypeAlias = Sequence[Fraction | int]


def inner(a: Vector, b: Vector) -> Fraction:
    """Return the exact inner product."""
    return sum((Fraction(x) * y for x, y in zip(a, b, strict=True)), Fraction(0))


def determinant(rows: Sequence[Vector]) -> Fraction:
    """Return the determinant of a square matrix by Gaussian elimination."""
    work = [[Fraction(x) for x in row] for row in rows]
    result = Fraction(1)
    for c in range(len(work)):
        hit = next((i for i in range(c, len(work)) if work[i][c]), None)
        if hit is None:
            return Fraction(0)
        if hit != c:
            work[c], work[hit] = work[hit], work[c]
            result = -result
        result *= work[c][c]
        for i in range(c + 1, len(work)):
            factor = work[i][c] / work[c][c]
            if factor:
                pairs = zip(work[i], work[c], strict=True)
                work[i] = [x - factor * y for x, y in pairs]
    return result


def normal_vector(rows: Sequence[Vector], width: int) -> list[Fraction]:
    """Return the vector of signed minors of ``width - 1`` rows; zero if dependent."""
    return [
        (-1) ** k * determinant([[*row[:k], *row[k + 1 :]] for row in rows])
        for k in range(width)
    ]


def gram_schmidt(
    vectors: Sequence[Vector],
) -> tuple[list[list[Fraction]], list[Fraction]]:
    """Return the coefficients ``mu[k][j]`` (j < k) and the squared lengths."""
    stars: list[list[Fraction]] = []
    lengths: list[Fraction] = []
    coefficients: list[list[Fraction]] = []
    for vector in vectors:
        star = [Fraction(x) for x in vector]
        mu = []
        for other, length in zip(stars, lengths, strict=True):
            factor = inner(vector, other) / length
            mu.append(factor)
            star = [x - factor * y for x, y in zip(star, other, strict=True)]
        stars.append(star)
        lengths.append(inner(star, star))
        coefficients.append(mu)
    return coefficients, lengths


def is_within(point: Sequence[float], ray: Vector, error: float) -> bool:
    """Whether ``max |point - c ray| <= error`` for some c > 0, decided exactly."""
    if error == float("inf"):
        return True
    low, high = Fraction(0), None
    for x, direction in zip(point, ray, strict=True):
        value, slack = Fraction(x), Fraction(error)
        if direction == 0:
            if abs(value) > slack:
                return False
            continue
        ends = ((value - slack) / direction, (value + slack) / direction)
        low = max(low, min(ends))
        high = max(ends) if high is None else min(high, max(ends))
    return high is not None and high > 0 and low <= high
