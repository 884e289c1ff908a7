"""Rays, facets and interior points of single chambers, from their patterns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arrangement.errors import InputError
from arrangement.exact import IntRow, integer_row
from arrangement.listing.cells.layout import Layout
from arrangement.listing.cells.walker import Walker, new_output
from arrangement.model import Arrangement, pack, unpack
from arrangement.options import block_rows

# chambers whose facets are found together
_CHUNK = 1 << 15
# room for facets of a chamber, over the rank; on average there are about 2 (r - 1)
_FACETS_A_RANK = 2


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
        out: list[NDArray[np.int64]] = []
        size = block_rows(_CHUNK, 64 * packed.shape[1])
        for first in range(0, len(packed), size):
            target, positive = self._positive(packed[first : first + size])
            order, index = self._walk_order(positive)
            facets = self._facets(target[order], positive[order])
            out += [facets[k].copy() for k in index.tolist()]
        return out

    def _facets(
        self, target: NDArray[np.uint64], positive: NDArray[np.bool_]
    ) -> list[NDArray[np.int64]]:
        """Facets of chambers in the order of the walk, none twice."""
        layout, count = self.layout, len(target)
        walker = Walker(layout)
        plus = pack(positive)
        needs = np.stack([plus, plus ^ layout.rows.valid], axis=1)
        roots = self._roots(positive)
        found = np.zeros((count, layout.words_per_pattern), dtype=np.uint64)
        # a chamber has no more facets than there are rows
        room = count * _FACETS_A_RANK * layout.rank + 2 * layout.input_row.size
        out: list[NDArray[np.int64]] = []
        while len(out) < count:
            done = len(out)
            output = new_output(layout, n_facets=count, room=room)
            output = output._replace(patterns=found[done:])
            number = walker.find_all(needs[done:], roots[done:], output)
            starts, places = output.starts, output.places
            last = min(done + number, count)
            same = np.all(found[done:last, : target.shape[1]] == target[done:last])
            if number == 0 or not same:
                raise InputError(
                    "a pattern is no chamber of the arrangement, so it has no rays, "
                    "facets or witness."
                )
            rows = self.input_rows(places[: starts[number]])
            chamber = np.repeat(np.arange(number), np.diff(starts[: number + 1]))
            order = np.lexsort((rows, chamber))
            order = order[rows[order] >= 0]
            ends = np.cumsum(np.bincount(chamber[order], minlength=number))
            out += np.split(rows[order], ends[:-1])
        return out

    def _positive(
        self, packed: NDArray[np.uint64]
    ) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
        """Turn patterns to the positive side of base row 0; return their signs too."""
        layout = self.layout
        bits = unpack(packed, self.arrangement.n_hyperplanes)
        positive = np.zeros((len(packed), layout.input_row.size), dtype=np.bool_)
        positive[:, layout.base_places] = True
        places = np.flatnonzero(layout.input_row >= 0)
        positive[:, places] = bits[:, layout.input_row[places]]
        if not self.arrangement.is_central:
            return packed, positive
        turned = ~positive[:, layout.base_places[:1]]
        positive[:, places] ^= turned
        complement = layout.outside.moving[: packed.shape[1]]
        return np.where(turned, packed ^ complement, packed), positive

    def _roots(self, positive: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return the number of the cone of the base that each chamber is in."""
        negative = ~positive[:, self.layout.base_places[1:]]
        weights = 1 << np.arange(self.layout.rank - 1)[::-1]
        return np.asarray(negative @ weights, dtype=np.int64)

    def _walk_order(
        self, positive: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Distinct chambers in the order of the walk, and which of them each one is.

        Two chambers part where the lowest row between them cuts, positive first.
        """
        keys = np.packbits(~positive, axis=1, bitorder="big").view(">u8")
        order = np.lexsort((*keys.T[::-1], self._roots(positive)))
        is_new = np.ones(len(order), dtype=np.bool_)
        is_new[1:] = np.any(keys[order[1:]] != keys[order[:-1]], axis=1)
        index = np.empty_like(order)
        index[order] = np.cumsum(is_new) - 1
        return order[is_new], index

    def _cells(self, packed: NDArray[np.uint64]) -> Iterator[tuple[Walker, int]]:
        """Yield a walker with the cell on top, and -1 for an antipode."""
        walker = Walker(self.layout)
        arrangement = self.arrangement
        found = np.zeros((1, self.layout.words_per_pattern), dtype=np.uint64)
        complement = self.layout.outside.moving[: packed.shape[1]]
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
