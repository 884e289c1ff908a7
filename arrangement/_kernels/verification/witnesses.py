"""Checks for the proof of a listing: order of the patterns, signs at witnesses."""

from __future__ import annotations

import numpy as np

from arrangement._kernels.bits import ONE, ZERO, compare_products
from arrangement._kernels.compile import bare_forced, bare_inner, bare_kernel

U = 2.0**-53
# odd multipliers of the hash: the golden ratio, and what is added for each word
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_SPREAD = np.uint64(0xD6E8FEB86659FD93)


@bare_forced
def comes_before(patterns, a, b, leading):
    """Whether pattern a precedes b: ``leading`` bits first, then all, 1 before 0."""
    for w in range(leading.size):
        change = (patterns[a, w] ^ patterns[b, w]) & leading[w]
        if change != ZERO:
            return patterns[a, w] & change & (~change + ONE) != ZERO
    for w in range(leading.size):
        change = patterns[a, w] ^ patterns[b, w]
        if change != ZERO:
            return patterns[a, w] & change & (~change + ONE) != ZERO
    return False


@bare_kernel
def first_disorder(patterns, step, leading, moving, first):
    """Index of the first pattern out of order, or -1.

    ``patterns`` (P, n_words) uint64; every ``step``-th one follows the one ``step``
    before it: read the bits ``leading`` (n_words,) first, then all, ascending; 1 before
    0, strictly.  With ``step`` 2 the one after it is its complement in the bits
    ``moving`` (n_words,), and it is the one of both that has the bit ``first``: so none
    comes again as the complement of another.
    """
    for k in range(0, patterns.shape[0], step):
        if k > 0 and not comes_before(patterns, k - step, k, leading):
            return k
        if step == 2:
            if (patterns[k, first >> 6] >> np.uint64(first & 63)) & ONE == ZERO:
                return k
            for w in range(moving.size):
                if patterns[k + 1, w] != patterns[k, w] ^ moving[w]:
                    return k + 1
    return -1


@bare_kernel
def hash_chambers(patterns, step, moving, first, keys):
    """Hash every ``step``-th pattern; index of one that is no antipode, or -1.

    Equal patterns have equal ``keys`` (chambers,) uint64.  With ``step`` 2 a pattern is
    followed by its complement in the bits ``moving``, and has the key of that: the one
    of both in which bit ``first`` is set is hashed.
    """
    for chamber in range(keys.size):
        k = chamber * step
        key = wrong = turned = ZERO
        if step == 2:
            turned = ((patterns[k, first >> 6] >> np.uint64(first & 63)) & ONE) - ONE
        # words are mixed by themselves, eight at a time, each by a factor of its own: a
        # flip of a high bit changes few bits of a product, and with one factor for all
        # words the same flip in another one can undo that
        for w in range(moving.size):
            word = patterns[k, w]
            factor = _FACTOR + (np.uint64(w) << ONE) * _SPREAD
            mixed = (word ^ (moving[w] & turned)) * factor
            mixed = (mixed ^ (mixed >> np.uint64(32))) * factor
            key += mixed ^ (mixed >> np.uint64(29))
            if step == 2:
                wrong |= patterns[k + 1, w] ^ word ^ moving[w]
        if wrong != ZERO:
            return k + 1
        keys[chamber] = key
    return -1


@bare_kernel
def may_repeat(keys, ends, sorted_keys, table):
    """Whether two ``keys`` (n,) uint64 are equal, or too many alike to tell.

    They are sorted into buckets by their top bits, then entered into a small ``table``
    (a power of two of words), one bucket at a time: both stay in the cache.  ``ends``
    (2**b,) int64, b at least 1, all zero, and ``sorted_keys`` (n,) uint64 are scratch.
    """
    shift = np.uint64(64)
    size = ends.size
    while size > 1:
        shift -= ONE
        size >>= 1
    for key in keys:
        ends[np.int64(key >> shift)] += 1
    total = np.int64(0)
    for b in range(ends.size):
        count = ends[b]
        if 2 * count > table.size:
            return True
        ends[b] = total
        total += count
    for key in keys:
        b = np.int64(key >> shift)
        sorted_keys[ends[b]] = key
        ends[b] += 1
    first = np.int64(0)
    for b in range(ends.size):
        # no key of this bucket
        free = (np.uint64(b) << shift) ^ (ONE << np.uint64(63))
        table[:] = free
        for k in range(first, ends[b]):
            if enter(sorted_keys[k], table, free):
                return True
        first = ends[b]
    return False


@bare_forced
def enter(key, table, free):
    """Enter a key into a table with room for it; True when it is there already."""
    last = table.size - 1
    slot = np.int64(key & np.uint64(last))
    while table[slot] != free:
        if table[slot] == key:
            return True
        slot = (slot + 1) & last
    table[slot] = key
    return False


