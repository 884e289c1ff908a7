"""Along the tree of chambers, in one walk or in many.

A walk that has come to as many chambers as it may leaves the cells that wait, each a
subtree to be walked along by itself, and goes back to its root (see `Waiting`).
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels.state import DONE, N_MOVES, PAUSED
from arrangement._kernels.tree import visit_along
from arrangement.executors import results_of
from arrangement.listing.cells import Layout
from arrangement.listing.families import forget, kept
from arrangement.listing.plan import Plan
from arrangement.listing.tree import FloatWitnesses, Subtree, TreeWalker, data_width
from arrangement.listing.waiting import Growth, Waiting
from arrangement.model import Arrangement, pack
from arrangement.options import IsLate, Listener, Progress, never

# new chambers a block
CHAMBERS = 1 << 12
_GROWTH = Growth(1 << 12, 4, 1 << 15)
# cells of so many chambers are not left: they are done sooner than sent
_FEW = 1 << 10

Visitor = Callable[..., None]


class Along:
    """Walks along subtrees, one after another, in arrays that are used again.

    Walks in several threads may have the same ``witnesses``.
    """

    def __init__(
        self,
        arrangement: Arrangement,
        layout: Layout,
        witnesses: FloatWitnesses | None = None,
    ) -> None:
        self._walker = TreeWalker(arrangement, layout)
        self._witnesses = witnesses or FloatWitnesses(arrangement, layout)
        self._moves = np.zeros(2 * CHAMBERS, dtype=np.int64)
        words = layout.words_per_pattern
        self._patterns = np.zeros((CHAMBERS, words), dtype=np.uint64)
        self._candidates = np.zeros((CHAMBERS, layout.rank))
        self._members = _members_of_places(arrangement, layout)
        width = -(-arrangement.n_hyperplanes // 64)
        self._pattern = np.zeros(width, dtype=np.uint64)
        self._crossed = np.zeros(layout.n_rows + 1, dtype=np.int64)
        self._path = np.zeros((layout.n_rows + 1, self._witnesses.width))
        # of a walk along a piece: the subtrees that it left
        self.left: list[Subtree] = []

    def walk(
        self,
        function: Visitor,
        state: Any,
        subtree: Subtree | None = None,
        most: int | None = None,
    ) -> Iterator[int]:
        """Call ``function`` along a subtree; yield the chambers of block after block.

        Of None, along the whole tree, once.  After ``most`` chambers it leaves what
        waits, in ``left``, but for what is small.
        """
        walker = self._walker
        if subtree is not None:
            walker.begin(subtree)
        self.left = []
        depth = done = 0
        status = PAUSED
        while status != DONE:
            room = CHAMBERS if most is None else min(CHAMBERS, most - done)
            status = walker.walk(
                self._moves, self._patterns[:room], self._candidates[:room]
            )
            new = walker.n_written
            if new and not done:
                self._pattern[:] = self._patterns[0, : self._pattern.size]
            points = self._witnesses.points(
                self._patterns[:new], self._candidates[:new]
            )
            made = self._moves[: int(walker.control[N_MOVES])]
            depth = visit_along(
                function,
                state,
                made,
                points,
                *self._members,
                self._pattern,
                self._crossed,
                self._path,
                depth,
            )
            walker.control[N_MOVES] = walker.n_written = 0
            done += new
            if done == most and status != DONE:
                self.left = walker.leave(_FEW)
                most = None
            yield new


@dataclass(frozen=True, eq=False)
class TreePiece:
    """A subtree to be walked along until ``most`` chambers are found.

    Can be pickled.  The pieces of one call have their ``family`` in common.
    """

    arrangement: Arrangement
    subtree: Subtree
    most: int
    family: str = field(repr=False)

    def prepare(self) -> tuple[Layout, FloatWitnesses, deque[Along]]:
        """Return what all pieces need, and room for what walks and is idle."""
        layout = Plan(self.arrangement, by_cells=True).layout
        assert layout is not None
        return layout, FloatWitnesses(self.arrangement, layout), deque()


def _fold_piece(
    piece: TreePiece, function: Visitor, state: Any, is_late: IsLate
) -> tuple[int, Any, list[Subtree]]:
    """Reduce a piece by itself; return its chambers, the state and what it left."""
    # in threads nothing is pickled, and so nothing copied
    state = copy.deepcopy(state)
    layout, witnesses, idle = kept(piece.family, piece.prepare)
    try:
        along = idle.pop()
    except IndexError:
        along = Along(piece.arrangement, layout, witnesses)
    count = 0
    for new in along.walk(function, state, piece.subtree, piece.most):
        count += new
        if is_late():
            break
    left = along.left
    idle.append(along)
    return count, state, left


def fold_along(
    plan: Plan, function: Visitor, state: Any, progress: Listener | None
) -> None:
    """Call ``function`` along the whole tree."""
    if plan.layout is None or plan.is_single:
        _visit_the_one(plan.arrangement, function, state)
        return
    done = 0
    for new in Along(plan.arrangement, plan.layout).walk(function, state):
        done += new
        if progress is not None:
            progress(Progress.of_patterns(done, plan.bound))


def fold_subtrees(
    plan: Plan,
    executor: Executor,
    function: Visitor,
    state: Any,
    merge: Callable[[Any, Any], object],
    progress: Listener | None,
    is_late: IsLate = never,
) -> None:
    """Reduce subtrees by themselves and merge what comes of them into ``state``."""
    # as it is now: merging changes it, and a task may be sent later
    start = copy.deepcopy(state)
    if plan.layout is None or plan.is_single:
        _visit_the_one(plan.arrangement, function, start)
        merge(state, start)
        return
    family = uuid4().hex

    def task(subtree: Subtree, most: int) -> tuple[Any, ...]:
        piece = TreePiece(plan.arrangement, subtree, most, family)
        return piece, function, start, is_late

    waiting = Waiting(task, _GROWTH)
    waiting.put([TreeWalker(plan.arrangement, plan.layout).everything()])
    done = 0
    try:
        for result in results_of(executor, _fold_piece, waiting):
            if result is None:
                continue
            count, part, left = result
            waiting.put(left)
            merge(state, part)
            done += count
            if progress is not None:
                progress(Progress.of_patterns(done, plan.bound))
    finally:
        forget(family)


def _visit_the_one(arrangement: Arrangement, function: Visitor, state: Any) -> None:
    """Visit the chamber of an arrangement without hyperplanes."""
    pattern = pack(arrangement.constant_bits[None])[0]
    point = np.zeros(data_width(arrangement))
    if not arrangement.is_central:
        point[-1] = 1.0
    function(state, pattern, point, np.zeros(0, dtype=np.int64), 0, True)


def _members_of_places(
    arrangement: Arrangement, layout: Layout
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where the input rows of each place begin, and these rows."""
    is_plane = arrangement.class_of >= 0
    rows = np.flatnonzero(is_plane)
    places = layout.places[arrangement.class_of[rows]]
    counts = np.bincount(places, minlength=layout.input_row.size)
    starts = np.concatenate([[0], np.cumsum(counts)])
    return starts, rows[np.argsort(places, kind="stable")]
