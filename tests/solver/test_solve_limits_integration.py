"""What ends a solve early, what it says meanwhile, paths, and the largest beta."""

import re
from itertools import pairwise
from time import monotonic

import numpy as np
import pytest

from convex_solver import (
    InputError,
    SolutionStatus,
    beta_max,
    certify,
    solve,
    solve_path,
)
from convex_solver.certificates import bounds
from convex_solver.solver import column_generation, finish
from convex_solver.solver.column_generation import ColumnGeneration
from convex_solver.solver.solver import METHODS

from instances import planted_program
from reference.raw import raw_data
from reference.solutions import check, checked

LOSSES = ("squared", "hinge", "logistic")


@pytest.fixture(scope="module", params=LOSSES)
def medium(request):
    """A program that needs several rounds, and its optimum."""
    program = planted_program(request.param, 30, 4, 1e-2, seed=1)
    return program, checked(program, tol=1e-9)


def holds(program, solution, optimum):
    """Bounds on both sides of the optimum, and an honest status."""
    check(program, solution)
    assert solution.status is SolutionStatus.INACCURATE
    assert solution.gap > 1e-6
    assert solution.lower_bound <= optimum.objective
    assert optimum.lower_bound <= solution.objective


@pytest.mark.slow
def test_one_round(medium):
    program, optimum = medium
    solution = solve(program, max_rounds=1)
    holds(program, solution, optimum)
    assert solution.stopped == "max_rounds"
    assert len(solution.history) == 1
    assert solution.n_blocks > 0


@pytest.mark.slow
def test_one_cell_leaves_the_network_and_loses_its_proof(medium):
    program, optimum = medium
    solution = solve(program, max_cones=1)
    holds(program, solution, optimum)
    assert solution.stopped == "certificate"
    assert solution.objective == pytest.approx(optimum.objective, rel=1e-5)
    proof = solution.certificate.proof
    assert "loose" in proof or "leaves" in proof


def test_no_time_leaves_the_zero_network(medium):
    program, optimum = medium
    solution = solve(program, time_limit=1e-9)
    holds(program, solution, optimum)
    assert solution.stopped == "time limit"
    assert solution.history == ()
    zero = program.data_term.value(np.zeros(program.n))
    assert solution.objective == pytest.approx(zero)


@pytest.mark.slow
def test_a_deadline_inside_a_round_is_kept(medium, monkeypatch):
    program, optimum = medium
    step = ColumnGeneration.step

    def slow(self):
        latest = step(self)
        if len(self.history) == 2:
            self.deadline = monotonic()
        return latest

    monkeypatch.setattr(ColumnGeneration, "step", slow)
    solution = solve(program, time_limit=1e6)
    holds(program, solution, optimum)
    assert solution.stopped == "time limit"
    assert len(solution.history) == 2


def test_a_master_problem_ends_at_the_deadline():
    program = planted_program("squared", 30, 4, 1e-2)
    run = ColumnGeneration(program, 1e-6, deadline=0.0)
    run.begin_set()
    latest = run.step()
    assert latest.iterations == 0
    assert np.isfinite(latest.upper)
    assert run.run() == "time limit"


class Interrupt:
    """Ctrl-C while a line that matches is written; the n-th time it does."""

    def __init__(self, *wanted):
        self.wanted = list(wanted)
        self.lines = []

    def __call__(self, latest):
        line = str(latest)
        self.lines.append(line)
        if self.wanted and re.search(self.wanted[0], line):
            del self.wanted[0]
            raise KeyboardInterrupt


@pytest.mark.parametrize("method", METHODS[1:])
def test_control_c_returns_what_there_is(medium, method):
    program, optimum = medium
    if method == "full":  # the full program of the others takes too long
        program = planted_program(program.loss.name, 12, 3, 1e-2, seed=1)
        optimum = checked(program, tol=1e-9)
    progress = Interrupt("blocks; objective")
    solution = solve(program, method=method, progress=progress, tol=1e-14)
    holds_bounds = solution.lower_bound <= optimum.objective * (1 + 1e-12)
    assert holds_bounds
    assert optimum.lower_bound <= solution.objective * (1 + 1e-12)
    assert solution.stopped == "interrupted"
    assert len(solution.history) == 1
    assert any("interrupted" in line for line in progress.lines)
    again = certify(
        solution.network,
        *raw_data(program),
        program.beta,
        loss=program.loss,
        dual=solution.certificate.dual,
    )
    assert again.lower_bound == pytest.approx(solution.lower_bound, rel=1e-9)
    assert again.upper_bound == solution.certificate.upper_bound


