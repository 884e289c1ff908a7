"""Find patterns in a list at once: a hash table over packed words, exact."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels.graphs import (
    Classes,
    Table,
    fill_table,
    find_edges,
    find_patterns,
    hash_patterns,
)
from arrangement.combinatorics.class_bits import Words, class_masks
from arrangement.errors import BudgetExceededError, InputError
from arrangement.model import Arrangement, pack
from arrangement.options import IsLate, never

# bits of the filter, and places of the table, a pattern: at least
_FILTER_BITS, _PLACES = 16, 2
# patterns entered, and looked up for all classes, in one call: some milliseconds
_AT_ONCE = 1 << 16
_EDGES = 1 << 18


class PatternIndex:
    """The places of distinct patterns (P, words), found in constant time each.

    O(P) time and memory: 42 to 76 bytes a pattern.

    Raises
    ------
    InputError
        A pattern is listed twice.
    BudgetExceededError
        The time is up.
    """

    def __init__(self, packed: Words, *, is_late: IsLate = never) -> None:
        count, width = packed.shape
        # fixed, so that a run can be repeated; nothing depends on what they are
        random = np.random.default_rng(0x70BE)
        bits = random.integers(0, 2**64, 64 * width, dtype=np.uint64)
        self._tables = _byte_tables(bits)
        size = 1 << max(6, (_PLACES * count).bit_length())
        filter_bits = max(12, (_FILTER_BITS * count).bit_length())
        self._table = Table(
            _closed(packed),
            self._hashes(packed),
            np.zeros((size, 2), dtype=np.uint64),
            np.zeros(1 << filter_bits - 6, dtype=np.uint64),
            np.array([64 - filter_bits], dtype=np.uint64),
        )
        for start in range(0, count, _AT_ONCE):
            check_late(is_late, start, count)
            stop = min(start + _AT_ONCE, count)
            twice = int(fill_table(self._table, start, stop))
            if twice >= 0:
                raise InputError(
                    f"pattern {twice} is listed twice; expected distinct patterns."
                )

    def __len__(self) -> int:
        """Return the number of patterns."""
        return int(self._table.keys.size)

    def _hashes(self, packed: Words) -> Words:
        keys = np.zeros(len(packed), dtype=np.uint64)
        hash_patterns(_closed(packed), self._tables, keys)
        return keys

    def find(self, packed: Words) -> NDArray[np.int64]:
        """Return where each of ``packed`` (Q, words) is listed, or -1; (Q,)."""
        found = np.empty(len(packed), dtype=np.int64)
        find_patterns(self._table, _closed(packed), self._hashes(packed), found)
        return found

    def edges(
        self, arrangement: Arrangement, start: int
    ) -> tuple[int, NDArray[np.int64]]:
        """Return the edges from pattern ``start`` on, and how far they come.

        Rows of (E, 3): a pattern with the first row of a class of parallel rows on its
        positive side, the pattern across it, and the class.
        """
        masks = class_masks(arrangement)
        firsts = arrangement.first_rows
        at = np.zeros(64 * masks.shape[1], dtype=np.int64)
        at[firsts] = np.arange(len(firsts))
        flags = pack(np.isin(np.arange(at.size), firsts)[None])[0]
        classes = Classes(flags, at, masks, self._hashes(masks))
        room = np.empty((max(_EDGES, len(firsts)), 3), dtype=np.int64)
        stop = min(start + _AT_ONCE, len(self))
        came, count = find_edges(self._table, classes, start, stop, room)
        return int(came), room[:count].copy()


def check_late(is_late: IsLate, done: int, total: int) -> None:
    """Raise `BudgetExceededError` once it is late."""
    if is_late():
        raise BudgetExceededError(
            f"the time is up, and {done:,} of {total:,} patterns are done; raise "
            "time_limit."
        )


def _closed(packed: Words) -> Words:
    """Return a view that kernels take as what lists are: read-only."""
    view = np.ascontiguousarray(packed).view()
    view.setflags(write=False)
    return view


def _byte_tables(bits: Words) -> Words:
    """Return the xor of the words of the bits of each byte, (bytes, 256)."""
    by_byte = bits.reshape(-1, 8)
    tables = np.zeros((len(by_byte), 256), dtype=np.uint64)
    for k in range(8):
        with_bit = np.arange(256) >> k & 1 == 1
        tables[:, with_bit] ^= by_byte[:, k, None]
    return tables
