"""Upper bounds of a piecewise linear function on one simplicial cone.

On a cone with vertices ``V_1..V_r`` (``|V_j|_1 = 1``, all in one orthant) the function
is ``f(u) = g.u + sum_{i < n_convex} (a_i.u)_+ - sum_{others} (a_i.u)_+``, the sums over
the rows that the cone cuts.  A point of it is ``u = sum lam_j V_j``, ``lam >= 0``, and
``sum lam_j = |u|_1 <= sqrt(r) |u|``.  Every bound is that of a linear function
``l >= f``, given by its values ``l_j`` at the vertices: a chord for each convex row,
``t_i a_i.u`` with any ``t_i`` in [0, 1] for each concave one.

What rounding does.  The values ``s_ij = a_i . V_j`` are off by ``r u |a_i|_inf`` at
most; a row taken to be linear by its computed signs, a chord and a tangent are then
off by at most that times ``|u|_1``, each row once, and the caller adds it for all rows
together.  A sum of m + r terms is off by ``(m + r + 4) u`` times the sum of their
absolute values; that is added here.  Rows have entries of at most about 1, so that
nothing overflows but multipliers without a bound, and those are checked.
"""

from __future__ import annotations

import numpy as np

from convex_solver._kernels.certify.bounded_squares import bounded_squares, norm
from convex_solver._kernels.compile import bare_inlined, bare_inner

U = 2.0**-53


@bare_inner
def vertex_value(vertex, gradient, values, n_convex, count):
    """Value of ``f`` at a vertex, over the vertex's length."""
    total = 0.0
    for k in range(vertex.size):
        total += vertex[k] * gradient[k]
    total += positive_sum(values, np.int64(0), n_convex)
    total -= positive_sum(values, n_convex, count)
    return total / norm(vertex)


@bare_inner
def gradient_values(vertices, gradient, out, sizes):
    """Fill ``out`` (r,) with ``g . V_j``, ``sizes`` with the sums of ``|g_k V_jk|``."""
    r = gradient.size
    for j in range(r):
        out[j] = 0.0
        sizes[j] = 0.0
        for k in range(r):
            term = vertices[j, k] * gradient[k]
            out[j] += term
            sizes[j] += abs(term)


@bare_inner
def positive_sum(x, begin, end):
    """Sum of the positive entries; four sums, as one would wait for each addition."""
    a = b = c = d = 0.0
    i = begin
    while i + 4 <= end:
        a += max(x[i], 0.0)
        b += max(x[i + 1], 0.0)
        c += max(x[i + 2], 0.0)
        d += max(x[i + 3], 0.0)
        i += 4
    while i < end:
        a += max(x[i], 0.0)
        i += 1
    return (a + b) + (c + d)


@bare_inner
def absolute_sum(x, y):
    """Sum of ``|x_i + y_i|``."""
    a = b = c = d = 0.0
    i = 0
    while i + 4 <= x.size:
        a += abs(x[i] + y[i])
        b += abs(x[i + 1] + y[i + 1])
        c += abs(x[i + 2] + y[i + 2])
        d += abs(x[i + 3] + y[i + 3])
        i += 4
    while i < x.size:
        a += abs(x[i] + y[i])
        i += 1
    return (a + b) + (c + d)


@bare_inner
def chosen_sums(x, weight, begin, end):
    """Add up ``x_i`` and ``|x_i|`` where the weight is positive."""
    a = b = c = d = 0.0
    i = begin
    while i + 2 <= end:
        p = x[i] if weight[i] > 0.0 else 0.0
        q = x[i + 1] if weight[i + 1] > 0.0 else 0.0
        a += p
        b += q
        c += abs(p)
        d += abs(q)
        i += 2
    if i < end and weight[i] > 0.0:
        a += x[i]
        c += abs(x[i])
    return a + b, c + d


@bare_inner
def linear_values(vertices, gradient, values, n_convex, tangent, out, errors):
    """Fill ``out`` (r,) with chords, and tangents where ``tangent`` is positive."""
    r, count = values.shape
    gradient_values(vertices, gradient, out, errors)
    unit = (count + r + 4) * U
    for j in range(r):
        convex = positive_sum(values[j], np.int64(0), n_convex)
        concave, size = chosen_sums(values[j], tangent, n_convex, count)
        out[j] += convex - concave
        errors[j] = unit * (errors[j] + convex + size)


@bare_inner
def mix(line, errors, other, other_errors, t, lengths):
    """Move ``line`` to ``(1 - t) line + t other``; the largest value at a vertex.

    A mixture of two bounds is a bound; the rounding of the mixing is added.
    """
    peak = 0.0
    for j in range(line.size):
        p, q = (1.0 - t) * line[j], t * other[j]
        line[j] = p + q
        errors[j] += other_errors[j] + 4 * U * (abs(p) + abs(q))
        peak = max(peak, line[j] / lengths[j])
    return peak


@bare_inner
def vertex_bound(lengths, worst, out, errors):
    """Largest ``l_j / |V_j|`` over the distance of the simplex from the origin.

    ``|sum lam_j V_j/|V_j||^2 = 1 - sum_{i != j} lam_i lam_j (1 - cos_ij)`` for weights
    of sum 1, at least ``1 - (1 - 1/r) h^2 / 2`` with h the longest edge.  The computed
    ``worst`` = h^2 is off by less than ``(4 r^2 + 14 r) u``, as ``|V_j|^2 >= 1/r``.
    """
    r = out.size
    square = 1.0 - (1.0 - 1.0 / r) * 0.5 * worst - 4 * (r + 4) * (r + 4) * U
    if not square > 0.0:
        return np.inf
    best = 0.0
    for j in range(r):
        best = max(best, (out[j] + errors[j]) / lengths[j])
    return best / np.sqrt(square) * (1.0 + (2 * r + 16) * U)


