"""Points of the relaxed program: steps, values, and forms above the price."""

import math
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from convex_solver.certificates.relaxation import leaf_bound
from convex_solver.leaves import DualPoint, PricePoint, Rows
from convex_solver.leaves.cone import joined, pull_back
from convex_solver.leaves.forms import largest_on_sphere

from instances import planted_program
from reference.halvings import inner_moments, partition, price_point

seeds = st.integers(0, 10**6)
SPECS = ("squared", "absolute", "huber:0.5", "squared_hinge", "logistic", "poisson")


def dual_point(spec, n, r, cuts, seed, kind=DualPoint, patches=1):
    """Leaves for neurons of both signs, several rows for some of the samples."""
    random = np.random.default_rng(seed)
    data = planted_program(spec, n, r, seed=seed).data_term
    parts = [
        *partition(random, r, cuts, least=20),
        *partition(random, r, cuts, least=20),
    ]
    half = len(parts) // 2
    signs = np.where(np.arange(len(parts)) < half, 1.0, -1.0)
    samples = np.repeat(np.arange(n), patches)
    total = sparse.csr_array((np.ones(samples.size), (samples, range(samples.size))))
    rows = Rows(random.normal(size=(samples.size, r)), [leaf for leaf, _ in parts])
    m, M = inner_moments(random, parts)
    weight = random.random(len(parts)) + 0.1
    made = kind(
        rows,
        [leaf for leaf, _ in parts],
        signs,
        weight[:, None] * m,
        weight[:, None, None] * M,
        data,
        0.3,
        total,
    )
    return made, parts


# steps


def residuals(made):
    """Of the conditions of the central path with ``mu = 0``, but for that of Z."""
    rows, y, signs = made.rows, made.y, made.signs[:, None]
    gradients = rows.gradients(made.at)
    pushes = y.copy()
    pushes[0] *= -1.0  # e is below the upper bounds, and above the lower ones
    parts = np.einsum("ikbn,kbn->ibn", gradients, pushes)
    parts[1] += signs * made.v * np.where(made.is_open, 0.5, rows.level)
    stationary = made._price() + rows.pull(made.at, parts)
    stationary -= pull_back(made.Z, made.packing)
    facets = made.facets.gradients(made.at_facets)
    stationary -= made.facets.pull(facets, made.y_facets, made.count)
    of_e = np.where(made.is_open, 0.5 * signs * made.v + y[0] - y[1:].sum(axis=0), 0.0)
    products = np.where(made.is_open, y * made.gaps, 0.0)
    return stationary, of_e, products, made.y_facets * made.at_facets.values


def moved(made, step, length, term_v):
    """Residuals a part of a step ahead; the point is left as it was."""
    kept = made.moments, made.y, made.y_facets, made.Z
    made.moments = made._ahead(step, length)
    made.y = made.y + length * step.rows
    made.y_facets = made.y_facets + length * step.facets
    made.Z = made.Z + length * step.cones
    if term_v is not None:
        before, made.term.v = made.term.v, made.term.v + length * term_v
    made._look()
    found = residuals(made)
    made.moments, made.y, made.y_facets, made.Z = kept
    if term_v is not None:
        made.term.v = before
    made._look()
    return found


def assert_newton(made, mu, term_v=None):
    """Derivatives along a step are minus the residuals, for all conditions."""
    step = made._direction(mu)
    if term_v is None and isinstance(made, DualPoint):
        term_v = made.term_step
    size = max(
        np.abs(np.linalg.solve(joined(made.moments.m, made.moments.M), change)).max()
        for change in [joined(step.moments.m, step.moments.M)]
    )
    h = 1e-5 / max(1.0, size)
    ahead, behind = (moved(made, step, k * h, term_v) for k in (1.0, -1.0))
    now = residuals(made)
    slopes = [0.5 * (a - b) / h for a, b in zip(ahead, behind, strict=True)]
    few = made.emphasis * mu
    aims = (0.0, 0.0, np.where(made.is_open, mu, 0.0), few)
    # the trace of a `PricePoint` stays, and its multiplier is whatever it is
    left = slopes[0] + now[0]
    if isinstance(made, PricePoint):
        r, identity = made.packing.r, made.packing.identity
        assert np.allclose(np.trace(step.moments.M, axis1=1, axis2=2), 0.0, atol=1e-9)
        share = left[:, r:] @ identity / (identity @ identity)
        left[:, r:] -= np.multiply.outer(share, identity)
    scale = 1.0 + np.abs(now[0]).max() + np.abs(slopes[0]).max()
    assert np.all(np.abs(left) < 1e-4 * scale)
    for found, value, aim in zip(slopes[1:], now[1:], aims[1:], strict=True):
        scale = 1e-3 * (1.0 + np.abs(value).max(initial=0.0))
        assert np.all(np.abs(found + value - aim) < scale)
    inverse = np.linalg.inv(joined(made.moments.m, made.moments.M))
    across = inverse @ joined(step.moments.m, step.moments.M) @ made.Z
    across = 0.5 * (across + np.swapaxes(across, 1, 2))
    assert np.allclose(
        step.cones + across + made.Z, few * inverse, atol=1e-8 * np.abs(made.Z).max()
    )
    return step


