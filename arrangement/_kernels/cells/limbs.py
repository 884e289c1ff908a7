"""Fixed-width integers of many words, for determinants that overflow int64.

A number is ``(n_words,)`` uint64 holding base-2**32 digits, least significant
first, in two's complement over ``32 * n_words`` bits.  All arithmetic is modulo
``2**(32 * n_words)``: sums may wrap on the way, and the result is right whenever
the true result fits, which the caller proves with Hadamard's bound.  Base 2**32 in
64-bit words keeps every product plus two carries below 2**64:
``(2**32 - 1)**2 + 2 * (2**32 - 1) = 2**64 - 1``.

A matrix entry is sign and magnitude: ``(n_digits + 1,)`` uint64, the last word 1
when negative.
"""

from __future__ import annotations

import math

import numpy as np

from arrangement._kernels.compile import bare_inner

ZERO = np.uint64(0)
ONE = np.uint64(1)
MASK = np.uint64(0xFFFFFFFF)
SHIFT = np.uint64(32)
TOP = np.uint64(31)


@bare_inner
def clear(a):
    """Set ``a`` to zero."""
    for k in range(a.size):
        a[k] = ZERO


@bare_inner
def is_negative(a):
    """Whether the two's complement number is negative."""
    return (a[a.size - 1] >> TOP) & ONE == ONE


@bare_inner
def sign(a):
    """Return -1, 0 or 1."""
    if is_negative(a):
        return -1
    for k in range(a.size):
        if a[k] != ZERO:
            return 1
    return 0


@bare_inner
def negate(a):
    """Replace ``a`` by ``-a``."""
    carry = ONE
    for k in range(a.size):
        digit = (a[k] ^ MASK) + carry
        a[k] = digit & MASK
        carry = digit >> SHIFT


@bare_inner
def add_product(accumulator, entry, factor, flip):
    """Add ``entry * factor`` to ``accumulator``, or subtract it when ``flip``.

    ``entry`` is sign and magnitude, ``factor`` two's complement of the width of
    ``accumulator``; both are unchanged.
    """
    n = accumulator.size
    n_digits = entry.size - 1
    subtract = (entry[n_digits] == ONE) != flip
    for i in range(n_digits):
        digit = entry[i]
        if digit == ZERO:
            continue
        carry = ZERO
        for j in range(n - i):
            product = digit * factor[j] + carry
            low = product & MASK
            carry = product >> SHIFT
            k = i + j
            if subtract:
                difference = accumulator[k] - low
                # a borrow wraps to the top half of the 64-bit word
                carry += difference >> np.uint64(63)
                accumulator[k] = difference & MASK
            else:
                total = accumulator[k] + low
                carry += total >> SHIFT
                accumulator[k] = total & MASK


@bare_inner
def exponent(a, scratch):
    """Return e with ``2**(e-1) <= |a| < 2**e``, 0 for zero; scratch gets ``|a|``."""
    for k in range(a.size):
        scratch[k] = a[k]
    if is_negative(a):
        negate(scratch)
    for k in range(a.size - 1, -1, -1):
        word = scratch[k]
        if word != ZERO:
            bits = 0
            while word != ZERO:
                word >>= ONE
                bits += 1
            return 32 * k + bits
    return 0


@bare_inner
def scaled_float(a, scratch, shift):
    """Return ``a * 2**shift`` with relative error below 4 * 2**-53 (or underflow).

    The top three digits hold at least 65 significant bits; what lies below changes
    the value by less than 2**-64 relative, and three roundings follow.
    """
    bits = exponent(a, scratch)
    if bits == 0:
        return 0.0
    top = (bits - 1) // 32
    value = 0.0
    for k in range(top, max(top - 3, -1), -1):
        value = value * 4294967296.0 + np.float64(scratch[k])
    value = math.ldexp(value, int(32 * max(top - 2, 0) + shift))
    return -value if is_negative(a) else value
