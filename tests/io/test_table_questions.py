"""What can be read in two ways is asked about, with the option that decides."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from arrangement.errors import InputError
from arrangement.io import Table, read_table

WHICH = r"line 1: .*--header or --no-header"


@pytest.fixture
def read(tmp_path: Path):
    def call(content: str, **options) -> Table:
        path = tmp_path / "table.csv"
        path.write_text(content, encoding="utf-8")
        return read_table(path, **options)

    return call


ASKED = {
    "pandas, columns without names": "0,1\n0.126,-0.132\n0.64,0.105\n-0.536,0.362\n",
    "pandas, integers": "0,1,2\n5,7,7\n5,5,1\n",
    "a series without a name": "0\n0.126\n0.64\n",
    "years": "2019,2020\n0.5,2\n1.5,-1\n3,4\n",
    "years backwards": "2021,2020,2019\n1,2,3\n4,5,6\n",
    "one year": "2019\n0.5\n1.5\n",
    "wavelengths": "400,410,420\n0.1,0.2,0.3\n0.5,1,0.7\n",
    "a name and a number": "1,x\n2,y\n",
    "index and pandas columns": ",0,1\n0,0.126,-0.132\n1,0.64,0.105\n",
    "missing": "nan,NA\n0.5,2\n1.5,-1\n",
    "missing, one column": "nan\n1\n2\n",
    "missing and number": "NA,1\n0.5,2\n",
    "infinite": "inf\n1\n2\n",
    "infinite, signed": "-Infinity,inf\n1,2\n",
    "unicode minus": "−1,−2\n0.5,2\n",
    "thousands by blanks": "1 000;2 000\n500;2\n150;-1\n",
    "thousands by apostrophes": "1'000,2'000\n500,2\n",
    "thousands by commas": '"1,234","5,678"\n500,2\n',
    "fractions": "1/2,1/3\n0.5,2\n1.5,-1\n",
    "decimal commas": "0,5;2,0\n1,5;-1,0\n",
    "percents": "5%,6%\n0.5,2\n",
    "money": "$5,$6\n0.5,2\n",
    "hexadecimal": "0x10,0x20\n1,2\n",
    "accounting": "(1),(2)\n1,2\n",
    "names and a fraction": "a,1/2\n1,2\n",
}


@pytest.mark.parametrize("form", ASKED)
def test_names_or_data(read, form):
    text = ASKED[form]
    with pytest.raises(InputError, match=WHICH) as caught:
        read(text)
    assert "\n" not in str(caught.value)
    n_lines = text.count("\n")
    assert read(text, header=True).n_rows == n_lines - 1
    assert read(text, header=False).n_rows == n_lines


NOT_ASKED = {
    "1,2\n3,4\n": 2,
    "1,2,3\n4,5,6\n7,8,9\n": 3,
    "1,2,3\n0,1,4\n5,6,0\n": 3,
    "0,0\n0,1\n1,0\n1,1\n": 4,
    "1\n2\n3\n": 3,
    "0.0,1.0\n2.0,3.0\n": 2,
    "0,1\n": 1,
    "1999,2003\n2001,2005\n": 2,
    "2019,7\n2020,8\n": 2,
    "400,410,425\n0.1,0.2,0.3\n": 2,
    "a,b\n1,2\n": 1,
    "a,NA\n1,2\n": 1,
    "Na,K,Ca\n1,2,3\n": 1,
    "1stFlrSF,2ndFlrSF\n1,2\n": 1,
    "5-HT,x\n1,2\n": 1,
    "date,2020-01-01\n1,2\n": 1,
    "x,01.02.2020\n1,2\n": 1,
    "V1,V2\n0,1\n": 1,
    "a,\n1,2\n": 1,
}


@pytest.mark.parametrize("text", NOT_ASKED)
def test_what_is_clear_is_not_asked(read, text):
    assert read(text).n_rows == NOT_ASKED[text]


INDEXED = {
    "pandas": ",u,v\n0,0.126,-0.132\n1,0.64,0.105\n",
    "R": '"","u","v"\n"1",0.126,-0.132\n"2",0.64,0.105\n',
    "R, blanks": '"u" "v"\n"1" 0.126 -0.132\n"2" 0.64 0.105\n',
    "R, tabs": "u\tv\n1\t0.126\t-0.132\n2\t0.64\t0.105\n",
    "R, words": '"u" "v"\n"first" 0.126 -0.132\n"second" 0.64 0.105\n',
    "filtered rows": ",u,v\n7,0.126,-0.132\n12,0.64,0.105\n",
    "columns right-aligned": "    u    v\n1 0.126 -0.132\n2  0.64 0.105\n",
}


@pytest.mark.parametrize("form", INDEXED)
def test_a_first_column_without_a_name(read, form):
    table = read(INDEXED[form])
    values = [["0.126", "-0.132"], ["0.64", "0.105"]]
    assert table.names == ("x1", "u", "v")
    for call in (table.numbers, table.features):
        with pytest.raises(InputError, match=r"--index x1 .*--index none"):
            call()
    assert table.numbers(["u", "v"]).tolist() == values
    without = read(INDEXED[form], index="x1")
    assert without.features() == ("u", "v")
    assert without.numbers().tolist() == values
    assert any("'x1' numbers the rows" in note for note in without.notes)
    if form != "R, words":
        assert read(INDEXED[form], index="none").numbers().shape == (2, 3)


def test_the_index_that_pandas_read_without_knowing(read):
    table = read("Unnamed: 0,u\n0,0.5\n1,1.5\n")
    with pytest.raises(InputError, match="Say --index 'Unnamed: 0' to"):
        table.numbers()


def test_index_by_name(read):
    table = read("u,id,v\n1,7,2\n3,8,4\n", index="id")
    assert table.features() == ("u", "v")
    assert table.features(besides=["v", None]) == ("u",)
    assert table.numbers(["id"]).tolist() == [["7"], ["8"]]
    with pytest.raises(InputError, match=r"no column 'q' for --index.*'u', 'id'"):
        read("u,id\n1,2\n", index="q")
    with pytest.raises(InputError, match=r"two columns are named 'u'"):
        read("u,u\n1,2\n", index="u")
    # an index elsewhere does not say what the first column is
    other = read(",u,id\n0,1,2\n1,3,4\n", index="id")
    with pytest.raises(InputError, match="--index x1"):
        other.numbers()


def test_row_names_among_commas_are_asked_for(read):
    text = "a,b\n1,0.5,2\n2,1.5,-1\n"
    with pytest.raises(InputError, match="--index x1"):
        read(text)
    assert read(text, index="x1").numbers().tolist() == [["0.5", "2"], ["1.5", "-1"]]


def test_rows_that_count_themselves_are_said(read):
    notes = read("0,0.5\n1,2.5\n2,3.5\n").notes
    assert any("--index x1" in note for note in notes)
    assert not any("--index" in note for note in read("0,0.5\n1,2.5\n3,3.5\n").notes)


def test_what_pandas_writes_by_default_is_never_a_table_of_more(read):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        n, d = rng.integers(2, 6, size=2)
        X = rng.normal(size=(n, d)) if seed % 2 else rng.integers(-3, 3, size=(n, d))
        frame = pd.DataFrame(X)
        for text in (
            frame.to_csv(),
            frame.to_csv(index=False),
            frame.add_prefix("c").to_csv(),
        ):
            with pytest.raises(InputError, match=r"--header|--index"):
                read(text).numbers()


def test_comments_and_names(read):
    table = read("#id,a,b\n1,2,3\n4,5,6\n")
    assert table.names == ("#id", "a", "b")
    assert table.n_rows == 2
    # the comment has as many cells, but the row below it holds names
    table = read("# made, today\na,b\n1,2\n")
    assert (table.names, table.n_rows) == (("a", "b"), 1)
    # names of numbers below a comment, which may hold the names itself
    for text in ("# a,b\n2019,2020\n0.5,2\n", "# a,b\n0,1\n0.5,2\n"):
        with pytest.raises(InputError, match="--header or --no-header"):
            read(text)
        with pytest.raises(InputError, match="may hold names too"):
            read(text, header=True)
        assert read(text, header=False).n_rows == 2
    assert read("# years\n2019,2020\n0.5,2\n", header=True).names == ("2019", "2020")
    # words beside numbers, as in all rows below
    text = "#id,a,kind\n1,2,x\n3,NA,y\n"
    for header in (None, True):
        assert read(text, header=header).names == ("#id", "a", "kind")
    assert read("#id;\n7;\n8;\n").names == ("#id",)
    text = "#id;a;b\n1;6,931;0,5\n2;1;3\n"
    assert read(text, decimal=",", header=True).n_rows == 2
    # names are asked for, and no line can hold them
    for text in ("# 1 to 3\n5,7\n6,8\n", "#a,b,c\n5,7\n6,8\n", '#a,"b\n5,7\n6,8\n'):
        with pytest.raises(InputError, match=r"1 cells|3 cells"):
            read(text, header=True)
        assert read(text).n_rows == 2
    for text in ("\t#id\tb\n1\t2\t3\n2\t4\t5\n", "  #id  b\n1  2  3\n2  4  5\n"):
        with pytest.raises(InputError, match="--index x1"):
            read(text).numbers()
    # words above numbers
    text = "# made, today\nx,2020\n1,2\n"
    with pytest.raises(InputError, match="--header or --no-header"):
        read(text)
    assert read(text, header=True).names == ("x", "2020")
    # a row that was commented out is no row of names
    assert read("#1,2\n3,4\n5,6\n").numbers().tolist() == [["3", "4"], ["5", "6"]]
    assert read("# a b\n1 2\n3 4\n", header=False).names == ("x1", "x2")


def test_two_separators_are_asked_about(read):
    text = "x;1,2;y\nx;3,4;y\nz;5,6;y\n"
    # by semicolons two columns of words and one of decimal commas; by commas none
    assert read(text, header=False).names == ("x1", "x2", "x3")
    text = "1;x,2;y,3\n4;x,5;y,6\n"
    with pytest.raises(InputError, match=r"commas or by semicolons.*--separator"):
        read(text)
    for separator in ("comma", "semicolon"):
        assert read(text, separator=separator, header=False).names[-1] == "x3"


def test_one_number_or_several(read):
    for text in ("1 000\n2 000\n3 500\n", "y\n1 000\n2 000\n"):
        with pytest.raises(InputError, match="blanks between its digits"):
            read(text)
    table = read("1 000\n2 000\n3 500\n", separator="space")
    assert table.numbers().tolist() == [["1", "000"], ["2", "000"], ["3", "500"]]


def test_notes_say_how_a_file_was_read(read):
    notes = read("# made today\na;b;\n0,5;2;\n;;\n", decimal=",").notes
    assert notes == (
        "separated by semicolons",
        "decimal commas",
        "names in line 2",
        "1 comment line above",
        "1 empty row at the end left out",
        "1 empty column at the right left out",
    )
