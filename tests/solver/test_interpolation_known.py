"""Interpolation where the answer is known: obstructions by kind, closed forms."""

import math
import pickle
from fractions import Fraction

import numpy as np
import pytest

from convex_solver.certificates.obstruction import find_obstruction
from convex_solver.errors import NoInterpolationError
from convex_solver.solver.interpolation import interpolate

from reference.interpolation import grid_norm, line_norm

STAR = [[1, 0], [-1, 0], [0, 1], [0, -1], [1, 1], [-1, -1]]


@pytest.mark.parametrize(
    ("X", "y", "rows", "coefficients", "value", "reason"),
    [
        ([[1], [0]], [7, 2], (1,), (1,), 2, "row 1 is zero, but its target is not"),
        (
            [[1, 2], [3, 4], [1, 2]],
            [1, 2, 4],
            (0, 2),
            (1, -1),
            -3,
            "rows 0 and 2 point in one direction, but their targets are not in propor",
        ),
        (
            [[2, 4], [3, 6]],
            [2, 4],
            (0, 1),
            (3, -2),
            -2,
            "rows 0 and 1 point in one direction, but their targets are not in propor",
        ),
        (
            STAR,
            [1, 2, 3, 4, 5, 6],
            (0, 1, 2, 3, 4, 5),
            (-1, 1, -1, 1, 1, -1),
            1,
            "depend on each other (0, 1, 2, 3, 4, 5), but their targets do not",
        ),
    ],
    ids=["zero row", "equal rows", "positive multiples", "opposite pairs"],
)
def test_each_kind_of_obstruction_names_its_rows(
    X, y, rows, coefficients, value, reason
):
    found = find_obstruction(X, y)
    sign = 1 if found.coefficients == coefficients else -1
    assert found.rows == rows
    assert found.coefficients == tuple(sign * c for c in coefficients)
    assert found.value == sign * value
    assert reason in found.reason
    with pytest.raises(
        NoInterpolationError, match="no two-layer ReLU network"
    ) as error:
        interpolate(X, y)
    assert error.value.obstruction == found
    assert reason in str(error.value)


def test_the_error_shows_the_equation_that_fails():
    text = r"\+3 f\(0\) -2 f\(1\) = 0, for the targets it is -2\. Change these rows"
    with pytest.raises(NoInterpolationError, match=text):
        interpolate([[2, 4], [3, 6]], [2, 4])


def test_the_error_survives_pickling():
    with pytest.raises(NoInterpolationError, match="zero") as error:
        interpolate([[0, 0]], [1])
    copy = pickle.loads(pickle.dumps(error.value))
    assert (str(copy), copy.obstruction) == (str(error.value), error.value.obstruction)


@pytest.mark.parametrize(
    ("X", "y"),
    [
        ([[1], [-1]], [5, 7]),
        ([[1, 2], [2, 4], [-1, -2]], [1, 2, 9]),
        (STAR, [1, 2, 3, 4, 5, 7]),
        (STAR[:4], [1, 2, 3, 4]),
        ([[0, 0], [1, 1]], [0, 3]),
    ],
)
def test_coincidences_that_obstruct_nothing(X, y):
    assert find_obstruction(X, y) is None


def test_combinations_of_kinds_are_told_apart():
    # the pair of multiples is in proportion, the three pairs are not
    X = [*STAR, [2, 2]]
    assert find_obstruction(X, [1, 2, 3, 4, 5, 7, 10]) is None
    assert find_obstruction(X, [1, 2, 3, 4, 5, 7, 11]).rows == (4, 6)
    assert find_obstruction(X, [1, 2, 3, 4, 5, 6, 10]).rows == (0, 1, 2, 3, 4, 5)


def test_decimals_and_binary_floats_differ():
    X, y = [[0.1], [0.3]], [1, 3]
    assert find_obstruction(X, y, floats="decimal") is None
    found = find_obstruction(X, y)
    assert found.rows == (0, 1)
    assert found.value == 3 * Fraction(0.1) * Fraction(
        found.coefficients[1], Fraction(0.1)
    ) + Fraction(found.coefficients[0])
    with pytest.raises(NoInterpolationError, match="point in one direction"):
        interpolate(X, y)
    assert interpolate(X, y, floats="decimal").norm == pytest.approx(10)


