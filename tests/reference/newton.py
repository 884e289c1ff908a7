"""Dense algebra of the interior point method, written from the definitions."""

from __future__ import annotations

import numpy as np

from convex_solver._kernels.solve import interior_point as kernels
from convex_solver._kernels.solve.interior_point import Facets, Point, Scaling


def cone_points(rng, G, r, margin):
    """``t > |w|`` with ``(t - |w|) / t`` between margin and about one."""
    w = rng.standard_normal((G, r)) * 10.0 ** rng.uniform(-2, 2, (G, 1))
    room = 10.0 ** rng.uniform(np.log10(margin), 0, G)
    return np.linalg.norm(w, axis=1) * (1 + room), w


class State:
    """Random interior point of ``G`` blocks, and all that the kernels ask for."""

    def __init__(self, seed, G=5, r=3, margin=1e-2):
        rng = self.rng = np.random.default_rng(seed)
        self.G, self.r = G, r
        self.t, self.w = cone_points(rng, G, r, margin)
        self.s0 = float(10.0 ** rng.uniform(-2, 2))
        s1 = rng.standard_normal((G, r))
        s1 /= np.linalg.norm(s1, axis=1)[:, None]
        inside = 1 - 10.0 ** rng.uniform(np.log10(margin), 0, (G, 1))
        self.s1 = self.s0 * inside * s1
        counts = rng.integers(0, 5, G)
        self.starts = np.concatenate([[0], np.cumsum(counts)])
        m = int(self.starts[-1])
        rows = rng.standard_normal((m, r))
        self.rows = rows / np.linalg.norm(rows, axis=1)[:, None]
        self.q, self.lam = (10.0 ** rng.uniform(-3, 2, m) for _ in range(2))
        self.eta2, self.kappa = np.empty(G), np.empty(G)
        self.point = np.empty((G, r + 1))
        self.total = kernels.scale_blocks(self.current, self.scaling)

    @property
    def all_facets(self):
        return Facets(self.starts, self.rows)

    @property
    def current(self):
        return Point(self.t, self.w, self.s0, self.s1, self.q, self.lam)

    @property
    def scaling(self):
        return Scaling(self.eta2, self.point, self.kappa)

    def facets(self, g):
        part = slice(self.starts[g], self.starts[g + 1])
        return self.rows[part], self.q[part], self.lam[part]

    def x(self, g):
        return np.concatenate([[self.t[g]], self.w[g]])

    def s(self, g):
        return np.concatenate([[self.s0], self.s1[g]])

    def factor(self):
        factors = np.empty((self.G, self.r, self.r))
        kernels.factor_blocks(self.all_facets, self.current, self.scaling, factors)
        return factors


def scaling_matrix(x, s):
    """Symmetric W with ``W s = W^-1 x``, from the quadratic representation.

    ``W^2 = eta^2 (2 p p^T - J)`` for the normalised point p between ``x`` and ``J s``
    (Vandenberghe, The CVXOPT linear and quadratic cone program solvers, section 4.2).
    """
    J = np.diag([1.0] + [-1.0] * (len(x) - 1))
    det_x, det_s = np.sqrt(x @ J @ x), np.sqrt(s @ J @ s)
    x, s = x / det_x, s / det_s
    gamma = np.sqrt((1 + x @ s) / 2)
    p = (x + J @ s) / (2 * gamma)
    return J, p, np.sqrt(det_x / det_s)


def arrow(x):
    """``arrow(x) y = x o y``, the product of the second-order cone's algebra."""
    out = x[0] * np.eye(len(x))
    out[0, 1:] = out[1:, 0] = x[1:]
    return out


def dense_scaling(x, s):
    J, p, eta = scaling_matrix(x, s)
    square = eta**2 * (2 * np.outer(p, p) - J)
    values, vectors = np.linalg.eigh(square)
    return (vectors * np.sqrt(values)) @ vectors.T


def dense_step(state, blocks, curvature, residual, rho, mu, ds0, affine):
    """The whole Newton system of all blocks, solved at once with numpy.

    Unknowns (dt, dw, ds1, dlam) of every block, then dv.  ``affine`` holds the steps of
    the predictor, whose products are corrected for.
    """
    G, r = state.G, state.r
    n = blocks.AT.shape[1]
    m = len(state.q)
    size = G * (1 + 2 * r) + m + n
    K, b = np.zeros((size, size)), np.zeros(size)
    dt = np.arange(G)
    dw = G + np.arange(G * r).reshape(G, r)
    ds1 = G + G * r + np.arange(G * r).reshape(G, r)
    dlam = G + 2 * G * r + np.arange(m)
    dv = size - n + np.arange(n)
    row = 0
    for g in range(G):
        A = blocks.AT[g * r : (g + 1) * r]
        F, q, lam = state.facets(g)
        part = np.arange(state.starts[g], state.starts[g + 1])
        # A^T dv - F^T dlam - ds1 = -(A^T v - F^T lam - s1)
        at = slice(row, row + r)
        K[at, dv], K[at, dlam[part]], K[at, ds1[g]] = A, -F.T, -np.eye(r)
        b[at] = -residual[g]
        row += r
        # lam dq + q dlam = target of the pair, q = F w
        at = slice(row, row + len(q))
        K[at, dw[g]] = lam[:, None] * F
        K[at, dlam[part]] = np.diag(q)
        b[at] = mu - lam * q - affine["pairs"][part]
        row += len(q)
        # lambda o (W^-1 dx + W ds) = mu e - lambda o lambda - correction
        W = dense_scaling(state.x(g), state.s(g))
        scaled = W @ state.s(g)
        product = arrow(scaled)
        at = slice(row, row + r + 1)
        left = product @ np.linalg.inv(W)
        right = product @ W
        K[at, dt[g]], K[at, dw[g]] = left[:, 0], left[:, 1:]
        K[at, ds1[g]] = right[:, 1:]
        unit = np.eye(r + 1)[0]
        b[at] = mu * unit - product @ scaled - affine["cones"][g] - right[:, 0] * ds0
        row += r + 1
    # dv = H A dw + rho
    at = slice(row, row + n)
    K[at, dv] = np.eye(n)
    K[at, dw.ravel()] = -(curvature[:, None] * blocks.AT.T)
    b[at] = rho
    x = np.linalg.solve(K, b)
    return {"dt": x[dt], "dw": x[dw], "ds1": x[ds1], "dlam": x[dlam], "dv": x[dv]}
