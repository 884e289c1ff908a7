"""Tasks of a proof on an executor, and in this process where that is lost."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from typing import Any

from arrangement import WorkersLostError
from arrangement.executors import results_of


def results_somewhere(
    executor: Executor | None,
    work: Callable[..., Any],
    tasks: list[tuple[Any, ...]],
) -> Iterator[Any]:
    """Yield ``work(*task)`` of all tasks in their order, without an executor from here.

    None is yielded while a result is waited for.
    """
    n_done = 0
    if executor is not None:
        try:
            for result in results_of(executor, work, tasks):
                n_done += result is not None
                yield result
        except WorkersLostError:
            warn_of_loss()
    for task in tasks[n_done:]:
        yield work(*task)


def warn_of_loss() -> None:
    """Warn that an executor is lost; a task is the same here."""
    warnings.warn(
        "the executor lost its workers (killed, or out of memory): the proof goes on "
        "in this process.",
        RuntimeWarning,
        stacklevel=2,
    )
