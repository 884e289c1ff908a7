"""A covering of the sphere by simplicial cones, bisected until each is bounded.

The cones are those of the 2^r orthants and their bisections.  Vertices lie on the
cross-polytope ``|V|_1 = 1`` and a new one is the midpoint of an edge, which must be
exact in float64: then the halves cover their parent, and the sphere is covered.
"""

from __future__ import annotations

import numpy as np

from convex_solver._kernels.certify.bounded_squares import norm
from convex_solver._kernels.certify.cone_bounds import (
    absolute_sum,
    cone_bound,
    invert,
    linear_values,
    mix,
    pattern_bound,
    vertex_bound,
    vertex_value,
)
from convex_solver._kernels.compile import bare_inlined, bare_inner, bare_kernel

DONE, MORE, GROW = 0, 1, 2
# counters: cones on the stack, the next orthant, cones visited, cones still allowed,
# peaks, the orthant to end before
HEIGHT, ORTHANT, CONES, LEFT, N_PEAKS, END = 0, 1, 2, 3, 4, 5
# scalars: bounds up to the goal are good enough; the largest value seen; how far the
# goal lies above it; the largest bound accepted; values that count as peaks
GOAL, BEST, RTOL, ATOL, TOP, PEAK = 0, 1, 2, 3, 4, 5
# columns of `Stack.sizes`: a cone's first row in the pool, its convex rows, its rows
START, CONVEX, COUNT = 0, 1, 2
# Signs of so many convex rows are tried one by one, with so many concave ones.
MOST_CONVEX, MOST_CONCAVE = 3, 32
# Peaks nearer than this (squared distance of unit vectors) are one.
NEAR = 1e-12
# How far tangents move to the worst vertex, and in how many steps: measured.
TILT, STEPS = 3.0, 4


@bare_kernel
def cover(A, n_convex, linear, stack, pool, counters, scalars, found, scratch):
    """Run until the orthants are covered (DONE), LEFT is used up (MORE), or GROW.

    ``A`` (r, n) has the rows as columns, the convex ones first; entries at most 1.
    Halves of a cone overwrite its rows in the pool.
    """
    n = A.shape[1]
    sizes, bounds = stack.sizes, stack.bounds
    room = pool.rows.size
    while counters[LEFT] > 0:
        height = counters[HEIGHT]
        if height + 2 >= bounds.size or room < n:
            return GROW
        if height == 0:
            if counters[ORTHANT] == counters[END]:
                return DONE
            open_orthant(A, n_convex, linear, stack, pool, counters[ORTHANT])
            counters[ORTHANT] += 1
            settle(A, stack, pool, counters, scalars, found, scratch)
            continue
        if sizes[height - 1, START] + 2 * sizes[height - 1, COUNT] > room:
            return GROW
        counters[HEIGHT] -= 1
        bound = bounds[height - 1]
        # the goal may have risen since; a cone that floats cannot halve stays as it is
        if bound <= scalars[GOAL] or not bisect(
            A, stack, pool, counters, scalars, found, scratch
        ):
            scalars[TOP] = max(scalars[TOP], bound)
    return MORE


@bare_inner
def open_orthant(A, n_convex, linear, stack, pool, number):
    """Write the cone of an orthant and the rows that cut it at the stack's bottom."""
    r, n = A.shape
    vertices, high, low, sizes = stack.vertices, stack.high, stack.low, stack.sizes
    rows, values = pool.rows, pool.values
    for j in range(r):
        for k in range(r):
            vertices[0, j, k] = 0.0
        vertices[0, j, j] = -1.0 if number >> j & 1 else 1.0
        high[0, j] = linear[j]
        low[0, j] = 0.0
    bottom = count = np.int64(0)
    sizes[0, START] = 0
    sizes[0, CONVEX] = 0
    for i in range(n):
        smallest = np.inf
        largest = -np.inf
        for j in range(r):
            value = A[j, i] * vertices[0, j, j]
            smallest = min(smallest, value)
            largest = max(largest, value)
            values[j, count] = value
        rows[count] = i
        if smallest >= 0.0:
            for k in range(r):
                term = A[k, i] if i < n_convex else -A[k, i]
                add_term(high, low, bottom, k, term)
        elif not largest <= 0.0:
            count += 1
            sizes[0, CONVEX] += i < n_convex
    sizes[0, COUNT] = count


