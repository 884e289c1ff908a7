"""From the network of an interior point to a small one."""

from __future__ import annotations

from convex_solver.network import TwoLayerReLU
from convex_solver.program import ConvexProgram
from convex_solver.recovery import merge_neurons


def small_network(program: ConvexProgram, network: TwoLayerReLU) -> TwoLayerReLU:
    """Merge; the better of both is returned."""
    merged = merge_neurons(program, network)
    if program.network_objective(merged) <= program.network_objective(network):
        return merged
    return network
