"""Execute a plan: blocks of chambers, in one thread or several, always the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels.state import DONE, PAUSED, Output
from arrangement.listing.buffers import Buffer, Reused, Spare, Whole, taken
from arrangement.listing.listers import Lister, Share, Start, Walk
from arrangement.listing.plan import Plan
from arrangement.listing.threads import Others, results_in_order
from arrangement.model import pack
from arrangement.options import IsLate, never

# blocks that a thread works on without leaving any to others who have enough to do: a
# piece that is long keeps what comes after it
_KEPT = 8

# of a block: its patterns, points, exponents of their coordinates, and rows at vertices
Check = Callable[..., Any]


@dataclass(frozen=True)
class Block:
    """Chambers in order, each followed by its antipode where the list has both.

    ``patterns`` may be a view that the next block overwrites; facets are repeated for
    antipodes; ``checked`` is what the check of the block returned.  A block without
    patterns only says that the walk goes on, so that limits can be looked at.
    """

    patterns: NDArray[np.uint64]
    facets: list[NDArray[np.int64]] | None = None
    checked: Any = None

    def first(self, count: int) -> Block:
        """Return a block of the first ``count`` patterns, or of fewer."""
        facets = None if self.facets is None else self.facets[:count]
        return Block(self.patterns[:count], facets, self.checked)


class Run:
    """One listing: what to do with each block, and when to stop.

    ``check`` is called with each block, its witness candidates and the exponents of
    their coordinates; in a list by vertices also with the rows there.  Once
    ``is_late()``, short blocks with what there is come soon.
    """

    def __init__(
        self,
        plan: Plan,
        lister: Lister | None,
        *,
        check: Check | None = None,
        is_late: IsLate = never,
    ) -> None:
        self._plan = plan
        self._lister = lister
        self._check = check
        self._is_late = is_late

    def blocks(
        self, target: Buffer, *, n_jobs: int = 1, facets: bool = False
    ) -> Iterator[Block]:
        """Yield chambers in blocks, written one after another into ``target``."""
        if self._lister is None:
            yield self._one_chamber(target, facets)
        elif n_jobs > 1:
            lists = self._parallel(self._lister, target, n_jobs, facets)
            yield from in_order(lists, target)
        else:
            output = None
            for walk in self._lister.walks():
                output = output or self._output(self._lister, walk, facets)
                yield from self.of_walk(walk, output, target, self._is_late)

    def of_share(self, share: Share | None, *, facets: bool = False) -> Iterator[Block]:
        """Yield the chambers of one share in blocks; of None, the one chamber."""
        if self._lister is None or share is None:
            yield self._one_chamber(Reused(self._plan), facets)
            return
        buffer, output = Reused(self._plan), None
        for walk in self._lister.walks_of(share):
            output = output or self._output(self._lister, walk, facets)
            for block in self.of_walk(walk, output, buffer, never):
                if len(block.patterns):
                    yield block

    def _output(self, lister: Lister, walk: Walk, facets: bool) -> Output:
        chambers = self._plan.block // walk.step
        return lister.output(chambers, points=self._check is not None, facets=facets)

    def of_walk(
        self, walk: Walk, output: Output, buffer: Buffer, is_late: IsLate
    ) -> Iterator[Block]:
        """Yield the blocks of one walk, and a block of none while it goes on."""
        status = PAUSED
        while status != DONE:
            status = walk.advance(output._replace(patterns=buffer.room(walk.step)))
            written = walk.n_written
            is_short = written < self._plan.block // 2
            if status == PAUSED and is_short and not (written and is_late()):
                yield _no_news(self._plan)
                continue
            if written:
                patterns = buffer.take(written)
                yield self._block(walk, output, patterns)
                walk.n_written = 0

    def _block(self, walk: Walk, output: Output, patterns: NDArray[np.uint64]) -> Block:
        """Check what a walk has written."""
        plan = self._plan
        if walk.is_turned:
            assert plan.layout is not None
            patterns ^= plan.layout.outside.moving[: plan.width]
        half = len(patterns) // walk.step
        checked = None
        if self._check is not None:
            found = [patterns, output.points[:half], walk.shifts]
            if len(output.bases):
                found.append(output.bases[:half])
            checked = self._check(*found)
        facets = None
        if len(output.starts):
            starts = output.starts[: half + 1]
            facets = _input_facets(plan, starts, output.places, walk.step)
        return Block(patterns, facets, checked)

    def _parallel(
        self, lister: Lister, target: Buffer, n_jobs: int, facets: bool
    ) -> Iterator[list[Block]]:
        """Yield the blocks of each piece in turn, worked on in threads."""
        # touching new memory is what threads wait for: it is used again
        spare: list[NDArray[np.uint64]] = []
        outputs: list[Output] = []
        begun = count()

        def begin(start: Start) -> tuple[Start, Spare]:
            part = None
            if start.most is not None and isinstance(target, Whole):
                part = target.part(start.most)
            return start, Spare(self._plan, spare, lister.block(next(begun)), part)

        def work(
            piece: tuple[Start, Spare], is_halted: IsLate, others: Others
        ) -> tuple[list[Block], Spare]:
            start, buffer = piece
            walk = start.walk()
            output = taken(outputs) or self._output(lister, walk, facets)
            blocks = []
            kept = 0
            for block in self.of_walk(walk, output, buffer, is_halted):
                if len(block.patterns):
                    blocks.append(block)
                if is_halted():
                    return blocks, buffer
                kept += 1
                if kept < _KEPT and not others.want_more:
                    continue
                rest = lister.leave(walk)
                if rest is not None:
                    others.leave(begin(rest))
                    kept = 0
            outputs.append(output)
            lister.take_back(walk)
            return blocks, buffer

        for _ in lister.prepare():
            yield [_no_news(self._plan)]
        in_place = isinstance(target, Whole)
        pieces = map(begin, lister.pieces(n_jobs, in_place=in_place))
        for result in results_in_order(work, pieces, n_jobs, self._is_late):
            if result is None:
                yield [_no_news(self._plan)]
                continue
            blocks, buffer = result
            yield blocks
            spare.extend(buffer.used)

    def _one_chamber(self, target: Buffer, facets: bool) -> Block:
        width = self._plan.width
        target.room(1)[:1, :width] = pack(self._plan.arrangement.constant_bits[None])
        patterns = target.take(1)
        none = np.zeros(0, dtype=np.int64)
        checked = None
        if self._check is not None:
            checked = self._check(patterns, np.zeros((1, 0)), ())
        return Block(patterns, [none] if facets else None, checked)


def run(
    plan: Plan,
    target: Buffer | None = None,
    *,
    check: Check | None = None,
    facets: bool = False,
    n_jobs: int = 1,
    where: dict[int, int] | None = None,
    is_late: IsLate = never,
) -> Iterator[Block]:
    """Yield the chambers of a plan in blocks (see `Run`).

    Without ``target`` each block is overwritten by the next.  ``where`` requires signs
    of places; then antipodes come after all chambers.
    """
    lister = plan.lister(facets=facets, where=where)
    execution = Run(plan, lister, check=check, is_late=is_late)
    return execution.blocks(target or Reused(plan), n_jobs=n_jobs, facets=facets)


def in_order(lists: Iterator[list[Block]], target: Buffer) -> Iterator[Block]:
    """Yield the blocks of lists, copied where the whole list is to be."""
    for blocks in lists:
        for block in blocks:
            if isinstance(target, Whole):
                target.put(block.patterns)
            yield block


def _no_news(plan: Plan) -> Block:
    return Block(np.zeros((0, plan.width), dtype=np.uint64))


def _input_facets(
    plan: Plan, starts: NDArray[np.int64], places: NDArray[np.int64], step: int
) -> list[NDArray[np.int64]]:
    assert plan.geometry is not None
    rows = plan.geometry.input_rows(places[: starts[-1]])
    kept = np.concatenate([[0], np.cumsum(rows >= 0)])
    rows = rows[rows >= 0]
    chambers = np.split(rows, kept[starts[1:-1]])
    return [facets for facets in chambers for _ in range(step)]
