"""Paths over beta: their grid, what they keep of each other, and what ends them."""

import time
from itertools import pairwise

import numpy as np
import pytest

from convex_solver import (
    ConvexProgram,
    InputError,
    InputTypeError,
    SolutionStatus,
    beta_grid,
    beta_max,
    certify,
    solve,
    solve_path,
)
from convex_solver.reading import Limits
from convex_solver.solver import Walks, walks
from convex_solver.solver.walks import Walk

from instances import planted_program
from reference.raw import raw_data
from reference.solutions import check

LOSSES = ("squared", "hinge", "logistic", "poisson", "huber:0.5")


def small(loss="squared", seed=0):
    random = np.random.default_rng(seed)
    X = random.standard_normal((15, 1))
    y = np.abs(X[:, 0]) + 0.1 * random.standard_normal(15)
    if loss in ("hinge", "logistic"):
        y = np.where(y > np.median(y), 1.0, -1.0)
    if loss == "poisson":
        y = np.round(np.exp(y))
    return ConvexProgram(X, y, 1.0, loss=loss, intercept=True, standardize=True)


@pytest.mark.parametrize("loss", LOSSES)
def test_every_step_is_the_certified_optimum_of_its_beta(loss):
    program = small(loss)
    path = solve_path(program, n_betas=6, eps=1e-3, tol=1e-8)
    assert path.betas[0] == pytest.approx(beta_max(program), rel=1e-9)
    np.testing.assert_allclose(path.betas[1:] / path.betas[:-1], 1e-3 ** (1 / 5))
    assert path.neurons[0] == 0
    assert path.neurons[1:].min() >= 1
    assert path.stopped == ""
    assert path.unsolved == ()
    for beta, solution in zip(path.betas, path, strict=True):
        own = program.with_beta(beta)
        check(own, solution)
        assert solution.status is SolutionStatus.OPTIMAL
        again = certify(
            solution.network,
            *raw_data(program),
            beta,
            loss=loss,
            dual=solution.certificate.dual,
        )
        assert again.lower_bound == pytest.approx(solution.lower_bound, rel=1e-9)
        alone = solve(own, tol=1e-8)
        assert solution.objective == pytest.approx(alone.objective, rel=2e-8)
    # the optimum is a concave function of beta that rises, and the bounds are below it
    slopes = np.diff(path.objectives[::-1]) / np.diff(path.betas[::-1])
    assert np.all(slopes >= 0.0)
    assert all(a >= b * (1 - 1e-6) for a, b in pairwise(slopes))
    assert np.all(path.lower_bounds <= path.objectives)


def test_a_path_is_a_sequence_with_arrays():
    path = solve_path(small(), [3.0, 0.3, 0.03], tol=1e-6)
    assert len(path) == 3
    assert path[-1] is path.solutions[2]
    assert path[:2] == path.solutions[:2]
    assert [one.objective for one in path] == path.objectives.tolist()
    assert [one.gap for one in path] == path.gaps.tolist()
    assert path.seconds == sum(one.seconds for one in path)
    assert repr(path).startswith("SolutionPath(3 betas from 3 to 0.03, ")
    assert "every gap at most 1e-06" in repr(path)
    lines = path.summary().splitlines()
    assert len(lines) == 4
    assert [float(line.split()[0]) for line in lines[1:]] == [3.0, 0.3, 0.03]
    assert lines[1].endswith("optimal")
    empty = solve_path(small(), [])
    assert (len(empty), repr(empty)) == (0, "SolutionPath(no beta)")


def test_a_step_begins_with_the_network_of_the_last(monkeypatch):
    program = small()
    starts = []
    original = walks.solve_from

    def noted(program, method, limits, deadline, progress, guesses, start):
        starts.append((guesses, start))
        return original(program, method, limits, deadline, progress, guesses, start)

    monkeypatch.setattr(walks, "solve_from", noted)
    path = solve_path(program, [1.0, 0.5, 0.25])
    assert starts[0] == (None, None)
    for k in (1, 2):
        assert starts[k][1] is path[k - 1].network
        assert len(starts[k][0]) >= path[k - 1].network.n_neurons


def test_a_network_is_never_worse_than_the_last_one_is_there():
    # where there is no time for a round, the last network is kept
    program = small()
    walk = Walk(program, Limits(1e-6, None, None, 10**6))
    first = walk.step(0.5, np.inf, None)
    second = walk.step(0.4, time.monotonic() - 1.0, None)
    own = program.with_beta(0.4)
    assert second.objective <= own.network_objective(first.network) * (1 + 1e-12)
    assert second.lower_bound <= solve(own).objective
    assert second.gap > 0.0


