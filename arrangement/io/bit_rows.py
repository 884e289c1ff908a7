"""Patterns as a CSV: a line for each, 0 or 1 for each row of the matrix.

The first line has the names ``row1, row2, ...``.  Any program reads it; what else is
known of a list (rank, bound, proof) has no place in it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from arrangement.errors import InputError

_COMMA, _LINE, _ZERO = ord(","), ord("\n"), ord("0")
# bytes of text that are taken apart at a time
_PIECE = 1 << 24


def bit_names(n: int) -> bytes:
    r"""Return the first line, of n at least 1.

    Examples
    --------
    >>> bit_names(3)
    b'row1,row2,row3\n'
    """
    return ",".join(f"row{k}" for k in range(1, n + 1)).encode("ascii") + b"\n"


def bit_lines(bits: NDArray[np.bool_]) -> bytes:
    r"""Return a line for each row of booleans (P, n), n at least 1.

    Examples
    --------
    >>> bit_lines(np.array([[True, False], [False, False]]))
    b'1,0\n0,0\n'
    """
    count, n = bits.shape
    text = np.full((count, 2 * n), _COMMA, dtype=np.uint8)
    text[:, ::2] = bits.view(np.uint8) + np.uint8(_ZERO)
    text[:, -1] = _LINE
    return text.tobytes()


def is_bit_rows(raw: bytes) -> bool:
    """Whether the first line of a text has the names of such a file, and no others."""
    if not raw.startswith(b"row1"):
        return False
    first = raw.split(b"\n", 1)[0].rstrip(b"\r")
    return first + b"\n" == bit_names(first.count(b",") + 1)


def holds_bit_rows(path: str | os.PathLike[str]) -> bool:
    """Whether `is_bit_rows` of a file; not of what is none or cannot be read."""
    try:
        with open(path, "rb") as stream:
            return is_bit_rows(stream.readline())
    except (OSError, ValueError):
        return False


def read_bit_rows(path: str | os.PathLike[str]) -> Iterator[NDArray[np.bool_]]:
    """Yield blocks of booleans (P, n); of a file without patterns one of P = 0.

    Lines may end as on Windows, and the last one need not end.

    Raises
    ------
    InputError
        The file cannot be read, has other names, or a cell that is neither 0 nor 1.
    """
    shown = os.fspath(path)
    try:
        raw = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {shown}: {error.strerror}.") from error
    if not is_bit_rows(raw):
        raise InputError(
            f"{shown} is no CSV of patterns: its first line is not row1,row2,... as "
            "arrangement enumerate writes it."
        )
    head, _, body = raw.partition(b"\n")
    n = head.count(b",") + 1
    body = body.replace(b"\r\n", b"\n")
    if body and not body.endswith(b"\n"):
        body += b"\n"
    step = max(_PIECE // (2 * n), 1) * 2 * n
    for begin in range(0, max(len(body), 1), step):
        yield _bits(shown, body[begin : begin + step], n, begin // (2 * n) + 2)


def _bits(shown: str, text: bytes, n: int, line: int) -> NDArray[np.bool_]:
    """Return the bits of whole lines; the first of them is this line of the file."""
    size = 2 * n
    flat = np.frombuffer(text, dtype=np.uint8)
    count = len(flat) // size
    lines = flat[: count * size].reshape(count, size)
    cells, marks = lines[:, ::2] - np.uint8(_ZERO), lines[:, 1::2]
    good = (cells <= 1).all(axis=1)
    good &= (marks[:, :-1] == _COMMA).all(axis=1) & (marks[:, -1] == _LINE)
    wrong = count if good.all() else int(np.argmin(good))
    if wrong < count or len(flat) % size:
        raise InputError(
            f"{shown}, line {line + wrong}: expected {n} cells of 0 or 1, with commas "
            "between and no blanks."
        )
    return cells.astype(np.bool_)
