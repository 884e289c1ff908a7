"""Where chambers are too many to meet: what comes before the rounds, and how much."""

from __future__ import annotations

import math
from collections.abc import Callable

from arrangement.io import heard_once
from convex_solver.certificates import COVERED_RANK
from convex_solver.program import ConvexProgram
from convex_solver.reading import part_of_time
from convex_solver.solver.column_generation import ColumnGeneration
from convex_solver.solver.local_search import Found, is_long, local_searches
from convex_solver.solver.relaxation import RelaxedProgram
from convex_solver.solver.sliding import slide_first, slides_first

Say = Callable[[str], object]

# Rank above which the relaxation comes first.
RELAXED_RANK = 6
# Local searches there; shares of the time that these, the relaxation over the whole
# sphere and all rounds have, and of what is left then, the halving of leaves.
SEARCHES = 4
SEARCHES_SHARE, RELAXED_SHARE, HIGH_ROUNDS_SHARE, LEAVES_SHARE = 0.35, 0.8, 0.5, 0.93
# Share of the time of the rounds for neurons that move; only searches come before.
SLIDES_SHARE = 0.5
# A gap of the rounds, as a share of that of the proof, at which they wait for it: where
# nothing else ends them, and where a limit of the time does.  A search ends some 1e-5
# above the optimum, and two or three rounds bring it to 1e-6.
ENOUGH, ENOUGH_IN_TIME = 0.1, 1e-3
# Where a round over chambers takes longer than a search, and finds less, the share of
# the time of a first one, and of what is left then; that where no round has ended.
FIRST_SEARCH, LONG_SEARCH, LATE_SEARCH = 0.8, 0.9, 0.7
# Leaves where no limit of the time is given: at most so many, times rows and moments.
SOME_LEAVES, EFFORT = 32, 2e6


def is_high(program: ConvexProgram) -> bool:
    """Whether chambers are so many that the relaxation comes first."""
    return program.rank > RELAXED_RANK and RelaxedProgram.takes(program)


def most_leaves(program: ConvexProgram) -> int:
    """Return how many leaves are worth their time where no limit says so."""
    width = program.rank * (program.rank + 3) // 2
    rows = program.n * program.n_patches
    return int(min(SOME_LEAVES, EFFORT / (rows * width)))


@heard_once()
def search_first(
    program: ConvexProgram,
    deadline: float,
    say: Say,
    share: float | None = None,
    seed: int = 0,
) -> list[Found]:
    """Return networks that training finds, with blocks in the program's columns."""
    if share is None:
        share = FIRST_SEARCH if is_long(program) else SEARCHES_SHARE
    try:
        found = local_searches(program, SEARCHES, part_of_time(deadline, share), seed)
    except KeyboardInterrupt:
        say("interrupted: no more searches; once more to end the rounds too")
        return []
    if found:
        best, worst = found[0].objective, found[-1].objective
        say(f"{len(found)} local searches: objectives {best:.10g} to {worst:.10g}")
    return found


def improve(
    run: ColumnGeneration, max_cones: int, deadline: float, say: Say
) -> str | None:
    """Improve the network by what is not a round; ``deadline`` is of all there is.

    Returns why that ended, or None where rounds follow.
    """
    if slides_first(run.program):
        if slide_first(run, max_cones):
            return "tolerance"
        return "time limit" if run.is_out_of_time else None
    if is_long(run.program) and not math.isinf(deadline):
        for network in search_first(
            run.program, deadline, say, LONG_SEARCH, seed=SEARCHES
        ):
            run.begin_near(network)
        return "time limit"
    return None


def bound_first(
    run: ColumnGeneration, relaxed: RelaxedProgram, tol: float, say: Say
) -> None:
    """Relax the program over the whole sphere: that says how far rounds have to go."""
    deadline = part_of_time(run.deadline, RELAXED_SHARE)
    found = relaxed.refine(run.upper, tol, deadline, most=2, report=say)
    if found is not None and run.program.rank > COVERED_RANK:
        share = ENOUGH if math.isinf(run.deadline) else ENOUGH_IN_TIME
        run.enough = share * (run.upper - found.estimate) / run.upper
