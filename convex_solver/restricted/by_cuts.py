"""The program over the patterns of given directions: its blocks, and its solution.

In low rank each cone has its facets, and one solve is enough.  In high rank cones start
with few rows (`CuttingSet`), and get those that a solution breaks.
"""

from __future__ import annotations

import math
import time

import numpy as np

from convex_solver.networks import TwoLayerReLU
from convex_solver.program import ConvexProgram, best_of_blocks
from convex_solver.restricted.cutting_planes import CuttingSet
from convex_solver.restricted.interior_point import RestrictedSolution, solve_restricted
from convex_solver.restricted.working_set import WorkingSet
from convex_solver.typing import Array

# Accuracy of the first program of a sequence of cuts, and how it improves.
LOOSE = 1e-2
SHARPER = 0.1
MOST_CUTS = 60


def solve_by_cuts(
    program: ConvexProgram,
    blocks: WorkingSet,
    basis: Array,
    tol: float,
    deadline: float,
) -> tuple[TwoLayerReLU, float]:
    """Solve, add the rows that the solution breaks, until none matters.

    Returns the network and the largest dual value: with rows left out it is one of a
    relaxation, so it stays a lower bound of the restricted program.  Networks of early
    rounds have left their cones and may well be better; they are only taken when time
    runs out, as their patterns are not those asked for.
    """
    aim = LOOSE if isinstance(blocks, CuttingSet) else 0.5 * tol
    best, upper, lower = None, math.inf, -math.inf
    for _ in range(MOST_CUTS):
        solution = solve_restricted(
            blocks, program.data_term, program.beta, aim, deadline=deadline
        )
        lower = max(lower, solution.dual)
        network = _network(program, blocks, basis, solution)
        value = program.network_objective(network)
        if value < upper:
            best, upper = network, value
        if time.monotonic() > deadline:
            break
        if not isinstance(blocks, CuttingSet):
            return network, lower
        broken = blocks.cut(solution.weights)
        # what the broken rows have made of the objective
        miss = abs(value - solution.primal) / max(value, 1e-300)
        is_tight = aim <= 0.5 * tol
        if is_tight and (broken == 0 or miss <= 0.5 * tol):
            return network, lower
        aim = max(0.5 * tol, min(aim, SHARPER * max(miss, solution.gap)))
        if broken == 0:
            aim = 0.5 * tol
    if best is None:
        best = program.network(np.zeros((0, program.d)), np.zeros(0))
    return best, lower


def _network(
    program: ConvexProgram,
    blocks: WorkingSet,
    basis: Array,
    solution: RestrictedSolution,
) -> TwoLayerReLU:
    """Return the network of a solution, without neurons that are no use."""
    return best_of_blocks(program, solution.weights @ basis.T, blocks.signs)
