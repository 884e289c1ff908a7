"""Steps that are not cut short are not begun late: clocks that only tests move."""

import time

import numpy as np
import pytest

import convex_solver.solver.finish as solving
from convex_solver import (
    ConvexProgram,
    SolutionStatus,
    beta_max,
    certify_interpolation,
    interpolate,
    solve,
)
from convex_solver.certificates import cover_sphere
from convex_solver.leaves.dual_point import DualPoint
from convex_solver.restricted import empty_set
from convex_solver.restricted.interior_point import InteriorPoint
from convex_solver.solver.column_generation import ColumnGeneration
from convex_solver.solver.columns import Columns
from convex_solver.solver.halving import Halving
from convex_solver.solver.relaxation import RelaxedProgram
from convex_solver.solver.search import Search

from instances import planted_program
from reference.solutions import check


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now

    def slow(self, monkeypatch, kind, name, seconds):
        """Let a method take so long; return the list of its calls."""
        method, calls = getattr(kind, name), []

        def slowly(*args, **options):
            calls.append(self.now)
            self.now += seconds
            return method(*args, **options)

        monkeypatch.setattr(kind, name, slowly)
        return calls


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    return clock


@pytest.mark.parametrize(("seconds", "count"), [(1.0, 1), (14.0, 1), (16.0, 2)])
def test_an_iteration_that_would_end_late_is_not_begun(
    clock, monkeypatch, seconds, count
):
    run = ColumnGeneration(planted_program("squared", 30, 4, 1e-2), 1e-6)
    run.begin_set()
    run.deadline = clock.now + seconds
    calls = clock.slow(monkeypatch, InteriorPoint, "advance", 10.0)
    run.step()
    assert len(calls) == count


@pytest.mark.parametrize(("seconds", "count"), [(-1.0, 0), (1.0, 1), (16.0, 2)])
def test_a_relaxation_takes_no_step_that_would_end_late(
    clock, monkeypatch, seconds, count
):
    relaxed = RelaxedProgram(planted_program("squared", 40, 8))
    calls = clock.slow(monkeypatch, DualPoint, "advance", 10.0)
    found = relaxed.solve(1e-9, clock.now + seconds)
    assert len(calls) == count
    # the first point has a bound too
    assert np.isfinite(found.estimate)


def test_leaves_are_not_halved_where_their_run_would_end_late(clock, monkeypatch):
    program = planted_program("squared", 40, 8)
    relaxed = RelaxedProgram(program)
    calls = clock.slow(monkeypatch, DualPoint, "advance", 1.0)
    halvings = clock.slow(monkeypatch, Halving, "halve", 0.0)
    upper = program.data_term.value(np.zeros(program.n))
    most = clock.now + 1e4
    relaxed.refine(upper, 1e-9, most, most=2)
    steps = len(calls)
    # halves of all leaves, or of one, take that much longer
    relaxed.refine(upper, 1e-9, clock.now + 1.1 * steps)
    assert not halvings
    relaxed.refine(upper, 1e-9, clock.now + 2.6 * steps)
    assert halvings


def test_leaves_leave_time_for_their_certificate(clock, monkeypatch):
    relaxed = RelaxedProgram(planted_program("squared", 40, 8))
    calls = clock.slow(monkeypatch, DualPoint, "advance", 1.0)
    clock.slow(monkeypatch, DualPoint, "__init__", 2.0)
    relaxed.refine(1.0, 1e-9, clock.now + 10.0, most=2)
    # 2 seconds to begin, 6 to read
    assert 1 <= len(calls) <= 3


def test_past_the_deadline_one_block_is_there_and_no_row_is_added(clock):
    random = np.random.default_rng(0)
    columns = Columns(random.standard_normal((30, 7)), 1, clock.now - 1.0)
    signs = np.ones(9)
    assert columns.add(random.standard_normal((9, 7)), signs) == 1
    assert columns.add(random.standard_normal((9, 7)), signs) == 0
    weights = random.standard_normal(columns.blocks.centres.shape)
    assert columns.cut(weights) == 0
    assert columns.blocks.cut(weights) > 0


@pytest.mark.parametrize("r", [3, 7])
def test_without_a_deadline_all_blocks_are_there(r):
    random = np.random.default_rng(0)
    X, directions = random.standard_normal((30, r)), random.standard_normal((9, r))
    columns, alone = Columns(X, 1, np.inf), empty_set(X, 1)
    signs = np.ones(9)
    assert columns.add(directions, signs) == alone.add(directions, signs) == 9
    assert np.array_equal(columns.blocks.patterns, alone.patterns)
    assert np.array_equal(columns.blocks.rows, alone.rows)


