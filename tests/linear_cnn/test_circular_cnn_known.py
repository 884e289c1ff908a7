"""Circular CNNs with closed forms, and what CVXPY finds for the complex program."""

from __future__ import annotations

import math

import numpy as np
import pytest

from convex_solver.certificates.status import SolutionStatus
from convex_solver.linear_cnn.circular import (
    CircularCNNProgram,
    reduce_circular_cnn,
    solve_circular_cnn,
)
from convex_solver.linear_cnn.fourier_norm import fourier_basis
from convex_solver.networks.linear import CircularCNN

from instances import circular_instance
from reference.cnn_programs import circular_optimum


@pytest.mark.parametrize("d", [1, 2, 3, 4, 7, 8])
def test_unit_signals_give_soft_thresholding_of_the_spectrum(d):
    """X = I: the kernel is y with each Fourier modulus lowered by beta / sqrt(d)."""
    y = np.random.default_rng(d).normal(size=max(d, 2))
    X = np.eye(d)[np.arange(max(d, 2)) % d]
    if d == 1:  # one number, seen twice
        y = np.array([1.0, 3.0])
    program = CircularCNNProgram(X, y, 1.0)
    beta = 0.4 * program.beta_max()
    solution = solve_circular_cnn(CircularCNNProgram(X, y, beta))
    level = beta / math.sqrt(d)
    if d == 1:
        # 1/2 (r - 1)^2 + 1/2 (r - 3)^2 + level |r|
        expected = np.array([2.0 - level / 2.0])
    else:
        z = np.fft.fft(y, norm="ortho")
        shrunk = np.maximum(0.0, 1.0 - level / np.abs(z)) * z
        expected = np.fft.ifft(shrunk, norm="ortho").real
        optimum = 0.5 * np.sum(np.abs(z - shrunk) ** 2) + level * np.abs(shrunk).sum()
        assert solution.objective == pytest.approx(optimum, rel=1e-12)
    assert np.allclose(solution.network.kernel(), expected, atol=1e-12)


def test_two_taps_by_hand():
    """d = 2: frequencies are sum and difference; see the doctest of the solver."""
    program = CircularCNNProgram([[1.0, 1.0], [1.0, -1.0]], [3.0, 1.0], beta=1.0)
    solution = solve_circular_cnn(program)
    # 1/2 (2 a - 3)^2 + |a| + 1/2 (2 b - 1)^2 + |b| with kernel (a + b, a - b)
    assert np.allclose(solution.network.kernel(), [1.25 + 0.25, 1.25 - 0.25])
    assert solution.objective == pytest.approx(1.75, rel=1e-14)


@pytest.mark.parametrize("d", [1, 2, 5, 6])
def test_the_basis_is_orthonormal_and_holds_one_frequency_a_column(d):
    basis = fourier_basis(d)
    assert np.allclose(basis.T @ basis, np.eye(d), atol=1e-14)
    spectrum = np.abs(np.fft.fft(basis, axis=0, norm="ortho"))
    for column in range(d):
        b = (column + 1) // 2
        expected = np.zeros(d)
        expected[[b, -b % d]] = 1.0 if b in (0, d / 2) else math.sqrt(0.5)
        assert np.allclose(spectrum[:, column], expected, atol=1e-14)


def test_circ_is_the_matrix_of_circular_convolution():
    u, w = [1.0, 2.0, 4.0], [1.0, 10.0, 100.0]
    matrix = np.array([[1, 4, 2], [2, 1, 4], [4, 2, 1]])
    net = CircularCNN([u], [w])
    assert np.array_equal(net.kernel(), matrix @ w)
    by_transform = np.fft.ifft(np.fft.fft(u) * np.fft.fft(w)).real
    assert np.allclose(net.kernel(), by_transform)


@pytest.mark.parametrize("factor", [1.0, 2.0])
def test_from_beta_max_on_the_zero_network_is_optimal(factor):
    X, y = circular_instance(1, 12, 6)
    beta = factor * CircularCNNProgram(X, y, 1.0).beta_max() * (1.0 + 1e-12)
    solution = solve_circular_cnn(CircularCNNProgram(X, y, beta))
    assert solution.network.n_neurons == 0
    assert solution.objective == pytest.approx(0.5 * np.sum(y**2), rel=1e-14)
    assert solution.status is SolutionStatus.OPTIMAL
    below = solve_circular_cnn(CircularCNNProgram(X, y, 0.999 / factor * beta))
    assert below.network.n_neurons >= 1


@pytest.mark.parametrize("share", [0.5, 0.05, 0.005])
@pytest.mark.parametrize("d", [5, 6])
def test_cvxpy_agrees(d, share):
    X, y = circular_instance(2, 12, d)
    beta = share * CircularCNNProgram(X, y, 1.0).beta_max()
    solution = solve_circular_cnn(CircularCNNProgram(X, y, beta))
    assert solution.objective == pytest.approx(circular_optimum(X, y, beta), rel=1e-7)
    assert solution.status is SolutionStatus.OPTIMAL


def test_a_complex_point_is_worth_no_more_than_its_symmetric_part():
    X, y = circular_instance(3, 9, 6)
    program = CircularCNNProgram(X, y, 0.8)
    rng = np.random.default_rng(0)
    for _ in range(20):
        z = rng.normal(size=6) + 1j * rng.normal(size=6)
        net = program.network(z)
        assert net.objective(X, y, 0.8) <= program.objective(z) * (1.0 + 1e-12)


def test_all_frequencies_fit_in_one_neuron():
    X, y = circular_instance(4, 20, 8)
    solution = solve_circular_cnn(CircularCNNProgram(X, y, 0.2))
    assert solution.network.n_neurons > 2
    one = reduce_circular_cnn(solution.network)
    assert one.n_neurons == 1
    assert one.objective(X, y, 0.2) == pytest.approx(solution.objective, rel=1e-12)
