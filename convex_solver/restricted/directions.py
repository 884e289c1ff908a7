"""Directions whose chambers a restricted program is made of."""

from __future__ import annotations

import math

import numpy as np

from arrangement import enumerate_patterns
from convex_solver.errors import ProgramTooLargeError
from convex_solver.program import ConvexProgram, column_sizes, rotated
from convex_solver.restricted.cutting_planes import empty_set
from convex_solver.restricted.working_set import WorkingSet
from convex_solver.typing import Array

# Bytes that the blocks of a restricted program and a copy of them may take.
MAX_BYTES = 1e9
# Directions nearer to a hyperplane than the first are moved by about the second.
NEAR, NUDGE = 1e-11, 1e-9
# Products of directions and rows that are looked at together.
_ENTRIES = 1 << 18


def blocks_of(
    program: ConvexProgram,
    basis: Array,
    directions: Array,
    deadline: float = math.inf,
) -> WorkingSet:
    """Both signs of the patterns of directions (k, d), within the memory allowed.

    Past ``deadline`` (of `time.monotonic`) the rest is left out.
    """
    X = rotated(program.X, basis)
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
        inner = rotated(directions, basis)
        inner = _off_hyperplanes(blocks.units, inner * blocks.sizes) / blocks.sizes
        # side by side, so that what is left out at the end has neither sign
        both = np.tile([1.0, -1.0], len(inner))
        blocks.add(np.repeat(inner, 2, axis=0), both, deadline)
    return blocks


def _off_hyperplanes(units: Array, directions: Array) -> Array:
    """Move directions on a hyperplane into a chamber whose closure they are in.

    Descent often ends on one, where the objective has a kink; what such a neuron
    outputs is the same in all chambers around it.
    """
    random = np.random.default_rng(0)
    moved = directions.copy()
    rows = units[np.any(units != 0.0, axis=1)]
    step = max(_ENTRIES // max(len(rows), 1), 1)
    for first in range(0, len(moved), step):
        some = moved[first : first + step]
        sizes = np.linalg.norm(some, axis=1)
        lowest = np.abs(some @ rows.T).min(axis=1, initial=np.inf)
        for k in np.flatnonzero(lowest <= NEAR * sizes):
            some[k] += NUDGE * sizes[k] * random.standard_normal(some.shape[1])
    return moved


def all_directions(program: ConvexProgram, basis: Array) -> Array:
    """Return directions (P, rank) in all chambers, in the coordinates of a basis."""
    if program.rank <= 2:
        X = rotated(program.X, basis)
        sizes = column_sizes(X)
        return _directions_of_the_plane(X / sizes) / sizes
    points = enumerate_patterns(program.arrangement).witnesses()
    inner = np.array([[float(x) for x in _shorter(row)] for row in points.tolist()])
    scaling = program.scaling
    if scaling is not None:
        width = len(scaling.scale)
        shift = inner[:, :width] @ scaling.center
        inner[:, :width] *= scaling.scale
        if program.intercept:
            inner[:, -1] += shift
    return rotated(inner, basis)


def _directions_of_the_plane(X: Array) -> Array:
    """Directions between neighbouring lines, all around; rank 1 has two."""
    if X.shape[1] < 2:
        return np.array([[1.0], [-1.0]])[:, : X.shape[1]]
    lines = X[np.any(X != 0.0, axis=1)]
    angles = np.arctan2(lines[:, 0], -lines[:, 1])
    angles = np.unique(np.concatenate([angles, angles + np.pi]) % (2.0 * np.pi))
    middle = angles + 0.5 * np.diff(angles, append=angles[:1] + 2.0 * np.pi)
    return np.stack([np.cos(middle), np.sin(middle)], axis=1)


def _shorter(row: list[int]) -> list[int]:
    """Drop bits that float64 has no room for."""
    excess = max(max((abs(int(x)).bit_length() for x in row), default=0) - 900, 0)
    return [int(x) >> excess for x in row]
