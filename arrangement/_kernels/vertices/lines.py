"""All chambers along one line at once, where the order of its rows is certain.

From one vertex to the next on a line the sign of one row changes, so that the patterns
of a line are one pattern that is carried along and written where a vertex has its
place: no row is compared with any other but the next.

The order is found from floats that need not be right, and certified: of each two rows
one after another the second has, where the first crosses, a value beyond the bound of
its error and the sign that it has before it crosses itself.  So the true crossings of
neighbours rise, and with them all.
"""

from __future__ import annotations

import numpy as np

from arrangement._kernels.bits import ONE, ZERO
from arrangement._kernels.compile import bare_forced
from arrangement._kernels.sorting import sort_fractions
from arrangement._kernels.state import (
    DOUBTED,
    LAST,
    N_EMITTED,
    OPEN,
    ORDER,
    ORDERED,
    STEP,
)

U = 2.0**-53

# bounds at each depth
E, M, E0, M0 = range(4)

# columns of ``copies``
SOURCE, TARGET, ROTATE, MASK, TURNED = range(5)

# words compared in the time in which a row is put in order, and carried on
_ORDERING, _CARRYING = 5, 1
# words of a pattern: shorter ones are written faster one after another
_LEAST_WORDS = 32


@bare_forced
def value_bound(bounds, size, a, b):
    """Bound of the error of values at the vertex of the row with slope a, height b."""
    off, off0 = bounds[size, E], bounds[size, E0]
    most, most0 = bounds[size, M], bounds[size, M0]
    base = 1.01 * (off * most0 + off0 * most + 2.0 * off * off0)
    slope = 1.01 * (off0 + 3.0 * U * most0)
    height = 1.01 * (off + 3.0 * U * most)
    return abs(a) * slope + abs(b) * height + base + 2.0**-1000  # for underflow


@bare_forced
def turn_sides(chart, prefix, sides, place, is_turned, rows, k):
    """Turn the bits of the rows at a vertex that `signs_at_vertex` left to do."""
    word, shift = place >> 6, np.uint64(place & 63)
    if is_turned:
        rows[k, word] ^= ONE << shift
        rows[k + 1, word] ^= ONE << shift
    for s in range(prefix.size):
        row = chart.free[prefix[s]]
        bit = ((sides[s, word] >> shift) & ONE) << np.uint64(row & 63)
        rows[k, row >> 6] ^= bit
        rows[k + 1, row >> 6] ^= bit


@bare_forced
def copy_bits(copies, patterns, k):
    """Write the bits of rows parallel to others, in row k and in its antipode."""
    for t in range(copies.shape[0]):
        left = copies[t, ROTATE]
        word = patterns[k, np.int64(copies[t, SOURCE])]
        word = (word << left) | (word >> ((np.uint64(64) - left) & np.uint64(63)))
        bits = (word ^ copies[t, TURNED]) & copies[t, MASK]
        target = np.int64(copies[t, TARGET])
        patterns[k, target] ^= bits
        patterns[k + 1, target] ^= bits


@bare_forced
def write_basis(prefix, free, place, signs, basis, sides):
    """Write the rows at a vertex and, if asked for, their signs in its chamber."""
    size = prefix.size
    for s in range(size + 1):
        row = free[prefix[s]] if s < size else place
        basis[s] = row
        if sides.size > 0:
            is_plus = (signs[row >> 6] >> np.uint64(row & 63)) & ONE != ZERO
            sides[s] = 1.0 if is_plus else -1.0


@bare_forced
def is_ordered(chart, path, line, count):
    """Whether the order of the rows along the line is known, or worth finding out.

    ``count`` vertices of the line are to be written.
    """
    control, n_free = path.control, chart.free.size
    if line.others.size < _LEAST_WORDS:
        return False
    words = count * line.others.size
    if control[ORDER] == OPEN and words > _ORDERING * n_free:
        is_known = find_order(chart, path, line) and is_certain(chart, path, line)
        control[ORDER] = ORDERED if is_known else DOUBTED
    if control[ORDER] != ORDERED or words <= _CARRYING * n_free:
        return False
    missing = ZERO
    for w in range(line.others.size):
        missing |= line.others[w] & ~line.known[w]
    return missing == ZERO


@bare_forced
def find_order(chart, path, line):
    """Order the others along the line, in floats; False in doubt."""
    coords, free = path.coords, chart.free
    size = coords.shape[0] - 1
    off = path.bounds[size, E]
    for i in range(free.size):
        place = free[i]
        a, b = coords[size, 1, place], coords[size, 0, place]
        if (line.others[place >> 6] >> np.uint64(place & 63)) & ONE == ZERO:
            # the rows of the prefix come last
            line.fractions[i] = 2.0
        elif abs(a) > off:
            line.fractions[i] = (b if a < 0.0 else -b) / (abs(a) + abs(b))
        else:
            return False
    return sort_fractions(line.fractions, line.buckets, line.ends, line.order)


@bare_forced
def is_certain(chart, path, line):
    """Whether the others cross the line in this order, without doubt.

    All slopes are above the bound of their error.
    """
    coords, free, order = path.coords, chart.free, line.order
    size = coords.shape[0] - 1
    place = free[order[0]]
    for i in range(1, free.size - path.prefix.size):
        a, b = coords[size, 1, place], coords[size, 0, place]
        bound = value_bound(path.bounds, size, a, b)
        p, q = -b if a > 0.0 else b, abs(a)
        place = free[order[i]]
        slope = coords[size, 1, place]
        value = slope * p + coords[size, 0, place] * q
        if not (value > bound if slope < 0.0 else value < -bound):
            return False
    return True


@bare_forced
def write_line(chart, path, line, is_turned, end, simple):
    """Write the chambers of an ordered line, from the row LAST on up to ``end``."""
    control, prefix, free = path.control, path.prefix, chart.free
    patterns, signs = simple.patterns, line.union[0]
    begin, first, step = control[LAST], control[N_EMITTED], control[STEP]
    for w in range(signs.size):
        signs[w] = (line.negative[w] & line.others[w]) | chart.base[w]
    for i in range(free.size - prefix.size):
        last = line.order[i]
        place = free[last]
        if begin <= last < end:
            k = first + step * (last - begin)
            pattern, antipode, flips = patterns[k], patterns[k + 1], chart.flips
            # one loop for both takes half as long again
            for w in range(signs.size):
                pattern[w] = signs[w]
            for w in range(signs.size):
                antipode[w] = signs[w] ^ flips[w]
            turn_sides(chart, prefix, line.sides, place, is_turned, patterns, k)
            if simple.bases.shape[0] > 0:
                at = k // step
                write_basis(
                    prefix, free, place, patterns[k], simple.bases[at], simple.sides[at]
                )
            copy_bits(chart.copies, patterns, k)
        signs[place >> 6] ^= ONE << np.uint64(place & 63)
    control[N_EMITTED] = first + step * (end - begin)
    control[LAST] = end
