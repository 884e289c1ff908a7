"""Checks for the proof of a listing: order of the patterns, signs at witnesses."""

from __future__ import annotations

import numpy as np

from arrangement._kernels.compile import kernel

ONE = np.uint64(1)
ZERO = np.uint64(0)
U = 2.0**-53


@kernel
def first_disorder(patterns, previous, leading):
    """Index of the first pattern that does not follow its predecessor, or -1.

    Order: bits ``leading`` first, then all bits ascending; 1 before 0, strictly.
    ``previous`` (n_words,) precedes pattern 0 unless its size is 0.
    """
    width = patterns.shape[1]
    for k in range(patterns.shape[0]):
        if k == 0 and previous.size == 0:
            continue
        before = previous if k == 0 else patterns[k - 1]
        after = patterns[k]
        decided = 0
        for t in range(leading.size):
            word = leading[t] >> 6
            flag = ONE << np.uint64(leading[t] & 63)
            a, b = before[word] & flag, after[word] & flag
            if a != b:
                decided = 1 if a != ZERO else -1
                break
        if decided == 0:
            for word in range(width):
                change = before[word] ^ after[word]
                if change != ZERO:
                    lowest = change & (~change + ONE)
                    decided = 1 if before[word] & lowest != ZERO else -1
                    break
        if decided <= 0:
            return k
    return -1


@kernel
def check_signs(floats, witnesses, patterns, starts, words, bits, flips, constant, bad):
    """Mark in ``bad`` (P,) bool the patterns that a float witness does not prove.

    ``floats`` (m, r) are the rows, every entry within u relative of the true (scaled)
    entry or underflowed below 2**-1074; a witness is exact as it stands.  The value
    computed differs from the true one by at most ``(r + 3) u sum |x_k w_k|`` plus
    ``r 2**-1074 (1 + max |w|)``; witnesses are scaled to ``max |w| <= 1`` by the
    wrapper, so a bound of ``(r + 4) u sum |x_k w_k| + 2**-1000`` is safe.
    """
    n_rows, width = floats.shape
    unit = (width + 4) * U
    expected = np.zeros(patterns.shape[1], dtype=np.uint64)
    for p in range(patterns.shape[0]):
        bad[p] = False
        for w in range(expected.size):
            expected[w] = constant[w]
        for i in range(n_rows):
            value = 0.0
            size = 0.0
            for k in range(width):
                term = floats[i, k] * witnesses[p, k]
                value += term
                size += abs(term)
            if not abs(value) > unit * size + 2.0**-1000:
                bad[p] = True
                break
            for t in range(starts[i], starts[i + 1]):
                if (value > 0.0) != flips[t]:
                    expected[words[t]] |= bits[t]
        if not bad[p]:
            for w in range(expected.size):
                if expected[w] != patterns[p, w]:
                    bad[p] = True
                    break


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


@kernel
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


@kernel
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
