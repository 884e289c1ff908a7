"""The program over some chambers: working sets and their solvers."""

from convex_solver.restricted.by_cuts import solve_by_cuts
from convex_solver.restricted.cutting_planes import empty_set
from convex_solver.restricted.directions import all_directions, blocks_of
from convex_solver.restricted.interior_point import RestrictedSolution, solve_restricted

__all__ = [
    "RestrictedSolution",
    "all_directions",
    "blocks_of",
    "empty_set",
    "solve_by_cuts",
    "solve_restricted",
]
