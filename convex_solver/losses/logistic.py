"""Logistic loss of given targets.

With ``p = -v y / c`` its conjugate is ``c (p log p + (1 - p) log (1 - p))`` for p in
[0, 1].
"""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from convex_solver.losses.conic_form import ConicLoss, sparse_matrix
from convex_solver.losses.decimals import (
    DECIMAL,
    decimal_of,
    each_term,
    last_rise,
    log_x,
    lowered,
    raised,
    x_log_x,
)
from convex_solver.losses.kinds import LABELS, Kind
from convex_solver.losses.newton import NewtonTerm, longest_step
from convex_solver.losses.terms import DataTerm, Targets, largest_factor
from convex_solver.rounding import float_below, sum_above, sum_below
from convex_solver.typing import Array

# Share of the way to its bound that a sample's gradient moves at most.
MOST = 0.95


class LogisticTerm(DataTerm):
    """``sum c_i log(1 + exp(-y_i f_i))`` with labels y of -1 and +1."""

    def __init__(self, targets: Targets) -> None:
        super().__init__(targets)
        # the weights themselves, rounded towards zero
        self.limit = np.ones(targets.y.size)
        if targets.is_weighted:
            self.limit = np.array([float_below(c) for c in targets.weights_exact])

    def value(self, f: ArrayLike) -> float:
        """Return the loss of predictions (n,)."""
        return float(self.targets.weights @ np.logaddexp(0.0, -self.y * np.asarray(f)))

    def gradient(self, f: Array) -> Array:
        """Return the gradient, (n,)."""
        margin = self.y * f
        small = np.exp(-np.abs(margin))
        slope = np.where(margin > 0.0, small, 1.0) / (1.0 + small)
        return self.clip(-self.y * self.targets.weights * slope)

    def second_derivative(self, f: Array) -> Array:
        """Return how fast the gradient grows, (n,)."""
        small = np.exp(-np.abs(f))
        return np.asarray(self.targets.weights * small / (1.0 + small) ** 2)

    def steepest(self, f: Array) -> Array:
        """Return the largest second derivative anywhere, (n,)."""
        return 0.25 * self.targets.weights

    def kinks(self, f: Array) -> NDArray[np.int64]:
        """Return no samples: the loss is smooth."""
        return np.zeros(0, dtype=np.int64)

    def conjugate(self, v: Array) -> float:
        """Return ``l*(v)``; infinite outside the domain."""
        p = -v * self.y
        if np.any(p < 0.0) or np.any(p > self.limit):
            return math.inf
        p = np.minimum(p / self.targets.weights, 1.0)
        return float(self.targets.weights @ (log_x(p) + log_x(1.0 - p)))

    def clip(self, v: Array) -> Array:
        """Return the nearest point of the domain, (n,)."""
        # exact: y is -1 or +1
        return np.asarray(-self.y * np.clip(-v * self.y, 0.0, self.limit))

    def best_scale(self, v: Array, cap: float) -> float:
        """Return about the ``t`` in [0, cap] that maximises ``-l*(t v)``."""
        high = min(cap, largest_factor(v, self.limit))
        if not np.any(v):
            return min(1.0, high)
        alive = v != 0.0
        weights = self.targets.weights[alive]
        p = np.abs(v[alive]) / weights

        def slope(t: float) -> float:
            q = np.minimum(t * p, 1.0)
            with np.errstate(divide="ignore"):
                return float((weights * p) @ (np.log1p(-q) - np.log(q)))

        return last_rise(slope, high)

    def _finite_upper(self, f: Array, f_error: Array) -> float:
        """Bound the loss from above, for predictions within absolute errors (n,)."""
        exponents = np.nextafter(-self.y * f + f_error, np.inf)
        weights = self.targets.weights_exact
        return sum_above(each_term(_value_above, exponents.tolist(), weights))

    def dual_lower(self, v: Array) -> float:
        """Bound ``-l*(v)`` from below; minus infinity outside the domain."""
        weights = self.targets.weights_exact
        return sum_below(
            each_term(_entropy_below, v.tolist(), self.y.tolist(), weights)
        )

    def conic(self) -> ConicLoss:
        """Return the loss in conic form."""
        # a = (z, t, p, q): exp(-y z - t) <= p, exp(-t) <= q, p + q <= 1 is
        # t >= log(1 + exp(-y z)); exponential cone {(a, b, c): b exp(a / b) <= c}
        y = self.y
        n = y.size
        index = np.arange(n)
        one = np.ones(n)
        entries = [
            (6 * index, index, y),
            (6 * index, n + index, one),
            (6 * index + 2, 2 * n + index, -one),
            (6 * index + 3, n + index, one),
            (6 * index + 5, 3 * n + index, -one),
        ]
        rows = sparse_matrix(entries, (6 * n, 4 * n))
        right = np.zeros(6 * n)
        right[1::3] = 1.0
        eye = sp.eye(n, format="csc")
        zero = sp.csc_matrix((n, n))
        total = sp.hstack([zero, zero, eye, eye]).tocsc()
        linear = np.concatenate([np.zeros(n), self.targets.weights, np.zeros(2 * n)])
        return ConicLoss(
            4 * n,
            sp.hstack([eye, zero, zero, zero]).tocsc(),
            np.zeros(n),
            linear,
            np.zeros(4 * n),
            [
                (total, one, [("nonnegative", n)]),
                (rows, right, [("exponential", 3)] * (2 * n)),
            ],
        )

    def newton(self, z: Array, v: Array, target: float) -> NewtonTerm:
        """Return the loss inside the interior point method, see `NewtonTerm`."""
        return LogisticNewton(self.targets, z, v)


