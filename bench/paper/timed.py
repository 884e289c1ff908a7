"""Trainings that take a given time: as many steps as fit, and a rate that falls to 0.

A run that a time limit ends has not let its rate fall, and is the worse for it.  So the
steps are counted beforehand, from two short runs that tell a step from a start.
"""

from __future__ import annotations

from typing import Any

from convex_solver import ConvexProgram, Training, TrainingDivergedError, train

SHORT, LONG = 20, 120
# What is aimed at, and where a run is ended after all; shares of the time.
AIM, LIMIT = 0.9, 1.2
LEAST_STEPS = 50


def timed(program: ConvexProgram, seconds: float, **how: Any) -> Training | None:
    """Return a training of about so many seconds, or None if it diverged.

    ``how`` as for `convex_solver.train`, without steps and limit.
    """
    try:
        short, long = (
            train(program, steps=steps, **how).seconds for steps in (SHORT, LONG)
        )
        each = max((long - short) / (LONG - SHORT), 1e-6)
        start = max(short - SHORT * each, 0.0)
        steps = max(LEAST_STEPS, int((AIM * seconds - start) / each))
        return train(program, steps=steps, time_limit=LIMIT * seconds, **how)
    except TrainingDivergedError:
        return None
