"""The walk along the tree of chambers in int64 arithmetic; bounds: `cells.walk_ints`.

The simplicial cones that it starts from have rays of (r - 1) x (r - 1) minors too.
"""

from __future__ import annotations

from arrangement._kernels.cells import add_int_rays, cut_cell, emit, survey
from arrangement._kernels.compile import bare_forced, bare_kernel
from arrangement._kernels.state import (
    BLOCK_FULL,
    DONE,
    ENTERED_FRAME,
    GROW_LISTS,
    IS_KNOWN,
    LEAF,
    N_EMITTED,
    N_FRAMES,
    NEED_RAYS,
    PAUSED,
    PHASE,
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
def descend(rows, cells, cut, tree):
    """Cut the cell on top once more, or find that it is A: 0, or what has to grow."""
    control = cells.control
    top = control[N_FRAMES] - 1
    survey(cells, cut.union)
    place = next_cut(cells, cut.union, tree)
    if place == LEAF:
        control[PHASE] = ARRIVE
        return 0
    if not push_copy(cells, tree):
        return GROW_LISTS
    status = cut_cell(rows, cells, cut, place)
    if status != 0:
        control[N_FRAMES] = top + 1
        return status
    name_sides(cells, tree, place)
    return 0


@bare_kernel
def advance(rows, outside, cells, cut, tree, budget, moves, patterns, points):
    """Walk until a block is full: DONE, BLOCK_FULL, PAUSED, NEED_RAYS, REFINE, GROW_...

    ``moves`` (m,) int64 gets the place of the row crossed to a new chamber, BACK or
    ROOT; ``patterns`` (p, words) uint64 and ``points`` (p, r) float64 the new chambers
    in order.  The stack, 2 n + 2 r + 4 deep, holds all cells that can wait: each cut
    adds two, and a row is cut by once on the way from the root.
    """
    control = cells.control
    for _ in range(budget):
        if control[PHASE] == DESCEND:
            status = descend(rows, cells, cut, tree)
            if status != 0:
                return status
        elif control[PHASE] == ARRIVE:
            if is_full(control, moves, patterns):
                return BLOCK_FULL
            if control[IS_KNOWN] == 0 and take_back(cells, tree, rows.valid):
                continue
            add_int_rays(cells, points[control[N_EMITTED]])
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
