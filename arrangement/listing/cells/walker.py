"""`CellState` and `Walker`: the growing state around the cell kernels."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels.cells import exact_rays, find, walk_floats, walk_ints
from arrangement._kernels.state import (
    BLOCK_FULL,
    COUNT,
    DONE,
    DOUBTFUL,
    EXACT,
    GROW_LISTS,
    GROW_POOL,
    N_EMITTED,
    N_FRAMES,
    N_ROOTS,
    NEED_MINUS,
    NEED_PLUS,
    NEXT_ROOT,
    PAUSED,
    REFINE,
    SINGLE,
    START,
    STEP,
    VALID,
    Exact,
    Output,
)
from arrangement.errors import ArrangementError
from arrangement.listing.cells.layout import Layout

# cells visited a call, and seconds it should take: a cell takes 0.1 microseconds, or
# hundreds at high rank
_BUDGET = 1 << 16
_LEAST_SECONDS, _MOST_SECONDS = 0.01, 0.05
# chambers found by their signs a call, at some 10 microseconds each
_AT_ONCE = 256


class CellState:
    """The growing arrays of a walk over cells; what a kernel needs more is made here.

    ``depth`` is the most cells that wait at once, ``n_columns`` and ``n_control`` the
    sizes of ``meta`` and ``control``.
    """

    def __init__(
        self, layout: Layout, *, step: int, depth: int, n_columns: int, n_control: int
    ) -> None:
        self.layout = layout
        self.shifts = layout.shifts
        self.step = step
        self.control = np.zeros(n_control, dtype=np.int64)
        self.control[STEP] = step
        self.fixed = layout.fixed.copy()
        capacity = 16 * (layout.n_rows + 3)
        self.meta = np.zeros((depth, n_columns), dtype=np.int64)
        self.ids = np.zeros(capacity, dtype=np.int64)
        self.masks = np.zeros((capacity, 2 * layout.n_words), dtype=np.uint64)
        extra = 2 if layout.n_digits else 0
        self.rays = np.zeros((capacity, layout.rank + extra), dtype=layout.rows.dtype)
        self._union = np.zeros(2 * layout.n_words, dtype=np.uint64)
        self._new_lists(64 * (layout.rank + 2))
        self._pending = np.zeros(layout.n_words, dtype=np.uint64)
        if layout.n_digits:
            self._new_float_state(capacity)

    def _new_float_state(self, capacity: int) -> None:
        layout = self.layout
        rank, digits = layout.rank, layout.n_digits
        self._work = np.zeros((2 * rank + 3, 2 * rank + 2))
        self._picks = np.zeros((3, max(64 * layout.n_words, rank)), dtype=np.int64)
        self._exact = Exact(
            row_words=layout.row_words,
            ray_words=np.zeros((capacity, rank, digits), dtype=np.uint64),
            shifts=np.array(layout.shifts, dtype=np.int64),
            minors=np.zeros(((1 << rank) + 1, digits), dtype=np.uint64),
            residues=np.zeros((rank, rank + 1), dtype=np.int64),
        )

    def _new_lists(self, capacity: int) -> None:
        self._zeros = np.zeros((capacity, self.layout.n_words), dtype=np.uint64)
        self._lists = np.zeros((8, capacity), dtype=np.int64)
        self._values = np.zeros(capacity, dtype=self.layout.rows.dtype)

    def _grow(self, status: int) -> None:
        """Enlarge what ``status`` names; the walk goes on where it stood."""
        if status == GROW_POOL:
            self.masks = _doubled(self.masks)
            self.rays = _doubled(self.rays)
            if self.layout.n_digits:
                words = _doubled(self._exact.ray_words)
                self._exact = self._exact._replace(ray_words=words)
        elif status == GROW_LISTS:
            self.ids = _doubled(self.ids)
            self._new_lists(2 * self._lists.shape[1])

    def _refine(self, ray: int) -> None:
        """Make a ray exact and decide what is pending about it."""
        if not exact_rays.resolve(
            self.rays,
            self.masks,
            self.fixed[VALID],
            self._exact,
            self._pending,
            self._picks,
            ray,
        ):
            raise ArrangementError(
                "no prime of the list showed r - 1 independent rows at a ray. Please "
                "report the matrix."
            )

    @property
    def n_written(self) -> int:
        """Patterns in the output."""
        return int(self.control[N_EMITTED])

    @n_written.setter
    def n_written(self, count: int) -> None:
        self.control[N_EMITTED] = count

    def top_cell(self) -> tuple[int, int]:
        """Where ``ids`` holds the rays of the cell on top: (start, count)."""
        top = int(self.control[N_FRAMES]) - 1
        return int(self.meta[top, START]), int(self.meta[top, COUNT])

    def top_rays(self) -> list[tuple[int, ...]]:
        """Exact rays of the cell on top."""
        start, count = self.top_cell()
        ids = self.ids[start : start + count].tolist()
        if self.layout.n_digits == 0:
            return [tuple(self.rays[k].tolist()) for k in ids]
        for k in ids:
            if self.rays[k, -1] != EXACT:
                self._refine(k)
        return [tuple(_integer(word) for word in self._exact.ray_words[k]) for k in ids]


class Walker(CellState):
    """A depth-first walk over the cells, and the chambers that it comes to.

    ``step`` is 2 to write the antipode after each pattern.
    """

    is_turned = False

    def __init__(self, layout: Layout, *, step: int = 1) -> None:
        super().__init__(
            layout,
            step=step,
            depth=layout.n_rows - layout.rank + 3,
            n_columns=3,
            n_control=10,
        )
        self.control[N_ROOTS] = 1 << max(layout.rank - 1, 0)
        self._budget = min(_BUDGET, 1 << 10)

    def advance(self, output: Output) -> int:
        """Run one bounded piece of work; DONE, BLOCK_FULL or PAUSED."""
        step = self._step_floats if self.layout.n_digits else self._step_ints
        while True:
            begin = time.perf_counter()
            status = step(output.patterns, output.points, output.starts, output.places)
            self._adapt(status, time.perf_counter() - begin)
            if status in (DONE, BLOCK_FULL, PAUSED):
                return status
            if status == REFINE:
                self._refine(int(self.control[DOUBTFUL]))
            else:
                self._grow(status)

    def _adapt(self, status: int, seconds: float) -> None:
        """Have the next call take neither long nor no time."""
        if seconds > _MOST_SECONDS:
            self._budget = max(self._budget // 2, 1)
        elif status == PAUSED and seconds < _LEAST_SECONDS:
            self._budget = min(2 * self._budget, _BUDGET)

    def _step_ints(self, *output: NDArray[Any]) -> int:
        return int(walk_ints.advance(*self._state(), self._budget, *output))

    def _step_floats(self, *output: NDArray[Any]) -> int:
        return int(walk_floats.advance(*self._state(), self._budget, *output))

    def _state(self) -> tuple[NDArray[Any], ...]:
        """Return what a kernel works on, in the order of its arguments."""
        layout = self.layout
        fixed = (self.fixed, layout.outside, layout.members)
        cells = (self.masks, self.rays, self.ids, self.meta, self.control)
        scratch = (self._union, self._zeros, self._lists, self._values, self._pending)
        filtered = (self._work, self._picks) if layout.n_digits else ()
        rows = (layout.rows, layout.base, layout.base_masks)
        return (*rows, *fixed, *cells, *scratch, *filtered)

    def find_all(
        self,
        needs: NDArray[np.uint64],
        roots: NDArray[np.int64],
        output: Output,
    ) -> int:
        """Go on to chambers by their signs (see `_kernels.find`); return how many.

        A new walker, or one that comes from chambers before these.  Fewer than asked
        for: there was no room for the facets of the next, or it does not exist.
        """
        kernel = find.find_floats if self.layout.n_digits else find.find_ints
        control = self.control
        control[N_EMITTED] = 0
        control[SINGLE] = 1
        arrays = (output.patterns, output.points, output.starts, output.places)
        while True:
            done = int(control[N_EMITTED])
            stop = min(done + _AT_ONCE, len(roots))
            status = int(kernel(*self._state(), _BUDGET, *arrays, needs, roots, stop))
            if status == DONE and control[N_EMITTED] == stop < len(roots):
                continue
            if status in (DONE, BLOCK_FULL):
                return int(control[N_EMITTED])
            if status == REFINE:
                self._refine(int(control[DOUBTFUL]))
            elif status != PAUSED:
                self._grow(status)

    def require(self, signs: NDArray[np.int8]) -> None:
        """List only chambers with these signs of the rows by place (0: any)."""
        self.control[NEXT_ROOT] = 0
        self.control[N_ROOTS] = 1 << (self.layout.rank - 1)
        base = signs[self.layout.base_places].tolist()
        if all(base):
            root = 0
            for sign in base[1:]:
                root = 2 * root + (sign < 0)
            self.control[NEXT_ROOT] = root
            self.control[N_ROOTS] = root + (base[0] > 0)
        self.fixed[NEED_PLUS] = _mask(signs > 0)
        self.fixed[NEED_MINUS] = _mask(signs < 0)

    def find(self, signs: NDArray[np.int8], pattern: NDArray[np.uint64]) -> bool:
        """Build the one chamber with these signs of the rows by place.

        ``pattern`` (1, words) gets its pattern; False when there is none.
        """
        self.require(signs)
        self.control[[N_FRAMES, N_EMITTED]] = 0
        self.control[SINGLE] = 1
        output = new_output(self.layout)._replace(patterns=pattern)
        while self.advance(output) == PAUSED:
            pass
        return bool(self.control[N_EMITTED] > 0)


def new_output(
    layout: Layout,
    *,
    n_points: int = 0,
    n_bases: int = 0,
    n_facets: int = 0,
    room: int = 0,
) -> Output:
    """Make what a walk writes into, but for the patterns.

    ``n_facets`` are the chambers whose facets are kept, ``room`` all their facets.
    """
    return Output(
        patterns=np.zeros((0, layout.words_per_pattern), dtype=np.uint64),
        points=np.zeros((n_points, layout.rank)),
        bases=np.zeros((n_bases, layout.rank - 1), dtype=np.int64),
        starts=np.zeros(n_facets + 1 if n_facets else 0, dtype=np.int64),
        places=np.zeros(room, dtype=np.int64),
    )


def _doubled(array: NDArray[Any]) -> NDArray[Any]:
    out = np.zeros((2 * array.shape[0], *array.shape[1:]), dtype=array.dtype)
    out[: array.shape[0]] = array
    return out


def _mask(flags: NDArray[np.bool_]) -> NDArray[np.uint64]:
    raw = np.packbits(flags, bitorder="little")
    return raw.view("<u8").astype(np.uint64)


def _integer(words: NDArray[np.uint64]) -> int:
    """Read a two's complement number of base-2**32 digits."""
    value = sum(int(word) << (32 * k) for k, word in enumerate(words))
    bits = 32 * len(words)
    return value - (1 << bits) if value >> (bits - 1) else value
