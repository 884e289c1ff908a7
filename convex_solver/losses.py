"""Convex losses: value, gradient, conjugate, and bounds that hold despite rounding.

Each loss is a sum over the samples, not a mean, and each is jointly described by its
value ``l(f, y)`` and its conjugate ``l*(v, y) = max_f v . f - l(f, y)``:

========  ========================  ==========================================
name      value of one sample       conjugate of one sample
========  ========================  ==========================================
squared   ``(f - y)**2 / 2``        ``v**2 / 2 + v y``
hinge     ``max(0, 1 - y f)``       ``v y`` for ``v y`` in [-1, 0], else inf
logistic  ``log(1 + exp(-y f))``    ``p log p + (1 - p) log(1 - p)``, ``p = -v y``
========  ========================  ==========================================

The dual variable is ``v = gradient of l at the prediction`` everywhere (API, files,
certificate). Zero is in the domain of each conjugate and the domains are convex,
so shrinking a dual point never leaves them.
"""

from __future__ import annotations

import decimal
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from convex_solver.errors import InputError, InputTypeError

Vector = NDArray[np.float64]

# 60 digits: exact for 1 - p whenever p is a float64 above 1e-7, and each correctly
# rounded ln and exp (Python's decimal promises that) is then off by 1e-59 relative,
# far inside the margins of 1e-38 taken below.
_DECIMAL = decimal.Context(prec=60, Emin=-(10**6), Emax=10**6)
_MARGIN = decimal.Decimal("1e-38")


@dataclass(frozen=True)
class Loss:
    """A convex loss, summed over the samples.

    Attributes
    ----------
    name : str
        ``"squared"``, ``"hinge"`` or ``"logistic"``.
    is_classification : bool
        Whether the targets must be -1 or +1.
    value : callable
        ``(f, y) -> float``, the loss of the predictions.
    gradient : callable
        ``(f, y) -> (n,) float64``, a subgradient in ``f``.
    conjugate : callable
        ``(v, y) -> float``; infinite outside the domain.
    clip : callable
        ``(v, y) -> (n,) float64``, the nearest point of the domain of the conjugate.
    best_scale : callable
        ``(v, y, cap) -> float``, about the ``t`` in [0, cap] that maximises
        ``-conjugate(t v, y)``, for ``v`` in the domain; ``t v`` stays in the domain.
    value_upper : callable
        ``(f, f_error, y, y_error) -> float``, an upper bound of the loss for every
        prediction and target within the stated absolute errors.
    dual_lower : callable
        ``(v, y_exact) -> float``, a lower bound of ``-conjugate``; ``y_exact`` is a
        sequence of Fractions or ints. Minus infinity outside the domain.
    """

    name: str
    is_classification: bool
    value: Callable[[Vector, Vector], float]
    gradient: Callable[[Vector, Vector], Vector]
    conjugate: Callable[[Vector, Vector], float]
    clip: Callable[[Vector, Vector], Vector]
    best_scale: Callable[[Vector, Vector, float], float]
    value_upper: Callable[[Vector, Vector, Vector, Vector], float]
    dual_lower: Callable[[Vector, Sequence[Fraction | int]], float]


def get_loss(name: str | Loss) -> Loss:
    """Return the loss of that name.

    Raises
    ------
    InputError
        If the name is unknown.

    Examples
    --------
    >>> get_loss("hinge").is_classification
    True
    """
    if isinstance(name, Loss):
        return name
    if not isinstance(name, str):
        raise InputTypeError(
            f"loss has type {type(name).__name__}; expected one of {sorted(LOSSES)}."
        )
    if name not in LOSSES:
        raise InputError(f"loss={name!r} is unknown; use one of {sorted(LOSSES)}.")
    return LOSSES[name]


def check_labels(loss: Loss, y: Vector) -> None:
    """Raise `InputError` unless a classification loss has labels -1 and +1 only."""
    if not loss.is_classification:
        return
    wrong = np.flatnonzero(np.abs(y) != 1.0)
    if wrong.size:
        raise InputError(
            f"y holds {y[wrong[0]]:g} at row {wrong[0]}; the {loss.name} loss needs "
            "labels -1 and +1. Recode the classes."
        )


