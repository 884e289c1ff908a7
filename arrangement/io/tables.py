"""Read tables of numbers (separated text, npy, npz) exactly, with named columns.

The cells of a text stay text until `arrangement.exact` reads them, so a number is the
decimal that the file shows and not its nearest float64.  Arrays keep their dtype.
Both command lines read their files here.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property
from itertools import compress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from arrangement.errors import InputError, InputTypeError
from arrangement.exact import MAX_DIGITS
from arrangement.io.array_files import ARRAY_MAGIC, listed, read_arrays
from arrangement.io.headers import (
    cell_fault,
    counts_rows,
    has_names,
    index_question,
    is_missing,
    is_number,
    names_in_comment,
    pointed,
    unique_names,
)
from arrangement.io.kinds import kind_of, kind_of_path
from arrangement.io.separated_text import (
    Rows,
    check_separator,
    decoded,
    read_rows,
    separator_text,
    unzipped,
)
from arrangement.options import short

_DECIMALS = {".": ".", ",": ",", "point": ".", "comma": ","}
# a column of decimals whose exponents need no second look, in one match
_COLUMN = re.compile(r"(?:[+-]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][+-]?\d{1,4})?\n)*+")


@dataclass(frozen=True, eq=False)
class Table:
    """A table as read: named columns, untouched cells.

    Attributes
    ----------
    path : str
        The file, as the user named it.
    names : tuple of str
        Names of the columns; one that is repeated cannot be chosen.
    columns : tuple of sequence, each of length n
        Text, or the arrays of an array file with their dtype.
    n_rows : int
        Number of rows.
    default : tuple of str
        The columns taken when none are chosen; see `features`.
    lines : tuple of int
        Line of the file that each row stands on; empty for array files.
    decimal, separator : str
        The decimal mark of the text, a point or a comma, and what separates cells.
    notes : tuple of str
        How the file was read, for a person.
    question : str
        What is unclear about ``default``; empty when nothing is.
    """

    path: str
    names: tuple[str, ...]
    columns: tuple[Any, ...] = field(repr=False)
    n_rows: int
    default: tuple[str, ...] = field(repr=False)
    lines: tuple[int, ...] = field(default=(), repr=False)
    decimal: str = "."
    separator: str = ""
    notes: tuple[str, ...] = ()
    question: str = field(default="", repr=False)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: k for k, name in enumerate(self.names)}

    @cached_property
    def _repeated(self) -> frozenset[str]:
        return frozenset(name for name, n in Counter(self.names).items() if n > 1)

    def features(self, besides: Sequence[str | None] = ()) -> tuple[str, ...]:
        """Return the columns taken when none are chosen, without ``besides``.

        Raises
        ------
        InputError
            If a first column without a name may be data or row numbers.
        """
        if self.question:
            raise InputError(self.question)
        left_out = set(besides)
        return tuple(name for name in self.default if name not in left_out)

    def numbers(self, names: Sequence[str] | None = None) -> NDArray[Any]:
        """Return the chosen columns as a matrix that can be read exactly.

        Parameters
        ----------
        names : sequence of str, optional
            Columns in the order wanted; the table's own by default.

        Returns
        -------
        ndarray, shape (n, len(names)), a copy
            Decimal text (object dtype) from text, else the array's numeric dtype.

        Raises
        ------
        InputError
            No rows, no columns, an unknown or repeated name, an empty cell, text
            that is no number, NaN or infinity; names line and column.
        InputTypeError
            A column of complex numbers, booleans or text in an array file.
        """
        if self.n_rows == 0:
            raise InputError(f"{self.path} has no rows of data.")
        chosen = self.features() if names is None else tuple(names)
        if not chosen:
            raise InputError(
                f"{self.path}: no columns to read; at least one is needed."
            )
        for name, count in Counter(chosen).items():
            if count > 1 and name not in self._repeated:
                raise InputError(f"column {name!r} is chosen twice.")
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

    def complete(self, names: Sequence[str]) -> NDArray[np.bool_]:
        """Return which rows have a value in all of these columns, shape (n,).

        Missing are empty cells, words such as NA and nan, and NaN in array files.

        Raises
        ------
        InputError
            An unknown or repeated name.
        """
        kept = np.ones(self.n_rows, dtype=np.bool_)
        for name in names:
            self.require(name)
            base = self.indicator(name)
            column = self.columns[self._places[name if base is None else base[0]]]
            if self.lines:
                kept &= np.fromiter(
                    (not is_missing(cell) for cell in column), np.bool_, self.n_rows
                )
            elif column.dtype.kind == "f":
                kept &= ~np.isnan(column)
        return kept

    def indicator(self, name: str) -> tuple[str, str] | None:
        """Return column and value where a name such as ``colour=red`` stands for both.

        Such a column is 1 where the other holds the value, and 0 elsewhere.  None where
        a column has the name itself, or none has that of the first part.
        """
        if name in self._places:
            return None
        places = [k for k, mark in enumerate(name) if mark == "="]
        found = ((name[:k], name[k + 1 :]) for k in places)
        return next(
            (pair for pair in found if pair[0] in self._places
             and pair[0] not in self._repeated), None
        )  # fmt: skip

    def rows(self, kept: NDArray[np.bool_]) -> Table:
        """Return the table of some rows, and note how many were left out."""
        left_out = self.n_rows - int(np.count_nonzero(kept))
        if not left_out:
            return self
        what = "row" if left_out == 1 else "rows"
        if self.lines:
            columns = tuple(list(compress(column, kept)) for column in self.columns)
        else:
            columns = tuple(column[kept] for column in self.columns)
        return replace(
            self,
            columns=columns,
            n_rows=self.n_rows - left_out,
            lines=tuple(compress(self.lines, kept)),
            notes=(
                *self.notes,
                f"{left_out:,} {what} with missing values left out of {self.n_rows:,}",
            ),
        )

    def labels(self, name: str) -> list[str]:
        """Return a column of classes as text; numbers that are equal are one text.

        Raises
        ------
        InputError
            An unknown or repeated name, no rows, or a missing value.
        InputTypeError
            A column of complex numbers in an array file.
        """
        self.require(name)
        column = self.columns[self._places[name]]
        if self.n_rows == 0:
            raise InputError(f"{self.path} has no rows of data.")
        if not self.lines:
            if column.dtype.kind not in "iufbU":
                raise InputTypeError(
                    f"{self.path}, column {name!r}: dtype {column.dtype}; expected "
                    "numbers or text."
                )
            if column.dtype.kind == "f":
                column = self.column(name)
            return [_label(str(value), ".") for value in column.tolist()]
        for line, cell in zip(self.lines, column, strict=True):
            if is_missing(cell):
                alone = len(self.names) == 1
                fault = cell_fault(cell, self.decimal, alone=alone)
                raise InputError(
                    f"{self.path}, line {line}, column {short(name)!r}: {fault}"
                )
        return [_label(cell, self.decimal) for cell in column]

    def require(self, name: str) -> None:
        """Refuse a name that no column has, or that several have; no cell is read.

        Raises
        ------
        InputError
            What the table has instead.
        """
        if self.indicator(name) is not None:
            return
        if name not in self._places:
            raise InputError(
                f"{self.path} has no column {name!r}; it has {listed(self.names)}."
            )
        if name in self._repeated:
            raise InputError(
                f"{self.path}: two columns are named {name!r}. Choose others by name, "
                "or rename one."
            )

    def column(self, name: str) -> NDArray[Any]:
        """Return one column, checked to hold finite numbers only (not a copy)."""
        self.require(name)
        base = self.indicator(name)
        if base is not None:
            is_it = np.array([label == base[1] for label in self.labels(base[0])])
            if self.lines:
                return np.where(is_it, "1", "0").astype(object)
            return is_it.astype(np.int64)
        column = self.columns[self._places[name]]
        if self.lines:
            return self._decimals(name, column)
        if column.dtype.kind not in "iuf":
            raise InputTypeError(
                f"{self.path}, column {name!r}: dtype {column.dtype}; expected "
                "integers or floats. Choose the numeric columns by name."
            )
        bad = np.flatnonzero(~np.isfinite(column))
        if bad.size:
            raise InputError(
                f"{self.path}, row {int(bad[0])}, column {name!r}: {column[bad[0]]} "
                "came; expected a finite number. Drop the row or fill it, or leave out "
                "all rows with missing values with --missing drop."
            )
        checked: NDArray[Any] = column
        return checked

    def _decimals(self, name: str, cells: Sequence[str]) -> NDArray[Any]:
        """Return text cells with decimal points, all of them finite numbers."""
        decimals = [pointed(cell, self.decimal) for cell in cells]
        text = "\n".join(decimals) + "\n"
        is_plain = (
            _COLUMN.fullmatch(text) is not None
            and text.count("\n") == len(cells)
            and max(map(len, cells)) <= MAX_DIGITS
        )
        if not is_plain:
            for line, cell in zip(self.lines, cells, strict=True):
                fault = cell_fault(
                    cell,
                    self.decimal,
                    alone=len(self.names) == 1,
                    separator=self.separator,
                )
                if fault:
                    raise InputError(
                        f"{self.path}, line {line}, column {short(name)!r}: {fault}"
                    )
        return np.array(decimals, dtype=object)


def _label(cell: str, decimal: str) -> str:
    """Return a class as text: 1 for 1.0 and 1e0, and else what it is."""
    if not is_number(cell, decimal):
        return cell
    number = Decimal(pointed(cell, decimal))
    return "0" if not number else format(number.normalize(), "f")


def read_table(
    path: str | os.PathLike[str] | BinaryIO,
    *,
    key: str | None = None,
    header: bool | None = None,
    separator: str | None = None,
    decimal: str | None = None,
    index: str | None = None,
) -> Table:
    r"""Read a table of text, an npy or an npz file; which one is seen from its bytes.

    Parameters
    ----------
    path : path-like or binary stream
        A stream is read to its end.  Text: UTF-8, or UTF-16 with its mark; perhaps in
        gzip; every row the same number of cells; ``#`` starts a comment above the first
        row.  npy, npz: no pickled objects.
    key : str, optional
        The 2-D array of an npz file; by default ``X``, or the only 2-D array.
        ``feature_names`` names its columns if the file holds such an array, and
        1-D arrays of the same length are columns under their own names.
    header : bool, optional
        Whether the first line of a text holds names.  By default: yes when none of
        its cells looks like a number, no when all are numbers that are not usual
        for names, and an error otherwise.
    separator : str, optional
        One character, or comma, semicolon, tab, pipe, space (any run of blanks).  By
        default the one under which all lines have the same number of cells.
    decimal : str, optional
        The decimal mark: ``.`` or ``,`` (point, comma).  By default a point; decimal
        commas are refused.  Among commas they are read from quoted cells, if both are
        named.
    index : str, optional
        The column that numbers or names the rows: not taken unless it is chosen by
        name.  ``"none"``: the first column is data though it has no name.

    Returns
    -------
    Table

    Raises
    ------
    InputError
        The file cannot be read, is empty, ragged, or holds no such table; or it can
        be read in two ways, and the message names the option that decides.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "points.csv"
    ...     _ = path.write_text("a,b\n0.1,2\n0.3,4\n")
    ...     read_table(path).numbers().tolist()
    [['0.1', '2'], ['0.3', '4']]
    """
    shown = _shown_name(path)
    mark = check_separator(separator)
    point = _check_decimal(decimal)
    try:
        raw = path.read() if hasattr(path, "read") else Path(path).read_bytes()
    except OSError as error:
        kind = None if hasattr(path, "read") else kind_of_path(path)
        if kind is not None:  # a folder
            raise InputError(kind.refusal(shown, "a table")) from None
        raise InputError(f"cannot read {shown}: {error.strerror}.") from error
    except ValueError as error:  # a NUL character in the name
        raise InputError(f"cannot read {shown!r}: {error}.") from error
    raw = unzipped(shown, raw)
    if not raw.strip():
        raise InputError(f"{shown} is empty.")
    # what is asked for by name is read, whatever it is
    kind = kind_of(raw) if key is None and header is None else None
    if kind is not None:
        raise InputError(kind.refusal(shown, "a table"))
    if raw.startswith(ARRAY_MAGIC):
        if header is not None:
            raise InputError(f"{shown} is an array file; it has no header line.")
        if mark is not None or point is not None:
            raise InputError(f"{shown} is an array file; it has no separators.")
        return _with_index(_array_table(shown, raw, key), index)
    if key is not None:
        raise InputError(f"{shown} is no npz file; --key and key= choose in npz only.")
    rows = read_rows(
        shown,
        decoded(shown, raw),
        separator=mark,
        decimal=point,
        header=header,
        row_names=index not in (None, "none"),
    )
    return _with_index(_text_table(shown, rows, header, point or "."), index)


def _shown_name(path: str | os.PathLike[str] | BinaryIO) -> str:
    if not hasattr(path, "read"):
        return os.fspath(path)
    name = getattr(path, "name", None)
    return "standard input" if name == "<stdin>" else str(name or "the stream")


def with_ones(X: NDArray[Any]) -> NDArray[Any]:
    """Return ``X`` (n, d) with an exact column of ones appended, same dtype."""
    one = "1" if X.dtype == object and X.size and isinstance(X.flat[0], str) else 1
    return np.concatenate([X, np.full((len(X), 1), one, dtype=X.dtype)], axis=1)


def _check_decimal(decimal: str | None) -> str | None:
    if decimal is None:
        return None
    if decimal not in _DECIMALS:
        raise InputError(f"decimal is {decimal!r}; expected '.' or ','.")
    return _DECIMALS[decimal]


def _array_table(shown: str, raw: bytes, key: str | None) -> Table:
    found = read_arrays(shown, raw, key)
    default = found.names[: found.n_default]
    return Table(shown, found.names, found.columns, found.n_rows, default)


def _text_table(shown: str, rows: Rows, header: bool | None, decimal: str) -> Table:
    """Tell names from data, and give the cells by column."""
    columns, lines, line = rows.columns, rows.lines, rows.lines[0]
    names: list[str] = []
    said = "no names"
    if names_in_comment(shown, rows.comment, columns, header, decimal):
        names = list(rows.comment)
        said = "names in the comment above"
    elif has_names(shown, columns, line, header, decimal):
        names = [column[0] for column in columns]
        said = f"names in line {line}"
        columns, lines = [column[1:] for column in columns], lines[1:]
    width = len(columns)
    question = index_question(shown, names) if names else ""
    given = unique_names(names or [""] * width)
    notes = [f"separated by {separator_text(rows.separator)}"]
    if decimal == ",":
        notes.append("decimal commas")
    if not names and width > 1 and counts_rows(columns[0]):
        notes.append("x1 counts the rows (--index x1 leaves it out)")
    return Table(
        shown,
        given,
        tuple(columns),
        len(lines),
        given,
        tuple(lines),
        decimal,
        rows.separator,
        (*notes, said, *rows.notes),
        question,
    )


def _with_index(table: Table, index: str | None) -> Table:
    """Leave the index column out of the columns taken by default."""
    if index is None:
        return table
    question = ""
    default, notes = table.default, table.notes
    if index != "none":
        if table.names.count(index) > 1:
            raise InputError(
                f"{table.path}: two columns are named {index!r}; rename one, or choose "
                "the columns by name."
            )
        if index not in table.names:
            raise InputError(
                f"{table.path} has no column {index!r} for --index; it has "
                f"{listed(table.names)}. Say --index none if there is none."
            )
        if index != table.names[0]:
            question = table.question
        default = tuple(name for name in default if name != index)
        notes = (*notes, f"{index!r} numbers the rows")
    return replace(table, default=default, notes=notes, question=question)
