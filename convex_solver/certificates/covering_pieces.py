"""A covering in pieces, one for each orthant and sign, worked on in threads.

The pieces are disjoint parts of the work of one covering, and together all of it.  A
first one of each side goes through the orthants as far as it comes, alone, and most
coverings end there; the orthants that it has not begun are pieces of their own, which
advance in rounds of a fixed number of cones.  A round knows the largest value that was
seen before it, whichever piece saw it, and nothing of what happens beside it: so the
result does not depend on the number of threads.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Event

import numpy as np
from numpy.typing import NDArray

from convex_solver._kernels.certify import (
    BEST,
    CONES,
    DONE,
    END,
    GOAL,
    GROW,
    HEIGHT,
    LEFT,
    ORTHANT,
    TOP,
    Found,
    Pool,
    Scratch,
    Stack,
    cover,
    grown,
    make_scratch,
    make_stack,
)
from convex_solver.certificates.signed_rows import SignedRows
from convex_solver.typing import Array

# Cones between looks at the clock: as many as take some tenths of a second, between a
# thousand a second in high rank and a million in low.
FIRST_CONES = 256
QUICK, SLOW = 0.05, 0.25
# Cones of the first piece of a side, which sees at once what it finds itself.
OPENING = 1024
# Cones of a piece in the first round, and in any; each round has twice as many.
FIRST_ROUND, LONGEST_ROUND = 32, 2**14
# Seconds of a round from which on the next ones are worth sending away.
LEAST_AWAY = 0.1
# Pieces that are worked on at a time, and bytes that they may take at first.
MOST_PIECES, PIECE_BYTES = 32, 2.5e8


@dataclass(frozen=True, eq=False)
class Side:
    """``f`` or ``-f``: rows as columns, convex ones first."""

    sign: float
    columns: Array
    n_convex: int
    linear: Array

    @property
    def rank(self) -> int:
        """Dimension r of the space that is covered."""
        return int(self.linear.size)

    @property
    def total(self) -> float:
        """Bound on the whole ball.

        ``f(w) <= |linear| + sum over the convex rows |a_i|`` for every ``|w| <= 1``.
        """
        lengths = np.linalg.norm(self.columns[:, : self.n_convex], axis=0)
        total = float(np.linalg.norm(self.linear) + lengths.sum())
        return total * (1.0 + 2.0**-30)

    def value(self, point: Array) -> float:
        """Return the function at a point, rounded."""
        hidden = np.maximum(point @ self.columns, 0.0)
        convex, concave = hidden[: self.n_convex], hidden[self.n_convex :]
        return float(point @ self.linear + convex.sum() - concave.sum())

    def gradient(self, point: Array) -> Array:
        """Return the gradient where no row is zero, rounded."""
        weights = (point @ self.columns > 0.0).astype(float)
        weights[self.n_convex :] *= -1.0
        return np.asarray(self.linear + self.columns @ weights)


def side_of(problem: SignedRows, sign: float) -> Side:
    """Return ``f`` or ``-f`` as the kernel takes it."""
    signs = sign * problem.signs
    order = np.argsort(-signs, kind="stable")
    return Side(
        sign=sign,
        columns=np.ascontiguousarray(problem.rows[order].T),
        n_convex=int(np.sum(signs > 0.0)),
        linear=sign * problem.linear,
    )


@dataclass(eq=False)
class Piece:
    """State of the kernel on some orthants of one side."""

    side: Side
    counters: NDArray[np.int64]
    scalars: Array
    found: Found
    stack: Stack
    pool: Pool
    is_done: bool = False

    def grow(self) -> None:
        """Double the memory of the stack and of the pool."""
        self.stack, self.pool = grown(self.stack, self.pool)

    def let_go(self) -> None:
        """Leave the memory to others, at the end."""
        self.stack, self.pool = make_stack(self.side.rank, 0, 0)

    @property
    def left(self) -> float:
        """Bound on what was left: cones on the stack, orthants never opened."""
        if self.is_done:
            return 0.0
        height = self.counters[HEIGHT]
        left = float(self.stack.bounds[:height].max(initial=0.0))
        is_open = self.counters[ORTHANT] == self.counters[END]
        return left if is_open else max(left, self.side.total)

    def advance(
        self, n_cones: int, scratch: Scratch, is_over: Callable[[], bool]
    ) -> None:
        """Visit so many cones, or fewer if the piece ends or ``is_over()``."""
        counters, scalars = self.counters, self.scalars
        last = counters[CONES] + n_cones
        size, begin = FIRST_CONES, time.monotonic()
        while counters[CONES] < last and not self.is_done:
            counters[LEFT] = min(size, last - counters[CONES])
            code = cover(
                self.side.columns,
                self.side.n_convex,
                self.side.linear,
                self.stack,
                self.pool,
                counters,
                scalars,
                self.found,
                scratch,
            )
            if code == DONE:
                self.is_done = True
            if code == DONE or is_over():
                break
            now = time.monotonic()
            if code == GROW:
                self.grow()
            elif now - begin < QUICK:
                size = 2 * size
            if now - begin > SLOW:
                size = max(size // 2, 1)
            begin = now
        if self.is_done:
            self.let_go()


def piece_of(side: Side, first: int, end: int, n_peaks: int) -> Piece:
    """Return the piece of the orthants from ``first`` to before ``end``."""
    r, m = side.columns.shape
    stack, pool = make_stack(r, 8 * (r + 1), 2 * m + 64)
    counters = np.zeros(6, dtype=np.int64)
    counters[[ORTHANT, END]] = first, end
    return Piece(
        side=side,
        counters=counters,
        scalars=np.zeros(6),
        found=Found(np.zeros(r), np.zeros((n_peaks, r + 1))),
        stack=stack,
        pool=pool,
    )


Task = tuple[Piece, int]
RunAll = Callable[[Callable[[Task], None], list[Task]], None]
# advances pieces elsewhere until a deadline; returns the tasks that nobody does there
Elsewhere = Callable[[list[Task], float], list[Task]]


class Pieces:
    """The pieces of both sides: those begun, and the orthants of the others.

    Attributes
    ----------
    begun : list of Piece
    scalars : ndarray, shape (6,), float64
        Goal, best value and so on of all pieces, at the end of the last round.
    best : ndarray, shape (r,), float64
        The unit vector with the best value.
    """

    def __init__(
        self, sides: list[Side], scalars: Array, best: Array, n_peaks: int
    ) -> None:
        self.sides, self.scalars, self.best = sides, scalars, best
        self.n_peaks = n_peaks
        self.begun: list[Piece] = []
        r, m = sides[0].columns.shape
        room = PIECE_BYTES / (8.0 * (r + 1) * (2 * m + 64))
        self.most = int(min(max(room, len(sides)), MOST_PIECES))
        self.n_orthants = 2**r if r > 0 else 0
        self.n_begun = [0] * len(sides)

    @property
    def is_done(self) -> bool:
        """Whether the sphere is covered, for all sides."""
        all_begun = all(count == self.n_orthants for count in self.n_begun)
        return all_begun and all(piece.is_done for piece in self.begun)

    @property
    def left(self) -> float:
        """Bound on what was left."""
        left = [piece.left for piece in self.begun]
        counts = zip(self.sides, self.n_begun, strict=True)
        left += [side.total for side, count in counts if count < self.n_orthants]
        return max(left, default=0.0)

    @property
    def share(self) -> float:
        """How much of the sphere is covered, about: pieces begun count by half."""
        done = sum(0.5 + 0.5 * piece.is_done for piece in self.begun)
        return done / max(len(self.sides) * self.n_orthants, 1)

    def n_cones(self, side: Side) -> int:
        """Cones visited for one side."""
        own = [piece for piece in self.begun if piece.side is side]
        return sum(int(piece.counters[CONES]) for piece in own)

    def run(
        self,
        max_cones: int,
        deadline: float,
        n_jobs: int,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        """Advance until the sphere is covered, ``max_cones`` a side or the deadline.

        Rounds that are long enough are advanced ``elsewhere``.
        """
        r, m = self.sides[0].columns.shape
        if r == 0 or self.n_orthants > max_cones:
            return
        scratches: SimpleQueue[Scratch] = SimpleQueue()
        for _ in range(min(n_jobs, self.most)):
            scratches.put(make_scratch(r, m))
        size, halt = FIRST_ROUND, Event()

        def is_over() -> bool:
            return halt.is_set() or time.monotonic() >= deadline

        def work(task: Task) -> None:
            piece, n_cones = task
            # some cones of each side in any case
            if is_over() and self.begun.index(piece) >= len(self.sides):
                return
            scratch = scratches.get()
            try:
                piece.advance(n_cones, scratch, is_over)
            finally:
                scratches.put(scratch)

        self._open(max_cones, scratches, is_over)
        with _threads(n_jobs) as run_all:
            is_long = False
            while tasks := self._tasks(size, max_cones):
                begin, left = time.monotonic(), tasks
                if elsewhere is not None and is_long:
                    left = elsewhere(tasks, deadline)
                    elsewhere = None if left else elsewhere
                try:
                    run_all(work, left)
                except BaseException:
                    halt.set()  # threads answer no signal
                    raise
                is_long |= time.monotonic() - begin > LEAST_AWAY
                self._share(piece for piece, _ in tasks)
                if is_over():
                    return
                size = min(2 * size, LONGEST_ROUND)

    def _open(
        self,
        max_cones: int,
        scratches: SimpleQueue[Scratch],
        is_over: Callable[[], bool],
    ) -> None:
        """Begin each side with one piece; it keeps the orthants that it came to."""
        scratch = scratches.get()
        for k, side in enumerate(self.sides):
            piece = piece_of(side, 0, self.n_orthants, self.n_peaks)
            piece.scalars[:] = self.scalars
            piece.advance(min(OPENING, max_cones), scratch, is_over)
            piece.counters[END] = self.n_begun[k] = int(piece.counters[ORTHANT])
            self.begun.append(piece)
            self._share([piece])
        scratches.put(scratch)

    def _tasks(self, size: int, max_cones: int) -> list[Task]:
        """Return the pieces of the next round, and the cones of each.

        A piece may take one cone more than it has, as halves come in pairs; all of a
        side take no more than are left of its budget, if there are two.
        """
        left = [max_cones - self.n_cones(side) for side in self.sides]
        going = [
            [piece for piece in self.begun if piece.side is side and not piece.is_done]
            for side in self.sides
        ]
        # a side in turn, so that neither waits for the other to end
        for number in range(self.n_orthants):
            for k, side in enumerate(self.sides):
                is_next = self.n_begun[k] == number and left[k] > 0
                if is_next and sum(map(len, going)) < self.most:
                    piece = piece_of(side, number, number + 1, self.n_peaks)
                    self.n_begun[k] += 1
                    self.begun.append(piece)
                    going[k].append(piece)
        tasks = []
        for own, rest in zip(going, left, strict=True):
            share = rest // max(len(own), 1) - 1
            if share < 1:
                own, share = own[: max(rest // 2, 1) if rest > 0 else 0], 1
            tasks += [(piece, min(size, share)) for piece in own]
        for piece, _ in tasks:
            piece.scalars[:] = self.scalars
        return tasks

    def _share(self, pieces: Iterable[Piece]) -> None:
        """Take over what pieces found in a round."""
        for piece in pieces:
            if piece.scalars[BEST] > self.scalars[BEST]:
                self.best = piece.found.best.copy()
            for place in (BEST, GOAL, TOP):
                self.scalars[place] = max(self.scalars[place], piece.scalars[place])


@contextmanager
def _threads(n_jobs: int) -> Iterator[RunAll]:
    """Give a way to do work on all tasks, in so many threads; none for one."""
    if n_jobs == 1:

        def one_by_one(work: Callable[[Task], None], tasks: list[Task]) -> None:
            for task in tasks:
                work(task)

        yield one_by_one
        return
    with ThreadPoolExecutor(n_jobs) as pool:  # the kernel releases the GIL

        def at_once(work: Callable[[Task], None], tasks: list[Task]) -> None:
            for _ in pool.map(work, tasks):
                pass

        yield at_once
