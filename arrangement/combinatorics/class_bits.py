"""Bits of all rows from those of the classes of parallel rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from arrangement.model import Arrangement, PatternSet, pack, unpack
from arrangement.options import block_rows

Words = NDArray[np.uint64]
Bits = NDArray[np.bool_]


def class_masks(arrangement: Arrangement) -> Words:
    """Return the rows of each class of parallel rows as bits, (classes, words)."""
    width = -(-arrangement.n_hyperplanes // 64)
    masks = np.zeros((arrangement.n_distinct, width), dtype=np.uint64)
    rows = np.flatnonzero(arrangement.class_of >= 0)
    flags = np.uint64(1) << (rows & 63).astype(np.uint64)
    np.bitwise_or.at(masks, (arrangement.class_of[rows], rows >> 6), flags)
    return masks


def crossed(
    positive: Words, rows: NDArray[np.int64], arrangement: Arrangement
) -> Words:
    """Return patterns (k, words) with the class of one row each (k,) flipped."""
    classes = arrangement.class_of
    moving = np.flatnonzero(classes >= 0)
    members = moving[np.argsort(classes[moving], kind="stable")]
    counts = np.bincount(classes[moving], minlength=arrangement.n_distinct)
    starts = np.cumsum(counts) - counts
    out = positive.copy()
    # all of the first rows of the classes, then all second ones, ...
    left, place = np.arange(len(rows)), starts[classes[rows]]
    ends = place + counts[classes[rows]]
    while left.size:
        row = members[place[left]]
        out[left, row >> 6] ^= np.uint64(1) << (row & 63).astype(np.uint64)
        place[left] += 1
        left = left[place[left] < ends[left]]
    return out


def changed(block: PatternSet, change: Callable[[Bits], Bits]) -> Words:
    """Return the packed bits that a function makes of those of a block (k, n).

    A part at a time: bits that are not packed take eight times the memory.
    """
    size = block_rows(max(len(block), 2), 4 * block.n_rows)
    parts = [
        pack(change(unpack(block.packed[first : first + size], block.n_rows)))
        for first in range(0, max(len(block), 1), size)
    ]
    return np.concatenate(parts)


def spread(block: PatternSet, arrangement: Arrangement) -> Words:
    """Return patterns of all rows, packed, from those of the classes of rows."""
    classes = arrangement.class_of
    moving = np.flatnonzero(classes >= 0)

    def of_all_rows(bits: Bits) -> Bits:
        out = np.empty((len(bits), len(classes)), dtype=np.bool_)
        out[:] = arrangement.constant_bits
        out[:, moving] = bits[:, classes[moving]]
        out[:, moving] ^= arrangement.orientation[moving] < 0
        return out

    return changed(block, of_all_rows)
