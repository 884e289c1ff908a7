"""What ends the solvers of linear and circular CNNs early, and what they leave."""

import itertools
import math
import os
import signal
import time

import numpy as np
import pytest

from convex_solver import (
    CircularCNNProgram,
    InputError,
    InputTypeError,
    LinearCNNProgram,
    MinimumNormLinearCNN,
    SolutionStatus,
    certify_circular_cnn,
    certify_linear_cnn,
    certify_minimum_norm_cnn,
    solve_circular_cnn,
    solve_linear_cnn,
    solve_minimum_norm_cnn,
)
from convex_solver.certificates import (
    bounds_by,
    linear_bounds,
    minimum_norm_bounds,
)
from convex_solver.linear_cnn import minimum_norm
from convex_solver.linear_cnn.exact_rows import dependent_rows
from convex_solver.linear_cnn.fourier_norm import FourierModel
from convex_solver.linear_cnn.nuclear_norm import NuclearModel

from instances import circular_instance

SHARE = 0.05


def linear_program():
    rng = np.random.default_rng(0)
    patches, y = rng.normal(size=(30, 3, 5)), rng.normal(size=30)
    beta = SHARE * LinearCNNProgram(patches, y, 1.0).beta_max()
    return LinearCNNProgram(patches, y, beta)


def circular_program():
    X, y = circular_instance(0, 30, 12)
    beta = SHARE * CircularCNNProgram(X, y, 1.0).beta_max()
    return CircularCNNProgram(X, y, beta)


SOLVERS = {
    "linear": (linear_program, solve_linear_cnn, certify_linear_cnn, NuclearModel),
    "circular": (
        circular_program,
        solve_circular_cnn,
        certify_circular_cnn,
        FourierModel,
    ),
}
KINDS = pytest.mark.parametrize("kind", SOLVERS)


def dependent(n=9, rank=4, d=3, *, follows=True):
    """Samples of two patches that depend on ``rank`` of them; targets that follow."""
    rng = np.random.default_rng(1)
    factors = rng.integers(-3, 4, (n, rank))
    factors[:rank] = np.eye(rank)
    patches = (factors @ rng.integers(-5, 6, (rank, 2 * d))).reshape(n, 2, d)
    y = patches.reshape(n, -1) @ rng.integers(-3, 4, 2 * d)
    y[-1] += not follows
    return MinimumNormLinearCNN(patches.astype(float), y.astype(float))


@pytest.fixture
def a_second_a_look(monkeypatch):
    """Every look at the clock takes a second."""
    monkeypatch.setattr(time, "monotonic", itertools.count(100.0).__next__)


def holds(kind, program, found):
    """Bounds on both sides of the optimum, recomputed; an honest status."""
    _, solve, certify, _ = SOLVERS[kind]
    best = solve(program)
    assert best.status is SolutionStatus.OPTIMAL
    assert best.stopped == "tolerance"
    assert found.status is SolutionStatus.INACCURATE
    assert found.gap > found.tol
    assert 0.0 <= found.lower_bound <= best.objective
    assert best.lower_bound <= found.objective
    assert found.objective == program.network_objective(found.network)
    data = program.X if kind == "circular" else program.patches
    again = certify(
        found.network, data, program.y, program.beta, dual=found.certificate.dual
    )
    # a late certificate may have taken a weaker norm
    assert again.lower_bound >= found.lower_bound * (1 - 1e-9)
    assert again.upper_bound == found.certificate.upper_bound


@KINDS
@pytest.mark.parametrize("looks", [1.0, 12.0, 25.0])
def test_a_time_limit_leaves_a_network_with_its_true_gap(kind, looks, a_second_a_look):
    make, solve, _, _ = SOLVERS[kind]
    program = make()
    found = solve(program, tol=1e-12, time_limit=looks)
    assert found.stopped == "time limit"
    holds(kind, program, found)


@KINDS
def test_without_time_there_is_still_a_bound(kind):
    make, solve, _, _ = SOLVERS[kind]
    program = make()
    found = solve(program, time_limit=1e-9)
    assert found.stopped == "time limit"
    assert found.n_iterations == 0
    assert found.lower_bound > 0.0
    holds(kind, program, found)


