"""Upper bound of a network's own objective, rounding included."""

from __future__ import annotations

import math

import numpy as np

from convex_solver.losses import DataTerm
from convex_solver.networks import TwoLayerReLU
from convex_solver.reading import Data
from convex_solver.rounding import U, sum_up
from convex_solver.typing import Array


def upper_bound(
    network: TwoLayerReLU, data: Data, beta: float, term: DataTerm
) -> float:
    """Upper bound of objective (2) for the exact data."""
    prediction = network.evaluate(data.design)
    value = term.value_upper(prediction, prediction_error(network, data))
    total = squares_above(network)
    # beta before the halving: half of a subnormal one would lose its last bit, which
    # the squares may multiply
    decay = 0.5 * (total * beta) * (1.0 + 8.0 * U)
    return math.nextafter(value + decay, math.inf) if value or total else 0.0


def squares_above(network: TwoLayerReLU) -> float:
    """Bound ``sum |u_j|^2 + sum alpha_j^2``, but for a factor ``1 + 8 U``."""
    sizes = [*np.ravel(network.weights).tolist(), *network.alphas.tolist()]
    # a square rounds once, and loses at most 5e-324 more where it underflows
    return sum_up(np.array([x * x for x in sizes])) + sum(5e-324 for x in sizes if x)


def prediction_error(network: TwoLayerReLU, data: Data) -> Array:
    """Bound how far float predictions on the float data are from the exact ones, (n,).

    With u = 2**-53, each pre-activation is a sum of d products, off by at most
    ``(d + 2) u |x| . |w| + e . |w|``; the ReLU does not increase errors; the output
    sums m terms ``alpha_j h_j`` of K patches, which adds
    ``(m + K + 2) u sum |alpha_j| (h_j + error)``.
    """
    m, d = network.weights.shape
    magnitude = np.abs(network.weights).T
    hidden_error = (np.abs(data.X) * ((d + 4) * U) + data.X_error) @ magnitude
    hidden_size = np.abs(data.X) @ magnitude
    sums = (m + data.n_patches + 4) * U
    error = (hidden_error + sums * (hidden_size + hidden_error)) @ np.abs(
        network.alphas
    )
    total = error.reshape(-1, data.n_patches).sum(axis=1)
    return np.asarray(total * (1.0 + 2.0**-30), dtype=np.float64)
