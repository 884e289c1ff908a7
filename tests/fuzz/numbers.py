"""Random numbers of every kind and size, each with the fraction that it stands for."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np

EDGES = (
    5e-324, 1e-323, 2.5e-323, 1e-310, 2.2250738585072014e-308, 1e-300, 1e-200, 1e-162,
    1e-154, 1e-100, 1e-16, 2.0**-53, 0.1, 0.5, 1.0, 1.5, 2.0, 3.0, 1e5, 2.0**53,
    1e16, 1e100, 1e150, 1e154, 1e200, 1e300, 1.7e308, 1.7976931348623157e308,
)  # fmt: skip


def moved(rng, x, most=2):
    """A float some ulps from ``x``, finite."""
    for _ in range(rng.randint(0, most)):
        x = math.nextafter(x, rng.choice((-math.inf, math.inf)))
    return x if math.isfinite(x) else math.copysign(1.7976931348623157e308, x)


def real(rng, mode, spread=0):
    """A finite float: tame, on a grid, or of any size around ``10**spread``."""
    if mode == "grid":
        return float(rng.randint(-2, 2))
    if mode == "tame":
        return rng.gauss(0.0, 1.0)
    if mode == "decimal":
        return rng.randint(-30, 30) / 10.0
    if mode == "sized":
        x = rng.gauss(0.0, 1.0) * 10.0 ** max(min(spread, 300), -300)
        return x if rng.random() < 0.9 else 0.0
    if mode == "subnormal":
        return rng.randint(-9, 9) * 5e-324
    if rng.random() < 0.3:
        return moved(rng, rng.choice(EDGES)) * rng.choice((-1.0, 1.0))
    x = rng.uniform(-1.0, 1.0) * 10.0 ** rng.uniform(-320.0, 308.0)
    return x if rng.random() < 0.9 else 0.0


def shortest(x):
    """The shortest decimal of a float of any width."""
    return Fraction(np.format_float_scientific(x, trim="0", unique=True))


def table(rng, rows, *, kinds=True):
    """A matrix (or vector) in one of the forms that are read, with its fractions.

    Returns the values to give, the reading of floats, and the fractions.
    """
    is_vector = not isinstance(rows[0], list)
    matrix = [rows] if is_vector else rows
    form = rng.random() if kinds else 0.0
    floats = "decimal" if rng.random() < 0.25 else "binary"
    if form < 0.4:
        given = matrix if rng.random() < 0.5 else np.array(matrix)
        values = matrix
    elif form < 0.55 and all(abs(x) < 3e38 for row in matrix for x in row):
        given = np.array(matrix).astype(np.float32)
        values = list(given)
        if rng.random() < 0.3:
            given = values = [list(row) for row in values]
    elif form < 0.65 and all(float(x).is_integer() for row in matrix for x in row):
        values = [[int(x) for x in row] for row in matrix]
        given = values
    elif form < 0.75:
        given = [[repr(x) for x in row] for row in matrix]
        values = [[Fraction(x) for x in row] for row in given]
    elif form < 0.85:
        given = values = [[Fraction(x) / 3 for x in row] for row in matrix]
    elif form < 0.92:
        given = values = [[Decimal(repr(x)) for x in row] for row in matrix]
    else:
        given = values = matrix
    exact = [[fraction(x, floats) for x in row] for row in values]
    if is_vector:
        return given[0], floats, exact[0]
    return given, floats, exact


def fraction(x, floats):
    """The number that a value stands for."""
    if floats == "decimal" and isinstance(x, (float, np.floating)):
        return shortest(x)
    if isinstance(x, np.integer):
        return Fraction(int(x))
    if isinstance(x, np.floating):
        return Fraction(*x.as_integer_ratio())
    return Fraction(x)


def scalar(rng, x):
    """A positive number as some type of scalar; some are beyond what is accepted."""
    kind = rng.random()
    if kind < 0.6:
        return x
    if kind < 0.7 and x < 3e38:
        return np.float32(x)
    if kind < 0.75 and x < 6e4:
        return np.float16(x)
    if kind < 0.8:
        return np.float64(x)
    if kind < 0.85:
        return Fraction(x)
    if kind < 0.88:
        return Decimal(x)
    if kind < 0.91:
        return max(1, int(min(x, 1e18)))
    if kind < 0.93:
        return np.int64(max(1, min(x, 1e18)))
    wrong = (
        "0.1", True, 10**400, -10**400, math.nan, math.inf, -1.0, 0, None, 1j,
        Decimal("NaN"), Decimal("1e-400"), Fraction(1, 3), np.array(0.5),
        np.array([0.5]), [1.0], np.float32(1e-45), np.longdouble("0.1"), np.bool_(1),
        Decimal("sNaN"), Decimal("Infinity"), "1e-6",
    )  # fmt: skip
    return rng.choice(wrong)
