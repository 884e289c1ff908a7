"""The global optimum: column generation, pricing, interpolation."""

from convex_solver.solver.interpolation import Interpolation, interpolate
from convex_solver.solver.largest_beta import beta_max, beta_max_interval
from convex_solver.solver.relaxation import RelaxedProgram, relaxed_certificate
from convex_solver.solver.solver import METHODS, Solution, solve, solve_path

__all__ = [
    "METHODS",
    "Interpolation",
    "RelaxedProgram",
    "Solution",
    "beta_max",
    "beta_max_interval",
    "interpolate",
    "relaxed_certificate",
    "solve",
    "solve_path",
]
