"""Neurons rounded one after another: exact objectives fall, by orders of magnitude."""

from __future__ import annotations

import time
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from convex_solver import ConvexProgram
from convex_solver.certificates import exact_predictions
from convex_solver.solver import digits
from convex_solver.solver.digits import _nearest, with_last_digits

from reference.solutions import exact_objective, exact_outputs

KINKED = ["absolute", "quantile:0.9", "epsilon_insensitive:0.4", "hinge"]
BETA = 1e-12


def meeting(seed, loss, *, standardize=False, patches=1, n=9, neurons=9):
    """A program, and a network that meets kinks of its loss but for rounding."""
    random = np.random.default_rng(seed)
    X = random.standard_normal((n, patches, 2))
    X = X if patches > 1 else X[:, 0]
    options = {"loss": loss, "standardize": standardize, "intercept": True}
    program = ConvexProgram(X, np.ones(n), BETA, **options)
    weights = random.standard_normal((neurons, 3))
    alphas = random.standard_normal(neurons)
    f = program.pool(np.maximum(program.X @ weights.T, 0.0)) @ alphas
    v = 1e-9 * random.choice([-1.0, 1.0], n)
    if loss == "hinge":
        # alphas that give labels; where none do there are fewer kinks
        y = random.choice([-1.0, 1.0], n)
        outputs = program.pool(np.maximum(program.X @ weights.T, 0.0))
        alphas = np.linalg.lstsq(outputs, y, rcond=1e-8)[0]
        v = -1e-9 * y
    else:
        zone = 0.4 if loss.startswith("epsilon") else 0.0
        y = f - zone * np.sign(v)
    program = program.with_targets(y)
    return program, program.network(weights, alphas).balance(), v


@pytest.mark.slow
@settings(deadline=None, max_examples=30)
# bounds that are close enough to be believed say the contrary
@example(4269, "hinge", True, 1)
@given(
    st.integers(0, 10**6),
    st.sampled_from(KINKED),
    st.booleans(),
    st.sampled_from([1, 2]),
)
def test_the_exact_objective_never_rises(seed, loss, standardize, patches):
    program, network, v = meeting(seed, loss, standardize=standardize, patches=patches)
    mended = with_last_digits(program, network, v)
    assert mended.n_neurons <= network.n_neurons
    before, after = (exact_objective(program, each) for each in (network, mended))
    # both bounds are rounded up once
    assert after <= before * (1 + Fraction(1, 2**50))
    near = max(1.0, float(np.abs(program.X).max()))
    for a, b in zip(
        *(exact_outputs(program, e) for e in (network, mended)), strict=True
    ):
        assert abs(a - b) <= 1e-7 * near


@pytest.mark.slow
@pytest.mark.parametrize("loss", KINKED)
@pytest.mark.parametrize("standardize", [False, True])
def test_what_rounding_costs_falls_by_orders_of_magnitude(loss, standardize):
    falls = []
    for seed in range(6):
        program, network, v = meeting(seed, loss, standardize=standardize)
        mended = with_last_digits(program, network, v)
        losses = [
            float(exact_objective(program, each) - decay(each))
            for each in (network, mended)
        ]
        falls.append(losses[1] / losses[0] if losses[0] > 0 else 1.0)
    # zones and margins are met from inside, and cost nothing then
    assert np.median(falls) <= (0.0 if loss in ("hinge", KINKED[2]) else 1e-2)


def decay(network):
    values = network.weights.ravel().tolist() + network.alphas.tolist()
    return Fraction(BETA) / 2 * sum(Fraction(x) ** 2 for x in values)


def test_what_one_neuron_misses_the_others_make_up_for(monkeypatch):
    # no choice of sizes: passing on is all there is
    monkeypatch.setattr(digits, "MOST", 0)
    program, network, v = meeting(3, "absolute", n=6, neurons=12)
    mended = with_last_digits(program, network, v)
    missed = [
        sum(
            abs(f - Fraction(y))
            for f, y in zip(
                exact_predictions(each, program.data), program.y.tolist(), strict=True
            )
        )
        for each in (network, mended)
    ]
    assert missed[1] < missed[0] / 50


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.integers(-40, 40))
def test_blocks_are_rounded_to_nearest_and_the_rest_is_known(seed, power):
    random = np.random.default_rng(seed)
    high = np.ldexp(random.standard_normal(3), power)
    low = high * 2.0**-54 * random.uniform(-1, 1, 3)
    change = high * 1e-14 * random.uniform(-1, 1, 3)
    size = np.sqrt(np.linalg.norm(high))
    alphas = size + np.arange(-3, 4)[:, None] * np.spacing(size)
    weights, moved = _nearest(high, low, change, alphas)
    for alpha, row, by in zip(alphas[:, 0], weights, moved, strict=True):
        for w, h, rest, c, b in zip(row, high, low, change, by, strict=True):
            aim = Fraction(h) + Fraction(rest) + Fraction(c)
            got = Fraction(alpha) * Fraction(w)
            unit = Fraction(alpha) * Fraction(float(np.spacing(abs(w))))
            assert abs(got - aim) <= unit * Fraction(501, 1000)
            exact = got - Fraction(h) - Fraction(rest)
            around = abs(Fraction(c)) + abs(Fraction(h)) / 2**52
            assert abs(exact - Fraction(b)) <= around / 2**51


def test_what_cannot_be_mended_is_returned_as_it_came():
    program, network, v = meeting(1, "absolute")
    # no time, no kinks, bounds that the point is at, predictions elsewhere
    assert with_last_digits(program, network, v, time.monotonic() - 1.0) is network
    smooth = program.with_loss("squared")
    assert with_last_digits(smooth, network, v) is network
    assert with_last_digits(program, network, np.ones(program.n)) is network
    far = program.with_targets(program.y + 1.0)
    assert with_last_digits(far, network, v) is network
    nothing = program.network(np.zeros((2, 3)), np.zeros(2))
    assert with_last_digits(program, nothing, v) is nothing


@pytest.mark.parametrize("size", [1e-200, 1e-120, 1e120, 1e200, 1e300])
def test_numbers_near_the_ends_of_float64_are_left_alone(size):
    X = size * np.random.default_rng(0).standard_normal((5, 2))
    program = ConvexProgram(X, np.zeros(5), 1e-9, loss="absolute")
    for alpha in (1.0, 1e-150, 1e100):
        network = program.network(np.ones((2, 2)), [alpha, -alpha])
        found = with_last_digits(program, network, np.full(5, 1e-12))
        assert np.isfinite(found.weights).all()
        assert found.n_neurons <= 2


def test_a_wide_network_is_left_alone(monkeypatch):
    program, network, v = meeting(1, "absolute")
    monkeypatch.setattr(digits, "MOST_WORK", 10)
    assert with_last_digits(program, network, v) is network


def test_dead_neurons_and_boundaries_do_no_harm():
    # two rows on the boundaries of neurons, and one neuron of nothing
    X = [[1.0, 1.0], [-1.0, 1.0], [0.3, 1.0], [0.7, 0.1]]
    weights, alphas = [[1.0, -1.0], [1.0, 1.0], [0.0, 0.0]], [0.1, 0.7, 3.0]
    program = ConvexProgram(X, np.zeros(4), 1e-12, loss="absolute")
    network = program.network(weights, alphas)
    program = program.with_targets(network.evaluate(program.X))
    found = with_last_digits(program, network, np.full(4, 1e-13))
    assert exact_objective(program, found) <= exact_objective(program, network)
