"""Before the rounds over chambers: a network whose neurons move, and pricing.

Chambers are thin where rows are many: a program over some of them has to change these
many times before a neuron is where it belongs, and each time it is as long as all rows.
Here the working set is one of directions (`training.Slide`).  Their sizes are solved
for, the neurons then slide through chambers to where they are best, and the gradient of
the loss is a dual point that keeps every direction of the set; the maxima of its price
above beta are new directions.  Where none is left the network is optimal (sliding
Frank-Wolfe, Denoyelle, Duval, Peyre & Soubies 2019).  The program in the sizes is
convex, so that what slides cannot mend, new directions do; where that takes too many of
them, the rounds over chambers begin near its end.

A loss with kinks is rounded by a share of the gap, which falls with it.  What is proven
is as everywhere the certificate's.
"""

from __future__ import annotations

import numpy as np

from convex_solver.certificates import COVERED_RANK
from convex_solver.program import ConvexProgram, blocks_from_network
from convex_solver.solver.column_generation import ColumnGeneration
from convex_solver.solver.local_search import Found
from convex_solver.training import Slide

# Samples from which it comes first: without kinks in the loss, where chambers are too
# many to meet too, and with kinks, which make it slow to end.
FEWEST, FEWEST_IN_HIGH_RANK, WITH_KINKS = 300, 100, 5000
# Rounds, at most; those without a gap that is smaller by this factor that end it.
ROUNDS, PATIENCE, BETTER = 60, 5, 0.7
# The estimated gap, as a share of tol, at which it ends.
ENOUGH = 0.3
# Newton steps a round, and what a step has to gain, as a share of the gap.
STEPS, GAIN = 15, 1e-3
# New directions a round and all of them, for each dimension; how far above beta they
# are, as a share of the gap; the share of beta below which others go.
NEW, MOST, ABOVE, USED = 12, 120, 0.1, 0.98
# Parameters of the network, as a share of the samples, above which chambers do better.
WIDE, WIDE_IN_HIGH_RANK = 0.25, 4.0
# What rounding the corners of a loss may cost, as a share of the gap.
CORNERS = 0.3


def slides_first(program: ConvexProgram) -> bool:
    """Whether samples are so many that chambers are thin."""
    if program.data_term.has_kinks:
        return program.n >= WITH_KINKS
    is_covered = program.rank <= COVERED_RANK
    return program.n >= (FEWEST if is_covered else FEWEST_IN_HIGH_RANK)


@np.errstate(all="ignore")  # what is not finite is never better
def slide_first(
    run: ColumnGeneration, max_cones: int, deadline: float | None = None
) -> bool:
    """Move a network until a covering finds no direction that is missing.

    False where that is not reached: the run then has the chambers of its network, the
    best dual point and its maxima.  ``deadline`` is instead of the run's own.
    """
    program = run.program
    is_zero = not run.network.n_neurons and run.prices.maxima.largest <= program.beta
    if is_zero or not np.isfinite(run.upper):
        return False
    end = run.deadline if deadline is None else deadline
    slide = Slide(run.X, program.n_patches, program.beta, end)
    blocks, signs = run.blocks_of_network()
    if len(blocks):
        slide.place(blocks, signs)
    with run.until(end):
        while _slide(run, slide):
            if run.search(max_cones) == 0:
                return True
    run.begin_near(Found(run.upper, *blocks_from_network(run.network)))
    return False


def _slide(run: ColumnGeneration, slide: Slide) -> bool:
    """Go on until the estimated gap is small enough; False where it does not become."""
    program, r = run.program, run.X.shape[1]
    latest = run.prices.maxima
    best = (run.dual_estimate(), run.v, latest)
    least, waited = np.inf, 0
    for _ in range(ROUNDS):
        gap = (run.upper - best[0]) / run.upper
        if gap <= max(ENOUGH * run.tol, run.enough):
            run.recall(*best[1:])
            return True
        waited = 0 if gap < BETTER * least else waited + 1
        least = min(least, gap)
        wide = WIDE if program.rank <= COVERED_RANK else WIDE_IN_HIGH_RANK
        is_wide = r * np.count_nonzero(slide.sizes) > wide * program.n
        if waited > PATIENCE or is_wide or run.is_out_of_time:
            break
        breaking = latest.above(program.beta * (1.0 + ABOVE * gap))
        slide.add(breaking.directions[: NEW * r], breaking.signs[: NEW * r])
        data = program.data_term.smoothed(CORNERS * gap * run.upper)
        slide.settle(data)
        steps = slide.move(data, STEPS, GAIN * gap)
        slide.settle(data)
        v = data.gradient(slide.f)
        size = len(slide.units)
        slide.keep(v, USED * program.beta, MOST * r)
        run.take_moved(
            *slide.blocks, v, size, min(len(breaking.values), NEW * r), steps
        )
        latest = run.prices.maxima
        if run.estimate > best[0]:
            best = (run.estimate, run.v, latest)
    run.recall(*best[1:])
    return False
