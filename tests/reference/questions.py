"""Data as people bring them, drawn from a number."""

import numpy as np

from reference.losses import LABELLED


def any_question(k, loss):
    """A kind of data, and one of many that people bring: drawn from the number k.

    5 to 60 rows, one to three features: Gaussian, of two decimals, raw (means up to
    10^5 times the spread), few different rows, or truth tables; targets of one to three
    neurons, every other time without noise; beta between 10^-10 and 10.
    """
    random = np.random.default_rng([k, len(loss)])
    n = int(np.exp(random.uniform(np.log(5), np.log(61))))
    d = int(random.integers(1, 4))
    kind = ("gaussian", "decimals", "raw", "equal rows", "truth table")[k % 5]
    Z = random.standard_normal((n, d))
    X = Z
    if kind == "decimals":
        X = Z = Z.round(2)
    elif kind == "raw":
        size, share = 10.0 ** random.uniform(-2, 3, d), 10.0 ** random.uniform(0, 5, d)
        X = size * (share + Z)
    elif kind == "equal rows":
        X = Z = Z[random.integers(0, max(n // 4, 2), n)].round(2)
    elif kind == "truth table":
        d = max(d, 2)
        bits = (np.arange(2**d)[:, None] >> np.arange(d)) & 1
        X = Z = np.tile(bits, (1 if random.random() < 0.5 else 3, 1)) * 1.0
        if random.random() < 0.5:
            X = Z = 2.0 * Z - 1.0
    parity = np.sum(Z > 0.0, axis=1) % 2
    W, alphas = random.standard_normal((3, d)), random.standard_normal(3)
    shift = random.standard_normal(3)
    units = int(random.integers(1, 4))
    y = np.maximum(Z @ W.T + shift, 0.0)[:, :units] @ alphas[:units]
    if kind == "truth table":
        y = parity.astype(float)
    if random.random() < 0.5:
        y = y + 0.3 * random.standard_normal(y.size)
    if loss in LABELLED:
        y = np.where(y > np.median(y), 1.0, -1.0)
    elif loss == "poisson":
        y = random.poisson(np.exp(np.clip(y, -2.0, 2.0))).astype(float)
    beta = 10.0 ** random.uniform(-10, 1)
    standardize = kind != "raw" and bool(random.random() < 0.5)
    about = {"intercept": True, "standardize": standardize, "loss": loss}
    return kind, {"X": X.tolist(), "y": y.tolist(), "beta": beta, **about}
