"""Limits and proof of a listing, kept block by block, for streams and whole lists."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from arrangement.errors import BudgetExceededError
from arrangement.listing.runs import Block
from arrangement.model import Proof
from arrangement.options import Limits, log_of
from arrangement.verification import Prover

_LOG = log_of("arrangement")


class Watch:
    """Hands on blocks while the limits allow it, and keeps their proof.

    Attributes
    ----------
    total : int
        Patterns handed on so far.
    stop : str
        Why no more come, or an empty text.
    is_complete : bool
        Whether the whole list was handed on, and proven where that was asked for.
    proof : Proof or None
        The proof, once it was concluded.
    """

    def __init__(self, limits: Limits, prover: Prover | None) -> None:
        self._limits = limits
        self._prover = prover
        self.total = 0
        self.stop = ""
        self.is_complete = False
        self.proof: Proof | None = None

    def over(self, blocks: Iterator[Block]) -> Iterator[Block]:
        """Yield the blocks that hold patterns, the last one cut to the limit."""
        limits = self._limits
        try:
            for block in blocks:
                count = len(block.patterns)
                self.stop = limits.reached_before(self.total, count)
                if self.stop:
                    return
                if not count:
                    continue
                if self._prover is not None:
                    self._prover.append(block.patterns, block.checked)
                room = limits.room(self.total)
                self.total += min(room, count)
                if _LOG.isEnabledFor(logging.DEBUG):
                    _LOG.debug("%s patterns so far", f"{self.total:,}")
                yield block.first(room)
                if room < count:
                    self.stop = limits.reached(self.total)
                    return
        except BudgetExceededError:
            # the checks of a block look at the clock too
            if not limits.is_late():
                raise
            self.stop = limits.reached(self.total)

    def conclude(self, patterns: NDArray[np.uint64]) -> None:
        """End the proof of all that was handed on; ``patterns`` is the whole list."""
        if self.stop:
            return
        if self._prover is not None:
            try:
                self.proof = self._prover.conclude(
                    patterns, time_limit=self._limits.left()
                )
            except BudgetExceededError:
                if not self._limits.is_late():
                    raise
                self.stop = (
                    f"{self._limits} was reached after all patterns were listed, "
                    "while they were counted another way."
                )
                return
        self.is_complete = True
