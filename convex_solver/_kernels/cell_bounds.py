"""Upper bounds of a piecewise linear function on one simplicial cone.

On a cone with vertices ``V_1..V_r`` (``|V_j|_1 = 1``, all in one orthant) the function
is ``f(u) = g.u + sum_{i < n_convex} (a_i.u)_+ - sum_{others} (a_i.u)_+``, the sums over
the rows that the cone cuts.  A point of it is ``u = sum lam_j V_j``, ``lam >= 0``, and
``sum lam_j = |u|_1 <= sqrt(r) |u|``.  Every bound is of a linear function ``l >= f``,
given by its values ``l_j`` at the vertices: a chord for each convex row, ``t_i a_i.u``
with any ``t_i`` in [0, 1] for each concave one.

What rounding does: values ``s_ij`` of rows at vertices are off by ``g_r |a_i|_inf``
(``g_r = r u / (1 - r u)``); a row taken to be linear on the wrong side, a chord and a
tangent are then off by at most that times ``|u|_1``, once for each row, and the caller
adds it once for all.  The sums here are off by at most ``(m + r + 4) u`` times the sum
of the absolute values of their terms; that is added here.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from convex_solver._kernels.bounded_squares import bounded_squares, norm

U = 2.0**-53
MOST_CONVEX = 3
MOST_CONCAVE = 32


@njit(cache=True)
def vertex_value(vertex, gradient, values, n_convex, count):
    """``f`` at a vertex, over its length, and the sum of the absolute terms."""
    total = 0.0
    for k in range(vertex.size):
        total += vertex[k] * gradient[k]
    for i in range(n_convex):
        total += max(values[i], 0.0)
    for i in range(n_convex, count):
        total -= max(values[i], 0.0)
    return total / norm(vertex)


@njit(cache=True)
def linear_values(vertices, gradient, values, n_convex, count, center, out, errors):
    """Fill ``out`` (r,) with a linear bound, tangent at the sum of the vertices."""
    r = gradient.size
    for i in range(n_convex, count):
        center[i] = 0.0
    for j in range(r):
        for i in range(n_convex, count):
            center[i] += values[j, i]
    unit = (count + r + 4) * U
    for j in range(r):
        total = 0.0
        size = 0.0
        for k in range(r):
            term = vertices[j, k] * gradient[k]
            total += term
            size += abs(term)
        convex = 0.0
        for i in range(n_convex):
            convex += max(values[j, i], 0.0)
        concave = 0.0
        spread = 0.0
        for i in range(n_convex, count):
            if center[i] > 0.0:
                concave += values[j, i]
                spread += abs(values[j, i])
        out[j] = total + convex - concave
        errors[j] = unit * (size + convex + spread)


@njit(cache=True)
def vertex_bound(lengths, worst, out, errors):
    """Bound (a): the largest value at a vertex over the distance to the chord.

    ``|sum lam_j V_j/|V_j||^2 = 1 - sum_{i != j} lam_i lam_j (1 - cos_ij)`` on the
    simplex, at least ``1 - (1 - 1/r) h^2 / 2`` with ``h`` the longest edge.
    """
    r = out.size
    square = 1.0 - (1.0 - 1.0 / r) * 0.5 * worst - 64 * r * U
    if not square > 0.0:
        return np.inf
    best = 0.0
    for j in range(r):
        best = max(best, (out[j] + errors[j]) / lengths[j])
        if np.isnan(out[j]):
            return np.inf
    return best / np.sqrt(square) * (1.0 + (2 * r + 16) * U)


@njit(cache=True)
def verified_norm(vertices, vector, out, errors):
    """Bound of a linear function with values ``out`` by any vector near it.

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
        if not short <= delta:  # NaN comes through
            delta = short
    value = norm(vector) * (1.0 + (r + 4) * U)
    return (value + delta * np.sqrt(r) * (1.0 + 8 * U)) * (1.0 + 8 * U)


@njit(cache=True)
def invert(vertices, out, work):
    """Fill ``out`` with rows ``n_j``, ``n_j . V_k = delta_jk``; False if singular."""
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
        if work[p, c] == 0.0:
            return False
        for k in range(r):
            work[c, k], work[p, k] = work[p, k], work[c, k]
            out[c, k], out[p, k] = out[p, k], out[c, k]
        inverse = 1.0 / work[c, c]
        for k in range(r):
            work[c, k] *= inverse
            out[c, k] *= inverse
        for j in range(r):
            if j != c and work[j, c] != 0.0:
                factor = work[j, c]
                for k in range(r):
                    work[j, k] -= factor * work[c, k]
                    out[j, k] -= factor * out[c, k]
    # rows of ``out`` are those of V^-1 where V has the vertices as rows
    for j in range(r):
        for k in range(j + 1, r):
            out[j, k], out[k, j] = out[k, j], out[j, k]
    return True


@njit(cache=True)
def combine(normals, out, vector):
    """Fill ``vector = sum out_j n_j``, the gradient with values ``out``."""
    r = vector.size
    for k in range(r):
        vector[k] = 0.0
    for j in range(r):
        for k in range(r):
            vector[k] += out[j] * normals[j, k]


@njit(cache=True)
def cone_bound(vertices, normals, out, errors, best_vector, scratch):
    """Bound (b): the norm of the projection on the cone of a linear function."""
    r = out.size
    vectors, upper, x, start, free, basis, move = scratch
    combine(normals, out, start)
    for j in range(r):
        upper[j] = np.inf
        x[j] = 0.0
        for k in range(r):
            vectors[j, k] = normals[j, k]
    bounded_squares(vectors, upper, r, x, best_vector, start, free, basis, move)
    return verified_norm(vertices, best_vector, out, errors)
