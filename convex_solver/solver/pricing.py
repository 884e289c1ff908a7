"""Pricing: directions in which a dual point breaks ``|v^T (X u)_+| <= beta``.

``f(u) = v^T (X u)_+`` is linear on every chamber; on the sphere its local maxima lie
inside chambers, or on faces between chambers whose rows have ``v < 0``.  They are found
by climbing (`_kernels.ascent`), from directions that were good before and from random
ones.  That finds columns; that none is missing is for the certificate to prove, which
bounds f over the whole sphere.
"""

from __future__ import annotations

import math
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from arrangement import Arrangement
from convex_solver._kernels.solve import Climbs, Kinked, ascend_all
from convex_solver.program import column_sizes
from convex_solver.rounding import unit_rows
from convex_solver.typing import Array

# Directions closer than this are one maximum.
SAME = 1e-9
# Operations, about, between looks at the time: a few tenths of a second.
CHUNK = 5e6


@dataclass(frozen=True, eq=False)
class Maxima:
    """Local maxima of ``+-v^T (X u)_+`` on the unit sphere, largest first.

    ``directions`` (k, r), ``near`` (k, r) inside a chamber that touches each,
    ``values``, and ``signs`` of the neurons that would lower the objective: opposite to
    the sign of ``v^T (X u)_+``.
    """

    directions: Array
    near: Array
    signs: Array
    values: Array

    @property
    def largest(self) -> float:
        """Largest value found, 0 when there is none."""
        return float(self.values.max(initial=0.0))

    def above(self, price: float) -> Maxima:
        """Return those with a value above a price."""
        kept = self.values > price
        return Maxima(
            self.directions[kept], self.near[kept], self.signs[kept], self.values[kept]
        )

    def union(self, other: Maxima) -> Maxima:
        """Both, these first."""
        return Maxima(
            np.vstack([self.directions, other.directions]),
            np.vstack([self.near, other.near]),
            np.concatenate([self.signs, other.signs]),
            np.concatenate([self.values, other.values]),
        )


class Pricer:
    """Finds local maxima for one data matrix (n, r).

    Rows of a parallel class share their kink: ``c (h . u)_+`` and ``-c (h . u)_+`` add
    up to one kink and a linear term, so each hyperplane is there once.
    """

    def __init__(self, X: Array, arrangement: Arrangement, seed: int = 0) -> None:
        self.random = np.random.default_rng(seed)
        classes, orientation = arrangement.class_of, arrangement.orientation
        rows, norms = unit_rows(X)
        self.sizes = column_sizes(X)
        first = arrangement.first_rows
        self.rows = np.ascontiguousarray(rows[first])
        alive = classes >= 0
        self.index = classes[alive]
        self.alive = np.flatnonzero(alive)
        same = orientation[alive] == orientation[first][self.index]
        self.forward = np.where(same, norms[alive], 0.0)
        self.backward = np.where(same, 0.0, norms[alive])
        self.rank = X.shape[1]

    def combine(self, v: Array) -> tuple[Array, Array]:
        """Weights of the distinct rows, and the linear term (r,)."""
        count = len(self.rows)
        part = v[self.alive]
        ahead = np.bincount(self.index, part * self.forward, minlength=count)
        behind = np.bincount(self.index, part * self.backward, minlength=count)
        linear: Array = -(behind @ self.rows)
        return np.asarray(ahead + behind, dtype=np.float64), linear

    def evaluate(self, v: Array, directions: Array) -> Array:
        """``v^T (X u)_+`` for directions (k, r) that need not be unit vectors."""
        weights, linear = self.combine(v)
        return np.asarray(
            np.maximum(directions @ self.rows.T, 0.0) @ weights + directions @ linear
        )

    def random_directions(self, count: int) -> Array:
        """Directions (count, r), normal where the columns are alike in size."""
        return self.random.standard_normal((count, self.rank)) / self.sizes

    def maxima(
        self, v: Array, seeds: Array, n_random: int, deadline: float = math.inf
    ) -> Maxima:
        """Climb from seeds (k, r) and from random directions, for both signs.

        Past ``deadline`` (of `time.monotonic`) no more climbs are begun.
        """
        weights, linear = self.combine(v)
        extra = self.random_directions(n_random)
        start = np.vstack([seeds.reshape(len(seeds), self.rank), extra])
        start = start[np.linalg.norm(start, axis=1) > 0.0]
        with ThreadPoolExecutor(2) as pool:  # the kernel releases the GIL
            climbs = pool.map(
                lambda sign: _climb(
                    Kinked(self.rows, sign * weights, sign * linear, self.sizes),
                    start,
                    deadline,
                ),
                (1.0, -1.0),
            )
            parts = [
                (*found, np.full(len(found[2]), -sign))
                for found, sign in zip(climbs, (1.0, -1.0), strict=True)
            ]
        directions, near, values, signs = (
            np.concatenate(group) for group in zip(*parts, strict=True)
        )
        order = np.argsort(-values, kind="stable")
        return Maxima(directions[order], near[order], signs[order], values[order])


def _climb(
    function: Kinked, start: Array, deadline: float
) -> tuple[Array, Array, Array]:
    """Distinct local maxima with a positive value, largest first."""
    directions = start.copy()
    near = np.empty_like(directions)
    values = np.zeros(len(directions))
    counts = np.empty(len(directions), dtype=np.int64)
    n, r = function.X.shape
    size = max(1, int(CHUNK / max(n * r * r, 1)))
    for i in range(0, len(start), size):
        part = slice(i, i + size)
        ascend_all(
            function, Climbs(directions[part], near[part], values[part], counts[part])
        )
        if time.monotonic() > deadline:
            break
    kept: list[int] = []
    places = directions * function.sizes
    places /= np.maximum(np.linalg.norm(places, axis=1), 1e-300)[:, None]
    for i in np.argsort(-values):
        if not values[i] > 0.0:
            break
        if kept:
            apart = np.abs(places[kept] - places[i]).max(axis=1)
            if np.min(apart) < SAME:
                continue
        kept.append(int(i))
    return directions[kept], near[kept], values[kept]
