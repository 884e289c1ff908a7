"""The global optimum: against CVXPY, known values, and the bounds themselves."""

import numpy as np
import pytest

from arrangement import count_patterns
from convex_solver import (
    ConvexProgram,
    InputError,
    InputTypeError,
    ProgramTooLargeError,
    SolutionStatus,
    build_conic,
    iter_blocks,
    solve,
    to_cvxpy,
)

FIVE = [[-2, 1], [-1, 1], [0, 1], [1, 1], [2, 1]]
FIVE_Y = [1, -1, 1, 1, -1]


def planted(n, r, seed=0):
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.standard_normal((n, r - 1)), np.ones(n)])
    hidden = np.maximum(X @ rng.standard_normal((r, 3)), 0)
    return X, hidden @ rng.standard_normal(3) + 0.3 * rng.standard_normal(n)


def labels(y):
    return np.where(y > np.median(y), 1, -1)


def test_the_five_points_have_their_known_optimum():
    solution = solve(ConvexProgram(FIVE, FIVE_Y, 1e-4))
    assert solution.objective == pytest.approx(0.0010128, abs=5e-8)
    assert solution.status is SolutionStatus.OPTIMAL
    assert solution.gap < 1e-8


@pytest.mark.parametrize("beta", [0.1, 1e-3])
@pytest.mark.parametrize(("n", "r"), [(20, 3), (20, 4), (50, 3)])
def test_certified_to_a_millionth_on_gaussian_data(n, r, beta):
    X, y = planted(n, r)
    solution = solve(ConvexProgram(X, y, beta))
    assert solution.n_chambers == count_patterns(X)
    assert solution.status is SolutionStatus.OPTIMAL
    assert solution.objective <= solution.lower_bound * (1 + 1e-6)
    assert solution.lower_bound <= solution.network.objective(X, y, beta)


@pytest.mark.parametrize("loss", ["squared", "hinge", "logistic"])
def test_the_paper_s_formula_in_cvxpy_agrees(loss):
    X, y = planted(9, 3, seed=4)
    y = y if loss == "squared" else labels(y)
    program = ConvexProgram(X, y, 0.05, loss=loss)
    solution = solve(program)
    value = to_cvxpy(program, cones="rows").solve(solver="CLARABEL")
    assert solution.status is SolutionStatus.OPTIMAL
    assert solution.objective == pytest.approx(value, rel=1e-6)
    assert solution.lower_bound <= value * (1 + 1e-7)


def test_cvxpy_with_all_rows_agrees_at_twenty_rows_and_facets_are_four_times_fewer():
    X, y = planted(20, 3)
    program = ConvexProgram(X, y, 0.1)
    solution = solve(program)
    rows = to_cvxpy(program, cones="rows")
    assert rows.solve(solver="CLARABEL") == pytest.approx(solution.objective, rel=1e-6)
    n_rows = 2 * 20 * solution.n_chambers
    assert n_rows >= 4 * build_conic(program).n_cone_rows


@pytest.mark.parametrize("loss", ["squared", "hinge", "logistic"])
def test_degenerate_data_are_certified_or_say_not(loss):
    X = [[1, 0, 1], [1, 0, 1], [0, 0, 0], [-2, 0, -2], [0, 1, 1], [1, 1, 2], [3, 1, 4]]
    y = [1, -1, 1, -1, 1, 1, -1]
    solution = solve(ConvexProgram(X, y, 0.1, loss=loss))
    assert solution.gap >= 0
    assert solution.status is SolutionStatus.OPTIMAL
    assert solution.network.weights.shape[1] == 3


def test_heavy_decay_gives_the_zero_network():
    X, y = planted(12, 2)
    solution = solve(ConvexProgram(X, y, 1e4))
    assert solution.network.n_neurons == 0
    assert solution.objective == pytest.approx(0.5 * y @ y)
    assert solution.gap < 1e-12


def test_zero_targets_cost_nothing():
    solution = solve(ConvexProgram(FIVE, [0] * 5, 0.1))
    assert solution.objective == 0.0
    assert solution.gap == 0.0


