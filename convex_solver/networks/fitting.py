"""Whether data are in the coordinates that a network takes."""

from __future__ import annotations

import numpy as np

from arrangement import InputError
from convex_solver.networks.relu import TwoLayerReLU
from convex_solver.reading import Data, Scaling


def check_fit(data: Data, network: TwoLayerReLU) -> None:
    """Refuse data that are not in the coordinates that a network takes."""
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


def scaling_of(network: TwoLayerReLU) -> Scaling | None:
    """Return how the data enter a network; None where they enter as they are."""
    if network.center is None and network.scale is None:
        return None
    width = len(network.feature_names)
    center = np.zeros(width) if network.center is None else network.center
    scale = np.ones(width) if network.scale is None else network.scale
    return Scaling(center, scale)
