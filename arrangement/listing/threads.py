"""Work on pieces in threads, with results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from queue import Empty, SimpleQueue
from threading import Event, Thread, current_thread
from typing import Any

from arrangement.errors import ArrangementError
from arrangement.options import IsLate, never

# seconds between looks at the time while a piece is waited for
_PATIENCE = 0.1
# pieces a thread that are given out before the first of them is taken: some are a
# hundred times as long as others, and while one of these is next the others go on
_AHEAD = 12


@dataclass
class _Task:
    """A piece, and what became of it."""

    piece: Any
    result: Any = None
    error: BaseException | None = None
    is_done: bool = False

    def finish(self, work: Callable[[Any, IsLate], Any], is_late: IsLate) -> None:
        """Work on the piece and keep what that raises for the consumer."""
        try:
            self.result = work(self.piece, is_late)
        except BaseException as error:
            self.error = error
        self.is_done = True


class _Crew:
    """Threads that work on tasks, and what the consumer does beside them."""

    def __init__(
        self, work: Callable[[Any, IsLate], Any], n_helpers: int, is_late: IsLate
    ) -> None:
        self._work = work
        self._is_late = is_late
        self.halt = Event()
        self.to_do: SimpleQueue[_Task | None] = SimpleQueue()
        self._bell: SimpleQueue[None] = SimpleQueue()
        self._helpers = [
            Thread(target=self._serve, daemon=True) for _ in range(n_helpers)
        ]

    def start(self) -> None:
        for helper in self._helpers:
            helper.start()

    def is_halted(self) -> bool:
        # the consumer cannot look at the time while it works
        if self._is_late():
            self.halt.set()
        return self.halt.is_set()

    def _serve(self) -> None:
        while (task := self.to_do.get()) is not None:
            task.finish(self._work, self.halt.is_set)
            self._bell.put(None)

    def advance(self) -> bool:
        """Work on the next piece, or wait for news; False when there are none."""
        try:
            task = self.to_do.get_nowait()
        except Empty:
            try:
                # threads answer no signal: the wait for them is cut short
                self._bell.get(timeout=_PATIENCE)
            except Empty:
                self.is_halted()
                return False
            return True
        assert task is not None
        task.finish(self._work, self.is_halted)
        if task.error is not None and not isinstance(task.error, Exception):
            raise task.error
        return True

    def dismiss(self) -> None:
        """Leave what is not begun, and wait until the threads have ended.

        Except the one that calls: an iterator that was left without being closed may
        be collected in any thread, this crew's too.
        """
        self.halt.set()
        _empty(self.to_do)
        for _ in self._helpers:
            self.to_do.put(None)
        for helper in self._helpers:
            if helper.ident is not None and helper is not current_thread():
                helper.join()


def results_in_order(
    work: Callable[[Any, IsLate], Any],
    pieces: Iterator[Any],
    n_jobs: int,
    is_late: IsLate = never,
) -> Iterator[Any]:
    """Yield ``work(piece, is_halted)`` of all pieces; None while one is waited for.

    The consumer's thread is one of ``n_jobs``: it works on a piece itself when the one
    that is next is not there.  A dozen pieces a thread are worked on ahead.  Once
    ``is_late()``, or when the consumer leaves, ``is_halted()`` is true: what work
    returns then may be a part.  It is yielded for the piece that is next, then None:
    what follows would leave a gap.
    """
    crew = _Crew(work, n_jobs - 1, is_late)
    waiting: deque[_Task] = deque()
    try:
        crew.start()
        while True:
            for piece in islice(pieces, _AHEAD * n_jobs - len(waiting)):
                waiting.append(_Task(piece))
                crew.to_do.put(waiting[-1])
            if not waiting:
                return
            while not waiting[0].is_done:
                if not crew.advance():
                    yield None
            task = waiting.popleft()
            if task.error is not None:
                raise task.error
            yield task.result
            if crew.halt.is_set():
                yield None
                raise ArrangementError("a listing went on after its limit.")
    finally:
        crew.dismiss()


def _empty(queue: SimpleQueue[Any]) -> None:
    """Take all that is left."""
    while True:
        try:
            queue.get_nowait()
        except Empty:
            return
