"""Linear CNNs: certified gaps, networks that keep the objective, and local searches."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convex_solver.certificates.status import SolutionStatus
from convex_solver.linear_cnn.linear import LinearCNNProgram, solve_linear_cnn
from convex_solver.networks.linear import LinearCNN

from instances import linear_instance
from reference.cnn_training import linear_search

SIZES = [(20, 3, 4), (80, 6, 9), (300, 12, 16)]


def solved(seed, shape, C, share):
    patches, y = linear_instance(seed, *shape, C)
    beta = share * LinearCNNProgram(patches, y, 1.0).beta_max()
    program = LinearCNNProgram(patches, y, beta)
    return program, solve_linear_cnn(program)


@pytest.mark.parametrize("share", [0.3, 0.03, 1e-4])
@pytest.mark.parametrize("C", [None, 2])
@pytest.mark.parametrize("shape", SIZES, ids=str)
def test_three_sizes_are_certified(shape, C, share):
    program, solution = solved(5, shape, C, share)
    assert solution.status is SolutionStatus.OPTIMAL
    assert solution.gap <= 1e-9
    # the network's own forward pass, and its weights
    net = solution.network
    prediction = np.einsum(
        "nkd,md,mkc->nc",
        program.patches,
        net.filters,
        net.outputs.reshape(net.n_neurons, shape[1], -1),
        optimize=True,
    ).reshape(program.y.shape)
    squares = np.sum(net.filters**2) + np.sum(net.outputs**2)
    value = 0.5 * np.sum((prediction - program.y) ** 2) + 0.5 * program.beta * squares
    assert value == pytest.approx(solution.objective, rel=1e-12)
    Z = net.filters.T @ net.outputs.reshape(net.n_neurons, -1)
    assert program.objective(Z) == pytest.approx(solution.objective, rel=1e-10)
    assert solution.lower_bound <= value * (1.0 + 1e-14)


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 10**6),
    st.integers(2, 12),
    st.integers(1, 4),
    st.integers(1, 5),
    st.sampled_from([None, 1, 2]),
    st.floats(-5, 0.5),
)
def test_random_shapes_are_certified(seed, n, K, d, C, log_share):
    _, solution = solved(seed, (n, K, d), C, 10.0**log_share)
    assert solution.gap <= 1e-7


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.sampled_from([(), (2,)]))
def test_network_to_program_to_network_never_costs_more(seed, outputs):
    """Any network's Z is worth at most its decay, and recovery attains it."""
    rng = np.random.default_rng(seed)
    net = LinearCNN(rng.normal(size=(3, 4)), rng.normal(size=(3, 2, *outputs)))
    patches = rng.normal(size=(6, 2, 4))
    program = LinearCNNProgram(patches, rng.normal(size=(6, *outputs)), 0.7)
    Z = net.filters.T @ net.outputs.reshape(3, -1)
    back = program.network(Z)
    value = back.objective(patches, program.y, 0.7)
    assert value == pytest.approx(program.objective(Z), rel=1e-10)
    assert value <= net.objective(patches, program.y, 0.7) * (1.0 + 1e-12)
    assert np.allclose(back.predict(patches), net.predict(patches), atol=1e-10)


def test_scaling_the_data_scales_the_solution():
    patches, y = linear_instance(6, 20, 3, 4)
    base = solve_linear_cnn(LinearCNNProgram(patches, y, 1.5))
    scaled = solve_linear_cnn(LinearCNNProgram(8.0 * patches, 4.0 * y, 1.5 * 32.0))
    assert scaled.objective == pytest.approx(16.0 * base.objective, rel=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("C", [None, 2])
def test_no_local_search_beats_the_optimum(C):
    close = 0
    for seed in range(20):
        shape = (8 + seed, 2 + seed % 3, 3 + seed % 2)
        share = [0.3, 0.1, 0.03][seed % 3]
        program, solution = solved(seed, shape, C, share)
        assert solution.gap <= 1e-10
        best, _ = linear_search(
            program.patches, program.y, program.beta, 50, seed, steps=500
        )
        assert best.min() >= solution.lower_bound * (1.0 - 1e-13)
        close += best.min() <= 1.01 * solution.objective
    assert close >= 18


def test_fewer_neurons_than_the_rank_cannot_reach_it():
    """The search above is not blind: with too few neurons it stays above."""
    patches, y = linear_instance(7, 30, 4, 5, rank=4, noise=0.0)
    solution = solve_linear_cnn(LinearCNNProgram(patches, y, 0.05))
    assert solution.network.n_neurons == 4
    net = solution.network
    fewer = LinearCNN(net.filters[:2], net.outputs[:2])
    assert fewer.objective(patches, y, 0.05) > 1.01 * solution.objective


def test_saved_networks_are_read_back_unchanged(tmp_path):
    for outputs in ((), (2,)):
        program, solution = solved(8, (20, 3, 4), outputs[0] if outputs else None, 0.1)
        path = tmp_path / f"net{len(outputs)}.json"
        solution.network.save(path)
        again = LinearCNN.load(path)
        assert np.array_equal(again.filters, solution.network.filters)
        assert np.array_equal(again.outputs, solution.network.outputs)
        assert solution.certificate.digest(again) == solution.certificate.digest(
            solution.network
        )
        assert again.objective(program.patches, program.y, 1.0) > 0.0


def test_the_zero_network_survives_a_file(tmp_path):
    _, solution = solved(8, (20, 3, 4), 2, 2.0)
    solution.network.save(tmp_path / "zero.json")
    again = LinearCNN.load(tmp_path / "zero.json")
    assert again.outputs.shape == (0, 3, 2)
    assert again.filters.shape == (0, 4)
