"""Decimal text of up to 18 digits, read in vectors.

Most cells of a table are plain decimals: a sign or none, digits with at most one
point, no exponent, 18 digits at most after leading zeros, so that they are a machine
word times a power of ten.  Those are read character by character, all cells at once;
which cells these are is decided by counting their characters, and every other cell,
be it a number or none, is left to `scalars.exact_number`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# 10**18 < 2**63
MOST_DIGITS = 18
# A sign, a point, and some leading zeros; no longer text is looked at here.
_WIDTH = MOST_DIGITS + 14
# Cells at a time: their characters stay in the cache.
_BLOCK = 1 << 14
_ZERO, _POINT, _MINUS, _PLUS = b"0.-+"


class Decimals(NamedTuple):
    """``mantissas * 10**tens`` where ``is_plain``, all of shape (n,)."""

    mantissas: NDArray[np.int64]
    tens: NDArray[np.int32]
    is_plain: NDArray[np.bool_]


def read_decimals(cells: list[str]) -> Decimals:
    """Read the plain decimals among some texts.

    Examples
    --------
    >>> found = read_decimals(["-1.50", "2", "1e5"])
    >>> found.mantissas[:2].tolist(), found.tens[:2].tolist(), found.is_plain.tolist()
    ([-150, 2], [-2, 0], [True, True, False])
    """
    lengths = np.fromiter(map(len, cells), dtype=np.int64, count=len(cells))
    width = min(int(lengths.max(initial=1)), _WIDTH)
    try:
        # longer text is cut, and its length tells
        packed = np.array(cells, dtype=f"S{max(width, 1)}")
    except UnicodeEncodeError:
        size = len(cells)
        return Decimals(
            np.zeros(size, np.int64), np.zeros(size, np.int32), np.zeros(size, bool)
        )
    parts = [
        _read(packed[i : i + _BLOCK], lengths[i : i + _BLOCK])
        for i in range(0, max(len(cells), 1), _BLOCK)
    ]
    return Decimals(*(np.concatenate(field) for field in zip(*parts, strict=True)))


def _read(packed: NDArray[np.bytes_], lengths: NDArray[np.int64]) -> Decimals:
    size, width = packed.size, packed.dtype.itemsize
    letters = np.ascontiguousarray(packed.view(np.uint8).reshape(size, width).T)
    value = np.zeros(size, dtype=np.int64)
    n_digits, n_points, n_after, n_long = (np.zeros(size, np.int8) for _ in range(4))
    for letter in letters:
        digit = letter - np.uint8(_ZERO)
        is_digit = digit < 10
        value = np.where(is_digit, value * 10 + digit, value)
        n_digits += is_digit
        # significant ones: more than 18 wrap around, and are not used
        n_long += is_digit & ((n_long > 0) | (digit > 0))
        n_after += is_digit & (n_points > 0)
        n_points += letter == _POINT
    is_minus = letters[0] == _MINUS
    n_signs = is_minus | (letters[0] == _PLUS)
    # nothing but digits, one point at most, and one sign in front
    is_plain = (n_points <= 1) & (n_digits > 0) & (n_long <= MOST_DIGITS)
    is_plain &= n_digits.astype(np.int64) + n_points + n_signs == lengths
    mantissas = np.where(is_minus, -value, value)
    return Decimals(
        np.where(is_plain, mantissas, 0),
        np.where(is_plain, -n_after.astype(np.int32), 0).astype(np.int32),
        is_plain,
    )