@pytest.mark.slow
@pytest.mark.parametrize("second", ["interrupted", "certifying"])
def test_a_second_control_c_loses_no_model(medium, second):
    program, optimum = medium
    progress = Interrupt("blocks; objective", second)
    solution = solve(program, progress=progress)
    assert progress.wanted == []
    assert solution.stopped == "interrupted"
    assert solution.lower_bound <= optimum.objective * (1 + 1e-12)
    assert optimum.lower_bound <= solution.objective * (1 + 1e-12)
    again = certify(
        solution.network,
        program.X,
        program.y,
        program.beta,
        loss=program.loss,
        dual=solution.certificate.dual,
    )
    assert again.lower_bound >= solution.lower_bound * (1 - 1e-9)


@pytest.mark.parametrize("n_times", [1, 2])
def test_neither_does_one_inside_the_certificate(medium, monkeypatch, n_times):
    program, optimum = medium
    calls = []

    def interrupted(*args, **options):
        calls.append(options)
        if len(calls) <= n_times:
            raise KeyboardInterrupt
        return bounds(*args, **options)

    monkeypatch.setattr(finish, "bounds", interrupted)
    solution = solve(program, method="column-generation", max_rounds=1)
    assert solution.stopped == "interrupted"
    # a bound that the round has certified is there without another call
    is_kept = solution.history[-1].lower > 0.0
    assert len(calls) == (1 if is_kept else n_times + 1)
    assert 0.0 <= solution.lower_bound <= optimum.objective
    assert solution.objective >= optimum.lower_bound * (1 - 1e-12)


@pytest.mark.slow
def test_progress_tells_the_method_every_round_and_the_certificate(medium):
    program, _ = medium
    lines = []
    solution = solve(program, progress=lambda latest: lines.append(str(latest)))
    assert lines[0].startswith("column-generation: rank 4, up to ")
    assert lines[-2] == "certifying"
    assert lines[-1].startswith("optimal: objective")
    rounds = [re.fullmatch(ROUND, line) for line in lines]
    rounds = [match for match in rounds if match]
    assert len(rounds) == len(solution.history)
    for match, latest in zip(rounds, solution.history, strict=True):
        priced, added, blocks = (int(match[k].replace(",", "")) for k in (1, 2, 3))
        assert (priced, added, blocks) == (
            latest.priced,
            latest.added,
            latest.n_blocks,
        )
        assert float(match[4]) == pytest.approx(latest.upper, rel=1e-9)
        if match[5] is not None:
            assert float(match[5]) == pytest.approx(latest.lower, rel=1e-9)


NUMBER = r"([-+.e0-9]+)"
ROUND = (
    r"([\d,]+) maxima priced, ([\d,]+) new, ([\d,]+) blocks; "
    rf"objective <= {NUMBER}, "
    rf"(?:optimum >= {NUMBER} certified, gap {NUMBER}|no bound certified yet)"
)


@pytest.mark.slow
def test_the_history_closes_in_on_the_optimum(medium, monkeypatch):
    # short runs have no time for proofs before the last one
    monkeypatch.setattr(column_generation, "PROOF", 100.0)
    program, optimum = medium
    solution = solve(program)
    history = solution.history
    assert len(history) >= 3
    assert history[-1].gap <= 1e-3
    assert all(a.lower <= b.lower for a, b in pairwise(history))
    assert all(step.lower <= optimum.objective for step in history)
    assert history[-1].lower <= solution.lower_bound
    assert history[-1].upper == pytest.approx(optimum.objective, rel=1e-6)
    assert all(step.upper >= optimum.lower_bound for step in history)
    assert all(step.iterations > 0 and step.priced > 0 for step in history)


