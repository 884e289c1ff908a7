"""Vertices of zonotopes: one for each chamber, as an exact sum of signed rows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrangement.combinatorics.tope_graphs import arrangement_of
from arrangement.errors import (
    InputError,
    ListingStoppedError,
    ListingTooLargeError,
)
from arrangement.io import ProgressLike, listener, shows_progress
from arrangement.listing import iter_patterns
from arrangement.model import Arrangement, PatternSet
from arrangement.options import (
    Deadline,
    block_rows,
    free_bytes,
    whole_number,
)

_BLOCK = 1 << 14
# vertices whose Python integers are added up before the clock is looked at
_OBJECT_ROWS = 1 << 10


def iter_zonotope_vertices(
    X: PatternSet | Arrangement | ArrayLike | Any,
    *,
    floats: str = "binary",
    block_size: int | None = None,
    n_jobs: int = 1,
    time_limit: float | None = None,
    progress: ProgressLike = None,
) -> Iterator[NDArray[Any]]:
    """Yield the vertices of the zonotope of the rows, in blocks, exactly.

    The zonotope is the sum of the segments from ``-x_i`` to ``x_i``.  Its vertices are
    ``sum_i s_i x_i``, one for the signs s of each chamber of the hyperplanes
    ``x_i . z = 0``: where ``z`` of this chamber is largest.

    Parameters
    ----------
    X : PatternSet, Arrangement or array_like, shape (n, d)
        A list that knows its matrix, or a matrix as in `iter_patterns`; central.
        Parallel rows add up, and rows of zeros add nothing.
    floats, n_jobs, time_limit, progress
        As in `iter_patterns`.
    block_size : int, optional
        Vertices a block, at least 1; 16,384 by default, or fewer where a block, or its
        patterns, would take over 64 MiB.

    Yields
    ------
    ndarray, shape (b, d)
        Vertex k is that of pattern k, in the order of the list or of `iter_patterns`.
        int64 where every row is an integer and no sum exceeds 2**62, else object: int
        and ``Fraction``.

    Raises
    ------
    ListingStoppedError
        From the iterator, when the time is up.
    InputError, InputTypeError
        As `Arrangement`; an affine or projected arrangement; a list that does not know
        its matrix.

    Notes
    -----
    Distinct chambers give distinct vertices (Ziegler, *Lectures on polytopes*, section
    7.3).  The sum over eight rows is looked up for each byte of a pattern: n/8
    additions of d numbers a vertex.  Nothing is rounded.

    Examples
    --------
    >>> for block in iter_zonotope_vertices([[1, 0], [0, 1], [1, 1]]):
    ...     print(block.tolist())
    [[2, 2], [-2, -2], [2, 0], [-2, 0], [0, -2], [0, 2]]
    """
    size = None
    if block_size is not None:
        size = whole_number(block_size, "block_size", 1)
    progress = listener(progress)
    deadline = Deadline(time_limit)
    if isinstance(X, PatternSet):
        arrangement = arrangement_of(X)
    else:
        arrangement = Arrangement.coerce(X, floats=floats)
    if not arrangement.is_central or arrangement.is_projected:
        kind = "affine" if not arrangement.is_central else "a float64 projection"
        raise InputError(
            f"X is {kind}; a zonotope belongs to the rows of a matrix, with no offsets "
            "and rank='exact'."
        )
    n_words = -(-arrangement.n_hyperplanes // 64)
    size = size or block_rows(_BLOCK, 8 * max(arrangement.dimension, n_words))
    blocks: Iterator[PatternSet]
    if isinstance(X, PatternSet):
        blocks = (X[k : k + size] for k in range(0, len(X), size))
    else:
        blocks = iter_patterns(
            arrangement,
            block_size=size,
            n_jobs=n_jobs,
            time_limit=deadline.left(),
            progress=progress,
        )
    return _sums(blocks, arrangement, deadline)


def _sums(
    blocks: Iterator[PatternSet], arrangement: Arrangement, deadline: Deadline
) -> Iterator[NDArray[Any]]:
    """Yield twice the sum of the rows with bit 1, minus that of all rows."""
    rows, scales = _integers(arrangement.normals)
    tables: list[NDArray[Any]] = []
    total = rows.sum(axis=0)
    n_yielded = 0

    def look_up() -> None:
        if deadline.is_late():
            raise ListingStoppedError(
                f"{deadline} was reached. {n_yielded:,} vertices were yielded."
            )

    for block in blocks:
        if not tables:
            for table in _iter_byte_tables(rows):
                look_up()
                tables.append(table)
        packed = block.packed.astype("<u8", copy=False)
        places = np.ascontiguousarray(packed).view(np.uint8)
        # Python integers take a microsecond each, and the clock is looked at
        size = len(block) if rows.dtype != object else _OBJECT_ROWS
        parts = []
        for first in range(0, len(block), size):
            part = places[first : first + size]
            out = np.zeros((len(part), rows.shape[1]), dtype=rows.dtype)
            for k, table in enumerate(tables):
                look_up()
                out += table[part[:, k]]
            out = 2 * out - total
            parts.append(out if scales is None else _divided(out, scales))
        n_yielded += len(block)
        yield np.concatenate(parts)


def _integers(normals: NDArray[Any]) -> tuple[NDArray[Any], list[int] | None]:
    """Return integer columns, int64 where all sums fit, and what divides them.

    A sum is at most the sum of all sizes, and is doubled before it is subtracted.
    """
    if normals.dtype != object:
        sums = [sum(map(abs, column)) for column in normals.T.tolist()]
        if max(sums, default=0) < 2**60:
            return normals, None
        return normals.astype(object), None
    scales = [math.lcm(*(x.denominator for x in column)) for column in normals.T]
    rows = np.empty(normals.shape, dtype=object)
    for k, scale in enumerate(scales):
        rows[:, k] = [int(x * scale) for x in normals[:, k]]
    return rows, None if all(scale == 1 for scale in scales) else scales


def _iter_byte_tables(rows: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Yield for each byte the sums of the rows of its bits, (256, d)."""
    n, d = rows.shape
    padded = np.zeros((-(-n // 8) * 8, d), dtype=rows.dtype)
    padded[:n] = rows
    for first in range(0, n, 8):
        table = np.zeros((256, d), dtype=rows.dtype)
        for k in range(8):
            with_bit = np.arange(256) >> k & 1 == 1
            table[with_bit] += padded[first + k]
        yield table


def _divided(sums: NDArray[Any], scales: list[int]) -> NDArray[Any]:
    out = np.empty(sums.shape, dtype=object)
    for k, scale in enumerate(scales):
        column = [Fraction(x, scale) for x in sums[:, k]]
        out[:, k] = [x.numerator if x.denominator == 1 else x for x in column]
    return out


@shows_progress
def zonotope_vertices(
    X: PatternSet | Arrangement | ArrayLike | Any,
    *,
    floats: str = "binary",
    n_jobs: int = 1,
    max_bytes: int | None = None,
    time_limit: float | None = None,
    progress: ProgressLike = None,
) -> NDArray[Any]:
    """Return the vertices of the zonotope of the rows; see `iter_zonotope_vertices`.

    Parameters
    ----------
    X, floats, n_jobs, time_limit, progress
        As in `iter_zonotope_vertices`.
    max_bytes : int, optional
        Most bytes the array may take; half of the free memory by default.

    Returns
    -------
    ndarray, shape (P, d)
        int64 or object, as there.

    Raises
    ------
    ListingTooLargeError
        The array outgrew ``max_bytes``.
    ListingStoppedError, InputError, InputTypeError
        As `iter_zonotope_vertices`.

    Examples
    --------
    The permutohedron:

    >>> from arrangement.constructions import braid
    >>> vertices = zonotope_vertices(braid(3))
    >>> sorted(vertices.tolist())[:3]
    [[-2, 0, 2], [-2, 2, 0], [0, -2, 2]]
    """
    most = (
        free_bytes() // 2
        if max_bytes is None
        else whole_number(max_bytes, "max_bytes", 0)
    )
    parts, size = [], 0
    for block in iter_zonotope_vertices(
        X, floats=floats, n_jobs=n_jobs, time_limit=time_limit, progress=progress
    ):
        parts.append(block)
        size += block.nbytes
        if size > most:
            raise ListingTooLargeError(
                f"the vertices take more than the {most:,} bytes allowed. Stream them "
                "with iter_zonotope_vertices(X), or raise max_bytes."
            )
    if not parts:
        assert isinstance(X, PatternSet)  # an arrangement has a chamber
        return np.zeros((0, arrangement_of(X).dimension), dtype=np.int64)
    return np.concatenate(parts)
