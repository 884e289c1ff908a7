"""Symmetries from their definition: slow, plain Python, `Fraction`.

A permutation of rows is one when ``A x_i = c_i x_s(i)`` has a solution with no ``c_i``
zero.  The equations are linear in ``A`` and ``c``; on the space of solutions each
``c_i`` vanishes everywhere or on a subspace only, and finitely many subspaces do not
cover the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import permutations

Rows = Sequence[Sequence[int | Fraction]]


def kernel(matrix: list[list[Fraction]], width: int) -> list[list[Fraction]]:
    """Return a basis of the vectors that a matrix takes to zero."""
    rows, pivots = [list(row) for row in matrix], []
    for column in range(width):
        top = len(pivots)
        place = next((i for i in range(top, len(rows)) if rows[i][column]), None)
        if place is None:
            continue
        rows[top], rows[place] = rows[place], rows[top]
        lead = rows[top][column]
        rows[top] = [x / lead for x in rows[top]]
        for i, row in enumerate(rows):
            if i != top and row[column]:
                factor = row[column]
                rows[i] = [x - factor * y for x, y in zip(row, rows[top], strict=True)]
        pivots.append(column)
    out = []
    for free in (c for c in range(width) if c not in pivots):
        vector = [Fraction(0)] * width
        vector[free] = Fraction(1)
        for i, pivot in enumerate(pivots):
            vector[pivot] = -rows[i][free]
        out.append(vector)
    return out


def is_symmetry(rows: Rows, images: Sequence[int]) -> bool:
    """Whether a linear map takes every row to a multiple of its image, not zero.

    The rows span the space of their columns.
    """
    m, d = len(rows), len(rows[0])
    width = d * d + m
    equations = []
    for i, row in enumerate(rows):
        for a in range(d):
            equation = [Fraction(0)] * width
            for b in range(d):
                equation[d * a + b] = Fraction(row[b])
            equation[d * d + i] = -Fraction(rows[images[i]][a])
            equations.append(equation)
    solutions = kernel(equations, width)
    return all(any(vector[d * d + i] for vector in solutions) for i in range(m))


def all_symmetries(rows: Rows) -> set[tuple[int, ...]]:
    """Try all permutations of a few rows."""
    return {s for s in permutations(range(len(rows))) if is_symmetry(rows, s)}


def closure(generators: Iterable[Sequence[int]], n: int) -> set[tuple[int, ...]]:
    """Return all products of some permutations."""
    start = tuple(range(n))
    generators = [tuple(int(x) for x in g) for g in generators]
    found, waiting = {start}, [start]
    for element in waiting:
        for generator in generators:
            image = tuple(generator[x] for x in element)
            if image not in found:
                found.add(image)
                waiting.append(image)
    return found
