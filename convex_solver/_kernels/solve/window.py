"""The window of a climb: a cap of the sphere, and the rows that change sides in it.

All other rows add up to a linear function there, so that a climb through many rows
reads few of them at each step.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convex_solver._kernels.compile import inner

# Windows of more than this radius are all rows.  The next one is wider by a factor, up
# to a radius: to read all rows ten times costs less than to sort their kinks.
WIDEST, WIDER, WIDE = 0.8, 3.0, 0.1
# Rows whose values are computed at a time: as many as stay in the first cache.
BLOCK = 256


class Window(NamedTuple):
    """Memory of a window: its rows ``X`` (n, r), their weights ``v`` and numbers.

    ``linear`` (r,) is what all others add up to, ``centre`` (r,) the middle of the cap;
    ``dots``, ``part`` (BLOCK,) are values of some rows and their weights.
    """

    X: NDArray[np.float64]
    v: NDArray[np.float64]
    rows: NDArray[np.int64]
    linear: NDArray[np.float64]
    centre: NDArray[np.float64]
    dots: NDArray[np.float64]
    part: NDArray[np.float64]


@inner
def open_window(rows, u, radius, face, count, window):
    """Gather the rows that may change sides within ``radius`` of ``u``; their number.

    ``rows`` is the function with its X transposed (r, n): of length 1 at most, so that
    no other is zero in the window.  The ``active`` ones are there again.
    """
    XT, v, h = rows.X, rows.v, rows.h
    side, active = face.side, face.active
    r, n = XT.shape
    dots, part, linear = window.dots, window.part, window.linear
    for s in range(count):
        active[s] = window.rows[active[s]]
    width = math.sin(radius) if radius < WIDEST else np.inf
    for k in range(r):
        linear[k] = h[k]
        window.centre[k] = u[k]
    size = 0
    for begin in range(0, n, BLOCK):
        length = min(BLOCK, n - begin)
        for i in range(length):
            dots[i] = XT[0, begin + i] * u[0]
        for k in range(1, r):
            for i in range(length):
                dots[i] += XT[k, begin + i] * u[k]
        for i in range(length):
            part[i] = v[begin + i] if dots[i] > width else 0.0
        for i in range(length):
            window.rows[size] = begin + i
            size += abs(dots[i]) <= width
        for k in range(r):
            linear[k] += product(XT, k, begin, part, length)
    for j in range(size):
        i = window.rows[j]
        side[j] = 0
        window.v[j] = v[i]
        for k in range(r):
            window.X[j, k] = XT[k, i]
    for s in range(count):
        first, last = 0, size - 1
        while first < last:
            middle = (first + last) // 2
            if window.rows[middle] < active[s]:
                first = middle + 1
            else:
                last = middle
        active[s] = first
        side[first] = 2
    return size


@inner
def product(XT, k, begin, part, length):
    """``sum_i XT[k, begin + i] part[i]``: four sums, as one waits for each addition."""
    a = b = c = d = 0.0
    i = 0
    while i + 4 <= length:
        a += XT[k, begin + i] * part[i]
        b += XT[k, begin + i + 1] * part[i + 1]
        c += XT[k, begin + i + 2] * part[i + 2]
        d += XT[k, begin + i + 3] * part[i + 3]
        i += 4
    while i < length:
        a += XT[k, begin + i] * part[i]
        i += 1
    return (a + b) + (c + d)


@inner
def room_ahead(u, p, centre, radius):
    """Angle along ``u cos + p sin`` up to the end of the window, a bit before it."""
    if radius >= WIDEST:
        return 0.5 * math.pi
    cu = 0.0
    cp = 0.0
    for k in range(u.size):
        cu += centre[k] * u[k]
        cp += centre[k] * p[k]
    # cu cos t + cp sin t = cosine of the distance to the centre
    share = math.cos(0.98 * radius) / math.sqrt(cu * cu + cp * cp)
    ahead = math.atan2(cp, cu) + math.acos(min(share, 1.0))
    return min(max(ahead, 0.0), 0.5 * math.pi)


@inner
def distance(u, other):
    """Length of the difference of two vectors."""
    total = 0.0
    for k in range(u.size):
        total += (u[k] - other[k]) ** 2
    return math.sqrt(total)
