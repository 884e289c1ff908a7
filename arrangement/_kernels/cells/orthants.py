"""Whether the cone of the values of a few rows at the rays of a cell meets an orthant.

Turned by the signs that are asked for, the values at ray t are the entries of u_t.  The
signs occur just if some sum ``w . u`` of these with w >= 0 has all entries above 0; or
else some y >= 0, not 0, has ``y . u_t <= 0`` for all t (Gordan 1873).  So the value of
the matrix game with the entries of u_t tells: the greatest height z with

    w . u - m = (z, .., z),  sum of w = 1,  w >= 0,  m >= 0

over the rays where not all rows vanish.  The simplex method goes there, with the
inverse of the basis, which is a vector for each row and one for z.  The multipliers of
a basis are y; the next ray is one where ``y . u_t`` is highest.  It ends as soon as w
or y shows what is asked, which takes few steps.  Loops over rows are unrolled: those
that are not asked for have weight 0.

How y and w are found need not be exact, as no sign hangs on it: any that are not below
0 and show it will do.  That is checked in floats with a bound: an entry of u_t is at
most 1, and off by at most ``error``.
"""

from __future__ import annotations

import numpy as np

from arrangement._kernels.bits import ONE, ZERO
from arrangement._kernels.compile import bare_forced, bare_inner
from arrangement._kernels.state import BASIS, LAST_ROWS

# what a test of signs finds
MET, OPEN, MISSING = 1, 0, -1
# more than all roundings of a sum of some products of numbers up to 1, relative
SLACK = 2.0**-46
# coordinates and prices from here on are above 0
_LEAST = 2.0**-40
# most often two or three
_STEPS = 24
# the lowest bits of a float give way to the position of a ray
_POSITION = np.int64(0xFFFF)
_SIZE = np.int64(0x7FFFFFFFFFFFFFFF)


@bare_forced
def padded(count):
    """Round a number of rays up to whole vectors: past the last all rows vanish.

    Lists have room for that, as their length is a multiple of 64.
    """
    return (count + 31) & ~31


@bare_forced
def weighted(cut, t):
    """Sum of the rows with the weights at a ray."""
    w, near = cut.weights, cut.near
    one = w[0] * near[0, t] + w[1] * near[1, t] + w[2] * near[2, t]
    return one + w[3] * near[3, t] + w[4] * near[4, t] + w[5] * near[5, t]


@bare_forced
def excess_at(cut, t, height):
    """Sum of the rows with the weights at a ray, less the height if not all vanish."""
    return weighted(cut, t) - height * cut.present[t]


@bare_forced
def steepest(cut, count, height):
    """Return the ray of largest excess, or one of nearly as much.

    Floats are ordered as their bits, where those of negative ones are turned.
    """
    best = ~_SIZE
    for t in range(count):
        bits = np.float64(excess_at(cut, t, height)).view(np.int64)
        bits ^= (bits >> 63) & _SIZE
        best = max(best, bits & ~_POSITION | t)
    return best & _POSITION


@bare_forced
def is_below(cut, count, error):
    """Whether the sum of the rows with the weights is below 0 where not all vanish."""
    size = 0.0
    for b in range(LAST_ROWS):
        size += abs(cut.weights[b])
    limit = -1.01 * size * (error + SLACK)
    n_right = np.int64(0)
    for t in range(count):
        n_right += np.int64((weighted(cut, t) < limit) | (cut.present[t] == 0.0))
    return n_right == count


@bare_forced
def begin(cut, count, some, signs, error):
    """Start with the ray that is highest on average; whether none is above 0.

    The basis is that ray, z, and m but for the lowest of its entries.
    """
    inverse, turn = cut.inverse, cut.turn
    for b in range(LAST_ROWS):
        side = np.float64(some >> b & 1) * (1.0 - 2.0 * np.float64(signs >> b & 1))
        turn[b] = side
        cut.weights[b] = side
    for t in range(count):
        here = cut.signs[t]
        cut.present[t] = np.float64((here | here >> 8) & some != 0)
    t = steepest(cut, count, -2.0 * LAST_ROWS)
    if weighted(cut, t) < 0.0 and is_below(cut, count, error):
        return True
    low, least = 0, 2.0
    for b in range(LAST_ROWS):
        value = turn[b] * cut.near[b, t]
        if turn[b] != 0.0 and value < least:
            low, least = b, value
    for i in range(BASIS):
        cut.basis[i] = -1
        for c in range(LAST_ROWS):
            inverse[c, i] = 0.0
    for b in range(LAST_ROWS):
        flag = abs(turn[b])
        inverse[b, 1 + b] = -flag
        inverse[low, 1 + b] = flag
        inverse[LAST_ROWS, 1 + b] = turn[b] * cut.near[b, t] - flag * least
    inverse[low, 0] = -1.0
    inverse[low, 1 + low] = 0.0
    inverse[LAST_ROWS, 0] = least
    inverse[LAST_ROWS, 1 + low] = 1.0
    cut.basis[1 + low] = t
    return False


