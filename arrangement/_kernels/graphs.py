"""Kernels over patterns in a hash table: which are neighbours, and where one is.

The hash of a pattern is linear over bits: the xor of one random word for each bit that
is set.  So crossing a hyperplane changes it by one xor, and what the new pattern is
need not be written down.  Equal hashes decide nothing: the words are compared.

A table (2**b, 2) uint64 holds, in open addressing, hashes and one more than the place
of their pattern (0: free).  A filter of a few bits a pattern is looked at before: it
stays in the cache, and most of what is looked up is not there.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels.bits import ONE, ZERO, lowest
from arrangement._kernels.compile import bare_inner, bare_kernel

_SIX = np.uint64(6)
_LOW = np.uint64(63)
_BYTE = np.uint64(255)


class Table(NamedTuple):
    """Patterns (P, words) uint64, their hashes (P,), the table of them, the filter.

    ``shift`` (1,) uint64 turns a hash into a place of the filter (2**c words).
    """

    patterns: NDArray[np.uint64]
    keys: NDArray[np.uint64]
    slots: NDArray[np.uint64]
    seen: NDArray[np.uint64]
    shift: NDArray[np.uint64]


class Classes(NamedTuple):
    """Classes of parallel rows: their first bits, all their bits, the hash of these.

    ``firsts`` (words,) uint64 has the first bits, ``at`` (64 words,) int64 the class of
    each, ``masks`` (m, words) uint64 all bits, ``keys`` (m,) uint64 their hashes.
    """

    firsts: NDArray[np.uint64]
    at: NDArray[np.int64]
    masks: NDArray[np.uint64]
    keys: NDArray[np.uint64]


@bare_kernel
def hash_patterns(patterns, tables, keys):
    """Write the hashes of ``patterns`` (P, words) into ``keys`` (P,) uint64.

    ``tables`` (8 words, 256) uint64 are those of the bytes.
    """
    for i in range(patterns.shape[0]):
        key = ZERO
        for w in range(patterns.shape[1]):
            word = patterns[i, w]
            for k in range(8):
                key ^= tables[8 * w + k, np.int64(word & _BYTE)]
                word >>= np.uint64(8)
        keys[i] = key


@bare_inner
def _is_same(patterns, i, others, j):
    difference = ZERO
    for w in range(patterns.shape[1]):
        difference |= patterns[i, w] ^ others[j, w]
    return difference == ZERO


@bare_kernel
def fill_table(table, start, stop):
    """Enter patterns ``start`` to ``stop``; the place of one that is there, or -1."""
    mask = np.uint64(table.slots.shape[0] - 1)
    for i in range(start, stop):
        key = table.keys[i]
        place = key & mask
        while table.slots[np.int64(place), 1] != ZERO:
            if table.slots[np.int64(place), 0] == key:
                other = np.int64(table.slots[np.int64(place), 1] - ONE)
                if _is_same(table.patterns, i, table.patterns, other):
                    return i
            place = (place + ONE) & mask
        table.slots[np.int64(place), 0] = key
        table.slots[np.int64(place), 1] = np.uint64(i + 1)
        flag = key >> table.shift[0]
        table.seen[np.int64(flag >> _SIX)] |= ONE << (flag & _LOW)
    return -1


@bare_kernel
def find_patterns(table, others, keys, found):
    """Write where each of ``others`` (Q, words) with hashes ``keys`` is, or -1."""
    mask = np.uint64(table.slots.shape[0] - 1)
    for j in range(keys.size):
        key = keys[j]
        place = key & mask
        found[j] = -1
        while table.slots[np.int64(place), 1] != ZERO:
            if table.slots[np.int64(place), 0] == key:
                i = np.int64(table.slots[np.int64(place), 1] - ONE)
                if _is_same(table.patterns, i, others, j):
                    found[j] = i
                    break
            place = (place + ONE) & mask


@bare_inner
def _is_across(patterns, i, j, masks, c):
    difference = ZERO
    for w in range(patterns.shape[1]):
        difference |= patterns[i, w] ^ patterns[j, w] ^ masks[c, w]
    return difference == ZERO


@bare_inner
def _find_across(table, place, key, i, masks, c):
    """Where pattern i with class c flipped is, or -1."""
    mask = np.uint64(table.slots.shape[0] - 1)
    while table.slots[np.int64(place), 1] != ZERO:
        if table.slots[np.int64(place), 0] == key:
            j = np.int64(table.slots[np.int64(place), 1] - ONE)
            if _is_across(table.patterns, i, j, masks, c):
                return j
        place = (place + ONE) & mask
    return -1


@bare_kernel
def find_edges(table, classes, start, stop, edges):
    """Write the edges from patterns ``start`` on; how far it came, and how many.

    Each edge is found from the pattern with the first row of the class on its positive
    side: a row of ``edges`` (room, 3) int64 is that pattern, the other one, the class.
    It ends before a pattern whose edges may not all fit.
    """
    mask = np.uint64(table.slots.shape[0] - 1)
    count = 0
    for i in range(start, stop):
        if count + classes.keys.size > edges.shape[0]:
            return i, count
        own = table.keys[i]
        for w in range(classes.firsts.size):
            # a test of each bit would be guessed wrong half of the time
            left = table.patterns[i, w] & classes.firsts[w]
            while left != ZERO:
                c = classes.at[64 * w + lowest(left)]
                left &= left - ONE
                key = own ^ classes.keys[c]
                flag = key >> table.shift[0]
                if table.seen[np.int64(flag >> _SIX)] >> (flag & _LOW) & ONE == ZERO:
                    continue
                j = _find_across(table, key & mask, key, i, classes.masks, c)
                if j >= 0:
                    edges[count, 0] = i
                    edges[count, 1] = j
                    edges[count, 2] = c
                    count += 1
    return stop, count
