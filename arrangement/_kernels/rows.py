"""Exact numbers of one machine word each: reading, primitive rows, classes, pivots.

A matrix is ``m 2**twos``, column by column: ``m`` (d, n) int64, each odd or 0, and
``twos`` (d, n) int32, 0 where m is (see `exact.columns`).  What NumPy does in a hundred
passes over short arrays is one call here, so that small matrices cost next to nothing.
"""

from __future__ import annotations

import numpy as np

from arrangement._kernels.bits import ONE, ZERO, lowest
from arrangement._kernels.compile import bare_forced, bare_kernel
from arrangement._kernels.powers import exponent_of, times_power

# the unit round-off, and fields of a float64
U = 2.0**-53
_FRACTION = (1 << 52) - 1
_EXPONENTS = (1 << 11) - 1
# multipliers of the hash: the golden ratio, and a mixer of Steele, Lea & Flood
_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xBF58476D1CE4E5B9)
_HALF = np.uint64(32)
# above every exponent
_NONE = 2**30
DOUBT = 2


@bare_kernel
def split_floats(bits, m, twos):
    """Write floats, whose ``bits`` (d, n) int64 are given; False if one is not finite.

    The smallest bit of a float64 is ``2**-1074``, that of its fraction 52 below the
    exponent, which is stored plus 1023.
    """
    for k in range(bits.shape[0]):
        for i in range(bits.shape[1]):
            value = bits[k, i]
            number = value & _FRACTION
            exponent = (value >> 52) & _EXPONENTS
            if exponent == _EXPONENTS:
                return False
            if exponent > 0:
                number |= 1 << 52
                exponent -= 1
            if number == 0:
                m[k, i] = 0
                twos[k, i] = 0
                continue
            low = lowest(np.uint64(number))
            number >>= low
            m[k, i] = -number if value < 0 else number
            twos[k, i] = exponent - 1074 + low
    return True


@bare_kernel
def split_integers(values, m, twos):
    """Write integers (d, n) int64."""
    for k in range(values.shape[0]):
        for i in range(values.shape[1]):
            value = values[k, i]
            m[k, i] = value
            twos[k, i] = 0
            if value != 0:
                # that of -2**63 is the sign
                bit = value & -value
                low = 63 if bit < 0 else lowest(np.uint64(bit))
                m[k, i] = value >> low
                twos[k, i] = low


@bare_kernel
def group_rows(m, twos, width, divisors, lows, class_of, orientation, constant, first,
               table):  # fmt: skip
    """Make columns and then rows primitive, in place; return the number of classes.

    The first ``width`` columns are divided by their gcd ``divisors * 2**lows`` (d,)
    int64, divisor 0 where all is zero; then each row by its own, so that equal rows
    have equal entries.  Of each row the class, in the order of their ``first`` rows,
    and -1 where the first ``width`` entries are zero; whether it is a positive multiple
    of the first row of its class (``orientation`` 1 or -1); and where it has no class
    the sign of its last entry, if there is one after ``width``, as ``constant``, which
    is -1 for the others.  ``table``: a power of two of int64, twice the rows or more.
    """
    _scale_columns(m, twos, width, divisors, lows)
    for slot in range(table.size):
        table[slot] = -1
    count = 0
    for i in range(m.shape[1]):
        _scale_row(m, twos, i)
        sign = _lead(m, i)
        orientation[i] = 1
        constant[i] = -1
        class_of[i] = -1
        is_moving = False
        for k in range(width):
            is_moving |= m[k, i] != 0
        if not is_moving:
            constant[i] = sign
            continue
        slot = _slot(m, twos, i, sign, first, table)
        if table[slot] < 0:
            table[slot] = count
            first[count] = i
            count += 1
        class_of[i] = table[slot]
        orientation[i] = sign * _lead(m, first[table[slot]])
    return count


@bare_forced
def _scale_columns(m, twos, width, divisors, lows):
    """Divide each of the first columns by its gcd."""
    for k in range(width):
        divisor = ZERO
        low = _NONE
        for i in range(m.shape[1]):
            if m[k, i] != 0:
                low = min(low, twos[k, i])
                if divisor != ONE:
                    divisor = odd_gcd(divisor, np.uint64(abs(m[k, i])))
        divisors[k] = np.int64(divisor)
        lows[k] = low
        for i in range(m.shape[1]):
            if m[k, i] != 0:
                twos[k, i] -= low
                if divisor != ONE:
                    m[k, i] = m[k, i] // np.int64(divisor)


