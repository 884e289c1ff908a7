"""What a network does on the data, with a bound of all rounding."""

from __future__ import annotations

import numpy as np

from convex_solver.losses import DataTerm
from convex_solver.networks import TwoLayerReLU
from convex_solver.reading import Data
from convex_solver.rounding import (
    decay_above,
    product_error,
    sum_above,
    times_above,
)
from convex_solver.typing import Array


def upper_bound(
    network: TwoLayerReLU, data: Data, beta: float, term: DataTerm
) -> float:
    """Upper bound of objective (2) for the exact data."""
    loss = term.value_upper(*predict_within(network, data))
    return sum_above([loss, decay_above(beta, [network.weights, network.alphas])])


@np.errstate(all="ignore")
def predict_within(network: TwoLayerReLU, data: Data) -> tuple[Array, Array]:
    """Return predictions (n,), and how far they are from the exact ones at most.

    The rectifier does not increase errors.  Patches are one product with all neurons
    of all patches.  What is not finite is unknown, and its error infinite.
    """
    weights, n_patches = np.ascontiguousarray(network.weights.T), data.n_patches
    hidden = np.maximum(data.X @ weights, 0.0)
    error = product_error(data.X, weights)
    error = error + times_above(data.X_error, np.abs(weights))
    hidden, error = (part.reshape(len(data.y), -1) for part in (hidden, error))
    alphas = np.tile(network.alphas, n_patches)
    total = product_error(hidden, alphas) + times_above(error, np.abs(alphas))
    prediction = hidden @ alphas
    total = np.where(total > 0.0, np.nextafter(total, np.inf), total)
    return prediction, np.where(np.isfinite(prediction), total, np.inf)
