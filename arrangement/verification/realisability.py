"""Decide exactly whether signs are realised, and by which point.

The proof's own method, with no part of the enumerator: a phase-one simplex in
integer arithmetic.  By Gordan's theorem exactly one of these has a solution:
``A z > 0``, or ``A^T lam = 0, sum lam = 1, lam >= 0``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from arrangement.exact import IntRow, integer_row


def interior_point(rows: Sequence[IntRow], width: int) -> IntRow | None:
    """Return an integer z with ``row . z > 0`` for every row, or None if none exists.

    Simplex with Bland's rule on the integer tableau ``T / denominator`` (Edmonds'
    exact pivoting: every division below has no remainder), so it ends and no
    rounding occurs.
    """
    if not rows:
        return (1,) * width
    n_columns = len(rows)
    height = width + 1
    # constraints: A^T lam = 0 (width rows), sum lam = 1; one artificial for each
    tableau = np.zeros((height + 1, n_columns + height + 1), dtype=object)
    for j, row in enumerate(rows):
        for k in range(width):
            tableau[k, j] = int(row[k])
        tableau[width, j] = 1
    for k in range(height):
        tableau[k, n_columns + k] = 1
    tableau[width, -1] = 1
    # objective row: minimise the sum of artificials, in terms of the nonbasic ones
    tableau[height] = -tableau[:height].sum(axis=0)
    tableau[height, n_columns : n_columns + height] = 0
    basis = [n_columns + k for k in range(height)]
    denominator = 1
    while True:
        candidates = np.flatnonzero(tableau[height, :n_columns] < 0)
        if candidates.size == 0:
            break
        enter = int(candidates[0])
        leave = _ratio_test(tableau, basis, enter, height)
        pivot = tableau[leave, enter]
        for i in range(height + 1):
            if i != leave:
                factor = tableau[i, enter]
                tableau[i] = (
                    tableau[i] * pivot - tableau[leave] * factor
                ) // denominator
        denominator = pivot
        basis[leave] = enter
    if tableau[height, -1] == 0:
        return None
    # Reduced costs of the artificials are 1 - y; A z > 0 holds for z = -y of A^T,
    # since reduced costs y^T (a_j, 1) <= 0 at the optimum with y_last > 0.
    multipliers = [
        Fraction(
            int(denominator) - int(tableau[height, n_columns + k]), int(denominator)
        )
        for k in range(width)
    ]
    point = integer_row([-value for value in multipliers])
    divisor = math.gcd(*point) or 1
    return tuple(x // divisor for x in point)


def _ratio_test(tableau: np.ndarray, basis: list[int], enter: int, height: int) -> int:
    """Row with the least ratio; ties by the lowest basic variable (Bland)."""
    best = -1
    for i in range(height):
        if tableau[i, enter] <= 0:
            continue
        if best < 0:
            best = i
            continue
        left = tableau[i, -1] * tableau[best, enter]
        right = tableau[best, -1] * tableau[i, enter]
        if left < right or (left == right and basis[i] < basis[best]):
            best = i
    return best
