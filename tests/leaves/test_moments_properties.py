"""Moments of directions: packing, cones, bounds of rows and all derivatives."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convex_solver.leaves import (
    Packing,
    add_curvature,
    cone_ratio,
    curvature,
    joined,
    largest_moments,
    pull_back,
    spread,
)

ranks = st.integers(1, 6)
seeds = st.integers(0, 10**6)


def symmetric(random, r):
    matrix = random.normal(size=(r, r))
    return matrix + matrix.T


def definite(random, r):
    matrix = random.normal(size=(r, 2 * r))
    return matrix @ matrix.T


@given(ranks, seeds)
def test_packing_keeps_inner_products(r, seed):
    random = np.random.default_rng(seed)
    packing = Packing(r)
    A, B = symmetric(random, r), symmetric(random, r)
    assert packing.pack(A) @ packing.pack(B) == pytest.approx(np.trace(A @ B))
    assert np.allclose(packing.unpack(packing.pack(A)), A, atol=1e-14)
    x, y = random.normal(size=(2, 5, r))
    for row, a, b in zip(packing.outer(x, y), x, y, strict=True):
        assert np.allclose(packing.unpack(row), 0.5 * (np.outer(a, b) + np.outer(b, a)))


@given(ranks, seeds)
def test_the_symmetric_kronecker_product_is_its_map(r, seed):
    random = np.random.default_rng(seed)
    packing = Packing(r)
    a, b, Y = (symmetric(random, r) for _ in range(3))
    expected = 0.5 * (a @ Y @ b + b @ Y @ a)
    found = packing.unpack(packing.kronecker(a, b) @ packing.pack(Y))
    assert np.allclose(found, expected)
    same = packing.unpack(packing.kronecker(a, a) @ packing.pack(Y))
    assert np.allclose(same, a @ Y @ a)


@given(ranks, seeds)
def test_the_cone_of_moments_and_its_curvature(r, seed):
    random = np.random.default_rng(seed)
    packing, bordered = Packing(r), Packing(r + 1)
    a, b = definite(random, r + 1), definite(random, r + 1)
    m, M = random.normal(size=r), symmetric(random, r)
    Y, y = joined(m, M), np.concatenate([m, packing.pack(M)])
    assert Y[0, 0] == pytest.approx(np.trace(M))
    assert pull_back(a, packing) @ y == pytest.approx(np.sum(a * Y))
    found = y @ curvature(a, b, packing, bordered) @ y
    assert found == pytest.approx(np.trace(Y @ a @ Y @ b))


def wall(m, M):
    """Minus the logarithm of the determinant, which steps keep away from zero."""
    return -np.linalg.slogdet(joined(m, M))[1]


@given(ranks, seeds)
def test_the_wall_has_these_derivatives(r, seed):
    random = np.random.default_rng(seed)
    packing, bordered = Packing(r), Packing(r + 1)
    M = definite(random, r) + np.eye(r)
    m = 0.1 * random.normal(size=r)
    inverse = np.linalg.inv(joined(m, M))
    y = 1e-4 * random.normal(size=r + packing.size)
    dm, dM = y[:r], packing.unpack(y[r:])
    ends = [wall(m + k * dm, M + k * dM) for k in (-1, 1)]
    assert (ends[1] - ends[0]) / 2 == pytest.approx(
        -pull_back(inverse, packing) @ y, rel=1e-5, abs=1e-9
    )
    assert ends[1] + ends[0] - 2 * wall(m, M) == pytest.approx(
        y @ curvature(inverse, inverse, packing, bordered) @ y, rel=1e-3, abs=1e-11
    )


@given(ranks, seeds)
def test_the_way_to_the_border_of_the_cone(r, seed):
    random = np.random.default_rng(seed)
    A, step = definite(random, r) + np.eye(r), symmetric(random, r)
    length = cone_ratio(A, step)
    if np.isinf(length):
        assert np.linalg.eigvalsh(step)[0] > -1e-9
    else:
        least = np.linalg.eigvalsh(A + length * step)[0]
        assert abs(least) < 1e-9 * (1.0 + length * np.abs(step).max())


@given(ranks, seeds)
def test_rows_are_bounded_whatever_the_directions(r, seed):
    """``|M x| <= mean |x.u| <= sqrt(tau x^T M x)``, and both ends are attained."""
    random = np.random.default_rng(seed)
    U = random.normal(size=(2 * r + 1, r))
    U /= np.linalg.norm(U, axis=1)[:, None]
    shares = random.random(len(U)) + 0.01
    X = random.normal(size=(7, r))
    at = spread(X, (U * shares[:, None]).T @ U)
    means = np.abs(X @ U.T) @ shares
    assert at.trace == pytest.approx(shares.sum())
    assert np.all(at.least <= means * (1 + 1e-12))
    assert np.all(means <= at.most * (1 + 1e-12))
    assert np.allclose(np.linalg.norm(at.policy, axis=1), 1.0)
    one = spread(X, np.outer(U[0], U[0]))
    assert np.allclose(one.least, np.abs(X @ U[0]))
    assert np.allclose(one.most, np.abs(X @ U[0]))


@settings(max_examples=30)
@given(st.integers(2, 5), seeds)
def test_bounds_of_rows_have_this_curvature(r, seed):
    random = np.random.default_rng(seed)
    packing = Packing(r)
    X, M = random.normal(size=(6, r)), definite(random, r) + np.eye(r)
    up, low = random.random(6), random.random(6)
    hessian = np.zeros((packing.size, packing.size))
    add_curvature(hessian, X, packing, spread(X, M), up, low)
    assert np.linalg.eigvalsh(hessian)[0] > -1e-12
    y = random.normal(size=packing.size)
    y *= 1e-3 / np.linalg.norm(y)

    def value(k):
        at = spread(X, M + k * packing.unpack(y))
        return low @ at.least - up @ at.most

    second = value(1) + value(-1) - 2 * value(0)
    assert second == pytest.approx(y @ hessian @ y, rel=1e-3, abs=1e-12)


@settings(max_examples=20)
@given(st.integers(2, 4), st.integers(1, 8), seeds)
def test_the_largest_moments_are_not_improved_by_others(r, n, seed):
    random = np.random.default_rng(seed)
    rows, signs = random.normal(size=(n, r)), random.choice([-1.0, 1.0], n)
    linear = random.normal(size=r)

    def relaxed(M):
        # the best m for M is where the moments are singular: m^T M^-1 m = 1
        at = spread(rows, M)
        g = linear + 0.5 * signs @ rows
        halves = 0.5 * np.where(signs > 0, at.most, -at.least)
        return halves.sum() + np.sqrt(g @ M @ g)

    best, _ = largest_moments(rows, signs, linear)
    assert np.trace(best) == pytest.approx(1.0)
    reached = relaxed(best)
    for _ in range(20):
        other = definite(random, r)
        mixed = 0.9 * best + 0.1 * other / np.trace(other)
        assert relaxed(mixed) <= reached * (1 + 1e-6)
