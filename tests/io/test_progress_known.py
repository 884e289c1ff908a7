"""``progress=``: True draws one bar and ends it; callables stay what they are."""

from __future__ import annotations

import gc
import inspect
import io
import sys

import numba
import numpy as np
import pytest

import arrangement
import convex_solver
from arrangement import InputTypeError, Progress
from arrangement.io import Bar, listener, listening, shows_progress
from convex_solver import ConvexProgram

pytestmark = pytest.mark.usefixtures("new_objects_only")

X = np.random.default_rng(0).normal(size=(30, 3))
DEGENERATE = np.random.default_rng(0).integers(-1, 2, size=(20, 3))
PROGRAM = ConvexProgram(X[:, :2], X[:, 2], 0.5)


@numba.njit
def count(state, pattern):
    state[0] += 1


def folded(progress):
    return arrangement.fold(X, count, np.zeros(1, dtype=np.int64), progress=progress)


def streamed(progress):
    return list(arrangement.iter_patterns(X, block_size=100, progress=progress))


# every public function that tells how far it is
CALLS = {
    "enumerate_patterns": lambda p: arrangement.enumerate_patterns(X, progress=p),
    "iter_patterns": streamed,
    "fold": folded,
    "count_patterns": lambda p: arrangement.count_patterns(X, progress=p),
    "characteristic_polynomial": lambda p: arrangement.characteristic_polynomial(
        X, progress=p
    ),
    "count_bounded": lambda p: arrangement.count_bounded(
        X, offsets=X[:, 0], progress=p
    ),
    "solve": lambda p: convex_solver.solve(PROGRAM, progress=p),
    "solve_path": lambda p: convex_solver.solve_path(PROGRAM, [1.0, 0.5], progress=p),
    "interpolate": lambda p: convex_solver.interpolate(
        X[:5, :2], X[:5, 2], intercept=True, progress=p
    ),
}
# functions over lists of the above
OVER_LISTS = {
    "count_by_listing": lambda p: arrangement.count_by_listing(X, progress=p),
    "tope_graph": lambda p: arrangement.tope_graph(X, progress=p),
    "iter_tope_edges": lambda p: list(arrangement.iter_tope_edges(X, progress=p)),
    "zonotope_vertices": lambda p: arrangement.zonotope_vertices(X, progress=p),
    "iter_zonotope_vertices": lambda p: list(
        arrangement.iter_zonotope_vertices(X, progress=p)
    ),
    "patterns_inside": lambda p: arrangement.patterns_inside(
        X, [[1, 0, 0]], progress=p
    ),
    "iter_patterns_inside": lambda p: list(
        arrangement.iter_patterns_inside(X, [[1, 0, 0]], progress=p)
    ),
    "bounded_patterns": lambda p: arrangement.bounded_patterns(
        X, offsets=X[:, 0], progress=p
    ),
    "iter_bounded_patterns": lambda p: list(
        arrangement.iter_bounded_patterns(X, offsets=X[:, 0], progress=p)
    ),
    "insert_row": lambda p: arrangement.insert_row(
        arrangement.enumerate_patterns(X), [1, 2, 3], progress=p
    ),
    "iter_flats": lambda p: list(arrangement.iter_flats(X[:9], progress=p)),
    "iter_orbits": lambda p: list(
        arrangement.iter_orbits(np.eye(3), symmetry=[[1, 2, 0]], progress=p)
    ),
}
SILENT = {"count_patterns", "characteristic_polynomial", "count_bounded"}


def takes_progress() -> set[str]:
    """Return the public functions of both packages with a ``progress``."""
    found = set()
    for package in (arrangement, convex_solver):
        for name in package.__all__:
            value = getattr(package, name)
            is_function = inspect.isfunction(value)
            if is_function and "progress" in inspect.signature(value).parameters:
                found.add(name)
    return found


def test_all_that_take_progress_are_tested():
    known = CALLS.keys() | OVER_LISTS.keys()
    assert takes_progress() - {"write_patterns"} == known


@pytest.mark.slow
@pytest.mark.parametrize("name", OVER_LISTS)
def test_what_works_on_lists_has_a_bar_too(name, capsys):
    OVER_LISTS[name](True)
    gc.collect()
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "" or err.endswith("\n")
    OVER_LISTS[name](None)
    with pytest.raises(InputTypeError, match="progress='yes'; expected True for a bar"):
        OVER_LISTS[name]("yes")


@pytest.mark.every
@pytest.mark.parametrize("name", CALLS)
def test_true_draws_a_bar_and_ends_it(name, capsys):
    CALLS[name](True)
    gc.collect()
    out, err = capsys.readouterr()
    assert out == ""
    if name in SILENT:
        # a count tells about every second, and takes less
        assert err == ""
        return
    assert err.endswith("\n")
    assert err.count("\n") == 1
    words = {"interpolate": "penalty"} | dict.fromkeys(
        ("solve", "solve_path"), "optimal: objective"
    )
    assert words.get(name, "100%") in err.split("\r")[-1]


@pytest.mark.every
@pytest.mark.parametrize("name", CALLS)
def test_callables_are_called_and_false_is_none(name, capsys):
    told: list[Progress] = []
    CALLS[name](told.append)
    CALLS[name](False)
    CALLS[name](None)
    assert all(isinstance(one, Progress) for one in told)
    assert bool(told) == (name not in SILENT)
    assert capsys.readouterr() == ("", "")
    with pytest.raises(InputTypeError, match="progress='yes'; expected True for a bar"):
        CALLS[name]("yes")


def test_a_list_shorter_than_its_bound_ends_full(capsys):
    found = arrangement.enumerate_patterns(DEGENERATE, progress=True)
    assert len(found) < found.bound
    assert "100%" in capsys.readouterr().err.split("\r")[-1]


def test_a_call_that_fails_ends_its_bar(capsys):
    @shows_progress
    def fails(*, progress=None):
        progress(Progress("patterns", 3, 10))
        raise ValueError("no")

    with pytest.raises(ValueError, match="no") as caught:
        fails(progress=True)
    last = capsys.readouterr().err.split("\r")[-1]
    assert "30%" in last
    assert last.endswith("\n")
    # until here the error keeps alive what it passed, the bar too
    assert caught.tb is not None


def test_a_stream_that_is_left_ends_its_bar(capsys):
    stream = arrangement.iter_patterns(X, block_size=100, progress=True)
    next(stream)
    del stream
    gc.collect()
    assert capsys.readouterr().err.endswith("\n")


def test_stages_and_counts_in_turn_are_one_bar():
    stream = io.StringIO()
    bar = Bar(file=stream, mininterval=0.0)
    bar(Progress("counting: at least 5"))
    bar(Progress("listing", 4, 8))
    bar(Progress("listing", 6, 10**400))
    bar.close()
    shown = stream.getvalue().split("\r")
    assert any("counting: at least 5" in line for line in shown)
    assert any("50%" in line for line in shown)
    assert shown[-1].count("\n") <= 1


def test_a_terminal_shows_no_more_than_a_line(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "60")
    with listening(True) as told:
        assert told is not None
        told(Progress("word " * 60))
    assert max(len(part) for part in terminal.getvalue().split("\r")) <= 61


def test_what_a_listener_is():
    assert listener(None) is None
    assert listener(False) is None
    assert listener(print) is print
    assert isinstance(listener(True), Bar)
    with pytest.raises(InputTypeError, match="progress=1"):
        listener(1)
