"""Reductions by cells on an executor, in pieces that leave half of what waits.

See `Waiting`; what comes of the pieces is taken in the order of the listing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from arrangement.executors import results_of
from arrangement.listing.buffers import Reused
from arrangement.listing.cells import Rest
from arrangement.listing.families import forget, kept
from arrangement.listing.listers import CellLister
from arrangement.listing.plan import Plan
from arrangement.listing.runs import Block, Run
from arrangement.listing.waiting import Growth, Waiting
from arrangement.model import Arrangement
from arrangement.options import never

# an engine takes some milliseconds a piece
_GROWTH = Growth(1 << 14, 1, 1 << 19)
# cells of so many chambers are not left: they are done sooner than sent
_FEW = 1 << 12


@dataclass(frozen=True, eq=False)
class CellPiece:
    """Chambers that another piece left (None: all), until ``most`` are listed.

    Can be pickled.  The pieces of one call have their ``family`` in common.
    """

    arrangement: Arrangement
    rest: Rest | None
    most: int
    family: str = field(repr=False)

    def blocks(self, left: list[Rest]) -> Iterator[Block]:
        """Yield the chambers in blocks; the next overwrites the patterns of one.

        ``left`` gets what is left, in the order of the listing.
        """
        plan, lister = kept(self.family, self._prepare)
        walk = lister.all() if self.rest is None else lister.taken_up(self.rest)
        output = lister.output(0, points=False, facets=False)
        buffer = Reused(plan, self.most * walk.step)
        done = 0
        for block in Run(plan, lister).of_walk(walk, output, buffer, never):
            done += len(block.patterns)
            if done >= self.most * walk.step and not left:
                left += walk.leave_all(_FEW)
            yield block
        lister.take_back(walk)

    def _prepare(self) -> tuple[Plan, CellLister]:
        plan = Plan(self.arrangement, by_cells=True)
        return plan, plan.cell_lister()


class _Node:
    """A piece in the order of the listing, and what it has come to."""

    def __init__(self, rest: Rest | None) -> None:
        self.rest = rest
        self.result: Any = None


def results_by_cells(
    executor: Executor,
    work: Callable[..., tuple[Any, list[Rest]]],
    arrangement: Arrangement,
    *arguments: Any,
) -> Iterator[Any]:
    """Yield what ``work(piece, *arguments)`` returns, in the order of the listing.

    Work returns that (not None), and what the piece left.  None comes while a piece is
    waited for.
    """
    family = uuid4().hex
    begun: deque[_Node] = deque()

    def task(node: _Node, most: int) -> tuple[Any, ...]:
        begun.append(node)
        return CellPiece(arrangement, node.rest, most, family), *arguments

    waiting = Waiting(task, _GROWTH)
    order = deque([_Node(None)])
    waiting.put(order)
    try:
        for done in results_of(executor, work, waiting):
            if done is None:
                yield None
                continue
            node = begun.popleft()
            node.result, rests = done
            left = [_Node(rest) for rest in rests]
            waiting.put(left)
            place = order.index(node) + 1
            for other in reversed(left):
                order.insert(place, other)
            while order and order[0].result is not None:
                yield order.popleft().result
    finally:
        forget(family)
