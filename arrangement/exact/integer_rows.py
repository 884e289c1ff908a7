"""Rows of integers without common divisor, and classes of proportional ones.

`IntegerRows` are the rows of a matrix, each scaled by the positive number that makes it
primitive.  They stay columns of mantissas and exponents (`columns`): of a row of such
columns the gcd is ``2**min(a) 5**min(b)`` times that of the mantissas, which are prime
to ten, so making rows primitive takes no integer longer than a machine word, and two
rows are equal exactly if mantissas and exponents are.  Python integers are made of the
rows that are asked for, and on the way only of entries from 2**62.

Equal rows are found by a hash of 64 bits, sorted; rows with one hash are compared entry
by entry, and those that only share it are told apart by a dictionary.  O(n log n).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels import rows as kernels
from arrangement._kernels import word_rows as words
from arrangement.exact.columns import Column, Ints, common
from arrangement.exact.floats import rounded
from arrangement.exact.linear_algebra import IntRow

# Odd multipliers of the hash: the golden ratio, and a mixer of Steele, Lea & Flood.
_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xBF58476D1CE4E5B9)
_HALF = np.uint64(32)
# above every exponent
_NONE = np.int32(2**30)


@dataclass(frozen=True, eq=False)
class IntegerRows:
    """Primitive rows; zero rows stay zero.

    Attributes
    ----------
    columns : tuple of Column
        Columns of integers, either all split or none.
    n_rows : int
    """

    columns: tuple[Column, ...]
    n_rows: int
    _words: tuple[NDArray[np.int64], NDArray[np.int32]] | None = None

    @classmethod
    def of_columns(cls, columns: Sequence[Column], n_rows: int) -> IntegerRows:
        """Scale every row by the positive number that makes it primitive."""
        parts = common(columns) if columns else []
        two, five = np.full(n_rows, _NONE), np.full(n_rows, _NONE)
        for part in parts:
            moving = part.mantissas != 0
            np.minimum(two, np.where(moving, part.twos, _NONE), out=two)
            if part.fives is not None:
                np.minimum(five, np.where(moving, part.fives, _NONE), out=five)
        divisor = _row_gcd([part.mantissas for part in parts], n_rows)
        large = np.flatnonzero(divisor > 1)
        out = []
        for part in parts:
            m, moving = part.mantissas, part.mantissas != 0
            if large.size:
                m = m.copy()
                m[large] = m[large] // divisor[large]
            twos = np.where(moving, part.twos - two, np.int32(0))
            fives = part.fives
            if fives is not None:
                fives = np.where(moving, fives - five, np.int32(0))
            out.append(Column(m, twos, fives))
        return cls(tuple(out), n_rows)

    @classmethod
    def of_words(cls, m: NDArray[np.int64], twos: NDArray[np.int32]) -> IntegerRows:
        """Return rows that are primitive already, ``m 2**twos`` (width, n)."""
        return cls(tuple(map(Column, m, twos)), m.shape[1], (m, twos))

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.n_rows

    def take(self, rows: NDArray[np.int64]) -> IntegerRows:
        """Return some of the rows."""
        if rows.size == self.n_rows and np.array_equal(rows, np.arange(self.n_rows)):
            return self
        return IntegerRows(tuple(column[rows] for column in self.columns), rows.size)

    def signs(self, column: int) -> NDArray[np.int8]:
        """Return the signs of a column, (n,)."""
        return _signs(self.columns[column].mantissas)

    def lead_signs(self) -> NDArray[np.int8]:
        """Return the sign of the first entry of each row that is not zero, (n,)."""
        lead = np.zeros(self.n_rows, dtype=np.int8)
        for k in range(len(self.columns)):
            if np.all(lead):
                break
            lead = np.where(lead == 0, self.signs(k), lead)
        return lead

    def tuples(self) -> list[IntRow]:
        """Return the rows as Python integers."""
        if not self.columns:
            return [()] * self.n_rows
        pair = self.words()
        if pair is not None:
            found = np.empty(pair[0].shape, dtype=np.int64)
            if not kernels.whole_numbers(*pair, found):
                entries: Any = found.tolist()
                return list(zip(*entries, strict=True))
        listed = [column.integers() for column in self.columns]
        return list(zip(*listed, strict=True))

    def floats(self) -> NDArray[np.float64] | None:
        """Return the rows, (n, width), each entry rounded once; None beyond float64."""
        try:
            if self._words is not None:
                out = np.empty((self.n_rows, len(self.columns)))
                if words.word_floats(*self._words, out):
                    return out
            return rounded(self.tuples()).reshape(self.n_rows, len(self.columns))
        except OverflowError:
            return None

    def words(self) -> tuple[NDArray[np.int64], NDArray[np.int32]] | None:
        """Return mantissas and exponents of two (width, n), for kernels to read.

        None where these do not say all, or are no machine words.
        """
        if self._words is not None:
            return self._words
        return stacked(self.columns, self.n_rows)

    def residues(self, prime: int) -> NDArray[np.int64]:
        """Return the matrix modulo a prime below 2**31, (n, width)."""
        if not self.columns:
            return np.zeros((self.n_rows, 0), dtype=np.int64)
        return np.stack([column.residues(prime) for column in self.columns], axis=1)

    def classes(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int8]]:
        """Group the rows that are positive or negative multiples of each other.

        Returns
        -------
        class_of : ndarray, shape (n,), int64
            Classes are numbered by their first rows, in order.
        first : ndarray, shape (n_classes,), int64
            The first row of each.
        orientation : ndarray, shape (n,), int8
            +1 for a positive multiple of the first row of the class, else -1.
        """
        lead = self.lead_signs()
        keys: list[Ints] = []
        for column in self.columns:
            keys += [column.mantissas * lead, column.twos]
            if column.fives is not None:
                keys.append(column.fives)
        leader = _first_equal(keys, self.n_rows)
        is_first = leader == np.arange(self.n_rows)
        class_of = (np.cumsum(is_first) - 1)[leader]
        orientation = lead * lead[leader]
        orientation[orientation == 0] = 1
        return class_of, np.flatnonzero(is_first), orientation


class RowTuples(Sequence[IntRow]):
    """The rows as tuples of Python integers, made when more than one is asked for."""

    def __init__(self, rows: IntegerRows) -> None:
        self.source = rows

    @cached_property
    def _tuples(self) -> tuple[IntRow, ...]:
        return tuple(self.source.tuples())

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.source)

    def __iter__(self) -> Iterator[IntRow]:
        """Iterate over the rows."""
        return iter(self._tuples)

    def __getitem__(self, key: Any) -> Any:
        """Return a row for an int, a tuple of them for a slice."""
        found = self.source.words()
        if isinstance(key, slice) or found is None or "_tuples" in self.__dict__:
            return self._tuples[key]
        m, twos = found
        pairs = zip(m[:, key].tolist(), twos[:, key].tolist(), strict=True)
        return tuple(number << two for number, two in pairs)

    def __eq__(self, other: object) -> bool:
        """Compare with any sequence of rows."""
        return isinstance(other, Sequence) and self._tuples == tuple(other)

    def __hash__(self) -> int:
        """Return the hash of the tuples."""
        return hash(self._tuples)


def tables(shape: tuple[int, ...]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return room for mantissas and exponents of columns (width, n)."""
    return np.empty(shape, dtype=np.int64), np.empty(shape, dtype=np.int32)


