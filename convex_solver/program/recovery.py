"""From program points to networks and back (Theorem 5 and Lemma 2)."""

from __future__ import annotations

import numpy as np

from convex_solver.networks import TwoLayerReLU
from convex_solver.program.program import ConvexProgram
from convex_solver.rounding import lengths
from convex_solver.typing import Array


def network_from_blocks(
    program: ConvexProgram, blocks: Array, sides: Array
) -> TwoLayerReLU:
    """Return the neurons ``(u / sqrt|u|, +-sqrt|u|)`` of nonzero blocks (Theorem 5).

    ``blocks`` (k, d) in the program's coordinates; ``sides`` +1 for v_i, -1 for w_i.
    """
    norms = lengths(blocks)
    alive = norms > 0.0
    size = np.sqrt(norms[alive])
    return program.network(blocks[alive] / size[:, None], sides[alive] * size)


def best_of_blocks(program: ConvexProgram, blocks: Array, sides: Array) -> TwoLayerReLU:
    """Return the network of blocks, without those that are no use to the objective.

    An interior point leaves next to nothing in most; of equal ones the network with
    the fewest neurons is taken.
    """
    norms = lengths(blocks)
    networks = []
    for cut in (0.0, 1e-9, 1e-6):
        kept = norms > cut * norms.max(initial=0.0)
        networks.append(network_from_blocks(program, blocks[kept], sides[kept]))
    return min(networks[::-1], key=program.network_objective)


def blocks_from_network(network: TwoLayerReLU) -> tuple[Array, Array]:
    """Return ``(blocks, sides)``, one block ``|alpha_j| u_j`` a neuron (Lemma 2)."""
    return network.weights * np.abs(network.alphas)[:, None], np.sign(network.alphas)


def join_neurons(program: ConvexProgram, network: TwoLayerReLU) -> TwoLayerReLU:
    """Add up blocks of the same sign with the same pattern on the data.

    They lie in one closed cone, so the prediction stays and, by the triangle
    inequality, the weight decay does not rise.
    """
    blocks, sides = blocks_from_network(network)
    # a neuron that outputs nothing has no side, and must not lend it to a group
    alive = np.any(blocks != 0.0, axis=1)
    blocks, sides = blocks[alive], sides[alive]
    if not len(blocks):
        return network_from_blocks(program, blocks, sides)
    bits = program.X @ blocks.T >= 0.0
    keys = np.packbits(np.vstack([bits, sides[None] > 0.0]).T, axis=1)
    # as bytes: NumPy would make a field of every bit to compare rows
    rows = [row.tobytes() for row in keys]
    places = {row: k for k, row in enumerate(sorted(set(rows)))}
    groups = np.array([places[row] for row in rows])
    merged = np.zeros((int(groups.max()) + 1, blocks.shape[1]))
    np.add.at(merged, groups, blocks)
    signs = np.zeros(len(merged))
    signs[groups] = sides
    return network_from_blocks(program, merged, signs)
