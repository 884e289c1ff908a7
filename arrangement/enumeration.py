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

from arrangement._kernels.state import BLOCK_FULL, DONE, N_EMITTED, PAUSED
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
from arrangement.patterns import PatternSet, pack
from arrangement.verification import Prover
from arrangement.vertices import VertexWalker, is_nearly_generic
from arrangement.walker import Walker

Progress = Callable[[int, int], object]

# with fewer chambers than this nothing is gained by listing vertices
_FEW = 4096
# patterns a block; even, so that a chamber and its antipode are never parted
_BLOCK = 1 << 15
# restrictions visited before a listing is refused: about ten seconds at high rank
_COUNT_BUDGET = 4 * 10**6


@dataclass(frozen=True)
class _Block:
    """Chambers in order, each followed by its antipode where the list has both.

    ``patterns`` and ``witnesses`` are views that the next block overwrites; witness
    candidates and facets are those of one chamber of each pair.
    """

    patterns: NDArray[np.uint64]
    witnesses: NDArray[np.float64]
    facets: list[NDArray[np.int64]] | None


class _Plan:
    """What to list and how; shared by the stream and the eager form."""

    def __init__(self, arrangement: Arrangement) -> None:
        self.arrangement = arrangement
        cone = arrangement.cone
        self.is_single = cone.rank == 0 or (not cone.rows)
        self.step = 2 if arrangement.is_central and not self.is_single else 1
        self.layout = None if cone.rank == 0 else make_layout(arrangement)
        extra = cone.infinity is not None
        full = cover_bound(len(cone.rows) + extra, cone.rank)
        self.bound = full // 2 if extra else full
        self.shifts: tuple[int, ...] = ()
        self.width = -(-arrangement.n_hyperplanes // 64)
        self.by_vertices = (
            self.layout is not None
            and self.bound >= _FEW
            and self.layout.rank >= 2
            and is_nearly_generic(arrangement)
        )
        self.geometry = (
            None if self.layout is None else CellGeometry(arrangement, self.layout)
        )

    @property
    def text(self) -> str:
        if self.layout is None:
            return "one chamber: no hyperplanes"
        what = "float64 projection; " if self.arrangement.is_projected else ""
        if self.by_vertices:
            return (
                f"{what}simple vertices (a sample was generic); float64 filter, "
                "integers in doubt"
            )
        return f"{what}depth-first cells; {self.layout.arithmetic}"

    def blocks(
        self,
        target: NDArray[np.uint64] | None = None,
        *,
        witnesses: bool = False,
        facets: bool = False,
    ) -> Iterator[_Block]:
        """Yield all chambers in blocks, written one after another into ``target``.

        ``target`` (at least as many rows as there are patterns, words) is a buffer of
        one block, used again and again, when omitted.
        """
        if self.layout is None:
            yield self._one_chamber(target, facets)
            return
        walker: Walker | VertexWalker = Walker(self.layout, step=self.step)
        if self.by_vertices and not facets:
            walker = VertexWalker(self.arrangement, self.layout, step=self.step)
        self.shifts = walker.shifts
        chambers = _BLOCK // self.step
        points = np.zeros((chambers if witnesses else 0, self.layout.rank))
        starts = np.zeros(chambers + 1 if facets else 0, dtype=np.int64)
        room = chambers * 2 * self.layout.rank + self.layout.input_row.size + 4096
        places = np.zeros(room if facets else 0, dtype=np.int64)
        buffer = (
            np.zeros((_BLOCK, max(self.width, 1)), dtype=np.uint64)
            if target is None
            else target
        )
        begin = 0
        status = PAUSED
        while status != DONE:
            block = buffer[begin : begin + _BLOCK]
            if isinstance(walker, VertexWalker):
                status = walker.advance(block, points)
            else:
                status = walker.advance(block, points, starts, places)
            count = int(walker.control[N_EMITTED])
            if status == PAUSED and count < _BLOCK // 2:
                continue
            if count:
                half = count // self.step
                yield _Block(
                    block[:count, : self.width],
                    points[:half],
                    self._input_facets(starts[: half + 1], places) if facets else None,
                )
                walker.control[N_EMITTED] = 0
                if target is not None:
                    begin += count
            elif status == BLOCK_FULL:
                raise ArrangementError(
                    f"more than {begin} patterns were listed, which an independent "
                    "bound excludes. Please report the matrix."
                )

    def _one_chamber(self, target: NDArray[np.uint64] | None, facets: bool) -> _Block:
        patterns = np.zeros((1, self.width), np.uint64) if target is None else target
        patterns[:1] = pack(self.arrangement.constant_bits[None])
        none = np.zeros(0, dtype=np.int64)
        return _Block(patterns[:1], np.zeros((1, 0)), [none] if facets else None)

    def _input_facets(
        self, starts: NDArray[np.int64], places: NDArray[np.int64]
    ) -> list[NDArray[np.int64]]:
        assert self.geometry is not None
        rows = self.geometry.input_rows(places[: starts[-1]])
        kept = np.concatenate([[0], np.cumsum(rows >= 0)])
        rows = rows[rows >= 0]
        chambers = np.split(rows, kept[starts[1:-1]])
        return [facets for facets in chambers for _ in range(self.step)]

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
    for block in plan.blocks(facets=facets):
        waiting = np.concatenate([waiting, block.patterns])
        if block.facets is not None:
            known.extend(block.facets)
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
    if isinstance(n_jobs, bool) or n_jobs != 1:
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
    prover = Prover(arrangement, is_ordered=not plan.by_vertices) if prove else None
    count = 0
    for block in plan.blocks(packed, witnesses=prove):
        if prover is not None:
            prover.add(block.patterns, block.witnesses, plan.shifts)
        count += len(block.patterns)
        if progress is not None:
            progress(count, plan.bound)
    # gives the unused tail back without a copy (nothing else refers to it)
    packed.resize((count, plan.width), refcheck=False)
    proof = None if prover is None else prover.conclude(packed)
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
