"""Moments at which the relaxed price of a fixed ``v`` is largest."""

from __future__ import annotations

import math
import time

import numpy as np

from convex_solver.leaves.hints import Hint
from convex_solver.leaves.leaf import Leaf
from convex_solver.leaves.point import PricePoint
from convex_solver.leaves.rows import N_LOWER, Rows
from convex_solver.typing import Array

# Rank up to which moments are sought: a step solves a system of r^2 / 2 unknowns.
MOST_RANK = 64
MOST_STEPS = 60
# Complementarity, relative to all terms, at which it ends, and steps without a better
# bound.
LEAST, PATIENCE = 1e-11, 8


def largest_moments(
    rows: Array, w: Array, linear: Array, deadline: float = math.inf
) -> Hint:
    """Maximise the relaxation of ``linear.u + sum w_i (a_i.u)_+`` over the sphere.

    Any moments give a bound; these, nearly the best that the relaxation has.  Above
    rank `MOST_RANK` they are those of all directions alike.

    Parameters
    ----------
    rows : ndarray, shape (n, r), float64
        None of them zero; n and r at least 1.
    w : ndarray, shape (n,), float64
    linear : ndarray, shape (r,), float64
    deadline : float
        Of `time.monotonic`; past it what there is is returned.
    """
    r = linear.size
    whole, even = Leaf.whole(r), np.eye(r) / r
    shares = np.zeros((N_LOWER, len(rows)))
    shares[0] = 1.0
    best = Hint(whole, -1.0, np.zeros(r), even, shares, np.zeros(0), 0.0, 0.0, 1.0)
    if r > MOST_RANK:
        return best
    point = PricePoint(
        Rows(rows, [whole]), [whole], np.zeros((1, r)), even[None], w, linear
    )
    least, waited = math.inf, 0
    for _ in range(MOST_STEPS):
        bound = float(point.bounds()[0])
        waited = 0 if bound < least else waited + 1
        if bound < least:
            least = bound
            best = point.hints(-point.signs, max(bound, 1e-300))[0]
        left = point.complementarity()
        is_done = left <= LEAST * max(point.size, 1e-300) or waited >= PATIENCE
        if is_done or time.monotonic() > deadline or not point.advance():
            break
    return best
