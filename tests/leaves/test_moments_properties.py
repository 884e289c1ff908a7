"""Moments of directions: packing, the cone, and derivatives of its barrier."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convex_solver.leaves import Packing
from convex_solver.leaves.cone import (
    cone_ratio,
    curvature,
    inverse_roots,
    joined,
    pull_back,
    symmetric,
)

ranks = st.integers(1, 6)
seeds = st.integers(0, 10**6)


def any_symmetric(random, r):
    matrix = random.normal(size=(r, r))
    return matrix + matrix.T


def definite(random, r):
    matrix = random.normal(size=(r, 2 * r))
    return matrix @ matrix.T


@given(ranks, seeds)
def test_packing_keeps_inner_products(r, seed):
    random = np.random.default_rng(seed)
    packing = Packing(r)
    A, B = any_symmetric(random, r), any_symmetric(random, r)
    assert packing.pack(A).shape == (packing.size,)
    assert packing.pack(A) @ packing.pack(B) == pytest.approx(np.trace(A @ B))
    assert packing.identity @ packing.pack(A) == pytest.approx(np.trace(A))
    assert np.allclose(packing.unpack(packing.pack(A)), A, atol=1e-14)
    x, y = random.normal(size=(2, 5, r))
    for row, a, b in zip(packing.outer(x, y), x, y, strict=True):
        assert np.allclose(packing.unpack(row), 0.5 * (np.outer(a, b) + np.outer(b, a)))


@given(ranks, seeds)
def test_the_symmetric_kronecker_product_is_its_map(r, seed):
    random = np.random.default_rng(seed)
    packing = Packing(r)
    a, b, Y = (any_symmetric(random, r) for _ in range(3))
    expected = 0.5 * (a @ Y @ b + b @ Y @ a)
    found = packing.unpack(packing.kronecker(a, b) @ packing.pack(Y))
    assert np.allclose(found, expected)
    same = packing.unpack(packing.kronecker(a, a) @ packing.pack(Y))
    assert np.allclose(same, a @ Y @ a)
    # with the identity in the place of one, on top of what is there
    before = random.normal(size=(2, packing.size, packing.size))
    added = before.copy()
    packing.add_products(added, np.array([a, b]))
    for k, one in enumerate((a, b)):
        expected = before[k] + packing.kronecker(one, np.eye(r))
        assert np.allclose(added[k], expected)


@given(ranks, seeds)
def test_inverse_roots_are_triangular_and_of_the_inverse(r, seed):
    random = np.random.default_rng(seed)
    B = random.normal(size=(3, r, r))
    A = B @ np.swapaxes(B, 1, 2) + 0.1 * np.eye(r)
    for root, matrix in zip(inverse_roots(A), A, strict=True):
        assert np.array_equal(root, np.tril(root))
        assert np.allclose(root @ matrix @ root.T, np.eye(r), atol=1e-9)
        assert np.allclose(root.T @ root @ matrix, np.eye(r), atol=1e-7)


def test_matrices_that_are_not_definite_have_no_roots():
    with pytest.raises(np.linalg.LinAlgError):
        inverse_roots(np.array([np.eye(2), -np.eye(2)]))


@given(ranks, seeds)
def test_many_at_once_are_as_each_on_its_own(r, seed):
    random = np.random.default_rng(seed)
    packing, bordered = Packing(r), Packing(r + 1)
    A = np.array([any_symmetric(random, r) for _ in range(6)]).reshape(2, 3, r, r)
    m = random.normal(size=(2, 3, r))
    a, b = (np.array([definite(random, r + 1) for _ in range(3)]) for _ in range(2))
    packed, whole = packing.pack(A), joined(m, A)
    outer = packing.outer(m, m[::-1])
    for k in np.ndindex(2, 3):
        assert np.array_equal(packed[k], packing.pack(A[k]))
        assert np.array_equal(packing.unpack(packed)[k], packing.unpack(packed[k]))
        assert np.array_equal(whole[k], joined(m[k], A[k]))
        assert np.array_equal(outer[k], packing.outer(m[k], m[::-1][k]))
    bent, pulled = curvature(a, b, packing, bordered), pull_back(a, packing)
    product, even = bordered.kronecker(a, b), symmetric(a @ b)
    for k in range(3):
        assert np.array_equal(pulled[k], pull_back(a[k], packing))
        assert np.allclose(bent[k], curvature(a[k], b[k], packing, bordered))
        assert np.array_equal(product[k], bordered.kronecker(a[k], b[k]))
        assert np.allclose(even[k], 0.5 * (a[k] @ b[k] + b[k] @ a[k]))
    steps = np.array([any_symmetric(random, r + 1) for _ in range(3)])
    each = [cone_ratio(a[k][None], steps[k][None]) for k in range(3)]
    assert cone_ratio(a, steps) == pytest.approx(min(each))
    assert cone_ratio(a[0], steps[0]) == pytest.approx(each[0])


@given(ranks, seeds)
def test_the_cone_of_moments_and_its_curvature(r, seed):
    random = np.random.default_rng(seed)
    packing, bordered = Packing(r), Packing(r + 1)
    a, b = definite(random, r + 1), definite(random, r + 1)
    m, M = random.normal(size=r), any_symmetric(random, r)
    Y, y = joined(m, M), np.concatenate([m, packing.pack(M)])
    assert Y[0, 0] == pytest.approx(np.trace(M))
    assert np.array_equal(Y[1:, 1:], M)
    assert np.array_equal(Y[0, 1:], m)
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
    A, step = definite(random, r) + np.eye(r), any_symmetric(random, r)
    length = cone_ratio(A, step)
    if np.isinf(length):
        assert np.linalg.eigvalsh(step)[0] > -1e-9
    else:
        least = np.linalg.eigvalsh(A + length * step)[0]
        assert abs(least) < 1e-9 * (1.0 + length * np.abs(step).max())
