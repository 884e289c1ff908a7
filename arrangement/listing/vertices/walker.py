"""`VertexWalker`: the chambers of nearly generic arrangements, vertex by vertex.

The kernel lists simple vertices in floating point; what it leaves in doubt is decided
here in exact integers, and a vertex on more rows than it needs is handed to the
walk over cells, for the rows through it alone.
"""

from __future__ import annotations

import copy
import random
from collections import deque
from collections.abc import Callable, Iterator
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels.state import (
    BLOCK_FULL,
    CONSTANT,
    COPIED,
    DONE,
    MOVING,
    N_EMITTED,
    PAUSED,
    STEP,
    VALID,
)
from arrangement._kernels.vertices import (
    DEPTH,
    INCREASE,
    LAST,
    STOP,
    UNDECIDED_PREFIX,
    UNDECIDED_VERTEX,
)
from arrangement._kernels.vertices import walk as vertices
from arrangement.errors import ArrangementError
from arrangement.exact import (
    column_shifts,
    determinant,
    independent_rows,
    rounded,
    scaled_floats,
)
from arrangement.listing.cells import NO_WITNESSES, Layout, word_copies
from arrangement.listing.vertices.coordinates import (
    SEED,
    random_coordinates,
    scaled_matrix,
)
from arrangement.listing.vertices.local_cones import chambers_with_rays, null_vector
from arrangement.listing.vertices.subsets import place_of, ranges_of_first
from arrangement.model import Arrangement

_ATTEMPTS = 5
# prefixes of a table, and sets of rows decided exactly, a call: Python is back within a
# fraction of a second
_PREFIXES = 1 << 14
_DECISIONS = 64
NO_BASES = np.zeros((0, 0), dtype=np.int64)


class _NotGenericError(Exception):
    """The random coordinates made a determinant vanish that need not."""


