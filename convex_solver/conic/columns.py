"""The columns of A, piece by piece: what the builder and the writers all read."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from convex_solver.conic.sizes import ConicSizes, support
from convex_solver.conic.tree import Ints, PlaceMap, TreeFinder
from convex_solver.losses import ConicLoss
from convex_solver.program import ConvexProgram, ProgramBatch, iter_batches, unit_rows
from convex_solver.typing import Array

# entries of the loss map in one piece, with the temporary arrays some ten megabytes
_ENTRIES = 1 << 17
# columns in a piece of which the columns are short
_SHORT = 1 << 15


class _Entries:
    """Entries of one piece: values at rows and columns, gathered part by part."""

    def __init__(self) -> None:
        self.rows: list[Ints] = []
        self.columns: list[Ints] = []
        self.values: list[Array] = []

    def add(self, rows: Ints, columns: Ints, values: Array | float) -> None:
        self.rows.append(rows)
        self.columns.append(columns)
        self.values.append(np.broadcast_to(np.float64(values), rows.shape))

    def matrix(self, n_rows: int, n_columns: int) -> sp.csc_matrix:
        """Rows are sorted in each column; zeros that were added stay stored."""
        places = (np.concatenate(self.rows), np.concatenate(self.columns))
        return sp.coo_matrix(
            (np.concatenate(self.values), places), shape=(n_rows, n_columns)
        ).tocsc()


def iter_columns(
    program: ConvexProgram, loss: ConicLoss, sizes: ConicSizes
) -> Iterator[sp.csc_matrix]:
    """Yield A from left to right in pieces of whole columns.

    Nothing but a piece is held, and of the form "tree" its edges (64 bytes each
    while they are sorted).

    Yields
    ------
    csc_matrix, shape (n_rows of A, columns of the piece)
    """
    yield _loss_piece(loss, sizes)
    finder = TreeFinder(program.arrangement) if sizes.form == "tree" else None
    units = unit_rows(program.reduced()[0])
    n_rows = units.shape[0]
    size = _ENTRIES // max(n_rows * max(sizes.rank, 1), 1)
    # even, so that a chamber and its antipode are not parted
    size = 2 * min(max(size // 2, 1), 2048)
    n_chambers = n_facets = 0
    root = np.zeros(n_rows, dtype=bool)
    for batch in iter_batches(program, batch_size=size):
        if finder is not None:
            finder.add(batch)
            if n_chambers == 0:
                root = batch.patterns.to_bool()[0]
        yield _batch_piece(batch, units, sizes, n_chambers, n_facets)
        n_chambers += len(batch.patterns)
        n_facets += sum(len(rows) for rows in batch.facets)
    for begin in range(0, 2 * n_chambers, _SHORT):
        tops = np.arange(begin, min(begin + _SHORT, 2 * n_chambers))
        piece = _Entries()
        piece.add(sizes.norm_row + tops * (sizes.rank + 1), tops - begin, -1.0)
        yield piece.matrix(sizes.n_rows, tops.size)
    if finder is not None:
        places = PlaceMap(program.arrangement, program.reduced()[0], program.n_patches)
        yield from _flow_pieces(finder, places, root, sizes)


def _loss_piece(loss: ConicLoss, sizes: ConicSizes) -> sp.csc_matrix:
    piece = _Entries()
    first = 0
    parts = [(loss.prediction, 0)]
    for rows, _, _ in loss.constraints:
        parts.append((rows, sizes.loss_row + first))
        first += rows.shape[0]
    for matrix, shift in parts:
        entries = matrix.tocoo()
        rows = entries.row.astype(np.int64) + shift
        piece.add(rows, entries.col.astype(np.int64), entries.data)
    return piece.matrix(sizes.n_rows, loss.n_variables)


def _batch_piece(
    batch: ProgramBatch,
    units: Array,
    sizes: ConicSizes,
    n_chambers: int,
    n_facets: int,
) -> sp.csc_matrix:
    """Columns of ``v_i`` and ``w_i`` of the chambers of a batch.

    ``n_chambers``, ``n_facets`` came before, in all batches.
    """
    r = sizes.rank
    count = len(batch.patterns)
    piece = _Entries()
    k = np.arange(r)
    # (chamber, v or w, coordinate): the columns in order
    columns = np.arange(2 * count * r).reshape(count, 2, r)
    if sizes.form == "dense":
        values = batch.loss_columns()
        stored = values != 0.0
        if batch.n_patches > 1:
            stored[:] = support(batch.X, batch.n_patches).T
        chamber, coordinate, sample = np.nonzero(stored)
        kept = values[stored]
        piece.add(sample, columns[chamber, 0, coordinate], -kept)
        piece.add(sample, columns[chamber, 1, coordinate], kept)
    else:
        first = sizes.n_samples + n_chambers * r
        rows = first + np.arange(count * r)
        piece.add(rows, columns[:, 0].ravel(), 1.0)
        piece.add(rows, columns[:, 1].ravel(), -1.0)
    counts = np.array([len(rows) for rows in batch.facets], dtype=np.int64)
    if counts.sum():
        flat = np.concatenate(batch.facets)
        chamber = np.repeat(np.arange(count), counts)
        sides = np.where(batch.patterns.to_bool()[chamber, flat], -1.0, 1.0)
        normals = sides[:, None] * units[flat]
        # facets of v_i come first, then those of w_i
        before = np.cumsum(counts) - counts
        row = sizes.cone_row + 2 * n_facets + np.arange(flat.size) + before[chamber]
        facet, coordinate = np.nonzero(normals)
        for copy in (0, 1):
            piece.add(
                (row + copy * counts[chamber])[facet],
                columns[chamber[facet], copy, coordinate],
                normals[facet, coordinate],
            )
    tops = sizes.norm_row + (2 * n_chambers + np.arange(2 * count)) * (r + 1)
    piece.add((tops[:, None] + 1 + k).ravel(), columns.ravel(), -1.0)
    return piece.matrix(sizes.n_rows, columns.size)


def _flow_pieces(
    finder: TreeFinder, places: PlaceMap, root: NDArray[np.bool_], sizes: ConicSizes
) -> Iterator[sp.csc_matrix]:
    """Columns of the flows: first all that arrives at the root, then the edges."""
    r = sizes.rank
    k = np.arange(r)
    balance = sizes.n_samples
    piece = _Entries()
    sample, coordinate, values = places.at_root(root)
    piece.add(sample, coordinate, -values)
    piece.add(balance + k, k, -1.0)
    yield piece.matrix(sizes.n_rows, r)
    plus, minus, classes = finder.edges()
    size = max(_SHORT // max(r, 1), 1)
    for begin in range(0, plus.size, size):
        part = slice(begin, begin + size)
        flow, sample, coordinate, values = places.across(classes[part])
        piece = _Entries()
        piece.add(sample, flow * r + coordinate, values)
        columns = np.arange(plus[part].size * r)
        for ends, sign in ((plus, 1.0), (minus, -1.0)):
            rows = balance + ends[part, None] * r + k
            piece.add(rows.ravel(), columns, sign)
        yield piece.matrix(sizes.n_rows, columns.size)


def right_hand_side(loss: ConicLoss, sizes: ConicSizes) -> tuple[Ints, Array]:
    """Rows and values of b that may not be zero."""
    rows = [np.arange(sizes.n_samples)]
    rows.append(sizes.loss_row + np.arange(sizes.n_loss_rows))
    values = [loss.offset, *(right for _, right, _ in loss.constraints)]
    return np.concatenate(rows), np.concatenate(values)
