"""Tiny beta, where the loss is nearly zero and predictions nearly fit or diverge.

A truth table coded as -1 and +1 with a column of ones is its own mirror image under the
flip of an input and of all outputs, so that all margins of parity are the same number
``t``: what is left is one convex function of ``t``, as the least decay with margins of
one is known, ``2 sqrt 2`` for two bits and 8 for three.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from convex_solver import ConvexProgram, SolutionStatus, solve

OPTIMAL = SolutionStatus.OPTIMAL
TABLES = {
    "and": (2, all),
    "or": (2, any),
    "xor": (2, lambda bits: sum(bits) % 2 == 1),
    "xnor": (2, lambda bits: sum(bits) % 2 == 0),
    "parity": (3, lambda bits: sum(bits) % 2 == 1),
}
LOSSES = (
    "squared",
    "absolute",
    "huber",
    "quantile",
    "epsilon_insensitive",
    "hinge",
    "squared_hinge",
    "logistic",
    "poisson",
)
# losses of which a rounding of a prediction is a part of the objective that counts
ROUNDED = {"absolute", "quantile"}
DECADES = [10.0**k for k in range(1, -11, -1)]


def table(name, coding):
    """Rows with a column of ones, and what is true of them."""
    n_bits, function = TABLES[name]
    bits = list(itertools.product((0, 1), repeat=n_bits))
    rows = np.array(bits, dtype=float)
    rows = 2 * rows - 1 if coding == "-1 and 1" else rows
    return np.column_stack([rows, np.ones(len(bits))]), np.array(
        [bool(function(row)) for row in bits]
    )


def program(loss, name, coding, beta):
    X, is_true = table(name, coding)
    y = is_true.astype(float) if loss == "poisson" else np.where(is_true, 1.0, -1.0)
    return ConvexProgram(X, y, beta, loss=loss)


def without_noise(loss, seed):
    """5 to 30 points on a line, and what a network of three neurons makes of them."""
    rng = np.random.default_rng([77, seed])
    n = int(rng.integers(5, 31))
    X = np.column_stack([rng.standard_normal(n), np.ones(n)])
    y = np.maximum(X @ rng.standard_normal((2, 3)), 0) @ rng.standard_normal(3)
    return X, np.round(np.exp(np.clip(y, -2, 3))) if loss == "poisson" else y


@pytest.mark.every
@pytest.mark.parametrize(
    ("name", "decay", "beta"),
    [
        ("xor", math.sqrt(8.0), 1e-5),
        ("xor", math.sqrt(8.0), 1e-8),
        ("xor", math.sqrt(8.0), 1e-10),
        ("parity", 8.0, 1e-10),
    ],
)
def test_logistic_parity_has_its_closed_form(name, decay, beta):
    found = solve(program("logistic", name, "-1 and 1", beta))
    n = len(found.network.evaluate(table(name, "-1 and 1")[0]))
    # n / (1 + exp(t)) = beta decay
    t = math.log(n / (beta * decay) - 1.0)
    best = n * math.log1p(math.exp(-t)) + beta * decay * t
    assert found.status is OPTIMAL
    assert found.objective == pytest.approx(best, rel=1e-6)
    assert found.lower_bound <= best * (1 + 1e-12)


@pytest.mark.parametrize("beta", [1e-6, 1e-8, 1e-10])
def test_poisson_is_no_worse_than_a_network_written_down(beta):
    # q sign(f) - p: two ReLU pairs for XOR, and a neuron of the column of ones
    found = solve(program("poisson", "xor", "-1 and 1", beta))
    q = np.linspace(1.0, 40.0, 4001)[:, None]
    gap = np.linspace(0.0, 1e-2, 101)
    p = q - gap
    loss = 2 * np.exp(-q - p) + 2 * (np.exp(q - p) - (q - p) - 1.0)
    simple = (loss + beta * (math.sqrt(8.0) * q + p)).min()
    assert found.status is OPTIMAL
    assert found.lower_bound <= found.objective <= simple


@pytest.mark.parametrize("beta", [1e-7, 1e-8, 1e-9])
def test_huber_without_noise_is_certified(beta):
    X, y = without_noise("huber", 9)
    assert solve(ConvexProgram(X, y, beta, loss="huber")).status is OPTIMAL


@pytest.mark.parametrize("name", ["xor", "parity"])
def test_huber_keeps_a_gradient_that_is_tiny_beside_its_bounds(name):
    found = solve(program("huber", name, "0 and 1", 1e-12))
    assert found.status is OPTIMAL


def test_chambers_that_are_dropped_do_not_return_for_ever():
    X, y = without_noise("poisson", 9)
    found = solve(ConvexProgram(X, y, 1e-10, loss="poisson"), max_rounds=30)
    assert found.status is OPTIMAL


def test_what_rounding_hides_is_stalled():
    """Predictions that weights in float64 can make are too far apart."""
    found = solve(program("absolute", "xor", "-1 and 1", 1e-12))
    assert found.status is SolutionStatus.INACCURATE
    assert found.stopped == "stalled"
    assert found.objective == pytest.approx(math.sqrt(8.0) * 1e-12, rel=1e-3)
    assert found.lower_bound == pytest.approx(math.sqrt(8.0) * 1e-12, rel=1e-5)


def test_what_only_sums_round_is_certified():
    found = solve(program("absolute", "xor", "-1 and 1", 1e-9))
    assert found.status is OPTIMAL
    assert found.objective == pytest.approx(math.sqrt(8.0) * 1e-9, rel=1e-6)


@pytest.mark.every
@pytest.mark.parametrize(
    ("loss", "size", "beta"),
    [
        ("squared", 1e200, 1.0),
        ("absolute", 1e200, 1e-8),
        ("huber", 1e200, 1.0),
        ("epsilon_insensitive", 1e200, 1e-8),
        ("poisson", 1e200, 1e-8),
        ("absolute", 1e-200, 1.0),
        ("squared_hinge", 1.0, 1e-300),
    ],
)
def test_numbers_without_room_leave_the_best_network(loss, size, beta):
    X, is_true = table("and", "-1 and 1")
    low = 0.0 if loss == "poisson" else -size
    y = np.where(is_true, size, low)
    whole = ConvexProgram(X, y, beta, loss=loss)
    found = solve(whole, time_limit=20)
    nothing = whole.network(np.zeros((0, whole.d)), np.zeros(0))
    assert found.objective <= whole.network_objective(nothing)
    assert found.status in (OPTIMAL, SolutionStatus.INACCURATE)


@pytest.mark.slow
@pytest.mark.parametrize("coding", ["0 and 1", "-1 and 1"])
@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("loss", LOSSES)
def test_truth_tables_are_certified_at_every_beta(loss, name, coding):
    short = []
    for beta in DECADES:
        found = solve(program(loss, name, coding, beta))
        if loss in ROUNDED and beta <= 1e-8:
            # what the predictions may be off by, at most, is all that is not proven
            if found.gap > 1e-3 or found.stopped not in ("stalled", "tolerance"):
                short.append(beta)
            assert found.objective <= found.lower_bound * (1 + 1e-5)
        elif found.status is not OPTIMAL:
            short.append(beta)
    assert not short
