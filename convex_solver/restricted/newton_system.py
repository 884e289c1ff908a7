"""The Newton system of the interior point method, in equivalent forms.

``B_g dw_g + A_g^T dv = b_g`` for every block and ``dv = H A dw + rho``.  Eliminating
``dv`` leaves a system of the weights, eliminating ``dw`` one of the samples, both
positive definite.  Near the end either may mix numbers that differ by 10^12 and lose
the smaller ones; then only the blocks that are idle are eliminated, which is harmless,
and the indefinite rest is factorised with pivoting.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import scipy.linalg as la
from numpy.typing import NDArray

from convex_solver._kernels.solve import interior_point as kernels
from convex_solver.restricted.working_set import WorkingSet
from convex_solver.typing import Array

Mask = NDArray[np.bool_]


class NewtonSystem(ABC):
    """What the three forms share; each factorises when it is made.

    Parameters
    ----------
    blocks : WorkingSet
    factors : ndarray, shape (G, r, r)
        Lower L_g with ``B_g = L_g L_g^T``.  Weights enter as ``L_g^T w_g``: what the
        B_g differ by is then scaled away.
    curvature : ndarray, shape (n,)
        The diagonal H.
    active : ndarray, shape (G,), bool
        Blocks whose weights are large beside their slack.
    """

    def __init__(
        self,
        blocks: WorkingSet,
        factors: Array,
        curvature: Array,
        active: Mask,
    ) -> None:
        self.blocks = blocks
        self.factors = factors
        self.curvature = curvature
        self._factorise(active)

    @abstractmethod
    def _factorise(self, active: Mask) -> None: ...

    @abstractmethod
    def solve(self, b: Array, rho: Array) -> tuple[Array, Array]:
        """Return ``(dw, dv)`` for right sides (G, r) and (n,)."""

    def miss(self, b: Array, rho: Array, dw: Array, dv: Array) -> tuple[Array, Array]:
        """Return the residuals of both equations."""
        blocks = self.blocks
        first = np.empty_like(b)
        kernels.multiply_blocks(self.factors, dw, first)
        first = b - first - blocks.transposed(dv)
        return first, rho - dv + self.curvature * blocks.predict(dw)


class WeightsSystem(NewtonSystem):
    """``(I + L^-1 A^T H A L^-T) L^T dw = L^-1 (b - A^T rho)``."""

    def _factorise(self, active: Mask) -> None:
        K = self.blocks.gram(self.curvature)
        half = np.empty_like(K)
        kernels.forward_blocks(self.factors, K, half)
        kernels.forward_blocks(self.factors, np.ascontiguousarray(half.T), K)
        K[np.diag_indices(len(K))] += 1.0
        self.scale, self.lower = _scaled_cholesky(K)

    def solve(self, b: Array, rho: Array) -> tuple[Array, Array]:
        """Return ``(dw, dv)`` for right sides (G, r) and (n,)."""
        right = b - self.blocks.transposed(rho)
        half = np.empty((b.size, 1))
        kernels.forward_blocks(self.factors, right.reshape(-1, 1), half)
        x = half[:, 0] * self.scale
        x = la.cho_solve((self.lower, True), x, check_finite=False) * self.scale
        dw = np.empty_like(b)
        kernels.backward_blocks(self.factors, x.reshape(b.shape), dw)
        return dw, self.curvature * self.blocks.predict(dw) + rho


class SamplesSystem(NewtonSystem):
    """``(H^-1 + A B^-1 A^T) dv = A B^-1 b + H^-1 rho``."""

    def _factorise(self, active: Mask) -> None:
        self.reduced = np.empty_like(self.blocks.AT)
        kernels.forward_blocks(self.factors, self.blocks.AT, self.reduced)
        S = self.reduced.T @ self.reduced
        S[np.diag_indices(len(S))] += 1.0 / self.curvature
        self.scale, self.lower = _scaled_cholesky(S)

    def solve(self, b: Array, rho: Array) -> tuple[Array, Array]:
        """Return ``(dw, dv)`` for right sides (G, r) and (n,)."""
        half = np.empty((b.size, 1))
        kernels.forward_blocks(self.factors, b.reshape(-1, 1), half)
        right = self.reduced.T @ half[:, 0] + rho / self.curvature
        x = la.cho_solve((self.lower, True), right * self.scale, check_finite=False)
        dv = self.scale * x
        half[:, 0] -= self.reduced @ dv
        dw = np.empty_like(b)
        kernels.backward_blocks(self.factors, half.reshape(b.shape), dw)
        return dw, dv


class MixedSystem(NewtonSystem):
    """``[[I, L^-1 A^T], [A L^-T, -S]]`` of the active blocks, the others inside S.

    ``A_a dw_a - S dv = -(A_i B_i^-1 b_i + H^-1 rho)``, ``S = H^-1 + A_i B_i^-1 A_i^T``.
    """

    def _factorise(self, active: Mask) -> None:
        r = self.factors.shape[1]
        self.wide = np.repeat(active, r)
        self.reduced = np.empty_like(self.blocks.AT)
        kernels.forward_blocks(self.factors, self.blocks.AT, self.reduced)
        self.idle = self.reduced[~self.wide]
        S = self.idle.T @ self.idle
        n = len(S)
        S[np.diag_indices(n)] += 1.0 / self.curvature
        k = int(self.wide.sum())
        K = np.zeros((k + n, k + n))
        K[np.diag_indices(k)] = 1.0
        K[k:, :k] = self.reduced[self.wide].T
        K[k:, k:] = -S
        self.scale = 1.0 / np.sqrt(np.abs(np.diagonal(K)))
        # active weights: by the size of their columns, which may be huge
        sizes = np.abs(K[k:, :k] * self.scale[k:, None]).max(axis=0, initial=0.0)
        self.scale[:k] = 1.0 / np.sqrt(np.maximum(1.0, sizes))
        K *= self.scale
        K *= self.scale[:, None]
        # without room LAPACK goes column by column, five times as long
        room = int(la.lapack.dsytrf_lwork(len(K), lower=1)[0])
        self.ldu, self.pivots, info = la.lapack.dsytrf(K, lower=1, lwork=room)
        if info != 0:
            raise la.LinAlgError("singular")

    def solve(self, b: Array, rho: Array) -> tuple[Array, Array]:
        """Return ``(dw, dv)`` for right sides (G, r) and (n,)."""
        wide, k = self.wide, int(self.wide.sum())
        half = np.empty((b.size, 1))
        kernels.forward_blocks(self.factors, b.reshape(-1, 1), half)
        x = half[:, 0]
        below = -(self.idle.T @ x[~wide] + rho / self.curvature)
        right = np.concatenate([x[wide], below]) * self.scale
        y, _ = la.lapack.dsytrs(self.ldu, self.pivots, right, lower=1)
        y = np.ravel(y) * self.scale
        dv = y[k:]
        x[wide] = y[:k]
        x[~wide] -= self.idle @ dv
        dw = np.empty_like(b)
        kernels.backward_blocks(self.factors, x.reshape(b.shape), dw)
        return dw, dv


class OrthogonalSystem(NewtonSystem):
    """``dv`` minimises ``|[L^-1 A^T; H^-1/2] dv - [L^-1 b; H^-1/2 rho]|``.

    What is left in the rows of the blocks is ``L^T dw``.  Rows of raw columns differ by
    10^10, and their squares by more than there are digits.  Factorised with reflections
    and pivots of the columns, the largest rows first, each row keeps the digits of its
    own size (Cox & Higham 1998, Theorem 3.2).
    """

    def _factorise(self, active: Mask) -> None:
        reduced = np.empty_like(self.blocks.AT)
        kernels.forward_blocks(self.factors, self.blocks.AT, reduced)
        self.root = 1.0 / np.sqrt(self.curvature)
        matrix = np.vstack([reduced, np.diag(self.root)])
        self.order = np.argsort(-np.abs(matrix).max(axis=1), kind="stable")
        matrix = np.asfortranarray(matrix[self.order])
        qr, pivots, self.tau, _, info = la.lapack.dgeqp3(matrix, overwrite_a=1)
        self.qr, self.pivots = qr, pivots - 1
        if info != 0:
            raise la.LinAlgError("not finite")

    def _apply(self, vector: Array, how: str) -> Array:
        """Return ``Q vector`` (how "N") or ``Q^T vector`` ("T")."""
        room = 64 * vector.size
        column = vector.reshape(-1, 1)
        out, _, _ = la.lapack.dormqr("L", how, self.qr, self.tau, column, room)
        return np.asarray(out[:, 0])

    def solve(self, b: Array, rho: Array) -> tuple[Array, Array]:
        """Return ``(dw, dv)`` for right sides (G, r) and (n,)."""
        n = rho.size
        half = np.empty((b.size, 1))
        kernels.forward_blocks(self.factors, b.reshape(-1, 1), half)
        right = np.concatenate([half[:, 0], self.root * rho])[self.order]
        parts = self._apply(right, "T")
        dv = np.empty(n)
        dv[self.pivots] = la.solve_triangular(
            self.qr[:n], parts[:n], check_finite=False
        )
        # not by subtracting: in large rows next to nothing is left
        parts[:n] = 0.0
        left = np.empty(right.size)
        left[self.order] = self._apply(parts, "N")
        dw = np.empty_like(b)
        kernels.backward_blocks(self.factors, left[: b.size].reshape(b.shape), dw)
        return dw, dv


def _scaled_cholesky(matrix: Array) -> tuple[Array, Array]:
    """Scale to a unit diagonal; the factor has the least shift that it needs."""
    scale = 1.0 / np.sqrt(np.maximum(np.diagonal(matrix), 1e-300))
    matrix *= scale
    matrix *= scale[:, None]
    shift = 0.0
    for _ in range(12):
        trial = matrix if shift == 0.0 else matrix + shift * np.eye(len(matrix))
        lower, info = la.lapack.dpotrf(trial, lower=1)
        if info == 0:
            return scale, lower
        shift = max(1e-15, 10.0 * shift)
    raise la.LinAlgError("not positive definite")
