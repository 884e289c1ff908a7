"""Cones by cutting planes against cones by all their facets."""

import cvxpy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convex_solver import ConvexProgram
from convex_solver.baselines.approximations import approximate
from convex_solver.losses.loss import LOSSES
from convex_solver.restricted import cutting_planes
from convex_solver.restricted.cutting_planes import CuttingSet, analytic_centre
from convex_solver.restricted.working_set import WorkingSet

from instances import searchable

seeds = st.integers(0, 10**6)


def drawn(seed, rows, r, patches=1, signs=2):
    random = np.random.default_rng(seed)
    X = random.standard_normal((rows * patches, r))
    directions = np.tile(random.standard_normal((6, r)), (signs, 1))
    return X, directions, np.repeat([1.0, -1.0], 6)[: 6 * signs]


@settings(deadline=None, max_examples=30)
@given(seeds, st.integers(1, 12), st.integers(1, 5), st.integers(1, 3))
def test_blocks_are_those_of_the_working_set(seed, rows, r, patches):
    X, directions, signs = drawn(seed, rows, r, patches)
    mine, other = CuttingSet(X, patches), WorkingSet(X, patches)
    assert mine.add(directions, signs) == other.add(directions, signs)
    assert np.array_equal(mine.patterns, other.patterns)
    assert np.array_equal(mine.signs, other.signs)
    assert pytest.approx(other.AT, abs=1e-12) == mine.AT
    assert mine.add(directions, signs) == 0
    chosen = np.arange(len(mine)) % 2 == 0
    mine.keep(chosen)
    other.keep(chosen)
    assert np.array_equal(mine.signs, other.signs)
    assert len(mine.starts) == len(mine) + 1
    inner = np.reshape(mine._inner, (-1, r))
    assert np.array_equal(inner @ X.T >= 0.0, mine.patterns)
    # what was dropped can come back, in the same cones
    assert mine.add(directions, signs) == np.sum(~chosen)


@settings(deadline=None, max_examples=30)
@given(seeds, st.integers(20, 60), st.integers(2, 8))
def test_rows_are_those_nearest_and_then_those_broken(seed, rows, r):
    X, directions, signs = drawn(seed, rows, r, signs=1)
    blocks = CuttingSet(X)
    blocks.add(directions, signs)
    # near and broken are meant in coordinates in which columns are of one size
    Z = X / blocks.sizes
    units = Z / np.linalg.norm(Z, axis=1)[:, None]
    lengths = np.linalg.norm(np.array(blocks._inner) * blocks.sizes, axis=1)
    for g in range(len(blocks)):
        own = blocks.rows[blocks.starts[g] : blocks.starts[g + 1]]
        inner = blocks._inner[g]
        assert np.array_equal(X @ inner >= 0.0, blocks.patterns[g])
        heights = np.sort(np.abs(units @ (blocks.sizes * inner / lengths[g])))
        assert own @ inner == pytest.approx(heights[: 2 * r])
    weights = np.random.default_rng(seed).standard_normal(blocks.centres.shape)
    weights[0] = 0.0
    before = blocks.starts.copy()
    turn = np.where(blocks.patterns, 1.0, -1.0)
    own = [
        blocks.rows[before[g] : before[g + 1]] / blocks.sizes * lengths[g]
        for g in range(len(blocks))
    ]
    added = blocks.cut(weights)
    grown = np.diff(blocks.starts) - np.diff(before)
    assert added == grown.sum()
    assert grown[0] == 0
    for g in range(1, len(blocks)):
        sides = turn[g][:, None] * units
        had = (np.abs(sides[:, None] - own[g]).max(axis=2) < 1e-15).any(axis=1)
        z = blocks.sizes * weights[g]
        values = sides @ z / np.linalg.norm(z)
        broken = np.sort(values[~had & (values < 0.0)])[:r]
        fresh = blocks.rows[blocks.starts[g] + len(own[g]) : blocks.starts[g + 1]]
        values = fresh @ weights[g] * lengths[g] / np.linalg.norm(z)
        assert values == pytest.approx(broken)
        # inside all rows it has
        rows_now = blocks.rows[blocks.starts[g] : blocks.starts[g + 1]]
        assert np.all(rows_now @ blocks.centres[g] > 0.0)
    assert blocks.cut(np.array(blocks._inner)) == 0


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("k", [0, 1])
def test_both_kinds_of_cones_have_one_optimum(loss, k, monkeypatch):
    X, y, beta = searchable(loss, k)
    program = ConvexProgram(X, y, beta, loss=loss)
    options = {"n_directions": 4, "tol": 1e-8, "bound": None}
    facets = approximate(program, **options)
    monkeypatch.setattr(cutting_planes, "HULL_RANK", 0)
    cuts = approximate(program, **options)
    assert cuts.n_patterns == facets.n_patterns
    assert cuts.objective == pytest.approx(facets.objective, rel=1e-6)
    assert cuts.restricted_bound <= facets.objective * (1 + 1e-9)


