"""Cut one cell of an arrangement by the next hyperplane (double description).

A cell is the open cone of a sign prefix; it keeps its rays and, for each, the set
of facet candidates ("slots") that contain it.  A new row cuts the cell exactly when
it is strictly positive on one ray and strictly negative on another; otherwise its
sign is forced.  So the tree of cells has no dead end: each cell at the last level
is a chamber.  (Motzkin et al. 1953; Fukuda & Prodon 1996 for the adjacency test.)
"""

from __future__ import annotations

import numpy as np

from arrangement._kernels import rays
from arrangement._kernels.compile import inlined, inner, kernel
from arrangement._kernels.limbs import ONE, ZERO
from arrangement._kernels.state import (
    BLOCK_FULL,
    COUNT,
    CUT,
    DONE,
    FAILED,
    GROW_LISTS,
    GROW_POOL,
    GROW_SLOTS,
    LEAF,
    LEVEL,
    N_EMITTED,
    N_FRAMES,
    N_ROOTS,
    NEXT_ROOT,
    PAUSED,
    POOL_TOP,
    START,
)


@inlined
def set_signs(rows, signs, frame, row, side):
    """Set the output bits of every member of ``row`` for its sign ``side``."""
    for t in range(rows.starts[row], rows.starts[row + 1]):
        if (side > 0) != rows.member_flip[t]:
            signs[frame, rows.member_word[t]] |= rows.member_bit[t]


@inner
def sign_of_row(rows, signs, row):
    """Return the sign of an inserted row, read back from the output bits."""
    t = rows.starts[row]
    if rows.member_flip.size <= t or rows.starts[row + 1] == t:
        return 1  # infinity: no output bit, always positive
    is_set = (signs[rows.member_word[t]] & rows.member_bit[t]) != ZERO
    return 1 if is_set != rows.member_flip[t] else -1


@inner
def push_root(rows, base, pool, stack, control, root):
    """Start the simplicial cone number ``root`` of the first r rows.

    Row 0 is positive; row j is negative where bit ``r - 1 - j`` of ``root`` is set,
    so that roots come in lexicographic order, + before -.
    """
    width = base.ints.shape[1]
    filtered = rows.ints.shape[0] == 0
    if filtered:
        width = base.floats.shape[1]
    for w in range(rows.constant.size):
        stack.signs[0, w] = rows.constant[w]
    for k in range(width):
        negative = ((root >> (width - 1 - k)) & 1) == 1
        if filtered:
            for j in range(width):
                pool.floats[k, j] = base.floats[k, j]
                for w in range(base.words.shape[2]):
                    pool.words[k, j, w] = base.words[k, j, w]
            pool.errors[k] = base.errors[k]
            pool.exact[k] = 1
        else:
            for j in range(width):
                pool.ints[k, j] = base.ints[k, j]
        if negative:
            rays.negate_ray(pool, k, filtered)
        set_signs(rows, stack.signs, np.int64(0), k, -1 if negative else 1)
        stack.ids[k] = k
        stack.slots[0, k] = k
        for m in range(stack.masks.shape[1]):
            stack.masks[k, m] = ZERO
        for j in range(width):
            if j != k:
                stack.masks[k, j >> 6] |= ONE << np.uint64(j & 63)
    stack.meta[0, LEVEL] = width
    stack.meta[0, START] = 0
    stack.meta[0, COUNT] = width
    stack.meta[0, POOL_TOP] = width
    control[N_FRAMES] = 1


@inlined
def classify_ints(ints, row, vectors, ids, start, count, values, sides):
    """Signs of an int64 row at the rays of a cell: ``(n_plus, n_minus)``."""
    width = ints.shape[1]
    n_plus = n_minus = 0
    for t in range(count):
        ray = ids[start + t]
        total = np.int64(0)
        for k in range(width):
            total += ints[row, k] * vectors[ray, k]
        values[t] = total
        side = np.int64(total > 0) - np.int64(total < 0)
        sides[t] = side
        n_plus += np.int64(total > 0)
        n_minus += np.int64(total < 0)
    return n_plus, n_minus


