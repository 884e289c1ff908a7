"""Find out how the checker has to read a table that the program has read."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from arrangement.errors import InputError
from arrangement.exact import read_matrix
from arrangement.io import Table
from arrangement.proofs.source import Source, TableForm

_ADVICE = (
    "Write a CSV in UTF-8 with one separator, and prove the list on that: the list is "
    "the same if the numbers are the same"
)


def source_of(table: Table, columns: Sequence[str], *, intercept: bool) -> Source:
    """Return the source under which the checker reads the same numbers.

    Raises
    ------
    InputError
        If there is none: an array file, a packed one, text in another encoding, cells
        that are apart by any run of blanks, rows left out.
    """
    # imported when used, so that `python -m arrangement.checker` finds it unused
    from arrangement import checker

    if not table.separator or (table.separator.isspace() and table.separator != "\t"):
        raise InputError(f"{table.path} is no table with one separator. {_ADVICE}.")
    names = {name: k for k, name in enumerate(table.names)}
    for name in columns:
        if name not in names:
            raise InputError(f"{table.path} has no column {name!r} itself. {_ADVICE}.")
    places = tuple((names[name], name) for name in columns)
    rows = read_matrix(table.numbers(columns), floats="binary", name="X").rows()
    shown = [list(map(Fraction, row)) for row in rows]
    form = TableForm(table.separator, table.decimal, 0, 0, places)
    try:
        source = Source(_with_places(form, table), shown, intercept)
        found = checker.read_samples(source.reading(), table.path)
    except (checker.Rejected, UnicodeError, csv.Error, OSError) as error:
        raise InputError(
            f"the checker cannot read {table.path}: {error}. {_ADVICE}."
        ) from error
    if found != shown:
        raise InputError(
            f"the checker reads other numbers from {table.path} than the program did. "
            f"{_ADVICE}."
        )
    return source


def _with_places(form: TableForm, table: Table) -> TableForm:
    """Find the record of the names, if there is one, and the first row."""
    with open(os.fspath(table.path), encoding="utf-8-sig", newline="") as stream:
        records = [r for r in csv.reader(stream, delimiter=form.separator) if r]
    skip = len(records) - table.n_rows
    if skip < 0:
        raise InputError(f"{table.path} has several rows in a record. {_ADVICE}.")
    above = [cell.strip() for cell in records[skip - 1]] if skip else []
    is_header = all(above[k : k + 1] == [name] for k, name in form.columns)
    return replace(form, header=skip if is_header and skip else 0, skip=skip)
