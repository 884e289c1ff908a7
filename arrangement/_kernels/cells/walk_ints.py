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
    emit_last,
    find_pairs,
    next_row,
    push_root,
    split_rays,
    survey,
    write_children,
    write_facets,
)
from arrangement._kernels.compile import bare_forced, bare_kernel
from arrangement._kernels.state import (
    BLOCK_FULL,
    DONE,
    GROW_LISTS,
    GROW_POOL,
    LEAF,
    N_EMITTED,
    N_FRAMES,
    N_ROOTS,
    NEXT_ROOT,
    PAUSED,
    SINGLE,
    STEP,
)


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
def decide(rows, cells, new, pending):
    """Decide the pending signs of a new ray."""
    n_words = pending.size
    for w in range(n_words):
        rest = pending[w]
        while rest != ZERO:
            bit = lowest(rest)
            flag = ONE << np.uint64(bit)
            rest ^= flag
            value = value_at(rows, cells.rays, 64 * w + bit, new)
            if value > 0:
                cells.masks[new, w] |= flag
            elif value < 0:
                cells.masks[new, n_words + w] |= flag
        pending[w] = ZERO


@bare_forced
def cut_cell(rows, cells, cut, place):
    """Cut the top cell by the row at ``place``: 0, or what has to grow first."""
    top = cells.control[N_FRAMES] - 1
    count, first = cells.n_rays[top], cells.pool_top[top]
    if count >= cut.ray.size:
        return GROW_LISTS
    width = rows.rows.shape[1]
    n_left, n_right = split_rays(rows, cells, cut, place, width)
    n_new = find_pairs(cut, count, n_left, n_right, width)
    if n_new < 0 or cells.start[top] + 2 * (count + n_new) > cells.ids.size:
        return GROW_LISTS
    if first + n_new > cells.masks.shape[0]:
        return GROW_POOL
    for t in range(n_new):
        i, j = cut.parent_p[count + t], cut.parent_q[count + t]
        p, q, new = cut.ray[i], cut.ray[j], first + t
        if cut.has_value[i] == 0:
            cut.value[i] = value_at(rows.rows, cells.rays, place, p)
            cut.has_value[i] = 1
        if cut.has_value[j] == 0:
            cut.value[j] = value_at(rows.rows, cells.rays, place, q)
            cut.has_value[j] = 1
        begin_ray(cells.masks, new, p, q, place, cut.pending)
        combine(cells.rays, new, p, q, cut.value[i], cut.value[j])
        decide(rows.rows, cells, new, cut.pending)
        cut.ray[count + t] = new
    write_children(cells, cut, n_new)
    return 0


@bare_forced
def add_rays(cells, out):
    """Write the sum of the top cell's rays as floats: a point well inside.

    Only a candidate: the proof decides its signs exactly.
    """
    top = cells.control[N_FRAMES] - 1
    start = cells.start[top]
    for k in range(cells.rays.shape[1]):
        out[k] = 0.0
    for t in range(start, start + cells.n_rays[top]):
        for k in range(cells.rays.shape[1]):
            out[k] += np.float64(cells.rays[cells.ids[t], k])


@bare_kernel
def advance(rows, required, outside, cells, cut, budget, output):
    """List chambers depth first until the block is full: DONE, BLOCK_FULL, PAUSED, ...

    The arrays are named in `state`.  ``budget`` bounds the cells visited in one call.
    """
    control = cells.control
    for _ in range(budget):
        if control[N_FRAMES] == 0:
            if control[NEXT_ROOT] == control[N_ROOTS]:
                return DONE
            push_root(rows, cells)
        survey(cells, cut.union)
        place = next_row(cut.union, required)
        if place >= 0:
            if emit_last(rows.rows, required, outside, cells, cut, place, output):
                continue
            status = cut_cell(rows, cells, cut, place)
            if status != 0:
                return status
            continue
        if place == LEAF:
            if control[N_EMITTED] + control[STEP] > output.patterns.shape[0]:
                return BLOCK_FULL
            chamber = control[N_EMITTED] // control[STEP]
            if output.starts.size > 0:
                begin = output.starts[chamber]
                if begin + rows.rows.shape[0] > output.places.size:
                    return BLOCK_FULL
                top = control[N_FRAMES] - 1
                output.starts[chamber + 1] = write_facets(
                    cells.masks, cells.ids, cells.start[top], cells.n_rays[top],
                    rows.valid, output.places, begin,
                )  # fmt: skip
            if output.points.shape[0] > 0:
                add_rays(cells, output.points[chamber])
            emit(cut.union, outside, control, output.patterns)
            if control[SINGLE] == 1:
                return DONE
        control[N_FRAMES] -= 1
    return PAUSED
