"""Powers of two: `math.frexp` and `math.ldexp` without a call of the C library each."""

from __future__ import annotations

import math

import numpy as np
from numba.extending import register_jitable

# exponents of powers of two that are normal floats
_LOWEST, _HIGHEST = -1022, 1023


@register_jitable(forceinline=True, _nrt=False)
def exponent_of(x):
    """Exponent e of a finite float64, ``2**(e - 1) <= abs(x) < 2**e``; 0 of 0."""
    biased = np.float64(x).view(np.int64) >> 52 & 0x7FF
    # a subnormal number has none of its own
    return biased - 1022 if biased != 0 else np.int64(math.frexp(x)[1])


@register_jitable(forceinline=True, _nrt=False)
def times_power(x, exponent):
    """``x 2**exponent``, rounded once where it is subnormal."""
    if exponent < _LOWEST or exponent > _HIGHEST:
        return math.ldexp(x, int(exponent))
    biased = np.int64(exponent) + 1023
    return x * np.int64(biased << 52).view(np.float64)
