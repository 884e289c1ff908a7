"""The covectors of an arrangement as compositions of its cocircuits, in fractions.

Every covector is such a composition, and every composition is a covector (Björner et
al., Oriented Matroids, section 3.7).  Nothing is shared with the package.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

from reference.brute_force import (
    IntVector,
    homogeneous_rows,
    matrix_rank,
    pivot_columns,
)
from reference.exact_algebra import inner, normal_vector

Covector = tuple[int, ...]


def sign(value: Any) -> int:
    """Return -1, 0 or 1."""
    return (value > 0) - (value < 0)


def compose(x: Covector, y: Covector) -> Covector:
    """Return the composition: x where it is not zero, else y."""
    return tuple(a or b for a, b in zip(x, y, strict=True))


def _with_infinity(X: Any, offsets: Any, floats: str) -> list[IntVector]:
    rows = homogeneous_rows(X, offsets, floats=floats)
    if offsets is not None:
        d = len(rows[0]) - 1 if rows else 0
        rows.append((*([0] * d), 1))
    return rows


def cocircuits(rows: list[IntVector]) -> set[Covector]:
    """Signs at the directions that all but one independent rows leave free."""
    columns = pivot_columns(rows)
    short = [tuple(row[c] for c in columns) for row in rows]
    if not columns:
        return set()
    found = set()
    for subset in combinations(short, len(columns) - 1):
        point = normal_vector(subset, len(columns))
        if any(point):
            signs = tuple(sign(inner(row, point)) for row in short)
            found |= {signs, tuple(-s for s in signs)}
    return found


def covectors(X: Any, offsets: Any = None, *, floats: str = "binary") -> set[Covector]:
    """Return the sign vectors of all faces (affine: of those in the finite part)."""
    rows = _with_infinity(X, offsets, floats)
    steps = cocircuits(rows)
    found = {(0,) * len(rows)}
    fresh = found
    while fresh:
        fresh = {compose(x, y) for x in fresh for y in steps} - found
        found = found | fresh
    if offsets is None:
        return found
    return {signs[:-1] for signs in found if signs[-1] > 0}


def face_dimension(signs: Covector, normals: list[IntVector]) -> int:
    """Dimension of a face in the essential space, from the rows that vanish on it."""
    zero = [row for row, s in zip(normals, signs, strict=True) if not s]
    return matrix_rank(normals) - matrix_rank(zero)
