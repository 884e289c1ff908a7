"""Kill -9 and a full disk in every writer: nothing half-written under the final name.

``pytest tests/fuzz/test_faults.py --fuzz 10000`` makes a thousand faults in each
writer, as one takes two processes.  A writer runs in a process of its own, a copy of
this one, in which

- files may not grow beyond a size, as on a full disk;
- the system kills it at the byte where a file grows beyond that size;
- it is killed just before it opens, links, renames or removes a file;
- it is killed after some time.

What stands under the final name is then the whole file, or nothing; an error leaves
nothing at all, and is one line; and what a killed process leaves is in nobody's way.
"""

from __future__ import annotations

import contextlib
import functools
import os
import random
import resource
import shutil
import signal
import sys
import time
import warnings
from pathlib import Path

import numba
import numpy as np
import pytest

import arrangement
from arrangement import (
    ArrangementError,
    open_patterns,
    write_patterns,
)
from convex_solver import ConvexSolverError

from fuzz.alterations import attempt, run_cases
from reference.executors import Lazy, bytes_of
from reference.writers import LIBRARIES, NAMES, ROWS, SITES, Writers, same_bytes

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="processes of POSIX"),
    pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled here"),
]
ROOT = Path(arrangement.__file__).parents[1]
FAMILY = (ArrangementError, ConvexSolverError)
DONE, REFUSED, OTHER = 0, 2, 4
# of so many cases of the other fuzzers there is one
EVERY = 10
# events that touch the folder; see `sys.addaudithook`
TOUCHES = ("open", "os.link", "os.rename", "os.remove", "os.mkdir", "os.rmdir")
BLOCK = 12


class Recording:
    """Functions of the packages that were on the stack when a file got its name."""

    def __init__(self):
        self.seen = None

    def __call__(self, event, arguments):
        if event != "os.link" or self.seen is None:
            return
        frame = sys._getframe(1)
        while frame is not None:
            code = frame.f_code
            if code.co_filename.startswith(str(ROOT)):
                path = Path(code.co_filename).relative_to(ROOT).as_posix()
                self.seen.add((path, code.co_name))
            frame = frame.f_back


@functools.cache
def recording():
    """The one hook; hooks cannot be removed."""
    hook = Recording()
    sys.addaudithook(hook)
    return hook


@contextlib.contextmanager
def writing_functions():
    """The set of functions that files are written by, inside."""
    hook, seen = recording(), set()
    hook.seen = seen
    try:
        yield seen
    finally:
        hook.seen = None


@pytest.fixture(scope="module")
def writers(tmp_path_factory):
    return Writers(tmp_path_factory.mktemp("writers"))


def child(call, fault, *, patience=None):
    """Run a call with a fault in a copy of this process; its exit code, or None."""
    with warnings.catch_warnings():
        # that other threads are not copied: none of them is waited for
        warnings.simplefilter("ignore", DeprecationWarning)
        process = os.fork()
    if process == 0:
        code = OTHER
        try:
            quiet = os.open(os.devnull, os.O_WRONLY)
            os.dup2(quiet, 1)
            os.dup2(quiet, 2)
            sys.stdout = sys.stderr = os.fdopen(quiet, "w")
            fault()
            said = call()
            # a command says its exit code
            code = said if isinstance(said, int) else DONE
        except FAMILY as error:
            code = REFUSED if "\n" not in str(error) else OTHER
        finally:
            os._exit(code)
    if patience is not None:
        time.sleep(patience)
        os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    return None if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def no_fault():
    pass


def full_at(size, *, kills):
    """Files grow to so many bytes and not beyond; who tries is told, or killed."""

    def fault():
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL if kills else signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return fault


def killed_at(folder, step):
    """Dies before it touches the folder for the so-manieth time."""

    def fault():
        left = [step]

        def hook(event, arguments):
            if event in TOUCHES and str(folder) in str(arguments[0]):
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                left[0] -= 1

        sys.addaudithook(hook)

    return fault


def drawn_fault(rng, folder, size, seconds):
    """A fault, in words and as a function, and after how long the process dies."""
    what = rng.randrange(5)
    limit = rng.choice((0, 1, rng.randrange(size + 1), size - 1, size))
    if what <= 1:
        return "full", full_at(limit, kills=False), None
    if what == 2:
        return "killed at a byte", full_at(limit, kills=True), None
    if what == 3:
        return "killed at a step", killed_at(folder, rng.randrange(8)), None
    return "killed in time", no_fault, rng.uniform(0.0, 1.2 * seconds)


