"""The cone of the moments ``[[tau, m^T], [m, M]]``, ``tau = tr M``: what steps need."""

from __future__ import annotations

import math

import numpy as np
import scipy.linalg as la

from convex_solver.leaves.packing import Packing
from convex_solver.typing import Array


def joined(m: Array, M: Array) -> Array:
    """Return the matrix of moments, (r + 1, r + 1)."""
    r = m.size
    whole = np.empty((r + 1, r + 1))
    whole[0, 0] = np.trace(M)
    whole[0, 1:] = whole[1:, 0] = m
    whole[1:, 1:] = M
    return whole


def cone_ratio(A: Array, dA: Array) -> float:
    """Return the largest t with ``A + t dA`` semidefinite, for a definite A."""
    factor = np.linalg.cholesky(A)
    middle = la.solve_triangular(factor, dA, lower=True)
    middle = la.solve_triangular(factor, middle.T, lower=True)
    least = float(np.linalg.eigvalsh(0.5 * (middle + middle.T))[0])
    return -1.0 / least if least < 0.0 else math.inf


def pull_back(matrix: Array, packing: Packing) -> Array:
    """Return the gradient of ``<matrix, joined(m, M)>`` in ``(m, packed M)``."""
    inner = packing.pack(matrix[1:, 1:]) + matrix[0, 0] * packing.identity
    return np.concatenate([2.0 * matrix[0, 1:], inner])


def curvature(a: Array, b: Array, packing: Packing, bordered: Packing) -> Array:
    """Return the matrix of ``tr (Y a Y b)`` for ``Y = joined(m, M)``, packed.

    ``a``, ``b`` (r + 1, r + 1) are symmetric; ``bordered`` packs such matrices.  With
    both the inverse of the moments it is the Hessian of the barrier; with one of them
    a multiplier instead, the system of a primal-dual step (Helmberg, Rendl, Vanderbei
    and Wolkowicz; Kojima, Shindoh and Hara; Monteiro).
    """
    r = packing.r
    full = bordered.kronecker(a, b)
    # the corner, the border and M in the packing of the whole, and the trace again;
    # the border comes with sqrt 2
    border, rest = np.arange(1, r + 1), np.arange(r + 1, bordered.size)
    trace, root = packing.identity, math.sqrt(2.0)
    whole = np.empty((r + packing.size, r + packing.size))
    whole[:r, :r] = 2.0 * full[np.ix_(border, border)]
    mixed = full[np.ix_(border, rest)] + np.multiply.outer(full[border, 0], trace)
    whole[:r, r:] = root * mixed
    whole[r:, :r] = root * mixed.T
    column = np.multiply.outer(full[rest, 0], trace)
    inner = full[np.ix_(rest, rest)] + column + column.T
    whole[r:, r:] = inner + full[0, 0] * np.multiply.outer(trace, trace)
    return whole
