"""Work on pieces in threads, with results in order.

What is worked on next is always the first piece that nobody has begun, and a worker may
leave the last part of its own to others while it works.  So the threads stay close to
what is wanted next, however uneven the pieces are.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Condition, Event, Thread, current_thread
from typing import Any, Protocol

from arrangement.errors import ArrangementError
from arrangement.options import IsLate, never

# seconds between looks at the time while a piece is waited for
_PATIENCE = 0.1
# results a thread that are kept before the first of them is there
_AHEAD = 12
# pieces a thread that wait to be begun, so that no more are wanted
_ENOUGH = 2


class Others(Protocol):
    """The other workers, as one that works on a piece sees them."""

    @property
    def want_more(self) -> bool:
        """Whether there will soon be nothing left to begin."""

    def leave(self, piece: Any) -> None:
        """Leave a piece to them, which comes before what was left sooner."""


Work = Callable[[Any, IsLate, Others], Any]


@dataclass(eq=False)
class _Task:
    """A piece, and what became of it."""

    piece: Any
    result: Any = None
    error: BaseException | None = None
    is_begun: bool = False
    is_done: bool = False

    def finish(self, work: Work, is_late: IsLate, others: Others) -> None:
        """Work on the piece and keep what that raises for the consumer."""
        try:
            self.result = work(self.piece, is_late, others)
        except BaseException as error:
            self.error = error


@dataclass
class _Others:
    """The crew of a task (see `Others`)."""

    crew: _Crew
    task: _Task

    @property
    def want_more(self) -> bool:
        return self.crew.n_open < self.crew.enough

    def leave(self, piece: Any) -> None:
        self.crew.insert(piece, self.task)


class _Crew:
    """Threads that work on tasks, and what the consumer does beside them.

    ``tasks`` wait in the order of their results.
    """

    def __init__(self, work: Work, n_jobs: int, is_late: IsLate) -> None:
        self._work = work
        self._is_late = is_late
        self._most = _AHEAD * n_jobs
        self.enough = _ENOUGH * n_jobs
        # tasks that are not begun
        self.n_open = 0
        self.halt = Event()
        self.tasks: deque[_Task] = deque()
        # held for a moment only, and by one thread twice where it collects garbage
        self._news = Condition()
        self._helpers = [
            Thread(target=self._serve, daemon=True) for _ in range(n_jobs - 1)
        ]

    def start(self) -> None:
        for helper in self._helpers:
            helper.start()

    def is_halted(self) -> bool:
        # the consumer cannot look at the time while it works
        if self._is_late():
            self.halt.set()
        return self.halt.is_set()

    def add(self, pieces: Iterator[Any]) -> None:
        """Add pieces at the end, as many as may be worked on ahead."""
        for _ in range(len(self.tasks), self._most):
            # making one may take long
            for piece in pieces:
                self.insert(piece)
                break
            else:
                return

    def insert(self, piece: Any, before: _Task | None = None) -> None:
        """Add a piece after the task of another, or at the end."""
        with self._news:
            place = len(self.tasks)
            if before is not None:
                if self.halt.is_set():
                    # nothing after that task is wanted, and it may be gone itself
                    return
                place = self.tasks.index(before) + 1
            self.tasks.insert(place, _Task(piece))
            self.n_open += 1
            self._news.notify()

    def _begin(self) -> _Task | None:
        """Take the first task that is not begun, unless too many are before it."""
        for _, task in zip(range(self._most), self.tasks, strict=False):
            if not task.is_begun:
                task.is_begun = True
                self.n_open -= 1
                return task
        return None

    def _finish(self, task: _Task, is_late: IsLate) -> None:
        task.finish(self._work, is_late, _Others(self, task))
        with self._news:
            task.is_done = True
            self._news.notify_all()

    def _serve(self) -> None:
        while True:
            with self._news:
                while (task := self._begin()) is None:
                    if self.halt.is_set():
                        return
                    self._news.wait()
            self._finish(task, self.halt.is_set)

    def advance(self) -> bool:
        """Work on the next piece, or wait for news; False when there are none."""
        with self._news:
            task = self._begin()
            if task is None:
                if self.tasks[0].is_done:
                    return True
                # threads answer no signal: the wait for them is cut short
                if self._news.wait(_PATIENCE):
                    return True
        if task is None:
            self.is_halted()
            return False
        self._finish(task, self.is_halted)
        if task.error is not None and not isinstance(task.error, Exception):
            raise task.error
        return True

    def next(self) -> _Task:
        """Take the first task, which is done."""
        with self._news:
            task = self.tasks.popleft()
            # another one may be worked on ahead
            self._news.notify()
        return task

    def dismiss(self) -> None:
        """Leave what is not begun, and wait until the threads have ended.

        Unless one of them calls: an iterator that was left without being closed may be
        collected in any thread, this crew's too, and that one may hold what the others
        wait for.
        """
        self.halt.set()
        with self._news:
            self.tasks.clear()
            self._news.notify_all()
        if current_thread() not in self._helpers:
            for helper in self._helpers:
                if helper.ident is not None:
                    helper.join()


def results_in_order(
    work: Work,
    pieces: Iterator[Any],
    n_jobs: int,
    is_late: IsLate = never,
) -> Iterator[Any]:
    """Yield ``work(piece, is_halted, others)`` of all; None while one is waited for.

    What work leaves to ``others`` is a piece too: it comes after the one that is worked
    on, and before what was left sooner.  The consumer's thread is one of ``n_jobs``: it
    works on a piece itself when the one that is next is not there.  A dozen pieces a
    thread are worked on ahead.  Once ``is_late()``, or when the consumer leaves,
    ``is_halted()`` is true: what work returns then may be a part.  It is yielded for
    the piece that is next, then None: what follows would leave a gap.
    """
    crew = _Crew(work, n_jobs, is_late)
    try:
        crew.start()
        while True:
            crew.add(pieces)
            if not crew.tasks:
                return
            while not crew.tasks[0].is_done:
                if not crew.advance():
                    yield None
            task = crew.next()
            if task.error is not None:
                raise task.error
            yield task.result
            if crew.halt.is_set():
                yield None
                raise ArrangementError("a listing went on after its limit.")
    finally:
        crew.dismiss()
