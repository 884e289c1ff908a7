"""Which leaves to halve in the time that there is, and how.

Leaves are halved where the bounds of the rows leave most open.  Where their moments are
spread, that is across the direction in which the rows that are open vary most; where
they are those of one group, by a cap around it, once, which makes all ranges narrower.
The halves take the place of their parent and other leaves stay, so that all of them
cover the sphere as before, however few are halved.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.linalg as la
from numpy.typing import NDArray

from convex_solver.leaves import DualPoint, Leaf, Moments
from convex_solver.rounding import unit_rows
from convex_solver.typing import Array

# A half's moments have this much of its parent's, and at least this share of the
# weight.
MIX, LEAST_SHARE = 0.5, 0.05
# Leaves whose bounds leave open this share of the largest are halved together.
HALVED = 0.35
# Moments of one group have a mean of this length; the edge of a cap around it: 1 minus
# so many times what it is shorter.
GROUP, CAP = 0.9, 2.2
# Caps around directions with this cosine are alike, where the edge of one is this near.
ALIKE, EDGE = 0.9, 0.1
# What of the identity is added to a variance that is divided by; its trace is below 1.
FLAT = 1e-9
# Points that a leaf keeps, those drawn as its moments are, those of first moments for
# each dimension, and those that a half has to have.
POINTS, DRAWN, SPREAD, LEAST_POINTS = 600, 1500, 30, 3
# A run takes this much longer than the last one did for as many leaves.
SLOWER = 1.2


@dataclass(frozen=True)
class Pace:
    """Seconds that the last run over leaves took, and what else is to be paid.

    ``steps``, all of its steps; ``reading``, about what a certificate takes to read the
    leaves; ``halving``, a halving of one.
    """

    steps: float
    reading: float
    halving: float

    def after(self, leaves: int, more: int, effort: Callable[[int], float]) -> float:
        """Return the seconds of a run with so many more leaves, halvings included.

        ``effort`` is that of a step, in any unit, with a number of leaves.
        """
        steps = SLOWER * self.steps * effort(leaves + more) / effort(leaves)
        reading = self.reading * (leaves + more) / leaves
        return steps + reading + self.halving * more


def chosen(
    slack: Array, pace: Pace, effort: Callable[[int], float], left: float
) -> NDArray[np.bool_]:
    """Choose the leaves to halve, as many as the seconds that are left are enough for.

    Those whose bounds leave open a share of the largest ``slack`` (B,) are worth it,
    and of these the first where not all fit in.
    """
    wide = slack >= HALVED * slack.max()
    order = np.argsort(-np.where(wide, slack, -1.0), kind="stable")
    count = int(np.count_nonzero(wide))
    while count and pace.after(len(slack), count, effort) > left:
        count -= 1
    some = np.zeros(len(slack), dtype=bool)
    some[order[:count]] = True
    return some


@dataclass(frozen=True, eq=False)
class Part:
    """A leaf with a sign, points inside it (k, r), and moments to begin with."""

    leaf: Leaf
    sign: float
    points: Array
    m: Array
    M: Array


class Halving:
    """The halving of leaves for rows ``X`` (n, r)."""

    def __init__(self, X: Array, random: np.random.Generator) -> None:
        self.X, self.random = X, random

    def whole(self, weight: float) -> list[Part]:
        """Return the sphere for both signs, with moments of this weight."""
        whole = Leaf.whole(self.X.shape[1])
        points = whole.walk(np.zeros((0, 0)), POINTS, self.random)
        m, M = _moments(whole.walk(points, SPREAD * (points.shape[1] + 1), self.random))
        return [
            Part(whole, sign, points, weight * m, weight * M) for sign in (1.0, -1.0)
        ]

    def halve(
        self,
        parts: list[Part],
        point: DualPoint,
        early: Moments,
        some: NDArray[np.bool_],
    ) -> list[Part]:
        """Halve some leaves as the moments of a point suggest, where that is possible.

        All begin with what is ``early``, and halves between that and all of them.
        """
        open_rows = point.open_rows()
        halved: list[Part] = []
        for k, part in enumerate(parts):
            now = Part(part.leaf, part.sign, part.points, early.m[k], early.M[k])
            m, M = point.moments.m[k], point.moments.M[k]
            if some[k] and np.all(np.isfinite(M)):
                mean, second = m / np.trace(M), M / np.trace(M)
                cuts = self.cuts(part.leaf, mean, second, open_rows[k])
                halved += self._halves(now, mean, second, cuts)
            else:
                halved.append(now)
        return halved

    def cuts(
        self, leaf: Leaf, mean: Array, second: Array, open_rows: Array
    ) -> list[tuple[Array, float]]:
        """Return normals and thresholds that moments suggest, the best one first."""
        variance = second - np.multiply.outer(mean, mean)
        axes = np.linalg.eigh(variance)[1].T[::-1]
        between = [self._widest(variance, open_rows), *axes[:5]]
        cuts = [(normal, float(normal @ mean)) for normal in between]
        length = float(np.linalg.norm(mean))
        if length > GROUP:
            cap = mean / length, 1.0 - CAP * (1.0 - length)
            if not _is_capped(leaf, *cap):
                return [cap, *cuts]
        return cuts

    def _widest(self, variance: Array, open_rows: Array) -> Array:
        """Return the direction whose halves explain most of the rows' variances.

        Those of ``x.u`` fall by ``(x^T C d)^2 / d^T C d`` in the mean of the sides of a
        hyperplane with normal d, in proportion; rows weigh what they leave open.
        """
        variance = variance + FLAT * np.eye(len(variance))
        # lengths of rows cancel, and squares of short ones would be 0
        rows, _ = unit_rows(self.X)
        images = rows @ variance
        weights = open_rows / np.einsum("ij,ij->i", images, rows)
        _, vectors = la.eigh((images.T * weights) @ images, variance)
        return np.asarray(vectors[:, -1] / np.linalg.norm(vectors[:, -1]))

    def _halves(
        self,
        part: Part,
        mean: Array,
        second: Array,
        cuts: list[tuple[Array, float]],
    ) -> list[Part]:
        """Cut a leaf by the first cut with points on both sides; itself without one."""
        inner = part.leaf.walk(part.points, POINTS, self.random)
        weight = float(np.trace(part.M))
        near = self._draw(part.leaf, part.m / weight, part.M / weight)
        points = np.vstack([near, self._draw(part.leaf, mean, second), inner])
        for normal, threshold in cuts:
            sides = part.leaf.halves(normal, threshold)
            kept = [points[side.inside(points)] for side in sides]
            if min(map(len, kept)) >= LEAST_POINTS:
                return [
                    self._begin(part.sign, side, some[:POINTS], near, weight)
                    for side, some in zip(sides, kept, strict=True)
                ]
        return [part]

    def _begin(
        self, sign: float, side: Leaf, points: Array, near: Array, weight: float
    ) -> Part:
        """Return a half, with moments between those of its parent and of all of it."""
        mine = near[side.inside(near)]
        every = side.walk(points, SPREAD * (points.shape[1] + 1), self.random)
        share = len(mine) / max(len(near), 1)
        m, M = _moments(every)
        if len(mine):
            m, M = (
                MIX * a + (1.0 - MIX) * b
                for a, b in zip(_moments(mine), (m, M), strict=True)
            )
        size = weight * max(share, LEAST_SHARE)
        return Part(side, sign, points, size * m, size * M)

    def _draw(self, leaf: Leaf, mean: Array, second: Array) -> Array:
        """Return points of a leaf as moments have it."""
        variance, axes = np.linalg.eigh(second - np.multiply.outer(mean, mean))
        random = self.random.standard_normal((DRAWN, mean.size))
        near = random @ (axes * np.sqrt(np.maximum(variance, 1e-12))).T
        points = np.vstack([mean + near, mean + 0.3 * near])
        points /= np.linalg.norm(points, axis=1)[:, None]
        return np.asarray(points[leaf.inside(points)])


def _is_capped(leaf: Leaf, axis: Array, edge: float) -> bool:
    """Whether a facet of a leaf is already about the cap ``axis.u >= edge``."""
    facets = leaf.facets
    facets = facets / np.linalg.norm(facets[:, 1:], axis=1)[:, None]
    is_alike = facets[:, 1:] @ axis > ALIKE
    return bool(np.any(is_alike & (-facets[:, 0] > edge - EDGE)))


def _moments(points: Array) -> tuple[Array, Array]:
    return points.mean(axis=0), points.T @ points / len(points)