def _up(x: Vector) -> Vector:
    """Return the next float above each entry, but keep exact zeros."""
    return np.where(x == 0.0, 0.0, np.nextafter(x, np.inf))


def _sum_up(x: Vector) -> float:
    # fsum is correctly rounded, so one step up is an upper bound
    try:
        total = math.fsum(x)
    except OverflowError:  # finite terms, a sum beyond float64
        return math.inf
    return 0.0 if total == 0.0 and not np.any(x) else math.nextafter(total, math.inf)


def float_below(value: Fraction | int) -> float:
    """Return the largest float64 at or below a rational number."""
    nearest = float(value)
    return nearest if Fraction(nearest) <= value else math.nextafter(nearest, -math.inf)


# squared


def _squared_value(f: Vector, y: Vector) -> float:
    return 0.5 * float(np.dot(f - y, f - y))


def _squared_gradient(f: Vector, y: Vector) -> Vector:
    return f - y


def _squared_conjugate(v: Vector, y: Vector) -> float:
    return 0.5 * float(np.dot(v, v)) + float(np.dot(v, y))


def _squared_clip(v: Vector, y: Vector) -> Vector:
    return v.copy()


def _squared_scale(v: Vector, y: Vector, cap: float) -> float:
    square = float(np.dot(v, v))
    if square == 0.0:
        return min(1.0, cap)
    return min(max(-float(np.dot(v, y)) / square, 0.0), cap)


def _squared_upper(f: Vector, f_error: Vector, y: Vector, y_error: Vector) -> float:
    # |exact residual| <= |f - y| rounded up once, plus the errors, two sums rounded
    # up; the square rounds once, halving is exact unless subnormal: two steps up.
    residual = _up(_up(_up(np.abs(f - y)) + f_error) + y_error)
    # not _up: a square that underflows to zero must still go up
    square = np.nextafter(np.nextafter(residual * residual * 0.5, np.inf), np.inf)
    return _sum_up(np.where(residual == 0.0, 0.0, square))


def _squared_lower(v: Vector, y_exact: Sequence[Fraction | int]) -> float:
    total = Fraction(0)
    for value, target in zip(v.tolist(), y_exact, strict=True):
        exact = Fraction(value)
        total -= exact * (exact / 2 + target)
    return float_below(total)


# hinge


def _hinge_value(f: Vector, y: Vector) -> float:
    return float(np.sum(np.maximum(0.0, 1.0 - y * f)))


def _hinge_gradient(f: Vector, y: Vector) -> Vector:
    return np.where(y * f < 1.0, -y, 0.0)


def _hinge_conjugate(v: Vector, y: Vector) -> float:
    p = -v * y
    if np.any(p < 0.0) or np.any(p > 1.0):
        return math.inf
    return -float(np.sum(p))


def _label_clip(v: Vector, y: Vector) -> Vector:
    # exact: y is -1 or +1
    return np.asarray(-y * np.clip(-v * y, 0.0, 1.0))


def _largest_scale(v: Vector, cap: float) -> float:
    peak = float(np.max(np.abs(v), initial=0.0))
    if peak == 0.0:
        return min(1.0, cap)
    # rounded down: then t |v_i| <= 1 exactly, and rounding t v_i keeps that
    limit = math.nextafter(1.0 / peak, 0.0) if peak < 1.0 else 1.0
    return min(cap, limit)


def _hinge_scale(v: Vector, y: Vector, cap: float) -> float:
    return _largest_scale(v, cap)


def _hinge_upper(f: Vector, f_error: Vector, y: Vector, y_error: Vector) -> float:
    margin = np.nextafter(1.0 - y * f, np.inf) + f_error
    return _sum_up(np.where(margin > 0.0, np.nextafter(margin, np.inf), 0.0))


