"""Exact numbers as the cells of a table of text, and their digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from fractions import Fraction

from arrangement.exact.scalars import exact_text


def cell_kind(numbers: Iterable[Fraction]) -> str | None:
    """Return what cells of numbers have to be read as: ``"binary"`` or ``"decimal"``.

    Binary where all are floats, which their shortest decimals (``repr``) tell apart;
    decimal where digits show them; None where no decimal does.

    Examples
    --------
    >>> cell_kind([Fraction(0.1)]), cell_kind([Fraction(1, 10)])
    ('binary', 'decimal')
    >>> cell_kind([Fraction(1, 3)]) is None
    True
    """
    found = list(numbers)
    if all(map(_is_float, found)):
        return "binary"
    return "decimal" if all(map(_is_decimal, found)) else None


def rows_digest(rows: Iterable[Sequence[Fraction]]) -> str:
    """Return the SHA-256 of rows: lines of numbers in lowest terms, commas between.

    Examples
    --------
    >>> rows_digest([[Fraction(-3, 4), Fraction(5)]])[:8]
    '5b6644cf'
    """
    text = "".join([",".join(map(exact_text, row)) + "\n" for row in rows])
    return hashlib.sha256(text.encode()).hexdigest()


def _is_float(number: Fraction) -> bool:
    top, bottom = number.numerator, number.denominator
    if bottom & (bottom - 1):
        return False
    if top.bit_length() <= 53 and bottom.bit_length() <= 1000:
        return True  # at once, as most are
    try:
        return float(number) == number
    except OverflowError:
        return False


def _is_decimal(number: Fraction) -> bool:
    rest = number.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest == 1
