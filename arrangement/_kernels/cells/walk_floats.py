"""Depth-first walk over the cells in filtered arithmetic, for entries of any size.

Rays are floats with a proven error bound, and exact vectors of minors are computed
from the rows tight at a ray only where a sign is in doubt.

Error bounds: see `float_rays`.
"""

from __future__ import annotations

import math

import numpy as np

from arrangement._kernels.bits import ONE, ZERO, lowest
from arrangement._kernels.cells.float_rays import U, solve_ray, value_at, value_error
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
    COMBINED,
    COUNT,
    DONE,
    DOUBTFUL,
    EXACT,
    GROW_LISTS,
    GROW_POOL,
    HAS_VALUE,
    IS_BEGUN,
    LEAF,
    N_EMITTED,
    N_FRAMES,
    N_MADE,
    N_NEW,
    N_ROOTS,
    NEXT_ROOT,
    PARENT_P,
    PARENT_Q,
    PAUSED,
    POOL_TOP,
    RAY,
    REFINE,
    SINGLE,
    SOLVED,
    START,
    STEP,
    VALID,
)

# a combined ray with a larger error is solved for at once: errors would pile up
STALE = 2.0**-10


@bare_forced
def push_root(base, base_masks, masks, rays, ids, meta, control):
    """Start the next simplicial cone of the r base rows (see `walk_ints`)."""
    width = base.shape[0]
    size = masks.shape[1]
    root = control[NEXT_ROOT]
    for k in range(width):
        negative = (root >> (width - 1 - k)) & 1
        for j in range(width):
            rays[k, j] = -base[k, j] if negative else base[k, j]
        rays[k, width] = base[k, width]
        rays[k, width + 1] = SOLVED
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
def side_value(rows, rays, row, ray, side):
    """Value of a row at a ray where its sign is known.

    A float of the wrong sign becomes 0: the true value lies on the other side of zero,
    so zero is within the same error bound.
    """
    value = value_at(rows, rays, row, ray)
    return value if value * side > 0.0 else 0.0


@bare_forced
def combine(rows, rays, row, new, p, q, value_p, value_q):
    """Float ray where ``row`` vanishes between two adjacent rays, with its error.

    ``n = |v_q| p + v_p q``; each value is off by at most E (`value_error`) and each
    ray by e, so n is off by at most
    ``v_p e_q + E_p (1 + e_q) + |v_q| e_p + E_q (1 + e_p) + 3u (v_p + |v_q|)``.
    Multiplying by the inverse of the largest entry costs two more roundings.
    """
    width = rows.shape[1] - 1
    a, b = abs(value_p), abs(value_q)
    e_p, e_q = rays[p, width], rays[q, width]
    error = (
        a * e_q
        + value_error(rows, rays, row, p) * (1.0 + e_q)
        + b * e_p
        + value_error(rows, rays, row, q) * (1.0 + e_p)
        + 3.0 * U * (a + b)
    )
    peak = 0.0
    for k in range(width):
        value = a * rays[q, k] + b * rays[p, k]
        rays[new, k] = value
        peak = max(peak, abs(value))
    rays[new, width + 1] = COMBINED
    # 2**-500 keeps underflow far below the error bound; else: decide exactly
    if not (peak > 2.0**-500) or not (error < peak):
        rays[new, width] = math.inf
        for k in range(width):
            rays[new, k] = 0.0
        return
    scale = (1.0 - 2.0 * U) / peak
    for k in range(width):
        rays[new, k] *= scale
    rays[new, width] = 1.01 * error / peak + 8.0 * U


@bare_forced
def improve(rows, rays, masks, valid, pending, work, picks, ray):
    """Solve for a combined ray; whether that gave a better one."""
    width = rows.shape[1] - 1
    return rays[ray, width + 1] == COMBINED and solve_ray(
        rows, rays, masks, valid, pending, work, picks, ray
    )


@bare_forced
def decide(rows, rays, masks, valid, pending, work, picks, new):
    """Decide the pending signs of a new ray; False when they need exact numbers."""
    width = rows.shape[1] - 1
    n_words = pending.size
    if rays[new, width] > STALE:
        improve(rows, rays, masks, valid, pending, work, picks, new)
    for w in range(n_words):
        while pending[w] != ZERO:
            bit = lowest(pending[w])
            flag = ONE << np.uint64(bit)
            value = value_at(rows, rays, 64 * w + bit, new)
            if abs(value) > value_error(rows, rays, 64 * w + bit, new):
                masks[new, w if value > 0.0 else n_words + w] |= flag
                pending[w] ^= flag
            elif not improve(rows, rays, masks, valid, pending, work, picks, new):
                return False
    return True