@bare_inner
def verified_norm(vertices, vector, out, errors):
    """Bound of the linear function with values ``out``, by any vector near it.

    Where ``vector . V_j`` falls short of ``l_j`` by at most ``delta``, the function is
    at most ``vector . u + delta |u|_1``.
    """
    r = vector.size
    delta = 0.0
    for j in range(r):
        total = 0.0
        size = 0.0
        for k in range(r):
            term = vertices[j, k] * vector[k]
            total += term
            size += abs(term)
        short = out[j] - total + errors[j] + (r + 4) * U * size
        short += 2 * U * abs(short)
        if not short <= delta:  # a NaN must come through
            delta = short
    value = norm(vector) * (1.0 + (r + 4) * U)
    return (value + delta * np.sqrt(r) * (1.0 + 8 * U)) * (1.0 + 8 * U)


@bare_inner
def invert(vertices, out, work):
    """Fill ``out`` with rows ``n_j``, ``n_j . V_k = delta_jk``; False if singular.

    Gauss-Jordan with partial pivoting; nothing rests on its accuracy.
    """
    r = vertices.shape[0]
    for j in range(r):
        for k in range(r):
            work[j, k] = vertices[j, k]
            out[j, k] = 1.0 if j == k else 0.0
    for c in range(r):
        p = c
        for j in range(c + 1, r):
            if abs(work[j, c]) > abs(work[p, c]):
                p = j
        if not abs(work[p, c]) > 0.0:
            return False
        inverse = 1.0 / work[p, c]
        for k in range(r):
            work[c, k], work[p, k] = work[p, k], work[c, k]
            out[c, k], out[p, k] = out[p, k], out[c, k]
            work[c, k] *= inverse
            out[c, k] *= inverse
        for j in range(r):
            factor = work[j, c]
            if j != c and factor != 0.0:
                for k in range(r):
                    work[j, k] -= factor * work[c, k]
                    out[j, k] -= factor * out[c, k]
    for j in range(r):
        for k in range(j + 1, r):
            out[j, k], out[k, j] = out[k, j], out[j, k]
    return True


@bare_inlined
def cone_bound(vertices, normals, out, errors, vector, squares):
    """Norm of the projection on the cone of the linear function ``out``.

    ``vector`` is the sum of the gradient ``sum l_j n_j`` and of multipliers of the
    facets, which only raise the values at the vertices.
    """
    r = out.size
    vectors, upper, x = squares.vectors, squares.upper, squares.x
    start = squares.start
    for k in range(r):
        start[k] = 0.0
    for j in range(r):
        upper[j] = np.inf
        x[j] = 0.0
        for k in range(r):
            vectors[j, k] = normals[j, k]
            start[k] += out[j] * normals[j, k]
    bounded_squares(vectors, upper, r, x, vector, start, squares.free, squares.spare)
    return verified_norm(vertices, vector, out, errors)


@bare_inlined
def pattern_bound(
    A, vertices, gradient, rows, values, n_convex, pattern, tangent, normals,
    vector, out, errors, squares,
):  # fmt: skip
    """Bound on the part where the convex rows have the signs ``s_i`` of ``pattern``.

    There ``f <= q.u``, ``q = g + sum_{+} a_i - sum t_i a_i + sum b_i s_i a_i`` for t in
    [0, 1] and b >= 0 (Lemma 4), plus multipliers of the facets of the cone.  Returns
    the bound and whether no sign and no facet holds the maximum back.
    """
    r, count = values.shape
    vectors, upper, x = squares.vectors, squares.upper, squares.x
    start = squares.start
    for k in range(r):
        start[k] = gradient[k]
    for i in range(count):
        convex = i < n_convex
        up = convex and pattern >> i & 1 != 0
        for k in range(r):
            a = A[k, rows[i]]
            vectors[i, k] = a if up else -a
            if up:
                start[k] += a
        upper[i] = np.inf if convex else 1.0
        x[i] = 1.0 if not convex and tangent[i] > 0.0 else 0.0
    for j in range(r):
        for k in range(r):
            vectors[count + j, k] = normals[j, k]
        upper[count + j] = np.inf
        x[count + j] = 0.0
    bounded_squares(
        vectors, upper, count + r, x, vector, start, squares.free, squares.spare
    )
    gradient_values(vertices, gradient, out, errors)
    is_free = True
    for i in range(count):
        weight = -x[i]
        if i < n_convex:
            is_free = is_free and x[i] == 0.0
            if pattern >> i & 1 != 0:
                weight = 1.0 + x[i]
        top = 0.0
        if i < n_convex:
            for k in range(r):
                top = max(top, abs(vectors[i, k]))
        for j in range(r):
            term = weight * values[j, i]
            out[j] += term
            # b has no bound: the error of the row's own value counts here
            errors[j] += abs(term) + x[i] * top
    for j in range(r):
        is_free = is_free and x[count + j] == 0.0
        errors[j] *= (count + r + 4) * U
    return verified_norm(vertices, vector, out, errors), is_free
