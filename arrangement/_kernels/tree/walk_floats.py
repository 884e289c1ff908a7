"""The walk along the tree of chambers in filtered arithmetic (see `walk_floats`)."""

from __future__ import annotations

from arrangement._kernels.cells import add_rays, begin_cut, emit, finish_cut, survey
from arrangement._kernels.compile import bare_forced, bare_kernel
from arrangement._kernels.state import (
    BLOCK_FULL,
    COUNT,
    DONE,
    DOUBTFUL,
    GROW_LISTS,
    LEAF,
    N_EMITTED,
    N_FRAMES,
    N_NEW,
    PAUSED,
    REFINE,
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
def descend(
    rows, masks, rays, ids, meta, control, union, fixed, zeros, lists, values, pending,
    work, picks, signs, allowed,
):  # fmt: skip
    """Cut the cell on top once more, or find that it is A.

    0, or what has to grow, or REFINE; then the cut is begun, a copy of the cell is on
    top, and the next call goes on with it.
    """
    top = control[N_FRAMES] - 1
    start, count = meta[top, START], meta[top, COUNT]
    survey(masks, ids, start, count, union)
    place = next_cut(masks, ids, start, count, union, allowed, signs)
    if place == LEAF:
        control[PHASE] = ARRIVE
        return 0
    if control[N_NEW] == 0:
        if not push_copy(ids, meta, control):
            return GROW_LISTS
        status = begin_cut(
            rows, masks, ids, meta, control, union, fixed, place, zeros, lists
        )
        if status != 0:
            control[N_FRAMES] = top + 1
            return status
    status = finish_cut(
        rows, masks, rays, ids, meta, control, fixed, place, lists, values, pending,
        work, picks,
    )  # fmt: skip
    if status == 0:
        name_sides(meta, control, signs, place)
    return status


@bare_kernel
def advance(
    rows, fixed, outside, members, masks, rays, ids, meta, control, union, zeros, lists,
    values, pending, work, picks, signs, allowed, budget, moves, patterns,
    witnesses,
):  # fmt: skip
    """Walk until a block is full (see `tree_ints.advance`).

    REFINE: `exact_rays.resolve` has to make the ray ``control[DOUBTFUL]`` exact.
    """
    for _ in range(budget):
        if control[PHASE] == DESCEND:
            status = descend(
                rows, masks, rays, ids, meta, control, union, fixed, zeros, lists,
                values, pending, work, picks, signs, allowed,
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
            doubtful = add_rays(
                rows, rays, masks, fixed, pending, work, picks, ids, start, count,
                witnesses[control[N_EMITTED]],
            )  # fmt: skip
            if doubtful >= 0:
                control[DOUBTFUL] = doubtful
                return REFINE
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
