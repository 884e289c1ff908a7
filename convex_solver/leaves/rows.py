"""What moments say of a row: bounds of the mean of ``|x.u|``, and their derivatives.

For moments ``(tau, m, M)`` of directions, ``tau = tr M``, the mean of ``|x.u|`` is

    at most ``sqrt(tau x^T M x)``    (Cauchy and Schwarz),
    at least ``|M x|``               (as ``|x.u| >= (x.u) (d.u)`` for ``|d| <= 1``),

concave and convex in M.  Both are attained where M has rank one.  Where ``M x`` is
zero at an optimum, the direction d that proves it may be shorter than 1: it is the
limit of those of ``(|M x|^2 + softness^2)^(1/2)``, which is smooth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from convex_solver.leaves.packing import Packing
from convex_solver.typing import Array

# Rows at a time, times packed entries: matrices of some megabytes.
CHUNK = 1 << 21


@dataclass(frozen=True, eq=False)
class Spread:
    """Bounds of the mean of ``|x.u|`` for each row, and what they are made of.

    ``most`` and ``least`` (n,), the bounds, the latter softened; ``policy`` (n, r),
    ``M x / least``, no longer than 1; ``square`` (n,), ``x^T M x``; ``trace``, of M.
    """

    most: Array
    least: Array
    policy: Array
    square: Array
    trace: float


def spread(X: Array, M: Array, softness: float = 0.0) -> Spread:
    """Return the bounds for rows (n, r), none of them zero, and M positive definite."""
    image = X @ M
    least = np.hypot(np.linalg.norm(image, axis=1), softness)
    square = np.einsum("ij,ij->i", image, X)
    trace = float(np.trace(M))
    most = np.sqrt(trace * square)
    return Spread(most, least, image / least[:, None], square, trace)


def add_curvature(
    hessian: Array,
    X: Array,
    packing: Packing,
    at: Spread,
    up: Array,
    low: Array,
) -> None:
    """Add the Hessian of ``-up.most + low.least`` in the packed M; up and low >= 0.

    The one of ``most`` has rank one, ``-most / 4`` times ``I / tau - x x^T / square``
    squared; that of ``least`` is ``(x x^T (x) I - s s^T) / least``, with s the
    symmetric part of ``x policy^T``.
    """
    weights = low / at.least
    hessian += packing.kronecker(X.T @ (weights[:, None] * X), np.eye(packing.r))
    step = max(1, CHUNK // packing.size)
    for k in range(0, len(X), step):
        part = slice(k, k + step)
        root = np.sqrt(weights[part])
        s = packing.outer(X[part], at.policy[part]) * root[:, None]
        hessian -= s.T @ s
        size = 0.5 * np.sqrt(up[part] * at.most[part])
        e = packing.outer(X[part], X[part]) * (size / at.square[part])[:, None]
        e -= np.multiply.outer(size / at.trace, packing.identity)
        hessian += e.T @ e


def form_price(X: Array, w: Array, at: Spread, linear: Array | None = None) -> float:
    """Bound ``max linear.u + sum w_i (x_i.u)_+`` by a quadratic form, but for rounding.

    The form is that of `convex_solver.certificates.relaxation`, which rounds up.
    Infinite where a number is not finite.
    """
    gamma = np.sqrt(at.trace / at.square)
    up, low = np.maximum(w, 0.0), np.maximum(-w, 0.0)
    g = 0.5 * (w @ X) + (0.0 if linear is None else linear)
    mixed = (X * low[:, None]).T @ at.policy
    H = 0.25 * ((X * (up * gamma)[:, None]).T @ X) - 0.25 * (mixed + mixed.T)
    try:
        values, vectors = np.linalg.eigh(H)
    except np.linalg.LinAlgError:
        return math.inf
    squares = 0.25 * (vectors.T @ g) ** 2
    top, low_end = float(values[-1]), 1e-15
    high_end = 2.0 * math.sqrt(float(np.sum(squares))) + 1e-15
    for _ in range(100):
        middle = math.sqrt(low_end * high_end)
        if np.sum(squares / (top - values + middle) ** 2) < 1.0:
            high_end = middle
        else:
            low_end = middle
    nu = top + high_end
    bound = float(0.25 * np.sum(up / gamma) + nu + np.sum(squares / (nu - values)))
    return bound if math.isfinite(bound) else math.inf
