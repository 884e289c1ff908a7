"""Where the numbers of a proof stand: columns of a table, and how they are read."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from arrangement.errors import InputError
from arrangement.exact import cell_kind, read_matrix, read_vector, rows_digest

# What a table shows for each row: the columns chosen, and the offset if there is one.
Samples = list[list[Fraction]]


@dataclass(frozen=True)
class TableForm:
    """A table of text as the checker reads it.

    Attributes
    ----------
    separator, decimal : str
        One character each; decimal is a point or a comma.
    header : int
        The record that holds the names of the columns, from 1; 0 if none does.
    skip : int
        Records above the first row.
    columns : tuple of (int, str)
        Place, from 0, and name of each column of X.
    offsets : (int, str) or None
        Likewise, of the offsets; None where the arrangement is central.
    floats : {"decimal", "binary"}
        Whether a cell is the decimal that it shows, or the float64 nearest to it.
    """

    separator: str
    decimal: str
    header: int
    skip: int
    columns: tuple[tuple[int, str], ...]
    offsets: tuple[int, str] | None = None
    floats: str = "decimal"


@dataclass(frozen=True)
class Source:
    """The numbers of a matrix, exactly, and where the checker finds them.

    Attributes
    ----------
    form : TableForm
    samples : list of list of Fraction
        Rows of the columns of the table, offsets last.
    intercept : bool
        Whether a column of ones follows those of the table.
    """

    form: TableForm
    samples: Samples
    intercept: bool = False

    @classmethod
    def plain(cls, X: Any, offsets: Any = None, *, floats: str = "binary") -> Source:
        """Return the source of a CSV without names: X, then the offsets.

        Where all numbers are floats their shortest decimals will do (``repr``); others
        are shown digit by digit.

        Raises
        ------
        InputError
            Numbers that no decimal shows, as 1/3; a matrix without rows or columns.
        """
        matrix = read_matrix(X, floats=floats, name="X")
        rows = [list(map(Fraction, row)) for row in matrix.rows()]
        if offsets is not None:
            shifts = read_vector(offsets, floats=floats, name="offsets").numbers()
            rows = [[*row, Fraction(b)] for row, b in zip(rows, shifts, strict=True)]
        if not rows or not matrix.width:
            raise InputError(
                f"X has shape ({len(rows)}, {matrix.width}); a proof needs a table, "
                "with at least one row and one column."
            )
        kind = cell_kind(x for row in rows for x in row)
        if kind is None:
            raise InputError(
                "X has numbers that no decimal shows, such as 1/3, so that no table "
                "could go with a proof. Multiply its rows by their denominators."
            )
        names = tuple((k, f"x{k + 1}") for k in range(matrix.width))
        last = None if offsets is None else (matrix.width, "offset")
        return cls(TableForm(",", ".", 0, 0, names, last, kind), rows)

    def reading(self) -> dict[str, Any]:
        """Return the part of a claim that says how the table is read."""
        form = self.form
        return {
            "separator": form.separator,
            "decimal": form.decimal,
            "header": form.header,
            "skip": form.skip,
            "columns": [list(column) for column in form.columns],
            "offsets": None if form.offsets is None else list(form.offsets),
            "floats": form.floats,
            "intercept": self.intercept,
            "sha256": rows_digest(self.samples),
        }
