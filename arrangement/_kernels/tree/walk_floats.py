"""The walk along the tree of chambers in filtered arithmetic (`cells.walk_floats`)."""

from __future__ import annotations

from arrangement._kernels.cells import add_rays, begin_cut, emit, finish_cut, survey
from arrangement._kernels.compile import bare_forced, bare_kernel
from arrangement._kernels.state import (
    BLOCK_FULL,
    DONE,
    DOUBTFUL,
    ENTERED_FRAME,
    GROW_LISTS,
    IS_KNOWN,
    LEAF,
    N_EMITTED,
    N_FRAMES,
    N_NEW,
    NEED_RAYS,
    PAUSED,
    PHASE,
    REFINE,
)
from arrangement._kernels.tree.moves import (
    ARRIVE,
    DESCEND,
    is_full,
    name_sides,
    next_cut,
    push_copy,
    take,
    take_back,
    write_move,
)


@bare_forced
def descend(rows, cells, cut, solver, tree):
    """Cut the cell on top once more, or find that it is A.

    0, or what has to grow, or REFINE; then the cut is begun, a copy of the cell is on
    top, and the next call goes on with it.
    """
    control = cells.control
    top = control[N_FRAMES] - 1
    survey(cells, cut.union)
    place = next_cut(cells, cut.union, tree)
    if place == LEAF:
        control[PHASE] = ARRIVE
        return 0
    if control[N_NEW] == 0:
        if not push_copy(cells, tree):
            return GROW_LISTS
        status = begin_cut(rows, cells, cut, place)
        if status != 0:
            control[N_FRAMES] = top + 1
            return status
    status = finish_cut(rows, cells, cut, solver, place)
    if status == 0:
        name_sides(cells, tree, place)
    return status


@bare_kernel
def advance(rows, outside, cells, cut, solver, tree, budget, moves, patterns, points):
    """Walk until a block is full (see `tree.walk_ints.advance`).

    REFINE: `exact_rays.resolve` has to make the ray ``control[DOUBTFUL]`` exact.
    """
    control = cells.control
    for _ in range(budget):
        if control[PHASE] == DESCEND:
            status = descend(rows, cells, cut, solver, tree)
            if status != 0:
                return status
        elif control[PHASE] == ARRIVE:
            if is_full(control, moves, patterns):
                return BLOCK_FULL
            if control[IS_KNOWN] == 0 and take_back(cells, tree, rows.valid):
                continue
            out = points[control[N_EMITTED]]
            doubtful = add_rays(rows, cells, cut.pending, solver, out)
            if doubtful >= 0:
                control[DOUBTFUL] = doubtful
                return REFINE
            emit(cut.union, outside, control, patterns)
            write_move(control, tree, moves)
        else:
            if control[N_FRAMES] == 0:
                return DONE
            if not take(control, tree, moves):
                return BLOCK_FULL
            if control[PHASE] == DESCEND and cells.n_rays[control[ENTERED_FRAME]] == 0:
                return NEED_RAYS
    return PAUSED
