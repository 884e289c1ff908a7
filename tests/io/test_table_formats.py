"""Tables as they come: every spelling gives the same exact matrix, or says why not."""

from __future__ import annotations

import gzip
import io
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from arrangement.errors import InputError
from arrangement.exact import read_matrix
from arrangement.io import Table, read_table, separated_text

ROWS = [[Fraction(1, 2), 2], [Fraction(3, 2), -1], [3, 4]]


@pytest.fixture
def read(tmp_path: Path):
    def call(content: str | bytes, **options) -> Table:
        path = tmp_path / "table.csv"
        raw = content if isinstance(content, bytes) else content.encode()
        path.write_bytes(raw)
        return read_table(path, **options)

    return call


def exact(table: Table, names=None):
    read = read_matrix(table.numbers(names), floats="binary", name="X")
    return [list(row) for row in read.rows()]


NAMED = {
    "commas": "a,b\n0.5,2\n1.5,-1\n3,4\n",
    "semicolons": "a;b\n0.5;2\n1.5;-1\n3;4\n",
    "tabs": "a\tb\n0.5\t2\n1.5\t-1\n3\t4\n",
    "pipes": "a|b\n0.5|2\n1.5|-1\n3|4\n",
    "blanks": "a b\n0.5 2\n1.5   -1\n  3\t4 \n",
    "blanks and quotes": '"a" "b"\n0.5 2\n1.5 -1\n3 4\n',
    "comma, blank and quotes": '"a", "b"\n"0.5", 2\n1.5, "-1"\n3, 4\n',
    "comma and blank": "a, b\n0.5, 2\n1.5, -1\n3, 4\n",
    "blanks around cells": " a , b \n 0.5 ,2 \n1.5\t, -1\n3 , 4\t\n",
    "line ends of Windows": "a,b\r\n0.5,2\r\n1.5,-1\r\n3,4\r\n",
    "old line ends": "a,b\r0.5,2\r1.5,-1\r3,4\r",
    "no line end": "a,b\n0.5,2\n1.5,-1\n3,4",
    "blank lines": "\n\na,b\n\n0.5,2\n1.5,-1\n \n3,4\n\n",
    "quoted numbers": '"a","b"\n"0.5","2"\n"1.5","-1"\n"3","4"\n',
    "comments": "# made by a tool\n# version 1.2, of today\na,b\n0.5,2\n1.5,-1\n3,4\n",
    "names in a comment": "# a b\n5.0e-01 2.0e+00\n1.5e+00 -1.0e+00\n3 4\n",
    "Excel": "sep=;\na;b\n0.5;2\n1.5;-1\n3;4\n",
    "empty column": "a,b,\n0.5,2,\n1.5,-1,\n3,4,\n",
    "empty columns without names": "a,b\n0.5,2,,\n1.5,-1\n3,4,\n",
    "empty rows": "a,b\n0.5,2\n1.5,-1\n3,4\n,\n,\n",
    "UTF-8 with its mark": "\ufeffa,b\n0.5,2\n1.5,-1\n3,4\n",
    "UTF-16": "a,b\n0.5,2\n1.5,-1\n3,4\n".encode("utf-16"),
    "UTF-16, the other order": b"\xfe\xff"
    + "a,b\n0.5,2\n1.5,-1\n3,4\n".encode("utf-16-be"),
    "UTF-32": "a,b\n0.5,2\n1.5,-1\n3,4\n".encode("utf-32"),
    "gzip": gzip.compress(b"a,b\n0.5,2\n1.5,-1\n3,4\n"),
    "gzip and UTF-16": gzip.compress("a;b\n0.5;2\n1.5;-1\n3;4\n".encode("utf-16")),
}


@pytest.mark.parametrize("form", NAMED)
def test_a_named_table(read, form):
    table = read(NAMED[form])
    assert table.names == ("a", "b")
    assert exact(table) == ROWS
    assert exact(table, ["b", "a"]) == [row[::-1] for row in ROWS]


UNNAMED = {
    "commas": "0.5,2\n1.5,-1\n3,4\n",
    "semicolons": "0.5;2\n1.5;-1\n3;4\n",
    "blanks": "0.5 2\n1.5 -1\n3 4\n",
    "a comment": "# made by a tool\n0.5,2\n1.5,-1\n3,4\n",
    "a comment with separators": "# 1, 2\n0.5,2\n1.5,-1\n3,4\n",
    "trailing commas": "0.5,2,\n1.5,-1,\n3,4,\n",
    "one row longer": "0.5,2\n1.5,-1,\n3,4\n",
}


