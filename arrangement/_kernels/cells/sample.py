"""A sample of the chambers, in order: a walk over cells that drops half of them.

At some places it keeps one, at random, of every two cells that come there.  So a
chamber is in the sample with the same probability as any other, ``2**-k`` for k such
places, and as many cells as there is time for come to each place, however many
chambers there are.  (Thinning by strata: of neighbours in the order of the listing
one is kept.)

Which of its rows cut a cell on the way to a chamber is kept too: on the other side of
these rows, and of no others, are chambers with the same signs of all rows before.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from arrangement._kernels.bits import ONE, ZERO
from arrangement._kernels.cells import walk_floats, walk_ints
from arrangement._kernels.cells.rays import emit, next_row, push_root, survey
from arrangement._kernels.compile import bare_forced, bare_kernel
from arrangement._kernels.state import (
    DONE,
    N_EMITTED,
    N_FRAMES,
    N_NEW,
    N_ROOTS,
    NEXT_ROOT,
    PAUSED,
    Array,
)

# entries of ``limits``: cones of the base from one to the next that is looked at, most
# cells that come to a place where none is dropped, the place where the walk ends
STRIDE, MOST, HORIZON = range(3)
# what is dropped at a place: nothing, or of the last two that came there this one
NONE, FIRST, SECOND = range(3)


class Sample(NamedTuple):
    """What the walk knows of the cells beside their rays.

    By place, and past the last: what is ``dropped`` there (named above), and how many
    cells have ``come``.  By position in the stack: the first place that a cell has not
    come to (``next_place``), the rows that have ``cut`` it (depth, n_words).  ``cuts``
    (chambers, n_words) are those of the chambers written.  ``draw`` (1,) uint64 is the
    state of the generator, ``limits`` (3,) are named above.
    """

    dropped: Array
    come: Array
    next_place: Array
    cut: Array
    cuts: Array
    draw: Array
    limits: Array


@bare_forced
def drawn_bit(draw):
    """One bit at random (xorshift64; Marsaglia 2003, table of triples)."""
    x = draw[0]
    x ^= x << np.uint64(13)
    x ^= x >> np.uint64(7)
    x ^= x << np.uint64(17)
    draw[0] = x
    return np.int64(x >> np.uint64(40) & ONE)


@bare_forced
def is_kept(sample, frame, place):
    """Let a cell come to a place, by all those before it; whether it is kept.

    None is from where more have come than may; the first such place ends the walk.
    """
    for p in range(sample.next_place[frame], place + 1):
        if p >= sample.limits[HORIZON]:
            return False
        sample.come[p] += 1
        if sample.dropped[p] == NONE:
            if sample.come[p] > sample.limits[MOST]:
                sample.limits[HORIZON] = p
            continue
        is_first = sample.come[p] & 1 == 1
        if is_first:
            sample.dropped[p] = SECOND if drawn_bit(sample.draw) == 1 else FIRST
        if is_first == (sample.dropped[p] == FIRST):
            return False
    sample.next_place[frame] = place + 1
    return True


@bare_forced
def begin(rows, cells, sample):
    """Start with the next of the cones that are looked at."""
    push_root(rows, cells)
    cells.control[NEXT_ROOT] += sample.limits[STRIDE] - 1
    sample.next_place[0] = 0
    for w in range(sample.cut.shape[1]):
        sample.cut[0, w] = ZERO


@bare_forced
def inherit(sample, frame, place):
    """Give the two children of a cell what it had."""
    for w in range(sample.cut.shape[1]):
        sample.cut[frame + 1, w] = sample.cut[frame, w]
    for child in range(frame, frame + 2):
        sample.cut[child, place >> 6] |= ONE << np.uint64(place & 63)
        sample.next_place[child] = sample.next_place[frame]


@bare_forced
def come_to_row(cells, cut, required, sample):
    """Let the top cell come to the next row that cuts it: its place, and whether kept.

    Past the last place where it is a chamber.
    """
    survey(cells, cut.union)
    place = next_row(cut.union, required)
    if place < 0:
        place = sample.come.size - 1
    return place, is_kept(sample, cells.control[N_FRAMES] - 1, place)


@bare_forced
def write_chamber(outside, cells, cut, sample, output):
    """Write the chamber on top, and what has cut the cells on the way to it."""
    control = cells.control
    frame = control[N_FRAMES] - 1
    for w in range(sample.cut.shape[1]):
        sample.cuts[control[N_EMITTED], w] = sample.cut[frame, w]
    emit(cut.union, outside, control, output.patterns)
    control[N_FRAMES] = frame


@bare_kernel
def sample_ints(rows, required, outside, cells, cut, budget, output, sample):
    """Write a sample of the chambers, as `walk_ints.advance` does all of them."""
    control = cells.control
    for _ in range(budget):
        if control[N_FRAMES] == 0:
            if control[NEXT_ROOT] >= control[N_ROOTS]:
                return DONE
            begin(rows, cells, sample)
        place, kept = come_to_row(cells, cut, required, sample)
        if not kept:
            control[N_FRAMES] -= 1
            continue
        if place == sample.come.size - 1:
            write_chamber(outside, cells, cut, sample, output)
            continue
        status = walk_ints.cut_cell(rows, cells, cut, place)
        if status != 0:
            return status
        inherit(sample, control[N_FRAMES] - 2, place)
    return PAUSED


@bare_kernel
def sample_floats(rows, required, outside, cells, cut, solver, budget, output, sample):
    """Write a sample of the chambers (see `sample_ints`), or report REFINE."""
    control = cells.control
    for _ in range(budget):
        if control[N_FRAMES] == 0:
            if control[NEXT_ROOT] >= control[N_ROOTS]:
                return DONE
            begin(rows, cells, sample)
        place, kept = come_to_row(cells, cut, required, sample)
        if not kept:
            control[N_FRAMES] -= 1
            continue
        if place == sample.come.size - 1:
            write_chamber(outside, cells, cut, sample, output)
            continue
        status = 0
        if control[N_NEW] == 0:
            status = walk_floats.begin_cut(rows, cells, cut, place)
        if status == 0:
            status = walk_floats.finish_cut(rows, cells, cut, solver, place)
        if status != 0:
            return status
        inherit(sample, control[N_FRAMES] - 2, place)
    return PAUSED
