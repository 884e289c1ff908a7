"""Programs over patches: rows, predictions, errors, and what changes nothing."""

import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convex_solver import (
    ConvexProgram,
    InputError,
    TwoLayerReLU,
    beta_max,
    certify,
    solve,
)
from convex_solver.restricted.working_set import WorkingSet

from reference.losses import float_targets, value
from reference.outputs import by_loops
from reference.raw import raw_data

seeds = st.integers(0, 10**6)


def patches(rng, n=5, K=3, d=2):
    return rng.standard_normal((n, K, d))


def random_network(rng, d, m=4, **options):
    return TwoLayerReLU(rng.standard_normal((m, d)), rng.standard_normal(m), **options)


@settings(deadline=None, max_examples=30)
@given(seeds, st.booleans())
def test_the_prediction_is_the_sum_over_patches(seed, intercept):
    rng = np.random.default_rng(seed)
    X = patches(rng)
    network = random_network(rng, 2 + intercept, intercept=intercept)
    expected = by_loops(network, X)
    assert np.allclose(network.predict(X), expected, rtol=1e-12, atol=1e-12)
    y = rng.standard_normal(5)
    program = ConvexProgram(X, y, 0.3, intercept=intercept)
    squares = np.sum(network.weights**2) + np.sum(network.alphas**2)
    total = 0.5 * np.sum((expected - y) ** 2) + 0.15 * squares
    assert program.network_objective(network) == pytest.approx(total, rel=1e-12)
    assert network.objective(X, y, 0.3) == pytest.approx(total, rel=1e-12)
    # the certificate's bound holds for the numbers as given, and is close
    upper = certify(network, X, y, 0.3).upper_bound
    exact = sum(value("squared", f, t) for f, t in zip(expected, y, strict=True))
    assert float(exact) + 0.15 * squares <= upper * (1 + 1e-12)
    assert upper == pytest.approx(total, rel=1e-10)


def test_rows_are_the_patches_of_one_sample_after_the_other():
    X = np.arange(12.0).reshape(2, 3, 2)
    program = ConvexProgram(X, [1.0, 2.0], 0.1, sample_weight=[1, 2], intercept=True)
    assert (program.n, program.n_patches, program.d, program.rank) == (2, 3, 3, 2)
    assert program.X.tolist() == [[a, a + 1, 1] for a in range(0, 12, 2)]
    assert program.data.design.tolist() == program.X.reshape(2, 3, 3).tolist()
    assert program.spread(np.array([5.0, 7.0])).tolist() == [5, 5, 5, 7, 7, 7]
    assert program.pool(np.arange(6.0)).tolist() == [3.0, 12.0]
    assert program.pool(np.ones((6, 2))).tolist() == [[3.0, 3.0], [3.0, 3.0]]
    u = np.array([[1.0, -1.0, 2.0]])
    expected = [
        [sum(max(0.0, float(x @ u[0])) for x in s)] for s in program.data.design
    ]
    assert program.outputs(u).tolist() == expected
    assert program.arrangement.n_hyperplanes == 6


@settings(deadline=None, max_examples=30)
@given(seeds)
def test_pool_and_spread_are_transposes(seed):
    rng = np.random.default_rng(seed)
    program = ConvexProgram(patches(rng, 4, 3), np.ones(4), 0.1)
    z, v = rng.standard_normal(12), rng.standard_normal(4)
    assert v @ program.pool(z) == pytest.approx(program.spread(v) @ z, rel=1e-12)
    u = rng.standard_normal((5, 2))
    assert program.outputs(u).shape == (4, 5)
    ones = TwoLayerReLU(u, np.ones(5))
    assert np.allclose(
        program.outputs(u).sum(axis=1), by_loops(ones, raw_data(program)[0])
    )


@settings(deadline=None, max_examples=30)
@given(seeds)
def test_blocks_add_up_the_patches_of_a_sample(seed):
    rng = np.random.default_rng(seed)
    X = patches(rng, 4, 3).reshape(12, 2)
    blocks = WorkingSet(X, n_patches=3)
    added = blocks.add(rng.standard_normal((6, 2)), rng.choice([-1.0, 1.0], 6))
    assert added == len(blocks) > 0
    w = rng.standard_normal(blocks.centres.shape)
    expected = np.zeros(4)
    for sign, bits, u in zip(blocks.signs, blocks.patterns, w, strict=True):
        for i in range(4):
            for k in range(3):
                row = 3 * i + k
                expected[i] += sign * bits[row] * float(X[row] @ u)
    assert np.allclose(blocks.predict(w), expected)
    v = rng.standard_normal(4)
    slopes = blocks.transposed(v)
    assert np.sum(slopes * w) == pytest.approx(float(v @ expected))


