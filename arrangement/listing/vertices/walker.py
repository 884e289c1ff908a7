"""`VertexWalker`: the chambers of nearly generic arrangements, vertex by vertex.

The kernel lists simple vertices in floating point; what it leaves in doubt is decided
in exact integers (`decisions`), and a vertex on more rows than it needs is handed to
the walk over cells, for the rows through it alone.
"""

from __future__ import annotations

import copy
import random
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from math import comb

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels.state import (
    BLOCK_FULL,
    CONTROL_SIZE,
    DONE,
    HEAD,
    LAST,
    N_EMITTED,
    PAUSED,
    STEP,
    STOP,
    Line,
    Output,
    Simple,
)
from arrangement._kernels.vertices import walk as vertices
from arrangement.errors import ArrangementError
from arrangement.listing.cells import Layout
from arrangement.listing.vertices.coordinates import SEED
from arrangement.listing.vertices.decisions import Decisions, Tables
from arrangement.listing.vertices.frame import Frame, NotGenericError, make_frame
from arrangement.listing.vertices.level import Level
from arrangement.listing.vertices.subsets import Box, boxes_of_level, even_boxes, n_sets
from arrangement.listing.vertices.tables import fill_tables
from arrangement.model import Arrangement

_ATTEMPTS = 5


class VertexWalker:
    """State of one listing; `_kernels/vertices` tells the method.

    Chambers come by level, the highest first, then in lexicographic order of the rows
    through their vertex.

    Attributes
    ----------
    control : ndarray, int64
        As for `Walker`.
    preparation : iterator of None
        What is to be done before the first chamber, in bounded steps; `advance` takes
        them where they were not.
    """

    is_turned = False
    _frame: Frame
    _decisions: Decisions
    _level: Level

    def __init__(
        self,
        arrangement: Arrangement,
        layout: Layout,
        *,
        step: int,
        prepare: bool = True,
    ) -> None:
        self.layout = layout
        self.step = step
        self._rank = layout.rank
        self._tables: Tables = {}
        self._last_level = 0
        self._new_state()
        self.preparation = self._prepare(arrangement)
        if prepare:
            deque(self.preparation, maxlen=0)

    def _prepare(self, arrangement: Arrangement) -> Iterator[None]:
        """Find coordinates and fill the tables, in bounded steps."""
        for seed in range(SEED, SEED + _ATTEMPTS):
            draw = random.Random(seed)
            try:
                self._frame = make_frame(arrangement, self.layout, self.step, draw)
                yield from fill_tables(self._frame, self._tables)
            except NotGenericError:
                continue
            break
        else:
            raise ArrangementError(
                f"{_ATTEMPTS} random systems of coordinates were not generic. Please "
                "report the matrix."
            )
        self._decisions = Decisions(self._frame, self._tables)
        self._start(self._rank - 1)

    def _new_state(self) -> None:
        """Allocate what the kernels overwrite."""
        n_words = self.layout.n_words
        self.control = np.zeros(CONTROL_SIZE, dtype=np.int64)
        self.control[STEP] = self.step
        n_free = self.layout.n_rows - 1
        others, negative, unsure, known = np.zeros((4, n_words), dtype=np.uint64)
        self._line = Line(
            keys=np.zeros(64 * n_words, dtype=np.int16),
            others=others,
            negative=negative,
            unsure=unsure,
            known=known,
            sides=np.zeros((max(self._rank - 2, 1), n_words), dtype=np.uint64),
            union=np.zeros((2, n_words), dtype=np.uint64),
            order=np.zeros(n_free, dtype=np.int64),
            fractions=np.zeros(n_free),
            buckets=np.zeros(n_free, dtype=np.int64),
            ends=np.zeros(n_free, dtype=np.int64),
        )

    @property
    def n_written(self) -> int:
        """Patterns in the output."""
        return int(self.control[N_EMITTED])

    @n_written.setter
    def n_written(self, count: int) -> None:
        self.control[N_EMITTED] = count

    @property
    def shifts(self) -> Sequence[int]:
        """Exponents of the coordinates of points."""
        return self._frame.shifts

    @property
    def n_exact(self) -> int:
        """Vertices decided in exact integers."""
        return self._decisions.n_exact

    @property
    def n_local(self) -> int:
        """Vertices on more rows than they need."""
        return self._decisions.n_local

    def pieces(
        self, least: int = 1
    ) -> Iterator[tuple[int, Callable[[], VertexWalker]]]:
        """Yield makers of independent walkers that list the same, one after another.

        And before each the number of sets of rows that it goes through.  The first has
        the highest levels, each other a box of one (`boxes_of_level`).  The walker
        itself is prepared first, if it is not.  One has room for all rows eliminated,
        so that the thousands there may be are not made at once.
        """
        deque(self.preparation, maxlen=0)
        n_free, top = len(self._frame.free), self._rank - 1
        level, count = top - 1, 1
        while level > 0 and count + comb(n_free, top - level) <= least:
            count += comb(n_free, top - level)
            level -= 1
        yield count, partial(self._fork, top, level + 1)
        for here in range(level, -1, -1):
            size = top - here
            for box in boxes_of_level(n_free, size, here, least):
                yield n_sets(box, n_free, size), partial(self._ranged, *box)

    def boxes(self, wanted: int) -> list[tuple[Box, ...]]:
        """Split the sets of rows into at most ``wanted`` parts of about equal size."""
        return even_boxes(self.layout.n_rows - 1, self._rank, wanted)

    def at(self, box: Box) -> VertexWalker:
        """Return an independent walker over the chambers of a box of sets of rows."""
        deque(self.preparation, maxlen=0)
        if box.level < self._rank - 1:
            return self._ranged(*box)
        return self._fork(box.level, box.level)

    def _ranged(
        self, level: int, head: tuple[int, ...], first: int, stop: int
    ) -> VertexWalker:
        """Return a walker over some of the vertices of a level."""
        walker = self._fork(level, level)
        walker._restrict(head, first, stop)
        return walker

    def _fork(self, first: int, last: int) -> VertexWalker:
        """Return a walker over levels; shares what does not change in a listing."""
        other = copy.copy(self)
        other.preparation = iter(())
        other._decisions = Decisions(self._frame, self._tables)
        other._new_state()
        other._last_level = last
        other._start(first)
        return other

    def _restrict(self, head: tuple[int, ...], first: int, stop: int) -> None:
        """List only vertices of rows that begin with ``head`` and one of this range."""
        self.control[STOP] = stop
        self.control[HEAD] = size = len(head)
        prefix = self._level.path.prefix
        if len(prefix):
            prefix[:size] = head
            prefix[size:] = np.arange(first, first + len(prefix) - size)
        else:
            self.control[LAST] = first

    def _start(self, number: int) -> None:
        """Begin a level."""
        self._level = Level(self._frame, number, self.control)
        self._decisions.begin(number)

    def advance(self, output: Output) -> int:
        """Fill the output: DONE, BLOCK_FULL, or PAUSED after bounded work.

        With points and bases, chambers at a vertex of r - 1 rows get those (as input
        rows) in place of a point; where there are none the first is -1.
        """
        for _ in self.preparation:
            return PAUSED
        while True:
            status = self._advance_level(output)
            if status != DONE or self._level.number == self._last_level:
                return status
            self._start(self._level.number - 1)

    def _advance_level(self, output: Output) -> int:
        """Go on with this level: DONE, BLOCK_FULL or PAUSED."""
        level, decisions = self._level, self._decisions
        n_chambers = len(output.points)
        # row 0 is tight too at a vertex of level 1
        has_bases = (
            self._frame.is_central and level.number <= 1 and len(output.bases) > 0
        )
        chosen = output.bases
        if not has_bases or level.number == 1:
            chosen = np.empty((n_chambers, level.size), dtype=np.int64)
        sides = np.empty((n_chambers, 0 if has_bases else level.size))
        while True:
            if len(decisions.waiting):
                self._write_waiting(output)
                if len(decisions.waiting):
                    return BLOCK_FULL
                continue
            if level.is_done:
                return DONE
            if not decisions.settle(decisions.decide):
                return PAUSED
            if len(decisions.waiting):
                continue
            first = self.n_written // self.step
            status = self._list_simple(Simple(output.patterns, chosen, sides))
            end = self.n_written // self.step
            if has_bases:
                self._name_rows(chosen[first:end], output.bases[first:end])
            elif n_chambers and end > first:
                output.bases[first:end] = -1
                points = output.points[first:end]
                self._find_points(chosen[first:end], sides[first:end], points)
            if status == BLOCK_FULL:
                return BLOCK_FULL
            level.note(status, decisions)

    def _write_waiting(self, output: Output) -> None:
        """Write chambers that were decided exactly, as far as there is room."""
        decisions = self._decisions
        first = self.n_written // self.step
        count = vertices.emit_words(
            decisions.waiting, self.layout.outside, self.control, output.patterns
        )
        # no candidate: the proof looks for a point by itself
        output.points[first : first + count] = 0.0
        output.bases[first : first + count] = -1
        decisions.waiting = decisions.waiting[count:]

    def _list_simple(self, simple: Simple) -> int:
        """List simple vertices until the block is full or one is in doubt."""
        level = self._level
        chi_next = self._tables[level.number + 1]
        return int(
            vertices.advance(
                self._frame.chart,
                level.path,
                self._line,
                chi_next,
                self.layout.outside,
                simple,
            )
        )

    def _find_points(
        self,
        chosen: NDArray[np.int64],
        sides: NDArray[np.float64],
        points: NDArray[np.float64],
    ) -> None:
        """Write points just inside chambers, from the rows at their vertices."""
        frame, level = self._frame, self._level
        vertices.interior_points(
            frame.coords[level.number :],
            frame.coords[0],
            chosen,
            sides,
            frame.back,
            level.number,
            np.zeros((level.size, level.size + 2)),
            points,
        )

    def _name_rows(self, places: NDArray[np.int64], bases: NDArray[np.int64]) -> None:
        """Write bases by input rows, after row 0 at level 1."""
        rows = self.layout.input_row
        if self._level.number == 1:
            bases[:, 0] = rows[self._frame.chart_place]
            bases[:, 1:] = rows[places]
        elif not self.layout.is_named:
            bases[:] = rows[places]
