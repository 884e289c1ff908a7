"""The quadratic form above a price: never below it, exact data and all rounding."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convex_solver.certificates.covering import cover_sphere
from convex_solver.certificates.relaxation import (
    quadratic_bound,
    relax_sphere,
    sphere_bound,
)

seeds = st.integers(0, 10**6)


def price(X, v, u):
    """``v^T (X u)_+`` in rational numbers."""
    exact = [Fraction(x) for x in u]
    total = Fraction(0)
    for row, weight in zip(X, v, strict=True):
        height = sum(Fraction(a) * b for a, b in zip(row, exact, strict=True))
        total += Fraction(weight) * max(height, 0)
    return total


def assert_below(X, v, directions, bound):
    """No direction has a price above it: ``f(u)^2 <= bound^2 |u|^2``, exactly."""
    for u in directions:
        length = sum(Fraction(x) ** 2 for x in u.tolist())
        assert price(X, v, u.tolist()) ** 2 <= Fraction(bound) ** 2 * length


@settings(max_examples=150)
@given(
    st.integers(1, 5), st.integers(1, 12), seeds, st.sampled_from([1e-200, 1.0, 1e150])
)
def test_no_direction_exceeds_the_bound(r, n, seed, size):
    random = np.random.default_rng(seed)
    X = random.normal(size=(n, r)) * size
    if seed % 3 == 0:
        X = np.rint(3.0 * X / size) * size
    v = random.normal(size=n)
    v[random.random(n) < 0.1] = 0.0
    found = relax_sphere(X, v, np.zeros_like(X))
    best = cover_sphere(X, v)
    assert best.value <= found.bound
    others = random.normal(size=(5, r))
    assert_below(
        X.tolist(), v.tolist(), np.vstack([best.direction, others]), found.bound
    )


@settings(max_examples=60)
@given(st.integers(1, 4), st.integers(1, 9), seeds)
def test_any_moments_prove_a_bound(r, n, seed):
    """Whatever M, also one that has nothing to do with the rows."""
    random = np.random.default_rng(seed)
    rows, signs = random.normal(size=(n, r)), random.choice([-1.0, 1.0], n)
    linear = random.normal(size=r) * (seed % 2)
    root = random.normal(size=(r, r + 1))
    bound = quadratic_bound(rows, signs, linear, root @ root.T)
    for u in random.normal(size=(20, r)):
        u = u / np.linalg.norm(u)
        value = linear @ u + signs @ np.maximum(rows @ u, 0.0)
        assert value <= bound * (1 + 1e-14)


@pytest.mark.parametrize("r", [1, 2, 3, 8, 20])
def test_the_bound_of_one_row_is_its_length(r):
    x = np.random.default_rng(r).normal(size=(1, r))
    found = relax_sphere(x, [2.0], np.zeros_like(x)).bound
    assert found == pytest.approx(2.0 * np.linalg.norm(x), rel=1e-6)


def test_rows_that_are_orthogonal_are_summed_by_their_squares():
    found = relax_sphere(np.diag([3.0, 4.0]), [1.0, 1.0], np.zeros((2, 2))).bound
    assert found == pytest.approx(5.0, rel=1e-6)


@given(st.integers(1, 6), seeds)
def test_a_quadratic_form_on_the_sphere(r, seed):
    random = np.random.default_rng(seed)
    H = random.normal(size=(r, r))
    H, g = H + H.T, random.normal(size=r) * 10.0 ** (seed % 5 - 3)
    bound = sphere_bound(H, g)
    U = random.normal(size=(200, r))
    for _ in range(300):  # projected steps up
        U /= np.linalg.norm(U, axis=1)[:, None]
        U = U * (2.0 * np.linalg.norm(H) + 1.0) + 2.0 * U @ H + g
    U /= np.linalg.norm(U, axis=1)[:, None]
    values = np.einsum("ij,ij->i", U @ H, U) + U @ g
    size = np.linalg.norm(H) + np.linalg.norm(g)
    assert values.max() <= bound + 1e-15 * size
    assert bound <= values.max() + 1e-4 * size


def test_what_is_not_semidefinite_is_not_accepted():
    from convex_solver.certificates.relaxation import _is_nonnegative

    H, g = np.diag([1.0, 2.0]), np.array([1.0, 0.0])
    # alpha (nu - 1) >= 1 / 4 and nu >= 2
    assert _is_nonnegative(H, g, 2.5, 0.25 / 1.5 * (1 + 1e-10))
    assert not _is_nonnegative(H, g, 2.5, 0.25 / 1.5)
    assert not _is_nonnegative(H, g, 2.0, 1.0)
    assert not _is_nonnegative(H, g, np.nan, 1.0)


def test_rounded_data_are_bounded_for_the_exact_ones():
    X, v = np.array([[1.0, 2.0], [3.0, -1.0]]), np.array([1.0, -2.0])
    plain = relax_sphere(X, v, np.zeros_like(X)).bound
    wide = relax_sphere(X, v, np.full_like(X, 0.01)).bound
    # every row may be longer by 0.01 sqrt 2, times its weight
    assert wide >= plain + 0.03
    assert wide <= plain + 0.03 * 2.0**0.5 * 1.01


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e308])
def test_what_is_not_finite_is_an_infinite_bound(bad):
    X = np.array([[1.0, bad], [2.0, 1.0]])
    found = relax_sphere(X, np.array([1.0, 1e308]), np.zeros_like(X))
    assert found.bound == np.inf


def test_nothing_has_price_zero():
    assert relax_sphere(np.zeros((2, 3)), np.ones(2), np.zeros((2, 3))).bound == 0.0
    assert relax_sphere(np.ones((2, 3)), np.zeros(2), np.zeros((2, 3))).bound == 0.0


def test_past_the_deadline_the_bound_is_loose_and_true():
    random = np.random.default_rng(0)
    X, v = random.normal(size=(30, 6)), random.normal(size=30)
    late = relax_sphere(X, v, np.zeros_like(X), deadline=0.0).bound
    best = relax_sphere(X, v, np.zeros_like(X)).bound
    assert cover_sphere(X, v, max_cones=1000).value <= best < late < np.inf
