"""Read tables of numbers (CSV, npy, npz) exactly, with names for their columns.

The cells of a CSV stay text until `arrangement.exact` reads them, so a number is the
decimal that the file shows and not its nearest float64.  Arrays keep their dtype.
Both command lines read their files here.
"""

from __future__ import annotations

import csv
import io
import os
import re
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arrangement.errors import InputError, InputTypeError

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE]([+-]?\d+))?", re.ASCII)
_MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "-", "?"})
# an exact number has as many digits as its exponent says; beyond float64 by far
_MAX_EXPONENT = 5000
_DELIMITERS = (",", ";", "\t")
_ARRAY_MAGIC = (b"\x93NUMPY", b"PK\x03\x04", b"PK\x05\x06")


@dataclass(frozen=True, eq=False)
class Table:
    """A table as read: named columns, untouched cells.

    Attributes
    ----------
    path : str
        The file, as the user named it.
    names : tuple of str
        Names of the columns, all different.
    columns : tuple of ndarray, each shape (n,)
        Text (object dtype, from CSV) or the dtype of the array file.
    n_rows : int
        Number of rows.
    default : tuple of str
        The columns taken when none are chosen.
    lines : tuple of int
        Line of the file that each row stands on; empty for array files.
    """

    path: str
    names: tuple[str, ...]
    columns: tuple[NDArray[Any], ...] = field(repr=False)
    n_rows: int
    default: tuple[str, ...] = field(repr=False)
    lines: tuple[int, ...] = field(default=(), repr=False)

    def numbers(self, names: Sequence[str] | None = None) -> NDArray[Any]:
        """Return the chosen columns as a matrix that can be read exactly.

        Parameters
        ----------
        names : sequence of str, optional
            Columns in the order wanted; the table's own by default.

        Returns
        -------
        ndarray, shape (n, len(names)), a copy
            Decimal text (object dtype) from CSV, else the array's numeric dtype.

        Raises
        ------
        InputError
            No rows, no columns, an unknown or repeated name, an empty cell, text
            that is no number, NaN or infinity; names line and column.
        InputTypeError
            A column of complex numbers, booleans or text in an array file.
        """
        chosen = self.default if names is None else tuple(names)
        if self.n_rows == 0:
            raise InputError(f"{self.path} has no rows of data.")
        if not chosen:
            raise InputError(
                f"{self.path}: no columns to read; at least one is needed."
            )
        repeated = sorted({name for name in chosen if chosen.count(name) > 1})
        if repeated:
            raise InputError(f"column {repeated[0]!r} is chosen twice.")
        picked = [self.column(name) for name in chosen]
        kinds = {column.dtype for column in picked}
        out = np.empty(
            (self.n_rows, len(picked)),
            # mixed dtypes would be promoted, and int64 to float64 rounds
            dtype=kinds.pop() if len(kinds) == 1 else object,
        )
        for k, column in enumerate(picked):
            out[:, k] = column
        return out

    def column(self, name: str) -> NDArray[Any]:
        """Return one column, checked to hold finite numbers only (not a copy)."""
        if name not in self.names:
            raise InputError(
                f"{self.path} has no column {name!r}; it has {_listed(self.names)}."
            )
        column = self.columns[self.names.index(name)]
        if self.lines:
            for line, cell in zip(self.lines, column.tolist(), strict=True):
                problem = _problem(cell)
                if problem:
                    advice = (
                        " Drop the row or fill the cell."
                        if cell.lower() in _MISSING
                        else " Choose the numeric columns by name, or correct the cell."
                    )
                    raise InputError(
                        f"{self.path}, line {line}, column {name!r}: {problem}.{advice}"
                    )
            return column
        if column.dtype.kind not in "iuf":
            raise InputTypeError(
                f"{self.path}, column {name!r}: dtype {column.dtype}; expected "
                "integers or floats. Choose the numeric columns by name."
            )
        bad = np.flatnonzero(~np.isfinite(column))
        if bad.size:
            raise InputError(
                f"{self.path}, row {int(bad[0])}, column {name!r}: {column[bad[0]]} "
                "came; expected a finite number. Drop the row."
            )
        return column


