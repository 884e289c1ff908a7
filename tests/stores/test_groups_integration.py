"""Stores written in pieces: the same bytes however often and by whom, and proofs."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from arrangement import (
    IncompleteListingError,
    InputError,
    WorkersLostError,
    fold,
    iter_patterns,
    open_patterns,
    write_patterns,
)
from arrangement.stores import groups

from reference.executors import Deadly, Twice, bytes_of, count_ones, processes
from reference.listings import NAMES, joined, large

zarr = pytest.importorskip("zarr")
SIZE = 500
TESTS = Path(__file__).parents[1]


def write(path, X, offsets=None, *, executor=None, **options):
    with executor or ThreadPoolExecutor(1) as made:
        return write_patterns(
            path, X, offsets=offsets, block_size=SIZE, executor=made, **options
        )


@pytest.mark.parametrize("prove", [True, False])
@pytest.mark.parametrize("name", [name for name in NAMES if name != "rank 2"])
def test_a_store_in_pieces_is_the_list(tmp_path, name, prove):
    X, offsets, _ = large(name)
    X, offsets = X[:32], None if offsets is None else offsets[:32]
    stored = write(tmp_path / "a.zarr", X, offsets, prove=prove)
    stream = iter_patterns(X, offsets=offsets, prove=prove)
    whole = joined(stream)
    assert stored.proof == stream.proof
    assert len(stored) == len(whole)
    assert np.array_equal(stored[:].packed, whole)
    assert np.array_equal(joined(stored.iter_chunks()), whole)
    for places in (
        slice(7, -3, 11),
        slice(None, None, -1),
        slice(9, 3),
        slice(-5, 2, -7),
    ):
        assert np.array_equal(stored[places].packed, whole[places])
        assert np.array_equal(stored.packed[places], whole[places])
    assert np.array_equal(stored[len(whole) // 2], stored[:].to_bool()[len(whole) // 2])
    assert stored.verify(X, offsets=offsets).n_patterns == len(whole)
    # and for those who have nothing but Zarr
    group = zarr.open_group(tmp_path / "a.zarr", mode="r")
    names = sorted(group.array_keys(), key=lambda name: int(name.split(".")[1]))
    assert np.array_equal(np.concatenate([group[name][:] for name in names]), whole)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A store that nothing happened to, and its matrix."""
    X, _, _ = large("cells")
    path = tmp_path_factory.mktemp("plain") / "a.zarr"
    write(path, X)
    return path, X


@pytest.mark.parametrize("executor", [lambda: ThreadPoolExecutor(3), lambda: Twice(3)])
def test_the_bytes_do_not_depend_on_the_executor(tmp_path, plain, executor):
    write(tmp_path / "b.zarr", plain[1], executor=executor())
    assert bytes_of(tmp_path / "b.zarr") == bytes_of(plain[0])


@pytest.mark.slow
def test_the_bytes_do_not_depend_on_processes(tmp_path, plain):
    write(tmp_path / "b.zarr", plain[1], executor=processes())
    assert bytes_of(tmp_path / "b.zarr") == bytes_of(plain[0])


def damage(folder, kind):
    """What may become of a store in pieces before it is gone on with."""
    piece = folder / "piece.5"
    if kind == "missing":
        shutil.rmtree(piece)
    elif kind == "chunk":
        path = piece / "c.0.0"
        path.write_bytes(path.read_bytes()[:-9] + b"123456789")
    elif kind == "checksums":
        (piece / "checksums").unlink()
    elif kind == "header":
        (piece / "zarr.json").write_text("{}")
    elif kind == "partial":
        shutil.copytree(piece, folder / ".piece.5.0123")
        (folder / ".piece.5.0123" / "zarr.json").unlink()
    elif kind == "group":
        (folder / "zarr.json").unlink()
        for other in folder.glob("piece.*"):
            shutil.rmtree(other)


DAMAGES = ("missing", "chunk", "checksums", "header", "partial", "group", "none")


@pytest.mark.parametrize("prove", [True, False])
@pytest.mark.parametrize("kind", DAMAGES)
def test_a_store_is_gone_on_with_piece_by_piece(tmp_path, plain, kind, prove):
    path = tmp_path / "b.zarr"
    shutil.copytree(plain[0], path)
    before = {p: p.stat().st_mtime_ns for p in path.rglob("c.*") if p.is_file()}
    damage(path, kind)
    stored = write(path, plain[1], resume=True, prove=prove)
    assert (stored.proof is not None) == prove
    if prove or kind != "group":
        assert bytes_of(path) == bytes_of(plain[0])
    found = {p: p.stat().st_mtime_ns for p in path.rglob("c.*") if p.is_file()}
    rewritten = {p.parent.name for p in before if found[p] != before[p]}
    if kind != "group":
        assert rewritten <= {"piece.5"}
    assert np.array_equal(stored[:].packed, open_patterns(plain[0])[:].packed)


