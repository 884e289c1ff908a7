"""Columns of machine words side by side: read, made primitive and grouped in one call.

What most matrices consist of: floats, integers below 2**63, fractions of them by powers
of two. Others go the way of `integer_rows`, with the same results.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels import rows as kernels
from arrangement.exact.columns import Column
from arrangement.exact.integer_rows import IntegerRows, stacked, tables


class Grouped(NamedTuple):
    """A matrix whose columns and then rows were made primitive, and its classes.

    Attributes
    ----------
    rows : IntegerRows
        The first row of each class.
    scales : list of Fraction
        What the columns of the normals were multiplied by.
    first : ndarray, shape (n_classes,), int64
        Which row that is.
    class_of, orientation, constant_signs : ndarray, shape (n,)
        As in `model.parallel.Parallels`.
    """

    rows: IntegerRows
    scales: list[Fraction]
    first: NDArray[np.int64]
    class_of: NDArray[np.int64]
    orientation: NDArray[np.int8]
    constant_signs: NDArray[np.int8]


def word_columns(values: NDArray[Any], floats: str) -> list[Column] | None:
    """Return the columns of numbers (n, d), read at once where they are words.

    None where they are not, or one of them is not finite.
    """
    kind, size = values.dtype.kind, values.dtype.itemsize
    if kind == "f" and size == 8 and floats == "binary":
        # zeros have no sign; and new arrays, so that nobody changes what was read
        nearest = np.add(values.T, 0.0, dtype=np.float64, order="C")
        m, twos = tables(nearest.shape)
        if not kernels.split_floats(nearest.view(np.int64), m, twos):
            return None
        return [Column(m[k], twos[k], None, 1, nearest[k]) for k in range(len(m))]
    if kind == "i" or (kind == "u" and size < 8):
        m, twos = tables(values.T.shape)
        kernels.split_integers(np.array(values.T, np.int64, order="C"), m, twos)
        return list(map(Column, m, twos))
    return None


def grouped(columns: Sequence[Column], n_rows: int, width: int) -> Grouped | None:
    """Make columns and rows primitive and group the rows; None if they are no words.

    The first ``width`` columns are the normals.  A row without normal has no class.
    """
    found = stacked(columns, n_rows)
    if found is None:
        return None
    m, twos = found
    divisors, lows = np.empty((2, max(len(m), 1)), dtype=np.int64)
    class_of, first = np.empty((2, n_rows), dtype=np.int64)
    orientation, constant = np.empty((2, n_rows), dtype=np.int8)
    table = np.empty(1 << max(2 * n_rows - 1, 1).bit_length(), dtype=np.int64)
    count = kernels.group_rows(
        m, twos, width, divisors, lows, class_of, orientation, constant, first, table
    )
    first = first[:count]
    rows = IntegerRows.of_words(m, twos)
    return Grouped(
        rows if count == n_rows else rows.take(first),
        [
            _scale(divisor, low)
            for divisor, low in zip(
                divisors[:width].tolist(), lows[:width].tolist(), strict=True
            )
        ],
        first,
        class_of,
        orientation,
        constant,
    )


def _scale(divisor: int, low: int) -> Fraction:
    """Return the positive number that makes a column primitive."""
    if divisor == 0:
        return Fraction(1)
    return Fraction(1 << -low, divisor) if low < 0 else Fraction(1, divisor << low)