@bare_forced
def begin_cut(rows, masks, ids, meta, control, union, fixed, place, zeros, lists):
    """Plan the cut of the top cell by the row at ``place``: 0, or what has to grow."""
    top = control[N_FRAMES] - 1
    start, count = meta[top, START], meta[top, COUNT]
    if count >= lists.shape[1]:
        return GROW_LISTS
    width = rows.shape[1] - 1
    n_left, n_right = split_rays(
        masks, ids, start, count, union, fixed, place, width, zeros, lists
    )
    n_new = find_pairs(zeros, lists, count, n_left, n_right, width)
    if n_new < 0 or start + 2 * (count + n_new) > ids.size:
        return GROW_LISTS
    if meta[top, POOL_TOP] + n_new > masks.shape[0]:
        return GROW_POOL
    control[N_NEW] = n_new
    control[N_MADE] = 0
    control[IS_BEGUN] = 0
    return 0


@bare_forced
def finish_cut(
    rows, masks, rays, ids, meta, control, fixed, place, lists, values, pending, work,
    picks,
):  # fmt: skip
    """Make the planned rays and the children: 0, or REFINE; then call again."""
    top = control[N_FRAMES] - 1
    count, first = meta[top, COUNT], meta[top, POOL_TOP]
    n_new = control[N_NEW]
    for t in range(control[N_MADE], n_new):
        i, j = lists[PARENT_P, count + t], lists[PARENT_Q, count + t]
        p, q, new = lists[RAY, i], lists[RAY, j], first + t
        if control[IS_BEGUN] == 0:
            if lists[HAS_VALUE, i] == 0:
                values[i] = side_value(rows, rays, place, p, 1.0)
                lists[HAS_VALUE, i] = 1
            if lists[HAS_VALUE, j] == 0:
                values[j] = side_value(rows, rays, place, q, -1.0)
                lists[HAS_VALUE, j] = 1
            begin_ray(masks, new, p, q, place, pending)
            combine(rows, rays, place, new, p, q, values[i], values[j])
        if not decide(rows, rays, masks, fixed[VALID], pending, work, picks, new):
            control[DOUBTFUL] = new
            control[IS_BEGUN] = 1
            control[N_MADE] = t
            return REFINE
        control[IS_BEGUN] = 0
        lists[RAY, count + t] = new
    write_children(ids, meta, control, lists, count, n_new)
    control[N_NEW] = 0
    return 0


@bare_forced
def add_rays(rows, rays, masks, fixed, pending, work, picks, ids, start, count, out):
    """Write the sum of a cell's rays (see `walk_ints`): -1, or a ray without digits."""
    width = rows.shape[1] - 1
    for k in range(width):
        out[k] = 0.0
    for t in range(start, start + count):
        ray = ids[t]
        if (
            rays[ray, width] > 2.0**-4
            and rays[ray, width + 1] != EXACT
            and not improve(rows, rays, masks, fixed[VALID], pending, work, picks, ray)
        ):
            return ray
        for k in range(width):
            out[k] += rays[ray, k]
    return -1


@bare_kernel
def advance(
    rows, base, base_masks, fixed, outside, members, masks, rays, ids, meta, control,
    union, zeros, lists, values, pending, work, picks, budget, patterns, witnesses,
    facet_starts, facets,
):  # fmt: skip
    """List chambers depth first until the block is full (see `walk_ints.advance`).

    REFINE: `exact_rays.resolve` has to make the ray ``control[DOUBTFUL]`` exact.  Exact
    numbers are kept out of this kernel: with them it took four times as long to
    compile.
    """
    for _ in range(budget):
        if control[N_FRAMES] == 0:
            if control[NEXT_ROOT] == control[N_ROOTS]:
                return DONE
            push_root(base, base_masks, masks, rays, ids, meta, control)
        top = control[N_FRAMES] - 1
        start, count = meta[top, START], meta[top, COUNT]
        survey(masks, ids, start, count, union)
        place = next_row(union, fixed)
        if place >= 0:
            status = 0
            if control[N_NEW] == 0:
                status = begin_cut(
                    rows, masks, ids, meta, control, union, fixed, place, zeros, lists
                )
            if status == 0:
                status = finish_cut(
                    rows, masks, rays, ids, meta, control, fixed, place, lists, values,
                    pending, work, picks,
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
                doubtful = add_rays(
                    rows, rays, masks, fixed, pending, work, picks, ids, start, count,
                    witnesses[chamber],
                )  # fmt: skip
                if doubtful >= 0:
                    control[DOUBTFUL] = doubtful
                    return REFINE
            emit(union, fixed, outside, members, control, patterns)
            if control[SINGLE] == 1:
                return DONE
        control[N_FRAMES] = top
    return PAUSED
