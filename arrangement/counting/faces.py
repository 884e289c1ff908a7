"""Face numbers: how many faces of every dimension, without listing them.

Each face is a chamber of the restriction to its flat, so that Zaslavsky's count over
the flats of each dimension gives them.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from arrangement.counting.classes import Limits
from arrangement.counting.counts import Symmetries, whitney_numbers
from arrangement.counting.face_classes import face_numbers_by_classes
from arrangement.counting.groups import check_choice, found_group, given_group
from arrangement.model import (
    Arrangement,
    Flat,
    check_time,
    iter_levels,
    restricted,
    whole_space,
)
from arrangement.options import Deadline, IsLate, whole_number


def face_numbers(
    X: Arrangement | ArrayLike | Any,
    *,
    offsets: ArrayLike | None = None,
    rank: str | int = "exact",
    floats: str = "binary",
    symmetry: Symmetries = "auto",
    max_nodes: int = 10**9,
    time_limit: float | None = None,
) -> tuple[int, ...]:
    """Count the faces of each dimension exactly, without listing them.

    Parameters
    ----------
    X, offsets, rank, floats
        As in `count_patterns`.
    symmetry : "auto", None or sequence of array_like, shape (n,)
        As in `count_patterns`; a central arrangement only is counted by them.
    max_nodes : int
        As in `count_patterns`, for the restriction to each flat; by symmetry, most
        classes of flats.
    time_limit : float, optional
        As in `count_patterns`, for all of them.

    Returns
    -------
    tuple of int
        ``f_0, .., f_r``: f_k faces of dimension k in the essential space of
        dimension r, the rank of the normals; unbounded Python integers.

    Raises
    ------
    BudgetExceededError, InputError, InputTypeError
        As in `count_patterns`.

    Notes
    -----
    ``f_k`` is the sum over the flats F of dimension k of ``sum_{G >= F} |mu(F, G)|``
    (Zaslavsky 1975, Theorem A for each restriction).  Flats are found level by level
    and told apart by their sets of hyperplanes; the masks of two levels are held.
    Shares with `iter_covectors` the restriction to a flat, and nothing else.  By
    symmetry flats are taken by classes (`arrangement.counting.face_classes`).

    Examples
    --------
    >>> face_numbers([[1, -1, 0], [0, 1, -1], [1, 0, -1]])
    (1, 6, 6)
    >>> face_numbers([[1, 0], [0, 1], [1, 1]], offsets=[0, 0, 1])
    (3, 9, 7)
    """
    most = whole_number(max_nodes, "max_nodes", 1)
    deadline = Deadline(time_limit)
    check_choice(symmetry)
    arrangement = Arrangement.coerce(X, offsets=offsets, rank=rank, floats=floats)
    group = None
    if symmetry is not None and not isinstance(symmetry, str):
        group = given_group(arrangement, symmetry)
    elif symmetry is not None:
        group = found_group(arrangement, deadline.is_late)
    if group is not None and arrangement.is_central:
        limits = Limits(most, deadline.is_late)
        rows = arrangement.cone.rows
        return face_numbers_by_classes(rows, arrangement.rank, group, limits)
    top = whole_space(arrangement.cone)
    extra = 0 if arrangement.is_central else 1
    numbers = []
    for dimension, bases in iter_levels(top, deadline.is_late):
        if dimension == 0:
            numbers.append(len(bases))
        elif dimension + extra == 1:  # each a ray and its opposite
            numbers.append(2 * len(bases))
        else:
            total = 0
            for basis in bases:
                check_time(deadline.is_late)
                flat = restricted(top, basis)
                total += _count_chambers(flat, extra, most, deadline.is_late)
            numbers.append(total)
    return tuple(numbers[::-1])


def _count_chambers(flat: Flat, extra: int, max_nodes: int, is_late: IsLate) -> int:
    """Count the chambers of the restriction to one flat."""
    if flat.dimension + extra == 2:
        n_lines = len(flat.classes())
        return n_lines + 1 if extra else 2 * n_lines
    width = flat.dimension + extra
    infinity = (*([0] * flat.dimension), 1) if extra else None
    rows = [tuple(row) for row in flat.rows.tolist()]
    return sum(whitney_numbers(rows, width, infinity, max_nodes, is_late))