@pytest.mark.parametrize("form", UNNAMED)
def test_a_table_without_names(read, form):
    table = read(UNNAMED[form])
    assert table.names == ("x1", "x2")
    assert exact(table) == ROWS


BODY = "\n0.5,2\n1.5,-1\n3,4\n"
QUOTED = {
    "comma": (";", '"bill, mm";"depth, mm"', ("bill, mm", "depth, mm")),
    "semicolon": ("\t", '"bill; mm"\t"depth; mm"', ("bill; mm", "depth; mm")),
    "plain comma": (
        ";",
        "Masse in kg, gewogen;Alter",
        ("Masse in kg, gewogen", "Alter"),
    ),
    "tab and plain comma": ("\t", "a, mm\tb, mm", ("a, mm", "b, mm")),
    "blanks": (" ", '"bill mm" "depth mm"', ("bill mm", "depth mm")),
    "blanks before quotes": (";", '"bill; mm"; "a, mm"', ("bill; mm", "a, mm")),
    "a line": (",", '"bill\nmm",b', ("bill\nmm", "b")),
    "a quote": (",", '"12"" disc",b', ('12" disc', "b")),
}


@pytest.mark.parametrize("form", QUOTED)
def test_a_separator_in_a_name_separates_nothing(read, form):
    mark, header, names = QUOTED[form]
    table = read(header + BODY.replace(",", mark))
    assert table.names == names
    assert exact(table) == ROWS


@pytest.mark.parametrize(
    ("separator", "mark"),
    [
        ("comma", ","),
        (";", ";"),
        ("semicolon", ";"),
        ("tab", "\t"),
        ("\\t", "\t"),
        ("\t", "\t"),
        ("pipe", "|"),
        ("space", "  "),
        (" ", " "),
        (":", ":"),
        ("~", "~"),
    ],
)
def test_a_named_separator(read, separator, mark):
    text = "a,b\n0.5,2\n1.5,-1\n3,4\n".replace(",", mark)
    assert exact(read(text, separator=separator)) == ROWS


@pytest.mark.parametrize("separator", ["", "ab", "x", "1", ".", "-", '"', "\n", "#"])
def test_no_separator(read, separator):
    with pytest.raises(InputError, match="separator is"):
        read("a,b\n1,2\n", separator=separator)


def test_decimal_commas_are_asked_for_and_then_read(read):
    for text in (
        "a;b\n0,5;2\n1,5;-1\n3;4\n",
        "Laenge, cm;Breite, cm\n0,5;2,0\n1,5;-1\n3,0;4,0\n",
        "a\tb\n0,5\t2,0\n1,5\t-1,0\n3,0\t4,0\n",
        '"a","b"\n"0,5",2\n"1,5",-1\n3,4\n',
        "a b\n,5 2\n1,5 -1\n3 4\n",
    ):
        with pytest.raises(InputError, match=r"line 2, column .*--decimal ','"):
            read(text).numbers()
        quoted = {"separator": ","} if text.startswith('"a","') else {}
        assert exact(read(text, decimal=",", **quoted)) == ROWS
        assert exact(read(text, decimal="comma", **quoted)) == ROWS
    plain = "0,5;2,0\n1,5;-1,0\n3,0;4,0\n"
    with pytest.raises(InputError, match=r"line 1: '0,5'.*--decimal ','"):
        read(plain)
    assert exact(read(plain, decimal=",")) == ROWS
    assert exact(read("y\n0,5\n1,5\n", decimal=",")) == [
        [Fraction(1, 2)],
        [Fraction(3, 2)],
    ]
    with pytest.raises(InputError, match=r"Say --decimal ',' --separator ','\."):
        read('a,b\n"0,5",2\n').numbers()
    with pytest.raises(InputError, match="decimal is"):
        read(plain, decimal=";")


@pytest.mark.parametrize("cell", ["1.5", "1.234,5", "1.000"])
def test_a_point_is_no_decimal_comma(read, cell):
    with pytest.raises(InputError, match=r"line 3, column 'b': .*point"):
        read(f"a;b\n0,5;2\n1;{cell}\n", decimal=",").numbers()


def test_one_column_of_decimal_commas_is_no_table_of_two(read):
    with pytest.raises(InputError, match=r"line 2: 2 cells.*--decimal ','"):
        read("y\n0,5\n1,5\n").numbers()


