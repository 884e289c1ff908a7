"""Trainings that take a given time: as many steps as fit, and a rate that falls to 0.

A run that a time limit ends has not let its rate fall, and is the worse for it.  So the
steps are counted beforehand, from two short runs that tell a step from a start.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convex_solver import ConvexProgram, Training, TrainingDivergedError, train

# Steps of the short runs: both note about 200 objectives, as longer ones do, so that
# their difference is that of the steps alone.
SHORT, LONG = 200, 400
# What is aimed at, and where a run is ended after all; shares of the time.
AIM, LIMIT = 0.9, 1.2
LEAST_STEPS = 50


def timed(
    program: ConvexProgram, times: Sequence[float], **how: Any
) -> list[Training | None]:
    """Return trainings of about so many seconds; None for one that diverged.

    Each is a run of its own, from the same start.  ``how`` as for
    `convex_solver.train`, without steps and limit.  The short runs are not counted;
    they take a second at most, or half of the longest time.
    """
    most = max(1.0, 0.5 * max(times))
    short, long = (_tried(program, steps, most, how) for steps in (SHORT, LONG))
    if short is None or long is None:
        return [None] * len(times)
    counted = int(long.steps[-1]) - int(short.steps[-1])
    each = (long.seconds - short.seconds) / counted if counted > 0 else 0.0
    if each <= 0.0:  # the limit ended one of them, or the machine was busy
        each = long.seconds / max(int(long.steps[-1]), 1)
    start = max(short.seconds - int(short.steps[-1]) * each, 0.0)
    found = []
    for seconds in times:
        steps = max(LEAST_STEPS, int((AIM * seconds - start) / each))
        found.append(_tried(program, steps, LIMIT * seconds, how))
    return found


def _tried(
    program: ConvexProgram, steps: int, limit: float, how: dict[str, Any]
) -> Training | None:
    try:
        return train(program, steps=steps, time_limit=limit, **how)
    except TrainingDivergedError:
        return None
