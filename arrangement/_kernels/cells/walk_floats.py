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
from arrangement._kernels.cells.pairs import find_pairs, split_rays
from arrangement._kernels.cells.rays import (
    begin_ray,
    emit,
    emit_last,
    next_row,
    push_root,
    survey,
    write_children,
    write_facets,
)
from arrangement._kernels.compile import bare_forced, bare_kernel
from arrangement._kernels.state import (
    BLOCK_FULL,
    COMBINED,
    DONE,
    DOUBTFUL,
    EXACT,
    GROW_LISTS,
    GROW_POOL,
    IS_BEGUN,
    LEAF,
    N_EMITTED,
    N_FRAMES,
    N_MADE,
    N_NEW,
    N_ROOTS,
    NEXT_ROOT,
    PAUSED,
    REFINE,
    SINGLE,
    STEP,
)

# a combined ray with a larger error is solved for at once: errors would pile up
STALE = 2.0**-10
# one with a larger error is solved for before it is part of a point
VAGUE = 2.0**-4


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
def improve(rows, cells, pending, solver, ray):
    """Solve for a combined ray; whether that gave a better one."""
    width = rows.rows.shape[1] - 1
    return cells.rays[ray, width + 1] == COMBINED and solve_ray(
        rows.rows, cells.rays, cells.masks, rows.valid, pending, solver, ray
    )


@bare_forced
def decide(rows, cells, pending, solver, new):
    """Decide the pending signs of a new ray; False when they need exact numbers."""
    rays = cells.rays
    width = rows.rows.shape[1] - 1
    n_words = pending.size
    if rays[new, width] > STALE:
        improve(rows, cells, pending, solver, new)
    for w in range(n_words):
        while pending[w] != ZERO:
            bit = lowest(pending[w])
            flag = ONE << np.uint64(bit)
            value = value_at(rows.rows, rays, 64 * w + bit, new)
            if abs(value) > value_error(rows.rows, rays, 64 * w + bit, new):
                cells.masks[new, w if value > 0.0 else n_words + w] |= flag
                pending[w] ^= flag
            elif not improve(rows, cells, pending, solver, new):
                return False
    return True


@bare_forced
def begin_cut(rows, cells, cut, place):
    """Plan the cut of the top cell by the row at ``place``: 0, or what has to grow."""
    top = cells.control[N_FRAMES] - 1
    count = cells.n_rays[top]
    if count >= cut.ray.size:
        return GROW_LISTS
    width = rows.rows.shape[1] - 1
    n_left, n_right = split_rays(rows, cells, cut, place, width)
    n_new = find_pairs(cut, count, n_left, n_right, width)
    if n_new < 0 or cells.start[top] + 2 * (count + n_new) > cells.ids.size:
        return GROW_LISTS
    if cells.pool_top[top] + n_new > cells.masks.shape[0]:
        return GROW_POOL
    cells.control[N_NEW] = n_new
    cells.control[N_MADE] = 0
    cells.control[IS_BEGUN] = 0
    return 0


@bare_forced
def finish_cut(rows, cells, cut, solver, place):
    """Make the planned rays and the children: 0, or REFINE; then call again."""
    control = cells.control
    top = control[N_FRAMES] - 1
    count, first = cells.n_rays[top], cells.pool_top[top]
    n_new = control[N_NEW]
    for t in range(control[N_MADE], n_new):
        i, j = cut.parent_p[count + t], cut.parent_q[count + t]
        p, q, new = cut.ray[i], cut.ray[j], first + t
        if control[IS_BEGUN] == 0:
            if cut.has_value[i] == 0:
                cut.value[i] = side_value(rows.rows, cells.rays, place, p, 1.0)
                cut.has_value[i] = 1
            if cut.has_value[j] == 0:
                cut.value[j] = side_value(rows.rows, cells.rays, place, q, -1.0)
                cut.has_value[j] = 1
            begin_ray(cells.masks, new, p, q, place, cut.pending)
            combine(rows.rows, cells.rays, place, new, p, q, cut.value[i], cut.value[j])
        if not decide(rows, cells, cut.pending, solver, new):
            control[DOUBTFUL] = new
            control[IS_BEGUN] = 1
            control[N_MADE] = t
            return REFINE
        control[IS_BEGUN] = 0
        cut.ray[count + t] = new
    write_children(cells, cut, n_new)
    control[N_NEW] = 0
    return 0


@bare_forced
def are_vague(rows, cells, output):
    """Whether points are asked for, and a ray of the cell is too inexact for one."""
    if output.points.shape[0] == 0:
        return False
    width = rows.rows.shape[1] - 1
    top = cells.control[N_FRAMES] - 1
    start = cells.start[top]
    for t in range(start, start + cells.n_rays[top]):
        ray = cells.ids[t]
        if cells.rays[ray, width] > VAGUE and cells.rays[ray, width + 1] != EXACT:
            return True
    return False


@bare_forced
def add_rays(rows, cells, pending, solver, out):
    """Write the sum of the top cell's rays (see `walk_ints`): -1, or a doubtful ray."""
    rays = cells.rays
    width = rows.rows.shape[1] - 1
    top = cells.control[N_FRAMES] - 1
    start = cells.start[top]
    for k in range(width):
        out[k] = 0.0
    for t in range(start, start + cells.n_rays[top]):
        ray = cells.ids[t]
        if (
            rays[ray, width] > VAGUE
            and rays[ray, width + 1] != EXACT
            and not improve(rows, cells, pending, solver, ray)
        ):
            return ray
        for k in range(width):
            out[k] += rays[ray, k]
    return -1


@bare_kernel
def advance(rows, required, outside, cells, cut, solver, budget, output):
    """List chambers depth first until the block is full (see `walk_ints.advance`).

    REFINE: `exact_rays.resolve` has to make the ray ``control[DOUBTFUL]`` exact.  Exact
    numbers are kept out of this kernel: with them it took four times as long to
    compile.
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
            status = 0
            if control[N_NEW] == 0:
                if not are_vague(rows, cells, output) and emit_last(
                    rows.rows, required, outside, cells, cut, place, output
                ):
                    continue
                status = begin_cut(rows, cells, cut, place)
            if status == 0:
                status = finish_cut(rows, cells, cut, solver, place)
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
                doubtful = add_rays(
                    rows, cells, cut.pending, solver, output.points[chamber]
                )
                if doubtful >= 0:
                    control[DOUBTFUL] = doubtful
                    return REFINE
            emit(cut.union, outside, control, output.patterns)
            if control[SINGLE] == 1:
                return DONE
        control[N_FRAMES] -= 1
    return PAUSED
