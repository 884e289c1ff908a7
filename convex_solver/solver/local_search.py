"""Local searches: what training finds, for `solve` to begin with in high rank.

Objective (2) itself, which is not convex, lowered by Adam from random networks of some
dozens of neurons.  With 8 columns and more that takes about a second and comes close to
the optimum, where column generation, which meets only few of the many chambers, takes
minutes.  L-BFGS, tried before, stops at kinks: 1e-4 above Adam's end with squared loss,
and 5% to 30% above it with absolute and hinge loss.  Newton steps on what Adam found
(`training.Slide`), with the corners of a loss rounded less and less, take it further in
the time of a few of its steps.  Nothing that is proven depends on any of it.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np

from convex_solver.errors import TrainingDivergedError
from convex_solver.program import ConvexProgram, blocks_from_network
from convex_solver.reading import part_of_time
from convex_solver.training import Slide, train
from convex_solver.typing import Array

# Neurons of a search and its steps: as many as there is time for, for one search first.
NEURONS, STEPS, FEW = 50, 2000, 1000
# Steps that tell how long one takes, and how far a first search may go on; more
# on batches, as the objective is looked at on all samples every so often.
PROBE, PROBE_OF_BATCHES, LONGER = 60, 1500, 2.0
# Entries of X from which steps are on batches, of so many samples, with a smaller first
# rate: one on all of 12,480 patches takes as long as six, and in the same time the
# objective falls to a fourth.
LONG, BATCH, RATE = 2e5, 20, 0.1
# Multiply-adds of all forward passes where no limit of the time is given, at most.
EFFORT = 5e10
# Share of the time that searches have; Newton steps take what they need of the rest.
SEARCHING = 0.7
# What rounding corners may cost, as shares of the objective; Newton steps at each, at
# most, and the relative gain below which they end; what they take where no limit of the
# time is given, in numbers visited.
CORNERS = (1e-2, 1e-3, 1e-4, 1e-5)
NEWTON, LEAST_GAIN, NEWTON_EFFORT = 200, 1e-8, 2e10
# Neurons below this share of the largest do not take part.
LIGHT = 1e-6


@dataclass(frozen=True, eq=False)
class Found:
    """Where a search ended: its objective and the network's blocks.

    ``blocks`` (m, d) are ``|alpha_j| u_j``, ``signs`` (m,) those of the alphas.
    """

    objective: float
    blocks: Array
    signs: Array


def is_long(program: ConvexProgram) -> bool:
    """Whether a step on all samples is long."""
    return program.X.size > LONG


def local_searches(
    program: ConvexProgram, n_starts: int, deadline: float, seed: int = 0
) -> list[Found]:
    """Search from several random networks; return what was found, the best first.

    Parameters
    ----------
    program : ConvexProgram
    n_starts : int
    deadline : float
        Of `time.monotonic`.  The steps fall as if all of them would come, so their
        number is what there is time for: all of them in fewer searches, or fewer in
        one.  They are polished in what is left of it, the best first.
    seed : int
        Of the first search; others have the numbers that follow.
    """
    begin, last = time.monotonic(), deadline
    if begin >= deadline:
        return []
    deadline = part_of_time(deadline, SEARCHING)
    n_neurons = min(NEURONS, max(2 * program.n, 2))
    per_pass = math.ceil(program.n / BATCH) if is_long(program) else 1
    if math.isinf(deadline):
        room = per_pass * EFFORT / (program.X.size * n_neurons)
    else:
        _search(program, n_neurons, 1, seed, deadline)  # what only a first call takes
        late = time.monotonic() - begin
        probe = PROBE if per_pass == 1 else PROBE_OF_BATCHES
        _search(program, n_neurons, probe, seed, deadline + late)
        now = time.monotonic()
        spent = max(now - begin - late, 1e-9)
        begin, deadline = begin + late, deadline + late
        room = probe * (deadline - now) / spent
    # where steps are few the first may take longer: it is worth little before its end
    steps = int(min(max(room, min(LONGER * room, FEW), 1.0), per_pass * STEPS))
    end = begin + LONGER * (deadline - begin)
    found: list[Found] = []
    is_free = math.isinf(deadline)
    longest = 0.0
    for k in range(int(min(max(room / steps, 1.0), n_starts)) if is_free else n_starts):
        now = time.monotonic()
        if k > 0 and now + longest > deadline:
            break
        one = _search(program, n_neurons, steps, seed + k, deadline if found else end)
        found += [] if one is None else [one]
        longest = max(longest, time.monotonic() - now)
    found.sort(key=lambda each: each.objective)
    better: list[Found] = []
    for one in found:
        late = bool(better) and time.monotonic() >= last
        better.append(one if late else polished(program, one, last))
    return sorted(better, key=lambda each: each.objective)


@np.errstate(all="ignore")  # what is not finite is not better
def polished(program: ConvexProgram, found: Found, deadline: float) -> Found:
    """Take Newton steps from what was found, until ``deadline``; return the better one.

    Where the loss has kinks their corners are rounded, less and less.
    """
    sizes = np.linalg.norm(found.blocks, axis=1)
    used = sizes > LIGHT * sizes.max(initial=0.0)
    if not np.any(used) or not math.isfinite(found.objective):
        return found
    slide = Slide(program.X, program.n_patches, program.beta, deadline)
    slide.place(found.blocks[used], found.signs[used])
    best, left = found, NEWTON_EFFORT
    for share in CORNERS if program.data_term.has_kinks else (0.0,):
        data = program.data_term.smoothed(share * best.objective)
        value = np.inf
        for _ in range(NEWTON):
            slide.settle(data)
            slide.move(data, 1, 0.0)
            blocks, signs = slide.blocks
            slide.keep(data.gradient(slide.f), np.inf, 0)
            objective = slide.objective(program.data_term)
            if objective < best.objective:
                best = Found(objective, blocks, signs)
            before, value = value, slide.objective(data)
            left -= program.X.size * blocks.size * len(signs)
            if time.monotonic() >= deadline or left <= 0.0:
                return best
            if not (len(signs) and before - value > LEAST_GAIN * value):
                break
    return best


@np.errstate(all="ignore")
def _search(
    program: ConvexProgram, n_neurons: int, steps: int, seed: int, deadline: float
) -> Found | None:
    """Train from one start; None where no number is finite."""
    left = deadline - time.monotonic()
    batch_size, rate = (BATCH, RATE) if is_long(program) else (None, None)
    try:
        training = train(
            program,
            batch_size=batch_size,
            step_size=rate,
            n_neurons=n_neurons,
            steps=steps,
            seed=seed,
            time_limit=None if math.isinf(left) else max(left, 1e-9),
        )
    except TrainingDivergedError:
        return None
    if training.stopped == "interrupted":
        raise KeyboardInterrupt
    return Found(training.objective, *blocks_from_network(training.network))