def test_standardising_keeps_the_patterns_and_the_raw_prediction():
    X, y = planted(15, 3, seed=2)
    raw = 100 + 7 * X[:, :2]
    program = ConvexProgram(raw, y, 0.1, standardize=True, intercept=True)
    plain = count_patterns(np.column_stack([raw, np.ones(15)]))
    solution = solve(program)
    assert solution.n_chambers == plain
    assert solution.status is SolutionStatus.OPTIMAL
    fit = solution.network.predict(raw)
    assert 0.5 * np.sum((fit - y) ** 2) < solution.objective
    assert solution.network.objective(raw, y, 0.1) == pytest.approx(solution.objective)


def test_no_better_network_is_found_by_perturbing_the_optimum():
    X, y = planted(10, 2, seed=6)
    solution = solve(ConvexProgram(X, y, 0.1))
    net = solution.network
    rng = np.random.default_rng(0)
    for size in 10.0 ** -np.arange(1, 7):
        for _ in range(50):
            other = net.replace(
                net.weights + size * rng.standard_normal(net.weights.shape),
                net.alphas + size * rng.standard_normal(net.alphas.shape),
            )
            assert other.objective(X, y, 0.1) >= solution.lower_bound


def test_blocks_are_the_chambers_with_facets_that_describe_their_cones():
    X, y = planted(14, 3)
    blocks = list(iter_blocks(ConvexProgram(X, y, 0.1), block_size=10))
    assert [len(b.patterns) for b in blocks[:-1]] == [10] * (len(blocks) - 1)
    assert sum(len(b.patterns) for b in blocks) == count_patterns(X)
    for block in blocks[:3]:
        for bits, facets, rays in zip(
            block.patterns, block.facets, block.patterns.rays(), strict=True
        ):
            sides = np.where(bits, 1, -1)
            products = np.array(rays, dtype=float) @ (sides[:, None] * X).T
            # every facet holds at least r - 1 rays, no ray is outside
            scale = np.abs(products).max(axis=1, keepdims=True)
            assert (products >= -1e-9 * scale).all()
            assert ((np.abs(products) <= 1e-9 * scale)[:, facets].sum(0) >= 2).all()


def test_a_program_that_is_too_large_is_refused_with_its_size():
    X = np.random.default_rng(0).integers(-99, 100, (300, 3))
    with pytest.raises(ProgramTooLargeError, match=r"89,\d{3} chambers"):
        solve(ConvexProgram(X, np.zeros(300), 0.1))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"beta": -1}, InputError, "finite number above 0"),
        ({"beta": 0}, InputError, "finite number above 0"),
        ({"beta": float("nan")}, InputError, "finite number above 0"),
        ({"beta": float("inf")}, InputError, "finite number above 0"),
        ({"beta": "1"}, InputTypeError, "finite number above 0"),
        ({"y": [1, 2]}, InputError, "length 2; expected 5"),
        ({"y": [1, 2, 3, 4, float("nan")]}, InputError, "finite"),
        ({"X": [[1, 2], [3]]}, InputError, "ragged"),
        ({"X": np.zeros((0, 2)), "y": []}, InputError, "at least one row"),
        ({"X": np.zeros((5, 0))}, InputError, "at least one row and one column"),
        ({"X": np.zeros(5)}, InputError, "shape"),
        ({"X": np.zeros((5, 2), dtype=complex)}, InputTypeError, "complex"),
        ({"loss": "absolute"}, InputError, "unknown"),
        ({"loss": "hinge", "y": [0, 1, 0, 1, 1]}, InputError, "labels -1 and"),
        ({"loss": "logistic", "y": [2, 1, -1, 1, 1]}, InputError, "labels -1 and"),
    ],
)
def test_bad_input_is_refused_with_what_is_required(change, error, message):
    given = {"X": FIVE, "y": FIVE_Y, "beta": 0.1, "loss": "squared"} | change
    with pytest.raises(error, match=message):
        ConvexProgram(given["X"], given["y"], given["beta"], loss=given["loss"])
