"""Flats and their Moebius values, level by level.

``|F|`` is the number of distinct hyperplanes through a flat F.  The interval of the
flats that contain F is a geometric lattice, also where the arrangement is affine, and
Weisner's theorem, summed over its atoms, says

    |F| |mu(F)| = sum over the flats H that F is one dimension below of
                  (|F| - |H|) |mu(H)|,

so that each level follows from the one above and nothing else is kept.  ``mu(F)`` has
the sign of ``(-1)**codimension`` (Rota 1964, Theorem 4).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from arrangement.errors import ArrangementError, InputError
from arrangement.io import ProgressLike, listener
from arrangement.model import (
    Arrangement,
    Flat,
    check_time,
    restricted,
    whole_space,
)
from arrangement.options import (
    Deadline,
    IsLate,
    Listener,
    Progress,
    short_repr,
    whole_number,
)

# flats between two words of progress
_EVERY = 1 << 10


class LatticeFlat(NamedTuple):
    """A flat: an intersection of hyperplanes that is not empty.

    Attributes
    ----------
    rows : tuple of int
        All input rows whose hyperplanes contain it, ascending.
    n_hyperplanes : int
        How many distinct hyperplanes these are.
    dimension : int
        In the essential space, whose dimension is the rank of the normals.
    mu : int
        Its Moebius value in the lattice of flats, 1 for the whole space.
    """

    rows: tuple[int, ...]
    n_hyperplanes: int
    dimension: int
    mu: int

    def __repr__(self) -> str:
        """Return the fields on one short line, arrays by their shapes."""
        return short_repr(self)


class _Entry(NamedTuple):
    """A flat of one level: the first basis found, its size, the sum for its value."""

    basis: tuple[int, ...]
    size: int
    total: int


def iter_flats(
    X: Arrangement | ArrayLike | Any,
    *,
    offsets: ArrayLike | None = None,
    rank: str | int = "exact",
    floats: str = "binary",
    dimension: int | None = None,
    time_limit: float | None = None,
    progress: ProgressLike = None,
) -> Iterator[LatticeFlat]:
    """Yield all flats with their Moebius values, exactly.

    Parameters
    ----------
    X, offsets, rank, floats
        As in `count_patterns`.
    dimension : int, optional
        Only the flats of this dimension, from 0 to the rank of the normals; those above
        are gone through.
    time_limit : float, optional
        Most seconds, counted from the call.
    progress : callable, optional
        Called with a `Progress` once in a thousand flats.

    Yields
    ------
    LatticeFlat
        Dimensions downwards, the whole space first; in a dimension in lexicographic
        order of their first bases (of the first rows of the distinct hyperplanes).

    Raises
    ------
    BudgetExceededError
        From the iterator: the time is up.
    InputError, InputTypeError
        As `Arrangement`; a dimension that there is not.

    Notes
    -----
    The characteristic polynomial is the sum of ``mu(F) t**dim(F)``; it is computed
    elsewhere, by deletion and restriction.  Two levels are held, some hundred bytes a
    flat; each flat takes the restriction of all rows to it.  Zero tests are decided in
    integers.

    Examples
    --------
    >>> from arrangement.constructions import braid
    >>> for flat in iter_flats(braid(3)):
    ...     print(flat.dimension, flat.rows, flat.mu)
    2 () 1
    1 (0,) -1
    1 (1,) -1
    1 (2,) -1
    0 (0, 1, 2) 2
    """
    deadline = Deadline(time_limit)
    progress = listener(progress)
    arrangement = Arrangement.coerce(X, offsets=offsets, rank=rank, floats=floats)
    last = 0
    if dimension is not None:
        last = whole_number(dimension, "dimension")
        if not 0 <= last <= arrangement.rank:
            raise InputError(
                f"dimension={last}; expected 0 <= dimension <= {arrangement.rank}, the "
                "rank of the normals. Leave it out for all flats."
            )
    levels = _levels(arrangement, last, deadline.is_late, progress)
    return _flats(levels, arrangement, dimension)


def _flats(
    levels: Iterator[tuple[int, int, _Entry, int]],
    arrangement: Arrangement,
    dimension: int | None,
) -> Iterator[LatticeFlat]:
    members = [
        np.flatnonzero(arrangement.class_of == k).tolist()
        for k in range(arrangement.n_distinct)
    ]
    for level, mask, entry, mu in levels:
        if dimension is None or level == dimension:
            classes = [k for k in range(len(members)) if mask >> k & 1]
            rows = sorted(i for k in classes for i in members[k])
            yield LatticeFlat(tuple(rows), entry.size, level, mu)


def _levels(
    arrangement: Arrangement,
    last: int,
    is_late: IsLate,
    progress: Listener | None,
) -> Iterator[tuple[int, int, _Entry, int]]:
    """Yield dimension, set of hyperplanes as bits, entry and value of each flat."""
    top = whole_space(arrangement.cone)
    level = {0: _Entry((), 0, 1)}
    done = 0
    for dimension in range(top.dimension, last - 1, -1):
        lower: dict[int, _Entry] = {}
        # parents in the order of their first bases: so the first basis that is found of
        # a flat is its first
        for mask, entry in sorted(level.items(), key=lambda item: item[1].basis):
            check_time(is_late)
            size, rest = divmod(entry.total, max(entry.size, 1))
            if rest:
                raise ArrangementError(
                    f"the Moebius value of a flat is no integer ({entry}); please "
                    "report it."
                )
            sign = -1 if len(entry.basis) % 2 else 1
            yield dimension, mask, entry, sign * size
            if dimension > last:
                _add_covers(lower, mask, entry, size, restricted(top, entry.basis))
            done += 1
            if progress is not None and done % _EVERY == 0:
                progress(
                    Progress(f"{done:,} flats, now of dimension {dimension}", done)
                )
        level = lower


def _add_covers(
    lower: dict[int, _Entry], mask: int, entry: _Entry, size: int, flat: Flat
) -> None:
    """Add what a flat with value ``size`` gives to those one dimension below it."""
    for members in flat.classes():
        below = mask | sum(1 << i for i in members)
        known = lower.get(below)
        if known is None:
            known = _Entry((*entry.basis, members[0]), entry.size + len(members), 0)
        total = known.total + len(members) * size
        lower[below] = known._replace(total=total)
