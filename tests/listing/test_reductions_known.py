"""The worked examples of `fold` along the tree, against brute force."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest

from arrangement import enumerate_patterns
from arrangement.model.patterns import unpack

from reference import families
from reference.brute_force import chambers
from reference.reductions import most_balanced, nearest_sum, tukey_depth, zero_one_loss


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_the_most_balanced_split(seed):
    rng = np.random.default_rng(seed)
    for X in (rng.integers(-4, 5, size=(14, 3)), rng.normal(size=(70, 3))):
        weights = rng.integers(1, 100, size=len(X))
        difference, pattern, point = most_balanced(X, weights)
        bits = enumerate_patterns(X).to_bool()
        assert difference == np.abs((2 * bits - 1) @ weights).min()
        split = unpack(pattern[None], len(X))[0]
        assert abs(int((2 * split - 1) @ weights)) == difference
        assert np.array_equal(X @ point >= 0, split)


def test_a_threshold_function_that_is_as_often_true_as_false():
    # such as the sign of one input
    for n in (2, 3):
        X = families.threshold(n, low=-1)
        assert most_balanced(X, np.ones(len(X)))[0] == 0


def test_sums_over_an_affine_arrangement():
    rng = np.random.default_rng(4)
    X, b = rng.integers(-3, 4, size=(9, 2)), rng.integers(-3, 4, size=9)
    values = rng.integers(-50, 51, size=9)
    least, _, point = nearest_sum(X, values, 7, offsets=b)
    assert least == min(abs(int(np.dot(p, values)) - 7) for p in chambers(X, b))
    assert point[-1] > 0
    bits = [Fraction(v) >= 0 for v in X @ point[:-1] - b * point[-1]]
    assert abs(int(np.dot(bits, values)) - 7) == least


def depth_by_definition(points, z):
    """Fewest points in a closed half-plane with z on its boundary, by all directions.

    The count changes only at normals of a point; between two of them any will do.
    """
    rows = [
        tuple(Fraction(x) - Fraction(c) for x, c in zip(p, z, strict=True))
        for p in points
    ]
    normals = {(s * y, -s * x) for x, y in rows for s in (1, -1) if (x, y) != (0, 0)}
    tries = [
        (a[0] + b[0], a[1] + b[1]) for a, b in itertools.product(normals, repeat=2)
    ]
    tries += [
        (10**9 * a[0] + s * a[1], 10**9 * a[1] - s * a[0])
        for a in normals
        for s in (1, -1)
    ]
    counts = [sum(x * u + y * v >= 0 for x, y in rows) for u, v in tries if u or v]
    return min(counts, default=len(rows))


@pytest.mark.parametrize("seed", range(4))
def test_tukey_depth_with_ties(seed):
    rng = np.random.default_rng(seed)
    points = rng.integers(-3, 4, size=(15, 2))  # many repeated and collinear
    for z in [points[0], points.mean(axis=0), np.array([9, 9]), np.array([0.1, 0.2])]:
        assert tukey_depth(points, z) == depth_by_definition(
            points.tolist(), z.tolist()
        )


def test_tukey_depth_of_known_points():
    # the centre of a cube's corners: half of them; a corner: itself; outside: none
    cube = np.array(list(itertools.product((0, 1), repeat=3)))
    assert tukey_depth(cube, [0.5, 0.5, 0.5]) == 4
    assert tukey_depth(cube, [0, 0, 0]) == 1
    assert tukey_depth(cube, [2, 0, 0]) == 0
    assert tukey_depth(cube, [0, 0, 0.5]) == 1
    # all points equal, or on a line
    assert tukey_depth([[1, 2]] * 5, [1, 2]) == 5
    assert tukey_depth([[k, 2 * k] for k in range(7)], [3, 6]) == 4
    # the Tukey median of a simplex with its centre
    simplex = np.array([[0, 0], [4, 0], [0, 4], [1, 1]])
    assert tukey_depth(simplex, [1, 1]) == 2


@pytest.mark.parametrize("seed", range(4))
def test_the_exact_zero_one_loss_with_ties(seed):
    rng = np.random.default_rng(seed)
    points = rng.integers(-2, 3, size=(13, 2))  # repeated points, other labels
    labels = rng.integers(0, 2, size=13)
    errors, weights = zero_one_loss(points, labels)
    X = np.column_stack([points, np.ones(13, dtype=int)])
    assert errors == min(int((np.array(p) != labels).sum()) for p in chambers(X))
    assert int(((X @ weights >= 0) != labels).sum()) == errors
    # no weights, however special, do better: all of a grid, boundaries included
    grid = np.array(list(itertools.product(range(-4, 5), repeat=3)))
    assert errors <= ((X @ grid.T >= 0) != labels[:, None]).sum(axis=0).min()


@pytest.mark.slow
def test_zero_one_loss_of_extreme_labels():
    points = np.random.default_rng(0).normal(size=(20, 2))
    assert zero_one_loss(points, np.ones(20))[0] == 0
    assert zero_one_loss(points, np.zeros(20))[0] == 0
    errors, weights = zero_one_loss(points, points @ [1.0, -2.0] > 0.1)
    assert errors == 0
    assert weights.shape == (3,)


def test_iris_petals_cannot_be_told_apart_with_fewer_than_three_errors(data_folder):
    # versicolor against virginica by petal length and width
    with np.load(data_folder / "iris.npz", allow_pickle=False) as data:
        X, y = data["X"], data["y"]
    kept = y > 0
    errors, weights = zero_one_loss(X[kept][:, 2:], y[kept] == 2, floats="decimal")
    assert errors == 3
    shown = np.column_stack([X[kept][:, 2:], np.ones(100)])
    assert int(((shown @ weights >= 0) != (y[kept] == 2)).sum()) == errors
