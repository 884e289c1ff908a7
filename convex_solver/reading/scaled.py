"""A column less its centre and divided by its scale, rounded once.

``z = (x - c) / s`` is found as a float q and a remainder.  x is a float h and what that
leaves of it, sums and products of floats have errors that are floats (Knuth, Dekker),
and so ``x - c - q s`` is known but for a few roundings of numbers far below it.  q is
the float nearest to z if the remainder is less than half the distance to the neighbour
of q, times s; it is not z itself if the remainder is certainly not zero.  Where either
is in doubt, or numbers so small or large that errors could be lost, the entry is found
in fractions.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from arrangement.exact import Column, exact_product
from convex_solver.typing import Array

Flags = NDArray[np.bool_]

# Between them no sum or product that is needed here underflows or overflows.
_SMALL, _LARGE = 1e-120, 1e120
# What the remainder neglects, relative to x, c and q s: with numbers r of at most
# 2**-50 of them in it, five sums of those (2**-101 at most), and what h leaves of x
# to 2**-102 of x.
_DOUBT = 2.0**-95
# 1 + this covers the rounding of a few operations on the remainder itself.
_MARGIN = 2.0**-40


def scaled_column(column: Column, center: float, scale: float) -> tuple[Array, Flags]:
    """Return the float64 nearest to ``(x - center) / scale``, and where it is that.

    Infinite where that is beyond float64.
    """
    high, same = column.rounded()
    low, is_known = column.left_over(high, same)
    with np.errstate(all="ignore"):
        q, is_sure, is_same = _quotient(high, low, same, center, scale)
    unsure = np.flatnonzero(~(is_sure & is_known))
    if unsure.size:
        c, inverse = Fraction(center), 1 / Fraction(scale)
        numbers = [(x - c) * inverse for x in column[unsure]]
        floats = [_float(x) for x in numbers]
        q[unsure] = floats
        is_same[unsure] = [
            math.isfinite(x) and x == y for x, y in zip(floats, numbers, strict=True)
        ]
    return q, is_same


def _quotient(
    high: Array, low: Array, same: Flags, c: float, s: float
) -> tuple[Array, Flags, Flags]:
    """Return q, whether it is surely the nearest float, and whether it is z."""
    # x - c = d + e + low
    d = high - c
    back = d - high
    e = (high - (d - back)) + (-c - back)
    q = (d + (e + low)) / s
    p, error = exact_product(q, s)
    q = q + (((d - p) + (e - error)) + low) / s
    p, error = exact_product(q, s)
    rest = ((d - p) + (e - error)) + low
    doubt = _DOUBT * (np.abs(high) + abs(c) + np.abs(p))
    gap = np.where(
        rest > 0.0, np.nextafter(q, np.inf) - q, q - np.nextafter(q, -np.inf)
    )
    size = np.abs(rest)
    is_nearest = size * (1.0 + _MARGIN) + doubt < 0.5 * gap * s * (1.0 - _MARGIN)
    is_other = size * (1.0 - _MARGIN) > doubt
    is_same = same & (d == p) & (e == error)
    is_tame = _is_tame(high) & _is_tame(q) & _is_tame(c) & _is_tame(s)
    is_sure = is_tame & (is_same | (is_nearest & is_other & (q != 0.0)))
    return q + 0.0, is_sure, is_same


def _is_tame(x: Array | float) -> Flags:
    size = np.abs(x)
    return np.asarray((size == 0.0) | ((size > _SMALL) & (size < _LARGE)))


def _float(value: Fraction | int) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
