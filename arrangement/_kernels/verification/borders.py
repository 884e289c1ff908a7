"""Check that chambers open at the vertices given for them.

A ray rho that vanishes on r - 1 independent rows lies on the border of a chamber for
every choice of signs on these rows: a point near rho has them, and on every other row
the sign of rho.  So a pattern is realised when, on all rows but these, it is the sign
of rho or everywhere its opposite; no point inside is needed.

r - 2 rows are eliminated in the coordinates of the cone; two coordinates x, y are left,
and the ray where row j vanishes too has on row k the value ``x_j y_k - y_j x_k``.
Chambers one after another mostly have all but the last of their rows in common.

Error bounds (u = 2**-53).  After q eliminations all coordinates of all rows are at most
M and off by at most E; at first E = u (rows are scaled to 1).  Eliminating with a row s
of largest coordinate P > 2 E, the multipliers s_i / P are at most 1, the true ones at
most 1 + D, and differ by at most ``D = 1.01 (2 E / (P - E) + u)``; so
``E' = 1.01 (E (2 + D) + M D + 3.1 u M)``, three roundings included, and M' is the
largest value found.  The last value is off by at most ``1.01 (|x_j| + |y_j|)
(E + 2.2 u M) + 2.02 E (M + E)``; E exceeds all that underflow can add but in the last
products: 2**-1000 is added for them.

The last values are first found in single precision, twice as fast (v = 2**-24): of x
and y rounded to singles, each off by v more of itself, both products and their sum
rounded: by at most ``1.01 (|x_j| + |y_j|) (1.1 E + 4.1 v M) + 2.03 E (M + E)``.  With
2**-20 < M < 2**20 nothing overflows, and what underflows (by 2**-150, times 2**20 at
most) stays below the 2**-120 that are added.
"""

from __future__ import annotations

import numpy as np

from arrangement._kernels.bits import ONE, ZERO, compare_words, subtract_multiple
from arrangement._kernels.compile import bare_forced, bare_kernel

U = 2.0**-53

V = 2.0**-24
# sizes for which singles do
SINGLES = 2.0**20

# nothing larger is compared, and what is no number is not less
HUGE = 2.0**400

# bounds at each depth
E, M = range(2)


@bare_forced
def eliminate_row(elimination, depth, n_left, row):
    """Eliminate a row by its largest coordinate; False where that may be zero."""
    work, bounds = elimination.work, elimination.bounds
    pivot = 0
    for c in range(1, n_left):
        if abs(work[depth, c, row]) > abs(work[depth, pivot, row]):
            pivot = c
    size = work[depth, pivot, row]
    error, most = bounds[depth, E], bounds[depth, M]
    if not abs(size) > 2.0 * error:
        return False
    largest = 0.0
    for c in range(n_left - 1):
        # the last coordinate takes the place of the one that goes
        source = n_left - 1 if c == pivot else c
        weight = work[depth, source, row] / size
        target, other = work[depth + 1, c], work[depth, pivot]
        for k in range(0, work.shape[2], 64):
            part = subtract_multiple(target, work[depth, source], other, k, weight)
            if not part < HUGE:
                return False
            largest = max(largest, part)
    off = 1.01 * (2.0 * error / (abs(size) - error) + U)
    bounds[depth + 1, E] = 1.01 * (error * (2.0 + off) + most * off + 3.1 * U * most)
    bounds[depth + 1, M] = largest
    return True


@bare_forced
def rows_in_common(bases, p, depth):
    """How many of the rows eliminated for the basis before this one serve again."""
    if p == 0:
        return 0
    for q in range(depth):
        if bases[p, q] != bases[p - 1, q]:
            return q
    return depth


@bare_forced
def copy_line(elimination, depth):
    """Copy the last coordinates to ``line`` and, rounded, to ``singles`` if these do.

    Whether singles do.
    """
    work, bounds = elimination.work, elimination.bounds
    line, singles = elimination.line, elimination.singles
    places = work.shape[2]
    for c in range(2):
        for k in range(places):
            line[c * places + k] = work[depth, c, k]
    if not 1.0 / SINGLES < bounds[depth, M] < SINGLES:
        return False
    for k in range(line.size):
        singles[k] = np.float32(line[k])
    return True


