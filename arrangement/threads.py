"""Work on pieces in threads, with results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import islice
from threading import Event
from typing import Any

from arrangement.errors import ArrangementError

# whether what is left to do is not wanted any more
IsLate = Callable[[], bool]

# seconds between looks at the time while a piece is waited for
_PATIENCE = 0.1


def never() -> bool:
    """Return False: there is no limit."""
    return False


def results_in_order(
    work: Callable[[Any, IsLate], Any],
    pieces: Iterator[Any],
    n_jobs: int,
    is_late: IsLate = never,
) -> Iterator[Any]:
    """Yield ``work(piece, is_halted)`` of all pieces; None while one is waited for.

    A few pieces a thread are worked on ahead.  Once ``is_late()``, or when the consumer
    leaves, ``is_halted()`` is true: what work returns then may be a part.  It is
    yielded for the piece that is next, then None: what follows would leave a gap.
    """
    halt = Event()
    with ThreadPoolExecutor(n_jobs) as pool:
        waiting: deque[Future[Any]] = deque()
        try:
            for piece in islice(pieces, 3 * n_jobs):
                waiting.append(pool.submit(work, piece, halt.is_set))
            while waiting:
                # threads answer no signal: the wait for them is cut short
                if not wait(list(waiting)[:1], _PATIENCE).done:
                    if is_late():
                        halt.set()
                    yield None
                    continue
                yield waiting.popleft().result()
                if halt.is_set():
                    yield None
                    raise ArrangementError("a listing went on after its limit.")
                for piece in islice(pieces, 1):
                    waiting.append(pool.submit(work, piece, halt.is_set))
        finally:
            halt.set()
            for future in waiting:
                future.cancel()
