"""Minimum-norm linear CNNs: certified gaps, exact interpolants, local searches."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convex_solver.certificates.dependencies import combination
from convex_solver.certificates.minimum_norm import right_inverse
from convex_solver.certificates.status import SolutionStatus
from convex_solver.linear_cnn.exact_rows import dependent_rows
from convex_solver.linear_cnn.minimum_norm import (
    MinimumNormLinearCNN,
    solve_minimum_norm_cnn,
)

from instances import linear_instance
from reference.cnn_training import interpolation_search


def solved(patches, y):
    return solve_minimum_norm_cnn(MinimumNormLinearCNN(patches, y))


@pytest.mark.slow
@pytest.mark.parametrize("C", [None, 2])
@pytest.mark.parametrize("shape", [(8, 3, 4), (30, 6, 9), (80, 12, 16)], ids=str)
def test_three_sizes_are_certified(shape, C):
    patches, y = linear_instance(0, *shape, C)
    solution = solved(patches, y)
    assert solution.status is SolutionStatus.OPTIMAL
    assert solution.gap <= 1e-9
    net = solution.network
    off = np.linalg.norm(net.predict(patches) - y)
    assert off <= solution.certificate.residual <= 1e-9
    squares = np.sum(net.filters**2) + np.sum(net.outputs**2)
    assert 0.5 * squares == pytest.approx(solution.objective, rel=1e-14)


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 10**6),
    st.integers(2, 8),
    st.integers(1, 4),
    st.integers(1, 5),
    st.sampled_from([None, 2]),
)
def test_feasible_or_proven_not_to_be(seed, n, K, d, C):
    patches, y = linear_instance(seed, n, K, d, C)
    solution = solved(patches, y)
    if n <= K * d:
        assert solution.gap <= 1e-6
    else:
        assert solution.status is SolutionStatus.INFEASIBLE
        pairs = zip(
            solution.certificate.rows, solution.certificate.coefficients, strict=True
        )
        cancelled = [Fraction(0)] * (K * d)
        for i, c in pairs:
            row = patches[i].ravel().tolist()
            cancelled = [
                t + c * Fraction(x) for t, x in zip(cancelled, row, strict=True)
            ]
        assert not any(cancelled)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.integers(1, 8), st.integers(1, 5))
def test_dependent_rows_are_those_beyond_the_rank(seed, n, q):
    """Small integers, where floats find every dependency."""
    matrix = np.random.default_rng(seed).integers(-2, 3, size=(n, q)).astype(float)
    found = dict(dependent_rows(matrix))
    rank = np.linalg.matrix_rank(matrix)
    assert len(found) == n - rank
    for row, proof in found.items():
        assert proof[row] != 0
        assert not any(combination(matrix, proof))
        # by rows that stay
        assert set(proof) & set(found) == {row}
    if right_inverse(matrix).is_proven:
        assert rank == n


def test_scaling_a_sample_changes_nothing():
    patches, y = linear_instance(1, 8, 3, 4)
    base = solved(patches, y)
    size = np.exp2(np.random.default_rng(0).integers(-40, 40, size=8))
    scaled = solved(patches * size[:, None, None], y * size)
    assert scaled.objective == pytest.approx(base.objective, rel=1e-11)
    assert scaled.status is SolutionStatus.OPTIMAL


@pytest.mark.slow
def test_no_local_search_beats_the_optimum():
    close = 0
    for seed in range(20):
        C = [None, 2][seed % 2]
        patches, y = linear_instance(seed, 3 + seed % 4, 2 + seed % 3, 4, C)
        solution = solved(patches, y)
        assert solution.gap <= 1e-9
        best = interpolation_search(patches, y, 50, seed, steps=600)
        assert best.min() >= solution.lower_bound * (1.0 - 1e-12)
        close += best.min() <= 1.01 * solution.objective
    assert close >= 15
