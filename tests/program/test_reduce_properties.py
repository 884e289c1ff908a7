"""`reduce_network`: the same predictions, not dearer, at most rank many neurons."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convex_solver import ConvexProgram, InputError, reduce_network
from convex_solver.program import reduce as pruning
from convex_solver.program.reduce import drop_columns, keep_largest

from reference.raw import raw_data

LOSSES = ["squared", "hinge", "logistic"]


@st.composite
def cases(draw):
    """A program and a wide network: Gaussian, or small integers full of ties."""
    n, d = draw(st.integers(1, 12)), draw(st.integers(1, 4))
    m = draw(st.integers(0, 40))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if draw(st.booleans()):
        X, weights = random.standard_normal((n, d)), random.standard_normal((m, d))
        alphas = random.standard_normal(m)
    else:
        X, weights = random.integers(-1, 2, (n, d)), random.integers(-2, 3, (m, d))
        alphas = random.integers(-1, 2, m)
    if draw(st.booleans()) and m:  # copies, some with the other sign
        copied = random.integers(0, m, m)
        weights = np.vstack([weights, weights[copied] * random.uniform(0.1, 9, (m, 1))])
        alphas = np.concatenate([alphas, alphas[copied] * random.choice([-1, 2], m)])
    loss = draw(st.sampled_from(LOSSES))
    y = np.where(random.random(n) < 0.5, -1.0, 1.0)
    beta = 10.0 ** draw(st.integers(-6, 2))
    program = ConvexProgram(X, y, beta, loss=loss)
    return program, program.network(weights, alphas)


def size_of(program, network):
    """The largest prediction that the neurons could add up to without signs."""
    hidden = np.maximum(program.X @ network.weights.T, 0.0)
    return float(np.max(hidden @ np.abs(network.alphas), initial=0.0))


@settings(max_examples=300, deadline=None)
@given(cases())
def test_not_dearer_with_the_same_predictions_and_at_most_rank_neurons(case):
    program, network = case
    small = reduce_network(program, network)
    value = program.network_objective(network)
    assert program.network_objective(small) <= value * (1.0 + 1e-12)
    before, after = network.evaluate(program.X), small.evaluate(program.X)
    assert np.abs(before - after).max() <= 1e-9 * size_of(program, network)
    columns = np.maximum(program.X @ network.weights.T, 0.0)
    norms = np.linalg.norm(network.weights, axis=1)
    columns /= np.where(norms > 0.0, norms, 1.0)
    rank = np.linalg.matrix_rank(columns) if columns.size else 0
    assert small.n_neurons <= rank
    norms = np.linalg.norm(small.weights, axis=1)
    np.testing.assert_allclose(norms, np.abs(small.alphas), rtol=1e-12)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(0, 300), st.booleans())
def test_dropped_columns_leave_the_sum_and_not_more_weight(seed, rank, m, exact):
    random = np.random.default_rng(seed)
    if exact:
        columns = random.integers(0, 2, (9, rank)) @ random.integers(0, 3, (rank, m))
    else:
        columns = random.random((9, rank)) @ random.random((rank, m))
    columns = columns.astype(np.float64)
    weights = random.choice([-1.0, 1.0], m) * random.random(m)
    fewer = drop_columns(columns, weights, m)
    size = float(np.max(columns @ np.abs(weights), initial=0.0))
    assert np.abs(columns @ (fewer - weights)).max() <= 1e-11 * max(size, 1e-300)
    assert np.abs(fewer).sum() <= np.abs(weights).sum() * (1.0 + 1e-12)
    assert np.all(fewer * weights >= 0.0)
    rank = np.linalg.matrix_rank(columns) if m else 0
    assert np.count_nonzero(fewer) <= rank


def test_only_as_many_columns_are_dropped_as_asked():
    random = np.random.default_rng(0)
    columns, weights = random.random((5, 30)), random.random(30)
    for most in (0, 1, 7, 25, 30):
        left = np.count_nonzero(drop_columns(columns, weights, most))
        assert left == max(30 - most, 5)


def test_weights_of_opposite_sign_on_one_direction_cancel():
    program = ConvexProgram([[1.0, 2.0], [3.0, -1.0], [0.5, 1.0]], [1.0, 2.0, 3.0], 0.1)
    network = program.network([[1.0, 1.0], [2.0, 2.0]], [3.0, -1.0])
    small = reduce_network(program, network)
    assert small.n_neurons == 1
    np.testing.assert_allclose(small.weights[0] * small.alphas[0], [1.0, 1.0])


def test_no_neuron_and_one_neuron_stay():
    program = ConvexProgram([[1.0], [-2.0]], [1.0, 1.0], 0.1)
    assert reduce_network(program, program.network([], [])).n_neurons == 0
    one = reduce_network(program, program.network([[4.0]], [1.0]))
    np.testing.assert_allclose(one.weights, [[2.0]])
    np.testing.assert_allclose(one.alphas, [2.0])


def test_neurons_that_never_fire_or_have_no_output_are_dropped():
    program = ConvexProgram([[1.0, 0.0], [2.0, 1.0]], [1.0, 1.0], 0.1)
    weights = [[-1.0, 0.0], [1.0, 0.0], [0.0, 0.0], [1.0, 1.0]]
    small = reduce_network(program, program.network(weights, [1.0, 1.0, 1.0, 0.0]))
    np.testing.assert_allclose(small.weights, [[1.0, 0.0]])


@pytest.mark.parametrize("scale", [1e-150, 1e150, 1e200])
def test_weights_at_the_ends_of_the_range_are_no_reason_to_fail(scale):
    program = ConvexProgram([[1.0, 0.0], [2.0, 1.0]], [1.0, 1.0], 0.1)
    network = program.network(np.ones((3, 2)) * scale, np.ones(3) * scale)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        small = reduce_network(program, network)
        value = program.network_objective(network)
        assert program.network_objective(small) <= value * (1.0 + 1e-12)


@pytest.mark.parametrize("n_neurons", [64, 65, 129, 400])
def test_more_neurons_than_one_chunk_on_more_rows_than_neurons(n_neurons):
    random = np.random.default_rng(n_neurons)
    X = np.repeat(random.standard_normal((20, 3)), 25, axis=0)
    program = ConvexProgram(X, random.standard_normal(500), 0.01, intercept=True)
    weights = random.standard_normal((n_neurons, 4))
    network = program.network(weights, random.standard_normal(n_neurons))
    small = reduce_network(program, network)
    assert small.n_neurons <= 20
    before, after = network.evaluate(program.X), small.evaluate(program.X)
    np.testing.assert_allclose(after, before, atol=1e-10 * np.abs(before).max())


def straddling(gap):
    """Two neurons ``gap`` to either side of a face, and a third of no weight."""
    random = np.random.default_rng(0)
    X = np.vstack([[0.0, 1.0], random.standard_normal((9, 2))])
    weights = np.array([[1.0, gap], [1.0, -gap], [0.3, 1.0]])
    alphas = np.array([1.0, 1.0, gap])
    program = ConvexProgram(X, 10.0 * np.maximum(X[:, 0], 0.0), 0.1)
    return program, program.network(weights, alphas)


def test_pairs_on_both_sides_of_a_face_become_one_within_the_change():
    program, network = straddling(1e-8)
    assert reduce_network(program, network, change=1e-12).n_neurons == 3
    small = reduce_network(program, network, change=1e-6)
    assert small.n_neurons == 1
    np.testing.assert_allclose(small.weights * small.alphas, [[2.0, 0.0]], atol=1e-7)
    before, after = network.evaluate(program.X), small.evaluate(program.X)
    assert 0.0 < np.abs(before - after).max() <= 1e-6 * size_of(program, network)


def test_pairs_stay_apart_where_one_neuron_would_be_dearer():
    program, network = straddling(1e-6)
    X, y = raw_data(program)
    # the face's own row asks for more: the loss grows faster than the decay falls
    program = ConvexProgram(X, np.concatenate([[1.0], y[1:]]), 1e-9)
    small = reduce_network(program, network, change=1e-3)
    value = program.network_objective(network)
    assert program.network_objective(small) <= value * (1.0 + 1e-12)


@settings(max_examples=100, deadline=None)
@given(cases(), st.sampled_from([0.0, 1e-12, 1e-6, 1e-2]))
def test_whatever_may_change_the_objective_does_not_rise(case, change):
    program, network = case
    small = reduce_network(program, network, change=change)
    value = program.network_objective(network)
    assert program.network_objective(small) <= value * (1.0 + 1e-12)
    before, after = network.evaluate(program.X), small.evaluate(program.X)
    most = (change + 1e-11) * size_of(program, network)
    assert np.abs(before - after).max() <= most


@pytest.mark.parametrize("change", [-1e-9, np.inf, np.nan])
def test_a_change_out_of_range_is_refused(change):
    program, network = straddling(1e-3)
    with pytest.raises(InputError, match="change"):
        reduce_network(program, network, change=change)


def test_pairs_share_what_may_change():
    random = np.random.default_rng(0)
    X = np.vstack([[0.0, 1.0], random.standard_normal((9, 2))])
    gap = 1e-5
    weights = [[1.0, gap], [1.0, -gap], [-1.0, gap], [-1.0, -gap]]
    y = 10.0 * np.abs(X[:, 0])
    program = ConvexProgram(X, y, 0.1)
    network = program.network(weights, np.ones(4))
    # each joining moves row 0 by 1e-5
    one = 1.5 * gap / (0.5 * size_of(program, network))
    assert reduce_network(program, network, change=one).n_neurons == 3
    assert reduce_network(program, network, change=2 * one).n_neurons == 2


def test_steps_that_raise_the_objective_are_taken_back(monkeypatch):
    random = np.random.default_rng(3)
    program = ConvexProgram(random.standard_normal((4, 2)), np.zeros(4), 0.1)
    network = program.network(random.standard_normal((9, 2)), np.ones(9))

    def bad_after_two(columns, weights, most, deadline):
        fewer = drop_columns(columns, weights, min(most, 2), deadline)
        return fewer * (1.0 if most <= 2 else 1e3)

    monkeypatch.setattr(pruning, "drop_columns", bad_after_two)
    monkeypatch.setattr(pruning, "CUT", 2.0)  # nor is the prediction restored
    monkeypatch.setattr(pruning, "join_neurons", lambda _, same: same)
    small = reduce_network(program, network, change=0.0)
    assert program.network_objective(small) <= program.network_objective(network)
    assert small.n_neurons == 6  # two steps, and one neuron that never fires


@settings(max_examples=100, deadline=None)
@given(cases())
def test_the_largest_are_scaled_as_is_best(case):
    program, network = case
    few = keep_largest(program, network)
    assert few.n_neurons <= program.n
    value = program.network_objective(few)
    for factor in (0.0, 0.9, 1.1):
        size = np.sqrt(factor)
        other = few.replace(size * few.weights, size * few.alphas)
        assert value <= program.network_objective(other) * (1.0 + 1e-6) + 1e-12
    if network.n_neurons <= program.n:
        assert value <= program.network_objective(network) * (1.0 + 1e-12)


def test_ties_and_nearly_dependent_columns_are_decided_by_singular_values():
    # a column again, but for 1e-13 of it: what it adds is blurred by its twin
    random = np.random.default_rng(5)
    columns = random.standard_normal((90, 70))
    twin = columns[:, :1] + 1e-13 * random.standard_normal((90, 1))
    wide = np.hstack([columns, twin, columns[:, 1:60], random.random((90, 40))])
    weights = random.standard_normal(wide.shape[1])
    weights[:71] += 10.0 * np.sign(weights[:71])
    fewer = drop_columns(wide, weights, wide.shape[1])
    assert np.count_nonzero(fewer) <= 90
    assert np.abs(fewer).sum() <= np.abs(weights).sum() * (1.0 + 1e-12)
    lost = np.abs(wide @ (fewer - weights)).max()
    assert lost <= 1e-11 * np.abs(wide @ weights).max()


@pytest.mark.parametrize("rank", [3, 30, 90, 150])
def test_many_columns_are_dropped_to_their_rank(rank):
    random = np.random.default_rng(rank)
    columns = random.standard_normal((150, rank)) @ random.standard_normal((rank, 700))
    weights = random.standard_normal(700)
    fewer = drop_columns(columns, weights, 700)
    assert np.count_nonzero(fewer) <= rank
    assert np.all(fewer * weights >= 0.0)
    assert np.abs(fewer).sum() <= np.abs(weights).sum() * (1.0 + 1e-12)
    np.testing.assert_allclose(columns @ fewer, columns @ weights, atol=1e-8)
