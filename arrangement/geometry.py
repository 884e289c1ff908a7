"""Rays, facets and interior points of single chambers, from their patterns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels.cells import facets_of
from arrangement._kernels.state import MOVING
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
    """Rebuilds the cell of a pattern by walking to it; nothing is kept in between."""

    def __init__(self, arrangement: Arrangement, layout: Layout) -> None:
        self.arrangement = arrangement
        self.layout = layout

    def input_rows(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Map places to the first input row of their class (-1: infinity)."""
        return self.layout.input_row[places]

    def witnesses(self, packed: NDArray[np.uint64]) -> NDArray[Any]:
        """Sum of the primitive rays of each chamber, in data coordinates."""
        points = [
            integer_row([sum(x) for x in zip(*_primitive_rays(*cell), strict=True)])
            for cell in self._cells(packed)
        ]
        return self.arrangement.lift(points)

    def rays(self, packed: NDArray[np.uint64]) -> list[NDArray[Any]]:
        """Exact rays of each closed chamber, in data coordinates."""
        return [
            self.arrangement.lift(_primitive_rays(*cell))
            for cell in self._cells(packed)
        ]

    def facets(self, packed: NDArray[np.uint64]) -> list[NDArray[np.int64]]:
        """Input rows that are facets of each chamber, ascending."""
        out = []
        places = np.zeros(64 * self.layout.n_words, dtype=np.int64)
        for walker, _ in self._cells(packed):
            start, count = walker.top_cell()
            end = facets_of(
                walker.masks, walker.ids, start, count, walker.fixed, places
            )
            rows = self.input_rows(places[:end])
            out.append(np.sort(rows[rows >= 0]))
        return out

    def _cells(self, packed: NDArray[np.uint64]) -> Iterator[tuple[Walker, int]]:
        """Yield a walker with the cell on top, and -1 for an antipode."""
        walker = Walker(self.layout)
        arrangement = self.arrangement
        found = np.zeros((1, self.layout.words_per_pattern), dtype=np.uint64)
        complement = self.layout.outside[MOVING, : packed.shape[1]]
        for words in packed:
            target, signs, side = words, self._signs(words), 1
            if arrangement.is_central and signs[self.layout.base_places[0]] < 0:
                target, side = words ^ complement, -1
                signs = self._signs(target)
            if not walker.find(signs, found) or not np.array_equal(
                found[0, : target.size], target
            ):
                raise InputError(
                    "a pattern is no chamber of the arrangement, so it has no rays, "
                    "facets or witness."
                )
            yield walker, side

    def _signs(self, words: NDArray[np.uint64]) -> NDArray[np.int8]:
        """Signs of the rows by place; 0 where there is none, +1 for infinity."""
        bits = unpack(words[None], self.arrangement.n_hyperplanes)[0]
        signs = np.zeros(self.layout.input_row.size, dtype=np.int8)
        signs[self.layout.base_places] = 1
        places = np.flatnonzero(self.layout.input_row >= 0)
        signs[places] = np.where(bits[self.layout.input_row[places]], 1, -1)
        return signs


def _primitive_rays(walker: Walker, side: int) -> list[IntRow]:
    return [integer_row([side * x for x in ray]) for ray in walker.top_rays()]