@bare_forced
def part_shown(cut, k, some, error):
    """Whether ``w . u`` has the signs that are asked for, and its part, if known.

    Notes from which rays that is shown, and w.
    """
    inverse, basis, total = cut.inverse, cut.basis, cut.step
    for b in range(LAST_ROWS):
        total[b] = 0.0
    size = 0.0
    for i in range(1, LAST_ROWS + 1):
        if basis[i] >= 0:
            share = max(inverse[LAST_ROWS, i], 0.0)
            size += share
            for b in range(LAST_ROWS):
                total[b] += share * cut.near[b, basis[i]]
    bound = 1.01 * size * (error + SLACK)
    is_known, number = True, np.int64(0)
    for b in range(k):
        value = total[b]
        if some >> b & 1 and not value * cut.turn[b] > bound:
            return False, ZERO
        is_known &= abs(value) > bound
        number |= np.int64(value < 0.0) << b
    if not is_known:
        return True, ZERO
    for i in range(LAST_ROWS):
        cut.corners[number, i] = basis[1 + i]
        cut.shares[number, i] = max(inverse[LAST_ROWS, 1 + i], 0.0)
    return True, ONE << np.uint64(number)


@bare_forced
def exchange(cut):
    """Take a vector with the coordinates ``step`` into the basis: its place, or 0."""
    inverse, step = cut.inverse, cut.step
    out, share, fall = 0, 1.0, 0.0
    for i in range(1, LAST_ROWS + 1):
        if step[i] > _LEAST and inverse[LAST_ROWS, i] * fall < share * step[i]:
            out, share, fall = i, inverse[LAST_ROWS, i], step[i]
    if out == 0:
        return 0
    scale = 1.0 / fall
    for c in range(LAST_ROWS + 1):
        share = inverse[c, out] * scale
        for i in range(BASIS):
            inverse[c, i] -= share * step[i]
        inverse[c, out] = share
    return out


@bare_forced
def enter_ray(cut, t):
    """Find the coordinates of a ray by the basis."""
    inverse, step = cut.inverse, cut.step
    for i in range(BASIS):
        step[i] = inverse[LAST_ROWS, i]
    for b in range(LAST_ROWS):
        value = cut.turn[b] * cut.near[b, t]
        for i in range(BASIS):
            step[i] += value * inverse[b, i]


@bare_inner
def test_signs(cut, count, k, error, some, signs):
    """Whether rows ``some`` have signs anywhere, by bits: MET, MISSING or OPEN.

    And a part of all rows that is met, if one is known.  ``signs`` are the negative
    ones.
    """
    if begin(cut, count, some, signs, error):
        return MISSING, ZERO
    inverse, step = cut.inverse, cut.step
    for _ in range(_STEPS):
        height = inverse[LAST_ROWS, 0]
        if height > SLACK:
            is_met, part = part_shown(cut, k, some, error)
            if is_met:
                return MET, part
        low, least = 0, 0.0
        for b in range(LAST_ROWS):
            y = -inverse[b, 0]
            cut.weights[b] = max(y, 0.0) * cut.turn[b]
            if y < least:
                low, least = b, y
        t = -1
        if least < -_LEAST:
            for i in range(BASIS):
                step[i] = -inverse[low, i]
        else:
            t = steepest(cut, count, height)
            excess = excess_at(cut, t, height)
            is_last = excess <= _LEAST
            if is_last or excess < -height - SLACK:
                if is_below(cut, count, error):
                    return MISSING, ZERO
                if is_last:
                    return OPEN, ZERO
            enter_ray(cut, t)
        place = exchange(cut)
        if place == 0:
            return OPEN, ZERO
        cut.basis[place] = t
    return OPEN, ZERO
