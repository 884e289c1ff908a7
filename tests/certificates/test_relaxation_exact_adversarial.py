"""Forms of the relaxation recomputed in rational numbers, where they are tight."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from convex_solver.certificates import relaxation
from convex_solver.certificates.relaxation import leaf_bound, sphere_bound
from convex_solver.leaves import Leaf

from reference.halvings import (
    dot,
    exact_price,
    exactly,
    is_in,
    is_nonnegative,
    moments,
    price_point,
    some_hint,
    units,
)

seeds = st.integers(0, 10**6)


class Kept(relaxation._Form):
    """A form that is kept."""

    last = None

    def __init__(self, r):
        super().__init__(r)
        Kept.last = self


def quadratic(H, p):
    return dot([dot(row, p) for row in H], p)


class ExactForm:
    """The form as it was added up, what is allowed for rounding, and its bounds."""

    def __init__(self, rows, signs, linear, hint, monkeypatch):
        with monkeypatch.context() as patch, np.errstate(all="ignore"):
            patch.setattr(relaxation, "_Form", Kept)
            self.bound = leaf_bound(rows, signs, linear, hint)
            form = Kept.last
            whole = form.largest()
            self.is_finite = np.isfinite(whole)
            if not self.is_finite:
                assert self.bound == np.inf
                return
            H = np.tril(form.H) + np.tril(form.H, -1).T
            self.top = Fraction(sphere_bound(H, form.g))
        assert np.allclose(form.H, H, rtol=1e-9, atol=1e-9 * form.size)
        assert self.bound == max(whole, 0.0)
        self.c = Fraction(form.c)
        self.slack = Fraction(whole) - self.c - self.top
        self.g, self.H = exactly(form.g), [exactly(row) for row in H]
        self.exact = [exactly(x) for x in rows], exactly(signs), exactly(linear)

    def check(self, point):
        """``price <= form + slack`` and ``form <= bound`` at a point, exactly."""
        p = exactly(point)
        q = dot(p, p)
        price, along = exact_price(*self.exact, p), dot(self.g, p)
        bent = quadratic(self.H, p)
        assert self.slack >= 0
        assert is_nonnegative((self.c + self.slack) * q + bent, along - price, q)
        assert is_nonnegative(self.top * q - bent, -along, q)
        assert is_nonnegative(-price, Fraction(self.bound), q)


def hints_of(random, leaf, points, hint):
    """Of a solver; of one point and of two, where forms are tight; of anything."""
    count, n = hint.multipliers.size, hint.shares.shape[1]
    found = [hint]
    for k in (1, 1, 1, 2):
        m, M = (part[0] for part in moments(points[:k], np.full(k, 1.0 / k)))
        y = random.exponential(size=count) * (random.random(count) < 0.3)
        found.append(
            some_hint(n, leaf, 1.0, m, M, float(random.choice([0.0, 1e-3])), y, 1.0)
        )
        points = np.roll(points, -k, axis=0)
    # and of numbers that are no moments
    for size in (0.3, 3.0):
        m, root = random.normal(size=(2, hint.m.size))
        M = np.multiply.outer(root, root) + 0.1 * np.eye(root.size)
        found.append(some_hint(n, leaf, 1.0, size * m, M, 0.0, np.zeros(count), 1.0))
    root = random.normal(size=(hint.m.size, 9))
    y = random.exponential(size=count)
    found.append(some_hint(n, leaf, 1.0, root[:, 0], root @ root.T, 0.1, y, 0.5))
    return found


@settings(max_examples=80)
@given(st.integers(2, 6), st.integers(1, 12), st.integers(0, 4), seeds)
def test_forms_are_above_prices_and_below_bounds_exactly(r, n, cuts, seed):
    """More than ten thousand points and forms, when all examples are run."""
    random = np.random.default_rng(seed)
    made, parts = price_point(random, r, n, cuts)
    with np.errstate(all="ignore"):
        for _ in range(int(random.integers(12))):
            made.advance()
        hints = made.hints(made.signs, 0.5)
    rows = made.rows.X * np.abs(made.w)[:, None]
    rows /= np.abs(rows).max()
    signs = np.sign(made.w) if seed % 3 else np.ones(n)
    linear = made.linear * (seed % 2)
    checked = 0
    for k in random.permutation(len(parts))[:2]:
        leaf, points = parts[k]
        price = np.maximum(points @ rows.T, 0.0) @ signs + points @ linear
        chosen = [*points[:9], *points[np.argsort(price)[-4:]], *rows[:2]]
        inside = [point for point in chosen if is_in(leaf, point)]
        with pytest.MonkeyPatch.context() as patch:
            for hint in hints_of(random, leaf, points[:9], hints[k]):
                form = ExactForm(rows, signs, linear, hint, patch)
                if form.is_finite:
                    for point in inside:
                        form.check(point)
                    checked += len(inside)
    assert checked > 20


@settings(max_examples=40)
@given(st.integers(2, 5), st.integers(1, 4), seeds, st.integers(1, 5))
def test_what_large_multipliers_round_is_allowed_for(r, n, seed, digits):
    """In a small cap, where products of facets are small and their terms are not."""
    random = np.random.default_rng(seed)
    rows, axis = random.normal(size=(n, r)), units(random, 1, r)[0]
    leaf = Leaf.whole(r).halves(axis, 1.0 - 10.0**-digits)[1]
    near = axis + 10.0 ** (-0.5 * digits - 1) * random.normal(size=(6, r))
    m, M = axis, np.multiply.outer(axis, axis)
    y = np.array([10.0 ** (2 * digits)])
    hint = some_hint(n, leaf, 1.0, m, M, 0.0, y, 1.0)
    with pytest.MonkeyPatch.context() as patch:
        form = ExactForm(rows, np.ones(n), np.zeros(r), hint, patch)
        assert form.is_finite
        inside = [point for point in [axis, *near] if is_in(leaf, point)]
        assert inside
        for point in inside:
            form.check(point)
        # and the form is near the price
        assert form.bound < 1e3 * np.abs(rows).sum()


def test_rounding_is_allowed_for_where_large_terms_cancel():
    """On the edge of a narrow band, where the product of its facets is zero."""
    checked = 0
    for seed in range(40):
        random = np.random.default_rng(seed)
        r, width = 2 + seed % 4, 10.0 ** -random.uniform(2, 5)
        rows, axis = random.normal(size=(3, r)), units(random, 1, r)[0]
        leaf = Leaf.whole(r).halves(axis, -width)[1].halves(axis, width)[0]
        across = random.normal(size=r)
        across -= (across @ axis) * axis
        height = width * (1.0 - 1e-9)
        point = height * axis
        point += np.sqrt(1.0 - height**2) * across / np.linalg.norm(across)
        y = np.array([0.0, 0.0, width**-2])
        M = np.multiply.outer(point, point)
        hint = some_hint(3, leaf, 1.0, point, M, 0.0, y, 1.0)
        with pytest.MonkeyPatch.context() as patch:
            form = ExactForm(rows, np.ones(3), np.zeros(r), hint, patch)
        assert form.is_finite
        assert form.bound < 0.1 * y[-1]
        if is_in(leaf, point):
            form.check(point)
            checked += 1
    assert checked > 30


@settings(max_examples=150)
@given(st.integers(2, 4), seeds, st.sampled_from([1.0, -1.0]))
def test_one_row_is_bounded_at_all_heights_whatever_the_moments(r, seed, sign):
    """On a band with ends that are not alike, for what are no moments of any points."""
    random = np.random.default_rng(seed)
    axis = units(random, 1, r)[0]
    low, high = -random.uniform(0.02, 0.9), random.uniform(0.02, 0.9)
    leaf = Leaf.whole(r).halves(axis, low)[1].halves(axis, high)[0]
    root = random.normal(size=(r, r))
    other = root + root.T if seed % 2 else root @ root.T
    M = 10.0 ** random.uniform(-3, 1) * other
    m = 10.0 ** random.uniform(-1, 1) * random.normal(size=r)
    hint = some_hint(1, leaf, 1.0, m, M, 0.0, np.zeros(3), 1.0)
    row = random.uniform(0.1, 1.0) * axis
    with pytest.MonkeyPatch.context() as patch:
        form = ExactForm(row[None], np.array([sign]), np.zeros(r), hint, patch)
    assume(form.is_finite)
    across = random.normal(size=r)
    across -= (across @ axis) * axis
    across /= np.linalg.norm(across)
    for height in np.linspace(low + 1e-9, high - 1e-9, 15):
        point = height * axis + np.sqrt(1.0 - height**2) * across
        assert is_in(leaf, point)
        form.check(point)


@settings(max_examples=100)
@given(st.integers(1, 6), seeds, st.integers(-12, 3))
@example(2, 637, -4)
def test_bounds_of_forms_are_above_them_where_they_are_largest(r, seed, size):
    random = np.random.default_rng(seed)
    H, g = random.normal(size=(r, r)), random.normal(size=r) * 10.0**size
    H = np.rint(H) + np.rint(H).T if seed % 2 else H + H.T
    top = Fraction(sphere_bound(H, g))
    exact, along = [exactly(row) for row in H], exactly(g)
    values, vectors = np.linalg.eigh(H)
    starts = np.vstack([vectors.T, -vectors.T, units(random, 20, r)])
    # as small as the numbers are, or steps from zero matrices lead nowhere
    shift = 2.5 * np.abs(values).max() + 2.0 * np.linalg.norm(g)
    for _ in range(400):
        starts = starts * shift + 2.0 * starts @ H + g
        starts /= np.linalg.norm(starts, axis=1)[:, None]
    reached = np.einsum("ki,ij,kj->k", starts, H, starts) + starts @ g
    best = starts[np.argmax(reached)]
    for point in [best, vectors[:, -1], g, *units(random, 3, r)]:
        p = exactly(point)
        q = dot(p, p)
        assert is_nonnegative(top * q - quadratic(exact, p), -dot(along, p), q)
    # and not far above the largest value
    scale = np.abs(H).sum() + np.abs(g).sum()
    assert float(top) <= reached.max() + 1e-2 * scale


def is_semidefinite(S):
    """By elimination in rational numbers."""
    S = [row[:] for row in S]
    while S:
        first, *rest = S
        pivot = first[0]
        if pivot < 0 or (pivot == 0 and any(first[1:])):
            return False
        S = [
            [
                value - (row[0] * head / pivot if pivot else 0)
                for value, head in zip(row[1:], first[1:], strict=True)
            ]
            for row in rest
        ]
    return True


@settings(max_examples=150)
@given(st.integers(1, 4), seeds, st.integers(-300, 300))
def test_what_is_accepted_as_semidefinite_is(r, seed, exponent):
    """Matrices on the border, moved by about what rounds."""
    random = np.random.default_rng(seed)
    H, g = random.normal(size=(r, r)), random.normal(size=r)
    H, g = 2.0**exponent * (H + H.T), 2.0**exponent * g
    values, vectors = np.linalg.eigh(H)
    room = 2.0**exponent * 10.0 ** random.uniform(-8, 1)
    nu = values[-1] + room
    alpha = float(np.sum(0.25 * (vectors.T @ g) ** 2 / (nu - values)))
    accepted = 0
    for move in (0.0, 1e-16, 1e-15, 1e-14, 1e-12, 1e-6):
        for a, b in ((alpha * (1 + move), nu), (alpha, nu + move * abs(nu))):
            if relaxation._is_nonnegative(H, g, b, a):
                accepted += 1
                top = [Fraction(a), *(-x / 2 for x in exactly(g))]
                inner = [[-x for x in exactly(row)] for row in H]
                for k, row in enumerate(inner):
                    row[k] += Fraction(b)
                lower = [[h, *row] for h, row in zip(top[1:], inner, strict=True)]
                assert is_semidefinite([top, *lower])
    assert accepted > 0 or room < 1e-4 * 2.0**exponent


def test_what_is_not_semidefinite_is_not_accepted():
    H, g = np.diag([1.0, 2.0]), np.array([1.0, 0.0])
    # alpha (nu - 1) >= 1 / 4 and nu >= 2
    assert relaxation._is_nonnegative(H, g, 2.5, 0.25 / 1.5 * (1 + 1e-10))
    assert not relaxation._is_nonnegative(H, g, 2.5, 0.25 / 1.5)
    assert not relaxation._is_nonnegative(H, g, 2.0, 1.0)
    with np.errstate(all="ignore"):
        assert not relaxation._is_nonnegative(H, g, np.nan, 1.0)
        assert not relaxation._is_nonnegative(H, g, 2.5, np.inf)
    assert not relaxation._is_nonnegative(np.zeros((2, 2)), np.zeros(2), 0.0, 0.0)
