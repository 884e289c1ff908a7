"""Prices of moments: forms above them on a leaf, and where they are largest."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convex_solver.certificates.relaxation import leaf_bound
from convex_solver.leaves import (
    MOST_RANK,
    Moments,
    PricePoint,
    Rows,
    largest_moments,
)
from convex_solver.leaves.cone import joined
from convex_solver.leaves.forms import largest_on_sphere

from reference.halvings import moments, price_point

seeds = st.integers(0, 10**6)


@given(st.integers(1, 6), seeds)
def test_the_largest_value_of_a_form_on_the_sphere(r, seed):
    random = np.random.default_rng(seed)
    forms = random.normal(size=(3, r + 1, r + 1))
    forms += np.swapaxes(forms, 1, 2)
    found = largest_on_sphere(forms)
    for Q, top in zip(forms, found, strict=True):
        U, size = random.normal(size=(60, r)), np.abs(Q).sum()
        for _ in range(200):  # projected steps up
            U /= np.linalg.norm(U, axis=1)[:, None]
            U = U * size + U @ Q[1:, 1:] + Q[0, 1:]
        U /= np.linalg.norm(U, axis=1)[:, None]
        lifted = np.column_stack([np.ones(len(U)), U])
        values = np.einsum("ki,ij,kj->k", lifted, Q, lifted)
        assert values.max() <= top + 1e-9 * size
        assert top <= values.max() + 1e-3 * size


@settings(max_examples=60)
@given(st.integers(2, 5), st.integers(1, 8), st.integers(0, 5), seeds)
def test_forms_are_above_the_price_on_a_leaf_for_any_moments(r, n, cuts, seed):
    """Also moments of other leaves, and any multipliers that are not negative."""
    random = np.random.default_rng(seed)
    made, parts = price_point(random, r, n, cuts)
    root = random.normal(size=(len(parts), r, r + 1))
    M = root @ np.swapaxes(root, 1, 2)
    scale = 0.3 * random.random(len(parts))[:, None]
    for m in (made.moments.m, scale * random.normal(size=(len(parts), r))):
        made.moments = Moments(m, M, made.moments.e)
        made.softness = float(random.choice([0.0, 0.1]))
        made._look()
        made.y_facets = random.exponential(size=made.y_facets.size)
        forms = made.forms(made.v)
        for (_, points), Q in zip(parts, forms, strict=True):
            lifted = np.column_stack([np.ones(len(points)), points])
            values = np.einsum("ki,ij,kj->k", lifted, Q, lifted)
            prices = np.maximum(points @ made.rows.X.T, 0.0) @ made.w
            assert np.all(prices <= values + 1e-11 * (1.0 + np.abs(Q).max()))


# moments of the largest price


def relaxed_price(made, m, M):
    """The objective of `PricePoint`, leaf by leaf, of unsoftened bounds."""
    rows, w = made.rows, made.w
    at = rows.at(m, M, 0.0)
    mean = m @ rows.X.T
    most = np.where(w > 0.0, at.upper, at.lower.max(axis=0))
    halves = np.where(rows.is_open, 0.5 * (mean + most), rows.level * mean)
    return halves @ w + m @ made.linear


def run(made, steps=60):
    """Advance to the end; the least bounds on the way."""
    least = made.bounds()
    while made.complementarity() > 1e-9 * made.size and steps > 0 and made.advance():
        least = np.minimum(least, made.bounds())
        steps -= 1
    return least


@settings(max_examples=30)
@given(st.integers(2, 4), st.integers(1, 8), st.integers(0, 4), seeds)
def test_no_moments_of_points_have_a_price_above_the_bounds(r, n, cuts, seed):
    """But for the root of a mean square that is all rounding."""
    random = np.random.default_rng(seed)
    made, parts = price_point(random, r, n, cuts)
    bounds, size = run(made), made.size
    m, M = made.moments.m, made.moments.M
    assert np.allclose(np.trace(M, axis1=1, axis2=2), 1.0)
    assert np.all(made.at_facets.values > 0.0)
    assert np.linalg.eigvalsh(joined(m, M)).min() > 0.0
    assert np.all(relaxed_price(made, m, M) <= bounds + 1e-7 * size)
    for k, (_, points) in enumerate(parts):
        prices = np.maximum(points @ made.rows.X.T, 0.0) @ made.w
        assert np.max(prices + points @ made.linear) <= bounds[k] + 1e-7 * size
    for share, most in itertools.product((1.0, 0.1, 0.001), (1, 2, 8)):
        few = [points[: random.integers(1, most + 1)] for _, points in parts]
        each = [moments(some, np.full(len(some), 1.0 / len(some))) for some in few]
        other = (np.concatenate(part) for part in zip(*each, strict=True))
        mixed = [
            (1.0 - share) * a + share * b for a, b in zip((m, M), other, strict=True)
        ]
        assert np.all(relaxed_price(made, *mixed) <= bounds + 1e-7 * size)


@pytest.mark.slow
def test_the_largest_moments_mostly_reach_the_bounds():
    """So that, with the test above, they are not improved by others."""
    gaps = []
    for seed in range(20):
        made, _ = price_point(np.random.default_rng(seed), 2 + seed % 3, 6, seed % 5)
        bounds = run(made)
        reached = relaxed_price(made, made.moments.m, made.moments.M)
        gaps += list((bounds - reached) / made.size)
    assert np.median(gaps) < 1e-4
    assert np.mean(np.array(gaps) < 1e-3) > 0.8


@settings(max_examples=20)
@given(st.integers(1, 5), st.integers(1, 9), seeds)
def test_largest_moments_are_a_hint_for_the_whole_sphere(r, n, seed):
    random = np.random.default_rng(seed)
    X, w = random.normal(size=(n, r)), random.choice([-1.0, 1.0], n)
    linear = random.normal(size=r) * (seed % 2)
    with np.errstate(all="ignore"):
        hint, late = (largest_moments(X, w, linear, end) for end in (math.inf, 0.0))
        bound, loose = (leaf_bound(X, w, linear, some) for some in (hint, late))
    for some in (hint, late):
        assert some.leaf.normals.shape == (0, r)
        assert some.multipliers.shape == (0,)
        assert np.trace(some.M) == pytest.approx(1.0)
        assert np.linalg.eigvalsh(joined(some.m, some.M)).min() > -1e-9
    size = np.linalg.norm(X, axis=1).sum() + np.linalg.norm(linear)
    assert bound <= loose + 1e-9 * size


@pytest.mark.slow
def test_the_largest_moments_are_not_improved_by_others():
    gaps = []
    for seed in range(12):
        random = np.random.default_rng(seed)
        r, n = 2 + seed % 3, 1 + seed % 8
        X, w = random.normal(size=(n, r)), random.choice([-1.0, 1.0], n)
        linear = random.normal(size=r) * (seed % 2)
        hint = largest_moments(X, w, linear)
        with np.errstate(all="ignore"):
            bound = leaf_bound(X, w, linear, hint)
        start = np.zeros((1, r)), np.eye(r)[None] / r
        made = PricePoint(Rows(X, [hint.leaf]), [hint.leaf], *start, w, linear)
        reached = float(relaxed_price(made, hint.m[None], hint.M[None])[0])
        gaps.append(abs(bound - max(reached, 0.0)) / made.size)
        for root in random.normal(size=(10, r, r + 1)):
            M = root @ root.T / np.sum(root**2)
            ahead = linear + 0.5 * w @ X
            m = 0.999 * M @ ahead / np.sqrt(ahead @ M @ ahead)
            assert np.linalg.eigvalsh(joined(m, M)).min() > 0.0
            mixed = 0.8 * hint.m + 0.2 * m, 0.8 * hint.M + 0.2 * M
            found = relaxed_price(made, mixed[0][None], mixed[1][None])[0]
            assert found <= reached + 1e-3 * made.size
    assert np.median(gaps) < 1e-5
    assert max(gaps) < 1e-3


def test_above_the_largest_rank_moments_are_those_of_all_directions():
    r = MOST_RANK + 1
    hint = largest_moments(np.eye(r), np.ones(r), np.zeros(r))
    assert np.array_equal(hint.M, np.eye(r) / r)
    assert not hint.m.any()
