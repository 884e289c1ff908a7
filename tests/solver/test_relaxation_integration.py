"""The relaxed program: below every network, for every loss, in any dimension."""

import time

import numpy as np
import pytest

from convex_solver import ConvexProgram, SolutionStatus, certify, solve
from convex_solver.leaves import Leaf
from convex_solver.losses.loss import LOSSES
from convex_solver.solver import RelaxedProgram, relaxed_certificate

from instances import planted, planted_program, searchable


def certificate(program, network, tol=1e-6):
    found = RelaxedProgram(program).solve(tol)
    return relaxed_certificate(program, network, found, np.inf)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("k", range(6))
def test_it_is_below_the_optimum_and_not_far(loss, k):
    X, y, beta = searchable(loss, k)
    program = ConvexProgram(X, y, beta, loss=loss)
    if program.rank < 2:
        return
    solution = solve(program, tol=1e-8)
    found = RelaxedProgram(program).solve(1e-7)
    assert found.estimate <= found.value * (1 + 1e-9)
    assert found.value - found.estimate <= 1e-2 * found.value
    # its optimum is below that of the program, and so is what is proven from it
    assert found.estimate <= solution.objective * (1 + 1e-9)
    proven = certificate(program, solution.network)
    assert proven.lower_bound <= solution.objective * (1 + 1e-12)
    assert proven.lower_bound == pytest.approx(found.estimate, rel=1e-3, abs=1e-9)
    assert proven.lower_bound > 0.1 * solution.lower_bound


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES)
def test_the_estimate_of_the_dual_point_is_what_is_proven(loss):
    program = planted_program(loss, 40, 9, beta=2.0)
    network = program.network(np.zeros((0, program.d)), np.zeros(0))
    found = RelaxedProgram(program).solve(1e-7)
    proven = relaxed_certificate(program, network, found, np.inf)
    assert proven.lower_bound == pytest.approx(found.estimate, rel=1e-4)
    again = certify(
        network, program.X, program.data.y, program.beta, loss=loss, dual=found.v,
        method="relaxation",
    )  # fmt: skip
    assert again.lower_bound == pytest.approx(proven.lower_bound, rel=1e-2)


@pytest.mark.slow
def test_samples_without_rows_weights_and_patches():
    X, y = planted(20, 3)
    X[[3, 11]] = 0.0
    weights = np.linspace(0.5, 2.0, 20)
    program = ConvexProgram(X, y, 0.2, sample_weight=weights)
    solution = solve(program)
    proven = certificate(program, solution.network)
    assert 0.9 * solution.objective < proven.lower_bound <= solution.objective
    P = np.random.default_rng(0).normal(size=(15, 2, 3))
    P[4] = 0.0
    P[6, 1] = 0.0
    patched = ConvexProgram(P, y[:15], 0.2)
    solution = solve(patched)
    proven = certificate(patched, solution.network)
    assert 0.5 * solution.objective < proven.lower_bound <= solution.objective


