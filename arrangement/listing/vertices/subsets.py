"""Sets of rows, ascending: their places in tables, and ranges of their first rows."""

from __future__ import annotations

from collections.abc import Iterator
from math import comb


def place_of(ordinals: tuple[int, ...]) -> int:
    """Place of a subset in the tables (see `_kernels.vertices.rank_offsets`)."""
    return sum(comb(k, i + 1) for i, k in enumerate(ordinals))


def table_bytes(n_rows: int, rank: int) -> int:
    """Bytes of all tables: two masks for each subset of up to rank - 3 other rows."""
    subsets = sum(comb(n_rows - 1, k) for k in range(rank - 2))
    return 16 * -(-n_rows // 64) * subsets


def ranges_of_first(n_free: int, size: int, least: int) -> Iterator[tuple[int, int]]:
    """Split the first of ``size`` of the rows into ranges of ``least`` sets or more."""
    first = count = 0
    end = n_free - size + 1
    for row in range(end):
        count += comb(n_free - 1 - row, size - 1)
        if count >= least or row + 1 == end:
            yield first, row + 1
            first, count = row + 1, 0
