"""`Frame`: the rows in random coordinates, exactly and as floats, and their chart."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels.state import Chart
from arrangement.exact import IntRow, column_shifts, rounded, scaled_floats
from arrangement.listing.cells import Layout, word_copies
from arrangement.listing.vertices.coordinates import random_coordinates, scaled_matrix
from arrangement.model import Arrangement


class NotGenericError(Exception):
    """The random coordinates made a determinant vanish that need not."""


@dataclass(frozen=True)
class Frame:
    """What does not change during a listing by vertices.

    ``images`` (places, r) are the rows in coordinates y, exactly, and ``coords``
    (r, places) as floats; ``back`` (r, r) takes y to the coordinates of points, times
    ``2**shifts``.  The chart is y_0 = 1, y_0 the row at ``chart_place``; ``chart``
    is what the kernels know of the others, ``top`` the chamber of the last level.
    """

    layout: Layout
    is_central: bool
    images: NDArray[np.object_]
    coords: NDArray[np.float64]
    back: NDArray[np.float64]
    shifts: tuple[int, ...]
    chart_place: int
    chart: Chart
    top: NDArray[np.uint64]

    @property
    def rank(self) -> int:
        """Rank of the cone."""
        return self.layout.rank

    @property
    def free(self) -> NDArray[np.int64]:
        """Places of the rows but that of the chart, ascending."""
        free: NDArray[np.int64] = self.chart.free
        return free

    @property
    def chart_words(self) -> NDArray[np.uint64]:
        """Mask of the row of the chart, positive in every chamber."""
        return chart_words(self.layout, self.chart_place)


def make_frame(
    arrangement: Arrangement, layout: Layout, step: int, draw: random.Random
) -> Frame:
    """Choose coordinates y and write the rows in them.

    Raises
    ------
    NotGenericError
        A row does not depend on the last coordinate.
    """
    cone = arrangement.cone
    rows = cone.lines
    chart = 0 if cone.infinity is None else len(rows) - 1
    chart_place = int(layout.places[chart])
    shifts = layout.shifts
    if not layout.n_digits:
        near = rows if cone.floats is None else cone.floats
        shifts = tuple(column_shifts(near, cone.rank))
    basis, images = _turned(rows, chart, shifts, draw)
    coords, back = _in_floats(layout, images, basis)
    exact = np.zeros((64 * layout.n_words, cone.rank), dtype=object)
    exact[layout.places] = images
    free = np.sort(np.delete(layout.places, chart))
    always = chart_words(layout, chart_place)
    base, flips = always, np.zeros_like(always)
    if step == 2 and _is_direct(layout):
        base = always | layout.outside.constant
        flips = layout.outside.moving.copy()
    return Frame(
        layout=layout,
        is_central=cone.infinity is None,
        images=exact,
        coords=coords,
        back=back,
        shifts=shifts,
        chart_place=chart_place,
        chart=Chart(
            free=free,
            binomials=_binomials(cone.rank, len(free)),
            valid=layout.rows.valid & ~always,
            base=base,
            flips=flips,
            copies=word_copies(layout.outside.members),
        ),
        top=_highest(layout, images[:, -1], free, always),
    )


def chart_words(layout: Layout, place: int) -> NDArray[np.uint64]:
    """Return the mask of one row."""
    words = np.zeros(layout.n_words, dtype=np.uint64)
    words[place // 64] = np.uint64(1 << (place % 64))
    return words


def _turned(
    rows: Sequence[IntRow], chart: int, shifts: tuple[int, ...], draw: random.Random
) -> tuple[list[IntRow], NDArray[np.object_]]:
    """Draw a basis of coordinates y; return it and the rows in them."""
    peak = max(shifts)
    # columns of equal size, so that the random mixture is well conditioned
    scale = [1 << (peak - s) for s in shifts]
    chart_row = rows[chart]
    even = tuple(x * t for x, t in zip(chart_row, scale, strict=True))
    basis = random_coordinates(even, draw)
    mixture = [[t * x for x in row] for t, row in zip(scale, basis, strict=True)]
    entries = np.fromiter(chain.from_iterable(rows), object, len(rows) * len(chart_row))
    exact = entries.reshape(len(rows), len(chart_row))
    return basis, exact @ np.array(mixture, dtype=object)


def _in_floats(
    layout: Layout, images: NDArray[np.object_], basis: list[IntRow]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Round the rows in coordinates y, and the matrix back from y."""
    floats: NDArray[Any]
    try:
        floats = rounded(images)
    except OverflowError:
        floats = images
    shifts = column_shifts(floats, layout.rank)
    coords = np.zeros((layout.rank, 64 * layout.n_words))
    coords[:, layout.places] = scaled_floats(floats, shifts).T
    return coords, scaled_matrix(basis, shifts)


def _is_direct(layout: Layout) -> bool:
    """Whether every place is an output bit, so that whole words are patterns."""
    return layout.words_per_pattern == layout.n_words and np.array_equal(
        layout.outside.copied, layout.rows.valid
    )


def _highest(
    layout: Layout,
    last: NDArray[np.object_],
    free: NDArray[np.int64],
    always: NDArray[np.uint64],
) -> NDArray[np.uint64]:
    """Return the chamber of the last level, where y_(r - 1) alone decides."""
    sides = np.zeros(64 * layout.n_words, dtype=np.int8)
    sides[layout.places] = (last > 0).astype(np.int8) - (last < 0)
    if not sides[free].all():
        raise NotGenericError
    words = np.packbits(sides > 0, bitorder="little").view("<u8")
    return (words.astype(np.uint64) | always)[None]


def _binomials(rank: int, n_free: int) -> NDArray[np.int64]:
    """Table of C(k, c) for k up to ``n_free``, by c."""
    table = np.ones((max(rank - 2, 1), n_free + 1), dtype=np.int64)
    for c in range(1, rank - 2):
        np.cumsum(table[c - 1, :-1], out=table[c, 1:])
        table[c, 0] = 0
    return table
