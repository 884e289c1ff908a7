"""Proofs on an executor: the same bounds, bit for bit, and what a broken one leaves."""

import time
import warnings
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor

import numpy as np
import pytest

import convex_solver.certificates.covering_pieces as pieces
from arrangement import InputTypeError, enumerate_patterns
from arrangement.executors import results_of
from convex_solver import ConvexProgram, certify, solve
from convex_solver.certificates import covering_tasks, relaxation
from convex_solver.certificates.covering import cover_sphere
from convex_solver.certificates.relaxation import relax_sphere
from convex_solver.certificates.signed_rows import merge_rows

from instances import gaussian_with_ones, ridge_residual
from reference.executors import Deadly, Lazy, Twice, processes
from reference.halvings import moments, partition, some_hint

EXECUTORS = {
    "one thread": lambda: ThreadPoolExecutor(1),
    "three threads": lambda: ThreadPoolExecutor(3),
    "twice": lambda: Twice(2),
    "late": lambda: Lazy(1),
}


@pytest.fixture(scope="module")
def pool():
    with processes() as made:
        yield made


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Every round but the first is long enough to be sent away."""
    monkeypatch.setattr(pieces, "LEAST_AWAY", 0.0)


def planted(n, r, seed):
    random = np.random.default_rng(seed)
    X = gaussian_with_ones(random, n, r)
    hidden = np.maximum(X @ random.standard_normal((r, 3)), 0.0)
    return X, hidden @ random.standard_normal(3) + 0.3 * random.standard_normal(n)


def check_coverings(r, executor):
    X, v = ridge_residual(40, r, seed=r)
    best = cover_sphere(X, v, rtol=0.1).value
    for options in (
        {},
        {"max_cones": 900},
        {"floor": 0.6 * best, "n_peaks": 30, "max_cones": 20_000},
    ):
        one = cover_sphere(X, v, **options)
        other = cover_sphere(X, v, executor=executor, **options)
        for name in ("bound", "value", "n_cones", "is_reached", "share"):
            assert getattr(other, name) == getattr(one, name)
        for name in ("direction", "peaks", "peak_values"):
            assert np.array_equal(getattr(other, name), getattr(one, name))


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("r", [1, 2, 3, 4])
def test_a_covering_is_the_same_on_every_executor(r, executor):
    with EXECUTORS[executor]() as made:
        check_coverings(r, made)


@pytest.mark.slow
@pytest.mark.parametrize("r", [3, 4])
def test_a_covering_is_the_same_in_processes(r, pool):
    check_coverings(r, pool)


def begun(r, n_cones, n_peaks=5):
    """A piece in the middle of its work."""
    X, v = ridge_residual(50, r, seed=7)
    X[:, -1] = np.abs(X[:, 0])  # rows beside facets, whose values are about zero
    problem = merge_rows(X, v, np.zeros_like(X))
    piece = pieces.piece_of(pieces.side_of(problem, 1.0), 0, 2**r, n_peaks)
    piece.scalars[:] = [1e-3, 0.0, 1e-11, 1e-15, 0.0, 1e-3]
    advance(piece, n_cones)
    return piece


def advance(piece, n_cones):
    r, m = piece.side.columns.shape
    scratch = covering_tasks.make_scratch(r, m)
    piece.advance(n_cones, scratch, lambda: False)


def state(piece):
    """All that a piece goes on from."""
    height = int(piece.counters[covering_tasks.HEIGHT])
    parts = [part[:height] for part in piece.stack]
    parts += [piece.counters, piece.scalars, *piece.found]
    for start, _, count in piece.stack.sizes[:height]:
        parts.append(piece.pool.rows[start : start + count])
        parts.append(piece.pool.values[:, start : start + count])
    return [part.copy() for part in parts]


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("n_cones", [0, 1, 50, 333])
@pytest.mark.parametrize("r", [2, 3, 4, 6])
def test_a_piece_that_was_packed_goes_on_as_it_was(r, n_cones):
    piece = begun(r, n_cones)
    before = state(piece)
    parcel = covering_tasks.pack_piece(piece)
    other = pieces.piece_of(piece.side, 0, 0, 0)
    covering_tasks.unpack_piece(other, parcel)
    assert same(state(other), before)
    # and the parcel is not worn out by that
    for _ in range(2):
        found = covering_tasks.advance_parcel(piece.side, parcel, 400, np.inf)
    assert same(state(piece), before)
    advance(piece, 400)
    covering_tasks.unpack_piece(other, found)
    assert same(state(other), state(piece))
    assert other.is_done == piece.is_done
    assert other.left == piece.left


def test_a_parcel_is_small():
    piece = begun(4, 3000)
    parcel = covering_tasks.pack_piece(piece)
    n_bytes = sum(part.nbytes for part in (*parcel.stack, parcel.rows, *parcel.found))
    height = int(piece.counters[covering_tasks.HEIGHT])
    n = piece.side.columns.shape[1]
    assert height > 3
    assert n_bytes <= height * (8 * (16 + 8 + 4) + 4 * n) + 1000


class Broken(ThreadPoolExecutor):
    """Loses its workers after some tasks, and takes no more then."""

    def __init__(self, n_done, error=None):
        super().__init__(1)
        self.n_left, self.error = n_done, error or BrokenExecutor("gone")

    def submit(self, function, /, *arguments):
        future = Future()
        if self.n_left > 0:
            self.n_left -= 1
            future.set_result(function(*arguments))
        elif self.n_left == 0:
            self.n_left -= 1
            future.set_exception(self.error)
        else:
            raise BrokenExecutor("gone before")
        return future


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("n_done", [0, 1, 5, 40])
def test_what_a_lost_executor_leaves_is_done_here(monkeypatch, n_done, n_jobs):
    monkeypatch.setattr(pieces, "OPENING", 0)  # so that there is enough to send
    X, v = ridge_residual(40, 4, seed=4)
    one = cover_sphere(X, v)
    with (
        Broken(n_done) as made,
        pytest.warns(RuntimeWarning, match="the executor lost its workers") as told,
    ):
        other = cover_sphere(X, v, executor=made, n_jobs=n_jobs)
    assert (other.bound, other.n_cones) == (one.bound, one.n_cones)
    assert len(told) == 1
    assert made.n_left == -1  # and it was asked no more


def test_workers_of_dask_that_a_task_has_killed_are_lost_too(monkeypatch):
    monkeypatch.setattr(pieces, "OPENING", 0)
    distributed = pytest.importorskip("distributed")
    X, v = ridge_residual(40, 4, seed=4)
    one = cover_sphere(X, v)
    with (
        Broken(5, distributed.KilledWorker("task", None, 3)) as made,
        pytest.warns(RuntimeWarning, match="the executor lost its workers"),
    ):
        other = cover_sphere(X, v, executor=made)
    assert (other.bound, other.n_cones) == (one.bound, one.n_cones)


def test_an_error_of_a_task_is_no_loss():
    with ThreadPoolExecutor(1) as made, pytest.raises(ZeroDivisionError):
        list(results_of(made, divmod, [(1, 1), (1, 0)]))


@pytest.mark.slow
def test_a_worker_is_killed_in_the_middle():
    X, v = ridge_residual(60, 5, seed=5)
    one = cover_sphere(X, v, max_cones=30_000)
    with (
        Deadly(40) as made,
        pytest.warns(RuntimeWarning, match="lost its workers"),
    ):
        other = cover_sphere(X, v, max_cones=30_000, executor=made)
    assert made.n_sent >= 40
    assert (other.bound, other.n_cones) == (one.bound, one.n_cones)


class Stuck(ThreadPoolExecutor):
    """Takes tasks and does none."""

    def submit(self, function, /, *arguments):
        return Future()


def test_a_limit_holds_where_workers_do_not_answer():
    X, v = ridge_residual(60, 5, seed=5)
    begin = time.monotonic()
    with Stuck(1) as made:
        found = cover_sphere(X, v, executor=made, deadline=begin + 0.3)
    assert time.monotonic() - begin < 2.0
    assert not found.is_reached
    # what came before is kept, and what is left is bounded
    assert np.isfinite(found.bound)
    assert found.bound >= found.value > 0.0
    with Stuck(1) as made:
        assert cover_sphere(X, v, executor=made, deadline=begin).n_cones > 0


def test_certify_by_each_method():
    X, y = planted(30, 3, seed=3)
    network = solve(ConvexProgram(X, y, 0.5)).network
    with ThreadPoolExecutor(2) as made:
        for options in (
            {"method": "covering"},
            {"method": "chambers"},
            {"method": "relaxation"},
            {"patterns": enumerate_patterns(X)},
        ):
            one = certify(network, X, y, 0.5, **options)
            other = certify(network, X, y, 0.5, executor=made, **options)
            assert other.lower_bound == one.lower_bound
            assert other.upper_bound == one.upper_bound
            assert other.proof == one.proof


def test_chambers_that_a_lost_executor_leaves_are_listed_here():
    X, y = planted(30, 3, seed=3)
    network = solve(ConvexProgram(X, y, 0.5)).network
    one = certify(network, X, y, 0.5, method="chambers")
    with Broken(3) as made, pytest.warns(RuntimeWarning, match="lost its workers"):
        other = certify(network, X, y, 0.5, method="chambers", executor=made)
    assert (other.lower_bound, other.n_patterns) == (one.lower_bound, one.n_patterns)


def hints_on_leaves(X, n_cuts):
    """Forms on the leaves of a partition of the sphere, for neurons of each sign."""
    random, found = np.random.default_rng(3), []
    for sign in (1.0, -1.0):
        for leaf, points in partition(random, X.shape[1], n_cuts, least=3):
            inner = leaf.walk(points, 40, random)
            m, M = (part[0] for part in moments(inner, np.full(40, 1.0 / 40)))
            count = len(leaf.facets) * (len(leaf.facets) + 1) // 2
            y = 0.1 * random.exponential(size=count)
            found.append(some_hint(len(X), leaf, sign, m, M, 0.01, y, 1.0))
    return found


@pytest.mark.slow
def test_leaves_are_bounded_on_an_executor(monkeypatch):
    random = np.random.default_rng(0)
    X, v = random.normal(size=(9, 4)), random.normal(size=9)
    hints = hints_on_leaves(X, 15)
    none = np.zeros_like(X)
    one = relax_sphere(X, v, none, hints=hints)
    sizes, real = [], relaxation._largest_bound

    def noting(*task):
        sizes.append(len(task[3]))
        return real(*task)

    monkeypatch.setattr(relaxation, "_largest_bound", noting)
    with ThreadPoolExecutor(2) as made:
        other = relax_sphere(X, v, none, hints=hints, executor=made)
    assert sum(sizes) == len(hints) > 2 * relaxation.LEAVES
    assert max(sizes) == relaxation.LEAVES
    assert (other.bound, other.n_leaves) == (one.bound, one.n_leaves)
    with Broken(1) as made, pytest.warns(RuntimeWarning, match="lost its workers"):
        assert relax_sphere(X, v, none, hints=hints, executor=made).bound == one.bound


def same_solutions(one, other):
    assert other.objective == one.objective
    assert other.lower_bound == one.lower_bound
    assert other.stopped == one.stopped
    assert np.array_equal(other.network.weights, one.network.weights)
    assert np.array_equal(other.certificate.dual, one.certificate.dual)
    assert other.certificate.n_cones == one.certificate.n_cones
    assert [a.lower for a in one.history] == [b.lower for b in other.history]


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize(("n", "r", "loss"), [(40, 3, "squared"), (25, 4, "absolute")])
def test_solve(n, r, loss, executor):
    program = ConvexProgram(*planted(n, r, seed=n), 0.5, loss=loss)
    one = solve(program, tol=1e-4, max_rounds=4)
    with EXECUTORS[executor]() as made:
        same_solutions(one, solve(program, tol=1e-4, max_rounds=4, executor=made))


@pytest.mark.slow
def test_solve_in_processes(pool):
    program = ConvexProgram(*planted(60, 5, seed=2), 0.5)
    one = solve(program, tol=1e-3)
    same_solutions(one, solve(program, tol=1e-3, executor=pool))


class Interrupting(ThreadPoolExecutor):
    """Ctrl-C comes while a result is waited for, after some of them."""

    n_sent = 0

    def submit(self, function, /, *arguments):
        future = Future()
        self.n_sent += 1

        def result(timeout=None):
            if self.n_sent > 20:
                raise KeyboardInterrupt
            return function(*arguments)

        future.result = result
        return future


@pytest.mark.slow
def test_an_interrupt_keeps_what_is_proven():
    program = ConvexProgram(*planted(60, 5, seed=2), 0.5)
    with Interrupting(1) as made, warnings.catch_warnings():
        warnings.simplefilter("error")
        found = solve(program, tol=1e-6, executor=made)
    assert made.n_sent > 20
    assert found.stopped == "interrupted"
    assert 0.0 < found.lower_bound <= found.objective
    # it was certified here, as the workers may have had Ctrl-C too
    assert found.gap < 0.5


def test_what_is_no_executor_is_refused():
    program = ConvexProgram([[1.0], [2.0]], [1.0, 2.0], 0.1)
    with pytest.raises(InputTypeError, match="executor is int; expected a concurrent"):
        solve(program, executor=3)
    network = solve(program).network
    with pytest.raises(InputTypeError, match="executor is str"):
        certify(network, [[1.0], [2.0]], [1.0, 2.0], 0.1, executor="dask")
    with pytest.raises(InputTypeError, match="executor is int"):
        cover_sphere([[1.0], [2.0]], [1.0, 2.0], executor=0)