@bare_inner
def add_term(high, low, row, k, term):
    """Add to a sum in two words (Knuth's TwoSum)."""
    total = high[row, k] + term
    back = total - high[row, k]
    low[row, k] += (high[row, k] - (total - back)) + (term - back)
    high[row, k] = total


@bare_inlined
def bisect(A, stack, pool, counters, scalars, found, scratch):
    """Replace the cone at the top by its two halves; False where floats end."""
    r = A.shape[0]
    vertices, high, low, sizes = stack.vertices, stack.high, stack.low, stack.sizes
    rows, values = pool.rows, pool.values
    parent = scratch.parent
    own_rows, own_values, own_vertices = parent.rows, parent.values, parent.vertices
    gradient = parent.gradient
    height = counters[HEIGHT]
    start, count = sizes[height, START], sizes[height, COUNT]
    n_convex = sizes[height, CONVEX]
    first, second = worst_edge(
        vertices[height], values[:, start : start + count], scalars[GOAL]
    )
    for j in range(r):
        for k in range(r):
            own_vertices[j, k] = vertices[height, j, k]
    if not midpoint(own_vertices, first, second):
        return False
    for k in range(r):
        gradient[0, k] = high[height, k]
        gradient[1, k] = low[height, k]
        gradient[2, k] = gradient[0, k] + gradient[1, k]
    for i in range(count):
        own_rows[i] = rows[start + i]
    for j in range(r):
        for i in range(count):
            own_values[j, i] = values[j, start + i]
    for i in range(count):
        total = 0.0
        for k in range(r):
            total += A[k, own_rows[i]] * own_vertices[r, k]
        own_values[r, i] = total
    new = own_vertices[r]
    value = vertex_value(new, gradient[2], own_values[r], n_convex, count)
    note_best(new, value, scalars, found)
    for drop in (first, second):
        height = counters[HEIGHT]
        begin = start
        if height > 0:
            begin = max(start, sizes[height - 1, START] + sizes[height - 1, COUNT])
        halve(A, stack, pool, parent, height, begin, n_convex, count, drop)
        settle(A, stack, pool, counters, scalars, found, scratch)
    return True


@bare_inner
def midpoint(vertices, first, second):
    """Write the middle of an edge as the last vertex; False if it is not exact."""
    r = vertices.shape[1]
    if first == second:
        return False
    for k in range(r):
        a, b = vertices[first, k], vertices[second, k]
        total = a + b
        back = total - a
        # TwoSum's error, and halving, which is exact far from the subnormals
        if (a - (total - back)) + (b - back) != 0.0:
            return False
        if total != 0.0 and abs(total) < 1e-290:
            return False
        vertices[r, k] = 0.5 * total
    return True


@bare_inner
def worst_edge(vertices, values, goal):
    """Find the edge whose middle is bounded worst; twice one vertex if r is 1.

    At the middle a chord is ``(|s_a| + |s_b| - |s_a + s_b|) / 4`` above its row, a
    tangent as much where it is wrong, and the unit sphere ``edge^2 / 8`` above the
    chord of the cone. Twice to four times fewer cones than by length alone.
    """
    r = vertices.shape[0]
    worst, first, second = -1.0, 0, 0
    for a in range(r):
        own = absolute_sum(values[a], values[a]) * 0.5
        for b in range(a + 1, r):
            kinks = own + absolute_sum(values[b], values[b]) * 0.5
            kinks -= absolute_sum(values[a], values[b])
            badness = 0.25 * kinks + 0.125 * goal * edge(vertices[a], vertices[b])
            if badness > worst:
                worst, first, second = badness, a, b
    return first, second


@bare_inner
def edge(a, b):
    """``|a/|a| - b/|b||^2 = (|a - b|^2 - (|a| - |b|)^2) / (|a| |b|)``, rounded."""
    total = 0.0
    for k in range(a.size):
        total += (a[k] - b[k]) * (a[k] - b[k])
    p, q = norm(a), norm(b)
    return (total - (p - q) * (p - q)) / (p * q)


