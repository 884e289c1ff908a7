"""Checks for the proof of a listing: order of the patterns, signs at witnesses."""

from __future__ import annotations

import numpy as np

from arrangement._kernels.bits import ONE, ZERO
from arrangement._kernels.compile import inlined, inner, kernel

U = 2.0**-53


@inlined
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


@kernel
def first_disorder(patterns, step, leading, moving):
    """Index of the first pattern out of order, or -1.

    ``patterns`` (P, n_words) uint64; every ``step``-th one follows the one ``step``
    before it: read the bits ``leading`` (n_words,) first, then all, ascending; 1 before
    0, strictly.  With ``step`` 2 the one after it is its complement in the bits
    ``moving`` (n_words,).
    """
    for k in range(0, patterns.shape[0], step):
        if k > 0 and not comes_before(patterns, k - step, k, leading):
            return k
        if step == 2:
            for w in range(moving.size):
                if patterns[k + 1, w] != patterns[k, w] ^ moving[w]:
                    return k + 1
    return -1


@kernel
def hash_chambers(patterns, step, moving, keys):
    """Hash every ``step``-th pattern; index of one that is no antipode, or -1.

    Equal patterns have equal ``keys`` (chambers,) uint64.  With ``step`` 2 a pattern is
    followed by its complement in the bits ``moving``.
    """
    for chamber in range(keys.size):
        k = chamber * step
        key = ZERO
        for w in range(moving.size):
            key = (key ^ patterns[k, w]) * np.uint64(0x9E3779B97F4A7C15)
            key ^= key >> np.uint64(29)
            if step == 2 and patterns[k + 1, w] != patterns[k, w] ^ moving[w]:
                return k + 1
        keys[chamber] = key
    return -1


@inlined
def row_values(floats, row, points, values):
    """Values of one row at all points of a batch, (r, batch)."""
    for p in range(values.size):
        values[p] = floats[row, 0] * points[0, p]
    for k in range(1, floats.shape[1]):
        factor = floats[row, k]
        for p in range(values.size):
            values[p] += factor * points[k, p]


@inlined
def decided_bits(values, peaks, bound, bits, is_clear):
    """Signs as words 1 or 0, and whether all so far exceed ``bound`` times the peak."""
    for p in range(values.size):
        bits[p] = np.uint64(values[p] > 0.0)
        is_clear[p] &= np.uint64(abs(values[p]) > bound * peaks[p] + 2.0**-1000)


@kernel
def check_signs(
    floats, norms, witnesses, patterns, step, members, constant, points, values, peaks,
    bits, is_clear, expected, bad,
):  # fmt: skip
    """Mark in ``bad`` (chambers,) bool the patterns that no float witness proves.

    ``floats`` (m, r) are the rows, every entry within u relative of the true (scaled)
    entry or underflowed below 2**-1074, ``norms`` (m,) upper bounds of their 1-norms;
    a witness is exact as it stands.  The value computed differs from the true one by
    at most ``(r + 3) u sum |x_k w_k| <= (r + 3) u |x|_1 max |w|``, plus
    ``r 2**-1074 (1 + max |w|)`` for underflow; witnesses are below 2**64, so
    ``(r + 4) u |x|_1 max |w| + 2**-1000`` is safe.  ``members`` (k, 4) int64 are row,
    word, bit and flip of each output bit.  Batches of witnesses are transposed, so
    that one instruction works on several.
    """
    unit = (floats.shape[1] + 4) * U
    batch = values.size
    for begin in range(0, witnesses.shape[0], batch):
        size = min(batch, witnesses.shape[0] - begin)
        for p in range(batch):
            is_clear[p] = ONE
            peaks[p] = 0.0
            for w in range(expected.shape[0]):
                expected[w, p] = constant[w]
            for k in range(floats.shape[1]):
                points[k, p] = witnesses[begin + p, k] if p < size else 0.0
                peaks[p] = max(peaks[p], abs(points[k, p]))
        row = -1
        for t in range(members.shape[0]):
            if members[t, 0] != row:
                row = members[t, 0]
                row_values(floats, row, points, values)
                decided_bits(values, peaks, unit * norms[row], bits, is_clear)
            word, shift = members[t, 1], np.uint64(members[t, 2])
            flip = np.uint64(members[t, 3])
            for p in range(batch):
                expected[word, p] |= (bits[p] ^ flip) << shift
        for p in range(size):
            wrong = is_clear[p] == ZERO
            for w in range(expected.shape[0]):
                if expected[w, p] != patterns[(begin + p) * step, w]:
                    wrong = True
            bad[begin + p] = wrong


@kernel
def margin_direction(rows, out, corral, gram, weights, step, limit):
    """Least-norm point of the hull of unit ``rows`` (m, r) by Wolfe's algorithm.

    ``out`` gets the point; it has a positive product with every row exactly when
    some vector does, up to rounding: the caller decides the signs exactly.
    Wolfe (1976), "Finding the nearest point in a polytope".
    """
    n_rows, width = rows.shape
    size = 1
    corral[0] = 0
    weights[0] = 1.0
    out[:] = rows[0]
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


@inner
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


@inner
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
