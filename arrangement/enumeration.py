"""List every sign pattern of a matrix, exactly, in order, in blocks.

The tree of sign prefixes is walked depth first; a cell of the first k hyperplanes
is kept as its rays (`_kernels/cells.py`).  Each node is a chamber of a
sub-arrangement, so there are O(n**(r-1)) nodes a level and no dead ends; a stream
holds one block and the stack, at most one waiting cell a row.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrangement._kernels.state import DONE, N_EMITTED, PAUSED, Output
from arrangement.arithmetic import make_layout
from arrangement.arrangement import Arrangement
from arrangement.counting import count_patterns, cover_bound
from arrangement.errors import (
    ArrangementError,
    BudgetExceededError,
    InputError,
    InputTypeError,
    ListingTooLargeError,
)
from arrangement.geometry import CellGeometry, PointGeometry
from arrangement.patterns import PatternSet
from arrangement.verification import Prover
from arrangement.walker import Walker

Progress = Callable[[int, int], object]

_HALF_BLOCK = 1 << 14
# restrictions visited before a listing is refused: about ten seconds at high rank
_COUNT_BUDGET = 4 * 10**6


@dataclass(frozen=True)
class _Block:
    """Chambers of the half list: patterns, witness candidates, facets."""

    patterns: NDArray[np.uint64]
    witnesses: NDArray[np.float64]
    facets: list[NDArray[np.int64]] | None


class _Plan:
    """What to list and how; shared by the stream and the eager form."""

    def __init__(self, arrangement: Arrangement) -> None:
        self.arrangement = arrangement
        cone = arrangement.cone
        self.is_single = cone.rank == 0 or (not cone.rows)
        self.has_antipodes = arrangement.is_central and not self.is_single
        self.layout = None if cone.rank == 0 else make_layout(arrangement)
        extra = cone.infinity is not None
        full = cover_bound(len(cone.rows) + extra, cone.rank)
        self.bound = full // 2 if extra else full
        self.width = -(-arrangement.n_hyperplanes // 64)
        flips = arrangement.class_of >= 0
        self.complement = np.zeros(max(self.width, 1), dtype=np.uint64)
        for i in np.flatnonzero(flips).tolist():
            self.complement[i // 64] |= np.uint64(1 << (i % 64))
        self.geometry = (
            None if self.layout is None else CellGeometry(arrangement, self.layout)
        )

    @property
    def text(self) -> str:
        if self.layout is None:
            return "one chamber: no hyperplanes"
        what = "float64 projection; " if self.arrangement.is_projected else ""
        return f"{what}depth-first cells; {self.layout.arithmetic}"

    def blocks(self, *, witnesses: bool, facets: bool) -> Iterator[_Block]:
        """Yield the half list (all chambers when affine) in blocks."""
        if self.layout is None:
            patterns = np.zeros((1, max(self.width, 1)), dtype=np.uint64)
            for i in np.flatnonzero(self.arrangement.constant_bits).tolist():
                patterns[0, i // 64] |= np.uint64(1 << (i % 64))
            none = np.zeros(0, dtype=np.int64)
            yield _Block(patterns, np.zeros((1, 0)), [none] if facets else None)
            return
        walker = Walker(self.layout)
        rank = self.layout.rank
        output = Output(
            patterns=np.zeros((_HALF_BLOCK, max(self.width, 1)), dtype=np.uint64),
            witnesses=np.zeros((_HALF_BLOCK if witnesses else 0, rank)),
            facet_starts=np.zeros(_HALF_BLOCK + 1 if facets else 0, dtype=np.int64),
            facets=np.zeros(
                _HALF_BLOCK * 2 * rank + 64 * self.arrangement.n_hyperplanes + 4096
                if facets
                else 0,
                dtype=np.int64,
            ),
        )
        status = PAUSED
        while status != DONE:
            status = walker.advance(output)
            count = int(walker.control[N_EMITTED])
            if status == PAUSED and count < _HALF_BLOCK // 2:
                continue
            if count:
                yield _Block(
                    output.patterns[:count].copy(),
                    output.witnesses[:count].copy(),
                    self._input_facets(output, count) if facets else None,
                )
                walker.control[N_EMITTED] = 0

    def _input_facets(self, output: Output, count: int) -> list[NDArray[np.int64]]:
        assert self.geometry is not None
        starts = output.facet_starts[: count + 1]
        rows = self.geometry.input_rows(output.facets[: starts[-1]])
        kept = np.concatenate([[0], np.cumsum(rows >= 0)])
        rows = rows[rows >= 0]
        return np.split(rows, kept[starts[1:-1]])

    def with_antipodes(self, half: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Put each chamber's antipode right after it."""
        if not self.has_antipodes:
            return half[:, : self.width]
        both = np.empty((2 * half.shape[0], half.shape[1]), dtype=np.uint64)
        both[0::2] = half
        np.bitwise_xor(half, self.complement, out=both[1::2])
        return both

    def pattern_set(self, packed: NDArray[np.uint64], **known: Any) -> PatternSet:
        return PatternSet(
            packed,
            self.arrangement.n_hyperplanes,
            self.arrangement.rank,
            self.bound,
            plan=self.text,
            arrangement=self.arrangement,
            provider=self.geometry or PointGeometry(self.arrangement),
            **known,
        )