def prepare(made, steps):
    """Take some steps, and prepare the next one."""
    for _ in range(steps):
        made.advance()
    made._soften(made.complementarity() / made.pairs)
    made._factorise()
    return made.complementarity() / made.pairs


@settings(max_examples=30)
@given(
    st.integers(2, 4),
    st.integers(1, 6),
    st.integers(0, 3),
    seeds,
    st.integers(0, 3),
    st.sampled_from([0.0, 0.1, 1.0]),
)
def test_steps_of_the_price_are_newton_steps(r, n, cuts, seed, steps, aim):
    made, _ = price_point(np.random.default_rng(seed), r, n, cuts)
    mu = prepare(made, steps)
    assert_newton(made, aim * mu)


class Forced(DualPoint):
    """A point whose systems are of the samples, or of the moments, as one says."""

    way = True
    by_samples = property(lambda self: self.way, lambda self, _: None)


class OfMoments(Forced):
    way = False


@pytest.mark.parametrize("spec", SPECS)
@settings(max_examples=5)
@given(
    st.integers(2, 4),
    st.integers(2, 7),
    st.integers(0, 3),
    seeds,
    st.integers(0, 3),
    st.integers(1, 2),
)
def test_steps_of_the_program_are_newton_steps(spec, r, n, cuts, seed, steps, patches):
    """Solved either way, and such that v is what the loss asks for."""
    found = []
    for kind in (Forced, OfMoments):
        made, _ = dual_point(spec, n, r, cuts, seed, kind, patches)
        mu = prepare(made, steps)
        step = assert_newton(made, 0.3 * mu)
        found.append((made.moments, step))
        # z moves as the output does, and v as the loss says
        now, ahead = made.moments, made._ahead(step, 1.0)
        dz = made.sums @ (made.output(ahead) - made.output(now))
        expected = made.h * dz + made.term.shift(0.3 * mu, False)
        scale = 1.0 + np.abs(expected).max()
        assert np.allclose(made.term_step, expected, atol=1e-6 * scale)
    (here, a), (there, b) = found
    assert np.allclose(here.M, there.M, rtol=1e-6, atol=1e-9)
    for one, two in (
        (a.moments.m, b.moments.m),
        (a.moments.M, b.moments.M),
        (a.moments.e, b.moments.e),
        (a.v, b.v),
        (a.rows, b.rows),
        (a.facets, b.facets),
        (a.cones, b.cones),
    ):
        scale = np.abs(one).max(initial=1e-3)
        assert np.allclose(one, two, rtol=1e-4, atol=1e-5 * scale)


@pytest.mark.parametrize("size", [1, 40])
def test_rows_are_added_up_in_pieces(monkeypatch, size):
    """The system of the moments is the same however many samples fit at a time."""
    whole, _ = dual_point("squared", 9, 3, 2, 5, OfMoments, 2)
    prepare(whole, 1)
    expected = whole._direction(0.0)
    monkeypatch.setattr(sys.modules[DualPoint.__module__], "CHUNK", size)
    pieces, _ = dual_point("squared", 9, 3, 2, 5, OfMoments, 2)
    prepare(pieces, 1)
    found = pieces._direction(0.0)
    assert np.allclose(found.v, expected.v)
    assert np.allclose(found.moments.M, expected.moments.M)


def test_the_smaller_system_is_solved():
    few, _ = dual_point("squared", 3, 3, 0, 0)
    many, _ = dual_point("squared", 40, 2, 0, 0)
    for made, by_samples in ((few, True), (many, False)):
        prepare(made, 0)
        assert made.by_samples is by_samples


# values


