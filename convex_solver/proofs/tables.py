"""Find out how the checker has to read a table that the program has read."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from arrangement.io import Table
from convex_solver.errors import ProofError
from convex_solver.proofs.source import TableForm, reading, samples
from convex_solver.reading import Data

_ADVICE = (
    "Write a CSV in UTF-8 with one separator, and prove the model on that: it is the "
    "same model if the numbers are the same"
)


def form_of(
    table: Table,
    data: Data,
    columns: Sequence[str],
    target: str,
    weights: str | None = None,
    classes: tuple[str, str] | None = None,
) -> TableForm:
    """Return the form under which the checker reads the same numbers.

    ``classes`` are what the targets -1 and +1 are in the table, if they are texts.

    Raises
    ------
    ProofError
        If there is none: an array file, a packed one, text in another encoding, cells
        that are apart by any run of blanks.
    """
    # imported when used, so that `python -m convex_solver.checker` finds it unused
    from convex_solver import checker

    if not table.separator or (table.separator.isspace() and table.separator != "\t"):
        raise ProofError(f"{table.path} is no table with one separator. {_ADVICE}.")

    def place(name: str) -> tuple[int, str]:
        if name not in table.names:
            raise ProofError(f"{table.path} has no column {name!r} itself. {_ADVICE}.")
        return table.names.index(name), name

    form = TableForm(
        separator=table.separator,
        decimal=table.decimal,
        header=0,
        skip=0,
        columns=tuple(map(place, columns)),
        target=place(target),
        weights=None if weights is None else place(weights),
    )
    try:
        form = _with_places(form, table, classes)
        shown = samples(data)
        found = checker.read_samples(reading(data, form, shown), table.path)
    except (checker.Rejected, UnicodeError, csv.Error, OSError) as error:
        raise ProofError(
            f"the checker cannot read {table.path}: {error}. {_ADVICE}."
        ) from error
    if found != shown:
        raise ProofError(
            f"the checker reads other numbers from {table.path} than the program did. "
            f"{_ADVICE}."
        )
    return form


def _with_places(
    form: TableForm, table: Table, classes: tuple[str, str] | None
) -> TableForm:
    """Find the record of the names, if there is one, the first sample, and classes."""
    with open(os.fspath(table.path), encoding="utf-8-sig", newline="") as stream:
        records = [r for r in csv.reader(stream, delimiter=form.separator) if r]
    skip = len(records) - table.n_rows
    if skip < 0:
        raise ProofError(f"{table.path} has several samples in a record. {_ADVICE}.")
    chosen = [*form.columns, form.target]
    if form.weights is not None:
        chosen.append(form.weights)
    above = [cell.strip() for cell in records[skip - 1]] if skip else []
    is_header = all(above[k : k + 1] == [name] for k, name in chosen)
    texts = {record[form.target[0]].strip() for record in records[skip:]}
    found = _codes(sorted(texts), classes, form.decimal) if classes else ()
    header = skip if is_header and skip else 0
    return replace(form, header=header, skip=skip, classes=found)


def _codes(
    texts: Sequence[str], classes: tuple[str, str], decimal: str
) -> tuple[tuple[str, int], ...]:
    """Return which texts are which class: -1 or 1.

    Those of one class are the same number, or else the same text.
    """
    names = [_label(name, ".") for name in classes]
    found = []
    for text in texts:
        label = text if text in classes else _label(text, decimal)
        where: list[Fraction | str] = [*classes] if text in classes else names
        if label not in where:
            raise ProofError(f"{text!r} is none of the classes. {_ADVICE}.")
        found.append((text, 2 * where.index(label) - 1))
    return tuple(found)


def _label(text: str, decimal: str) -> Fraction | str:
    """Return the number that a text shows, or else the text."""
    try:
        return Fraction(text.replace(",", ".") if decimal == "," else text)
    except (ValueError, ZeroDivisionError):
        return text
