"""Minimum-norm linear CNNs: bad claims are refused, near-dependence is admitted."""

from __future__ import annotations

import math

import numpy as np
import pytest

from arrangement.errors import InputError, InputTypeError
from convex_solver.certificates.dependencies import Redundancy, certify_infeasible_cnn
from convex_solver.certificates.minimum_norm import (
    certify_minimum_norm_cnn,
    right_inverse,
)
from convex_solver.certificates.status import SolutionStatus
from convex_solver.linear_cnn import minimum_norm as minimum_norm_cnn
from convex_solver.linear_cnn.minimum_norm import (
    MinimumNormLinearCNN,
    solve_minimum_norm_cnn,
)
from convex_solver.networks.linear import LinearCNN

from instances import linear_instance

P = np.array([[[1.0, 0.0]], [[0.0, 1.0]], [[1.0, 1.0]], [[2.0, 2.0]]])
Y = np.array([1.0, 2.0, 3.0, 6.0])
NET = LinearCNN([[1.0, 2.0]], [[1.0]])


def test_bad_data():
    with pytest.raises(InputError, match="set of patches is empty"):
        MinimumNormLinearCNN(np.zeros((3, 0, 2)), [1.0, 2.0, 3.0])
    with pytest.raises(InputError, match="y is constant"):
        MinimumNormLinearCNN(P, np.ones(4))
    with pytest.raises(InputError, match="tol="):
        solve_minimum_norm_cnn(MinimumNormLinearCNN(P, Y), tol=-1.0)


def test_proofs_of_infeasibility_are_checked():
    y = [1.0, 2.0, 4.0, 6.0]
    found = certify_infeasible_cnn(P, y, [0, 1, 2], [1, 1, -1])
    assert (found.column, found.discrepancy) == (0, -1.0)
    with pytest.raises(InputError, match="combination of patches is not zero"):
        certify_infeasible_cnn(P, y, [0, 1, 2], [1, 1, -2])
    with pytest.raises(InputError, match="combination of targets is zero"):
        certify_infeasible_cnn(P, Y, [0, 1, 2], [1, 1, -1])
    for bad in ([1.9, 1, -1], [1, 1, "-1"]):  # not truncated to a claim that holds
        with pytest.raises(InputTypeError, match="expected integers"):
            certify_infeasible_cnn(P, y, [0, 1, 2], bad)
    for rows, coefficients in (([0], [1, 2]), ([0, 0], [1, -1]), ([9], [1])):
        with pytest.raises(InputError, match="different rows from 0 to 3"):
            certify_infeasible_cnn(P, y, rows, coefficients)


def test_claims_of_redundancy_are_checked():
    good = (Redundancy(2, (2, 0, 1), (-1, 1, 1)), Redundancy(3, (3, 0, 1), (-1, 2, 2)))
    dual = [0.4, 0.8, 0.0, 0.0]
    found = certify_minimum_norm_cnn(NET, P, Y, dual=dual, redundant=good)
    # least |z| with z = (1, 2): |u|^2 / 2 + |w|^2 / 2 is 3 unbalanced, sqrt(5) balanced
    assert found.upper_bound == pytest.approx(3.0, rel=1e-12)
    assert found.lower_bound == pytest.approx(math.sqrt(5.0), rel=1e-12)
    assert found.status(1e-6) is SolutionStatus.INACCURATE
    assert found.status(0.3) is SolutionStatus.OPTIMAL
    wrong = [
        (Redundancy(2, (2, 0, 1), (-1, 1, 2)), "sample 2 does not follow"),
        (Redundancy(2, (2, 0), (-1, 3)), "sample 2 does not follow"),
        (Redundancy(2, (0, 1), (0, 0)), "sample 2 is left out without a proof"),
        (Redundancy(2, (2, 0, 1), (0, 0, 0)), "sample 2 is left out without a proof"),
    ]
    for claim, message in wrong:
        with pytest.raises(InputError, match=message):
            certify_minimum_norm_cnn(NET, P, Y, dual=dual, redundant=[claim])
    # two samples may not prove each other away
    circle = (Redundancy(2, (2, 3), (2, -1)), Redundancy(3, (3, 2), (1, -2)))
    with pytest.raises(InputError, match="sample 3 is left out without a proof"):
        certify_minimum_norm_cnn(NET, P, Y, dual=dual, redundant=circle)
    target = np.array([1.0, 2.0, 3.5, 6.0])
    with pytest.raises(InputError, match="sample 2 does not follow"):
        certify_minimum_norm_cnn(NET, P, target, dual=dual, redundant=good[:1])
    with pytest.raises(InputError, match=r"dual has shape \(3,\); expected \(4,\)"):
        certify_minimum_norm_cnn(NET, P, Y, dual=dual[:3])


