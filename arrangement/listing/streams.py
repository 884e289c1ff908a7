"""List every sign pattern of a matrix, exactly, in order, in blocks."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrangement.counting import count_patterns
from arrangement.errors import (
    BudgetExceededError,
    InputError,
    ListingInterruptedError,
    ListingStoppedError,
    ListingTooLargeError,
)
from arrangement.executors import check_executor
from arrangement.io import Bar, ProgressLike, listener, shows_progress
from arrangement.listing.buffers import Blocks, Whole
from arrangement.listing.executors import run_pieces
from arrangement.listing.plan import BLOCK, CONTRADICTION, Plan, required_signs
from arrangement.listing.runs import Block, run
from arrangement.listing.watch import Watch
from arrangement.model import Arrangement, PatternSet, Proof
from arrangement.options import (
    Limits,
    Listener,
    Progress,
    count_jobs,
    free_bytes,
    log_of,
    whole_number,
)
from arrangement.verification import Prover

# restrictions visited, and seconds, before a listing is refused: at high rank and with
# few rows the former takes about ten seconds, with many rows minutes
_COUNT_BUDGET = 4 * 10**6
_COUNT_SECONDS = 30.0
_LOG = log_of("arrangement")


class PatternStream:
    """Blocks of sign patterns, one after another; an iterator of `PatternSet`.

    Attributes
    ----------
    plan : str
        How the list is made, and in which arithmetic.
    bound : int
        Cover's bound on the number of patterns of the whole arrangement.
    n_patterns : int
        Patterns yielded so far.
    """

    def __init__(
        self,
        plan: Plan,
        blocks: Iterator[Block],
        target: Blocks,
        *,
        progress: Listener | None = None,
        prover: Prover | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.plan = plan.text
        self.bound = plan.bound
        self.n_patterns = 0
        self._progress = progress
        self._watch = Watch(limits or Limits(None, None), prover)
        # the generator must not refer to the stream: a stream that is dropped would
        # wait for the garbage collector to stop its threads
        self._sets = _rebuffer(plan, blocks, target, self._watch)

    def __repr__(self) -> str:
        """Return how far it is, on one line."""
        return (
            f"PatternStream(status={self.status!r}, n_patterns={self.n_patterns:,}, "
            f"bound={self.bound:,}, plan={self.plan!r})"
        )

    @property
    def status(self) -> str:
        """``"complete"`` once the stream is exhausted, else ``"incomplete"``."""
        return "complete" if self._watch.is_complete else "incomplete"

    @property
    def proof(self) -> Proof | None:
        """The proof, once a stream with ``prove=True`` is exhausted."""
        return self._watch.proof

    def __iter__(self) -> PatternStream:
        """Return the stream itself."""
        return self

    def __next__(self) -> PatternSet:
        """Return the next block."""
        try:
            block = next(self._sets)
        except BaseException as error:
            if isinstance(self._progress, Bar):
                self._progress.close(is_done=isinstance(error, StopIteration))
            raise
        self.n_patterns += len(block)
        if self._progress is not None:
            self._progress(Progress.of_patterns(self.n_patterns, self.bound))
        return block


def _rebuffer(
    plan: Plan, blocks: Iterator[Block], target: Blocks, watch: Watch
) -> Iterator[PatternSet]:
    """Yield what fills arrays of the target; end with the proof, or say why not."""
    known: list[NDArray[np.int64]] = []
    has_facets = False

    def pattern_set(packed: NDArray[np.uint64]) -> PatternSet:
        facets = None
        if has_facets:
            facets = known[: len(packed)]
            del known[: len(packed)]
        return plan.pattern_set(packed, known_facets=facets)

    for block in watch.over(blocks):
        if block.facets is not None:
            has_facets = True
            known.extend(block.facets)
        yield from map(pattern_set, target.add(block.patterns))
    rest = target.last()
    if len(rest):
        yield pattern_set(rest)
    watch.conclude(rest)
    if watch.stop:
        raise ListingStoppedError(
            f"{watch.stop} {watch.total:,} patterns were yielded."
        )


def iter_patterns(
    X: Arrangement | ArrayLike | Any,
    *,
    block_size: int | None = None,
    offsets: ArrayLike | None = None,
    rank: str | int = "exact",
    floats: str = "binary",
    facets: bool = False,
    where: Mapping[int, int] | None = None,
    n_jobs: int = 1,
    prove: bool = False,
    max_patterns: int | None = None,
    time_limit: float | None = None,
    progress: ProgressLike = None,
    executor: Executor | None = None,
) -> PatternStream:
    """Yield all sign patterns of a matrix in blocks, in the order of `PatternSet`.

    Memory holds one block and the stack of the walk, whatever the total (and a few
    blocks a thread).  Blocks carry no proof; with ``prove=True`` the stream has one
    once it is exhausted.

    Parameters
    ----------
    X, offsets, rank, floats, n_jobs
        As in `enumerate_patterns`.
    block_size : int, optional
        Patterns a block, at least 1; the last block may be shorter.  By default as many
        as take 2 MiB, which stay in the cache, but 1,024 to 32,768 and at most 64 MiB.
    facets : bool
        Keep the facets found on the way, so that ``block.facets()`` costs nothing.
        Facets are found by cells, so the order is that of signs.
    where : mapping of int to int, optional
        List only chambers with these signs (row: -1 or 1) without visiting the
        others.  In a central arrangement first those on the positive side of the first
        independent row come, in the order of signs, then the others as antipodes.
    prove : bool
        Prove the list in block memory; the order is that of signs.  Not with
        ``where``.
    max_patterns : int, optional
        Stop after so many patterns.
    time_limit : float, optional
        Stop after so many seconds, or a fraction of one later; the count of a proof
        is part of them.
    progress : callable or True, optional
        Called with a `Progress` after each block, and every second of a count;
        True draws a bar, also in a notebook.
    executor : concurrent.futures.Executor, optional
        Lists pieces on its workers (processes, or machines: Dask's
        ``client.get_executor()``, mpi4py, loky) and yields what they give in the same
        order.  Memory holds some dozens of pieces, of 4 MiB or so.  Not with ``where``
        or ``n_jobs``; a ``time_limit`` does not interrupt a piece that has begun.

    Returns
    -------
    PatternStream
        An iterator of `PatternSet`.

    Raises
    ------
    ListingStoppedError
        From the iterator, when a limit ends it before it is exhausted.

    Examples
    --------
    >>> [len(block) for block in iter_patterns([[1, 0], [0, 1]], block_size=3)]
    [3, 1]
    >>> stream = iter_patterns([[1, 0], [0, 1], [1, 1]], where={2: -1})
    >>> [bits.astype(int).tolist() for block in stream for bits in block]
    [[1, 0, 0], [0, 0, 0], [0, 1, 0]]
    """
    size = None
    if block_size is not None:
        size = whole_number(block_size, "block_size", 1)
    if prove and where is not None:
        raise InputError(
            "prove=True with where: completeness is proven for whole listings. Use "
            "prove=False."
        )
    limits = Limits(max_patterns, time_limit)
    if executor is not None and where is not None:
        raise InputError("executor with where: regions are listed here. Use n_jobs.")
    threads = count_jobs(n_jobs)
    listen = listener(progress)
    check_executor(executor, threads)
    arrangement = Arrangement.coerce(X, offsets=offsets, rank=rank, floats=floats)
    by_cells = prove or facets or where is not None
    plan = Plan(arrangement, by_cells=by_cells)
    _log_plan(plan)
    prover = None
    if prove:
        prover = Prover(arrangement, is_late=limits.is_late, progress=listen)
    signs = None if where is None else required_signs(plan, where)
    target = Blocks(plan, size or plan.stream_block)
    blocks: Iterator[Block] = iter(())
    if executor is not None:
        blocks = run_pieces(plan, executor, prove=prove, facets=facets)
    elif signs is not CONTRADICTION:
        blocks = run(
            plan,
            target.direct(),
            check=None if prover is None else prover.check,
            facets=facets,
            n_jobs=threads,
            where=signs,
            is_late=limits.is_late,
        )
    return PatternStream(
        plan,
        blocks,
        target,
        progress=listen,
        prover=prover,
        limits=limits,
    )


@shows_progress
def enumerate_patterns(
    X: Arrangement | ArrayLike | Any,
    *,
    offsets: ArrayLike | None = None,
    rank: str | int = "exact",
    floats: str = "binary",
    n_jobs: int = 1,
    prove: bool = True,
    max_bytes: int | None = None,
    max_patterns: int | None = None,
    time_limit: float | None = None,
    progress: ProgressLike = None,
    executor: Executor | None = None,
) -> PatternSet:
    """List every sign pattern ``1[X z >= 0]`` of the chambers of a matrix, exactly.

    Parameters
    ----------
    X : Arrangement or array_like, shape (n, d)
        One hyperplane normal a row; see `Arrangement` for what is read.
    offsets : array_like, shape (n,), optional
        ``b`` of the affine hyperplanes ``x_i . z = b_i``.
    rank : {"exact", "numerical"} or int
        See `Arrangement`.
    floats : {"binary", "decimal"}
        See `Arrangement`.
    n_jobs : int
        Threads, at least 1; -1 for as many as there are processors.  The list does
        not depend on it.
    prove : bool
        Prove completeness (`Proof`): every witness decided exactly, no pattern
        twice, and as many as an independent count (or Cover's bound) says.
    max_bytes : int, optional
        Most bytes the packed list may take; half of the free memory by default.
    max_patterns : int, optional
        Stop after so many patterns.
    time_limit : float, optional
        Stop after so many seconds, or a fraction of one later; the count of a proof
        is part of them.
    progress : callable or True, optional
        Called with a `Progress` after each block, and every second of a count;
        True draws a bar, also in a notebook.
    executor : concurrent.futures.Executor, optional
        Lists pieces on its workers, as in `iter_patterns`.

    Returns
    -------
    PatternSet
        With ``proof`` set unless ``prove=False``.

    Raises
    ------
    ListingTooLargeError
        Before anything is listed, when the list would not fit in ``max_bytes``: at
        once, or after a count that takes half a minute at most.
    ListingStoppedError
        A limit was reached; ``error.patterns`` has what was found, in order.
    ListingInterruptedError
        The same after Ctrl-C: a `KeyboardInterrupt` with ``patterns``.
    IncompleteListingError
        When the proof fails (a defect of the program; please report it).
    InputError, InputTypeError
        As `Arrangement`.

    Notes
    -----
    O(n**r) time (Cover 1965; Zaslavsky 1975, Theorem A).  Nearly generic arrangements
    are listed by their vertices (`_kernels/vertices`), others by cells
    (`_kernels/cells`); ``plan`` of the result says which.

    Examples
    --------
    >>> patterns = enumerate_patterns([[1, 0], [0, 1], [1, 1]])
    >>> len(patterns), patterns.bound
    (6, 6)
    >>> patterns.to_bool()[:2].astype(int).tolist()
    [[1, 1, 1], [0, 0, 0]]
    """
    threads = count_jobs(n_jobs)
    check_executor(executor, threads)
    allowed = (
        free_bytes() // 2
        if max_bytes is None
        else whole_number(max_bytes, "max_bytes", 0)
    )
    limits = Limits(max_patterns, time_limit)
    listen = listener(progress)
    arrangement = Arrangement.coerce(X, offsets=offsets, rank=rank, floats=floats)
    plan = Plan(arrangement)
    _log_plan(plan)
    prover = None
    if prove:
        is_ordered = not plan.by_vertices
        prover = Prover(
            arrangement,
            is_ordered=is_ordered,
            is_late=limits.is_late,
            progress=listen,
        )
    watch = Watch(limits, prover)
    capacity = _capacity(plan, allowed, limits, listen)
    packed = _empty(capacity, plan.width)
    check = None if prover is None else prover.check
    target = Whole(plan, packed)
    if executor is not None:
        blocks = run_pieces(plan, executor, target, prove=prove)
    else:
        blocks = run(plan, target, check=check, n_jobs=threads, is_late=limits.is_late)
    _list_all(plan, blocks, packed, watch, listen)
    if _LOG.isEnabledFor(logging.INFO):
        _LOG.info("listed: %s", watch.proof or f"{watch.total:,} patterns, not proven")
    return plan.pattern_set(packed, proof=watch.proof)


def _list_all(
    plan: Plan,
    blocks: Iterator[Block],
    packed: NDArray[np.uint64],
    watch: Watch,
    progress: Listener | None,
) -> None:
    """Have the whole list written and proven, or raise with what there is of it."""
    try:
        for _ in watch.over(blocks):
            if progress is not None:
                progress(Progress.of_patterns(watch.total, plan.bound))
        if not watch.stop:
            # gives the unused tail back without a copy (nothing else refers to it)
            packed.resize((watch.total, plan.width), refcheck=False)
            watch.conclude(packed)
    except KeyboardInterrupt:
        raise ListingInterruptedError(
            f"{watch.total:,} patterns were found.", _found(plan, packed, watch)
        ) from None
    if watch.stop:
        raise ListingStoppedError(
            f"{watch.stop} {watch.total:,} patterns were found.",
            _found(plan, packed, watch),
        )


def _found(plan: Plan, packed: NDArray[np.uint64], watch: Watch) -> PatternSet:
    return plan.pattern_set(packed[: watch.total].copy())


def _empty(capacity: int, width: int) -> NDArray[np.uint64]:
    """Return room for so many patterns; memory that is not touched costs nothing."""
    try:
        return np.empty((capacity, width), dtype=np.uint64)
    except (MemoryError, ValueError):
        raise ListingTooLargeError(
            f"room for {capacity:,} patterns takes {8 * capacity * width:,} bytes, "
            "which max_bytes allows and this machine has not. Stream the list with "
            "iter_patterns(X), or lower max_bytes."
        ) from None


def _log_plan(plan: Plan) -> None:
    """Tell the log what is listed, and how."""
    if not _LOG.isEnabledFor(logging.INFO):
        return
    _LOG.info(
        "listing %s rows in rank %s, at most %s chambers: %s",
        f"{plan.arrangement.n_hyperplanes:,}",
        plan.arrangement.rank,
        f"{plan.bound:,}",
        plan.text,
    )


def _capacity(
    plan: Plan, allowed: int, limits: Limits, progress: Listener | None
) -> int:
    """Rows to allocate: the bound if it fits, else the exact count; else refuse."""
    row_bytes = 8 * max(plan.width, 1)
    most = allowed // row_bytes
    wanted = plan.bound
    if limits.max_patterns is not None:
        wanted = min(wanted, limits.max_patterns + BLOCK)
    if wanted <= most:
        return wanted
    advice = (
        "Stream it with iter_patterns(X), which needs one block of memory, or use "
        "fewer rows or columns, or raise max_bytes."
    )
    try:
        count = count_patterns(
            plan.arrangement,
            max_nodes=_COUNT_BUDGET,
            time_limit=min(limits.left(), _COUNT_SECONDS),
            progress=progress,
        )
    except BudgetExceededError:
        if limits.is_late():
            raise ListingStoppedError(
                f"{limits} was reached while the patterns were counted, to see whether "
                f"they fit in {allowed:,} bytes. 0 patterns were found. " + advice,
                plan.pattern_set(np.zeros((0, plan.width), dtype=np.uint64)),
            ) from None
        raise ListingTooLargeError(
            f"the list has too many patterns to count first, at most {plan.bound:,} "
            f"(Cover's bound; {plan.bound * row_bytes:,} bytes); {allowed:,} bytes are "
            "allowed. " + advice
        ) from None
    if count > most:
        raise ListingTooLargeError(
            f"the list has {count:,} patterns and takes {count * row_bytes:,} bytes; "
            f"{allowed:,} bytes are allowed. " + advice
        )
    return count
