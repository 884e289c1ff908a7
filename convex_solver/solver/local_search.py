"""Local searches: what training finds, for `solve` to begin with in high rank.

Objective (2) itself, which is not convex, lowered by Adam from random networks of some
dozens of neurons.  With 8 columns and more that takes about a second and comes close to
the optimum, where column generation, which meets only few of the many chambers, takes
minutes.  L-BFGS, tried before, stops at kinks: 1e-4 above Adam's end with squared loss,
and 5% to 30% above it with absolute and hinge loss.  Nothing that is proven depends on
any of it.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np

from convex_solver.errors import TrainingDivergedError
from convex_solver.program import ConvexProgram, blocks_from_network
from convex_solver.training import train
from convex_solver.typing import Array

# Neurons of a search and its steps: as many as there is time for, for one search first.
NEURONS, STEPS, FEW = 50, 2000, 1000
# Steps that tell how long one takes, and how far a first search may go on.
PROBE, LONGER = 20, 2.0
# Multiply-adds of all forward passes where no limit of the time is given, at most.
EFFORT = 5e10


@dataclass(frozen=True, eq=False)
class Found:
    """Where a search ended: its objective and the network's blocks.

    ``blocks`` (m, d) are ``|alpha_j| u_j``, ``signs`` (m,) those of the alphas.
    """

    objective: float
    blocks: Array
    signs: Array


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
        one.
    seed : int
        Of the first search; others have the numbers that follow.
    """
    begin = time.monotonic()
    if begin >= deadline:
        return []
    n_neurons = min(NEURONS, max(2 * program.n, 2))
    if math.isinf(deadline):
        room = EFFORT / (program.X.size * n_neurons)
    else:
        _search(program, n_neurons, 1, seed, deadline)  # what only a first call takes
        late = time.monotonic() - begin
        _search(program, n_neurons, PROBE, seed, deadline + late)
        now = time.monotonic()
        spent = max(now - begin - late, 1e-9)
        begin, deadline = begin + late, deadline + late
        room = PROBE * (deadline - now) / spent
    # where steps are few the first may take longer: it is worth little before its end
    steps = int(min(max(room, min(LONGER * room, FEW), 1.0), STEPS))
    end = begin + LONGER * (deadline - begin)
    found: list[Found] = []
    for k in range(int(min(max(room / steps, 1.0), n_starts))):
        one = _search(program, n_neurons, steps, seed + k, deadline if found else end)
        found += [] if one is None else [one]
        if time.monotonic() >= deadline:
            break
    return sorted(found, key=lambda each: each.objective)


@np.errstate(all="ignore")
def _search(
    program: ConvexProgram, n_neurons: int, steps: int, seed: int, deadline: float
) -> Found | None:
    """Train from one start; None where no number is finite."""
    left = deadline - time.monotonic()
    try:
        training = train(
            program,
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