def objective(made, random, parts, count):
    """Of a network with some neurons in the leaves, each with its sign."""
    out, weight = np.zeros(made.rows.X.shape[0]), 0.0
    for _ in range(count):
        k = int(random.integers(len(parts)))
        u = parts[k][1][random.integers(len(parts[k][1]))]
        alpha = random.exponential()
        out += made.signs[k] * alpha * np.maximum(made.rows.X @ u, 0.0)
        weight += alpha
    return made.data.value(made.sums @ out) + made.weight * weight


def run_dual(made, steps=50):
    """Values and dual values on the way, towards the centre where there is none."""
    values, duals, waited = [], [-math.inf], 0
    for _ in range(steps):
        dual = made.dual_value()[0]
        waited = 0 if dual > max(duals) else waited + 1
        values.append(made.value())
        duals.append(dual)
        assert np.allclose(made.z, made.sums @ made.output(made.moments))
        for gaps in (made.gaps[:, made.is_open], made.at_facets.values):
            assert np.all(gaps > 0.0)
        is_done = min(values) - max(duals) < 1e-7 * values[0]
        if is_done or not made.advance(1.0 if waited >= 3 else None):
            break
    return min(values), max(duals), max(values[0], 1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("spec", SPECS)
@settings(max_examples=5)
@given(
    st.integers(2, 4),
    st.integers(2, 9),
    st.integers(0, 3),
    seeds,
    st.integers(1, 2),
)
def test_the_dual_value_is_below_all_values(spec, r, n, cuts, seed, patches):
    """Those of the point, and objectives of networks with neurons in the leaves."""
    random = np.random.default_rng(seed)
    made, parts = dual_point(spec, n, r, cuts, seed, patches=patches)
    value, dual, size = run_dual(made, 25)
    assert dual <= value + 1e-8 * size
    for count in (0, 1, 1, 1, 2, 3, 5):
        assert dual <= objective(made, random, parts, count) + 1e-8 * size


@pytest.mark.slow
@pytest.mark.parametrize("spec", SPECS)
def test_the_dual_value_mostly_comes_near(spec):
    gaps = []
    for seed in range(6):
        made, _ = dual_point(spec, 4 + seed, 2 + seed % 3, seed % 3, seed)
        value, dual, size = run_dual(made)
        gaps.append((value - dual) / size)
    assert np.median(gaps) < 1e-5


@pytest.mark.slow
@settings(max_examples=12)
@given(st.integers(2, 4), st.integers(2, 9), st.integers(1, 4), seeds)
def test_hints_are_what_the_forms_are_made_of(r, n, cuts, seed):
    """And the certificate of each leaf is not above the largest value of its form."""
    made, parts = dual_point("squared", n, r, cuts, seed)
    for _ in range(10):
        made.advance()
    v = made.data.clip(made.term.v)
    price = 2.0 ** (seed % 7 - 3)
    hints = made.hints(made.signs, price)
    expected = largest_on_sphere(made.forms(made.sums.T @ v))
    assert len(hints) == len(parts)
    for k, hint in enumerate(hints):
        assert hint.leaf is parts[k][0]
        assert hint.sign == made.signs[k]
        assert hint.price == price
        y = hint.multipliers * price
        assert np.allclose(y, made.y_facets[made.facets.leaf == k])
        assert np.array_equal(hint.shares, made.shares()[:, k])
        assert hint.softness == hint.facet_softness == made.softness
        assert np.array_equal(hint.m, made.moments.m[k])
        assert np.array_equal(hint.M, made.moments.M[k])
        # rows times absolute weights, as they are merged
        w = -made.signs[k] * v
        used = w != 0.0
        sizes = np.abs(w[used])
        X = made.rows.X[used] * sizes[:, None]
        hint = hint.for_rows(np.flatnonzero(used), sizes, price)
        with np.errstate(all="ignore"):
            bound = leaf_bound(X, np.sign(w[used]), np.zeros(r), hint)
        # whose policies round, those of large multipliers too
        size = np.abs(X).sum() + abs(expected[k]) + y.sum()
        assert bound == pytest.approx(max(expected[k], 0.0), abs=1e-9 * size)
        prices = np.maximum(parts[k][1] @ made.rows.X.T, 0.0) @ w
        assert prices.max() <= bound + 1e-12


def test_a_step_without_numbers_is_refused():
    made, _ = dual_point("squared", 4, 2, 1, 0)
    made.Z = np.full_like(made.Z, np.nan)
    with np.errstate(all="ignore"):
        assert not made.advance()
