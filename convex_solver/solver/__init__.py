"""The global optimum: column generation, pricing, interpolation."""

from convex_solver.solver.choice import RULES, Choice, check_rule, choose_beta
from convex_solver.solver.interpolation import Interpolation, interpolate
from convex_solver.solver.largest_beta import beta_max, beta_max_interval
from convex_solver.solver.path import (
    EPS,
    N_BETAS,
    SolutionPath,
    beta_grid,
    read_betas,
    solve_path,
)
from convex_solver.solver.relaxation import RelaxedProgram, relaxed_certificate
from convex_solver.solver.solver import METHODS, Solution, solve
from convex_solver.solver.walks import Walks

__all__ = [
    "EPS",
    "METHODS",
    "N_BETAS",
    "RULES",
    "Choice",
    "Interpolation",
    "RelaxedProgram",
    "Solution",
    "SolutionPath",
    "Walks",
    "beta_grid",
    "beta_max",
    "beta_max_interval",
    "check_rule",
    "choose_beta",
    "interpolate",
    "read_betas",
    "relaxed_certificate",
    "solve",
    "solve_path",
]
