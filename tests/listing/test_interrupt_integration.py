"""Ctrl-C and time limits are answered soon, wherever a listing stands."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numba
import numpy as np
import pytest

from arrangement import (
    Arrangement,
    BudgetExceededError,
    InputError,
    ListingStoppedError,
    count_patterns,
    enumerate_patterns,
    iter_patterns,
    open_patterns,
)
from arrangement.listing.listers import CellLister, VertexLister
from arrangement.listing.plan import Plan
from arrangement.listing.vertices.subsets import table_bytes

from reference import families

# seconds; a busy machine is slow, but a piece or a block that is waited for takes more
LIMIT = 5.0

pytestmark = pytest.mark.skipif(
    numba.config.DISABLE_JIT, reason="kernels are slow without compilation"
)

CHILD = """
import sys
import time
import numpy as np
from arrangement import Arrangement, enumerate_patterns, iter_patterns
from reference import families

case, mode, jobs = sys.argv[1], sys.argv[2], int(sys.argv[3])
if case == "resonance":
    X = families.resonance(7)
else:
    X = np.random.default_rng(0).normal(size=(60, 8))
try:
    # have everything compiled
    next(iter_patterns(X[:20], n_jobs=jobs, prove=mode == "proven"))
    print("ready", flush=True)
    # not for ever, as whoever interrupts may be gone
    end = time.monotonic() + 120
    while time.monotonic() < end:
        for block in iter_patterns(X, n_jobs=jobs, prove=mode == "proven"):
            pass
except KeyboardInterrupt:
    print("stopped", flush=True)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize(
    ("case", "mode"),
    [("resonance", "stream"), ("Gaussian", "stream"), ("Gaussian", "proven")],
)
def test_an_interrupt_ends_a_stream_soon(case, mode, jobs):
    tests = Path(__file__).parents[1]
    path = os.pathsep.join([str(tests), str(tests.parent)])
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, case, mode, str(jobs)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    try:
        assert child.stdout.readline() == "ready\n"
        time.sleep(0.7)
        begin = time.monotonic()
        child.send_signal(signal.SIGINT)
        out, _ = child.communicate(timeout=60)
        assert time.monotonic() - begin < LIMIT
        assert (out, child.returncode) == ("stopped\n", 0)
    finally:
        child.kill()


def slow_matrix():
    """By cells a block of it takes seconds, and a piece tens of seconds."""
    return np.random.default_rng(0).normal(size=(60, 8))


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("prove", [False, True])
def test_a_time_limit_is_not_exceeded_by_much(jobs, prove):
    X = slow_matrix()
    next(iter_patterns(X[:20], prove=prove, n_jobs=jobs))
    before = set(threading.enumerate())
    begin = time.monotonic()
    stream = iter_patterns(X, prove=prove, n_jobs=jobs, time_limit=1.0)
    with pytest.raises(ListingStoppedError, match="time_limit=1 s was reached"):
        for _ in stream:
            pass
    assert 1.0 < time.monotonic() - begin < 1.0 + LIMIT
    assert stream.status == "incomplete"
    assert set(threading.enumerate()) <= before
    if prove:
        # what was found before the time was up is a beginning of the list
        assert 0 < stream.n_patterns < 1 << 18


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_a_time_limit_leaves_is_a_beginning_of_the_listing(jobs):
    X = families.threshold(6)
    with pytest.raises(ListingStoppedError) as caught:
        enumerate_patterns(X, n_jobs=jobs, time_limit=0.3)
    found = caught.value.patterns.packed
    assert len(found) < 15_028_134
    stream = iter_patterns(X, block_size=max(len(found), 1))
    assert np.array_equal(next(stream).packed[: len(found)], found)


def test_a_time_limit_may_end_before_the_tables_are_filled():
    """Tables of a third of a gigabyte take a second or more."""
    X = np.random.default_rng(0).normal(size=(300, 6))
    begin = time.monotonic()
    with pytest.raises(ListingStoppedError, match="0 patterns were yielded"):
        for _ in iter_patterns(X, time_limit=0.1):
            pass
    assert time.monotonic() - begin < LIMIT


def lister_of(X):
    return Plan(Arrangement(X)).lister()


def test_tables_too_large_for_memory_are_not_made():
    X = np.random.default_rng(0).normal(size=(500, 7))
    assert table_bytes(*X.shape) > 1 << 35
    assert isinstance(lister_of(X), CellLister)
    assert isinstance(lister_of(X[:50]), VertexLister)
    assert len(next(iter_patterns(X, block_size=100))) == 100


def test_the_count_before_a_list_is_part_of_its_time():
    """Counted to its end this takes minutes, to see that the list does not fit."""
    X = np.random.default_rng(0).normal(size=(300, 5))
    count_patterns(X[:7])
    begin = time.monotonic()
    with pytest.raises(ListingStoppedError, match="patterns were counted") as e:
        enumerate_patterns(X, time_limit=0.5, max_bytes=10**6)
    assert time.monotonic() - begin < 0.5 + LIMIT
    assert len(e.value.patterns) == 0


def test_a_count_keeps_its_time():
    X = np.random.default_rng(0).normal(size=(300, 5))
    count_patterns(X[:7])
    begin = time.monotonic()
    with pytest.raises(BudgetExceededError, match=r"the time is up.*raise time"):
        count_patterns(X, time_limit=0.5)
    assert time.monotonic() - begin < 0.5 + LIMIT


LIST = """
import sys
import numpy as np
from arrangement import enumerate_patterns, iter_patterns
X = np.random.default_rng(0).normal(size=(60, 6))
enumerate_patterns(X[:20])

def tell(latest):
    if latest.done:
        print("listed", flush=True)

try:
    enumerate_patterns(X, progress=tell, max_bytes=2**33)
except KeyboardInterrupt as error:
    first = next(iter_patterns(X, block_size=len(error.patterns)))
    print(len(error.patterns), (first.packed == error.patterns.packed).all())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_what_was_listed_before_an_interrupt_is_there():
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", LIST], stdout=subprocess.PIPE, text=True, cwd=root
    ) as child:
        lines = [child.stdout.readline(), child.stdout.readline()]
        child.send_signal(signal.SIGINT)
        lines += child.stdout.readlines()
    assert lines[0] == "listed\n"
    count, is_beginning = lines[-1].split()
    assert (int(count) > 0, is_beginning) == (True, "True")


COMMAND = """
import logging, sys
from arrangement.cli import main
log = logging.getLogger("arrangement")
log.addHandler(logging.StreamHandler(sys.stdout))
log.setLevel(logging.DEBUG)
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("name", ["list.npz", "list.zarr"])
def test_an_interrupted_command_leaves_nothing_half_written(tmp_path, name):
    if name.endswith("zarr"):
        pytest.importorskip("zarr")
    np.save(tmp_path / "X.npy", np.random.default_rng(0).normal(size=(60, 6)))
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-u", "-c", COMMAND, "enumerate", "X.npy", "-o", name],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    ) as child:
        lines = []
        for line in child.stdout:
            lines.append(line)
            if sum("patterns so far" in told for told in lines) == 5:
                child.send_signal(signal.SIGINT)
                break
        lines += child.stdout.readlines()
    assert child.returncode == 130, lines
    assert lines[-1] == "arrangement: interrupted\n"
    left = {path.name for path in tmp_path.iterdir()} - {"X.npy"}
    if name.endswith("npz"):
        assert left == set()
        return
    assert left == {name}
    # what is there says that it is a part, and may be continued
    with pytest.raises(InputError, match=r"is incomplete: \d+ chunks.*--resume"):
        open_patterns(tmp_path / name)
