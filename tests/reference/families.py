"""Exact integer matrices of arrangements whose numbers are known."""

from __future__ import annotations

import itertools
import random

Rows = list[tuple[int, ...]]


def threshold(n: int, *, low: int = 0) -> Rows:
    """All ``2**n`` rows ``(1, +-1 ..)``, or ``(1, 0/1 ..)`` when ``low`` is 0."""
    return [(1, *point) for point in itertools.product((low, 1), repeat=n)]


def resonance(n: int) -> Rows:
    """All non-zero 0/1 vectors of length ``n``."""
    return [row for row in itertools.product((0, 1), repeat=n) if any(row)]


def _unit(n: int, *entries: tuple[int, int]) -> tuple[int, ...]:
    row = [0] * n
    for place, value in entries:
        row[place] += value
    return tuple(row)


def braid(k: int) -> Rows:
    """Type A_k: ``e_i - e_j`` in k + 1 coordinates (rank k)."""
    pairs = itertools.combinations(range(k + 1), 2)
    return [_unit(k + 1, (i, 1), (j, -1)) for i, j in pairs]


def coxeter_d(k: int) -> Rows:
    pairs = itertools.combinations(range(k), 2)
    return [_unit(k, (i, 1), (j, s)) for i, j in pairs for s in (-1, 1)]


def coxeter_b(k: int) -> Rows:
    return [_unit(k, (i, 1)) for i in range(k)] + coxeter_d(k)


def coxeter_g2() -> Rows:
    """The six lines of G2 in the basis of its simple roots."""
    return [(1, 0), (0, 1), (1, 1), (2, 1), (3, 1), (3, 2)]


def coxeter_e8() -> Rows:
    """120 positive roots, doubled: all of D8, and half-spin with an even sign count."""
    roots = [tuple(2 * x for x in row) for row in coxeter_d(8)]
    tails = itertools.product((-1, 1), repeat=7)
    return roots + [(1, *tail) for tail in tails if tail.count(-1) % 2 == 0]


def coxeter_e7() -> Rows:
    """The 63 roots of E8 orthogonal to one of them (rank 7 in 8 coordinates)."""
    roots = coxeter_e8()
    return [
        row
        for row in roots[1:]
        if sum(a * b for a, b in zip(row, roots[0], strict=True)) == 0
    ]


def crosspolytope(k: int) -> Rows:
    """Rows ``(1, +-e_i)``, the homogenised vertices of the cross-polytope."""
    return [(1, *_unit(k, (i, s))) for i in range(k) for s in (-1, 1)]


def boolean(k: int) -> Rows:
    return [_unit(k, (i, 1)) for i in range(k)]


def generic(n: int, r: int, seed: int) -> Rows:
    """Points of the moment curve, randomly scaled: every r rows are independent."""
    random_source = random.Random(seed)
    nodes = random_source.sample(range(-2 * n, 2 * n + 1), n)
    signs = [random_source.choice((-3, -2, -1, 1, 2, 3)) for _ in nodes]
    return [
        tuple(sign * node**power for power in range(r))
        for node, sign in zip(nodes, signs, strict=True)
    ]


def deformation(k: int, levels: tuple[int, ...]) -> tuple[Rows, list[int]]:
    """Affine ``x_i - x_j = l`` for i < j among k coordinates and l in ``levels``."""
    pairs = list(itertools.combinations(range(k), 2))
    rows = [_unit(k, (i, 1), (j, -1)) for i, j in pairs for _ in levels]
    return rows, [level for _ in pairs for level in levels]


def shi(k: int) -> tuple[Rows, list[int]]:
    """``x_i - x_j = 0, 1``: (k+1)^(k-1) chambers, (k-1)^(k-1) bounded."""
    return deformation(k, (0, 1))


def catalan(k: int) -> tuple[Rows, list[int]]:
    """``x_i - x_j = -1, 0, 1``: k! C_k chambers, k! C_(k-1) bounded."""
    return deformation(k, (-1, 0, 1))


def linial(k: int) -> tuple[Rows, list[int]]:
    """``x_i - x_j = 1``: 1, 2, 7, 36, 246 chambers for k = 1, 2, ..."""
    return deformation(k, (1,))
