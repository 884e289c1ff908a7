"""Primes of 31 bits and the inverses modulo them, for exact tests of zero."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels import counting as kernels

# Below this bound one small prime with a table of its inverses is used: a table of
# 64K words still sits in the second-level cache.
_TABLE_LIMIT = 2**16


def _iter_primes(bound_squared: int) -> Iterator[int]:
    """Yield primes: one just above a small bound, else downwards from 2**31."""
    if bound_squared < _TABLE_LIMIT**2:
        yield from (p for p in range(math.isqrt(bound_squared) + 1, 2**31) if _prime(p))
    yield from (p for p in range(2**31 - 1, _TABLE_LIMIT, -2) if _prime(p))


def _take_primes(supply: Iterator[int], bound_squared: int) -> list[int]:
    """Take primes until their product exceeds the bound of the minors."""
    primes, product = [], 1
    while product * product <= bound_squared:
        primes.append(next(supply))
        product *= primes[-1]
    return primes


def _minor_bound_squared(rows: Sequence[tuple[int, ...]], rank: int) -> int:
    """Bound the square of every minor of at most ``rank`` rows (Hadamard)."""
    norms = sorted((sum(x * x for x in row) for row in rows), reverse=True)
    by_rows: int = math.prod(norms[:rank])
    peaks = (max(x * x for x in column) for column in zip(*rows, strict=True))
    # A minor with a zero column is zero, so such a column may count as 1.
    by_columns: int = math.prod(rank * max(peak, 1) for peak in peaks)
    return min(by_rows, by_columns)


def _residues(
    rows: Sequence[tuple[int, ...]], infinity: tuple[int, ...], primes: list[int]
) -> NDArray[np.int64] | None:
    """Reduce rows modulo each prime, in coordinates where infinity is (0, .., 0, 1).

    With ``c`` a coordinate where ``f``, the row at infinity, is not 0 modulo ``p``,
    ``v -> (v_j - v_c f_j / f_c for j != c, v_c / f_c)`` is linear and invertible
    modulo ``p`` and takes ``f`` there; ranks do not change. None: ``f`` is 0 modulo
    one of the primes. The result is ``(rows, primes, coordinates)``, C-contiguous.
    """
    exact = np.array(rows, dtype=object)
    out = np.empty((len(rows), len(primes), len(infinity)), dtype=np.int64)
    for t, p in enumerate(primes):
        reduced = (exact % p).astype(np.int64)
        ends = [x % p for x in infinity]
        c = next((j for j, x in enumerate(ends) if x), -1)
        if c < 0:
            return None
        last = reduced[:, c] * pow(ends[c], -1, p) % p
        shift = last[:, None] * np.array(ends, dtype=np.int64) % p
        normal = (reduced - shift) % p
        out[:, t, :-1] = np.delete(normal, c, axis=1)
        out[:, t, -1] = last
    return out


def _prime(p: int) -> bool:
    """Decide primality: Miller-Rabin with bases 2, 3, 5, 7 is exact below 3.2e9."""
    if p < 11 or p % 2 == 0:
        return p in (2, 3, 5, 7)
    odd = p - 1
    twos = (odd & -odd).bit_length() - 1
    odd >>= twos
    for base in (2, 3, 5, 7):
        power = pow(base, odd, p)
        if power in (1, p - 1):
            continue
        for _ in range(twos - 1):
            power = power * power % p
            if power == p - 1:
                break
        else:
            return False
    return True


def _inverse_table(p: int) -> NDArray[np.int64]:
    """List the inverses modulo a small prime; empty when ``p`` is not small."""
    # Primes just above a bound below the limit stay below 2 * limit (Bertrand).
    if p == _TABLE_LIMIT or p >= 2 * _TABLE_LIMIT:
        return np.zeros(0, dtype=np.int64)
    table = np.empty(p, dtype=np.int64)
    kernels.list_inverses(table)
    return table