@pytest.mark.parametrize("loss", ["squared", "absolute", "logistic", "poisson"])
def test_one_patch_a_sample_is_the_plain_program(loss):
    rng = np.random.default_rng(3)
    X, y = rng.standard_normal((9, 1, 3)), float_targets(loss, rng, 9)
    y[0] = 1.0
    one, plain = (ConvexProgram(D, y, 0.1, loss=loss) for D in (X, X[:, 0]))
    assert one.data.digest == plain.data.digest
    assert np.array_equal(one.X, plain.X)
    first, second = solve(one), solve(plain)
    assert first.objective == second.objective
    assert first.lower_bound == second.lower_bound
    assert np.array_equal(first.network.weights, second.network.weights)


def optimum(X, y, beta=0.2, tol=1e-9, **options):
    solution = solve(ConvexProgram(X, y, beta, **options), tol=tol)
    assert solution.gap <= tol
    return solution.objective


@pytest.mark.slow
@settings(deadline=None, max_examples=10)
@given(seeds)
def test_the_order_of_patches_and_patches_of_zeros_change_nothing(seed):
    rng = np.random.default_rng(seed)
    X, y = patches(rng), rng.standard_normal(5)
    plain = optimum(X, y)
    shuffled = np.stack([sample[rng.permutation(3)] for sample in X])
    assert optimum(shuffled, y) == pytest.approx(plain, rel=3e-9)
    order = rng.permutation(5)
    assert optimum(X[order], y[order]) == pytest.approx(plain, rel=3e-9)
    padded = np.concatenate([X, np.zeros((5, 2, 2))], axis=1)
    assert optimum(padded, y) == pytest.approx(plain, rel=3e-9)


@pytest.mark.slow
@settings(deadline=None, max_examples=10)
@given(seeds)
def test_copies_of_one_patch_are_a_factor(seed):
    # sum of K equal outputs = K times one: the program of K X, or of beta / K with X
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((6, 1, 2)), rng.standard_normal(6)
    copies = np.repeat(x, 4, axis=1)
    expected = optimum(4.0 * x[:, 0], y)
    assert optimum(copies, y) == pytest.approx(expected, rel=3e-9)
    # (4 X, beta) has the neurons of (X, beta / 4)
    assert optimum(x[:, 0], y, beta=0.05) == pytest.approx(expected, rel=3e-9)
    program = ConvexProgram(copies, y, 0.2)
    assert beta_max(program) == pytest.approx(
        4 * beta_max(ConvexProgram(x[:, 0], y, 0.2)), rel=1e-10
    )
    assert program.arrangement.n_distinct == 6


def test_opposite_patches_pool_to_the_absolute_value():
    # (x u)_+ + (-x u)_+ = |x u|: f = a |x| for every network, at the price |a|
    X = [[[1.0], [-1.0]], [[2.0], [-2.0]]]
    found = optimum(X, [1.0, 2.0], beta=0.5)
    # 5/2 (a - 1)^2 + a / 2 is least at a = 1 - 1/10
    assert found == pytest.approx(2.5 * 0.01 + 0.45, rel=1e-8)


@settings(deadline=None, max_examples=8)
@given(seeds, st.booleans())
def test_intercept_and_scale_are_those_of_all_patches(seed, intercept):
    rng = np.random.default_rng(seed)
    X, y = 50 + 7 * patches(rng, 5, 2), rng.standard_normal(5)
    program = ConvexProgram(X, y, 0.2, standardize=True, intercept=intercept)
    rows = X.reshape(10, 2)
    if intercept:
        expected = (rows - rows.mean(axis=0)) / rows.std(axis=0)
        expected = np.column_stack([expected, np.ones(10)])
    else:
        expected = rows / np.sqrt(np.mean(rows**2, axis=0))
    assert np.allclose(program.X, expected, rtol=1e-10, atol=1e-10)
    solution = solve(program, tol=1e-7)
    assert solution.gap <= 1e-7
    net = solution.network
    assert net.objective(X, y, 0.2) == pytest.approx(solution.objective, rel=1e-9)
    design = expected.reshape(5, 2, -1)
    bare = TwoLayerReLU(net.weights, net.alphas)
    assert np.allclose(net.predict(X), by_loops(bare, design), rtol=1e-8, atol=1e-8)


