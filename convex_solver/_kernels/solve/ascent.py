"""Local maxima of ``f(u) = h . u + sum_i v_i (x_i . u)_+`` on the unit sphere.

Where ``v_i < 0`` the kink of row i is concave and a maximum may lie on it: such rows
become active and the ascent goes on inside their common face.  Each step is an exact
line search along a great circle, on which f is a sinusoid between two kinks.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convex_solver._kernels.compile import inlined, inner, kernel
from convex_solver._kernels.solve.sorting import sort_indices


class Kinked(NamedTuple):
    """The function: rows ``X`` (n, r), their weights ``v`` (n,), ``h`` (r,).

    ``sizes`` (r,) of the columns of the data tell what is small: for angles and slopes
    that is the share of the smallest in the largest.
    """

    X: NDArray[np.float64]
    v: NDArray[np.float64]
    h: NDArray[np.float64]
    sizes: NDArray[np.float64]


class Climbs(NamedTuple):
    """Where climbs begin, ``directions`` (k, r), and what they find, one a row.

    ``directions`` become the maxima, ``near`` (k, r) directions inside a chamber that
    touches each; ``values`` (k,), and ``counts`` (k,) of the active rows.
    """

    directions: NDArray[np.float64]
    near: NDArray[np.float64]
    values: NDArray[np.float64]
    counts: NDArray[np.int64]


class Face(NamedTuple):
    """The common face of the active rows, on which a climb goes on.

    ``side`` (n,) of each row: 0 below, 1 above, 2 active, and 3 or 4 for one step if it
    was active and is to go below or above.  By position among the ``active`` (r + 1,):
    an orthonormal ``basis`` (r + 1, r) of their span and the ``share`` (r + 1,) of each
    row in the gradient.
    """

    side: NDArray[np.int8]
    active: NDArray[np.int64]
    basis: NDArray[np.float64]
    share: NDArray[np.float64]


class Kinks(NamedTuple):
    """Kinks along a great circle: ``angles``, ``rows``, and the ``order`` of both."""

    angles: NDArray[np.float64]
    rows: NDArray[np.int64]
    order: NDArray[np.int64]


@inner
def gradient_at(function, u, side, g):
    """Find the sides of rows that are not active (2), and the gradient without them."""
    X, v, h = function.X, function.v, function.h
    n, r = X.shape
    for k in range(r):
        g[k] = h[k]
    for i in range(n):
        if side[i] == 2:
            continue
        value = 0.0
        for k in range(r):
            value += X[i, k] * u[k]
        if side[i] < 3:
            side[i] = 1 if value > 0.0 else 0
        if side[i] == 1 or side[i] == 4:
            for k in range(r):
                g[k] += v[i] * X[i, k]


@inner
def add_active(X, row, basis, count, even):
    """Extend the orthonormal basis of the active rows; False when dependent.

    ``even`` is the share of the smallest size of a column in the largest.
    """
    r = X.shape[1]
    size = 0.0
    for k in range(r):
        basis[count, k] = X[row, k]
        size += X[row, k] * X[row, k]
    for _ in range(2):
        for s in range(count):
            dot = 0.0
            for k in range(r):
                dot += basis[s, k] * basis[count, k]
            for k in range(r):
                basis[count, k] -= dot * basis[s, k]
    norm = 0.0
    for k in range(r):
        norm += basis[count, k] * basis[count, k]
    if norm <= 1e-20 * even * even * size:
        return False
    norm = math.sqrt(norm)
    for k in range(r):
        basis[count, k] /= norm
    return True


@inner
def tangent(g, u, basis, count, p):
    """``p`` = unit part of g orthogonal to u and the basis; zero if there is none.

    Made orthogonal until that takes next to nothing off it any more, so that what
    rounding leaves of nothing is orthogonal as well.
    """
    r = g.size
    norm = 0.0
    for k in range(r):
        p[k] = g[k]
        norm += g[k] * g[k]
    for turn in range(6):
        before = norm
        for s in range(count):
            dot = 0.0
            for k in range(r):
                dot += basis[s, k] * p[k]
            for k in range(r):
                p[k] -= dot * basis[s, k]
        dot = 0.0
        for k in range(r):
            dot += u[k] * p[k]
        norm = 0.0
        for k in range(r):
            p[k] -= dot * u[k]
            norm += p[k] * p[k]
        if turn > 0 and norm > 0.5 * before:
            break
    norm = math.sqrt(norm) if norm > 0.5 * before else 0.0
    for k in range(r):
        p[k] = p[k] / norm if norm > 0.0 else 0.0


@inner
def is_far(u, p, angle, sizes):
    """Whether a step along p changes u, where columns are of one size."""
    step = 0.0
    length = 0.0
    for k in range(u.size):
        step += (sizes[k] * p[k]) ** 2
        length += (sizes[k] * u[k]) ** 2
    return angle * math.sqrt(step) > 1e-9 * math.sqrt(length)


@inner
def line_search(function, u, p, g, side, kinks):
    """Angle of the first local maximum along ``u cos + p sin``, and its row or -1."""
    X, v = function.X, function.v
    angles, rows, order = kinks.angles, kinks.rows, kinks.order
    n, r = X.shape
    count = 0
    gu = 0.0
    gp = 0.0
    for k in range(r):
        gu += g[k] * u[k]
        gp += g[k] * p[k]
    for i in range(n):
        if side[i] == 2 or v[i] == 0.0:
            continue
        a = 0.0
        b = 0.0
        for k in range(r):
            a += X[i, k] * u[k]
            b += X[i, k] * p[k]
        up = side[i] == 1 or side[i] == 4
        if up and b < 0.0:
            angle = math.atan2(max(a, 0.0), -b)
        elif not up and b > 0.0:
            angle = math.atan2(max(-a, 0.0), b)
        else:
            continue
        angles[count] = angle
        rows[count] = i
        count += 1
    sort_indices(angles, count, order)
    for c in range(count):
        i = rows[order[c]]
        angle = angles[order[c]]
        best = math.atan2(gp, gu)
        if 0.0 <= best <= angle:  # below zero: more than half a circle ahead
            return best, -1
        sign = -1.0 if side[i] == 1 or side[i] == 4 else 1.0
        for k in range(r):
            gu += sign * v[i] * X[i, k] * u[k]
            gp += sign * v[i] * X[i, k] * p[k]
        if gp * math.cos(angle) - gu * math.sin(angle) <= 0.0:
            return angle, i
    best = math.atan2(gp, gu)
    return best if best >= 0.0 else math.pi, -1


@inner
def multipliers(X, g, face, count):
    """``share`` = c with ``sum c_i x_i`` = minus the part of g in their span."""
    active, basis, out = face.active, face.basis, face.share
    r = g.size
    upper = np.zeros((count, count))
    right = np.zeros(count)
    for s in range(count):
        for k in range(r):
            right[s] -= basis[s, k] * g[k]
        for t in range(count):
            for k in range(r):
                upper[s, t] += basis[s, k] * X[active[t], k]
    for s in range(count - 1, -1, -1):
        value = right[s]
        for t in range(s + 1, count):
            value -= upper[s, t] * out[t]
        out[s] = value / upper[s, s]


@inner
def inside(function, face, count, u, out):
    """Direction close to ``u`` off its active rows, on the side of the larger share.

    Rows that are nearly zero at ``u`` without being active follow.
    """
    X, sizes = function.X, function.sizes
    side, active, basis, share = face.side, face.active, face.basis, face.share
    n, r = X.shape
    shift = np.zeros(r)
    # solve basis coordinates: x_i . shift = +-|x_i|
    coefficient = np.zeros(count)
    for s in range(count):
        value = 0.0
        norm = 0.0
        for k in range(r):
            norm += X[active[s], k] * X[active[s], k]
        # unequal lengths, so that other rows through u are not met at right angles
        value = math.sqrt(norm) * (1.0 + 0.27 * s) * (1.0 if share[s] > 0.5 else -1.0)
        for t in range(s):
            dot = 0.0
            for k in range(r):
                dot += X[active[s], k] * basis[t, k]
            value -= dot * coefficient[t]
        dot = 0.0
        for k in range(r):
            dot += X[active[s], k] * basis[s, k]
        coefficient[s] = value / dot
    for s in range(count):
        for k in range(r):
            shift[k] += coefficient[s] * basis[s, k]
    for k in range(r):  # off other rows through u too, which the shift may follow
        shift[k] += 0.1 / r * math.sin(1.0 + 3.7 * k)
    step = 0.1
    length = 0.0  # of u where columns are alike, as the row's below
    for k in range(r):
        length += (sizes[k] * u[k]) ** 2
    length = math.sqrt(length)
    for i in range(n):
        if side[i] == 2:
            continue
        a = 0.0
        b = 0.0
        size = 0.0
        for k in range(r):
            a += X[i, k] * u[k]
            b += X[i, k] * shift[k]
            size += length * abs(X[i, k]) / sizes[k]
        if abs(a) > 1e-9 * size and a * b < 0.0:
            step = min(step, -0.5 * a / b)
    for k in range(r):
        out[k] = u[k] + step * shift[k]


@inlined
def ascend(function, u, near, face, kinks):
    """Climb from ``u`` to a local maximum; returns its value and active rows.

    ``near`` becomes a direction inside a chamber that touches it.
    """
    X, v, h, sizes = function.X, function.v, function.h, function.sizes
    side, active, basis, share = face.side, face.active, face.basis, face.share
    n, r = X.shape
    even = np.min(sizes) / np.max(sizes)
    g = np.zeros(r)
    p = np.zeros(r)
    count = 0
    for i in range(n):
        side[i] = 0
    size = 0.0
    for k in range(r):
        size += u[k] * u[k]
    size = math.sqrt(size)
    for k in range(r):
        u[k] /= size
    last = -1
    for _ in range(40 * r + 200):
        gradient_at(function, u, side, g)
        if last >= 0:
            side[last] -= 3
            last = -1
        tangent(g, u, basis, count, p)
        # what is left of the slope when its terms cancel, and what they round
        slope = 0.0
        size = 0.0
        for k in range(r):
            slope += g[k] * p[k]
            size += abs(g[k] * p[k])
        moved = False
        if count < r - 1 and slope > 1e-13 * size:
            angle, row = line_search(function, u, p, g, side, kinks)
            moved = row >= 0 or is_far(u, p, angle, sizes)
            cosine = math.cos(angle)
            sine = math.sin(angle)
            norm = 0.0
            for k in range(r):
                u[k] = cosine * u[k] + sine * p[k]
            # stay on the face despite rounding
            if row >= 0 and add_active(X, row, basis, count, even):
                side[row] = 2
                active[count] = row
                count += 1
            for s in range(count):
                dot = 0.0
                for k in range(r):
                    dot += basis[s, k] * u[k]
                for k in range(r):
                    u[k] -= dot * basis[s, k]
            for k in range(r):
                norm += u[k] * u[k]
            norm = math.sqrt(norm)
            for k in range(r):
                u[k] /= norm
        if moved:
            continue
        multipliers(X, g, face, count)
        worst = 1e-9
        drop = -1
        for s in range(count):
            share[s] /= v[active[s]]
            excess = max(-share[s], share[s] - 1.0)
            if excess > worst:
                worst = excess
                drop = s
        if drop < 0:
            break
        last = active[drop]
        side[last] = 4 if share[drop] > 0.5 else 3
        for s in range(drop, count - 1):
            active[s] = active[s + 1]
        count -= 1
        for s in range(count):
            add_active(X, active[s], basis, s, even)
    if last >= 0:
        side[last] -= 3
    value = 0.0
    for k in range(r):
        value += h[k] * u[k]
    for i in range(n):
        dot = 0.0
        for k in range(r):
            dot += X[i, k] * u[k]
        if dot > 0.0 and side[i] != 2:
            value += v[i] * dot
    inside(function, face, count, u, near)
    return value, count


@kernel
def ascend_all(function, climbs):
    """`ascend` from every row of ``climbs.directions``, which become the maxima."""
    n, r = function.X.shape
    face = Face(
        np.zeros(n, dtype=np.int8),
        np.zeros(r + 1, dtype=np.int64),
        np.zeros((r + 1, r)),
        np.zeros(r + 1),
    )
    kinks = Kinks(np.zeros(n), np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64))
    directions, near = climbs.directions, climbs.near
    for s in range(directions.shape[0]):
        climbs.values[s], climbs.counts[s] = ascend(
            function, directions[s], near[s], face, kinks
        )
