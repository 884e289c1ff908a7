"""Files of other kinds are told from tables, and tables are taken for nothing else."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

from arrangement import InputError, enumerate_patterns
from arrangement.io import kind_of, kind_of_path, read_table

WORKBOOK = io.BytesIO()
with zipfile.ZipFile(WORKBOOK, "w") as archive:
    archive.writestr("[Content_Types].xml", "<Types/>")
STATE = io.BytesIO()
with zipfile.ZipFile(STATE, "w") as archive:
    archive.writestr("net/data.pkl", "")

OTHERS = {
    "model": (b'{\n "format": "convex-relu model 4",\n', "convex-solver fit wrote"),
    "proof": (b'{"format":"convex-relu proof 1"}\n["o",1,0]', "convex-solver prove"),
    "listing": (b'{"format":"convex-relu listing 1"}\n[1]', "arrangement verify wrote"),
    "json": (b'[{"a": 1}]', "is JSON"),
    "lines": (b'{"a": 1}\n{"a": 2}\n', "is JSON"),
    "bits": (b"row1,row2\n1,0\n0,1", "a list of 2 patterns"),
    "conic": (b"\x89CONIC1\n", "write_conic"),
    "cbf": (b"VER\n4\n", "write_conic"),
    "picture": (b"\x89PNG\r\n", "is a picture; expected a table."),
    "page": (b"<!DOCTYPE html>\n", "a page"),
    "workbook": (WORKBOOK.getvalue(), "Excel workbook (save its sheet as CSV first)"),
    "state": (STATE.getvalue(), "PyTorch"),
}
TABLES = [
    b"a,b\n1,2\n",
    b"row1,row3\n1,0\n",
    b"row,row1\n1,0\n",
    b"{a},b\n1,2\n",
    b"[a],[b]\n1,2\n",
    b"VER,b\n1,2\n",
    b"format,b\n1,2\n",
]


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_table_is_told_in_one_line(name, tmp_path):
    raw, part = OTHERS[name]
    path = tmp_path / "file"
    path.write_bytes(raw)
    with pytest.raises(InputError) as caught:
        read_table(path)
    assert part in str(caught.value)
    assert str(caught.value).startswith(f"{path} is ")
    assert str(caught.value).endswith("expected a table.")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("raw", TABLES)
def test_tables_are_tables(raw, tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(raw)
    assert kind_of(raw) is None
    assert len(read_table(path).names) == 2


def test_lists_and_what_is_asked_for_by_name(tmp_path):
    patterns = enumerate_patterns(np.eye(3))
    for name in ("list.npz", "list.csv"):
        path = tmp_path / name
        patterns.save(path)
        assert kind_of_path(path).what == "a list of 8 patterns"
        with pytest.raises(InputError, match="arrangement verify takes it"):
            read_table(path)
    assert read_table(tmp_path / "list.csv", header=True).numbers().shape == (8, 3)
    assert read_table(tmp_path / "list.npz", key="packed").numbers().shape == (8, 1)


def test_what_is_not_there_or_damaged_is_no_kind(tmp_path):
    assert kind_of_path(tmp_path / "none") is None
    assert kind_of_path("a\0b") is None
    assert kind_of_path(tmp_path) is None
    enumerate_patterns(np.eye(3)).save(tmp_path / "list.npz")
    whole = (tmp_path / "list.npz").read_bytes()
    for end in (0, 1, 4, 40, len(whole) // 2, len(whole) - 1):
        assert kind_of(whole[:end]) is None
    random = np.random.default_rng(0)
    for _ in range(300):  # whatever it then is, no error but a kind or none
        raw = bytearray(whole)
        raw[random.integers(len(raw))] = random.integers(256)
        found = kind_of(bytes(raw))
        assert found is None or found.what.startswith("a list of ")
