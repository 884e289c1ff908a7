"""A sample of the chambers, in order: a walk over cells that drops most of them.

Of the cells that come to a place some are kept, each with a probability in proportion
to its weight and to a guess how many chambers it has; its weight is divided by that.
So weights add up, on average, to the number of chambers, in any part of the list, and
as many cells as there is time for come to each place, however many chambers there are.
(Probability in proportion to size, Hansen & Hurwitz 1943, in strata: in the order of
the listing a cell has an interval as long as its share, and one point of each unit is
drawn.  A population of cells that is kept from row to row: Grassberger 1997,
*Pruned-enriched Rosenbluth method*.)

How many rows cut a cell is known from the masks of its rays, whatever their number; the
guess is a function of that.

Which of its rows cut a cell on the way to a chamber is kept too: on the other side of
these rows, and of no others, are chambers with the same signs of all rows before.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from arrangement._kernels.bits import ONE, ZERO, popcount
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


class Sample(NamedTuple):
    """What the walk knows of the cells beside their rays.

    By place, and past the last: the ``unit`` of weight times guess below which cells
    are dropped (0: none is); how many cells have ``come``, their ``counts``, which are
    weights, and ``sizes``, weight times guess; where the last interval ends (``end``),
    and the ``point`` that is drawn.  By position in the stack: the first place that a
    cell has not come to (``next_place``), its ``weight``, the rows that have ``cut`` it
    (depth, n_words).  ``weights`` (chambers,) and ``cuts`` (chambers, n_words) are
    those of the chambers written.  ``guesses`` (rows + 1,) are by the number of rows
    that cut a cell.  ``draw`` (1,) uint64 is the state of the generator, ``limits``
    (3,) are named above.
    """

    unit: Array
    come: Array
    counts: Array
    sizes: Array
    end: Array
    point: Array
    next_place: Array
    weight: Array
    cut: Array
    weights: Array
    cuts: Array
    guesses: Array
    draw: Array
    limits: Array


@bare_forced
def drawn(draw):
    """Draw a number in [0, 1) (xorshift64; Marsaglia 2003)."""
    x = draw[0]
    x ^= x << np.uint64(13)
    x ^= x >> np.uint64(7)
    x ^= x << np.uint64(17)
    draw[0] = x
    return np.float64(x >> np.uint64(11)) * 2.0**-53


@bare_forced
def times_drawn(sample, p, share):
    """How often the interval of a cell at a place, shorter than 1, has a point."""
    begin = sample.end[p]
    end = begin + share
    sample.end[p] = end
    times = np.int64(begin <= sample.point[p] < end)
    unit = np.floor(begin) + 1.0
    if end >= unit:
        sample.point[p] = unit + drawn(sample.draw)
        times += np.int64(sample.point[p] < end)
    return times


@bare_forced
def is_kept(sample, frame, place, guess):
    """Let a cell come to a place, by all those before it; whether it is kept.

    None goes beyond the first place to which more have come than may.
    """
    for p in range(sample.next_place[frame], place + 1):
        size = sample.weight[frame] * guess
        sample.come[p] += 1
        sample.counts[p] += sample.weight[frame]
        sample.sizes[p] += size
        if sample.unit[p] == 0.0:
            if sample.come[p] > sample.limits[MOST]:
                sample.limits[HORIZON] = p
        elif size < sample.unit[p]:
            times = times_drawn(sample, p, size / sample.unit[p])
            if times == 0:
                return False
            sample.weight[frame] = times * sample.unit[p] / guess
        if p >= sample.limits[HORIZON]:
            return False
    sample.next_place[frame] = place + 1
    return True


@bare_forced
def begin(rows, cells, sample):
    """Start with the next of the cones that are looked at."""
    push_root(rows, cells)
    cells.control[NEXT_ROOT] += sample.limits[STRIDE] - 1
    sample.next_place[0] = 0
    sample.weight[0] = np.float64(sample.limits[STRIDE])
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
        sample.weight[child] = sample.weight[frame]


@bare_forced
def come_to_row(cells, cut, required, sample):
    """Let the top cell come to the next row that cuts it: its place, and whether kept.

    Past the last place where it is a chamber.
    """
    survey(cells, cut.union)
    place = next_row(cut.union, required)
    if place < 0:
        place = sample.come.size - 1
    n_words = cut.pending.size
    n_cuts = np.int64(0)
    for w in range(n_words):
        n_cuts += popcount(cut.union[w] & cut.union[n_words + w])
    frame = cells.control[N_FRAMES] - 1
    return place, is_kept(sample, frame, place, sample.guesses[n_cuts])


@bare_forced
def write_chamber(outside, cells, cut, sample, output):
    """Write the chamber on top, and what has cut the cells on the way to it."""
    control = cells.control
    frame = control[N_FRAMES] - 1
    control[N_FRAMES] = frame
    if control[N_EMITTED] == sample.weights.size:
        # the guesses were too low
        sample.limits[HORIZON] = sample.come.size - 1
        return
    sample.weights[control[N_EMITTED]] = sample.weight[frame]
    for w in range(sample.cut.shape[1]):
        sample.cuts[control[N_EMITTED], w] = sample.cut[frame, w]
    emit(cut.union, outside, control, output.patterns)


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
