"""Local maxima of ``f(u) = h . u + sum_i v_i (x_i . u)_+`` on the unit sphere.

Where ``v_i < 0`` the kink of row i is concave and a maximum may lie on it: such rows
become active and the ascent goes on inside their common face.  Each step is an exact
line search along a great circle, on which f is a sinusoid between two kinks.

A climb reads the rows within its window only, a cap around some direction: the others
do not change sides there, and add up to a linear function.  Where it comes to the end
of the window, the next one is around that place, and wider.  With many rows, most
climbs read all of them once or twice.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convex_solver._kernels.compile import inlined, inner, kernel
from convex_solver._kernels.solve.sorting import heap_largest, pop_largest
from convex_solver._kernels.solve.window import (
    BLOCK,
    WIDE,
    WIDER,
    WIDEST,
    Window,
    distance,
    open_window,
    room_ahead,
)


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
    touches each; ``values`` (k,), and ``counts`` (k,) of the active rows.  ``radius``
    is that of the first windows, in radians.
    """

    directions: NDArray[np.float64]
    near: NDArray[np.float64]
    values: NDArray[np.float64]
    counts: NDArray[np.int64]
    radius: float


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
    """Kinks along a great circle: ``rows``, and a heap of them.

    ``falls`` are the tangents of the angles with the other sign: the nearest first.
    """

    falls: NDArray[np.float64]
    rows: NDArray[np.int64]
    heap: NDArray[np.int64]


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
def is_rising(g, p):
    """Whether the slope along p is more than what its terms round when they cancel."""
    slope = 0.0
    size = 0.0
    for k in range(g.size):
        slope += g[k] * p[k]
        size += abs(g[k] * p[k])
    return slope > 1e-13 * size


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
def line_search(function, u, p, g, side, kinks, limit):
    """Angle of the first local maximum along ``u cos + p sin``, and its row or -1.

    At most ``limit``, which is at most a quarter of the circle.  Up to there, kinks are
    in the order of their tangents, and the slope of f is ``gp - gu tan``, up to a
    positive factor.  Few of them come before the maximum: a heap has those at hand.
    """
    X, v = function.X, function.v
    falls, rows, heap = kinks.falls, kinks.rows, kinks.heap
    n, r = X.shape
    count = np.int64(0)
    gu = 0.0
    gp = 0.0
    for k in range(r):
        gu += g[k] * u[k]
        gp += g[k] * p[k]
    furthest = math.tan(limit)
    for i in range(n):
        a = 0.0
        b = 0.0
        for k in range(r):
            a += X[i, k] * u[k]
            b += X[i, k] * p[k]
        if side[i] == 2 or v[i] == 0.0:
            continue
        if side[i] == 1 or side[i] == 4:
            a = -a
            b = -b
        # below zero now, and rising
        if b > 0.0 and -a < furthest * b:
            falls[count] = -max(-a, 0.0) / b
            rows[count] = i
            heap[count] = count
            count += 1
    heap_largest(falls, heap, count)
    while count > 0:
        first = pop_largest(falls, heap, count)
        count -= 1
        i = rows[first]
        tangent = -falls[first]
        if gu > 0.0 and gp <= gu * tangent:
            break
        sign = -1.0 if side[i] == 1 or side[i] == 4 else 1.0
        for k in range(r):
            gu += sign * v[i] * X[i, k] * u[k]
            gp += sign * v[i] * X[i, k] * p[k]
        if gp - gu * tangent <= 0.0:
            return math.atan(tangent), i
    best = math.atan2(gp, gu)
    return limit if best < 0.0 or best > limit else best, -1


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
def inside(X, sizes, face, count, u, reach, out):
    """Direction close to ``u`` off its active rows, on the side of the larger share.

    Rows that are nearly zero at ``u`` without being active follow.  It is less than
    ``reach`` away.
    """
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
    size = 0.0
    for k in range(r):
        size += abs(shift[k])
    step = min(0.1, 0.5 * reach / size)
    length = 0.0  # of u where columns are alike
    for k in range(r):
        length += (sizes[k] * u[k]) ** 2
    length = math.sqrt(length)
    for i in range(n):
        if side[i] == 2:
            continue
        a = 0.0
        b = 0.0
        size = 0.0
        alike = 0.0
        for k in range(r):
            a += X[i, k] * u[k]
            b += X[i, k] * shift[k]
            size += abs(X[i, k])
            alike += length * abs(X[i, k]) / sizes[k]
        # zero in both coordinates: else u is on a side of the row, however near to it
        if abs(a) > 1e-9 * min(size, alike) and a * b < 0.0:
            step = min(step, -0.5 * a / b)
    for k in range(r):
        out[k] = u[k] + step * shift[k]