def test_without_the_proof_of_independence_there_is_no_upper_bound():
    found = certify_minimum_norm_cnn(NET, P, Y, dual=[0.4, 0.8, 0.0, 0.0])
    assert found.upper_bound == math.inf
    assert found.gap == math.inf
    assert found.lower_bound == pytest.approx(math.sqrt(5.0), rel=1e-12)


def test_a_network_that_misses_pays_for_the_correction():
    """Off by 1e-3 at one sample: an exact network is near, and the bound has room."""
    patches, y = P[:2], Y[:2]
    near = LinearCNN([[1.0, 2.001]], [[1.0]])
    found = certify_minimum_norm_cnn(near, patches, y, dual=[0.4, 0.8])
    assert found.residual == pytest.approx(1e-3, rel=1e-9)
    assert found.upper_bound >= near.decay() + 1e-3
    assert found.upper_bound <= near.decay() + 2e-3


def test_the_correction_may_have_full_rank():
    """The identity, missed by 1e-3 of itself: its norm is 2, and no bound is below."""
    patches = np.zeros((4, 2, 2))
    for k, a in np.ndindex(2, 2):
        patches[2 * k + a, k, a] = 1.0
    y = np.array([1.0, 0.0, 0.0, 1.0])
    half = np.sqrt(1.0 - 1e-3) * np.eye(2)
    found = certify_minimum_norm_cnn(LinearCNN(half, half), patches, y, dual=y)
    assert found.lower_bound == pytest.approx(2.0, rel=1e-12)
    assert 2.0 <= found.upper_bound <= 2.0 + 1e-9


@pytest.mark.parametrize(
    "A",
    [
        np.zeros((1, 3)),
        np.ones((2, 2)),
        np.array([[1.0, 0.0], [1.0, 1e-17]]),
        np.array([[1.0, 5e-324], [0.0, 1.0]]) * [[1e200], [1.0]],
    ],
)
def test_independence_is_not_claimed_lightly(A):
    assert not right_inverse(A).is_proven
    assert right_inverse(np.eye(2)).is_proven


@pytest.mark.parametrize("size", [1e-7, 1e-10, 1e-14])
def test_samples_that_nearly_repeat_are_honest(size):
    """Feasible, with huge weights; the gap says how well they are known."""
    patches, y = linear_instance(0, 8, 3, 4)
    noise = np.random.default_rng(99).normal(size=(3, 4))
    patches[5] = patches[2] + size * noise
    solution = solve_minimum_norm_cnn(MinimumNormLinearCNN(patches, y))
    found = solution.certificate
    assert solution.status is found.status(solution.tol)
    assert found.lower_bound <= solution.objective * (1.0 + 1e-6)
    if size >= 1e-10:
        assert found.lower_bound > 0.01 / size
    if size == 1e-7:
        assert found.gap < 1e-5


def test_samples_that_nearly_repeat_and_outnumber_the_entries():
    rng = np.random.default_rng(1)
    patches = rng.normal(size=(9, 1, 3))
    patches[3:] = patches[2] * (1.0 + 1e-13 * rng.normal(size=(6, 1, 3)))
    solution = solve_minimum_norm_cnn(MinimumNormLinearCNN(patches, rng.normal(size=9)))
    assert solution.status is SolutionStatus.INFEASIBLE


def test_samples_that_are_all_nearly_equal():
    """Rank one to floats and two exactly: the third sample depends on two others."""
    rng = np.random.default_rng(2)
    patches = rng.normal(size=(1, 1, 2)) * (1.0 + 1e-13 * rng.normal(size=(4, 1, 2)))
    program = MinimumNormLinearCNN(patches, rng.normal(size=4))
    solution = solve_minimum_norm_cnn(program)
    assert solution.status is SolutionStatus.INFEASIBLE
    assert len(solution.certificate.rows) == 3


def test_dependence_that_floats_cannot_find_is_an_error(monkeypatch):
    monkeypatch.setattr(minimum_norm_cnn, "dependent_rows", lambda *_: iter(()))
    with pytest.raises(InputError, match=r"4 samples of 2 numbers.*not decided"):
        solve_minimum_norm_cnn(MinimumNormLinearCNN(P, Y))
