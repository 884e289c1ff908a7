"""A leaf: a part of the unit sphere between some hyperplanes, found by halving.

    K = {u : |u| = 1,  c_k + n_k.u >= 0  for all k}

A partition begins with the whole sphere and halves leaves, by ``n.u >= t`` and ``n.u
<= t`` for the same floats n and t, so its leaves cover the sphere by construction;
`covers` checks that of any list of leaves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from convex_solver.rounding import TINY, U
from convex_solver.typing import Array

# Passes over the facets in the search for the best bound of a row.
SWEEPS = 12
# Steps of a walk inside a leaf, and the times that one is tried.
WALK, TRIES = 12, 40


@dataclass(frozen=True, eq=False)
class Leaf:
    """The halfspaces in which a leaf lies, in the order in which it was cut out.

    Attributes
    ----------
    normals : ndarray, shape (p, r), float64
    thresholds : ndarray, shape (p,), float64
    above : ndarray, shape (p,), bool
        Whether the leaf is on the side ``n.u >= t``.
    """

    normals: Array
    thresholds: Array
    above: NDArray[np.bool_]

    def __post_init__(self) -> None:
        """Lock the arrays: what was proven of a leaf stays true."""
        for value in (self.normals, self.thresholds, self.above):
            value.setflags(write=False)

    @classmethod
    def whole(cls, r: int) -> Leaf:
        """Return the whole sphere."""
        return cls(np.zeros((0, r)), np.zeros(0), np.zeros(0, dtype=bool))

    def halves(self, normal: Array, threshold: float) -> tuple[Leaf, Leaf]:
        """Return the part with ``normal.u <= threshold``, and the one above."""
        normals = np.vstack([self.normals, normal])
        thresholds = np.append(self.thresholds, threshold)
        below, above = (
            Leaf(normals, thresholds, np.append(self.above, side))
            for side in (False, True)
        )
        return below, above

    def mapped(self, basis: Array, known: dict[bytes, Array]) -> Leaf:
        """Return the leaf with normals ``n basis``.

        ``known`` keeps what they became, so that leaves which share one go on to do
        so whatever products round.
        """
        normals = np.zeros((len(self.normals), basis.shape[1]))
        for k, normal in enumerate(self.normals):
            normals[k] = known.setdefault(normal.tobytes(), normal @ basis)
        return Leaf(normals, self.thresholds, self.above)

    @cached_property
    def facets(self) -> Array:
        """Return ``(c_k, n_k)`` (q, r + 1), without those that others imply."""
        side = np.where(self.above, 1.0, -1.0)
        every = np.column_stack([-side * self.thresholds, side[:, None] * self.normals])
        kept: dict[bytes, Array] = {}
        for facet in every:
            key = facet[1:].tobytes()
            if key not in kept or facet[0] < kept[key][0]:
                kept[key] = facet
        return np.array(list(kept.values())).reshape(-1, every.shape[1])

    def inside(self, points: Array) -> NDArray[np.bool_]:
        """Whether points (k, r) are strictly inside."""
        facets = self.facets
        heights = facets[:, 0] + points @ facets[:, 1:].T
        return np.asarray(np.all(heights > 0.0, axis=1))

    def highest(self, X: Array) -> Array:
        """Bound ``x.u`` over the leaf from above for rows (n, r), with all rounding.

        ``x.u <= |x + sum lam_k n_k| + sum lam_k c_k`` for any ``lam >= 0``; the best
        are sought one at a time.
        """
        X, exponents = _scaled(X)
        facets, lam = self.facets, self._multipliers(X)
        lengths = np.linalg.norm(X, axis=1)
        best = _inflated(lengths, lengths, X.shape[1])
        if len(facets):
            sizes = np.linalg.norm(facets[:, 1:], axis=1)
            value = np.linalg.norm(X + lam @ facets[:, 1:], axis=1) + lam @ facets[:, 0]
            spread = lengths + lam @ (sizes + np.abs(facets[:, 0]))
            found = _inflated(value, spread, X.shape[1] + 2 * len(facets))
            best = np.fmin(best, found)  # what is not a number says nothing
        return np.asarray(np.ldexp(best, exponents) + TINY)

    def multipliers(self, X: Array) -> Array:
        """Return the ``lam`` of that bound, (n, q): one for each of the facets."""
        X, exponents = _scaled(X)
        return np.asarray(np.ldexp(self._multipliers(X), exponents[:, None]))

    def _multipliers(self, X: Array) -> Array:
        facets = self.facets
        lam = np.zeros((len(X), len(facets)))
        rest = X.copy()
        sizes = np.linalg.norm(facets[:, 1:], axis=1)
        for _ in range(SWEEPS):
            for k, (facet, size) in enumerate(zip(facets, sizes, strict=True)):
                if abs(facet[0]) >= size:
                    continue  # no point beyond, or none inside
                normal, c = facet[1:] / size, facet[0] / size
                rest -= (lam[:, k] * size)[:, None] * normal
                along = rest @ normal
                across = np.sum(rest * rest, axis=1) - along * along
                across = np.sqrt(np.maximum(across, 0.0))
                step = -c * across / math.sqrt((1.0 - c) * (1.0 + c)) - along
                lam[:, k] = np.maximum(step, 0.0) / size
                rest += (lam[:, k] * size)[:, None] * normal
        return lam

    def walk(self, points: Array, count: int, random: np.random.Generator) -> Array:
        """Return points inside (count, r), from some (k, r) that are inside.

        Along random great circles, as hit and run does; each point moves on its own.
        """
        r = self.normals.shape[1]
        if not len(self.normals):
            found = random.standard_normal((count, r))
            return np.asarray(found / np.linalg.norm(found, axis=1)[:, None])
        here = points[random.integers(len(points), size=count)].copy()
        for _ in range(WALK):
            ahead = random.standard_normal(here.shape)
            ahead -= np.sum(ahead * here, axis=1)[:, None] * here
            ahead /= np.maximum(np.linalg.norm(ahead, axis=1), 1e-300)[:, None]
            high = 2.0 * math.pi * random.random(count)
            low, angle = high - 2.0 * math.pi, high.copy()
            waiting, moved = np.arange(count), here.copy()
            for _ in range(TRIES):
                turn = np.cos(angle)[:, None] * here[waiting]
                turn += np.sin(angle)[:, None] * ahead[waiting]
                inside = self.inside(turn)
                moved[waiting[inside]] = turn[inside]
                waiting = waiting[~inside]
                if not waiting.size:
                    break
                angle, low, high = angle[~inside], low[~inside], high[~inside]
                low = np.where(angle < 0.0, angle, low)
                high = np.where(angle >= 0.0, angle, high)
                angle = low + (high - low) * random.random(waiting.size)
            here = moved / np.linalg.norm(moved, axis=1)[:, None]
        return here


def _scaled(X: Array) -> tuple[Array, NDArray[np.int32]]:
    """Return rows of about 1, whose squares neither underflow nor overflow."""
    exponents = np.frexp(np.abs(X).max(axis=1, initial=0.0))[1]
    return np.ldexp(X, -exponents[:, None]), exponents


def _inflated(value: Array, size: Array, terms: int) -> Array:
    """Add what sums of so many terms of this size round, several times over."""
    return np.asarray(value + 4.0 * (terms + 8) * U * size + 2.0**-1000)


def covers(leaves: Sequence[Leaf], depth: int = 0) -> bool:
    """Whether leaves are exactly what some halvings make of the whole sphere."""
    if not leaves:
        return False
    if any(len(leaf.thresholds) <= depth for leaf in leaves):
        return len(leaves) == 1 and len(leaves[0].thresholds) == depth
    first = leaves[0]
    for leaf in leaves:
        same = np.array_equal(leaf.normals[depth], first.normals[depth])
        if not same or leaf.thresholds[depth] != first.thresholds[depth]:
            return False
    sides = [[leaf for leaf in leaves if leaf.above[depth] == on] for on in (0, 1)]
    return all(covers(side, depth + 1) for side in sides)
