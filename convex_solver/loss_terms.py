"""The loss inside the interior point method: curvature, residual, steps.

A Newton step makes ``dv = H dz + rho`` with a diagonal ``H``: for a smooth loss its
second derivative, with ``rho = l'(z) - v``; for the hinge what is left when the two
inequalities of every sample have been eliminated.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from convex_solver.losses import Loss

Array = NDArray[np.float64]


class LossTerm(Protocol):
    """What the interior point method asks of a loss; ``v`` is its gradient variable."""

    v: Array
    n_pairs: int

    def curvature(self) -> Array:
        """H, (n,), positive."""
        ...

    def shift(self, mu: float, correct: bool) -> Array:
        """``rho`` of ``dv = H dz + rho`` for the centring ``mu``."""
        ...

    def residual(self) -> float:
        """Return what the residual of the equation can change in the duality gap."""
        ...

    def complete(self, dz: Array, dv: Array) -> None:
        """Take note of the steps of z and v."""
        ...

    def largest_step(self) -> float:
        """Largest step inside the inequalities of the loss."""
        ...

    def complementarity(self, step: float) -> float:
        """Sum of the products of the inequalities after a step."""
        ...

    def move(self, step: float, z: Array, dv: Array) -> None:
        """Go to the new point with prediction z."""
        ...


class SquaredTerm:
    """``dv = dz + (z - y - v)``."""

    n_pairs = 0

    def __init__(self, y: Array, z: Array, v: Array) -> None:
        self.y, self.z, self.v = y, z, v

    def curvature(self) -> Array:
        """One."""
        return np.ones_like(self.y)

    def shift(self, mu: float, correct: bool) -> Array:
        """Gradient less v."""
        return self.z - self.y - self.v

    def residual(self) -> float:
        """Return what the residual can change in the duality gap."""
        return float(np.abs(self.z - self.y - self.v) @ np.abs(self.v))

    def complete(self, dz: Array, dv: Array) -> None:
        """Nothing to note."""

    def largest_step(self) -> float:
        """No limit."""
        return np.inf

    def complementarity(self, step: float) -> float:
        """No inequality."""
        return 0.0

    def move(self, step: float, z: Array, dv: Array) -> None:
        """Update."""
        self.z = z
        self.v = self.v + step * dv


class LogisticTerm:
    """``a = 1 / (1 + exp(m))``, ``m = y z``, ``v = -y a``, linearised by a secant.

    The line goes through the two points of the curve that have the current m and the
    current a: tangents at either are hopeless far from the curve, near it all agree.
    """

    n_pairs = 0

    def __init__(self, y: Array, z: Array, v: Array) -> None:
        self.y, self.z = y, z
        self.a = np.clip(-y * v, 1e-300, 0.5)
        self.b = 1.0 - self.a
        self.v = -y * self.a
        self.da = np.zeros_like(y)

    def _miss(self) -> Array:
        return self.y * self.z + np.log(self.a / self.b)

    def curvature(self) -> Array:
        """Return the derivative of the loss where its gradient is v."""
        return np.maximum(self.a * self.b, 1e-200)

    def shift(self, mu: float, correct: bool) -> Array:
        """``H`` times the miss of m."""
        return self.curvature() * self._miss() * self.y

    def residual(self) -> float:
        """Return what the residual can change in the duality gap."""
        return float(np.abs(self._miss()) @ self.a)

    def complete(self, dz: Array, dv: Array) -> None:
        """Step of a."""
        self.da = -self.y * dv

    def largest_step(self) -> float:
        """No limit: see `move`."""
        return np.inf

    def complementarity(self, step: float) -> float:
        """No inequality."""
        return 0.0

    def move(self, step: float, z: Array, dv: Array) -> None:
        """Update; a and 1 - a move on their own, so that neither loses its digits."""
        self.z = z
        change = step * self.da
        fall = self.a * np.expm1(np.clip(change / self.a, -30.0, 0.0))
        rise = -self.b * np.expm1(np.clip(-change / self.b, -3.0, 0.0))
        rise = np.minimum(rise, 30.0 * self.a)
        self.a = self.a + fall + rise
        self.b = self.b - fall - rise
        low = self.a < 0.5
        self.a, self.b = (
            np.where(low, self.a, 1.0 - self.b),
            np.where(low, 1.0 - self.a, self.b),
        )
        self.v = -self.y * self.a


class HingeTerm:
    """``min sum xi``, ``xi >= 0``, ``p = xi - 1 + y z >= 0``, multipliers 1 - a and a.

    ``v = -y a``; eliminating xi leaves ``H = 1 / (p / a + xi / (1 - a))``.
    """

    def __init__(self, y: Array, z: Array, v: Array, target: float) -> None:
        self.y, self.z = y, z
        self.n_pairs = 2 * y.size
        # a margin of zero costs one: a is near 1 there, b the share that is left
        mu = min(max(target, 0.05), 0.5)
        self.b = np.full_like(y, mu / (1.0 + 1.5 * mu))
        self.a = 1.0 - self.b
        self.xi = mu / self.b
        self.p = mu / self.a
        self.v = -y * self.a
        self.da = self.db = self.dxi = self.dp = np.zeros_like(y)

    def curvature(self) -> Array:
        """H of the class's docstring."""
        return 1.0 / (self.p / self.a + self.xi / self.b)

    def _miss(self) -> Array:
        return self.xi - 1.0 + self.y * self.z - self.p

    def shift(self, mu: float, correct: bool) -> Array:
        """``H y (xi - 1 + y z - p - ca / a + cb / b)``, c the complementarity asked."""
        self.ca = mu - self.a * self.p
        self.cb = mu - self.b * self.xi
        if correct:
            self.ca = self.ca - self.da * self.dp
            self.cb = self.cb - self.db * self.dxi
        asked = self.ca / self.a - self.cb / self.b
        return self.curvature() * self.y * (self._miss() - asked)

    def residual(self) -> float:
        """Return what the residual can change in the duality gap."""
        return float(np.abs(self._miss()) @ self.a)

    def complete(self, dz: Array, dv: Array) -> None:
        """Take the steps of a, xi and p."""
        self.da = -self.y * dv
        self.db = -self.da
        self.dxi = (self.cb + self.xi * self.da) / self.b
        self.dp = self.dxi + self.y * dz + self._miss()

    def largest_step(self) -> float:
        """Largest step that keeps a, 1 - a, xi and p nonnegative."""
        return min(
            _largest(self.a, self.da),
            _largest(self.b, self.db),
            _largest(self.xi, self.dxi),
            _largest(self.p, self.dp),
        )

    def complementarity(self, step: float) -> float:
        """Sum of ``a p + b xi``."""
        a, b = self.a + step * self.da, self.b + step * self.db
        xi, p = self.xi + step * self.dxi, self.p + step * self.dp
        return float(a @ p + b @ xi)

    def move(self, step: float, z: Array, dv: Array) -> None:
        """Update; a and 1 - a move on their own, so that neither loses its digits."""
        self.z = z
        self.a = self.a + step * self.da
        self.b = self.b + step * self.db
        self.xi = self.xi + step * self.dxi
        self.p = self.p + step * self.dp
        self.v = -self.y * self.a


def loss_term(loss: Loss, y: Array, z: Array, v: Array, target: float) -> LossTerm:
    """Return the loss's part, at predictions ``z`` and a gradient near ``v``."""
    if loss.name == "hinge":
        return HingeTerm(y, z, v, target)
    if loss.name == "logistic":
        return LogisticTerm(y, z, v)
    return SquaredTerm(y, z, v)


def _largest(x: Array, dx: Array) -> float:
    falling = dx < 0.0
    if not np.any(falling):
        return np.inf
    return float(np.min(-x[falling] / dx[falling]))
