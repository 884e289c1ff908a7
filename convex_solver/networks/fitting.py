"""Whether data are in the coordinates that a network takes."""

from __future__ import annotations

import numpy as np

from arrangement import InputError
from convex_solver.networks.relu import TwoLayerReLU
from convex_solver.reading import Data, Scaling, check_kind


def check_fit(data: Data, network: TwoLayerReLU) -> None:
    """Refuse data that are not in the coordinates that a network takes."""
    check_kind(network, TwoLayerReLU, "network")
    if data.X.shape[1] != network.weights.shape[1]:
        raise InputError(
            f"the network has {network.weights.shape[1]} inputs; the data have "
            f"{data.X.shape[1]} columns with the intercept."
        )
    other = scaling_of(network)
    same = data.intercept == network.intercept and (
        (data.scaling is None) == (other is None)
    )
    if same and data.scaling is not None and other is not None:
        same = np.array_equal(data.scaling.center, other.center)
        same = same and np.array_equal(data.scaling.scale, other.scale)
    if not same:
        raise InputError(
            "the network's intercept, center or scale are not those of the data."
        )


def moved_to(network: TwoLayerReLU, data: Data) -> TwoLayerReLU:
    """Return the same function in the coordinates of some data.

    As far as it is one there: without an intercept, neither in the network nor in the
    data, what another center would add to a neuron is left out.

    Raises
    ------
    InputError
        The data have another number of columns than the network takes.
    """
    width = len(network.feature_names)
    if data.rows.width != width:
        raise InputError(
            f"the network takes {width} features; the data have {data.rows.width}."
        )
    own, other = scaling_of(network), data.scaling
    normals, constants = network.weights[:, :width], np.zeros(network.n_neurons)
    if network.intercept:
        constants = network.weights[:, width]
    if own is not None:
        normals = normals / own.scale
        constants = constants - normals @ own.center
    if other is not None:
        constants = constants + normals @ other.center
        normals = normals * other.scale
    weights = np.column_stack([normals, *([constants] if data.intercept else [])])
    return TwoLayerReLU(
        weights,
        network.alphas,
        intercept=data.intercept,
        feature_names=network.feature_names,
        center=None if other is None else other.center,
        scale=None if other is None else other.scale,
    )


def scaling_of(network: TwoLayerReLU) -> Scaling | None:
    """Return how the data enter a network; None where they enter as they are."""
    if network.center is None and network.scale is None:
        return None
    width = len(network.feature_names)
    center = np.zeros(width) if network.center is None else network.center
    scale = np.ones(width) if network.scale is None else network.scale
    return Scaling(center, scale)