def test_huge_integers_one_apart():
    big = 2**200
    assert find_obstruction([[big], [1]], [big, 1]) is None
    assert find_obstruction([[big], [1]], [big + 1, 1]).value in (1, -1)
    assert find_obstruction([[big, 1], [big + 1, 1]], [0, 5]) is None


def test_a_value_beyond_floats_can_be_told():
    X, y = [[2.0**1000], [1.0]], [1.0, 2.0**1000]
    with pytest.raises(NoInterpolationError, match=r"it is -?1\.14813e\+602\."):
        interpolate(X, y)


def check(found, norm, tol=1e-6):
    assert found.status.value == "optimal"
    assert found.gap <= tol
    assert found.norm == pytest.approx(norm, rel=tol)
    assert found.lower_bound <= norm * (1 + 1e-9)
    assert found.certificate.upper_bound >= norm * (1 - 1e-9)


@pytest.mark.parametrize("y", [3.0, -3.0, 1e-6, -1e6])
def test_one_row_costs_its_target_by_its_length(y):
    check(interpolate([[3.0, 4.0]], [y]), abs(y) / 5)


def test_orthogonal_rows():
    # same signs: one neuron (1, 1) y / |x|^2; other signs: one neuron each, at most
    check(interpolate(np.eye(2), [3.0, 4.0]), 5)
    check(interpolate(2 * np.eye(2), [3.0, 4.0]), 2.5)
    check(interpolate(np.eye(2), [3.0, -4.0]), 7)
    check(interpolate(np.eye(2), [0.0, -4.0]), 4)
    check(interpolate(np.eye(3), [2.0, 3.0, 6.0]), 7)
    check(interpolate(np.eye(4), [3.0, 4.0, -5.0, -12.0]), 5 + 13)


def test_opposite_rows_need_a_neuron_each():
    check(interpolate([[2.0], [-1.0]], [3.0, 5.0]), 1.5 + 5)
    check(interpolate([[2.0], [-1.0]], [3.0, -5.0]), 1.5 + 5)


def test_the_absolute_value_at_three_points():
    check(interpolate([[-1], [0], [1]], [1, 0, 1], intercept=True), 2)
    # a constant is a neuron (0, 1); as one line through both points (a, b) it is less
    check(interpolate([[-1], [0], [1]], [1, 1, 1], intercept=True), 1)
    check(interpolate([[0], [1]], [0, 1], intercept=True), 1)


def test_kinks_on_a_line():
    rng = np.random.default_rng(5)
    for n in (4, 6, 9):
        x = np.arange(n) - n // 2
        y = rng.integers(-3, 4, n).astype(float)
        found = interpolate(x[:, None], y, intercept=True)
        bound = line_norm(x, y)
        check(found, found.norm)
        assert found.lower_bound <= bound * (1 + 1e-7)
        assert bound <= found.norm * (1 + 2e-4)
        # the total change of slope is a lower bound: each neuron changes it by |w| |a|
        change = np.abs(np.diff(np.diff(y))).sum()
        assert found.norm >= change * (1 - 1e-7)


@pytest.mark.slow
def test_the_grid_of_the_circle_brackets_the_optimum():
    rng = np.random.default_rng(2)
    angles = np.linspace(0, 2 * math.pi, 20001)
    grid = np.column_stack([np.cos(angles), np.sin(angles)])
    for n in (2, 4, 7):
        X, y = rng.standard_normal((n, 2)), rng.standard_normal(n)
        found = interpolate(X, y)
        bound = grid_norm(X, y, grid)
        check(found, found.norm)
        assert found.lower_bound <= bound * (1 + 1e-7)
        assert bound <= found.norm * (1 + 1e-3)


def test_zero_targets_cost_nothing():
    found = interpolate([[1.0, 2.0], [0.0, 0.0], [3.0, -1.0]], [0, 0, 0])
    assert (found.norm, found.lower_bound, found.gap) == (0, 0, 0)
    assert found.status.value == "optimal"
    assert found.network.n_neurons == 0
    assert found.certificate.upper_bound == 0


def test_rows_that_say_the_same_twice_cost_nothing_more():
    X, y = [[1.0, 2.0], [-2.0, 1.0], [0.5, -3.0]], [1.0, -2.0, 0.5]
    norm = interpolate(X, y).norm
    X, y = [*X, X[0], [-4.0, 2.0], [0.0, 0.0]], [*y, y[0], -4.0, 0.0]
    check(interpolate(X, y), norm)
