"""Work on an executor: processes, or the machines of a cluster.

Any `concurrent.futures.Executor` will do.  Tasks are of a kind that gives the same
wherever and however often it is done, so an engine may move one or do it again.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from concurrent.futures import TimeoutError as NotYetError
from typing import Any
from uuid import uuid4

from arrangement.errors import InputError, InputTypeError, WorkersLostError

# tasks that are given out before the result of the first of them is taken
AHEAD = 64
# seconds between looks at the time while a result is waited for
_PATIENCE = 0.1


def check_executor(executor: Any, n_jobs: int = 1) -> None:
    """Refuse an ``executor`` that is none, or threads beside it.

    Raises
    ------
    InputTypeError
        Not a `concurrent.futures.Executor`.
    InputError
        ``n_jobs`` is not 1.
    """
    if executor is None:
        return
    if not isinstance(executor, Executor):
        advice = " Use client.get_executor()." if hasattr(executor, "scheduler") else ""
        raise InputTypeError(
            f"executor is {type(executor).__name__}; expected a "
            f"concurrent.futures.Executor.{advice}"
        )
    if n_jobs != 1:
        raise InputError(
            f"n_jobs={n_jobs} with executor: its workers are given when it is made. "
            "Leave n_jobs out."
        )


def results_of(
    executor: Executor, work: Callable[..., Any], tasks: Iterable[tuple[Any, ...]]
) -> Iterator[Any]:
    """Yield ``work(*task)`` of all tasks, in their order; None while one is waited for.

    What has not begun is called off when the consumer leaves.

    Raises
    ------
    WorkersLostError
        The executor is broken, or has called off what it was given.
    """
    waiting: deque[Future[Any]] = deque()
    left = iter(tasks)
    try:
        while True:
            while len(waiting) < AHEAD and (task := next(left, None)) is not None:
                waiting.append(executor.submit(_Call(work, task)))
            if not waiting:
                return
            try:
                result = waiting[0].result(timeout=_PATIENCE)
            except NotYetError:
                if not waiting[0].done():
                    yield None
                    continue
                # it came to its end in the meantime, perhaps out of time itself
                result = waiting[0].result()
            waiting.popleft()
            yield result
    except Exception as error:
        if not _is_loss(error):
            raise
        raise WorkersLostError(
            "a worker of the executor died, and with it the executor: killed, out of "
            "memory, or shut down. Call again with a new one; "
            "write_patterns(.., resume=True) goes on with the pieces that are there."
        ) from error
    finally:
        for future in waiting:
            future.cancel()


class _Call:
    """A task, which Dask would otherwise spend longer on to name than to send.

    It names tasks by a digest of all that they are given, so that it need not do one
    twice; here no two are the same.
    """

    def __init__(self, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        self._work = work
        self._arguments = arguments
        # what dashboards show
        self.__name__ = getattr(work, "__name__", type(self).__name__)

    def __call__(self) -> Any:
        return self._work(*self._arguments)

    def __dask_tokenize__(self) -> str:
        return uuid4().hex


def _is_loss(error: Exception) -> bool:
    """Whether an error tells of workers, and not of what they were given to do.

    Dask has an error of its own where several workers died of one task.
    """
    dask = sys.modules.get("distributed")
    killed = () if dask is None else (dask.KilledWorker,)
    return isinstance(error, (BrokenExecutor, CancelledError, *killed))
