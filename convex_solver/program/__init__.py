"""The convex program of the paper, its blocks and its networks."""

from convex_solver.program.axes import UNLIKE, column_sizes, rotated
from convex_solver.program.blocks import (
    ProgramBatch,
    check_size,
    iter_batches,
    unit_rows,
)
from convex_solver.program.merged import Merged, merge_equal
from convex_solver.program.program import ConvexProgram
from convex_solver.program.recovery import (
    best_of_blocks,
    blocks_from_network,
    join_neurons,
    network_from_blocks,
)
from convex_solver.program.reduce import keep_largest, reduce_network

__all__ = [
    "UNLIKE",
    "ConvexProgram",
    "Merged",
    "ProgramBatch",
    "best_of_blocks",
    "blocks_from_network",
    "check_size",
    "column_sizes",
    "iter_batches",
    "join_neurons",
    "keep_largest",
    "merge_equal",
    "network_from_blocks",
    "reduce_network",
    "rotated",
    "unit_rows",
]