@KINDS
def test_a_time_limit_that_is_not_reached_changes_nothing(kind):
    make, solve, _, _ = SOLVERS[kind]
    program = make()
    whole, limited = solve(program), solve(program, time_limit=1e6)
    assert limited.stopped == "tolerance"
    assert limited.objective == whole.objective
    assert limited.lower_bound == whole.lower_bound
    strict = solve(program, tol=0.0)
    assert strict.stopped == "stalled"


@KINDS
def test_control_c_returns_what_there_is(kind, monkeypatch):
    make, solve, _, model = SOLVERS[kind]
    program = make()
    linearise, calls = model.linearise, itertools.count(1)

    def interrupted(self, *arguments):
        if next(calls) == 4:
            raise KeyboardInterrupt
        return linearise(self, *arguments)

    monkeypatch.setattr(model, "linearise", interrupted)
    found = solve(program, tol=1e-14)
    assert found.stopped == "interrupted"
    holds(kind, program, found)


def test_steps_that_would_take_too_long_are_not_begun(monkeypatch):
    """A machine that is slow beyond measure, and a clock that stands still."""
    monkeypatch.setattr("convex_solver.reading.options.SPEED", 1e-3)
    monkeypatch.setattr(time, "monotonic", lambda: 100.0)
    for kind, (make, solve, _, _) in SOLVERS.items():
        program = make()
        found = solve(program, time_limit=10.0)
        assert found.stopped == "time limit"
        assert found.n_iterations == 0
        assert found.network.n_neurons == 0
        holds(kind, program, found)
    program = dependent()
    found = solve_minimum_norm_cnn(program, time_limit=10.0)
    assert found.stopped == "time limit"
    assert 0.0 < found.lower_bound <= solve_minimum_norm_cnn(program).objective
    assert found.certificate.upper_bound == math.inf


def test_columns_that_would_take_too_long_are_not_made(monkeypatch):
    program = linear_program()
    monkeypatch.setattr("convex_solver.linear_cnn.proximal_newton.ENTRY", 1e30)
    found = solve_linear_cnn(program, time_limit=1e6)
    assert found.stopped == "time limit"
    holds("linear", program, found)


def test_a_late_certificate_takes_a_weaker_norm():
    program = linear_program()
    best = solve_linear_cnn(program)
    dual = best.certificate.dual
    late = linear_bounds(
        program.samples, best.network, dual, program.beta, deadline=-1e9
    )
    assert late.upper_bound == best.certificate.upper_bound
    assert 0.0 < late.lower_bound < best.lower_bound


def between(program, found, best):
    """A lower bound of the optimum, recomputed; no claim that cannot be made."""
    assert found.status is SolutionStatus.INACCURATE
    assert 0.0 < found.lower_bound <= best.objective
    again = certify_minimum_norm_cnn(
        found.network,
        program.patches,
        program.y,
        dual=found.certificate.dual,
        redundant=found.certificate.redundant,
    )
    assert again.lower_bound >= found.lower_bound * (1 - 1e-9)


@pytest.mark.parametrize("looks", [1.0, 20.0, 60.0])
def test_the_least_weights_have_a_time_limit(looks, a_second_a_look):
    program = dependent()
    best = solve_minimum_norm_cnn(program)
    assert best.status is SolutionStatus.OPTIMAL
    assert best.stopped == "tolerance"
    found = solve_minimum_norm_cnn(program, tol=1e-15, time_limit=looks)
    assert found.stopped == "time limit"
    between(program, found, best)


def test_without_proofs_of_dependence_there_is_no_upper_bound(monkeypatch):
    program = dependent()
    best = solve_minimum_norm_cnn(program)
    monkeypatch.setattr(minimum_norm, "PROOF_SHARE", 1e-12)
    found = solve_minimum_norm_cnn(program, time_limit=1e3)
    assert found.stopped == "time limit"
    assert found.certificate.upper_bound == found.gap == math.inf
    # solved all the same, for samples that do not depend on each other
    assert found.lower_bound == pytest.approx(best.objective, rel=1e-6)
    between(program, found, best)


