"""Principal axes of columns of very unlike sizes, against exact sums."""

from fractions import Fraction

import numpy as np
import pytest

from convex_solver import ConvexProgram
from convex_solver.program import column_sizes, rotated


def exact_product(X, basis):
    rows = [[Fraction(float(x)) for x in row] for row in X]
    columns = [[Fraction(float(x)) for x in column] for column in basis.T]
    return [
        [sum(a * b for a, b in zip(row, column, strict=True)) for column in columns]
        for row in rows
    ]


@pytest.mark.parametrize("ratio", [1.0, 1e3, 1e5, 1e7])
def test_rotated_columns_are_right_to_the_last_digit_but_one(ratio):
    random = np.random.default_rng(0)
    X = np.c_[ratio + random.standard_normal((20, 2)), np.ones(20)]
    _, _, vt = np.linalg.svd(X, full_matrices=False)
    found = rotated(X, vt.T)
    errors = [
        abs(Fraction(float(a)) - b) / abs(b)
        for row, wanted in zip(found, exact_product(X, vt.T), strict=True)
        for a, b in zip(row, wanted, strict=True)
    ]
    assert max(errors) < 2**-50
    if ratio > 1e4:  # which a product in float64 is not
        plain = (X @ vt.T)[:, 2]
        assert np.abs(plain / found[:, 2] - 1).max() > 1e-10


def test_numbers_whose_products_overflow_are_rotated_in_float64():
    X = np.array([[1e200, 1.0], [0.0, 1e-200]])
    basis = np.eye(2)
    assert (rotated(X, basis) == X).all()


def test_principal_axes_keep_norms_and_order_their_columns():
    random = np.random.default_rng(1)
    X = 1e5 + random.standard_normal((30, 3))
    program = ConvexProgram(X, random.standard_normal(30), 1.0, intercept=True)
    XV, V = program.principal()
    assert np.allclose(V.T @ V, np.eye(4), atol=1e-14)
    sizes = np.linalg.norm(XV, axis=0)
    assert (np.diff(sizes) < 0).all()
    Z = XV / sizes
    assert np.allclose(Z.T @ Z, np.eye(4), atol=1e-3)


def test_sizes_of_columns_are_powers_of_two_near_the_root_mean_square():
    random = np.random.default_rng(2)
    X = random.standard_normal((50, 4)) * [1e-3, 1.0, 1e5, 1e9]
    X[:, 1] = 0.0
    sizes = column_sizes(X)
    mantissas, _ = np.frexp(sizes)
    assert (mantissas == 0.5).all()
    assert sizes[:2].tolist() == [1.0, 1.0]
    lengths = np.linalg.norm(X, axis=0)
    ratios = lengths[2:] / lengths[0] / sizes[2:]
    assert ((ratios >= 0.5) & (ratios <= 2.0)).all()


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_sizes_are_relative(scale):
    X = np.random.default_rng(3).standard_normal((20, 3)) * [1.0, 16.0, 1.0]
    assert column_sizes(scale * X).tolist() == column_sizes(X).tolist()
    assert column_sizes(np.zeros((0, 2))).tolist() == [1.0, 1.0]
    assert column_sizes(np.zeros((5, 2))).tolist() == [1.0, 1.0]
    assert column_sizes(np.array([[1.0, 1e-20]])).tolist() == [1.0, 1.0]
