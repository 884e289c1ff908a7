"""Predictions in twice the digits, against exact sums of rationals."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convex_solver import ConvexProgram, certify
from convex_solver.certificates.network_bounds import predict_closely, predict_within
from convex_solver.rounding import product_in_two_words


def exact_predictions(network, data):
    """The predictions (n,) of the network for the exact rows."""
    rows, K = data.rows.exact, data.n_patches
    units = [[Fraction(w) for w in u] for u in network.weights.tolist()]
    alphas = [Fraction(a) for a in network.alphas.tolist()]
    found = []
    for i in range(len(data.y)):
        total = Fraction(0)
        for row in rows[i * K : (i + 1) * K]:
            heights = [sum(x * w for x, w in zip(row, u, strict=True)) for u in units]
            pairs = zip(alphas, heights, strict=True)
            total += sum(a * max(h, Fraction(0)) for a, h in pairs)
        found.append(total)
    return found


@settings(deadline=None, max_examples=80)
@given(
    st.integers(0, 10**6),
    st.sampled_from(["plain", "cancelling", "tiny and huge", "raw"]),
    st.sampled_from([1, 2]),
    st.sampled_from(["binary", "decimal"]),
)
def test_close_predictions_are_within_their_errors(seed, kind, patches, floats):
    random = np.random.default_rng(seed)
    n, d, m = random.integers(1, 5), random.integers(1, 4), random.integers(1, 7)
    size = 10.0 ** random.integers(-60, 60, d) if kind == "tiny and huge" else 1.0
    shift = 1e5 if kind == "raw" else 0.0
    X = (size * (shift + random.standard_normal((n, patches, d)))).round(3)
    X = X if patches > 1 else X[:, 0]
    program = ConvexProgram(X, np.ones(n), 1.0, floats=floats)
    weights, alphas = random.standard_normal((m, d)) / size, random.standard_normal(m)
    if kind == "cancelling":
        weights = np.vstack([weights, weights])
        alphas = np.concatenate([alphas, -np.nextafter(alphas, 9.0)])
    network = program.network(weights, alphas)
    close, error = predict_closely(network, program.data)
    _, rough = predict_within(network, program.data)
    exact = exact_predictions(network, program.data)
    for f, e, value in zip(close.tolist(), error.tolist(), exact, strict=True):
        assert abs(Fraction(f) - value) <= Fraction(e)
    if kind != "tiny and huge":
        assert np.all(error <= rough)


@pytest.mark.parametrize("scale", [1.0, 1e-150, 1e150])
def test_products_in_two_words_say_how_far_they_are_off(scale):
    random = np.random.default_rng(0)
    a, b = scale * random.standard_normal((3, 8)), random.standard_normal((8, 2))
    a[:, 4:], b[4:] = -a[:, :4], np.nextafter(b[:4], 9.0)
    high, low, error = product_in_two_words(a, b)
    for i in range(3):
        for j in range(2):
            pairs = zip(a[i].tolist(), b[:, j].tolist(), strict=True)
            value = sum(Fraction(x) * Fraction(y) for x, y in pairs)
            found = Fraction(float(high[i, j])) + Fraction(float(low[i, j]))
            assert abs(found - value) <= Fraction(float(error[i, j]))
            if scale == 1.0:
                assert error[i, j] < 1e-28


def test_a_loss_of_nothing_but_rounding_is_bounded_by_little_more():
    """Absolute loss of a network that interpolates, at a tiny weight decay."""
    random = np.random.default_rng(1)
    X = random.standard_normal((12, 2))
    program = ConvexProgram(X, np.zeros(12), 1e-9, loss="absolute", intercept=True)
    network = program.network(random.standard_normal((20, 3)), np.ones(20) / 20)
    exact = exact_predictions_of(network, X)
    y = [float(value) for value in exact]
    found = certify(network, X, y, 1e-9, loss="absolute")
    miss = sum(abs(Fraction(a) - b) for a, b in zip(y, exact, strict=True))
    decay = network.decay(1e-9)
    assert found.upper_bound >= float(miss) + decay * (1.0 - 1e-12)
    assert found.upper_bound <= 3.0 * float(miss) + decay * (1.0 + 1e-12)


def exact_predictions_of(network, X):
    program = ConvexProgram(X, np.zeros(len(X)), 1.0, intercept=True)
    ones = [(*row, 1) for row in program.data.rows.exact]

    class WithOnes:
        """Rows with the column of ones, as `exact_predictions` reads them."""

        n_patches, y = 1, program.y
        rows = type("Rows", (), {"exact": ones})

    return exact_predictions(network, WithOnes)
