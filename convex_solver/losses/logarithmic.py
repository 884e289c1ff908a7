"""Logistic loss and Poisson deviance of given targets.

With ``p = -v y / c`` the conjugate of the logistic loss is ``c (p log p + (1 - p) log
(1 - p))`` for p in [0, 1].  With ``u = v / c + y`` that of half the Poisson deviance is
``c (u log u - u - y log y + y)`` for ``u >= 0``.
"""

from __future__ import annotations

import decimal
import math
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convex_solver.losses.terms import DataTerm, Targets, largest_factor
from convex_solver.rounding import float_below, sum_up
from convex_solver.typing import Array

# 60 digits: each correctly rounded ln and exp (Python's decimal promises that), sum and
# quotient is then off by 1e-59 relative, and what a difference loses is below 1e-38 of
# its terms, the margin taken below.  Every operation is one of this context: operators,
# signs too, round to the current context, which is the caller's and has 28 digits.
_DECIMAL = decimal.Context(prec=60, Emin=-(10**6), Emax=10**6)
_MARGIN = Decimal("1e-38")


def _decimal(value: Fraction | int) -> Decimal:
    exact = Fraction(value)
    return _DECIMAL.divide(Decimal(exact.numerator), Decimal(exact.denominator))


def _x_log_x(x: Decimal) -> Decimal:
    return _DECIMAL.multiply(x, _DECIMAL.ln(x)) if x else Decimal(0)


def _log_x(x: Array) -> Array:
    """``x log x``, zero at zero."""
    return np.asarray(x * np.log(np.where(x > 0.0, x, 1.0)))


class LogisticTerm(DataTerm):
    """``sum c_i log(1 + exp(-y_i f_i))`` with labels y of -1 and +1."""

    def __init__(self, targets: Targets) -> None:
        super().__init__(targets)
        # the weights themselves, rounded towards zero
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

    def kinks(self, f: Array) -> NDArray[np.int64]:
        """Return no samples: the loss is smooth."""
        return np.zeros(0, dtype=np.int64)

    def conjugate(self, v: Array) -> float:
        """Return ``l*(v)``; infinite outside the domain."""
        p = -v * self.y
        if np.any(p < 0.0) or np.any(p > self.limit):
            return math.inf
        p = np.minimum(p / self.targets.weights, 1.0)
        return float(self.targets.weights @ (_log_x(p) + _log_x(1.0 - p)))

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

        return _last_rise(slope, high)

    def value_upper(self, f: Array, f_error: Array) -> float:
        """Bound the loss from above, for predictions within absolute errors (n,)."""
        exponents = np.nextafter(-self.y * f + f_error, np.inf)
        terms = []
        for x, c in zip(exponents.tolist(), self.targets.weights_exact, strict=True):
            # max(x, 0) + ln(1 + exp(-|x|)): no power overflows, and the margin covers
            # one that is lost when 1 is added
            power = _DECIMAL.exp(Decimal(-abs(x)))
            term = _DECIMAL.ln(_DECIMAL.add(power, Decimal(1)))
            term = _DECIMAL.add(term, Decimal(max(x, 0.0)))
            # what is lost is up to 1e-60 of the weight, however small the term
            factor, size = _decimal(c), _DECIMAL.add(term, Decimal(1))
            term, size = (_DECIMAL.multiply(factor, part) for part in (term, size))
            terms.append(_raised(term, size))
        return sum_up(np.array(terms))

    def dual_lower(self, v: Array) -> float:
        """Bound ``-l*(v)`` from below; minus infinity outside the domain."""
        one = Decimal(1)
        terms = []
        weights = self.targets.weights_exact
        for value, label, c in zip(v.tolist(), self.y.tolist(), weights, strict=True):
            exact = -Fraction(value) * int(label)
            if not 0 <= exact <= c:
                return -math.inf
            if exact in (0, c):
                continue
            p = _decimal(exact / c)
            q = _DECIMAL.subtract(one, p)
            entropy = _DECIMAL.minus(_DECIMAL.add(_x_log_x(p), _x_log_x(q)))
            factor, size = _decimal(c), _DECIMAL.add(entropy, one)
            entropy, size = (_DECIMAL.multiply(factor, x) for x in (entropy, size))
            # an entropy is never negative
            terms.append(max(_lowered(entropy, size), 0.0))
        return math.nextafter(math.fsum(terms), -math.inf) if terms else 0.0


