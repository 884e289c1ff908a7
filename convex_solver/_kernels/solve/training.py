"""Kernels of non-convex training: what lies between the two matrix products of a step.

Pre-activations ``Z = U X^T`` and gradients ``C X`` are left to BLAS.  Arrays are flat:
neuron j of start s is row ``s m + j`` of ``Z`` (S m, n K), and row ``i K + k`` of the
data is patch k of sample i (K = 1 without patches).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convex_solver._kernels.compile import kernel


class Moments(NamedTuple):
    """Running moments of the gradients, ``first`` and ``second`` (S, k) of each entry.

    A step keeps ``decay1`` of the first and ``decay2`` of the second.
    """

    first: NDArray[np.float64]
    second: NDArray[np.float64]
    decay1: float
    decay2: float


@kernel
def pool_outputs(Z, alphas, n_patches, total, out):
    """``out[s, i] = sum_j alphas[s, j] sum_k max(0, Z[s m + j, i K + k])``.

    ``total`` is scratch of n K entries.
    """
    starts, m = alphas.shape
    rows = Z.shape[1]
    for s in range(starts):
        for i in range(rows):
            total[i] = 0.0
        for j in range(m):
            z = Z[s * m + j]
            alpha = alphas[s, j]
            for i in range(rows):
                total[i] += alpha * max(z[i], 0.0)
        for i in range(out.shape[1]):
            value = 0.0
            for k in range(n_patches):
                value += total[i * n_patches + k]
            out[s, i] = value


@kernel
def gate_slopes(Z, slopes):
    """Overwrite ``Z`` with ``slopes[s, i] 1[Z > 0]``; ``slopes`` (S, n K), one a row.

    A neuron that is exactly zero at a row passes nothing on, as is usual.
    """
    starts, rows = slopes.shape
    m = Z.shape[0] // starts
    for s in range(starts):
        slope = slopes[s]
        for j in range(m):
            z = Z[s * m + j]
            for i in range(rows):
                z[i] = slope[i] if z[i] > 0.0 else 0.0


@kernel
def adam_step(point, gradient, moments, rates, step):
    """Move ``point`` (S, k) by one step of Adam, a rate for every start.

    ``step`` counts from 1.
    """
    first, second = moments.first, moments.second
    decay1, decay2 = moments.decay1, moments.decay2
    starts, size = point.shape
    one = 1.0 - decay1**step
    two = 1.0 - decay2**step
    for s in range(starts):
        rate = rates[s] / one
        for k in range(size):
            g = gradient[s, k]
            first[s, k] += (1.0 - decay1) * (g - first[s, k])
            second[s, k] += (1.0 - decay2) * (g * g - second[s, k])
            point[s, k] -= rate * first[s, k] / (math.sqrt(second[s, k] / two) + 1e-12)
