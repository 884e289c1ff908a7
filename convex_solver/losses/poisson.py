"""Poisson deviance of given targets.

With ``u = v / c + y`` the conjugate of half the deviance is
``c (u log u - u - y log y + y)`` for ``u >= 0``.
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
    MARGIN,
    decimal_of,
    each_term,
    last_rise,
    log_x,
    lowered,
    raised,
    size_of,
    x_log_x,
)
from convex_solver.losses.kinds import COUNTS, Kind
from convex_solver.losses.newton import NewtonTerm, longest_step
from convex_solver.losses.terms import DataTerm, Targets, largest_factor
from convex_solver.rounding import float_below, sum_above, sum_below
from convex_solver.typing import Array

# Share of the way to its bound that a sample's gradient moves at most.
MOST = 0.95


class PoissonTerm(DataTerm):
    """``sum c_i (exp(f_i) - y_i f_i - y_i + y_i log y_i)``, y at least 0.

    Half the deviance of a Poisson model with the log link; zero where ``exp(f) = y``.
    """

    def __init__(self, targets: Targets) -> None:
        super().__init__(targets)
        pairs = zip(targets.y_exact, targets.weights_exact, strict=True)
        # v is at least -c y, rounded towards zero
        self.limit = np.array([float_below(y * c) for y, c in pairs])
        self._constant = log_x(targets.y) - targets.y

    def value(self, f: ArrayLike) -> float:
        """Return the loss of predictions (n,)."""
        f = np.asarray(f, dtype=np.float64)
        y = self.y
        with np.errstate(over="ignore", divide="ignore"):
            # y (exp(x) - 1 - x) with x = f - log y: no digits are lost near the fit
            x = f - np.log(y)
            plain = np.exp(f) - y * f + self._constant
        near = np.abs(x) < 0.5
        small = np.where(near, x, 0.0)
        close = np.where(
            np.abs(small) < 1e-3,
            0.5 * small**2 + small**3 / 6 + small**4 / 24 + small**5 / 120,
            np.expm1(small) - small,
        )
        return float(self.targets.weights @ np.where(near, y * close, plain))

    def gradient(self, f: Array) -> Array:
        """Return the gradient, (n,)."""
        with np.errstate(over="ignore"):
            return self.clip(self.targets.weights * (np.exp(f) - self.y))

    def second_derivative(self, f: Array) -> Array:
        """Return how fast the gradient grows, (n,)."""
        with np.errstate(over="ignore"):
            return np.asarray(self.targets.weights * np.exp(f))

    def kinks(self, f: Array) -> NDArray[np.int64]:
        """Return no samples: the loss is smooth."""
        return np.zeros(0, dtype=np.int64)

    def conjugate(self, v: Array) -> float:
        """Return ``l*(v)``; infinite outside the domain."""
        if np.any(v < -self.limit):
            return math.inf
        y, share = self.y, v / self.targets.weights
        u = np.maximum(share + y, 0.0)
        # u log(u / y) - (u - y) (1 - log y), and u log u - u where y is zero
        base = np.where(y > 0.0, y, 1.0)
        with np.errstate(over="ignore"):
            change = share / base
        near = np.abs(change) < 0.5
        logs = np.where(
            near,
            np.log1p(np.where(near, change, 0.0)),
            np.log(np.where(u > 0.0, u, 1.0)) - np.log(base),
        )
        linear = share * (1.0 - np.log(base))
        terms = np.where(y > 0.0, u * logs - linear, log_x(u) - u)
        return float(self.targets.weights @ terms)

    def clip(self, v: Array) -> Array:
        """Return the nearest point of the domain, (n,)."""
        return np.asarray(np.maximum(v, -self.limit))

    def best_scale(self, v: Array, cap: float) -> float:
        """Return about the ``t`` in [0, cap] that maximises ``-l*(t v)``."""
        high = min(cap, largest_factor(v, np.where(v < 0.0, self.limit, np.inf)))
        if not np.any(v):
            return min(1.0, high)
        alive = v != 0.0
        y, part = self.y[alive], v[alive]
        share = part / self.targets.weights[alive]

        def slope(t: float) -> float:
            u = np.maximum(t * share + y, 0.0)
            with np.errstate(divide="ignore"):
                return -float(part @ np.log(u))

        return last_rise(slope, min(high, 1e300))

    def _finite_upper(self, f: Array, f_error: Array) -> float:
        """Bound the loss from above: it is convex, so at the ends of the intervals."""
        targets = self.targets
        return sum_above(
            each_term(
                _value_above,
                f.tolist(),
                f_error.tolist(),
                targets.y_exact,
                targets.weights_exact,
            )
        )

    def dual_lower(self, v: Array) -> float:
        """Bound ``-l*(v)`` from below; minus infinity outside the domain."""
        targets = self.targets
        return sum_below(
            each_term(_dual_below, v.tolist(), targets.y_exact, targets.weights_exact)
        )

    def conic(self) -> ConicLoss:
        """Return the loss in conic form."""
        # a = (z, t): exp(z) <= t; cost c (t - y z), constant c (y log y - y)
        y, c = self.y, self.targets.weights
        n = y.size
        index = np.arange(n)
        one = np.ones(n)
        rows = sparse_matrix(
            [(3 * index, index, -one), (3 * index + 2, n + index, -one)], (3 * n, 2 * n)
        )
        right = np.zeros(3 * n)
        right[1::3] = 1.0
        prediction = sp.hstack([sp.eye(n), sp.csc_matrix((n, n))]).tocsc()
        logs = y * np.log(np.where(y > 0.0, y, 1.0))
        return ConicLoss(
            2 * n,
            prediction,
            np.zeros(n),
            np.concatenate([-c * y, c]),
            np.zeros(2 * n),
            [(rows, right, [("exponential", 3)] * n)],
            float(c @ (logs - y)),
        )

    def newton(self, z: Array, v: Array, target: float) -> NewtonTerm:
        """Return the loss inside the interior point method, see `NewtonTerm`."""
        return PoissonNewton(self.targets, z, v)

    def rough_fit(self) -> tuple[Array, float]:
        """Return the logarithms of targets plus one.

        From the mean of the zero prediction, one, to large counts Newton's steps do
        not find the way.
        """
        rough = np.log1p(self.y)
        return rough, float(np.linalg.norm(1.0 + rough))


def _value_above(
    value: float, error: float, y: Fraction | int, c: Fraction | int
) -> float:
    """Bound the loss of a prediction within an error, weighted, from above."""
    target = decimal_of(y)
    constant = DECIMAL.subtract(x_log_x(target), target)
    largest = 0.0
    ends = [value]
    if error != 0.0:
        # the sum of two floats rounds once: one step outwards
        ends = [
            math.nextafter(value - error, -math.inf),
            math.nextafter(value + error, math.inf),
        ]
    for x in ends:
        if x == 0.0 and y == 1:  # the one fit that is exact
            continue
        if not x < 700.0:
            return math.inf
        power = DECIMAL.exp(Decimal(x))
        product = DECIMAL.multiply(target, Decimal(x))
        total = DECIMAL.add(DECIMAL.subtract(power, product), constant)
        size = size_of([power, product, constant, target])
        upper = DECIMAL.add(total, DECIMAL.multiply(MARGIN, size))
        upper = DECIMAL.multiply(decimal_of(c), max(upper, Decimal(0)))
        largest = max(largest, raised(upper, upper))
    return largest


def _dual_below(value: float, y: Fraction | int, c: Fraction | int) -> float:
    """Bound minus the conjugate at a value, weighted, from below."""
    if value == 0.0:
        return 0.0
    exact = Fraction(value) / c + y
    if exact < 0:
        return -math.inf
    u, target = decimal_of(exact), decimal_of(y)
    parts = [u, DECIMAL.minus(x_log_x(u)), x_log_x(target), DECIMAL.minus(target)]
    total = Decimal(0)
    for part in parts:
        total = DECIMAL.add(total, part)
    factor, size = decimal_of(c), size_of(parts)
    total, size = (DECIMAL.multiply(factor, x) for x in (total, size))
    return lowered(total, size)


class PoissonNewton(NewtonTerm):
    """``z = log m``, ``v = c (m - y)``, with the mean m as the variable.

    It moves by its own step, not along the curve: v is linear in the dual equations.
    """

    def __init__(self, targets: Targets, z: Array, v: Array) -> None:
        self.y, self.c, self.z = targets.y, targets.weights, z
        self.m = np.maximum(v / self.c + self.y, 1e-300)
        self.v = self.c * (self.m - self.y)
        self.dm = np.zeros_like(self.y)

    def _miss(self) -> Array:
        return self.z - np.log(self.m)

    def curvature(self) -> Array:
        """Return the derivative of the loss where its gradient is v."""
        return np.maximum(self.c * self.m, 1e-200)

    def shift(self, mu: float, correct: bool) -> Array:
        """``H`` times the miss of z."""
        return self.curvature() * self._miss()

    def residual(self) -> float:
        """Return what the residual can change in the duality gap."""
        return float(np.abs(self._miss()) @ (self.c * (self.m + self.y)))

    def complete(self, dz: Array, dv: Array) -> None:
        """Step of m."""
        self.dm = dv / self.c

    def largest_step(self) -> float:
        """No limit, but where steps are strict."""
        return MOST * longest_step(self.m, self.dm) if self.is_strict else np.inf

    def move(self, step: float, z: Array, dv: Array) -> None:
        """Update; near the target v keeps its digits, elsewhere the mean."""
        self.z = z
        change = np.maximum(step * self.dm, -MOST * self.m)
        v, mean = self.v + self.c * change, self.m + change
        near = np.abs(mean - self.y) < 0.5 * self.y
        self.m = np.where(near, self.y + v / self.c, mean)
        self.v = np.where(near, v, self.c * (mean - self.y))


POISSON = Kind(
    "poisson",
    lambda targets, _: PoissonTerm(targets),
    COUNTS,
    mean=np.exp,
    guess=np.log1p,
)
