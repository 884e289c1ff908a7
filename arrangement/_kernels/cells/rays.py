"""Cells of an arrangement as sets of rays (double description), without coordinates.

A cell is the open cone of a sign prefix.  Each of its rays carries two masks over all
rows of the arrangement, inserted or not: where it is strictly positive, and where
strictly negative; so one union over the rays shows every row that still cuts the
cell (positive on one ray, negative on another).  The lowest of them is inserted
next; the sign of any other row is forced and costs nothing.  When none is left the
cell is a chamber and the union is its pattern.  The tree is binary without dead ends,
and what the last row or two cut a cell into is known without new rays: up to four
chambers cost one cut.  So is mostly what up to six rows do (see `parts`), where a cell
has many rays.  (Motzkin et al. 1953; Fukuda & Prodon 1996 for the adjacency
test.)

A row that does not cut the cell is one of its inequalities, inserted or not: zero sets
below range over all those, and over none that cut.
"""

from __future__ import annotations

import numpy as np

from arrangement._kernels.bits import ONE, ZERO, lowest
from arrangement._kernels.compile import bare_forced, bare_inner, bare_kernel
from arrangement._kernels.state import (
    EXCLUDED,
    FLIP,
    FROM_BIT,
    FROM_WORD,
    LEAF,
    N_EMITTED,
    N_FRAMES,
    NEXT_ROOT,
    SINGLE,
    STEP,
    TO_BIT,
    TO_WORD,
)

# what `last_cuts` returns: no other row, or more than one
SOLE, MANY = -1, -2


@bare_forced
def push_root(rows, cells):
    """Start the next simplicial cone of the r base rows.

    Base row 0 is positive; row j is negative where bit ``r - 1 - j`` of the root's
    number is set, so that roots come in lexicographic order, + before -.
    """
    base, control = rows.base, cells.control
    width, size = rows.base_masks.shape
    root = control[NEXT_ROOT]
    for k in range(width):
        negative = (root >> (width - 1 - k)) & 1
        for j in range(base.shape[1]):
            # what comes after the coordinates is no part of the ray
            cells.rays[k, j] = -base[k, j] if negative and j < width else base[k, j]
        shift = size // 2 if negative else 0
        for w in range(size):
            cells.masks[k, w] = rows.base_masks[k, (w + shift) % size]
        cells.ids[k] = k
    cells.start[0] = 0
    cells.n_rays[0] = width
    cells.pool_top[0] = width
    control[NEXT_ROOT] = root + 1
    control[N_FRAMES] = 1


@bare_forced
def survey(cells, union):
    """Unite the masks of the top cell's rays: rows positive, negative on some ray."""
    top = cells.control[N_FRAMES] - 1
    start = cells.start[top]
    for w in range(union.size):
        union[w] = ZERO
    for t in range(start, start + cells.n_rays[top]):
        ray = cells.ids[t]
        for w in range(union.size):
            union[w] |= cells.masks[ray, w]


@bare_forced
def next_row(union, required):
    """Place of the row to insert next, or LEAF, or EXCLUDED by a required sign.

    Rows whose sign is required come first; they have one sign in all chambers that
    are wanted, so the order of the list does not change.
    """
    n_words = required.plus.size
    place = LEAF
    is_needed = False
    for w in range(n_words):
        plus, minus = union[w], union[n_words + w]
        cutting = plus & minus
        wrong = (plus & required.minus[w]) | (minus & required.plus[w])
        if wrong & ~cutting != ZERO:
            return EXCLUDED
        wanted = cutting & (required.minus[w] | required.plus[w])
        if wanted != ZERO and not is_needed:
            place = 64 * w + lowest(wanted)
            is_needed = True
        elif cutting != ZERO and place == LEAF:
            place = 64 * w + lowest(cutting)
    return place


@bare_forced
def last_cuts(union, required, place):
    """Return the only other row that cuts the cell, SOLE or MANY.

    MANY too where a sign of one of them is required.
    """
    n_words = required.plus.size
    other = SOLE
    for w in range(n_words):
        cutting = union[w] & union[n_words + w]
        if cutting & (required.plus[w] | required.minus[w]) != ZERO:
            return MANY
        if w == place >> 6:
            cutting &= ~(ONE << np.uint64(place & 63))
        if cutting != ZERO:
            if other != SOLE or cutting & (cutting - ONE) != ZERO:
                return MANY
            other = 64 * w + lowest(cutting)
    return other


@bare_forced
def sides_of(cells, t, place, other):
    """Signs (1, 0 or -1) of one or two rows at a ray of the top cell."""
    masks = cells.masks
    n_words = masks.shape[1] // 2
    ray = cells.ids[t]
    word, flag = place >> 6, ONE << np.uint64(place & 63)
    first = np.int64(masks[ray, word] & flag != ZERO) - np.int64(
        masks[ray, n_words + word] & flag != ZERO
    )
    if other == SOLE:
        return first, 1
    word, flag = other >> 6, ONE << np.uint64(other & 63)
    second = np.int64(masks[ray, word] & flag != ZERO) - np.int64(
        masks[ray, n_words + word] & flag != ZERO
    )
    return first, second


