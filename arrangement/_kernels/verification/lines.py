"""Chambers at the vertices of one line, checked all at once where these are in order.

On a line with coordinates x, y row k has at the vertex of row j the value ``x_j y_k -
y_j x_k``, so its sign there is ``s_j s_k`` times that of ``m_k - m_j``, with s the sign
of x and m = y / x.  From one vertex to the next, as m rises, one row changes its sign:
the signs are carried along, and each pattern is compared with them, word by word.

The order is found from floats that need not be right, and certified: all x are larger
than the bound of their error, and of each two rows one after another the second has at
the vertex of the first a value beyond the bound of its own (`value_bound`), with the
sign of ``s_j s_k``.  So m rises from each to the next, and with them in all.
"""

from __future__ import annotations

import numpy as np

from arrangement._kernels.bits import ONE, ZERO
from arrangement._kernels.compile import bare_forced
from arrangement._kernels.sorting import sort_fractions

U = 2.0**-53

# bounds at each depth
E, M = range(2)

# entries of ``control``: rows eliminated, whether the line is copied, what is known of
# the order of its rows, and how many these are
READY, IS_COPIED, ORDER, N_ORDERED = range(4)

# of the order: not looked for, known, in doubt
OPEN, ORDERED, DOUBTED = range(3)

# rows of ``masks``
NEGATIVE, SURE, STARTS, SIGNS = range(4)


@bare_forced
def value_bound(bounds, depth, a, b):
    """Bound of the error of the values at the vertex of the row with x = a, y = b."""
    error, most = bounds[depth, E], bounds[depth, M]
    return (
        1.01 * (abs(a) + abs(b)) * (error + 2.2 * U * most)
        + 2.02 * error * (most + error)
        + 2.0**-1000
    )


@bare_forced
def is_ordered(elimination, depth, count):
    """Whether the order along the line is known, or worth finding out.

    ``count`` chambers at its vertices are to be checked.
    """
    control, places = elimination.control, elimination.order.size
    words = count * elimination.others.size
    # a row is ordered in the time in which some words are compared value by value
    if control[ORDER] == OPEN and words > 2 * places:
        is_known = find_order(elimination, depth)
        if is_known and is_certain(elimination, depth):
            control[ORDER] = ORDERED
        else:
            control[ORDER] = DOUBTED
    return control[ORDER] == ORDERED and 2 * words > places


@bare_forced
def find_order(elimination, depth):
    """Order the rows along the line, in floats; False in doubt."""
    line, masks, others = elimination.line, elimination.masks, elimination.others
    fractions, places = elimination.fractions, elimination.order.size
    error = elimination.bounds[depth, E]
    count = 0
    for k in range(places):
        x, y = line[k], line[places + k]
        if (others[k >> 6] >> np.uint64(k & 63)) & ONE == ZERO:
            # no row of the line: these come last
            fractions[k] = 2.0
        elif abs(x) > error:
            fractions[k] = (-y if x < 0.0 else y) / (abs(x) + abs(y))
            count += 1
        else:
            return False
    for w in range(others.size):
        masks[STARTS, w] = others[w] & ~masks[NEGATIVE, w]
    elimination.control[N_ORDERED] = count
    order, buckets, ends = elimination.order, elimination.buckets, elimination.ends
    return count > 0 and sort_fractions(fractions, buckets, ends, order)


@bare_forced
def is_certain(elimination, depth):
    """Whether the rows come along the line in this order, without doubt."""
    line, order = elimination.line, elimination.order
    places = order.size
    row = order[0]
    for i in range(1, elimination.control[N_ORDERED]):
        a, b = line[row], line[places + row]
        bound = value_bound(elimination.bounds, depth, a, b)
        row = order[i]
        value = a * line[places + row] - b * line[row]
        if not (value if (a > 0.0) == (line[row] > 0.0) else -value) > bound:
            return False
    return True


@bare_forced
def check_line(elimination, bases, begin, end, patterns, step, bad):
    """Clear ``bad`` where the vertices of an ordered line prove the signs of chambers.

    Those ``begin`` to ``end``; of several at one vertex only the first is looked at.
    """
    masks, chambers = elimination.masks, elimination.chambers
    others, signs = elimination.others, masks[SIGNS]
    last = bases.shape[1] - 1
    for p in range(begin, end):
        row = bases[p, last]
        if chambers[row] < 0:
            chambers[row] = p
    for w in range(signs.size):
        signs[w] = masks[STARTS, w]
    for i in range(elimination.control[N_ORDERED]):
        row = elimination.order[i]
        word, flag = row >> 6, ONE << np.uint64(row & 63)
        p = chambers[row]
        if p >= 0:
            others[word] ^= flag
            same = opposite = ZERO
            for w in range(signs.size):
                change = (signs[w] ^ patterns[p * step, w]) & others[w]
                same |= change
                opposite |= change ^ others[w]
            others[word] ^= flag
            if same == ZERO or opposite == ZERO:
                bad[p] = False
        signs[word] ^= flag
    for p in range(begin, end):
        chambers[bases[p, last]] = -1
