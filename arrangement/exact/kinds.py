"""Entries of one kind as a `Column`: integers, floats, text, and all others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from arrangement.errors import InputError
from arrangement.exact.columns import Column
from arrangement.exact.decimal_text import read_decimals
from arrangement.exact.scalars import exact_number

# Sizes of floats whose shortest decimals are written without an exponent.
_SMALL, _LARGE = 1e-10, 1e15


def column_of(values: np.ndarray[Any, Any], floats: str) -> Column:
    """Return the entries of a 1-D array of a kind that holds real numbers.

    Raises
    ------
    InputError, InputTypeError
        As `exact_number`, for some entry that is no number.
    """
    kind = values.dtype.kind
    if kind in "iu":
        return Column.of_integers(values)
    if kind == "f":
        return _of_floats(values, floats)
    if kind == "S":
        values = np.char.decode(values, "ascii", "replace")
    entries = values.tolist()
    types = list(map(type, entries))
    kinds = dict.fromkeys(types)
    if len(kinds) <= 1:
        return _of_type(entries, next(iter(kinds), int), floats)
    parts = []
    for each in kinds:
        places = [i for i, found in enumerate(types) if found is each]
        part = _of_type([entries[i] for i in places], each, floats)
        parts.append((np.array(places, dtype=np.int64), part))
    return Column.joined(parts)


def _of_type(entries: list[Any], kind: type, floats: str) -> Column:
    """Return entries of one type."""
    if kind is int:
        return Column.of_integers(entries)
    if kind is str:
        return _of_text(entries)
    if kind is float or issubclass(kind, (np.float64, np.float32, np.float16)):
        return _of_floats(np.array(entries, dtype=kind), floats)
    if issubclass(kind, np.integer) and not issubclass(kind, np.timedelta64):
        return Column.of_integers([int(x) for x in entries])
    return _one_by_one(entries, floats)


def _one_by_one(entries: Sequence[Any], floats: str) -> Column:
    return Column.of_numbers([exact_number(x, floats=floats) for x in entries])


def _of_floats(values: np.ndarray[Any, Any], floats: str) -> Column:
    if not np.all(np.isfinite(values)):
        raise InputError("a number that is not finite came")
    if values.dtype.itemsize > 8:  # long double
        return _one_by_one(list(values), floats)
    if floats == "binary":
        return Column.of_floats(values.astype(np.float64))
    # of its own precision: float32(0.1) is 0.1
    size = np.abs(values.astype(np.float64))
    is_middling = (size == 0.0) | ((size > _SMALL) & (size < _LARGE))
    return _of_text(
        [
            np.format_float_positional(x, trim="-", unique=True)
            if plain
            else np.format_float_scientific(x, trim="0", unique=True)
            for x, plain in zip(values, is_middling.tolist(), strict=True)
        ]
    )


def _of_text(cells: list[str]) -> Column:
    found = read_decimals(cells)
    plain = np.flatnonzero(found.is_plain)
    part = Column.of_decimals(found.mantissas[plain], found.tens[plain])
    rest = np.flatnonzero(~found.is_plain)
    if not rest.size:
        return part
    other = _one_by_one([cells[i] for i in rest.tolist()], "binary")
    return Column.joined(
        [(plain, part), (rest, other)] if plain.size else [(rest, other)]
    )
