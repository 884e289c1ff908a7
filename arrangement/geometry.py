"""Rays, facets and interior points of single chambers, from their patterns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels import cells
from arrangement._kernels.state import COUNT, START, Output
from arrangement.arithmetic import Layout
from arrangement.arrangement import Arrangement
from arrangement.errors import InputError
from arrangement.exact import IntRow, integer_row
from arrangement.patterns import unpack
from arrangement.walker import Walker


class PointGeometry:
    """The one chamber of an arrangement without hyperplanes in dimension 0."""

    def __init__(self, arrangement: Arrangement) -> None:
        self._width = arrangement.dimension
        if arrangement.projection is not None:
            self._width = 0

    def witnesses(self, packed: NDArray[np.uint64]) -> NDArray[Any]:
        """Return the origin."""
        return np.zeros((len(packed), self._width), dtype=np.int64)

    def rays(self, packed: NDArray[np.uint64]) -> list[NDArray[Any]]:
        """Return no rays."""
        return [np.zeros((0, self._width), dtype=np.int64) for _ in packed]

    def facets(self, packed: NDArray[np.uint64]) -> list[NDArray[np.int64]]:
        """Return no facets."""
        return [np.zeros(0, dtype=np.int64) for _ in packed]


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
            integer_row([sum(x) for x in zip(*self._cell_rays(*cell), strict=True)])
            for cell in self._cells(packed)
        ]
        return self.arrangement.lift(points)

    def rays(self, packed: NDArray[np.uint64]) -> list[NDArray[Any]]:
        """Exact rays of each closed chamber, in data coordinates."""
        return [
            self.arrangement.lift(self._cell_rays(*cell))
            for cell in self._cells(packed)
        ]

    def facets(self, packed: NDArray[np.uint64]) -> list[NDArray[np.int64]]:
        """Input rows that are facets of each chamber, ascending."""
        out = []
        for walker, top, _ in self._cells(packed):
            buffer = np.zeros(64 * walker.stack.masks.shape[1], dtype=np.int64)
            end = cells.emit_facets(
                self.layout.rows, walker.stack, walker.scratch, top, buffer, 0
            )
            rows = self.input_rows(buffer[:end])
            out.append(np.sort(rows[rows >= 0]))
        return out

    def _cells(self, packed: NDArray[np.uint64]) -> Iterator[tuple[Walker, int, int]]:
        """Yield a walker, the frame that holds the cell, and -1 for an antipode."""
        walker = Walker(self.layout)
        n = self.arrangement.n_hyperplanes
        width = max(packed.shape[1], 1)
        output = Output(
            patterns=np.zeros((1, width), dtype=np.uint64),
            witnesses=np.zeros((0, self.layout.rank)),
            facet_starts=np.zeros(0, dtype=np.int64),
            facets=np.zeros(0, dtype=np.int64),
        )
        complement = np.zeros(packed.shape[1], dtype=np.uint64)
        for i in np.flatnonzero(self.arrangement.class_of >= 0).tolist():
            complement[i // 64] |= np.uint64(1 << (i % 64))
        for words in packed:
            target, signs, side = words, self._signs(words, n), 1
            if self.arrangement.is_central and signs[0] < 0:
                target, side = words ^ complement, -1
                signs = self._signs(target, n)
            frame = walker.descend(signs, output)
            if not np.array_equal(output.patterns[0, : target.size], target):
                raise InputError(
                    "a pattern is no chamber of the arrangement, so it has no rays, "
                    "facets or witness."
                )
            yield walker, frame, side

    def _signs(self, words: NDArray[np.uint64], n: int) -> NDArray[np.int8]:
        bits = unpack(words[None], n)[0]
        signs = np.ones(len(self._first), dtype=np.int8)
        present = self._first >= 0
        signs[present] = np.where(bits[self._first[present]], 1, -1)
        return signs

    def _cell_rays(self, walker: Walker, top: int, side: int) -> list[IntRow]:
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