def test_control_c_while_it_is_proven_leaves_a_bound(monkeypatch):
    program = dependent()
    best = solve_minimum_norm_cnn(program)

    calls = itertools.count(1)

    def interrupted(*arguments):
        if next(calls) == 1:
            raise KeyboardInterrupt
        return dependent_rows(*arguments)

    monkeypatch.setattr(minimum_norm, "dependent_rows", interrupted)
    found = solve_minimum_norm_cnn(program)
    assert found.stopped == "interrupted"
    between(program, found, best)


def test_control_c_while_it_is_solved_leaves_a_network(monkeypatch):
    program = dependent()
    best = solve_minimum_norm_cnn(program)
    linearise, calls = NuclearModel.linearise, itertools.count(1)

    def interrupted(self, *arguments):
        if next(calls) == 3:
            raise KeyboardInterrupt
        return linearise(self, *arguments)

    monkeypatch.setattr(NuclearModel, "linearise", interrupted)
    found = solve_minimum_norm_cnn(program, tol=1e-15)
    assert found.stopped == "interrupted"
    assert math.isfinite(found.certificate.upper_bound)
    between(program, found, best)


def test_an_infeasible_problem_says_so_or_nothing():
    program = dependent(follows=False)
    assert solve_minimum_norm_cnn(program).stopped == "infeasible"
    found = solve_minimum_norm_cnn(program, time_limit=1e-9)
    assert found.stopped == "time limit"
    assert found.status is SolutionStatus.INACCURATE
    assert found.certificate.upper_bound == math.inf


def test_claims_that_are_late_are_not_believed():
    program = dependent()
    best = solve_minimum_norm_cnn(program)
    assert best.certificate.redundant
    late = minimum_norm_bounds(
        program.samples,
        best.network,
        best.certificate.dual,
        best.certificate.redundant,
        deadline=-1e9,
    )
    assert late.redundant == ()
    assert late.upper_bound == math.inf


def test_late_rows_have_no_proof(a_second_a_look):
    flat = dependent().samples.flat
    whole = dict(dependent_rows(flat))
    assert len(whole) == 5
    assert None not in whole.values()
    late = dict(dependent_rows(flat, 0.0))
    assert late == dict.fromkeys(whole)
    # in the middle of a system
    few = dict(dependent_rows(flat, time.monotonic() + 15.0))
    assert None in few.values()
    assert {row: proof for row, proof in few.items() if proof} == {
        row: proof for row, proof in whole.items() if few[row]
    }


@pytest.mark.parametrize("kind", [*SOLVERS, "minimum norm"])
@pytest.mark.parametrize(
    ("limit", "error", "message"),
    [
        (0.0, InputError, "time_limit=0.0; expected a finite number above 0"),
        (-1, InputError, "time_limit=-1; expected a finite number above 0"),
        (math.nan, InputError, "time_limit=nan; expected a finite number above 0"),
        ("1", InputTypeError, "time_limit='1'; expected a number"),
    ],
)
def test_limits_that_are_none_are_refused(kind, limit, error, message):
    if kind == "minimum norm":
        program, solve = dependent(), solve_minimum_norm_cnn
    else:
        make, solve, _, _ = SOLVERS[kind]
        program = make()
    with pytest.raises(error, match=message):
        solve(program, time_limit=limit)


@pytest.mark.parametrize("n_times", [1, 3])
def test_an_interrupted_certificate_is_a_loose_one(n_times):
    """The network that was found is certified in any case."""
    ends = []

    def bounds(end):
        ends.append(end)
        if end == math.inf:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.1)
        for _ in range(n_times - 1):
            os.kill(os.getpid(), signal.SIGINT)
        return "loose"

    assert bounds_by(math.inf, bounds) == "loose"
    assert len(ends) == 2
    assert ends[1] <= time.monotonic()
    assert bounds_by(0.0, lambda end: end) == 0.0
