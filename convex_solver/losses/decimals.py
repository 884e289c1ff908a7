"""Logarithms to 60 digits, rounded up or down at the end."""

from __future__ import annotations

import decimal
import math
from collections.abc import Callable, Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from convex_solver.typing import Array

# 60 digits: each correctly rounded ln and exp (Python's decimal promises that), sum and
# quotient is then off by 1e-59 relative, and what a difference loses is below 1e-38 of
# its terms, the margin taken below.  Every operation is one of this context: operators,
# signs too, round to the current context, which is the caller's and has 28 digits.
DECIMAL = decimal.Context(prec=60, Emin=-(10**6), Emax=10**6)
MARGIN = Decimal("1e-38")


def decimal_of(value: Fraction | int) -> Decimal:
    """Return a rational number to 60 digits."""
    exact = Fraction(value)
    return DECIMAL.divide(Decimal(exact.numerator), Decimal(exact.denominator))


def x_log_x(x: Decimal) -> Decimal:
    """Return ``x log x``, zero at zero."""
    return DECIMAL.multiply(x, DECIMAL.ln(x)) if x else Decimal(0)


def size_of(parts: list[Decimal]) -> Decimal:
    """Return the sum of the absolute values."""
    total = Decimal(0)
    for part in parts:
        total = DECIMAL.add(total, DECIMAL.abs(part))
    return total


def raised(value: Decimal, size: Decimal) -> float:
    """Return a float above a decimal whose terms add up to ``size`` without signs."""
    margin = DECIMAL.multiply(MARGIN, size)
    return math.nextafter(float(DECIMAL.add(value, margin)), math.inf)


def lowered(value: Decimal, size: Decimal) -> float:
    """Return a float below a decimal whose terms add up to ``size`` without signs."""
    margin = DECIMAL.multiply(MARGIN, size)
    return math.nextafter(float(DECIMAL.subtract(value, margin)), -math.inf)


def each_term(term: Callable[..., float], *numbers: Iterable[Any]) -> list[float]:
    """Return the term of each sample; those of equal samples are found once."""
    known: dict[tuple[Any, ...], float] = {}
    terms = []
    for key in zip(*numbers, strict=True):
        if key not in known:
            known[key] = term(*key)
        terms.append(known[key])
    return terms


def log_x(x: Array) -> Array:
    """``x log x``, zero at zero."""
    return np.asarray(x * np.log(np.where(x > 0.0, x, 1.0)))


def last_rise(slope: Callable[[float], float], high: float) -> float:
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
