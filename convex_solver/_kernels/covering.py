"""A covering of the sphere by simplicial cones, bisected until each is bounded."""

from __future__ import annotations

import numpy as np
from numba import njit

from convex_solver._kernels.bounded_squares import bounded_squares, norm
from convex_solver._kernels.cell_bounds import (
    MOST_CONCAVE,
    MOST_CONVEX,
    U,
    combine,
    cone_bound,
    invert,
    linear_values,
    verified_norm,
    vertex_bound,
    vertex_value,
)

DONE, MORE, GROW = 0, 1, 2
# counters
HEIGHT, ORTHANT, CELLS, LEFT, DEEP, N_EXACT, N_CONE = 0, 1, 2, 3, 4, 5, 6
# scalars
GOAL, BEST, RTOL, ATOL, STUCK = 0, 1, 2, 3, 4


@njit(cache=True)
def cover(A, n_convex, linear, stack, pool, counters, scalars, best, scratch, limit):
    """Run until the sphere is covered (DONE), ``limit`` cells (MORE), or memory (GROW).

    ``A`` (r, n) holds the rows as columns, convex ones first.  The stack holds cones
    whose bound exceeds the goal, each with the rows that cut it and their values at
    its vertices; the pool's part of the topmost cone is overwritten by its children.
    """
    r, n = A.shape
    vertices, high, low, sizes, bounds = stack
    rows, values = pool
    while counters[LEFT] > 0:
        height = counters[HEIGHT]
        if height + 2 >= bounds.size:
            return GROW
        if height == 0:
            if counters[ORTHANT] == 1 << r:
                return DONE
            if rows.size < 4 * n + 64:
                return GROW
            open_orthant(A, n_convex, linear, stack, pool, counters[ORTHANT])
            counters[ORTHANT] += 1
            counters[CELLS] += 1
            counters[LEFT] -= 1
            keep_if_above(A, stack, pool, counters, scalars, best, scratch, 0)
            continue
        start, _, count = sizes[height - 1]
        if start + 2 * count + 64 > rows.size:
            return GROW
        split(A, stack, pool, counters, scalars, best, scratch)
    return MORE


@njit(cache=True)
def open_orthant(A, n_convex, linear, stack, pool, number):
    """Write the cone of an orthant and its rows at the bottom of the stack."""
    r, n = A.shape
    vertices, high, low, sizes, bounds = stack
    rows, values = pool
    for j in range(r):
        for k in range(r):
            vertices[0, j, k] = 0.0
        vertices[0, j, j] = -1.0 if number >> j & 1 else 1.0
        high[0, j] = linear[j]
        low[0, j] = 0.0
    count = 0
    n_left = 0
    for i in range(n):
        smallest = np.inf
        largest = -np.inf
        for j in range(r):
            value = A[j, i] * vertices[0, j, j]
            smallest = min(smallest, value)
            largest = max(largest, value)
        if smallest >= 0.0:
            add_row(A, i, i < n_convex, high[0], low[0])
        elif not largest <= 0.0:
            rows[count] = i
            for j in range(r):
                values[j, count] = A[j, i] * vertices[0, j, j]
            count += 1
            if i < n_convex:
                n_left += 1
    sizes[0, 0] = 0
    sizes[0, 1] = n_left
    sizes[0, 2] = count


@njit(cache=True)
def add_row(A, i, convex, high, low):
    """Add or subtract row ``i`` to a sum in two words (Knuth's TwoSum)."""
    for k in range(high.size):
        term = A[k, i] if convex else -A[k, i]
        total = high[k] + term
        back = total - high[k]
        low[k] += (high[k] - (total - back)) + (term - back)
        high[k] = total


