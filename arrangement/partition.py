"""Split a listing into independent pieces: prefixes of signs, in order."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels.state import DONE, N_EMITTED
from arrangement.arithmetic import Layout, make_layout
from arrangement.arrangement import Arrangement
from arrangement.patterns import unpack
from arrangement.walker import Walker


def prefixes(
    arrangement: Arrangement, layout: Layout, wanted: int
) -> Iterator[NDArray[np.int8]]:
    """Yield signs of the first rows, by place (0: open), one for each of their cells.

    The cells of the base rows and as many of the next rows as it takes to have about
    ``wanted`` of them; in the order of the listing, of which each is a piece.
    """
    cone = arrangement.cone
    rows = [*cone.rows] if cone.infinity is None else [*cone.rows, cone.infinity]
    row_at = dict(zip(layout.places.tolist(), rows, strict=True))
    base = layout.base_places.tolist()
    rest = sorted(set(row_at) - set(base))
    n_extra = 0
    while True:
        chosen = [*base, *rest[:n_extra]]
        bits = _cells([row_at[p] for p in chosen])
        if len(bits) >= wanted or n_extra >= len(rest):
            break
        n_extra = min(2 * n_extra + 1, len(rest))
    for cell in bits:
        signs = np.zeros(layout.input_row.size, dtype=np.int8)
        signs[chosen] = np.where(cell, 1, -1)
        yield signs


def _cells(rows: list[tuple[int, ...]]) -> NDArray[np.bool_]:
    """Bits of the chambers on the positive side of the first row, in order."""
    walker = Walker(make_layout(Arrangement(rows)))
    block = np.zeros((1 << 12, walker.layout.words_per_pattern), dtype=np.uint64)
    found = []
    status = -1
    while status != DONE:
        status = walker.advance(block)
        found.append(unpack(block[: int(walker.control[N_EMITTED])], len(rows)))
        walker.control[N_EMITTED] = 0
    return np.concatenate(found)
