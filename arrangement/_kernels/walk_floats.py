"""Depth-first walk over the cells in filtered arithmetic, for entries of any size.

Rays are floats with a proven error bound, and exact vectors of minors are computed
from the rows tight at a ray only where a sign is in doubt.

Error bounds (u = 2**-53).  A row is stored as x^ with ``|x^ - x| <= u |x^|`` entry by
entry (x scaled by powers of two); a ray as p^, ``max |p^| <= 1``, with
``max |p^ - c p| <= e`` for some c > 0.  Then ``fl(x^ . p^)`` differs from ``c x . p``
by at most ``|x^|_1 (e (1 + u) + u) + gamma_r |x^|_1 <= |x^|_1 * 1.01 (e + (r + 4) u)``;
an underflow anywhere adds at most r 2**-1074, which the slack in 1.01 u |x^|_1 covers
since the rows are scaled to ``max |x^| >= 1/2``.
"""

from __future__ import annotations

import math

import numpy as np

from arrangement._kernels.bits import ONE, ZERO, lowest
from arrangement._kernels.cells import (
    begin_ray,
    emit,
    find_pairs,
    next_row,
    split_rays,
    survey,
    write_children,
    write_facets,
)
from arrangement._kernels.compile import inlined, inner, kernel
from arrangement._kernels.exact_rays import exact_sign, negate_exact, refine
from arrangement._kernels.state import (
    BLOCK_FULL,
    COUNT,
    DONE,
    FAILED,
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

U = 2.0**-53


@inner
def push_root(base, base_masks, masks, rays, ids, meta, control):
    """Start the next simplicial cone of the r base rows (see `walk_ints`)."""
    width = rays.floats.shape[1]
    size = masks.shape[1]
    root = control[NEXT_ROOT]
    for k in range(width):
        negative = (root >> (width - 1 - k)) & 1
        rays.errors[k] = base.errors[k]
        rays.exact[k] = 1
        for j in range(width):
            rays.floats[k, j] = -base.floats[k, j] if negative else base.floats[k, j]
            for w in range(base.words.shape[2]):
                rays.words[k, j, w] = base.words[k, j, w]
        if negative:
            negate_exact(rays.words[k])
        shift = size // 2 if negative else 0
        for w in range(size):
            masks[k, w] = base_masks[k, (w + shift) % size]
        ids[k] = k
    meta[0, START] = 0
    meta[0, COUNT] = width
    meta[0, POOL_TOP] = width
    control[NEXT_ROOT] = root + 1
    control[N_FRAMES] = 1


@inlined
def value_at(floats, vectors, row, ray):
    """Float value of a row at a ray."""
    total = 0.0
    for k in range(floats.shape[1]):
        total += floats[row, k] * vectors[ray, k]
    return total


@inlined
def value_error(norm, error, width):
    """Bound on the error of a float value (see the module's docstring)."""
    return norm * 1.01 * (error + (width + 4) * U)


@inlined
def side_value(rows, rays, masks, fixed, exact, row, ray, side):
    """Value of a row at a ray where its sign is known; NaN if it cannot be had.

    A ray that leaves the sign in doubt is made exact, which makes its float good to
    8u.  A float of the wrong sign becomes 0: the true value lies on the other side of
    zero, so zero is within the same error bound.
    """
    width = rows.floats.shape[1]
    value = value_at(rows.floats, rays.floats, row, ray)
    if abs(value) <= value_error(rows.norms[row], rays.errors[ray], width):
        if rays.exact[ray] == 0 and not refine(rows, rays, masks, fixed, exact, ray):
            return math.nan
        value = value_at(rows.floats, rays.floats, row, ray)
    return value if value * side > 0.0 else 0.0


@inlined
def combine(rows, rays, row, new, p, q, value_p, value_q):
    """Float ray where ``row`` vanishes between two adjacent rays, with its error.

    ``n = |v_q| p + v_p q``; each value is off by at most E (`value_error`) and each
    ray by e, so n is off by at most
    ``v_p e_q + E_p (1 + e_q) + |v_q| e_p + E_q (1 + e_p) + 3u (v_p + |v_q|)``.
    Dividing by the largest entry t costs one more rounding.
    """
    width = rays.floats.shape[1]
    a, b = abs(value_p), abs(value_q)
    e_p, e_q = rays.errors[p], rays.errors[q]
    norm = rows.norms[row]
    error = (
        a * e_q
        + value_error(norm, e_p, width) * (1.0 + e_q)
        + b * e_p
        + value_error(norm, e_q, width) * (1.0 + e_p)
        + 3.0 * U * (a + b)
    )
    peak = 0.0
    for k in range(width):
        value = a * rays.floats[q, k] + b * rays.floats[p, k]
        rays.floats[new, k] = value
        peak = max(peak, abs(value))
    rays.exact[new] = 0
    # 2**-500 keeps underflow far below the error bound; else: decide exactly
    if not (peak > 2.0**-500) or not (error < peak):
        rays.errors[new] = math.inf
        for k in range(width):
            rays.floats[new, k] = 0.0
        return
    for k in range(width):
        rays.floats[new, k] /= peak
    rays.errors[new] = 1.01 * error / peak + 2.0 * U


@inlined
def decide(rows, rays, masks, fixed, exact, new):
    """Decide the pending signs of a new ray; False if it could not be made exact."""
    width = rows.floats.shape[1]
    n_words = exact.pending.size
    for w in range(n_words):
        while exact.pending[w] != ZERO:
            bit = lowest(exact.pending[w])
            flag = ONE << np.uint64(bit)
            row = 64 * w + bit
            value = value_at(rows.floats, rays.floats, row, new)
            side = np.int64(value > 0.0) - np.int64(value < 0.0)
            if not abs(value) > value_error(rows.norms[row], rays.errors[new], width):
                if rays.exact[new] == 0 and not refine(
                    rows, rays, masks, fixed, exact, new
                ):
                    return False
                side = exact_sign(rows, rays.words[new], row, exact.dot)
            if side > 0:
                masks[new, w] |= flag
            elif side < 0:
                masks[new, n_words + w] |= flag
            exact.pending[w] ^= flag
    return True


@inlined
def cut(
    rows, masks, rays, ids, meta, control, union, fixed, place, zeros, lists, values,
    exact,
):  # fmt: skip
    """Cut the top cell by the row at ``place``: 0, or what has to grow first."""
    top = control[N_FRAMES] - 1
    start, count = meta[top, START], meta[top, COUNT]
    if count >= lists.shape[1]:
        return GROW_LISTS
    width = rows.floats.shape[1]
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
            values[i] = side_value(rows, rays, masks, fixed, exact, place, p, 1.0)
            lists[HAS_VALUE, i] = 1
        if lists[HAS_VALUE, j] == 0:
            values[j] = side_value(rows, rays, masks, fixed, exact, place, q, -1.0)
            lists[HAS_VALUE, j] = 1
        if math.isnan(values[i]) or math.isnan(values[j]):
            return FAILED
        begin_ray(masks, new, p, q, place, exact.pending)
        combine(rows, rays, place, new, p, q, values[i], values[j])
        if not decide(rows, rays, masks, fixed, exact, new):
            return FAILED
        lists[RAY, count + t] = new
    write_children(ids, meta, control, lists, count, n_new)
    return 0


@inner
def add_rays(rows, rays, masks, fixed, exact, ids, start, count, out):
    """Write the sum of a cell's rays: a point well inside (see `walk_ints`)."""
    for k in range(out.size):
        out[k] = 0.0
    for t in range(start, start + count):
        ray = ids[t]
        if (
            rays.exact[ray] == 0
            and rays.errors[ray] > 2.0**-4
            and not refine(rows, rays, masks, fixed, exact, ray)
        ):
            return False
        for k in range(out.size):
            out[k] += rays.floats[ray, k]
    return True


@kernel
def advance(
    rows, base, base_masks, fixed, outside, members, masks, rays, ids, meta, control, union,
    zeros, lists, values, exact, budget, patterns, witnesses, facet_starts, facets,
):  # fmt: skip
    """List chambers depth first until the block is full (see `walk_ints.advance`).

    FAILED: a ray could not be made exact (no prime found; never seen).
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
            status = cut(
                rows, masks, rays, ids, meta, control, union, fixed, place, zeros,
                lists, values, exact,
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
                if begin + rows.norms.size > facets.size:
                    return BLOCK_FULL
                facet_starts[chamber + 1] = write_facets(
                    masks, ids, start, count, fixed, facets, begin
                )
            if witnesses.shape[0] > 0 and not add_rays(
                rows, rays, masks, fixed, exact, ids, start, count, witnesses[chamber]
            ):
                return FAILED
            emit(union, fixed, outside, members, control, patterns)
            if control[SINGLE] == 1:
                return DONE
        control[N_FRAMES] = top
    return PAUSED


@kernel
def refine_cell(rows, rays, masks, fixed, exact, ids, start, count):
    """Make every ray of a cell exact."""
    for t in range(start, start + count):
        if rays.exact[ids[t]] == 0 and not refine(
            rows, rays, masks, fixed, exact, ids[t]
        ):
            return False
    return True
