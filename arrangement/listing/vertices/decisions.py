"""Exact decisions: sets of rows that floating point leaves in doubt."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels.vertices import CHI, KNOWN
from arrangement.exact import determinant, independent_rows
from arrangement.listing.vertices.frame import Frame, NotGenericError
from arrangement.listing.vertices.local_cones import chambers_with_rays, null_vector
from arrangement.listing.vertices.subsets import place_of

# sets of rows decided exactly a call: Python is back within a fraction of a second
_AT_ONCE = 64

# a set of rows: ascending positions among the free ones
Ordinals = tuple[int, ...]
Tables = dict[int, NDArray[np.uint64]]


class Decisions:
    """Decides level by level the sets of rows in doubt, and what opens there.

    ``tables`` hold for each level above 0 the signs of its determinants, by the first
    rows of each set; ``waiting`` are the chambers found, to be written before all else;
    ``n_exact`` and ``n_local`` count the vertices decided here, and those on more rows
    than they need.
    """

    def __init__(self, frame: Frame, tables: Tables) -> None:
        self._frame = frame
        self._tables = tables
        self.n_exact = self.n_local = 0
        self.begin(frame.rank - 1)

    def begin(self, level: int) -> None:
        """Go on to a level; the highest has one chamber, which has no vertex."""
        self._level = level
        self._doubts: Iterator[Ordinals] = iter(())
        # by sets of rows that are still to come
        self._meeting: dict[Ordinals, dict[int, int]] = {}
        self.waiting = np.zeros((0, self._frame.layout.n_words), dtype=np.uint64)
        if level == self._frame.rank - 1:
            self.waiting = self._frame.top

    def doubt_set(self, ordinals: Ordinals) -> None:
        """Have one set of rows decided."""
        self._doubts = iter([ordinals])

    def doubt_all_from(self, head: Ordinals, size: int) -> None:
        """Have all sets of ``size`` rows decided that begin with these."""
        rest = range(head[-1] + 1, len(self._frame.free))
        tails = combinations(rest, size - len(head))
        self._doubts = ((*head, *tail) for tail in tails)

    def settle(self, decide: Callable[[Ordinals], object]) -> bool:
        """Decide the sets in doubt, as far as a step goes; return whether all are."""
        for count, ordinals in enumerate(self._doubts, 1):
            decide(ordinals)
            if count == _AT_ONCE:
                return False
        return True

    def determine(self, ordinals: Ordinals) -> int:
        """Decide a determinant exactly, and note it in the table of the level."""
        level, frame = self._level, self._frame
        rows = frame.images[frame.free[list(ordinals)], level:].tolist()
        orientation = _sign(determinant([row[1:] for row in rows]))
        if orientation == 0:
            if level > 0 and len(independent_rows(rows, len(rows) + 1)[0]) == len(rows):
                raise NotGenericError
        elif level > 0:
            place = int(frame.free[ordinals[-1]])
            flag = np.uint64(1 << (place % 64))
            words = self._tables[level][place_of(ordinals[:-1]), :, place // 64]
            words[KNOWN] |= flag
            words[CHI] &= ~flag
            if orientation < 0:
                words[CHI] |= flag
        return orientation

    def decide(self, ordinals: Ordinals) -> None:
        """Decide one set of rows exactly, and queue the chambers that open there."""
        frame, level = self._frame, self._level
        self.n_exact += 1
        orientation = self.determine(ordinals)
        if orientation == 0:
            return
        chosen = [int(frame.free[k]) for k in ordinals]
        sides = self._meeting.pop(ordinals, None) or self._sides_at(chosen)
        tight = [p for p, side in sides.items() if side == 0]
        if len(tight) > len(chosen):
            if len(tight) == len(chosen) + 1:
                self._remember(ordinals, sides)
            self._open_locally(chosen, tight, sides)
            return
        for s, place in enumerate(chosen):
            rest = ordinals[:s] + ordinals[s + 1 :]
            side = self._chi_next(rest, level + 1) * orientation
            sides[place] = side if s % 2 == 1 else -side
        self._queue(sides)

    def _remember(self, ordinals: Ordinals, sides: dict[int, int]) -> None:
        """Keep the signs at a vertex on one row too many for the sets to come there."""
        tight = [k for k, side in enumerate(sides.values()) if side == 0]
        for others in combinations(tight, len(ordinals)):
            if others > ordinals:
                self._meeting[others] = dict(sides)

    def _sides_at(self, chosen: list[int]) -> dict[int, int]:
        """Signs of the free rows at the vertex of some, 0 on those through it."""
        frame, level = self._frame, self._level
        sides = dict.fromkeys(frame.free.tolist(), 0)
        tight = list(sides)
        # far out along y_level, the lower coordinates tell apart what meets there
        for chart in range(level, -1, -1):
            columns = [chart, *range(level + 1, frame.rank)]
            point = null_vector(frame.images[np.ix_(chosen, columns)].tolist())
            # products of whole columns: four times faster than row by row
            images = frame.images[np.ix_(tight, columns)]
            values = images @ np.array(point, dtype=object)
            for p, value in zip(tight, values.tolist(), strict=True):
                sides[p] = _sign(value)
            tight = [p for p in tight if sides[p] == 0]
        return sides

    def _chi_next(self, ordinals: Ordinals, level: int) -> int:
        """Sign of a determinant of the next level (0: not known)."""
        if not ordinals:
            return 1
        place = int(self._frame.free[ordinals[-1]])
        table = self._tables[level]
        words = table[place_of(ordinals[:-1]), :, place // 64] >> np.uint64(place % 64)
        is_below = int(words[CHI]) & 1
        is_known = int(words[KNOWN]) & 1
        return (1 - 2 * is_below) * is_known

    def _open_locally(
        self, chosen: list[int], tight: list[int], sides: dict[int, int]
    ) -> None:
        """Queue the chambers below a vertex on more rows than it needs.

        They are those cones of the rows through it on which y_(level + 1) falls: it is
        negative on all their rays.  Only the last independent rows queue them: as there
        are no more cones than sets of independent rows, there are never more chambers
        than sets of rows so far.
        """
        rows = self._frame.images[tight, self._level + 1 :].tolist()
        last, _ = independent_rows(rows[::-1], len(chosen))
        if [tight[-1 - k] for k in reversed(last)] != chosen:
            return
        self.n_local += 1
        for pattern, rays in chambers_with_rays(rows):
            heights = [int(ray[0]) for ray in rays]
            if any(height == 0 for height in heights):
                raise NotGenericError
            if all(height < 0 for height in heights):
                for place, bit in zip(tight, pattern.tolist(), strict=True):
                    sides[place] = 1 if bit else -1
                self._queue(sides)

    def _queue(self, sides: dict[int, int]) -> None:
        """Have a chamber written before anything else."""
        words = [int(word) for word in self._frame.chart_words]
        for place, side in sides.items():
            if side == 0:
                raise NotGenericError
            if side > 0:
                words[place // 64] |= 1 << (place % 64)
        row = np.array([words], dtype=np.uint64)
        self.waiting = np.concatenate([self.waiting, row])


def _sign(value: int) -> int:
    return (value > 0) - (value < 0)
