"""`partition`: a listing in independent pieces, for processes and clusters."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import ArrayLike

from arrangement._kernels.tree import visit_all
from arrangement.listing.buffers import Blocks
from arrangement.listing.families import kept
from arrangement.listing.listers import Lister, Share
from arrangement.listing.plan import Plan
from arrangement.listing.runs import Block, Check, Run
from arrangement.model import Arrangement, PatternSet
from arrangement.options import IsLate, never, short_repr, whole_number
from arrangement.verification import Prover


@dataclass(frozen=True, eq=False)
class Piece:
    """Some of the chambers of an arrangement, to be listed by themselves.

    Can be pickled: it holds the matrix and where the piece is, and no chambers.  Where
    it is listed does not change it, and it can be listed any number of times.  The
    pieces of `partition`, one after another, are the listing.

    Attributes
    ----------
    arrangement : Arrangement
        The whole arrangement.
    number, total : int
        Which piece it is, counted from 0, and how many there are.
    by_cells : bool
        Whether the pieces are listed by cells, also where a whole list would not be.
    """

    arrangement: Arrangement
    number: int
    total: int
    by_cells: bool
    share: Share | None = field(repr=False)
    # the pieces of one call have it in common
    family: str = field(repr=False)

    __repr__ = short_repr

    def iter_patterns(self, *, block_size: int | None = None) -> Iterator[PatternSet]:
        """Yield the patterns of the piece in blocks, as `iter_patterns` does."""
        size = None
        if block_size is not None:
            size = whole_number(block_size, "block_size", 1)
        plan, _ = self._prepared
        return _sets(plan, self.blocks(), size or plan.stream_block)

    def iter_proven(self, block_size: int, prover: Prover) -> Iterator[PatternSet]:
        """Yield the patterns as `iter_patterns` does, and have each of them proven.

        At the end ``prover.part()`` is the proof of the piece.
        """
        plan, _ = self._prepared
        return _sets(plan, self._proven_blocks(prover), block_size)

    def _proven_blocks(self, prover: Prover) -> Iterator[Block]:
        for block in self.blocks(check=prover.check):
            prover.append(block.patterns, block.checked)
            yield block

    def count(self) -> int:
        """Return the number of patterns, found by walking through them."""
        return sum(len(block.patterns) for block in self.blocks())

    def fold(
        self, function: Callable[..., None], state: Any, is_late: IsLate = never
    ) -> int:
        """Call ``function(state, pattern)`` for every pattern (see `fold`).

        ``state`` is changed in place.  Returns the number of patterns.  Once
        ``is_late()``, the rest is left out.
        """
        return fold_blocks(self.blocks(), function, state, is_late)

    def blocks(
        self, *, check: Check | None = None, facets: bool = False
    ) -> Iterator[Block]:
        """Yield the chambers in blocks; the next overwrites the patterns of one."""
        plan, lister = self._prepared
        return Run(plan, lister, check=check).of_share(self.share, facets=facets)

    def prover(self) -> Prover:
        """Return what collects the proof of the piece."""
        plan, _ = self._prepared
        return Prover(self.arrangement, is_ordered=not plan.by_vertices)

    @property
    def _prepared(self) -> tuple[Plan, Lister | None]:
        """The plan of the whole listing, and what lists, ready."""
        return kept(self.family, self._prepare)

    def _prepare(self) -> tuple[Plan, Lister | None]:
        plan = Plan(self.arrangement, by_cells=self.by_cells)
        lister = plan.lister()
        if lister is not None:
            deque(lister.prepare(), maxlen=0)
        return plan, lister


def fold_blocks(
    blocks: Iterator[Block],
    function: Callable[..., None],
    state: Any,
    is_late: IsLate = never,
) -> int:
    """Call ``function(state, pattern)`` for every pattern; return how many there are.

    Once ``is_late()``, the rest is left out.
    """
    count = 0
    for block in blocks:
        visit_all(function, state, np.ascontiguousarray(block.patterns))
        count += len(block.patterns)
        if is_late():
            break
    return count


def _sets(plan: Plan, blocks: Iterator[Block], size: int) -> Iterator[PatternSet]:
    """Cut blocks to ``size`` patterns."""
    target = Blocks(plan, size)
    for block in blocks:
        yield from map(plan.pattern_set, target.add(block.patterns))
    rest = target.last()
    if len(rest):
        yield plan.pattern_set(rest)


def pieces_of(plan: Plan, k: int) -> list[Piece]:
    """Split the listing of a plan into at most ``k`` pieces of even work."""
    lister = plan.lister()
    shares: list[Share | None] = [None] if lister is None else [*lister.shares(k)]
    family, by_cells = uuid4().hex, not plan.by_vertices
    return [
        Piece(plan.arrangement, number, len(shares), by_cells, share, family)
        for number, share in enumerate(shares)
    ]


def partition(
    X: Arrangement | ArrayLike | Any,
    k: int,
    *,
    offsets: ArrayLike | None = None,
    rank: str | int = "exact",
    floats: str = "binary",
) -> list[Piece]:
    """Split the patterns of a matrix into at most ``k`` independent pieces.

    Parameters
    ----------
    X, offsets, rank, floats
        As in `enumerate_patterns`.
    k : int
        Most pieces, at least 1; fewer where there are fewer chambers.

    Returns
    -------
    list of Piece
        In the order of the listing, and about equally long: by vertices, but for a few
        of them; by cells, as a sample of the rows tells.  By cells none is empty; a
        piece of vertices may be, where many rows meet.

    Notes
    -----
    What `iter_patterns`, `fold` and `write_patterns` do with ``executor=`` is done with
    such pieces.

    Examples
    --------
    >>> pieces = partition([[1, 0], [0, 1], [1, 1]], 2)
    >>> [piece.count() for piece in pieces]
    [4, 2]
    """
    wanted = whole_number(k, "k", 1)
    arrangement = Arrangement.coerce(X, offsets=offsets, rank=rank, floats=floats)
    return pieces_of(Plan(arrangement), wanted)
