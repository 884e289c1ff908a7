"""`Subtree`: a part of the tree of chambers, to be walked along by itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from arrangement.listing.cells import Waiting


@dataclass(frozen=True, eq=False)
class Subtree:
    """A cell, and the chamber of it at which it is entered, the root.

    What hangs on the root are all other chambers of the cell, and how depends on
    nothing else (see `_kernels/tree/moves.py`).  It can be pickled.

    Attributes
    ----------
    signs : ndarray, shape (n_words,), uint64
        Of the root, by place.
    cell : Waiting
        One, without rays where it contains a line.
    bounds : tuple of int
        Then the places of the independent rows that bound it.
    """

    signs: NDArray[np.uint64]
    cell: Waiting
    bounds: tuple[int, ...] = ()
