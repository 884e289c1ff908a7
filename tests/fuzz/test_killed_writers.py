"""Kill -9 of workers, of the client and of the writer: no byte lost or doubled.

``pytest tests/fuzz/test_killed_writers.py --fuzz 800`` kills 50 times in each way, at
some moment of the writing: a worker of a pool or of a Dask cluster, or the process that
writes, alone or through one of them, whose workers live on.  The same call goes on with
the store beside these, and once more when they are gone, and ends with the bytes of a
store that nothing happened to.
"""

from __future__ import annotations

import importlib.util
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numba
import numpy as np
import pytest

from arrangement import open_patterns, write_patterns

from reference.executors import bytes_of
from reference.killed_writers import BLOCK

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="processes of Linux"),
    pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled here"),
]
TESTS = Path(__file__).parents[1]
# of so many cases of the other fuzzers there is one in each way
EVERY = 16
# how it writes, and what is killed
WAYS = {
    "the writer": ("alone", "client"),
    "a worker of a pool": ("pool", "worker"),
    "the writer with a pool": ("pool", "client"),
    "a worker of dask": ("dask", "worker"),
    "the client of dask": ("dask", "client"),
}
NO_DASK = importlib.util.find_spec("distributed") is None


class Server:
    """A process of `killed_writers` and what it says."""

    def __init__(self, *arguments: str) -> None:
        script = TESTS / "reference" / "killed_writers.py"
        paths = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])
        self._process = subprocess.Popen(
            [sys.executable, str(script), *arguments],
            env=os.environ | {"PYTHONPATH": paths},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def line(self) -> list[str]:
        """Return the words of the next line."""
        return self._process.stdout.readline().split()

    def ask(self, line: str) -> list[str]:
        """Return the answer to a line."""
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self.line()

    def end(self) -> None:
        with self._process.stdin:
            pass
        self._process.wait(timeout=60)
        self._process.stdout.close()


@pytest.fixture(scope="module")
def cluster():
    if NO_DASK:
        yield None
        return
    server = Server()
    server.address = server.line()[0]
    yield server
    server.end()


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A folder with the matrix, and stores to which nothing happened."""
    folder = tmp_path_factory.mktemp("plain")
    X = np.random.default_rng(1).integers(-3, 4, (18, 4))
    np.save(folder / "X.npy", X)
    write_patterns(folder / "alone.zarr", X, block_size=BLOCK)
    with ThreadPoolExecutor(1) as made:
        write_patterns(folder / "pieces.zarr", X, block_size=BLOCK, executor=made)
    return folder


@pytest.fixture(scope="module")
def writers(plain):
    server = Server(str(plain))
    yield server
    server.end()


def kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


class Writing:
    """One process that writes: its number, and how it ends."""

    def __init__(self, writers: Server, line: str) -> None:
        self._writers = writers
        said = writers.ask(line)
        assert said[0] == "begun", said
        self.pid = int(said[1])

    def pool(self) -> list[int]:
        """Return the processes that it has begun."""
        with suppress(OSError):
            path = Path(f"/proc/{self.pid}/task/{self.pid}/children")
            return [int(word) for word in path.read_text().split()]
        return []

    def end(self) -> tuple[str, str]:
        """Return what it said last, and its exit code."""
        last: list[str] = []
        while (words := self._writers.line())[0] != "ended":
            last = words
        return " ".join(last), words[1]


def go_on(writers: Server, line: str) -> float:
    """Write to the end, with nobody killed; the seconds."""
    begin = time.monotonic()
    said, code = Writing(writers, line).end()
    assert (said.split()[0], code) == ("done", "0"), said
    return time.monotonic() - begin


def kill_one(writers: Server, line: str, what: str, cluster, seconds, rng):
    """Kill one process at some moment; what came of it, and the pool."""
    workers = [int(word) for word in cluster.ask("")] if "dask" in line else []
    writing = Writing(writers, line)
    time.sleep(rng.uniform(0.0, seconds))
    pool = writing.pool()
    workers = workers or pool
    if what == "client":
        kill(writing.pid)
    elif workers:
        kill(rng.choice(workers))
    said, code = writing.end()
    word = said.split()[0] if said else "nothing"
    # Dask does again what a worker leaves; a pool cannot
    expected = {"worker": {"done", "lost"}, "client": {"done", "nothing"}}[what]
    assert word in (expected - {"lost"} if "dask" in line else expected), said
    assert code == ("-9" if word == "nothing" else "0") or what == "client"
    return word, pool


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_no_byte_is_lost_or_doubled(fuzz_seeds, plain, writers, cluster, way):
    kind, what = WAYS[way]
    if kind == "dask" and cluster is None:
        pytest.skip("Dask is not installed (pip install 'convex-relu[dask]')")
    whole = plain / ("alone.zarr" if kind == "alone" else "pieces.zarr")
    expected, patterns = bytes_of(whole), open_patterns(whole)[:].packed
    store = plain / "store.zarr"
    line = f"dask {cluster.address}" if kind == "dask" else kind
    seconds = []
    for _ in "12":  # the first time, kernels are loaded
        shutil.rmtree(store, ignore_errors=True)
        seconds.append(go_on(writers, line))
        assert bytes_of(store) == expected
    came = Counter()
    for seed in fuzz_seeds[::EVERY]:
        shutil.rmtree(store)
        rng = random.Random(f"{way}-{seed}")
        word, pool = kill_one(writers, line, what, cluster, seconds[1], rng)
        came[word] += 1
        try:
            # workers whose client is gone may be at it still
            go_on(writers, line)
        finally:
            for pid in pool:
                kill(pid)
        assert np.array_equal(open_patterns(store)[:].packed, patterns), seed
        found = {k: v for k, v in bytes_of(store).items() if k[:7] != ".piece."}
        assert found == expected, seed
        # what those leave that are killed now is removed
        go_on(writers, line)
        assert bytes_of(store) == expected, seed
    print(f"{way}: {dict(came)}, whole in {seconds[1]:.2f} s")
