"""Columns of exact numbers as text in lowest terms, ``-3/2``, for digests.

Where numerators are machine words and denominators short, all of it is made in vectors:
four digits at a time from a table of ten thousand, into fields of fixed width that are
filled up with NUL, which is taken out of the whole text in the end.  Other columns are
written number by number; both give what `exact_text` gives.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from arrangement.exact.columns import Column
from arrangement.exact.scalars import exact_text

# Numbers that are written at a time.
_BLOCK = 1 << 16
# No longer denominators are written in vectors.
_LONGEST = 60


def _groups() -> NDArray[np.uint32]:
    """Return the text of 0 to 9999 with zeros in front, and with NUL in their place."""
    full = "".join(f"{k:04d}" for k in range(10_000))
    bare = "".join(f"{k or '':\0>4}" for k in range(10_000))
    return np.frombuffer((full + bare).encode(), dtype=np.uint32)


_TABLE = _groups()
_MINUS, _NOUGHT = np.frombuffer(b"-\0\0\0\0\0\x000", dtype=np.uint32)


def written(
    columns: Sequence[Column], n_rows: int, per_line: int, last: Column
) -> list[bytes]:
    r"""Return the text of a matrix, in parts.

    A line has the entries of ``per_line`` rows, one after another, and one of ``last``,
    with commas between.

    Examples
    --------
    >>> X = Column.of_floats(np.array([0.75, -2.0]))
    >>> written([X], 2, 2, Column.of_integers([3]))
    [b'3/4,-2,3\n']
    """
    out = []
    size = max(1, _BLOCK // (per_line * len(columns) + 1))
    for start in range(0, len(last), size):
        ends = last[start : start + size]
        rows = slice(start * per_line, (start + len(ends)) * per_line)
        parts = [column[rows] for column in columns]
        out.append(_in_vectors(parts, ends) or _one_by_one(parts, ends))
    return out


def _in_vectors(parts: list[Column], ends: Column) -> bytes | None:
    fields = [_field(column, ",") for column in parts]
    last = _field(ends, "\n")
    found = [field for field in fields if field is not None]
    if last is None or len(found) < len(fields):
        return None
    n_lines = len(ends)
    rows = np.concatenate(found, axis=1) if found else last[:0]
    text = np.concatenate([rows.reshape(n_lines, -1), last], axis=1)
    return text.tobytes().translate(None, b"\0")


def _field(column: Column, after: str) -> NDArray[np.uint32] | None:
    """Return the text of each number, (n, words); None where it is too long."""
    tops, fits = column.numerators()
    if column.divisor > 1 or not np.all(fits):
        return None
    codes, bottoms = column.denominators()
    tails = [after if x == 1 else f"/{exact_text(x)}{after}" for x in bottoms]
    width = -(-max(map(len, tails), default=0) // 4)
    if 4 * width > _LONGEST:
        return None
    ending = "".join(f"{tail:\0<{4 * width}}" for tail in tails).encode()
    rest = np.abs(tops)
    n_groups = -(-len(str(int(rest.max(initial=0)))) // 4)
    field = np.empty((len(column), 1 + n_groups + width), dtype=np.uint32)
    field[:, 0] = (tops < 0) * _MINUS
    for k in range(n_groups, 0, -1):
        above = rest // 10_000
        field[:, k] = _TABLE.take(rest - (above - (above == 0)) * 10_000)
        rest = above
    field[tops == 0, n_groups] = _NOUGHT
    table = np.frombuffer(ending, dtype=np.uint32).reshape(-1, width)
    for k in range(width):
        field[:, 1 + n_groups + k] = table[:, k].take(codes)
    return field


def _one_by_one(parts: list[Column], ends: Column) -> bytes:
    listed = [list(map(exact_text, column.numbers())) for column in parts]
    rows = list(map(",".join, zip(*listed, strict=True))) if listed else []
    per_line = len(rows) // len(ends)
    lines = [
        ",".join([*rows[i * per_line : (i + 1) * per_line], exact_text(end)])
        for i, end in enumerate(ends)
    ]
    return "".join(f"{line}\n" for line in lines).encode()
