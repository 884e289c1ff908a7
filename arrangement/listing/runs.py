"""Execute a plan: blocks of chambers, in one thread or several, always the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels.state import DONE, PAUSED, Output
from arrangement.errors import ArrangementError
from arrangement.listing.listers import Lister, Share, Walk
from arrangement.listing.plan import Plan
from arrangement.listing.threads import results_in_order
from arrangement.model import pack
from arrangement.options import IsLate, never

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
        self, target: NDArray[np.uint64] | None = None, *, n_jobs: int = 1,
        facets: bool = False,
    ) -> Iterator[Block]:  # fmt: skip
        """Yield chambers in blocks, written one after another into ``target``.

        ``target`` (at least as many rows as there are patterns, words) is a buffer of
        one block, used again and again, when omitted.
        """
        if self._lister is None:
            yield self._one_chamber(target, facets)
        elif n_jobs > 1:
            yield from in_order(self._parallel(self._lister, n_jobs, facets), target)
        else:
            buffer = _Buffer(self._plan, target)
            output = None
            for walk in self._lister.walks():
                output = output or self._output(self._lister, walk, facets)
                yield from self.of_walk(walk, output, buffer, self._is_late)

    def of_share(self, share: Share | None, *, facets: bool = False) -> Iterator[Block]:
        """Yield the chambers of one share in blocks; of None, the one chamber."""
        if self._lister is None or share is None:
            yield self._one_chamber(None, facets)
            return
        buffer, output = _Buffer(self._plan, None), None
        for walk in self._lister.walks_of(share):
            output = output or self._output(self._lister, walk, facets)
            for block in self.of_walk(walk, output, buffer, never):
                if len(block.patterns):
                    yield block

    def _output(self, lister: Lister, walk: Walk, facets: bool) -> Output:
        chambers = self._plan.block // walk.step
        return lister.output(chambers, points=self._check is not None, facets=facets)

    def of_walk(
        self, walk: Walk, output: Output, buffer: _Buffer, is_late: IsLate
    ) -> Iterator[Block]:
        """Yield the blocks of one walk, and a block of none while it goes on."""
        status = PAUSED
        while status != DONE:
            status = walk.advance(output._replace(patterns=buffer.room(walk.step)))
            count = walk.n_written
            is_short = count < self._plan.block // 2
            if status == PAUSED and is_short and not (count and is_late()):
                yield _no_news(self._plan)
                continue
            if count:
                patterns = buffer.take(count)
                yield self._block(walk, output, patterns)
                walk.n_written = 0

    def _block(self, walk: Walk, output: Output, patterns: NDArray[np.uint64]) -> Block:
        """Check what a walk has written."""
        plan = self._plan
        if walk.is_turned:
            assert plan.layout is not None
            patterns = patterns ^ plan.layout.outside.moving[: plan.width]
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
        self, lister: Lister, n_jobs: int, facets: bool
    ) -> Iterator[list[Block]]:
        """Yield the blocks of each piece in turn, worked on in threads."""
        # touching new memory is what threads wait for: it is used again
        spare: list[NDArray[np.uint64]] = []
        outputs: list[Output] = []

        def work(
            start: Callable[[], Walk], is_halted: IsLate
        ) -> tuple[list[Block], _Buffer]:
            walk = start()
            buffer = _Buffer(self._plan, None, spare)
            output = _taken(outputs, lambda: self._output(lister, walk, facets))
            blocks = []
            for block in self.of_walk(walk, output, buffer, is_halted):
                if len(block.patterns):
                    blocks.append(block)
                if is_halted():
                    return blocks, buffer
            outputs.append(output)
            lister.take_back(walk)
            return blocks, buffer

        for _ in lister.prepare():
            yield [_no_news(self._plan)]
        pieces = lister.pieces(n_jobs)
        for result in results_in_order(work, pieces, n_jobs, self._is_late):
            if result is None:
                yield [_no_news(self._plan)]
                continue
            blocks, buffer = result
            yield blocks
            spare.extend(buffer.used)

    def _one_chamber(self, target: NDArray[np.uint64] | None, facets: bool) -> Block:
        width = self._plan.width
        patterns = np.zeros((1, width), np.uint64) if target is None else target
        patterns[:1] = pack(self._plan.arrangement.constant_bits[None])
        none = np.zeros(0, dtype=np.int64)
        checked = None
        if self._check is not None:
            checked = self._check(patterns[:1], np.zeros((1, 0)), ())
        return Block(patterns[:1], [none] if facets else None, checked)


class _Buffer:
    """Where patterns go: into a target, or block after block into buffers.

    With ``spare`` each block gets a buffer of its own, one of those where there are
    any; ``used`` are all that were taken.
    """

    def __init__(
        self,
        plan: Plan,
        target: NDArray[np.uint64] | None,
        spare: list[NDArray[np.uint64]] | None = None,
    ) -> None:
        self._plan = plan
        self._target = target
        self._spare = spare
        self._begin = 0
        self.used: list[NDArray[np.uint64]] = []
        self._current = target
        self._is_over = False

    def room(self, step: int) -> NDArray[np.uint64]:
        """Return where the next block goes; the same until `take` is called."""
        if self._current is None:
            self._current = _taken(self._spare or [], self._new)
            self.used.append(self._current)
        block = self._current[self._begin : self._begin + self._plan.block]
        self._is_over = len(block) < step
        if self._is_over:
            # the target is full, but what is left may open no chamber
            return np.zeros((step, self._current.shape[1]), dtype=np.uint64)
        return block

    def _new(self) -> NDArray[np.uint64]:
        return np.empty((self._plan.block, max(self._plan.width, 1)), dtype=np.uint64)

    def take(self, count: int) -> NDArray[np.uint64]:
        """Return the patterns written; the next block does not touch them.

        Without a target or spare buffers it does, once it is asked for.
        """
        assert self._current is not None
        if self._is_over:
            raise _too_many(self._begin)
        end = self._begin + count
        patterns = self._current[self._begin : end, : self._plan.width]
        if self._target is not None:
            self._begin = end
        elif self._spare is not None:
            self._current = None
        return patterns


def run(
    plan: Plan,
    target: NDArray[np.uint64] | None = None,
    *,
    check: Check | None = None,
    facets: bool = False,
    n_jobs: int = 1,
    where: dict[int, int] | None = None,
    is_late: IsLate = never,
) -> Iterator[Block]:
    """Yield the chambers of a plan in blocks (see `Run`).

    ``where`` requires signs of places; then antipodes come after all chambers.
    """
    lister = plan.lister(facets=facets, where=where)
    execution = Run(plan, lister, check=check, is_late=is_late)
    return execution.blocks(target, n_jobs=n_jobs, facets=facets)


def in_order(
    lists: Iterator[list[Block]], target: NDArray[np.uint64] | None
) -> Iterator[Block]:
    """Yield the blocks of lists, copied into ``target`` where there is one."""
    begin = 0
    for blocks in lists:
        for block in blocks:
            if target is not None:
                end = begin + len(block.patterns)
                if end > len(target):
                    raise _too_many(len(target))
                target[begin:end] = block.patterns
                begin = end
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


def _taken(spare: list[Any], make: Callable[[], Any]) -> Any:
    """Take what is spare, or make one; threads may share the list."""
    try:
        return spare.pop()
    except IndexError:
        return make()


def _too_many(count: int) -> ArrangementError:
    return ArrangementError(
        f"more than {count} patterns were listed, which an independent bound excludes. "
        "Please report the matrix."
    )