def stacked(
    columns: Sequence[Column], n_rows: int
) -> tuple[NDArray[np.int64], NDArray[np.int32]] | None:
    """Return new arrays (width, n) of mantissas and exponents of two.

    None where these do not say all, or are no machine words.
    """
    m, twos = tables((len(columns), n_rows))
    for k, column in enumerate(columns):
        is_word = column.mantissas.dtype != object
        if not (is_word and column.fives is None and column.divisor == 1):
            return None
        m[k], twos[k] = column.mantissas, column.twos
    return m, twos


def _signs(m: Ints) -> NDArray[np.int8]:
    return (m > 0).astype(np.int8) - (m < 0).astype(np.int8)


def _row_gcd(columns: list[Ints], n_rows: int) -> Ints:
    """Return the gcd of each row, 0 for rows of zeros."""
    words = [m for m in columns if m.dtype != object]
    longer = [m for m in columns if m.dtype == object]
    divisor: Ints = np.zeros(n_rows, dtype=np.int64)
    for m in words:
        divisor = np.gcd(divisor, m)
    if not longer or np.all(divisor == 1):
        return divisor
    open_rows = np.flatnonzero(divisor != 1)
    wide = divisor.astype(object)
    for m in longer:
        wide[open_rows] = np.gcd(wide[open_rows], m[open_rows])
    return wide


def _first_equal(keys: list[Ints], n_rows: int) -> NDArray[np.int64]:
    """Return for each row the first one that has the same entries in all keys."""
    leader = np.arange(n_rows)
    mixed = row_hashes(keys, n_rows)
    in_order = np.sort(mixed)
    if not np.any(in_order[1:] == in_order[:-1]):
        return leader
    order = np.argsort(mixed, kind="stable")
    is_start = np.ones(n_rows, dtype=bool)
    is_start[1:] = mixed[order[1:]] != mixed[order[:-1]]
    group = np.cumsum(is_start) - 1
    first = order[is_start][group]
    doubled = first != order
    rows, firsts = order[doubled], first[doubled]
    same = np.ones(rows.size, dtype=bool)
    for key in keys:
        same &= key[rows] == key[firsts]
    leader[rows] = firsts
    if not np.all(same):
        seen: dict[tuple[int, ...], int] = {}
        shared = np.isin(group, group[doubled][~same])
        for row in np.sort(order[shared]).tolist():
            leader[row] = seen.setdefault(tuple(int(key[row]) for key in keys), row)
    return leader


def row_hashes(keys: list[Ints], n_rows: int) -> NDArray[np.uint64]:
    """Return 64 bits for each row, the same for equal rows."""
    mixed = np.zeros(n_rows, dtype=np.uint64)
    for key in keys:
        if key.dtype == object:
            # of Python integers, which does not depend on the process
            words = np.array([hash(x) for x in key.tolist()], dtype=np.int64)
        else:
            words = key.astype(np.int64, copy=False)
        mixed = (mixed + words.view(np.uint64) + np.uint64(1)) * _STEP
        mixed ^= mixed >> _HALF
        mixed *= _MIX
    return mixed
