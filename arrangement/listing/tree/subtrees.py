"""`Subtree`: a part of the tree of chambers, to be walked along by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Subtree:
    """A cell, and the chamber of it at which it is entered, the root.

    What hangs on the root are all other chambers of the cell, and how depends on
    nothing else (see `_kernels/tree/moves.py`).  It can be pickled.

    Attributes
    ----------
    signs : ndarray, shape (n_words,), uint64
        Of the root, by place.
    rays, masks : ndarray
        Of the cell, as in `_kernels.state.Cells`; none where it contains a line.
    bounds : tuple of int
        Then the places of the independent rows that bound it.
    """

    signs: NDArray[np.uint64]
    rays: NDArray[Any]
    masks: NDArray[np.uint64]
    bounds: tuple[int, ...] = ()