def test_a_covering_that_ends_early_tells_its_share():
    random = np.random.default_rng(0)
    X, v = random.standard_normal((60, 5)), random.standard_normal(60)
    few = cover_sphere(X, v, max_cones=2**5)
    assert 0.0 < few.share < 1.0


def test_the_last_covering_of_the_rounds_leaves_time_for_the_certificate(
    clock, monkeypatch
):
    run = ColumnGeneration(
        planted_program("squared", 30, 4), 1e-6, deadline=clock.now + 100.0
    )
    ends = []

    def late(self, v, margin, max_cones, deadline):
        ends.append(deadline - clock.now)
        return self.maxima.above(np.inf)

    monkeypatch.setattr(Search, "cover", late)
    assert run.search(1000) == 0
    assert ends == pytest.approx([30.0])


def test_at_most_n_neurons_also_where_none_is_reduced(monkeypatch):
    program = planted_program("squared", 12, 4, 1e-2, seed=1)
    monkeypatch.setattr(solving, "reduce_network", lambda _, same, **options: same)
    wide = []
    keep_largest = solving.keep_largest

    def noted(program, network):
        wide.append(network.n_neurons)
        return keep_largest(program, network)

    monkeypatch.setattr(solving, "keep_largest", noted)
    solution = solve(program, max_rounds=1, tol=1e-12)
    assert wide
    assert wide[0] > program.n >= solution.network.n_neurons
    check(program, solution)
    zero = program.data_term.value(np.zeros(program.n))
    assert solution.objective <= zero


@pytest.mark.slow
def test_where_no_round_has_ended_a_search_gives_the_network(monkeypatch):
    program = planted_program("squared", 30, 4, 1e-2)
    monkeypatch.setattr(
        ColumnGeneration, "run", lambda self, most: "time limit"
    )  # nothing was solved
    solution = solve(program, time_limit=100.0, tol=0.999)
    assert solution.network.n_neurons > 0
    assert solution.objective < program.data_term.value(np.zeros(program.n))
    check(program, solution)


def test_without_time_what_targets_are_missed_by_is_not_paid_for(monkeypatch):
    random = np.random.default_rng(0)
    X, y = random.standard_normal((8, 3)), random.standard_normal(8)
    found = interpolate(X, y)
    assert found.certificate.upper_bound < np.inf
    again = certify_interpolation(found.network, X, y, dual=found.dual)
    assert again.upper_bound == pytest.approx(found.certificate.upper_bound)
    late = certify_interpolation(found.network, X, y, dual=found.dual, time_limit=1e-9)
    assert late.lower_bound <= found.certificate.upper_bound
    monkeypatch.setattr("convex_solver.reading.options.GRACE", -1.0)
    late = certify_interpolation(found.network, X, y, dual=found.dual, time_limit=1e-9)
    assert late.upper_bound == np.inf


@pytest.mark.parametrize("loss", ["squared", "logistic", "poisson"])
def test_the_hint_tells_the_largest_beta(loss):
    program = planted_program(loss, 12, 3, 1.0, seed=1)
    largest = beta_max(program)
    solution = solve(program.with_beta(1.5 * largest))
    assert solution.status is SolutionStatus.OPTIMAL
    assert f"beta_max = {largest:.6g}:" in solution.hint
    assert "smaller beta" in solution.hint
    assert solve(program.with_beta(0.5 * largest)).hint == ""


def test_no_hint_where_there_is_nothing_to_fit_or_no_proof():
    X = np.random.default_rng(0).standard_normal((12, 3))
    nothing = solve(ConvexProgram(X, np.zeros(12), 0.1))
    assert (nothing.network.n_neurons, nothing.hint) == (0, "")
    program = planted_program("squared", 30, 4, 1e-2)
    late = solve(program, time_limit=1e-9)
    assert (late.network.n_neurons, late.hint) == (0, "")


@pytest.mark.slow
def test_in_high_rank_the_hint_tells_no_number_that_is_not_known():
    program = planted_program("squared", 30, 12, 1e6)
    solution = solve(program)
    assert solution.status is SolutionStatus.OPTIMAL
    assert "the largest at which a neuron helps" in solution.hint
