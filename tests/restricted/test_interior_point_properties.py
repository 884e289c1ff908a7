"""The interior point method over a working set: optima, bounds, starts and steps."""

import time

import numpy as np
import pytest

from convex_solver.losses.loss import get_loss
from convex_solver.restricted.direction import Direction
from convex_solver.restricted.interior_point import InteriorPoint, solve_restricted
from convex_solver.restricted.iterate import Iterate
from convex_solver.restricted.working_set import WorkingSet

from instances import gaussian_with_ones
from reference.losses import SPECS, float_targets
from reference.paper_program import loss_expression


def working_set(rng, n=10, r=3, k=6):
    X = gaussian_with_ones(rng, n, r)
    blocks = WorkingSet(X)
    blocks.add(rng.standard_normal((k, r)), rng.choice([-1.0, 1.0], k))
    return blocks


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize("seed", range(3))
def test_restricted_programs_have_cvxpy_s_optimum(name, seed):
    import cvxpy as cp

    rng = np.random.default_rng(seed)
    blocks = working_set(rng, n=8 + 4 * seed, r=2 + seed, k=7)
    y, beta = float_targets(name, rng, 8 + 4 * seed), 10.0 ** rng.uniform(-2, 0)
    weights = rng.uniform(0.5, 2, y.size)
    data = get_loss(name).at(y, weights=weights)
    found = solve_restricted(blocks, data, beta, 1e-10)
    w = cp.Variable(blocks.centres.shape)
    prediction = blocks.AT.T @ cp.vec(w, order="C")
    fit = loss_expression(name, prediction, y, weights)
    rows = blocks.rows / np.linalg.norm(blocks.rows, axis=1)[:, None]
    constraints = [
        rows[blocks.starts[g] : blocks.starts[g + 1]] @ w[g] >= 0
        for g in range(len(blocks))
    ]
    cost = beta * cp.sum(cp.norm(w, 2, axis=1))
    value = cp.Problem(cp.Minimize(fit + cost), constraints).solve(solver="CLARABEL")
    assert found.primal == pytest.approx(value, rel=2e-6)
    assert found.gap <= 1e-9
    is_honest(blocks, data, beta, found)


@pytest.mark.every
@pytest.mark.parametrize("name", ["squared", "hinge", "poisson"])
def test_a_block_without_an_active_row_leaves_the_zero_network(name):
    rng = np.random.default_rng(0)
    blocks = WorkingSet(gaussian_with_ones(rng, 8, 3))
    blocks.add(np.array([[0.0, 0.0, -1.0]]), np.array([1.0]))
    assert not blocks.AT.any()
    data = get_loss(name).at(float_targets(name, rng, 8))
    found = solve_restricted(blocks, data, 0.1, 1e-9)
    assert found.primal == pytest.approx(data.value(np.zeros(8)), rel=1e-8)
    assert found.dual <= found.primal


def is_honest(blocks, data, beta, found):
    """Both bounds of a restricted solution, recomputed."""
    w, v = found.weights, data.clip(found.v)
    norms = np.linalg.norm(w, axis=1)
    z = np.einsum("gk,gkn->n", w, blocks.AT.reshape(*w.shape, -1))
    assert found.primal == pytest.approx(data.value(z) + beta * norms.sum(), 1e-9)
    for g in range(len(blocks)):
        facets = blocks.rows[blocks.starts[g] : blocks.starts[g + 1]]
        assert (facets @ w[g] >= -1e-12 * norms.max()).all()
    worst = found.prices.max()
    scale = data.best_scale(v, beta / worst)
    assert found.dual == pytest.approx(-data.conjugate(scale * v), rel=1e-9)
    assert found.dual <= found.primal * (1 + 1e-12)
    # a price bounds v^T A_g u over the cone, so over its centre too
    slopes = np.einsum("gk,gk->g", blocks.transposed(v), blocks.centres)
    assert (-slopes <= found.prices * (1 + 1e-9)).all()


SHAPES = [(12, 2, 10), (10, 3, 30), (30, 4, 8), (20, 3, 60)]


def random_solution(seed, name, beta, tol=1e-8):
    rng = np.random.default_rng(seed)
    n, r, k = SHAPES[seed % 4]
    blocks, y = working_set(rng, n, r, k), float_targets(name, rng, n)
    data = get_loss(name).at(y)
    found = solve_restricted(blocks, data, beta, tol)
    is_honest(blocks, data, beta, found)
    return found, data.value(np.zeros(n))


