"""Which columns of an integer matrix are independent of those before them, exactly.

Elimination modulo a prime p gives columns with a minor that is not zero modulo p, and
so is not zero: a proof that they are independent.  When these are all columns, or the
first ones and as many as there are rows, nothing is left to prove.

Every other column c has to be shown dependent on the columns before it.  Modulo p it is
a combination of them; its coefficients, found modulo more primes until their product
is long enough, become fractions (Wang 1981), and ``sum_k t_k x_k = t x_c`` is checked
over the integers, on every row.  By Cramer's rule the coefficients are quotients of
minors, so primes of twice the bits of Hadamard's bound suffice, or p was a divisor of a
minor and the next prime is taken.  No answer depends on a prime.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels import rows as kernels
from arrangement.exact.columns import Column
from arrangement.exact.integer_rows import IntegerRows
from arrangement.exact.linear_algebra import independent_rows

Residues = NDArray[np.int64]

# Products of two residues stay below 2**62.
_LARGEST = 2**31 - 1
# Rows that are tried before all of them.
_FEW_ROWS = 32
# Primes that may all be unlucky before everything is done in integers.
_MOST_TRIES = 4


def pivot_columns(rows: IntegerRows, width: int) -> list[int]:
    """Return the columns, of the first ``width``, independent of those before them."""
    if not rows.n_rows or not width:
        return []
    for prime in islice(_primes(), _MOST_TRIES):
        found, chosen = _pivots(rows, width, prime)
        # as many as there are rows: what comes after them is dependent
        end = found[-1] if len(found) == rows.n_rows else width
        free = sorted({*range(end)} - {*found})
        if not free or _are_dependent(rows, found, chosen, free):
            return found
    normals = [row[:width] for row in rows.tuples()]
    return independent_rows(normals, width)[1]


def leads_with_pivots(rows: IntegerRows, rank: int) -> bool:
    """Whether the first ``rank`` rows are seen at once to be independent.

    They are where a minor of them is not zero modulo a prime; False may be a mistake.
    """
    words = rows.words()
    if words is None or len(rows) < rank:
        return False
    width = len(rows.columns)
    return len(_eliminate_words(*words, rank, width, _LARGEST)[0]) == rank


def _primes() -> Iterator[int]:
    """Yield primes downwards from 2**31 - 1."""
    yield _LARGEST
    for number in range(_LARGEST - 2, 2**30, -2):
        if all(number % k for k in range(3, math.isqrt(number) + 1, 2)):
            yield number


def _pivots(rows: IntegerRows, width: int, prime: int) -> tuple[list[int], list[int]]:
    """Return pivot columns modulo a prime, and rows with a minor that is not zero."""
    few = 2 * width + _FEW_ROWS
    words = rows.words()
    if rows.n_rows > few:
        if words is None:
            part = rows.take(np.arange(few))
            found, chosen = eliminate(part.residues(prime)[:, :width], prime)
        else:
            found, chosen = _eliminate_words(*words, few, width, prime)
        if len(found) == width:
            return found, chosen
    if words is None:
        return eliminate(rows.residues(prime)[:, :width], prime)
    return _eliminate_words(*words, rows.n_rows, width, prime)


def _eliminate_words(
    m: NDArray[np.int64], twos: NDArray[np.int32], n_rows: int, width: int, prime: int
) -> tuple[list[int], list[int]]:
    """Do what `eliminate` does with the first rows and columns of words."""
    order, pivots = np.empty((2, n_rows), dtype=np.int64)
    work = np.empty((n_rows, width), dtype=np.int64)
    count = kernels.eliminate(m, twos, prime, work, order, pivots)
    return pivots[:count].tolist(), order[:count].tolist()


def eliminate(matrix: Residues, prime: int) -> tuple[list[int], list[int]]:
    """Return pivot columns of residues, and the row of each pivot."""
    work = matrix.copy()
    order = np.arange(len(work))
    pivots: list[int] = []
    for column in range(work.shape[1]):
        top = len(pivots)
        below = np.flatnonzero(work[top:, column])
        if not below.size:
            continue
        place = top + int(below[0])
        work[[top, place]] = work[[place, top]]
        order[[top, place]] = order[[place, top]]
        inverse = pow(int(work[top, column]), -1, prime)
        lead = work[top, column:] * inverse % prime
        rest = work[top + 1 :, column:]
        rest -= rest[:, :1] * lead % prime
        rest %= prime
        pivots.append(column)
        if len(pivots) == len(work):
            break
    return pivots, order[: len(pivots)].tolist()


def _are_dependent(
    rows: IntegerRows, pivots: list[int], chosen: list[int], free: list[int]
) -> bool:
    """Whether each free column is shown to depend on pivots before it, exactly."""
    if not pivots:
        return all(not np.any(rows.columns[c].mantissas) for c in free)
    part = rows.take(np.array(chosen, dtype=np.int64))
    columns = {c: rows.columns[c] for c in [*pivots, *free]}
    most = 2 * _minor_bits(part) + 2
    waiting = list(free)
    modulus, solution, wanted = 1, _Integers(len(pivots), len(free)), 1
    for used, prime in enumerate(_primes(), 1):
        solved = solve(part.residues(prime), pivots, free, prime)
        if solved is not None:
            solution.join(solved, modulus, prime)
            modulus *= prime
        is_last = modulus.bit_length() > most
        if used < wanted and not is_last:
            continue
        wanted *= 2
        waiting = [
            c
            for c in waiting
            if not _is_shown(solution, modulus, free.index(c), c, pivots, columns)
        ]
        if not waiting or is_last:
            break
    return not waiting


class _Integers:
    """A matrix of residues modulo a growing product of primes."""

    def __init__(self, height: int, width: int) -> None:
        self.values = np.zeros((height, width), dtype=object)

    def join(self, solved: Residues, modulus: int, prime: int) -> None:
        """Lift the residues modulo ``modulus`` with those modulo a prime."""
        inverse = pow(modulus, -1, prime)
        step = (solved.astype(object) - self.values) * inverse % prime
        self.values = self.values + step * modulus


def solve(
    part: Residues, pivots: list[int], free: list[int], prime: int
) -> Residues | None:
    """Return the coefficients of the free columns modulo a prime; None when singular.

    ``part`` are as many rows as there are pivots.
    """
    size = len(pivots)
    work = part[:, [*pivots, *free]]
    for k in range(size):
        below = np.flatnonzero(work[k:, k])
        if not below.size:
            return None
        place = k + int(below[0])
        work[[k, place]] = work[[place, k]]
        lead = work[k] * pow(int(work[k, k]), -1, prime) % prime
        work = (work - work[:, k : k + 1] * lead % prime) % prime
        work[k] = lead
    return work[:, size:]


def _is_shown(
    solution: _Integers,
    modulus: int,
    place: int,
    column: int,
    pivots: list[int],
    columns: dict[int, Column],
) -> bool:
    """Whether a combination of earlier columns is this one, on every row."""
    factors: dict[int, Fraction] = {}
    for k, pivot in enumerate(pivots):
        factor = fraction_of(int(solution.values[k, place]), modulus)
        if factor is None or (factor and pivot > column):
            return False
        if factor:
            factors[pivot] = factor
    bottom = math.lcm(*(factor.denominator for factor in factors.values()))
    total = bottom * _wide(columns[column])
    for pivot, factor in factors.items():
        total = total - int(factor * bottom) * _wide(columns[pivot])
    return not np.any(total)


def _wide(column: Column) -> NDArray[Any]:
    return np.fromiter(column.integers(), dtype=object, count=len(column))


def fraction_of(residue: int, modulus: int) -> Fraction | None:
    """Return the fraction of a residue with small terms, None where there is none.

    Both terms are at most the root of half the modulus, and then it is the only one.

    Examples
    --------
    >>> fraction_of(-3 * pow(7, -1, 101**2) % 101**2, 101**2)
    Fraction(-3, 7)
    """
    limit = math.isqrt(modulus // 2)
    before, now = (modulus, 0), (residue, 1)
    while now[0] > limit:
        quotient = before[0] // now[0]
        rest = before[0] - quotient * now[0], before[1] - quotient * now[1]
        before, now = now, rest
    if not 0 < abs(now[1]) <= limit:
        return None
    return Fraction(now[0], now[1])


def _minor_bits(part: IntegerRows) -> int:
    """Return b with every minor of some rows below ``2**b`` (Hadamard)."""
    bits = 0.0
    for row in part.tuples():
        size = sum(x * x for x in row)
        bits += size.bit_length() / 2
    return int(bits) + 1