def file_case(writers, name, whole, seconds, folder):
    """One fault in the writer of one file."""

    def case(number):
        rng = random.Random(f"fault-{name}-{number}")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        path, call = folder / name, writers.calls[name]
        kind, fault, patience = drawn_fault(rng, folder, len(whole), seconds)
        code = child(lambda: call(path), fault, patience=patience)
        others = [p.name for p in folder.iterdir() if p != path]
        if path.exists():
            found = same_bytes(name, path.read_bytes())
            assert found == same_bytes(name, whole), f"{kind}: half of a file"
        assert code in (None, DONE, REFUSED), f"{kind}: another error"
        assert code != DONE or path.exists()
        assert code != REFUSED or not path.exists(), f"{kind}: an error left the file"
        if code is None:
            hidden = all(n.startswith(".") and n.endswith(".partial") for n in others)
            assert hidden, f"{kind}: {others}"
        else:
            assert others == [], f"{kind}: {others}"
        if not path.exists():
            assert child(lambda: call(path), no_fault) == DONE
            found = same_bytes(name, path.read_bytes())
            assert found == same_bytes(name, whole), "what was left is in the way"
        outcome = {None: "killed", DONE: "written", REFUSED: "refused"}[code]
        return f"{kind}: {outcome}"

    return case


@pytest.mark.parametrize("name", NAMES)
def test_no_fault_leaves_half_of_a_file(name, writers, tmp_path, fuzz_seeds):
    for library in LIBRARIES.get(Path(name).suffix, ()):
        pytest.importorskip(library)
    folder = tmp_path / "folder"
    folder.mkdir()
    path = folder / name
    # everything is compiled now, and imported
    with writing_functions() as seen:
        writers.calls[name](path)
    (site,) = [site for site, names in SITES.items() if name in names]
    assert site in seen, "the table says that another function writes it"
    whole = path.read_bytes()
    path.unlink()
    begin = time.perf_counter()
    assert child(lambda: writers.calls[name](path), no_fault) == DONE
    seconds = time.perf_counter() - begin
    found = same_bytes(name, path.read_bytes())
    assert found == same_bytes(name, whole), "the same call writes the same bytes"
    case = file_case(writers, name, whole, seconds, folder)
    run_cases(case, name, fuzz_seeds[::EVERY])


def no_executor():
    return None


def one_thread():
    """Pieces of a list, each its own folder, as workers write them."""
    return Lazy(1)


@pytest.mark.slow
@pytest.mark.parametrize("make", [no_executor, one_thread])
def test_a_store_goes_on_after_every_fault(make, tmp_path, fuzz_seeds):
    whole = tmp_path / "whole.zarr"
    begin = time.perf_counter()
    write_patterns(whole, ROWS, block_size=BLOCK, executor=make())
    seconds = time.perf_counter() - begin
    size = max(p.stat().st_size for p in whole.rglob("*") if p.is_file())
    packed = open_patterns(whole)[:].packed
    path = tmp_path / "cut.zarr"

    def write():
        write_patterns(path, ROWS, block_size=BLOCK, resume=True, executor=make())

    def case(number):
        rng = random.Random(f"fault-store-{number}")
        shutil.rmtree(path, ignore_errors=True)
        for _ in range(rng.randint(1, 3)):
            kind, fault, patience = drawn_fault(rng, path, size, seconds)
            if kind == "killed at a step":
                fault = killed_at(path, rng.randrange(150))
            code = child(write, fault, patience=patience)
            assert code in (None, DONE, REFUSED), f"{kind}: another error"
            found, error = attempt(FAMILY, lambda: open_patterns(path)[:].packed)
            if error is None:
                assert np.array_equal(found, packed), f"{kind}: another list"
            else:
                assert code != DONE
                assert "\n" not in str(error)
        assert child(write, no_fault) == DONE
        assert bytes_of(path) == bytes_of(whole), f"{kind}: other bytes after all"
        outcome = {None: "killed", DONE: "written", REFUSED: "refused"}[code]
        return f"{kind}: {outcome}"

    run_cases(case, "store", fuzz_seeds[::EVERY])
