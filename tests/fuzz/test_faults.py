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

from arrangement import (
    ArrangementError,
    enumerate_patterns,
    open_patterns,
    verify,
    write_patterns,
)
from arrangement.cli import main as arrangement_main
from convex_solver import (
    ConvexProgram,
    ConvexSolverError,
    LinearCNN,
    certify,
    save_model,
    solve,
    write_conic,
)
from convex_solver.cli import main as solver_main
from convex_solver.plot import plot_fit

from fuzz.alterations import attempt, run_cases
from instances import planted, rows_in_rank
from reference.proofs import write_csv
from reference.stores import tree

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="processes of POSIX"),
    pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled here"),
]
FAMILY = (ArrangementError, ConvexSolverError)
DONE, REFUSED, OTHER = 0, 2, 4
# of so many cases of the other fuzzers there is one
EVERY = 10
# events that touch the folder; see `sys.addaudithook`
TOUCHES = ("open", "os.link", "os.rename", "os.remove", "os.mkdir", "os.rmdir")
ROWS = rows_in_rank(5, n=14, d=3, size=4)
BLOCK = 12


class Writers:
    """What writes files, by the name of the file; each call takes its path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.patterns = enumerate_patterns(ROWS)
        self.X, self.y = planted(8, 2, seed=1)
        self.program = ConvexProgram(self.X, self.y, 0.2)
        self.solution = solve(self.program, tol=1e-4)
        self.linear = LinearCNN(np.ones((3, 2)), np.ones((3, 4)))
        self.table = folder / "table.csv"
        write_csv(self.table, self.X, self.y)
        self.calls = {
            "list.npz": self.patterns.save,
            "listing.jsonl": lambda path: verify(self.patterns, ROWS, proof=path),
            "network.json": self.solution.network.save,
            "linear.json": self.linear.save,
            "model.json": lambda path: save_model(path, self.solution),
            "proof.jsonl": self._prove,
            "program.cbf": lambda path: write_conic(path, self.program),
            "program.conic": lambda path: write_conic(path, self.program),
            "tree.conic": lambda path: write_conic(path, self.program, form="tree"),
            "fit.png": lambda path: plot_fit(
                self.solution.network, self.X, self.y, path
            ),
            "list of the command.npz": lambda path: arrangement_main(
                ["enumerate", str(self.table), "-o", str(path)]
            ),
            "model of the command.json": lambda path: solver_main(
                [
                    "fit",
                    str(self.table),
                    "--target",
                    "x3",
                    "--beta",
                    "1",
                    "-o",
                    str(path),
                ]
            ),
        }

    def _prove(self, path: Path) -> None:
        certificate = self.solution.certificate
        network = self.solution.network
        certify(network, self.X, self.y, 0.2, dual=certificate.dual, proof=path)


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
            assert path.read_bytes() == whole, f"{kind}: half of a file"
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
            assert path.read_bytes() == whole, "what was left is in the way"
        outcome = {None: "killed", DONE: "written", REFUSED: "refused"}[code]
        return f"{kind}: {outcome}"

    return case


NAMES = (
    "list.npz",
    "listing.jsonl",
    "network.json",
    "linear.json",
    "model.json",
    "proof.jsonl",
    "program.cbf",
    "program.conic",
    "tree.conic",
    "fit.png",
    "list of the command.npz",
    "model of the command.json",
)


@pytest.mark.parametrize("name", NAMES)
def test_no_fault_leaves_half_of_a_file(name, writers, tmp_path, fuzz_seeds):
    folder = tmp_path / "folder"
    folder.mkdir()
    path = folder / name
    writers.calls[name](path)  # everything is compiled now, and imported
    whole = path.read_bytes()
    path.unlink()
    begin = time.perf_counter()
    assert child(lambda: writers.calls[name](path), no_fault) == DONE
    seconds = time.perf_counter() - begin
    assert path.read_bytes() == whole, "the same call writes the same bytes"
    case = file_case(writers, name, whole, seconds, folder)
    run_cases(case, name, fuzz_seeds[::EVERY])


def test_a_store_goes_on_after_every_fault(tmp_path, fuzz_seeds):
    whole = tmp_path / "whole.zarr"
    begin = time.perf_counter()
    write_patterns(whole, ROWS, block_size=BLOCK)
    seconds = time.perf_counter() - begin
    size = max(file.stat().st_size for file in whole.iterdir())
    packed = open_patterns(whole)[:].packed
    path = tmp_path / "cut.zarr"

    def write():
        write_patterns(path, ROWS, block_size=BLOCK, resume=True)

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
        assert tree(path) == tree(whole), f"{kind}: other bytes after all"
        outcome = {None: "killed", DONE: "written", REFUSED: "refused"}[code]
        return f"{kind}: {outcome}"

    run_cases(case, "store", fuzz_seeds[::EVERY])
