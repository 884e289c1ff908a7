"""Kernels of counting by symmetry: restrict to a flat, find its covers, sort them.

A flat is the set of the rows that vanish on it, a *mask*: row ``i`` is bit ``i % 64``
of word ``i // 64``.  Restriction to it is done modulo primes; why that is exact is
proven in :mod:`arrangement.counting.counts`, and what is counted is said in
:mod:`arrangement.counting.classes`.  Residues are below ``2**31``, so a product of two
is below ``2**62``; nothing wraps.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from arrangement._kernels.bits import ONE, ZERO
from arrangement._kernels.compile import inner, kernel
from arrangement._kernels.counting import (
    Primes,
    find_slot,
    invert,
    invert_all,
    multiply,
)
from arrangement._kernels.orbits import Chain, Search, find_image
from arrangement._kernels.state import BAD_PRIME, DONE, GROW_POOL, PAUSED, Array

# slots of the state array of `expand` and `close`; of the plane that `close` stands in
# the line to do next (0: it is not begun), its lines, and the rows outside
DONE_FLATS, STAMP, N_EDGES, NEXT_LINE, N_LINES, N_OUTSIDE, N_STATE = range(7)
# a sum of so many products of two residues below this prime stays below 2**62
SMALL_PRIME, MOST_TERMS = 2**20, 2**22


class Matrix(NamedTuple):
    """All rows modulo ``k`` primes, by column: ``columns`` (k, r, m)."""

    columns: Array
    primes: Primes


class Level(NamedTuple):
    """Classes of the flats of one rank, by class.

    ``masks`` (capacity, words) uint64 of a flat of each, ``bases`` (capacity, rank)
    int32 rows that span it, ``totals`` (capacity, moduli) the sum over the class of
    its Moebius values (while it is summed up, times the number of rows), modulo each
    of some primes.  ``slots`` is a hash table of class numbers, -1 where empty;
    ``hashes`` (capacity,); ``n_classes`` (1,).
    """

    masks: Array
    bases: Array
    totals: Array
    slots: Array
    hashes: Array
    n_classes: Array


class Weights(NamedTuple):
    """Moduli of the totals, and ``inverses`` (moduli, m + 1) of row numbers there."""

    moduli: Array
    inverses: Array


class Work(NamedTuple):
    """Scratch of one restriction.

    ``reduced`` (k, r, r) is the reduced basis of the flat, ``pivots`` (k, r) and
    ``free`` (k, r) columns; ``image`` (k, r, m) the rows restricted, by coordinate;
    ``outside`` (m,) the rows not on the flat, ``inside`` (m,) those on it;
    ``points`` (m, k, r) normalised; ``group`` (m,) of a row outside, ``sizes`` and
    ``first`` (m + 1,) of a group; ``members`` (m,) rows by group from ``starts``
    (m + 1,) on; ``values`` and ``prefix`` (m,); ``slots`` a hash table of (stamp,
    row); ``noise`` (m,) of each row; ``sums`` (m,) of a point; ``partial`` (moduli,);
    ``spots`` (p + 1, 2) is the table of points of a line by their coordinate, where
    there is one prime and it is small, else it has no rows.
    """

    reduced: Array
    pivots: Array
    free: Array
    image: Array
    outside: Array
    inside: Array
    points: Array
    group: Array
    sizes: Array
    first: Array
    members: Array
    starts: Array
    values: Array
    prefix: Array
    slots: Array
    noise: Array
    sums: Array
    partial: Array
    spots: Array


@inner
def reduce_basis(basis: Array, rank: int, matrix: Matrix, work: Work) -> bool:
    """Write the reduced echelon form of some rows; False when a prime is bad.

    The rows are independent; a prime modulo which they are not is bad.
    """
    r = matrix.columns.shape[1]
    for t in range(matrix.primes.values.size):
        p, reciprocal = matrix.primes.values[t], matrix.primes.reciprocals[t]
        table = work.reduced[t]
        for i in range(rank):
            for c in range(r):
                table[i, c] = matrix.columns[t, c, basis[i]]
        for i in range(rank):
            # rows above are reduced: clear their pivots here, then this one there
            for h in range(i):
                factor = table[i, work.pivots[t, h]]
                if factor != 0:
                    subtract(table[i], table[h], factor, p, reciprocal)
            pivot = 0
            while pivot < r and table[i, pivot] == 0:
                pivot += 1
            if pivot == r:
                return False
            scale = invert(table[i, pivot], p)
            for c in range(r):
                table[i, c] = multiply(table[i, c], scale, p, reciprocal)
            work.pivots[t, i] = pivot
            for h in range(i):
                factor = table[h, pivot]
                if factor != 0:
                    subtract(table[h], table[i], factor, p, reciprocal)
        n_free = 0
        for c in range(r):
            is_pivot = False
            for i in range(rank):
                is_pivot = is_pivot or work.pivots[t, i] == c
            if not is_pivot:
                work.free[t, n_free] = c
                n_free += 1
    return True


@inner
def subtract(row: Array, other: Array, factor: int, p: int, reciprocal: float) -> None:
    """Subtract a multiple of a row from another, modulo ``p``."""
    for c in range(row.size):
        value = row[c] - multiply(factor, other[c], p, reciprocal)
        row[c] = value + p if value < 0 else value


@inner
def project(rank: int, matrix: Matrix, work: Work) -> None:
    """Write all rows in the coordinates of the flat whose basis is reduced."""
    r, m = matrix.columns.shape[1], matrix.columns.shape[2]
    for t in range(matrix.primes.values.size):
        p, reciprocal = matrix.primes.values[t], matrix.primes.reciprocals[t]
        for f in range(r - rank):
            image = work.image[t, f]
            column = matrix.columns[t, work.free[t, f]]
            for j in range(m):
                image[j] = column[j]
            for i in range(rank):
                factor = work.reduced[t, i, work.free[t, f]]
                if factor == 0:
                    continue
                factor = p - factor
                column = matrix.columns[t, work.pivots[t, i]]
                if p <= SMALL_PRIME:  # at most r <= MOST_TERMS products
                    for j in range(m):
                        image[j] += factor * column[j]
                else:
                    for j in range(m):
                        image[j] += multiply(factor, column[j], p, reciprocal)
            # below 2**62 either way: less than 2**31 terms below 2**31
            for j in range(m):
                image[j] = multiply(1, image[j], p, reciprocal)


@inner
def part(mask: Array, m: int, work: Work) -> int:
    """List the rows on a flat and those outside; return how many are outside."""
    n_outside = 0
    for j in range(m):
        if mask[j >> 6] >> np.uint64(j & 63) & ONE == ZERO:
            work.outside[n_outside] = j
            n_outside += 1
        else:
            work.inside[j - n_outside] = j
    return n_outside


@inner
def normalise_points(n: int, dimension: int, primes: Primes, work: Work) -> bool:
    """Scale restricted rows so that the first non-zero coordinate is 1.

    False: a row is zero modulo a prime, which is bad then, as it is outside the flat.
    """
    lead = work.values
    for t in range(primes.values.size):
        p, reciprocal = primes.values[t], primes.reciprocals[t]
        for j in range(n):
            row = work.outside[j]
            lead[j] = 0
            for f in range(dimension):
                value = work.image[t, f, row]
                work.points[j, t, f] = value
                if lead[j] == 0:
                    lead[j] = value
            if lead[j] == 0:
                return False
        invert_all(lead, n, p, reciprocal, primes.inverses, work.prefix)
        for j in range(n):
            if lead[j] != 1:
                for f in range(dimension):
                    value = work.points[j, t, f]
                    if value != 0:
                        value = multiply(value, lead[j], p, reciprocal)
                        work.points[j, t, f] = value
    return True


@inner
def find_groups(n: int, dimension: int, k: int, work: Work, stamp: int) -> int:
    """Sort rows outside by the flat that each cuts out; return how many there are."""
    count = 0
    for j in range(n):
        slot, found = find_slot(work.points, j, k, dimension, work.slots, stamp)
        if not found:
            work.slots[slot, 0] = stamp
            work.slots[slot, 1] = j
            work.group[j] = count
            work.first[count] = j
            work.sizes[count] = 0
            count += 1
        else:
            work.group[j] = work.group[work.slots[slot, 1]]
        work.sizes[work.group[j]] += 1
    return count


@inner
def restrict(
    mask: Array, basis: Array, rank: int, matrix: Matrix, work: Work, stamp: int
) -> tuple[int, int]:
    """Restrict to a flat; return rows outside and covers, -1 where a prime is bad."""
    k, r, m = matrix.columns.shape
    if not reduce_basis(basis, rank, matrix, work):
        return 0, -1
    project(rank, matrix, work)
    n = part(mask, m, work)
    if not normalise_points(n, r - rank, matrix.primes, work):
        return n, -1
    return n, find_groups(n, r - rank, k, work, stamp)


@inner
def list_members(n: int, n_groups: int, work: Work) -> None:
    """List the rows outside by group, in ``members`` from ``starts[group]`` on."""
    total = 0
    for g in range(n_groups):
        work.starts[g] = total
        total += work.sizes[g]
    for j in range(n):
        g = work.group[j]
        work.members[work.starts[g]] = work.outside[j]
        work.starts[g] += 1
    for g in range(n_groups):
        work.starts[g] -= work.sizes[g]


@inner
def find_class(level: Level, mask: Array, key: int) -> tuple[int, int]:
    """Find the slot of a mask, and the class there or -1."""
    last = level.slots.size - 1
    slot = key & last
    while level.slots[slot] >= 0:
        known = level.slots[slot]
        if level.hashes[known] == key:
            same = True
            for w in range(mask.size):
                same = same and level.masks[known, w] == mask[w]
            if same:
                return slot, known
        slot = (slot + 1) & last
    return slot, -1


@inner
def add_flat(
    below: Level, search: Search, n: int, rank: int, factor: int, total: Array,
    weights: Weights, work: Work,
) -> int:  # fmt: skip
    """Add ``factor`` times a total to the class of the image found; return which."""
    key = np.int64(0)
    for i in range(n):
        key += work.noise[search.best[i]]
    slot, known = find_class(below, search.masks[1], key)
    if known < 0:
        known = below.n_classes[0]
        below.n_classes[0] += 1
        below.slots[slot] = known
        below.hashes[known] = key
        for w in range(search.masks.shape[1]):
            below.masks[known, w] = search.masks[1, w]
        for i in range(rank):
            below.bases[known, i] = search.best[i]
        below.totals[known, :] = 0
    for t in range(weights.moduli.size):
        value = below.totals[known, t] + factor * total[t]
        below.totals[known, t] = value % weights.moduli[t]
    return known


@kernel
def expand(
    level: Level, below: Level, rank: int, matrix: Matrix, weights: Weights,
    chain: Chain, search: Search, work: Work, state: Array, edges: Array, rounds: int,
    most: int, max_work: int,
) -> int:  # fmt: skip
    """Find the covers of one flat of each class, and add them up by class.

    ``level`` are the classes of rank ``rank``, ``below`` those of the next rank, both
    modified at most in ``below``; ``state[DONE_FLATS]`` of them are done.  ``most``
    paths a search.  ``edges`` (capacity, 3) int64 gets, of each cover, the class above,
    the class below and the rows gained, or has no rows; the caller sets
    ``state[N_EDGES]`` back.  `GROW_POOL`: ``below`` may be too small for the next flat.
    """
    m = matrix.columns.shape[2]
    spent = 0
    while state[DONE_FLATS] < level.n_classes[0]:
        is_full = edges.shape[0] > 0 and state[N_EDGES] + m > edges.shape[0]
        if spent >= max_work or is_full:
            return PAUSED
        if below.n_classes[0] + m >= below.hashes.size:
            return GROW_POOL
        c = state[DONE_FLATS]
        basis = level.bases[c]
        state[STAMP] += 1
        n, n_groups = restrict(level.masks[c], basis, rank, matrix, work, state[STAMP])
        if n_groups < 0:
            return BAD_PRIME
        list_members(n, n_groups, work)
        spent += n
        # the rows of the basis come first, so that their images do
        for g in range(n_groups):
            size = 0
            lead = work.outside[work.first[g]]
            image = search.images[0]
            for i in range(rank):
                image[size] = basis[i]
                size += 1
            image[size] = lead
            size += 1
            for i in range(m - n):
                row = work.inside[i]
                is_basis = False
                for h in range(rank):
                    is_basis = is_basis or basis[h] == row
                if not is_basis:
                    image[size] = row
                    size += 1
            for i in range(work.starts[g], work.starts[g] + work.sizes[g]):
                if work.members[i] != lead:
                    image[size] = work.members[i]
                    size += 1
            ends = find_image(size, rounds, most, chain, search)
            spent += size * ends
            known = add_flat(
                below, search, size, rank + 1, work.sizes[g], level.totals[c],
                weights, work,
            )  # fmt: skip
            if edges.shape[0] > 0:
                edge = edges[state[N_EDGES]]
                edge[0], edge[1], edge[2] = c, known, work.sizes[g]
                state[N_EDGES] += 1
        state[DONE_FLATS] += 1
    return DONE


@kernel
def rebuild(level: Level) -> None:
    """Fill an empty hash table with the classes of a level."""
    last = level.slots.size - 1
    for c in range(level.n_classes[0]):
        slot = level.hashes[c] & last
        while level.slots[slot] >= 0:
            slot = (slot + 1) & last
        level.slots[slot] = c
