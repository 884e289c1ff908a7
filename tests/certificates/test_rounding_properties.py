"""The certificate counts the rounding of the data, seen with a rounding made huge."""

import dataclasses
from fractions import Fraction
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrangement import enumerate_patterns
from convex_solver import TwoLayerReLU, certify
from convex_solver._kernels.certify import Chambers, Weighted, price_block
from convex_solver.certificates import network_bounds
from convex_solver.certificates.chambers import price_chambers
from convex_solver.certificates.network_bounds import upper_bound
from convex_solver.losses.loss import get_loss
from convex_solver.reading.data import read_data
from convex_solver.rounding import exact_dot

from reference.losses import SPECS, float_targets

pytestmark = pytest.mark.kernels


def coarse(seed, *, n=7, d=2, size=0.05):
    """Exact data, and a float copy that is off by up to ``size`` and says so."""
    rng = np.random.default_rng(seed)
    exact = rng.standard_normal((n, d))
    y = rng.choice([-1.0, 1.0], n)
    data = read_data(exact, y, intercept=False)
    shift = size * rng.choice([-1.0, 1.0], (n, d))
    copy = dataclasses.replace(
        data, X=exact + shift, X_error=np.full((n, d), size * (1 + 1e-9))
    )
    return exact, y, copy, rng


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.sampled_from(SPECS))
def test_the_upper_bound_holds_for_the_data_behind_a_coarse_copy(seed, loss):
    exact, y, copy, rng = coarse(seed)
    y = float_targets(loss, rng, 7)
    c = rng.uniform(0.1, 10.0, 7)
    net = TwoLayerReLU(rng.standard_normal((3, 2)), rng.standard_normal(3))
    term = get_loss(loss).at(y, weights=c)
    with mock.patch.object(network_bounds, "exact_predictions", return_value=None):
        bound = upper_bound(net, copy, 0.1, term)
    assert net.objective(exact, y, 0.1, loss=loss, sample_weight=c) <= bound


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.sampled_from(SPECS))
def test_the_upper_bound_holds_for_the_patches_behind_a_coarse_copy(seed, loss):
    rng = np.random.default_rng(seed)
    exact, y = rng.standard_normal((5, 3, 2)), float_targets(loss, rng, 5)
    data = read_data(exact, y, intercept=False)
    shift = 0.05 * rng.choice([-1.0, 1.0], (15, 2))
    copy = dataclasses.replace(
        data, X=data.X + shift, X_error=np.full((15, 2), 0.05 * (1 + 1e-9))
    )
    net = TwoLayerReLU(rng.standard_normal((3, 2)), rng.standard_normal(3))
    with mock.patch.object(network_bounds, "exact_predictions", return_value=None):
        bound = upper_bound(net, copy, 0.1, get_loss(loss).at(y))
    assert net.objective(exact, y, 0.1, loss=loss) <= bound


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6))
def test_the_price_holds_for_the_data_behind_a_coarse_copy(seed):
    exact, _, copy, rng = coarse(seed)
    v = rng.standard_normal(7)
    price = price_chambers(copy, v, None).largest
    u = rng.standard_normal((2000, 2))
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    assert np.abs(v @ np.maximum(exact @ u.T, 0.0)).max() <= price


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6))
def test_the_price_of_each_chamber_counts_the_errors_of_its_facets(seed):
    # rows without a weight in v enter through the cones alone
    exact, _, copy, rng = coarse(seed)
    v = rng.standard_normal(7) * (np.arange(7) >= 4)
    listing = enumerate_patterns(copy.arrangement)
    facets = listing.facets()
    starts = np.cumsum([0, *map(len, facets)], dtype=np.int64)
    X = np.where(v[:, None] == 0.0, copy.X, exact)
    error = np.where(v[:, None] == 0.0, copy.X_error, 0.0)
    prices = np.zeros((len(listing), 2))
    chambers = Chambers(listing.packed, starts, np.concatenate(facets))
    price_block(chambers, Weighted(X, error, v, 0.0), prices)
    steps = np.linspace(0.0, 1.0, 101)[:, None]
    for rays, price in zip(listing.rays(), prices, strict=True):
        a, b = (ray / np.linalg.norm(ray) for ray in np.array(rays, dtype=float))
        u = steps * a + (1.0 - steps) * b
        u /= np.linalg.norm(u, axis=1, keepdims=True)
        values = v @ np.maximum(exact @ u.T, 0.0)
        assert values.max() <= price[0] + 1e-12
        assert -values.min() <= price[1] + 1e-12


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.booleans())
def test_the_upper_bound_is_above_the_exact_objective_of_decimals(seed, wide):
    rng = np.random.default_rng(seed)
    top = 10**15 if wide else 99
    X = [[f"{a}e-7" for a in row] for row in rng.integers(-top, top, (5, 2))]
    y = [f"{a}e-3" for a in rng.integers(-99, 99, 5)]
    net = TwoLayerReLU(rng.standard_normal((4, 2)), rng.standard_normal(4))
    found = certify(net, X, y, 0.25)
    total = Fraction(0)
    for row, target in zip(X, y, strict=True):
        output = Fraction(0)
        for u, alpha in zip(net.weights.tolist(), net.alphas.tolist(), strict=True):
            dot = sum(Fraction(a) * Fraction(b) for a, b in zip(row, u, strict=True))
            output += Fraction(alpha) * max(dot, Fraction(0))
        total += (output - Fraction(target)) ** 2 / 2
    weights = [*net.weights.ravel().tolist(), *net.alphas.tolist()]
    total += Fraction(0.25) / 2 * sum(Fraction(w) ** 2 for w in weights)
    assert total <= Fraction(found.upper_bound)
    assert found.upper_bound == pytest.approx(float(total), rel=1e-9)


# what these are bounded by is no rational sum
LOGARITHMS = ("logistic", "poisson")
FLOATS = st.lists(
    st.tuples(*[st.floats(allow_nan=False, allow_infinity=False)] * 2), max_size=6
)


@settings(deadline=None)
@given(FLOATS)
def test_products_of_floats_are_added_up_without_rounding(pairs):
    x, y = np.array(pairs, dtype=np.float64).reshape(-1, 2).T
    exact = sum((Fraction(a) * Fraction(b) for a, b in pairs), start=Fraction(0))
    assert exact_dot(x, y) == exact


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.sampled_from(SPECS))
def test_without_weights_the_dual_value_is_the_same(seed, loss):
    rng = np.random.default_rng(seed)
    y = float_targets(loss, rng, 7)
    term = get_loss(loss).at(y)
    v = term.clip(
        term.gradient(rng.standard_normal(7)) * rng.choice([0.0, 0.7, 1.0], 7)
    )
    slowly = get_loss(loss).at(np.append(y, y[:1]), weights=[1.0] * 7 + [2.0])
    found = term.dual_lower(v)
    assert found == slowly.dual_lower(np.append(v, 0.0)) or loss in LOGARITHMS
    outside = v + np.where(rng.random(7) < 0.5, 3.0, -3.0) * 1e3
    assert (term.dual_lower(outside) == -np.inf) == (
        slowly.dual_lower(np.append(outside, 0.0)) == -np.inf
    )
