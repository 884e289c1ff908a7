"""`Frame`: the rows in random coordinates, exactly and as floats, and their chart."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels import rows as row_kernels
from arrangement._kernels import word_rows
from arrangement._kernels.state import Chart
from arrangement.exact import IntRow, RowTuples, column_shifts, rounded, scaled_floats
from arrangement.listing.cells import Layout, word_copies
from arrangement.listing.vertices.coordinates import random_coordinates, scaled_matrix
from arrangement.model import Arrangement

# entries of a matrix that products of floats are taken with
_LARGE = 2.0**400


class NotGenericError(Exception):
    """The random coordinates made a determinant vanish that need not."""


@dataclass(frozen=True)
class Frame:
    """What does not change during a listing by vertices.

    ``images`` (places, r) are the ``rows`` in coordinates y, times ``mixture``,
    exactly, and ``coords`` (r, places) as floats; ``back`` (r, r) takes y to the
    coordinates of points, times ``2**shifts``.  The chart is y_0 = 1, y_0 the row at
    ``chart_place``; ``chart`` is what the kernels know of the others, ``top`` the
    chamber of the last level.
    """

    layout: Layout
    is_central: bool
    rows: Sequence[IntRow]
    mixture: Sequence[IntRow]
    coords: NDArray[np.float64]
    back: NDArray[np.float64]
    shifts: tuple[int, ...]
    chart_place: int
    chart: Chart
    top: NDArray[np.uint64]

    @cached_property
    def images(self) -> NDArray[np.object_]:
        """The rows in coordinates y, exactly; in most listings none is looked at."""
        exact = np.zeros((64 * self.layout.n_words, self.rank), dtype=object)
        exact[self.layout.places] = _turned(self.rows, self.mixture)
        return exact

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
        lines = rows if cone.floats is None else cone.floats
        shifts = tuple(column_shifts(lines, cone.rank))
    basis, mixture = _mixture(rows[chart], shifts, draw)
    near = _near_images(rows, mixture)
    images: NDArray[Any] = _turned(rows, mixture) if near is None else near
    coords, back = _in_floats(layout, images, basis)
    always = chart_words(layout, chart_place)
    free = _places_of(layout.rows.valid & ~always)
    base, flips = always, np.zeros_like(always)
    if step == 2 and _is_direct(layout):
        base = always | layout.outside.constant
        flips = layout.outside.moving.copy()
    return Frame(
        layout=layout,
        is_central=cone.infinity is None,
        rows=rows,
        mixture=mixture,
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


def _places_of(mask: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return the places in a mask, ascending."""
    bits = np.unpackbits(mask.astype("<u8").view(np.uint8), bitorder="little")
    return np.flatnonzero(bits)


def chart_words(layout: Layout, place: int) -> NDArray[np.uint64]:
    """Return the mask of one row."""
    words = np.zeros(layout.n_words, dtype=np.uint64)
    words[place // 64] = np.uint64(1 << (place % 64))
    return words


def _mixture(
    chart_row: IntRow, shifts: tuple[int, ...], draw: random.Random
) -> tuple[list[IntRow], list[IntRow]]:
    """Draw a basis of coordinates y; return it and what rows are multiplied by."""
    peak = max(shifts)
    # columns of equal size, so that the random mixture is well conditioned
    scale = [1 << (peak - s) for s in shifts]
    even = tuple(x * t for x, t in zip(chart_row, scale, strict=True))
    basis = random_coordinates(even, draw)
    return basis, [
        tuple(t * x for x in row) for t, row in zip(scale, basis, strict=True)
    ]


def _turned(rows: Sequence[IntRow], mixture: Sequence[IntRow]) -> NDArray[np.object_]:
    """Return the rows in coordinates y."""
    entries = np.fromiter(chain.from_iterable(rows), object, len(rows) * len(mixture))
    exact = entries.reshape(len(rows), len(mixture))
    images: NDArray[np.object_] = exact @ np.array(mixture, dtype=object)
    return images


def _near_images(
    rows: Sequence[IntRow], mixture: Sequence[IntRow]
) -> NDArray[np.float64] | None:
    """Return the rows in coordinates y, rounded once; None beyond float64.

    Rows of machine words need no longer integers, but for a few that are in doubt.
    """
    words = rows.source.words() if isinstance(rows, RowTuples) else None
    high, low = np.zeros((2, len(mixture), len(mixture)))
    try:
        high[:] = mixture
        rest = [
            [x - int(y) for x, y in zip(*pair, strict=True)]
            for pair in zip(mixture, high.tolist(), strict=True)
        ]
        low[:] = rest
        if words is not None and low.tolist() == rest and np.abs(high).max() < _LARGE:
            images = np.empty((len(rows), len(mixture)))
            doubtful = np.empty(len(rows), dtype=np.int64)
            count = word_rows.turned_floats(*words, high, low, images, doubtful)
            if count >= 0:
                for k in doubtful[:count].tolist():
                    images[k] = _turned([rows[k]], mixture)[0]
                return images
        return rounded(_turned(rows, mixture))
    except OverflowError:
        return None


def _in_floats(
    layout: Layout, floats: NDArray[Any], basis: list[IntRow]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scale the rows in coordinates y, and the matrix back from y."""
    shifts = column_shifts(floats, layout.rank)
    coords = np.zeros((layout.rank, 64 * layout.n_words))
    if floats.dtype == object:
        coords[:, layout.places] = scaled_floats(floats, shifts).T
    else:
        powers = np.array(shifts, dtype=np.int64)
        row_kernels.scale_columns(floats, powers, layout.places, coords)
    return coords, scaled_matrix(basis, shifts)


def _is_direct(layout: Layout) -> bool:
    """Whether every place is an output bit, so that whole words are patterns."""
    return layout.words_per_pattern == layout.n_words and np.array_equal(
        layout.outside.copied, layout.rows.valid
    )


def _highest(
    layout: Layout,
    last: NDArray[Any],
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
