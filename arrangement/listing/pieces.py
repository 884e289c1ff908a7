"""`partition`: a listing in independent pieces, for processes and clusters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrangement.listing.buffers import Blocks
from arrangement.listing.plan import Plan
from arrangement.listing.prefixes import sign_prefixes
from arrangement.listing.runs import Block, run, run_at
from arrangement.listing.streams import PatternStream
from arrangement.model import Arrangement, PatternSet
from arrangement.options import whole_number

# prefixes that a piece has on average, so that pieces are balanced
_PREFIXES = 32


@dataclass(frozen=True, eq=False)
class Piece:
    """Some of the chambers of an arrangement: those with given signs of some rows.

    Can be pickled.  The pieces of `partition`, one after another, are the listing by
    cells (the order of signs, see `PatternSet`).

    Attributes
    ----------
    arrangement : Arrangement
        The whole arrangement.
    signs : ndarray, shape (n_prefixes, places), int8
        Each row a prefix: the signs of the first rows (internal numbering), 0 open.
    """

    arrangement: Arrangement
    signs: NDArray[np.int8]

    def __repr__(self) -> str:
        """Return what it is a piece of, on one line."""
        return f"Piece({self.arrangement!r}, {len(self.signs)} prefixes)"

    def iter_patterns(self, *, block_size: int | None = None) -> Iterator[PatternSet]:
        """Yield the patterns of the piece in blocks, as `iter_patterns` does."""
        size = None
        if block_size is not None:
            size = whole_number(block_size, "block_size", 1)
        plan = Plan(self.arrangement, by_cells=True)
        target = Blocks(plan, size or plan.stream_block)
        return PatternStream(plan, self._blocks(plan), target)

    def count(self) -> int:
        """Return the number of patterns, found by walking through them."""
        plan = Plan(self.arrangement, by_cells=True)
        return sum(len(block.patterns) for block in self._blocks(plan))

    def _blocks(self, plan: Plan) -> Iterator[Block]:
        if plan.layout is None:
            yield from run(plan)
        for signs in self.signs:
            yield from run_at(plan, signs)


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
        Each not empty, of about the same number of chambers of a sub-arrangement.

    Examples
    --------
    >>> pieces = partition([[1, 0], [0, 1], [1, 1]], 2)
    >>> [piece.count() for piece in pieces]
    [4, 2]
    """
    wanted = whole_number(k, "k", 1)
    arrangement = Arrangement.coerce(X, offsets=offsets, rank=rank, floats=floats)
    plan = Plan(arrangement, by_cells=True)
    if plan.layout is None:
        return [Piece(arrangement, np.zeros((0, 0), dtype=np.int8))]
    found = list(sign_prefixes(arrangement, plan.layout, _PREFIXES * wanted))
    groups = np.array_split(np.stack(found), min(wanted, len(found)))
    return [Piece(arrangement, group) for group in groups]
