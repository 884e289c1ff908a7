"""Rounds of a covering on an executor: pieces that travel, and come back advanced.

A task is a piece as it was after the last round and how many cones to visit.  It gives
the same wherever and however often it is done: the same as here.
"""

from __future__ import annotations

import time
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from arrangement import WorkersLostError
from arrangement.executors import results_of
from convex_solver._kernels.certify import (
    COUNT,
    HEIGHT,
    START,
    Found,
    Pool,
    Stack,
    make_scratch,
)
from convex_solver.certificates.covering_pieces import Piece, Side, piece_of
from convex_solver.certificates.elsewhere import warn_of_loss
from convex_solver.typing import Array

# Seconds after a deadline for which results are waited for that are on their way.
GRACE = 0.2


@dataclass(frozen=True, eq=False)
class Parcel:
    """A piece without its side: cones of the stack, and the rows that cut each.

    The rows' values at the vertices are left out, as they are computed again.
    """

    counters: NDArray[np.int64]
    scalars: Array
    found: Found
    stack: Stack
    rows: NDArray[np.int32]
    is_done: bool


def pack_piece(piece: Piece) -> Parcel:
    """Return what a piece is beside its side."""
    height = int(piece.counters[HEIGHT])
    stack = Stack._make(part[:height].copy() for part in piece.stack)
    used = int((stack.sizes[:, START] + stack.sizes[:, COUNT]).max(initial=0))
    rows = piece.pool.rows[:used].astype(np.int32)
    return Parcel(
        piece.counters.copy(),
        piece.scalars.copy(),
        _copied(piece.found),
        stack,
        rows,
        piece.is_done,
    )


def _copied(found: Found) -> Found:
    return Found._make(part.copy() for part in found)


def unpack_piece(piece: Piece, parcel: Parcel) -> None:
    """Give a piece the state that was packed; the parcel stays as it is."""
    piece.counters, piece.scalars = parcel.counters.copy(), parcel.scalars.copy()
    piece.found, piece.is_done = _copied(parcel.found), parcel.is_done
    if parcel.is_done:
        piece.let_go()
        return
    height, used = len(parcel.stack.bounds), parcel.rows.size
    while len(piece.stack.bounds) <= height or piece.pool.rows.size < used:
        piece.grow()
    for whole, part in zip(piece.stack, parcel.stack, strict=True):
        whole[:height] = part
    piece.pool.rows[:used] = parcel.rows
    for vertices, size in zip(parcel.stack.vertices, parcel.stack.sizes, strict=True):
        _fill_values(piece.pool, piece.side, vertices, size)


def _fill_values(
    pool: Pool, side: Side, vertices: Array, size: NDArray[np.int64]
) -> None:
    """Compute the values of a cone's rows at its vertices, as the kernel rounds them.

    That adds up products one coordinate after another, and fuses none.
    """
    part = slice(size[START], size[START] + size[COUNT])
    A = side.columns[:, pool.rows[part]]
    total = np.zeros((len(vertices), A.shape[1]))
    for k in range(len(A)):
        total += A[k] * vertices[:, k, None]
    pool.values[:, part] = total


def advance_parcel(side: Side, parcel: Parcel, n_cones: int, seconds: float) -> Parcel:
    """Visit so many cones, or fewer when the piece ends or the time; in a worker."""
    deadline = time.monotonic() + seconds
    piece = piece_of(side, 0, 0, 0)
    unpack_piece(piece, parcel)
    r, m = side.columns.shape
    piece.advance(n_cones, make_scratch(r, m), lambda: time.monotonic() >= deadline)
    return pack_piece(piece)


def advance_on(
    executor: Executor, tasks: list[tuple[Piece, int]], deadline: float
) -> list[tuple[Piece, int]]:
    """Advance pieces on an executor; return the tasks that are left where it is lost.

    Past ``deadline`` (of `time.monotonic`) the pieces that are not back stay as they
    are.
    """
    seconds = deadline - time.monotonic()
    parcels = (
        (piece.side, pack_piece(piece), n_cones, seconds) for piece, n_cones in tasks
    )
    n_back = 0
    try:
        for parcel in results_of(executor, advance_parcel, parcels):
            if parcel is not None:
                unpack_piece(tasks[n_back][0], parcel)
                n_back += 1
            elif time.monotonic() > deadline + GRACE:
                break
    except WorkersLostError:
        warn_of_loss()
        return tasks[n_back:]
    return []