def read_table(
    path: str | os.PathLike[str], *, key: str | None = None, header: bool | None = None
) -> Table:
    r"""Read a CSV, npy or npz file; which of them is seen from its first bytes.

    Parameters
    ----------
    path : path-like
        CSV: UTF-8, separated by commas, semicolons or tabs; every line the same
        number of cells.  npy, npz: no pickled objects.
    key : str, optional
        The 2-D array of an npz file; by default ``X``, or the only 2-D array.
        ``feature_names`` names its columns if the file holds such an array, and
        1-D arrays of the same length are columns under their own names.
    header : bool, optional
        Whether the first line of a CSV holds names.  By default: yes when none of
        its cells is a number, no when all are, and an error otherwise.

    Returns
    -------
    Table

    Raises
    ------
    InputError
        The file cannot be read, is empty, ragged, or holds no such table.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "points.csv"
    ...     _ = path.write_text("a,b\n0.1,2\n0.3,4\n")
    ...     read_table(path).numbers().tolist()
    [['0.1', '2'], ['0.3', '4']]
    """
    shown = os.fspath(path)
    try:
        raw = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {shown}: {error.strerror}.") from error
    except ValueError as error:  # a NUL character in the name
        raise InputError(f"cannot read {shown!r}: {error}.") from error
    if not raw.strip():
        raise InputError(f"{shown} is empty.")
    if raw.startswith(_ARRAY_MAGIC):
        if header is not None:
            raise InputError(f"{shown} is an array file; it has no header line.")
        return _read_arrays(shown, raw, key)
    if key is not None:
        raise InputError(f"{shown} is no npz file; --key and key= choose in npz only.")
    return _read_csv(shown, raw, header)


def with_ones(X: NDArray[Any]) -> NDArray[Any]:
    """Return ``X`` (n, d) with an exact column of ones appended, same dtype."""
    one = "1" if X.dtype == object and X.size and isinstance(X.flat[0], str) else 1
    return np.concatenate([X, np.full((len(X), 1), one, dtype=X.dtype)], axis=1)


