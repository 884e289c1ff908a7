"""Pieces of a listing on an executor: processes, or the machines of a cluster.

Any `concurrent.futures.Executor` will do.  What is sent is a piece, which says where
it is and not what; what comes back are its patterns, or what was made of them.  A
piece gives the same wherever and however often it is listed, so an engine may move it
or run it again.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from arrangement.executors import check_executor, results_of
from arrangement.io import ProgressLike, listener, shows_progress
from arrangement.listing.buffers import Buffer, Reused
from arrangement.listing.cells import Rest
from arrangement.listing.left_pieces import CellPiece, results_by_cells
from arrangement.listing.pieces import Piece, fold_blocks, pieces_of
from arrangement.listing.plan import Plan
from arrangement.listing.runs import Block, in_order, run
from arrangement.model import Arrangement
from arrangement.options import IsLate, Listener, Progress, never

# bytes of patterns of a piece, were all of Cover's bound there, and of one that is sent
# back; fewest and most pieces.  An engine takes some milliseconds a piece
_BYTES, _SENT, _FEWEST, _MOST = 1 << 24, 1 << 22, 16, 1 << 12


def default_pieces(plan: Plan, n_bytes: int = _BYTES) -> list[Piece]:
    """Split a plan into pieces, as many as its size asks for and not its workers."""
    most = plan.bound * 8 * max(plan.width, 1) // n_bytes
    return pieces_of(plan, min(max(most, _FEWEST), _MOST))


def run_pieces(
    plan: Plan,
    executor: Executor,
    target: Buffer | None = None,
    *,
    prove: bool = False,
    facets: bool = False,
) -> Iterator[Block]:
    """Yield the chambers of a plan in blocks, as `run` does, listed by an executor."""
    tasks = [(piece, prove, facets) for piece in default_pieces(plan, _SENT)]
    nothing = [Block(np.zeros((0, plan.width), dtype=np.uint64))]
    lists = results_of(executor, _list_piece, tasks)
    blocks = (nothing if found is None else found for found in lists)
    return in_order(blocks, target or Reused(plan))


def _list_piece(piece: Piece, prove: bool, facets: bool) -> list[Block]:
    check = piece.prover().check if prove else None
    return [
        Block(block.patterns.copy(), block.facets, block.checked)
        for block in piece.blocks(check=check, facets=facets)
    ]


def fold_pieces(
    plan: Plan,
    executor: Executor,
    function: Callable[..., None],
    state: Any,
    merge: Callable[[Any, Any], object],
    progress: Listener | None,
    is_late: IsLate = never,
) -> None:
    """Reduce each piece by itself and merge what comes of them into ``state``.

    Once ``is_late()``, pieces that have begun come to a part of what they should.
    """
    # as it is now: merging changes it, and a task may be sent later
    start = copy.deepcopy(state)
    done = 0
    for result in _results(plan, executor, _fold_piece, function, start, is_late):
        if result is None:
            continue
        count, part = result
        merge(state, part)
        done += count
        if progress is not None:
            progress(Progress.of_patterns(done, plan.bound))


def _results(
    plan: Plan, executor: Executor, work: Callable[..., Any], *arguments: Any
) -> Iterator[Any]:
    """Yield what ``work(blocks, *arguments)`` makes of pieces, in order, or None.

    By vertices they are known beforehand, by cells they leave one another.
    """
    if plan.layout is not None and not plan.by_vertices:
        return results_by_cells(
            executor, reduce_cells, plan.arrangement, work, *arguments
        )
    tasks = [(piece, work, *arguments) for piece in default_pieces(plan)]
    return results_of(executor, reduce_piece, tasks)


def reduce_cells(
    piece: CellPiece, work: Callable[..., Any], *arguments: Any
) -> tuple[Any, list[Rest]]:
    """Return what work makes of a piece, and what the piece left."""
    left: list[Rest] = []
    return work(piece.blocks(left), *arguments), left


def reduce_piece(piece: Piece, work: Callable[..., Any], *arguments: Any) -> Any:
    """Return what work makes of a piece."""
    return work(piece.blocks(), *arguments)


def _fold_piece(
    blocks: Iterator[Block],
    function: Callable[..., None],
    state: Any,
    is_late: IsLate,
) -> tuple[int, Any]:
    # in threads nothing is pickled, and so nothing copied
    state = copy.deepcopy(state)
    return fold_blocks(blocks, function, state, is_late), state


def _count_piece(blocks: Iterator[Block]) -> int:
    return sum(len(block.patterns) for block in blocks)


@shows_progress
def count_by_listing(
    X: Arrangement | ArrayLike | Any,
    *,
    offsets: ArrayLike | None = None,
    rank: str | int = "exact",
    floats: str = "binary",
    executor: Executor | None = None,
    progress: ProgressLike = None,
) -> int:
    """Count the sign patterns of a matrix by walking through them all.

    Parameters
    ----------
    X, offsets, rank, floats, progress
        As in `enumerate_patterns`.
    executor : concurrent.futures.Executor, optional
        Counts in pieces, as in `iter_patterns`.

    Returns
    -------
    int
        What `count_patterns` finds in another way, and mostly sooner.

    Raises
    ------
    InputError, InputTypeError
        As `enumerate_patterns`.
    WorkersLostError
        The executor is broken.

    Examples
    --------
    >>> from concurrent.futures import ThreadPoolExecutor
    >>> with ThreadPoolExecutor(2) as pool:
    ...     count_by_listing([[1, 0], [0, 1], [1, 1]], executor=pool)
    6
    """
    check_executor(executor)
    arrangement = Arrangement.coerce(X, offsets=offsets, rank=rank, floats=floats)
    plan = Plan(arrangement)
    listen = listener(progress)
    counts: Iterator[int | None]
    if executor is None:
        counts = (len(block.patterns) for block in run(plan))
    else:
        counts = _results(plan, executor, _count_piece)
    total = 0
    for count in counts:
        total += count or 0
        if count and listen is not None:
            listen(Progress.of_patterns(total, plan.bound))
    return total
