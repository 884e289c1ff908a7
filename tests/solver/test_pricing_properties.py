"""Pricing by climbing: local maxima, compared with the largest over all chambers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrangement import Arrangement
from convex_solver.restricted.working_set import WorkingSet
from convex_solver.solver import pricing
from convex_solver.solver.pricing import SAME, Pricer

from reference.prices import largest_price

pytestmark = pytest.mark.kernels

seeds = st.integers(0, 10**6)


def generic(rng, n, r):
    return rng.standard_normal((n, r))


def tied(rng, n, r):
    """Integers of full rank with zero, duplicate, opposite and scaled rows."""
    X = rng.integers(-2, 3, (n, r)).astype(float)
    X[rng.integers(n)] = 0
    X[rng.integers(n)] = X[0]
    X[rng.integers(n)] = -3 * X[0]
    return np.concatenate([X, np.eye(r)])


def pricer(X, seed=0):
    return Pricer(np.ascontiguousarray(X), Arrangement(X), seed)


def value(X, v, u):
    """``v^T (X u)_+`` from the definition, for directions (k, r)."""
    return np.maximum(u @ X.T, 0.0) @ v


@settings(deadline=None, max_examples=40)
@given(seeds, st.sampled_from([generic, tied]), st.integers(1, 4))
def test_values_are_those_of_the_definition(seed, kind, r):
    rng = np.random.default_rng(seed)
    X = kind(rng, 9, r)
    v, u = rng.standard_normal(len(X)), 3 * rng.standard_normal((20, r))
    found = pricer(X)
    assert len(found.rows) == Arrangement(X).n_distinct
    assert np.allclose(np.linalg.norm(found.rows, axis=1), 1)
    assert np.allclose(found.evaluate(v, u), value(X, v, u), atol=1e-12 * len(X))


def check(X, v, maxima):
    """What holds on any data; returns the values with the sign of the side."""
    k, r = maxima.directions.shape
    assert maxima.near.shape == (k, r)
    assert maxima.values.shape == maxima.signs.shape == (k,)
    assert (maxima.values > 0).all()
    assert (np.diff(maxima.values) <= 0).all()
    assert maxima.largest == (maxima.values[0] if k else 0.0)
    assert np.allclose(np.linalg.norm(maxima.directions, axis=1), 1, atol=1e-12)
    # a neuron of the opposite sign lowers the objective
    found = -maxima.signs * value(X, v, maxima.directions)
    assert np.allclose(found, maxima.values, rtol=1e-9, atol=1e-11)
    for sign in (1.0, -1.0):
        u = maxima.directions[maxima.signs == sign]
        apart = np.abs(u[:, None] - u[None]).max(axis=2) + np.eye(len(u))
        assert apart.min(initial=1.0) >= SAME


def inside(X, maxima):
    """``near`` is off every hyperplane, and on the side of the maximum."""
    X = X[np.any(X != 0, axis=1)]
    X = X / np.linalg.norm(X, axis=1)[:, None]
    there, near = maxima.directions @ X.T, maxima.near @ X.T
    assert np.abs(near).min(initial=1.0) > 1e-12
    clear = np.abs(there) > 1e-9
    assert (np.sign(near) == np.sign(there))[clear].all()


@settings(deadline=None, max_examples=40)
@given(seeds, st.integers(1, 5), st.integers(1, 40), st.sampled_from([0.1, 2, 300]))
def test_generic_maxima_are_local_and_near_is_inside(seed, r, n, window):
    rng = np.random.default_rng(seed)
    X, v = rng.standard_normal((n + r, r)), rng.standard_normal(n + r)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pricing, "WINDOW", window)
        maxima = pricer(X, seed).maxima(v, np.zeros((0, r)), 30)
    check(X, v, maxima)
    inside(X, maxima)
    for u, sign, best in zip(
        maxima.directions, maxima.signs, maxima.values, strict=True
    ):
        step = rng.standard_normal((200, r)) * 10.0 ** -rng.uniform(6, 9, (200, 1))
        around = u + step
        around /= np.linalg.norm(around, axis=1)[:, None]
        values = -sign * value(X, v, around)
        assert values.max() <= best + 1e-12 * np.abs(v).sum() * np.abs(X).max()
        # a maximum on a hyperplane has a concave kink there
        on = np.abs(X @ u) < 1e-12
        assert (-sign * v[on] < 0).all()


@pytest.mark.parametrize("kind", [generic, tied])
@pytest.mark.parametrize("r", [1, 2, 3])
def test_the_largest_over_all_chambers_is_mostly_found_and_never_exceeded(kind, r):
    found = []
    for seed in range(25):
        rng = np.random.default_rng(seed)
        X = kind(rng, 8 - r if kind is tied else 8, r)
        v = rng.standard_normal(len(X))
        maxima = pricer(X, seed).maxima(v, np.zeros((0, r)), 20 * r)
        check(X, v, maxima)
        inside(X, maxima)
        best = largest_price(X, v)
        assert maxima.largest <= best * (1 + 1e-9)
        found.append(maxima.largest >= best * (1 - 1e-9))
    assert sum(found) >= 23


@pytest.mark.parametrize("seed", range(30))
def test_the_chamber_beside_a_maximum_is_a_block_despite_ties(seed):
    rng = np.random.default_rng(seed)
    X = tied(rng, 9, 1 + seed % 4)
    v = rng.standard_normal(len(X))
    maxima = pricer(X, seed).maxima(v, np.zeros((0, X.shape[1])), 30)
    inside(X, maxima)
    for u, near, sign in zip(maxima.directions, maxima.near, maxima.signs, strict=True):
        blocks = WorkingSet(X)
        assert blocks.add(near[None], np.array([sign])) == 1
        facets = blocks.rows
        assert (facets @ u >= -1e-9).all()


def test_seeds_are_climbed_too_and_zero_ones_left_out():
    rng = np.random.default_rng(0)
    X, v = generic(rng, 12, 3), rng.standard_normal(12)
    first = pricer(X).maxima(v, np.zeros((0, 3)), 60)
    again = pricer(X).maxima(v, np.vstack([2 * first.directions, np.zeros((1, 3))]), 0)
    check(X, v, again)
    assert again.largest == pytest.approx(first.largest, rel=1e-12)
    # a maximum stays where it is
    assert np.allclose(again.values, first.values, rtol=1e-12)
    both = first.union(again)
    assert len(both.values) == len(first.values) + len(again.values)
    assert (both.directions[: len(first.values)] == first.directions).all()
    assert both.near.shape == both.directions.shape
    none = pricer(X).maxima(v, np.zeros((1, 3)), 0)
    assert none.largest == 0.0
    assert none.near.shape == (0, 3)


@pytest.mark.parametrize("window", [0.1, 1.0, 1e9])
def test_a_climb_through_windows_ends_where_one_through_all_rows_stays(window):
    rng = np.random.default_rng(3)
    X, v = generic(rng, 60, 3), rng.standard_normal(60)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pricing, "WINDOW", window)
        found = pricer(X).maxima(v, np.zeros((0, 3)), 100)
        patch.setattr(pricing, "WINDOW", 1e9)
        again = pricer(X).maxima(v, found.directions, 0, signs=found.signs)
        other = pricer(X).maxima(v, np.zeros((0, 3)), 100)
    assert np.allclose(again.values, found.values, rtol=1e-12)
    assert np.allclose(again.directions, found.directions, atol=1e-9)
    assert found.largest == pytest.approx(other.largest, rel=1e-12)


def test_seeds_with_a_sign_are_climbed_for_that_sign():
    rng = np.random.default_rng(1)
    X, v = generic(rng, 40, 3), rng.standard_normal(40)
    u = rng.standard_normal((30, 3))
    both = pricer(X).maxima(v, u, 0)
    for sign in (1.0, -1.0):
        one = pricer(X).maxima(v, u, 0, signs=np.full(30, sign))
        assert (one.directions == both.directions[both.signs == sign]).all()
        assert (one.near == both.near[both.signs == sign]).all()
        assert (one.signs == sign).all()


def test_climbs_on_a_sample_of_the_rows_end_at_maxima_of_all(monkeypatch):
    rng = np.random.default_rng(2)
    X, v = generic(rng, 400, 3), rng.standard_normal(400)
    whole = pricer(X).maxima(v, np.zeros((0, 3)), 60)
    monkeypatch.setattr(pricing, "SAMPLE", 50)
    seeds = rng.standard_normal((20, 3))
    found = pricer(X).maxima(v, seeds, 60)
    check(X, v, found)
    inside(X, found)
    assert found.largest == pytest.approx(whole.largest, rel=1e-9)
    again = pricer(X).maxima(v, found.directions, 0, signs=found.signs)
    assert np.allclose(again.values, found.values, rtol=1e-12)


def test_past_the_deadline_no_climb_is_begun(monkeypatch):
    monkeypatch.setattr(pricing, "CHUNK", 1)
    rng = np.random.default_rng(0)
    X, v = generic(rng, 12, 3), rng.standard_normal(12)
    late = pricer(X).maxima(v, np.zeros((0, 3)), 60, deadline=0.0)
    assert len(late.values) <= 2  # one for each sign
    check(X, v, late)
    # pieces do not matter otherwise
    pieces = pricer(X).maxima(v, np.zeros((0, 3)), 60)
    monkeypatch.setattr(pricing, "CHUNK", 1e9)
    whole = pricer(X).maxima(v, np.zeros((0, 3)), 60)
    assert np.array_equal(pieces.values, whole.values)
    assert np.array_equal(pieces.near, whole.near)


def test_the_seed_of_a_pricer_decides_its_random_starts():
    rng = np.random.default_rng(0)
    X, v = generic(rng, 30, 4), rng.standard_normal(30)
    runs = [pricer(X, seed).maxima(v, np.zeros((0, 4)), 5) for seed in (1, 1, 2)]
    assert (runs[0].directions == runs[1].directions).all()
    assert runs[0].directions.shape != runs[2].directions.shape or not np.allclose(
        runs[0].directions, runs[2].directions
    )


def test_zero_weights_and_cancelling_rows_have_no_maximum():
    X = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 2.0]])
    assert pricer(X).maxima(np.zeros(4), np.zeros((0, 2)), 20).largest == 0.0
    v = np.array([1.0, -1.0, 2.0, -1.0])
    assert pricer(X).maxima(v, np.zeros((0, 2)), 20).largest < 1e-12


def test_no_rank_no_directions():
    found = pricer(np.zeros((4, 0))).maxima(np.ones(4), np.zeros((0, 0)), 20)
    assert found.directions.shape == (0, 0)
    assert found.largest == 0.0


def test_one_row_and_its_opposite_in_closed_form():
    # v1 (u)_+ + v2 (-u)_+ on the two directions of a line
    X = np.array([[2.0], [-3.0]])
    maxima = pricer(X).maxima(np.array([1.0, -1.0]), np.zeros((0, 1)), 20)
    assert maxima.values.tolist() == [3.0, 2.0]
    assert maxima.directions.tolist() == [[-1.0], [1.0]]
    assert maxima.signs.tolist() == [1.0, -1.0]


def test_a_maximum_on_a_concave_kink_in_closed_form():
    # u_1 - |u_2|: largest at (1, 0), on the kink of both rows +-(0, 1)
    X = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    v = np.array([1.0, -1.0, -1.0, -1.0])
    maxima = pricer(X).maxima(v, np.zeros((0, 2)), 20)
    top = maxima.directions[maxima.signs == -1.0]
    assert np.allclose(top, [[1.0, 0.0]], atol=1e-12)
    near = maxima.near[maxima.signs == -1.0][0]
    assert near[0] > 0.5
    assert abs(near[1]) > 1e-3
