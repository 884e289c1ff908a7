"""Sizes of neurons, changed so that predictions are what they should be."""

from __future__ import annotations

import numpy as np
import scipy.linalg as la

from convex_solver.certificates import predict_closely
from convex_solver.networks import TwoLayerReLU
from convex_solver.program import (
    ConvexProgram,
    blocks_from_network,
    network_from_blocks,
)
from convex_solver.rounding import lengths
from convex_solver.typing import Array

# Singular values below this share of the largest are not inverted.
CUT = 1e-13
# Changes that are tried: relative to the sizes, which leaves small neurons small, and
# not.  What a change rounds, the next one mends.
RELATIVE = (True, True, False, True, True, True)


@np.errstate(all="ignore")
def with_predictions(
    program: ConvexProgram, network: TwoLayerReLU, wanted: Array
) -> tuple[TwoLayerReLU, float]:
    """Change the sizes of the neurons by what predictions miss, if that helps.

    It does when the objective falls: neurons that are nearly dependent can remove a
    residual of 1e-15 by sizes that cost 1e-6.  ``wanted`` (n,) is NaN where any
    prediction will do.  Predictions are summed in twice the digits, as their last ones
    are what is left of the loss.  Returns the network and its objective.
    """
    best = _without_dust(network)
    f, least = _value(program, best)
    bound = np.isfinite(wanted)
    for is_relative in RELATIVE:
        blocks, sides = blocks_from_network(best)
        norms = lengths(blocks)
        units = blocks / np.where(norms > 0.0, norms, 1.0)[:, None]
        weights = norms if is_relative else np.ones_like(norms)
        outputs = program.outputs(units)[bound] * weights
        missed = (wanted - f)[bound]
        if not (np.all(np.isfinite(outputs)) and np.all(np.isfinite(missed))):
            break
        change = la.lstsq(outputs, missed, cond=CUT, lapack_driver="gelsy")[0]
        sizes = sides * norms + weights * change
        other = network_from_blocks(
            program, np.abs(sizes)[:, None] * units, np.sign(sizes)
        )
        found, value = _value(program, other)
        if value < least:
            best, f, least = other, found, value
    best = _without_dust(best)
    return best, _value(program, best)[1]


@np.errstate(all="ignore")  # what overflows is infinite, and not the least
def _value(program: ConvexProgram, network: TwoLayerReLU) -> tuple[Array, float]:
    """Return predictions (n,) and the objective."""
    f, _ = predict_closely(network, program.data)
    return f, program.data_term.value(f) + network.decay(program.beta)


def _without_dust(network: TwoLayerReLU) -> TwoLayerReLU:
    """Drop neurons that are no larger than the rounding of the others."""
    sizes = lengths(network.weights) * np.abs(network.alphas)
    alive = sizes > 2.0**-51 * sizes.sum()
    return network.replace(network.weights[alive], network.alphas[alive])