@pytest.mark.parametrize("patches", [1, 3])
def test_the_optimum_in_high_rank_is_that_of_cvxpy_with_all_rows(patches, monkeypatch):
    added, cut = [], CuttingSet.cut

    def counted(self, weights):
        added.append(cut(self, weights))
        return added[-1]

    monkeypatch.setattr(CuttingSet, "cut", counted)
    random = np.random.default_rng(4)
    n, r, count = 60, 7, 5
    X = random.standard_normal((n, patches, r))
    y = random.standard_normal(n)
    program = ConvexProgram(X, y, 0.3)
    found = approximate(program, n_directions=count, seed=9, tol=1e-7, bound=None)
    drawn = np.random.default_rng(9).standard_normal((count, r))
    cost, prediction, cones = 0.0, 0.0, []
    for u in drawn:
        for sign in (1.0, -1.0):
            w = cvxpy.Variable(r)
            pattern = program.X @ u >= 0.0
            active = (sign * pattern[:, None] * program.X).reshape(n, patches, r)
            prediction = prediction + active.sum(axis=1) @ w
            turn = np.where(pattern, 1.0, -1.0)[:, None]
            cones.append((turn * program.X) @ w >= 0.0)
            cost = cost + 0.3 * cvxpy.norm(w)
    problem = cvxpy.Problem(
        cvxpy.Minimize(0.5 * cvxpy.sum_squares(prediction - y) + cost), cones
    )
    value = problem.solve(solver="CLARABEL")
    assert found.objective == pytest.approx(value, rel=1e-6)
    # more than the first rows were needed, or the cuts are not tested
    assert sum(added) > 0
    assert found.network.n_neurons >= 2


def test_time_that_runs_out_leaves_a_network():
    random = np.random.default_rng(1)
    program = ConvexProgram(
        random.standard_normal((80, 8)), random.normal(size=80), 0.1
    )
    found = approximate(program, n_directions=30, time_limit=1e-9)
    assert found.objective == program.network_objective(found.network)
    assert np.isfinite(found.objective)


def test_analytic_centres_meet_their_equation():
    random = np.random.default_rng(0)
    for m, r in ((3, 2), (40, 5), (500, 12)):
        rows = random.standard_normal((m, r))
        inner = random.standard_normal(r)
        rows *= np.sign(rows @ inner)[:, None]
        u = analytic_centre(rows, inner / np.linalg.norm(inner))
        assert np.min(rows @ u) > 0.0
        assert (rows / (rows @ u)[:, None]).sum(axis=0) == pytest.approx(m * u)
        assert np.linalg.norm(u) == pytest.approx(1.0)
    assert analytic_centre(np.array([[1.0, 0.0]]), np.array([0.0, 1.0])) is None
    assert analytic_centre(np.zeros((0, 2)), np.array([0.0, 1.0])).tolist() == [0, 1]


def test_directions_on_a_hyperplane_have_no_block():
    blocks = CuttingSet(np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]))
    assert blocks.add(np.array([[1.0, 0.0], [0.0, 0.0]]), np.ones(2)) == 0
    assert len(blocks) == 0
    assert blocks.add(np.array([[1.0, 1.0]]), np.ones(1), deadline=0.0) == 0
    assert blocks.add(np.array([[1.0, 1.0]]), np.ones(1)) == 1
