"""The piecewise linear and quadratic losses inside the interior point method."""

from __future__ import annotations

import numpy as np

from convex_solver.losses.box_pieces import Pieces
from convex_solver.losses.newton import NewtonTerm, longest_step
from convex_solver.typing import Array

# Complementarity of a sample at the start, relative to its loss there.
START_SHARE = (0.05, 0.5)
# Halvings of an interval of floats at the start.
BISECTIONS = 60


class BoxNewton(NewtonTerm):
    """``z - a = k v + x - p``, multipliers x of ``v <= hi`` and p of ``v >= lo``.

    With a dead zone a sample has two such terms, for ``f`` above and below the target,
    whose v add up.  ``low`` and ``high`` are v - lo and hi - v, each kept on its own,
    so that neither loses its digits.
    """

    def __init__(
        self, pieces: Pieces, z: Array, v: Array, target: float, mean: float
    ) -> None:
        n = z.size
        self.index, self.a, self.k = pieces.index, pieces.center, pieces.curvature
        self.lo, self.hi = pieces.lo, pieces.hi
        self.is_split = self.index.size > n
        self.below, self.above = np.isfinite(self.lo), np.isfinite(self.hi)
        self.n_pairs = int(self.below.sum() + self.above.sum())
        self.is_quadratic = self.n_pairs == 0
        self.z = z[self.index]
        mean = mean if 0.0 < mean < np.inf else 1.0
        self._start(min(max(target, START_SHARE[0] * mean), START_SHARE[1] * mean), v)

    def _start(self, mu: float, v: Array) -> None:
        """Set v where ``z - a = k v + mu / high - mu / low``; free ones as given."""
        both = self.below & self.above
        s = self.z - self.a
        width = np.where(both, self.hi - self.lo, 1.0)
        first, last = np.zeros(s.size), np.ones(s.size)
        for _ in range(BISECTIONS):
            share = 0.5 * (first + last)
            low, high = share * width, (1.0 - share) * width
            v_there = np.where(both, self.lo + low, 0.0)
            rises = s > self.k * v_there + mu / high - mu / low
            first, last = np.where(rises, share, first), np.where(rises, last, share)
        # one bound: k t^2 - (excess) t - mu = 0 for the distance t from it
        one = self.below ^ self.above
        excess = np.where(self.below, s - self.k * self.lo, -(s - self.k * self.hi))
        excess = np.where(one, excess, 0.0)
        root = np.sqrt(excess**2 + 4.0 * self.k * mu)
        size = np.where(
            excess > 0.0,
            (excess + root) / np.where(one, 2.0 * self.k, 1.0),
            2.0 * mu / np.where(one, root - excess, 1.0),
        )
        self.low = np.where(both, low, np.where(one & self.below, size, 1.0))
        self.high = np.where(both, high, np.where(one & self.above, size, 1.0))
        self.p = np.where(self.below, mu / self.low, 0.0)
        self.x = np.where(self.above, mu / self.high, 0.0)
        self.each = v[self.index]
        self.dv = self.dp = self.dx = np.zeros(s.size)
        self._combine()

    def _combine(self) -> None:
        """Values of v from the nearer bound, added up over the terms of a sample."""
        from_low = self.below & ~(self.above & (self.high < self.low))
        from_high = self.above & ~from_low
        self.each = np.where(from_low, self.lo + self.low, self.each)
        self.each = np.where(from_high, self.hi - self.high, self.each)
        self.v = self._summed(self.each)

    def _summed(self, parts: Array) -> Array:
        return parts.reshape(2, -1).sum(axis=0) if self.is_split else parts

    def _miss(self) -> Array:
        return self.z - self.a - self.k * self.each - self.x + self.p

    def _stiffness(self) -> Array:
        return 1.0 / (self.k + self.p / self.low + self.x / self.high)

    def curvature(self) -> Array:
        """``1 / (k + p / low + x / high)``, added up."""
        return self._summed(self._stiffness())

    def shift(self, mu: float, correct: bool) -> Array:
        """H times the miss and the complementarity asked for."""
        self.c_low = np.where(self.below, mu - self.low * self.p, 0.0)
        self.c_high = np.where(self.above, mu - self.high * self.x, 0.0)
        if correct:
            self.c_low = self.c_low - self.dv * self.dp
            self.c_high = self.c_high + self.dv * self.dx
        asked = self.c_low / self.low - self.c_high / self.high
        self.part = self._miss() + asked
        return self._summed(self._stiffness() * self.part)

    def residual(self) -> float:
        """Return what the residual can change in the duality gap."""
        return float(np.abs(self._miss()) @ np.abs(self.each))

    def complete(self, dz: Array, dv: Array) -> None:
        """Take the steps of the terms and of their multipliers.

        One multiplier follows from its complementarity, the other from the equation.
        """
        dz = dz[self.index]
        self.dv = self._shares(dz, dv) if self.is_split else dv
        miss = self._miss()
        self.dx = np.where(
            self.above, (self.c_high + self.x * self.dv) / self.high, 0.0
        )
        balance = self.k * self.dv - dz - miss
        self.dx = np.where(self.above & ~self.below, -balance, self.dx)
        self.dp = np.where(self.below, balance + self.dx, 0.0)

    def _shares(self, dz: Array, dv: Array) -> Array:
        """Split dv over the terms of a sample: the stiffer one takes what is left."""
        stiff = self._stiffness().reshape(2, -1)
        own = stiff * (dz + self.part).reshape(2, -1)
        first = stiff[0] > stiff[1]
        return np.concatenate(
            [np.where(first, dv - own[1], own[0]), np.where(first, own[1], dv - own[0])]
        )

    def largest_step(self) -> float:
        """Largest step that keeps v inside its bounds and the multipliers positive."""
        return min(
            longest_step(self.low[self.below], self.dv[self.below]),
            longest_step(self.p[self.below], self.dp[self.below]),
            longest_step(self.high[self.above], -self.dv[self.above]),
            longest_step(self.x[self.above], self.dx[self.above]),
        )

    def complementarity(self, step: float) -> float:
        """Sum of ``low p + high x``."""
        low, high = self.low + step * self.dv, self.high - step * self.dv
        p, x = self.p + step * self.dp, self.x + step * self.dx
        total = low[self.below] @ p[self.below] + high[self.above] @ x[self.above]
        return float(total)

    def move(self, step: float, z: Array, dv: Array) -> None:
        """Update each variable on its own."""
        self.z = z[self.index]
        self.low = np.where(self.below, self.low + step * self.dv, self.low)
        self.high = np.where(self.above, self.high - step * self.dv, self.high)
        self.p = self.p + step * self.dp
        self.x = self.x + step * self.dx
        v = self.each + step * self.dv
        self._combine()
        # far from the bounds v may be tiny beside them: then it has its own digits
        own = (np.abs(v) < self.low) | ~self.below
        own &= (np.abs(v) < self.high) | ~self.above
        self.low = np.where(own & self.below, v - self.lo, self.low)
        self.high = np.where(own & self.above, self.hi - v, self.high)
        self.each = np.where(own, v, self.each)
        self.v = self._summed(self.each)
