"""Linear CNNs: bad input is named, degenerate data are solved."""

from __future__ import annotations

import math

import numpy as np
import pytest

from arrangement.errors import InputError, InputTypeError
from convex_solver.certificates.linear_cnn import certify_linear_cnn
from convex_solver.certificates.status import SolutionStatus
from convex_solver.errors import ModelFileError
from convex_solver.linear_cnn.linear import LinearCNNProgram, solve_linear_cnn
from convex_solver.networks.linear import LinearCNN

from instances import linear_instance

P = np.arange(12.0).reshape(3, 2, 2)
Y = np.array([1.0, 2.0, 0.5])

BAD = {
    "no patches": (np.zeros((3, 0, 2)), Y, r"\(3, 0, 2\).*set of patches is empty"),
    "no samples": (np.zeros((0, 2, 2)), Y[:0], r"set of patches is empty"),
    "no entries": (np.zeros((3, 2, 0)), Y, r"set of patches is empty"),
    "two dimensions": (P[:, 0], Y, r"\(3, 2\); expected \(n, K, d\).*X\[:, None, :\]"),
    "NaN": (np.where(P == 3, math.nan, P), Y, r"patches holds NaN or infinity"),
    "infinite target": (P, [1.0, math.inf, 2.0], r"y holds NaN or infinity"),
    "lengths": (P, Y[:2], r"y has shape \(2,\); expected \(3,\) or \(n, C\)"),
    "no outputs": (P, np.zeros((3, 0)), r"y has shape \(3, 0\)"),
    "three-dimensional y": (P, np.zeros((3, 1, 1)), r"y has shape \(3, 1, 1\)"),
    "constant": (P, [2.5, 2.5, 2.5], r"y is constant \(2.5 in every one of 3 rows\)"),
    "constant column": (P, [[1, 7], [2, 7], [3, 7]], r"constant in column 1 \(7 in"),
    "one sample": (P[:1], [1.0], r"y is constant \(1 in every one of 1 rows\)"),
    "ragged": ([[[1.0], [2.0, 3.0]]], Y, r"patches is ragged"),
    "long integers": (P, [1, 2, 2**60 + 1], r"y holds integers of 2\*\*53 or more"),
}
BAD |= {
    "huge patches": (1e150 * P, Y, r"magnitude in patches is 1.1e\+151; .*Scale it"),
    "tiny targets": (P, 1e-160 * Y, r"magnitude in y is 2e-160; expected 1e-150 to"),
}
BAD_TYPES = {
    "complex y": (P, Y + 0j, r"y is complex \(complex128\).*y\.real"),
    "complex patches": (P + 1j, Y, r"patches is complex"),
    "bool": (P, np.array([True, False, True]), r"y has dtype bool"),
    "text": (P, ["1", "2", "3"], r"y is '1'; expected a number"),
    "long double": (P, Y.astype(np.longdouble), r"float64 would round"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_values(name):
    patches, y, message = BAD[name]
    with pytest.raises(InputError, match=message):
        LinearCNNProgram(patches, y, 1.0)


@pytest.mark.parametrize("name", BAD_TYPES)
def test_bad_types(name):
    patches, y, message = BAD_TYPES[name]
    with pytest.raises(InputTypeError, match=message):
        LinearCNNProgram(patches, y, 1.0)


@pytest.mark.parametrize("beta", [0.0, -1.0, math.nan, math.inf])
def test_beta_must_be_positive(beta):
    with pytest.raises(InputError, match=r"beta=.*above 0"):
        LinearCNNProgram(P, Y, beta)


def test_beta_must_be_a_number():
    with pytest.raises(InputTypeError, match="beta='1'"):
        LinearCNNProgram(P, Y, "1")


@pytest.mark.parametrize("loss", ["logistic", "hinge", "absolute"])
def test_other_losses_are_an_unsupported_combination(loss):
    message = rf"loss='{loss}'.*unsupported combination; supported are linear CNNs"
    with pytest.raises(InputError, match=message):
        LinearCNNProgram(P, Y, 1.0, loss=loss)


@pytest.mark.parametrize("tol", [-1e-9, math.nan, math.inf])
def test_tolerances(tol):
    with pytest.raises(InputError, match="tol="):
        solve_linear_cnn(LinearCNNProgram(P, Y, 1.0), tol=tol)


def test_the_program_keeps_its_own_read_only_copy():
    patches = P.copy()
    program = LinearCNNProgram(patches, Y, 1.0)
    patches[...] = 0.0
    assert np.array_equal(program.patches, P)
    with pytest.raises(ValueError, match="read-only"):
        program.patches[0] = 1.0


def test_shapes_of_networks():
    with pytest.raises(InputError, match=r"\(2, 3\) and outputs \(1, 2\)"):
        LinearCNN(np.zeros((2, 3)), np.zeros((1, 2)))
    net = LinearCNN(np.ones((1, 2)), np.ones((1, 2)))
    with pytest.raises(InputError, match=r"patches has shape \(3, 1, 2\); expected"):
        net.predict(P[:, :1])
    with pytest.raises(InputError, match=r"y has shape \(3, 1\); expected \(3,\)"):
        net.objective(P, Y[:, None], 1.0)
    with pytest.raises(InputError, match=r"Z has shape \(2,\); expected \(2, 2\)"):
        LinearCNNProgram(P, Y, 1.0).objective(np.zeros(2))
    with pytest.raises(InputError, match=r"the network has filters \(1, 2\)"):
        certify_linear_cnn(net, P[:, :1], Y, 1.0)
    with pytest.raises(InputError, match=r"dual has shape \(2,\); expected \(3,\)"):
        certify_linear_cnn(net, P, Y, 1.0, dual=[0.0, 0.0])


@pytest.mark.parametrize(
    "content",
    [{}, {"kind": "circular-cnn"}, {"kind": "linear-cnn", "filters": [[1]]}],
)
def test_other_files_are_no_linear_cnn(content):
    with pytest.raises(ModelFileError, match=r"^the network(:| lacks)"):
        LinearCNN.from_dict(content)


def degenerate():
    patches, y = linear_instance(0, 16, 3, 4)
    rng = np.random.default_rng(1)
    yield "all patches zero", np.zeros_like(patches), y
    yield "one patch zero", patches * [[[1.0], [0.0], [1.0]]], y
    yield "equal patches", np.repeat(patches[:, :1], 3, axis=1), y
    yield "repeated samples", np.concatenate([patches, patches]), np.append(y, y)
    yield "opposed samples", np.concatenate([patches, patches]), np.append(y, -y)
    yield "rank one", patches[:, :, :1] * np.ones(4), y
    yield "ill-conditioned", patches * np.geomspace(1.0, 1e-6, 4), y
    yield "tiny", 1e-140 * patches, 1e-100 * y
    yield "huge", 1e140 * patches, 1e100 * y
    yield "one entry", patches[:, :1, :1], y
    yield "two samples", patches[:2], y[:2]
    yield "equal singular values", *_orthogonal(rng)
    yield "integers", np.round(3 * patches).astype(int), np.round(3 * y).astype(int)
    yield "float32", patches.astype(np.float32), y.astype(np.float32)


def _orthogonal(rng):
    """Denoising of an orthogonal matrix: every singular value is 1."""
    matrix, _ = np.linalg.qr(rng.normal(size=(4, 4)))
    patches = np.zeros((16, 4, 4))
    for k, a in np.ndindex(4, 4):
        patches[4 * k + a, k, a] = 1.0
    return patches, matrix.T.ravel()


CASES = {name: case for name, *case in degenerate()}


@pytest.mark.parametrize("share", [1.0, 0.3, 1e-3])
@pytest.mark.parametrize("name", CASES)
def test_degenerate_data_are_certified(name, share):
    patches, y = CASES[name]
    most = LinearCNNProgram(patches, y, 1.0).beta_max()
    if name in ("all patches zero", "opposed samples"):  # then it is zero, or rounding
        most = 1.0
    beta = share * most
    solution = solve_linear_cnn(LinearCNNProgram(patches, y, beta))
    assert solution.status is SolutionStatus.OPTIMAL
    assert solution.gap <= 1e-9


@pytest.mark.parametrize("beta", [5e-324, 1e-300, 1e-30, 1e300])
def test_any_beta_gives_valid_bounds(beta):
    """Below about 1e-12 of beta max, float64 has no digits left for the gap."""
    patches, y = linear_instance(2, 16, 3, 4)
    solution = solve_linear_cnn(LinearCNNProgram(patches, y, beta))
    assert 0.0 <= solution.lower_bound <= solution.objective * (1.0 + 1e-14)
    if beta == 1e300:
        assert solution.status is SolutionStatus.OPTIMAL
        assert solution.network.n_neurons == 0


def test_a_tolerance_of_zero_is_not_met_and_says_so():
    patches, y = linear_instance(2, 16, 3, 4)
    solution = solve_linear_cnn(LinearCNNProgram(patches, y, 0.5), tol=0.0)
    assert 0.0 < solution.gap < 1e-10
    assert solution.status is SolutionStatus.INACCURATE


def test_overflow_gives_a_valid_and_useless_certificate():
    for sign in (0.0, -1.0):  # infinite, and infinity minus infinity
        net = LinearCNN(
            [[1e200, 0.0], [1e200, 1.0]], [[1e200, 0.0], [sign * 1e200, 0.0]]
        )
        found = certify_linear_cnn(net, P, Y, 1.0)
        _is_useless(found)


def _is_useless(found):
    assert found.upper_bound == math.inf
    assert found.gap == math.inf
    assert 0.0 <= found.lower_bound <= 0.5 * np.sum(Y**2)
