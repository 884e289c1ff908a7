"""The losses inside the interior point method: their Newton equations."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convex_solver.losses.box_steps import BoxNewton
from convex_solver.losses.loss import get_loss

from reference.losses import SMOOTH_LOGS, SPECS, float_targets

N = 5
BOXES = [spec for spec in SPECS if spec not in SMOOTH_LOGS]
# Losses whose gradient is unique, so that the equations have one solution.
SMOOTH = ["squared", "huber:0.3", "squared_hinge", "logistic", "poisson"]
seeds = st.integers(0, 10**6)


def problem(rng, spec):
    """A loss of uneven weights, and predictions."""
    c = rng.uniform(0.3, 3.0, N)
    return get_loss(spec).at(float_targets(spec, rng, N), weights=c), rng.uniform(
        -3, 3, N
    )


def inside(rng, data, z):
    """A BoxNewton anywhere inside its bounds, far from the central path."""
    term = data.newton(z, data.gradient(np.zeros(N)), float(rng.uniform(0.1, 1)))
    assert isinstance(term, BoxNewton)
    m = term.index.size
    share = rng.uniform(0.05, 0.95, m)
    width = np.where(term.below & term.above, term.hi - term.lo, 2.0)
    term.low = np.where(term.below, share * width, 1.0)
    term.high = np.where(term.above, (1 - share) * width, 1.0)
    term.p = np.where(term.below, rng.uniform(0.1, 2, m), 0.0)
    term.x = np.where(term.above, rng.uniform(0.1, 2, m), 0.0)
    free = ~(term.below | term.above)
    term.each = np.where(free, rng.standard_normal(m), term.each)
    term.dv = rng.standard_normal(m)
    term.dp = np.where(term.below, rng.standard_normal(m), 0.0)
    term.dx = np.where(term.above, rng.standard_normal(m), 0.0)
    term._combine()
    return term


def pieces(spec, data):
    """Bounds of each piece of a loss, from its definition: (centre, k, lo, hi)."""
    loss, y, c = get_loss(spec), data.y, data.targets.weights
    p, zero, free = loss.parameter, np.zeros(N), np.full(N, math.inf)
    side = {"hinge": 1.0, "squared_hinge": math.inf}.get(loss.name, 0.0)
    below = np.where(y > 0, side, 0.0) * np.where(side, c, 1.0)
    above = np.where(y < 0, side, 0.0) * np.where(side, c, 1.0)
    return {
        "squared": [(y, 1 / c, -free, free)],
        "absolute": [(y, zero, -c, c)],
        "huber": [(y, 1 / c, -c * (p or 0), c * (p or 0))],
        "quantile": [(y, zero, -c * (p or 0), c * (1 - (p or 0)))],
        "hinge": [(y, zero, -below, above)],
        "squared_hinge": [(y, 0.5 / c, -below, above)],
        "epsilon_insensitive": (
            [(y + p, zero, zero, c), (y - p, zero, -c, zero)]
            if p
            else [(y, zero, -c, c)]
        ),
    }[loss.name]


@pytest.mark.filterwarnings("ignore:invalid value encountered in multiply")
@pytest.mark.parametrize("spec", BOXES)
def test_the_pieces_are_those_of_the_definition(spec):
    data, z = problem(np.random.default_rng(0), spec)
    term = data.newton(z, data.gradient(np.zeros(N)), 0.1)
    expected = [np.concatenate(part) for part in zip(*pieces(spec, data), strict=True)]
    for found, wanted in zip((term.a, term.k, term.lo, term.hi), expected, strict=True):
        assert np.allclose(found, wanted, rtol=1e-15)
    copies = 2 if spec == "epsilon_insensitive:0.4" else 1
    assert term.index.tolist() == list(range(N)) * copies
    finite = np.isfinite(term.lo).sum() + np.isfinite(term.hi).sum()
    assert term.n_pairs == finite
    assert term.is_quadratic == (spec == "squared")


@pytest.mark.parametrize("spec", BOXES)
@settings(deadline=None, max_examples=25)
@given(seeds, st.booleans())
def test_a_step_solves_the_linearised_equations(spec, seed, correct):
    rng = np.random.default_rng(seed)
    data, z = problem(rng, spec)
    term = inside(rng, data, z)
    low, high, p, x, each = term.low, term.high, term.p, term.x, term.each
    old_p = term.dv * term.dp if correct else 0.0
    old_x = term.dv * term.dx if correct else 0.0
    mu, dz = 0.3, rng.standard_normal(N)
    dv = term.curvature() * dz + term.shift(mu, correct)
    term.complete(dz, dv)
    # the terms of a sample add up, and each solves z - a = k v + x - p
    assert np.allclose(term.dv.reshape(-1, N).sum(axis=0), dv)
    wide = dz[term.index]
    missing = z[term.index] - term.a - term.k * each - x + p
    assert np.allclose(term.k * term.dv + term.dx - term.dp - wide, missing)
    asked_p, asked_x = mu - low * p - old_p, mu - high * x + old_x
    below, above = term.below, term.above
    assert np.allclose((low * term.dp + p * term.dv)[below], (asked_p)[below])
    assert np.allclose((high * term.dx - x * term.dv)[above], asked_x[above])
    assert not np.any(term.dp[~below])
    assert not np.any(term.dx[~above])
    assert term.residual() == pytest.approx(np.abs(missing) @ np.abs(each))
    inequalities(term, low, high, p, x)


def inequalities(term, low, high, p, x):
    """The largest step ends where a bound or a multiplier is met, and products."""
    below, above = term.below, term.above
    limit = term.largest_step()
    assert (limit == math.inf) or limit > 0
    for step, is_inside in ((0.999 * limit, True), (1.001 * limit, False)):
        if not math.isfinite(limit):
            step = 1e3
        values = [
            (low + step * term.dv)[below],
            (p + step * term.dp)[below],
            (high - step * term.dv)[above],
            (x + step * term.dx)[above],
        ]
        least = min((part.min() for part in values if part.size), default=1.0)
        assert (least > 0) == (is_inside or not math.isfinite(limit))
        products = values[0] @ values[1] + values[2] @ values[3]
        assert term.complementarity(step) == pytest.approx(products)
    assert term.complementarity(0.0) == pytest.approx(
        (low * p)[below].sum() + (high * x)[above].sum()
    )


@pytest.mark.parametrize("spec", BOXES)
@settings(deadline=None, max_examples=25)
@given(seeds, st.floats(1e-9, 1e3))
def test_the_start_is_on_the_central_path(spec, seed, target):
    rng = np.random.default_rng(seed)
    data, z = problem(rng, spec)
    given_v = data.gradient(np.zeros(N))
    term = data.newton(z, given_v, target)
    below, above = term.below, term.above
    if not term.n_pairs:
        assert np.array_equal(term.v, given_v)
        return
    products = np.concatenate([(term.low * term.p)[below], (term.high * term.x)[above]])
    # one mu for all, in its range
    mean = data.value(np.zeros(N)) / N or 1.0
    assert np.allclose(products, products[0], rtol=1e-12)
    clipped = min(max(target, 0.05 * mean), 0.5 * mean)
    assert products[0] == pytest.approx(clipped, rel=1e-12)
    assert (term.low[below] > 0).all()
    assert (term.high[above] > 0).all()
    bounded = below | above
    both = below & above
    assert np.allclose((term.low + term.high)[both], (term.hi - term.lo)[both])
    sizes = np.abs(term.z) + np.abs(term.a) + np.abs(term.x) + np.abs(term.p) + 1
    assert (np.abs(term._miss())[bounded] <= 1e-9 * sizes[bounded]).all()
    assert np.allclose(term.each[below], (term.lo + term.low)[below])
    assert np.allclose(term.each[above], (term.hi - term.high)[above])


@pytest.mark.parametrize("spec", SPECS)
@settings(deadline=None, max_examples=20)
@given(seeds)
def test_repeated_steps_bring_v_to_the_gradient(spec, seed):
    rng = np.random.default_rng(seed)
    data, z = problem(rng, spec)
    term = data.newton(z, data.clip(0.5 * data.gradient(z)), 0.1)
    mu = 0.1
    for _ in range(400):
        mu *= 0.7
        dv = term.shift(mu, False)
        term.complete(np.zeros(N), dv)
        step = min(1.0, 0.9 * term.largest_step())
        term.move(step, z, dv)
        if isinstance(term, BoxNewton):
            assert (term.low[term.below] > 0).all()
            assert (term.high[term.above] > 0).all()
            assert (term.p >= 0).all()
            assert (term.x >= 0).all()
    wanted = data.gradient(z)
    assert np.allclose(term.v, wanted, rtol=1e-6, atol=1e-6)
    assert term.complementarity(0.0) < 1e-6
    assert term.residual() < 1e-6


@pytest.mark.parametrize("spec", SMOOTH)
@settings(deadline=None, max_examples=20)
@given(seeds)
def test_the_curvature_at_the_gradient_is_its_derivative(spec, seed):
    rng = np.random.default_rng(seed)
    data, z = problem(rng, spec)
    term = data.newton(z, data.clip(data.gradient(z)), 0.1)
    if spec == "poisson":
        assert np.allclose(term.curvature(), data.targets.weights * np.exp(z))
    if spec == "logistic":
        a = 1 / (1 + np.exp(data.y * z))
        term.a, term.b = a, 1 - a  # small margins may be cut off at the start
        term.v = data.gradient(z)
        assert np.allclose(term.curvature(), data.targets.weights * a * (1 - a))
    if spec == "squared":
        assert np.allclose(term.curvature(), data.targets.weights, rtol=1e-15)
    if spec in ("huber:0.3", "squared_hinge"):
        # with the multipliers nearly gone: the second derivative, or nearly nothing
        for _ in range(400):
            dv = term.shift(1e-12, False)
            term.complete(np.zeros(N), dv)
            term.move(min(1.0, 0.9 * term.largest_step()), z, dv)
        step = 1e-6
        slope = data.gradient(z + step) - data.gradient(z - step)
        near = np.abs(np.abs(term.curvature()) - slope / (2 * step))
        assert (near <= 1e-3).all()
        return
    assert np.abs(term.shift(0.0, False)).max() < 1e-9
    assert term.complementarity(0.3) == 0.0
    assert term.largest_step() == np.inf


def test_logistic_steps_stay_inside_and_keep_small_digits():
    y = np.array([1.0, -1.0, 1.0])
    c = np.array([1.0, 2.0, 0.5])
    data = get_loss("logistic").at(y, weights=c)
    term = data.newton(np.zeros(3), -0.5 * y * c, 0.1)
    for z in (40.0 * y, -40.0 * y, 300.0 * y):
        for _ in range(400):
            term.z = z
            dv = term.shift(0.0, False)
            term.complete(np.zeros(3), dv)
            term.move(1.0, z, dv)
            assert ((term.a > 0) & (term.b > 0)).all()
            assert np.allclose(term.a + term.b, 1)
        exact = np.exp(-y * z - np.logaddexp(0, -y * z))
        assert np.allclose(term.a, exact, rtol=1e-9)
        assert np.allclose(term.b, np.exp(-np.logaddexp(0, -y * z)), rtol=1e-9)
        assert np.allclose(term.v, -y * c * term.a, rtol=1e-15)


def test_poisson_steps_keep_the_mean_positive_and_its_digits():
    y, c = np.array([0.0, 3.0, 1e6]), np.array([1.0, 2.0, 0.5])
    data = get_loss("poisson").at(y, weights=c)
    term = data.newton(np.zeros(3), data.gradient(np.zeros(3)), 0.1)
    for z in (np.full(3, 20.0), np.full(3, -20.0), np.array([-300.0, 1.0, 14.0])):
        for _ in range(400):
            term.z = z
            dv = term.shift(0.0, False)
            before = term.m
            term.complete(np.zeros(3), dv)
            term.move(1.0, z, dv)
            assert (term.m >= 0.004 * before).all()
        assert np.allclose(term.m, np.exp(z), rtol=1e-9)
        assert np.allclose(term.v, c * (term.m - y), rtol=1e-12)
