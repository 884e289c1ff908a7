"""The bound by relaxation over leaves: all of the sphere, or it is refused."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrangement import InputError
from convex_solver.certificates.covering import cover_sphere
from convex_solver.certificates.relaxation import relax_sphere
from convex_solver.leaves import Leaf, largest_moments

from reference.halvings import (
    assert_below,
    moments,
    partition,
    price_point,
    some_hint,
    units,
)

seeds = st.integers(0, 10**6)


def hints_for(random, X, v, cuts, steps=15, scale=1.0):
    """Hints for both signs, of leaves of a partition each."""
    found = []
    for sign in (1.0, -1.0):
        parts = partition(random, X.shape[1], cuts, least=3)
        for leaf, points in parts:
            inner = leaf.walk(points, 40, random)
            m, M = (part[0] for part in moments(inner, np.full(40, 1.0 / 40)))
            count = len(leaf.facets) * (len(leaf.facets) + 1) // 2
            y = scale * 0.1 * random.exponential(size=count)
            found.append(some_hint(len(X), leaf, sign, m, M, 0.01 * scale, y, 1.0))
    return [found[k] for k in random.permutation(len(found))]


@settings(max_examples=60)
@given(
    st.integers(1, 4),
    st.integers(1, 10),
    st.integers(0, 5),
    seeds,
    st.sampled_from([(1.0, 1.0), (1e-200, 1.0), (1e150, 1e-250), (1e-150, 1e150)]),
)
def test_leaves_that_cover_the_sphere_bound_all_of_it(r, n, cuts, seed, scales):
    """Also of rows on one line, of repeated ones and of weights that are zero."""
    random = np.random.default_rng(seed)
    X, v = random.normal(size=(n, r)), random.normal(size=n)
    if seed % 2:
        X[n // 2 :] = X[: n - n // 2] * random.choice([-1.0, 1.0, 2.0])
    if seed % 5 == 0:
        v[0] = 0.0
    hints = hints_for(random, X, v, cuts)
    size, weight = scales
    hints = [replace(hint, price=size * weight) for hint in hints]
    found = relax_sphere(size * X, weight * v, np.zeros_like(X), hints=hints)
    assert found.n_leaves == max(len(hints), 2)
    best = cover_sphere(X, v, max_cones=3000)
    some = np.vstack([best.direction, random.normal(size=(5, r)), X[:1]])
    assert_below(size * X, weight * v, some, found.bound)
    length = np.abs(v) @ np.linalg.norm(X, axis=1)
    assert found.bound <= 100.0 * size * weight * length or r == 1


@settings(max_examples=40)
@given(st.integers(1, 3), st.integers(1, 8), st.integers(1, 5), seeds)
def test_rows_of_lower_rank_are_bounded_in_their_own_space(r, n, cuts, seed):
    random = np.random.default_rng(seed)
    d = r + 2
    basis = np.linalg.qr(random.normal(size=(d, r)))[0]
    Z, v = random.normal(size=(n, r)), random.normal(size=n)
    X, known = Z @ basis.T, {}
    hints = [hint.mapped(basis.T, known) for hint in hints_for(random, Z, v, cuts)]
    found = relax_sphere(X, v, np.zeros_like(X), hints=hints).bound
    best = cover_sphere(Z, v, max_cones=3000)
    some = np.vstack([best.direction @ basis.T, random.normal(size=(5, d)), X[:1]])
    assert_below(X, v, some, found)


@settings(max_examples=40)
@given(st.integers(1, 4), st.integers(1, 8), st.integers(0, 4), seeds)
def test_exact_data_within_the_error_are_bounded_on_leaves(r, n, cuts, seed):
    random = np.random.default_rng(seed)
    X, v = random.normal(size=(n, r)), random.normal(size=n)
    error = 0.1 * random.random((n, r))
    hints = hints_for(random, X, v, cuts)
    plain = relax_sphere(X, v, np.zeros_like(X), hints=hints).bound
    found = relax_sphere(X, v, error, hints=hints).bound
    assert found >= plain
    for sign in (1.0, -1.0):
        # all entries as far as they may be, each towards a larger price
        u = cover_sphere(X, sign * v, max_cones=3000).direction
        worst = X + np.sign(v * (v @ np.maximum(X @ u, 0.0)))[:, None] * (
            0.999 * error * np.sign(u)
        )
        assert_below(worst, v, [u, *random.normal(size=(3, r))], found)


def test_rows_too_short_for_squares_are_kept():
    """Their squares underflow, but not what they add to a price."""
    X = np.array([[1.0, 0.0], [0.0, 1e-200], [1e-180, 1e-170]])
    v = np.array([1.0, 1.0, -1.0])
    random = np.random.default_rng(0)
    hints = hints_for(random, X, v, 3)
    points = np.vstack([np.eye(2), -np.eye(2), X])
    for some in ((), hints):
        assert_below(X, v, points, relax_sphere(X, v, 0.0 * X, hints=some).bound)
        rest = [replace(hint, shares=hint.shares[:, 1:]) for hint in some]
        tiny = relax_sphere(X[1:], v[1:], 0.0 * X[1:], hints=rest).bound
        assert_below(X[1:], v[1:], points, tiny)


def honest_hints(random, X, v, cuts):
    """As a solver makes them, leaf by leaf."""
    found = []
    for sign in (1.0, -1.0):
        made, _ = price_point(random, X.shape[1], len(X), cuts, X, -sign * v)
        for _ in range(40):
            if not made.advance():
                break
        found += made.hints(sign * made.signs, 1.0)
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "share"), [(0, 0.8), (1, 1.0), (3, 0.2)])
def test_smaller_leaves_have_better_bounds_that_come_near(seed, share):
    random = np.random.default_rng(seed)
    X, v = random.normal(size=(16, 3)), random.normal(size=16)
    best, error = cover_sphere(X, v).value, np.zeros_like(X)
    whole = relax_sphere(X, v, error).bound
    with np.errstate(all="ignore"):
        hints = honest_hints(random, X, v, 60)
    fine = relax_sphere(X, v, error, hints=hints).bound
    assert best <= fine <= best + share * (whole - best)


def refused(X, v, hints):
    with pytest.raises(InputError, match="do not cover"):
        relax_sphere(X, v, np.zeros_like(X), hints=hints)


@settings(max_examples=30)
@given(st.integers(2, 4), st.integers(1, 6), seeds)
def test_leaves_that_do_not_cover_the_sphere_are_refused(r, cuts, seed):
    random = np.random.default_rng(seed)
    X, v = random.normal(size=(5, r)), random.normal(size=5)
    hints = hints_for(random, X, v, cuts)
    relax_sphere(X, v, np.zeros_like(X), hints=hints)
    k = int(random.integers(len(hints)))
    refused(X, v, hints[:k] + hints[k + 1 :])
    refused(X, v, [*hints, hints[k]])
    refused(X, v, [hint for hint in hints if hint.sign == hints[k].sign])
    refused(X, v, [replace(hint, sign=1.0) for hint in hints])
    for sign in (0.5, np.nan, 0.0):
        refused(X, v, [*hints[:k], replace(hints[k], sign=sign), *hints[k + 1 :]])
    leaf = hints[k].leaf
    if len(leaf.thresholds):
        for changed in (
            Leaf(leaf.normals, np.nextafter(leaf.thresholds, 2.0), leaf.above),
            Leaf(np.nextafter(leaf.normals, 2.0), leaf.thresholds, leaf.above),
            Leaf(leaf.normals, leaf.thresholds, ~leaf.above),
            Leaf(leaf.normals, np.nan * leaf.thresholds, leaf.above),
            Leaf(leaf.normals[1:], leaf.thresholds[1:], leaf.above[1:]),
        ):
            other = [*hints[:k], replace(hints[k], leaf=changed), *hints[k + 1 :]]
            refused(X, v, other)


def test_hints_for_the_whole_sphere_are_what_it_does_without():
    random = np.random.default_rng(0)
    X, v = units(random, 6, 3), np.array([1.0, -1.0, 1.0, 1.0, -1.0, 1.0])
    hints = [
        replace(largest_moments(X, -sign * v, np.zeros(3)), sign=sign)
        for sign in (1.0, -1.0)
    ]
    found = relax_sphere(X, v, np.zeros_like(X), hints=hints).bound
    expected = relax_sphere(X, v, np.zeros_like(X)).bound
    assert found == pytest.approx(expected, rel=1e-3)
