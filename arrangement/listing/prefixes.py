"""Split a listing into independent pieces: prefixes of signs, in order."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels.state import BLOCK_FULL, DONE, N_FRAMES
from arrangement.counting import cover_bound
from arrangement.listing.cells import (
    Layout,
    Walker,
    make_layout,
    new_output,
    only_places,
)
from arrangement.model import Arrangement, unpack

Signs = NDArray[np.int8]

# cells that are split no more for being large, where that is certain and where it is
# not; unless they are this large; most cells
_MANY, _SOME, _LARGE, _MOST = 1 << 10, 1 << 7, 1 << 20, 1 << 14
# a region of fewer chambers a piece that is wanted is not split
_REGION = 1 << 7
# how much larger than others the cells of a region may be: its first rows may miss most
_UNEVEN = 8


def sign_prefixes(
    arrangement: Arrangement, layout: Layout, wanted: int, *, size: int = 1 << 62
) -> Iterator[Signs]:
    """Yield signs of the first rows, by place (0: open), one for each of their cells.

    The cells of the base rows and as many of the next rows as it takes to have
    ``wanted`` of them, each with some ``size`` chambers or fewer; in the order of the
    listing, of which each is a piece.
    """
    cone = arrangement.cone
    rows = [*cone.rows] if cone.infinity is None else [*cone.rows, cone.infinity]
    row_at = dict(zip(layout.places.tolist(), rows, strict=True))
    base = layout.base_places.tolist()
    rest = sorted(set(row_at) - set(base))
    n_extra, seen = 0, [(1, 1)]
    while True:
        chosen = [*base, *rest[:n_extra]]
        bits = _cells([row_at[p] for p in chosen])
        seen.append((len(chosen), len(bits)))
        needed = max(wanted, _needed(seen[-2:], len(rows), layout.rank, size))
        if len(bits) >= needed or n_extra >= len(rest):
            break
        n_extra = min(n_extra + n_extra // 3 + 1, len(rest))
    for cell in bits:
        signs = np.zeros(layout.input_row.size, dtype=np.int8)
        signs[chosen] = np.where(cell, 1, -1)
        yield signs


def region_prefixes(
    layout: Layout, required: Signs, wanted: int, *, size: int = 1 << 62
) -> Iterator[Signs]:
    """Yield signs of the first rows beside those required, one for each of their cells.

    As `sign_prefixes`, of the chambers with the signs ``required``, by place (0: any).
    A region of few chambers is one piece, and one of none is none.
    """
    base = layout.base_places
    rest = np.setdiff1d(layout.places, base)
    cells = _RegionCells(layout, required)
    most = max(_REGION * wanted, 1)
    first = cells.among(layout.places, most)
    if len(first) < most:
        if len(first):
            yield required
        return
    n_extra, seen = 0, [(1, 1)]
    while True:
        chosen = np.concatenate([base, rest[:n_extra]])
        found = cells.among(chosen)
        seen.append((len(chosen), len(found)))
        needed = _needed(
            seen[-2:], layout.n_rows, layout.rank, size, unevenness=_UNEVEN
        )
        needed = max(wanted, needed)
        if len(found) >= needed or n_extra >= len(rest):
            break
        n_extra = min(n_extra + n_extra // 3 + 1, len(rest))
    for cell in found:
        signs = required.copy()
        signs[chosen] = cell
        yield signs


class _RegionCells:
    """Lists cells of some of the rows in the region of required signs."""

    def __init__(self, layout: Layout, required: Signs) -> None:
        self._layout = layout
        self._required = required
        self._walker = Walker(layout)
        block = np.zeros((1 << 10, layout.words_per_pattern), dtype=np.uint64)
        self._output = new_output(layout)._replace(patterns=block)

    def among(self, places: NDArray[np.int64], most: int = 1 << 62) -> Signs:
        """Return signs of the rows at ``places`` in each of their cells, in order.

        Of the region, which rows at other places may bound; ``most`` of them at most.
        """
        walker = self._walker
        bounding = np.flatnonzero(self._required)
        walker.layout = only_places(self._layout, np.union1d(places, bounding))
        walker.control[N_FRAMES] = walker.n_written = 0
        walker.require(self._required)
        found, status, left = [], -1, most
        while status != DONE and left > 0:
            room = self._output.patterns[:left]
            status = walker.advance(self._output._replace(patterns=room))
            if status in (DONE, BLOCK_FULL) or walker.n_written == len(room):
                found.append(self._signs(walker.n_written, places))
                left -= walker.n_written
                walker.n_written = 0
        return np.concatenate(found)

    def _signs(self, count: int, places: NDArray[np.int64]) -> Signs:
        """Signs at places in what was written."""
        # infinity is in no pattern, and positive
        rows = self._layout.input_row[places]
        bits = unpack(
            self._output.patterns[:count], 64 * self._output.patterns.shape[1]
        )
        return np.where(bits[:, rows] | (rows < 0), 1, -1).astype(np.int8)


def _needed(
    seen: list[tuple[int, int]], n: int, rank: int, size: int, unevenness: int = 1
) -> float:
    """Cells there have to be, for pieces of ``size`` chambers or fewer."""
    least, most = _estimates(seen, n, rank)
    middle = 0.5 * (least + most)
    least, middle, most = (2.0 ** min(x, 1000.0) for x in (least, middle, most))
    # what is too short costs as much as its own work, and a few may be too long
    needed = max(min(least // size, _MANY), min(unevenness * middle // size, _SOME))
    return float(max(needed, min(most // _LARGE, _MOST)))


def _estimates(seen: list[tuple[int, int]], n: int, rank: int) -> tuple[float, float]:
    """Estimate the cells of n rows from those of some, and of a few rows less.

    ``seen`` are numbers of rows and of their cells.  What share these are of those of
    generic rows falls with the rows.  Where it falls as it did, like a power, cells are
    mostly too few, and where it stays, too many.
    """
    (before, first), (count, share) = (
        (k, math.log2(cells) - math.log2(cover_bound(k, rank) // 2))
        for k, cells in seen
    )
    # in digits, as cells of generic rows may be more than a float holds
    most = least = share + math.log2(cover_bound(n, rank) // 2)
    if before < count:
        power = (share - first) / (math.log2(count) - math.log2(before))
        least += min(power, 0.0) * (math.log2(n) - math.log2(count))
    return least, most


def _cells(rows: list[tuple[int, ...]]) -> NDArray[np.bool_]:
    """Bits of the chambers on the positive side of the first row, in order."""
    walker = Walker(make_layout(Arrangement(rows)))
    block = np.zeros((1 << 12, walker.layout.words_per_pattern), dtype=np.uint64)
    output = new_output(walker.layout)._replace(patterns=block)
    found = []
    status = -1
    while status != DONE:
        status = walker.advance(output)
        found.append(unpack(block[: walker.n_written], len(rows)))
        walker.n_written = 0
    return np.concatenate(found)