def _read_csv(shown: str, raw: bytes, header: bool | None) -> Table:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError(f"{shown}, line {line}: not UTF-8 text.") from error
    if "\0" in text:
        raise InputError(f"{shown} is neither text nor an npy or npz file.")
    first = next(line for line in text.splitlines() if line.strip())
    delimiter = next((mark for mark in _DELIMITERS if mark in first), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    lines: list[int] = []
    rows: list[list[str]] = []
    try:
        for cells in reader:
            stripped = [cell.strip() for cell in cells]
            if len(stripped) < 2 and not any(stripped):
                continue
            if rows and len(stripped) != len(rows[0]):
                raise InputError(
                    f"{shown}, line {reader.line_num}: {len(stripped)} cells; line "
                    f"{lines[0]} has {len(rows[0])}."
                )
            rows.append(stripped)
            lines.append(reader.line_num)
    except csv.Error as error:
        raise InputError(f"{shown}, line {reader.line_num}: {error}.") from error
    if not rows:
        raise InputError(f"{shown} has no rows of data.")
    if _has_header(shown, lines[0], rows[0], header):
        names = _unique_names(shown, rows[0])
        rows, lines = rows[1:], lines[1:]
    else:
        names = tuple(f"x{k + 1}" for k in range(len(rows[0])))
    columns = []
    for k in range(len(names)):
        column = np.empty(len(rows), dtype=object)
        column[:] = [row[k] for row in rows]
        columns.append(column)
    return Table(shown, names, tuple(columns), len(rows), names, tuple(lines))


def _has_header(shown: str, line: int, cells: list[str], header: bool | None) -> bool:
    if header is not None:
        return header
    n_numbers = sum(_NUMBER.fullmatch(cell) is not None for cell in cells)
    if 0 < n_numbers < len(cells):
        # a guess here would lose a row of data, or take names for data, in silence
        raise InputError(
            f"{shown}, line {line}: {n_numbers} of {len(cells)} cells are numbers, so "
            "it may be names or data. Say which with --header or --no-header."
        )
    return n_numbers == 0


def _unique_names(shown: str, cells: list[str]) -> tuple[str, ...]:
    names = tuple(cell or f"x{k + 1}" for k, cell in enumerate(cells))
    repeated = [name for name in names if names.count(name) > 1]
    if repeated:
        raise InputError(f"{shown}: two columns are named {repeated[0]!r}.")
    return names


def _problem(cell: str) -> str:
    """Say why a cell is no finite decimal number; empty when it is one."""
    match = _NUMBER.fullmatch(cell)
    if match is None:
        lowered = cell.lower().lstrip("+-")
        if not cell:
            return "the cell is empty"
        if lowered in ("nan", "inf", "infinity"):
            return f"{cell!r} came; expected a finite number"
        return f"{_short(cell)!r} is not a number"
    exponent = match.group(3)
    if exponent is not None and (
        len(exponent) > 6 or abs(int(exponent)) > _MAX_EXPONENT
    ):
        return f"{_short(cell)!r} has an exponent beyond {_MAX_EXPONENT}"
    return ""


def _read_arrays(shown: str, raw: bytes, key: str | None) -> Table:
    try:
        loaded = np.load(io.BytesIO(raw), allow_pickle=False)
        arrays = (
            {"": loaded}
            if isinstance(loaded, np.ndarray)
            else {name: loaded[name] for name in loaded.files}
        )
    except (
        ValueError,
        OSError,
        EOFError,
        NotImplementedError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise InputError(
            f"cannot read {shown} as an array file: {_first_line(error)}."
        ) from error
    arrays = {k: v for k, v in arrays.items() if isinstance(v, np.ndarray)}
    name = _choose(shown, arrays, key)
    X = arrays.pop(name)
    if X.ndim != 2:
        hint = " Use X[:, None] for one column." if X.ndim == 1 else ""
        raise InputError(f"{shown}: shape {X.shape}; expected (n, d).{hint}")
    n, d = X.shape
    default = tuple(f"x{k + 1}" for k in range(d))
    labels = arrays.get("feature_names")
    if labels is not None and labels.dtype.kind == "U" and labels.shape == (d,):
        default = _unique_names(shown, labels.tolist())
    extra = {
        k: v for k, v in arrays.items() if v.shape == (n,) and v.dtype.kind in "iuf"
    }
    extra = {k: v for k, v in extra.items() if k not in default}
    columns = (*(X[:, k] for k in range(d)), *extra.values())
    return Table(shown, (*default, *extra), columns, n, default)


def _choose(shown: str, arrays: dict[str, NDArray[Any]], key: str | None) -> str:
    if list(arrays) == [""]:
        if key is not None:
            raise InputError(f"{shown} is an npy file with one array; it has no keys.")
        return ""
    if not arrays:
        raise InputError(f"{shown} holds no arrays.")
    if key is not None:
        if key not in arrays:
            raise InputError(
                f"{shown} has no array {key!r}; it has {_listed(tuple(arrays))}."
            )
        return key
    if "X" in arrays:
        return "X"
    matrices = [k for k, v in arrays.items() if v.ndim == 2]
    if len(matrices) == 1:
        return matrices[0]
    if len(arrays) == 1:
        return next(iter(arrays))
    raise InputError(
        f"{shown} holds {_listed(tuple(arrays))}; choose the matrix with --key."
    )


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0].rstrip(".")


def _listed(names: tuple[str, ...]) -> str:
    shown = ", ".join(repr(name) for name in names[:12])
    return shown if len(names) <= 12 else f"{shown} and {len(names) - 12} more"


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."
