"""`Walker`: the growing state around the cell kernels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels import cells
from arrangement._kernels.state import (
    BLOCK_FULL,
    DONE,
    GROW_LISTS,
    GROW_POOL,
    GROW_SLOTS,
    N_FRAMES,
    N_ROOTS,
    NEXT_ROOT,
    PAUSED,
    Output,
    Pool,
    Scratch,
    Stack,
)
from arrangement.arithmetic import (
    Layout,
    empty_pool,
    empty_scratch,
    empty_stack,
)
from arrangement.errors import ArrangementError

# rows inserted a call: at 20 to 2000 ns each, Python is back within half a second
_BUDGET = 1 << 18

NO_GUIDE = np.zeros(0, dtype=np.int8)


class Walker:
    """State of one depth-first walk; grows its arrays when a kernel asks."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.control = np.zeros(4, dtype=np.int64)
        self.control[N_ROOTS] = 1 << max(layout.rank - 1, 0)
        self._n_masks = max(1, -(-(layout.rank + 1) // 64))
        depth = layout.rows.norms.size - layout.rank + 2
        self._capacity = 64 * (layout.rank + 2)
        self.pool: Pool = empty_pool(
            16 * (depth + layout.rank), layout.rank, layout.n_words
        )
        self.stack: Stack = empty_stack(
            depth, layout.words_per_pattern, self._n_masks, 16 * (depth + layout.rank)
        )
        self.scratch: Scratch = self._new_scratch()

    def _new_scratch(self) -> Scratch:
        layout = self.layout
        return empty_scratch(self._capacity, layout.rank, self._n_masks, layout.n_words)

    def grow(self, status: int) -> None:
        """Enlarge what ``status`` names; the walk goes on where it stood."""
        layout = self.layout
        if status == GROW_POOL:
            old = self.pool
            self.pool = empty_pool(2 * old.errors.size, layout.rank, layout.n_words)
            for source, target in zip(old, self.pool, strict=True):
                target[: source.shape[0]] = source
        elif status == GROW_LISTS:
            stack = self.stack
            bigger = empty_stack(0, 1, self._n_masks, 2 * stack.ids.size)
            bigger.ids[: stack.ids.size] = stack.ids
            bigger.masks[: stack.ids.size] = stack.masks
            self.stack = stack._replace(ids=bigger.ids, masks=bigger.masks)
            self._capacity *= 2
            self.scratch = self._new_scratch()
        elif status == GROW_SLOTS:
            stack = self.stack
            self._n_masks *= 2
            slots = np.zeros((stack.slots.shape[0], 64 * self._n_masks), np.int64)
            slots[:, : stack.slots.shape[1]] = stack.slots
            masks = np.zeros((stack.ids.size, self._n_masks), dtype=np.uint64)
            masks[:, : stack.masks.shape[1]] = stack.masks
            self.stack = stack._replace(slots=slots, masks=masks)
            self.scratch = self._new_scratch()
        else:
            raise ArrangementError(
                f"the cell kernel reports {status}: no prime showed r - 1 independent "
                "rows at a ray. Please report the matrix."
            )

    def advance(self, output: Output, guide: NDArray[np.int8] = NO_GUIDE) -> int:
        """Run one bounded piece of work; DONE, BLOCK_FULL or PAUSED."""
        while True:
            status = int(
                cells.advance(
                    self.layout.rows,
                    self.layout.base,
                    self.pool,
                    self.stack,
                    self.scratch,
                    self.control,
                    _BUDGET,
                    guide,
                    output,
                )
            )
            if status in (DONE, BLOCK_FULL, PAUSED):
                return status
            self.grow(status)

    def descend(self, signs: NDArray[np.int8], output: Output) -> int:
        """Build the cell with these signs of the kernel's rows; return its frame.

        ``output`` (one pattern) gets the pattern that was reached: it differs from
        the one asked for exactly when no chamber has these signs.
        """
        root = 0
        for sign in signs[1 : self.layout.rank].tolist():
            root = 2 * root + (sign < 0)
        self.control[:] = 0
        self.control[NEXT_ROOT] = root
        self.control[N_ROOTS] = root + 1
        while self.advance(output, signs) == PAUSED:
            pass
        return int(self.control[N_FRAMES])
