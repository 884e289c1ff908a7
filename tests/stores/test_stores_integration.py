"""Stores of patterns: what is read back, what survives a kill, what is refused."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import arrangement
from arrangement import (
    Arrangement,
    Progress,
    cli,
    enumerate_patterns,
    iter_patterns,
    open_patterns,
    write_patterns,
)
from arrangement.errors import (
    BudgetExceededError,
    IncompleteListingError,
    InputError,
    InputTypeError,
    ListingTooLargeError,
)
from arrangement.model.fingerprint import matrix_sha256
from arrangement.stores import format as store_format
from arrangement.stores import stores as storage

zarr = pytest.importorskip("zarr")


def matrix(n: int = 12, d: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-9, 10, (n, d))


def tree(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir())}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "list.zarr"
    write_patterns(path, matrix(), block_size=32)
    return path


AFFINE = {"X": [[1, 0], [0, 1], [1, 1]], "offsets": [0, 0, 1]}
CASES = {
    "central": {"X": matrix()},
    "affine": AFFINE,
    "no rows": {"X": np.zeros((0, 3))},
    "zero rows": {"X": np.zeros((2, 3))},
    "all bits zero": {"X": np.zeros((2, 3)), "offsets": [1, 1]},
    "more than a word": {"X": matrix(130, 2, 3)},
    "two words exactly": {"X": matrix(128, 2, 4)},
    "dependent columns": {"X": matrix(9, 2, 5)[:, [0, 1, 0]]},
    "projected": {"X": matrix(9, 3, 6) / 7, "rank": 2},
    "decimals": {"X": [["0.1", "2"], ["0.2", "4"], ["1e-3", "-1"]]},
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("block_size", [None, 1, 7])
def test_a_store_holds_the_list_and_stock_zarr_reads_it(tmp_path, name, block_size):
    case = CASES[name]
    expected = enumerate_patterns(**case)
    seen: list[Progress] = []
    path = tmp_path / "list.zarr"
    stored = write_patterns(path, **case, block_size=block_size, progress=seen.append)
    assert seen[-1] == Progress.of_patterns(len(expected), expected.bound)
    assert len(stored) == len(expected)
    array = zarr.open(path, mode="r")
    assert array.shape == expected.packed.shape
    assert array.dtype == np.uint64
    np.testing.assert_array_equal(array[:], expected.packed)
    np.testing.assert_array_equal(stored[:].packed, expected.packed)
    np.testing.assert_array_equal(
        np.concatenate([chunk.packed for chunk in stored.iter_chunks()]),
        expected.packed,
    )
    # iterating is iterating over a PatternSet: one pattern after another
    for found, bits in zip(stored, expected, strict=True):
        assert found.dtype == bits.dtype == bool
        np.testing.assert_array_equal(found, bits)
    values = array.attrs["arrangement"]
    assert values["status"] == "complete"
    assert values["count"] == values["total"] == len(expected)
    assert (values["n_rows"], values["rank"]) == (expected.n_rows, expected.rank)
    assert values["proof"] == stored.claim == str(expected.proof)
    assert stored.proof == expected.proof
    # whoever opens it has a claim only
    assert open_patterns(path).proof is None
    assert open_patterns(path).claim == stored.claim
    assert str(stored.verify(**case)) == str(
        arrangement.verify(expected, **case)
    )  # the same list, proven again from its bits


@pytest.mark.slow
def test_slices_are_those_of_a_list(store):
    stored = open_patterns(store)
    packed = enumerate_patterns(matrix()).packed
    cuts = [None, 0, 1, 31, 32, 33, 70, len(packed), -1, -40, 10**6]
    for begin, end in itertools.product(cuts, cuts):
        for step in (None, 1, 2, 31, 40, 1000, -1, -3, -50):
            key = slice(begin, end, step)
            np.testing.assert_array_equal(stored[key].packed, packed[key])
    np.testing.assert_array_equal(stored.packed[5:50], packed[5:50])
    np.testing.assert_array_equal(stored[-1], enumerate_patterns(matrix())[-1])
    with pytest.raises(IndexError):
        stored[len(packed)]
    with pytest.raises(InputTypeError, match="expected an int or a slice"):
        stored[[1, 2]]


def test_vertices_are_stored_in_their_order_without_a_proof(tmp_path):
    X = np.random.default_rng(1).standard_normal((40, 4))
    stored = write_patterns(tmp_path / "a.zarr", X, prove=False)
    expected = np.concatenate([block.packed for block in iter_patterns(X)])
    np.testing.assert_array_equal(stored[:].packed, expected)
    assert stored.proof is None
    assert stored.claim == "none, as asked: completeness was not checked"


def test_threads_write_the_same_bytes(tmp_path, store):
    write_patterns(tmp_path / "b.zarr", matrix(), block_size=32, n_jobs=2)
    assert tree(tmp_path / "b.zarr") == tree(store)


def test_a_chunk_stays_small_when_rows_are_many():
    assert store_format.chunk_rows(None, 300) == 1 << 16
    assert store_format.chunk_rows(None, 64 * 1024) == 4096
    assert store_format.chunk_rows(None, 64 * 10**8) == 2
    with pytest.raises(InputError, match=r"block_size=0; expected 1 to 134,217,728"):
        store_format.chunk_rows(0, 3)
    with pytest.raises(InputTypeError, match="expected an int"):
        store_format.chunk_rows(2.5, 3)  # type: ignore[arg-type]


# --- stopped at any moment


class Killed(BaseException):
    """Stands for the end of the process."""


class Dying:
    def __init__(self, write):
        self.write = write

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


def kill_at(monkeypatch, moment):
    """Let the process die before its ``moment``-th call that touches the disk.

    A write that dies leaves half of its bytes.
    """
    calls = itertools.count()
    real_sync, real_replace, real_open = os.fsync, Path.replace, Path.open

    def due():
        return next(calls) == moment

    def sync(handle):
        if due():
            raise Killed
        real_sync(handle)

    def rename(self, target):
        if due():
            raise Killed
        return real_replace(self, target)

    def open_file(self, mode="r", *args, **kwargs):
        stream = real_open(self, mode, *args, **kwargs)
        if mode in ("wb", "ab") and due():
            real_write = stream.write

            def write_half(data):
                real_write(data[: len(data) // 2])
                stream.close()
                raise Killed

            return Dying(write_half)
        return stream

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(Path, "replace", rename)
    monkeypatch.setattr(Path, "open", open_file)
    return calls


def test_killed_at_every_step_the_store_goes_on_to_the_same_bytes(tmp_path):
    X = matrix(6, 3)
    whole = tmp_path / "whole.zarr"
    total = len(write_patterns(whole, X, block_size=12))
    for moment in itertools.count():
        path = tmp_path / "cut.zarr"
        with pytest.MonkeyPatch.context() as patch:
            kill_at(patch, moment)
            try:
                write_patterns(path, X, block_size=12)
                break
            except Killed:
                pass
        if (path / "zarr.json").exists():
            # whatever is there is a valid array of finished patterns
            array = zarr.open(path, mode="r")
            packed = enumerate_patterns(X).packed
            np.testing.assert_array_equal(array[:], packed[: array.shape[0]])
            if array.attrs["arrangement"]["status"] == "incomplete":
                with pytest.raises(InputError, match=r"is incomplete: \d+ chunks with"):
                    open_patterns(path)
        elif path.exists():
            with pytest.raises(InputError, match="stopped before the first chunk"):
                open_patterns(path)
        # and once more while it is continued
        with pytest.MonkeyPatch.context() as patch:
            kill_at(patch, moment // 2)
            with contextlib.suppress(Killed):
                write_patterns(path, X, block_size=12, resume=True)
        assert len(write_patterns(path, X, block_size=12, resume=True)) == total
        assert tree(path) == tree(whole), moment
        shutil.rmtree(path)
    assert moment > 20


@pytest.mark.slow
def test_killed_by_the_system_the_command_goes_on(tmp_path):
    X = np.random.default_rng(5).integers(-50, 51, (40, 4))
    np.save(tmp_path / "X.npy", X)
    script = (
        "import sys, numpy as np, arrangement as a\n"
        "X = np.load(sys.argv[1])\n"
        "a.write_patterns(sys.argv[2], X, block_size=256, resume=True,\n"
        "                 progress=lambda *_: print(end='.', flush=True))\n"
    )
    whole, cut = tmp_path / "whole.zarr", tmp_path / "cut.zarr"
    write_patterns(whole, X, block_size=256)
    draw = random.Random(2)
    command = [sys.executable, "-c", script, str(tmp_path / "X.npy"), str(cut)]
    kills = 0
    for _ in range(5):
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        with process:
            assert process.stdout is not None
            process.stdout.read(draw.randrange(1, 20))
            time.sleep(draw.random() * 0.01)
            process.send_signal(signal.SIGKILL)
        kills += process.returncode == -signal.SIGKILL
    assert kills >= 3
    stored = write_patterns(cut, X, block_size=256, resume=True)
    assert tree(cut) == tree(whole)
    assert stored.proof is not None


def test_resume_begins_continues_and_leaves_alone(tmp_path, store):
    path = tmp_path / "new.zarr"
    write_patterns(path, matrix(), block_size=32, resume=True)
    assert tree(path) == tree(store)
    before = {p.name: p.stat().st_mtime_ns for p in path.iterdir()}
    write_patterns(path, matrix(), block_size=32, resume=True)
    write_patterns(path, matrix(), block_size=32, resume=True, prove=False)
    assert {p.name: p.stat().st_mtime_ns for p in path.iterdir()} == before


def test_resume_proves_what_was_not(tmp_path, store):
    path = tmp_path / "new.zarr"
    write_patterns(path, matrix(), block_size=32, prove=False)
    assert open_patterns(path).proof is None
    assert write_patterns(path, matrix(), block_size=32, resume=True).proof
    assert tree(path) == tree(store)


def test_two_writers_do_not_meet(store):
    pytest.importorskip("fcntl")
    with (
        store_format.locked(store, exist_ok=True),
        pytest.raises(InputError, match="is being written by another process"),
    ):
        write_patterns(store, matrix(), block_size=32, resume=True)


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
        ('"clevel": 5', '"clevel": 4'),
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
    path.write_text(whole.replace('"format": 1', '"format": 2'))
    with pytest.raises(InputError, match="has format 2; this version reads format 1"):
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


# --- the name of a matrix


def test_the_name_is_that_of_the_exact_rows():
    def name(X, **options):
        return matrix_sha256(Arrangement(X, **options))

    X = matrix()
    assert name(X) == name(X.astype(float)) == name(X.tolist()) == name(3 * X)
    assert name(X / 4) == name(X)
    assert name(X) != name(-X)
    assert name(X) != name(X[::-1])
    assert name(X @ [[1, 1, 0], [0, 1, 0], [0, 0, 1]]) != name(X)
    tenth, text = [[0.1, 1], [0, 1]], [["0.1", 1], [0, 1]]
    assert name(tenth) != name(text)
    assert name(tenth, floats="decimal") == name(text) == name([[1, 10], [0, 1]])
    assert (
        name(AFFINE["X"])
        != name(AFFINE["X"], offsets=[0, 0, 0])
        != name(AFFINE["X"], offsets=[0, 0, 1])
    )
    assert name([[10**6000, 1], [1, 2]]) != name([[10**6000 + 1, 1], [1, 2]])
    far = matrix(20, 3, 7) * [1, 1000, 1] + [0, 10**6, 10**9]
    assert Arrangement(far).column_basis is not None
    lines = "".join(
        " ".join(format(int(v), "x") for v in row // np.gcd.reduce(row)) + "\n"
        for row in far
    )
    head = "central n=20 d=3 projected=0 pivots=0,1,2\n"
    assert name(far) == hashlib.sha256((head + lines).encode()).hexdigest()


# --- the command line


@pytest.fixture
def run(capsys):
    def call(*argv: object) -> tuple[int, str, str]:
        code = cli.main([str(word) for word in argv])
        out, err = capsys.readouterr()
        return code, out, err

    return call


def test_the_command_line_writes_resumes_and_verifies(run, tmp_path):
    np.save(tmp_path / "X.npy", matrix())
    path = tmp_path / "out.zarr"
    argv = ["enumerate", tmp_path / "X.npy", "-o", path]
    code, out, err = run(*argv)
    assert (code, err) == (0, "")
    assert "yes: " in out
    whole = tree(path)
    code, _, err = run(*argv)
    assert code == 2
    assert "exists; continue it with --resume" in err
    (path / "zarr.json").unlink()
    code, out, _ = run(*argv, "--resume", "--json")
    values = json.loads(out)
    assert (code, values["proven"]) == (0, True)
    assert values["bytes"] == sum(map(len, whole.values()))
    assert tree(path) == whole
    code, out, _ = run("verify", path, tmp_path / "X.npy", "--json")
    assert (code, json.loads(out)["patterns"]) == (0, values["patterns"])
    code, _, err = run("verify", path, tmp_path / "X.npy", "--no-intercept")
    assert code == 1
    assert "lists another matrix" in err
    code, out, _ = run("enumerate", *argv[1:3], tmp_path / "b.zarr", "--no-proof")
    assert (code, "no, as asked" in out) == (0, True)
    code, _, err = run(*argv[:2], "-o", tmp_path / "b.npz", "--resume")
    assert (code, "--resume continues an OUT.zarr" in err) == (2, True)
    code, _, err = run(*argv[:3], tmp_path / "c.zarr", "--max-bytes", 9)
    assert (code, "--max-bytes is for npz" in err) == (2, True)
    code, _, err = run("verify", tmp_path / "none.zarr", tmp_path / "X.npy")
    assert (code, "is not a store of patterns" in err) == (2, True)
