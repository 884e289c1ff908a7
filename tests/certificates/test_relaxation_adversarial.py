"""The bound by relaxation: never below a price, for exact data and any hints."""

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convex_solver.certificates.covering import cover_sphere
from convex_solver.certificates.relaxation import (
    leaf_bound,
    relax_sphere,
    sphere_bound,
)

from reference.halvings import (
    assert_below,
    dot,
    exact_price,
    exactly,
    is_in,
    is_nonnegative,
    moments,
    partition,
    price_point,
    some_hint,
)

seeds = st.integers(0, 10**6)


# without hints


@settings(max_examples=50)
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
    assert best.value <= found.bound < math.inf
    others = random.normal(size=(5, r))
    assert_below(X, v, np.vstack([best.direction, others]), found.bound)


@pytest.mark.parametrize("r", [1, 2, 3, 8, 20])
def test_the_bound_of_one_row_is_its_length(r):
    x = np.random.default_rng(r).normal(size=(1, r))
    found = relax_sphere(x, [2.0], np.zeros_like(x)).bound
    assert found == pytest.approx(2.0 * np.linalg.norm(x), rel=1e-6)
    assert_below(x, [2.0], x, found)


def test_rows_that_are_orthogonal_are_summed_by_their_squares():
    found = relax_sphere(np.diag([3.0, 4.0]), [1.0, 1.0], np.zeros((2, 2))).bound
    assert found == pytest.approx(5.0, rel=1e-6)
    assert found >= 5.0


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


# forms on the sphere


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


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_form_that_is_not_finite_has_no_bound(bad):
    with np.errstate(all="ignore"):
        assert sphere_bound(np.diag([1.0, bad]), np.ones(2)) == np.inf
        assert sphere_bound(np.eye(2), np.array([1.0, bad])) == np.inf


# one leaf


def assert_above_prices(rows, signs, linear, leaf, points, bound):
    """``max(0, price)`` of points of the leaf, exactly; how many of them are in it."""
    assert bound >= 0.0
    inside = [point for point in points if is_in(leaf, point)]
    if math.isinf(bound):
        return len(inside)
    exact = [exactly(x) for x in rows], exactly(signs), exactly(linear)
    for point in inside:
        p = exactly(point)
        assert is_nonnegative(-exact_price(*exact, p), Fraction(bound), dot(p, p))
    return len(inside)


def leaf_problem(random, r, n, cuts, steps=12):
    """Rows, leaves with points, and hints from steps towards the largest moments."""
    made, parts = price_point(random, r, n, cuts)
    with np.errstate(all="ignore"):
        for _ in range(steps):
            made.advance()
        hints = made.hints(made.signs, 2.0 ** int(random.integers(-3, 4)))
    rows = made.rows.X * np.abs(made.w)[:, None]
    return rows / np.abs(rows).max(), np.sign(made.w), made.linear, parts, hints


@pytest.mark.slow
@settings(max_examples=50)
@given(st.integers(2, 5), st.integers(1, 10), st.integers(0, 6), seeds)
def test_hints_of_a_solver_prove_bounds_of_leaves(r, n, cuts, seed):
    random = np.random.default_rng(seed)
    rows, signs, linear, parts, hints = leaf_problem(random, r, n, cuts)
    seen = 0
    for (leaf, points), hint in zip(parts, hints, strict=True):
        prices = np.maximum(points @ rows.T, 0.0) @ signs + points @ linear
        some = np.vstack([points[np.argsort(prices)[-4:]], hint.m, points[:2]])
        # negative multipliers would take off what is not negative
        for y in (hint.multipliers, -hint.multipliers, -np.ones_like(hint.multipliers)):
            with np.errstate(all="ignore"):
                bound = leaf_bound(rows, signs, linear, replace(hint, multipliers=y))
            seen += assert_above_prices(rows, signs, linear, leaf, some, bound)
    assert seen > 0


def numbers(*values):
    return lambda random: values[random.integers(len(values))]


def of_shape(random, shape):
    """Any numbers: usual, huge, tiny, none, or no numbers."""
    kind = int(random.integers(7))
    found = random.normal(size=shape)
    if kind == 1:
        found *= 1e300
    elif kind == 2:
        found *= 1e-300
    elif kind == 3:
        found = np.zeros(shape)
    elif kind >= 4 and found.size:
        found.flat[random.integers(found.size)] = (np.nan, np.inf, -1e308)[kind - 4]
    return found


odd_numbers = numbers(0.0, -1.0, np.nan, np.inf, -np.inf, 1e300, 1e-300, 5e-324, 1.0)


def odd_matrix(random, hint):
    r = hint.m.size
    root = random.normal(size=(r, int(random.integers(1, r + 1))))
    return (
        of_shape(random, (r, r)),
        root @ root.T,
        -np.eye(r),
        hint.M * odd_numbers(random),
        np.diag(np.arange(r) - 1.0),
        hint.M + 1e-8 * random.normal(size=(r, r)),
        hint.m[:, None] * hint.m,
    )[random.integers(7)]