@bare_forced
def _scale_row(m, twos, i):
    """Divide a row by its gcd."""
    divisor = ZERO
    low = _NONE
    for k in range(m.shape[0]):
        if m[k, i] != 0:
            low = min(low, twos[k, i])
            if divisor != ONE:
                divisor = odd_gcd(divisor, np.uint64(abs(m[k, i])))
    for k in range(m.shape[0]):
        if m[k, i] != 0:
            twos[k, i] -= low
            if divisor != ONE:
                m[k, i] = m[k, i] // np.int64(divisor)


@bare_forced
def odd_gcd(a, b):
    """Greatest common divisor of two uint64, each odd or 0."""
    if a == ZERO:
        return b
    while b != ZERO:
        least = min(a, b)
        b = max(a, b) - least
        a = least
        if b != ZERO:
            b >>= np.uint64(lowest(b))
    return a


@bare_forced
def _lead(m, i):
    """Sign of the first entry of a row that is not zero, or 0."""
    for k in range(m.shape[0]):
        if m[k, i] != 0:
            return 1 if m[k, i] > 0 else -1
    return 0


@bare_forced
def _slot(m, twos, i, sign, first, table):
    """Find where the class of a row is in the table, or where it is to be entered."""
    key = ZERO
    for k in range(m.shape[0]):
        key = (key ^ np.uint64(abs(m[k, i]))) * _STEP
        key ^= key >> _HALF
        key = (key + (ONE if m[k, i] * sign < 0 else ZERO)) * _MIX
        key = (key ^ np.uint64(twos[k, i])) * _STEP
        key ^= key >> _HALF
    last = table.size - 1
    slot = np.int64(key & np.uint64(last))
    while table[slot] >= 0:
        other = first[table[slot]]
        side = sign * _lead(m, other)
        is_same = True
        for k in range(m.shape[0]):
            is_same &= m[k, i] == side * m[k, other] and twos[k, i] == twos[k, other]
        if is_same:
            break
        slot = (slot + 1) & last
    return slot


@bare_kernel
def whole_numbers(m, twos, out):
    """Write ``m << twos`` to ``out`` (d, n) int64; return how many are 2**62 and more.

    ``out`` is ``-2**63`` for these.
    """
    count = 0
    for k in range(m.shape[0]):
        for i in range(m.shape[1]):
            two = twos[k, i]
            if two <= 62 and abs(m[k, i]) >> (62 - two) == 0:
                out[k, i] = m[k, i] << two
            else:
                out[k, i] = -(2**63)
                count += 1
    return count


@bare_kernel
def eliminate(m, twos, prime, work, order, pivots):
    """Pivots of the first rows modulo a prime below 2**31; return how many there are.

    ``work`` (rows, d) int64 is overwritten; so many rows are taken.  ``pivots``
    (rows,) are the columns that do not depend on those before them modulo the prime,
    ``order[j]`` (rows,) the row of pivot j.
    """
    n_rows, width = work.shape
    for i in range(n_rows):
        order[i] = i
        for k in range(width):
            two = power(np.int64(2), np.int64(twos[k, i]), prime)
            work[i, k] = m[k, i] % prime * two % prime
    top = 0
    for column in range(width):
        if top == n_rows:
            break
        place = top
        while place < n_rows and work[place, column] == 0:
            place += 1
        if place == n_rows:
            continue
        order[top], order[place] = order[place], order[top]
        inverse = power(work[place, column], prime - 2, prime)
        for k in range(column, width):
            value = work[place, k] * inverse % prime
            work[place, k] = work[top, k]
            work[top, k] = value
        for i in range(top + 1, n_rows):
            factor = work[i, column]
            if factor != 0:
                for k in range(column, width):
                    work[i, k] = (work[i, k] - factor * work[top, k] % prime) % prime
        pivots[top] = column
        top += 1
    return top


@bare_forced
def power(base, exponent, prime):
    """``base**exponent`` modulo a prime below 2**31."""
    result = np.int64(1)
    square = np.int64(base)
    while exponent > 0:
        if exponent & 1:
            result = result * square % prime
        square = square * square % prime
        exponent >>= 1
    return result


@bare_kernel
def scale_rows(floats, shifts, out):
    """Write ``floats`` (n, r) over ``2**shifts`` (r,), rows to peak in [1/2, 1).

    But for underflow, scaling is exact.
    """
    for i in range(floats.shape[0]):
        scale_row(floats, i, shifts, out, i)


