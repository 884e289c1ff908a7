"""The same result, bit for bit, whatever the number of threads."""

import numpy as np
import pytest

from arrangement import Arrangement, InputError
from convex_solver import ConvexProgram, interpolate, solve, solve_path
from convex_solver.estimators import ConvexReLURegressor
from convex_solver.solver import pricing
from convex_solver.solver.pricing import Pricer

from instances import gaussian_with_ones

JOBS = (1, 2, 3)


def planted(n, r, seed):
    rng = np.random.default_rng(seed)
    X = gaussian_with_ones(rng, n, r)
    hidden = np.maximum(X @ rng.standard_normal((r, 3)), 0.0)
    return X, hidden @ rng.standard_normal(3) + 0.3 * rng.standard_normal(n)


def same(one, other):
    assert other.objective == one.objective
    assert other.lower_bound == one.lower_bound
    assert other.stopped == one.stopped
    assert (other.network.weights == one.network.weights).all()
    assert (other.network.alphas == one.network.alphas).all()
    assert (other.certificate.dual == one.certificate.dual).all()
    assert other.certificate.n_cones == one.certificate.n_cones
    for a, b in zip(one.history, other.history, strict=True):
        assert (a.upper, a.lower, a.priced) == (b.upper, b.lower, b.priced)


@pytest.mark.parametrize(
    ("n", "r", "loss"),
    [
        (40, 3, "squared"),
        (25, 4, "absolute"),
        pytest.param(12, 8, "squared", marks=pytest.mark.slow),
    ],
)
def test_solve(n, r, loss):
    X, y = planted(n, r, seed=n)
    program = ConvexProgram(X, y, 0.5, loss=loss)
    one, *others = (solve(program, tol=1e-4, max_rounds=4, n_jobs=k) for k in JOBS)
    for other in others:
        same(one, other)


@pytest.mark.slow
def test_solve_path():
    X, y = planted(30, 3, seed=0)
    program = ConvexProgram(X, y, 1.0)
    paths = [solve_path(program, [3.0, 0.3], tol=1e-6, n_jobs=k) for k in JOBS]
    for path in paths[1:]:
        for one, other in zip(paths[0], path, strict=True):
            same(one, other)


def test_interpolate():
    X, y = planted(9, 3, seed=1)
    one, *others = (interpolate(X, y, tol=1e-4, n_jobs=k) for k in JOBS)
    for other in others:
        assert other.norm == one.norm
        assert other.lower_bound == one.lower_bound
        assert (other.network.weights == one.network.weights).all()


def test_an_estimator_hands_them_on(monkeypatch):
    X, y = planted(20, 3, seed=2)
    seen = []
    init = Pricer.__init__

    def note(self, X, arrangement, seed=0, n_jobs=1):
        seen.append(n_jobs)
        init(self, X, arrangement, seed, n_jobs)

    monkeypatch.setattr(Pricer, "__init__", note)
    fits = [ConvexReLURegressor(1.0, n_jobs=k).fit(X[:, :2], y) for k in JOBS]
    assert seen == list(JOBS)
    assert len({fit.objective_ for fit in fits}) == 1


@pytest.mark.kernels
@pytest.mark.parametrize("n", [30, 300])
def test_climbs(monkeypatch, n):
    monkeypatch.setattr(pricing, "SAMPLE", 100)
    rng = np.random.default_rng(n)
    X, v = gaussian_with_ones(rng, n, 3), rng.standard_normal(n)
    seeds, found = rng.standard_normal((17, 3)), []
    for n_jobs in (*JOBS, 50):
        pricer = Pricer(X, Arrangement(X), 0, n_jobs)
        found.append(pricer.maxima(v, seeds, 40))
    for other in found[1:]:
        for name in ("directions", "near", "signs", "values"):
            assert np.array_equal(getattr(other, name), getattr(found[0], name))


@pytest.mark.parametrize("n_jobs", [0, -2, 10**9])
def test_a_number_that_is_none_of_threads_is_refused(n_jobs):
    program = ConvexProgram([[1.0], [2.0]], [1.0, 2.0], 0.1)
    with pytest.raises(InputError, match="n_jobs"):
        solve(program, n_jobs=n_jobs)
    with pytest.raises(InputError, match="n_jobs"):
        solve_path(program, [1.0], n_jobs=n_jobs)
    with pytest.raises(InputError, match="n_jobs"):
        interpolate([[1.0], [2.0]], [1.0, 2.0], n_jobs=n_jobs)
