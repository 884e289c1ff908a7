"""Rules that the bits of a complete list obey, read off the arrangement."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels.verification import Coordinates, OutputBits
from arrangement.counting import cover_bound
from arrangement.exact import independent_rows, scaled_floats
from arrangement.model import Arrangement


class _Rules:
    """Output bits of an arrangement, derived anew from its classes."""

    def __init__(self, arrangement: Arrangement) -> None:
        self.arrangement = arrangement
        self.n = arrangement.n_hyperplanes
        self.width = -(-self.n // 64)
        cone = arrangement.cone
        self.has_antipodes = arrangement.is_central and cone.rank > 0
        self.rows = list(cone.rows)
        extra = [] if cone.infinity is None else [cone.infinity]
        self.n_lines = len(self.rows) + len(extra)
        hyperplanes = arrangement.class_of >= 0
        self.moving = _pack_rows(np.flatnonzero(hyperplanes), self.width)
        constant = _pack_rows(np.flatnonzero(arrangement.constant_bits), self.width)
        by_class = np.argsort(arrangement.class_of, kind="stable")
        members = by_class[arrangement.class_of[by_class] >= 0]
        classes = arrangement.class_of[members]
        flips = arrangement.orientation[members] < 0
        # row of the cone, word, bit and flip of each output bit, row by row
        self.members = np.stack([classes, members // 64, members % 64, flips], axis=1)
        self.first = members[np.searchsorted(classes, np.arange(len(self.rows)))]
        # the other output bits are copies of the first of their class
        source = self.first[classes]
        copies = [source // 64, source % 64, members // 64, members % 64, flips]
        self.bits = OutputBits(
            _pack_rows(self.first, self.width),
            constant,
            np.stack(copies, axis=1)[members != source],
        )
        chosen, _ = independent_rows([*extra, *self.rows], cone.rank)
        places = [i - len(extra) for i in chosen if i >= len(extra)]
        self._scaled: tuple[tuple[int, ...], Coordinates] | None = None
        self.first_row = int(self.first[places[0]]) if places else 0
        self.leading = _pack_rows(self.first[places], self.width)

    def coordinates(self, shifts: Sequence[int]) -> Coordinates:
        """Rows as floats, column k over ``2**shifts[k]``, and a bound of their 1-norms.

        Coordinate by coordinate (r, 64 width), each row at its first output bit.
        """
        key = tuple(shifts)
        if self._scaled is None or self._scaled[0] != key:
            floats = scaled_floats(self.rows, shifts)
            norm = float(np.abs(floats).sum(axis=1).max(initial=0.0))
            values = np.zeros((len(key), 64 * self.width))
            values[:, self.first] = floats.T
            self._scaled = key, Coordinates(values, norm * (1.0 + 2.0**-40))
        return self._scaled[1]

    def bound(self) -> int:
        cone = self.arrangement.cone
        full = cover_bound(self.n_lines, cone.rank)
        return full if cone.infinity is None else full // 2


def _pack_rows(rows: NDArray[np.int64], width: int) -> NDArray[np.uint64]:
    out = np.zeros(width, dtype=np.uint64)
    for i in rows.tolist():
        out[i // 64] |= np.uint64(1 << (i % 64))
    return out
