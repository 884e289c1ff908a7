"""Arrangements of polymake: its JSON files, and the matrices that it prints."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from arrangement.errors import InputError, InputTypeError
from arrangement.exact import exact_number
from arrangement.io import parse_json
from arrangement.model import Arrangement
from arrangement.options import said, short

_PROPERTY = "HYPERPLANES"
_SPARSE = re.compile(r"\(\s*(\d+)\s*\)")
_ENTRY = re.compile(r"\(\s*(\d+)\s+(\S+?)\s*\)")

_Row = list[Fraction | int]


def from_polymake(source: Any, *, affine: bool = False) -> Arrangement:
    r"""Return a ``HyperplaneArrangement`` of polymake.

    Parameters
    ----------
    source : str, path, mapping or object
        Text: the JSON of a file that polymake wrote, or the matrix ``HYPERPLANES`` as
        it prints it, dense or sparse, with or without its name above.  A
        ``pathlib.Path`` names a file with such text.  A mapping is JSON that was parsed
        already; an object has an attribute ``HYPERPLANES``, as in polymake's interface
        for Python.
    affine : bool
        Whether the first column is the constant, as in the homogeneous coordinates of
        polymake's polytopes: ``(c, a)`` is ``c + a . x = 0``.  Without it the rows are
        normals of linear hyperplanes, as polymake takes them.

    Returns
    -------
    Arrangement
        One row for each row of the matrix.

    Raises
    ------
    InputError
        Text without such a matrix, ragged rows, entries that are no rational numbers.
    InputTypeError
        ``source`` is something else.

    Notes
    -----
    The property ``SUPPORT``, a cone that the hyperplanes subdivide, is not read: its
    inequalities are what `patterns_inside` takes.

    Examples
    --------
    >>> from arrangement import count_patterns
    >>> text = '{"_type": "fan::HyperplaneArrangement", "HYPERPLANES": '
    >>> count_patterns(from_polymake(text + '[["1", "0"], ["-1/2", "1"]]}'))
    4
    >>> count_patterns(from_polymake("1 0 0\n0 1 0\n-1 1 1", affine=True))
    4
    """
    rows = _rows_of(source)
    width = max((len(row) for row in rows), default=0)
    if any(len(row) != width for row in rows):
        raise InputError(f"{_PROPERTY} is ragged; every row needs the same length.")
    if not affine:
        return Arrangement(_matrix(rows, width))
    if rows and not width:
        raise InputError("affine=True needs a column of constants; the rows are empty.")
    shifts = _matrix([[-x for x in row[:1]] for row in rows], 1)[:, 0]
    return Arrangement(_matrix([row[1:] for row in rows], max(width - 1, 0)), shifts)


def _matrix(rows: list[_Row], width: int) -> Any:
    out = np.zeros((len(rows), width), dtype=object)
    for i, row in enumerate(rows):
        out[i] = row
    return out


def _rows_of(source: Any) -> list[_Row]:
    """Return the rows of the matrix as exact numbers."""
    if isinstance(source, os.PathLike):
        try:
            source = Path(source).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{source} cannot be read: {error}.") from None
    if isinstance(source, str) and source.lstrip().startswith(("{", "[")):
        try:
            source = parse_json(source)
        except ValueError as error:
            raise InputError(f"source is no JSON of polymake: {error}.") from None
    if isinstance(source, str):
        return [_text_row(line) for line in _lines(source)]
    if isinstance(source, Mapping):
        if _PROPERTY not in source:
            kind = short(str(source.get("_type", "a mapping")))
            raise InputError(f"{kind} came without {_PROPERTY}; expected that matrix.")
        source = source[_PROPERTY]
    elif hasattr(source, _PROPERTY):
        source = getattr(source, _PROPERTY)
    if not isinstance(source, Sequence | np.ndarray) and not hasattr(
        source, "__iter__"
    ):
        raise InputTypeError(
            f"{said('source', source)}; expected text, a path, a mapping or an object "
            f"with {_PROPERTY}."
        )
    return _json_rows(list(source))


def _json_rows(rows: list[Any]) -> list[_Row]:
    """Read rows that are lists, or mappings of places where the matrix is sparse."""
    width = 0
    if rows and isinstance(rows[-1], Mapping) and "cols" in rows[-1]:
        width = int(rows.pop()["cols"])
    out = []
    for i, row in enumerate(rows):
        if isinstance(row, Mapping):
            out.append(_spread({int(k): x for k, x in row.items()}, width, i))
        elif isinstance(row, str) or not hasattr(row, "__iter__"):
            raise InputError(f"{said(f'row {i}', row)}; expected a list of numbers.")
        else:
            out.append([_number(x, i) for x in row])
    return out


def _lines(text: str) -> list[str]:
    """Return the lines of the matrix: below its name, up to an empty line."""
    lines = [line.strip() for line in text.strip().splitlines()]
    if _PROPERTY in lines:
        lines = lines[lines.index(_PROPERTY) + 1 :]
        return lines[: lines.index("")] if "" in lines else lines
    return [line for line in lines if line]


def _text_row(line: str) -> _Row:
    """Read ``1 -1/2 0``, or ``(3) (0 1) (1 -1/2)``."""
    sparse = _SPARSE.match(line)
    if sparse is None:
        return [_number(word, line) for word in line.split()]
    rest = line[sparse.end() :]
    if _ENTRY.sub("", rest).strip():
        raise InputError(f"{short(line)!r} is no sparse row, such as (3) (0 1) (2 -1).")
    return _spread({int(k): x for k, x in _ENTRY.findall(rest)}, int(sparse[1]), line)


def _spread(entries: dict[int, Any], width: int, where: Any) -> _Row:
    row: _Row = [0] * width
    for place, value in entries.items():
        if not 0 <= place < width:
            raise InputError(
                f"{_PROPERTY} has column {place} of {width} (row {where!r})."
            )
        row[place] = _number(value, where)
    return row


def _number(value: Any, where: Any) -> Fraction | int:
    try:
        return exact_number(value, floats="binary")
    except (InputError, InputTypeError) as error:
        raise type(error)(f"{_PROPERTY}: {error} (row {short(repr(where))}).") from None