@njit(cache=True)
def split(A, stack, pool, counters, scalars, best, scratch):
    """Replace the topmost cone by its two halves, those above the goal."""
    r = A.shape[0]
    vertices, high, low, sizes, bounds = stack
    rows, values = pool
    own_rows, own_values, own_vertices, own_high, own_low, kept, ends = scratch[0]
    height = counters[HEIGHT] - 1
    counters[HEIGHT] = height
    if bounds[height] <= scalars[GOAL]:  # the goal has risen since
        return
    start, n_convex, count = sizes[height]
    first, second = longest_edge(vertices[height])
    exact = r > 1
    for k in range(r):
        for j in range(r):
            own_vertices[j, k] = vertices[height, j, k]
        a, b = own_vertices[first, k], own_vertices[second, k]
        own_vertices[r, k] = 0.5 * (a + b)
        # same orthant, so no cancellation; zero error exactly if the sum is exact
        total = a + b
        back = total - a
        exact = exact and (a - (total - back)) + (b - back) == 0.0
        exact = exact and (total == 0.0 or abs(total) > 1e-290)
        own_high[k] = high[height, k]
        own_low[k] = low[height, k]
    if not exact:
        scalars[STUCK] = max(scalars[STUCK], bounds[height])
        return
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
    gradient = scratch[1][0]
    for k in range(r):
        gradient[k] = own_high[k] + own_low[k]
    offer(
        own_vertices[r],
        vertex_value(own_vertices[r], gradient, own_values[r], n_convex, count),
        scalars,
        best,
    )
    for child in range(2):
        height = counters[HEIGHT]
        begin = start
        if height > 0 and child == 1:
            begin = sizes[height - 1, 0] + sizes[height - 1, 2]
            begin = max(begin, start)
        drop = first if child == 0 else second
        halve(A, stack, pool, scratch, height, begin, n_convex, count, drop)
        counters[CELLS] += 1
        counters[LEFT] -= 1
        keep_if_above(A, stack, pool, counters, scalars, best, scratch, height)


@njit(cache=True)
def longest_edge(vertices):
    """The two vertices at the largest angle."""
    r = vertices.shape[0]
    worst, first, second = -1.0, 0, 0
    for a in range(r):
        for b in range(a + 1, r):
            length = edge(vertices[a], vertices[b])
            if length > worst:
                worst, first, second = length, a, b
    return first, second


@njit(cache=True)
def edge(a, b):
    """``|a/|a| - b/|b||^2 = (|a - b|^2 - (|a| - |b|)^2) / (|a| |b|)``, rounded."""
    total = 0.0
    for k in range(a.size):
        total += (a[k] - b[k]) * (a[k] - b[k])
    p, q = norm(a), norm(b)
    return (total - (p - q) * (p - q)) / (p * q)


@njit(cache=True)
def halve(A, stack, pool, scratch, height, begin, parent_convex, parent, drop):
    """Write the half that has the new vertex instead of vertex ``drop``."""
    r = A.shape[0]
    vertices, high, low, sizes, bounds = stack
    rows, values = pool
    own_rows, own_values, own_vertices, own_high, own_low, kept, ends = scratch[0]
    for i in range(parent):
        ends[0, i] = own_values[r, i]
        ends[1, i] = own_values[r, i]
    for j in range(r):
        if j != drop:
            for i in range(parent):
                ends[0, i] = min(ends[0, i], own_values[j, i])
                ends[1, i] = max(ends[1, i], own_values[j, i])
    for k in range(r):
        high[height, k] = own_high[k]
        low[height, k] = own_low[k]
    count = 0
    n_convex = 0
    for i in range(parent):
        if ends[0, i] >= 0.0:
            add_row(A, own_rows[i], i < parent_convex, high[height], low[height])
        elif not ends[1, i] <= 0.0:
            kept[count] = i
            count += 1
            if i < parent_convex:
                n_convex += 1
    for i in range(count):
        rows[begin + i] = own_rows[kept[i]]
    for j in range(r):
        source = r if j == drop else j
        for k in range(r):
            vertices[height, j, k] = own_vertices[source, k]
        for i in range(count):
            values[j, begin + i] = own_values[source, kept[i]]
    sizes[height, 0] = begin
    sizes[height, 1] = n_convex
    sizes[height, 2] = count


@njit(cache=True)
def offer(u, value, scalars, best):
    """Take a direction with a larger value; the goal rises with it."""
    if value > scalars[BEST]:
        scalars[BEST] = value
        size = norm(u)
        for k in range(u.size):
            best[k] = u[k] / size
        scalars[GOAL] = max(
            scalars[GOAL], value * (1.0 + scalars[RTOL]) + scalars[ATOL]
        )


@njit(cache=True)
def keep_if_above(A, stack, pool, counters, scalars, best, scratch, height):
    """Bound the cone just written at ``height``; it stays if above the goal."""
    vertices, high, low, sizes, bounds = stack
    rows, values = pool
    start, n_convex, count = sizes[height]
    bound = bound_cone(
        A,
        vertices[height],
        high[height],
        low[height],
        rows[start : start + count],
        values[:, start : start + count],
        n_convex,
        counters,
        scalars,
        best,
        scratch,
    )
    if not bound <= scalars[GOAL]:
        bounds[height] = bound
        counters[HEIGHT] = height + 1
        counters[DEEP] = max(counters[DEEP], height + 1)