def test_integers_fractions_and_text_of_three_dimensions_are_read_exactly():
    X = [[["1/3", "0.1"], ["2", "1e-1"]], [["0", "1"], ["-1/7", "3"]]]
    exact = [[[Fraction(x) for x in patch] for patch in sample] for sample in X]
    text, fractions = (ConvexProgram(D, ["0.1", "2"], 0.1) for D in (X, exact))
    assert text.data.digest != ConvexProgram(exact, [0.1, 2], 0.1).data.digest
    fractions = ConvexProgram(exact, ["0.1", "2"], 0.1)
    assert text.data.digest == fractions.data.digest
    assert text.n_patches == 2
    assert text.X[0, 0] == 1 / 3
    assert text.data.X_error[0, 0] > 0
    assert ConvexProgram(np.array(exact, dtype=object), ["0.1", "2"], 0.1).n == 2
    # a list of arrays, one for each sample
    arrays = ConvexProgram([np.array(s, dtype=object) for s in exact], ["0.1", "2"], 1)
    assert arrays.data.digest == text.data.digest
    # patches are part of the data: the rows alone are another problem
    rows = [patch for sample in X for patch in sample]
    other = ConvexProgram(rows, ["0.1", "0.1", "2", "2"], 0.1)
    assert other.data.digest != text.data.digest
    regrouped = np.array(exact, dtype=object).reshape(1, 4, 2)
    assert ConvexProgram(regrouped, ["0.1"], 0.1).data.digest != text.data.digest


def test_every_number_is_in_the_digest():
    rng = np.random.default_rng(0)
    X, y, c = patches(rng, 3, 3), np.arange(3.0), np.ones(3)
    digests = {ConvexProgram(X, y, 0.1, sample_weight=c).data.digest}
    for part in (X, y, c):
        for where in np.ndindex(part.shape):
            part[where] += 1.0
            digests.add(ConvexProgram(X, y, 0.1, sample_weight=c).data.digest)
            part[where] -= 1.0
    assert len(digests) == 1 + X.size + y.size + c.size
    # the same numbers in the same order, cut into patches in other ways
    Z = np.arange(36.0).reshape(3, 12)
    shapes = [(3, 12), (3, 2, 6), (3, 3, 4), (3, 4, 3), (3, 12, 1)]
    found = {ConvexProgram(Z.reshape(s), y, 0.1).data.digest for s in shapes}
    assert len(found) == len(shapes)


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (np.zeros((2, 0, 3)), [1, 2], "X has shape (2, 0, 3); a sample needs at lea"),
        (np.zeros((0, 2, 3)), [], "at least one row and one column"),
        (np.zeros((2, 3, 0)), [1, 2], "at least one row and one column"),
        ([[[1, 2], [3, 4]], [[1, 2]]], [1, 2], "X is ragged"),
        ([[[1, 2], [3, 4]], [[1, 2], [3]]], [1, 2], "ragged"),
        ([np.ones((2, 3)), np.ones((1, 3))], [1, 2], "X is ragged"),
        ([np.ones((2, 3)), np.ones((2, 2))], [1, 2], "X is ragged"),
        (np.ones((3, 2, 2)), [1, 2], "y has length 2; expected 3, one for each set"),
        (np.ones((3, 2, 2)), [1] * 6, "y has length 6; expected 3, one for each set"),
        (np.ones((2, 2, 2, 2)), [1, 2], "shape"),
        (np.full((2, 2, 2), np.nan), [1, 2], "nan came; expected finite"),
    ],
)
def test_patches_that_are_refused(X, y, message):
    with pytest.raises(InputError, match=re.escape(message)):
        ConvexProgram(X, y, 0.1)


def test_other_lengths_and_widths_are_refused():
    X = np.ones((3, 2, 2))
    with pytest.raises(InputError, match="sample_weight has length 6; expected 3"):
        ConvexProgram(X, [1, 2, 3], 0.1, sample_weight=[1] * 6)
    network = TwoLayerReLU([[1.0, 2.0, 3.0]], [1.0])
    message = r"X has shape \(3, 2, 2\); expected \(n, 3\), or patches \(n, K, 3\)"
    with pytest.raises(InputError, match=message):
        network.predict(X)
    with pytest.raises(InputError, match=r"has 3 inputs; the data have 2 columns"):
        certify(network, X, [1, 2, 3], 0.1)
    with pytest.raises(InputError, match=r"y has shape \(6,\); expected \(3,\)"):
        TwoLayerReLU([[1.0, 2.0]], [1.0]).objective(X, np.ones(6), 0.1)
    with pytest.raises(InputError, match="X has shape"):
        network.predict(np.ones((1, 1, 1, 3)))
