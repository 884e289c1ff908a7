"""Bits of all rows from those of the classes of parallel rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from arrangement.model import Arrangement, PatternSet, pack

Words = NDArray[np.uint64]


def class_masks(arrangement: Arrangement) -> Words:
    """Return the rows of each class of parallel rows as bits, (classes, words)."""
    width = -(-arrangement.n_hyperplanes // 64)
    masks = np.zeros((arrangement.n_distinct, width), dtype=np.uint64)
    rows = np.flatnonzero(arrangement.class_of >= 0)
    flags = np.uint64(1) << (rows & 63).astype(np.uint64)
    np.bitwise_or.at(masks, (arrangement.class_of[rows], rows >> 6), flags)
    return masks


def spread(block: PatternSet, arrangement: Arrangement) -> NDArray[np.uint64]:
    """Return patterns of all rows, packed, from those of the classes of rows."""
    classes = arrangement.class_of
    bits = block.to_bool()
    moving = np.flatnonzero(classes >= 0)
    out = np.empty((len(block), len(classes)), dtype=np.bool_)
    out[:] = arrangement.constant_bits
    out[:, moving] = bits[:, classes[moving]] ^ (arrangement.orientation[moving] < 0)
    return pack(out)
