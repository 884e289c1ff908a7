"""Faces from chambers: the chambers of flats inside one another, by bits alone.

Take all chambers of the restriction to a flat as bits, one a row.  A row is a wall of a
chamber just when the pattern with the bits of all rows parallel to it there turned is a
chamber too: then the two have a face in common, which is a chamber of the flat that the
row cuts out, and all its chambers are found so (Bjoerner et al., *Oriented Matroids*,
section 4.2).  So with the chambers of the whole arrangement in exact numbers no
arithmetic is left:

- rows are parallel on a flat when their bits always agree, or never do there;
- k rows are independent there when the chambers have all ``2**k`` signs on them, as
  dependent ones cut their space into fewer parts;
- of the chambers of a plane through the origin, or of a line, each two are as many rows
  apart as they are walls, so that they are in order along it by that distance.

Of a central arrangement one of each two opposite chambers is kept, that where the first
row which is not zero on the flat is positive.  Every chamber of a cut comes from two,
so that a path of flats has room in twice the room of the first.  Chambers are kept in
the order of all their signs, + before -, which a cut keeps.

A key is drawn for each row, and the hash of a chamber is the exclusive or of those of
the rows that are positive there: that of another one differs by keys that are known.
Bits of a filter, sixteen a chamber, tell most that are none apart; what passes is
looked up, and compared bit by bit.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from arrangement._kernels.bits import ONE, ZERO, lowest, popcount
from arrangement._kernels.compile import bare_forced, bare_inner, bare_kernel
from arrangement._kernels.state import BLOCK_FULL, DONE, PAUSED, Array

# the order of the chambers of a flat may not be that of signs: Python knows
ASK = 100

# slots of a level: where its arrays begin and how long they are; the row by which it
# was cut out of the one above, and whether no two rows are parallel there
BEGIN, COUNT, SLOTS, N_SLOTS, FILTER, N_FILTER, LAST, IS_DISTINCT, N_LEVEL = range(9)

# slots of ``control``: the level that the walk is on, and that of the flats on which
# faces are written; the dimension of the faces, of an affine arrangement one more;
# whether a flat is open, how many faces it has (opposite ones not counted) and how many
# are written (counted); rows up to which the order is that of signs without asking, and
# whether it is; rows written; the last stamp
(
    DEPTH, TARGET, CONE, IS_CENTRAL, IS_OPEN, N_FACES, AT, FEW_ROWS, IS_BY_SIGNS,
    WRITTEN, STAMP, N_CONTROL,
) = range(12)  # fmt: skip

# chambers of a sample of a flat, in which most rows that differ do so
_SAMPLE = 64
_TAG = np.uint64(0xFFFFFFFF)


class Path(NamedTuple):
    """A path of flats, each inside the one before.

    ``words`` (room, n_words) uint64 are chambers, bit ``i % 64`` of word ``i // 64``
    set where row i is positive, and ``hashes`` (room,) uint64; ``slots`` uint32 are
    tables of places of chambers, from 1 on, and ``filters`` uint64 those that tell most
    others apart; of each flat from a place of its own on (`BEGIN` and so on in
    ``levels`` (levels, N_LEVEL) int64).  ``zero``, ``moving`` and ``seen`` (levels,
    n_words) uint64 are the rows that are zero on a flat, those with both signs, and
    those among whose parallels the walk has been.  ``walls`` (chambers, n_words) uint64
    are the rows that are walls of the chambers of the first flat.  ``keys`` (rows,)
    uint64.
    """

    words: Array
    hashes: Array
    slots: Array
    filters: Array
    levels: Array
    zero: Array
    moving: Array
    seen: Array
    walls: Array
    keys: Array


class Scratch(NamedTuple):
    """What a cut and an order are found with.

    ``parallel``, ``opposite`` and ``flips`` (n_words,) uint64 are masks of rows;
    ``order``, ``codes``, ``starts`` and ``stamps`` int64 have room for each chamber of
    a flat, and two more.
    """

    parallel: Array
    opposite: Array
    flips: Array
    order: Array
    codes: Array
    starts: Array
    stamps: Array


class Spread(NamedTuple):
    """How the signs of all rows follow: ``signs[source] * factor + constant``.

    ``source`` (n,) int64, ``factor`` and ``constant`` (n,) int8; ``is_direct`` where
    rows are their own source.  ``signs`` (64 n_words) int8 is scratch, ``eights`` (8
    n_words) uint64 the same memory, and ``own`` (n,) int8 gets the factors on a flat;
    ``bytes`` (256,) uint64 has the signs of eight bits, as eight int8.
    """

    source: Array
    factor: Array
    constant: Array
    is_direct: bool
    signs: Array
    eights: Array
    own: Array
    bytes: Array


@bare_kernel
def reverse(words, out):
    """Write patterns as numbers that rise as signs do, + before -, row 0 first."""
    for t in range(words.shape[0]):
        for w in range(words.shape[1]):
            x = ~words[t, w]
            x = (x >> np.uint64(1)) & np.uint64(0x5555555555555555) | (
                x & np.uint64(0x5555555555555555)
            ) << np.uint64(1)
            x = (x >> np.uint64(2)) & np.uint64(0x3333333333333333) | (
                x & np.uint64(0x3333333333333333)
            ) << np.uint64(2)
            x = (x >> np.uint64(4)) & np.uint64(0x0F0F0F0F0F0F0F0F) | (
                x & np.uint64(0x0F0F0F0F0F0F0F0F)
            ) << np.uint64(4)
            x = (x >> np.uint64(8)) & np.uint64(0x00FF00FF00FF00FF) | (
                x & np.uint64(0x00FF00FF00FF00FF)
            ) << np.uint64(8)
            x = (x >> np.uint64(16)) & np.uint64(0x0000FFFF0000FFFF) | (
                x & np.uint64(0x0000FFFF0000FFFF)
            ) << np.uint64(16)
            out[t, w] = (x >> np.uint64(32)) | (x << np.uint64(32))


@bare_kernel
def gather(patterns, rows, out):
    """Write the bits of some rows, one after another; ``out`` is 0 before."""
    for t in range(patterns.shape[0]):
        for k in range(rows.size):
            bit = (patterns[t, rows[k] >> 6] >> np.uint64(rows[k] & 63)) & ONE
            out[t, k >> 6] |= bit << np.uint64(k & 63)


@bare_forced
def has_bit(words, t, row):
    """Whether the bit of a row is set in line ``t``."""
    return (words[t, row >> 6] >> np.uint64(row & 63)) & ONE != ZERO


@bare_forced
def first_bit(masks, level, without):
    """Lowest row of a mask that is not in another; -1 when there is none."""
    for w in range(masks.shape[1]):
        rest = masks[level, w] & ~without[level, w]
        if rest != ZERO:
            return 64 * w + lowest(rest)
    return -1


@bare_forced
def key_of(path, mask):
    """Exclusive or of the keys of the rows of a mask."""
    key = ZERO
    for w in range(mask.size):
        rest = mask[w]
        while rest != ZERO:
            key ^= path.keys[64 * w + lowest(rest)]
            rest &= rest - ONE
    return key


@bare_kernel
def begin(path, count, n_rows):
    """Begin with ``count`` chambers of the whole: their hashes, table and masks."""
    for t in range(count):
        key = ZERO
        for w in range(path.words.shape[1]):
            rest = path.words[t, w]
            while rest != ZERO:
                key ^= path.keys[64 * w + lowest(rest)]
                rest &= rest - ONE
        path.hashes[t] = key
    for w in range(path.words.shape[1]):
        path.zero[0, w] = ZERO
    path.levels[0, BEGIN] = 0
    path.levels[0, COUNT] = count
    path.levels[0, SLOTS] = 0
    path.levels[0, FILTER] = 0
    path.levels[0, IS_DISTINCT] = 1
    for k in range(n_rows):
        path.moving[0, k >> 6] |= ONE << np.uint64(k & 63)
    for t in range(count):
        for w in range(path.words.shape[1]):
            path.walls[t, w] = ZERO
    index_chambers(path, 0)


@bare_kernel
def find_walls(path, row, is_central, flips):
    """Find the chambers of which a row is a wall, in the first of the flats."""
    for w in range(flips.size):
        flips[w] = path.moving[0, w] if is_central and row == 0 else ZERO
    flag = ONE << np.uint64(row & 63)
    flips[row >> 6] ^= flag
    key = key_of(path, flips)
    for t in range(path.levels[0, COUNT]):
        other = path.hashes[t] ^ key
        if may_be(path, 0, other) and is_chamber(path, 0, t, other, flips):
            path.walls[t, row >> 6] |= flag


@bare_inner
def index_chambers(path, level):
    """Fill the table and the filter of a flat."""
    levels = path.levels
    count, first = levels[level, COUNT], levels[level, BEGIN]
    n_slots = 2
    while n_slots < 2 * count:
        n_slots *= 2
    n_filter = 1
    while 4 * n_filter < count:
        n_filter *= 2
    levels[level, N_SLOTS], levels[level, N_FILTER] = n_slots, n_filter
    slots, filters = levels[level, SLOTS], levels[level, FILTER]
    for s in range(slots, slots + n_slots):
        path.slots[s] = 0
    for s in range(filters, filters + n_filter):
        path.filters[s] = ZERO
    for t in range(count):
        key = path.hashes[first + t]
        s = np.int64(key & np.uint64(n_slots - 1))
        while path.slots[slots + s] != 0:
            s = (s + 1) & (n_slots - 1)
        path.slots[slots + s] = t + 1
        # the upper bits: where those below led to one place they still differ
        high = key >> np.uint64(32)
        place = filters + np.int64((high >> np.uint64(6)) & np.uint64(n_filter - 1))
        path.filters[place] |= ONE << (high & np.uint64(63))


@bare_forced
def may_be(path, level, key):
    """Whether the filter lets a hash pass."""
    high = key >> np.uint64(32)
    last = np.uint64(path.levels[level, N_FILTER] - 1)
    place = path.levels[level, FILTER] + np.int64((high >> np.uint64(6)) & last)
    return (path.filters[place] >> (high & np.uint64(63))) & ONE != ZERO


@bare_forced
def is_chamber(path, level, t, key, flips):
    """Whether chamber ``t`` with some rows turned is one; ``key`` is its hash."""
    first, slots = path.levels[level, BEGIN], path.levels[level, SLOTS]
    last = path.levels[level, N_SLOTS] - 1
    s = np.int64(key & np.uint64(last))
    while True:
        found = np.int64(path.slots[slots + s])
        if found == 0:
            return False
        u = first + found - 1
        if path.hashes[u] == key:
            is_same = True
            for w in range(flips.size):
                if path.words[u, w] != path.words[t, w] ^ flips[w]:
                    is_same = False
            if is_same:
                return True
        s = (s + 1) & last


@bare_forced
def note_signs(path, begin, end, step, row, scratch):
    """Take rows out that differ from a row in some chambers, or that do not.

    Whether any is left.
    """
    source, shift = row >> 6, np.uint64(row & 63)
    rest = ZERO
    for w in range(scratch.parallel.size):
        parallel, opposite = scratch.parallel[w], scratch.opposite[w]
        for t in range(begin, end, step):
            # all bits where the row is negative
            turned = ((path.words[t, source] >> shift) & ONE) - ONE
            word = path.words[t, w] ^ turned
            parallel &= word
            opposite &= ~word
        scratch.parallel[w], scratch.opposite[w] = parallel, opposite
        rest |= parallel | opposite
    return rest != ZERO


@bare_inner
def find_parallel(path, level, row, scratch):
    """Write the rows parallel to a row on a flat, itself among them.

    Of rows that have been seen none is.
    """
    first, count = path.levels[level, BEGIN], path.levels[level, COUNT]
    word, flag = row >> 6, ONE << np.uint64(row & 63)
    is_alone = path.levels[level, IS_DISTINCT] == 1
    for w in range(scratch.parallel.size):
        others = ZERO if is_alone else path.moving[level, w] & ~path.seen[level, w]
        scratch.parallel[w] = others
        scratch.opposite[w] = others
    scratch.parallel[word] &= ~flag
    scratch.opposite[word] &= ~flag
    if not is_alone:
        # neighbours differ in few rows; chambers far apart soon do in most
        step = max(count // _SAMPLE, 1)
        is_left = note_signs(path, first, first + count, step, row, scratch)
        t = np.int64(0) if step > 1 else count
        while is_left and t < count:
            end = min(t + _SAMPLE, count)
            is_left = note_signs(path, first + t, first + end, 1, row, scratch)
            t = end
    scratch.parallel[word] |= flag
    for w in range(scratch.parallel.size):
        scratch.parallel[w] |= scratch.opposite[w]


@bare_forced
def write_masks(path, level, is_central, scratch):
    """Write the rows that are zero on the flat below, and those with both signs."""
    below = level + 1
    first, count = path.levels[below, BEGIN], path.levels[below, COUNT]
    for w in range(scratch.parallel.size):
        path.zero[below, w] = path.zero[level, w] | scratch.parallel[w]
        moving = path.moving[level, w] & ~scratch.parallel[w]
        if not is_central:
            # what is constant is parallel to the flat
            differ = ZERO
            for t in range(first + 1, first + count):
                differ |= path.words[t, w] ^ path.words[first, w]
            moving &= differ
        path.moving[below, w] = moving
        path.seen[below, w] = ZERO


@bare_inner
def cut(path, level, row, is_central, scratch):
    """Find the chambers of the flat that a row and its parallels cut out of one."""
    levels, words, hashes = path.levels, path.words, path.hashes
    first, count = levels[level, BEGIN], levels[level, COUNT]
    key = key_of(path, scratch.parallel)
    for w in range(scratch.flips.size):
        scratch.flips[w] = scratch.parallel[w]
    asked = row
    if is_central and row == first_bit(path.moving, level, path.zero):
        # beyond that row lies what is kept as its opposite; the next one decides
        for w in range(scratch.flips.size):
            scratch.flips[w] ^= path.moving[level, w]
        key = key_of(path, scratch.flips)
        for w in range(scratch.flips.size):
            if scratch.flips[w] != ZERO:
                asked = 64 * w + lowest(scratch.flips[w])
                break
    end = first + count
    for t in range(first, first + count):
        if level == 0:
            is_cut = has_bit(path.walls, t, row) and has_bit(words, t, asked)
        else:
            other = hashes[t] ^ key
            is_cut = (
                may_be(path, level, other)
                and has_bit(words, t, asked)
                and is_chamber(path, level, t, other, scratch.flips)
            )
        if is_cut:
            for w in range(scratch.flips.size):
                words[end, w] = words[t, w]
            hashes[end] = hashes[t]
            end += 1
    below = level + 1
    levels[below, BEGIN] = first + count
    levels[below, COUNT] = end - first - count
    # the walls of the first are known, so that its table is not needed any more
    is_first = level == 0
    n_slots, n_filter = levels[level, N_SLOTS], levels[level, N_FILTER]
    levels[below, SLOTS] = 0 if is_first else levels[level, SLOTS] + n_slots
    levels[below, FILTER] = 0 if is_first else levels[level, FILTER] + n_filter
    levels[below, LAST] = row
    levels[below, IS_DISTINCT] = 0
    write_masks(path, level, is_central, scratch)


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


@bare_inner
def open_flat(path, control, scratch, spread):
    """Put the faces of the flat on top in order; False if Python knows it."""
    level, cone = control[DEPTH], control[CONE]
    is_central = control[IS_CENTRAL] == 1
    control[N_FACES] = path.levels[level, COUNT]
    if cone > 2:
        if control[IS_BY_SIGNS] == 0 and not has_few_rows(
            path, level, control[FEW_ROWS], scratch
        ):
            return False
        size = cone if is_central else cone - 1
        order_by_signs(path, level, size, is_central, control, scratch)
    elif cone == 2:
        order_by_distance(path, level, is_central, scratch)
    else:
        control[N_FACES] = order_between(path, level, is_central, scratch)
    for i in range(spread.source.size):
        spread.own[i] = spread.factor[i]
        if has_bit(path.zero, level, spread.source[i]):
            spread.own[i] = 0
    control[IS_OPEN], control[AT], control[IS_BY_SIGNS] = 1, 0, 0
    return True


@bare_forced
def write_signs(path, control, scratch, spread, at, out, r, is_opposite):
    """Write the signs of all rows in face ``at`` of the open flat to line ``r``."""
    level = control[DEPTH]
    is_between = control[CONE] == 1
    place = scratch.codes[at] if is_between else at
    entry = scratch.order[place]
    is_turned = entry < 0
    t = -entry - 1 if is_turned else entry
    turned = ~ZERO if is_turned != is_opposite else ZERO
    for w in range(path.words.shape[1]):
        word = path.words[t, w] ^ turned
        for b in range(8):
            eight = np.int64((word >> np.uint64(8 * b)) & np.uint64(255))
            spread.eights[8 * w + b] = spread.bytes[eight]
    if is_between:
        write_between(path, level, scratch, place)
        for w in range(scratch.flips.size):
            rest = scratch.flips[w]
            while rest != ZERO:
                spread.signs[64 * w + lowest(rest)] = 0
                rest &= rest - ONE
    if spread.is_direct:
        for i in range(spread.source.size):
            out[r, i] = np.int8(spread.signs[i] * spread.own[i] + spread.constant[i])
    else:
        for i in range(spread.source.size):
            sign = spread.signs[spread.source[i]] * spread.own[i]
            out[r, i] = np.int8(sign + spread.constant[i])


@bare_inner
def write_flat(path, control, scratch, spread, out):
    """Write the faces of the open flat as far as there is room; False if not all."""
    count, at = control[N_FACES], control[AT]
    r, room = control[WRITTEN], out.shape[0]
    if control[IS_CENTRAL] == 0:
        while at < count and r < room:
            write_signs(path, control, scratch, spread, at, out, r, False)
            at += 1
            r += 1
        is_whole = at == count
    else:
        while at < 2 * count and r < room:
            is_opposite = at & 1 == 1
            write_signs(path, control, scratch, spread, at >> 1, out, r, is_opposite)
            at += 1
            r += 1
            if at & 1 == 1 and r < room:
                for i in range(out.shape[1]):
                    out[r, i] = -out[r - 1, i]
                at += 1
                r += 1
        is_whole = at == 2 * count
    control[AT], control[WRITTEN] = at, r
    return is_whole


@bare_kernel
def advance(path, control, scratch, spread, out, budget):
    """Write faces until the block is full: DONE, BLOCK_FULL, PAUSED, or ASK.

    These are the chambers of flats, or where CONE is 1 what is between the chambers of
    a line or of a plane.  Depth first over the flats in lexicographic order of their
    first bases: a class cuts one out of a flat just when its first row comes after the
    row that cut that out.
    ``budget`` bounds the chambers looked at in one call.  ASK: whether the order of the
    flat on top is that of signs.  Then IS_BY_SIGNS is set, or DEPTH is one less.
    """
    while control[DEPTH] >= 0:
        level = control[DEPTH]
        if level == control[TARGET]:
            if control[IS_OPEN] == 0 and not open_flat(path, control, scratch, spread):
                return ASK
            if not write_flat(path, control, scratch, spread, out):
                return BLOCK_FULL
            control[IS_OPEN] = 0
            control[DEPTH] -= 1
            continue
        if budget <= 0:
            return PAUSED
        row = first_bit(path.moving, level, path.seen)
        if row < 0:
            control[DEPTH] -= 1
            continue
        find_parallel(path, level, row, scratch)
        for w in range(scratch.parallel.size):
            path.seen[level, w] |= scratch.parallel[w]
        budget -= path.levels[level, COUNT]
        if row > path.levels[level, LAST]:
            cut(path, level, row, control[IS_CENTRAL] == 1, scratch)
            control[DEPTH] += 1
            if control[DEPTH] < control[TARGET]:
                index_chambers(path, control[DEPTH])
    return DONE
