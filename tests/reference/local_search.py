"""Instances on which local searches are compared with certified optima."""

from __future__ import annotations

import numpy as np

LABELLED = ("hinge", "squared_hinge", "logistic")
N_INSTANCES = 20


def instance(loss, k):
    """Data, targets and beta of instance ``k`` of 20, for one loss.

    8 to 20 samples, every other time of two patches; one or two Gaussian features and
    a column of ones; targets of a planted network of three neurons with noise of size
    0.3 (their signs about the median, or counts with such a mean); beta between 0.1
    and 1, where Adam from random starts is a good search.
    """
    random = np.random.default_rng([8, k])
    n, r, patches = int(random.integers(8, 21)), int(random.integers(2, 4)), 1 + k % 2
    X = random.standard_normal((n, patches, r))
    X[..., -1] = 1.0
    hidden = np.maximum(X @ random.standard_normal((r, 3)), 0.0).sum(axis=1)
    y = hidden @ random.standard_normal(3) + 0.3 * random.standard_normal(n)
    if loss in LABELLED:
        y = np.where(y > np.median(y), 1.0, -1.0)
    elif loss == "poisson":
        y = random.poisson(np.exp(np.clip(0.5 * y, -2.0, 2.0))).astype(float)
    beta = 10.0 ** random.uniform(-1.0, 0.0)
    return (X if patches > 1 else X[:, 0]), y, float(beta)