def _hinge_lower(v: Vector, y_exact: Sequence[Fraction | int]) -> float:
    total = Fraction(0)
    for value, label in zip(v.tolist(), y_exact, strict=True):
        p = -Fraction(value) * label
        if not 0 <= p <= 1:
            return -math.inf
        total += p
    return float_below(total)


# logistic


def _logistic_value(f: Vector, y: Vector) -> float:
    return float(np.sum(np.logaddexp(0.0, -y * f)))


def _logistic_gradient(f: Vector, y: Vector) -> Vector:
    margin = y * f
    small = np.exp(-np.abs(margin))
    return np.asarray(-y * np.where(margin > 0.0, small, 1.0) / (1.0 + small))


def _xlogx(p: Vector) -> Vector:
    return np.asarray(p * np.log(np.where(p > 0.0, p, 1.0)))


def _logistic_conjugate(v: Vector, y: Vector) -> float:
    p = -v * y
    if np.any(p < 0.0) or np.any(p > 1.0):
        return math.inf
    return float(np.sum(_xlogx(p) + _xlogx(1.0 - p)))


def _logistic_scale(v: Vector, y: Vector, cap: float) -> float:
    high = _largest_scale(v, cap)
    p = np.abs(v)
    p = p[p > 0.0]

    def slope(t: float) -> float:
        q = np.minimum(t * p, 1.0)
        with np.errstate(divide="ignore"):
            return float(np.sum(p * (np.log1p(-q) - np.log(q))))

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


def _logistic_upper(f: Vector, f_error: Vector, y: Vector, y_error: Vector) -> float:
    exponents = np.nextafter(-y * f + f_error, np.inf)
    terms = []
    for x in exponents.tolist():
        power = _DECIMAL.exp(decimal.Decimal(x))
        term = _DECIMAL.ln(_DECIMAL.add(power, decimal.Decimal(1)))
        term = _DECIMAL.add(term, _DECIMAL.multiply(_MARGIN, term))
        # ln(1 + p) <= p covers a power lost when 1 was added
        terms.append(math.nextafter(float(_DECIMAL.add(term, _MARGIN)), math.inf))
    return math.nextafter(math.fsum(terms), math.inf) if terms else 0.0


def _logistic_lower(v: Vector, y_exact: Sequence[Fraction | int]) -> float:
    one = decimal.Decimal(1)
    terms = []
    for value, label in zip(v.tolist(), y_exact, strict=True):
        p = decimal.Decimal(-value * float(label))  # exact: the label is -1 or +1
        if not 0 <= p <= 1:
            return -math.inf
        if p in (0, 1):
            continue
        q = _DECIMAL.subtract(one, p)
        entropy = _DECIMAL.add(
            _DECIMAL.multiply(p, _DECIMAL.ln(p)), _DECIMAL.multiply(q, _DECIMAL.ln(q))
        )
        entropy = _DECIMAL.multiply(-entropy, _DECIMAL.subtract(one, _MARGIN))
        bound = math.nextafter(float(_DECIMAL.subtract(entropy, _MARGIN)), -math.inf)
        terms.append(max(bound, 0.0))  # an entropy is never negative
    return math.nextafter(math.fsum(terms), -math.inf) if terms else 0.0


SQUARED = Loss(
    "squared",
    False,
    _squared_value,
    _squared_gradient,
    _squared_conjugate,
    _squared_clip,
    _squared_scale,
    _squared_upper,
    _squared_lower,
)
HINGE = Loss(
    "hinge",
    True,
    _hinge_value,
    _hinge_gradient,
    _hinge_conjugate,
    _label_clip,
    _hinge_scale,
    _hinge_upper,
    _hinge_lower,
)
LOGISTIC = Loss(
    "logistic",
    True,
    _logistic_value,
    _logistic_gradient,
    _logistic_conjugate,
    _label_clip,
    _logistic_scale,
    _logistic_upper,
    _logistic_lower,
)
LOSSES = {loss.name: loss for loss in (SQUARED, HINGE, LOGISTIC)}
