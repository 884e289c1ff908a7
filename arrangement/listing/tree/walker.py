"""`TreeWalker`: the state around the walk along the tree of chambers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels.cells import facets_of
from arrangement._kernels.state import (
    BLOCK_FULL,
    DONE,
    DOUBTFUL,
    ENTERED_FRAME,
    GROW_LISTS,
    GROW_POOL,
    N_FRAMES,
    NEED_RAYS,
    PAUSED,
    PHASE,
    PRIMITIVE,
    REFINE,
    SOLVED,
    SPARE_BITS,
    STEP,
    TREE_DEPTH,
    WIDE,
    Tree,
)
from arrangement._kernels.tree import moves, walk_floats, walk_ints
from arrangement.errors import ArrangementError
from arrangement.exact import Echelon, IntRow, dual_basis, scaled_floats
from arrangement.listing.cells import CellState, Layout, Waiting, Walker, packed_flags
from arrangement.listing.tree.subtrees import Subtree
from arrangement.model import Arrangement

# cuts a call: Python is back within a second
_BUDGET = 1 << 16


class TreeWalker(CellState):
    """State of one walk along the tree of chambers (see `_kernels/tree/moves.py`).

    The root is the first chamber of a listing by cells.  Cells that contain a line have
    no rays; they are cut down here, by independent facets, to simplicial cones: there
    are fewer than ``2**r`` of them.
    """

    def __init__(self, arrangement: Arrangement, layout: Layout) -> None:
        super().__init__(
            layout,
            step=1,
            depth=2 * (layout.n_rows + layout.rank) + 4,
        )
        cone = arrangement.cone
        rows = [*cone.rows] if cone.infinity is None else [*cone.rows, cone.infinity]
        self._places = layout.places
        self._row_at = dict(zip(layout.places.tolist(), rows, strict=True))
        self._row_columns = np.array(rows, dtype=object).T
        self._is_central = arrangement.is_central
        self._finder = Walker(layout)
        depth = self.cells.start.size
        self.tree = Tree(
            kind=np.zeros(depth, dtype=np.int64),
            crossed=np.zeros(depth, dtype=np.int64),
            free=np.zeros(depth, dtype=np.int64),
            signs=np.zeros(layout.n_words, dtype=np.uint64),
            allowed=np.zeros(layout.n_words, dtype=np.uint64),
        )
        # by frame: independent rows whose sides bound a cell that contains a line
        self._bounds: dict[int, list[int]] = {}
        self.begin(self.everything())

    def everything(self) -> Subtree:
        """Return the cell of everything, to be entered at the root."""
        words = np.zeros((1, self.layout.words_per_pattern), dtype=np.uint64)
        self._finder.find(np.zeros(64 * self.layout.n_words, dtype=np.int8), words)
        start, count = self._finder.top_cell()
        found = self._finder.cells
        rays = found.ids[start : start + count]
        plus = found.masks[rays, : self.layout.n_words]
        bounds = () if self._is_central else (int(self.layout.places[-1]),)
        none = self.cells.rays[:0].copy(), self.cells.masks[:0].copy()
        return Subtree(
            signs=np.bitwise_or.reduce(plus, axis=0),
            cell=Waiting(np.zeros(1, dtype=np.int64), *none),
            bounds=bounds,
        )

    def begin(self, subtree: Subtree) -> None:
        """Put a cell on the empty stack, to be entered at the root of its subtree."""
        control, tree = self.control, self.tree
        kept = control[[STEP, WIDE, SPARE_BITS]]
        control[:] = 0
        control[[STEP, WIDE, SPARE_BITS]] = kept
        self.put(subtree.cell)
        tree.free[0] = len(subtree.cell.rays)
        tree.signs[:] = subtree.signs
        tree.kind[0], tree.crossed[0] = moves.WAITING, -1
        self._bounds = {0: [*subtree.bounds]}

    def leave(self, most: int) -> list[Subtree]:
        """Take the cells that wait from the stack, in the order of the walk.

        Those that have ``most`` chambers or fewer, as the number of rows that cut them
        says, stay.  The walk goes on with these, and then goes back to its root.
        """
        control, tree = self.control, self.tree
        if control[PHASE] != moves.TAKE:
            # nothing is written of the cell that was entered last: it waits again
            entered = int(control[ENTERED_FRAME])
            tree.kind[entered] = moves.WAITING
            if tree.crossed[entered] >= 0:
                self._flip(tree.signs, int(tree.crossed[entered]))
                control[TREE_DEPTH] -= 1
            control[N_FRAMES] = entered + 1
            control[PHASE] = moves.TAKE
        signs = tree.signs.copy()
        left: list[Subtree] = []
        kept: list[int] = []
        for frame in range(int(control[N_FRAMES]) - 1, -1, -1):
            kind, place = int(tree.kind[frame]), int(tree.crossed[frame])
            if kind == moves.WAITING:
                cell = self.waiting(frame, frame + 1)
                if not len(cell.rays) or not self.is_small(cell, most):
                    left.append(self._subtree(frame, signs, cell))
                    continue
            if kind == moves.ENTERED and place >= 0:
                self._flip(signs, place)
            kept.append(frame)
        # none of them waits without rays, so none needs its bounds
        for target, frame in enumerate(reversed(kept)):
            self._copy_frame(frame, target)
        control[N_FRAMES] = len(kept)
        return left

    def _subtree(self, frame: int, signs: NDArray[np.uint64], cell: Waiting) -> Subtree:
        """Describe the cell of a frame that waits; ``signs`` of where it waits."""
        root = signs.copy()
        self._flip(root, int(self.tree.crossed[frame]))
        return Subtree(
            signs=root,
            cell=cell,
            bounds=() if len(cell.rays) else tuple(self._bounds[frame]),
        )

    @staticmethod
    def _flip(signs: NDArray[np.uint64], place: int) -> None:
        signs[place // 64] ^= np.uint64(1 << (place % 64))

    def walk(
        self,
        steps: NDArray[np.int64],
        patterns: NDArray[np.uint64],
        points: NDArray[np.float64],
    ) -> int:
        """Run one bounded piece of work; DONE, BLOCK_FULL or PAUSED."""
        while True:
            status = self._step(steps, patterns, points)
            if status in (DONE, BLOCK_FULL, PAUSED):
                return status
            if status == REFINE:
                self._refine(int(self.control[DOUBTFUL]))
            elif status == NEED_RAYS:
                self._cut_to_cone()
            else:
                self._grow(status)

    def _step(self, *output: NDArray[Any]) -> int:
        layout = self.layout
        kernel = walk_floats if layout.n_digits else walk_ints
        state = (layout.rows, layout.outside, self.cells, *self._scratch(), self.tree)
        return int(kernel.advance(*state, _BUDGET, *output))

    def _cut_to_cone(self) -> None:
        """Cut the cell on top, which has no rays, by facets of A to a simplicial cone.

        The last side cut off is simplicial too; the others wait without rays.
        """
        top = int(self.control[N_FRAMES]) - 1
        bounds = self._bounds[top]
        crossed = self._independent_facets(bounds)
        n_new = len(crossed)
        for k in range(n_new):
            if k < n_new - 1:
                self._bounds[top + 1 + k] = [*bounds, *crossed[: k + 1]]
            self._copy_frame(top, top + 1 + k)
            self.tree.kind[top + 1 + k] = moves.WAITING
            self.tree.crossed[top + 1 + k] = crossed[k]
        self._copy_frame(top, top + 1 + n_new)
        self.tree.kind[top + 1 + n_new] = moves.PASSED
        self._add_cones([*bounds, *crossed], top + n_new)
        self.control[N_FRAMES] = top + n_new + 2

    def _copy_frame(self, source: int, target: int) -> None:
        cells, tree = self.cells, self.tree
        stack = (cells.start, cells.n_rays, cells.pool_top)
        for column in (*stack, tree.kind, tree.crossed, tree.free):
            column[target] = column[source]

    def _side(self, place: int) -> int:
        bit = int(self.tree.signs[place // 64]) >> (place % 64) & 1
        return 1 if bit else -1

    def _independent_facets(self, bounds: list[int]) -> list[int]:
        """Facets of the chamber to enter that complete ``bounds`` to a base."""
        layout = self.layout
        signs = np.zeros(64 * layout.n_words, dtype=np.int8)
        for place in self._row_at:
            signs[place] = self._side(place)
        if self._is_central:
            # the finder knows half the chambers; an antipode has the same facets
            signs *= signs[layout.base_places[0]]
        words = np.zeros((1, layout.words_per_pattern), dtype=np.uint64)
        finder = self._finder
        if not finder.find(signs, words):
            raise ArrangementError(
                "a chamber across a facet was not found. Please report the matrix."
            )
        places = np.zeros(64 * layout.n_words, dtype=np.int64)
        end = facets_of(
            finder.cells.masks,
            finder.cells.ids,
            *finder.top_cell(),
            layout.rows.valid,
            places,
        )
        echelon = Echelon(layout.rank)
        for place in bounds:
            echelon.add(self._row_at[place])
        facets = np.sort(places[:end]).tolist()
        return [place for place in facets if echelon.add(self._row_at[place])]

    def _add_cones(self, base: list[int], frame: int) -> None:
        """Give frame and the next one rays: the cones beyond the last row and not."""
        rank = self.layout.rank
        sides = [self._side(place) for place in base]
        rays = dual_basis(
            [
                tuple(side * x for x in self._row_at[place])
                for place, side in zip(base, sides, strict=True)
            ]
        )
        rays.append(tuple(-x for x in rays[-1]))
        pool, free = int(self.cells.pool_top[frame]), int(self.tree.free[frame])
        while pool + rank + 1 > self.cells.masks.shape[0]:
            self._grow(GROW_POOL)
        while free + 2 * rank > self.cells.ids.size:
            self._grow(GROW_LISTS)
        self._write_rays(rays, pool)
        ids = np.arange(pool, pool + rank)
        cells = self.cells
        cells.ids[free : free + rank] = ids
        cells.ids[free + rank - 1] += 1
        cells.ids[free + rank : free + 2 * rank] = ids
        for k in (0, 1):
            cells.start[frame + k] = free + k * rank
            cells.n_rays[frame + k] = rank
            cells.pool_top[frame + k] = pool + rank + 1
            self.tree.free[frame + k] = free + 2 * rank

    def _write_rays(self, rays: list[IntRow], begin: int) -> None:
        """Write exact rays into the pool, the sign of every row at them decided."""
        layout, cells = self.layout, self.cells
        end = begin + len(rays)
        if layout.n_digits == 0:
            cells.rays[begin:end, : layout.rank] = rays
            cells.rays[begin:end, layout.rank] = PRIMITIVE
        else:
            # scaling the columns of the rows by 2**-s scales rays by 2**s
            floats = scaled_floats(rays, [-shift for shift in layout.shifts])
            cells.rays[begin:end, : layout.rank] = floats
            cells.rays[begin:end, layout.rank] = 2.0**-50
            cells.rays[begin:end, layout.rank + 1] = SOLVED
        # products of whole columns: several times faster than one by one
        values = np.array(rays, dtype=object) @ self._row_columns
        for half, is_there in enumerate((values > 0, values < 0)):
            flags = np.zeros((len(rays), 64 * layout.n_words), dtype=np.bool_)
            flags[:, self._places] = is_there
            first = half * layout.n_words
            target = cells.masks[begin:end, first : first + layout.n_words]
            target[:] = packed_flags(flags)
