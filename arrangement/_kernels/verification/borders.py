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

On the line of the first r - 2 rows the ray of row j is the vertex of j, and most values
there are told by the keys of the rows (`_kernels/keys.py`, with alpha = x and beta =
y): one that vanishes before that of row j has the sign of its x, one after it the
opposite; that is the sign of ``x_j y_k - y_j x_k`` if x_j is positive.  Only where keys
are equal or next to each other values are found.
"""

from __future__ import annotations

import numpy as np

from arrangement._kernels.bits import ONE, ZERO, compare_words, subtract_multiple
from arrangement._kernels.compile import bare_forced, bare_kernel
from arrangement._kernels.keys import CERTAIN, compare_keys, order_rows
from arrangement._kernels.verification.lines import (
    IS_COPIED,
    NEGATIVE,
    OPEN,
    ORDER,
    READY,
    SURE,
    E,
    M,
    U,
    check_line,
    is_ordered,
    value_bound,
)

# nothing larger is compared, and what is no number is not less
HUGE = 2.0**400


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
def reach_line(elimination, bases, p, firsts):
    """Eliminate all rows of a basis but the last; False where one may be zero."""
    control, rows = elimination.control, elimination.rows
    depth = bases.shape[1] - 1
    common = 0
    while common < control[READY] and rows[common] == bases[p, common]:
        common += 1
    if common < control[READY]:
        control[READY] = common
        control[IS_COPIED] = 0
    while control[READY] < depth:
        ready = control[READY]
        row = bases[p, ready]
        if not eliminate_row(elimination, ready, depth + 2 - ready, row):
            return False
        rows[ready] = row
        control[READY] = ready + 1
    if control[IS_COPIED] == 0:
        copy_line(elimination, depth, firsts)
        control[IS_COPIED] = 1
        control[ORDER] = OPEN
    return True


@bare_forced
def end_of_line(bases, p):
    """Find the first chamber after p whose vertex is on another line."""
    last = bases.shape[1] - 1
    for end in range(p + 1, bases.shape[0]):
        if bases[end, 0] < 0:
            return end
        for q in range(last):
            if bases[end, q] != bases[p, q]:
                return end
    return bases.shape[0]


@bare_forced
def copy_line(elimination, depth, firsts):
    """Copy the last coordinates to ``line``, and find the keys of all rows."""
    work, line, masks = elimination.work, elimination.line, elimination.masks
    others, rows = elimination.others, elimination.rows
    places = work.shape[2]
    for w in range(firsts.size):
        others[w] = firsts[w]
    for q in range(depth):
        others[rows[q] >> 6] &= ~(ONE << np.uint64(rows[q] & 63))
    for c in range(2):
        for k in range(places):
            line[c * places + k] = work[depth, c, k]
    off = elimination.bounds[depth, E]
    least = CERTAIN * 2.0 * off + 2.0**-900
    for w in range(masks.shape[1]):
        masks[NEGATIVE, w], masks[SURE, w] = order_rows(
            work[depth, 0], work[depth, 1], 64 * w, off, least, elimination.keys
        )


@bare_forced
def is_on_border(elimination, bases, p, patterns, k):
    """Whether the ray of a basis has the signs of a pattern, or all the opposite."""
    line, others, masks = elimination.line, elimination.others, elimination.masks
    depth = bases.shape[1] - 1
    places = line.size >> 1
    row = bases[p, depth]
    word, flag = row >> 6, ONE << np.uint64(row & 63)
    a, b = line[row], line[places + row]
    if others[word] & flag == ZERO or not (
        max(abs(a), abs(b)) > elimination.bounds[depth, E]
    ):
        return False
    trusted = ~ZERO if masks[SURE, word] & flag != ZERO else ZERO
    turned = ~ZERO if masks[NEGATIVE, word] & flag != ZERO else ZERO
    key = np.int64(elimination.keys[row])
    doubt = same = opposite = ZERO
    others[word] ^= flag
    for w in range(others.size):
        before, after = compare_keys(elimination.keys, 64 * w, key)
        known = (before | after) & masks[SURE, w] & trusted
        above = before ^ masks[NEGATIVE, w] ^ turned
        rest = others[w] & ~known
        if rest != ZERO:
            bound = value_bound(elimination.bounds, depth, a, b)
            over, under = compare_words(line, line, 64 * w, places, -b, a, bound)
            above = (above & ~rest) | (over & rest)
            doubt |= rest & ~(over | under)
        change = (above ^ patterns[k, w]) & others[w]
        same |= change
        opposite |= change ^ others[w]
    others[word] ^= flag
    return doubt == ZERO and (same == ZERO or opposite == ZERO)


@bare_kernel
def check_borders(elimination, bases, patterns, step, firsts, bad):
    """Clear ``bad`` (chambers,) bool where the vertex of a chamber proves its signs.

    ``bases`` (chambers, r - 1) int64 are the places of its rows, the first -1 where
    there is no vertex.  ``patterns`` has chamber p in row ``step * p``; only its bits
    in ``firsts`` (n_words,) are looked at.
    """
    depth = bases.shape[1] - 1
    p = np.int64(0)
    while p < bases.shape[0]:
        if bases[p, 0] < 0 or not reach_line(elimination, bases, p, firsts):
            p += 1
            continue
        end = end_of_line(bases, p)
        if is_ordered(elimination, depth, end - p):
            check_line(elimination, bases, p, end, patterns, step, bad)
        for k in range(p, end):
            if bad[k]:
                bad[k] = not is_on_border(elimination, bases, k, patterns, k * step)
        p = end


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
