"""Moments at which the relaxed price of a fixed ``v`` is largest."""

from __future__ import annotations

import math
import time

import numpy as np
import scipy.linalg as la

from convex_solver.leaves.cone import cone_ratio, curvature, joined, pull_back
from convex_solver.leaves.packing import Packing
from convex_solver.leaves.rows import add_curvature, form_price, spread
from convex_solver.typing import Array

# Rank up to which moments are sought: a step solves a system of r^2 / 2 unknowns.
MOST_RANK = 64
MOST_STEPS = 60
# Share of the way to the border that a step takes, the least centring, and the
# complementarity, relative to all terms, at which it ends.
STEP = 0.97
LEAST_CENTRING = 1e-3
# A point is near the path when a step to its centre gains at most this share of mu.
NEAR = 1.0
LEAST = 1e-11
# Of the fall of a linear function, what a step has to reach; the shortest step.
FALL, SHORTEST = 0.05, 2.0**-20


def largest_moments(
    rows: Array, signs: Array, linear: Array, deadline: float = math.inf
) -> tuple[Array, float]:
    """Maximise the relaxation of ``linear.u + sum s_i (a_i.u)_+`` over the moments.

    The maximum of ``g.m + 1/2 sum_+ sqrt(a^T M a) - 1/2 sum_- |M a|`` over moments with
    ``tr M = 1``, ``g = linear + 1/2 sum s_i a_i``, by a primal-dual interior point
    method.  Any M gives a bound; this one, nearly the best that the relaxation has.
    Above rank `MOST_RANK` it is that of all directions alike.

    Parameters
    ----------
    rows : ndarray, shape (n, r), float64
        None of them zero; r at least 1.
    signs : ndarray, shape (n,), float64
        1.0 and -1.0.
    linear : ndarray, shape (r,), float64
    deadline : float
        Of `time.monotonic`; past it what there is is returned.

    Returns
    -------
    M : ndarray, shape (r, r), float64
    softness : float
        Of the lower bounds of the rows, see `spread`.
    """
    r = linear.size
    if r > MOST_RANK:
        return np.eye(r) / r, 0.0
    problem = _Problem(rows, signs, linear)
    best, least = (problem.M, problem.softness), math.inf
    size = max(problem.size, 1e-300)
    for _ in range(MOST_STEPS):
        at = spread(rows, problem.M, problem.softness)
        bound = form_price(rows, signs, at, linear)
        if bound < least:
            best, least = (problem.M, problem.softness), bound
        is_done = problem.complementarity <= LEAST * size
        if is_done or time.monotonic() > deadline or not problem.advance():
            break
    return best


class _Problem:
    """Moments, the multiplier of their cone, and steps towards the largest price."""

    def __init__(self, rows: Array, signs: Array, linear: Array) -> None:
        r = linear.size
        self.rows = rows
        self.up = np.where(signs > 0.0, 0.5, 0.0)
        self.low = np.where(signs < 0.0, 0.5, 0.0)
        self.linear = linear + 0.5 * (signs @ rows)
        self.packing, self.bordered = Packing(r), Packing(r + 1)
        self.m, self.M = np.zeros(r), np.eye(r) / r
        lengths = np.linalg.norm(rows, axis=1)
        self.size = float(0.5 * np.sum(lengths) + np.linalg.norm(self.linear))
        mu = self.size / (r + 1)
        self.Z: Array = mu * np.asarray(np.linalg.inv(joined(self.m, self.M)), float)

    @property
    def softness(self) -> float:
        """What the softened bounds gain weighs as much as the wall, a row."""
        return 2.0 * self.complementarity / (self.m.size + 1)

    @property
    def complementarity(self) -> float:
        """Sum of the products."""
        return float(np.sum(joined(self.m, self.M) * self.Z))

    def _derivatives(self) -> tuple[Array, Array]:
        """Gradient and Hessian of minus the relaxed price in ``(m, packed M)``."""
        packing, X, r = self.packing, self.rows, self.m.size
        at = spread(X, self.M, self.softness)
        # of most: (square I + tau x x^T) / (2 most)
        share = 0.5 * self.up / at.most
        slope = (X * (share * at.trace)[:, None]).T @ X
        slope += float(share @ at.square) * np.eye(r)
        s = (X * self.low[:, None]).T @ at.policy
        slope -= 0.5 * (s + s.T)
        gradient = -np.concatenate([self.linear, packing.pack(slope)])
        hessian = np.zeros((gradient.size, gradient.size))
        add_curvature(hessian[r:, r:], X, packing, at, self.up, self.low)
        return gradient, hessian

    def _joint(self, dm: Array, dM: Array) -> Array:
        return np.concatenate([dm, self.packing.pack(dM)])

    def _value(self, m: Array, M: Array, weight: float) -> float:
        """Minus the relaxed price, and the wall around the cone."""
        at = spread(self.rows, M, self.softness)
        price = self.linear @ m + self.up @ at.most - self.low @ at.least
        return float(-weight * np.linalg.slogdet(joined(m, M))[1] - price)

    def advance(self) -> bool:
        """Take a step; False where rounding leaves none."""
        try:
            return self._step()
        except (la.LinAlgError, ValueError):  # the latter of numbers not finite
            return False

    def _step(self) -> bool:
        r, packing = self.m.size, self.packing
        gradient, hessian = self._derivatives()
        inverse = np.linalg.inv(joined(self.m, self.M))
        inverse = 0.5 * (inverse + inverse.T)
        hessian += curvature(self.Z, inverse, packing, self.bordered)
        factor = la.cho_factor(hessian, overwrite_a=True)
        normal = np.concatenate([np.zeros(r), packing.identity])
        across = la.cho_solve(factor, normal)
        wall = pull_back(inverse, packing)
        mu = self.complementarity / (r + 1)

        def direction(aim: float) -> tuple[Array, Array, Array]:
            step = -la.cho_solve(factor, gradient - aim * wall)
            # the trace stays
            step -= (normal @ step) / (normal @ across) * across
            dm, dM = step[:r], packing.unpack(step[r:])
            change = inverse @ joined(dm, dM) @ self.Z
            return dm, dM, aim * inverse - self.Z - 0.5 * (change + change.T)

        def longest(dm: Array, dM: Array, dZ: Array) -> float:
            length = cone_ratio(joined(self.m, self.M), joined(dm, dM))
            return min(1.0, STEP * min(length, cone_ratio(self.Z, dZ)))

        weight = mu
        dm, dM, dZ = direction(weight)
        fall = -float((gradient - weight * wall) @ self._joint(dm, dM))
        if fall <= NEAR * mu:
            # near the path: on along it
            share = (1.0 - longest(*direction(0.0))) ** 2
            weight = min(max(share, LEAST_CENTRING), 0.8) * mu
            dm, dM, dZ = direction(weight)
        length = longest(dm, dM, dZ)
        # the direction falls for the function with the wall of this weight
        slope = float((gradient - weight * wall) @ self._joint(dm, dM))
        before = self._value(self.m, self.M, weight)
        m, M = self.m, self.M
        while length > SHORTEST:
            m, M = self.m + length * dm, self.M + length * dM
            if self._value(m, M, weight) <= before + FALL * length * slope:
                break
            length *= 0.5
        self.m, self.M = m, M / np.trace(M)
        self.Z = self.Z + length * dZ
        return True
