"""The walk over the flats of one dimension, which writes the signs of faces there."""

from __future__ import annotations

import numpy as np

from arrangement._kernels.bits import ONE, ZERO, lowest
from arrangement._kernels.compile import bare_forced, bare_inner, bare_kernel
from arrangement._kernels.faces.cuts import (
    cut,
    find_parallel,
    first_bit,
    has_bit,
    index_chambers,
)
from arrangement._kernels.faces.orders import (
    has_few_rows,
    order_between,
    order_by_distance,
    order_by_signs,
    write_between,
)
from arrangement._kernels.faces.state import (
    ASK,
    AT,
    CONE,
    COUNT,
    DEPTH,
    FEW_ROWS,
    IS_BY_SIGNS,
    IS_CENTRAL,
    IS_OPEN,
    LAST,
    N_FACES,
    TARGET,
    WRITTEN,
)
from arrangement._kernels.state import BLOCK_FULL, DONE, PAUSED


@bare_inner
def open_flat(path, control, scratch, spread):
    """Put the faces of the flat on top in order; False if Python knows it."""
    level, cone = control[DEPTH], control[CONE]
    is_central = control[IS_CENTRAL] == 1
    control[N_FACES] = path.levels[level, COUNT]
    if cone > 2:
        if control[IS_BY_SIGNS] == 0 and not has_few_rows(
            path, level, control[FEW_ROWS], scratch
        ):
            return False
        size = cone if is_central else cone - 1
        order_by_signs(path, level, size, is_central, control, scratch)
    elif cone == 2:
        order_by_distance(path, level, is_central, scratch)
    else:
        control[N_FACES] = order_between(path, level, is_central, scratch)
    for i in range(spread.source.size):
        spread.own[i] = spread.factor[i]
        if has_bit(path.zero, level, spread.source[i]):
            spread.own[i] = 0
    control[IS_OPEN], control[AT], control[IS_BY_SIGNS] = 1, 0, 0
    return True


@bare_forced
def write_signs(path, control, scratch, spread, at, out, r, is_opposite):
    """Write the signs of all rows in face ``at`` of the open flat to line ``r``."""
    level = control[DEPTH]
    is_between = control[CONE] == 1
    place = scratch.codes[at] if is_between else at
    entry = scratch.order[place]
    is_turned = entry < 0
    t = -entry - 1 if is_turned else entry
    turned = ~ZERO if is_turned != is_opposite else ZERO
    for w in range(path.words.shape[1]):
        word = path.words[t, w] ^ turned
        for b in range(8):
            eight = np.int64((word >> np.uint64(8 * b)) & np.uint64(255))
            spread.eights[8 * w + b] = spread.bytes[eight]
    if is_between:
        write_between(path, level, scratch, place)
        for w in range(scratch.flips.size):
            rest = scratch.flips[w]
            while rest != ZERO:
                spread.signs[64 * w + lowest(rest)] = 0
                rest &= rest - ONE
    if spread.is_direct:
        for i in range(spread.source.size):
            out[r, i] = np.int8(spread.signs[i] * spread.own[i] + spread.constant[i])
    else:
        for i in range(spread.source.size):
            sign = spread.signs[spread.source[i]] * spread.own[i]
            out[r, i] = np.int8(sign + spread.constant[i])


@bare_inner
def write_flat(path, control, scratch, spread, out):
    """Write the faces of the open flat as far as there is room; False if not all."""
    count, at = control[N_FACES], control[AT]
    r, room = control[WRITTEN], out.shape[0]
    if control[IS_CENTRAL] == 0:
        while at < count and r < room:
            write_signs(path, control, scratch, spread, at, out, r, False)
            at += 1
            r += 1
        is_whole = at == count
    else:
        while at < 2 * count and r < room:
            is_opposite = at & 1 == 1
            write_signs(path, control, scratch, spread, at >> 1, out, r, is_opposite)
            at += 1
            r += 1
            if at & 1 == 1 and r < room:
                for i in range(out.shape[1]):
                    out[r, i] = -out[r - 1, i]
                at += 1
                r += 1
        is_whole = at == 2 * count
    control[AT], control[WRITTEN] = at, r
    return is_whole


@bare_kernel
def advance(path, control, scratch, spread, out, budget):
    """Write faces until the block is full: DONE, BLOCK_FULL, PAUSED, or ASK.

    These are the chambers of flats, or where CONE is 1 what is between the chambers of
    a line or of a plane.  Depth first over the flats in lexicographic order of their
    first bases: a class cuts one out of a flat just when its first row comes after the
    row that cut that out.
    ``budget`` bounds the chambers looked at in one call.  ASK: whether the order of the
    flat on top is that of signs.  Then IS_BY_SIGNS is set, or DEPTH is one less.
    """
    while control[DEPTH] >= 0:
        level = control[DEPTH]
        if level == control[TARGET]:
            if control[IS_OPEN] == 0 and not open_flat(path, control, scratch, spread):
                return ASK
            if not write_flat(path, control, scratch, spread, out):
                return BLOCK_FULL
            control[IS_OPEN] = 0
            control[DEPTH] -= 1
            continue
        if budget <= 0:
            return PAUSED
        row = first_bit(path.moving, level, path.seen)
        if row < 0:
            control[DEPTH] -= 1
            continue
        find_parallel(path, level, row, scratch)
        for w in range(scratch.parallel.size):
            path.seen[level, w] |= scratch.parallel[w]
        budget -= path.levels[level, COUNT]
        if row > path.levels[level, LAST]:
            cut(path, level, row, control[IS_CENTRAL] == 1, scratch)
            control[DEPTH] += 1
            if control[DEPTH] < control[TARGET]:
                index_chambers(path, control[DEPTH])
    return DONE
