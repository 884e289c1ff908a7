"""Circular CNNs: bad input is named, degenerate data are solved."""

from __future__ import annotations

import math

import numpy as np
import pytest

from arrangement.errors import InputError, InputTypeError
from convex_solver.certificates.linear_cnn import certify_circular_cnn
from convex_solver.certificates.status import SolutionStatus
from convex_solver.errors import ModelFileError
from convex_solver.linear_cnn.circular import (
    CircularCNNProgram,
    reduce_circular_cnn,
    solve_circular_cnn,
)
from convex_solver.networks.linear import CircularCNN

from instances import circular_instance

X = np.arange(12.0).reshape(3, 4)
Y = np.array([1.0, 2.0, 0.5])

BAD = {
    "no signals": (np.zeros((0, 4)), Y[:0], r"\(0, 4\); expected at least \(1, 1\)"),
    "no length": (np.zeros((3, 0)), Y, r"X has shape \(3, 0\)"),
    "channels": (np.zeros((3, 4, 2)), Y, r"\(3, 4, 2\); expected \(n, d\), one chan"),
    "lengths": (X, Y[:2], r"y has shape \(2,\); expected \(3,\), one row"),
    "constant": (X, [0.0, 0.0, 0.0], r"y is constant \(0 in every one of 3 rows\)"),
    "vector output": (
        X,
        np.eye(3),
        r"circular CNN with vector output is an unsupported combination; supported",
    ),
    "NaN": (X * math.nan, Y, r"X holds NaN"),
    "huge": (1e150 * X, Y, r"magnitude in X is 1.1e\+151; expected 1e-150 to 1e\+150"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_values(name):
    signals, y, message = BAD[name]
    with pytest.raises(InputError, match=message):
        CircularCNNProgram(signals, y, 1.0)


def test_complex_targets_and_signals():
    with pytest.raises(InputTypeError, match=r"y is complex.*real numbers"):
        CircularCNNProgram(X, Y * 1j, 1.0)
    with pytest.raises(InputTypeError, match=r"X is complex"):
        CircularCNNProgram(X + 0j, Y, 1.0)


def test_unsupported_combinations():
    with pytest.raises(InputError, match=r"loss='hinge'.*unsupported combination"):
        CircularCNNProgram(X, Y, 1.0, loss="hinge")
    message = r"filter_size=3 for signals of length 4 is an unsupported combination"
    with pytest.raises(InputError, match=message):
        CircularCNNProgram(X, Y, 1.0, filter_size=3)
    assert CircularCNNProgram(X, Y, 1.0, filter_size=4).beta == 1.0


@pytest.mark.parametrize("beta", [0.0, math.nan])
def test_beta_and_tolerance(beta):
    with pytest.raises(InputError, match="beta="):
        CircularCNNProgram(X, Y, beta)
    with pytest.raises(InputError, match="tol="):
        solve_circular_cnn(CircularCNNProgram(X, Y, 1.0), tol=-1.0)


def test_shapes_of_networks():
    with pytest.raises(InputError, match=r"\(2, 3\) and outputs \(2, 2\)"):
        CircularCNN(np.zeros((2, 3)), np.zeros((2, 2)))
    net = CircularCNN(np.ones((1, 3)), np.ones((1, 3)))
    with pytest.raises(InputError, match=r"X has shape \(3, 4\); expected \(n, 3\)"):
        net.predict(X)
    with pytest.raises(InputError, match=r"the network has filters \(1, 3\)"):
        certify_circular_cnn(net, X, Y, 1.0)
    program = CircularCNNProgram(X, Y, 1.0)
    for function in (program.objective, program.network):
        with pytest.raises(InputError, match=r"z has shape \(3,\); expected \(4,\)"):
            function(np.zeros(3))


def test_neurons_that_share_a_frequency_are_not_merged():
    net = CircularCNN(np.eye(3)[:2], np.eye(3)[:2])
    with pytest.raises(InputError, match="two neurons share a frequency"):
        reduce_circular_cnn(net)


@pytest.mark.parametrize(
    "content", [{}, {"kind": "linear-cnn"}, {"kind": "circular-cnn", "shape": [1, 2]}]
)
def test_other_files_are_no_circular_cnn(content):
    with pytest.raises(ModelFileError, match=r"^the network(:| lacks)"):
        CircularCNN.from_dict(content)


def degenerate():
    signals, y = circular_instance(0, 16, 6)
    yield "zero", np.zeros_like(signals), y
    yield "constant signals", np.repeat(signals[:, :1], 6, axis=1), y
    yield "one frequency", signals[:, :1] * np.cos(np.pi * np.arange(6) / 3), y
    yield "repeated", np.concatenate([signals, signals]), np.append(y, y)
    yield "one entry", signals[:, :1], y
    yield "two entries", signals[:, :2], y
    yield "two signals", signals[:2], y[:2]
    yield "ill-conditioned", signals * np.geomspace(1.0, 1e-6, 6), y
    yield "tiny", 1e-140 * signals, 1e-100 * y
    yield "huge", 1e140 * signals, 1e100 * y
    yield "equal moduli", np.eye(6), np.eye(6)[0]
    yield "integers", np.round(3 * signals).astype(int), np.round(3 * y).astype(int)


CASES = {name: case for name, *case in degenerate()}


@pytest.mark.parametrize("share", [1.0, 0.3, 1e-3])
@pytest.mark.parametrize("name", CASES)
def test_degenerate_data_are_certified(name, share):
    signals, y = CASES[name]
    most = CircularCNNProgram(signals, y, 1.0).beta_max() or 1.0
    program = CircularCNNProgram(signals, y, share * most)
    solution = solve_circular_cnn(program)
    assert solution.status is SolutionStatus.OPTIMAL
    assert solution.gap <= 1e-9
