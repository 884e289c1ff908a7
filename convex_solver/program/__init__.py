"""The convex program of the paper, its blocks and its networks."""

from convex_solver.program.blocks import (
    ProgramBlock,
    check_size,
    iter_blocks,
    unit_rows,
)
from convex_solver.program.program import ConvexProgram
from convex_solver.program.recovery import (
    best_of_blocks,
    blocks_from_network,
    merge_neurons,
    network_from_blocks,
)
from convex_solver.program.reduce import reduce_network

__all__ = [
    "ConvexProgram",
    "ProgramBlock",
    "best_of_blocks",
    "blocks_from_network",
    "check_size",
    "iter_blocks",
    "merge_neurons",
    "network_from_blocks",
    "reduce_network",
    "unit_rows",
]
