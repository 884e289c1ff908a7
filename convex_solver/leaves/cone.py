"""The cone of the moments ``[[tau, m^T], [m, M]]``, ``tau = tr M``: what steps need.

Everything is there for many moments at once, along the first axis.
"""

from __future__ import annotations

import math

import numpy as np
import scipy.linalg as la

from convex_solver.leaves.packing import Packing
from convex_solver.typing import Array


def joined(m: Array, M: Array) -> Array:
    """Return the matrices of moments (..., r + 1, r + 1)."""
    r = m.shape[-1]
    whole = np.empty((*m.shape[:-1], r + 1, r + 1))
    whole[..., 0, 0] = np.trace(M, axis1=-2, axis2=-1)
    whole[..., 0, 1:] = whole[..., 1:, 0] = m
    whole[..., 1:, 1:] = M
    return whole


def symmetric(A: Array) -> Array:
    """Return the symmetric parts of matrices (..., r, r)."""
    return np.asarray(0.5 * (A + np.swapaxes(A, -1, -2)))


def cone_ratio(A: Array, dA: Array) -> float:
    """Return the largest t with all ``A + t dA`` semidefinite, for definite A."""
    inverse = np.linalg.inv(np.linalg.cholesky(A))
    middle = inverse @ dA @ np.swapaxes(inverse, -1, -2)
    least = float(np.linalg.eigvalsh(symmetric(middle))[..., 0].min())
    return -1.0 / least if least < 0.0 else math.inf


def inverse_roots(A: Array) -> Array:
    """Return lower triangular matrices R (B, k, k), ``R A R^T = I``, for definite A."""
    roots = np.linalg.cholesky(A)
    return np.stack([la.lapack.dtrtri(root.T, lower=0)[0].T for root in roots])


def pull_back(matrix: Array, packing: Packing) -> Array:
    """Return the gradients of ``<matrix, joined(m, M)>`` in ``(m, packed M)``."""
    corner = matrix[..., 0, 0, None] * packing.identity
    inner = packing.pack(matrix[..., 1:, 1:]) + corner
    return np.concatenate([2.0 * matrix[..., 0, 1:], inner], axis=-1)


def curvature(a: Array, b: Array, packing: Packing, bordered: Packing) -> Array:
    """Return the matrices of ``tr (Y a Y b)`` for ``Y = joined(m, M)``, packed.

    ``a``, ``b`` (..., r + 1, r + 1) are symmetric; ``bordered`` packs such matrices.
    With both the inverse of the moments it is the Hessian of the barrier; with one of
    them a multiplier instead, the system of a primal-dual step (Helmberg, Rendl,
    Vanderbei and Wolkowicz; Kojima, Shindoh and Hara; Monteiro).
    """
    r = packing.r
    full = bordered.kronecker(a, b)
    # the corner, the border and M in the packing of the whole, and the trace again;
    # the border comes with sqrt 2
    border, rest = slice(1, r + 1), slice(r + 1, None)
    trace, root = packing.identity, math.sqrt(2.0)
    whole = np.empty((*full.shape[:-2], r + packing.size, r + packing.size))
    whole[..., :r, :r] = 2.0 * full[..., border, border]
    mixed = root * (full[..., border, rest] + full[..., border, :1] * trace)
    whole[..., :r, r:] = mixed
    whole[..., r:, :r] = np.swapaxes(mixed, -1, -2)
    column = full[..., rest, :1] * trace
    inner = full[..., rest, rest] + column + np.swapaxes(column, -1, -2)
    corner = full[..., :1, :1] * np.multiply.outer(trace, trace)
    whole[..., r:, r:] = inner + corner
    return whole
