"""What chambers form together, from the definitions, in exact arithmetic.

Facets are covectors that vanish on one hyperplane; a chamber is unbounded where a
direction does not leave it; a vertex of a zonotope is a sum that some direction prefers
to all others; a flat is the closure of some rows, its Moebius value a sum over those
above.  Nothing is shared with the package.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, product
from typing import Any

from reference.brute_force import (
    Bits,
    chambers,
    exact,
    homogeneous_rows,
    hyperplane_classes,
    interior_point,
    matrix_rank,
)
from reference.covectors import covectors


def edges(X: Any, offsets: Any = None) -> set[tuple[Bits, Bits, int]]:
    """Pairs of chambers with a facet between them, and the first row on it."""
    classes = hyperplane_classes(X, offsets)
    moving = {i for members in classes for i in members}
    found = set()
    for face in covectors(X, offsets):
        zero = [i for i, s in enumerate(face) if not s and i in moving]
        if zero and zero in classes:
            rows = homogeneous_rows(X, offsets)
            ends = []
            for side in (1, -1):
                bits = [int(s >= 0) for s in face]
                for i in zero:
                    same = rows[i] == rows[zero[0]]
                    bits[i] = int((side > 0) == same)
                ends.append(tuple(bits))
            found.add((ends[0], ends[1], zero[0]))
    return found


def inside(
    X: Any, offsets: Any, inequalities: Any, bounds: Any, width: int
) -> set[Bits]:
    """Patterns with a point where each inequality holds strictly."""
    shifts = [0] * len(X) if offsets is None else offsets
    ends = [0] * len(inequalities) if bounds is None else bounds
    extra = homogeneous_rows(inequalities, ends)
    found = set()
    for bits in chambers(X, shifts) if len(X) else {()}:
        cuts = [(*([0] * width), 1), *extra]
        for bit, row in zip(bits, homogeneous_rows(X, shifts), strict=True):
            if any(row[:-1]):
                cuts.append(row if bit else tuple(-x for x in row))
        if interior_point(cuts, width + 1) is not None:
            found.add(bits)
    return found


def bounded(X: Any, offsets: Any) -> set[Bits]:
    """Chambers out of which every direction leads, in the essential space."""
    directions = [y for y in covectors(X) if any(y)]
    moving = {i for members in hyperplane_classes(X, offsets) for i in members}
    return {
        bits
        for bits in chambers(X, offsets)
        if not any(
            all(y[i] == 0 or (y[i] > 0) == bool(bits[i]) for i in moving)
            for y in directions
        )
    }


def zonotope_vertices(X: Any) -> set[tuple[Fraction, ...]]:
    """Sums of signed rows that are the only largest ones in some direction."""
    rows = [[exact(x) for x in row] for row in X]
    d = len(rows[0]) if rows else 0
    sums = {
        tuple(
            sum((s * row[k] for s, row in zip(signs, rows, strict=True)), Fraction(0))
            for k in range(d)
        )
        for signs in product((1, -1), repeat=len(rows))
    }
    found = set()
    for point in sums:
        others = homogeneous_rows(
            [[a - b for a, b in zip(point, q, strict=True)] for q in sums - {point}]
        )
        if interior_point(others, d) is not None:
            found.add(point)
    return found


def flats(X: Any, offsets: Any = None) -> dict[tuple[int, ...], tuple[int, int]]:
    """Rows through each flat, its dimension in the essential space, and its value."""
    normals = homogeneous_rows(X)
    rows = normals if offsets is None else homogeneous_rows(X, offsets)
    moving = [i for i, row in enumerate(normals) if any(row)]
    full = matrix_rank([normals[i] for i in moving])
    found: dict[tuple[int, ...], int] = {}
    for size in range(full + 1):
        for subset in combinations(moving, size):
            own = [rows[i] for i in subset]
            rank = matrix_rank(own)
            if rank < size or matrix_rank([normals[i] for i in subset]) < rank:
                continue  # dependent, or no common point
            closure = tuple(i for i in moving if matrix_rank([*own, rows[i]]) == rank)
            found[closure] = full - rank
    values: dict[tuple[int, ...], int] = {}
    for closure in sorted(found, key=lambda rows: -found[rows]):
        above = [v for other, v in values.items() if set(other) < set(closure)]
        values[closure] = 1 if not above else -sum(above)
    return {closure: (found[closure], values[closure]) for closure in found}
