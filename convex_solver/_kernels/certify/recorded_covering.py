"""A covering whose every step is written down, so that another program can check it.

The cones are those of `covering`, visited depth first; a leaf ends where a linear
function above ``f`` has a norm up to the goal.  What proves it is recorded with it: the
tangents, the signs and their multipliers, and a vector ``p`` with ``p.V_j >= l_j`` at
every vertex, with all that is rounded here added.  So the record holds in exact
arithmetic, for rows that these floats are roundings of.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convex_solver._kernels.certify.bounded_squares import norm
from convex_solver._kernels.certify.cone_bounds import (
    U,
    cone_bound,
    gradient_values,
    invert,
    linear_values,
    mix,
    pattern_bound,
    vertex_value,
)
from convex_solver._kernels.certify.covering import (
    CONES,
    CONVEX,
    COUNT,
    END,
    HEIGHT,
    LEFT,
    MOST_CONCAVE,
    MOST_CONVEX,
    ORTHANT,
    START,
    STEPS,
    TILT,
    halve,
    midpoint,
    open_orthant,
    worst_edge,
)
from convex_solver._kernels.compile import bare_inlined, bare_inner, bare_kernel

# How a call ends: all is covered; memory or the tape is short; the budget is used up; a
# value above the goal was found; an edge cannot be halved.
ENDED, SHORT, FULL, SPENT, HIGH, STUCK = 0, 1, 2, 3, 4, 5
# Kinds of records, and the integers of each: the orthant; the ends of an edge; the row;
# how many quarters of the second tangents and where they are taken, or -1 and the
# number of rows with multipliers.  No plain numbers: `note` is compiled once.
ROOT, EDGE, SIDE, LEAF = (np.int64(kind) for kind in range(4))
# Records that one cone may take, the unit of multipliers, and most units of one (any
# number of at least 0 is a multiplier).
MOST_RECORDS, GRID, MOST_UNITS = 2 ** (MOST_CONVEX + 1), 2.0**40, 2.0**62
# Vertices are multiples of 2^-DEPTH.
DEPTH = 60


class Tape(NamedTuple):
    """Records, ``used[0]`` of them.

    Numbers of `EDGE` and so on first, then names of rows; ``p`` (r,) of a leaf first,
    then its multipliers in units of 1 / GRID.
    """

    used: NDArray[np.int64]  # (1,)
    kinds: NDArray[np.int64]  # (size,)
    numbers: NDArray[np.int64]  # (size, 2 + most)
    reals: NDArray[np.float64]  # (size, r + most)


@bare_kernel
def record(A, n_convex, linear, stack, pool, counters, limits, scratch, tape):
    """Cover orthants until END; ``limits`` are the goal and the slack of values."""
    n = A.shape[1]
    sizes = stack.sizes
    room = pool.rows.size
    while True:
        height = counters[HEIGHT]
        if tape.used[0] + MOST_RECORDS > tape.kinds.size:
            return FULL
        if height + 2 >= stack.bounds.size or room < n:
            return SHORT
        if height == 0:
            if counters[ORTHANT] == counters[END]:
                return ENDED
            note(tape, ROOT, counters[ORTHANT], np.int64(0))
            open_orthant(A, n_convex, linear, stack, pool, counters[ORTHANT])
            counters[ORTHANT] += 1
            counters[HEIGHT] = 1
            continue
        if sizes[height - 1, START] + 2 * sizes[height - 1, COUNT] > room:
            return SHORT
        if counters[LEFT] == 0:
            return SPENT
        counters[LEFT] -= 1
        counters[CONES] += 1
        counters[HEIGHT] -= 1
        if not is_leaf(A, stack, pool, counters, limits, scratch, tape):
            code = split(A, stack, pool, counters, limits, scratch, tape)
            if code != ENDED:
                return code


@bare_inner
def note(tape, kind, first, second):
    """Add a record; return its place."""
    place = tape.used[0]
    tape.kinds[place] = kind
    tape.numbers[place, 0] = first
    tape.numbers[place, 1] = second
    tape.used[0] += 1
    return place


@bare_inlined
def split(A, stack, pool, counters, limits, scratch, tape):
    """Put the two halves of the cone above the top of the stack, the first uppermost.

    Returns ENDED, or why it cannot be done.
    """
    r = A.shape[0]
    vertices, high, low, sizes = stack.vertices, stack.high, stack.low, stack.sizes
    parent = scratch.parent
    own_values, own_vertices = parent.values, parent.vertices
    gradient = parent.gradient
    height = counters[HEIGHT]
    start, count = sizes[height, START], sizes[height, COUNT]
    n_convex = sizes[height, CONVEX]
    values = pool.values[:, start : start + count]
    first, second = worst_edge(vertices[height], values, limits[0])
    for j in range(r):
        for k in range(r):
            own_vertices[j, k] = vertices[height, j, k]
    if not midpoint(own_vertices, first, second):
        return STUCK
    for k in range(r):
        scaled = own_vertices[r, k] * 2.0**DEPTH
        if scaled != np.floor(scaled):
            return STUCK
        gradient[0, k] = high[height, k]
        gradient[1, k] = low[height, k]
        gradient[2, k] = gradient[0, k] + gradient[1, k]
    for i in range(count):
        parent.rows[i] = pool.rows[start + i]
        total = 0.0
        for j in range(r):
            own_values[j, i] = values[j, i]
            total += A[j, parent.rows[i]] * own_vertices[r, j]
        own_values[r, i] = total
    new = own_vertices[r]
    if vertex_value(new, gradient[2], own_values[r], n_convex, count) > limits[0]:
        return HIGH
    note(tape, EDGE, first, second)
    for drop in (second, first):
        height = counters[HEIGHT]
        begin = start
        if height > 0:
            begin = max(start, sizes[height - 1, START] + sizes[height - 1, COUNT])
        halve(A, stack, pool, parent, height, begin, n_convex, count, drop)
        counters[HEIGHT] += 1
    return ENDED


@bare_inlined
def is_leaf(A, stack, pool, counters, limits, scratch, tape):
    """Record what proves that the cone is below the goal, if anything does."""
    height = counters[HEIGHT]
    vertices, sizes = stack.vertices[height], stack.sizes
    n_convex, count = sizes[height, CONVEX], sizes[height, COUNT]
    lines = scratch.lines
    quarters, top = by_tangents(stack, pool, counters, limits, scratch)
    few = n_convex <= MOST_CONVEX and count - n_convex <= MOST_CONCAVE
    if not (few or quarters >= 0) or not invert(vertices, lines.normals, lines.work):
        return False
    if quarters >= 0:
        cone_bound(
            vertices,
            lines.normals,
            lines.line,
            lines.errors,
            lines.vector,
            scratch.squares,
        )
        raise_vector(vertices, lines, limits[1])
        if norm(lines.vector) <= limits[0]:
            place = note(tape, LEAF, quarters, top)
            for k in range(lines.vector.size):
                tape.reals[place, k] = lines.vector[k]
            return True
    if not few:
        return False
    mark = tape.used[0]
    if by_sides(A, stack, pool, counters, limits, scratch, tape):
        return True
    tape.used[0] = mark
    return False


@bare_inner
def raise_vector(vertices, lines, slack):
    """Raise ``vector`` until it is at least ``line + errors + slack`` at each vertex.

    By a multiple of the signs of the orthant, whose product with any vertex is 1.
    """
    vector = lines.vector
    r = vector.size
    short = 0.0
    for j in range(r):
        total = 0.0
        size = 0.0
        for k in range(r):
            term = vertices[j, k] * vector[k]
            total += term
            size += abs(term)
        gap = lines.line[j] - total + lines.errors[j] + slack + (r + 8) * U * size
        gap += 4 * U * abs(gap)
        if not gap <= short:  # a NaN must come through
            short = gap
    short += 8 * U * (norm(vector) + short)
    for k in range(r):
        side = 0.0
        for j in range(r):
            side += vertices[j, k]
        vector[k] += short if side > 0.0 else -short


@bare_inlined
def by_tangents(stack, pool, counters, limits, scratch):
    """Fill the line of chords and tangents; return quarters of the second, and where.

    Minus one where it is above the goal at a vertex whatever the tangents.
    """
    height = counters[HEIGHT]
    vertices, sizes = stack.vertices[height], stack.sizes
    start, count = sizes[height, START], sizes[height, COUNT]
    n_convex = sizes[height, CONVEX]
    values = pool.values[:, start : start + count]
    lines = scratch.lines
    gradient, line, errors = lines.gradient, lines.line, lines.errors
    tangent, other, other_errors = lines.tangent, lines.other, lines.other_errors
    r = gradient.size
    for a in range(r):
        lines.lengths[a] = norm(vertices[a])
        gradient[a] = stack.high[height, a] + stack.low[height, a]
        for i in range(n_convex, count):
            tangent[i] = values[a, i] + (tangent[i] if a > 0 else 0.0)
    linear_values(vertices, gradient, values, n_convex, tangent, line, errors)
    top, peak = 0, 0.0
    for j in range(r):
        if line[j] / lines.lengths[j] > peak:
            top, peak = j, line[j] / lines.lengths[j]
    if peak <= limits[0]:
        return 0, 0
    if n_convex == count:
        return -1, 0
    for i in range(n_convex, count):
        tangent[i] += TILT * values[top, i]
    linear_values(vertices, gradient, values, n_convex, tangent, other, other_errors)
    for step in range(STEPS):
        t = 1.0 / (STEPS - step)
        if mix(line, errors, other, other_errors, t, lines.lengths) <= limits[0]:
            return step + 1, top
    return -1, 0


@bare_inlined
def by_sides(A, stack, pool, counters, limits, scratch, tape):
    """Record a leaf for all signs of the convex rows; False if one is above the goal.

    The first row has its sign first, and plus comes before minus.
    """
    height = counters[HEIGHT]
    vertices, sizes = stack.vertices[height], stack.sizes
    start, count = sizes[height, START], sizes[height, COUNT]
    n_convex = sizes[height, CONVEX]
    rows = pool.rows[start : start + count]
    values = pool.values[:, start : start + count]
    lines = scratch.lines
    if not are_cut(A, rows, values, n_convex):
        return False
    for code in range(1 << n_convex):
        pattern = np.int64(0)
        for i in range(n_convex):
            if code >> (n_convex - 1 - i) & 1 == 0:
                pattern |= 1 << i
            if code & ((1 << (n_convex - i)) - 1) == 0:
                note(tape, SIDE, rows[i], np.int64(0))
        pattern_bound(
            A, vertices, lines.gradient, rows, values, n_convex, pattern, lines.tangent,
            lines.normals, lines.vector, lines.line, lines.errors, scratch.squares,
        )  # fmt: skip
        place = note(tape, LEAF, np.int64(-1), n_convex)
        write_multipliers(
            A, vertices, rows, values, n_convex, pattern, scratch, tape, place
        )
        raise_vector(vertices, lines, limits[1])
        if not norm(lines.vector) <= limits[0]:
            return False
        for k in range(lines.vector.size):
            tape.reals[place, k] = lines.vector[k]
    return True


@bare_inner
def are_cut(A, rows, values, n_convex):
    """Whether convex rows cut the cone for certain, and not by rounding alone."""
    r = A.shape[0]
    for i in range(n_convex):
        size, low, high = 0.0, 0.0, 0.0
        for j in range(r):
            size = max(size, abs(A[j, rows[i]]))
            low = min(low, values[j, i])
            high = max(high, values[j, i])
        if not min(-low, high) > (r + 2) * U * size:
            return False
    return True


@bare_inner
def write_multipliers(A, vertices, rows, values, n_convex, pattern, scratch, tape, at):
    """Round multipliers to the grid, record them, and fill the line that they make."""
    r, count = values.shape
    lines, x = scratch.lines, scratch.squares.x
    line, errors = lines.line, lines.errors
    gradient_values(vertices, lines.gradient, line, errors)
    tape.numbers[at, 2] = count
    for i in range(count):
        units = min(np.rint(max(x[i], 0.0) * GRID), MOST_UNITS)
        if i >= n_convex:
            units = min(units, GRID)
        x[i] = units / GRID
        tape.numbers[at, 3 + i] = rows[i]
        tape.reals[at, r + i] = units
        weight, top = -x[i], 0.0
        if i < n_convex:
            if pattern >> i & 1 != 0:
                weight = 1.0 + x[i]
            for k in range(r):
                top = max(top, abs(A[k, rows[i]]))
        for j in range(r):
            term = weight * values[j, i]
            line[j] += term
            errors[j] += abs(term) + x[i] * top
    for j in range(r):
        errors[j] *= (count + r + 8) * U