def test_a_piece_that_says_something_else_is_no_proof(tmp_path, plain):
    path = tmp_path / "b.zarr"
    shutil.copytree(plain[0], path)
    # whole, with checksums that fit, but not what is listed there
    shutil.rmtree(path / "piece.5")
    shutil.copytree(path / "piece.6", path / "piece.5")
    with pytest.raises(InputError, match="differs from what the matrix gives now"):
        write(path, plain[1], resume=True)
    with pytest.raises(InputError, match="is not the piece that was written"):
        open_patterns(path)


def test_a_piece_that_lacks_patterns_is_no_proof(tmp_path, plain, monkeypatch):
    default = groups.default_pieces
    monkeypatch.setattr(groups, "default_pieces", lambda plan: default(plan)[:-1])
    with pytest.raises(IncompleteListingError, match="patterns, but the arrangement"):
        write(tmp_path / "b.zarr", plain[1])
    with pytest.raises(InputError, match="is incomplete: not all of its 15 pieces"):
        open_patterns(tmp_path / "b.zarr")


def test_pieces_in_another_order_are_no_proof(tmp_path, plain, monkeypatch):
    default = groups.default_pieces

    def swapped(plan):
        pieces = default(plan)
        pieces[3], pieces[4] = pieces[4], pieces[3]
        return pieces

    monkeypatch.setattr(groups, "default_pieces", swapped)
    with pytest.raises(IncompleteListingError, match="repeats or precedes"):
        write(tmp_path / "b.zarr", plain[1])


def test_another_store_is_not_gone_on_with(tmp_path, plain):
    path = tmp_path / "b.zarr"
    shutil.copytree(plain[0], path)
    X = np.array(plain[1])
    with pytest.raises(InputError, match="exists; continue it"):
        write(path, X)
    with pytest.raises(InputError, match="was begun with matrix_sha256="):
        write(path, X[1:], resume=True)
    with pytest.raises(InputError, match=r"was begun in pieces\. Go on with"):
        write_patterns(path, X, block_size=SIZE, resume=True)
    with ThreadPoolExecutor(1) as made:
        with pytest.raises(InputError, match="begun with block_size=500"):
            write_patterns(path, X, block_size=100, resume=True, executor=made)
        write_patterns(tmp_path / "c.zarr", X)
        with pytest.raises(InputError, match="was begun without executor"):
            write_patterns(tmp_path / "c.zarr", X, resume=True, executor=made)
        (tmp_path / "d.zarr").mkdir()
        (tmp_path / "d.zarr" / "mine").touch()
        with pytest.raises(InputError, match="it holds 'mine' and no zarr"):
            write_patterns(tmp_path / "d.zarr", X, resume=True, executor=made)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda values: values.pop("plan"), "its fields are not those"),
        (lambda values: values.update(format=3), "has format 3; this version reads"),
        (lambda values: values.update(proof="yes"), "its SHA-256 is not that"),
        (lambda values: values.update(counts=7), "its SHA-256 is not that"),
        (lambda values: values.clear(), "is damaged, or of a Zarr group"),
    ],
)
def test_an_altered_header_is_noticed(tmp_path, plain, change, message):
    path = tmp_path / "b.zarr"
    shutil.copytree(plain[0], path)
    document = json.loads((path / "zarr.json").read_text())
    change(document["attributes"]["arrangement"])
    (path / "zarr.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match=message):
        open_patterns(path)


@pytest.mark.slow
def test_a_worker_is_killed_and_another_pool_goes_on(tmp_path, plain):
    path = tmp_path / "b.zarr"
    told = []
    with pytest.raises(WorkersLostError, match="resume=True"):
        write(path, plain[1], executor=Deadly(8), progress=told.append)
    assert told
    assert any(path.glob("piece.*"))
    stored = write(path, plain[1], executor=processes(), resume=True)
    assert stored.proof is not None
    assert bytes_of(path) == bytes_of(plain[0])


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("distributed") is None,
    reason="Dask is not installed (pip install 'convex-relu[dask]')",
)
def test_two_workers_of_dask_one_of_them_killed(tmp_path):
    X = np.random.default_rng(1).integers(-3, 4, (40, 5))
    np.save(tmp_path / "X.npy", X)
    script = TESTS / "reference" / "cluster.py"
    paths = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path)],
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    proof, streamed, last = done.stdout.splitlines()
    total, died, state = last.split(maxsplit=2)
    assert died == "True"
    stored = write(tmp_path / "plain.zarr", X)
    assert proof == streamed == str(stored.proof)
    assert int(total) == len(stored)
    assert bytes_of(tmp_path / "killed.zarr") == bytes_of(tmp_path / "plain.zarr")
    here = fold(X, count_ones, np.zeros(len(X) + 1, dtype=int))
    assert json.loads(state) == here.tolist()
