"""Small exact parts of the listing by vertices: local cones, null vectors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels.state import BLOCK_FULL, DONE
from arrangement.exact import IntRow, determinant
from arrangement.listing.cells import CellGeometry, Walker, make_layout, new_output
from arrangement.model import Arrangement, unpack


def chambers_with_rays(
    rows: list[IntRow],
) -> list[tuple[NDArray[np.bool_], NDArray[np.int64]]]:
    """Pattern and rays of each chamber of a small central arrangement."""
    arrangement = Arrangement(rows)
    layout = make_layout(arrangement)
    walker = Walker(layout, step=2)
    found = []
    block = np.zeros((256, layout.words_per_pattern), dtype=np.uint64)
    output = new_output(layout)._replace(patterns=block)
    status = BLOCK_FULL
    while status != DONE:
        status = walker.advance(output)
        found.append(block[: walker.n_written].copy())
        walker.n_written = 0
    packed = np.concatenate(found)
    # an antipode follows each chamber: its rays are the opposite ones
    half = CellGeometry(arrangement, layout).rays(packed[::2])
    rays = [sign * some for some in half for sign in (1, -1)]
    return list(zip(unpack(packed, len(rows)), rays, strict=True))


def null_vector(rows: list[list[int]]) -> IntRow:
    """Signed maximal minors of d rows of length d + 1, the first positive."""
    size = len(rows)
    minors = [
        (-1) ** k * determinant([row[:k] + row[k + 1 :] for row in rows])
        for k in range(size + 1)
    ]
    return tuple(minors) if minors[0] > 0 else tuple(-x for x in minors)
