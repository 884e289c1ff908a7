"""Neurons that move before the rounds: the same optimum, and when they do not."""

import numpy as np
import pytest

from convex_solver import ConvexProgram, solve
from convex_solver.solver import sliding
from convex_solver.solver.column_generation import ColumnGeneration
from convex_solver.solver.sliding import slide_first, slides_first

from instances import planted, planted_program
from reference.losses import SPECS

KINKED = ("absolute", "quantile:0.3", "hinge", "epsilon_insensitive:0.2")


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("share", [0.3, 0.03])
def test_the_optimum_is_the_one_over_chambers(spec, share, monkeypatch):
    program = planted_program(spec, 60, 3, beta=1.0)
    largest = ColumnGeneration(program, 1e-6).prices.maxima.largest
    program = program.with_beta(share * largest)
    monkeypatch.setattr(sliding, "FEWEST", 10**9)
    monkeypatch.setattr(sliding, "WITH_KINKS", 10**9)
    assert not slides_first(program)
    expected = solve(program, method="column-generation", tol=1e-8)
    monkeypatch.setattr(sliding, "FEWEST", 1)
    monkeypatch.setattr(sliding, "WITH_KINKS", 1)
    assert slides_first(program)
    found = solve(program, method="column-generation", tol=1e-8)
    assert found.status.value == expected.status.value == "optimal"
    assert found.objective == pytest.approx(expected.objective, rel=2e-8)
    assert found.lower_bound <= expected.objective


@pytest.mark.slow
@pytest.mark.parametrize("spec", ["squared", "logistic"])
def test_many_samples_need_no_chambers(spec):
    program = planted_program(spec, 3000, 3, beta=1.0)
    largest = ColumnGeneration(program, 1e-6).prices.maxima.largest
    run = ColumnGeneration(program.with_beta(0.05 * largest), 1e-4)
    assert slide_first(run, 10**5)
    assert run.gap <= 1e-4
    rounds = [latest.upper for latest in run.history]
    assert rounds == sorted(rounds, reverse=True)
    assert all(r.n_blocks >= r.added for r in run.history)
    # the dual point that is kept is the one whose prices are
    assert run.estimate == run.dual_estimate()
    prices = np.abs(run.prices.pricer.evaluate(run.v, run.prices.maxima.directions))
    np.testing.assert_allclose(prices, run.prices.maxima.values, rtol=1e-9)


@pytest.mark.slow
def test_the_best_dual_point_is_kept(monkeypatch):
    program = planted_program("squared", 2000, 3, beta=20.0, seed=1)
    run = ColumnGeneration(program, 1e-14)
    points = [(run.dual_estimate(), run.v)]
    take_moved = ColumnGeneration.take_moved

    def taken(self, *what):
        # each other point is worth nothing
        blocks, signs, v, *rest = what
        take_moved(self, blocks, signs, v if len(points) % 2 else v[::-1], *rest)
        points.append((self.estimate, self.v))

    monkeypatch.setattr(ColumnGeneration, "take_moved", taken)
    monkeypatch.setattr(sliding, "ROUNDS", 6)
    assert not slide_first(run, 1000)
    best, v = max(points, key=lambda point: point[0])
    assert len(points) == 7
    assert points[-1][0] < best
    assert run.estimate == best
    assert np.array_equal(run.v, v)
    assert run.gap == pytest.approx((run.upper - best) / run.upper)


def test_it_goes_on_until_a_covering_finds_nothing(monkeypatch):
    program = planted_program("squared", 500, 3, beta=20.0)
    run = ColumnGeneration(program, 1e-4)
    search, answers = ColumnGeneration.search, []

    def searched(self, max_cones):
        answers.append(search(self, max_cones) if answers else 3)
        return answers[-1]

    monkeypatch.setattr(ColumnGeneration, "search", searched)
    assert slide_first(run, 10**5)
    assert len(answers) >= 2
    assert answers[-1] == 0


@pytest.mark.slow
def test_patches_of_many_samples(monkeypatch):
    rng = np.random.default_rng(0)
    images = rng.standard_normal((150, 4, 3))
    y = np.maximum(images @ rng.standard_normal(3), 0).sum(axis=1)
    y += 0.1 * rng.standard_normal(150)
    program = ConvexProgram(images, y, 5.0)
    monkeypatch.setattr(sliding, "FEWEST", 100)
    assert slides_first(program)
    found = solve(program)
    monkeypatch.setattr(sliding, "FEWEST", 10**9)
    expected = solve(program)
    assert found.status.value == expected.status.value == "optimal"
    assert found.objective == pytest.approx(expected.objective, rel=2e-6)


@pytest.mark.slow
def test_no_threads_change_the_answer():
    X, y = planted(1500, 3)
    one, two = (
        solve(ConvexProgram(X, y, 3.0), tol=1e-5, n_jobs=n_jobs) for n_jobs in (1, 2)
    )
    assert np.array_equal(one.network.weights, two.network.weights)
    assert one.lower_bound == two.lower_bound
    assert one.n_blocks >= one.network.n_neurons


@pytest.mark.parametrize("what", ["the zero network", "no finite objective"])
def test_where_nothing_moves(what):
    X, y = planted(200, 3)
    program = ConvexProgram(X, y, 1e9)
    if what != "the zero network":
        program = ConvexProgram(X, 1e200 * y, 1.0)
    run = ColumnGeneration(program, 1e-6)
    assert not slide_first(run, 100)
    assert not run.history
    assert not run.network.n_neurons


def test_a_wide_network_is_left_to_the_chambers(monkeypatch):
    X, y = planted(120, 3)
    run = ColumnGeneration(ConvexProgram(X, y, 1e-4), 1e-6)
    take_moved, neurons = ColumnGeneration.take_moved, []

    def taken(self, blocks, *what):
        neurons.append(len(blocks))
        take_moved(self, blocks, *what)

    monkeypatch.setattr(ColumnGeneration, "take_moved", taken)
    assert not slide_first(run, 1000)
    # only the last round has more parameters than a share of the samples
    assert len(neurons) > 1
    assert 3 * max(neurons[:-1]) <= sliding.WIDE * 120 < 3 * neurons[-1]
    # with what was found: its network, its chambers
    assert run.network.n_neurons > 0
    assert len(run.columns.blocks) > 0
    assert run.upper == min(latest.upper for latest in run.history)


@pytest.mark.parametrize("spec", KINKED)
def test_corners_are_rounded_away_from_few_samples(spec):
    assert not slides_first(planted_program(spec, 200, 3, beta=1.0))
    assert slides_first(planted_program(spec, 5000, 3, beta=1.0))