@inlined
def classify_filtered(rows, pool, stack, scratch, top, row):
    """Signs of a row at the rays of a cell, float first: ``(n_plus, n_minus)``.

    Fills ``scratch.sides`` and the values.  Returns ``(-1, -1)`` if a ray could not be
    made exact (no prime found; never seen).
    """
    start, count = stack.meta[top, START], stack.meta[top, COUNT]
    floats, norms, vectors, errors = rows.floats, rows.norms, pool.floats, pool.errors
    ids, approx, sides = stack.ids, scratch.approx, scratch.sides
    width = floats.shape[1]
    n_plus = n_minus = 0
    for t in range(count):
        ray = ids[start + t]
        value = 0.0
        for k in range(width):
            value += floats[row, k] * vectors[ray, k]
        if abs(value) > rays.value_error(norms[row], errors[ray], width):
            side = np.int64(value > 0.0) - np.int64(value < 0.0)
        else:
            side = doubtful_sign(rows, pool, stack, scratch, top, start + t, row)
            if side == FAILED:
                return -1, -1
            value = rays.float_value(rows, pool, row, ray)
            # the true value and a wrongly signed one lie on both sides of zero,
            # so zero is within the same error bound
            if side == 0 or (side > 0) != (value > 0.0):
                value = 0.0
        approx[t] = value
        sides[t] = side
        n_plus += np.int64(side > 0)
        n_minus += np.int64(side < 0)
    return n_plus, n_minus


@inner
def doubtful_sign(rows, pool, stack, scratch, top, place, row):
    """Exact sign of ``row`` at the ray ``stack.ids[place]``, or FAILED."""
    ray = stack.ids[place]
    if pool.exact[ray] == 0 and not refine_ray(rows, pool, stack, scratch, top, place):
        return FAILED
    return rays.exact_sign(rows, pool.words[ray], row, scratch.dot)


@inner
def refine_ray(rows, pool, stack, scratch, top, place):
    """Make the ray at ``stack.ids[place]`` of cell ``top`` exact."""
    start, count = stack.meta[top, START], stack.meta[top, COUNT]
    n_tight = np.int64(0)
    witness_row = np.int64(-1)
    for m in range(stack.masks.shape[1]):
        used = ZERO
        for t in range(count):
            used |= stack.masks[start + t, m]
        mask = stack.masks[place, m]
        for bit in range(64):
            flag = ONE << np.uint64(bit)
            if mask & flag != ZERO:
                scratch.tight[n_tight] = stack.slots[top, 64 * m + bit]
                n_tight += 1
            elif used & flag != ZERO:
                witness_row = stack.slots[top, 64 * m + bit]
    side = sign_of_row(rows, stack.signs[top], witness_row)
    return rays.refine(
        rows, pool, scratch, stack.ids[place], n_tight, witness_row, side
    )


@inlined
def are_adjacent(masks, count, first, second, width, common):
    """Whether two rays span a 2-face; ``common`` gets their common zero set.

    They do exactly when no third ray lies on all their common facets; fewer than
    ``width - 2`` common facets rule it out at once.
    """
    n_masks = masks.shape[1]
    needed = width - 2
    for m in range(n_masks):
        word = masks[first, m] & masks[second, m]
        common[m] = word
        while word != ZERO and needed > 0:
            word &= word - ONE
            needed -= 1
    if needed > 0:
        return False
    for t in range(count):
        outside = ZERO
        for m in range(n_masks):
            outside |= common[m] & ~masks[t, m]
        if outside == ZERO and t != first and t != second:
            return False
    return True


@inlined
def find_cut(stack, scratch, top, width, slot):
    """List the pairs of rays between which new rays arise, with their zero sets.

    Copies the cell's lists to scratch (both children overwrite them).  Returns the
    number of pairs, or -1 when ``scratch`` is too small.
    """
    start, count = stack.meta[top, START], stack.meta[top, COUNT]
    source, masks, sides = stack.masks, scratch.masks, scratch.sides
    parents, common = scratch.parents, scratch.mask
    n_masks = masks.shape[1]
    for t in range(count):
        scratch.ids[t] = stack.ids[start + t]
        for m in range(n_masks):
            masks[t, m] = source[start + t, m]
    flag = ONE << np.uint64(slot & 63)
    n_new = 0
    for p in range(count):
        if sides[p] <= 0:
            continue
        for q in range(count):
            if sides[q] >= 0 or not are_adjacent(masks, count, p, q, width, common):
                continue
            place = count + n_new
            if place >= parents.shape[0]:
                return -1
            parents[n_new, 0] = p
            parents[n_new, 1] = q
            for m in range(n_masks):
                masks[place, m] = common[m]
            masks[place, slot >> 6] |= flag
            n_new += 1
    for t in range(count):
        if sides[t] == 0:
            masks[t, slot >> 6] |= flag
    return n_new


