"""Linear dependencies between rows: found by floats, proved by integers."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np
import scipy.linalg

from arrangement.exact import integer_row
from convex_solver.certificates import Dependency, combination
from convex_solver.typing import Array

# Guides only: what is dependent is decided by integers.
RANK_RTOL = 1e-10
SUPPORT_RTOL = 1e-9


def dependent_rows(
    matrix: Array, deadline: float = math.inf
) -> Iterator[tuple[int, Dependency | None]]:
    """Yield each row that floats find dependent on others, with the exact proof.

    The proof is None where the dependency holds only to rounding; such a row then
    counts as independent, and later ones may depend on it.  Past the deadline there is
    no proof of any.

    Parameters
    ----------
    matrix : ndarray, shape (n, q)
    deadline : float
        Of `time.monotonic`.

    Examples
    --------
    >>> list(dependent_rows(np.array([[1.0, 2.0], [0.5, 1.0], [3.0, 0.0]])))
    [(1, {1: -2, 0: 1})]
    """
    n = len(matrix)
    size = np.max(np.abs(matrix), axis=1)
    unit = matrix / np.where(size > 0.0, size, 1.0)[:, None]
    factor, order = scipy.linalg.qr(unit.T, mode="r", pivoting=True)
    diagonal = np.abs(np.diag(factor))
    rank = int(np.count_nonzero(diagonal > RANK_RTOL * diagonal.max(initial=0.0)))
    basis = order[:rank]
    if rank == n:
        return
    coefficients = scipy.linalg.solve_triangular(factor[:rank, :rank], factor[:rank])
    independent = basis.tolist()
    for place in range(rank, n):
        row = int(order[place])
        share = np.abs(coefficients[:, place])
        used = basis[share > SUPPORT_RTOL * max(1.0, float(share.max(initial=0.0)))]
        # few rows take far less work than all of them, which are the last resort
        proof = _prove(matrix, row, sorted(used.tolist()), deadline)
        if proof is None:
            proof = _prove(matrix, row, independent, deadline)
        if proof is None:
            independent.append(row)
        yield row, proof


def _prove(
    matrix: Array, row: int, others: Sequence[int], deadline: float
) -> Dependency | None:
    """Write ``row`` as an exact combination of independent other rows, or fail."""
    if time.monotonic() >= deadline:
        return None
    shifts = {i: _shift(matrix[i]) for i in (row, *others)}
    integers = {i: [_scaled(x, s) for x in matrix[i]] for i, s in shifts.items()}
    if others:
        # as many columns as unknowns, the most independent ones by floats
        block = np.array([np.ldexp(matrix[i], -_exponent(matrix[i])) for i in others])
        pivots = scipy.linalg.qr(block, mode="r", pivoting=True)[1][: len(others)]
        system = [[integers[i][j] for i in others] for j in pivots.tolist()]
        right = [integers[row][j] for j in pivots.tolist()]
        solution = _solve(system, right, deadline)
        if solution is None:
            return None
    else:
        solution = []
    exact = {row: Fraction(-1) * 2 ** shifts[row]}
    for i, value in zip(others, solution, strict=True):
        if value:
            exact[i] = value * 2 ** shifts[i]
    dependency = dict(zip(exact, integer_row(list(exact.values())), strict=True))
    return dependency if not any(combination(matrix, dependency)) else None


def _solve(
    system: list[list[int]], right: list[int], deadline: float
) -> list[Fraction] | None:
    """Solve a square integer system exactly (Bareiss 1968).

    None if it is singular, or the time is up.
    """
    size = len(system)
    work = [[*row, value] for row, value in zip(system, right, strict=True)]
    previous = 1
    for c in range(size):
        pivot = next((i for i in range(c, size) if work[i][c]), None)
        if pivot is None:
            return None
        work[c], work[pivot] = work[pivot], work[c]
        lead = work[c][c]
        for i in range(c + 1, size):
            if time.monotonic() >= deadline:
                return None
            head = work[i][c]
            work[i] = [
                (lead * x - head * y) // previous
                for x, y in zip(work[i], work[c], strict=True)
            ]
        previous = lead
    solution = [Fraction(0)] * size
    for c in range(size - 1, -1, -1):
        if time.monotonic() >= deadline:
            return None
        known = sum((work[c][k] * solution[k] for k in range(c + 1, size)), Fraction(0))
        solution[c] = (work[c][size] - known) / work[c][c]
    return solution


def _exponent(row: Array) -> int:
    return math.frexp(float(np.max(np.abs(row))))[1]


def _shift(row: Array) -> int:
    """Return the least s >= 0 for which ``row * 2**s`` is integral."""
    return max(
        (x.as_integer_ratio()[1].bit_length() - 1 for x in row.tolist()), default=0
    )


def _scaled(x: float, shift: int) -> int:
    numerator, denominator = float(x).as_integer_ratio()
    return numerator << (shift - denominator.bit_length() + 1)