def odd_multipliers(random, hint):
    size = hint.multipliers.size
    return (
        of_shape(random, size),
        np.abs(of_shape(random, size)),
        random.exponential(size=size) * 10.0 ** random.uniform(-3, 3),
        -hint.multipliers,
        hint.multipliers[:-1],
        np.append(hint.multipliers, 1.0),
        np.abs(random.normal(size=(1, size))),
        np.full(size, np.inf),
    )[random.integers(8)]


ODD = {
    "m": lambda random, hint: of_shape(random, hint.m.shape),
    "M": odd_matrix,
    "softness": lambda random, hint: odd_numbers(random),
    "facet_softness": lambda random, hint: odd_numbers(random),
    "shares": lambda random, hint: of_shape(random, hint.shares.shape),
    "multipliers": odd_multipliers,
    "price": lambda random, hint: odd_numbers(random),
}


@settings(max_examples=250)
@given(
    st.integers(1, 5),
    st.integers(0, 8),
    st.integers(0, 6),
    seeds,
    st.sets(st.sampled_from(sorted(ODD)), min_size=1),
)
def test_absurd_hints_prove_bounds_that_are_true(r, n, cuts, seed, names):
    random = np.random.default_rng(seed)
    parts = partition(random, r, cuts, count=60)
    rows, signs = random.normal(size=(n, r)), random.choice([-1.0, 1.0], n)
    linear = random.normal(size=r) * (seed % 3)
    seen = 0
    for k in random.permutation(len(parts))[:3]:
        leaf, points = parts[k]
        m, M = (part[0] for part in moments(points, np.full(len(points), 0.01)))
        count = len(leaf.facets) * (len(leaf.facets) + 1) // 2
        y = random.exponential(size=count) * (random.random(count) < 0.5)
        hint = some_hint(n, leaf, 1.0, m, M, 1e-3, y, 1.0)
        for name in sorted(names):
            hint = replace(hint, **{name: ODD[name](random, hint)})
        with np.errstate(all="ignore"):
            bound = leaf_bound(rows, signs, linear, hint)
        some = np.vstack([points[:6], -rows[:2], rows[:2]])
        seen += assert_above_prices(rows, signs, linear, leaf, some, bound)
    assert seen > 0


@settings(max_examples=100)
@given(st.integers(1, 5), st.integers(1, 8), st.integers(0, 6), seeds)
def test_any_moments_and_multipliers_prove_a_finite_bound(r, n, cuts, seed):
    """Also those that have nothing to do with the leaf or the rows."""
    random = np.random.default_rng(seed)
    parts = partition(random, r, cuts, count=60)
    rows, signs = random.normal(size=(n, r)), random.choice([-1.0, 1.0], n)
    linear = random.normal(size=r)
    size = np.linalg.norm(rows, axis=1).sum() + np.linalg.norm(linear)
    for leaf, points in parts[:3]:
        root = random.normal(size=(r, 2 * r))
        count = len(leaf.facets) * (len(leaf.facets) + 1) // 2
        y = random.normal(size=count)
        m = 0.1 * random.normal(size=r)
        hint = some_hint(n, leaf, 1.0, m, root @ root.T, 0.01, y, 1.0)
        with np.errstate(all="ignore"):
            bound = leaf_bound(rows, signs, linear, hint)
        assert bound < math.inf or r == 1
        some = np.vstack([points[:6], rows[:2]])
        assert_above_prices(rows, signs, linear, leaf, some, bound)
        # without facets it is bounded as a sum of rows is
        bare = replace(hint, multipliers=np.zeros(count), softness=0.0)
        with np.errstate(all="ignore"):
            loose = leaf_bound(rows, signs, linear, bare)
        assert loose < 1e4 * size or r == 1
        # and negative multipliers are none
        with np.errstate(all="ignore"):
            same = leaf_bound(
                rows, signs, linear, replace(bare, multipliers=-np.abs(y))
            )
        assert same == loose


@pytest.mark.slow
@pytest.mark.parametrize("tiny", [1e-50, 1e-70, 1e-160, 1e-300, 5e-324])
def test_tiny_rows_and_weights_cost_nothing(tiny):
    random = np.random.default_rng(3)
    X, v = random.normal(size=(30, 6)), random.normal(size=30)
    bound = relax_sphere(np.delete(X, 3, axis=0), np.delete(v, 3), np.zeros((29, 6)))
    short, light = X.copy(), v.copy()
    short[3] *= tiny
    light[3] *= tiny
    # in products with large ones they are none
    large = light.copy()
    large[3] = min(1.0 / tiny, 1e300)
    for rows, weights in ((short, v), (X, light)):
        found = relax_sphere(rows, weights, np.zeros_like(X)).bound
        assert found == pytest.approx(bound.bound, rel=1e-5)
    found = relax_sphere(short, large, np.zeros_like(X)).bound
    assert np.isfinite(found)
    U = random.normal(size=(6, 2000))
    U /= np.linalg.norm(U, axis=0)
    prices = np.abs(large @ np.maximum(short @ U, 0.0))
    assert found >= prices.max() * (1.0 - 1e-12)
