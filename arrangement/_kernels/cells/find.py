"""Chambers given by their signs, one after another, with their facets.

They come in the order of the walk, so that it goes on from one to the next: what was
left out for one comes before it, and is not wanted later.
"""

from __future__ import annotations

from arrangement._kernels.cells import walk_floats, walk_ints
from arrangement._kernels.compile import bare_forced, bare_kernel
from arrangement._kernels.state import DONE, N_EMITTED, N_FRAMES, N_ROOTS, NEXT_ROOT


@bare_forced
def begin(required, control, needs, roots, p):
    """Require the signs of chamber p; start with its cone when that is a new one."""
    if roots[p] >= control[NEXT_ROOT]:
        control[N_FRAMES] = 0
        control[NEXT_ROOT] = roots[p]
        control[N_ROOTS] = roots[p] + 1
    for w in range(required.plus.size):
        required.plus[w] = needs[p, 0, w]
        required.minus[w] = needs[p, 1, w]


@bare_kernel
def find_ints(rows, required, outside, cells, cut, budget, output, needs, roots, stop):
    """Write chambers up to ``stop``, as `walk_ints.advance` does, each by its signs.

    ``needs`` (chambers, 2, n_words) uint64 has the rows positive, and negative, in
    each, ``roots`` (chambers,) int64 its cone of the base; none twice, in order.
    DONE with fewer than ``stop`` chambers: the next one does not exist.
    ``control[SINGLE]`` is 1.
    """
    control = cells.control
    while control[N_EMITTED] < stop:
        p = control[N_EMITTED]
        begin(required, control, needs, roots, p)
        status = walk_ints.advance(rows, required, outside, cells, cut, budget, output)
        if status != DONE or control[N_EMITTED] == p:
            return status
        control[N_FRAMES] -= 1
    return DONE


@bare_kernel
def find_floats(
    rows, required, outside, cells, cut, solver, budget, output, needs, roots, stop
):
    """Write chambers up to ``stop`` (see `find_ints`), or REFINE as the walk does."""
    control = cells.control
    while control[N_EMITTED] < stop:
        p = control[N_EMITTED]
        begin(required, control, needs, roots, p)
        status = walk_floats.advance(
            rows, required, outside, cells, cut, solver, budget, output
        )
        if status != DONE or control[N_EMITTED] == p:
            return status
        control[N_FRAMES] -= 1
    return DONE
