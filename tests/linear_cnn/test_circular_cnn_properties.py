"""Circular CNNs: certified gaps, real recovery, and local searches on the network."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convex_solver.certificates.status import SolutionStatus
from convex_solver.linear_cnn.circular import CircularCNNProgram, solve_circular_cnn
from convex_solver.linear_cnn.linear import LinearCNNProgram, solve_linear_cnn
from convex_solver.networks.linear import CircularCNN

from instances import circular_instance
from reference.cnn_programs import shifts
from reference.cnn_training import circular_search


def solved(seed, n, d, share):
    X, y = circular_instance(seed, n, d)
    beta = share * CircularCNNProgram(X, y, 1.0).beta_max()
    program = CircularCNNProgram(X, y, beta)
    return program, solve_circular_cnn(program)


def slow_objective(network, X, y, beta):
    """Objective by loops over the definition."""
    d = X.shape[1]
    prediction = np.zeros(len(X))
    for u, w in zip(network.filters, network.outputs, strict=True):
        for i in range(d):
            for k in range(d):
                prediction += X[:, i] * u[(i - k) % d] * w[k]
    squares = np.sum(network.filters**2) + np.sum(network.outputs**2)
    return 0.5 * np.sum((prediction - y) ** 2) + 0.5 * beta * squares


@pytest.mark.parametrize("share", [0.3, 0.03, 1e-4])
@pytest.mark.parametrize("size", [(10, 6), (60, 25), (400, 90)], ids=str)
def test_three_sizes_are_certified(size, share):
    program, solution = solved(1, *size, share)
    assert solution.status is SolutionStatus.OPTIMAL
    assert solution.gap <= 1e-9
    assert solution.network.n_neurons <= size[1] // 2 + 1
    if size[1] <= 25:
        value = slow_objective(solution.network, program.X, program.y, program.beta)
        assert value == pytest.approx(solution.objective, rel=1e-12)


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 10**6), st.integers(2, 12), st.integers(1, 12), st.floats(-5, 0.5)
)
def test_random_shapes_are_certified(seed, n, d, log_share):
    program, solution = solved(seed, n, d, 10.0**log_share)
    # the rounding of A^T v, taken against beta, is what is left
    assert solution.gap <= 1e-7
    z = np.fft.fft(solution.network.kernel(), norm="ortho")
    assert program.objective(z) == pytest.approx(solution.objective, rel=1e-10)


@pytest.mark.parametrize("d", [4, 7])
def test_it_is_the_linear_cnn_on_all_shifts(d):
    program, solution = solved(2, 15, d, 0.1)
    # w_k multiplies the signal shifted by k
    linear = LinearCNNProgram(shifts(program.X), program.y, program.beta)
    other = solve_linear_cnn(linear)
    assert other.objective == pytest.approx(solution.objective, rel=1e-11)
    net = solution.network
    again = slow_objective(net, program.X, program.y, program.beta)
    Z = net.filters.T @ net.outputs
    assert linear.objective(Z) == pytest.approx(again, rel=1e-11)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.integers(1, 3), st.integers(1, 9))
def test_the_decay_of_a_network_is_at_least_the_moduli(seed, m, d):
    """The constant: ``|z|_1 / sqrt(d)`` bounds the decay, and recovery attains it."""
    rng = np.random.default_rng(seed)
    net = CircularCNN(rng.normal(size=(m, d)), rng.normal(size=(m, d)))
    z = np.fft.fft(net.kernel(), norm="ortho")
    bound = np.abs(z).sum() / np.sqrt(d)
    assert net.decay() >= bound * (1.0 - 1e-12)
    program = CircularCNNProgram(rng.normal(size=(3, d)), rng.normal(size=3), 1.0)
    back = program.network(z)
    assert back.decay() == pytest.approx(bound, rel=1e-10)
    assert np.allclose(back.kernel(), net.kernel(), atol=1e-10)
    assert back.n_neurons <= d // 2 + 1
    # one pair of frequencies each, and balanced
    spectra = np.abs(np.fft.fft(back.filters, axis=1)) > 1e-9 * np.abs(z).max() ** 0.5
    assert np.all(spectra.sum(axis=1) <= 2)
    norms = [np.linalg.norm(w, axis=1) for w in (back.filters, back.outputs)]
    assert np.allclose(*norms, rtol=1e-10)


def test_frequencies_that_are_not_used_have_no_neuron():
    """Rounding in the transform of the kernel must not bring them back."""
    _, solution = solved(4, 100, 30, 0.5)
    assert solution.network.n_neurons == 1
    _, solution = solved(4, 100, 30, 0.05)
    assert 1 < solution.network.n_neurons < 16


@pytest.mark.slow
def test_no_local_search_beats_the_optimum():
    close = 0
    for seed in range(20):
        share = [0.3, 0.1, 0.03][seed % 3]
        program, solution = solved(seed, 8 + seed, 3 + seed % 5, share)
        assert solution.gap <= 1e-10
        best, (u, w) = circular_search(
            program.X, program.y, program.beta, 50, seed, steps=500
        )
        assert best.min() >= solution.lower_bound * (1.0 - 1e-13)
        close += best.min() <= 1.01 * solution.objective
        at = int(np.argmin(best))
        value = CircularCNN(u[at], w[at]).objective(program.X, program.y, program.beta)
        assert value == pytest.approx(best[at], rel=1e-10)
    assert close >= 18


def test_saved_networks_are_read_back_unchanged(tmp_path):
    for share in (0.1, 2.0):
        _, solution = solved(3, 10, 5, share)
        path = tmp_path / f"{share}.json"
        solution.network.save(path)
        again = CircularCNN.load(path)
        assert np.array_equal(again.filters, solution.network.filters)
        assert np.array_equal(again.outputs, solution.network.outputs)
        assert again.filters.shape[1] == 5
