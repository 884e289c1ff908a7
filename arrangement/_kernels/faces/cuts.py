"""Chambers by their bits: walls, rows that are parallel, and cuts by them."""

from __future__ import annotations

import numpy as np

from arrangement._kernels.bits import ONE, ZERO, lowest
from arrangement._kernels.compile import bare_forced, bare_inner, bare_kernel
from arrangement._kernels.faces.state import (
    BEGIN,
    COUNT,
    FILTER,
    IS_DISTINCT,
    LAST,
    N_FILTER,
    N_SLOTS,
    SLOTS,
)

# chambers of a sample of a flat, in which most rows that differ do so
_SAMPLE = 64
# bits of a hash from here on say which word of a filter is its
PLACE = np.uint64(38)


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
    index_chambers(path, 0)


@bare_kernel
def find_walls(path, row, is_central, order, flips):
    """Find the chambers of which a row is a wall, in the first of the flats.

    ``order`` (chambers,) int64 is that in which they are looked at, and their hashes
    are there once more, after all of them, in this order.
    """
    for w in range(flips.size):
        flips[w] = path.moving[0, w] if is_central and row == 0 else ZERO
    flips[row >> 6] ^= ONE << np.uint64(row & 63)
    key = key_of(path, flips)
    for w in range(path.walls.shape[1]):
        path.walls[row, w] = ZERO
    count = path.levels[0, COUNT]
    for k in range(count):
        other = path.hashes[count + k] ^ key
        if may_be(path, 0, other):
            t = order[k]
            if is_chamber(path, 0, t, other, flips):
                path.walls[row, t >> 6] |= ONE << np.uint64(t & 63)


@bare_forced
def filter_bits(key):
    """Three bits of a word of a filter."""
    most = np.uint64(63)
    first, second = key >> np.uint64(58), (key >> np.uint64(32)) & most
    return ONE << first | ONE << second | ONE << ((key >> np.uint64(26)) & most)


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
        # bits above those of the slot, so that they tell apart what meets there
        place = filters + np.int64((key >> PLACE) & np.uint64(n_filter - 1))
        path.filters[place] |= filter_bits(key)


@bare_forced
def may_be(path, level, key):
    """Whether the filter lets a hash pass."""
    last = np.uint64(path.levels[level, N_FILTER] - 1)
    place = path.levels[level, FILTER] + np.int64((key >> PLACE) & last)
    bits = filter_bits(key)
    return path.filters[place] & bits == bits


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


@bare_forced
def copy_chamber(path, t, end):
    """Write a chamber to another place."""
    for w in range(path.words.shape[1]):
        path.words[end, w] = path.words[t, w]
    path.hashes[end] = path.hashes[t]


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
    if level == 0:
        for w in range(path.walls.shape[1]):
            rest = path.walls[row, w]
            while rest != ZERO:
                t = 64 * w + lowest(rest)
                rest &= rest - ONE
                if has_bit(words, t, asked):
                    copy_chamber(path, t, end)
                    end += 1
    else:
        for t in range(first, first + count):
            other = hashes[t] ^ key
            if (
                may_be(path, level, other)
                and has_bit(words, t, asked)
                and is_chamber(path, level, t, other, scratch.flips)
            ):
                copy_chamber(path, t, end)
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
