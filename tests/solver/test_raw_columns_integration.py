"""Columns with means far above their spread: years, pressures, map coordinates.

The same program in coordinates that are centred and scaled, with the norm of the
weights mapped back exactly, is solved by CVXPY and Clarabel for comparison.
"""

import cvxpy as cp
import numpy as np
import pytest

from convex_solver import ConvexProgram, solve, solve_path


def walk(n, seed=0):
    return np.cumsum(np.random.default_rng(seed).standard_normal(n))


def optimum_of_one_column(x, y, beta):
    """The optimum for one feature and an intercept, squared loss."""
    n, mean, spread = len(x), x.mean(), x.std()
    Z = np.c_[(x - mean) / spread, np.ones(n)]
    back = np.array([[1 / spread, 0.0], [-mean / spread, 1.0]])
    order = np.argsort(x)
    rank = np.empty(n, dtype=int)
    rank[order] = np.arange(n)
    patterns = np.unique(
        [p for k in range(n + 1) for p in (rank >= k, rank < k)], axis=0
    ).astype(float)
    V, W = (cp.Variable((2, len(patterns))) for _ in range(2))
    prediction, inside, decay = 0, [], 0
    for k, pattern in enumerate(patterns):
        prediction += cp.multiply(pattern, Z @ (V[:, k] - W[:, k]))
        sides = (2 * pattern - 1)[:, None] * Z
        inside += [sides @ V[:, k] >= 0, sides @ W[:, k] >= 0]
        decay += cp.norm(back @ V[:, k]) + cp.norm(back @ W[:, k])
    goal = cp.Minimize(0.5 * cp.sum_squares(prediction - y) + beta * decay)
    return cp.Problem(goal, inside).solve(
        solver="CLARABEL", tol_gap_abs=1e-10, tol_gap_rel=1e-10, max_iter=500
    )


@pytest.mark.parametrize("method", ["full", "column-generation"])
@pytest.mark.parametrize("beta", [0.1, 0.001])
def test_years(method, beta):
    years, y = 1950.0 + np.arange(30), walk(30)
    solution = solve(
        ConvexProgram(years[:, None], y, beta, intercept=True), method=method
    )
    assert solution.status.value == "optimal"
    wanted = optimum_of_one_column(years, y, beta)
    assert abs(solution.objective - wanted) <= 2e-6 * wanted


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["squared", "quantile"])
def test_incomes_and_expenses(loss):
    # one feature in raw units, and far less decay than matters
    x = np.linspace(400, 5000, 235)
    y = x / 2 + 100 * np.random.default_rng(0).standard_normal(235)
    program = ConvexProgram(x[:, None], y, 1.0, intercept=True, loss=loss)
    every = solve(program, method="full")
    found = solve(program)
    assert found.status.value == every.status.value == "optimal"
    assert found.objective == pytest.approx(every.objective, rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["squared", "huber", "absolute", "quantile"])
@pytest.mark.parametrize("scale", [1e100, 1e200, 1e-200])
def test_targets_beyond_all_units_end_with_a_true_bound(loss, scale):
    x = np.linspace(400, 5000, 30)
    y = scale * (x / 2 + 100 * np.random.default_rng(0).standard_normal(30))
    for beta in (1.0, 1e-12):
        program = ConvexProgram(x[:, None], y, beta, intercept=True, loss=loss)
        found = solve(program, time_limit=5.0)
        zero = program.data_term.value(np.zeros(30))
        assert found.lower_bound <= found.objective <= zero


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["squared", "absolute", "hinge"])
def test_pressures_in_two_columns(loss):
    random = np.random.default_rng(3)
    X = 1013.0 + 8.0 * random.standard_normal((25, 2))
    y = np.maximum(X[:, 0] - 1013.0, X[:, 1] - 1010.0) / 8.0
    y += 0.1 * random.standard_normal(25)
    if loss == "hinge":
        y = np.where(y > np.median(y), 1.0, -1.0)
    solution = solve(ConvexProgram(X, y, 0.01, loss=loss, intercept=True))
    assert solution.status.value == "optimal"


@pytest.mark.slow
@pytest.mark.parametrize("beta", [1.0, 0.1])
def test_map_coordinates(beta):
    random = np.random.default_rng(0)
    place = random.standard_normal((40, 2))
    X = np.array([5e5, 4.6e6]) + 100.0 * place
    y = np.abs(place[:, 0]) + np.maximum(place[:, 1], 0.0)
    y += 0.3 * random.standard_normal(40)
    solution = solve(ConvexProgram(X, y, beta, intercept=True))
    assert solution.status.value == "optimal"


def test_a_path_over_beta_in_raw_columns():
    years, y = 1950.0 + np.arange(25), walk(25, seed=1)
    program = ConvexProgram(years[:, None], y, 1.0, intercept=True)
    for solution in solve_path(program, [1.0, 0.1, 0.01, 0.001]):
        assert solution.status.value == "optimal"


@pytest.mark.slow
def test_a_run_on_noise_free_targets_ends():
    """Pruning dropped what pricing added back, round after round."""
    random = np.random.default_rng(0)
    X = random.normal(size=(40, 2)).round(2)
    y = np.abs(X[:, 0]) + X[:, 1]
    program = ConvexProgram(X, y, 1e-7, intercept=True, standardize=True)
    solution = solve(program)
    assert solution.status.value == "optimal"
    # beta times the least norm that interpolates is just above
    assert solution.objective == pytest.approx(3.7778954e-7, rel=1e-6)


@pytest.mark.parametrize("scale", [1e-200, 1e-100, 1e100, 1e200])
def test_columns_as_large_and_small_as_float64_allows(scale):
    """Never worse than no network, and never a traceback or a warning."""
    X = scale * np.array([[1.0], [2.0], [3.0]])
    program = ConvexProgram(X, [1.0, -1.0, 2.0], 1.0, intercept=True)
    solution = solve(program, time_limit=20)
    assert solution.objective <= 3.0
    assert 0.0 <= solution.lower_bound <= solution.objective
    assert solution.objective < 3.0 or scale in (1e-200, 1e200)
    if scale == 1e-100:  # a slope is no use, and an intercept is worth 1/6
        assert solution.status.value == "optimal"
        assert solution.objective == pytest.approx(3.0 - 1.0 / 6.0, rel=1e-9)
