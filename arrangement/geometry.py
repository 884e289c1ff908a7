"""Rays, facets and interior points of single chambers, from their patterns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels import cells
from arrangement._kernels.state import COUNT, N_FRAMES, START
from arrangement.arithmetic import Layout
from arrangement.arrangement import Arrangement
from arrangement.errors import InputError
from arrangement.exact import IntRow, integer_row
from arrangement.patterns import unpack
from arrangement.walker import Walker


class CellGeometry:
    """Rebuilds the cell of a pattern by inserting all rows on its side.

    One cell costs n steps of a few dot products; nothing is kept between cells.
    """

    def __init__(self, arrangement: Arrangement, layout: Layout) -> None:
        self.arrangement = arrangement
        self.layout = layout
        first = np.zeros(len(arrangement.cone.rows), dtype=np.int64)
        classes = arrangement.class_of
        for i in range(len(classes) - 1, -1, -1):
            if classes[i] >= 0:
                first[classes[i]] = i
        order = layout.order
        self._first = np.where(order >= 0, first[order] if len(first) else 0, -1)

    def input_rows(self, kernel_rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Map kernel rows to the first input row of their class (-1: infinity)."""
        return self._first[kernel_rows]

    def witnesses(self, packed: NDArray[np.uint64]) -> NDArray[Any]:
        """Sum of the primitive rays of each chamber, in data coordinates."""
        points = [
            integer_row([sum(values) for values in zip(*self._cell_rays(*cell), strict=True)])
            for cell in self._cells(packed)
        ]
        return self.arrangement.lift(points)

    def rays(self, packed: NDArray[np.uint64]) -> list[NDArray[Any]]:
        """Exact rays of each closed chamber, in data coordinates."""
        return [
            self.arrangement.lift(self._cell_rays(*cell)) for cell in self._cells(packed)
        ]

    def facets(self, packed: NDArray[np.uint64]) -> list[NDArray[np.int64]]:
        """Input rows that are facets of each chamber, ascending."""
        out = []
        for walker, _ in self._cells(packed):
            top = int(walker.control[N_FRAMES]) - 1
            buffer = np.zeros(64 * walker.stack.masks.shape[1], dtype=np.int64)
            end = cells.emit_facets(
                self.layout.rows, walker.stack, walker.scratch, top, buffer, 0
            )
            rows = self.input_rows(buffer[:end])
            out.append(np.sort(rows[rows >= 0]))
        return out

    def _cells(self, packed: NDArray[np.uint64]) -> Iterator[tuple[Walker, int]]:
        """Yield a walker with the cell on top, and -1 for an antipode."""
        walker = Walker(self.layout)
        rank = self.layout.rank
        is_central = self.arrangement.is_central
        n = self.arrangement.n_hyperplanes
        complement = np.zeros(packed.shape[1], dtype=np.uint64)
        for i in np.flatnonzero(self.arrangement.class_of >= 0).tolist():
            complement[i // 64] |= np.uint64(1 << (i % 64))
        for words in packed:
            signs, side = self._signs(words, n), 1
            if is_central and signs[0] < 0:
                words, side = words ^ complement, -1  # noqa: PLW2901
                signs = self._signs(words, n)
            root = 0
            for j in range(1, rank):
                root = 2 * root + int(signs[j] < 0)
            target = words if words.size else np.zeros(1, dtype=np.uint64)
            if not walker.descend(root, signs, np.ascontiguousarray(target)):
                raise InputError(
                    "a pattern is no chamber of the arrangement, so it has no rays, "
                    "facets or witness."
                )
            yield walker, side

    def _signs(self, words: NDArray[np.uint64], n: int) -> NDArray[np.int8]:
        bits = unpack(words[None], n)[0]
        signs = np.ones(len(self._first), dtype=np.int8)
        present = self._first >= 0
        signs[present] = np.where(bits[self._first[present]], 1, -1)
        return signs

    def _cell_rays(self, walker: Walker, side: int) -> list[IntRow]:
        top = int(walker.control[N_FRAMES]) - 1
        start = int(walker.stack.meta[top, START])
        count = int(walker.stack.meta[top, COUNT])
        ids = walker.stack.ids[start : start + count].tolist()
        if self.layout.n_words == 0:
            return [tuple(side * x for x in walker.pool.ints[k].tolist()) for k in ids]
        cells.refine_cell(
            self.layout.rows, walker.pool, walker.stack, walker.scratch, top
        )
        return [
            integer_row([side * _integer(word) for word in walker.pool.words[k]])
            for k in ids
        ]


def _integer(words: NDArray[np.uint64]) -> int:
    """Read a two's complement number of base-2**32 digits."""
    value = sum(int(word) << (32 * k) for k, word in enumerate(words))
    bits = 32 * len(words)
    return value - (1 << bits) if value >> (bits - 1) else value
