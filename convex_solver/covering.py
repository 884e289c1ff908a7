"""Bound ``max |v^T (X u)_+|``, ``|u| <= 1``, by covering the sphere; no listing.

The sphere is covered by simplicial cones with exact vertices; a cone whose bound
exceeds the goal is bisected. Every claim is about all ``u``, so nothing has to be
complete but the covering, which it is by construction, whatever the degeneracy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from convex_solver._kernels.covering import DONE, GROW, cover

Array = NDArray[np.float64]
U = 2.0**-53
STEP = 100_000


@dataclass(frozen=True, eq=False)
class Covering:
    """A bound of the largest price and how it was found.

    Attributes
    ----------
    bound : float
        At least ``|v^T (X u)_+|`` for the exact data and every ``|u| <= 1``.
    value : float
        The largest value seen, in float64.
    direction : ndarray, shape (d,)
        The unit vector with that value; zero when there is none.
    n_cells : int
        Cones visited, for both signs.
    is_reached : bool
        Whether the bound is the goal; False when the budget ended the search.
    """

    bound: float
    value: float
    direction: Array = field(repr=False)
    n_cells: int
    is_reached: bool
    stats: tuple[int, ...] = ()


def cover_sphere(
    X: Array,
    v: Array,
    *,
    X_error: Array | None = None,
    floor: float = 0.0,
    rtol: float = 1e-11,
    hints: Array | None = None,
    max_cells: int = 10**7,
) -> Covering:
    n, r = X.shape
    A = (np.abs(v)[:, None] * X).T
    slack = 0.0
    peaks = np.abs(A).max(axis=0, initial=0.0)
    slack = math.sqrt(r) * (3 * r + 8) * U * float(peaks.sum())
    best_all, cells, reached = 0.0, 0, True
    goal = floor
    direction = np.zeros(r)
    stats = np.zeros(8, dtype=np.int64)
    scalars = np.zeros(5)
    scalars[:] = floor * (1 + rtol) + slack, floor, rtol, slack, 0.0
    for sign in (1.0, -1.0):
        convex = v * sign > 0
        order = np.concatenate([np.flatnonzero(convex), np.flatnonzero(v * sign < 0)])
        B = np.ascontiguousarray(A[:, order])
        counters = np.zeros(8, dtype=np.int64)
        best = np.zeros(r)
        before = scalars[1]
        done = _run(
            B, int(convex.sum()), np.zeros(r), counters, scalars, best, max_cells
        )
        stats += counters
        cells += int(counters[2])
        reached = reached and done
        if scalars[1] > before:
            direction = best
    bound = max(scalars[0], scalars[4]) + slack
    return Covering(
        bound, float(scalars[1]), direction, cells, reached, tuple(stats.tolist())
    )


def _run(A, n_convex, linear, counters, scalars, best, max_cells) -> bool:
    r, n = A.shape
    depth = 64 * (r + 1)
    stack = _stack(depth, r)
    pool = (np.zeros(8 * n + 256, dtype=np.int64), np.zeros((r, 8 * n + 256)))
    scratch = _scratch(r, n)
    while True:
        counters[3] = min(STEP, max_cells - counters[2])
        code = cover(
            A, n_convex, linear, stack, pool, counters, scalars, best, scratch, 0
        )
        if code == DONE:
            return True
        if code == GROW:
            rows, values = pool
            pool = (np.concatenate([rows, 0 * rows]), np.hstack([values, 0 * values]))
            if counters[0] + 2 >= stack[4].size:
                stack = tuple(np.concatenate([s, 0 * s]) for s in stack)
            continue
        if counters[2] >= max_cells:
            top = stack[4][: counters[0]].max(initial=0.0)
            scalars[4] = max(scalars[4], top)
            if counters[1] < 2**r:
                scalars[4] = math.inf
            return False


def _stack(depth, r):
    return (
        np.zeros((depth, r, r)),
        np.zeros((depth, r)),
        np.zeros((depth, r)),
        np.zeros((depth, 3), dtype=np.int64),
        np.zeros(depth),
    )


def _scratch(r, n):
    own = (
        np.zeros(n, dtype=np.int64),
        np.zeros((r + 1, n)),
        np.zeros((r + 1, r)),
        np.zeros(r),
        np.zeros(r),
        np.zeros(n, dtype=np.int64),
        np.zeros((2, n)),
    )
    lines = (
        np.zeros(r),
        np.zeros(r),
        np.zeros(r),
        np.zeros(r),
        np.zeros(r),
        np.zeros(n),
        np.zeros((r, r)),
        np.zeros((r, r)),
    )
    k = 64 + r
    squares = (
        np.zeros((k, r)),
        np.zeros(k),
        np.zeros(k),
        np.zeros(r),
        np.zeros(r + 1, dtype=np.int64),
        np.zeros((r, r)),
        np.zeros(r + 1),
    )
    return own, lines, squares
