"""Pieces that leave others: which is begun next, and how far it goes.

A piece that has come to as many chambers as it may leaves what waits to others.  So
pieces are of even work whatever the listing, nothing about it is estimated, and none
depends on who works on which of them, or when.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple


class Growth(NamedTuple):
    """Chambers that a piece comes to before it leaves what waits.

    At ``first`` few, so that there is soon work for everyone, twice as many after each
    ``doubled`` pieces, and ``most`` in the end.
    """

    first: int
    doubled: int
    most: int

    def after(self, begun: int) -> int:
        """Return it for the piece that is begun after so many."""
        return min(self.first << min(begun // self.doubled, 32), self.most)


class Waiting:
    """Pieces that wait to be begun, as tasks; there may be none now, and some later.

    ``task`` makes one of a piece and the chambers it may come to.  What a piece left
    comes before what waits already: few wait at a time.
    """

    def __init__(
        self, task: Callable[[Any, int], tuple[Any, ...]], growth: Growth
    ) -> None:
        self._task = task
        self._growth = growth
        self._waiting: deque[Any] = deque()
        self._begun = 0

    def put(self, pieces: Iterable[Any]) -> None:
        """Add pieces, the first of which is begun first."""
        self._waiting.extendleft(reversed([*pieces]))

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """Return itself; it may go on after it has stopped."""
        return self

    def __next__(self) -> tuple[Any, ...]:
        """Return the task of the next piece."""
        if not self._waiting:
            raise StopIteration
        most = self._growth.after(self._begun)
        self._begun += 1
        return self._task(self._waiting.popleft(), most)
