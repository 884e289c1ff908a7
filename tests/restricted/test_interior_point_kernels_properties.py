"""Kernels of the interior point method against dense algebra with numpy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convex_solver._kernels.solve import interior_point as kernels
from convex_solver._kernels.solve.interior_point import Aims, Step
from convex_solver.restricted.newton_system import (
    MixedSystem,
    SamplesSystem,
    WeightsSystem,
)
from convex_solver.restricted.working_set import WorkingSet

from reference.newton import (
    State,
    arrow,
    cone_points,
    dense_scaling,
    dense_step,
    scaling_matrix,
)

pytestmark = pytest.mark.kernels

seeds = st.integers(0, 10**6)


@settings(deadline=None, max_examples=40)
@given(seeds, st.integers(1, 5))
def test_the_scaling_takes_both_points_to_one(seed, r):
    state = State(seed, r=r)
    total = 0.0
    for g in range(state.G):
        x, s = state.x(g), state.s(g)
        total += x @ s
        W = dense_scaling(x, s)
        assert np.allclose(W @ s, np.linalg.solve(W, x), rtol=1e-8)
        _, p, eta = scaling_matrix(x, s)
        assert state.eta2[g] == pytest.approx(eta**2, rel=1e-9)
        assert np.allclose(state.point[g], p, rtol=1e-8, atol=1e-9 * np.abs(p).max())
        assert state.kappa[g] == pytest.approx(1 + 2 * p[1:] @ p[1:], rel=1e-8)
        out, back = np.empty(r + 1), np.empty(r + 1)
        kernels.apply_scaling(state.point[g], eta, 1.0, s, out)
        assert np.allclose(out, W @ s, rtol=1e-7, atol=1e-7 * np.abs(out).max())
        kernels.apply_scaling(state.point[g], 1 / eta, -1.0, x, back)
        assert np.allclose(back, out, rtol=1e-7, atol=1e-7 * np.abs(out).max())
    assert state.total == pytest.approx(total, rel=1e-9)


@settings(deadline=None, max_examples=40)
@given(seeds, st.integers(1, 5))
def test_the_factors_are_those_of_the_reduced_blocks(seed, r):
    state = State(seed, r=r)
    factors = state.factor()
    product = np.empty((state.G, r))
    vectors = state.rng.standard_normal((state.G, r))
    kernels.multiply_blocks(factors, vectors, product)
    for g in range(state.G):
        F, q, lam = state.facets(g)
        W = dense_scaling(state.x(g), state.s(g))
        inverse = np.linalg.inv(W @ W)
        # t has only its own equation: the Schur complement of its diagonal entry
        M = inverse[1:, 1:] - np.outer(inverse[1:, 0], inverse[0, 1:]) / inverse[0, 0]
        B = M + F.T @ np.diag(lam / q) @ F
        L = factors[g]
        assert (np.triu(L, 1) == 0).all()
        assert np.allclose(L @ L.T, B, rtol=1e-7, atol=1e-8 * np.abs(B).max())
        assert np.allclose(product[g], L @ L.T @ vectors[g], rtol=1e-9)


def test_small_blocks_keep_their_digits_beside_large_multipliers():
    # one facet of weight 1e14: across it the block is huge, along it M is what is left
    state = State(3, G=1, r=3)
    state.starts = np.array([0, 1])
    state.rows = np.array([[0.6, 0.8, 0.0]])
    state.q, state.lam = np.array([1e-7]), np.array([1e7])
    L = state.factor()[0]
    W = dense_scaling(state.x(0), state.s(0))
    M = np.linalg.inv(W @ W)
    M = M[1:, 1:] - np.outer(M[1:, 0], M[0, 1:]) / M[0, 0]
    along = np.array([[-0.8, 0.6, 0.0], [0.0, 0.0, 1.0]])
    inverse = along.T @ np.linalg.inv(along @ M @ along.T) @ along  # limit of B^-1
    found = np.linalg.inv(L).T @ np.linalg.inv(L)
    assert np.allclose(found, inverse, rtol=1e-6, atol=1e-8 * np.abs(inverse).max())


@settings(deadline=None, max_examples=30)
@given(seeds, st.integers(1, 4))
def test_triangular_solves_undo_the_products(seed, r):
    state = State(seed, r=r)
    factors = state.factor()
    rng = state.rng
    matrix = rng.standard_normal((state.G * r, 4))
    out = np.empty_like(matrix)
    kernels.forward_blocks(factors, matrix, out)
    vector, back = rng.standard_normal((state.G, r)), np.empty((state.G, r))
    kernels.backward_blocks(factors, vector, back)
    for g in range(state.G):
        L = factors[g]
        expected = np.linalg.solve(L, matrix[g * r : (g + 1) * r])
        size = np.abs(expected).max()
        assert np.allclose(out[g * r : (g + 1) * r], expected, atol=1e-9 * size)
        expected = np.linalg.solve(L.T, vector[g])
        assert np.allclose(back[g], expected, atol=1e-9 * np.abs(expected).max())


@settings(deadline=None, max_examples=20)
@given(seeds, st.integers(1, 4))
def test_products_with_the_facets_and_back(seed, r):
    state = State(seed, r=r)
    w = state.rng.standard_normal((state.G, r))
    products, sums = np.empty_like(state.q), w.copy()
    kernels.facet_products(state.all_facets, w, products)
    kernels.add_multipliers(state.all_facets, state.lam, -1.0, sums)
    for g in range(state.G):
        F, _, lam = state.facets(g)
        part = slice(state.starts[g], state.starts[g + 1])
        assert np.allclose(products[part], F @ w[g])
        assert np.allclose(sums[g], w[g] - F.T @ lam)


@settings(deadline=None, max_examples=40)
@given(seeds, st.integers(1, 4), st.booleans())
def test_the_step_to_the_border_is_that_of_a_bisection(seed, r, outward):
    rng = np.random.default_rng(seed)
    t, w = cone_points(rng, 4, r, 1e-6)
    dt, dw = rng.standard_normal(4), rng.standard_normal((4, r))
    if outward:
        dt = np.linalg.norm(dw, axis=1) * (1 + rng.uniform(0, 1, 4))
    step = kernels.cone_step(t, w, dt, dw)

    def is_inside(x):
        return np.all(t + x * dt >= np.linalg.norm(w + x * dw, axis=1))

    if step == 1e30:
        assert is_inside(1e6)
        return
    low, high = 0.0, 1.0
    while is_inside(high):
        high *= 2
        assert high < 1e12
    for _ in range(100):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if is_inside(middle) else (low, middle)
    assert step == pytest.approx(low, rel=1e-6, abs=1e-12)


@settings(deadline=None, max_examples=25)
@given(seeds, st.sampled_from([1, 2, 3, 4]), st.booleans())
def test_steps_solve_the_whole_newton_system(seed, r, correct):
    state = State(seed, G=4, r=r)
    rng, G, m = state.rng, state.G, len(state.q)
    n = 6
    blocks = WorkingSet(np.zeros((n, r)))
    blocks.AT = rng.standard_normal((G * r, n))
    curvature = 10.0 ** rng.uniform(-1, 1, n)
    residual, rho = rng.standard_normal((G, r)), rng.standard_normal(n)
    ds0 = float(rng.standard_normal()) * state.s0
    mu = float(rng.uniform(0.1, 1))
    dt, dw, ds1 = rng.standard_normal(G), *rng.standard_normal((2, G, r))
    dq, dlam = rng.standard_normal((2, m))
    zeros = np.zeros(r + 1)
    affine = {"pairs": np.zeros(m), "cones": [zeros] * G}
    if correct:
        affine["pairs"] = dq * dlam
        affine["cones"] = []
        for g in range(G):
            W = dense_scaling(state.x(g), state.s(g))
            left = np.linalg.solve(W, np.concatenate([[dt[g]], dw[g]]))
            right = W @ np.concatenate([[ds0], ds1[g]])
            affine["cones"].append(arrow(left) @ right)
    expected = dense_step(state, blocks, curvature, residual, rho, mu, ds0, affine)

    e0, e1, b = np.empty(G), np.empty((G, r)), np.empty((G, r))
    h = (mu - affine["pairs"]) / state.q - state.lam
    aims, step = Aims(e0, e1, h), Step(dt, dw, ds0, ds1, dq, dlam)
    kernels.centring(state.current, state.scaling, step, mu, correct, aims)
    kernels.right_sides(state.all_facets, state.scaling, aims, residual, b)
    system = WeightsSystem(blocks, state.factor(), curvature, np.zeros(G, bool))
    dw, dv = system.solve(b, rho)
    step = step._replace(dw=dw)
    kernels.complete_steps(state.all_facets, state.current, state.scaling, aims, step)
    found = {"dt": dt, "dw": dw, "ds1": ds1, "dlam": dlam, "dv": dv}
    for name, value in expected.items():
        size = 1e-12 + np.abs(value).max(initial=0)
        assert np.allclose(found[name], value, rtol=1e-5, atol=1e-6 * size), name
    for g in range(G):
        F, _, _ = state.facets(g)
        part = slice(state.starts[g], state.starts[g + 1])
        assert np.allclose(dq[part], F @ dw[g])


def test_the_predictor_needs_no_scaling():
    state = State(5)
    G, r = state.G, state.r
    none = np.zeros(len(state.q))
    step = Step(np.zeros(G), np.zeros((G, r)), 0.7, np.zeros((G, r)), none, none)
    short, long = [], []
    for mu, out in ((0.0, short), (1e-300, long)):
        e0, e1 = np.empty(G), np.empty((G, r))
        aims = Aims(e0, e1, none)
        kernels.centring(state.current, state.scaling, step, mu, False, aims)
        out += [e0, e1]
    for a, b in zip(short, long, strict=True):
        assert np.allclose(a, b, rtol=1e-12)


@settings(deadline=None, max_examples=30)
@given(seeds, st.sampled_from([(8, 4), (4, 8), (6, 6)]))
def test_the_three_systems_agree_and_solve(seed, shape):
    n, G = shape
    state = State(seed, G=G, r=3)
    rng = state.rng
    blocks = WorkingSet(np.zeros((n, 3)))
    blocks.AT = rng.standard_normal((G * 3, n))
    curvature = 10.0 ** rng.uniform(-2, 0, n)
    if seed % 2:
        curvature[:] = 1.0
    factors = state.factor()
    b, rho = rng.standard_normal((G, 3)), rng.standard_normal(n)
    H = np.diag(curvature)
    B = np.zeros((3 * G, 3 * G))
    for g in range(G):
        B[3 * g : 3 * g + 3, 3 * g : 3 * g + 3] = factors[g] @ factors[g].T
    A = blocks.AT.T
    whole = np.block([[B, A.T], [-H @ A, np.eye(n)]])
    expected = np.linalg.solve(whole, np.concatenate([b.ravel(), rho]))
    for kind in (WeightsSystem, SamplesSystem, MixedSystem):
        for active in (rng.random(G) < 0.5, np.zeros(G, bool), np.ones(G, bool)):
            system = kind(blocks, factors, curvature, active)
            dw, dv = system.solve(b.copy(), rho.copy())
            found = np.concatenate([dw.ravel(), dv])
            size = np.abs(expected).max()
            assert np.allclose(found, expected, rtol=1e-6, atol=1e-8 * size), kind
            r1, r2 = system.miss(b, rho, dw, dv)
            assert np.allclose(r1.ravel(), b.ravel() - B @ dw.ravel() - A.T @ dv)
            assert np.allclose(r2, rho - dv + H @ A @ dw.ravel())
            assert np.abs(r1).max() <= 1e-6 * (np.abs(B).max() * size + 1)