class VertexWalker:
    """State of one listing; `_kernels/vertices.py` tells the method.

    Chambers come by level, the highest first, then in lexicographic order of the rows
    through their vertex.

    Attributes
    ----------
    control : ndarray, int64
        As for `Walker`.
    n_exact, n_local : int
        Vertices decided in exact integers, and those on more rows than they need.
    preparation : iterator of None
        What is to be done before the first chamber, in bounded steps; `advance` takes
        them where they were not.
    """

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
        self.control = np.zeros(10, dtype=np.int64)
        self.control[STEP] = step
        self._rank = layout.rank
        self._new_scratch()
        self.preparation = self._prepare(arrangement)
        if prepare:
            deque(self.preparation, maxlen=0)

    def _prepare(self, arrangement: Arrangement) -> Iterator[None]:
        """Find coordinates and fill the tables, in bounded steps."""
        for seed in range(SEED, SEED + _ATTEMPTS):
            try:
                self._place_rows(arrangement, random.Random(seed))
                yield from self._rehearse()
            except _NotGenericError:
                continue
            break
        else:
            raise ArrangementError(
                f"{_ATTEMPTS} random systems of coordinates were not generic. Please "
                "report the matrix."
            )
        self._last_level = 0
        self._start(self._rank - 1)

    def _new_scratch(self) -> None:
        """Allocate what the kernels overwrite; count from zero."""
        n_words = self.layout.n_words
        self._keys = np.zeros(64 * n_words, dtype=np.int16)
        self._line = np.zeros((4, n_words), dtype=np.uint64)
        self._turned = np.zeros((max(self._rank - 2, 1), n_words), dtype=np.uint64)
        self._union = np.zeros((2, n_words), dtype=np.uint64)
        self.n_exact = self.n_local = 0

    def pieces(self, least: int = 1) -> list[VertexWalker]:
        """Independent walkers that list the same chambers, one after another.

        The first has the highest levels, each other those vertices of one level whose
        first row is in its range; all but the last of a level have at least ``least``.
        The walker itself is prepared first, if it is not.
        """
        deque(self.preparation, maxlen=0)
        n_free, top = len(self._free), self._rank - 1
        level, count = top - 1, 1
        while level > 0 and count + comb(n_free, top - level) <= least:
            count += comb(n_free, top - level)
            level -= 1
        upper = self._fork()
        upper._last_level = level + 1
        upper._start(top)
        walkers = [upper]
        for here in range(level, -1, -1):
            walkers += [
                self._piece(here, *r)
                for r in ranges_of_first(n_free, top - here, least)
            ]
        return walkers

    def _piece(self, level: int, first: int, stop: int) -> VertexWalker:
        """Return a walker over those vertices of a level with this first row."""
        piece = self._fork()
        piece._last_level = level
        piece._start(level)
        piece.control[STOP] = stop
        if len(piece._prefix):
            piece._prefix += first
        else:
            piece.control[LAST] = first
        return piece

    def _fork(self) -> VertexWalker:
        """Share what does not change during a listing."""
        other = copy.copy(self)
        other.preparation = iter(())
        other.control = np.zeros_like(self.control)
        other.control[STEP] = self.control[STEP]
        other._new_scratch()
        return other

    def _place_rows(self, arrangement: Arrangement, draw: random.Random) -> None:
        """Choose coordinates y and write the rows in them, exactly and as floats."""
        layout, cone = self.layout, arrangement.cone
        rank = cone.rank
        rows = [*cone.rows] if cone.infinity is None else [*cone.rows, cone.infinity]
        chart = 0 if cone.infinity is None else len(rows) - 1
        self.shifts = layout.shifts
        if not layout.n_digits:
            self.shifts = tuple(column_shifts(rows, rank))
        peak = max(self.shifts)
        # columns of equal size, so that the random mixture is well conditioned
        scale = [1 << (peak - s) for s in self.shifts]
        even = tuple(x * t for x, t in zip(rows[chart], scale, strict=True))
        basis = random_coordinates(even, draw)
        mixture = [[t * x for x in row] for t, row in zip(scale, basis, strict=True)]
        images = np.array(rows, dtype=object) @ np.array(mixture, dtype=object)
        try:
            floats = rounded(images)
        except OverflowError:
            floats = images
        y_shifts = column_shifts(floats, rank)
        self._images = np.zeros((64 * layout.n_words, rank), dtype=object)
        self._images[layout.places] = images
        self._coords = np.zeros((rank, 64 * layout.n_words))
        self._coords[:, layout.places] = scaled_floats(floats, y_shifts).T
        self._back = scaled_matrix(basis, y_shifts)
        chart_place = self._chart_place = int(layout.places[chart])
        self._is_central = cone.infinity is None
        # places are mostly input rows themselves
        self._is_named = bool(np.all(layout.input_row[layout.places] == layout.places))
        self._free = np.sort(np.delete(layout.places, chart))
        self._always = np.zeros(layout.n_words, dtype=np.uint64)
        self._always[chart_place // 64] = np.uint64(1 << (chart_place % 64))
        self._base, self._flips = self._always, np.zeros_like(self._always)
        is_copied = layout.words_per_pattern == layout.n_words and np.array_equal(
            layout.fixed[COPIED], layout.fixed[VALID]
        )
        if self.step == 2 and is_copied:
            self._base = self._always | layout.outside[CONSTANT]
            self._flips = layout.outside[MOVING].copy()
        self._copies = word_copies(layout.members)
        self._fixed = layout.fixed.copy()
        self._fixed[VALID] &= ~self._always
        self._top = self._highest(images[:, -1])
        n_free = len(self._free)
        self._binomials = np.ones((max(rank - 2, 1), n_free + 1), dtype=np.int64)
        for c in range(1, rank - 2):
            np.cumsum(self._binomials[c - 1, :-1], out=self._binomials[c, 1:])
            self._binomials[c, 0] = 0

    def _highest(self, last: NDArray[np.object_]) -> NDArray[np.uint64]:
        """Return the chamber of the last level, where y_(r - 1) alone decides."""
        sides = np.zeros(64 * self.layout.n_words, dtype=np.int8)
        sides[self.layout.places] = (last > 0).astype(np.int8) - (last < 0)
        if not sides[self._free].all():
            raise _NotGenericError
        words = np.packbits(sides > 0, bitorder="little").view("<u8")
        return (words.astype(np.uint64) | self._always)[None]

    def _start(self, level: int) -> None:
        """Begin a level."""
        size = self._rank - 1 - level
        self._level = level
        self._waiting = np.zeros((0, self.layout.n_words), dtype=np.uint64)
        self._doubts: Iterator[tuple[int, ...]] = iter(())
        self._is_done = size == 0
        if size == 0:
            self._waiting = self._top
            return
        self._depths = np.zeros((size, size + 1, self._coords.shape[1]))
        self._depths[0] = self._coords[level:]
        self._bounds = np.zeros((size, 4))
        self._bounds[0] = [vertices.U, 1.0, vertices.U, 1.0]
        self._signs = np.ones(size, dtype=np.int64)
        self._prefix = np.arange(size - 1, dtype=np.int64)
        self._offsets = np.zeros(size, dtype=np.int64)
        self.control[STOP] = len(self._free)
        self.control[DEPTH] = 0
        self.control[LAST] = self.control[INCREASE] = -1

    def _rehearse(self) -> Iterator[None]:
        """Fill the tables of the levels above 0; they show whether y is generic.

        Every other sign that may not vanish is a product of theirs.
        """
        n_free, n_words = len(self._free), self.layout.n_words
        self._tables = {self._rank - 1: np.zeros((1, 2, n_words), dtype=np.uint64)}
        for level in range(self._rank - 2, 0, -1):
            self._start(level)
            prefixes = comb(n_free, len(self._prefix))
            self._tables[level] = np.zeros((prefixes, 2, n_words), dtype=np.uint64)
            while not self._is_done:
                status = vertices.fill_table(
                    self._depths,
                    self._bounds,
                    self._signs,
                    self._prefix,
                    self.control,
                    self._free,
                    self._binomials,
                    self._fixed,
                    self._line[0],
                    self._tables[level],
                    _PREFIXES,
                )
                self._note(int(status))
                while not self._settle(self._determine):
                    yield
                if status == PAUSED:
                    yield

    def _determine(self, ordinals: tuple[int, ...]) -> int:
        """Decide a determinant exactly, and note it in the table of the level."""
        level = self._level
        rows = self._images[self._free[list(ordinals)], level:].tolist()
        orientation = _sign(determinant([row[1:] for row in rows]))
        if orientation == 0:
            if level > 0 and len(independent_rows(rows, len(rows) + 1)[0]) == len(rows):
                raise _NotGenericError
        elif level > 0:
            place = int(self._free[ordinals[-1]])
            flag = np.uint64(1 << (place % 64))
            words = self._tables[level][place_of(ordinals[:-1]), :, place // 64]
            words[vertices.KNOWN] |= flag
            words[vertices.CHI] &= ~flag
            if orientation < 0:
                words[vertices.CHI] |= flag
        return orientation

    def _chi_next(self, ordinals: tuple[int, ...]) -> int:
        """Sign of a determinant of the next level (0: not known)."""
        if not ordinals:
            return 1
        place = int(self._free[ordinals[-1]])
        table = self._tables[self._level + 1]
        words = table[place_of(ordinals[:-1]), :, place // 64] >> np.uint64(place % 64)
        is_below = int(words[vertices.CHI]) & 1
        is_known = int(words[vertices.KNOWN]) & 1
        return (1 - 2 * is_below) * is_known

    def advance(
        self,
        patterns: NDArray[np.uint64],
        witnesses: NDArray[np.float64] = NO_WITNESSES,
        bases: NDArray[np.int64] = NO_BASES,
    ) -> int:
        """Fill the block: DONE, BLOCK_FULL, or PAUSED after bounded work.

        ``witnesses`` are in the coordinates of the cone times ``2**shifts``.  With
        ``bases`` (chambers, r - 1) too, chambers at a vertex of so many rows get those
        (their input rows) instead; where there are none the first is -1.
        """
        for _ in self.preparation:
            return PAUSED
        while True:
            status = self._step(patterns, witnesses, bases)
            if status != DONE or self._level == self._last_level:
                return status
            self._start(self._level - 1)

    def _step(
        self,
        patterns: NDArray[np.uint64],
        witnesses: NDArray[np.float64],
        bases: NDArray[np.int64],
    ) -> int:
        """Go on with this level: DONE, BLOCK_FULL or PAUSED."""
        layout, size = self.layout, self._rank - 1 - self._level
        # row 0 is tight too at a vertex of level 1
        has_bases = self._is_central and self._level <= 1 and len(bases) > 0
        chosen = bases
        if not has_bases or self._level == 1:
            chosen = np.empty((len(witnesses), size), dtype=np.int64)
        sides = np.empty((len(witnesses), 0 if has_bases else size))
        while True:
            first = int(self.control[N_EMITTED] // self.control[STEP])
            if len(self._waiting):
                count = vertices.emit_words(
                    self._waiting,
                    self._fixed,
                    layout.outside,
                    layout.members,
                    self.control,
                    patterns,
                )
                # no candidate: the proof looks for a point by itself
                witnesses[first : first + count] = 0.0
                bases[first : first + count] = -1
                self._waiting = self._waiting[count:]
                if len(self._waiting):
                    return BLOCK_FULL
                continue
            if self._is_done:
                return DONE
            if not self._settle(self._decide):
                return PAUSED
            if len(self._waiting):
                continue
            status = vertices.advance(
                self._depths, self._bounds, self._signs, self._prefix, self._offsets,
                self.control, self._free, self._binomials,
                self._tables[self._level + 1], self._fixed, self._base, self._flips,
                self._keys, self._line, self._turned, self._union, layout.outside,
                layout.members, self._copies, patterns, chosen, sides,
            )  # fmt: skip
            end = int(self.control[N_EMITTED] // self.control[STEP])
            if has_bases:
                self._name_rows(chosen[first:end], bases[first:end])
            elif len(witnesses) and end > first:
                bases[first:end] = -1
                vertices.interior_points(
                    self._coords[self._level :],
                    self._coords[0],
                    chosen[first:end],
                    sides[first:end],
                    self._back,
                    self._level,
                    np.zeros((size, size + 2)),
                    witnesses[first:end],
                )
            if status == BLOCK_FULL:
                return BLOCK_FULL
            self._note(int(status))

    def _name_rows(self, places: NDArray[np.int64], bases: NDArray[np.int64]) -> None:
        """Write bases by input rows, after row 0 at level 1."""
        rows = self.layout.input_row
        if self._level == 1:
            bases[:, 0] = rows[self._chart_place]
            bases[:, 1:] = rows[places]
        elif not self._is_named:
            bases[:] = rows[places]

    def _note(self, status: int) -> None:
        """Note what a kernel left in doubt, and where it is to go on."""
        ordinals = self._prefix.tolist()
        if status == DONE:
            self._is_done = True
        elif status == UNDECIDED_VERTEX:
            self._doubts = iter([(*ordinals, int(self.control[LAST]))])
            self.control[LAST] += 1
        elif status == UNDECIDED_PREFIX:
            depth = int(self.control[DEPTH])
            head = tuple(ordinals[: depth + 1])
            rest = range(head[-1] + 1, len(self._free))
            tails = combinations(rest, len(ordinals) - depth)
            self._doubts = ((*head, *tail) for tail in tails)
            self.control[INCREASE] = depth
            self.control[LAST] = -1
        elif status != PAUSED:
            raise ArrangementError(
                "a determinant vanished that was found not to. Please report the "
                "matrix."
            )

    def _settle(self, decide: Callable[[tuple[int, ...]], object]) -> bool:
        """Decide the sets of rows in doubt, as far as a step goes; whether all are."""
        for count, ordinals in enumerate(self._doubts, 1):
            decide(ordinals)
            if count == _DECISIONS:
                return False
        return True

    def _decide(self, ordinals: tuple[int, ...]) -> None:
        """Decide one set of rows exactly, and queue the chambers that open there."""
        level = self._level
        self.n_exact += 1
        chosen = [int(self._free[k]) for k in ordinals]
        orientation = self._determine(ordinals)
        if orientation == 0:
            return
        sides = dict.fromkeys(self._free.tolist(), 0)
        tight = list(sides)
        # far out along y_level, the lower coordinates tell apart what meets there
        for chart in range(level, -1, -1):
            columns = [chart, *range(level + 1, self._rank)]
            point = null_vector(self._images[np.ix_(chosen, columns)].tolist())
            # products of whole columns: four times faster than row by row
            images = self._images[np.ix_(tight, columns)]
            values = images @ np.array(point, dtype=object)
            for p, value in zip(tight, values.tolist(), strict=True):
                sides[p] = _sign(value)
            tight = [p for p in tight if sides[p] == 0]
        if len(tight) > len(chosen):
            self._open_locally(chosen, tight, sides)
            return
        for s, place in enumerate(chosen):
            rest = ordinals[:s] + ordinals[s + 1 :]
            side = self._chi_next(rest) * orientation
            sides[place] = side if s % 2 == 1 else -side
        self._queue(sides)

    def _open_locally(
        self, chosen: list[int], tight: list[int], sides: dict[int, int]
    ) -> None:
        """Queue the chambers below a vertex on more rows than it needs.

        They are those cones of the rows through it on which y_(level + 1) falls: it is
        negative on all their rays.  Only the first independent rows queue them.
        """
        rows = self._images[tight, self._level + 1 :].tolist()
        first, _ = independent_rows(rows, len(chosen))
        if [tight[k] for k in first] != chosen:
            return
        self.n_local += 1
        for pattern, rays in chambers_with_rays(rows):
            heights = [int(ray[0]) for ray in rays]
            if any(height == 0 for height in heights):
                raise _NotGenericError
            if all(height < 0 for height in heights):
                for place, bit in zip(tight, pattern.tolist(), strict=True):
                    sides[place] = 1 if bit else -1
                self._queue(sides)

    def _queue(self, sides: dict[int, int]) -> None:
        """Have a chamber written before anything else."""
        words = [int(word) for word in self._always]
        for place, side in sides.items():
            if side == 0:
                raise _NotGenericError
            if side > 0:
                words[place // 64] |= 1 << (place % 64)
        row = np.array([words], dtype=np.uint64)
        self._waiting = np.concatenate([self._waiting, row])


def _sign(value: int) -> int:
    return (value > 0) - (value < 0)
