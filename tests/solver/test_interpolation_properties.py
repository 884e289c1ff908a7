"""Minimum-norm interpolation: CVXPY, laws of a norm, limits, and local searches."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convex_solver import ConvexProgram, solve
from convex_solver.certificates.obstruction import find_obstruction
from convex_solver.solver.interpolation import interpolate

from instances import gaussian_with_ones
from reference.interpolation import local_searches, optimum

whole = st.integers(-3, 3)


def gaussian(n, r, seed=0):
    rng = np.random.default_rng(seed)
    X = gaussian_with_ones(rng, n, r)
    return X, rng.standard_normal(n)


def check(found, X, y, tol=1e-6):
    """What holds for every interpolation that is certified."""
    X, y = np.asarray(X, dtype=float), np.asarray(y, dtype=float)
    network, certificate = found.network, found.certificate
    assert found.status.value == "optimal"
    assert 0 <= found.gap <= tol
    assert found.lower_bound == certificate.lower_bound <= certificate.upper_bound
    size = max(np.abs(y).max(), 1e-300)
    assert np.abs(network.predict(X) - y).max() <= certificate.residual
    assert certificate.residual <= 1e-7 * size
    assert network.n_neurons <= len(y)
    # the network's own objective, from its weights
    norms = np.linalg.norm(network.weights, axis=1)
    np.testing.assert_allclose(norms, np.abs(network.alphas), rtol=1e-12)
    norm = float(np.sum(norms * np.abs(network.alphas)))
    assert found.norm == pytest.approx(norm, rel=1e-12)
    assert norm * (1 - 1e-12) <= certificate.upper_bound
    assert norm - found.lower_bound <= tol * norm
    # the dual point: feasible on many directions, with the value of the bound
    design = np.column_stack([X, np.ones(len(y))]) if network.intercept else X
    u = np.random.default_rng(0).standard_normal((design.shape[1], 3000))
    u = np.hstack([u, network.weights.T, -design.T])
    u = u[:, np.linalg.norm(u, axis=0) > 0]
    hidden = np.maximum(design @ (u / np.linalg.norm(u, axis=0)), 0)
    rounding = 1e-13 * (np.abs(found.dual) @ np.linalg.norm(design, axis=1))
    assert np.abs(found.dual @ hidden).max(initial=0) <= 1 + 1e-12 + rounding
    assert found.dual @ y == pytest.approx(found.lower_bound, rel=1e-9)


@pytest.mark.parametrize(
    ("n", "r"), [(6, 3), (20, 3), (40, 3), (16, 4), (10, 2), (30, 2)]
)
def test_random_instances_are_certified(n, r):
    for seed in (0, 1):
        X, y = gaussian(n, r, seed)
        check(interpolate(X, y, tol=1e-8), X, y, 1e-8)


@pytest.mark.slow
def test_eighty_rows_in_the_plane_with_an_intercept():
    X, y = gaussian(80, 3)
    check(interpolate(X[:, :2], y, intercept=True), X[:, :2], y)


@pytest.mark.parametrize(("n", "r"), [(3, 2), (5, 3), (7, 3), (8, 2), (5, 4)])
def test_cvxpy_agrees(n, r):
    X, y = gaussian(n, r, seed=n)
    found = interpolate(X, y, tol=1e-8)
    value, dual = optimum(X, y)
    assert found.norm == pytest.approx(value, rel=1e-6)
    np.testing.assert_allclose(np.abs(dual @ y), found.lower_bound, rtol=1e-6)


@settings(deadline=None, max_examples=15)
@given(st.lists(st.tuples(whole, whole, whole), min_size=1, max_size=6))
def test_cvxpy_agrees_on_degenerate_rows(triples):
    X = np.array([t[:2] for t in triples])
    y = np.array([t[2] for t in triples])
    if find_obstruction(X, y) is not None or not np.any(y):
        return
    found = interpolate(X, y)
    check(found, X, y)
    assert found.norm == pytest.approx(optimum(X, y)[0], rel=1e-5)


@pytest.mark.slow
@settings(deadline=None, max_examples=10)
@given(st.integers(0, 10**6), st.sampled_from([-1e6, -2.5, 1e-6, 3.0, 1e6]))
def test_the_norm_is_homogeneous(seed, factor):
    X, y = gaussian(6, 3, seed)
    norm = interpolate(X, y).norm
    found = interpolate(X, factor * y)
    check(found, X, factor * y)
    assert found.norm == pytest.approx(abs(factor) * norm, rel=1e-5)
    found = interpolate(factor * X if factor > 0 else -factor * X, y)
    assert found.norm == pytest.approx(norm / abs(factor), rel=1e-5)


@pytest.mark.slow
@settings(deadline=None, max_examples=10)
@given(st.integers(0, 10**6))
def test_the_norm_is_one(seed):
    X, first = gaussian(6, 3, seed)
    second = np.random.default_rng(seed + 1).standard_normal(6)
    norms = [interpolate(X, y) for y in (first, second, first + second)]
    assert norms[2].norm <= (norms[0].norm + norms[1].norm) * (1 + 2e-6)
    assert norms[0].norm >= norms[0].lower_bound > 0


@pytest.mark.slow
@settings(deadline=None, max_examples=10)
@given(st.integers(0, 10**6), st.data())
def test_rows_scaled_with_their_targets_and_permuted(seed, data):
    X, y = gaussian(6, 3, seed)
    order = data.draw(st.permutations(range(6)))
    turn = np.linalg.qr(np.random.default_rng(seed).standard_normal((3, 3)))[0]
    scales = np.array([data.draw(st.sampled_from((0.5, 1.0, 3.0))) for _ in y])
    norm = interpolate(X, y).norm
    rows = scales[:, None] * X
    assert interpolate(rows, scales * y).norm == pytest.approx(norm, rel=1e-5)
    assert interpolate(X[order], y[order]).norm == pytest.approx(norm, rel=1e-5)
    assert interpolate(X @ turn, y).norm == pytest.approx(norm, rel=1e-5)


@pytest.mark.slow
@settings(deadline=None, max_examples=10)
@given(st.integers(0, 10**6))
def test_fewer_rows_cost_no_more(seed):
    X, y = gaussian(7, 3, seed)
    fewer, all_rows = interpolate(X[:5], y[:5]), interpolate(X, y)
    assert fewer.norm <= all_rows.norm * (1 + 2e-6)


@pytest.mark.parametrize("n", [6, 12])
def test_it_is_the_limit_of_the_penalised_program(n):
    X, y = gaussian(n, 3)
    found = interpolate(X, y)
    below = []
    for beta in (1e-2, 1e-4, 1e-6):
        value = solve(ConvexProgram(X, y, beta), tol=1e-9).objective / beta
        assert value <= found.norm * (1 + 1e-8)
        below.append(value)
    assert below == sorted(below)
    # objective = beta norm - beta^2 |v|^2 / 2 or more: Theorem 6 at beta v
    v = found.dual
    assert below[-1] >= found.lower_bound - 0.5e-6 * float(v @ v) - 1e-6 * found.norm
    assert below[-1] == pytest.approx(found.norm, rel=1e-2)


def test_dependent_columns_change_nothing():
    X, y = gaussian(8, 3)
    basis = np.linalg.qr(np.random.default_rng(3).standard_normal((5, 3)))[0]
    norm = interpolate(X, y).norm
    wide = X @ basis.T
    assert interpolate(wide, y).norm == pytest.approx(norm, rel=1e-6)
    # a column twice is one column, longer by sqrt(2)
    one = np.round(X[:, :1] * 4)
    found = interpolate(np.hstack([one, one]), np.round(one[:, 0]) * 2)
    assert found.norm == pytest.approx(2 * np.sqrt(2), rel=1e-6)


def test_standardised_columns_are_those_of_the_program():
    X, y = gaussian(8, 3)
    raw = X[:, :2] * [100.0, 0.01] + [5.0, -3.0]
    found = interpolate(raw, y, standardize=True, intercept=True)
    scaled = (raw - raw.mean(axis=0)) / raw.std(axis=0)
    other = interpolate(scaled, y, intercept=True)
    assert found.norm == pytest.approx(other.norm, rel=1e-6)
    assert found.status.value == "optimal"
    np.testing.assert_allclose(found.network.predict(raw), y, atol=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_local_searches_never_beat_the_optimum_and_come_near(seed):
    n, r = ((5, 2), (6, 3), (8, 3), (6, 4))[seed]
    X, y = gaussian(n, r, seed + 20)
    found = interpolate(X, y, tol=1e-8)
    norms = local_searches(X, y, n_starts=50, n_neurons=12, steps=1500, seed=seed)
    assert norms.min() >= found.lower_bound * (1 - 1e-9)
    excess = norms.min() / found.norm - 1
    assert excess <= 0.01, f"the best of 50 starts is {excess:.1e} above"
