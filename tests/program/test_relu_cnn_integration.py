"""The two-layer ReLU CNN: certified optima against CVXPY, listings and training."""

import numpy as np
import pytest

from arrangement import count_patterns, enumerate_patterns
from convex_solver import (
    ConvexProgram,
    SolutionStatus,
    beta_max,
    certify,
    certify_model,
    load_model,
    save_model,
    solve,
    solve_path,
)
from convex_solver.errors import DigestMismatchError

from reference.losses import SPECS, float_targets, value
from reference.outputs import by_loops
from reference.paper_program import optimum
from reference.raw import raw_data, raw_weights

SHAPES = [(6, 3, 2), (10, 4, 3), (16, 4, 3), (20, 5, 3)]


def data(n, K, d, loss="squared", seed=0):
    """Patches, and targets of a planted CNN with noise where they are numbers."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, K, d))
    if loss != "squared":
        return X, float_targets(loss, rng, n)
    hidden = np.maximum(X @ rng.standard_normal((d, 2)), 0.0).sum(axis=1)
    return X, hidden @ [1.0, -1.0] + 0.3 * rng.standard_normal(n)


def certified(program, tol=1e-7, **options):
    """Solve; a covering certifies that, and on up to 64 rows a listing as well."""
    solution = solve(program, tol=tol, **options)
    assert solution.status is SolutionStatus.OPTIMAL
    assert 0 <= solution.gap <= tol
    assert solution.network.n_neurons <= program.n
    X, y = raw_data(program)
    common = {
        "loss": program.loss,
        "sample_weight": raw_weights(program),
        "dual": solution.certificate.dual,
    }
    methods = ("covering", "chambers") if len(program.X) <= 64 else ("covering",)
    found = [
        certify(solution.network, X, y, program.beta, method=method, **common)
        for method in methods
    ]
    assert found[0].gap <= tol
    if len(found) == 1:
        return solution
    assert found[1].n_patterns == count_patterns(program.arrangement)
    assert found[0].max_price == pytest.approx(found[1].max_price, rel=1e-9)
    assert found[0].lower_bound == pytest.approx(found[1].lower_bound, rel=1e-9)
    assert found[0].upper_bound == found[1].upper_bound
    return solution


@pytest.mark.parametrize("beta", [1.0, 0.1, 1e-3])
@pytest.mark.parametrize(("n", "K", "d"), SHAPES)
def test_certified_and_the_objective_of_the_definition(n, K, d, beta):
    X, y = data(n, K, d)
    program = ConvexProgram(X, y, beta)
    solution = certified(program)
    net = solution.network
    f = by_loops(net, X)
    total = 0.5 * np.sum((f - y) ** 2)
    total += beta / 2 * (np.sum(net.weights**2) + np.sum(net.alphas**2))
    assert solution.objective == pytest.approx(total, rel=1e-9)
    # the dual point by the definition: one gradient a sample, pooled outputs
    v = solution.certificate.dual
    u = np.random.default_rng(1).standard_normal((500, d))
    u = np.concatenate([u, net.weights])
    u /= np.linalg.norm(u, axis=1)[:, None]
    outputs = np.maximum(X @ u.T, 0.0).sum(axis=1)
    assert np.abs(v @ outputs).max() <= beta * (1 + 1e-12)


@pytest.mark.filterwarnings("ignore:Solution may be inaccurate")
@pytest.mark.parametrize("loss", SPECS)
def test_cvxpy_agrees_for_every_loss(loss):
    X, y = data(6, 3, 2, loss, seed=1)
    weights = np.random.default_rng(0).uniform(0.5, 2, 6)
    program = ConvexProgram(X, y, 0.2, loss=loss, sample_weight=weights)
    solution = certified(program)
    expected = optimum(X.reshape(18, 2), y, 0.2, loss, weights, patches=3)
    assert solution.objective == pytest.approx(expected, rel=2e-6)
    full = certified(program, method="full")
    assert full.objective == pytest.approx(solution.objective, rel=2e-7)


@pytest.mark.parametrize("loss", ["absolute", "hinge", "huber:0.3", "poisson"])
def test_other_losses_on_larger_data(loss):
    X, y = data(14, 3, 3, loss, seed=2)
    solution = certified(ConvexProgram(X, y, 0.3, loss=loss))
    f = by_loops(solution.network, X)
    total = sum(float(value(loss, a, b)) for a, b in zip(f, y, strict=True))
    assert solution.objective == pytest.approx(
        total + solution.network.decay(0.3), rel=1e-9
    )


def test_a_proven_listing_of_the_stacked_rows_is_taken():
    X, y = data(6, 3, 2)
    program = ConvexProgram(X, y, 0.1)
    solution = solve(program)
    listing = enumerate_patterns(X.reshape(18, 2))
    found = certify(
        solution.network,
        X,
        y,
        0.1,
        patterns=listing,
        dual=solution.certificate.dual,
    )
    assert found.n_patterns == len(listing)
    assert found.gap <= 1e-6


@pytest.mark.slow
def test_a_listing_of_more_rows_than_a_word_has_bits():
    X, y = data(20, 5, 3)
    program = ConvexProgram(X, y, 1.0)
    solution = solve(program)
    found = certify(
        solution.network,
        X,
        y,
        1.0,
        dual=solution.certificate.dual,
        method="chambers",
    )
    assert found.gap <= 1e-6


def train(X, y, beta, rng, m=12, steps=1500):
    """Adam on objective (2) of the CNN, gradients by hand; the best value seen."""
    u, a = 0.7 * rng.standard_normal((m, X.shape[2])), rng.choice([-0.7, 0.7], m)
    moments = [np.zeros_like(x) for x in (u, u, a, a)]
    best = np.inf
    for step in range(1, steps + 1):
        pre = X @ u.T
        hidden = np.maximum(pre, 0.0)
        residual = hidden.sum(axis=1) @ a - y
        decay = beta / 2 * (np.sum(u**2) + np.sum(a**2))
        best = min(best, 0.5 * residual @ residual + decay)
        du = beta * u + np.einsum("i,ikm,m,ikd->md", residual, pre > 0, a, X)
        da = beta * a + residual @ hidden.sum(axis=1)
        rate = 0.05 * 0.5 * (1 + np.cos(np.pi * step / steps))
        for k, gradient in ((0, du), (2, da)):
            moments[k] = 0.9 * moments[k] + 0.1 * gradient
            moments[k + 1] = 0.999 * moments[k + 1] + 0.001 * gradient**2
        scale = rate / (1 - 0.9**step)
        correct = 1 - 0.999**step
        u = u - scale * moments[0] / (np.sqrt(moments[1] / correct) + 1e-12)
        a = a - scale * moments[2] / (np.sqrt(moments[3] / correct) + 1e-12)
    return best


@pytest.mark.slow
@pytest.mark.parametrize(("n", "K", "d"), SHAPES)
def test_training_never_beats_the_optimum_and_comes_near(n, K, d):
    X, y = data(n, K, d, seed=3)
    solution = certified(ConvexProgram(X, y, 0.1))
    rng = np.random.default_rng(0)
    found = [train(X, y, 0.1, rng) for _ in range(4)]
    assert min(found) >= solution.lower_bound
    assert min(found) <= 1.2 * solution.objective


def test_perturbations_of_the_optimum_are_not_better():
    X, y = data(8, 3, 2, seed=4)
    solution = certified(ConvexProgram(X, y, 0.1))
    net, rng = solution.network, np.random.default_rng(0)
    for size in 10.0 ** -np.arange(1, 7):
        for _ in range(20):
            other = net.replace(
                net.weights + size * rng.standard_normal(net.weights.shape),
                net.alphas + size * rng.standard_normal(net.alphas.shape),
            )
            assert other.objective(X, y, 0.1) >= solution.lower_bound


def test_degenerate_patches_are_certified():
    rng = np.random.default_rng(5)
    X = rng.integers(-1, 2, (8, 3, 2)).astype(float)  # zero, equal, opposite patches
    X[3] = 0.0
    y = rng.integers(-2, 3, 8).astype(float)
    certified(ConvexProgram(X, y, 0.1))
    certified(ConvexProgram(np.concatenate([X, X]), [*y, *-y], 0.1))
    certified(ConvexProgram(X, np.ones(8), 0.1, intercept=True, standardize=True))
    nothing = certified(ConvexProgram(np.zeros((4, 3, 2)), np.ones(4), 0.1))
    assert nothing.network.n_neurons == 0
    assert nothing.objective == 2.0


@pytest.mark.slow
def test_beta_max_and_a_path():
    X, y = data(8, 3, 2, seed=6)
    program = ConvexProgram(X, y, 1.0)
    largest = beta_max(program)
    assert solve(program.with_beta(largest)).network.n_neurons == 0
    assert solve(program.with_beta(0.99 * largest)).network.n_neurons > 0
    betas = [1.0, 0.1, 0.01]
    for beta, step in zip(betas, solve_path(program, betas, tol=1e-8), strict=True):
        alone = certified(program.with_beta(beta), tol=1e-8)
        assert step.objective == pytest.approx(alone.objective, rel=2e-8)


def test_a_model_file_of_a_cnn(tmp_path):
    X, y = data(6, 3, 2, seed=7)
    weights = np.arange(1.0, 7.0)
    solution = solve(ConvexProgram(X, y, 0.1, sample_weight=weights))
    save_model(tmp_path / "cnn.json", solution)
    model = load_model(tmp_path / "cnn.json")
    certify_model(model, X, y, sample_weight=weights)
    assert np.array_equal(model.network.predict(X), solution.network.predict(X))
    for other in (X[:, ::-1], X.reshape(3, 6, 2)):
        with pytest.raises(DigestMismatchError, match="not those that the model"):
            certify_model(
                model, other, y[: len(other)], sample_weight=weights[: len(other)]
            )
