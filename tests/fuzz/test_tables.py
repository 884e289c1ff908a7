"""Random tables in random spellings: the same exact matrix, or one line that says why.

``pytest tests/fuzz/test_tables.py --fuzz 100000`` runs so many seeds; one makes one
case.  A hundred run without the option.
"""

from __future__ import annotations

import gzip
import io
import random
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from arrangement.errors import ArrangementError
from arrangement.exact import read_matrix
from arrangement.io import read_table

ALWAYS = 100
NAMES = ("a", "b", "mass, kg", "x;y", "Größe", "x1", "two words", "#id", 'a "b"', "NA")
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-32")
WORDS = ("", "NA", "nan", "inf", "-", "1/2", "−1", "1 000", "1,5", "x", '"', "#", "0x1")


@pytest.fixture
def seeds(fuzz_seeds: range) -> range:
    return fuzz_seeds if len(fuzz_seeds) else range(ALWAYS)


def number(rng: random.Random) -> str:
    """A decimal, as text with a point."""
    form = rng.random()
    if form < 0.3:
        return str(rng.randint(-3, 9))
    if form < 0.6:
        return f"{rng.uniform(-9, 9):.{rng.randint(1, 4)}f}"
    if form < 0.7:
        return f"{rng.randint(-99, 99)}e{rng.randint(-30, 30)}"
    if form < 0.8:
        return str(2**53 + rng.randint(-3, 3))
    if form < 0.9:
        return str(rng.randint(1000, 99_999))
    return rng.choice((".5", "1.", "+2", "-0", "007", "1E5"))


class Written:
    """A table of numbers and one spelling of it."""

    def __init__(self, rng: random.Random) -> None:
        n, d = rng.randint(1, 6), rng.randint(1, 5)
        self.cells = [[number(rng) for _ in range(d)] for _ in range(n)]
        self.matrix = [[Fraction(cell) for cell in row] for row in self.cells]
        self.names = rng.sample(NAMES, d) if rng.random() < 0.6 else None
        if rng.random() < 0.1:
            # what pandas writes for columns without names
            self.names = [str(k) for k in range(d)]
        self.separator = rng.choice((",", ",", ";", "\t", "|", " ", ":"))
        marks = "." if self.separator == "," else ".."  # a comma is taken
        self.decimal = rng.choice(marks + "," * (self.separator != ","))
        self.has_index = rng.random() < 0.2
        self.text = self._text(rng)
        self.raw = self._encoded(rng)

    def _text(self, rng: random.Random) -> str:
        rows = [[c.replace(".", self.decimal) for c in row] for row in self.cells]
        if self.has_index:
            start = rng.randint(0, 1)
            rows = [[str(start + i), *row] for i, row in enumerate(rows)]
        if self.names is not None:
            rows.insert(0, ["", *self.names] if self.has_index else list(self.names))
        quote_all = rng.random() < 0.2
        blanks = " " if self.separator in ",;|" and rng.random() < 0.2 else ""
        lines = [self._line(row, rng, quote_all, blanks) for row in rows]
        if self.separator in ",;" and rng.random() < 0.1:
            lines = [line + self.separator for line in lines]
        if rng.random() < 0.15:
            lines.insert(0, rng.choice(("# made today", "#", "# by a tool, v1; new")))
        end = rng.choice(("\n", "\n", "\r\n", "\r"))
        if rng.random() < 0.1:
            lines.insert(rng.randint(0, len(lines)), "")
        return end.join(lines) + end * rng.randint(0, 2)

    def _line(
        self, row: list[str], rng: random.Random, quote_all: bool, blanks: str
    ) -> str:
        cells = []
        for cell in row:
            must = (
                self.separator in cell
                or '"' in cell
                or (self.separator == " " and (not cell or "\t" in cell))
            )
            if must or (quote_all and not blanks):
                cell = '"' + cell.replace('"', '""') + '"'
            cells.append(cell)
        mark = self.separator + (blanks or "")
        if self.separator == " ":
            mark = " " * rng.randint(1, 3)
        return mark.join(cells)

    def _encoded(self, rng: random.Random) -> bytes:
        raw = self.text.encode(rng.choice(ENCODINGS))
        return gzip.compress(raw) if rng.random() < 0.1 else raw

    def is_unlike_others(self) -> bool:
        """Whether no other table is spelled so.

        Rows that are numbered in a column without names are data as well, and one
        column of decimal commas is two of integers.
        """
        if self.has_index and self.names is None:
            return False
        return self.decimal == "." or self.has_index or len(self.cells[0]) > 1

    def options(self) -> dict[str, object]:
        """Everything that a reader may have to be told."""
        words = {"\t": "tab", " ": "space"}
        told: dict[str, object] = {
            "header": self.names is not None,
            "separator": words.get(self.separator, self.separator),
            "decimal": self.decimal,
        }
        if self.has_index:
            told["index"] = "xx1" if "x1" in (self.names or ()) else "x1"
        return told


