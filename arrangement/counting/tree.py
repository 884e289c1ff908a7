"""The evidence of a count: which hyperplanes are cut with those before them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from arrangement.counting.counts import whitney_numbers
from arrangement.exact import IntRow
from arrangement.model import check_time
from arrangement.options import IsLate, never

# A number of levels on which all hyperplanes are cut, or a tree for each of them.
Tree: TypeAlias = "int | list[Tree]"

_MOST_NODES = 10**9


def count_tree(
    rows: Sequence[IntRow], rank: int, total: int, is_late: IsLate = never
) -> Tree:
    """Return a smallest tree that proves the number of regions.

    Cover's bound stands wherever it is reached; in the plane it always is.

    Parameters
    ----------
    rows : sequence of tuples of int
        Of length ``rank``, no two on one line, none zero.
    rank : int
        Of the rows, or above it.
    total : int
        The number of regions: of `count_patterns`, or of Cover's bound.
    is_late : callable
        Whether the time is up; BudgetExceededError then.

    Examples
    --------
    >>> count_tree([(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1)], 3, 14)
    0
    >>> count_tree([(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0)], 3, 12)
    1
    """
    # imported when used, so that `python -m arrangement.checker` finds it unused
    from arrangement import checker

    if checker.cover(len(rows), rank) == total:
        return 0
    if rank <= 3:
        return 1
    below: list[Tree] = []
    for i, h in enumerate(rows):
        check_time(is_late)
        part = checker.restricted(rows[:i], h)
        regions = sum(whitney_numbers(part, rank - 1, None, _MOST_NODES, is_late))
        below.append(count_tree(part, rank - 1, regions, is_late))
    return below
