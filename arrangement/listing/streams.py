"""List every sign pattern of a matrix, exactly, in order, in blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrangement.counting import count_patterns
from arrangement.errors import (
    BudgetExceededError,
    InputError,
    ListingStoppedError,
    ListingTooLargeError,
)
from arrangement.listing.plan import BLOCK, CONTRADICTION, Block, Plan, required_signs
from arrangement.model import Arrangement, PatternSet, Proof
from arrangement.options import (
    Limits,
    check_block_size,
    check_progress,
    count_jobs,
    free_bytes,
)
from arrangement.verification import Prover

Progress = Callable[[int, int], object]

# restrictions visited before a listing is refused: about ten seconds at high rank
_COUNT_BUDGET = 4 * 10**6


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
        size: int,
        *,
        progress: Progress | None = None,
        prover: Prover | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.plan = plan.text
        self.bound = plan.bound
        self.n_patterns = 0
        self._progress = progress
        self._end = _End()
        # the generator must not refer to the stream: a stream that is dropped would
        # wait for the garbage collector to stop its threads
        self._sets = _rebuffer(
            plan, blocks, size, prover, limits or Limits(None, None), self._end
        )

    @property
    def status(self) -> str:
        """``"complete"`` once the stream is exhausted, else ``"incomplete"``."""
        return "complete" if self._end.is_reached else "incomplete"

    @property
    def proof(self) -> Proof | None:
        """The proof, once a stream with ``prove=True`` is exhausted."""
        return self._end.proof

    def __iter__(self) -> PatternStream:
        """Return the stream itself."""
        return self

    def __next__(self) -> PatternSet:
        """Return the next block."""
        block = next(self._sets)
        self.n_patterns += len(block)
        if self._progress is not None:
            self._progress(self.n_patterns, self.bound)
        return block


@dataclass
class _End:
    """What is known once a stream is exhausted."""

    is_reached: bool = False
    proof: Proof | None = None


def _rebuffer(
    plan: Plan,
    blocks: Iterator[Block],
    size: int,
    prover: Prover | None,
    limits: Limits,
    end: _End,
) -> Iterator[PatternSet]:
    """Cut blocks to ``size`` patterns and keep the proof and the limits."""
    waiting = np.zeros((0, plan.width), dtype=np.uint64)
    known: list[NDArray[np.int64]] = []
    has_facets = False
    stop = ""
    total = 0
    for block in blocks:
        stop = limits.reached_before(total, len(block.patterns))
        if stop:
            break
        if not len(block.patterns):
            continue
        if prover is not None:
            prover.append(block.patterns, block.checked)
        room = limits.room(total)
        waiting = np.concatenate([waiting, block.patterns[:room]])
        total += min(room, len(block.patterns))
        if block.facets is not None:
            has_facets = True
            known.extend(block.facets[:room])
        begin = 0
        while len(waiting) - begin >= size:
            yield plan.pattern_set(
                waiting[begin : begin + size].copy(),
                known_facets=known[begin : begin + size] if has_facets else None,
            )
            begin += size
        waiting, known = waiting[begin:], known[begin:]
        if room < len(block.patterns):
            stop = limits.reached(total)
            break
    if len(waiting):
        yield plan.pattern_set(
            waiting.copy(), known_facets=known if has_facets else None
        )
    if stop:
        raise ListingStoppedError(f"{stop} {total:,} patterns were yielded.")
    if prover is not None:
        end.proof = prover.conclude(waiting)
    end.is_reached = True


def iter_patterns(
    X: Arrangement | ArrayLike | Any,
    *,
    block_size: int = 1 << 15,
    offsets: ArrayLike | None = None,
    rank: str | int = "exact",
    floats: str = "binary",
    facets: bool = False,
    where: Mapping[int, int] | None = None,
    n_jobs: int = 1,
    prove: bool = False,
    max_patterns: int | None = None,
    time_limit: float | None = None,
    progress: Progress | None = None,
) -> PatternStream:
    """Yield all sign patterns of a matrix in blocks, in the order of `PatternSet`.

    Memory holds one block and the stack of the walk, whatever the total (and a few
    blocks a thread).  Blocks carry no proof; with ``prove=True`` the stream has one
    once it is exhausted.

    Parameters
    ----------
    X, offsets, rank, floats, n_jobs
        As in `enumerate_patterns`.
    block_size : int
        Patterns a block, at least 1; the last block may be shorter.
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
        Stop after so many seconds, or a fraction of one later.
    progress : callable, optional
        Called as ``progress(patterns_so_far, bound)`` after each block.

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
    check_block_size(block_size)
    if prove and where is not None:
        raise InputError(
            "prove=True with where: completeness is proven for whole listings. Use "
            "prove=False."
        )
    limits = Limits(max_patterns, time_limit)
    threads = count_jobs(n_jobs)
    check_progress(progress)
    arrangement = Arrangement.coerce(X, offsets=offsets, rank=rank, floats=floats)
    by_cells = prove or facets or where is not None
    plan = Plan(arrangement, by_cells=by_cells)
    prover = Prover(arrangement) if prove else None
    signs = None if where is None else required_signs(plan, where)
    blocks: Iterator[Block] = iter(())
    if signs is not CONTRADICTION:
        blocks = plan.blocks(
            check=None if prover is None else prover.check,
            facets=facets,
            n_jobs=threads,
            where=signs,
            is_late=limits.is_late,
        )
    return PatternStream(
        plan, blocks, int(block_size), progress=progress, prover=prover, limits=limits
    )


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
    progress: Progress | None = None,
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
        Stop after so many seconds, or a fraction of one later.
    progress : callable, optional
        Called as ``progress(patterns_so_far, bound)``.

    Returns
    -------
    PatternSet
        With ``proof`` set unless ``prove=False``.

    Raises
    ------
    ListingTooLargeError
        Before anything is listed, when the list would not fit in ``max_bytes``.
    ListingStoppedError
        A limit was reached; ``error.patterns`` has what was found, in order.
    IncompleteListingError
        When the proof fails (a defect of the program; please report it).
    InputError, InputTypeError
        As `Arrangement`.

    Notes
    -----
    O(n**r) time (Cover 1965; Zaslavsky 1975, Theorem A).  Nearly generic arrangements
    are listed by their vertices (`_kernels/vertices.py`), others by cells
    (`_kernels/cells.py`); ``plan`` of the result says which.

    Examples
    --------
    >>> patterns = enumerate_patterns([[1, 0], [0, 1], [1, 1]])
    >>> len(patterns), patterns.bound
    (6, 6)
    >>> patterns.to_bool()[:2].astype(int).tolist()
    [[1, 1, 1], [0, 0, 0]]
    """
    threads = count_jobs(n_jobs)
    if max_bytes is not None and (
        isinstance(max_bytes, bool)
        or not isinstance(max_bytes, (int, np.integer))
        or max_bytes < 0
    ):
        raise InputError(f"max_bytes={max_bytes!r}; expected an int >= 0, in bytes.")
    limits = Limits(max_patterns, time_limit)
    check_progress(progress)
    arrangement = Arrangement.coerce(X, offsets=offsets, rank=rank, floats=floats)
    plan = Plan(arrangement)
    capacity = _capacity(plan, max_bytes, limits.max_patterns)
    packed = np.empty((capacity, plan.width), dtype=np.uint64)
    prover = Prover(arrangement, is_ordered=not plan.by_vertices) if prove else None
    check = None if prover is None else prover.check
    count = 0
    for block in plan.blocks(
        packed, check=check, n_jobs=threads, is_late=limits.is_late
    ):
        room = limits.room(count)
        stop = limits.reached_before(count, len(block.patterns))
        if stop or room < len(block.patterns):
            kept = count if stop else count + room
            found = plan.pattern_set(packed[:kept].copy())
            stop = stop or limits.reached(kept)
            raise ListingStoppedError(f"{stop} {kept:,} patterns were found.", found)
        if not len(block.patterns):
            continue
        if prover is not None:
            prover.append(block.patterns, block.checked)
        count += len(block.patterns)
        if progress is not None:
            progress(count, plan.bound)
    # gives the unused tail back without a copy (nothing else refers to it)
    packed.resize((count, plan.width), refcheck=False)
    proof = None if prover is None else prover.conclude(packed)
    return plan.pattern_set(packed, proof=proof)


def _capacity(plan: Plan, max_bytes: int | None, max_patterns: int | None) -> int:
    """Rows to allocate: the bound if it fits, else the exact count; else refuse."""
    allowed = free_bytes() // 2 if max_bytes is None else int(max_bytes)
    row_bytes = 8 * max(plan.width, 1)
    most = allowed // row_bytes
    wanted = plan.bound
    if max_patterns is not None:
        wanted = min(wanted, max_patterns + BLOCK)
    if wanted <= most:
        return wanted
    advice = (
        "Stream it with iter_patterns(X), which needs one block of memory, or use "
        "fewer rows or columns, or raise max_bytes."
    )
    try:
        count = count_patterns(plan.arrangement, max_nodes=_COUNT_BUDGET)
    except BudgetExceededError:
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
