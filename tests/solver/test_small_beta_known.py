"""Betas so small that networks fit: the same network as that of a larger beta."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from convex_solver import (
    ConvexProgram,
    SolutionStatus,
    TwoLayerReLU,
    interpolate,
    solve,
)
from convex_solver.certificates import predict_closely
from convex_solver.losses import LOSSES, get_loss
from convex_solver.reading import Limits
from convex_solver.solver import small_beta, solver
from convex_solver.solver.column_generation import ColumnGeneration
from convex_solver.solver.fit import with_predictions

FIT = [loss for loss in LOSSES if get_loss(loss).penalty is not None]
TINY = 1e-10


def data(loss, n=12, seed=3):
    """Gaussian rows in the plane, and targets that any network may have."""
    random = np.random.default_rng(seed)
    X, y = random.standard_normal((n, 2)), random.standard_normal(n)
    return X, np.sign(y) if get_loss(loss).is_classification else y


@pytest.mark.parametrize("loss", FIT)
def test_a_tiny_beta_is_certified(loss):
    X, y = data(loss)
    program = ConvexProgram(X, y, TINY, loss=loss, intercept=True)
    solution = solve(program, tol=1e-5, time_limit=60)
    assert solution.status is SolutionStatus.OPTIMAL
    assert solution.network.n_neurons <= program.n


@pytest.mark.parametrize("loss", ["squared", "absolute", "huber", "quantile:0.3"])
def test_below_the_threshold_the_optimum_is_beta_times_the_least_norm(loss):
    X, y = data(loss)
    norm = interpolate(X, y, intercept=True, tol=1e-8).norm
    program = ConvexProgram(X, y, TINY, loss=loss, intercept=True)
    solution = solve(program, tol=1e-5)
    assert solution.objective == pytest.approx(TINY * norm, rel=2e-5)


def test_the_rounds_are_those_of_larger_betas():
    X, y = data("absolute")
    said = []
    solution = solve(
        ConvexProgram(X, y, TINY, loss="absolute", intercept=True),
        tol=1e-5,
        progress=lambda event: said.append(str(event)),
    )
    first = [line for line in said if "first with absolute loss" in line]
    assert 1 <= len(first) <= 4
    # one round, which takes over what was found and prices it
    assert len(solution.history) == 1
    assert solution.history[0].iterations == 0


def test_targets_that_no_network_reaches_are_solved_as_they_are():
    X = np.array([[1.0], [1.0], [2.0]])
    y = np.array([0.0, 1.0, 2.0])
    program = ConvexProgram(X, y, 1e-9, loss="absolute")
    solution = solve(program)
    assert solution.status is SolutionStatus.OPTIMAL
    # the two that contradict each other are one apart
    assert solution.objective == pytest.approx(1.0, rel=1e-6)


@pytest.mark.parametrize("beta", [1.0, 1e-3])
def test_a_beta_that_is_not_tiny_is_left_alone(beta):
    X, y = data("absolute")
    run = ColumnGeneration(ConvexProgram(X, y, beta, loss="absolute"), 1e-6)

    def never(_):
        raise AssertionError("nothing is to be solved")

    limits = Limits(1e-6, None, None, 10**5, 1)
    assert small_beta.larger_first(run, limits, never, never, print) is None
    assert not run.history


@pytest.mark.slow
def test_a_dual_point_at_its_bounds_is_not_taken(monkeypatch):
    # contradicting targets keep it there at every beta
    X, y = np.array([[1.0], [1.0], [2.0]]), np.array([0.0, 1.0, 2.0])
    taken = []
    monkeypatch.setattr(small_beta, "_take", lambda *args: taken.append(args))
    solve(ConvexProgram(X, y, 1e-9, loss="absolute"))
    assert not taken
    X, y = data("absolute", n=6)
    monkeypatch.setattr(solver, "_rounds", lambda run, *args: run.run(50))
    solve(ConvexProgram(X, y, TINY, loss="absolute", intercept=True), time_limit=20)
    assert len(taken) == 1


@pytest.mark.parametrize("loss", FIT)
def test_sizes_of_neurons_are_changed_to_reach_predictions(loss):
    X, y = data(loss, n=8)
    program = ConvexProgram(X, y, 1e-8, loss=loss, intercept=True)
    found = solve(program, tol=1e-4)
    wanted = program.data_term.predictions_at(found.certificate.dual)
    network = found.network
    random = np.random.default_rng(0)
    off = network.replace(
        network.weights, network.alphas * (1 + 1e-7 * random.random(network.n_neurons))
    )
    mended, objective = with_predictions(program, off, wanted)
    assert objective <= program.network_objective(off)
    assert mended.n_neurons <= network.n_neurons
    f, _ = predict_closely(mended, program.data)
    bound = np.isfinite(wanted)
    assert np.all(np.abs(f - wanted)[bound] <= 1e-11)
    before, _ = predict_closely(off, program.data)
    assert np.max(np.abs(before - wanted)[bound]) > 1e-9


def test_the_last_digits_of_predictions_are_seen():
    # three large neurons cancel, and take the digits of a sum in float64 with them
    random = np.random.default_rng(2)
    X, y = random.standard_normal((12, 2)), random.standard_normal(12)
    program = ConvexProgram(X, y, 1e-30, loss="absolute")
    large = 1e6 * random.standard_normal((3, 2))
    weights = np.concatenate([random.standard_normal((8, 2)), large, large])
    alphas = np.array([1.0] * 8 + [1e6] * 3 + [-1e6] * 3)
    network = TwoLayerReLU(weights, alphas)
    predictions = [
        sum(
            Fraction(a)
            * max(0, sum(Fraction(p) * Fraction(q) for p, q in zip(x, w, strict=True)))
            for a, w in zip(alphas.tolist(), weights.tolist(), strict=True)
        )
        for x in X.tolist()
    ]
    misses = sum(
        abs(f - Fraction(t)) for f, t in zip(predictions, y.tolist(), strict=True)
    )
    exact = float(misses) + network.decay(program.beta)
    wanted = np.array([float(f) for f in predictions])
    _, objective = with_predictions(program, network, wanted)
    assert objective == pytest.approx(exact, rel=1e-13)
    summed = np.maximum(X @ weights.T, 0.0) @ alphas
    assert np.max(np.abs(summed - wanted)) > 1e-6


def test_predictions_that_are_better_left_are_left():
    X, y = data("squared", n=8)
    program = ConvexProgram(X, y, 1.0, intercept=True)
    found = solve(program)
    # to fit the targets costs more than it brings
    same, objective = with_predictions(program, found.network, program.y)
    assert objective == pytest.approx(found.objective, rel=1e-12)
    assert np.array_equal(same.weights, found.network.weights)


@pytest.mark.parametrize("loss", FIT)
def test_a_gradient_is_that_of_the_predictions_it_belongs_to(loss):
    _, y = data(loss)
    term = get_loss(loss).at(y)
    v = term.clip(0.3 * np.random.default_rng(1).uniform(-1, 1, y.size))
    f = term.predictions_at(v)
    bound = np.isfinite(f)
    assert np.any(bound)
    # Fenchel's equality: the loss and its conjugate touch there
    here = np.where(bound, v, 0.0)
    f = np.where(bound, f, y)
    assert term.value(f) + term.conjugate(here) == pytest.approx(f @ here, abs=1e-12)


def test_penalties_are_zero_where_the_loss_is():
    for name in FIT:
        loss = get_loss(name)
        _, y = data(name)
        penalty = loss.penalty
        assert penalty.penalty == penalty
        other, own = penalty.at(y), loss.at(y)
        for f in (y, 2.0 * y, y - 0.05):
            assert (other.value(f) == 0.0) == (own.value(f) == 0.0)
    assert get_loss("logistic").penalty is None
    assert get_loss("poisson").penalty is None
    assert replace(get_loss("quantile:0.2")).penalty == get_loss("quantile:0.2")


@pytest.mark.slow
def test_a_gap_that_float64_leaves_says_so():
    random = np.random.default_rng(0)
    # map coordinates, and a beta that is next to nothing in their units
    X = 3.6e5 + 7.0 * random.standard_normal((20, 1))
    y = np.abs(X[:, 0] - 3.6e5) + random.standard_normal(20)
    program = ConvexProgram(X, y, 1e-8, loss="absolute", intercept=True)
    solution = solve(program, time_limit=20)
    assert solution.status is not SolutionStatus.OPTIMAL
    assert "Standardise the columns" in solution.hint
    easy = ConvexProgram(X, y, 1e-8, loss="absolute", intercept=True, standardize=True)
    assert solve(easy, tol=1e-5, time_limit=20).hint == ""
    large = solve(program.with_beta(1e3))
    assert (large.status, large.hint) == (SolutionStatus.OPTIMAL, "")


@pytest.mark.slow
def test_a_gap_of_the_predictions_says_so():
    X, y = data("absolute")
    program = ConvexProgram(X, 1e3 * y, 1e-16, loss="absolute", intercept=True)
    solution = solve(program, time_limit=20)
    assert solution.status is not SolutionStatus.OPTIMAL
    assert "no more digits" in solution.hint


def test_a_limit_that_is_met_is_no_matter_of_digits():
    X, y = data("absolute", n=40)
    solution = solve(ConvexProgram(X, y, 1e-3, loss="absolute"), max_rounds=1)
    assert (solution.stopped, solution.hint) == ("max_rounds", "")