@pytest.mark.slow
@pytest.mark.parametrize("size", [1e-6, 1e6])
def test_the_scale_of_the_data_does_not_matter(size):
    X, y = planted(30, 5)
    values = [
        RelaxedProgram(ConvexProgram(X * a, y * b, beta)).solve(1e-7).estimate
        for a, b, beta in ((1, 1, 0.5), (size, 1, 0.5 * size), (1, size, 0.5 * size))
    ]
    assert values[1] == pytest.approx(values[0], rel=1e-5)
    assert values[2] == pytest.approx(values[0] * size**2, rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("r", [7, 12])
def test_high_rank_has_a_gap_that_is_certified(r):
    program = planted_program("squared", 60, r, beta=6.0)
    solution = solve(program, time_limit=5.0)
    assert solution.status in (SolutionStatus.OPTIMAL, SolutionStatus.INACCURATE)
    assert 0.0 <= solution.gap < 0.6
    assert solution.lower_bound == solution.certificate.lower_bound
    assert "quadratic form" in solution.certificate.proof or r == 7


def test_no_time_is_no_reason_for_a_false_bound():
    program = planted_program("squared", 80, 14)
    begin = time.monotonic()
    found = RelaxedProgram(program).solve(1e-9, deadline=begin)
    late = relaxed_certificate(
        program, solve(program, time_limit=0.1).network, found, begin
    )
    assert 0.0 <= late.lower_bound <= late.upper_bound


@pytest.mark.slow
def test_zero_targets_and_heavy_decay():
    X, y = planted(20, 9)
    for target, beta in ((np.zeros(20), 0.1), (y, 1e6)):
        solution = solve(ConvexProgram(X, target, beta), time_limit=10.0)
        assert solution.network.n_neurons == 0
        assert solution.gap <= 1e-6


@pytest.mark.slow
def test_more_columns_than_moments_are_sought_for():
    random = np.random.default_rng(0)
    # small integers: to read 80 columns of floats exactly takes a minute
    X = np.rint(random.normal(size=(90, 80)))
    program = ConvexProgram(X, random.normal(size=90), 2.0)
    assert not RelaxedProgram.takes(program)
    solution = solve(program, time_limit=2.0)
    assert 0.0 <= solution.lower_bound <= solution.objective
    assert 0.0 < solution.gap <= 1.0


@pytest.mark.slow
def test_time_that_no_halving_fits_in_goes_to_the_last_program(monkeypatch):
    program = planted_program("squared", 60, 7, beta=6.0)
    upper = solve(program, time_limit=1.0).objective
    relaxed, asked = RelaxedProgram(program), []
    relaxed.finish(upper, 1e-6, np.inf, print)
    assert relaxed.best is None

    def no_time(run, deadline):
        asked.append(run.best)

    monkeypatch.setattr(relaxed, "_halve_in", no_time)
    rough = relaxed.refine(upper, 1e-6, np.inf)
    relaxed.finish(upper, 1e-6, np.inf, print)
    found = relaxed.best
    # of the gap to the network, the first leaves a share to the program itself
    assert upper - rough.value > 1e-3 * upper
    assert rough.value - rough.estimate > 1e-4 * upper
    assert found.value - found.estimate <= 1e-6 * upper
    assert rough.estimate < found.estimate <= rough.value
    assert asked == [rough.estimate, found.estimate]
    # there is only one end
    relaxed.finish(upper, 1e-6, np.inf, print)
    assert relaxed.best is found


def cuts_of(X, mean, second, leaf=None):
    """Return how a leaf with these moments is cut, all rows open alike."""
    relaxed = RelaxedProgram(ConvexProgram(X, np.ones(len(X)), 1.0))
    basis = relaxed.basis
    leaf = leaf or Leaf.whole(len(basis))
    cuts = relaxed.halving.cuts(
        leaf, basis @ mean, basis @ second @ basis.T, np.ones(len(relaxed.X))
    )
    return relaxed, [(normal @ basis, threshold) for normal, threshold in cuts]


def test_spread_moments_are_cut_across_the_rows_that_are_open():
    # the widest variance is along the first axis, in which no row lies
    X = np.random.default_rng(0).normal(size=(40, 3)) * [1e-3, 1.0, 1e-3]
    mean = np.array([0.1, 0.2, 0.3])
    second = np.multiply.outer(mean, mean) + np.diag([0.6, 0.2, 0.06])
    _, cuts = cuts_of(X, mean, second)
    assert abs(cuts[0][0][1]) > 0.999
    assert cuts[0][1] == pytest.approx(cuts[0][0] @ mean)
    assert abs(cuts[1][0][0]) > 0.999


def test_moments_of_one_group_are_capped_once():
    X = np.random.default_rng(1).normal(size=(40, 3))
    mean = np.array([0.6, 0.72, 0.2])
    variance = 1.0 - mean @ mean
    second = np.multiply.outer(mean, mean) + variance * np.diag([0.5, 0.3, 0.2])
    relaxed, cuts = cuts_of(X, mean, second)
    axis, edge = cuts[0]
    assert axis == pytest.approx(mean / np.linalg.norm(mean))
    assert 0.8 < edge < np.linalg.norm(mean)
    # what is left of the cap beyond it, and what is inside
    below, above = Leaf.whole(3).halves(relaxed.basis @ axis, edge)
    assert abs(cuts_of(X, mean, second, above)[1][0][0] @ axis) < 0.99
    assert cuts_of(X, mean, second, below)[1][0][0] @ axis > 0.99


@pytest.mark.parametrize("length", [0.0, 0.5, 1.0])
def test_moments_without_spread_or_mean_and_tiny_rows_are_cut(length):
    X = np.random.default_rng(2).normal(size=(20, 4))
    X[3], X[5] = 1e-200 * X[3], 5e-324
    mean = length * np.eye(4)[0]
    rest = (1.0 - length**2) / 3.0 * np.diag([0.0, 1.0, 1.0, 1.0])
    _, cuts = cuts_of(X, mean, np.multiply.outer(mean, mean) + rest)
    for normal, threshold in cuts:
        assert np.linalg.norm(normal) == pytest.approx(1.0)
        assert abs(threshold) <= 1.0


@pytest.mark.slow
def test_a_tiny_row_does_not_end_the_halving():
    X, y = planted(60, 8)
    X[3] *= 1e-200
    program = ConvexProgram(X, y, 0.5)
    relaxed = RelaxedProgram(program)
    root = relaxed.solve(1e-6)
    found = relaxed.refine(1.01 * root.value, 1e-9, np.inf, most=6)
    assert len(found.hints) > 2
    assert found.estimate > root.estimate * (1 - 1e-3)
