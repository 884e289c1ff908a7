"""The chambers of a flat in order, and what is between those of a line."""

from __future__ import annotations

import numpy as np

from arrangement._kernels.bits import ONE, ZERO, lowest, popcount
from arrangement._kernels.compile import bare_forced, bare_inner
from arrangement._kernels.faces.cuts import find_parallel, first_bit, has_bit
from arrangement._kernels.faces.state import BEGIN, COUNT, LAST, STAMP


@bare_inner
def order_by_signs(path, level, dimension, is_central, control, scratch):
    """Order chambers by the signs of the first independent rows, then of all others."""
    first, count = path.levels[level, BEGIN], path.levels[level, COUNT]
    codes, stamps, order = scratch.codes, scratch.stamps, scratch.order
    for t in range(count):
        codes[t] = 0
        order[t] = first + t
    size = dimension - 1 if is_central else dimension
    found = np.int64(0)
    # the first row of a central one is positive throughout
    n_seen = np.int64(1 if is_central else 0)
    for w in range(path.moving.shape[1]):
        rest = path.moving[level, w]
        while rest != ZERO and found < size:
            row = 64 * w + lowest(rest)
            rest &= rest - ONE
            if n_seen == 1:
                n_seen = 0
                continue
            control[STAMP] += 1
            n_signs = np.int64(0)
            for t in range(count):
                is_plus = has_bit(path.words, first + t, row)
                code = 2 * codes[t] + (0 if is_plus else 1)
                if stamps[code] != control[STAMP]:
                    stamps[code] = control[STAMP]
                    n_signs += 1
                    if n_signs == 2 << found:
                        break
            if n_signs == 2 << found:
                for t in range(count):
                    is_plus = has_bit(path.words, first + t, row)
                    codes[t] = 2 * codes[t] + (0 if is_plus else 1)
                found += 1
    sort_codes(first, count, 1 << size, scratch)


@bare_forced
def sort_codes(first, count, n_codes, scratch):
    """Order chambers by their codes, and those of one as they are."""
    starts = scratch.starts
    for c in range(n_codes + 1):
        starts[c] = 0
    for t in range(count):
        starts[scratch.codes[t] + 1] += 1
    for c in range(n_codes):
        starts[c + 1] += starts[c]
    for t in range(count):
        code = scratch.codes[t]
        scratch.order[starts[code]] = first + t
        starts[code] += 1


@bare_forced
def distance(path, level, t, u, turned):
    """Rows in which two chambers differ, the second opposite where ``turned``."""
    total = 0
    for w in range(path.words.shape[1]):
        word = path.words[t, w] ^ path.words[u, w] ^ turned
        total += popcount(word & path.moving[level, w])
    return total


@bare_forced
def farthest(path, level, t, row, is_central):
    """Chamber farthest from another, where those with ``row`` negative are turned."""
    first, count = path.levels[level, BEGIN], path.levels[level, COUNT]
    best, most = t, np.int64(-1)
    for u in range(first, first + count):
        is_turned = is_central and (
            has_bit(path.words, u, row) != has_bit(path.words, t, row)
        )
        apart = distance(path, level, t, u, ~ZERO if is_turned else ZERO)
        if apart > most:
            best, most = u, apart
    return best


@bare_inner
def order_by_distance(path, level, is_central, scratch):
    """Order the chambers of a line, or of half a plane, from one end of it.

    A line goes to where its first row is positive; so does the half of a plane where
    the first row is positive that is not parallel to that.  Turned ones are ``-t - 1``.
    """
    first, count = path.levels[level, BEGIN], path.levels[level, COUNT]
    order, places = scratch.order, scratch.starts
    order[0] = first
    front = first_bit(path.moving, level, path.zero)
    if front < 0:
        return
    row = front
    if is_central:
        find_parallel(path, level, front, scratch)
        for w in range(scratch.parallel.size):
            scratch.flips[w] = path.moving[level, w] & ~scratch.parallel[w]
        for w in range(scratch.parallel.size):
            if scratch.flips[w] != ZERO:
                row = 64 * w + lowest(scratch.flips[w])
                break
    end = farthest(path, level, first, row, is_central)
    # of a plane the first row is positive in all, but where they are turned
    is_minus = not has_bit(path.words, end, row)
    if not is_minus:
        end = farthest(path, level, end, row, is_central)
    n_rows = 64 * path.words.shape[1]
    for d in range(n_rows + 1):
        places[d] = -1
    is_plus = has_bit(path.words, end, row)
    for t in range(first, first + count):
        is_turned = is_central and has_bit(path.words, t, row) != is_plus
        places[distance(path, level, end, t, ~ZERO if is_turned else ZERO)] = t
    k = 0
    for d in range(n_rows + 1):
        t = places[d]
        if t >= 0:
            is_turned = is_central and not has_bit(path.words, t, row)
            order[k] = -t - 1 if is_turned else t
            k += 1


@bare_forced
def word_along(path, scratch, i, w):
    """Word of the chamber at a place of an order by distance."""
    entry = scratch.order[i]
    return ~path.words[-entry - 1, w] if entry < 0 else path.words[entry, w]


@bare_forced
def write_between(path, level, scratch, i):
    """Write to ``flips`` the rows that are zero between a chamber and that before it.

    Before the first of half a plane comes the opposite of the last.
    """
    last = path.levels[level, COUNT] - 1
    for w in range(scratch.flips.size):
        word = word_along(path, scratch, i, w)
        if i == 0:
            word ^= ~word_along(path, scratch, last, w)
        else:
            word ^= word_along(path, scratch, i - 1, w)
        scratch.flips[w] = word & path.moving[level, w]


@bare_inner
def order_between(path, level, is_central, scratch):
    """Order what is between the chambers of a line or half a plane by its first row.

    Return how many there are whose first row comes after the last of the flat.
    ``codes`` are their places along it.
    """
    order_by_distance(path, level, is_central, scratch)
    places, n_rows = scratch.starts, 64 * path.words.shape[1]
    for k in range(n_rows):
        places[k] = -1
    for i in range(0 if is_central else 1, path.levels[level, COUNT]):
        write_between(path, level, scratch, i)
        for w in range(scratch.flips.size):
            if scratch.flips[w] != ZERO:
                places[64 * w + lowest(scratch.flips[w])] = i
                break
    count = 0
    for row in range(path.levels[level, LAST] + 1, n_rows):
        if places[row] >= 0:
            scratch.codes[count] = places[row]
            count += 1
    return count


@bare_inner
def has_few_rows(path, level, most, scratch):
    """Whether there are at most so many rows on a flat of which no two are parallel."""
    total = 0
    for w in range(scratch.parallel.size):
        total += popcount(path.moving[level, w])
    if total <= most:
        return True
    total = 0
    while True:
        row = first_bit(path.moving, level, path.seen)
        if row < 0:
            return True
        total += 1
        if total > most:
            return False
        find_parallel(path, level, row, scratch)
        for w in range(scratch.parallel.size):
            path.seen[level, w] |= scratch.parallel[w]
