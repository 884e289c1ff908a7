"""`Level`: where the kernels stand among the sets of rows of one level."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels.state import DONE, PAUSED
from arrangement._kernels.vertices import (
    DEPTH,
    INCREASE,
    LAST,
    STOP,
    UNDECIDED_PREFIX,
    UNDECIDED_VERTEX,
    U,
)
from arrangement.errors import ArrangementError
from arrangement.listing.vertices.decisions import Decisions
from arrangement.listing.vertices.frame import Frame


class Level:
    """The rows of one level, some of them eliminated, and the set of rows to do next.

    ``prefix`` are all rows of the set but the last, by position among the free ones;
    ``depths[q]`` the coordinates of all rows with q of them eliminated, ``bounds[q]``
    those of the errors there, ``signs[q]`` of the determinant.  The entries of
    ``control`` that say where the kernels stand are set to the first set.
    """

    def __init__(self, frame: Frame, number: int, control: NDArray[np.int64]) -> None:
        size = frame.rank - 1 - number
        self.number = number
        self.size = size
        self.n_free = len(frame.free)
        self.control = control
        self.depths = np.zeros((size, size + 1, frame.coords.shape[1]))
        self.bounds = np.zeros((size, 4))
        self.signs = np.ones(size, dtype=np.int64)
        self.prefix = np.arange(size - 1, dtype=np.int64)
        self.offsets = np.zeros(size, dtype=np.int64)
        self.is_done = size == 0
        if size:
            self.depths[0] = frame.coords[number:]
            self.bounds[0] = [U, 1.0, U, 1.0]
        control[STOP] = self.n_free
        control[DEPTH] = 0
        control[LAST] = control[INCREASE] = -1

    def note(self, status: int, decisions: Decisions) -> None:
        """Note what a kernel left in doubt, and where it is to go on."""
        ordinals = tuple(self.prefix.tolist())
        if status == DONE:
            self.is_done = True
        elif status == UNDECIDED_VERTEX:
            decisions.doubt_set((*ordinals, int(self.control[LAST])))
            self.control[LAST] += 1
        elif status == UNDECIDED_PREFIX:
            depth = int(self.control[DEPTH])
            decisions.doubt_all_from(ordinals[: depth + 1], self.size)
            self.control[INCREASE] = depth
            self.control[LAST] = -1
        elif status != PAUSED:
            raise ArrangementError(
                "a determinant vanished that was found not to. Please report the "
                "matrix."
            )
