"""Split a listing into independent pieces: prefixes of signs, in order."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels.state import DONE
from arrangement.counting import cover_bound
from arrangement.listing.cells import Layout, Walker, make_layout, new_output
from arrangement.model import Arrangement, unpack

# cells that are split no more for being large, where that is certain and where it is
# not; unless they are this large; most cells
_MANY, _SOME, _LARGE, _MOST = 1 << 10, 1 << 7, 1 << 20, 1 << 14


def sign_prefixes(
    arrangement: Arrangement, layout: Layout, wanted: int, *, size: int = 1 << 62
) -> Iterator[NDArray[np.int8]]:
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
        least, most = _estimates(seen[-2:], len(rows), layout.rank)
        middle = 0.5 * (least + most)
        least, middle, most = (2.0 ** min(x, 1000.0) for x in (least, middle, most))
        # what is too short costs as much as its own work, and a few may be too long
        needed = max(min(least // size, _MANY), min(middle // size, _SOME))
        needed = max(needed, min(most // _LARGE, _MOST))
        if len(bits) >= max(wanted, needed) or n_extra >= len(rest):
            break
        n_extra = min(n_extra + n_extra // 3 + 1, len(rest))
    for cell in bits:
        signs = np.zeros(layout.input_row.size, dtype=np.int8)
        signs[chosen] = np.where(cell, 1, -1)
        yield signs


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
