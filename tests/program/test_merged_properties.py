"""Equal samples as one: the same objective, the same dual value, the same optimum."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convex_solver import ConvexProgram, solve
from convex_solver.program import merge_equal, merged

LOSSES = ["squared", "logistic", "hinge", "poisson", "quantile:0.3"]


def repeated(seed, loss, n_patches=1, is_weighted=False):
    """A program of 24 samples, about 6 of them different."""
    random = np.random.default_rng(seed)
    rows = random.integers(-2, 3, size=(6, n_patches, 2)) / 4.0
    y = random.integers(0, 3, size=6).astype(float)
    if loss in ("logistic", "hinge"):
        y = np.where(y > 0, 1.0, -1.0)
    chosen = random.integers(0, 6, size=24)
    X = rows[chosen] if n_patches > 1 else rows[chosen, 0]
    weights = random.integers(1, 9, size=24) / 8.0 if is_weighted else None
    return ConvexProgram(
        X, y[chosen], 0.1, loss=loss, sample_weight=weights, intercept=True
    )


@pytest.mark.parametrize("loss", LOSSES)
@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**6), st.sampled_from([1, 2]), st.booleans())
def test_merging_changes_neither_objective_nor_dual_value(
    loss, seed, n_patches, is_weighted
):
    whole = repeated(seed, loss, n_patches, is_weighted)
    merged = merge_equal(whole)
    small = merged.program
    samples = np.column_stack([whole.X.reshape(24, -1), whole.y])
    assert small.n == len(np.unique(samples, axis=0))
    assert merged.group is not None
    kept = np.column_stack([small.X.reshape(small.n, -1), small.y])
    assert (kept[merged.group] == samples).all()
    assert small.rank == whole.rank
    assert sum(small.data.weights_exact) == (
        sum(whole.data.weights_exact) if is_weighted else 24
    )
    random = np.random.default_rng(seed)
    network = whole.network(random.standard_normal((4, 3)), random.standard_normal(4))
    value = whole.network_objective(network)
    assert small.network_objective(network) == pytest.approx(value, rel=1e-12)
    v = small.data_term.gradient(random.standard_normal(small.n))
    lifted = merged.lift(v)
    dual = small.data_term.conjugate(v)
    assert whole.data_term.conjugate(lifted) == pytest.approx(dual, rel=1e-9, abs=1e-9)
    assert np.isfinite(whole.data_term.dual_lower(lifted))
    u = random.standard_normal(3)
    price = lifted @ whole.outputs(u[None])[:, 0]
    assert price == pytest.approx(v @ small.outputs(u[None])[:, 0], abs=1e-12)


def test_samples_that_differ_in_the_last_digit_stay_apart():
    X = np.repeat([[1.0, 2.0], [np.nextafter(1.0, 2.0), 2.0]], 5, axis=0)
    program = ConvexProgram(X, np.ones(10), 1.0)
    assert merge_equal(program).program.n == 2
    targets = np.repeat([1.0, np.nextafter(1.0, 2.0)], 5)
    assert merge_equal(program.with_targets(targets)).program.n == 2
    signed = np.where(np.arange(10) % 2, 0.0, -0.0)
    zeros = ConvexProgram(np.c_[signed, np.ones(10)], np.ones(10), 1.0)
    assert merge_equal(zeros).program.n == 1


def test_samples_of_one_hash_that_differ_stay_apart():
    # another second word makes up for another first one: the words are mixed by a
    # bijection, and the sum of them is modulo 2^64
    first, second = (int(m) for m in merged._multipliers(3)[:2])

    def mixed(word):
        return word ^ (word >> 29)

    def unmixed(word):
        return word ^ (word >> 29) ^ (word >> 58)

    def words(*numbers):
        return [int(w) for w in np.array(numbers).view(np.uint64)]

    a, b = words(1.5, 2.5)
    (other,) = words(1.75)
    lacks = first * (mixed(a) - mixed(other)) * pow(second, -1, 2**64)
    made_up = unmixed((mixed(b) + lacks) % 2**64)
    row = np.array([other, made_up], dtype=np.uint64).view(float)
    X = np.repeat([[1.5, 2.5], row], 5, axis=0)
    y = np.ones(10)
    assert np.all(np.isfinite(X))
    assert len(set(merged._hashes(np.c_[X, y]).tolist())) == 1
    program = ConvexProgram(X, y, 1.0)
    # one hash: of the group the first is kept as it is, and the others stand alone
    small = merge_equal(program).program
    assert small.n == 6


def test_few_equal_samples_are_left_as_they_are():
    X = np.random.default_rng(0).standard_normal((20, 2))
    X[1] = X[0]
    program = ConvexProgram(X, np.ones(20), 1.0)
    assert merge_equal(program).program is program
    v = np.arange(20.0)
    assert merge_equal(program).lift(v) is v


def test_weights_that_float64_cannot_hold_are_not_added_up():
    program = ConvexProgram(
        np.ones((4, 1)), np.ones(4), 1.0, sample_weight=[1e308, 1e308, 1e308, 1.0]
    )
    assert merge_equal(program).program is program


def test_shares_of_the_weights_are_those_of_exact_sums():
    weights = ["0.1", "0.2", "0.7", "1/3"]
    exact = [Fraction(w) for w in weights]
    program = ConvexProgram(
        np.ones((4, 1)), np.ones(4), 1.0, sample_weight=exact, floats="decimal"
    )
    merged = merge_equal(program)
    assert merged.program.data.weights_exact == (sum(exact),)
    assert np.allclose(merged.share, [float(w / sum(exact)) for w in exact], rtol=1e-15)


@pytest.mark.parametrize("loss", ["squared", "logistic", "hinge"])
def test_coin_flips_are_solved_as_their_truth_table(loss):
    random = np.random.default_rng(0)
    X = random.integers(0, 2, size=(2000, 2))
    y = np.where(X[:, 0] == X[:, 1], 1.0, -1.0)
    table, counts = np.unique(X, axis=0, return_counts=True)
    labels = np.where(table[:, 0] == table[:, 1], 1.0, -1.0)
    long = solve(ConvexProgram(X, y, 0.01, loss=loss, intercept=True))
    short = solve(
        ConvexProgram(
            table, labels, 0.01, loss=loss, sample_weight=counts, intercept=True
        )
    )
    assert long.status.value == short.status.value == "optimal"
    assert long.objective == pytest.approx(short.objective, rel=2e-6)
    assert long.certificate.dual.shape == (2000,)
    assert long.network.n_neurons <= 4
