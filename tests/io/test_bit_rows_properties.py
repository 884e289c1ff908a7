"""Lists of patterns as CSV: read back as written, by us and by the csv module."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from arrangement import InputError, PatternSet, enumerate_patterns, pack, verify
from arrangement.io import bit_lines, bit_names, bit_rows, read_bit_rows

BITS = hnp.arrays(np.bool_, st.tuples(st.integers(0, 9), st.integers(1, 70)))


@given(bits=BITS, end=st.sampled_from(["", "\n"]), mark=st.sampled_from(["\n", "\r\n"]))
def test_bits_come_back(bits, end, mark, tmp_path_factory):
    text = (bit_names(bits.shape[1]) + bit_lines(bits)).decode()
    head, *lines = csv.reader(io.StringIO(text))
    assert head == [f"row{k + 1}" for k in range(bits.shape[1])]
    assert [[int(cell) for cell in line] for line in lines] == bits.astype(int).tolist()
    path = tmp_path_factory.mktemp("bits") / "list.csv"
    path.write_bytes((text.removesuffix("\n") + end).replace("\n", mark).encode())
    found = np.concatenate(list(read_bit_rows(path)))
    assert np.array_equal(found, bits)


def test_in_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(bit_rows, "_PIECE", 20)
    bits = np.random.default_rng(0).random((50, 3)) < 0.5
    path = tmp_path / "list.csv"
    path.write_bytes(bit_names(3) + bit_lines(bits))
    blocks = list(read_bit_rows(path))
    assert [len(block) for block in blocks[:-1]] == [3] * (len(blocks) - 1)
    assert np.array_equal(np.concatenate(blocks), bits)
    path.write_bytes(bit_names(3) + bit_lines(bits)[:-2] + b"2\n")
    with pytest.raises(InputError, match="line 51: expected 3 cells of 0 or 1"):
        list(read_bit_rows(path))


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("row1,row2\n1,0\n1,2\n", "line 3: expected 2 cells"),
        ("row1,row2\n1,0\n1\n", "line 3"),
        ("row1,row2\n1,0,1\n", "line 2"),
        ("row1,row2\n1, 0\n", "line 2"),
        ("row1,row2\n1,0\n\n1,0\n", "line 3"),
        ("row1,row2\n1;0\n", "line 2"),
        ("row1,row2\n\xff,0\n", "line 2"),
        ("row1,row3\n1,0\n", "its first line is not row1,row2"),
        ("1,0\n", "its first line"),
        ("", "its first line"),
    ],
)
def test_other_files_are_refused(text, part, tmp_path):
    path = tmp_path / "list.csv"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(InputError, match=part) as caught:
        list(read_bit_rows(path))
    assert str(caught.value).endswith(".")


def test_a_list_is_saved_as_its_name_says(tmp_path):
    X = np.random.default_rng(1).integers(-9, 9, (20, 3))
    patterns = enumerate_patterns(X)
    path = tmp_path / "list.csv"
    patterns.save(path)
    bits = np.loadtxt(path, delimiter=",", skiprows=1)
    assert np.array_equal(bits, patterns.to_bool())
    assert verify(pack(bits), X).n_patterns == len(patterns)
    with pytest.raises(
        InputError, match=r"is a list of [\d,]+ patterns \(.*expected an npz"
    ):
        PatternSet.load(path)
    with pytest.raises(InputError, match="exists"):
        patterns.save(path)
    with pytest.raises(InputError, match="no columns for a CSV"):
        enumerate_patterns(np.zeros((0, 2))).save(tmp_path / "none.csv")
    assert [p.name for p in tmp_path.iterdir()] == ["list.csv"]
