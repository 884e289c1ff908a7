"""Predictions in whole numbers, and the bound of the objective that they give."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convex_solver import ConvexProgram, certify
from convex_solver.certificates import ExactRows, exact_predictions, upper_bound
from convex_solver.certificates.whole_numbers import MOST_PRODUCTS

from reference.losses import SMOOTH_LOGS, SPECS, float_targets
from reference.solutions import exact_objective, exact_outputs


def a_program(random, kind, patches, *, standardize, intercept, loss="absolute"):
    n, d = random.integers(1, 5), random.integers(1, 4)
    size = 10.0 ** random.integers(-60, 60, d) if kind == "tiny and huge" else 1.0
    shift = 1e5 if kind == "raw" else 0.0
    X = size * (shift + random.standard_normal((n, patches, d)))
    X = X if patches > 1 else X[:, 0]
    if kind == "fractions":
        flat = [
            Fraction(int(a), int(b)) for a, b in random.integers(1, 50, (X.size, 2))
        ]
        X = np.array(flat, dtype=object).reshape(X.shape)
    y = float_targets(loss, random, n)
    return ConvexProgram(
        X, y, 1e-9, loss=loss, standardize=standardize, intercept=intercept
    )


@settings(deadline=None, max_examples=80)
@given(
    st.integers(0, 10**6),
    st.sampled_from(["plain", "tiny and huge", "raw", "fractions"]),
    st.sampled_from([1, 2]),
    st.booleans(),
    st.booleans(),
)
def test_predictions_are_those_of_the_definition(
    seed, kind, patches, standardize, intercept
):
    random = np.random.default_rng(seed)
    program = a_program(
        random, kind, patches, standardize=standardize, intercept=intercept
    )
    m = random.integers(0, 5)
    weights = random.standard_normal((m, program.d)) * 10.0 ** random.integers(-300, 10)
    network = program.network(weights, random.standard_normal(m))
    found = exact_predictions(network, program.data)
    assert found == exact_outputs(program, network)


@pytest.mark.parametrize("spec", SPECS)
@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10**6), st.booleans())
def test_the_upper_bound_is_above_the_exact_objective_and_close(
    spec, seed, standardize
):
    random = np.random.default_rng(seed)
    program = a_program(
        random, "plain", 1, standardize=standardize, intercept=True, loss=spec
    )
    network = program.network(
        random.standard_normal((4, program.d)), random.standard_normal(4)
    )
    exact = exact_predictions(network, program.data)
    if spec in ("absolute", "quantile:0.9", "quantile:0.5"):
        # targets that it meets but for rounding
        program = program.with_targets([float(f) for f in exact])
    program = program.with_beta(1e-14)
    bound = upper_bound(network, program.data, program.beta, program.data_term)
    least = exact_objective(program, network)
    assert least <= bound
    if spec not in SMOOTH_LOGS:
        assert bound <= float(least) * (1.0 + 2e-9)


def test_the_rounding_of_standardised_columns_costs_nothing():
    """A network that interpolates the exact data, at a beta of next to nothing."""
    random = np.random.default_rng(4)
    X = random.standard_normal((9, 2))
    program = ConvexProgram(
        X, np.zeros(9), 1e-12, loss="absolute", standardize=True, intercept=True
    )
    assert np.any(program.data.X_error)
    network = program.network(random.standard_normal((6, 3)), np.ones(6))
    exact = exact_predictions(network, program.data)
    found = certify(network, X, exact, 1e-12, loss="absolute")
    assert found.upper_bound <= network.decay(1e-12) * (1.0 + 1e-14)
    # and what a float of a target leaves out is all that it counts
    near = certify(network, X, [float(f) for f in exact], 1e-12, loss="absolute")
    miss = sum(abs(f - Fraction(float(f))) for f in exact)
    assert near.upper_bound - found.upper_bound == pytest.approx(float(miss), rel=1e-9)


def test_what_is_too_long_is_left_to_floats():
    program = ConvexProgram(np.ones((300, 3)), np.ones(300), 1.0)
    m = MOST_PRODUCTS // 900 + 1
    wide = program.network(np.ones((m, 3)), np.ones(m) / m)
    assert exact_predictions(wide, program.data) is None
    bound = upper_bound(wide, program.data, 1e-12, program.data_term)
    assert exact_objective_of_ones(m, 300, 1e-12) <= bound < math.inf
    # a prime for each entry: no short denominator
    primes = [p for p in range(2, 9000) if all(p % q for q in range(2, 95) if q < p)]
    unlike = ConvexProgram([[Fraction(1, p)] for p in primes], np.ones(len(primes)), 1)
    assert ExactRows.of(unlike.data) is None
    one = unlike.network([[1.0]], [1.0])
    assert exact_predictions(one, unlike.data) is None


def exact_objective_of_ones(m, n, beta):
    """Objective of m neurons of three ones each, alphas 1/m, on rows of ones."""
    alpha = Fraction(1.0 / m)
    loss = n * (3 * m * alpha - 1) ** 2 / 2
    return loss + Fraction(beta) / 2 * m * (3 + alpha * alpha)
