"""Random instances of the CNN programs, and the programs as CVXPY states them."""

from __future__ import annotations

import cvxpy as cp
import numpy as np


def shifts(X):
    """Patches (n, d, d) for which a linear CNN is the circular one."""
    d = X.shape[1]
    return np.stack([np.roll(X, -k, axis=1) for k in range(d)], axis=1)


def _solve(objective, constraints=()):
    problem = cp.Problem(objective, list(constraints))
    problem.solve(solver=cp.CLARABEL, tol_gap_abs=1e-9, tol_gap_rel=1e-9, tol_feas=1e-9)
    return float(problem.value)


def _prediction(patches, y):
    n, K, d = patches.shape
    C = y.size // n
    blocks = [cp.Variable((d, C)) for _ in range(K)]
    prediction = sum(patches[:, k] @ blocks[k] for k in range(K))
    return prediction, cp.normNuc(cp.hstack(blocks)), y.reshape(n, C)


def nuclear_optimum(patches, y, beta):
    """Optimum of A.5 and A.7."""
    prediction, norm, target = _prediction(patches, y)
    loss = 0.5 * cp.sum_squares(prediction - target)
    return _solve(cp.Minimize(loss + beta * norm))


def interpolation_optimum(patches, y):
    """Optimum of the minimum-norm form of A.7."""
    prediction, norm, target = _prediction(patches, y)
    return _solve(cp.Minimize(norm), [prediction == target])


def circular_optimum(X, y, beta):
    """Optimum of A.6, over complex z, with the DFT matrix written out."""
    d = X.shape[1]
    F = np.exp(2j * np.pi * np.outer(np.arange(d), np.arange(d)) / d) / np.sqrt(d)
    z = cp.Variable(d, complex=True)
    loss = 0.5 * cp.sum_squares(X @ F @ z - y)
    return _solve(cp.Minimize(loss + beta / np.sqrt(d) * cp.norm1(z)))
