"""The real Fourier basis, and the sum of moduli of a real signal's transform in it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from convex_solver.linear_cnn.proximal_newton import ProxStep
from convex_solver.typing import Array


def fourier_basis(d: int) -> Array:
    """Return the real orthonormal Fourier basis (d, d), one vector a column.

    Column 0 is constant, then cosine and sine of each frequency below d/2, and for even
    d the alternating vector last.

    Examples
    --------
    >>> fourier_basis(2).round(3).tolist()
    [[0.707, 0.707], [0.707, -0.707]]
    """
    pairs = np.arange(1, (d + 1) // 2)
    # reduced modulo d in integers, so that the angles stay small
    angles = np.outer(np.arange(d), pairs) % d * (2.0 * np.pi / d)
    basis = np.empty((d, d))
    basis[:, 0] = 1.0 / math.sqrt(d)
    basis[:, 1 : 2 * pairs.size : 2] = np.cos(angles) * math.sqrt(2.0 / d)
    basis[:, 2 : 2 * pairs.size + 1 : 2] = np.sin(angles) * math.sqrt(2.0 / d)
    if d % 2 == 0:
        basis[:, -1] = (-1.0) ** np.arange(d) / math.sqrt(d)
    return basis


def frequencies(d: int) -> NDArray[np.int64]:
    """Return the frequency of each column of the basis: 0, 1, 1, 2, 2, .."""
    return (np.arange(d) + 1) // 2


def moduli(z: Array) -> Array:
    """Return the modulus of each frequency in coefficients (d,): (d // 2 + 1,)."""
    return np.sqrt(np.bincount(frequencies(z.size), weights=z * z))


class FourierModel:
    """A `proximal_newton.Regularised`: ``|z|_1 / sqrt(d)`` in the real Fourier basis.

    A point holds the d coefficients in `fourier_basis`.  Those of frequency b, cosine
    and sine, are one group; with modulus rho they stand for two entries of z of
    modulus ``rho / sqrt(2)``, hence ``sqrt(2) rho`` in the norm.  Frequencies 0 and d/2
    have one coefficient and one entry.

    Parameters
    ----------
    design : ndarray, shape (n, d)
        X times the basis.
    """

    def __init__(self, design: Array) -> None:
        self.design = design
        d = design.shape[1]
        self.group = frequencies(d)
        self.weights = np.sqrt(np.bincount(self.group) / d)
        self.work = 10.0 * d

    def predict(self, z: Array) -> Array:
        """Return the predictions, shape (n,)."""
        return np.asarray(self.design @ z)

    def adjoint(self, v: Array) -> Array:
        """Return the adjoint of `predict`, shape (d,)."""
        return np.asarray(self.design.T @ v)

    def norm(self, z: Array) -> float:
        """Return ``|z|_1 / sqrt(d)`` of the complex z."""
        return float(self.weights @ moduli(z))

    def dual_norm(self, g: Array) -> float:
        """Return the largest modulus over its weight."""
        return float(np.max(moduli(g) / self.weights))

    def prox(self, x: Array, t: float) -> Array:
        """Lower the modulus of each frequency, to zero at least."""
        return x * self._kept(moduli(x), t)[self.group]

    def _kept(self, sizes: Array, t: float) -> Array:
        """Return the factor that the prox leaves of each frequency."""
        level = t * self.weights
        above = sizes > level
        return np.where(above, 1.0 - level / np.where(above, sizes, 1.0), 0.0)

    def linearise(self, x: Array, t: float, deadline: float = math.inf) -> ProxStep:
        """Return the prox and its derivative: 1 along x, the factor kept across it."""
        sizes = moduli(x)
        kept = self._kept(sizes, t)
        point = x * kept[self.group]
        columns, weights = [], []
        for b in np.flatnonzero(kept).tolist():
            # its columns: one for frequency 0, and for d / 2 where d is even
            at = np.arange(max(2 * b - 1, 0), min(2 * b + 1, x.size))
            unit = x[at] / sizes[b]
            columns.append(self.design[:, at] @ unit)
            weights.append(1.0)
            if at.size == 2:
                columns.append(self.design[:, at] @ np.array([-unit[1], unit[0]]))
                weights.append(float(kept[b]))
        shape = (len(self.design), len(columns))
        # zero columns cannot be stacked
        stacked = np.stack(columns, axis=1) if columns else np.zeros(shape)
        return ProxStep(point, stacked, np.array(weights))