class PoissonTerm(DataTerm):
    """``sum c_i (exp(f_i) - y_i f_i - y_i + y_i log y_i)``, y at least 0.

    Half the deviance of a Poisson model with the log link; zero where ``exp(f) = y``.
    """

    def __init__(self, targets: Targets) -> None:
        super().__init__(targets)
        pairs = zip(targets.y_exact, targets.weights_exact, strict=True)
        # v is at least -c y, rounded towards zero
        self.limit = np.array([float_below(y * c) for y, c in pairs])
        self._constant = _log_x(targets.y) - targets.y

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
        terms = np.where(y > 0.0, u * logs - linear, _log_x(u) - u)
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

        return _last_rise(slope, min(high, 1e300))

    def value_upper(self, f: Array, f_error: Array) -> float:
        """Bound the loss from above: it is convex, so at the ends of the intervals."""
        terms = []
        targets = self.targets
        numbers = zip(
            f.tolist(), f_error.tolist(), targets.y_exact, targets.weights_exact,
            strict=True,
        )  # fmt: skip
        for value, error, y, c in numbers:
            target = _decimal(y)
            constant = _DECIMAL.subtract(_x_log_x(target), target)
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
                power = _DECIMAL.exp(Decimal(x))
                product = _DECIMAL.multiply(target, Decimal(x))
                total = _DECIMAL.add(_DECIMAL.subtract(power, product), constant)
                size = _size([power, product, constant, target])
                upper = _DECIMAL.add(total, _DECIMAL.multiply(_MARGIN, size))
                upper = _DECIMAL.multiply(_decimal(c), max(upper, Decimal(0)))
                largest = max(largest, _raised(upper, upper))
            terms.append(largest)
        return sum_up(np.array(terms))

    def dual_lower(self, v: Array) -> float:
        """Bound ``-l*(v)`` from below; minus infinity outside the domain."""
        terms = []
        targets = self.targets
        numbers = zip(v.tolist(), targets.y_exact, targets.weights_exact, strict=True)
        for value, y, c in numbers:
            if value == 0.0:
                continue
            exact = Fraction(value) / c + y
            if exact < 0:
                return -math.inf
            u, target = _decimal(exact), _decimal(y)
            parts = [
                u,
                _DECIMAL.minus(_x_log_x(u)),
                _x_log_x(target),
                _DECIMAL.minus(target),
            ]
            total = Decimal(0)
            for part in parts:
                total = _DECIMAL.add(total, part)
            factor, size = _decimal(c), _size(parts)
            total, size = (_DECIMAL.multiply(factor, x) for x in (total, size))
            terms.append(_lowered(total, size))
        return math.nextafter(math.fsum(terms), -math.inf) if terms else 0.0


def _size(parts: list[Decimal]) -> Decimal:
    """Return the sum of the absolute values."""
    total = Decimal(0)
    for part in parts:
        total = _DECIMAL.add(total, _DECIMAL.abs(part))
    return total


def _raised(value: Decimal, size: Decimal) -> float:
    """Return a float above a decimal whose terms add up to ``size`` without signs."""
    margin = _DECIMAL.multiply(_MARGIN, _DECIMAL.add(size, Decimal(1)))
    return math.nextafter(float(_DECIMAL.add(value, margin)), math.inf)


def _lowered(value: Decimal, size: Decimal) -> float:
    """Return a float below a decimal whose terms add up to ``size`` without signs."""
    margin = _DECIMAL.multiply(_MARGIN, _DECIMAL.add(size, Decimal(1)))
    return math.nextafter(float(_DECIMAL.subtract(value, margin)), -math.inf)


def _last_rise(slope: Callable[[float], float], high: float) -> float:
    """Return the end of [0, high], or where a falling slope is zero."""
    if slope(high) >= 0.0:
        return high
    low = 0.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        if slope(middle) >= 0.0:
            low = middle
        else:
            high = middle
    return low
