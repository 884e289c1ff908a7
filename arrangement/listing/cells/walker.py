"""`CellState` and `Walker`: the growing state around the cell kernels."""

from __future__ import annotations

import time
from dataclasses import dataclass
from math import comb
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels.cells import exact_rays, find, walk_floats, walk_ints
from arrangement._kernels.state import (
    BASIS,
    BLOCK_FULL,
    CONTROL_SIZE,
    DONE,
    DOUBTFUL,
    EXACT,
    GROW_LISTS,
    GROW_POOL,
    LAST_ROWS,
    LEAST_RAYS,
    N_EMITTED,
    N_FRAMES,
    N_ROOTS,
    NEXT_ROOT,
    PAUSED,
    PRIMITIVE,
    REFINE,
    SINGLE,
    SOLVED,
    SPARE_BITS,
    STEP,
    WIDE,
    Cells,
    Cut,
    Exact,
    Output,
    Required,
    Solver,
)
from arrangement._kernels.wide import LANES
from arrangement.errors import ArrangementError
from arrangement.exact import integer_row
from arrangement.listing.cells.layout import Layout, packed_flags

# bytes of masks that a walk leaves to another at once, but for a cell at least
_LEFT_BYTES = 1 << 20
# cells visited a call, and seconds it should take: a cell takes 0.1 microseconds, or
# hundreds at high rank
_BUDGET = 1 << 16
_LEAST_SECONDS, _MOST_SECONDS = 0.01, 0.05
# words of a mask up to which rays are compared sixteen at a time: with many words one
# ray after another is read as it lies in memory
_FEW_WORDS = 4
# rays of a cell at least, as one with fewer is cut in the time in which that is seen
_LEAST_RAYS = 24
# chambers found by their signs a call, at some 10 microseconds each
_AT_ONCE = 256
# rays that a walk over so many rows has room for, times r + 2 at least, and most bytes
# of their masks, before it takes more: nearly all walks need far fewer
_RAYS_A_ROW, _FEWEST_RAYS, _RAY_BYTES = 16, 8, 1 << 24


class Waiting(NamedTuple):
    """Cells by themselves, none or more, the last to be listed first.

    ``counts`` (cells,) int64 of their rays, which come one cell after another in
    ``rays`` and ``masks`` (see `_kernels.state.Cells`).
    """

    counts: NDArray[np.int64]
    rays: NDArray[Any]
    masks: NDArray[np.uint64]


