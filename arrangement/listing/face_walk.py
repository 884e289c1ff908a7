"""`FaceWalk`: the faces on flats of one dimension, from the chambers of the whole.

The method is told in `_kernels/faces`.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels import faces as kernels
from arrangement._kernels.faces import (
    ASK,
    AT,
    CONE,
    DEPTH,
    FEW_ROWS,
    IS_BY_SIGNS,
    IS_CENTRAL,
    IS_OPEN,
    LAST,
    N_CONTROL,
    N_FILTER,
    N_LEVEL,
    TARGET,
    WRITTEN,
    Spread,
)
from arrangement._kernels.state import DONE
from arrangement.listing.plan import FEW, chamber_bound
from arrangement.listing.streams import iter_patterns
from arrangement.model import Arrangement

__all__ = ["ASK", "DONE", "FaceWalk", "KeptChambers", "Spread", "spread_of"]

Words = NDArray[np.uint64]

# most bytes of a walk
_BYTES = 1 << 28
# chambers looked at in one call, at some nanoseconds each
_BUDGET = 1 << 22
# an upper bound this many times too large says little
_LOOSE = 64
_SEED = 2021
_draw = np.random.default_rng


def most_chambers(n_rows: int) -> int:
    """Return how many chambers of so many rows a walk can begin with."""
    # patterns twice, and walls, which is as much as there is when they are sorted;
    # hashes twice, slots and their filter, up to twice as long as need be; four arrays
    # of `Scratch`
    n_words = -(-n_rows // 64)
    return _BYTES // (8 * 3 * n_words + 16 + 16 + 4 + 32)


class KeptChambers:
    """The chambers of an arrangement, as long as they are not too many.

    They are added as they are listed, and listed if they were not.
    """

    def __init__(self, arrangement: Arrangement) -> None:
        self._arrangement = arrangement
        self._most = most_chambers(arrangement.n_distinct)
        self._parts: list[Words] = []
        self._count = 0
        self._is_whole = False

    def add(self, packed: Words) -> bool:
        """Keep more patterns; False when they are too many."""
        if self._count > self._most:
            return False
        part = _of_distinct(self._arrangement, packed)
        if self._arrangement.is_central:
            part = part[part[:, 0] & np.uint64(1) != 0]
        self._parts.append(part)
        self._count += len(part)
        if self._count > self._most:
            self._parts = []
        return self._count <= self._most

    def end(self) -> None:
        """Say that these were all."""
        self._is_whole = True

    def walk(self, last: int = -1) -> FaceWalk | None:
        """Return a walk over what is kept, once; None where it is too much.

        ``last``: see `FaceWalk`.
        """
        if not self._is_whole:
            stream = iter_patterns(self._arrangement)
            self._parts, self._count, self._is_whole = [], 0, True
            # an upper bound so many times too large says little
            if stream.bound > _LOOSE * self._most:
                self._count = self._most + 1
            all(self.add(block.packed) for block in stream)
        if self._count > self._most:
            return None
        parts, self._parts = self._parts, []
        return FaceWalk(parts, self._count, self._arrangement, last)


def _of_distinct(arrangement: Arrangement, packed: Words) -> Words:
    """Return the bits of the first row of each class."""
    n_rows = arrangement.n_distinct
    if n_rows == arrangement.n_hyperplanes:
        return packed
    out = np.zeros((len(packed), -(-n_rows // 64)), dtype=np.uint64)
    kernels.gather(np.array(packed), np.array(arrangement.first_rows), out)
    return out


def _put_in_order(parts: list[Words], out: Words) -> None:
    """Sort patterns by the signs of all rows, + before -, and empty the list."""
    words = np.concatenate(parts)
    parts.clear()
    numbers = np.empty_like(words)
    kernels.reverse(words, numbers)
    if words.shape[1] == 1:
        numbers.sort(axis=0)
        # done twice it changes nothing
        kernels.reverse(numbers, out)
        return
    ranks = np.lexsort(numbers.T[::-1])
    # with any other mode it takes them elsewhere first
    np.take(words, ranks, axis=0, out=out, mode="clip")


class FaceWalk:
    """A walk over the flats of one dimension; `begin` says of which.

    ``parts``, which are emptied, hold the ``count`` chambers of an arrangement, or of
    each two opposite ones that where the first row is positive.  Flats are cut out of
    it by rows after ``last`` first.
    """

    def __init__(
        self, parts: list[Words], count: int, arrangement: Arrangement, last: int
    ) -> None:
        n_words = parts[0].shape[1]
        words = np.empty((2 * count, n_words), dtype=np.uint64)
        _put_in_order(parts, words[:count])
        n_rows, self.dimension = arrangement.n_distinct, arrangement.rank
        self._extra = 0 if arrangement.is_central else 1
        levels = self.dimension + 1
        draw = _draw(_SEED)
        # a cut has half as many chambers at most, and so on; at least two slots each
        self._path = kernels.Path(
            words=words,
            hashes=np.empty(2 * count, dtype=np.uint64),
            slots=np.empty(4 * count + 2 * levels, dtype=np.uint32),
            filters=np.empty(count // 2 + levels, dtype=np.uint64),
            levels=np.zeros((levels, N_LEVEL), dtype=np.int64),
            zero=np.zeros((levels, n_words), dtype=np.uint64),
            moving=np.zeros((levels, n_words), dtype=np.uint64),
            seen=np.zeros((levels, n_words), dtype=np.uint64),
            walls=np.empty((n_rows, -(-count // 64)), dtype=np.uint64),
            keys=draw.integers(0, 2**64, 64 * n_words, dtype=np.uint64),
        )
        self._scratch = kernels.Scratch(
            *np.zeros((3, n_words), dtype=np.uint64),
            *np.zeros((4, max(count, 64 * n_words) + 2), dtype=np.int64),
        )
        self._control = np.zeros(N_CONTROL, dtype=np.int64)
        self._control[IS_CENTRAL] = arrangement.is_central
        self._path.levels[0, LAST] = last
        kernels.begin(self._path, count, n_rows)
        self._find_walls(count, n_rows, is_central=arrangement.is_central)

    def _find_walls(self, count: int, n_rows: int, *, is_central: bool) -> None:
        """Find the walls of all chambers, row by row.

        In the order of their places in the filter: what these are after the same key
        lies close together too.
        """
        hashes, order = self._path.hashes, self._scratch.order[:count]
        last = np.uint64(self._path.levels[0, N_FILTER] - 1)
        order[:] = np.argsort((hashes[:count] >> kernels.PLACE) & last)
        np.take(hashes[:count], order, out=hashes[count:], mode="clip")
        for row in range(n_rows):
            kernels.find_walls(self._path, row, is_central, order, self._scratch.flips)

    def begin(self, dimension: int) -> None:
        """Begin with the flats of a dimension, lower than that of the whole."""
        control = self._control
        control[DEPTH] = 0
        control[CONE] = cone = dimension + self._extra
        # what is between the chambers of a plane is found there
        control[TARGET] = self.dimension - dimension - (cone == 1)
        control[[IS_OPEN, AT, IS_BY_SIGNS]] = 0
        if cone > 2:
            control[FEW_ROWS] = _few_rows(cone, not self._extra)
        self._path.seen[:] = 0

    def fill(self, out: NDArray[np.int8], spread: Spread) -> tuple[int, int]:
        """Write faces to ``out``; return the status of the kernel and how many.

        `ASK`: the flat of `basis` may be in another order than that of signs; say
        `go_on`.
        """
        self._control[WRITTEN] = 0
        status = kernels.advance(
            self._path, self._control, self._scratch, spread, out, _BUDGET
        )
        return int(status), int(self._control[WRITTEN])

    @property
    def basis(self) -> list[int]:
        """The rows that cut out the flat on top, one after another."""
        top = int(self._control[DEPTH])
        return [int(row) for row in self._path.levels[1 : top + 1, LAST]]

    def go_on(self, *, is_by_signs: bool) -> None:
        """List the flat on top in the order of signs, or leave it out."""
        if is_by_signs:
            self._control[IS_BY_SIGNS] = 1
        else:
            self._control[DEPTH] -= 1


@cache
def _few_rows(rank: int, is_central: bool) -> int:
    """Return the most rows on a flat that is listed by cells, whatever they are.

    ``rank`` is that of the cone.  See `is_by_vertices`.
    """
    n_rows = 0
    while chamber_bound(n_rows + 1, rank, is_central=is_central) < FEW:
        n_rows += 1
    return n_rows


def spread_of(
    source: NDArray[np.int64],
    factor: NDArray[np.int8],
    constant: NDArray[np.int8],
    n_rows: int,
) -> Spread:
    """Say how the signs of all rows follow from those of ``n_rows`` of a walk.

    They are ``signs[source] * factor + constant``.
    """
    every = np.arange(256, dtype=np.uint8)[:, None]
    bits = np.unpackbits(every, axis=1, bitorder="little")
    eights = np.zeros(8 * -(-n_rows // 64), dtype=np.uint64)
    return Spread(
        source=source,
        factor=factor,
        constant=constant,
        is_direct=np.array_equal(source, np.arange(n_rows)),
        signs=eights.view(np.int8),
        eights=eights,
        own=np.zeros(len(source), dtype=np.int8),
        bytes=(2 * bits.astype(np.int8) - 1).view(np.uint64).ravel(),
    )
