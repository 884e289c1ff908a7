"""What to list and how: the planner."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arrangement.counting import cover_bound
from arrangement.errors import InputError, InputTypeError
from arrangement.listing.cells import CellGeometry, PointGeometry, make_layout
from arrangement.listing.listers import PIECE, CellLister, Lister, VertexLister
from arrangement.listing.vertices import is_nearly_generic, table_bytes
from arrangement.model import Arrangement, PatternSet
from arrangement.options import block_rows

# what `required_signs` returns when no chamber can have them
CONTRADICTION: dict[int, int] = {}

# with fewer chambers than this nothing is gained by listing vertices
FEW = 4096
# most memory for the tables of a listing by vertices
_TABLE_BYTES = 1 << 30
# most patterns a block
BLOCK = 1 << 15
# a block that is used again and again stays in the cache: most bytes, fewest patterns
_CACHE_BYTES = 1 << 21
_LEAST_BLOCK = 1 << 10


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
        self.bound = chamber_bound(
            len(cone.rows), cone.rank, is_central=cone.infinity is None
        )
        self.width = -(-arrangement.n_hyperplanes // 64)
        row_bytes = 8 * max(self.width, 1)
        # what a stream yields unless another size is asked for, and what is written in
        # one go, of which there may be fewer
        most = min(BLOCK, max(_CACHE_BYTES // row_bytes, _LEAST_BLOCK))
        self.stream_block = block_rows(most, row_bytes)
        self.block = block_rows(min(most, self.bound + 1), row_bytes)
        # chambers that a thread lists by itself: some of these wait for one another
        self.piece = block_rows(PIECE, self.step * row_bytes)
        self.by_vertices = not by_cells and is_by_vertices(arrangement, self.bound)
        self.geometry = (
            None if self.layout is None else CellGeometry(arrangement, self.layout)
        )

    @cached_property
    def text(self) -> str:
        """The way and the arithmetic, in words; stores know the order by it."""
        if self.layout is None:
            return "one chamber: no hyperplanes"
        what = "float64 projection; " if self.arrangement.is_projected else ""
        if self.by_vertices:
            return (
                f"{what}simple vertices (a sample of them was simple); float64 filter, "
                "integers in doubt; any other vertex with its last rows"
            )
        return f"{what}depth-first cells; {self.layout.arithmetic}"

    def lister(
        self, *, facets: bool = False, where: Mapping[int, int] | None = None
    ) -> Lister | None:
        """Return what lists the chambers, or None where there is only one.

        ``where`` requires signs of places.
        """
        if self.layout is None:
            return None
        if self.by_vertices and where is None and not facets:
            return VertexLister(
                self.arrangement,
                self.layout,
                step=self.step,
                bound=self.bound,
                piece=self.piece,
            )
        return self.cell_lister(where)

    def cell_lister(self, where: Mapping[int, int] | None = None) -> CellLister:
        """Return what lists the chambers by cells, in the order of signs."""
        assert self.layout is not None
        return CellLister(self.layout, step=self.step, where=where)

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


def chamber_bound(n_rows: int, rank: int, *, is_central: bool) -> int:
    """Return the most chambers of distinct hyperplanes, in a cone of a rank."""
    if is_central:
        return cover_bound(n_rows, rank)
    # half of those with infinity as one more
    return cover_bound(n_rows + 1, rank) // 2


def is_by_vertices(arrangement: Arrangement, bound: int) -> bool:
    """Whether chambers, at most ``bound``, are listed by vertices if nothing forbids.

    Where the rank is 0 there is one chamber, so that the bound says no.
    """
    cone = arrangement.cone
    return (
        bound >= FEW
        and cone.rank >= 2
        and table_bytes(len(cone.lines), cone.rank) <= _TABLE_BYTES
        and is_nearly_generic(arrangement)
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