def _value_above(x: float, c: Fraction | int) -> float:
    """Bound ``c log(1 + exp(x))`` from above."""
    # max(x, 0) + ln(1 + exp(-|x|)): no power overflows, and the margin covers one that
    # is lost when 1 is added
    power = DECIMAL.exp(Decimal(-abs(x)))
    term = DECIMAL.ln(DECIMAL.add(power, Decimal(1)))
    term = DECIMAL.add(term, Decimal(max(x, 0.0)))
    # what is lost is up to 1e-60 of the weight, however small the term
    factor, size = decimal_of(c), DECIMAL.add(term, Decimal(1))
    term, size = (DECIMAL.multiply(factor, part) for part in (term, size))
    return raised(term, size)


def _entropy_below(value: float, label: float, c: Fraction | int) -> float:
    """Bound c times the entropy of ``-value label / c`` from below."""
    exact = -Fraction(value) * int(label)
    if not 0 <= exact <= c:
        return -math.inf
    if exact in (0, c):
        return 0.0
    p = decimal_of(exact / c)
    q = DECIMAL.subtract(Decimal(1), p)
    entropy = DECIMAL.minus(DECIMAL.add(x_log_x(p), x_log_x(q)))
    factor, size = decimal_of(c), DECIMAL.add(entropy, Decimal(1))
    entropy, size = (DECIMAL.multiply(factor, x) for x in (entropy, size))
    # an entropy is never negative
    return max(lowered(entropy, size), 0.0)


class LogisticNewton(NewtonTerm):
    """``m = log((1 - a) / a)``, ``m = y z``, ``v = -y c a``, with a as the variable.

    The line is the tangent at the current a.  A step moves a along the line, not along
    the curve: v is linear in the dual equations, and what it leaves of them does not
    fall with the complementarity.  One sample near 0 or 1 does not hold up the others.
    """

    def __init__(self, targets: Targets, z: Array, v: Array) -> None:
        self.y, self.c, self.z = targets.y, targets.weights, z
        self.a = np.clip(-self.y * v / self.c, 1e-300, 0.5)
        self.b = 1.0 - self.a
        self.v = -self.y * self.c * self.a
        self.da = np.zeros_like(self.y)

    def _miss(self) -> Array:
        return self.y * self.z + np.log(self.a / self.b)

    def curvature(self) -> Array:
        """Return the derivative of the loss where its gradient is v."""
        return np.maximum(self.c * self.a * self.b, 1e-200)

    def shift(self, mu: float, correct: bool) -> Array:
        """``H`` times the miss of m."""
        return self.curvature() * self._miss() * self.y

    def residual(self) -> float:
        """Return what the residual can change in the duality gap."""
        return float(np.abs(self._miss()) @ (self.c * self.a))

    def complete(self, dz: Array, dv: Array) -> None:
        """Step of a."""
        self.da = -self.y * dv / self.c

    def largest_step(self) -> float:
        """No limit, but where steps are strict."""
        if not self.is_strict:
            return np.inf
        ends = longest_step(self.a, self.da), longest_step(self.b, -self.da)
        return MOST * min(ends)

    def move(self, step: float, z: Array, dv: Array) -> None:
        """Update; a and 1 - a move on their own, so that neither loses its digits."""
        self.z = z
        change = np.clip(step * self.da, -MOST * self.a, MOST * self.b)
        self.a = self.a + change
        self.b = self.b - change
        low = self.a < 0.5
        self.a, self.b = (
            np.where(low, self.a, 1.0 - self.b),
            np.where(low, 1.0 - self.a, self.b),
        )
        self.v = -self.y * self.c * self.a


LOGISTIC = Kind("logistic", lambda targets, _: LogisticTerm(targets), LABELS)