@inner
def turn(u, p, angle, X, row, face, count, even):
    """Move ``u`` along ``p``, onto a row that becomes active; how many there are now.

    The row is -1 where there is none, and is left out if it depends on the others.
    """
    basis, r = face.basis, u.size
    cosine = math.cos(angle)
    sine = math.sin(angle)
    for k in range(r):
        u[k] = cosine * u[k] + sine * p[k]
    if row >= 0 and add_active(X, row, basis, count, even):
        face.side[row] = 2
        face.active[count] = row
        count += 1
    for s in range(count):  # stay on the face despite rounding
        dot = 0.0
        for k in range(r):
            dot += basis[s, k] * u[k]
        for k in range(r):
            u[k] -= dot * basis[s, k]
    normalise(u)
    return count


@inner
def norm(u):
    """Length of a vector."""
    size = 0.0
    for k in range(u.size):
        size += u[k] * u[k]
    return math.sqrt(size)


@inner
def normalise(u):
    """Scale ``u`` to length 1."""
    size = norm(u)
    for k in range(u.size):
        u[k] /= size


@inner
def release(X, v, g, face, count, even):
    """Take the row off the face that holds the ascent back most: row, count.

    The row is -1 if none does: then there is a local maximum.
    """
    side, active, share = face.side, face.active, face.share
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
        return -1, count
    last = active[drop]
    side[last] = 4 if share[drop] > 0.5 else 3
    for s in range(drop, count - 1):
        active[s] = active[s + 1]
    for s in range(count - 1):
        add_active(X, active[s], face.basis, s, even)
    return last, count - 1


@inlined
def ascend(rows, u, near, radius, face, kinks, window):
    """Climb from ``u`` to a local maximum; returns its value and active rows.

    ``near`` becomes a direction inside a chamber that touches it.  ``rows`` is the
    function with its X transposed.
    """
    side, basis, sizes = face.side, face.basis, rows.sizes
    r = u.size
    even = np.min(sizes) / np.max(sizes)
    g = np.zeros(r)
    p = np.zeros(r)
    count = np.int64(0)
    normalise(u)
    size = open_window(rows, u, radius, face, count, window)
    last = -1
    for _ in range(40 * r + 200):
        X, v = window.X[:size], window.v[:size]
        function = Kinked(X, v, window.linear, sizes)
        gradient_at(function, u, side, g)
        if last >= 0:
            side[last] -= 3
            last = -1
        tangent(g, u, basis, count, p)
        if count < r - 1 and is_rising(g, p):
            limit = room_ahead(u, p, window.centre, radius)
            angle, row = line_search(function, u, p, g, side, kinks, limit)
            is_moved = row >= 0 or is_far(u, p, angle, sizes)
            count = turn(u, p, angle, X, row, face, count, even)
            if row < 0 and angle == limit and radius < WIDEST:
                radius = max(radius, min(WIDER * radius, WIDE))
                size = open_window(rows, u, radius, face, count, window)
                continue
            if is_moved:
                continue
        last, count = release(X, v, g, face, count, even)
        if last < 0:
            break
    if last >= 0:
        side[last] -= 3
    reach = np.inf
    if radius < WIDEST:
        reach = radius - 1.1 * distance(u, window.centre)
        if reach < 0.5 * radius:
            size = open_window(rows, u, radius, face, count, window)
            reach = radius
    X, v = window.X[:size], window.v[:size]
    value = 0.0
    for k in range(r):
        value += window.linear[k] * u[k]
    for i in range(size):
        dot = 0.0
        for k in range(r):
            dot += X[i, k] * u[k]
        if dot > 0.0 and side[i] != 2:
            value += v[i] * dot
    inside(X, sizes, face, count, u, reach, near)
    return value, count


@kernel
def ascend_all(rows, climbs):
    """`ascend` from every row of ``climbs.directions``, which become the maxima.

    ``rows`` is the function with its X transposed (r, n), r at least 1: rows of length
    1 at most.
    """
    r, n = rows.X.shape
    # as large as all rows, and rarely used up: memory that is not touched costs nothing
    face = Face(
        np.empty(n, dtype=np.int8),
        np.zeros(r + 1, dtype=np.int64),
        np.zeros((r + 1, r)),
        np.zeros(r + 1),
    )
    kinks = Kinks(np.empty(n), np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64))
    window = Window(
        np.empty((n, r)),
        np.empty(n),
        np.empty(n, dtype=np.int64),
        np.zeros(r),
        np.zeros(r),
        np.zeros(BLOCK),
        np.zeros(BLOCK),
    )
    directions, near = climbs.directions, climbs.near
    for s in range(directions.shape[0]):
        climbs.values[s], climbs.counts[s] = ascend(
            rows, directions[s], near[s], climbs.radius, face, kinks, window
        )
