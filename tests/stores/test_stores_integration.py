"""Stores of patterns: what is read back, and what survives a kill."""

from __future__ import annotations

import contextlib
import functools
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
from concurrent.futures import ThreadPoolExecutor
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
from arrangement.errors import InputError, InputTypeError
from arrangement.model.fingerprint import matrix_sha256
from arrangement.stores import format as store_format
from arrangement.stores import stores
from arrangement.stores.format import Header

from reference.executors import bytes_of
from reference.stores import matrix, tree

zarr = pytest.importorskip("zarr")


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


@pytest.mark.slow
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


@pytest.mark.parametrize("executor", [None, ThreadPoolExecutor])
def test_a_store_of_the_first_format_is_read_and_gone_on_with(
    tmp_path, monkeypatch, executor
):
    def write(path, **options):
        if executor is None:
            return write_patterns(path, matrix(), block_size=32, **options)
        with executor(1) as made:
            return write_patterns(
                path, matrix(), block_size=32, executor=made, **options
            )

    whole, cut, new = (tmp_path / name for name in ("whole", "cut", "new"))
    with monkeypatch.context() as patch:
        patch.setattr(stores, "Header", functools.partial(Header, format=1))
        write(whole)
    array = whole if executor is None else whole / "piece.3"
    assert '"clevel": 5' in (array / "zarr.json").read_text()
    shutil.copytree(whole, cut)
    write(new)
    kept = bytes_of(whole)
    assert bytes_of(new) != kept
    if executor is None:
        (cut / "c.1.0").unlink()
    stored = write(cut, resume=True)
    assert bytes_of(cut) == bytes_of(whole) == kept
    assert stored.proof == write(new, resume=True).proof
    assert np.array_equal(stored[:].packed, open_patterns(new)[:].packed)


def test_two_writers_do_not_meet(store):
    pytest.importorskip("fcntl")
    with (
        store_format.locked(store, exist_ok=True),
        pytest.raises(InputError, match="is being written by another process"),
    ):
        write_patterns(store, matrix(), block_size=32, resume=True)


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
    assert (code, "--max-bytes is for a list in memory" in err) == (2, True)
    code, _, err = run("verify", tmp_path / "none.zarr", tmp_path / "X.npy")
    assert (code, "is not a store of patterns" in err) == (2, True)
