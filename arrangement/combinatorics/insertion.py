"""Insert a row into a list of chambers, which becomes the list of one row more.

The new hyperplane H cuts the chambers that have a chamber of the arrangement within H
inside them; these are listed (one dimension lower, so few) and looked up.  All other
chambers lie on one side.  Two of them that share a facet lie on the same: on different
sides the facet would be in H, and H a hyperplane of the list.  So one exact sign
decides for each connected part of the graph of the chambers that are not cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrangement.combinatorics.class_bits import spread
from arrangement.combinatorics.pattern_index import PatternIndex
from arrangement.combinatorics.tope_graphs import all_edges, arrangement_of
from arrangement.errors import (
    BudgetExceededError,
    IncompleteListingError,
    InputError,
    ListingStoppedError,
)
from arrangement.exact import read_vector
from arrangement.io import ProgressLike, listener, shows_progress
from arrangement.listing import Plan, enumerate_patterns
from arrangement.model import Arrangement, PatternSet, pack, whole_space
from arrangement.options import Deadline, Listener
from arrangement.verification import verify


class _Sides(NamedTuple):
    """Which parts of each chamber there are."""

    positive: NDArray[np.bool_]
    negative: NDArray[np.bool_]


@shows_progress
def insert_row(
    patterns: PatternSet,
    row: ArrayLike | Sequence[Any] | Any,
    *,
    offset: Any = None,
    floats: str = "binary",
    prove: bool = True,
    time_limit: float | None = None,
    progress: ProgressLike = None,
) -> PatternSet:
    """Return the list of one row more, from a list and without listing anew.

    Parameters
    ----------
    patterns : PatternSet
        A list that knows its matrix X (n, d).  Of a list that is a part, such as a
        slice, it is what its chambers become.
    row : array_like, shape (d,)
        The new last row of X, numbers of any kind, read exactly.
    offset : number, optional
        Its ``b``, of an affine arrangement.
    floats : {"binary", "decimal"}
        How floats of the new row are read, see `Arrangement`.
    prove : bool
        Prove the new list complete, from its bits alone as `verify` does, where
        ``patterns`` has a proof; some ten microseconds a chamber, most of the time.
    time_limit : float, optional
        Most seconds, kept within about one.
    progress : callable, optional
        Called with a `Progress` while chambers are listed and looked up.

    Returns
    -------
    PatternSet
        Of n + 1 rows.  Each chamber gives way to its part with bit 1, then that with
        bit 0; where antipodes follow their chambers, the antipode of each part follows
        it.

    Raises
    ------
    BudgetExceededError
        The time is up.
    IncompleteListingError
        A chamber is missing in a list that has a proof, or the new list fails its own
        (a defect of the program; please report it).
    InputError, InputTypeError
        Another length, no numbers; an offset for a central list, or none for an affine
        one; a projected list; a list that does not know its matrix.

    Notes
    -----
    It takes the graph of the chambers (see `tope_graph`), the list in the hyperplane,
    and the proof: worth it where listing anew is slow, at high rank and far from
    generic.

    Examples
    --------
    >>> from arrangement import enumerate_patterns
    >>> patterns = insert_row(enumerate_patterns([[1, 0], [0, 1]]), [1, 1])
    >>> patterns.to_bool().astype(int).tolist()
    [[1, 1, 1], [0, 0, 0], [1, 0, 1], [0, 1, 0], [1, 0, 0], [0, 1, 1]]
    >>> patterns.proof.n_patterns
    6
    """
    progress = listener(progress)
    deadline = Deadline(time_limit)
    old = arrangement_of(patterns)
    new = _with_row(old, row, offset, floats)
    try:
        sides = _sides(patterns, old, new, deadline, progress)
    except ListingStoppedError:
        raise BudgetExceededError(
            f"{deadline} was reached while the chambers in the new hyperplane were "
            "listed; raise time_limit."
        ) from None
    packed = _parts(patterns, old, sides)
    plan = Plan(new, by_cells=True)
    proof = None
    if prove and patterns.proof is not None:
        proof = verify(packed, new, time_limit=deadline.left())
    text = f"a row was inserted into a list ({patterns.plan})"
    return replace(plan.pattern_set(packed, proof=proof), plan=text)


def _with_row(old: Arrangement, row: Any, offset: Any, floats: str) -> Arrangement:
    """Return the arrangement of one row more, read exactly."""
    if old.is_projected:
        raise InputError("the list is of a float64 projection; list with rank='exact'.")
    if old.is_central != (offset is None):
        what = "central: give no offset" if old.is_central else "affine: give an offset"
        raise InputError(f"offset={offset!r}; the list is {what}.")
    last = read_vector(row, floats=floats, name="row").numbers()
    if len(last) != old.dimension:
        raise InputError(
            f"row has length {len(last)}; expected {old.dimension}, as many as X has "
            "columns."
        )
    rows = np.empty((old.n_hyperplanes + 1, old.dimension), dtype=object)
    rows[:-1] = old.normals
    rows[-1] = last
    if old.offsets is None:
        return Arrangement(rows)
    ends = np.empty(len(rows), dtype=object)
    ends[:-1] = old.offsets
    ends[-1:] = read_vector([offset], floats=floats, name="offset").numbers()
    return Arrangement(rows, ends)


def _sides(
    patterns: PatternSet,
    old: Arrangement,
    new: Arrangement,
    deadline: Deadline,
    progress: Listener | None,
) -> _Sides:
    """Find out on which sides of the last row each chamber has points."""
    count = len(patterns)
    n = old.n_hyperplanes
    place = int(new.class_of[n])
    if place < 0:
        bit = np.full(count, bool(new.constant_bits[n]))
        return _Sides(bit, ~bit)
    others = np.flatnonzero(new.class_of[:n] == place)
    if others.size:
        first = int(others[0])
        own = patterns.packed[:, first >> 6] >> np.uint64(first & 63) & np.uint64(1)
        bit = (own == 1) ^ (new.orientation[n] < 0)
        return _Sides(bit, ~bit)
    if new.rank > old.rank:  # it is free on a line that is in every chamber
        both = np.ones(count, dtype=np.bool_)
        return _Sides(both, both)
    index = PatternIndex(patterns.packed, is_late=deadline.is_late)
    crossed = _restricted_list(new, place, deadline, progress)
    found = index.find(spread(crossed, old))
    if patterns.proof is not None and np.any(found < 0):
        raise IncompleteListingError(
            f"{np.count_nonzero(found < 0)} chambers that the new hyperplane cuts are "
            "not in the list."
        )
    cut = np.zeros(count, dtype=np.bool_)
    cut[found[found >= 0]] = True
    edges = all_edges(patterns, old, deadline, progress, index)
    bit = _whole_sides(patterns, new, cut, edges)
    return _Sides(bit | cut, ~bit | cut)


def _restricted_list(
    new: Arrangement, place: int, deadline: Deadline, progress: Listener | None
) -> PatternSet:
    """List the chambers within the hyperplane of a class, by the classes before it."""
    flat = whole_space(new.cone).restrict(place)
    rows = flat.rows[:place]
    normals, offsets = rows, None
    if not new.is_central:
        normals, offsets = rows[:, :-1], -rows[:, -1]
    return enumerate_patterns(
        Arrangement(normals, offsets), time_limit=deadline.left(), progress=progress
    )


def _whole_sides(
    patterns: PatternSet,
    new: Arrangement,
    cut: NDArray[np.bool_],
    edges: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """On which side the chambers are that are not cut (others: anything)."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = len(patterns)
    a, b = edges[~(cut[edges[:, 0]] | cut[edges[:, 1]]), :2].T
    graph = coo_array((np.ones(len(a), dtype=np.int8), (a, b)), shape=(count, count))
    _, part = connected_components(graph, directed=False)
    whole = np.flatnonzero(~cut)
    _, firsts, which = np.unique(part[whole], return_index=True, return_inverse=True)
    points = patterns[whole[firsts]].witnesses()
    row = new.normals[-1].tolist()
    if new.offsets is not None:
        row.append(-new.offsets.tolist()[-1])
    signs = np.array([_value(row, point) > 0 for point in points.tolist()], dtype=bool)
    bit = np.zeros(count, dtype=np.bool_)
    bit[whole] = signs[which]
    return bit


