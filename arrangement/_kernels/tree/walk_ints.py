"""The walk along the tree of chambers in int64 arithmetic; bounds: `walk_ints`.

The simplicial cones that it starts from have rays of (r - 1) x (r - 1) minors too.
"""

from __future__ import annotations

from arrangement._kernels.cells import cut, emit, survey
from arrangement._kernels.compile import bare_forced, bare_kernel
from arrangement._kernels.state import (
    BLOCK_FULL,
    COUNT,
    DONE,
    GROW_LISTS,
    LEAF,
    N_EMITTED,
    N_FRAMES,
    PAUSED,
    START,
)
from arrangement._kernels.tree.moves import (
    ARRIVE,
    CELL,
    DESCEND,
    IS_KNOWN,
    NEED_RAYS,
    PHASE,
    is_full,
    name_sides,
    next_cut,
    push_copy,
    take,
    take_back,
    write_move,
)


@bare_forced
def add_unit_rays(vectors, ids, start, count, out):
    """Write the sum of a cell's rays, each scaled to a largest entry of 1.

    Only a candidate for a point inside: its signs are decided elsewhere.
    """
    for k in range(vectors.shape[1]):
        out[k] = 0.0
    for t in range(start, start + count):
        peak = 0
        for k in range(vectors.shape[1]):
            peak = max(peak, abs(vectors[ids[t], k]))
        scale = 1.0 / peak
        for k in range(vectors.shape[1]):
            out[k] += vectors[ids[t], k] * scale


@bare_forced
def descend(
    rows, masks, vectors, ids, meta, control, union, fixed, zeros, lists, values,
    pending, signs, allowed,
):  # fmt: skip
    """Cut the cell on top once more, or find that it is A: 0, or what has to grow."""
    top = control[N_FRAMES] - 1
    start, count = meta[top, START], meta[top, COUNT]
    survey(masks, ids, start, count, union)
    place = next_cut(masks, ids, start, count, union, allowed, signs)
    if place == LEAF:
        control[PHASE] = ARRIVE
        return 0
    if not push_copy(ids, meta, control):
        return GROW_LISTS
    status = cut(
        rows, masks, vectors, ids, meta, control, union, fixed, place, zeros, lists,
        values, pending,
    )  # fmt: skip
    if status != 0:
        control[N_FRAMES] = top + 1
        return status
    name_sides(meta, control, signs, place)
    return 0


@bare_kernel
def advance(
    rows, fixed, outside, members, masks, vectors, ids, meta, control, union, zeros,
    lists, values, pending, signs, allowed, budget, moves, patterns, witnesses,
):  # fmt: skip
    """Walk until a block is full: DONE, BLOCK_FULL, PAUSED, NEED_RAYS, GROW_...

    ``moves`` (m,) int64 gets the place of the row crossed to a new chamber, BACK or
    ROOT; ``patterns`` (p, words) uint64 and ``witnesses`` (p, r) float64 the new
    chambers in order.  ``meta`` (2 n + 2 r + 4, 6) holds all cells that can wait: each
    cut adds two, and a row is cut by once on the way from the root.
    """
    for _ in range(budget):
        if control[PHASE] == DESCEND:
            status = descend(
                rows, masks, vectors, ids, meta, control, union, fixed, zeros, lists,
                values, pending, signs, allowed,
            )  # fmt: skip
            if status != 0:
                return status
        elif control[PHASE] == ARRIVE:
            if is_full(control, moves, patterns):
                return BLOCK_FULL
            if control[IS_KNOWN] == 0 and take_back(
                masks, ids, meta, control, fixed, allowed
            ):
                continue
            top = control[N_FRAMES] - 1
            start, count = meta[top, START], meta[top, COUNT]
            add_unit_rays(vectors, ids, start, count, witnesses[control[N_EMITTED]])
            emit(union, fixed, outside, members, control, patterns)
            write_move(meta, control, moves)
        else:
            if control[N_FRAMES] == 0:
                return DONE
            if not take(meta, control, signs, allowed, moves):
                return BLOCK_FULL
            if control[PHASE] == DESCEND and meta[control[CELL], COUNT] == 0:
                return NEED_RAYS
    return PAUSED
