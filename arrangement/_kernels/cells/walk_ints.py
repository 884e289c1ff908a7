"""Depth-first walk over the cells in int64 arithmetic.

Rays are primitive integer vectors.  With b_k the Hadamard bound in bits for k x k
minors, the wrapper proves ``b_r + b_(r-1) + 1 <= 62`` and that no partial sum of a
dot product overflows; a primitive ray is a vector of (r-1) x (r-1) minors divided by
their gcd, a value at a ray an r x r minor, so every product stays under 2**62.
"""

from __future__ import annotations

import numpy as np

from arrangement._kernels.bits import ONE, ZERO, lowest
from arrangement._kernels.cells.rays import (
    begin_ray,
    emit,
    find_pairs,
    next_row,
    split_rays,
    survey,
    write_children,
    write_facets,
)
from arrangement._kernels.compile import bare_forced, bare_kernel
from arrangement._kernels.state import (
    BLOCK_FULL,
    COUNT,
    DONE,
    GROW_LISTS,
    GROW_POOL,
    HAS_VALUE,
    LEAF,
    N_EMITTED,
    N_FRAMES,
    N_ROOTS,
    NEXT_ROOT,
    PARENT_P,
    PARENT_Q,
    PAUSED,
    POOL_TOP,
    RAY,
    SINGLE,
    START,
    STEP,
)


@bare_forced
def push_root(base, base_masks, masks, vectors, ids, meta, control):
    """Start the next simplicial cone of the r base rows.

    Base row 0 is positive; row j is negative where bit ``r - 1 - j`` of the root's
    number is set, so that roots come in lexicographic order, + before -.
    """
    width = vectors.shape[1]
    size = masks.shape[1]
    root = control[NEXT_ROOT]
    for k in range(width):
        negative = (root >> (width - 1 - k)) & 1
        for j in range(width):
            vectors[k, j] = -base[k, j] if negative else base[k, j]
        shift = size // 2 if negative else 0
        for w in range(size):
            masks[k, w] = base_masks[k, (w + shift) % size]
        ids[k] = k
    meta[0, START] = 0
    meta[0, COUNT] = width
    meta[0, POOL_TOP] = width
    control[NEXT_ROOT] = root + 1
    control[N_FRAMES] = 1


@bare_forced
def value_at(rows, vectors, row, ray):
    """Value of a row at a ray."""
    total = np.int64(0)
    for k in range(rows.shape[1]):
        total += rows[row, k] * vectors[ray, k]
    return total


@bare_forced
def gcd(a, b):
    """Greatest common divisor of two numbers that are not negative."""
    while b != 0:
        a, b = b, a % b
    return a


@bare_forced
def combine(vectors, new, p, q, value_p, value_q):
    """Primitive ray where the row vanishes: ``value_p q - value_q p`` over its gcd."""
    divisor = np.int64(0)
    for k in range(vectors.shape[1]):
        value = value_p * vectors[q, k] - value_q * vectors[p, k]
        vectors[new, k] = value
        if divisor != 1:
            divisor = gcd(divisor, abs(value))
    if divisor > 1:
        for k in range(vectors.shape[1]):
            vectors[new, k] //= divisor


@bare_forced
def decide(rows, masks, vectors, new, pending):
    """Decide the pending signs of a new ray."""
    n_words = pending.size
    for w in range(n_words):
        rest = pending[w]
        while rest != ZERO:
            bit = lowest(rest)
            flag = ONE << np.uint64(bit)
            rest ^= flag
            value = value_at(rows, vectors, 64 * w + bit, new)
            if value > 0:
                masks[new, w] |= flag
            elif value < 0:
                masks[new, n_words + w] |= flag
        pending[w] = ZERO


@bare_forced
def cut(
    rows, masks, vectors, ids, meta, control, union, fixed, place, zeros, lists, values,
    pending,
):  # fmt: skip
    """Cut the top cell by the row at ``place``: 0, or what has to grow first."""
    top = control[N_FRAMES] - 1
    start, count = meta[top, START], meta[top, COUNT]
    if count >= lists.shape[1]:
        return GROW_LISTS
    width = rows.shape[1]
    n_left, n_right = split_rays(
        masks, ids, start, count, union, fixed, place, width, zeros, lists
    )
    n_new = find_pairs(zeros, lists, count, n_left, n_right, width)
    if n_new < 0 or start + 2 * (count + n_new) > ids.size:
        return GROW_LISTS
    first = meta[top, POOL_TOP]
    if first + n_new > masks.shape[0]:
        return GROW_POOL
    for t in range(n_new):
        i, j = lists[PARENT_P, count + t], lists[PARENT_Q, count + t]
        p, q, new = lists[RAY, i], lists[RAY, j], first + t
        if lists[HAS_VALUE, i] == 0:
            values[i] = value_at(rows, vectors, place, p)
            lists[HAS_VALUE, i] = 1
        if lists[HAS_VALUE, j] == 0:
            values[j] = value_at(rows, vectors, place, q)
            lists[HAS_VALUE, j] = 1
        begin_ray(masks, new, p, q, place, pending)
        combine(vectors, new, p, q, values[i], values[j])
        decide(rows, masks, vectors, new, pending)
        lists[RAY, count + t] = new
    write_children(ids, meta, control, lists, count, n_new)
    return 0


@bare_forced
def add_rays(vectors, ids, start, count, out):
    """Write the sum of a cell's rays as floats: a point well inside.

    Only a candidate: the proof decides its signs exactly.
    """
    for k in range(vectors.shape[1]):
        out[k] = 0.0
    for t in range(start, start + count):
        for k in range(vectors.shape[1]):
            out[k] += np.float64(vectors[ids[t], k])


@bare_kernel
def advance(
    rows, base, base_masks, fixed, outside, members, masks, vectors, ids, meta, control,
    union, zeros, lists, values, pending, budget, patterns, witnesses, facet_starts,
    facets,
):  # fmt: skip
    """List chambers depth first until the block is full: DONE, BLOCK_FULL, PAUSED, ...

    ``patterns`` (block, words) uint64 gets them, an antipode after each where asked;
    ``witnesses`` (chambers, r) float64 candidates for interior points, or (0, r);
    ``facet_starts`` (chambers + 1,) and ``facets`` the places of their facets, or
    empty.  ``budget`` bounds the cells visited in one call.
    """
    for _ in range(budget):
        if control[N_FRAMES] == 0:
            if control[NEXT_ROOT] == control[N_ROOTS]:
                return DONE
            push_root(base, base_masks, masks, vectors, ids, meta, control)
        top = control[N_FRAMES] - 1
        start, count = meta[top, START], meta[top, COUNT]
        survey(masks, ids, start, count, union)
        place = next_row(union, fixed)
        if place >= 0:
            status = cut(
                rows, masks, vectors, ids, meta, control, union, fixed, place, zeros,
                lists, values, pending,
            )  # fmt: skip
            if status != 0:
                return status
            continue
        if place == LEAF:
            if control[N_EMITTED] + control[STEP] > patterns.shape[0]:
                return BLOCK_FULL
            chamber = control[N_EMITTED] // control[STEP]
            if facet_starts.size > 0:
                begin = facet_starts[chamber]
                if begin + rows.shape[0] > facets.size:
                    return BLOCK_FULL
                facet_starts[chamber + 1] = write_facets(
                    masks, ids, start, count, fixed, facets, begin
                )
            if witnesses.shape[0] > 0:
                add_rays(vectors, ids, start, count, witnesses[chamber])
            emit(union, fixed, outside, members, control, patterns)
            if control[SINGLE] == 1:
                return DONE
        control[N_FRAMES] = top
    return PAUSED
