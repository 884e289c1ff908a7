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
from numpy.typing import NDArray

from arrangement import Arrangement
from convex_solver._kernels.solve import Climbs, Kinked, ascend_all
from convex_solver.program import column_sizes
from convex_solver.rounding import unit_rows
from convex_solver.typing import Array

# Directions closer than this are one maximum.
SAME = 1e-9
# Operations, about, between looks at the time: a few tenths of a second.
CHUNK = 5e6
# Parts that a thread has of a list of climbs, at least: some take longer than others.
SHARES = 4
# The first window of a climb has this radius over the number of rows.
WINDOW = 300.0
# With many rows climbs begin on a sample of so many, and go on on all of them where the
# sample led to a value that is larger by this factor.  Else the sample is too coarse to
# say where to go: they begin on all rows where they did.
SAMPLE, HIGHER = 2000, 1.05


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

    def __init__(
        self, X: Array, arrangement: Arrangement, seed: int = 0, n_jobs: int = 1
    ) -> None:
        self.n_jobs = n_jobs
        self.random = np.random.default_rng(seed)
        classes, orientation = arrangement.class_of, arrangement.orientation
        rows, norms = unit_rows(X)
        self.sizes = column_sizes(X)
        first = arrangement.first_rows
        self.rows = np.ascontiguousarray(rows[first])
        self.columns = np.ascontiguousarray(self.rows.T)
        alive = classes >= 0
        self.index = classes[alive]
        self.alive = np.flatnonzero(alive)
        same = orientation[alive] == orientation[first][self.index]
        self.forward = np.where(same, norms[alive], 0.0)
        self.backward = np.where(same, 0.0, norms[alive])
        self.rank = X.shape[1]
        self.sample = _sample(len(self.rows), seed)

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
        self,
        v: Array,
        seeds: Array,
        n_random: int,
        deadline: float = math.inf,
        signs: Array | None = None,
    ) -> Maxima:
        """Climb from seeds (k, r) and from random directions, for both signs.

        Where the ``signs`` (k,) of the seeds' neurons are given, each seed is for its
        own only.  Past ``deadline`` (of `time.monotonic`) no more climbs are begun.
        """
        weights, linear = self.combine(v)
        seeds = seeds.reshape(len(seeds), self.rank)
        extra = self.random_directions(n_random)
        sides = []
        for sign in (1.0, -1.0):
            own = seeds if signs is None else seeds[signs == -sign]
            sides.append((sign, sign * weights, sign * linear, own))
        parts = [self._side(side, extra, deadline) for side in sides]
        directions, near, which, values = (
            np.concatenate(group) for group in zip(*parts, strict=True)
        )
        order = np.argsort(-values, kind="stable")
        return Maxima(directions[order], near[order], which[order], values[order])

    def _side(
        self, side: tuple[float, Array, Array, Array], extra: Array, deadline: float
    ) -> tuple[Array, Array, Array, Array]:
        """Return directions, near, signs and values of one sign."""
        sign, weights, linear, own = side
        own, extra = _unit(own), _unit(extra)
        start = np.vstack([own, extra])
        rows, chosen = Kinked(self.columns, weights, linear, self.sizes), self.sample
        if len(chosen) < len(self.rows):
            part = np.ascontiguousarray(self.columns[:, chosen])
            share = len(chosen) / len(self.rows)
            few = Kinked(part, weights[chosen], share * linear, self.sizes)
            ends, _, values = _climb(few, start, deadline, self.n_jobs)
            before, after = (_values(rows, each) for each in (start, ends))
            is_higher = after > HIGHER * before
            is_higher[len(own) :] = True
            places = ends * self.sizes
            kept = _distinct(places[is_higher], values[is_higher])
            start = np.vstack([start[~is_higher], ends[is_higher][kept]])
        directions, near, values = _climb(rows, start, deadline, self.n_jobs)
        kept = _distinct(directions * self.sizes, values)
        return directions[kept], near[kept], np.full(len(kept), -sign), values[kept]


def _unit(directions: Array) -> Array:
    """Return directions (k, r) of length 1; zero ones are left out."""
    rows, sizes = unit_rows(directions)
    return rows[sizes > 0.0]


def _values(rows: Kinked, directions: Array) -> Array:
    """Values at directions (k, r), with memory for one at a time."""
    values = [np.maximum(u @ rows.X, 0.0) @ rows.v for u in directions]
    return np.array(values) + directions @ rows.h


def _sample(n: int, seed: int) -> NDArray[np.int64]:
    """Return some of n rows, or all where they are few."""
    if n <= 2 * SAMPLE:
        return np.arange(n)
    random = np.random.default_rng([seed, n])
    return np.sort(random.choice(n, SAMPLE, replace=False))


def _climb(
    rows: Kinked, start: Array, deadline: float, n_jobs: int
) -> tuple[Array, Array, Array]:
    """Where climbs end, directions near it and its value; 0 for those not begun.

    No climb knows of another: it does not matter which thread does it.
    """
    directions = start.copy()
    near = np.empty_like(directions)
    values = np.zeros(len(directions))
    counts = np.empty(len(directions), dtype=np.int64)
    r, n = rows.X.shape
    radius = min(WINDOW / max(n, 1), 1.0)
    size = min(int(CHUNK / max(n * r * r, 1)), len(start) // (SHARES * n_jobs))
    size = max(size, 1)

    def work(i: int) -> None:
        if i > 0 and time.monotonic() > deadline:
            return
        part = slice(i, i + size)
        climbs = Climbs(
            directions[part], near[part], values[part], counts[part], radius
        )
        ascend_all(rows, climbs)

    places = range(0, len(start), size)
    if n_jobs == 1 or len(places) < 2:
        for i in places:
            work(i)
    else:
        with ThreadPoolExecutor(n_jobs) as pool:  # the kernel releases the GIL
            list(pool.map(work, places))
    return directions, near, values


def _distinct(directions: Array, values: Array) -> list[int]:
    """Places of the distinct ones with a positive value, largest first.

    ``directions`` (k, r) where columns are of one size.
    """
    kept: list[int] = []
    places, _ = unit_rows(directions)
    is_new = values > 0.0
    for i in np.argsort(-values):
        if is_new[i]:
            kept.append(int(i))
            is_new &= np.abs(places - places[i]).max(axis=1) >= SAME
    return kept
