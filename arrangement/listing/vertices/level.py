"""`Level`: where the kernels stand among the sets of rows of one level."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels.state import (
    DONE,
    HEAD,
    INCREASE,
    LAST,
    N_ELIMINATED,
    OPEN,
    ORDER,
    PAUSED,
    STOP,
    UNDECIDED_PREFIX,
    UNDECIDED_VERTEX,
    Path,
)
from arrangement._kernels.vertices import U
from arrangement.errors import ArrangementError
from arrangement.listing.vertices.decisions import Decisions
from arrangement.listing.vertices.frame import Frame


class Level:
    """The rows of one level, some of them eliminated, and the set of rows to do next.

    ``path`` is where the kernels stand (see `_kernels/state.py`): at the first set.
    """

    def __init__(self, frame: Frame, number: int, control: NDArray[np.int64]) -> None:
        size = frame.rank - 1 - number
        self.number = number
        self.size = size
        self.n_free = len(frame.free)
        self.path = Path(
            coords=np.zeros((size, size + 1, frame.coords.shape[1])),
            bounds=np.zeros((size, 4)),
            signs=np.ones(size, dtype=np.int64),
            prefix=np.arange(size - 1, dtype=np.int64),
            offsets=np.zeros(size, dtype=np.int64),
            control=control,
        )
        self.is_done = size == 0
        if size:
            self.path.coords[0] = frame.coords[number:]
            self.path.bounds[0] = [U, 1.0, U, 1.0]
        control[STOP] = self.n_free
        control[N_ELIMINATED] = control[HEAD] = 0
        control[LAST] = control[INCREASE] = -1
        control[ORDER] = OPEN

    def note(self, status: int, decisions: Decisions) -> None:
        """Note what a kernel left in doubt, and where it is to go on."""
        control = self.path.control
        ordinals = tuple(self.path.prefix.tolist())
        if status == DONE:
            self.is_done = True
        elif status == UNDECIDED_VERTEX:
            decisions.doubt_set((*ordinals, int(control[LAST])))
            control[LAST] += 1
        elif status == UNDECIDED_PREFIX:
            # the rows before HEAD are not this walk's to change
            depth = max(int(control[N_ELIMINATED]), int(control[HEAD]))
            decisions.doubt_all_from(ordinals[: depth + 1], self.size)
            control[INCREASE] = depth
            control[LAST] = -1
        elif status != PAUSED:
            raise ArrangementError(
                "a determinant vanished that was found not to. Please report the "
                "matrix."
            )
