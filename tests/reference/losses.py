"""The losses in exact arithmetic, written from the table of `convex_solver.losses`.

Piecewise quadratic losses in fractions, logistic and Poisson in 80 decimal digits.
Conjugates are the supremum itself: piece by piece, or by golden section.
"""

from __future__ import annotations

import decimal
import math
from decimal import Decimal
from fractions import Fraction

import numpy as np

from convex_solver.losses.loss import get_loss

SPECS = (
    "squared",
    "absolute",
    "huber:0.3",
    "huber:1.35",
    "quantile:0.9",
    "quantile:0.5",
    "epsilon_insensitive:0.4",
    "epsilon_insensitive:0",
    "hinge",
    "squared_hinge",
    "logistic",
    "poisson",
)
LABELLED = ("hinge", "squared_hinge", "logistic")
SMOOTH_LOGS = ("logistic", "poisson")
CONTEXT = decimal.Context(
    prec=80, Emin=-(10**9), Emax=10**9, traps=[decimal.InvalidOperation]
)
# The supremum of v f - l(f) is sought up to here; floats have larger no logarithms.
FAR = 800


def parts(spec):
    """Name and exact parameter of a loss."""
    loss = get_loss(spec)
    return loss.name, None if loss.parameter is None else Fraction(loss.parameter)


def value(spec, f, y):
    """Loss of one sample of weight one; f and y exact, the result a Fraction."""
    name, parameter = parts(spec)
    f, y = Fraction(f), Fraction(y)
    distance = abs(f - y)
    match name:
        case "squared":
            return distance**2 / 2
        case "absolute":
            return distance
        case "huber":
            if distance <= parameter:
                return distance**2 / 2
            return parameter * distance - parameter**2 / 2
        case "quantile":
            return parameter * (y - f) if f < y else (1 - parameter) * (f - y)
        case "epsilon_insensitive":
            return max(Fraction(0), distance - parameter)
        case "hinge":
            return max(Fraction(0), 1 - y * f)
        case "squared_hinge":
            return max(Fraction(0), 1 - y * f) ** 2
    with decimal.localcontext(CONTEXT):
        return Fraction(_by_logarithms(name, to_decimal(f), to_decimal(y)))


def total(spec, f, y, weights):
    """Weighted loss of all samples."""
    samples = zip(f, y, weights, strict=True)
    return sum((Fraction(c) * value(spec, a, b) for a, b, c in samples), Fraction(0))


def conjugate(spec, v, y):
    """Supremum over f of ``v f - l(f)``; a Fraction, or ``math.inf``."""
    name, _ = parts(spec)
    v, y = Fraction(v), Fraction(y)
    if name not in SMOOTH_LOGS:
        return max(_sup_on_piece(v, *piece) for piece in pieces(spec, y))
    with decimal.localcontext(CONTEXT):
        if name == "logistic":
            inside, at_end = 0 <= -v * y <= 1, v in (0, -y)
        else:
            inside, at_end = v >= -y, v == -y
        if not inside:
            return math.inf
        v, y = to_decimal(v), to_decimal(y)
        if at_end:  # approached as f goes to infinity
            return Fraction(0 if name == "logistic" else y - x_log_x(y))
        return Fraction(_largest(lambda f: v * f - _by_logarithms(name, f, y)))


def total_conjugate(spec, v, y, weights):
    """``sum c l*(v / c)``, the conjugate of the weighted loss."""
    result = Fraction(0)
    for a, b, c in zip(v, y, weights, strict=True):
        one = conjugate(spec, Fraction(a) / Fraction(c), b)
        if one == math.inf:
            return math.inf
        result += Fraction(c) * one
    return result


def pieces(spec, y):
    """Intervals of f, and the coefficients ``(a, b, c)`` of ``a f^2 + b f + c``."""
    name, p = parts(spec)
    low, high, half = -math.inf, math.inf, Fraction(1, 2)
    square = (half, -y, y * y / 2)
    match name:
        case "squared":
            return [(low, high, square)]
        case "absolute":
            return [(low, y, (0, -1, y)), (y, high, (0, 1, -y))]
        case "huber":
            return [
                (low, y - p, (0, -p, p * y - p * p / 2)),
                (y - p, y + p, square),
                (y + p, high, (0, p, -p * y - p * p / 2)),
            ]
        case "quantile":
            return [(low, y, (0, -p, p * y)), (y, high, (0, 1 - p, -(1 - p) * y))]
        case "epsilon_insensitive":
            return [
                (low, y - p, (0, -1, y - p)),
                (y - p, y + p, (0, 0, 0)),
                (y + p, high, (0, 1, -y - p)),
            ]
    bent = {"hinge": (0, -y, 1), "squared_hinge": (1, -2 * y, 1)}[name]
    flat = (0, 0, 0)
    # y is its own inverse
    below, above = (bent, flat) if y == 1 else (flat, bent)
    return [(low, y, below), (y, high, above)]


def _sup_on_piece(v, low, high, coefficients):
    a, b, c = coefficients
    slope = v - b
    if a > 0:
        best = min(max(slope / (2 * Fraction(a)), low), high)
    else:
        best = high if slope > 0 else low if slope < 0 else None
    if best in (-math.inf, math.inf):
        return math.inf
    if best is None:  # constant there
        return Fraction(-c)
    return slope * best - a * best * best - c


def _by_logarithms(name, f, y):
    if name == "logistic":
        power = (-y * f).exp()
        # the series of ln(1 + p) where 1 + p has no digits left for p
        return power if power < Decimal("1e-70") else (1 + power).ln()
    return f.exp() - y * f - y + x_log_x(y)


def _largest(function):
    """Largest value of a concave function: golden section."""
    low, high = Decimal(-FAR), Decimal(FAR)
    golden = (Decimal(5).sqrt() - 1) / 2
    left, right = high - golden * (high - low), low + golden * (high - low)
    at_left, at_right = function(left), function(right)
    while high - low > Decimal("1e-34"):
        if at_left < at_right:
            low, left, at_left = left, right, at_right
            right = low + golden * (high - low)
            at_right = function(right)
        else:
            high, right, at_right = right, left, at_left
            left = high - golden * (high - low)
            at_left = function(left)
    return max(at_left, at_right)


def x_log_x(x):
    return x * x.ln() if x else Decimal(0)


def to_decimal(x):
    x = Fraction(x)
    return Decimal(x.numerator) / Decimal(x.denominator)


def float_targets(spec, rng, n):
    """Targets that the loss takes: labels, small counts or Gaussian numbers."""
    name = get_loss(spec).name
    if name in LABELLED:
        return rng.choice([-1.0, 1.0], n)
    if name == "poisson":
        return rng.poisson(2.0, n).astype(np.float64)
    return rng.standard_normal(n)


def scale(spec, f, y, c):
    """Sum of the sizes of all that is added up in a loss."""
    size = (np.abs(f) + np.abs(y) + 1.0) * 2.0
    if spec == "poisson":
        logs = np.abs(np.log(np.where(y > 0, y, 1.0)))
        size = np.exp(f) + y * (np.abs(f) + logs + 1.0)
    elif spec.startswith(("squared", "huber")):
        size = size**2
    return float(c @ size)
