"""The two ways to list behind one protocol: by cells, and by vertices.

A lister makes walks; a walk writes chambers into arrays, in bounded steps.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels.state import Output
from arrangement.listing.cells import Layout, Rest, Walker, new_output
from arrangement.listing.shares import SignShare, sign_shares
from arrangement.listing.vertices import Box, VertexWalker
from arrangement.listing.waiting import Growth
from arrangement.model import Arrangement

# what is listed of one piece: small to pickle, the same in every process
Share = SignShare | tuple[Box, ...]

# chambers that a piece by vertices should have: where they are short, as what is copied
# should stay in the cache; and where they are written in place
PIECE, _IN_PLACE = 7 << 10, 56 << 10
# pieces a thread, at least: they are never of quite the same size
_PIECES_A_JOB = 8
# cells of so many chambers are not left: they are listed sooner than begun elsewhere
_FEW = 1 << 10
# chambers that a walk by cells comes to before it leaves a part, but for the size of a
# block
_GROWTH = Growth(1 << 12, 8, 1 << 62)


class Walk(Protocol):
    """A listing that stops and goes on anywhere.

    ``step`` is 2 where antipodes follow their chambers, ``shifts`` the exponents of the
    coordinates of points; where ``is_turned``, the antipodes of what is written are
    meant.  ``n_written`` are the patterns in the output: the next goes after them, and
    setting it to 0 begins a new one.
    """

    step: int
    is_turned: bool
    n_written: int

    @property
    def shifts(self) -> Sequence[int]:
        """Exponents of the coordinates of points."""

    def advance(self, output: Output) -> int:
        """Fill the output: DONE, BLOCK_FULL, or PAUSED after bounded work."""


@dataclass(frozen=True)
class Start:
    """A piece of a listing that is to be begun: what makes a walk over it.

    A piece and those before it together have as many patterns as the sum of their
    ``most``, or fewer; None where that is not known.
    """

    walk: Callable[[], Walk]
    most: int | None = None


class Lister(Protocol):
    """A way to list, for one arrangement and one set of required signs."""

    def output(self, n_chambers: int, *, points: bool, facets: bool) -> Output:
        """Make the arrays that a walk writes into, but for the patterns."""

    def walks(self) -> Iterator[Walk]:
        """Yield walks that list everything, one after another."""

    def prepare(self) -> Iterator[None]:
        """Do in bounded steps what comes before the first of the pieces."""

    def pieces(self, n_jobs: int, *, in_place: bool = False) -> Iterator[Start]:
        """Yield independent pieces: the same list, in more walks.

        ``in_place``: they may be written where they stay.
        """

    def block(self, begun: int) -> int:
        """Return the most patterns of a block, after which a walk may leave a part.

        ``begun`` pieces were begun before this one.
        """

    def leave(self, walk: Walk) -> Start | None:
        """Have a walk leave its last part, if it can; return that."""

    def take_back(self, walk: Walk) -> None:
        """Take a walk that has come to its end, to be used again."""

    def shares(self, wanted: int) -> list[Share]:
        """Split the list into about ``wanted`` shares of even work, in order."""

    def walks_of(self, share: Share) -> Iterator[Walk]:
        """Yield the walks that list a share, one after another."""


class CellLister:
    """Lists by cells, in the order of signs, with facets where they are asked for.

    ``where`` requires signs of places; antipodes then come after all chambers.
    """

    def __init__(
        self,
        layout: Layout,
        *,
        step: int,
        where: Mapping[int, int] | None = None,
    ) -> None:
        self._layout = layout
        self._step = step
        self._where = where
        # of threads too: what is appended and popped is never lost
        self._idle: deque[Walker] = deque()

    def output(self, n_chambers: int, *, points: bool, facets: bool) -> Output:
        """Make the arrays that a walk writes into (see `Lister`)."""
        layout = self._layout
        room = n_chambers * 2 * layout.rank + layout.input_row.size + 4096
        return new_output(
            layout,
            n_points=n_chambers if points else 0,
            n_facets=n_chambers if facets else 0,
            room=room if facets else 0,
        )

    def walks(self) -> Iterator[Walk]:
        """Yield walks that list everything, one after another."""
        for start in self.pieces(1):
            yield start.walk()

    def _regions(
        self, where: Mapping[int, int]
    ) -> Iterator[tuple[NDArray[np.int8], bool]]:
        """Yield signs of places, and then those of what antipodes are listed of."""
        for is_turned in (False, True)[: self._step]:
            signs = np.zeros(self._layout.input_row.size, dtype=np.int8)
            for place, side in where.items():
                signs[place] = -side if is_turned else side
            yield signs, is_turned

    def prepare(self) -> Iterator[None]:
        """There is nothing to do before the first piece."""
        return iter(())

    def pieces(self, n_jobs: int, *, in_place: bool = False) -> Iterator[Start]:
        """Yield one piece, or both parts of what is required; they leave the others."""
        if self._where is None:
            yield Start(self.all)
            return
        for signs, is_turned in self._regions(self._where):
            yield Start(partial(self.at, signs, is_turned))

    def all(self) -> Walker:
        """Return a walk over all chambers."""
        return self.at(np.zeros(self._layout.input_row.size, dtype=np.int8))

    def at(self, signs: NDArray[np.int8], is_turned: bool = False) -> Walker:
        """Return a walk over the chambers with these signs of places (0: any)."""
        walker = self._walker(is_turned)
        walker.require(signs)
        return walker

    def block(self, begun: int) -> int:
        """Return few at first, so that there is soon work for everyone."""
        return self._step * _GROWTH.after(begun)

    def leave(self, walk: Walk) -> Start | None:
        """Have a walk leave half of what waits, unless it is small."""
        assert isinstance(walk, Walker)
        rest = walk.leave(_FEW)
        if rest is None:
            return None
        return Start(partial(self.taken_up, rest, walk.is_turned))

    def taken_up(self, rest: Rest, is_turned: bool = False) -> Walker:
        """Return a walk over what another walk left."""
        walker = self._walker(is_turned)
        walker.take_up(rest)
        return walker

    def _walker(self, is_turned: bool) -> Walker:
        """Return one that has come to its end, or a new one."""
        try:
            walker = self._idle.pop()
        except IndexError:
            step = self._step if self._where is None else 1
            walker = Walker(self._layout, step=step)
        walker.is_turned = is_turned
        return walker

    def take_back(self, walk: Walk) -> None:
        """Keep the arrays of a walk: touching new memory is what threads wait for."""
        assert isinstance(walk, Walker)
        self._idle.append(walk)

    def shares(self, wanted: int) -> list[Share]:
        """Split the list into prefixes of signs (see `sign_shares`)."""
        return [*sign_shares(self._layout, wanted)]

    def walks_of(self, share: Share) -> Iterator[Walk]:
        """Yield a walk over each prefix of the share."""
        assert isinstance(share, SignShare)
        for prefix in share.signs:
            walk = self.at(share.at_places(prefix, self._layout.input_row.size))
            yield walk
            self.take_back(walk)


class VertexLister:
    """Lists by vertices; ``bound`` is the most chambers that there can be.

    ``piece`` is how many chambers one of the pieces should have.
    """

    def __init__(
        self,
        arrangement: Arrangement,
        layout: Layout,
        *,
        step: int,
        bound: int,
        piece: int = PIECE,
    ) -> None:
        self._piece = piece
        self._layout = layout
        self._step = step
        self._bound = bound
        self._walker = VertexWalker(arrangement, layout, step=step, prepare=False)

    def output(self, n_chambers: int, *, points: bool, facets: bool) -> Output:
        """Make the arrays that a walk writes into (see `Lister`): no facets."""
        n_points = n_chambers if points else 0
        return new_output(self._layout, n_points=n_points, n_bases=n_points)

    def walks(self) -> Iterator[Walk]:
        """Yield the one walk; it fills its tables as it goes."""
        yield self._walker

    def prepare(self) -> Iterator[None]:
        """Fill the tables that the pieces share."""
        return self._walker.preparation

    def pieces(self, n_jobs: int, *, in_place: bool = False) -> Iterator[Start]:
        """Yield ranges of vertices.  These open no more chambers than there are sets.

        (See `Decisions`.)
        """
        piece = _IN_PLACE if in_place else self._piece
        least = min(piece, self._bound // (_PIECES_A_JOB * n_jobs * self._step))
        for n_sets, walk in self._walker.pieces(max(least, 1)):
            yield Start(walk, self._step * n_sets)

    def block(self, begun: int) -> int:
        """Return more than there are."""
        return self._step * self._bound

    def leave(self, walk: Walk) -> None:
        """Leave nothing: the pieces are even."""

    def take_back(self, walk: Walk) -> None:
        """Let it go: a piece is made anew from the walker that was prepared."""

    def shares(self, wanted: int) -> list[Share]:
        """Split the list into ranges of sets of rows (see `even_boxes`)."""
        return [*self._walker.boxes(wanted)]

    def walks_of(self, share: Share) -> Iterator[Walk]:
        """Yield a walk over each box of the share."""
        assert not isinstance(share, SignShare)
        for box in share:
            yield self._walker.at(box)
