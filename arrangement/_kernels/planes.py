"""Kernels of counting by symmetry: the points of the lines of a plane, each once.

The two ranks at the top, whose flats are not sorted into classes: see
:mod:`arrangement.counting.classes`.
"""

from __future__ import annotations

from arrangement._kernels.classes import (
    DONE_FLATS,
    N_LINES,
    N_OUTSIDE,
    NEXT_LINE,
    STAMP,
    Level,
    Matrix,
    Weights,
    Work,
    restrict,
)
from arrangement._kernels.compile import inner, kernel
from arrangement._kernels.counting import Primes, find_slot, invert_all, multiply
from arrangement._kernels.state import BAD_PRIME, DONE, PAUSED, Array


@inner
def meet(i: int, n_lines: int, primes: Primes, work: Work, meeting: Array) -> bool:
    """Write where the other lines of a plane meet line ``i``; False: a bad prime.

    Lines are ``work.points[work.first[g]]``, in three coordinates; ``meeting[j, t, 0]``
    is a coordinate along line ``i``, or ``p`` for its point at infinity.
    """
    below = work.values
    for t in range(primes.values.size):
        p, reciprocal = primes.values[t], primes.reciprocals[t]
        line = work.points[work.first[i], t]
        pivot = 0 if line[0] != 0 else (1 if line[1] != 0 else 2)
        u, v = (1 if pivot == 0 else 0), (1 if pivot == 2 else 2)
        for j in range(n_lines):
            other = work.points[work.first[j], t]
            factor = other[pivot]
            above, under = other[u], other[v]
            if factor == 1:
                above -= line[u]
                under -= line[v]
            elif factor != 0:
                above -= multiply(factor, line[u], p, reciprocal)
                under -= multiply(factor, line[v], p, reciprocal)
            below[j] = under + p if under < 0 else under
            meeting[j, t, 0] = above + p if above < 0 else above
            if j != i and below[j] == 0 and meeting[j, t, 0] == 0:
                return False
        invert_all(below, n_lines, p, reciprocal, primes.inverses, work.prefix)
        for j in range(n_lines):
            if below[j] == 0:
                meeting[j, t, 0] = p
            else:
                meeting[j, t, 0] = multiply(meeting[j, t, 0], below[j], p, reciprocal)
    return True


@inner
def sum_line(
    i: int, n_lines: int, on_flat: int, meeting: Array, k: int, stamp: int,
    weights: Weights, work: Work,
) -> None:  # fmt: skip
    """Write ``sum of (|F| - |G|) / |F|`` over the points F of line G to ``partial``."""
    n_points = 0
    is_direct = work.spots.shape[0] > 0
    table = work.spots if is_direct else work.slots
    for j in range(n_lines):
        if j == i:
            continue
        if is_direct:
            slot = meeting[j, 0, 0]
            found = work.spots[slot, 0] == stamp
        else:
            slot, found = find_slot(meeting, j, k, 1, work.slots, stamp)
        if not found:
            table[slot, 0] = stamp
            table[slot, 1] = j
            work.members[n_points] = j
            n_points += 1
            work.sums[j] = 0
        work.sums[table[slot, 1]] += work.sizes[j]
    on_line = on_flat + work.sizes[i]
    for t in range(weights.moduli.size):
        total = 0
        for place in range(n_points):
            # at most m terms below m * 2**31
            more = work.sums[work.members[place]]
            total += more * weights.inverses[t, on_line + more]
        work.partial[t] = total % weights.moduli[t]


@kernel
def close(
    level: Level, rank: int, matrix: Matrix, weights: Weights, work: Work,
    meeting: Array, sums: Array, state: Array, max_work: int,
) -> int:  # fmt: skip
    """Add up the two ranks above the last classes, whose flats have dimension 3.

    ``sums`` (2, moduli) are the Whitney numbers of ranks ``rank + 1`` and ``rank + 2``;
    ``meeting`` (m, k, 1) is scratch.  A call meets about ``max_work`` pairs of lines
    modulo a prime, and stops within a plane: ``work`` is to stay as it is until then.
    """
    k, m = matrix.columns.shape[0], matrix.columns.shape[2]
    spent = 0
    while state[DONE_FLATS] < level.n_classes[0]:
        if spent >= max_work:
            return PAUSED
        c = state[DONE_FLATS]
        if state[NEXT_LINE] == 0:
            state[STAMP] += 1
            n, lines = restrict(
                level.masks[c], level.bases[c], rank, matrix, work, state[STAMP]
            )
            if lines < 0:
                return BAD_PRIME
            state[N_OUTSIDE], state[N_LINES] = n, lines
            spent += n * k
        on_flat, lines = m - state[N_OUTSIDE], state[N_LINES]
        while state[NEXT_LINE] < lines:
            if spent >= max_work and state[NEXT_LINE] > 0:
                return PAUSED
            i = state[NEXT_LINE]
            spent += lines * k
            state[STAMP] += 1
            if not meet(i, lines, matrix.primes, work, meeting):
                return BAD_PRIME
            sum_line(i, lines, on_flat, meeting, k, state[STAMP], weights, work)
            size = work.sizes[i]
            for t in range(weights.moduli.size):
                q = weights.moduli[t]
                # T (|G| - |H|) / |G|
                value = level.totals[c, t] * size % q
                value = value * weights.inverses[t, on_flat + size] % q
                sums[0, t] = (sums[0, t] + value) % q
                sums[1, t] = (sums[1, t] + value * work.partial[t]) % q
            state[NEXT_LINE] += 1
        state[NEXT_LINE] = 0
        state[DONE_FLATS] += 1
    return DONE
