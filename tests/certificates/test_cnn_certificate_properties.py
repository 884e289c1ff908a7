"""Certificates of the CNN programs: every bound against exact arithmetic."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convex_solver.certificates.linear_cnn import (
    certify_circular_cnn,
    certify_linear_cnn,
)
from convex_solver.certificates.status import SolutionStatus
from convex_solver.linear_cnn.circular import CircularCNNProgram, solve_circular_cnn
from convex_solver.linear_cnn.linear import LinearCNNProgram, solve_linear_cnn
from convex_solver.networks.linear import CircularCNN, LinearCNN

from instances import circular_instance, linear_instance
from reference.cnn_exact import (
    exact,
    exact_circular,
    exact_linear,
    is_above_spectral_norm,
)
from reference.exact_algebra import inner

SEEDS = st.integers(0, 10**6)


@settings(deadline=None, max_examples=40)
@given(SEEDS, st.sampled_from([(), (2,)]), st.sampled_from([0, 150, -150]))
def test_the_upper_bound_of_a_linear_cnn_is_above_its_exact_objective(
    seed, outputs, shift
):
    rng = np.random.default_rng(seed)
    patches = np.ldexp(rng.normal(size=(4, 2, 3)), shift)
    y = rng.normal(size=(4, *outputs))
    net = LinearCNN(rng.normal(size=(2, 3)), rng.normal(size=(2, 2, *outputs)))
    found = certify_linear_cnn(net, patches, y, 0.3)
    value = exact_linear(net, patches, y.reshape(4, -1), 0.3)
    assert value <= Fraction(found.upper_bound) <= value * (1 + Fraction(1, 10**12))


@settings(deadline=None, max_examples=40)
@given(SEEDS, st.integers(1, 5))
def test_the_upper_bound_of_a_circular_cnn_is_above_its_exact_objective(seed, d):
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(4, d)), rng.normal(size=4)
    net = CircularCNN(rng.normal(size=(2, d)), rng.normal(size=(2, d)))
    found = certify_circular_cnn(net, X, y, 0.3)
    value = exact_circular(net, X, y, 0.3)
    assert value <= Fraction(found.upper_bound) <= value * (1 + Fraction(1, 10**12))


@settings(deadline=None, max_examples=40)
@given(SEEDS, st.sampled_from([None, 2]), st.floats(-3, 3))
def test_any_dual_candidate_is_made_feasible(seed, C, log_size):
    """Feasible exactly, whatever v came in; and its value is no more than it says."""
    patches, y = linear_instance(seed, 4, 2, 3, C)
    v = np.random.default_rng(seed).normal(size=y.shape) * 10.0**log_size
    net = LinearCNN(np.zeros((0, 3)), np.zeros((0, 2, *y.shape[1:])))
    for candidate in (v, -y, None):
        found = certify_linear_cnn(net, patches, y, 0.7, dual=candidate)
        V = exact(found.dual.reshape(4, -1))
        stacked = [
            [
                sum(Fraction(patches[i, k, a]) * V[i][c] for i in range(4))
                for k in range(2)
                for c in range(len(V[0]))
            ]
            for a in range(3)
        ]
        assert is_above_spectral_norm(stacked, 0.7)
        assert found.dual_norm <= 0.7
        flat = [x for row in V for x in row]
        value = -inner(flat, flat) / 2 - inner(flat, exact([y.ravel()])[0])
        assert Fraction(found.lower_bound) <= max(value, 0)
        assert (
            found.lower_bound
            <= solve_linear_cnn(
                LinearCNNProgram(patches, y, 0.7)
            ).certificate.upper_bound
        )


@settings(deadline=None, max_examples=40)
@given(SEEDS, st.integers(2, 6))
def test_circular_dual_points_keep_every_neuron_below_beta(seed, d):
    X, y = circular_instance(seed, 5, d)
    net = CircularCNN(np.zeros((0, d)), np.zeros((0, d)))
    found = certify_circular_cnn(net, X, y, 0.7)
    moduli = np.abs(np.fft.fft(found.dual @ X, norm="ortho")) * np.sqrt(d)
    # the bound is that of the DFT, reached from the circulant matrix
    assert moduli.max() <= 0.7 * (1.0 + 1e-13)
    assert found.dual_norm == pytest.approx(moduli.max(), rel=1e-12)
    rng = np.random.default_rng(seed)
    for u in rng.normal(size=(20, d)):
        unit = CircularCNN([u / np.linalg.norm(u)], [np.zeros(d)])
        gains = [
            found.dual @ CircularCNN(unit.filters, [e]).predict(X) for e in np.eye(d)
        ]
        assert np.linalg.norm(gains) <= 0.7 * (1.0 + 1e-12)


def test_a_worse_network_keeps_the_lower_bound_and_loses_the_status():
    patches, y = linear_instance(0, 20, 3, 4)
    solution = solve_linear_cnn(LinearCNNProgram(patches, y, 1.0))
    net = solution.network
    worse = LinearCNN(1.001 * net.filters, net.outputs)
    found = certify_linear_cnn(worse, patches, y, 1.0, dual=solution.certificate.dual)
    assert found.status(1e-8) is SolutionStatus.INACCURATE
    assert found.lower_bound == pytest.approx(solution.lower_bound, rel=1e-13)
    assert found.upper_bound > solution.objective
    assert found.digest(worse) != solution.certificate.digest(net)
    # without a dual point the residual serves
    alone = certify_linear_cnn(net, patches, y, 1.0)
    assert alone.gap <= 1e-10


def test_the_digest_of_the_data_is_theirs_alone():
    X, y = circular_instance(0, 8, 4)
    first = solve_circular_cnn(CircularCNNProgram(X, y, 0.5)).certificate
    again = solve_circular_cnn(CircularCNNProgram(X.tolist(), y, 0.5)).certificate
    assert first.data_digest == again.data_digest
    X[0, 0] = np.nextafter(X[0, 0], 9.0)
    other = solve_circular_cnn(CircularCNNProgram(X, y, 0.5)).certificate
    assert first.data_digest != other.data_digest


BIG = [1e16, 1.0, -1e16]


def test_what_cancels_is_in_the_bounds():
    """Sums that are 1 and that float64 may call 0: no bound may rely on the float."""
    y = [0.0, 5.0]
    cases = [
        # in a hidden unit, in the sum over the patches
        (LinearCNN([[1.0] * 3], [[1.0]]), [[BIG], [[0.0, 0.0, 5.0]]]),
        (LinearCNN([[1.0]], [BIG]), [[[1.0]] * 3, [[0.0], [5.0], [0.0]]]),
    ]
    for net, patches in cases:
        found = certify_linear_cnn(net, patches, y, 1e-60)
        value = exact_linear(net, np.array(patches), np.array(y)[:, None], 1e-60)
        assert value <= Fraction(found.upper_bound)
    # so many terms that the errors of the hidden units do not cover theirs
    many = np.full(4000, 60.0)
    many[0], many[-1] = 1e18, -1e18
    samples = np.zeros((2, 4000, 1))
    samples[0] = 1.0
    net = LinearCNN([[1.0]], [many])
    found = certify_linear_cnn(net, samples, y, 1e-60)
    value = exact_linear(net, samples, np.array(y)[:, None], 1e-60)
    assert value <= Fraction(found.upper_bound)
    # in the data, in each entry of the kernel
    circular = [
        (CircularCNN([[1.0, 0.0, 0.0]], [[1.0] * 3]), [BIG, [0.0, 5.0, 0.0]]),
        *((CircularCNN([BIG], [[1.0] * 3]), [e, 0.0 * e]) for e in np.eye(3)),
    ]
    for net, X in circular:
        found = certify_circular_cnn(net, X, y, 1e-60)
        value = exact_circular(net, np.array(X), np.array(y), 1e-60)
        assert value <= Fraction(found.upper_bound)


def test_dual_points_that_cancel_are_not_feasible_for_free():
    """``X^T v`` is 1 and may be computed as 0; beta is below 1."""
    v, y = [1.0, 1.0, 1.0], [-1.0, -2.0, -3.0]
    X = np.array(BIG)[:, None]
    linear = certify_linear_cnn(LinearCNN([[0.0]], [[0.0]]), X[:, None], y, 0.5, dual=v)
    circular = certify_circular_cnn(CircularCNN([[0.0]], [[0.0]]), X, y, 0.5, dual=v)
    for found in (linear, circular):
        reached = inner(exact([found.dual])[0], exact([BIG])[0])
        assert abs(reached) <= Fraction(1, 2)