def iter_patterns(
    X: Arrangement | ArrayLike | Any,
    *,
    block_size: int = 1 << 15,
    offsets: ArrayLike | None = None,
    rank: str | int = "exact",
    floats: str = "binary",
    facets: bool = False,
    progress: Progress | None = None,
) -> Iterator[PatternSet]:
    """Yield all sign patterns of a matrix in blocks, in the order of `PatternSet`.

    Memory holds one block and the stack of the walk, whatever the total.  Blocks
    carry no proof (``proof is None``); `enumerate_patterns` proves a whole list.

    Parameters
    ----------
    X, offsets, rank, floats
        As in `enumerate_patterns`.
    block_size : int
        Patterns a block, at least 1; the last block may be shorter.
    facets : bool
        Keep the facets found on the way, so that ``block.facets()`` costs nothing.
    progress : callable, optional
        Called as ``progress(patterns_so_far, bound)`` after each block.

    Yields
    ------
    PatternSet

    Examples
    --------
    >>> [len(block) for block in iter_patterns([[1, 0], [0, 1]], block_size=3)]
    [3, 1]
    """
    if isinstance(block_size, bool) or not isinstance(block_size, (int, np.integer)):
        raise InputTypeError(f"block_size={block_size!r}; expected an int >= 1.")
    if block_size < 1:
        raise InputError(f"block_size={block_size}; expected at least 1.")
    plan = _Plan(Arrangement.coerce(X, offsets=offsets, rank=rank, floats=floats))
    return _rebuffer(plan, int(block_size), facets, progress)


def _rebuffer(
    plan: _Plan, block_size: int, facets: bool, progress: Progress | None
) -> Iterator[PatternSet]:
    waiting = np.zeros((0, plan.width), dtype=np.uint64)
    known: list[NDArray[np.int64]] = []
    done = 0
    for block in plan.blocks(witnesses=False, facets=facets):
        both = plan.with_antipodes(block.patterns)
        waiting = np.concatenate([waiting, both]) if len(waiting) else both
        if block.facets is not None:
            repeat = 2 if plan.has_antipodes else 1
            known.extend(f for f in block.facets for _ in range(repeat))
        begin = 0
        while len(waiting) - begin >= block_size:
            end = begin + block_size
            done += block_size
            yield plan.pattern_set(
                waiting[begin:end].copy(),
                known_facets=known[begin:end] if facets else None,
            )
            begin = end
            if progress is not None:
                progress(done, plan.bound)
        waiting, known = waiting[begin:], known[begin:]
    if len(waiting):
        yield plan.pattern_set(waiting.copy(), known_facets=known if facets else None)
        if progress is not None:
            progress(done + len(waiting), plan.bound)


def enumerate_patterns(
    X: Arrangement | ArrayLike | Any,
    *,
    offsets: ArrayLike | None = None,
    rank: str | int = "exact",
    floats: str = "binary",
    n_jobs: int = 1,
    prove: bool = True,
    max_bytes: int | None = None,
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
        Threads; only 1 is available.
    prove : bool
        Prove completeness (`Proof`): every witness decided exactly, no pattern
        twice, and as many as an independent count (or Cover's bound) says.
    max_bytes : int, optional
        Most bytes the packed list may take; half of the free memory by default.
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
    IncompleteListingError
        When the proof fails (a defect of the program; please report it).
    InputError, InputTypeError
        As `Arrangement`.

    Notes
    -----
    O(n**r) time (Cover 1965; Zaslavsky 1975, Theorem A); see the module's docstring.

    Examples
    --------
    >>> patterns = enumerate_patterns([[1, 0], [0, 1], [1, 1]])
    >>> len(patterns), patterns.bound
    (6, 6)
    >>> patterns.to_bool()[:2].astype(int).tolist()
    [[1, 1, 1], [0, 0, 0]]
    """
    if n_jobs != 1:
        raise InputError(f"n_jobs={n_jobs!r}; only n_jobs=1 is available.")
    if max_bytes is not None and (
        isinstance(max_bytes, bool)
        or not isinstance(max_bytes, (int, np.integer))
        or max_bytes < 0
    ):
        raise InputError(f"max_bytes={max_bytes!r}; expected an int >= 0, in bytes.")
    arrangement = Arrangement.coerce(X, offsets=offsets, rank=rank, floats=floats)
    plan = _Plan(arrangement)
    capacity = _capacity(plan, max_bytes)
    packed = np.empty((capacity, plan.width), dtype=np.uint64)
    prover = Prover(arrangement) if prove else None
    count = 0
    shifts = () if plan.layout is None else tuple(plan.layout.rows.shifts.tolist())
    for block in plan.blocks(witnesses=prove, facets=False):
        if prover is not None:
            prover.add(block.patterns[:, : plan.width], block.witnesses, shifts)
        both = plan.with_antipodes(block.patterns)
        if count + len(both) > capacity:
            raise ArrangementError(
                f"more than {capacity} patterns were listed, which an independent "
                "bound excludes. Please report the matrix."
            )
        packed[count : count + len(both)] = both
        count += len(both)
        if progress is not None:
            progress(count, plan.bound)
    # gives the unused tail back without a copy (nothing else refers to it)
    packed.resize((count, plan.width), refcheck=False)
    proof = None if prover is None else prover.conclude()
    return plan.pattern_set(packed, proof=proof)


def _capacity(plan: _Plan, max_bytes: int | None) -> int:
    """Rows to allocate: the bound if it fits, else the exact count; else refuse."""
    allowed = _free_bytes() // 2 if max_bytes is None else int(max_bytes)
    row_bytes = 8 * max(plan.width, 1)
    most = allowed // row_bytes
    if plan.bound <= most:
        return plan.bound
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


def _free_bytes() -> int:
    """Bytes of memory available now (8 GiB where the system does not say)."""
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 1 << 33