@bare_inner
def halve(A, stack, pool, parent, height, begin, parent_convex, size, drop):
    """Write the half that has the new vertex instead of vertex ``drop``."""
    r = A.shape[0]
    vertices, high, low, sizes = stack.vertices, stack.high, stack.low, stack.sizes
    rows, values = pool.rows, pool.values
    own_rows, own_values, own_vertices = parent.rows, parent.values, parent.vertices
    gradient, kept, grown = parent.gradient, parent.kept, parent.grown
    ends = parent.ends
    for i in range(size):
        ends[0, i] = own_values[r, i]
        ends[1, i] = own_values[r, i]
    for j in range(r):
        if j != drop:
            for i in range(size):
                ends[0, i] = min(ends[0, i], own_values[j, i])
                ends[1, i] = max(ends[1, i], own_values[j, i])
    count = 0
    n_convex = 0
    n_grown = 0
    for i in range(size):
        kept[count] = i
        grown[n_grown] = i
        n_grown += ends[0, i] >= 0.0
        is_cut = ends[0, i] < 0.0 and ends[1, i] > 0.0
        count += is_cut
        n_convex += is_cut and i < parent_convex
    for k in range(r):
        high[height, k] = gradient[0, k]
        low[height, k] = gradient[1, k]
        for i in range(n_grown):
            g = grown[i]
            term = A[k, own_rows[g]]
            add_term(high, low, height, k, term if g < parent_convex else -term)
    for i in range(count):
        rows[begin + i] = own_rows[kept[i]]
    for j in range(r):
        source = r if j == drop else j
        for k in range(r):
            vertices[height, j, k] = own_vertices[source, k]
        for i in range(count):
            values[j, begin + i] = own_values[source, kept[i]]
    sizes[height, START] = begin
    sizes[height, CONVEX] = n_convex
    sizes[height, COUNT] = count


@bare_inner
def settle(A, stack, pool, counters, scalars, found, scratch):
    """Bound the cone just written above the top: keep it, or count it as covered."""
    height = counters[HEIGHT]
    bound, is_solved = bound_cone(A, stack, pool, counters, scalars, found, scratch)
    counters[CONES] += 1
    counters[LEFT] -= 1
    if is_solved or bound <= scalars[GOAL]:
        scalars[TOP] = max(scalars[TOP], bound)
    else:
        stack.bounds[height] = bound
        counters[HEIGHT] = height + 1


@bare_inlined
def bound_cone(A, stack, pool, counters, scalars, found, scratch):
    """Try bounds, cheapest first, down to the goal; True if it is attained."""
    height = counters[HEIGHT]
    vertices = stack.vertices[height]
    n_convex, count = stack.sizes[height, CONVEX], stack.sizes[height, COUNT]
    lines = scratch.lines
    normals = lines.normals
    bound, peak = by_vertices(stack, pool, counters, scalars, scratch)
    goal = scalars[GOAL]
    # no bound with these tangents is below the values at the vertices
    few = n_convex <= MOST_CONVEX and count - n_convex <= MOST_CONCAVE
    if bound <= goal or not (few or peak <= goal):
        return bound, False
    if not invert(vertices, normals, lines.work):
        return bound, False
    if peak <= goal:
        other = cone_bound(
            vertices, normals, lines.line, lines.errors, lines.vector, scratch.squares
        )
        if other < bound:
            bound = other
        if bound <= goal:
            return bound, False
    if few:
        return by_signs(A, stack, pool, counters, scalars, found, scratch, bound)
    return bound, False


@bare_inlined
def by_vertices(stack, pool, counters, scalars, scratch):
    """Bound by chords and tangents: at the middle, then mixed with a second choice.

    The second tangents are taken nearer to the vertex where the first are worst.
    Returns the bound and the largest value at a vertex.
    """
    height = counters[HEIGHT]
    vertices, sizes = stack.vertices[height], stack.sizes
    start, count = sizes[height, START], sizes[height, COUNT]
    n_convex = sizes[height, CONVEX]
    values = pool.values[:, start : start + count]
    lines = scratch.lines
    gradient, line, errors, lengths = (
        lines.gradient,
        lines.line,
        lines.errors,
        lines.lengths,
    )
    tangent, other, other_errors = lines.tangent, lines.other, lines.other_errors
    r = gradient.size
    worst = 0.0
    for a in range(r):
        lengths[a] = norm(vertices[a])
        gradient[a] = stack.high[height, a] + stack.low[height, a]
        for b in range(a + 1, r):
            worst = max(worst, edge(vertices[a], vertices[b]))
        for i in range(n_convex, count):
            tangent[i] = values[a, i] + (tangent[i] if a > 0 else 0.0)
    linear_values(vertices, gradient, values, n_convex, tangent, line, errors)
    bound = vertex_bound(lengths, worst, line, errors)
    top, peak = 0, 0.0
    for j in range(r):
        if line[j] / lengths[j] > peak:
            top, peak = j, line[j] / lengths[j]
    if peak <= scalars[GOAL] or n_convex == count:
        return bound, peak
    for i in range(n_convex, count):
        tangent[i] += TILT * values[top, i]
    linear_values(vertices, gradient, values, n_convex, tangent, other, other_errors)
    for step in range(STEPS):
        t = 1.0 / (STEPS - step)  # a quarter of the way each time
        peak = mix(line, errors, other, other_errors, t, lengths)
        bound = min(bound, vertex_bound(lengths, worst, line, errors))
        if peak <= scalars[GOAL]:
            break
    return bound, peak


