"""Weight decays so small that networks fit: what a larger one finds is then enough.

A loss that grows along lines from where it is zero is an exact penalty (`Kind`): while
the dual point of beta stays inside the domain of the conjugate, loss and price are the
same but for a factor at every smaller beta, the network is the same, and the dual point
is ``beta' / beta`` times what it was.  Losses that are curved there (squared, Huber,
squared hinge) have that limit, too, with the penalty in their place.  So a program of a
tiny beta, which has digits for little, is solved at the largest that will do.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from convex_solver.reading import Limits, part_of_time
from convex_solver.solver.column_generation import ColumnGeneration
from convex_solver.solver.fit import with_predictions
from convex_solver.typing import Array

Say = Callable[[str], object]

# First beta, relative to the one at which zero is optimal, and the factor by which it
# falls.
FIRST = 1e-3
FALL = 0.02
# A beta below this share has a larger one solved first.
SMALL = 1e-7
# A dual point that stays in the domain when it grows by this share is inside.
INSIDE = 1e-4
# Share of the time.
LARGER_SHARE = 0.5


def larger_first(
    run: ColumnGeneration,
    limits: Limits,
    fill: Callable[[ColumnGeneration], object],
    rounds: Callable[[ColumnGeneration], str],
    say: Say,
) -> Array | None:
    """Solve for larger betas; give ``run`` their network and dual point if these do.

    ``fill`` begins the working set of a run and ``rounds`` works on it.  Returns
    directions to begin with where they do not.
    """
    program, penalty = run.program, run.program.loss.penalty
    if penalty is None or program.beta > SMALL * run.prices.maxima.largest:
        return None
    deadline = part_of_time(run.deadline, LARGER_SHARE)
    other = program.with_loss(penalty)
    largest = ColumnGeneration(other, limits.tol, deadline=deadline).prices.maxima
    beta = FIRST * largest.largest
    guesses: Array | None = None
    while beta > program.beta:
        larger = ColumnGeneration(
            other.with_beta(beta),
            0.1 * limits.tol,
            deadline=deadline,
            report=run.report,
            n_jobs=limits.n_jobs,
            executor=limits.executor,
        )
        fill(larger)
        if guesses is not None:
            larger.columns.add_both(guesses)
        say(f"first with {penalty} loss and beta = {beta:.3g}")
        stopped = rounds(larger)
        guesses = larger.useful_directions()
        if stopped != "tolerance":
            break
        v = larger.v * (1.0 + INSIDE)
        if np.array_equal(v, other.data_term.clip(v)):
            _take(run, larger)
            break
        beta *= FALL
    return guesses


def _take(run: ColumnGeneration, larger: ColumnGeneration) -> None:
    """Give a run the network of a larger beta, and its dual point in proportion."""
    program = run.program
    v = larger.v * (program.beta / larger.program.beta)
    network, objective = with_predictions(
        program, larger.network, program.data_term.predictions_at(v)
    )
    run.take(network, objective, v)