@bare_forced
def is_on_border(elimination, is_rounded, bases, p, patterns, k, firsts):
    """Whether the ray of a basis has the signs of a pattern, or all the opposite.

    ``singles`` are compared first where ``is_rounded``.
    """
    bounds, line, singles = elimination.bounds, elimination.line, elimination.singles
    others = elimination.others
    depth = bases.shape[1] - 1
    places = line.size >> 1
    for w in range(firsts.size):
        others[w] = firsts[w]
    for q in range(depth + 1):
        row = bases[p, q]
        others[row >> 6] &= ~(ONE << np.uint64(row & 63))
    a, b = line[row], line[places + row]
    error, most = bounds[depth, E], bounds[depth, M]
    if not max(abs(a), abs(b)) > error:
        return False
    bound = (
        1.01 * (abs(a) + abs(b)) * (error + 2.2 * U * most)
        + 2.02 * error * (most + error)
        + 2.0**-1000
    )
    rough = np.float32(
        1.02 * (abs(a) + abs(b)) * (1.1 * error + 4.1 * V * most)
        + 2.05 * error * (most + error)
        + 2.0**-119
    )
    near_b, near_a = np.float32(-b), np.float32(a)
    doubt = same = opposite = ZERO
    for w in range(firsts.size):
        above = below = ZERO
        if is_rounded:
            above, below = compare_words(
                singles, singles, 64 * w, places, near_b, near_a, rough
            )
        rest = others[w] & ~(above | below)
        if rest != ZERO:
            over, under = compare_words(line, line, 64 * w, places, -b, a, bound)
            above |= over & rest
            below |= under & rest
            doubt |= rest & ~(over | under)
        same |= others[w] & (above ^ patterns[k, w])
        opposite |= others[w] & (below ^ patterns[k, w])
    return doubt == ZERO and (same == ZERO or opposite == ZERO)


@bare_kernel
def check_borders(elimination, bases, patterns, step, firsts, bad):
    """Clear ``bad`` (chambers,) bool where the vertex of a chamber proves its signs.

    ``bases`` (chambers, r - 1) int64 are the places of its rows, the first -1 where
    there is no vertex.  ``patterns`` has chamber p in row ``step * p``; only its bits
    in ``firsts`` (n_words,) are looked at.
    """
    depth = bases.shape[1] - 1
    rank = depth + 2
    ready = 0
    is_new, is_rounded = True, False
    for p in range(bases.shape[0]):
        common = rows_in_common(bases, p, depth)
        if common < ready:
            ready = common
        if bases[p, 0] < 0:
            ready = 0
            continue
        while ready < depth:
            if not eliminate_row(elimination, ready, rank - ready, bases[p, ready]):
                break
            ready += 1
            is_new = True
        if ready < depth:
            continue
        if is_new:
            is_rounded = copy_line(elimination, depth)
            is_new = False
        if is_on_border(elimination, is_rounded, bases, p, patterns, p * step, firsts):
            bad[p] = False


@bare_kernel
def check_copies(patterns, step, bits, signs, bad):
    """Mark in ``bad`` the patterns whose other bits contradict the first ones.

    ``bits`` are `OutputBits`, ``signs`` (n_words,) is scratch.
    """
    firsts, constant, copies = bits.firsts, bits.constant, bits.copies
    if copies.shape[0] == 0:
        # no more than the bits that no row moves: in few words, or in none
        for w in range(signs.size):
            rest = ~firsts[w]
            if rest != ZERO:
                for p in range(bad.size):
                    if patterns[p * step, w] & rest != constant[w]:
                        bad[p] = True
        return
    for p in range(bad.size):
        for w in range(signs.size):
            signs[w] = patterns[p * step, w] & firsts[w]
        for t in range(copies.shape[0]):
            bit = (signs[copies[t, 0]] >> np.uint64(copies[t, 1])) & ONE
            bit ^= np.uint64(copies[t, 4])
            signs[copies[t, 2]] |= bit << np.uint64(copies[t, 3])
        for w in range(signs.size):
            if signs[w] | constant[w] != patterns[p * step, w]:
                bad[p] = True