@pytest.mark.slow
def test_an_estimate_above_the_optimum_is_shown_to_nobody(medium, monkeypatch):
    program, optimum = medium
    # as where pricing has missed what breaks the constraint most
    false = 0.99999 * program.data_term.value(np.zeros(program.n))
    monkeypatch.setattr(ColumnGeneration, "dual_estimate", lambda _: false)
    lines = []
    solution = solve(program, progress=lambda latest: lines.append(str(latest)))
    assert all(step.lower <= optimum.objective for step in solution.history)
    assert solution.lower_bound <= optimum.objective
    told = [m for line in lines if (m := re.fullmatch(ROUND, line)) and m[5]]
    assert all(float(m[5]) <= optimum.objective for m in told)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"method": "newton"}, "method='newton' is unknown"),
        ({"tol": 0.0}, "tol=0.0; expected"),
        ({"tol": -1e-6}, "tol=-1e-06; expected"),
        ({"tol": float("nan")}, "tol=nan; expected"),
        ({"tol": float("inf")}, "tol=inf; expected"),
        ({"time_limit": 0.0}, "time_limit=0.0; expected a finite number above 0"),
        (
            {"time_limit": float("nan")},
            "time_limit=nan; expected a finite number above 0",
        ),
        ({"max_rounds": 0}, "max_rounds=0; expected an integer >= 1"),
        ({"max_cones": 0}, "max_cones=0; expected an integer >= 1"),
    ],
)
def test_options_out_of_range_are_refused(option, message):
    program = planted_program("squared", 6, 2, 0.1)
    with pytest.raises(InputError, match=re.escape(message)):
        solve(program, **option)
    if "method" not in option and "max_rounds" not in option:
        with pytest.raises(InputError, match=re.escape(message)):
            solve_path(program, [0.1], **option)


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES)
def test_a_path_has_the_optima_of_its_betas(loss):
    program = planted_program(loss, 25, 3, 1.0, seed=3)
    betas = [3.0, 1.0, 0.1, 1e-2, 0.3]
    lines = []
    path = solve_path(
        program, betas, tol=1e-8, progress=lambda latest: lines.append(str(latest))
    )
    assert len(path) == len(betas)
    for beta, solution in zip(betas, path, strict=True):
        check(program.with_beta(beta), solution)
        assert solution.certificate.beta == beta
        assert solution.method == "column-generation"
        assert solution.status is SolutionStatus.OPTIMAL
        alone = solve(program.with_beta(beta), tol=1e-8)
        assert solution.objective == pytest.approx(alone.objective, rel=2e-8)
    assert lines.count("certifying") == len(betas)
    # the optimum rises with beta, and not faster than in proportion
    order = np.argsort(betas)
    values = np.array([path[i].objective for i in order])
    assert (np.diff(values) > 0).all()
    assert (np.diff(values / np.sort(betas)) < 0).all()
    assert len(solve_path(program, [])) == 0
    loose = solve_path(program, [0.1], max_cones=1)[0]
    assert loose.status is SolutionStatus.INACCURATE


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("seed", [1, 2])
def test_the_largest_beta_is_where_the_zero_network_begins(loss, seed):
    program = planted_program(loss, 12, 3, 1.0, seed=seed)
    largest = beta_max(program)
    for factor in (1.0, 1 + 1e-6, 2.0, 1e8):
        solution = checked(program.with_beta(factor * largest), tol=1e-10)
        assert solution.network.n_neurons == 0
        assert solution.status is SolutionStatus.OPTIMAL
        assert solution.history == ()
    # just below, a neuron gains 1e-12 of the objective or more
    for factor in (1 - 1e-6, 1 - 1e-3, 0.5):
        solution = solve(program.with_beta(factor * largest), tol=1e-13)
        check(program.with_beta(factor * largest), solution)
        assert solution.network.n_neurons >= 1
        zero = program.data_term.value(np.zeros(program.n))
        assert solution.objective < zero


def test_the_largest_beta_is_refused_where_the_cones_do_not_suffice():
    program = planted_program("squared", 30, 4, 1.0)
    with pytest.raises(InputError, match="1 cones did not bound beta_max of 4 col"):
        beta_max(program, max_cones=1)
    assert beta_max(program) > 0


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES)
def test_sixteen_powers_of_ten(loss):
    program = planted_program(loss, 12, 3, 1.0, seed=1)
    betas = 10.0 ** np.arange(8, -9, -2)
    for beta in betas:
        solution = checked(program.with_beta(beta))
        assert solution.status is SolutionStatus.OPTIMAL
        assert solution.lower_bound > 0
