"""What a network does on the data, with a bound of all rounding."""

from __future__ import annotations

import math

import numpy as np

from convex_solver.certificates.whole_numbers import exact_predictions
from convex_solver.losses import DataTerm
from convex_solver.networks import TwoLayerReLU
from convex_solver.reading import Data
from convex_solver.rounding import (
    ROUNDING,
    TINY,
    decay_above,
    exact_sum,
    product_error,
    product_in_two_words,
    sum_above,
    times_above,
)
from convex_solver.typing import Array

# Share of the objective that rounding may take before products take more digits.
FINE = 1e-9


def upper_bound(
    network: TwoLayerReLU, data: Data, beta: float, term: DataTerm
) -> float:
    """Upper bound of objective (2) for the exact data."""
    found, error = predict_within(network, data)
    loss = term.value_upper(found, error)
    decay = decay_above(beta, [network.weights, network.alphas])
    # where the loss is next to nothing but rounding, it is worth twice the digits
    if loss - term.value(found) > FINE * (loss + decay):
        close, error = predict_closely(network, data)
        loss = min(loss, term.value_upper(close, error))
        # and then, of few numbers, all of them
        if loss - term.value(close) > FINE * (loss + decay):
            exact = exact_predictions(network, data)
            loss = loss if exact is None else min(loss, term.upper_at(exact))
    return sum_above([loss, decay])


def exact_upper_bound(
    network: TwoLayerReLU, data: Data, beta: float, term: DataTerm
) -> float:
    """Upper bound of objective (2) that is rounded once; infinite beyond few numbers.

    `upper_bound` does no more than has to be done for a bound that is close.
    """
    exact = exact_predictions(network, data)
    if exact is None:
        return math.inf
    decay = decay_above(beta, [network.weights, network.alphas])
    return sum_above([term.upper_at(exact), decay])


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


@np.errstate(all="ignore")
def predict_closely(network: TwoLayerReLU, data: Data) -> tuple[Array, Array]:
    """Return what `predict_within` does, with products in twice the digits.

    A prediction is then off by little more than the half unit in its last place that
    it takes to write it as a float.
    """
    weights, n = np.ascontiguousarray(network.weights.T), len(data.y)
    high, low, error = product_in_two_words(data.X, weights)
    error = error + times_above(data.X_error, np.abs(weights))
    high, low = exact_sum(high, low)
    is_on = high > 0.0
    parts = (np.where(is_on, high, 0.0), np.where(is_on, low, 0.0), error)
    high, low, error = (part.reshape(n, -1) for part in parts)
    alphas = np.tile(network.alphas, data.n_patches)[:, None]
    total = times_above(error, np.abs(alphas))
    above, below, error = product_in_two_words(high, alphas)
    # of rest and below two roundings, far below the others
    rest = low @ alphas
    total += error + product_error(low, alphas)
    below, lost = exact_sum(below, rest)
    prediction, left = exact_sum(above, below)
    total += np.abs(lost) + np.abs(left)
    total = np.where(total > 0.0, total * (1.0 + ROUNDING) + TINY, total)[:, 0]
    prediction = prediction[:, 0]
    return prediction, np.where(np.isfinite(prediction + total), total, np.inf)
