"""Machine words times powers of five, in float64 and rounded to nearest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from arrangement.exact.floats import exact_product

# Integers up to this size, times a power of two, are float64; 5**22 is the last power
# of five that is one.
FLOAT_MANTISSA = 2**53
FLOAT_FIVES = 22
# 5**27 is the last power of five in a machine word.
_FIVES = np.array([5**k for k in range(28)], dtype=np.int64)


def power_of_five(powers: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return powers of five; of those beyond the largest machine word, that one."""
    return _FIVES[np.minimum(powers, _FIVES.size - 1)]


def times_fives(
    m: NDArray[np.int64], powers: NDArray[np.int32]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return ``m 5**powers`` in float64, and where that is surely the nearest float.

    A product or quotient of two floats is rounded once.  A quotient of a longer m is
    corrected by what it lacks of it, and is the nearest float if it then lacks less
    than half the distance to the next one: all but some 2**-40 of them.
    """
    size, count = np.abs(m), np.abs(powers)
    factor = power_of_five(count).astype(np.float64)
    part = m.astype(np.float64)
    is_short = size <= FLOAT_MANTISSA
    once = (powers == 0) | (is_short & (count <= FLOAT_FIVES))
    part = np.where(powers < 0, part / factor, part * factor)
    places = np.flatnonzero(~once & (powers < 0) & (count <= FLOAT_FIVES))
    if places.size:
        long, fives = m[places], factor[places]
        q = part[places]
        q = q + missing(long, q, fives)
        rest = missing(long, q, fives)
        gap = np.abs(np.nextafter(q, np.where(rest > 0.0, np.inf, -np.inf)) - q)
        part[places] = q
        once[places] = np.abs(rest) + 2.0**-95 * np.abs(q) < gap * (0.5 - 2.0**-40)
    return part, once


def missing(
    m: NDArray[np.int64], q: NDArray[np.float64], fives: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return ``m / fives - q`` to ``2**-102`` of q, which is within some ulps of it."""
    product, error = exact_product(q, fives)
    # m in 53 bits and 10, of its size: the product is near the first part, or that is
    # 0 and the product near the other, and so the first difference is exact
    size, sign = np.abs(m), np.where(m < 0, -1.0, 1.0)
    upper, lower = sign * (size >> 10 << 10), sign * (size & 1023)
    return np.asarray((((upper - product) + lower) - error) / fives)