@njit(cache=True)
def bound_cone(
    A, vertices, high, low, rows, values, n_convex, counters, scalars, best, scratch
):
    """The cheapest bound that is below the goal, or the best of all."""
    r = A.shape[0]
    gradient, line, errors, lengths, vector, center, normals, work = scratch[1]
    goal = scalars[GOAL]
    count = rows.size
    worst = 0.0
    for a in range(r):
        lengths[a] = norm(vertices[a])
        gradient[a] = high[a] + low[a]
        for b in range(a + 1, r):
            worst = max(worst, edge(vertices[a], vertices[b]))
    linear_values(vertices, gradient, values, n_convex, count, center, line, errors)
    bound = vertex_bound(lengths, worst, line, errors)
    if bound <= goal:
        return bound
    concave = count - n_convex
    split_all = n_convex <= MOST_CONVEX and concave <= MOST_CONCAVE
    peak = 0.0
    for j in range(r):
        peak = max(peak, line[j] / lengths[j])
    if peak > goal and not split_all:
        return bound
    if not invert(vertices, normals, work):
        return bound
    if peak <= goal:
        counters[N_CONE] += 1
        bound = min(
            bound, cone_bound(vertices, normals, line, errors, vector, scratch[2])
        )
        if bound <= goal:
            return bound
    if split_all:
        counters[N_EXACT] += 1
        exact = 0.0
        for pattern in range(1 << n_convex):
            exact = max(
                exact,
                pattern_bound(
                    A, vertices, rows, values, n_convex, pattern, scalars, best, scratch
                ),
            )
            if not exact <= scalars[GOAL]:
                break
        if exact <= scalars[GOAL]:
            return exact
    return bound


@njit(cache=True)
def pattern_bound(A, vertices, rows, values, n_convex, pattern, scalars, best, scratch):
    """Bound on the part where the convex rows have the signs of ``pattern``.

    There ``f <= q.u`` with ``q = g + sum_{+} a_i - sum t_i a_i + sum b_i s_i a_i``,
    ``t`` in [0, 1], ``b >= 0``, and what is added for the facets of the cone.
    """
    r, count = vertices.shape[0], rows.size
    gradient, line, errors, lengths, vector, center, normals, work = scratch[1]
    vectors, upper, x, start, free, basis, move = scratch[2]
    for k in range(r):
        start[k] = gradient[k]
    for i in range(count):
        up = i >= n_convex or pattern >> i & 1
        for k in range(r):
            a = A[k, rows[i]]
            if i < n_convex:
                vectors[i, k] = a if up else -a
                if up:
                    start[k] += a
            else:
                vectors[i, k] = -a
        upper[i] = np.inf if i < n_convex else 1.0
        x[i] = 1.0 if i >= n_convex and center[i] > 0.0 else 0.0
    for j in range(r):
        for k in range(r):
            vectors[count + j, k] = normals[j, k]
        upper[count + j] = np.inf
        x[count + j] = 0.0
    bounded_squares(vectors, upper, count + r, x, vector, start, free, basis, move)
    offer_point(A, vertices, rows, gradient, n_convex, vector, normals, scalars, best)
    unit = (count + r + 4) * U
    for j in range(r):
        total = 0.0
        size = 0.0
        for k in range(r):
            term = vertices[j, k] * gradient[k]
            total += term
            size += abs(term)
        for i in range(count):
            if i < n_convex:
                weight = x[i] if pattern >> i & 1 else -x[i]
                top = 0.0
                for k in range(r):
                    top = max(top, abs(vectors[i, k]))
                size += x[i] * top * (r + 1) / (count + r + 4)
                if pattern >> i & 1:
                    weight += 1.0
            else:
                weight = -x[i]
            term = weight * values[j, i]
            total += term
            size += abs(term)
        line[j] = total
        errors[j] = unit * size
    return verified_norm(vertices, vector, line, errors)


@njit(cache=True)
def offer_point(A, vertices, rows, gradient, n_convex, u, normals, scalars, best):
    """Offer the direction of a bound, if it lies in the cone."""
    r = u.size
    size = norm(u)
    if not size > scalars[BEST]:
        return
    for j in range(r):
        inside = 0.0
        for k in range(r):
            inside += normals[j, k] * u[k]
        if inside < -1e-9 * size:
            return
    total = 0.0
    for k in range(r):
        total += gradient[k] * u[k]
    for i in range(rows.size):
        value = 0.0
        for k in range(r):
            value += A[k, rows[i]] * u[k]
        if value > 0.0:
            total += value if i < n_convex else -value
    offer(u, total / size, scalars, best)