def test_a_time_limit_shares_its_seconds_and_stops_between_betas():
    program = planted_program("squared", 40, 4, 1.0, seed=1)
    begin = time.monotonic()
    path = solve_path(program, n_betas=200, time_limit=0.5, tol=1e-9)
    assert path.stopped == "time limit"
    assert 1 <= len(path) < 200
    assert len(path) + len(path.unsolved) == 200
    every = np.array([*path.betas, *path.unsolved])
    np.testing.assert_allclose(every[1:] / every[:-1], 1e-4 ** (1 / 199))
    assert time.monotonic() - begin < 20.0
    assert f"{len(path.unsolved)} left: time limit" in repr(path)
    for beta, solution in zip(path.betas, path, strict=True):
        check(program.with_beta(beta), solution)


class AtBeta:
    """Ctrl-C while the first line after that of the k-th beta is told."""

    def __init__(self, k):
        self.k, self.seen, self.is_armed = k, 0, False

    def __call__(self, latest):
        if str(latest).startswith("beta = "):
            self.seen += 1
            self.is_armed = self.seen == self.k
        elif self.is_armed and "blocks; objective" in str(latest):
            self.is_armed = False
            raise KeyboardInterrupt


def test_control_c_ends_a_path_with_what_there_is():
    program = small()
    betas = [1.0, 0.3, 0.1, 0.03]
    path = solve_path(program, betas, progress=AtBeta(3), tol=1e-12)
    assert path.stopped == "interrupted"
    assert len(path) == 3
    assert path.unsolved == (0.03,)
    assert path[-1].stopped == "interrupted"
    for beta, solution in zip(path.betas, path, strict=True):
        check(program.with_beta(beta), solution)
        optimum = solve(program.with_beta(beta))
        assert solution.lower_bound <= optimum.objective * (1 + 1e-12)
        assert solution.objective >= optimum.lower_bound * (1 - 1e-12)


def test_of_several_programs_an_incomplete_beta_is_dropped():
    programs = [small(seed=0), small(seed=1)]
    limits = Limits(1e-12, None, None, 10**6)
    several = Walks(programs, [1.0, 0.3, 0.1], limits, np.inf, AtBeta(2))
    found = list(several)
    assert several.stopped == "interrupted"
    assert [len(each) for each in found] == [2]


@pytest.mark.slow
def test_threads_solve_the_same():
    programs = [small(seed=k) for k in range(3)]
    betas = [1.0, 0.3, 0.1]
    one = list(Walks(programs, betas, Limits(1e-6, None, None, 10**6), np.inf))
    two = list(Walks(programs, betas, Limits(1e-6, None, None, 10**6, 2), np.inf))
    for a, b in zip(one, two, strict=True):
        assert [s.objective for s in a] == [s.objective for s in b]
        assert [s.lower_bound for s in a] == [s.lower_bound for s in b]


def test_grids_of_several_programs_begin_at_the_largest():
    one, two = small(seed=0), small(seed=1)
    grid = beta_grid(one, two, n_betas=3, eps=0.01)
    most = max(beta_max(one), beta_max(two))
    np.testing.assert_allclose(grid, most * np.array([1.0, 0.1, 0.01]), rtol=1e-9)
    assert beta_grid(one, n_betas=1).tolist() == pytest.approx([beta_max(one)])


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"n_betas": 0}, "n_betas=0"),
        ({"n_betas": 2.5}, "n_betas=2.5"),
        ({"eps": 0.0}, "eps=0.0"),
        ({"eps": 1.0}, "eps=1.0"),
        ({"betas": [1.0, -1.0]}, "beta=-1.0; expected a finite number above 0"),
    ],
)
def test_grids_out_of_range_are_refused(options, match):
    with pytest.raises((InputError, InputTypeError), match=match):
        solve_path(small(), **options)


def test_programs_without_a_largest_beta_are_refused():
    X = [[1.0], [2.0], [3.0]]
    with pytest.raises(InputError, match="zero network is optimal at every beta"):
        solve_path(ConvexProgram(X, [0.0, 0.0, 0.0], 1.0))
    with pytest.raises(InputError, match=r"kink at the zero prediction.*Give betas"):
        solve_path(ConvexProgram(X, [0.0, 1.0, 2.0], 1.0, loss="absolute"))
    given = solve_path(ConvexProgram(X, [0.0, 1.0, 2.0], 1.0, loss="absolute"), [0.1])
    assert given[0].status is SolutionStatus.OPTIMAL
