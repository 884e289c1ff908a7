"""Stores of patterns: what is damaged is found, and what does not fit is refused."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from arrangement import Arrangement, enumerate_patterns, open_patterns, write_patterns
from arrangement.errors import (
    BudgetExceededError,
    IncompleteListingError,
    InputError,
    ListingTooLargeError,
)
from arrangement.model.fingerprint import matrix_sha256
from arrangement.stores import format as store_format
from arrangement.stores import stores as storage

from reference.stores import matrix, tree

zarr = pytest.importorskip("zarr")


# --- damaged


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def test_an_altered_byte_is_found_when_its_chunk_is_read(store):
    whole = tree(store)
    for place in range(len(whole["c.1.0"])):
        flip(store / "c.1.0", place)
        stored = open_patterns(store)
        assert len(stored[:32]) == 32
        damaged = r"chunk 1 of .*list\.zarr is damaged \(file c\.1\.0\): .*--resume"
        with pytest.raises(InputError, match=damaged):
            stored[30:40]
        with pytest.raises(InputError, match=damaged):
            stored.verify(matrix())
        with pytest.raises(InputError, match=damaged):
            list(stored)
        flip(store / "c.1.0", place)
    flip(store / "c.1.0", 40)
    write_patterns(store, matrix(), block_size=32, resume=True)
    assert tree(store) == whole


def test_a_chunk_put_in_the_place_of_another(store):
    whole = tree(store)
    (store / "c.1.0").write_bytes(whole["c.0.0"])
    lines = whole["checksums"].decode().splitlines(keepends=True)
    if lines[0].split()[1] != lines[1].split()[1]:
        with pytest.raises(InputError, match="chunk 1 of"):
            open_patterns(store)
    else:
        with pytest.raises(InputError, match="its checksum is wrong"):
            open_patterns(store)[:]


@pytest.mark.parametrize("size", [0, 1, 50])
def test_a_truncated_chunk_is_found_on_opening(store, size):
    whole = tree(store)
    (store / "c.2.0").write_bytes(whole["c.2.0"][:size])
    with pytest.raises(
        InputError, match=rf"chunk 2 of .* is damaged: file c\.2\.0 has {size} bytes; "
    ):
        open_patterns(store)
    write_patterns(store, matrix(), block_size=32, resume=True)
    assert tree(store) == whole


def test_a_missing_chunk_is_found_on_opening(store):
    whole = tree(store)
    (store / "c.0.0").unlink()
    with pytest.raises(InputError, match=r"chunk 0 of .* is missing \(file c\.0\.0\)"):
        open_patterns(store)
    write_patterns(store, matrix(), block_size=32, resume=True)
    assert tree(store) == whole


@pytest.mark.parametrize("what", ["gone", "cut", "altered"])
def test_damaged_checksums(store, what):
    whole = tree(store)
    path = store / "checksums"
    if what == "gone":
        path.unlink()
    elif what == "cut":
        path.write_bytes(whole["checksums"][:-20])
    else:
        flip(path, 3)
    with pytest.raises(InputError, match=r"checksums is missing or altered; .* chunks"):
        open_patterns(store)
    write_patterns(store, matrix(), block_size=32, resume=True)
    assert tree(store) == whole


def test_altered_metadata(store):
    path = store / "zarr.json"
    whole = path.read_text()
    for old, new in (
        ("all distinct", "all extinct!"),
        ('"uint64"', '"int64"'),
        ('"clevel": 2', '"clevel": 4'),
        ('"block_size": 32', '"block_size": 31'),
        ('"block_size": 32', '"block_size": "x"'),
        ('"rank": 3', '"rank": 3, "more": 1'),
    ):
        assert old in whole
        path.write_text(whole.replace(old, new))
        for attempt in (
            lambda: open_patterns(store),
            lambda: write_patterns(store, matrix(), block_size=32, resume=True),
        ):
            with pytest.raises(InputError, match=r"zarr\.json is altered: .*\. Remove"):
                attempt()
    path.write_text(whole[:100])
    with pytest.raises(InputError, match=r"zarr\.json is damaged: no JSON at"):
        open_patterns(store)
    path.write_text(whole.replace('"format": 3', '"format": 2'))
    with pytest.raises(InputError, match=r"has format 2; .* reads formats 1 and 3"):
        open_patterns(store)


def test_attributes_of_the_user_may_be_added_with_stock_zarr(store):
    zarr.open(store, mode="r+").attrs["note"] = "mine"
    assert len(open_patterns(store)[:]) == len(enumerate_patterns(matrix()))


# --- refused


def test_other_matrices_are_refused(store):
    with pytest.raises(InputError, match="is of another matrix: its SHA-256 is"):
        write_patterns(store, matrix(seed=1), block_size=32, resume=True)
    with pytest.raises(InputError, match="has 32 patterns a chunk; block_size=33"):
        write_patterns(store, matrix(), block_size=33, resume=True)
    with pytest.raises(IncompleteListingError, match="lists another matrix"):
        open_patterns(store).verify(matrix(seed=1))


def test_a_consistent_store_of_other_patterns_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "other.zarr"
    name = matrix_sha256(Arrangement(matrix()))
    with monkeypatch.context() as patch:
        patch.setattr(storage, "matrix_sha256", lambda _: name)
        write_patterns(path, matrix(seed=1), block_size=32)
    with pytest.raises(IncompleteListingError, match=r"is not realised|chambers"):
        open_patterns(path).verify(matrix())
    header = store_format.read_header(path)
    store_format.write_header(path, replace(header, status="incomplete", total=None))
    with pytest.raises(
        InputError, match=r"chunk \d of .* differs from what the matrix"
    ):
        write_patterns(path, matrix(), block_size=32, resume=True)


def test_existing_and_unwritable_paths(tmp_path, store):
    with pytest.raises(InputError, match=r"exists; continue it with --resume"):
        write_patterns(store, matrix())
    (tmp_path / "file.zarr").write_text("x")
    with pytest.raises(InputError, match="is no folder"):
        write_patterns(tmp_path / "file.zarr", matrix(), resume=True)
    with pytest.raises(InputError, match="is not a folder"):
        write_patterns(tmp_path / "none" / "a.zarr", matrix())
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("x")
    with pytest.raises(InputError, match=r"holds 'thesis\.tex' and no zarr\.json"):
        write_patterns(tmp_path / "mine", matrix(), resume=True)
    with pytest.raises(InputError, match="is no folder"):
        open_patterns(tmp_path / "none")
    with pytest.raises(InputError, match=r"has no zarr\.json"):
        open_patterns(tmp_path / "mine")
    zarr.create_array(tmp_path / "z.zarr", shape=(2,), dtype="int8")
    with pytest.raises(InputError, match="that write_patterns did not write"):
        open_patterns(tmp_path / "z.zarr")


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_full_or_locked_disk_is_said(tmp_path, monkeypatch):
    path = tmp_path / "a.zarr"
    real = store_format.replace_file

    def fail(target, data):
        if target.name == "c.1.0":
            raise OSError(28, "No space left on device")
        real(target, data)

    with monkeypatch.context() as patch:
        patch.setattr(store_format, "replace_file", fail)
        with pytest.raises(InputError, match=r"No space left on device\. Make room"):
            write_patterns(path, matrix(), block_size=32)
    with pytest.raises(InputError, match="is incomplete: 1 chunks with 32 patterns"):
        open_patterns(path)
    assert write_patterns(path, matrix(), block_size=32, resume=True).proof
    if os.geteuid() != 0:
        folder = tmp_path / "locked"
        folder.mkdir(mode=0o500)
        with pytest.raises(InputError, match="the folder cannot be written"):
            write_patterns(folder / "a.zarr", matrix())


def test_a_count_that_takes_too_long_leaves_the_store_incomplete(tmp_path, monkeypatch):
    def refuse(*_args, **_options):
        raise BudgetExceededError("too many nodes.")

    path = tmp_path / "a.zarr"
    X = [[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1]]
    with monkeypatch.context() as patch:
        patch.setattr("arrangement.verification.prover.count_patterns", refuse)
        with pytest.raises(BudgetExceededError, match=r"are written, .* --no-proof"):
            write_patterns(path, X)
    with pytest.raises(InputError, match="is incomplete"):
        open_patterns(path)
    assert write_patterns(path, X, resume=True, prove=False).proof is None


def test_verify_refuses_what_does_not_fit(store, monkeypatch):
    monkeypatch.setattr(storage, "free_bytes", lambda: 100)
    with pytest.raises(ListingTooLargeError, match="of memory; 100 are free"):
        open_patterns(store).verify(matrix())


def test_without_zarr_the_message_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(InputError, match="pip install 'zarr>=3'"):
        write_patterns(tmp_path / "a.zarr", matrix())