@inlined
def free_slot(stack, top):
    """Lowest slot that no ray of the cell lies on, or -1."""
    start, count = stack.meta[top, START], stack.meta[top, COUNT]
    for m in range(stack.masks.shape[1]):
        used = ZERO
        for t in range(count):
            used |= stack.masks[start + t, m]
        if used != ~ZERO:
            bit = 0
            while used & ONE != ZERO:
                used >>= ONE
                bit += 1
            return 64 * m + bit
    return -1


@inlined
def write_child(stack, scratch, top, start, count, n_new, side):
    """Write the child on ``side``: its rays are those not on the other side."""
    place = start
    n_masks = stack.masks.shape[1]
    for t in range(count + n_new):
        if t >= count or scratch.sides[t] != -side:
            stack.ids[place] = scratch.ids[t]
            for m in range(n_masks):
                stack.masks[place, m] = scratch.masks[t, m]
            place += 1
    stack.meta[top, START] = start
    stack.meta[top, COUNT] = place - start
    return place


@inlined
def cut(rows, pool, stack, scratch, control, row):
    """Cut the top cell by ``row`` (signs in scratch): CUT, or what has to grow.

    The negative child takes the place of the cell, the positive one goes on top.
    Nothing is changed unless CUT is returned.
    """
    top = control[N_FRAMES] - 1
    start, count = stack.meta[top, START], stack.meta[top, COUNT]
    slot = free_slot(stack, top)
    if slot < 0:
        return GROW_SLOTS
    width = rows.floats.shape[1]
    n_new = find_cut(stack, scratch, top, width, slot)
    if n_new < 0 or start + 2 * (count + n_new) > stack.ids.size:
        return GROW_LISTS
    first = stack.meta[top, POOL_TOP]
    if first + n_new > pool.errors.size:
        return GROW_POOL
    filtered = rows.ints.shape[0] == 0
    for t in range(n_new):
        p, q = scratch.parents[t, 0], scratch.parents[t, 1]
        new = first + t
        plus, minus = scratch.ids[p], scratch.ids[q]
        scratch.ids[count + t] = new
        if filtered:
            rays.combine_floats(
                rows, pool, row, new, plus, minus, scratch.approx[p], scratch.approx[q]
            )
        else:
            rays.combine_ints(
                pool, new, plus, minus, scratch.values[p], scratch.values[q]
            )
    stack.slots[top, slot] = row
    for k in range(stack.slots.shape[1]):
        stack.slots[top + 1, k] = stack.slots[top, k]
    for w in range(stack.signs.shape[1]):
        stack.signs[top + 1, w] = stack.signs[top, w]
    set_signs(rows, stack.signs, top, row, np.int64(-1))
    set_signs(rows, stack.signs, top + 1, row, np.int64(1))
    place = write_child(stack, scratch, top, start, count, n_new, np.int64(-1))
    write_child(stack, scratch, top + 1, place, count, n_new, np.int64(1))
    for frame in range(top, top + 2):
        stack.meta[frame, LEVEL] = row + 1
        stack.meta[frame, POOL_TOP] = first + n_new
    control[N_FRAMES] = top + 2
    return CUT


@inner
def insert_rows(rows, pool, stack, scratch, control, budget):
    """Insert rows into the top cell until one cuts it: (status, rows inserted).

    LEAF: all rows are in.  CUT: the cell was replaced by its two children.  PAUSED:
    the budget of rows is spent.  Otherwise what has to grow; call again after it.
    """
    top = control[N_FRAMES] - 1
    level = stack.meta[top, LEVEL]
    n_rows = rows.norms.size
    start, count = stack.meta[top, START], stack.meta[top, COUNT]
    is_int = rows.ints.shape[0] > 0
    ints, vectors, ids = rows.ints, pool.ints, stack.ids
    values, sides = scratch.values, scratch.sides
    steps = 0
    while level < n_rows:
        if steps >= budget:
            return PAUSED, steps
        if is_int:
            n_plus, n_minus = classify_ints(
                ints, level, vectors, ids, start, count, values, sides
            )
        else:
            n_plus, n_minus = classify_filtered(rows, pool, stack, scratch, top, level)
        steps += 1
        if n_plus < 0:
            return FAILED, steps
        if n_plus > 0 and n_minus > 0:
            return cut(rows, pool, stack, scratch, control, level), steps
        set_signs(rows, stack.signs, top, level, 1 if n_plus > 0 else -1)
        level += 1
        stack.meta[top, LEVEL] = level
    return LEAF, steps


