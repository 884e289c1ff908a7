"""Adam on linear and circular CNNs, many starts at once; forward passes as defined."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Weights = list[np.ndarray]
# (weights) -> prediction and a function from dloss/dprediction to gradients
Forward = Callable[[Weights], tuple[np.ndarray, Callable[[np.ndarray], Weights]]]


def linear_forward(patches: np.ndarray) -> Forward:
    """Weights u (s, m, d) and w (s, m, K, C); predictions (s, n, C)."""

    def forward(weights):
        u, w = weights
        hidden = np.einsum("nkd,smd->snmk", patches, u, optimize=True)
        prediction = np.einsum("snmk,smkc->snc", hidden, w, optimize=True)

        def backward(r):
            hidden_grad = np.einsum("snc,smkc->snmk", r, w, optimize=True)
            return [
                np.einsum("snmk,nkd->smd", hidden_grad, patches, optimize=True),
                np.einsum("snmk,snc->smkc", hidden, r, optimize=True),
            ]

        return prediction, backward

    return forward


def circular_forward(X: np.ndarray) -> Forward:
    """Weights u and w, both (s, m, d); predictions (s, n, 1)."""
    d = X.shape[1]
    turns = np.subtract.outer(np.arange(d), np.arange(d)) % d
    # the entry of w, resp. X^T r, that meets u_a in row i of Circ(u)
    partner = np.subtract.outer(np.arange(d), np.arange(d)).T % d

    def forward(weights):
        u, w = weights
        circ = u[:, :, turns]
        kernel = np.einsum("smik,smk->si", circ, w)
        prediction = (kernel @ X.T)[:, :, None]

        def backward(r):
            g = r[:, :, 0] @ X
            w_grad = np.einsum("smik,si->smk", circ, g)
            # kernel_i = sum_a u_a w_(i - a)
            u_grad = np.einsum("smai,si->sma", w[:, :, partner], g)
            return [u_grad, w_grad]

        return prediction, backward

    return forward


def adam(
    forward: Forward,
    y: np.ndarray,
    beta: float,
    weights: Weights,
    *,
    steps: int = 1500,
    rate: float = 0.05,
) -> tuple[np.ndarray, Weights]:
    """Minimise ``1/2 |f - y|^2 + beta/2 |weights|^2`` from every start; least seen."""
    target = y.reshape(len(y), -1)
    first = [np.zeros_like(w) for w in weights]
    second = [np.zeros_like(w) for w in weights]
    best = np.full(len(weights[0]), np.inf)
    kept = [w.copy() for w in weights]
    for step in range(1, steps + 1):
        prediction, backward = forward(weights)
        residual = prediction - target
        value = 0.5 * np.sum(residual**2, axis=(1, 2))
        for w in weights:
            value += 0.5 * beta * np.sum(w.reshape(len(w), -1) ** 2, axis=1)
        better = value < best
        best[better] = value[better]
        for k, w in zip(kept, weights, strict=True):
            k[better] = w[better]
        # cosine: large steps first, hardly any at the end
        size = rate * (0.001 + 0.5 * (1.0 + np.cos(np.pi * step / steps)))
        for i, gradient in enumerate(backward(residual)):
            full = gradient + beta * weights[i]
            first[i] = 0.9 * first[i] + 0.1 * full
            second[i] = 0.999 * second[i] + 0.001 * full**2
            mean = first[i] / (1.0 - 0.9**step)
            spread = np.sqrt(second[i] / (1.0 - 0.999**step))
            weights[i] = weights[i] - size * mean / (spread + 1e-12)
    return best, kept


def linear_starts(rng, n_starts: int, m: int, K: int, d: int, C: int) -> Weights:
    """Random starts of several sizes."""
    scale = rng.choice([0.1, 0.5, 1.0], size=n_starts)
    u = rng.normal(size=(n_starts, m, d)) * scale[:, None, None]
    return [u, rng.normal(size=(n_starts, m, K, C)) * scale[:, None, None, None]]


def circular_starts(rng, n_starts: int, m: int, d: int) -> Weights:
    """Random starts of several sizes."""
    scale = rng.choice([0.1, 0.5, 1.0], size=n_starts)[:, None, None]
    return [rng.normal(size=(n_starts, m, d)) * scale for _ in range(2)]


def linear_search(patches, y, beta, n_starts, seed, *, steps=1500):
    """Least objectives (n_starts,) of Adam on the linear CNN, with the weights."""
    n, K, d = patches.shape
    C = y.size // n
    m = min(d, K * C) + 1
    starts = linear_starts(np.random.default_rng(seed), n_starts, m, K, d, C)
    return adam(linear_forward(patches), y, beta, starts, steps=steps)


def circular_search(X, y, beta, n_starts, seed, *, steps=1500):
    """Least objectives (n_starts,) of Adam on the circular CNN, with the weights."""
    d = X.shape[1]
    starts = circular_starts(np.random.default_rng(seed), n_starts, d // 2 + 1, d)
    return adam(circular_forward(X), y, beta, starts, steps=steps)


def interpolation_search(patches, y, n_starts, seed, *, steps=1500):
    """Weights (n_starts,) of interpolating networks that Adam leads to.

    Adam with a decay that shrinks in stages; then the least change that makes the
    network exact, and the least weights of a network with that linear map.
    """
    n, K, d = patches.shape
    target = y.reshape(n, -1)
    C = target.shape[1]
    scale = np.abs(np.einsum("nkd,nc->kdc", patches, target)).max()
    rng = np.random.default_rng(seed)
    weights = linear_starts(rng, n_starts, min(d, K * C) + 1, K, d, C)
    for share in (0.1, 0.01, 0.002):
        _, weights = adam(
            linear_forward(patches), y, share * scale, weights, steps=steps // 3
        )
    u, w = weights
    Z = np.einsum("smd,smkc->skdc", u, w).reshape(n_starts, K * d, -1)
    flat = patches.reshape(n, -1)
    Z = Z + np.linalg.pinv(flat) @ (target - flat @ Z)
    stacked = Z.reshape(n_starts, K, d, -1).transpose(0, 2, 1, 3)
    singular = np.linalg.svd(stacked.reshape(n_starts, d, -1), compute_uv=False)
    return singular.sum(axis=1)