def _value(row: list[Fraction | int], point: list[int]) -> Fraction | int:
    return sum((a * x for a, x in zip(row, point, strict=True)), 0)


def _parts(patterns: PatternSet, old: Arrangement, sides: _Sides) -> NDArray[np.uint64]:
    """Write the parts of all chambers, in order."""
    n = patterns.n_rows
    packed = patterns.packed
    if n % 64 == 0:
        packed = np.column_stack([packed, np.zeros(len(packed), dtype=np.uint64)])
    # of each chamber, its part with bit 1, then that with bit 0
    kept = np.stack([sides.positive, sides.negative], axis=1)
    order = np.arange(2 * len(packed)).reshape(-1, 2)
    if _in_pairs(patterns, old, sides):
        # (C, 1), (-C, 0), (C, 0), (-C, 1)
        order = order.reshape(-1, 4)[:, [0, 3, 1, 2]].copy()
    order = order.ravel()[kept.ravel()[order.ravel()]]
    out: NDArray[np.uint64] = packed[order >> 1]
    out[:, n >> 6] |= np.where(order & 1, np.uint64(0), np.uint64(1 << (n & 63)))
    return out


def _in_pairs(patterns: PatternSet, old: Arrangement, sides: _Sides) -> bool:
    """Whether each chamber is followed by its antipode, and so can be its parts."""
    if not old.is_central or len(patterns) % 2:
        return False
    moving = pack(old.class_of[None] >= 0)[0]
    first, second = patterns.packed[::2], patterns.packed[1::2]
    return bool(np.array_equal(first ^ moving, second)) and bool(
        np.array_equal(sides.positive[::2], sides.negative[1::2])
    )
