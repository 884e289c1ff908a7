"""Where the walks write patterns: each is written where it stays, and touched once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from arrangement.errors import ArrangementError
from arrangement.listing.plan import Plan

Words = NDArray[np.uint64]


class Buffer(Protocol):
    """Room for one block after another."""

    def room(self, step: int) -> Words:
        """Return where the next block goes; the same until `take` is called."""

    def take(self, count: int) -> Words:
        """Return the patterns that were written there."""


class Reused:
    """One block, which the next overwrites, of ``most`` patterns at most."""

    def __init__(self, plan: Plan, most: int | None = None) -> None:
        self._width = plan.width
        rows = plan.block if most is None else min(plan.block, most)
        self._block = np.empty((rows, max(plan.width, 1)), dtype=np.uint64)

    def room(self, step: int) -> Words:
        """Return the block."""
        return self._block

    def take(self, count: int) -> Words:
        """Return the patterns, for as long as no more are asked for."""
        return self._block[:count, : self._width]


class Spare:
    """A buffer of its own for each block, one of those that are spare where some are.

    A block has ``most`` patterns at most.  ``part`` is filled first: where blocks stay,
    in the array for the whole list.  ``used`` are all others that were taken.  Threads
    may share the list of spare ones.
    """

    def __init__(
        self, plan: Plan, spare: list[Words], most: int, part: Words | None = None
    ) -> None:
        self._plan = plan
        self._spare = spare
        self._most = min(most, plan.block)
        self._part = part
        self._current: Words | None = None
        self.used: list[Words] = []

    def room(self, step: int) -> Words:
        """Return room that nothing else uses."""
        if self._part is not None:
            if len(self._part) >= step:
                return self._part[: self._most]
            self._part = None
        if self._current is None:
            self._current = taken(self._spare)
            if self._current is None:
                shape = self._plan.block, max(self._plan.width, 1)
                self._current = np.empty(shape, dtype=np.uint64)
            self.used.append(self._current)
        return self._current[: self._most]

    def take(self, count: int) -> Words:
        """Return the patterns; the next block goes elsewhere, or after them."""
        if self._part is not None:
            patterns, self._part = self._part[:count], self._part[count:]
            return patterns
        assert self._current is not None
        patterns = self._current[:count, : self._plan.width]
        self._current = None
        return patterns


class Whole:
    """An array (at least as many as there are patterns, words) for the whole list."""

    def __init__(self, plan: Plan, packed: Words) -> None:
        self._plan = plan
        self._packed = packed
        self._begin = self._end = 0
        self._is_over = False

    def part(self, most: int) -> Words:
        """Return room for ``most`` patterns after the parts before, as far as it goes.

        It is written at any time; what is written goes to `put` part by part, never
        more of it than the parts so far have room for.
        """
        self._end += most
        return self._packed[self._end - most : self._end]

    def room(self, step: int) -> Words:
        """Return the next part of the array."""
        block = self._packed[self._begin : self._begin + self._plan.block]
        self._is_over = len(block) < step
        if self._is_over:
            # it is full, but what is left to do may open no chamber
            return np.zeros((step, max(self._plan.width, 1)), dtype=np.uint64)
        return block

    def take(self, count: int) -> Words:
        """Return the patterns in their place."""
        if self._is_over:
            raise too_many(self._begin)
        patterns = self._packed[self._begin : self._begin + count, : self._plan.width]
        self._begin += count
        return patterns

    def put(self, patterns: Words) -> None:
        """Put patterns in their place, if they are not there already."""
        end = self._begin + len(patterns)
        if end > len(self._packed):
            raise too_many(len(self._packed))
        target = self._packed[self._begin : end]
        if target.ctypes.data != patterns.ctypes.data:
            target[:] = patterns
        self._begin = end


class Blocks:
    """Arrays of ``size`` patterns for a consumer, who gets each when it is full.

    Walks write straight into them (`direct`), unless they are so small that a call of
    a kernel would be much for one, or would part a chamber from its antipode.
    """

    def __init__(self, plan: Plan, size: int) -> None:
        self._plan = plan
        self._size = size
        self._array: Words | None = None
        self._filled = 0

    def direct(self) -> Buffer:
        """Return where walks are to write: here, or into a block that is copied."""
        plan = self._plan
        is_even = self._size % plan.step == 0
        if plan.width and is_even and self._size >= min(plan.block, plan.bound):
            return self
        return Reused(plan)

    def room(self, step: int) -> Words:
        """Return the next part of the array that is being filled."""
        begin = self._filled
        return self._open()[begin : begin + self._plan.block]

    def take(self, count: int) -> Words:
        """Return the patterns in their place."""
        return self._open()[self._filled : self._filled + count]

    def add(self, patterns: Words) -> Iterator[Words]:
        """Add the next patterns of the list; yield the arrays that they fill."""
        own = self._array
        if own is not None:
            rows = len(own)
            if patterns.base is own:
                self._filled += len(patterns)
                if self._filled == rows:
                    yield self.last()
                return
        while len(patterns):
            array = self._open()
            part = patterns[: len(array) - self._filled]
            end = self._filled + len(part)
            array[self._filled : end] = part
            self._filled = end
            patterns = patterns[len(part) :]
            if end == len(array):
                yield self.last()

    def last(self) -> Words:
        """Return what there is, which nothing refers to here any more."""
        array = self._open()
        if self._filled < len(array):
            # gives the unused tail back without a copy
            array.resize((self._filled, array.shape[1]), refcheck=False)
        self._array, self._filled = None, 0
        return array

    def _open(self) -> Words:
        if self._array is None:
            # memory that is not touched costs nothing
            rows = min(self._size, self._plan.bound)
            self._array = np.empty((rows, self._plan.width), dtype=np.uint64)
        return self._array


def taken(spare: list[Any]) -> Any:
    """Take one of what is spare, or None; threads may share the list."""
    try:
        return spare.pop()
    except IndexError:
        return None


def too_many(count: int) -> ArrangementError:
    """Return the error for more patterns than there can be."""
    return ArrangementError(
        f"more than {count} patterns were listed, which an independent bound excludes. "
        "Please report the matrix."
    )