REFUSED_CELLS = {
    "1,234": r"'1,234' is not a number.*thousands.*--decimal ','",
    "1,234,567": r"thousands",
    "1 000": r"'1 000' is not a number.*thousands",
    "1\u00a0000": r"thousands",
    "1'000": r"thousands",
    "1_000": r"not a number",
    "−1": r"not a number.*U\+2212",
    "1/2": r"'1/2' is not a number.*fraction",
    "5%": r"not a number",
    "$5": r"not a number",
    "0x10": r"not a number",
    "1+2j": r"not a number",
    "1e10001": r"exponent beyond 10,000",
    "1e99999999999": r"exponent beyond 10,000",
    "NA": r"'NA' is not a number.*Drop the row or fill",
    "NaN": r"'NaN' came.*finite.*Drop the row",
    "": r"the cell is empty.*Drop the row",
    "-inf": r"'-inf' came.*finite",
    "7" * 10_001: r"more than 10,000 digits",
    "x" * 10**5: r"'xxx.*\.\.\.' is not a number",
}


@pytest.mark.parametrize("cell", REFUSED_CELLS, ids=[c[:9] for c in REFUSED_CELLS])
def test_a_bad_cell_is_named_with_the_way_out(read, cell):
    message = rf"line 3, column 'b': .*{REFUSED_CELLS[cell]}"
    for k in (1, 5):  # the last row, and one that is followed by others
        text = "a,b\n1,2\n" + f'3,"{cell}"\n' + "5,6\n" * k
        with pytest.raises(InputError, match=message) as caught:
            read(text).numbers()
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 400
        assert exact(read(text), ["a"])[1] == [3]


def test_cells_that_hold_lines_are_no_numbers(read):
    with pytest.raises(InputError, match=r"line 3, column 'b'"):
        read('a,b\n1,"2\n3"\n').numbers()


RAGGED = {
    "short": ("a,b\n1,2\n3\n", r"line 3: 1 cells; line 1 has 2.*commas"),
    "long": ("a,b\n1,2\n3,4,5\n", r"line 3: 3 cells; line 1 has 2"),
    "two short": ("a,b,c\n1,2\n", r"line 2: 2 cells; line 1 has 3"),
    "a comment below": ("a,b\n1,2\n# the end\n", r"line 3: a comment among the rows"),
    "row names": ("a,b\n1,0.5,2\n2,1.5,-1\n", r"line 2: 3 cells.*--index x1"),
    "quote": ('a,b\n1,"2\n', r"line 2 or below, separated by commas"),
    "long cell": (f"a,b\n1,{'2' * 200_000}\n", r"field larger|more than .* digits"),
    "above": (
        "infile dictionary{\nV1 V2 V3\n}\n1 2 3\n4 5 6\n",
        r"line 2.*Remove lines",
    ),
}


@pytest.mark.parametrize("form", RAGGED)
def test_a_ragged_table_is_refused(read, form):
    text, message = RAGGED[form]
    with pytest.raises(InputError, match=message) as caught:
        read(text).numbers()
    assert "\n" not in str(caught.value)


OTHER_FORMATS = {
    "workbook": (b"\xd0\xcf\x11\xe0 ...", "Excel"),
    "Parquet": (b"PAR1 ...", "Parquet"),
    "HDF5": (b"\x89HDF\r\n\x1a\n", "HDF5"),
    "bzip2": (b"BZh91AY&SY", "bzip2"),
    "damaged gzip": (gzip.compress(b"a,b\n1,2\n")[:-6], "damaged gzip"),
    "altered gzip": (gzip.compress(b"a,b\n" * 99)[:-9] + b"\0" * 9, "damaged gzip"),
    "gzip of nothing": (gzip.compress(b""), "is empty"),
    "Latin-1": ("a,b\n1,2\n3,caf\xe9\n".encode("latin-1"), "line 3: not UTF-8.*Save"),
    "UTF-16 without its mark": ("a,b\n1,2\n".encode("utf-16-le"), "UTF-16 without"),
    "half a character": (b"\xff\xfea\0,\0b\0\n\0" + b"1", "not UTF-16"),
    "NUL": (b"a,b\n1,\0\n", "neither text"),
}


@pytest.mark.parametrize("form", OTHER_FORMATS)
def test_another_format_is_named(read, form):
    raw, message = OTHER_FORMATS[form]
    with pytest.raises(InputError, match=message) as caught:
        read(raw)
    assert "\n" not in str(caught.value)


