"""What to list and how: the planner, and its blocks of chambers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels.state import DONE, MOVING, N_EMITTED, PAUSED
from arrangement.counting import cover_bound
from arrangement.errors import ArrangementError, InputError, InputTypeError
from arrangement.listing.cells import CellGeometry, PointGeometry, Walker, make_layout
from arrangement.listing.prefixes import sign_prefixes
from arrangement.listing.threads import IsLate, never, results_in_order
from arrangement.listing.vertices import VertexWalker, is_nearly_generic, table_bytes
from arrangement.model import Arrangement, PatternSet, pack

# what `required_signs` returns when no chamber can have them
CONTRADICTION: dict[int, int] = {}

# of a block: its patterns, points, exponents of their coordinates, and rows at vertices
Check = Callable[..., Any]

# with fewer chambers than this nothing is gained by listing vertices
_FEW = 4096
# most memory for the tables of a listing by vertices
_TABLE_BYTES = 1 << 30
# most patterns a block
BLOCK = 1 << 15
# a block that is used again and again stays in the cache: most bytes, fewest patterns
_BLOCK_BYTES = 1 << 21
_LEAST_BLOCK = 1 << 10
# chambers that one piece of a parallel listing should have
_PIECE = 7 << 10


class _Room:
    """What a walk writes into, one block at a time; used again by the next one.

    Touching new memory is what a short list, and threads, wait for.
    """

    def __init__(
        self, plan: Plan, step: int, check: Check | None, *, facets: bool
    ) -> None:
        layout = plan.layout
        assert layout is not None
        chambers = plan.block // step
        n_points = 0 if check is None else chambers
        self.points = np.zeros((n_points, layout.rank))
        self.bases = np.zeros((n_points, layout.rank - 1), dtype=np.int64)
        self.starts = np.zeros(chambers + 1 if facets else 0, dtype=np.int64)
        room = chambers * 2 * layout.rank + layout.input_row.size + 4096
        self.places = np.zeros(room if facets else 0, dtype=np.int64)


@dataclass(frozen=True)
class Block:
    """Chambers in order, each followed by its antipode where the list has both.

    ``patterns`` may be a view that the next block overwrites; facets are repeated for
    antipodes; ``checked`` is what the check of the block returned.  A block without
    patterns only says that the walk goes on, so that limits can be looked at.
    """

    patterns: NDArray[np.uint64]
    facets: list[NDArray[np.int64]] | None
    checked: Any


class Plan:
    """What to list and how; shared by the stream and the eager form.

    A nearly generic arrangement is listed by vertices, any other by cells; so are
    facets, required signs and whatever needs the order of signs.
    """

    def __init__(self, arrangement: Arrangement, *, by_cells: bool = False) -> None:
        self.arrangement = arrangement
        cone = arrangement.cone
        self.is_single = cone.rank == 0 or (not cone.rows)
        self.step = 2 if arrangement.is_central and not self.is_single else 1
        self.layout = None if cone.rank == 0 else make_layout(arrangement)
        extra = cone.infinity is not None
        full = cover_bound(len(cone.rows) + extra, cone.rank)
        self.bound = full // 2 if extra else full
        self.width = -(-arrangement.n_hyperplanes // 64)
        row_bytes = 8 * max(self.width, 1)
        # even, so that a chamber and its antipode are never parted
        self.block = min(BLOCK, max(_BLOCK_BYTES // row_bytes & ~1, _LEAST_BLOCK))
        self.by_vertices = (
            not by_cells
            and self.layout is not None
            and self.bound >= _FEW
            and self.layout.rank >= 2
            and table_bytes(self.layout.n_rows, self.layout.rank) <= _TABLE_BYTES
            and is_nearly_generic(arrangement)
        )
        self.geometry = (
            None if self.layout is None else CellGeometry(arrangement, self.layout)
        )

    @property
    def text(self) -> str:
        """The way and the arithmetic, in words."""
        if self.layout is None:
            return "one chamber: no hyperplanes"
        what = "float64 projection; " if self.arrangement.is_projected else ""
        if self.by_vertices:
            return (
                f"{what}simple vertices (a sample of them was simple); float64 filter, "
                "integers in doubt"
            )
        return f"{what}depth-first cells; {self.layout.arithmetic}"

    def blocks(
        self,
        target: NDArray[np.uint64] | None = None,
        *,
        check: Check | None = None,
        facets: bool = False,
        n_jobs: int = 1,
        where: dict[int, int] | None = None,
        is_late: IsLate = never,
    ) -> Iterator[Block]:
        """Yield chambers in blocks, written one after another into ``target``.

        ``target`` (at least as many rows as there are patterns, words) is a buffer of
        one block, used again and again, when omitted.  ``check`` is called with each
        block, its witness candidates and the exponents of their coordinates; in a list
        by vertices also with the rows there.
        ``where`` requires signs of places; then antipodes come after all chambers.
        Once ``is_late()``, short blocks with what there is come soon.
        """
        if self.layout is None:
            yield self._one_chamber(target, facets, check)
        elif n_jobs > 1:
            yield from self._parallel(target, check, facets, n_jobs, where, is_late)
        elif where is not None:
            for walker, turn in self._walkers_where(where):
                yield from self._run(
                    walker, None, check, facets, turn=turn, is_late=is_late
                )
        else:
            yield from self._run(
                self._walker(facets), target, check, facets, is_late=is_late
            )

    def blocks_at(self, signs: NDArray[np.int8]) -> Iterator[Block]:
        """Yield the chambers with these signs of places (of row 0: positive)."""
        assert self.layout is not None
        walker, _ = _at_prefix(self.layout, self.step, signs, [])
        return self._run(walker, None, None, False)

    def _walker(self, facets: bool) -> Walker | VertexWalker:
        assert self.layout is not None
        if self.by_vertices and not facets:
            return VertexWalker(
                self.arrangement, self.layout, step=self.step, prepare=False
            )
        return Walker(self.layout, step=self.step)

    def _walkers_where(self, where: dict[int, int]) -> Iterator[tuple[Walker, bool]]:
        """Walkers over the chambers with these signs, and whether to turn them."""
        assert self.layout is not None
        for turn in (False, True)[: self.step]:
            signs = np.zeros(self.layout.input_row.size, dtype=np.int8)
            for place, side in where.items():
                signs[place] = -side if turn else side
            walker = Walker(self.layout)
            walker.require(signs)
            yield walker, turn

    def _run(
        self,
        walker: Walker | VertexWalker,
        target: NDArray[np.uint64] | None,
        check: Check | None,
        facets: bool,
        *,
        turn: bool = False,
        new_buffer: Callable[[], NDArray[np.uint64]] | None = None,
        room: _Room | None = None,
        is_late: IsLate = never,
    ) -> Iterator[Block]:
        """Yield the blocks of one walker, each in a new buffer where one is given."""
        assert self.layout is not None
        step = walker.step
        if room is None:
            room = _Room(self, step, check, facets=facets)
        points, bases = room.points, room.bases
        starts, places = room.starts, room.places
        if new_buffer is not None:
            buffer = new_buffer()
        else:
            buffer = self._buffer() if target is None else target
        begin = 0
        status = PAUSED
        while status != DONE:
            block = buffer[begin : begin + self.block]
            is_spare = len(block) < step
            if is_spare:
                # the target is full, but what is left may open no chamber
                block = np.zeros((step, buffer.shape[1]), dtype=np.uint64)
            if isinstance(walker, VertexWalker):
                status = walker.advance(block, points, bases)
            else:
                status = walker.advance(block, points, starts, places)
            count = int(walker.control[N_EMITTED])
            is_short = count < self.block // 2
            if status == PAUSED and is_short and not (count and is_late()):
                yield self._no_news()
                continue
            if count and is_spare:
                raise _too_many(begin)
            if count:
                patterns = block[:count, : self.width]
                if turn:
                    patterns = patterns ^ self.layout.outside[MOVING, : self.width]
                half = count // step
                checked = None
                if check is not None:
                    found = [patterns, points[:half], walker.shifts]
                    if isinstance(walker, VertexWalker):
                        found.append(bases[:half])
                    checked = check(*found)
                rows = None
                if facets:
                    rows = self._input_facets(starts[: half + 1], places, step)
                yield Block(patterns, rows, checked)
                walker.control[N_EMITTED] = 0
                if target is not None:
                    begin += count
                elif new_buffer is not None and status != DONE:
                    buffer = new_buffer()

    def _parallel(
        self,
        target: NDArray[np.uint64] | None,
        check: Check | None,
        facets: bool,
        n_jobs: int,
        where: dict[int, int] | None,
        is_late: IsLate,
    ) -> Iterator[Block]:
        """Yield the same blocks' contents from threads, a few pieces ahead."""
        # touching new memory is what threads wait for: it is used again
        spare: list[NDArray[np.uint64]] = []
        rooms: list[_Room] = []
        idle: list[Walker] = []

        def work(
            start: Callable[[], tuple[Any, bool]], is_halted: IsLate
        ) -> tuple[list[Block], list[NDArray[np.uint64]]]:
            walker, turn = start()
            used: list[NDArray[np.uint64]] = []

            def new_buffer() -> NDArray[np.uint64]:
                used.append(_taken(spare, self._buffer))
                return used[-1]

            new_room = partial(_Room, self, walker.step, check, facets=facets)
            room = _taken(rooms, new_room)
            run = self._run(
                walker, None, check, facets, turn=turn, new_buffer=new_buffer,
                room=room, is_late=is_halted,
            )  # fmt: skip
            blocks = []
            for block in run:
                if len(block.patterns):
                    blocks.append(block)
                if is_halted():
                    return blocks, used
            rooms.append(room)
            if isinstance(walker, Walker):
                idle.append(walker)
            return blocks, used

        vertices = None if where is not None else self._walker(facets)
        if not isinstance(vertices, VertexWalker):
            vertices = None
        else:
            for _ in vertices.preparation:
                yield self._no_news()
        begin = 0
        pieces = self._pieces(vertices, n_jobs, where, idle)
        for result in results_in_order(work, pieces, n_jobs, is_late):
            if result is None:
                yield self._no_news()
                continue
            blocks, used = result
            for block in blocks:
                if target is not None:
                    end = begin + len(block.patterns)
                    if end > len(target):
                        raise _too_many(len(target))
                    target[begin:end] = block.patterns
                    begin = end
                yield block
            spare.extend(used)

    def _no_news(self) -> Block:
        return Block(np.zeros((0, self.width), dtype=np.uint64), None, None)

    def _buffer(self) -> NDArray[np.uint64]:
        return np.empty((self.block, max(self.width, 1)), dtype=np.uint64)

    def _pieces(
        self,
        vertices: VertexWalker | None,
        n_jobs: int,
        where: dict[int, int] | None,
        idle: list[Walker],
    ) -> Iterator[Callable[[], tuple[Any, bool]]]:
        """Independent walks whose chambers, one after another, are those asked for.

        Walkers that are ``idle`` are used again.
        """
        if vertices is not None:
            least = min(_PIECE, self.bound // (8 * n_jobs * self.step))
            for piece in vertices.pieces(least):
                yield partial(_ready, piece, False)
            return
        assert self.layout is not None
        if where is not None:
            for walker_where, turn in self._walkers_where(where):
                yield partial(_ready, walker_where, turn)
            return
        for signs in sign_prefixes(
            self.arrangement, self.layout, 8 * n_jobs, size=_PIECE
        ):
            yield partial(_at_prefix, self.layout, self.step, signs, idle)

    def _one_chamber(
        self, target: NDArray[np.uint64] | None, facets: bool, check: Check | None
    ) -> Block:
        patterns = np.zeros((1, self.width), np.uint64) if target is None else target
        patterns[:1] = pack(self.arrangement.constant_bits[None])
        none = np.zeros(0, dtype=np.int64)
        checked = None if check is None else check(patterns[:1], np.zeros((1, 0)), ())
        return Block(patterns[:1], [none] if facets else None, checked)

    def _input_facets(
        self, starts: NDArray[np.int64], places: NDArray[np.int64], step: int
    ) -> list[NDArray[np.int64]]:
        assert self.geometry is not None
        rows = self.geometry.input_rows(places[: starts[-1]])
        kept = np.concatenate([[0], np.cumsum(rows >= 0)])
        rows = rows[rows >= 0]
        chambers = np.split(rows, kept[starts[1:-1]])
        return [facets for facets in chambers for _ in range(step)]

    def pattern_set(self, packed: NDArray[np.uint64], **known: Any) -> PatternSet:
        """Wrap patterns of this arrangement."""
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


def required_signs(plan: Plan, where: Mapping[int, int]) -> dict[int, int]:
    """Signs of places from signs of input rows, or CONTRADICTION itself.

    Raises
    ------
    InputError
        A row that is not there, or a sign other than -1 or 1.
    InputTypeError
        ``where`` is no mapping.
    """
    if not isinstance(where, Mapping):
        raise InputTypeError(
            f"where={where!r}; expected a mapping of rows to signs, such as {{0: -1}}."
        )
    arrangement = plan.arrangement
    n = arrangement.n_hyperplanes
    required: dict[int, int] = {}
    possible = True
    for row, sign in where.items():
        if isinstance(row, bool) or not isinstance(row, (int, np.integer)):
            raise InputError(f"where has the key {row!r}; expected the index of a row.")
        if not 0 <= row < n:
            raise InputError(f"where names row {row}; expected 0 <= row < {n}.")
        is_number = isinstance(sign, (int, np.integer)) and not isinstance(sign, bool)
        if not is_number or sign not in (-1, 1):
            raise InputError(f"where[{row}] is {sign!r}; expected -1 or 1.")
        index = int(arrangement.class_of[row])
        if index < 0:
            possible &= bool(arrangement.constant_bits[row]) == (sign > 0)
            continue
        assert plan.layout is not None
        place = int(plan.layout.places[index])
        side = int(sign) * int(arrangement.orientation[row])
        possible &= required.setdefault(place, side) == side
    return dict(required) if possible else CONTRADICTION


def _ready(walker: Any, turn: bool) -> tuple[Any, bool]:
    return walker, turn


def _taken(spare: list[Any], make: Callable[[], Any]) -> Any:
    """Take what is spare, or make one; threads may share the list."""
    try:
        return spare.pop()
    except IndexError:
        return make()


def _at_prefix(
    layout: Any, step: int, signs: NDArray[np.int8], idle: list[Walker]
) -> tuple[Any, bool]:
    walker = _taken(idle, partial(Walker, layout, step=step))
    walker.require(signs)
    return walker, False


def _too_many(count: int) -> ArrangementError:
    return ArrangementError(
        f"more than {count} patterns were listed, which an independent bound excludes. "
        "Please report the matrix."
    )
