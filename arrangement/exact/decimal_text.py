"""Decimal text of up to 18 digits, read in vectors.

Most cells of a table are plain decimals: a sign or none, and digits with at most one
point, which without leading zeros are less than ``2**63``, so that they are a machine
word times a power of ten; an exponent may follow.  Those are read character by
character, all cells at once; which cells these are is decided by counting their
characters, and every other cell, be it a number or none, is left to
`scalars.exact_number`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# Digits that 64 bits hold; all of 18 are below 2**63, and some of 19.
_MOST_DIGITS = 19
_LIMIT = 2**63
# A sign, a point, and some leading zeros; no longer text is looked at here.
_WIDTH = _MOST_DIGITS + 13
# Larger exponents are not looked at here either.
_MOST_TENS = 2000
# Cells at a time: their characters stay in the cache.
_BLOCK = 1 << 14
_ZERO, _POINT, _MINUS, _PLUS = b"0.-+"


class Decimals(NamedTuple):
    """``mantissas * 10**tens`` where ``is_plain``, all of shape (n,)."""

    mantissas: NDArray[np.int64]
    tens: NDArray[np.int32]
    is_plain: NDArray[np.bool_]


def read_decimals(cells: list[str]) -> Decimals:
    """Read the plain decimals among some texts, with and without exponents.

    Examples
    --------
    >>> found = read_decimals(["-1.50", "2e3", "1/2"])
    >>> found.mantissas[:2].tolist(), found.tens[:2].tolist(), found.is_plain.tolist()
    ([-150, 2], [-2, 3], [True, True, False])
    """
    found = _read_plain(cells)
    rest = np.flatnonzero(~found.is_plain).tolist()
    places = [
        i for i in rest if len(cells[i]) <= 2 * _WIDTH and "e" in cells[i].lower()
    ]
    if not places:
        return found
    parts = [cells[i].lower().partition("e") for i in places]
    head = _read_plain([before for before, _, _ in parts])
    # a point in an exponent makes its power of ten negative, or stands at the end
    tail = _read_plain([after if after[-1:] != "." else "" for _, _, after in parts])
    is_plain = head.is_plain & tail.is_plain & (tail.tens == 0)
    is_plain &= np.abs(tail.mantissas) <= _MOST_TENS
    tens = head.tens + np.clip(tail.mantissas, -_MOST_TENS, _MOST_TENS)
    found.mantissas[places] = np.where(is_plain, head.mantissas, 0)
    found.tens[places] = np.where(is_plain, tens, 0)
    found.is_plain[places] = is_plain
    return found


def _read_plain(cells: list[str]) -> Decimals:
    """Read the decimals without exponents among some texts."""
    size = len(cells)
    lengths = np.fromiter(map(len, cells), dtype=np.int64, count=size)
    width = max(1, min(int(lengths.max(initial=1)), _WIDTH))
    try:
        # longer text is cut, and its length tells
        packed = np.array(cells, dtype=f"S{width}")
    except UnicodeEncodeError:
        none = np.zeros(size, dtype=np.bool_)
        return Decimals(np.zeros(size, np.int64), np.zeros(size, np.int32), none)
    parts = [
        _read(packed[i : i + _BLOCK], lengths[i : i + _BLOCK])
        for i in range(0, max(size, 1), _BLOCK)
    ]
    return Decimals(*(np.concatenate(field) for field in zip(*parts, strict=True)))


def _read(packed: NDArray[np.bytes_], lengths: NDArray[np.int64]) -> Decimals:
    size, width = packed.size, packed.dtype.itemsize
    letters = np.ascontiguousarray(packed.view(np.uint8).reshape(size, width).T)
    value = np.zeros(size, dtype=np.uint64)
    n_digits, n_points, n_after, n_long = (np.zeros(size, np.int8) for _ in range(4))
    for letter in letters:
        digit = letter - np.uint8(_ZERO)
        is_digit = digit < 10
        value = np.where(is_digit, value * np.uint64(10) + digit, value)
        n_digits += is_digit
        # significant ones: more than 19 may wrap around, and are not used
        n_long += is_digit & ((n_long > 0) | (digit > 0))
        n_after += is_digit & (n_points > 0)
        n_points += letter == _POINT
    is_minus = letters[0] == _MINUS
    n_signs = is_minus | (letters[0] == _PLUS)
    # nothing but digits, one point at most, and one sign in front
    is_plain = (n_points <= 1) & (n_digits > 0)
    is_plain &= n_digits.astype(np.int64) + n_points + n_signs == lengths
    is_plain &= (n_long <= _MOST_DIGITS) & (value < np.uint64(_LIMIT))
    mantissas = np.where(is_plain, value, np.uint64(0)).astype(np.int64)
    return Decimals(
        np.where(is_minus, -mantissas, mantissas),
        np.where(is_plain, -n_after.astype(np.int32), 0).astype(np.int32),
        is_plain,
    )