@bare_kernel
def check_signs(coordinates, witnesses, patterns, step, bits, copied, bad):
    """Mark in ``bad`` (chambers,) bool the patterns that no float witness proves.

    Of `Coordinates` and `OutputBits`; ``patterns`` has chamber p in row ``step * p``,
    and ``copied`` (n_words,) is scratch.  A witness is exact as it stands.  The value
    computed differs from the true one by at most
    ``(r + 3) u sum |x_k w_k| <= (r + 3) u norm max |w|``, plus
    ``r 2**-1074 (1 + max |w|)`` for underflow; witnesses are below 2**64 where entries
    underflow, so ``(r + 4) u norm max |w| + 2**-1000`` is safe; a fused product only
    saves a rounding.
    """
    values, copies = coordinates.values, bits.copies
    firsts, constant = bits.firsts, bits.constant
    for w in range(copied.size):
        copied[w] = ZERO
    for t in range(copies.shape[0]):
        copied[copies[t, 2]] |= ONE << np.uint64(copies[t, 3])
    unit = (values.shape[0] + 4) * U * coordinates.norm
    for p in range(witnesses.shape[0]):
        point = witnesses[p]
        peak = 0.0
        for k in range(point.size):
            peak = max(peak, abs(point[k]))
        bound = unit * peak + 2.0**-1000
        # where a sum might overflow nothing is above the bound
        if not bound < 2.0**900:
            bound = np.inf
        k = p * step
        wrong = ZERO
        for w in range(copied.size):
            above, below = compare_products(values, 64 * w, point, bound)
            wrong |= firsts[w] & ~(above | below)
            wrong |= (above & firsts[w] | constant[w]) ^ (patterns[k, w] & ~copied[w])
        for t in range(copies.shape[0]):
            bit = patterns[k, copies[t, 0]] >> np.uint64(copies[t, 1])
            bit ^= patterns[k, copies[t, 2]] >> np.uint64(copies[t, 3])
            wrong |= (bit ^ np.uint64(copies[t, 4])) & ONE
        bad[p] = wrong != ZERO


@bare_kernel
def margin_direction(rows, out, corral, gram, weights, step, limit):
    """Least-norm point of the hull of unit ``rows`` (m, r) by Wolfe's algorithm.

    ``out`` gets the point; it has a positive product with every row exactly when
    some vector does, up to rounding: the caller decides the signs exactly.  Scratch:
    ``corral`` (r + 2,) int64, ``gram`` (r + 2, r + 3), ``weights`` and ``step``
    (r + 2,).  Called once a chamber: a tuple of them would take a fifth of the time.
    Wolfe (1976), "Finding the nearest point in a polytope".
    """
    n_rows, width = rows.shape
    size = 1
    corral[0] = 0
    weights[0] = 1.0
    for k in range(width):
        out[k] = rows[0, k]
    for _ in range(limit):
        best = 0
        low = np.inf
        for i in range(n_rows):
            value = 0.0
            for k in range(width):
                value += rows[i, k] * out[k]
            if value < low:
                low, best = value, i
        norm = 0.0
        for k in range(width):
            norm += out[k] * out[k]
        if low >= norm * (1.0 - 1e-9) or size > width:
            return
        for t in range(size):
            if corral[t] == best:
                return
        corral[size] = best
        weights[size] = 0.0
        size += 1
        size = _minor_cycles(rows, corral, size, gram, weights, step)
        for k in range(width):
            total = 0.0
            for t in range(size):
                total += weights[t] * rows[corral[t], k]
            out[k] = total


@bare_inner
def _minor_cycles(rows, corral, size, gram, weights, step):
    """Move to the least-norm point of the affine hull, dropping rows on the way."""
    while True:
        _affine_weights(rows, corral, size, gram, step)
        theta = 1.0
        for t in range(size):
            if step[t] < 1e-14 and weights[t] - step[t] > 0.0:
                theta = min(theta, weights[t] / (weights[t] - step[t]))
        kept = 0
        for t in range(size):
            value = weights[t] + theta * (step[t] - weights[t])
            if value > 1e-14 or theta >= 1.0:
                corral[kept] = corral[t]
                weights[kept] = max(value, 0.0)
                kept += 1
        if kept == 0:
            return 1
        if theta >= 1.0 or kept == size:
            return kept
        size = kept


@bare_inner
def _affine_weights(rows, corral, size, gram, out):
    """Solve ``(G + 1 1^T) x = 1`` by elimination and normalise to sum one."""
    for a in range(size):
        for b in range(size):
            total = 1.0
            for k in range(rows.shape[1]):
                total += rows[corral[a], k] * rows[corral[b], k]
            gram[a, b] = total
        gram[a, a] += 1e-15
        gram[a, size] = 1.0
    for c in range(size):
        pivot = gram[c, c]
        if pivot == 0.0:
            pivot = 1e-300
        for a in range(size):
            if a != c:
                factor = gram[a, c] / pivot
                for b in range(c, size + 1):
                    gram[a, b] -= factor * gram[c, b]
    total = 0.0
    for a in range(size):
        pivot = gram[a, a]
        out[a] = gram[a, size] / pivot if pivot != 0.0 else 0.0
        total += out[a]
    if total != 0.0:
        for a in range(size):
            out[a] /= total