@bare_inner
def has_four_parts(cells, place, other, strictly):
    """Whether two last rows cut the top cell into four parts; False in doubt.

    The values of both at the cell are the inside of a cone in the plane, which those at
    the rays generate.  As each row has values of both signs, it meets a quadrant that
    has a ray within or on its border.  With ``strictly`` one has to be within.
    """
    top = cells.control[N_FRAMES] - 1
    start, stop = cells.start[top], cells.start[top] + cells.n_rays[top]
    within = met = 0
    for t in range(start, stop):
        first, second = sides_of(cells, t, place, other)
        # bits: (+, +), (+, -), (-, +), (-, -)
        if first != 0 and second != 0:
            within |= 1 << ((1 - first) + (1 - second) // 2)
        elif first != 0:
            met |= 3 << (1 - first)
        elif second != 0:
            met |= 5 << ((1 - second) // 2)
    return (within if strictly else within | met) == 15


@bare_inner
def write_points(rows, cells, place, other, points):
    """Write a point in each part of the top cell; False where rounding hides one.

    With S the sum of all rays and Q that of those in a part, ``S + t Q`` is within the
    cell, and within the part for a t that is large enough if one of them is.  A ray on
    a border of parts counts for one of these.
    """
    top = cells.control[N_FRAMES] - 1
    start, stop = cells.start[top], cells.start[top] + cells.n_rays[top]
    n_parts, size = points.shape
    for m in range(n_parts):
        for k in range(size):
            points[m, k] = 0.0
    for t in range(start, stop):
        first, second = sides_of(cells, t, place, other)
        # of four parts every one has a place, of two every other
        m = (2 * np.int64(first < 0) + np.int64(second < 0)) * n_parts // 4
        ray = cells.ids[t]
        for k in range(size):
            points[m, k] += np.float64(cells.rays[ray, k])
    last = place if other == SOLE else other
    one = two = 0.0
    for k in range(size):
        total = _sum_at(points, k)
        one += np.float64(rows[place, k]) * total
        two += np.float64(rows[last, k]) * total
    # of two parts the second is beyond the first row, of four those are two
    a, b = rows[place], rows[last]
    middle = -1.0 if n_parts == 2 else 1.0
    t0 = _share(a, b, one, two, points[0], 1.0, 1.0)
    t1 = _share(a, b, one, two, points[1], middle, -1.0)
    t2 = t3 = 1.0
    if n_parts == 4:
        t2 = _share(a, b, one, two, points[2], -1.0, 1.0)
        t3 = _share(a, b, one, two, points[3], -1.0, -1.0)
    if min(t0, t1, t2, t3) < 1.0:
        return False
    for k in range(size):
        total = _sum_at(points, k)
        points[0, k] = total + t0 * points[0, k]
        points[1, k] = total + t1 * points[1, k]
        if n_parts == 4:
            points[2, k] = total + t2 * points[2, k]
            points[3, k] = total + t3 * points[3, k]
    return True


@bare_forced
def _share(a, b, one, two, part, side, other_side):
    """Return t such that ``S + t Q`` is well on the sides; 0 where rounding hides one.

    ``one`` and ``two`` are the values of the rows a and b at S, ``part`` is Q.
    """
    first = second = 0.0
    for k in range(part.size):
        first += side * np.float64(a[k]) * part[k]
        second += other_side * np.float64(b[k]) * part[k]
    if not (first > 0.0 and second > 0.0):
        return 0.0
    return 1.0 + 2.0 * max(-side * one / first, -other_side * two / second, 0.0)


@bare_forced
def _sum_at(points, k):
    """One coordinate of the sum of all rays."""
    total = points[0, k] + points[1, k]
    for m in range(2, points.shape[0]):
        total += points[m, k]
    return total


@bare_forced
def write_children(cells, cut, n_new):
    """Replace the top cell by its two children, the positive one on top.

    A child's rays are those not on the other side, and the new ones.
    """
    top = cells.control[N_FRAMES] - 1
    place, count = cells.start[top], cells.n_rays[top]
    for t in range(count, count + n_new):
        cut.side[t] = 0
    pool_top = cells.pool_top[top] + n_new
    for frame in range(2):
        away = 1 - 2 * frame
        cells.start[top + frame] = place
        for t in range(count + n_new):
            if cut.side[t] != away:
                cells.ids[place] = cut.ray[t]
                place += 1
        cells.n_rays[top + frame] = place - cells.start[top + frame]
        cells.pool_top[top + frame] = pool_top
    cells.control[N_FRAMES] = top + 2


@bare_forced
def begin_ray(masks, new, p, q, place, pending):
    """Set the masks of the ray where a row vanishes between rays ``p`` and ``q``.

    It is a positive combination, so a row's sign follows wherever p and q do not have
    strictly opposite signs; the other rows go to ``pending``.
    """
    n_words = pending.size
    for w in range(n_words):
        plus = masks[p, w] | masks[q, w]
        minus = masks[p, n_words + w] | masks[q, n_words + w]
        opposite = plus & minus
        masks[new, w] = plus & ~opposite
        masks[new, n_words + w] = minus & ~opposite
        pending[w] = opposite
    pending[place >> 6] &= ~(ONE << np.uint64(place & 63))


@bare_forced
def emit(union, outside, control, patterns):
    """Write the chamber whose rays unite to ``union``, and its antipode after it."""
    members = outside.members
    k = control[N_EMITTED]
    control[N_EMITTED] = k + control[STEP]
    n_copied = min(patterns.shape[1], outside.copied.size)
    if members.shape[0] == 0 and control[STEP] == 2 and n_copied == patterns.shape[1]:
        # no parallel rows: whole words, written once
        for w in range(n_copied):
            word = outside.constant[w] | (union[w] & outside.copied[w])
            patterns[k, w] = word
            patterns[k + 1, w] = word ^ outside.moving[w]
        return
    for w in range(patterns.shape[1]):
        patterns[k, w] = outside.constant[w]
    for w in range(n_copied):
        patterns[k, w] |= union[w] & outside.copied[w]
    for t in range(members.shape[0]):
        bit = (union[members[t, FROM_WORD]] >> np.uint64(members[t, FROM_BIT])) & ONE
        bit ^= np.uint64(members[t, FLIP])
        patterns[k, members[t, TO_WORD]] |= bit << np.uint64(members[t, TO_BIT])
    if control[STEP] == 2:
        for w in range(patterns.shape[1]):
            patterns[k + 1, w] = patterns[k, w] ^ outside.moving[w]


@bare_inner
def emit_parts(union, place, other, outside, control, patterns):
    """Write the chambers of all parts that the last rows make: + before -."""
    word, flag = place >> 6, ONE << np.uint64(place & 63)
    if other == SOLE:
        emit(union, outside, control, patterns)
        union[word] &= ~flag
        emit(union, outside, control, patterns)
        return
    last, bit = other >> 6, ONE << np.uint64(other & 63)
    for _ in range(2):
        emit(union, outside, control, patterns)
        union[last] &= ~bit
        emit(union, outside, control, patterns)
        union[last] |= bit
        union[word] &= ~flag


@bare_forced
def emit_last(rows, required, outside, cells, cut, place, output):
    """Write all chambers of a cell that one row or two cut, without a cut, if possible.

    It is not where facets are asked for, or a single chamber, where the block is too
    short, or where two rows make less than four parts, or may do so.
    """
    control = cells.control
    other = last_cuts(cut.union, required, place)
    n_parts = 2 if other == SOLE else 4
    done, step = control[N_EMITTED], control[STEP]
    if (
        other == MANY
        or done + n_parts * step > output.patterns.shape[0]
        or output.starts.size > 0
        or control[SINGLE] == 1
    ):
        return False
    has_points = output.points.shape[0] > 0
    if other != SOLE and not has_four_parts(cells, place, other, has_points):
        return False
    if has_points:
        k = done // step
        points = output.points[k : k + n_parts]
        if not write_points(rows, cells, place, other, points):
            return False
    emit_parts(cut.union, place, other, outside, control, output.patterns)
    control[N_FRAMES] -= 1
    return True


@bare_inner
def write_facets(masks, ids, start, count, valid, out, begin):
    """Write the places of the rows that are facets of a chamber; return the end.

    A row is a facet exactly when no other row is tight on all the rays where it is:
    rows are pairwise not proportional, so no two share a facet, and the face of a
    redundant row lies in a facet.
    """
    n_words = valid.size
    end = begin
    if count == 1:  # rank 1: a half-line ends at the origin, on its only row
        for w in range(n_words):
            if valid[w] != ZERO:
                out[end] = 64 * w + lowest(valid[w])
                return end + 1
    for w in range(n_words):
        rest = ZERO
        for t in range(start, start + count):
            rest |= ~(masks[ids[t], w] | masks[ids[t], n_words + w])
        rest &= valid[w]
        while rest != ZERO:
            flag = rest & (~rest + ONE)
            rest ^= flag
            if is_facet(masks, ids, start, count, valid, w, flag):
                out[end] = 64 * w + lowest(flag)
                end += 1
    return end


@bare_inner
def is_facet(masks, ids, start, count, valid, word, flag):
    """Whether no other row is tight on all the rays where the row ``flag`` is."""
    n_words = valid.size
    for w in range(n_words):
        common = valid[w]
        for t in range(start, start + count):
            ray = ids[t]
            if (masks[ray, word] | masks[ray, n_words + word]) & flag == ZERO:
                common &= ~(masks[ray, w] | masks[ray, n_words + w])
        if w == word:
            common &= ~flag
        if common != ZERO:
            return False
    return True


@bare_kernel
def facets_of(masks, ids, start, count, valid, out):
    """Write the facets of one chamber (see `write_facets`); return how many."""
    return write_facets(masks, ids, start, count, valid, out, 0)
