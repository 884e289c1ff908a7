r"""Rows of cells from separated text: encodings, separators, comments, quotes.

What is read is text, whatever it looks like.  A separator that is not named is the one
under which all lines agree; where two would do, that is an error and a question.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import itertools
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from arrangement.errors import InputError
from arrangement.io.headers import is_missing, is_number, looks_like_number
from arrangement.options import free_bytes, short

_WORDS = {
    "comma": ",",
    "semicolon": ";",
    "tab": "\t",
    "\\t": "\t",
    "pipe": "|",
    "space": " ",
    "blank": " ",
    "blanks": " ",
}
_SHOWN = {
    ",": "commas",
    ";": "semicolons",
    "\t": "tabs",
    "|": "pipes",
    " ": "blanks",
}
_CANDIDATES = (",", ";", "\t", "|", " ")
# lines that the separator is found from, and those that are put back
_SAMPLE = 200
# the longer one first: UTF-32 begins like UTF-16
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OTHER_FORMATS = (
    (b"BZh", "compressed with bzip2; unpack it"),
    (b"\xfd7zXZ\x00", "compressed with xz; unpack it"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd; unpack it"),
    (b"PAR1", "a Parquet file; write it as CSV"),
    (b"ARROW1", "an Arrow file; write it as CSV"),
    (b"\x89HDF", "an HDF5 file; write its array as npy or CSV"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook; save its sheet as CSV"),
    (b"%PDF", "a PDF; write the table as CSV"),
)
# what may leave blanks around a cell
_TO_STRIP = re.compile(r'[^\S\r\n]|"')
# cells that are kept by row: many short lists would burden the garbage collector
_PENDING = 1 << 14
_GROUPED = re.compile(r"[+-]?\d{1,3}( \d{3})+")


@dataclass(frozen=True)
class Rows:
    """Cells as text, by column: all columns have one length.

    Attributes
    ----------
    columns : list of list of str
        Cells without the blanks around them, names among them.
    lines : list of int
        Line of the file that each row ends on.
    separator : str
        One character; a blank stands for any run of blanks and tabs.
    comment : tuple of str
        Cells of the line above the first row if it starts with ``#``, else empty.
    notes : tuple of str
        What was left out, for a person.
    """

    columns: list[list[str]]
    lines: list[int]
    separator: str
    comment: tuple[str, ...]
    notes: tuple[str, ...]


def check_separator(separator: str | None) -> str | None:
    r"""Return one character for what was asked for: itself, or a word such as tab.

    Raises
    ------
    InputError
        No separator: a letter, digit, sign or quote, or several characters.

    Examples
    --------
    >>> check_separator("tab"), check_separator(";")
    ('\t', ';')
    """
    if separator is None:
        return None
    mark = _WORDS.get(str(separator).lower(), str(separator))
    if len(mark) != 1 or mark.isalnum() or mark in "\"'.+-#\r\n\0":
        raise InputError(
            f"separator is {short(str(separator))!r}; expected one character such as "
            "',' or one of the words comma, semicolon, tab, pipe, space."
        )
    return mark


def unzipped(shown: str, raw: bytes) -> bytes:
    """Return what a gzip file holds, and other bytes as they are.

    Raises
    ------
    InputError
        A damaged gzip file, or a format that is no table of text.
    """
    for magic, what in _OTHER_FORMATS:
        if raw.startswith(magic):
            raise InputError(f"{shown} is {what} first.")
    if not raw.startswith(b"\x1f\x8b"):
        return raw
    # the cells take several times the memory of the text
    room = free_bytes() // 8
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(raw)) as stream:
            content = stream.read(room + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{shown} is a damaged gzip file: {error}.") from error
    if len(content) > room:
        raise InputError(
            f"{shown} holds more than {room:,} bytes once it is unpacked, too many for "
            "the free memory. Unpack it and keep the columns that are needed."
        )
    return content


def decoded(shown: str, raw: bytes) -> str:
    """Return bytes as text: UTF-8, or UTF-16 and UTF-32 with their byte order mark.

    Raises
    ------
    InputError
        Another encoding, or no text.
    """
    encoding = next((name for mark, name in _MARKS if raw.startswith(mark)), "utf-8")
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{shown}, line {line}: not {encoding.upper()} text. Save it as UTF-8."
        ) from error
    if "\0" in text:
        hint = ""
        if not (raw[::2].strip(b"\0") and raw[1::2].strip(b"\0")):
            hint = " It seems to be UTF-16 without its mark; save it as UTF-8."
        raise InputError(f"{shown} is neither text nor an npy or npz file.{hint}")
    return text.removeprefix("\ufeff")


def read_rows(
    shown: str,
    text: str,
    *,
    separator: str | None,
    decimal: str | None,
    header: bool | None,
    row_names: bool,
) -> Rows:
    """Split text into rows of cells.

    Left out are blank lines, ``sep=;`` in the first line, lines above the first row
    that start with ``#``, rows of empty cells at the end and columns of empty cells at
    the right end.  A first line that is shorter by one names all columns but the first,
    as R writes it; among commas only with ``row_names``, because decimal commas would
    look the same.

    Raises
    ------
    InputError
        No rows, rows of different length, an unclosed quote, or an unclear separator.
    """
    stream = iter(io.StringIO(text, newline=""))
    start, above, said = _preamble(stream)
    sample = list(itertools.islice(stream, _SAMPLE))
    if start.line is not None:
        sample.insert(0, start.line)
    mark = separator or said or _find_separator(shown, sample, decimal)
    reader = _Reader(shown, mark, offset=start.skipped)
    reader.read(
        itertools.chain(sample, stream),
        is_tight=_TO_STRIP.search(text) is None,
        may_shift=mark != "," or row_names,
        is_header=header,
    )
    notes = [f"{_counted(len(above), 'comment line')} above"] if above else []
    if not reader.lines:
        raise InputError(f"{shown} has no rows of data.")
    return Rows(
        reader.columns,
        reader.lines,
        mark,
        _comment_cells(above[-1], mark) if above else (),
        (*notes, *reader.trim()),
    )


def separator_text(separator: str) -> str:
    """Return a separator for a person."""
    return _SHOWN.get(separator, repr(separator))


def _counted(n: int, what: str) -> str:
    return f"{n} {what}{'s' if n > 1 else ''}"


@dataclass
class _Start:
    line: str | None
    skipped: int


def _preamble(stream: Iterator[str]) -> tuple[_Start, list[str], str | None]:
    """Skip what stands above the first row; return it, the comments and ``sep=``."""
    comments: list[str] = []
    said = None
    skipped = 0
    for line in stream:
        stripped = line.strip()
        # not after a tab or blank: there it is the name of a second column
        if line.startswith("#"):
            comments.append(stripped)
        elif said is None and not comments and _excel_separator(line):
            said = _excel_separator(line)
        elif stripped:
            return _Start(line, skipped), comments, said
        skipped += 1
    return _Start(None, skipped), comments, said


def _excel_separator(line: str) -> str | None:
    found = re.fullmatch(r'"?sep=(\W)"?', line.strip("\r\n "), re.IGNORECASE)
    return None if found is None else found.group(1)


def _comment_cells(line: str, mark: str) -> tuple[str, ...]:
    # np.savetxt writes "# a b"; "#id,a,b" keeps its first name
    text = line.lstrip("# \t") if mark == " " else line
    try:
        _, cells = next(_split([text], mark))
    except (StopIteration, csv.Error):
        return (line,)
    while cells and not cells[-1]:
        # as the rows end in empty cells, which are left out
        del cells[-1]
    return tuple(cells)


def _split(
    lines: Iterable[str], mark: str, *, is_tight: bool = False
) -> Iterator[tuple[int, list[str]]]:
    """Yield (number of lines so far, stripped cells), without blank lines.

    ``is_tight``: there are neither blanks nor quotes.
    """
    if mark == " ":
        for number, line in enumerate(lines, start=1):
            cells = line.split()
            if '"' in line:
                plain = [line.strip().replace("\t", " ")]
                cells = next(
                    csv.reader(plain, delimiter=" ", skipinitialspace=True, strict=True)
                )
            if cells:
                yield number, cells
        return
    reader = csv.reader(lines, delimiter=mark, skipinitialspace=True, strict=True)
    for cells in reader:
        if not is_tight:
            cells = [cell.strip() for cell in cells]
        if len(cells) > 1 or (cells and cells[0]):
            yield reader.line_num, cells


class _Reader:
    """Collects columns from rows of one length; ``offset`` lines stand above them."""

    def __init__(self, shown: str, mark: str, *, offset: int) -> None:
        self.shown, self.mark, self.offset = shown, mark, offset
        self.columns: list[list[str]] = []
        self.lines: list[int] = []
        self._pending: list[list[str]] = []

    def read(
        self,
        lines: Iterable[str],
        *,
        is_tight: bool,
        may_shift: bool,
        is_header: bool | None,
    ) -> None:
        width, room = 0, _PENDING
        try:
            for number, cells in _split(lines, self.mark, is_tight=is_tight):
                if len(cells) != width:
                    where = number + self.offset
                    width = self._fit(cells, width, where, may_shift, is_header)
                    room = 1 + _PENDING // width
                self._pending.append(cells)
                self.lines.append(number)
                # not the first row alone: it may turn out to be shorter by one
                if len(self._pending) > room:
                    self._flush()
        except csv.Error as error:
            line = self.lines[-1] + self.offset + 1 if self.lines else self.offset + 1
            raise InputError(
                f"{self.shown}, line {line} or below, separated by "
                f"{separator_text(self.mark)}: {error}. Close or remove the quote, or "
                "name the separator with --separator."
            ) from error
        self._flush()
        self.lines = [line + self.offset for line in self.lines]

    def _flush(self) -> None:
        if not self._pending:
            return
        columns = zip(*self._pending, strict=True)
        if self.columns:
            for kept, more in zip(self.columns, columns, strict=True):
                kept.extend(more)
        else:
            self.columns = [list(column) for column in columns]
        self._pending = []

    def _fit(
        self,
        cells: list[str],
        width: int,
        line: int,
        may_shift: bool,
        is_header: bool | None,
    ) -> int:
        """Return the width that a row of another length leaves, or refuse it."""
        if not self.lines:
            return len(cells)
        if len(cells) > width and not any(cells[width:]):
            del cells[width:]
            return width
        first = self._pending[0] if self._pending else []
        is_short = len(self.lines) == 1 and len(cells) == width + 1
        are_names = is_header is not False and not any(map(looks_like_number, first))
        if is_short and are_names and may_shift:
            first.insert(0, "")
            return width + 1
        where = f"{self.shown}, line {line}"
        if cells[0].startswith("#"):
            raise InputError(
                f"{where}: a comment among the rows; only lines above the first row "
                "may be comments. Remove it."
            )
        hint = (
            " Remove lines that are not rows of the table, or name the separator with "
            "--separator."
        )
        if is_short and are_names:
            hint = (
                " Decimal commas? Say --separator ';' and --decimal ','. Row names in "
                "the first column? Say --index x1."
            )
        raise InputError(
            f"{where}: {len(cells)} cells; line {self.lines[0] + self.offset} has "
            f"{width} (separated by {separator_text(self.mark)}).{hint}"
        )

    def trim(self) -> list[str]:
        """Drop empty rows at the end and empty columns at the right; say so."""
        notes = []
        n, width = len(self.lines), len(self.columns)
        used = n
        while used > 1 and not any(column[used - 1] for column in self.columns):
            used -= 1
        if used < n:
            for column in self.columns:
                del column[used:]
            del self.lines[used:]
            notes.append(f"{_counted(n - used, 'empty row')} at the end left out")
        while len(self.columns) > 1 and not any(self.columns[-1]):
            del self.columns[-1]
        if len(self.columns) < width:
            left_out = _counted(width - len(self.columns), "empty column")
            notes.append(f"{left_out} at the right left out")
        return notes


# which separator


def _find_separator(shown: str, sample: list[str], decimal: str | None) -> str:
    """Return the separator under which the lines agree and most cells are numbers."""
    marks = [mark for mark in _CANDIDATES if mark != decimal]
    tables = {mark: _try(sample, mark) for mark in marks}
    ranks = {
        mark: _rank(rows, mark, decimal)
        for mark, rows in tables.items()
        if rows and _agree(rows, mark)
    }
    best = max(ranks.values(), default=0)
    fits = [mark for mark, rank in ranks.items() if rank == best]
    if len(fits) > 1 and " " in fits:
        fits.remove(" ")
    if not fits or (fits == [" "] and best == 0):
        # all lines are one cell, or differ: then the first line says which it was
        return _of_the_first_line(sample, marks)
    if len(fits) > 1 and best > 0:
        shown_marks = " or by ".join(separator_text(mark) for mark in fits)
        raise InputError(
            f"{shown} may be separated by {shown_marks}. Say which with --separator."
        )
    mark = fits[0]
    body = tables[mark][1:] or tables[mark]
    if mark == " " and all(_GROUPED.fullmatch(" ".join(row)) for row in body):
        raise InputError(
            f"{shown}, line 2: {' '.join(body[0])!r} may be one number with blanks "
            "between its digits, or several. Remove the blanks, or say "
            "--separator space."
        )
    return mark


def _try(sample: list[str], mark: str) -> list[list[str]]:
    """Return the rows of a sample; those before the first fault of its quotes."""
    rows = []
    try:
        for _, cells in _split(sample, mark):
            rows.append(cells)
    except csv.Error:
        # a cell that goes on below the sample is no fault
        return rows if len(sample) >= _SAMPLE else []
    return rows


def _agree(rows: list[list[str]], mark: str) -> bool:
    width = len(rows[0])
    body = rows[1:]
    if mark != "," and body and all(len(row) == width + 1 for row in body):
        # R names all columns but that of the row names
        return any(row[-1] for row in body) or width > 1
    return width > 1 and all(
        len(row) == width or (len(row) > width and not any(row[width:])) for row in body
    )


def _rank(rows: list[list[str]], mark: str, decimal: str | None) -> int:
    """2 if all columns hold numbers, 1 if some do, 0 if none does."""
    body = rows[1:] or rows
    points = (".",) if mark == "," else (".", ",")
    if decimal is not None:
        points = (decimal,)
    holds = [
        any(map(str.strip, column))
        and all(
            is_missing(cell) or any(is_number(cell, point) for point in points)
            for cell in column
        )
        for column in zip(*body, strict=False)
        if any(column)
    ]
    return 2 if all(holds) and holds else int(any(holds))


def _of_the_first_line(sample: list[str], marks: list[str]) -> str:
    for mark in marks:
        rows = [] if mark == " " else _try(sample[:1], mark)
        if rows and len(rows[0]) > 1:
            return mark
    return next(mark for mark in marks if mark != " ")
