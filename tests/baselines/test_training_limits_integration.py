"""What ends a training early, and what it leaves."""

import itertools
import time

import numpy as np
import pytest

from convex_solver import ConvexProgram, InputError, InputTypeError
from convex_solver.baselines import alg1, alg3, approximate, approximations
from convex_solver.restricted import cones, directions
from convex_solver.training import descent, train
from convex_solver.training import runs as baselines

from instances import searchable


def program_of(loss="squared", k=0):
    X, y, beta = searchable(loss, k)
    return ConvexProgram(X, y, beta, loss=loss)


@pytest.fixture
def a_second_a_look(monkeypatch):
    """Every look at the clock takes a second."""
    monkeypatch.setattr(time, "monotonic", itertools.count(100.0).__next__)


def holds(program, found):
    """The network is the best of what was noted, and what is reported is its own."""
    assert found.objective == program.network_objective(found.network)
    assert found.objective == np.nanmin(found.objectives)
    assert found.objective <= np.nanmin(found.history) * (1 + 1e-12)
    assert len(found.last) >= 1


@pytest.mark.parametrize("method", descent.METHODS)
def test_a_time_limit_leaves_the_best_so_far(method, a_second_a_look):
    program = program_of()
    options = {"method": method, "n_neurons": 4, "n_starts": 3, "steps": 400}
    found = train(program, time_limit=100.0, record=10, **options)
    assert found.stopped == "time limit"
    # SGD's trials for a step size are part of the time
    assert 20 < found.steps[-1] < 100
    assert found.history.shape == (len(found.steps), 3)
    holds(program, found)
    whole = train(program, record=10, **options)
    assert whole.stopped == "steps"
    assert np.array_equal(whole.history[: len(found.steps) - 1], found.history[:-1])
    assert len(found.trajectory) <= len(whole.trajectory)


@pytest.mark.parametrize("method", descent.METHODS)
def test_without_time_there_is_the_first_point(method, monkeypatch):
    program = program_of()
    options = {"method": method, "n_neurons": 4, "n_starts": 3, "steps": 50}
    found = train(program, time_limit=1e-9, **options)
    assert found.stopped == "time limit"
    assert found.steps.tolist() == [0]
    holds(program, found)
    # starts that do not run beside the first do not begin
    monkeypatch.setattr(baselines, "CHUNK", 1)
    alone = train(program, time_limit=1e-9, **options)
    assert np.isnan(alone.objectives).tolist() == [False, True, True]
    assert np.isnan(alone.history).tolist() == [[False, True, True]]
    assert alone.n_diverged == 0
    holds(program, alone)


def test_starts_have_equal_shares_of_the_time(monkeypatch, a_second_a_look):
    monkeypatch.setattr(baselines, "CHUNK", 1)
    program = program_of()
    found = train(program, n_neurons=4, n_starts=4, steps=1000, time_limit=200.0)
    assert found.stopped == "time limit"
    seen = np.isfinite(found.history)
    lasts = [int(found.steps[seen[:, k]].max()) for k in range(4)]
    assert all(40 < last < 60 for last in lasts)
    assert seen[0].all()
    holds(program, found)


class Interrupted:
    """A rule of `train` that is ended by Ctrl-C at one of its calls."""

    def __init__(self, rule, call):
        self.rule, self.left = rule, call

    def __call__(self, *arguments):
        rule = self.rule(*arguments)

        def step(point, number):
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt
            rule(point, number)

        return step


@pytest.mark.parametrize("method", descent.METHODS)
def test_control_c_returns_what_there_is(method, monkeypatch):
    program = program_of()
    monkeypatch.setitem(descent.RULES, method, Interrupted(descent.RULES[method], 8))
    options = {"method": method, "n_neurons": 4, "n_starts": 3, "steps": 50}
    found = train(program, **options)
    assert found.stopped == "interrupted"
    assert found.steps.tolist() == [*range(8)]
    holds(program, found)
    # in the second of three
    monkeypatch.setattr(baselines, "CHUNK", 1)
    monkeypatch.setitem(descent.RULES, method, Interrupted(descent.RULES[method], 58))
    found = train(program, **options)
    assert found.stopped == "interrupted"
    assert np.isnan(found.objectives).tolist() == [False, False, True]
    holds(program, found)


