"""Whatever is given for an argument, an error is one of the packages' own.

Each argument of each public function in turn is something else than it should be; the
others are as they should be.  (What happens to be right is right.)
"""

from __future__ import annotations

import inspect
import os
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numba
import numpy as np
import pytest

import arrangement
import convex_solver
from arrangement import (
    Arrangement,
    ArrangementError,
    InputTypeError,
    enumerate_patterns,
)

WRONG = (None, 5, 3.5, "abc", object(), [None], (1, 2, 3))
X = np.array([[1.0, 0.5], [-1.0, 2.0], [0.25, 1.0], [2.0, -1.0]])
Y = np.array([1.0, -1.0, 0.5, 2.0])
PATCHES = X[:, :, None]
# what functions return, and callers do not make; and what may come from the net
RECORDS = [
    "LatticeFlat",
    "Orbit",
    "PatternSet",
    "PatternStream",
    "Piece",
    "Progress",
    "Proof",
    "StoredPatterns",
    "TopeEdges",
    "TopeGraph",
    "restricted_counts",
    "Approximation",
    "CNNCertificate",
    "CNNInfeasibility",
    "CNNSolution",
    "Certificate",
    "Claim",
    "ConicProgram",
    "ConicSizes",
    "Interpolation",
    "InterpolationCertificate",
    "MinimumNormCertificate",
    "MinimumNormSolution",
    "Model",
    "Obstruction",
    "ProgramBatch",
    "Redundancy",
    "SeenPatterns",
    "Solution",
    "SolutionPath",
    "SolutionStatus",
    "Training",
    "load_table",
    "load_airplanes_automobiles",
]
# what is no argument of a computation, or is called with what others return
LEFT = {"path", "proof", "callback", "executor", "progress", "root", "out", "state"}


@numba.njit
def count(state, pattern):
    state[0] += 1


@cache
def right():
    """Right arguments by name."""
    program = convex_solver.ConvexProgram(X, Y, 0.1)
    found = convex_solver.solve(program)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        convex_solver.save_model(path, found)
        model = convex_solver.load_model(path)
    return {
        "X": X,
        "y": Y,
        "alphas": [1.0],
        "arrangement": Arrangement(X),
        "beta": 0.1,
        "bits": X > 0.0,
        "coefficients": [1, 1],
        "data": PATCHES,
        "dual": found.certificate.dual,
        "filters": [[0.0, 0.0]],
        "function": count,
        "inequalities": [[1.0, 1.0]],
        "k": 2,
        "m": 3,
        "model": model,
        "n": 4,
        "name": "squared",
        "network": found.network,
        "normals": X,
        "outputs": [[0.0, 0.0]],
        "patches": PATCHES,
        "patterns": enumerate_patterns(X),
        "program": program,
        "programs": program,
        "r": 2,
        "row": [1, 2],
        "rows": [0, 1],
        "size": 2,
        "state": np.zeros(1, dtype=np.int64),
        "v": Y,
        "weights": [[1.0, 0.0]],
    }


@cache
def right_cnn(name):
    """Those of the functions for convolutional networks, which take other kinds."""
    if "circular" in name:
        return {
            "network": convex_solver.CircularCNN([[0.0, 0.0]], [[0.0, 0.0]]),
            "program": convex_solver.CircularCNNProgram(X, Y, 0.1),
        }
    if "cnn" not in name:
        return {}
    program = convex_solver.LinearCNNProgram(PATCHES, Y, 0.1)
    if "minimum_norm" in name:
        program = convex_solver.MinimumNormLinearCNN(PATCHES, Y)
    network = convex_solver.LinearCNN([[0.0]], [[0.0, 0.0]])
    return {"network": network, "program": program}


def public():
    for package in (arrangement, convex_solver):
        for name in package.__all__:
            made = getattr(package, name)
            is_error = inspect.isclass(made) and issubclass(made, BaseException)
            if not callable(made) or is_error or name in RECORDS:
                continue
            needed = [
                p.name
                for p in inspect.signature(made).parameters.values()
                if p.default is p.empty and p.kind is not p.VAR_KEYWORD
            ]
            if "path" not in needed:
                yield pytest.param(made, needed, id=f"{package.__name__}.{name}")


def call(made, needed, name, value):
    """Call with one wrong argument, and take the first of what comes of it."""
    known = right() | right_cnn(made.__name__.lower())
    arguments = {key: known[key] for key in needed} | {name: value}
    parameters = inspect.signature(made).parameters
    plain, named = [], {}
    for key, given in arguments.items():
        kind = parameters[key].kind
        if kind in (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD):
            named[key] = given
        elif key in needed:
            plain.append(given)
        else:
            named[key] = given
    result = made(*plain, **named)
    if isinstance(result, Iterator):
        next(result, None)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("made", "needed"), [*public()])
def test_wrong_kinds_get_an_error_of_the_packages(made, needed, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    wrong = []
    for parameter in inspect.signature(made).parameters.values():
        if parameter.name in LEFT or parameter.kind is parameter.VAR_KEYWORD:
            continue
        for value in WRONG:
            try:
                call(made, needed, parameter.name, value)
            except ArrangementError:
                continue
            except Exception as error:
                text = f"{type(error).__name__}: {error}"
                wrong.append((parameter.name, repr(value)[:20], text[:100]))
    assert wrong == []
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("folder", [5, [None], object()])
def test_a_folder_that_is_none(folder):
    for load in (
        convex_solver.load_airplanes_automobiles,
        lambda folder: convex_solver.load_table("kin8nm", folder),
    ):
        with pytest.raises(InputTypeError, match="expected str or PathLike"):
            load(folder)
