"""Rules that the bits of a complete list obey, read off the arrangement."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels.verification import (
    Coordinates,
    Elimination,
    OutputBits,
    new_elimination,
)
from arrangement.counting import cover_bound
from arrangement.exact import scaled_floats
from arrangement.model import Arrangement


class _Rules:
    """Output bits of an arrangement, derived anew from its classes."""

    def __init__(self, arrangement: Arrangement) -> None:
        self.arrangement = arrangement
        self.n = arrangement.n_hyperplanes
        self.width = -(-self.n // 64)
        cone = arrangement.cone
        self.has_antipodes = arrangement.is_central and cone.rank > 0
        self.rows = cone.rows
        self.n_lines = len(cone.lines)
        moving = arrangement.class_of >= 0
        self.moving = _packed(moving, self.width)
        # of each class the first row; the other output bits are copies of that
        self.first = arrangement.first_rows
        copies = np.zeros((0, 5), dtype=np.int64)
        if len(self.first) < np.count_nonzero(moving):
            members = self.members
            source = self.first[members[:, 0]]
            links = [source // 64, source % 64, *members[:, 1:].T]
            is_copy = source != 64 * members[:, 1] + members[:, 2]
            copies = np.stack(links, axis=1)[is_copy]
        self.bits = OutputBits(
            _packed_rows(self.first, self.n),
            _packed(arrangement.constant_bits, self.width),
            copies,
        )
        places = [i for i in arrangement.base_lines if i < len(self.rows)]
        self._scaled: tuple[tuple[int, ...], Coordinates] | None = None
        # of threads too: what is appended and popped is never lost
        self._spare: list[tuple[tuple[int, ...], Elimination]] = []
        self.first_row = int(self.first[places[0]]) if places else 0
        self.leading = _packed_rows(self.first[places], self.n)

    @cached_property
    def members(self) -> NDArray[np.int64]:
        """Row of the cone, word, bit and flip of each output bit, row by row."""
        classes = self.arrangement.class_of
        members = np.argsort(classes, kind="stable")
        members = members[classes[members] >= 0]
        flips = self.arrangement.orientation[members] < 0
        return np.stack([classes[members], members // 64, members % 64, flips], axis=1)

    def coordinates(self, shifts: Sequence[int]) -> Coordinates:
        """Rows as floats, column k over ``2**shifts[k]``, and a bound of their 1-norms.

        Coordinate by coordinate (r, 64 width), each row at its first output bit.
        """
        key = tuple(shifts)
        if self._scaled is None or self._scaled[0] != key:
            near = self.arrangement.cone.floats
            rows = self.rows if near is None else near[: len(self.rows)]
            floats = scaled_floats(rows, shifts)
            norm = float(np.abs(floats).sum(axis=1).max(initial=0.0))
            values = np.zeros((len(key), 64 * self.width))
            values[:, self.first] = floats.T
            self._scaled = key, Coordinates(values, norm * (1.0 + 2.0**-40))
        return self._scaled[1]

    def elimination(self, shifts: Sequence[int]) -> Elimination:
        """Take the rows in these coordinates, none or some of them eliminated."""
        key = tuple(shifts)
        try:
            found, spare = self._spare.pop()
        except IndexError:
            found = None
        if found == key:
            return spare
        return new_elimination(self.coordinates(key).values, len(key) - 1)

    def take_back(self, elimination: Elimination, shifts: Sequence[int]) -> None:
        """Keep the rows: the next block mostly goes on with the same line."""
        self._spare.append((tuple(shifts), elimination))

    def bound(self) -> int:
        cone = self.arrangement.cone
        full = cover_bound(self.n_lines, cone.rank)
        return full if cone.infinity is None else full // 2


def _packed_rows(rows: NDArray[np.int64], n: int) -> NDArray[np.uint64]:
    flags = np.zeros(n, dtype=np.bool_)
    flags[rows] = True
    return _packed(flags, -(-n // 64))


def _packed(flags: NDArray[np.bool_], width: int) -> NDArray[np.uint64]:
    """Return the mask (width,) of flags (n,)."""
    raw = np.zeros(8 * width, dtype=np.uint8)
    bits = np.packbits(flags, bitorder="little")
    raw[: bits.size] = bits
    return raw.view("<u8").astype(np.uint64, copy=False)