@bare_inlined
def by_signs(A, stack, pool, counters, scalars, found, scratch, bound):
    """Take the largest bound over all signs of the convex rows, or ``bound``."""
    height = counters[HEIGHT]
    sizes = stack.sizes
    start, count = sizes[height, START], sizes[height, COUNT]
    n_convex = sizes[height, CONVEX]
    rows = pool.rows[start : start + count]
    values = pool.values[:, start : start + count]
    lines = scratch.lines
    gradient, vector, normals = lines.gradient, lines.vector, lines.normals
    largest = 0.0
    inside = 0.0
    for pattern in range(1 << n_convex):
        value, is_free = pattern_bound(
            A, stack.vertices[height], gradient, rows, values, n_convex, pattern,
            lines.tangent, normals, vector, lines.line, lines.errors, scratch.squares,
        )  # fmt: skip
        point = point_value(A, rows, gradient, n_convex, vector, normals)
        if value > scalars[GOAL]:
            note_best(vector, point, scalars, found)
            if is_free and point >= scalars[PEAK]:
                note_peak(vector, point, counters, found.peaks)
        inside = max(inside, point)
        if not value <= scalars[GOAL] and not value <= solved(inside, scalars):
            return bound, False
        largest = max(largest, value)
    return min(bound, largest), True


@bare_inner
def solved(value, scalars):
    """Return the largest bound that a value seen in the same cone makes good."""
    return value * (1.0 + scalars[RTOL]) + scalars[ATOL]


@bare_inner
def point_value(A, rows, gradient, n_convex, u, normals):
    """``f(u) / |u|`` if ``u`` lies in the cone, and 0 if not."""
    r = u.size
    size = norm(u)
    if size == 0.0:
        return 0.0
    total = 0.0
    for k in range(r):
        total += gradient[k] * u[k]
        inside = 0.0
        for j in range(r):
            inside += normals[k, j] * u[j]
        if inside < -1e-9 * size:
            return 0.0
    for i in range(rows.size):
        value = 0.0
        for k in range(r):
            value += A[k, rows[i]] * u[k]
        if value > 0.0:
            total += value if i < n_convex else -value
    return total / size


@bare_inner
def note_best(u, value, scalars, found):
    """Keep a direction if its value is the best one; then the goal rises, too."""
    best, peaks = found.best, found.peaks
    if not value > scalars[BEST]:
        return
    scalars[BEST] = value
    size = norm(u)
    for k in range(u.size):
        best[k] = u[k] / size
    if peaks.shape[0] == 0:
        scalars[GOAL] = max(scalars[GOAL], solved(value, scalars))


@bare_inner
def note_peak(u, value, counters, peaks):
    """Keep a local maximum unless it is known; the smallest goes if there are many."""
    size = norm(u)
    place = counters[N_PEAKS]
    for p in range(counters[N_PEAKS]):
        distance = 0.0
        for k in range(u.size):
            distance += (u[k] / size - peaks[p, k]) ** 2
        if distance < NEAR:
            return
    if place == peaks.shape[0]:
        place = 0
        for p in range(peaks.shape[0]):
            if peaks[p, u.size] < peaks[place, u.size]:
                place = p
        if peaks.shape[0] == 0 or peaks[place, u.size] >= value:
            return
    else:
        counters[N_PEAKS] += 1
    for k in range(u.size):
        peaks[place, k] = u[k] / size
    peaks[place, u.size] = value
