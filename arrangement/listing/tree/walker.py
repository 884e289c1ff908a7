"""`TreeWalker`: the state around the walk along the tree of chambers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels.cells import facets_of
from arrangement._kernels.state import (
    BLOCK_FULL,
    COUNT,
    DONE,
    DOUBTFUL,
    GROW_LISTS,
    GROW_POOL,
    N_FRAMES,
    PAUSED,
    POOL_TOP,
    REFINE,
    SOLVED,
    START,
)
from arrangement._kernels.tree import moves as tree
from arrangement._kernels.tree import walk_floats as tree_floats
from arrangement._kernels.tree import walk_ints as tree_ints
from arrangement.errors import ArrangementError
from arrangement.exact import Echelon, IntRow, dual_basis, scaled_floats
from arrangement.listing.cells import CellState, Layout, Walker
from arrangement.model import Arrangement

# cuts a call: Python is back within a second
_BUDGET = 1 << 16


class TreeWalker(CellState):
    """State of one walk along the tree of chambers (see `_kernels/tree.py`).

    The root is the first chamber of a listing by cells.  Cells that contain a line have
    no rays; they are cut down here, by independent facets, to simplicial cones: there
    are fewer than ``2**r`` of them.
    """

    def __init__(self, arrangement: Arrangement, layout: Layout) -> None:
        super().__init__(
            layout,
            step=1,
            depth=2 * (layout.n_rows + layout.rank) + 4,
            n_columns=tree.N_COLUMNS,
            n_control=tree.CONTROL_SIZE,
        )
        cone = arrangement.cone
        rows = [*cone.rows] if cone.infinity is None else [*cone.rows, cone.infinity]
        self._row_at = dict(zip(layout.places.tolist(), rows, strict=True))
        self._is_central = arrangement.is_central
        self._finder = Walker(layout)
        self._allowed = np.zeros(layout.n_words, dtype=np.uint64)
        self._signs = np.zeros(layout.n_words, dtype=np.uint64)
        self._begin()

    def _begin(self) -> None:
        """Put the cell of everything on the stack, to be entered at the root."""
        words = np.zeros((1, self.layout.words_per_pattern), dtype=np.uint64)
        self._finder.find(np.zeros(64 * self.layout.n_words, dtype=np.int8), words)
        start, count = self._finder.top_cell()
        rays = self._finder.ids[start : start + count]
        plus = self._finder.masks[rays, : self.layout.n_words]
        self._signs[:] = np.bitwise_or.reduce(plus, axis=0)
        self.meta[0, [tree.KIND, tree.CROSSED]] = tree.WAITING, -1
        self.control[N_FRAMES] = 1
        # by frame: independent rows whose sides bound a cell that contains a line
        self._bounds: dict[int, list[int]] = {0: []}
        if not self._is_central:
            self._bounds[0].append(int(self.layout.places[-1]))

    def walk(
        self,
        moves: NDArray[np.int64],
        patterns: NDArray[np.uint64],
        witnesses: NDArray[np.float64],
    ) -> int:
        """Run one bounded piece of work; DONE, BLOCK_FULL or PAUSED."""
        while True:
            status = self._step(moves, patterns, witnesses)
            if status in (DONE, BLOCK_FULL, PAUSED):
                return status
            if status == REFINE:
                self._refine(int(self.control[DOUBTFUL]))
            elif status == tree.NEED_RAYS:
                self._cut_to_cone()
            else:
                self._grow(status)

    def _step(self, *output: NDArray[Any]) -> int:
        layout = self.layout
        fixed = (layout.rows, self.fixed, layout.outside, layout.members)
        cells = (self.masks, self.rays, self.ids, self.meta, self.control)
        scratch = (self._union, self._zeros, self._lists, self._values, self._pending)
        course = (self._signs, self._allowed, _BUDGET)
        if layout.n_digits:
            filtered = (self._work, self._picks)
            return int(
                tree_floats.advance(
                    *fixed, *cells, *scratch, *filtered, *course, *output
                )
            )
        return int(tree_ints.advance(*fixed, *cells, *scratch, *course, *output))

    def _cut_to_cone(self) -> None:
        """Cut the cell on top, which has no rays, by facets of A to a simplicial cone.

        The last side cut off is simplicial too; the others wait without rays.
        """
        top = int(self.control[N_FRAMES]) - 1
        bounds = self._bounds.pop(top)
        crossed = self._independent_facets(bounds)
        n_new = len(crossed)
        for k in range(n_new):
            if k < n_new - 1:
                self._bounds[top + 1 + k] = [*bounds, *crossed[: k + 1]]
            self.meta[top + 1 + k] = self.meta[top]
            self.meta[top + 1 + k, tree.KIND] = tree.WAITING
            self.meta[top + 1 + k, tree.CROSSED] = crossed[k]
        self.meta[top + 1 + n_new] = self.meta[top]
        self.meta[top + 1 + n_new, tree.KIND] = tree.PASSED
        self._add_cones([*bounds, *crossed], top + n_new)
        self.control[N_FRAMES] = top + n_new + 2

    def _side(self, place: int) -> int:
        bit = int(self._signs[place // 64]) >> (place % 64) & 1
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
            finder.masks, finder.ids, *finder.top_cell(), finder.fixed, places
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
        pool, free = (int(x) for x in self.meta[frame, [POOL_TOP, tree.FREE]])
        while pool + rank + 1 > self.masks.shape[0]:
            self._grow(GROW_POOL)
        while free + 2 * rank > self.ids.size:
            self._grow(GROW_LISTS)
        self._write_rays(rays, pool)
        ids = np.arange(pool, pool + rank)
        self.ids[free : free + rank] = ids
        self.ids[free + rank - 1] += 1
        self.ids[free + rank : free + 2 * rank] = ids
        for k in (0, 1):
            columns = [START, COUNT, POOL_TOP, tree.FREE]
            self.meta[frame + k, columns] = (
                free + k * rank,
                rank,
                pool + rank + 1,
                free + 2 * rank,
            )

    def _write_rays(self, rays: list[IntRow], begin: int) -> None:
        """Write exact rays into the pool, the sign of every row at them decided."""
        layout = self.layout
        end = begin + len(rays)
        if layout.n_digits == 0:
            self.rays[begin:end] = rays
        else:
            # scaling the columns of the rows by 2**-s scales rays by 2**s
            floats = scaled_floats(rays, [-shift for shift in layout.shifts])
            self.rays[begin:end, : layout.rank] = floats
            self.rays[begin:end, layout.rank] = 2.0**-50
            self.rays[begin:end, layout.rank + 1] = SOLVED
        self.masks[begin:end] = 0
        for place, row in self._row_at.items():
            flag = np.uint64(1 << (place % 64))
            for k, ray in enumerate(rays):
                value = sum(x * y for x, y in zip(row, ray, strict=True))
                if value:
                    word = place // 64 + (0 if value > 0 else layout.n_words)
                    self.masks[begin + k, word] |= flag
