"""Statements of Pilanci & Ergen (2020) on small random data, degenerate ones too."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls

from arrangement import enumerate_patterns
from convex_solver import ConvexProgram, TwoLayerReLU, solve
from convex_solver._kernels.certify import Chambers, Weighted, price_block
from convex_solver.losses.loss import get_loss
from convex_solver.program.recovery import blocks_from_network, network_from_blocks

from reference.losses import SPECS, float_targets
from reference.prices import largest_price

seeds = st.integers(0, 10**6)
specs = st.sampled_from(SPECS)
BETA = 0.3


@st.composite
def matrices(draw, most=6):
    """Few rows in two or three columns; ties, copies, opposites and zero rows."""
    rng = np.random.default_rng(draw(seeds))
    n, d = draw(st.integers(2, most)), draw(st.integers(2, 3))
    if draw(st.booleans()):
        return rng.standard_normal((n, d)), rng
    X = rng.integers(-2, 3, (n, d)).astype(float)
    X[rng.integers(n)] = X[0] * rng.choice([-1.0, 1.0, 2.0])
    X[rng.integers(n)] *= rng.integers(0, 2)
    return X, rng


def networks(rng, d, m=5):
    return TwoLayerReLU(rng.standard_normal((m, d)), rng.standard_normal(m))


def objective(network, X, y, beta, spec):
    """Objective (2), neuron by neuron."""
    f = np.zeros(len(X))
    decay = 0.0
    for u, a in zip(network.weights, network.alphas, strict=True):
        f += a * np.maximum(X @ u, 0.0)
        decay += beta / 2 * (u @ u + a * a)
    return get_loss(spec).at(y).value(f) + decay


# Lemma 2


@settings(deadline=None, max_examples=60)
@given(matrices())
def test_lemma_2_weight_decay_is_the_l1_form_after_rescaling(sample):
    X, rng = sample
    net = networks(rng, X.shape[1])
    l1 = BETA * float(np.linalg.norm(net.weights, axis=1) @ np.abs(net.alphas))
    balanced = net.balance()
    assert np.allclose(balanced.predict(X), net.predict(X))
    assert balanced.decay(BETA) == pytest.approx(l1)
    lengths = np.linalg.norm(balanced.weights, axis=1)
    assert np.allclose(lengths, np.abs(balanced.alphas))
    # back: unit neurons, the same outputs, the same l1 norm
    unit = net.replace(balanced.weights / lengths[:, None], balanced.alphas * lengths)
    assert np.allclose(unit.predict(X), net.predict(X))
    assert BETA * np.abs(unit.alphas).sum() == pytest.approx(l1)
    # every other rescaling costs as much or more
    for _ in range(5):
        gamma = np.exp(rng.standard_normal(net.n_neurons))
        other = net.replace(net.weights * gamma[:, None], net.alphas / gamma)
        assert np.allclose(other.predict(X), net.predict(X))
        assert other.decay(BETA) >= l1 * (1 - 1e-14)


def test_lemma_2_drops_neurons_that_output_nothing():
    net = TwoLayerReLU([[0.0, 0.0], [1.0, 2.0], [3.0, 4.0]], [2.0, 0.0, 5.0])
    assert net.balance().n_neurons == 1
    assert net.balance().decay(2.0) == pytest.approx(2.0 * 25.0)


# Theorem 6 and Lemma 3


def feasible(term, v, X, beta):
    """The point clipped into the domain and shrunk until the constraint holds."""
    v = term.clip(v)
    price = largest_price(X, v)
    return v * min(1.0, beta / price) if price > 0.0 else v


@settings(deadline=None, max_examples=60)
@given(matrices(), specs)
def test_theorem_6_weak_duality_for_every_feasible_pair(sample, spec):
    X, rng = sample
    y = float_targets(spec, rng, len(X))
    term = get_loss(spec).at(y)
    for size in (0.1, 1.0, 10.0):
        v = feasible(term, size * rng.standard_normal(len(X)), X, BETA)
        dual = -term.conjugate(v)
        assert dual < math.inf
        for scale in (0.0, 0.3, 1.0):
            net = networks(rng, X.shape[1])
            net = net.replace(scale * net.weights, net.alphas)
            primal = objective(net, X, y, BETA, spec)
            assert dual <= primal + 1e-12 * (1 + abs(primal) + abs(dual))


@settings(deadline=None, max_examples=30)
@given(matrices(), specs)
def test_theorem_6_strong_duality_at_the_optimum(sample, spec):
    X, rng = sample
    y = float_targets(spec, rng, len(X))
    if spec == "poisson":
        y[0] = max(y[0], 1.0)
    program = ConvexProgram(X, y, BETA, loss=spec)
    solution = solve(program, tol=1e-7)
    v = solution.certificate.dual
    # feasible and of the same value, by the reference's price and the definition
    assert largest_price(X, v) <= BETA * (1 + 1e-9)
    dual = -get_loss(spec).at(y).conjugate(v)
    primal = objective(solution.network, X, y, BETA, spec)
    assert primal == pytest.approx(solution.objective, rel=1e-9, abs=1e-12)
    assert dual == pytest.approx(primal, rel=2e-7, abs=1e-12)


@settings(deadline=None, max_examples=60)
@given(matrices())
def test_lemma_3_is_theorem_6_with_the_other_sign(sample):
    X, rng = sample
    y, v = rng.standard_normal((2, len(X)))
    printed = -0.5 * np.sum((v - y) ** 2) + 0.5 * y @ y
    dual = -get_loss("squared").at(y).conjugate(-v)
    assert dual == pytest.approx(printed, rel=1e-12, abs=1e-12)
    assert largest_price(X, v) == pytest.approx(largest_price(X, -v), rel=1e-12)


@settings(deadline=None, max_examples=20)
@given(matrices(), st.sampled_from(["squared", "logistic", "huber:1.35"]))
def test_neurons_of_the_optimum_are_where_the_constraint_is_tight(sample, spec):
    X, rng = sample
    y = float_targets(spec, rng, len(X))
    solution = solve(ConvexProgram(X, y, BETA, loss=spec), tol=1e-11)
    net = solution.network
    # strictly convex in the prediction: its gradient is the only dual optimum
    v = get_loss(spec).at(y).gradient(net.predict(X))
    lengths = np.linalg.norm(net.weights, axis=1)
    prices = v @ np.maximum(X @ (net.weights / lengths[:, None]).T, 0.0)
    share = (
        lengths * np.abs(net.alphas) / (1e-300 + np.sum(lengths * np.abs(net.alphas)))
    )
    tight = np.abs(prices + BETA * np.sign(net.alphas)) * share
    assert (tight <= 1e-4 * BETA).all()


# Lemma 4


@settings(deadline=None, max_examples=40)
@given(matrices(7))
def test_lemma_4_the_price_of_a_chamber_and_its_dual_agree(sample):
    X, rng = sample
    n = len(X)
    v = rng.standard_normal(n) * rng.integers(0, 2, n)
    listing = enumerate_patterns(X)
    facets = listing.facets()
    starts = np.cumsum([0, *map(len, facets)], dtype=np.int64)
    flat = np.concatenate([*facets, np.zeros(0, dtype=np.int64)])
    prices = np.zeros((len(listing), 2))
    chambers = Chambers(listing.packed, starts, flat)
    price_block(chambers, Weighted(X, np.zeros_like(X), v, 0.0), prices)
    size = np.linalg.norm(X, axis=1) @ np.abs(v) + 1e-9
    for bits, found in zip(listing.to_bool(), prices, strict=True):
        sides = np.where(bits, 1.0, -1.0)
        for sign, price in zip((1.0, -1.0), found, strict=True):
            g = sign * X.T @ (bits * v)
            # |X^T D (v + a + b) - X^T b| over a, b >= 0: rows outside D have -x_i
            multipliers, dual = nnls((sides[:, None] * X).T, -g)
            point = g + (sides[:, None] * X).T @ multipliers
            assert np.linalg.norm(point) == pytest.approx(dual, abs=1e-9 * size)
            # the point itself is in the cone, and its direction attains the value
            assert (sides * (X @ point) >= -1e-7 * size * (1 + np.abs(X).max())).all()
            if dual > 1e-6 * size:
                assert g @ point / dual == pytest.approx(dual, rel=1e-6)
            assert price == pytest.approx(dual, rel=1e-7, abs=1e-7 * size)
            assert price >= dual - 1e-12 * size
    # the largest of all chambers is that of the constraint
    assert prices.max(initial=0.0) == pytest.approx(
        largest_price(X, v), abs=1e-7 * size
    )


# Theorem 5, A.8 and A.11


def points_of_the_program(rng, X, chance=0.5):
    """Random v_i and w_i in the cones, as nonnegative sums of rays; bits, v, w."""
    listing = enumerate_patterns(X)
    d = X.shape[1]
    points = []
    for bits, rays in zip(listing.to_bool(), listing.rays(), strict=True):
        rays = np.array(rays, dtype=float).reshape(-1, d)
        pair = [
            rng.exponential(1.0, len(rays)) @ rays * (rng.random() < chance)
            for _ in range(2)
        ]
        points.append((bits, *pair))
    return points


@settings(deadline=None, max_examples=40)
@given(matrices(), specs)
def test_theorem_5_the_network_has_the_program_s_objective(sample, spec):
    X, rng = sample
    if np.linalg.matrix_rank(X) < X.shape[1]:
        X = np.vstack([X, np.eye(X.shape[1])])  # rays span the cones then
    y = float_targets(spec, rng, len(X))
    program = ConvexProgram(X, y, BETA, loss=spec)
    f, norms, blocks, sides = np.zeros(len(X)), 0.0, [], []
    for bits, v, w in points_of_the_program(rng, X):
        f += bits * (X @ (v - w))
        norms += np.linalg.norm(v) + np.linalg.norm(w)
        blocks += [v, w]
        sides += [1.0, -1.0]
    net = network_from_blocks(program, np.array(blocks), np.array(sides))
    assert net.n_neurons == sum(bool(np.any(b != 0)) for b in blocks)
    scale = 1e-10 * (1 + np.abs(f).max())
    assert np.allclose(net.predict(X), f, rtol=1e-10, atol=scale)
    total = get_loss(spec).at(y).value(f) + BETA * norms
    if total < 1e12:  # exp of a large prediction multiplies its rounding
        assert program.network_objective(net) == pytest.approx(total, rel=1e-6)
    back, signs = blocks_from_network(net)
    alive = [b for b in blocks if np.any(b != 0)]
    assert np.allclose(back, np.reshape(alive, back.shape))
    assert signs.tolist() == [
        s for s, b in zip(sides, blocks, strict=True) if np.any(b != 0)
    ]


@settings(deadline=None, max_examples=15)
@given(matrices(5), st.sampled_from(["squared", "hinge", "absolute", "logistic"]))
def test_a_8_and_a_11_the_optimum_is_the_same_for_every_width_from_m_star(sample, spec):
    X, rng = sample
    y = float_targets(spec, rng, len(X))
    solution = solve(ConvexProgram(X, y, BETA, loss=spec), tol=1e-8)
    net = solution.network
    assert net.n_neurons <= len(X)
    assert net.n_neurons <= np.linalg.matrix_rank(np.maximum(X @ net.weights.T, 0.0))
    for extra in (0, 1, 7):
        # wider: a neuron may be split, or output nothing
        weights = np.vstack([net.weights, np.zeros((extra, X.shape[1]))])
        alphas = np.concatenate([net.alphas, np.zeros(extra)])
        wide = net.replace(weights, alphas)
        assert objective(wide, X, y, BETA, spec) == pytest.approx(
            solution.objective, rel=1e-12, abs=1e-12
        )
        for size in (1e-3, 0.1, 1.0):
            other = wide.replace(
                weights + size * rng.standard_normal(weights.shape),
                alphas + size * rng.standard_normal(alphas.shape),
            )
            found = objective(other, X, y, BETA, spec)
            assert found >= solution.lower_bound
    for k in range(net.n_neurons):
        # narrower: what is left without a neuron is no better
        kept = np.arange(net.n_neurons) != k
        fewer = net.replace(net.weights[kept], net.alphas[kept])
        assert objective(fewer, X, y, BETA, spec) >= solution.lower_bound


@pytest.mark.slow
def test_fewer_neurons_than_m_star_may_not_do():
    # f(1) and f(-1) need a neuron each; with one, half of the loss stays
    X, y = np.array([[1.0], [-1.0]]), np.array([1.0, 1.0])
    solution = solve(ConvexProgram(X, y, 0.1), tol=1e-10)
    assert solution.network.n_neurons == 2
    assert solution.objective == pytest.approx(2 * (0.5 * 0.1**2 + 0.1 * 0.9))
    one = min(
        objective(TwoLayerReLU([[u]], [a]), X, y, 0.1, "squared")
        for u in np.linspace(-2, 2, 41)
        for a in np.linspace(-2, 2, 41)
    )
    assert one > solution.objective + 0.3


# Rank reduction


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(matrices(), st.integers(1, 2))
def test_a_projection_of_exact_rank_has_the_same_patterns(sample, extra):
    thin, rng = sample
    d = thin.shape[1]
    thin = np.round(4 * thin)
    # integer columns that depend on the others: every column space is the same
    mixed = np.column_stack([thin, thin @ rng.integers(-3, 4, (d, extra))])
    mixed = mixed[:, rng.permutation(d + extra)]
    first, second = enumerate_patterns(thin), enumerate_patterns(mixed)
    assert {b.tobytes() for b in first} == {b.tobytes() for b in second}
    program = ConvexProgram(mixed, np.ones(len(mixed)), BETA)
    assert program.rank == np.linalg.matrix_rank(thin)
    XV, V = program.reduced()
    assert V.shape == (d + extra, program.rank)
    assert np.allclose(V.T @ V, np.eye(program.rank))
    assert np.allclose(XV @ V.T, mixed, atol=1e-12 * (1 + np.abs(mixed).max()))
    # norms of the weights are kept, so the optimum is that of X V
    y = rng.standard_normal(len(mixed))
    wide = solve(ConvexProgram(mixed, y, BETA), tol=1e-8).objective
    if program.rank:
        narrow = solve(ConvexProgram(XV, y, BETA), tol=1e-8).objective
        assert wide == pytest.approx(narrow, rel=3e-8)
    else:
        assert wide == pytest.approx(0.5 * y @ y)