def test_control_c_before_anything_is_noted_is_not_swallowed(monkeypatch):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(baselines, "start_point", interrupt)
    with pytest.raises(KeyboardInterrupt):
        train(program_of())


@pytest.mark.parametrize(
    ("limit", "error", "message"),
    [
        (0.0, InputError, "time_limit=0.0; expected a finite number above 0"),
        (float("nan"), InputError, "time_limit=nan; expected a finite number above 0"),
        ("1", InputTypeError, "time_limit='1'; expected a number"),
        (True, InputTypeError, "time_limit=True; expected a number"),
    ],
)
def test_limits_that_are_none_are_refused(limit, error, message):
    with pytest.raises(error, match=message):
        train(program_of(), time_limit=limit)


@pytest.mark.parametrize("method", [alg1, alg3])
def test_a_training_of_an_approximation_has_half_of_its_time(method, a_second_a_look):
    program = program_of()
    found = method(program, time_limit=100.0, bound=None)
    assert found.training.stopped == "time limit"
    assert 30 < found.training.steps[-1] < 60
    assert found.objective == program.network_objective(found.network)


def test_control_c_in_the_training_of_an_approximation_ends_it(monkeypatch):
    monkeypatch.setitem(descent.RULES, "gd", Interrupted(descent.RULES["gd"], 3))
    with pytest.raises(KeyboardInterrupt):
        alg1(program_of())


def test_patterns_that_are_late_are_left_out(a_second_a_look, monkeypatch):
    monkeypatch.setattr(cones, "MOST_DIRECTIONS", 5)
    program = program_of(k=1)
    whole = approximate(program, n_directions=200, bound=None)
    found = approximate(program, n_directions=200, bound=None, time_limit=20.0)
    assert 0 < found.n_patterns < whole.n_patterns
    assert found.objective == program.network_objective(found.network)
    none = approximate(program, n_directions=200, bound=None, time_limit=1e-9)
    assert none.n_patterns == none.network.n_neurons == 0


@pytest.mark.parametrize("method", [alg1, alg3])
def test_a_program_without_time_is_not_worse_than_its_training(method):
    program = program_of(k=1)
    training = train(program, method="gd", n_neurons=8, steps=200, record=100)
    zero = program.network(np.zeros((0, program.d)), np.zeros(0))
    assert training.objective < program.network_objective(zero)
    found = method(program, training=training, time_limit=1e-9, bound=None)
    assert found.objective <= training.objective
    assert found.objective == program.network_objective(found.network)


def test_both_signs_of_a_pattern_come_together(a_second_a_look, monkeypatch):
    monkeypatch.setattr(cones, "MOST_DIRECTIONS", 2)
    program = program_of(k=1)
    basis = np.eye(program.d)
    drawn = np.random.default_rng(0).standard_normal((50, program.d))
    whole = directions.blocks_of(program, basis, drawn)
    few = directions.blocks_of(program, basis, drawn, time.monotonic() + 9.0)
    assert 0 < len(few) < len(whole)
    assert np.array_equal(few.signs, whole.signs[: len(few)])
    assert few.signs[:4].tolist() == [1.0, -1.0, 1.0, -1.0]
    assert np.array_equal(few.patterns, whole.patterns[: len(few)])


def test_clusters_that_are_late_are_left_out(a_second_a_look):
    program = program_of()
    clusters = approximations.cluster_directions
    assert clusters(program, 5, deadline=0.0).shape == (0, program.d)
    few = clusters(program, 5, deadline=time.monotonic() + 3.0)
    assert few.shape == (4, program.d)