@kernel
def emit_facets(rows, stack, scratch, top, out, begin):
    """Write the rows that are facets of cell ``top``; return the new end.

    A slot is a facet exactly when its set of rays is contained in that of no other
    slot: rows are pairwise not proportional, so no two slots share a facet, and the
    face of a redundant row lies in a facet.
    """
    start, count = stack.meta[top, START], stack.meta[top, COUNT]
    n_masks = stack.masks.shape[1]
    place = begin
    if rows.floats.shape[1] == 1:  # a half-line ends at the origin, on row 0
        out[place] = 0
        return place + 1
    for m in range(n_masks):
        used = ZERO
        for t in range(count):
            used |= stack.masks[start + t, m]
        for bit in range(64):
            flag = ONE << np.uint64(bit)
            if used & flag == ZERO:
                continue
            # intersect the zero sets of the rays on this slot
            for j in range(n_masks):
                scratch.mask[j] = ~ZERO
            for t in range(count):
                if stack.masks[start + t, m] & flag != ZERO:
                    for j in range(n_masks):
                        scratch.mask[j] &= stack.masks[start + t, j]
            alone = True
            for j in range(n_masks):
                rest = scratch.mask[j]
                if j == m:
                    rest &= ~flag
                if rest != ZERO:
                    alone = False
                    break
            if alone:
                out[place] = stack.slots[top, 64 * m + bit]
                place += 1
    return place


@inner
def add_rays(rows, pool, stack, scratch, top, out):
    """Write the sum of the cell's rays as floats: a point well inside the cell.

    Only a candidate: the proof decides its signs exactly.
    """
    start, count = stack.meta[top, START], stack.meta[top, COUNT]
    width = rows.floats.shape[1]
    for k in range(width):
        out[k] = 0.0
    for t in range(count):
        ray = stack.ids[start + t]
        if rows.ints.shape[0] > 0:
            for k in range(width):
                out[k] += np.float64(pool.ints[ray, k])
            continue
        if (
            pool.exact[ray] == 0
            and pool.errors[ray] > 2.0**-4
            and not refine_ray(rows, pool, stack, scratch, top, start + t)
        ):
            return False
        for k in range(width):
            out[k] += pool.floats[ray, k]
    return True


@kernel
def advance(rows, base, pool, stack, scratch, control, budget, guide, out):
    """List chambers depth first until ``out`` is full: DONE, BLOCK_FULL, PAUSED, ...

    ``out`` holds packed patterns (block, n_words), witness candidates (block, r)
    float64 (scaled coordinates in filtered arithmetic) or (0, r), and facets: starts
    (block + 1,) and rows, or empty.  ``control[N_EMITTED]`` counts within the block.
    With a ``guide`` (m,) int8 only the one cell with these signs is built: DONE once it
    is emitted; it stays at the top of the stack arrays until the next call.
    """
    spent = 0
    n_rows = rows.norms.size
    while True:
        if control[N_FRAMES] == 0:
            if control[NEXT_ROOT] == control[N_ROOTS]:
                return DONE
            push_root(rows, base, pool, stack, control, control[NEXT_ROOT])
            control[NEXT_ROOT] += 1
        top = control[N_FRAMES] - 1
        if stack.meta[top, LEVEL] == n_rows:
            emitted = control[N_EMITTED]
            if emitted == out.patterns.shape[0]:
                return BLOCK_FULL
            if out.facet_starts.size > 0:
                begin = out.facet_starts[emitted]
                if begin + 64 * stack.masks.shape[1] > out.facets.size:
                    return BLOCK_FULL
                out.facet_starts[emitted + 1] = emit_facets(
                    rows, stack, scratch, top, out.facets, begin
                )
            if out.witnesses.shape[0] > 0 and not add_rays(
                rows, pool, stack, scratch, top, out.witnesses[emitted]
            ):
                return FAILED
            for w in range(stack.signs.shape[1]):
                out.patterns[emitted, w] = stack.signs[top, w]
            control[N_EMITTED] = emitted + 1
            control[N_FRAMES] = top
            if guide.size > 0:
                return DONE
            continue
        if spent >= budget:
            return PAUSED
        status, steps = insert_rows(rows, pool, stack, scratch, control, budget - spent)
        spent += steps
        if status == CUT:
            if guide.size > 0 and guide[stack.meta[top, LEVEL] - 1] < 0:
                control[N_FRAMES] = top + 1
        elif status != LEAF:
            return status


@kernel
def refine_cell(rows, pool, stack, scratch, top):
    """Make every ray of the cell exact (filtered arithmetic)."""
    start, count = stack.meta[top, START], stack.meta[top, COUNT]
    for t in range(count):
        if pool.exact[stack.ids[start + t]] == 0 and not refine_ray(
            rows, pool, stack, scratch, top, start + t
        ):
            return False
    return True
