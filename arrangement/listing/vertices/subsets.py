"""Sets of rows, ascending: their places in tables, and ranges of their first rows."""

from __future__ import annotations

from collections.abc import Iterator
from math import comb
from typing import NamedTuple


def place_of(ordinals: tuple[int, ...]) -> int:
    """Place of a subset in the tables (see `_kernels.vertices.rank_offsets`)."""
    return sum(comb(k, i + 1) for i, k in enumerate(ordinals))


def table_bytes(n_rows: int, rank: int) -> int:
    """Bytes of all tables: two masks for each subset of up to rank - 3 other rows."""
    subsets = sum(comb(n_rows - 1, k) for k in range(rank - 2))
    return 16 * -(-n_rows // 64) * subsets


class Box(NamedTuple):
    """Sets of rows of one level: those that begin with ``head``, then a row of a range.

    The row after ``head`` is at least ``first`` and below ``stop``; rows are counted
    among the free ones.
    """

    level: int
    head: tuple[int, ...]
    first: int
    stop: int


def n_sets(box: Box, n_free: int, size: int) -> int:
    """Return the number of sets of ``size`` rows in a box."""
    rest = size - len(box.head)
    # those that begin at first or later, without those that begin at stop or later
    return comb(n_free - box.first, rest) - comb(n_free - box.stop, rest)


def boxes_of_level(n_free: int, size: int, level: int, least: int) -> Iterator[Box]:
    """Split the sets of a level into boxes of ``least`` sets or more, in order.

    The last box of those with one head may have fewer.  Where the sets that begin with
    one row are more than twice as many, they are split by the next row, but never those
    that differ in their last row alone.
    """
    yield from _boxes_after((), 0, n_free, size, level, least)


def _boxes_after(
    head: tuple[int, ...], begin: int, n_free: int, size: int, level: int, least: int
) -> Iterator[Box]:
    """Split the sets that begin with ``head``, then ``size`` rows from ``begin`` on."""
    first, count = begin, 0
    end = n_free - size + 1
    for row in range(begin, end):
        sets = comb(n_free - 1 - row, size - 1)
        if size > 2 and sets > 2 * least:
            # rows before it have more sets, so that none waits here
            yield from _boxes_after(
                (*head, row), row + 1, n_free, size - 1, level, least
            )
            first = row + 1
            continue
        count += sets
        if count >= least or row + 1 == end:
            yield Box(level, head, first, row + 1)
            first, count = row + 1, 0


def even_boxes(n_free: int, rank: int, wanted: int) -> list[tuple[Box, ...]]:
    """Split the sets of rows of all levels, in the order of the listing.

    At most ``wanted`` parts, of equal numbers of sets but for those that differ in
    their last row, which stay together.
    """
    sizes = range(rank)
    total = sum(comb(n_free, size) for size in sizes)
    parts = []
    for k in range(wanted):
        low, high = k * total // wanted, (k + 1) * total // wanted
        boxes: list[Box] = []
        for size in sizes:
            count = comb(n_free, size)
            if low < count and high > 0:
                ends = (max(low, 0), min(high, count))
                boxes += _boxes(n_free, rank - 1 - size, size, *ends)
            low, high = low - count, high - count
        if boxes:
            parts.append(tuple(boxes))
    return parts


def _boxes(n_free: int, level: int, size: int, low: int, high: int) -> Iterator[Box]:
    """Yield boxes of the sets of a level from place ``low`` to ``high`` in order."""
    if size < 2:
        # no rows, or one: there is nothing that stays together
        if low < high:
            yield Box(level, (), low, high if size else n_free)
        return
    begin = _prefix_at(low, n_free, size)
    end = _prefix_at(high, n_free, size)
    if begin == end:
        return
    last = size - 2
    split = next(i for i in range(last + 1) if begin[i] != end[i])
    for i in range(last, split - 1, -1):
        first = begin[i] + (i < last)
        stop = end[i] if i == split else n_free
        yield from _box(n_free, size, Box(level, begin[:i], first, stop))
    for i in range(split + 1, len(end)):
        yield from _box(n_free, size, Box(level, end[:i], end[i - 1] + 1, end[i]))


def _box(n_free: int, size: int, box: Box) -> Iterator[Box]:
    """Yield a box without the rows after which there is no room; nothing if empty."""
    stop = min(box.stop, n_free - size + len(box.head) + 1)
    if box.first < stop:
        yield box._replace(stop=stop)


def _prefix_at(place: int, n_free: int, size: int) -> tuple[int, ...]:
    """Return all rows but the last of the set at a place in lexicographic order.

    After the last place, one row that none begins with.
    """
    rows: list[int] = []
    row = 0
    while len(rows) < size - 1:
        if row == n_free:
            return (n_free,)
        count = comb(n_free - 1 - row, size - 1 - len(rows))
        if place < count:
            rows.append(row)
        else:
            place -= count
        row += 1
    return tuple(rows)
