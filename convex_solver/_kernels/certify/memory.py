"""Memory of the kernels of a covering."""

from __future__ import annotations

import numpy as np

from convex_solver._kernels.certify.arrays import Lines, Parent, Pool, Scratch, Stack
from convex_solver._kernels.certify.bounded_squares import Spare, Squares
from convex_solver._kernels.certify.covering import MOST_CONCAVE, MOST_CONVEX


def make_stack(r: int, depth: int, room: int) -> tuple[Stack, Pool]:
    """Return room for so many cones in rank r, and rows of all of them."""
    stack = Stack(
        np.zeros((depth, r, r)),
        np.zeros((depth, r)),
        np.zeros((depth, r)),
        np.zeros((depth, 3), dtype=np.int64),
        np.zeros(depth),
    )
    return stack, Pool(np.zeros(room, dtype=np.int64), np.zeros((r, room)))


def grown(stack: Stack, pool: Pool) -> tuple[Stack, Pool]:
    """Return twice the memory, with what is in it."""
    return (
        Stack(*(np.concatenate([part, part]) for part in stack)),
        Pool(np.tile(pool.rows, 2), np.tile(pool.values, 2)),
    )


def make_scratch(r: int, m: int) -> Scratch:
    """Return memory that the kernel writes before it reads, for one thread."""
    parent = Parent(
        rows=np.zeros(m + 1, dtype=np.int64),
        values=np.zeros((r + 1, m)),
        vertices=np.zeros((r + 1, r)),
        gradient=np.zeros((3, r)),
        kept=np.zeros(m + 1, dtype=np.int64),
        grown=np.zeros(m + 1, dtype=np.int64),
        ends=np.zeros((2, m)),
    )
    lines = Lines(
        gradient=np.zeros(r),
        line=np.zeros(r),
        errors=np.zeros(r),
        lengths=np.zeros(r),
        vector=np.zeros(r),
        tangent=np.zeros(m),
        normals=np.zeros((r, r)),
        work=np.zeros((r, r)),
        other=np.zeros(r),
        other_errors=np.zeros(r),
    )
    most = MOST_CONVEX + MOST_CONCAVE + r
    spare = Spare(
        np.zeros((r + 1, r)), np.zeros((r + 1, r + 1)), np.zeros(r + 1), np.zeros(r)
    )
    squares = Squares(
        vectors=np.zeros((most, r)),
        upper=np.zeros(most),
        x=np.zeros(most),
        start=np.zeros(r),
        free=np.zeros(r + 1, dtype=np.int64),
        spare=spare,
    )
    return Scratch(parent, lines, squares)
