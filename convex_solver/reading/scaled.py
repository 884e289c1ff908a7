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

from arrangement.exact import Column
from convex_solver.typing import Array

Flags = NDArray[np.bool_]

# Between them no sum or product that is needed here underflows or overflows.
_SMALL, _LARGE = 1e-120, 1e120
# Dekker's splitter, 2**27 + 1.
_SPLITTER = 134217729.0
# What the remainder neglects, relative to x, c and q s: with numbers r of at most
# 2**-50 of them in it, five sums of those (2**-101 at most), and what h leaves of x
# to 2**-102 of x.
_DOUBT = 2.0**-95
# 1 + this covers the rounding of a few operations on the remainder itself.
_MARGIN = 2.0**-40
# 5**22 is the last power of five that is a float.
_FIVES = 22


def scaled_column(column: Column, center: float, scale: float) -> tuple[Array, Flags]:
    """Return the float64 nearest to ``(x - center) / scale``, and where it is that.

    Infinite where that is beyond float64.
    """
    high, same = column.rounded()
    low, is_known = _left_over(column, high, same)
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


def _left_over(column: Column, high: Array, same: Flags) -> tuple[Array, Flags]:
    """Return ``x - high`` to ``2**-102`` of x, and where that is known.

    ``x = m 2**a / 5**k``, so that it is ``(m - h 5**k) 2**a / 5**k`` with
    ``h = high 2**-a``; m is two floats, and the product has an error that is one.
    """
    low, is_known = np.zeros(len(column)), same.copy()
    is_tame = (np.abs(high) > _SMALL) & (np.abs(high) < _LARGE)
    places = np.flatnonzero(~same & is_tame)
    if not places.size or column.divisor > 1 or column.mantissas.dtype == object:
        return low, is_known
    part, near = column[places], high[places]
    k = np.zeros(places.size, np.int32) if part.fives is None else -part.fives
    m, a = part.mantissas, part.twos
    fives = 5.0 ** np.clip(k, 0, _FIVES)
    h = np.ldexp(near, -a)
    product, error = _product(h, fives)
    # 53 bits and 10, of the size: the product is near the first part, or the first part
    # is 0 and the product near the other, and so the first difference is exact
    size, sign = np.abs(m), np.where(m < 0, -1.0, 1.0)
    upper, lower = sign * (size >> 10 << 10), sign * (size & 1023)
    low[places] = np.ldexp((((upper - product) + lower) - error) / fives, a)
    is_known[places] = (k >= 0) & (k <= _FIVES)
    return low, is_known


def _quotient(
    high: Array, low: Array, same: Flags, c: float, s: float
) -> tuple[Array, Flags, Flags]:
    """Return q, whether it is surely the nearest float, and whether it is z."""
    # x - c = d + e + low
    d = high - c
    back = d - high
    e = (high - (d - back)) + (-c - back)
    q = (d + (e + low)) / s
    p, error = _product(q, s)
    q = q + (((d - p) + (e - error)) + low) / s
    p, error = _product(q, s)
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


def _product(a: Array, b: Array | float) -> tuple[Array, Array]:
    """Return the product of floats, and the float that it lacks (Dekker)."""
    p = a * b
    a_high, b_high = (_SPLITTER * x - (_SPLITTER * x - x) for x in (a, b))
    a_low, b_low = a - a_high, b - b_high
    error = a_low * b_low - (((p - a_high * b_high) - a_low * b_high) - a_high * b_low)
    return p, np.asarray(error)


def _float(value: Fraction | int) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
