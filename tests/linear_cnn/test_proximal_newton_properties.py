"""The prox maps, their derivatives, and the method that uses them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convex_solver.linear_cnn.circular import CircularCNNProgram, solve_circular_cnn
from convex_solver.linear_cnn.fourier_norm import FourierModel, fourier_basis
from convex_solver.linear_cnn.nuclear_norm import NuclearModel
from convex_solver.linear_cnn.proximal_newton import (
    ProxStep,
    _newton_direction,
    minimise,
)

from instances import circular_instance

SEEDS = st.integers(0, 10**6)


def nuclear(seed, n, K, d, C):
    rng = np.random.default_rng(seed)
    return NuclearModel(rng.normal(size=(n, K, d)), C), (d, K * C), rng


def fourier(seed, n, d):
    rng = np.random.default_rng(seed)
    return FourierModel(rng.normal(size=(n, d))), (d,), rng


@st.composite
def models(draw):
    seed, n = draw(SEEDS), draw(st.integers(1, 4))
    if draw(st.booleans()):
        return fourier(seed, n, draw(st.integers(1, 7)))
    sizes = [draw(st.integers(1, top)) for top in (3, 5, 2)]
    return nuclear(seed, n, *sizes)


def loss_of_prox(model, x, t, z):
    return t * model.norm(z) + 0.5 * np.sum((z - x) ** 2)


@settings(deadline=None)
@given(models(), st.floats(0.01, 3.0))
def test_the_prox_is_the_minimum(model_shape_rng, t):
    model, shape, rng = model_shape_rng
    x = rng.normal(size=shape)
    z = model.prox(x, t)
    least = loss_of_prox(model, x, t, z)
    for size in (1e-3, 1e-1, 1.0):
        other = z + size * rng.normal(size=shape)
        assert loss_of_prox(model, x, t, other) >= least - 1e-12
    assert loss_of_prox(model, x, t, 0.9 * z) >= least - 1e-12


@settings(deadline=None)
@given(models())
def test_adjoint_and_dual_norm(model_shape_rng):
    model, shape, rng = model_shape_rng
    z = rng.normal(size=shape)
    v = rng.normal(size=model.predict(z).size)
    g = model.adjoint(v)
    assert model.predict(z) @ v == pytest.approx(np.sum(z * g), rel=1e-9, abs=1e-9)
    assert np.sum(z * g) <= model.norm(z) * model.dual_norm(g) * (1.0 + 1e-12)
    # Moreau: the prox removes the projection on the ball of the dual norm
    rest = z - model.prox(z, 0.5)
    assert model.dual_norm(rest) <= 0.5 * (1.0 + 1e-12)
    if model.dual_norm(z) > 0.5:
        assert model.dual_norm(rest) == pytest.approx(0.5, rel=1e-12)


@settings(deadline=None)
@given(models(), st.floats(0.05, 1.5))
def test_the_derivative_is_that_of_the_prox(model_shape_rng, t):
    """``columns diag(weights) columns^T v`` against a difference of ``A prox``."""
    model, shape, rng = model_shape_rng
    x = rng.normal(size=shape)
    step = model.linearise(x, t)
    assert np.allclose(step.point, model.prox(x, t), atol=1e-13)
    assert np.all((step.weights > 0.0) & (step.weights <= 1.0 + 1e-12))
    v = rng.normal(size=model.predict(x).size)
    h = 1e-6
    up, down = (model.prox(x + s * h * model.adjoint(v), t) for s in (1.0, -1.0))
    expected = model.predict(up - down) / (2.0 * h)
    found = step.columns @ (step.weights * (step.columns.T @ v))
    # a singular value that crosses t within h has no derivative: skip it
    near = [model.linearise(x + s * h * model.adjoint(v), t) for s in (1.0, -1.0)]
    if near[0].weights.size == near[1].weights.size == step.weights.size:
        assert np.allclose(found, expected, rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize("k", [0, 2, 5, 9])
def test_newton_systems_with_few_and_many_columns(k):
    rng = np.random.default_rng(k)
    F, weights, g = rng.normal(size=(5, k)), rng.uniform(size=k), rng.normal(size=5)
    step = ProxStep(np.zeros(1), F, weights)
    expected = np.linalg.solve(np.eye(5) + 3.0 * (F * weights) @ F.T, -g)
    assert np.allclose(_newton_direction(step, g, 3.0), expected, rtol=1e-12)


def test_equal_singular_values_have_a_finite_derivative():
    model = NuclearModel(np.random.default_rng(0).normal(size=(5, 3, 3)), 1)
    step = model.linearise(np.eye(3), 0.25)
    assert np.all(np.isfinite(step.columns))
    # s = 1, f = 0.75: symmetric part 1, antisymmetric part 0.75
    assert sorted(step.weights.tolist()) == [0.75] * 3 + [1.0] * 6
    at_limit = model.linearise(np.eye(3), 1.0)
    assert at_limit.columns.shape == (5, 0)


@pytest.mark.parametrize("condition", [1.0, 1e4, 1e8])
def test_conditioning_does_not_stop_it(condition):
    rng = np.random.default_rng(3)
    patches = rng.normal(size=(40, 4, 6)) * np.geomspace(1.0, 1.0 / condition, 6)
    patches /= np.linalg.norm(patches.reshape(40, -1), 2)
    model = NuclearModel(patches, 1)
    y = rng.normal(size=40)
    y /= np.linalg.norm(y)
    for share in (0.5, 1e-2, 1e-4):
        beta = share * model.dual_norm(model.adjoint(y))
        result = minimise(model, y, beta, tol=1e-12)
        assert result.gap <= 1e-11
        assert result.n_newton < 200


def test_a_start_at_the_solution_needs_no_more_steps():
    rng = np.random.default_rng(4)
    model = FourierModel(rng.normal(size=(9, 6)) @ fourier_basis(6) / 6)
    y = rng.normal(size=9)
    cold = minimise(model, y, 0.05, tol=1e-11)
    warm = minimise(model, y, 0.05, tol=1e-9, start=cold.point)
    assert warm.n_outer == 0
    assert warm.primal == pytest.approx(cold.primal, rel=1e-12)
    shifted = minimise(model, y, 0.05, tol=1e-11, constant=7.0)
    assert shifted.primal == pytest.approx(cold.primal + 7.0, rel=1e-12)


def test_a_step_that_float64_cannot_solve_is_taken_back():
    """A tiny beta, where a growing sigma once ended 4e-5 above the optimum."""
    X, y = circular_instance(23, 3, 10)
    beta = 1e-6 * CircularCNNProgram(X, y, 1.0).beta_max()
    assert solve_circular_cnn(CircularCNNProgram(X, y, beta)).gap <= 1e-9
