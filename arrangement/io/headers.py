"""Names or data: what the first row of a table is, and when to ask.

A guess here loses a row of data or takes names for data in silence.  So the first row
is names where no cell looks like a number, data where all are numbers that nobody uses
for names, and else an error that says which option settles it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from itertools import pairwise

from arrangement.errors import InputError
from arrangement.exact import decimal_fault
from arrangement.options import short

_MISSING = frozenset({"", "na", "n/a", "nan", "<na>", "null", "none", "-", "?", "."})
_INTEGER = re.compile(r"[+-]?\d{1,9}")
# pandas names so what had no name when it was written
_UNNAMED = re.compile(r"(Unnamed: 0(\.\d+)*)?")
_MINUS = "−–"
# what people write for numbers and this reader does not read: groups of digits,
# decimal commas, currencies, percents, signs that are not ASCII, fractions, hex
_LIKE = re.compile(
    rf"[(+\-{_MINUS}]*[$€£¥]?\s?[.,]?\d[\d\s.,'’_]*([eE][+\-{_MINUS}]?\d+)?\s?[%‰$€£¥)]*"
    rf"|[+\-{_MINUS}]?\d+\s?/\s?\d+"
    rf"|[+\-{_MINUS}]?(inf|infinity|∞)"
    r"|0x[0-9a-f]+",
    re.IGNORECASE,
)
_DATE = re.compile(r"\d{1,2}\.\d{1,2}\.\d{2,4}")
_FIRST_YEAR, _LAST_YEAR = 1800, 2199


def is_missing(cell: str) -> bool:
    """Whether a cell is empty or a word for a missing value."""
    return cell.lower() in _MISSING


def is_number(cell: str, decimal: str = ".") -> bool:
    """Whether a cell is a finite decimal number with this decimal mark."""
    return not decimal_fault(pointed(cell, decimal))


def pointed(cell: str, decimal: str) -> str:
    """Return a cell with a decimal point; what has one already is made no number."""
    if decimal == ".":
        return cell
    return cell.translate({ord("."): ",", ord(decimal): "."})


def looks_like_number(cell: str) -> bool:
    """Whether a cell is a number, or something that is meant as one."""
    if not decimal_fault(cell):
        return True
    return _LIKE.fullmatch(cell) is not None and _DATE.fullmatch(cell) is None


def has_names(
    shown: str,
    columns: Sequence[Sequence[str]],
    line: int,
    header: bool | None,
    decimal: str,
) -> bool:
    """Whether the first cells of the columns, on this line, are names.

    Raises
    ------
    InputError
        If that is not clear; ``header`` decides.
    """
    if header is not None:
        return header
    cells = [column[0] for column in columns]
    n_numbers = sum(is_number(cell, decimal) for cell in cells)
    if n_numbers == len(cells):
        reason = number_names(columns)
        if reason:
            raise InputError(_question(shown, line, reason))
        return False
    n_like = sum(looks_like_number(cell) for cell in cells)
    is_name = [not (is_missing(cell) or looks_like_number(cell)) for cell in cells]
    if any(is_name) and not n_like:
        return True
    if n_like > n_numbers and not n_numbers:
        example = next(cell for cell in cells if looks_like_number(cell))
        reason = f"{short(example)!r} may be a name or a number that is not read"
        if decimal == "." and re.fullmatch(r"[+-]?\d+,\d+", example):
            reason = (
                f"{short(example)!r} may be a number with a decimal comma (say "
                "--decimal ','), a number that is not read, or a name"
            )
    elif n_numbers:
        reason = f"{n_numbers} of {len(cells)} cells are numbers, so it may be names or"
        reason += " data"
    elif any(cells):
        example = next(cell for cell in cells if cell)
        reason = f"{example!r} may be a name or a missing value"
    else:
        raise InputError(f"{shown}, line {line}: all cells are empty. Remove the line.")
    raise InputError(_question(shown, line, reason))


def _question(shown: str, line: int, reason: str) -> str:
    return f"{shown}, line {line}: {reason}. Say which with --header or --no-header."


def number_names(columns: Sequence[Sequence[str]]) -> str:
    """Say why a first row of numbers may be names; empty when nothing suggests it.

    Names are numbers in what pandas writes for arrays (0, 1, 2, ...), in tables by year
    and in spectra (equal steps of integers above rows that are none).
    """
    cells = [column[0] for column in columns]
    if len(columns[0]) == 1 or not all(map(_INTEGER.fullmatch, cells)):
        return ""
    body = list(zip(*columns, strict=True))[1:]
    values = [int(cell) for cell in cells]
    if values == list(range(len(values))):
        count = ", ".join(cells[:3]) + (", ..." if len(cells) > 3 else "")
        return (
            f"the cells count {count}, so they may be names (as pandas writes) or data"
        )
    steps = {b - a for a, b in pairwise(values)}
    is_sorted = all(step > 0 for step in steps) or all(step < 0 for step in steps)
    if is_sorted and _are_years(cells) and not all(map(_are_years, body)):
        return "the cells look like years, so they may be names or data"
    if len(values) > 2 and len(steps) == 1 and is_sorted:
        has_integers = any(all(map(_INTEGER.fullmatch, row)) for row in body)
        if not has_integers:
            return "the cells are integers in equal steps, so they may be names or data"
    return ""


def _are_years(cells: Sequence[str]) -> bool:
    return all(
        len(cell) == 4 and cell.isdigit() and _FIRST_YEAR <= int(cell) <= _LAST_YEAR
        for cell in cells
    )


def names_in_comment(
    shown: str,
    comment: Sequence[str],
    columns: Sequence[Sequence[str]],
    header: bool | None,
    decimal: str,
) -> bool:
    """Whether a comment line above the first row names its columns.

    It does if it has as many cells, none of them a number, and the row below it is
    data: some numbers, and in the columns in which all rows have numbers.

    Raises
    ------
    InputError
        If names are asked for and neither line can hold them.
    """
    if header is False or not comment or not _is_data(columns, decimal):
        return False
    cells = [cell.lstrip("# ") for cell in comment]
    is_fit = len(cells) == len(columns) and not any(map(looks_like_number, cells))
    may_be_names = bool(number_names(columns))
    if not header or is_fit != may_be_names:
        return is_fit and not may_be_names
    found = f"{len(cells)} cells beside {len(columns)} columns"
    problem = "may hold names too" if is_fit else f"has {found}"
    raise InputError(
        f"{shown}: the first row holds numbers, and the line above it, which starts "
        f"with '#', {problem}. Keep one line of names, without '#'."
    )


def _is_data(columns: Sequence[Sequence[str]], decimal: str) -> bool:
    """Whether the first row has numbers where the rows below it have them."""
    holds = [is_number(column[0], decimal) for column in columns]
    if len(columns[0]) == 1:
        return any(holds)
    return any(holds) and holds == [
        all(is_number(cell, decimal) or is_missing(cell) for cell in column[1:])
        for column in columns
    ]


def index_question(shown: str, names: Sequence[str]) -> str:
    """Return the question that a first column without a name asks, or nothing."""
    others = [name for name in names[1:] if name]
    if not others or _UNNAMED.fullmatch(names[0]) is None:
        return ""
    name = shlex.quote(unique_names(names)[0])
    return (
        f"{shown}: the first column has no name, as row numbers have none (pandas "
        f"and R write them). Say --index {name} to leave it out, --index none to take "
        "it as data, or choose the columns by name."
    )


def unique_names(names: Sequence[str]) -> tuple[str, ...]:
    """Name what has no name x1, x2, ... by its place (xx1 where there is an x1)."""
    taken = frozenset(names)
    return tuple(name or _unnamed(taken, k) for k, name in enumerate(names))


def _unnamed(taken: frozenset[str], k: int) -> str:
    name = f"x{k + 1}"
    while name in taken:
        name = f"x{name}"
    return name


def counts_rows(cells: Sequence[str]) -> bool:
    """Whether a column is 0, 1, 2, ... or 1, 2, 3, ...: perhaps numbers of the rows."""
    if len(cells) < 3 or cells[0] not in ("0", "1"):
        return False
    start = int(cells[0])
    return all(cell == str(start + i) for i, cell in enumerate(cells))


def cell_fault(
    cell: str, decimal: str, *, alone: bool = False, separator: str = ""
) -> str:
    """Say why a cell is no finite number, and what to do; empty when it is one.

    ``alone``: the table has one column, so that the ``separator`` may be another.
    """
    fault = decimal_fault(pointed(cell, decimal))
    if not fault:
        return ""
    shown = repr(short(cell))
    if not cell:
        return f"the cell is empty. {_FILL}"
    if is_missing(cell):
        if cell.lower() == "nan":
            return f"{shown} came; expected a finite number. {_FILL}"
        return f"{shown} is not a number. {_FILL}"
    if "not a number" not in fault:
        return (
            f"{fault.replace(repr(short(pointed(cell, decimal))), shown)}. {_CORRECT}"
        )
    if alone and any(mark in cell for mark in ",;\t| "):
        return (
            f"{shown} is not a number. Remove lines that are not rows of the table, or "
            "name the separator with --separator."
        )
    return f"{shown} is not a number. {_way_out(cell, decimal, separator)}"


_FILL = (
    "Drop the row or fill the cell, or leave out all rows with missing values with "
    "--missing drop."
)
_CORRECT = "Choose the numeric columns by name, or correct the cell."


def _way_out(cell: str, decimal: str, separator: str) -> str:
    if not _LIKE.fullmatch(cell):
        if cell[:1].isdigit() and any(mark in cell for mark in ";\t| "):
            return "Name the separator of the cells with --separator."
        return _CORRECT
    if any(sign in cell for sign in _MINUS):
        return f"Its minus sign is not '-' but U+{ord(_first(cell, _MINUS)):04X}."
    if "/" in cell:
        return "Write the fraction as a decimal."
    if re.search(r"\d[\s'’_]\d", cell):
        return "Remove what separates the thousands."
    if decimal == ",":
        return (
            "With --decimal ',' a number has no point; remove what separates thousands."
        )
    # quotes tell them from the commas between cells
    option = "--decimal ','" + " --separator ','" * (separator == ",")
    if re.fullmatch(r"[+-]?[1-9]\d{0,2}(,\d{3})+", cell):
        return f"A comma between thousands? Remove it. A decimal comma? Say {option}."
    if "," in cell:
        return f"A decimal comma? Say {option}."
    return "Remove all but the number."


def _first(cell: str, marks: str) -> str:
    return next(char for char in cell if char in marks)