@bare_kernel
def scale_columns(floats, shifts, places, out):
    """Write the rows of `scale_rows` to columns ``places`` (n,) of ``out`` (r, .)."""
    across = out.T
    for i in range(floats.shape[0]):
        scale_row(floats, i, shifts, across, places[i])


@bare_forced
def scale_row(floats, i, shifts, out, place):
    """Write a row of floats over ``2**shifts``, to peak in [1/2, 1)."""
    peak = -(1 << 40)
    for k in range(shifts.size):
        if floats[i, k] != 0.0:
            peak = max(peak, exponent_of(floats[i, k]) - shifts[k])
    for k in range(shifts.size):
        # beyond that everything is zero or, never, infinite
        move = min(max(-shifts[k] - peak, -(1 << 30)), 1 << 30)
        out[place, k] = times_power(floats[i, k], move) if floats[i, k] != 0.0 else 0.0


@bare_kernel
def product_signs(rows, vectors, signs):
    """Signs (k, n) int8 of the products of ``rows`` (n, .) and ``vectors`` (k, .).

    Both are float64, of the first r entries, r the columns of ``vectors``: each within
    u of the true one relatively or, below 2**-1000, with an error below 2**-1073.
    DOUBT where that leaves one.
    """
    width = vectors.shape[1]
    for j in range(vectors.shape[0]):
        for i in range(rows.shape[0]):
            signs[j, i] = product_sign(rows, i, vectors, j, width)


@bare_forced
def product_sign(rows, i, vectors, j, width):
    """Sign of one product, or DOUBT, without a branch: half of them would be missed.

    A sum of r products is off by at most ``(r + 3) u`` of that of their sizes and
    2**-1000, where sizes are at most 2 and r below 2**50.
    """
    total = 0.0
    size = 0.0
    for k in range(width):
        product = rows[i, k] * vectors[j, k]
        total += product
        size += abs(product)
    bound = (width + 4) * U * size + 2.0**-1000
    plus, minus = np.int64(total > bound), np.int64(total < -bound)
    return plus - minus + DOUBT * (1 - plus - minus)


@bare_kernel
def lay_out(near, shifts, rays, places, rows, base, signs, masks, slack):
    """Scale rows to their places and rays, and find the signs of all rows at all rays.

    ``near`` (n, r) and ``rays`` (r, r) are the integers, each rounded once; ``rows``
    (places, r + 1) gets ``near`` over ``2**shifts`` and the 1-norms times ``slack``,
    ``base`` (r, .) gets ``rays`` times ``2**shifts``, each row to peak in [1/2, 1).
    ``signs`` (r, n) int8 are those of `product_signs`, and ``masks`` (r, 2 n_words), 0
    before, get the bits of the rows that are positive, and of those negative.  Returns
    how many are in doubt.
    """
    n_rows, width = near.shape
    half = masks.shape[1] // 2
    for k in range(width):
        shifts[k] = -shifts[k]
    for j in range(width):
        scale_row(rays, j, shifts, base, j)
    for k in range(width):
        shifts[k] = -shifts[k]
    count = 0
    for i in range(n_rows):
        place = places[i]
        scale_row(near, i, shifts, rows, place)
        norm = 0.0
        for k in range(width):
            norm += abs(rows[place, k])
        rows[place, width] = norm * slack
        flag = ONE << np.uint64(place & 63)
        for j in range(width):
            sign = product_sign(rows, place, base, j, width)
            signs[j, i] = sign
            masks[j, place >> 6] |= flag * np.uint64(sign == 1)
            masks[j, half + (place >> 6)] |= flag * np.uint64(sign == -1)
            count += np.int64(sign == DOUBT)
    return count


@bare_kernel
def set_bits(places, mask):
    """Set the bits of places in a mask (words,) uint64."""
    for i in range(places.size):
        mask[places[i] >> 6] |= ONE << np.uint64(places[i] & 63)


@bare_kernel
def fixed_bits(class_of, constant_signs, moving, constant):
    """Set the bits of rows with a class, and of rows without one that are always 1.

    As `group_rows` gives them; ``moving`` and ``constant`` (words,) uint64, 0 before.
    """
    for i in range(class_of.size):
        flag = ONE << np.uint64(i & 63)
        if class_of[i] >= 0:
            moving[i >> 6] |= flag
        elif constant_signs[i] >= 0:
            constant[i >> 6] |= flag
