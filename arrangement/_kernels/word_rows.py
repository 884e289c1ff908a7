"""Rows of machine words as floats, as they are and in other coordinates.

A matrix is ``m 2**twos``, column by column (see `rows`), of integers.
"""

from __future__ import annotations

from arrangement._kernels.compile import bare_forced, bare_kernel
from arrangement._kernels.powers import times_power

# Dekker's splitter: halves of 26 bits
_SPLITTER = 2.0**27 + 1.0
# mantissas that are float64, and exponents with which no product overflows
_LONGEST, _HIGHEST = 2**53, 400


@bare_kernel
def word_floats(m, twos, out):
    """Round every entry once, to ``out`` (n, d); whether all are below ``2**1000``."""
    is_finite = True
    for k in range(m.shape[0]):
        for i in range(m.shape[1]):
            out[i, k] = times_power(float(m[k, i]), twos[k, i])
            is_finite &= abs(out[i, k]) < 2.0**1000
    return is_finite


@bare_kernel
def column_peaks(rows, peaks):
    """Write the largest sizes in the columns of ``rows`` (n, d) to ``peaks`` (d,)."""
    for k in range(peaks.size):
        peaks[k] = 0.0
    for i in range(rows.shape[0]):
        for k in range(peaks.size):
            peaks[k] = max(peaks[k], abs(rows[i, k]))


@bare_kernel
def turned_floats(m, twos, high, low, out, doubtful):
    """Products of integer rows (d, n) and a matrix, rounded once, to ``out`` (n, k).

    The matrix (d, k) is ``high + low``, integers below ``2**400``; both are float64.
    ``doubtful`` (n,) int64 gets the rows of which not all are sure to be the nearest
    floats; their number is returned, or -1 where entries of ``m`` are no floats.

    With u = 2**-53, products of the high parts are exact in two floats (Dekker 1971),
    those of the low ones off by u of themselves, at most u**2 of the others.  The sum
    of the high products is exact in d floats more (two sums; Knuth), of which each, and
    each sum of them, is at most ``d u`` of the sum of sizes and rounded by u: in all
    less than ``4 d**2 u**2`` of it.
    """
    count = 0
    width = m.shape[0]
    for k in range(width):
        for i in range(m.shape[1]):
            if abs(m[k, i]) > _LONGEST or twos[k, i] > _HIGHEST:
                return -1
    unit = 8.0 * width * width * 2.0**-106
    for i in range(m.shape[1]):
        is_sure = True
        for j in range(high.shape[1]):
            total, rest, size = 0.0, 0.0, 0.0
            for k in range(width):
                x = times_power(float(m[k, i]), twos[k, i])
                product, error = _two_product(x, high[k, j])
                total, missing = _two_sum(total, product)
                rest += missing + (error + x * low[k, j])
                size += abs(product)
            value, rest = _two_sum(total, rest)
            bound = unit * size
            out[i, j] = value
            is_sure &= value + (rest + bound) == value + (rest - bound)
        if not is_sure:
            doubtful[count] = i
            count += 1
    return count


@bare_forced
def _two_sum(a, b):
    """Return the rounded sum and its error."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


@bare_forced
def _two_product(a, b):
    """Return the rounded product and its error."""
    product = a * b
    a_high = _SPLITTER * a - (_SPLITTER * a - a)
    b_high = _SPLITTER * b - (_SPLITTER * b - b)
    a_low, b_low = a - a_high, b - b_high
    error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + (
        a_low * b_low
    )
    return product, error
