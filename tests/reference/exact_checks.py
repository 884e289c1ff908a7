"""Exact checks of what a listing says about its chambers, from the definitions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import combinations
from typing import Any

from reference.brute_force import (
    Bits,
    IntVector,
    dot,
    homogeneous_rows,
    hyperplane_classes,
    matrix_rank,
    pivot_columns,
    primitive,
)


def bits_at(
    X: Any, point: Iterable[Any], offsets: Any = None, *, floats: str = "binary"
) -> Bits | None:
    """Return the pattern at an exact point, None if it lies on a hyperplane.

    An affine point is homogeneous ``(z, t)``; t must be positive.
    """
    rows = homogeneous_rows(X, offsets, floats=floats)
    where = tuple(int(x) for x in point)
    affine = offsets is not None
    if affine and where[-1] <= 0:
        return None
    bits = []
    for row in rows:
        value = dot(row, where)
        if any(row[: len(row) - affine]):
            if value == 0:
                return None
            bits.append(int(value > 0))
        else:
            bits.append(int(value >= 0))
    return tuple(bits)


def chamber_constraints(
    rows: Sequence[IntVector], bits: Sequence[int], *, affine: bool
) -> list[IntVector]:
    """Return the inequalities ``c . z >= 0`` of the closed chamber (homogeneous)."""
    cuts = [
        row if bit else tuple(-x for x in row)
        for row, bit in zip(rows, bits, strict=True)
        if any(row[: len(row) - affine])
    ]
    if affine and rows:
        cuts.append((*([0] * (len(rows[0]) - 1)), 1))
    return cuts


def image(cuts: Sequence[IntVector], ray: Iterable[Any]) -> IntVector:
    """Return the values of the constraints at a ray, scaled to coprime integers.

    It names the ray up to scaling and up to the space common to all hyperplanes.
    """
    where = tuple(int(x) for x in ray)
    return primitive(dot(cut, where) for cut in cuts)


def is_extreme(cuts: Sequence[IntVector], ray: Iterable[Any]) -> bool:
    """Whether a vector spans an extreme ray of ``{z : c . z >= 0}``.

    It must satisfy every constraint, not be in the lineality space, and lie on
    rank - 1 independent constraint hyperplanes.
    """
    values = image(cuts, ray)
    if any(value < 0 for value in values) or not any(values):
        return False
    tight = [cut for cut, value in zip(cuts, values, strict=True) if value == 0]
    return matrix_rank(tight) >= matrix_rank(cuts) - 1


def extreme_ray_images(cuts: Sequence[IntVector]) -> set[IntVector]:
    """Return the images of all extreme rays, by trying every rank - 1 constraints."""
    columns = pivot_columns(cuts)
    r = len(columns)
    if r == 0:
        return set()
    short = [tuple(cut[c] for c in columns) for cut in cuts]
    found = set()
    for subset in combinations(sorted(set(short)), r - 1):
        line = _kernel_line(subset, r)
        if line is None:
            continue
        for ray in (line, tuple(-x for x in line)):
            if is_extreme(short, ray):
                found.add(image(short, ray))
    return found


def _kernel_line(rows: Sequence[IntVector], r: int) -> IntVector | None:
    """Return a vector spanning the kernel of r - 1 rows, None if it is larger."""
    work: list[list[Fraction]] = []
    pivots: list[int] = []
    for row in rows:
        current = [Fraction(x) for x in row]
        for pivot, done in zip(pivots, work, strict=True):
            factor = current[pivot]
            current = [x - factor * y for x, y in zip(current, done, strict=True)]
        lead = next((k for k, x in enumerate(current) if x), None)
        if lead is None:
            return None
        current = [x / current[lead] for x in current]
        for i, done in enumerate(work):
            factor = done[lead]
            work[i] = [x - factor * y for x, y in zip(done, current, strict=True)]
        work.append(current)
        pivots.append(lead)
    free = next(k for k in range(r) if k not in pivots)
    vector = [Fraction(0)] * r
    vector[free] = Fraction(1)
    for pivot, row in zip(pivots, work, strict=True):
        vector[pivot] = -row[free]
    return primitive(vector)


def facet_rows(
    bits: Bits, chambers: set[Bits], X: Any, offsets: Any = None
) -> set[int]:
    """Return the first row of every class of parallel rows that is a facet.

    A hyperplane is a facet of a chamber exactly when the sign vector with that
    hyperplane alone flipped is a chamber too: two chambers that only one hyperplane
    separates share a facet on it.
    """
    facets = set()
    for group in hyperplane_classes(X, offsets):
        flipped = list(bits)
        for i in group:
            flipped[i] = 1 - flipped[i]
        if tuple(flipped) in chambers:
            facets.add(group[0])
    return facets
