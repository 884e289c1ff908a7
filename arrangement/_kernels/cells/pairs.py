"""Which rays of a cell span its 2-faces: those that a row cuts get a new ray each."""

from __future__ import annotations

import numpy as np

from arrangement._kernels.bits import ONE, ZERO, lowest, popcount
from arrangement._kernels.compile import bare_forced
from arrangement._kernels.state import N_FRAMES
from arrangement._kernels.wide import LANES, covering, sharing


@bare_forced
def split_rays(rows, cells, cut, place, width):
    """Sort the top cell's rays by their side of the row at ``place``: how many on each.

    Also fills their zero sets.
    """
    masks, union, valid = cells.masks, cut.union, rows.valid
    n_words = valid.size
    top = cells.control[N_FRAMES] - 1
    start = cells.start[top]
    word, flag = place >> 6, ONE << np.uint64(place & 63)
    n_left = n_right = 0
    for t in range(cells.n_rays[top]):
        ray = cells.ids[start + t]
        cut.ray[t] = ray
        cut.has_value[t] = 0
        tight = 0
        for w in range(n_words):
            zero = valid[w] & ~(
                masks[ray, w]
                | masks[ray, n_words + w]
                | (union[w] & union[n_words + w])
            )
            cut.zeros[t, w] = zero
            tight += popcount(zero)
        cut.is_simple[t] = tight == width - 1
        if masks[ray, word] & flag != ZERO:
            cut.side[t] = 1
            cut.left[n_left] = t
            n_left += 1
        elif masks[ray, n_words + word] & flag != ZERO:
            cut.side[t] = -1
            cut.right[n_right] = t
            for w in range(cut.across.shape[0]):
                cut.across[w, n_right] = cut.zeros[t, w]
            n_right += 1
        else:
            cut.side[t] = 0
        for w in range(cut.columns.shape[0]):
            cut.columns[w, t] = cut.zeros[t, w]
    return n_left, n_right


@bare_forced
def first_flags(flags, count):
    """Of the flags of sixteen those of the first ``count``."""
    return flags & ((ONE << np.uint64(count)) - ONE) if count < LANES else flags


@bare_forced
def are_alone(cut, count, p, q):
    """Whether no third ray of the cell lies on all rows tight at two."""
    common, n_words = cut.words[1], cut.zeros.shape[1]
    for w in range(n_words):
        common[w] = cut.zeros[p, w] & cut.zeros[q, w]
    found = 0
    if cut.columns.shape[0] > 0:
        for begin in range(0, count, LANES):
            flags = covering(cut.columns, begin, common)
            found += popcount(first_flags(flags, count - begin))
            if found > 2:
                return False
        return True
    for t in range(count):
        outside = ZERO
        for w in range(n_words):
            outside |= common[w] & ~cut.zeros[t, w]
        if outside == ZERO and t != p and t != q:
            return False
    return True


@bare_forced
def near_rays(cut, begin, n_right, tight, least):
    """Which of sixteen rays on the right have ``least`` of some tight rows, or more."""
    count = min(n_right - begin, LANES)
    if cut.across.shape[0] > 0:
        return first_flags(sharing(cut.across, begin, tight, least), count)
    flags = ZERO
    for k in range(count):
        q = cut.right[begin + k]
        common = 0
        for w in range(tight.size):
            common += popcount(tight[w] & cut.zeros[q, w])
        if common >= least:
            flags |= ONE << np.uint64(k)
    return flags


@bare_forced
def find_pairs(cut, count, n_left, n_right, width):
    """List the adjacent pairs across the row; -1 when the lists are too short.

    Two rays of a cell span a 2-face exactly when no third ray lies on all rows tight at
    both.  Fewer than r - 2 such rows rule it out.  At a simple ray any r - 2 of the
    r - 1 tight rows are an edge, so having them in common proves it.  The new rays get
    the positions ``count, count + 1, ...``; parents are stored there.
    """
    n_new = 0
    tight = cut.words[0]
    for i in range(n_left):
        p = cut.left[i]
        for w in range(tight.size):
            tight[w] = cut.zeros[p, w]
        for begin in range(0, n_right, LANES):
            near = near_rays(cut, begin, n_right, tight, width - 2)
            while near != ZERO:
                q = cut.right[begin + lowest(near)]
                near &= near - ONE
                is_simple = cut.is_simple[p] + cut.is_simple[q] > 0
                if not is_simple and not are_alone(cut, count, p, q):
                    continue
                if count + n_new >= cut.ray.size:
                    return -1
                cut.parent_p[count + n_new] = p
                cut.parent_q[count + n_new] = q
                n_new += 1
    return n_new