@pytest.mark.parametrize("beta", [1e-2, 1.0, 1e4])
@pytest.mark.parametrize("name", SPECS)
def test_random_working_sets_are_solved(name, beta):
    for seed in range(12):
        found, zero = random_solution(seed, name, beta)
        assert found.gap <= 1e-7
        if beta == 1e4:
            assert found.primal == pytest.approx(zero, rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", SPECS)
def test_a_tiny_beta_is_mostly_solved_and_never_claimed(name):
    # working sets that fit nothing well, with weights up to 1e8: hard in float64
    gaps = [random_solution(seed, name, 1e-8)[0].gap for seed in range(24)]
    assert np.mean(np.array(gaps) <= 1e-7) >= 0.5
    assert min(gaps) >= -1e-12


def test_the_deadline_and_the_iterations_are_reported():
    rng = np.random.default_rng(0)
    blocks = working_set(rng)
    data = get_loss("squared").at(rng.standard_normal(10))
    late = solve_restricted(blocks, data, 0.1, 1e-9, deadline=0.0)
    assert late.iterations == 0
    assert np.isfinite(late.primal)
    assert late.dual <= late.primal
    far = time.monotonic() + 1e6
    done = solve_restricted(blocks, data, 0.1, 1e-9, deadline=far)
    assert done.gap <= 1e-9
    assert 3 <= done.iterations <= 40


@pytest.mark.parametrize("name", SPECS)
def test_the_start_is_inside_every_cone_and_on_the_equations(name):
    rng = np.random.default_rng(1)
    blocks, y = working_set(rng, 15, 3, 12), float_targets(name, rng, 15)
    point = Iterate(blocks, get_loss(name).at(y), 1e-3)
    assert (point.t > np.linalg.norm(point.w, axis=1)).all()
    assert (np.linalg.norm(point.s1, axis=1) < point.s0).all()
    assert (point.q > 0).all()
    assert (point.lam > 0).all()
    assert np.abs(point.residual).max() < 1e-12
    assert np.allclose(point.z, blocks.predict(point.w))


@pytest.mark.parametrize("name", SPECS)
def test_every_step_stays_inside_and_they_add_up(name):
    rng = np.random.default_rng(2)
    blocks, y = working_set(rng, 15, 3, 12), float_targets(name, rng, 15)
    solver = InteriorPoint(blocks, get_loss(name).at(y), 0.05)
    point = solver.iterate
    before = sum(point.merits(solver.direction.step))
    for _ in range(60):
        with np.errstate(all="ignore"):
            assert solver.advance()
        point.measure()
        assert (point.t > np.linalg.norm(point.w, axis=1)).all()
        assert (np.linalg.norm(point.s1, axis=1) < point.s0).all()
        assert (point.q > 0).all()
        assert (point.lam > 0).all()
        if sum(point.merits(solver.direction.step)) < 1e-7 * before:
            break
    assert sum(point.merits(solver.direction.step)) < 1e-7 * before
    primal, dual, _ = point.bounds()
    assert 0 <= primal - dual <= 1e-5 * primal


class Rough:
    """A system whose solutions are off by a share of themselves."""

    def __init__(self, system, share):
        self.system, self.share = system, share
        self.miss = system.miss

    def solve(self, b, rho):
        dw, dv = self.system.solve(b, rho)
        return dw * (1.0 + self.share), dv * (1.0 + self.share)


@pytest.mark.parametrize(("share", "careful"), [(0.02, False), (1.5, True)])
def test_a_system_is_refined_while_that_helps_and_careful_where_not(share, careful):
    rng = np.random.default_rng(0)
    blocks = working_set(rng)
    data = get_loss("squared").at(rng.standard_normal(10))
    at = Iterate(blocks, data, 0.1)
    direction = Direction(at)
    direction.scale()
    direction.factorise()
    b, rho = rng.standard_normal(at.w.shape), rng.standard_normal(10)
    exact = direction.system.solve(b, rho)
    direction.system = Rough(direction.system, share)
    for found, right in zip(direction._refined(b, rho), exact, strict=True):
        assert np.allclose(found, right, rtol=1e-8, atol=1e-8)
    assert direction.is_careful is careful
