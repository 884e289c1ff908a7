"""Moments at which the relaxed price of a fixed ``v`` is largest: `PricePoint`."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import numpy as np

from convex_solver.leaves.cone import inverse_roots, symmetric
from convex_solver.leaves.forms import largest_on_sphere
from convex_solver.leaves.hints import Hint
from convex_solver.leaves.leaf import Leaf
from convex_solver.leaves.point import Point
from convex_solver.leaves.rows import N_LOWER, Rows
from convex_solver.typing import Array

# Rank up to which moments are sought: a step solves a system of r^2 / 2 unknowns.
MOST_RANK = 64
MOST_STEPS = 60
# Complementarity, relative to all terms, at which it ends, and steps without a better
# bound.
LEAST, PATIENCE = 1e-11, 8


class PricePoint(Point):
    """Moments with ``tau = 1`` for the price of ``linear.u + sum w_i (x_i.u)_+``.

    Parameters
    ----------
    w : ndarray, shape (n,)
    linear : ndarray, shape (r,)
    """

    def __init__(
        self,
        rows: Rows,
        leaves: Sequence[Leaf],
        m: Array,
        M: Array,
        w: Array,
        linear: Array,
    ) -> None:
        super().__init__(rows, leaves, np.ones(len(leaves)), m, M)
        self.w, self.linear = w, linear
        lengths = np.linalg.norm(rows.X, axis=1)
        self.size = float(np.abs(w) @ lengths + np.linalg.norm(linear))
        self._centre(max(self.size, 1e-300) / self.pairs)

    @property
    def v(self) -> Array:
        """Minus the weights, which stay."""
        return -self.w

    def bounds(self) -> Array:
        """Bound, but for rounding, the price on each leaf."""
        forms = self.forms(-self.w)
        forms[:, 0, 1:] += 0.5 * self.linear
        forms[:, 1:, 0] += 0.5 * self.linear
        return largest_on_sphere(forms)

    def _price(self) -> Array:
        gradient = np.zeros((self.count, self.packing.r + self.packing.size))
        gradient[:, : self.packing.r] = -self.linear
        return gradient

    def _couple(self, hessian: Array) -> None:
        self.factor = inverse_roots(symmetric(hessian))

    def _solve(self, right: Array, force: Array) -> tuple[Array, Array]:
        normal = np.zeros_like(right)
        normal[:, self.packing.r :] = self.packing.identity
        sides = np.stack([right, normal], axis=2)
        free, across = np.moveaxis(
            np.swapaxes(self.factor, 1, 2) @ (self.factor @ sides), 2, 0
        )
        # the traces stay
        share = np.sum(normal * free, axis=1) / np.sum(normal * across, axis=1)
        return free - share[:, None] * across, np.zeros(len(self.w))


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
