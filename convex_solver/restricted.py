"""The program over the patterns of given directions: its blocks, and its solution.

In low rank each cone has its facets, and one solve is enough.  In high rank cones start
with few rows (`convex_solver.cutting_planes`), and get those that a solution breaks.
"""

from __future__ import annotations

import math
import time

import numpy as np
from numpy.typing import NDArray

from convex_solver.cutting_planes import CuttingSet, empty_set
from convex_solver.errors import ProgramTooLargeError
from convex_solver.interior_point import RestrictedSolution, solve_restricted
from convex_solver.network import TwoLayerReLU
from convex_solver.program import ConvexProgram
from convex_solver.recovery import best_of_blocks
from convex_solver.working_set import WorkingSet

Array = NDArray[np.float64]

# Accuracy of the first program of a sequence of cuts, and how it improves.
LOOSE = 1e-2
SHARPER = 0.1
MOST_CUTS = 60
# Bytes that the blocks of a restricted program and a copy of them may take.
MAX_BYTES = 1e9
# Directions nearer to a hyperplane than the first are moved by about the second.
NEAR, NUDGE = 1e-11, 1e-9


def blocks_of(program: ConvexProgram, basis: Array, directions: Array) -> WorkingSet:
    """Both signs of the patterns of directions (k, d), within the memory allowed."""
    X = np.ascontiguousarray(program.X @ basis)
    rows, rank = X.shape
    each = 2.0 * (2 * 8 * rank * program.n + rows)
    if rank and each * len(directions) > MAX_BYTES:
        raise ProgramTooLargeError(
            f"{len(directions):,} patterns of rank {rank} and {program.n:,} samples "
            f"take {each * len(directions) / 1e9:.1f} GB; at most "
            f"{int(MAX_BYTES / each):,} patterns fit in {MAX_BYTES / 1e9:g} GB. Use "
            "fewer directions, neurons, clusters or records."
        )
    blocks = empty_set(X, program.n_patches)
    if rank:
        both = np.repeat([1.0, -1.0], len(directions))
        inner = _off_hyperplanes(blocks.units, directions @ basis)
        blocks.add(np.vstack([inner, inner]), both)
    return blocks


def _off_hyperplanes(units: Array, directions: Array) -> Array:
    """Move directions on a hyperplane into a chamber whose closure they are in.

    Descent often ends on one, where the objective has a kink; what such a neuron
    outputs is the same in all chambers around it.
    """
    random = np.random.default_rng(0)
    moved = directions.copy()
    for u in moved:
        size = float(np.linalg.norm(u))
        heights = np.abs(units @ u)
        if np.any(heights[np.any(units != 0.0, axis=1)] <= NEAR * size):
            u += NUDGE * size * random.standard_normal(u.size)
    return moved


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
        if time.perf_counter() > deadline:
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
