"""Programs (8) and (19) in CVXPY, written from the paper: every chamber, every row."""

from __future__ import annotations

import cvxpy as cp
import numpy as np

from arrangement import enumerate_patterns
from convex_solver.losses.loss import get_loss


def loss_expression(spec, z, y, weights):
    """The loss of predictions z in CVXPY's own atoms."""
    loss, y = get_loss(spec), np.asarray(y, dtype=float)
    p = loss.parameter
    match loss.name:
        case "squared":
            each = cp.square(z - y) / 2
        case "absolute":
            each = cp.abs(z - y)
        case "huber":
            each = cp.huber(z - y, p) / 2
        case "quantile":
            each = cp.maximum(p * (y - z), (1 - p) * (z - y))
        case "epsilon_insensitive":
            each = cp.pos(cp.abs(z - y) - p)
        case "hinge":
            each = cp.pos(1 - cp.multiply(y, z))
        case "squared_hinge":
            each = cp.square(cp.pos(1 - cp.multiply(y, z)))
        case "logistic":
            each = cp.logistic(-cp.multiply(y, z))
        case "poisson":
            logs = np.where(y > 0, y * np.log(np.where(y > 0, y, 1)), 0)
            each = cp.exp(z) - cp.multiply(y, z) - y + logs
    return cp.sum(cp.multiply(np.asarray(weights, dtype=float), each))


def optimum(X, y, beta, spec, weights=None, patches=1):
    """Return CVXPY's optimum; row ``i K + k`` of X is patch k of sample i."""
    X, n = np.asarray(X, dtype=float), len(y)
    weights = np.ones(n) if weights is None else weights
    z, size, constraints = np.zeros(n), 0, []
    for bits in enumerate_patterns(X).to_bool():
        v, w = cp.Variable(X.shape[1]), cp.Variable(X.shape[1])
        masked = (bits[:, None] * X).reshape(n, patches, -1).sum(axis=1)
        sides = np.where(bits, 1.0, -1.0)[:, None] * X
        z = z + masked @ (v - w)
        size = size + cp.norm(v, 2) + cp.norm(w, 2)
        constraints += [sides @ v >= 0, sides @ w >= 0]
    cost = loss_expression(spec, z, y, weights) + beta * size
    return cp.Problem(cp.Minimize(cost), constraints).solve(solver="CLARABEL")