def test_a_gzip_file_beyond_the_memory_is_refused(read, monkeypatch):
    raw = gzip.compress(b"a,b\n" + b"1,2\n" * 1000)
    monkeypatch.setattr(separated_text, "free_bytes", lambda: 8 * 4004)
    assert read(raw).n_rows == 1000
    monkeypatch.setattr(separated_text, "free_bytes", lambda: 8 * 4003)
    with pytest.raises(InputError, match=r"more than 4,003 bytes.*Unpack"):
        read(raw)


def test_a_workbook_is_a_zip_file(tmp_path):
    import zipfile

    path = tmp_path / "book.xlsx"
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("[Content_Types].xml", "<Types/>")
        book.writestr("xl/workbook.xml", "<workbook/>")
    with pytest.raises(InputError, match="Excel workbook"):
        read_table(path)


def test_arrays_in_gzip_and_options_of_text(tmp_path):
    path = tmp_path / "a.npy.gz"
    stream = io.BytesIO()
    np.save(stream, np.array([[2**53 + 1, 2], [3, 4]]))
    path.write_bytes(gzip.compress(stream.getvalue()))
    assert exact(read_table(path)) == [[2**53 + 1, 2], [3, 4]]
    for options in ({"separator": ","}, {"decimal": ","}, {"header": True}):
        with pytest.raises(InputError, match="array file"):
            read_table(path, **options)
    assert read_table(path, index="x1").features() == ("x2",)


def test_names_that_repeat_refuse_only_themselves(read):
    table = read("a,b,b\n0.5,2,1\n1.5,-1,1\n3,4,2\n")
    assert exact(table, ["a"]) == [[row[0]] for row in ROWS]
    for names in (None, ["b"], ["a", "b"]):
        with pytest.raises(InputError, match="two columns are named 'b'"):
            table.numbers(names)
    with pytest.raises(InputError, match="chosen twice"):
        table.numbers(["a", "a"])


def test_generated_names_avoid_those_given(read):
    table = read("x2,,c\n1,2,3\n")
    assert table.names == ("x2", "xx2", "c")
    assert exact(table, ["xx2"]) == [[2]]


def test_numbers_of_any_size_are_exact(read):
    table = read("a,b\n1e-4400,1e4400\n9007199254740993,.5\n")
    assert exact(table) == [
        [Fraction(1, 10**4400), 10**4400],
        [9007199254740993, Fraction(1, 2)],
    ]


def test_what_pandas_writes_and_reads_is_read_alike(read):
    frame = pd.DataFrame({"a": [0.1, 1e-7, -2.0], "b": [1, 2, 3]})
    for sep in (",", ";", "\t", "|"):
        table = read(frame.to_csv(index=False, sep=sep))
        assert table.names == ("a", "b")
        assert exact(table)[0] == [Fraction(1, 10), 1]
    german = frame.to_csv(index=False, sep=";", decimal=",")
    assert exact(read(german, decimal=","))[1] == [Fraction(1, 10**7), 2]


def test_wide_tables_cost_one_look_at_each_name(read):
    # 20,000 columns took a minute where each name was looked up in the list of them
    class Name(str):
        compared = 0
        __slots__ = ()

        def __eq__(self, other):
            Name.compared += 1
            return str.__eq__(self, other)

        __hash__ = str.__hash__

    d = 2000
    names = [Name(f"gene{k}") for k in range(d)]
    columns = tuple(("1", "2") for _ in range(d))
    table = Table("t.csv", tuple(names), columns, 2, tuple(names), (2, 3))
    assert table.numbers().shape == (2, d)
    assert table.numbers(names[: d // 2]).shape == (2, d // 2)
    assert Name.compared < 20 * d
    Name.compared = 0
    text = ",".join(f"gene{k}" for k in range(d)) + "\n" + ",".join("1" * d) + "\n"
    table = read(text)
    assert table.numbers().shape == (1, d)
    # without names, too
    assert read(",".join("2" * d) + "\n").names[-1] == f"x{d}"


@pytest.mark.parametrize("shape", [(3, 40_000), (2**14 + 1, 1), (2**14 + 5, 2)])
def test_tables_of_any_shape_are_whole(read, shape):
    X = np.arange(shape[0] * shape[1]).reshape(shape) % 97
    text = "\n".join(",".join(map(str, row)) for row in X.tolist())
    assert np.array_equal(read(text, header=False).numbers().astype(int), X)
