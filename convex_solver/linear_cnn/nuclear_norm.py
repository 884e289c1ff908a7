"""The nuclear norm of ``[Z_1 .. Z_K]`` and the linear map ``sum_k X_k Z_k``."""

from __future__ import annotations

import math

import numpy as np

from convex_solver.linear_cnn.proximal_newton import ProxStep, check_columns
from convex_solver.typing import Array


class NuclearModel:
    """A `proximal_newton.Regularised`: points are the matrices ``[Z_1 .. Z_K]``.

    A point has shape (d, K * C), column ``k * C + c`` for patch k and output c; a
    prediction is the vector of the (n, C) outputs, row by row.

    Parameters
    ----------
    patches : ndarray, shape (n, K, d)
    n_outputs : int
        C.
    """

    def __init__(self, patches: Array, n_outputs: int) -> None:
        self.patches = patches
        self.n, self.n_patches, self.d = patches.shape
        self.n_outputs = n_outputs
        self._flat = patches.reshape(self.n, self.n_patches * self.d)
        # a singular value decomposition with all singular vectors
        width = self.n_patches * n_outputs
        self.work = 8.0 * self.d * width * (self.d + width)

    def predict(self, z: Array) -> Array:
        """Return ``sum_k X_k Z_k``, shape (n * C,)."""
        blocks = z.reshape(self.d, self.n_patches, self.n_outputs).transpose(1, 0, 2)
        return (self._flat @ blocks.reshape(-1, self.n_outputs)).ravel()

    def adjoint(self, v: Array) -> Array:
        """Return ``[X_1^T V .. X_K^T V]``, shape (d, K * C)."""
        blocks = self._flat.T @ v.reshape(self.n, self.n_outputs)
        shape = (self.n_patches, self.d, self.n_outputs)
        return blocks.reshape(shape).transpose(1, 0, 2).reshape(self.d, -1)

    def norm(self, z: Array) -> float:
        """Return the sum of the singular values."""
        return float(np.linalg.svd(z, compute_uv=False).sum())

    def dual_norm(self, g: Array) -> float:
        """Return the largest singular value."""
        return float(np.linalg.norm(g, 2))

    def prox(self, x: Array, t: float) -> Array:
        """Lower the singular values by ``t``, to zero at least."""
        left, s, right = np.linalg.svd(x, full_matrices=False)
        r = int(np.count_nonzero(s > t))
        return np.asarray((left[:, :r] * (s[:r] - t)) @ right[:r])

    def linearise(self, x: Array, t: float, deadline: float = math.inf) -> ProxStep:
        """Return the prox and its derivative in the basis of singular vectors.

        With f = (s - t)_+ and ``H = U^T dX V``, the derivative multiplies the symmetric
        part of the pair (i, j) by ``(f_i - f_j) / (s_i - s_j)``, the antisymmetric part
        by ``(f_i + f_j) / (s_i + s_j)``, and an entry without a partner (in a matrix
        that is not square) by ``f_i / s_i``; all vanish where both s are below t.
        """
        d, q = x.shape
        left, s, right = np.linalg.svd(x, full_matrices=True)
        r = int(np.count_nonzero(s > t))
        p = s.size
        n_entries = self.n * self.n_outputs * r * (d + q - r)
        check_columns(n_entries, self.n_patches, deadline)
        f = s[:r] - t
        point = np.asarray((left[:, :r] * f) @ right[:r])
        by_row, by_column = self._rotated(left, right.T, r)
        pieces = [by_row[:, range(r), range(r)]]
        weights = [np.ones(r)]
        i, j = np.nonzero(np.arange(p)[None, :] > np.arange(r)[:, None])
        f_j = np.maximum(s[j] - t, 0.0)
        difference = s[i] - s[j]
        even = np.where(
            j < r, 1.0, f[i] / np.where(difference > 0.0, difference, np.inf)
        )
        odd = (f[i] + f_j) / (s[i] + s[j])
        above, below = by_row[:, i, j], by_column[:, j, i]
        pieces += [(above + below) * np.sqrt(0.5), (above - below) * np.sqrt(0.5)]
        weights += [even, odd]
        alone = by_row[:, :, p:] if q > p else by_column[:, p:, :].transpose(0, 2, 1)
        if q != d:
            pieces.append(alone.reshape(alone.shape[0], -1))
            weights.append(np.repeat(f / s[:r], max(d, q) - p))
        return ProxStep(point, np.concatenate(pieces, axis=1), np.concatenate(weights))

    def _rotated(self, left: Array, right: Array, r: int) -> tuple[Array, Array]:
        """Rows of A as ``U^T A_i V``: the first r rows of each, and r columns.

        Shapes (n * C, r, K * C) and (n * C, d, r).
        """
        n, k, c = self.n, self.n_patches, self.n_outputs
        q = right.shape[1]
        few = (self.patches @ left[:, :r]).transpose(0, 2, 1)
        rows = (few.reshape(n * r, k) @ right.reshape(k, c * q)).reshape(n, r, c, q)
        every = (self.patches @ left).transpose(0, 2, 1).reshape(n * self.d, k)
        some = np.ascontiguousarray(right[:, :r]).reshape(k, c * r)
        columns = (every @ some).reshape(n, self.d, c, r)
        return (
            rows.transpose(0, 2, 1, 3).reshape(n * c, r, q),
            columns.transpose(0, 2, 1, 3).reshape(n * c, self.d, r),
        )
