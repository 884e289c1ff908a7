"""Kernels of the chamber count: restrict, merge, walk the tree, modulo primes.

Everything is int64, and nothing overflows: residues are below ``2**31``, so every
product of two is below ``2**62``. A *row* is held in ``width`` coordinates modulo
each of ``k`` primes: ``width - 1`` for the normal, then the offset. The row at
infinity is ``(0, .., 0, 1)`` and never stored. A row is *normalised* when, modulo
each prime, the first non-zero coordinate of its normal is 1; two normalised rows are
proportional exactly when they are equal. Why these tests are exact is proven in
:mod:`arrangement.counting.counts`; a *bad* prime breaks a premise of that proof.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels.compile import kernel
from arrangement._kernels.state import BAD_PRIME, DONE, PAUSED

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

# Slots of the state array of `advance`.
LEVEL, NODES, STAMP, N_STATE = 0, 1, 2, 3


class Primes(NamedTuple):
    """The moduli, ``fl(1 / p)`` of each, and the table of `invert_all` or ``(0,)``."""

    values: Ints
    reciprocals: Floats
    inverses: Ints


class Scratch(NamedTuple):
    """Of one restriction, by row; ``infinite`` counts the primes, the rest is scratch.

    ``infinite[j]`` tells modulo how many primes row ``j`` is the row at infinity, or
    line ``j`` parallel.
    """

    values: Ints
    prefix: Ints
    infinite: Ints


class Restrictions(NamedTuple):
    """The path of `advance` in the tree, and what it counted.

    ``rows`` is ``(D, m, k, D + 1)``: level ``l`` holds ``length[l]`` normalised,
    distinct rows in ``D - l + 1`` coordinates, of which ``position[l]`` are done;
    ``D >= 2``. ``counts[s]`` counts the no-broken-circuit sets of ``s`` rows;
    ``state`` has the slots named above.
    """

    rows: Ints
    length: Ints
    position: Ints
    counts: Ints
    state: Ints


# An odd 31-bit multiplier: hashes stay below 2**31, so the product is below 2**62
# and the hash never wraps (signed overflow differs between compiled and not).
_MULTIPLIER = 1_640_531_527
_MASK31 = 2**31 - 1


@kernel
def multiply(a: int, b: int, p: int, reciprocal: float) -> int:
    """Multiply two residues modulo ``p < 2**31``; ``reciprocal`` is ``fl(1 / p)``.

    With ``x = a b < 2**62``, the conversion, the reciprocal and the product each
    have relative error at most ``2**-53``, and ``x / p < 2**31``, so the computed
    quotient is within ``2**-20`` of ``x / p`` and its integer part is off by at most
    one: one correction either way. (Hardware division took twice as long.)
    """
    x = a * b
    rest = x - int(np.float64(x) * reciprocal) * p
    if rest < 0:
        rest += p
    elif rest >= p:
        rest -= p
    return rest


@kernel
def invert(a: int, p: int) -> int:
    """Return the inverse of ``0 < a < p`` modulo the prime ``p`` (Euclid)."""
    r0, r1 = p, a
    s0, s1 = 0, 1
    while r1 != 0:
        quotient = r0 // r1
        r0, r1 = r1, r0 - quotient * r1
        s0, s1 = s1, s0 - quotient * s1
    if s0 < 0:
        s0 += p
    return s0


@kernel
def list_inverses(table: Ints) -> None:
    """Fill a table (p,) with the inverses modulo a prime p below ``2**31``; 0 for 0."""
    p = table.size
    table[0], table[1] = 0, 1
    for a in range(2, p):
        table[a] = p - (p // a) * table[p % a] % p


@kernel
def invert_all(
    values: Ints, n: int, p: int, reciprocal: float, inverses: Ints, prefix: Ints
) -> None:
    """Invert the first ``n`` residues in place; zeros stay zero.

    ``inverses`` is a table of all inverses modulo ``p``, or empty: then one inverse
    serves the whole list (Montgomery's trick). ``prefix`` is scratch.
    """
    if inverses.size > 0:
        for j in range(n):
            values[j] = inverses[values[j]]
        return
    product = np.int64(1)
    for j in range(n):
        prefix[j] = product
        if values[j] != 0:
            product = multiply(product, values[j], p, reciprocal)
    product = invert(product, p)
    for j in range(n - 1, -1, -1):
        if values[j] != 0:
            value = values[j]
            values[j] = multiply(product, prefix[j], p, reciprocal)
            product = multiply(product, value, p, reciprocal)


@kernel
def eliminate(source: Ints, i: int, target: Ints, width: int, primes: Primes) -> None:
    """Restrict rows ``0 .. i-1`` of ``source`` to row ``i``, which is normalised.

    ``source`` and ``target`` are ``(rows, k, coordinates)``; rows of ``target`` get
    one coordinate less. The pivot is in the normal of row ``i``, where the row at
    infinity is 0, so that row stays ``(0, .., 0, 1)``.
    """
    for t in range(primes.values.size):
        p, reciprocal = primes.values[t], primes.reciprocals[t]
        pivot = 0
        while source[i, t, pivot] == 0:
            pivot += 1
        for j in range(i):
            factor = source[j, t, pivot]
            for c in range(pivot):  # row i is 0 before its pivot
                target[j, t, c] = source[j, t, c]
            for c in range(pivot + 1, width):
                value = source[j, t, c]
                if factor != 0:
                    value -= multiply(factor, source[i, t, c], p, reciprocal)
                    if value < 0:
                        value += p
                target[j, t, c - 1] = value


@kernel
def normalise(rows: Ints, n: int, width: int, primes: Primes, scratch: Scratch) -> bool:
    """Normalise ``n`` rows in place; return False when a prime is bad.

    ``scratch.infinite`` is written for those rows.  A prime is bad when a row, which
    is not zero, is zero modulo that prime.
    """
    lead, infinite = scratch.values, scratch.infinite
    infinite[:n] = 0
    for t in range(primes.values.size):
        p, reciprocal = primes.values[t], primes.reciprocals[t]
        for j in range(n):
            lead[j] = 0
            for c in range(width - 1):
                if rows[j, t, c] != 0:
                    lead[j] = rows[j, t, c]
                    break
            if lead[j] == 0:
                infinite[j] += 1
                if rows[j, t, width - 1] == 0:
                    return False
        invert_all(lead, n, p, reciprocal, primes.inverses, scratch.prefix)
        for j in range(n):
            if lead[j] > 1:
                for c in range(width):
                    if rows[j, t, c] != 0:
                        rows[j, t, c] = multiply(rows[j, t, c], lead[j], p, reciprocal)
    return True


@kernel
def is_equal(rows: Ints, i: int, j: int, k: int, width: int) -> bool:
    """Tell whether two rows have the same residues modulo all ``k`` primes."""
    for t in range(k):
        for c in range(width):
            if rows[i, t, c] != rows[j, t, c]:
                return False
    return True


@kernel
def find_slot(
    rows: Ints, j: int, k: int, width: int, slots: Ints, stamp: int
) -> tuple[int, bool]:
    """Find the slot of row ``j`` in the hash table, and whether an equal row is there.

    A slot is ``(stamp, row)``; one with an older stamp is empty. ``slots`` has a
    power of two of them, more than there are rows, so probing ends.
    """
    mask = slots.shape[0] - 1
    key = 0
    for t in range(k):
        for c in range(width):
            key = (key ^ rows[j, t, c]) * _MULTIPLIER
            key = (key ^ (key >> 29)) & _MASK31
    slot = (key ^ (key >> 15)) & mask
    while slots[slot, 0] == stamp:
        if is_equal(rows, slots[slot, 1], j, k, width):
            return slot, True
        slot = (slot + 1) & mask
    return slot, False


@kernel
def merge(
    rows: Ints, n: int, k: int, width: int, slots: Ints, stamp: int, infinite: Ints
) -> int:
    """Keep the first of equal rows, drop those at infinity, close the gaps in place.

    Returns the number of rows left, or -1 when a row is at infinity modulo some of
    the primes and not modulo others: those primes are bad.
    """
    kept = 0
    for j in range(n):
        if infinite[j] == k:
            continue
        if infinite[j] > 0:
            return -1
        slot, found = find_slot(rows, j, k, width, slots, stamp)
        if found:
            continue
        slots[slot, 0] = stamp
        slots[slot, 1] = kept
        if kept != j:
            for t in range(k):
                for c in range(width):
                    rows[kept, t, c] = rows[j, t, c]
        kept += 1
    return kept


@kernel
def intersect_lines(
    lines: Ints, i: int, points: Ints, primes: Primes, scratch: Scratch
) -> bool:
    """Write where lines ``0 .. i-1`` meet line ``i``; return False if a prime is bad.

    ``lines`` are normalised, ``(1, s, b)`` or ``(0, 1, b)``; ``points[j, t, 0]`` is a
    coordinate along line ``i``, or ``p`` for a line parallel modulo ``p``.
    ``scratch.infinite`` is written for those lines.
    """
    below, parallel = scratch.values, scratch.infinite
    parallel[:i] = 0
    for t in range(primes.values.size):
        p, reciprocal = primes.values[t], primes.reciprocals[t]
        slope, offset = lines[i, t, 1], lines[i, t, 2]
        for j in range(i):
            above = lines[j, t, 2]
            if lines[i, t, 0] == 0:
                below[j] = lines[j, t, 0]
                above -= multiply(lines[j, t, 1], offset, p, reciprocal)
            elif lines[j, t, 0] == 0:
                below[j] = 1
            else:
                below[j] = lines[j, t, 1] - slope
                above -= offset
            below[j] += p if below[j] < 0 else 0
            points[j, t, 0] = above + (p if above < 0 else 0)
            if below[j] == 0:
                parallel[j] += 1
                if above == 0:
                    return False
        invert_all(below, i, p, reciprocal, primes.inverses, scratch.prefix)
        for j in range(i):
            if below[j] == 0:
                points[j, t, 0] = p
            else:
                points[j, t, 0] = multiply(points[j, t, 0], below[j], p, reciprocal)
    return True


@kernel
def count_points(
    points: Ints, n: int, k: int, slots: Ints, stamp: int, parallel: Ints
) -> int:
    """Count the distinct points among ``n``, those at infinity aside."""
    found = 0
    for j in range(n):
        if parallel[j] == k:
            continue
        slot, known = find_slot(points, j, k, 1, slots, stamp)
        if not known:
            slots[slot, 0] = stamp
            slots[slot, 1] = j
            found += 1
    return found


@kernel
def advance(
    tree: Restrictions,
    primes: Primes,
    slots: Ints,
    scratch: Scratch,
    max_nodes: int,
    max_work: int,
) -> int:
    """Walk the tree of restrictions until it ends or a limit is reached.

    ``tree`` is modified; calling again goes on. ``max_nodes`` is the total in
    ``state[NODES]`` not to pass, ``max_work`` the row operations a call.
    """
    rows, length, position = tree.rows, tree.length, tree.position
    counts, state = tree.counts, tree.state
    dimension, k = rows.shape[0], primes.values.size
    work = 0
    while state[LEVEL] >= 0:
        level = state[LEVEL]
        i = position[level]
        if i == length[level]:
            state[LEVEL] -= 1
            continue
        if state[NODES] >= max_nodes or work >= max_work:
            return PAUSED
        work += (i + 1) * k
        position[level] = i + 1
        state[NODES] += 1
        state[STAMP] += 1
        stamp = state[STAMP]
        counts[level + 1] += 1
        here, below, width = rows[level], rows[level + 1], dimension - level
        if width == 2:
            if not intersect_lines(here, i, below, primes, scratch):
                return BAD_PRIME
            found = count_points(below, i, k, slots, stamp, scratch.infinite)
            counts[level + 2] += found
        else:
            eliminate(here, i, below, width + 1, primes)
            if not normalise(below, i, width, primes, scratch):
                return BAD_PRIME
            left = merge(below, i, k, width, slots, stamp, scratch.infinite)
            if left < 0:
                return BAD_PRIME
            length[level + 1] = left
            position[level + 1] = 0
            state[LEVEL] += 1
    return DONE