class CellState:
    """The growing arrays of a walk over cells; ``depth`` is the most cells that wait.

    ``step`` is 2 to write the antipode after each pattern.
    """

    def __init__(self, layout: Layout, *, step: int, depth: int) -> None:
        self.layout = layout
        self.shifts = layout.shifts
        self.step = step
        self.control = np.zeros(CONTROL_SIZE, dtype=np.int64)
        self.control[STEP] = step
        self.control[WIDE] = layout.wide
        self.control[SPARE_BITS] = 64 - layout.ray_bits
        self.control[LEAST_RAYS] = _LEAST_RAYS
        n_words, extra = layout.n_words, 2 if layout.n_digits else 1
        most = max(_RAY_BYTES // (16 * n_words), _FEWEST_RAYS * (layout.rank + 2))
        capacity = min(_RAYS_A_ROW * (layout.n_rows + 3), most)
        width, kind = layout.rank + extra, layout.rows.rows.dtype
        self.cells = Cells(
            masks=np.zeros((capacity, 2 * n_words), dtype=np.uint64),
            rays=np.zeros((capacity, width), dtype=kind),
            ids=np.zeros(_RAYS_A_ROW * (layout.n_rows + 3), dtype=np.int64),
            start=np.zeros(depth, dtype=np.int64),
            n_rays=np.zeros(depth, dtype=np.int64),
            pool_top=np.zeros(depth, dtype=np.int64),
            control=self.control,
        )
        self._new_cut(64 * (layout.rank + 2))
        self._exact: Exact | None = None
        if layout.n_digits:
            self._new_solver()

    def _new_solver(self) -> None:
        layout, rank = self.layout, self.layout.rank
        lists = np.zeros((3, max(64 * layout.n_words, rank)), dtype=np.int64)
        self._solver = Solver(np.zeros((2 * rank + 3, 2 * rank + 2)), *lists)

    def _new_cut(self, capacity: int) -> None:
        n_words = self.layout.n_words
        room = -(-capacity // LANES) * LANES
        few = n_words if n_words <= _FEW_WORDS else 0
        columns, across = np.zeros((2, few, room), dtype=np.uint64)
        self._cut = Cut(
            np.zeros(2 * n_words, dtype=np.uint64),
            np.zeros(n_words, dtype=np.uint64),
            np.zeros((capacity, n_words), dtype=np.uint64),
            columns,
            across,
            np.zeros((2, n_words), dtype=np.uint64),
            np.zeros(LAST_ROWS, dtype=np.int64),
            np.zeros((LAST_ROWS + 1, self.layout.rank)),
            np.zeros((LAST_ROWS, room)),
            np.zeros(room),
            np.zeros(room),
            np.zeros((self.layout.rank, capacity)),
            np.zeros(LAST_ROWS),
            np.zeros(LAST_ROWS),
            np.zeros((LAST_ROWS + 1, BASIS)),
            np.zeros(BASIS),
            np.zeros(BASIS, dtype=np.int64),
            np.zeros((1 << LAST_ROWS, LAST_ROWS), dtype=np.int64),
            np.zeros((1 << LAST_ROWS, LAST_ROWS)),
            np.zeros(capacity, dtype=self.layout.rows.rows.dtype),
            *np.zeros((10, capacity), dtype=np.int64),
        )

    def _grow(self, status: int) -> None:
        """Enlarge what ``status`` names; the walk goes on where it stood."""
        cells = self.cells
        if status == GROW_POOL:
            self.cells = cells._replace(
                masks=_doubled(cells.masks), rays=_doubled(cells.rays)
            )
            if self._exact is not None:
                words = _doubled(self._exact.ray_words)
                self._exact = self._exact._replace(ray_words=words)
        elif status == GROW_LISTS:
            self.cells = cells._replace(ids=_doubled(cells.ids))
            pending = self._cut.pending
            self._new_cut(2 * self._cut.ray.size)
            self._cut = self._cut._replace(pending=pending)

    def _exact_numbers(self) -> Exact:
        """Return room for exact rays, which few listings need: made the first time."""
        if self._exact is None:
            layout = self.layout
            rank, digits = layout.rank, layout.n_digits
            capacity = len(self.cells.rays)
            self._exact = Exact(
                row_words=layout.row_words,
                ray_words=np.zeros((capacity, rank, digits), dtype=np.uint64),
                shifts=np.array(layout.shifts, dtype=np.int64),
                minors=np.zeros(((1 << rank) + 1, digits), dtype=np.uint64),
                residues=np.zeros((rank, rank + 1), dtype=np.int64),
            )
        return self._exact

    def _refine(self, ray: int) -> None:
        """Make a ray exact and decide what is pending about it."""
        if self.layout.n_digits == 0:
            self._make_ray(ray)
            return
        if not exact_rays.resolve(
            self.cells.rays,
            self.cells.masks,
            self.layout.rows.valid,
            self._exact_numbers(),
            self._cut.pending,
            self._solver.tight,
            ray,
        ):
            raise ArrangementError(
                "no prime of the list showed r - 1 independent rows at a ray. Please "
                "report the matrix."
            )

    def _make_ray(self, position: int) -> None:
        """Make the ray at a position of the cut in Python's integers."""
        cut, rays = self._cut, self.cells.rays
        values, vectors = [], []
        for k in (int(cut.parent_p[position]), int(cut.parent_q[position])):
            values.append((int(cut.high[k]) << 64) + int(cut.value[k].view(np.uint64)))
            vectors.append(rays[cut.ray[k], :-1].tolist())
        a, b = values
        pairs = zip(*vectors, strict=True)
        rays[cut.ray[position], :-1] = integer_row([a * q - b * p for p, q in pairs])
        rays[cut.ray[position], -1] = PRIMITIVE

    def _scratch(self) -> tuple[Any, ...]:
        """Return the scratch of a kernel, which depends on the arithmetic."""
        return (self._cut, self._solver) if self.layout.n_digits else (self._cut,)

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
        return int(self.cells.start[top]), int(self.cells.n_rays[top])

    def top_rays(self) -> list[tuple[int, ...]]:
        """Exact rays of the cell on top."""
        start, count = self.top_cell()
        rays = self.cells.rays
        ids = self.cells.ids[start : start + count].tolist()
        if self.layout.n_digits == 0:
            return [tuple(rays[k, :-1].tolist()) for k in ids]
        for k in ids:
            if rays[k, -1] != EXACT:
                self._refine(k)
        words = self._exact_numbers().ray_words
        return [tuple(_integer(word) for word in words[k]) for k in ids]

    def waiting(self, first: int, stop: int) -> Waiting:
        """Return copies of the cells that wait from one place in the stack on."""
        counts = self.cells.n_rays[first:stop].copy()
        ends = np.cumsum(counts)
        places = np.repeat(self.cells.start[first:stop] - ends + counts, counts)
        ids = self.cells.ids[places + np.arange(len(places))]
        rays = self.cells.rays[ids]
        if self.layout.n_digits:
            # the exact numbers stay here
            kinds = rays[:, -1]
            kinds[kinds == EXACT] = SOLVED
        return Waiting(counts, rays, self.cells.masks[ids])

    def is_small(self, waiting: Waiting, most: int) -> bool:
        """Whether cells have ``most`` chambers or fewer; they may where it is false.

        A cell has as many as its rows have in general position, or fewer.
        """
        n_words, rank = self.layout.n_words, self.layout.rank
        starts = np.cumsum(waiting.counts) - waiting.counts
        union = np.bitwise_or.reduceat(waiting.masks, starts, axis=0)
        cuts = np.bitwise_count(union[:, :n_words] & union[:, n_words:]).sum(axis=1)
        for n_cuts in cuts.tolist():
            most -= sum(comb(n_cuts, k) for k in range(rank))
            if most < 0:
                return False
        return True

    def put(self, waiting: Waiting) -> None:
        """Put cells on the empty stack."""
        total, n_cells = len(waiting.rays), len(waiting.counts)
        while total > len(self.cells.masks):
            self._grow(GROW_POOL)
        while total > self.cells.ids.size:
            self._grow(GROW_LISTS)
        cells, ends = self.cells, np.cumsum(waiting.counts)
        cells.rays[:total] = waiting.rays
        cells.masks[:total] = waiting.masks
        cells.ids[:total] = np.arange(total)
        cells.start[:n_cells] = ends - waiting.counts
        cells.n_rays[:n_cells] = waiting.counts
        cells.pool_top[:n_cells] = ends
        self.control[N_FRAMES] = n_cells


@dataclass(frozen=True, eq=False)
class Rest:
    """Chambers that a walk left: those of cells, or of cones of the base.

    ``required`` as of the walk; ``roots`` the first of the cones and the one after the
    last.
    """

    required: Required
    roots: tuple[int, int]
    waiting: Waiting


class Walker(CellState):
    """A depth-first walk over the cells, and the chambers that it comes to."""

    is_turned = False

    def __init__(self, layout: Layout, *, step: int = 1) -> None:
        super().__init__(layout, step=step, depth=layout.n_rows - layout.rank + 3)
        self.control[N_ROOTS] = 1 << max(layout.rank - 1, 0)
        self.required = Required(
            plus=np.zeros(layout.n_words, dtype=np.uint64),
            minus=np.zeros(layout.n_words, dtype=np.uint64),
        )
        self._budget = min(_BUDGET, 1 << 10)

    def advance(self, output: Output) -> int:
        """Run one bounded piece of work; DONE, BLOCK_FULL or PAUSED."""
        while True:
            begin = time.perf_counter()
            status = self._step(output)
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

    def _step(self, output: Output) -> int:
        kernel = walk_floats if self.layout.n_digits else walk_ints
        return int(kernel.advance(*self._state(), self._budget, output))

    def _state(self) -> tuple[Any, ...]:
        """Return what a kernel works on, in the order of its arguments."""
        layout = self.layout
        fixed = (layout.rows, self.required, layout.outside)
        return (*fixed, self.cells, *self._scratch())

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
        while True:
            done = int(control[N_EMITTED])
            stop = min(done + _AT_ONCE, len(roots))
            status = int(kernel(*self._state(), _BUDGET, output, needs, roots, stop))
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
        self.required.plus[:] = packed_flags(signs > 0)
        self.required.minus[:] = packed_flags(signs < 0)

    def leave(self, few: int) -> Rest | None:
        """Leave half of what waits to another walk, what would come last.

        That is half of the cones that were not begun, or else of the cells, but for
        long masks no more than take a megabyte.  None where there is one, or where what
        is left has ``few`` chambers or fewer, as the numbers of rows that cut it say.
        """
        control, cells = self.control, self.cells
        required = Required(*(mask.copy() for mask in self.required))
        n_frames = int(control[N_FRAMES])
        here, end = int(control[NEXT_ROOT]), int(control[N_ROOTS])
        # a walk that is within a cone may leave all others
        middle = here + (end - here + (n_frames == 0)) // 2
        if middle < end:
            control[N_ROOTS] = middle
            return Rest(required, (middle, end), self.waiting(0, 0))
        half = n_frames // 2
        ends = np.cumsum(cells.n_rays[:half])
        most = _LEFT_BYTES // cells.masks[0].nbytes
        half = min(half, max(int(np.searchsorted(ends, most, side="right")), 1))
        left = self.waiting(0, half)
        if half == 0 or self.is_small(left, few):
            return None
        for column in (cells.start, cells.n_rays, cells.pool_top):
            column[: n_frames - half] = column[half:n_frames]
        control[N_FRAMES] = n_frames - half
        return Rest(required, (0, 0), left)

    def leave_all(self, few: int) -> list[Rest]:
        """Leave all to two other walks, in the order of the list, unless it is small.

        Each gets half of what waits (see `leave`); between two blocks.
        """
        last = self.leave(few)
        if last is None:
            return []
        control = self.control
        required = Required(*(mask.copy() for mask in self.required))
        roots = int(control[NEXT_ROOT]), int(control[N_ROOTS])
        first = Rest(required, roots, self.waiting(0, int(control[N_FRAMES])))
        control[NEXT_ROOT] = control[N_ROOTS]
        control[N_FRAMES] = 0
        return [first, last]

    def take_up(self, rest: Rest) -> None:
        """Begin with what another walk left, in the same layout."""
        self.control[NEXT_ROOT], self.control[N_ROOTS] = rest.roots
        for mask, other in zip(self.required, rest.required, strict=True):
            mask[:] = other
        self.put(rest.waiting)

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


def _integer(words: NDArray[np.uint64]) -> int:
    """Read a two's complement number of base-2**32 digits."""
    value = sum(int(word) << (32 * k) for k, word in enumerate(words))
    bits = 32 * len(words)
    return value - (1 << bits) if value >> (bits - 1) else value