def rows_of(path: Path, **options):
    """The exact rows, or None with one line for an answer."""
    try:
        table = read_table(path, **options)
        read = read_matrix(table.numbers(), floats="binary", name="X")
        return [list(row) for row in read.rows()]
    except ArrangementError as error:
        said = str(error)
    assert "\n" not in said
    assert 10 < len(said) < 700
    return None


def test_a_table_is_the_same_in_every_spelling_or_refused(seeds, tmp_path):
    path = tmp_path / "t.csv"
    n_read = n_guessed = 0
    for seed in seeds:
        written = Written(random.Random(seed))
        path.write_bytes(written.raw)
        told = rows_of(path, **written.options())
        assert told is None or told == written.matrix, (seed, written.text)
        n_read += told is not None
        # without being told, the reader may ask; it may not find another table
        alone = rows_of(path)
        if alone is not None and written.is_unlike_others():
            n_guessed += 1
            assert alone == written.matrix, (seed, written.text)
    # the test would pass if all were refused
    assert n_read > 0.9 * len(seeds)
    assert n_guessed > 0.2 * len(seeds)


def test_a_damaged_table_ends_in_one_line(seeds, tmp_path):
    path = tmp_path / "t.csv"
    for seed in seeds:
        rng = random.Random(seed)
        written = Written(rng)
        raw = bytearray(written.raw)
        for _ in range(rng.randint(1, 4)):
            place = rng.randrange(len(raw))
            action = rng.random()
            if action < 0.3:
                raw[place] = rng.randrange(256)
            elif action < 0.5:
                del raw[place : place + rng.randint(1, 9)]
            elif action < 0.8:
                raw[place:place] = rng.choice(WORDS).encode()
            else:
                raw[place:place] = bytes([rng.choice(b',;\t|\n\r"# .-e0\x00\xff')])
            raw = raw or bytearray(b"1")
        path.write_bytes(bytes(raw))
        rows_of(path)
        rows_of(path, **written.options())


def test_a_damaged_array_file_ends_in_one_line(seeds, tmp_path):
    path = tmp_path / "t.npz"
    for seed in seeds:
        rng = random.Random(seed)
        stream = io.BytesIO()
        X = np.arange(12.0).reshape(4, 3)
        kind = rng.random()
        if kind < 0.4:
            np.save(stream, X)
        elif kind < 0.7:
            np.savez(stream, X=X, y=X[:, 0], feature_names=np.array(["a", "b", "c"]))
        else:
            np.savez_compressed(stream, X=X.astype(np.float32))
        raw = bytearray(stream.getvalue())
        for _ in range(rng.randint(1, 6)):
            place = rng.randrange(len(raw))
            if rng.random() < 0.7:
                # mostly in the headers, which are short
                place = (
                    place if rng.random() < 0.5 else rng.randrange(min(128, len(raw)))
                )
                raw[place] = rng.randrange(256)
            elif rng.random() < 0.5:
                del raw[place : place + rng.randint(1, 40)]
            else:
                del raw[place:]
            raw = raw or bytearray(b"1")
        path.write_bytes(bytes(raw))
        rows_of(path)
