"""Minimum-norm linear CNNs: closed forms, CVXPY, and proofs of infeasibility."""

from __future__ import annotations

import math

import numpy as np
import pytest

from convex_solver.certificates.status import SolutionStatus
from convex_solver.linear_cnn.linear import LinearCNNProgram, solve_linear_cnn
from convex_solver.linear_cnn.minimum_norm import (
    MinimumNormLinearCNN,
    solve_minimum_norm_cnn,
)

from instances import linear_instance
from reference.cnn_programs import interpolation_optimum


def solved(patches, y):
    return solve_minimum_norm_cnn(MinimumNormLinearCNN(patches, y))


def test_one_patch_is_the_least_norm_solution():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(4, 7)), rng.normal(size=4)
    solution = solved(X[:, None], y)
    assert solution.objective == pytest.approx(
        np.linalg.norm(np.linalg.pinv(X) @ y), rel=1e-12
    )
    assert solution.status is SolutionStatus.OPTIMAL


def test_unit_patches_fix_the_matrix():
    """Every entry of Z is asked for, so the optimum is its nuclear norm."""
    matrix = np.random.default_rng(1).normal(size=(4, 3))
    patches = np.zeros((12, 3, 4))
    for k, a in np.ndindex(3, 4):
        patches[4 * k + a, k, a] = 1.0
    solution = solved(patches, matrix.T.ravel())
    expected = np.linalg.svd(matrix, compute_uv=False).sum()
    assert solution.objective == pytest.approx(expected, rel=1e-12)


def test_completion_of_a_matrix_by_hand():
    """Entries 1, 1 and 2 of a 2 x 2 matrix: rank one with the fourth entry 2."""
    patches = np.zeros((3, 2, 2))
    patches[0, 0, 0] = patches[1, 0, 1] = patches[2, 1, 0] = 1.0
    solution = solved(patches, [1.0, 1.0, 2.0])
    # |Z|_* <= 3 only near (1, 1, 2, .): the least over the free entry t
    t = np.linspace(-1.0, 3.0, 4001)
    matrices = np.stack([[np.full_like(t, 1.0), np.full_like(t, 2.0)], [t**0, t]])
    norms = np.linalg.svd(matrices.transpose(2, 0, 1), compute_uv=False).sum(axis=1)
    assert solution.objective == pytest.approx(norms.min(), rel=1e-6)
    assert solution.objective <= norms.min() * (1.0 + 1e-12)


@pytest.mark.parametrize("outputs", [None, 1, 3])
@pytest.mark.parametrize("n", [3, 8])
def test_cvxpy_agrees(outputs, n):
    patches, y = linear_instance(2, n, 3, 4, outputs)
    solution = solved(patches, y)
    assert solution.objective == pytest.approx(
        interpolation_optimum(patches, y), rel=1e-7
    )
    assert solution.status is SolutionStatus.OPTIMAL
    assert np.allclose(solution.network.predict(patches), y, atol=1e-11)


@pytest.mark.parametrize("outputs", [None, 2])
def test_it_is_the_limit_of_small_decay(outputs):
    patches, y = linear_instance(3, 8, 3, 4, outputs)
    limit = solved(patches, y).objective
    beta = 1e-6
    near = solve_linear_cnn(LinearCNNProgram(patches, y, beta)).objective / beta
    assert near == pytest.approx(limit, rel=1e-4)
    assert near <= limit * (1.0 + 1e-9)


def test_a_zero_sample_with_a_target():
    patches, y = linear_instance(4, 6, 2, 4)
    patches[2] = 0.0
    found = solved(patches, y).certificate
    assert (found.rows, found.coefficients) == ((2,), (-1,))
    assert found.discrepancy == -y[2]


def test_a_repeated_sample_with_another_target():
    patches, y = linear_instance(5, 6, 2, 4)
    patches[4] = patches[1]
    solution = solved(patches, y)
    assert solution.status is SolutionStatus.INFEASIBLE
    assert solution.network is None
    assert (solution.objective, solution.gap) == (math.inf, 0.0)
    assert set(solution.certificate.rows) == {1, 4}
    assert sum(solution.certificate.coefficients) == 0
    assert abs(solution.certificate.discrepancy) == pytest.approx(abs(y[1] - y[4]))


def test_the_same_target_twice_is_no_contradiction():
    patches, y = linear_instance(5, 6, 2, 4)
    once = solved(patches[:5], y[:5])
    patches[5], y[5] = 2.0 * patches[1], 2.0 * y[1]
    twice = solved(patches, y)
    assert twice.status is SolutionStatus.OPTIMAL
    assert twice.objective == pytest.approx(once.objective, rel=1e-11)
    assert len(twice.certificate.redundant) == 1


def test_one_output_in_two_may_be_the_contradiction():
    patches, y = linear_instance(6, 6, 2, 4, 2)
    patches[4], y[4, 0] = patches[1], y[1, 0]
    solution = solved(patches, y)
    assert solution.status is SolutionStatus.INFEASIBLE
    assert solution.certificate.column == 1


def test_more_samples_than_numbers_is_decided_exactly():
    rng = np.random.default_rng(7)
    patches = rng.integers(-3, 4, size=(20, 2, 3)).astype(float)
    weights = rng.integers(-3, 4, size=6)
    y = patches.reshape(20, 6) @ weights
    solution = solved(patches, y)
    assert solution.status is SolutionStatus.OPTIMAL
    assert len(solution.certificate.redundant) == 14
    y[11] = np.nextafter(y[11], 99.0)
    assert solved(patches, y).status is SolutionStatus.INFEASIBLE
