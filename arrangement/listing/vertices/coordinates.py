"""Random coordinates in which vertices are listed, and whether to list by vertices."""

from __future__ import annotations

import random
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels.vertices import sample
from arrangement.exact import IntRow, column_shifts, scaled_floats
from arrangement.model import Arrangement

# coordinates are random, but the same in every run
SEED = 2020
_BITS = 40
_SAMPLES, _FEW_SAMPLES = 2000, 64
# rows looked at together
_CHUNK = 1024
# how near a vertex a row is on it, and what is no pivot
_NEAR, _LEAST_PIVOT = 1e-10, 1e-4


def is_nearly_generic(arrangement: Arrangement) -> bool:
    """Whether a sample of vertices in floating point is simple; only a guide."""
    cone = arrangement.cone
    rank, n_rows = cone.rank, len(cone.lines)
    if n_rows <= rank:
        return False
    rows = cone.lines if cone.floats is None else cone.floats
    floats = scaled_floats(rows, column_shifts(rows, rank))
    if rank == 2 and _are_apart(floats):
        return True
    chosen = _samples(n_rows, rank)
    coords = np.ascontiguousarray(floats.T)
    # rows that pass a vertex of their own are counted there: where a few vertices have
    # more already, all have
    few = chosen[:_FEW_SAMPLES]
    return _are_simple(floats, coords, few) and (
        len(few) == len(chosen) or _are_simple(floats, coords, chosen)
    )


@lru_cache(maxsize=16)
def _samples(n_rows: int, rank: int) -> NDArray[np.int64]:
    """Draw sets of rows that meet in vertices, (samples, rank - 1)."""
    draw = np.random.default_rng(SEED)
    samples = min(_SAMPLES, max(64, 4 * 10**6 // n_rows))
    drawn = draw.random((samples, min(n_rows, 64)))
    # those with the least numbers, the least first
    kept = min(rank - 1, drawn.shape[1])
    chosen = np.argpartition(drawn, kept - 1, axis=1)[:, :kept]
    order = np.argsort(np.take_along_axis(drawn, chosen, axis=1), axis=1)
    chosen = np.take_along_axis(chosen, order, axis=1)
    places = np.sort(draw.choice(n_rows, drawn.shape[1], replace=False))
    found = places[chosen]
    found.setflags(write=False)
    return found


def _are_simple(
    floats: NDArray[np.float64],
    coords: NDArray[np.float64],
    chosen: NDArray[np.int64],
) -> bool:
    """Whether no more rows pass near the vertices of sets of rows than are in them."""
    picked = floats[chosen]
    samples, _, rank = picked.shape
    vectors = _null_vectors(picked)
    # where rows depend on others there is none yet; one passes all of them at least,
    # and most often that is enough to know
    rest = np.flatnonzero(~vectors.any(axis=1))
    found = vectors if not rest.size else np.delete(vectors, rest, axis=0)
    count = _count_near(coords, found)
    most = samples * (rank - 1)
    if rest.size and count + len(rest) * (rank - 1) <= most:
        _, _, vt = np.linalg.svd(picked[rest], full_matrices=True)
        count += _count_near(coords, np.ascontiguousarray(vt[:, -1]))
    else:
        count += len(rest) * (rank - 1)
    return bool(count <= most)


def _count_near(coords: NDArray[np.float64], vectors: NDArray[np.float64]) -> int:
    """Count the rows that pass near a vertex, for all vectors to them."""
    return int(sample.count_near(coords, vectors, np.empty(_CHUNK), _NEAR))


def _are_apart(rows: NDArray[np.float64]) -> bool:
    """Whether no two of some rows in the plane are so near that a vertex is on both.

    Rows are half as long as 1 or longer, so that one passes a vertex of another at half
    of the sine of their angle; the rest is for rounding.
    """
    count = len(rows)
    values, scratch = np.empty(count), np.empty((3, count), dtype=np.int64)
    is_sorted = sample.plane_order(rows, values, *scratch)
    values = values[scratch[-1]] if is_sorted else np.sort(values)
    # after the last comes the first again
    gaps = np.diff(values, append=values[0] + 2.0)
    return bool(gaps.min() > 4.0 * _NEAR)


def _null_vectors(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return unit vectors (s, r) orthogonal to ``rows`` (s, r - 1, r).

    Zero where rows are dependent, or nearly so.
    """
    count, _, rank = rows.shape
    vectors = np.empty((count, rank))
    order = np.empty(rank, dtype=np.int64)
    sample.null_vectors(rows.copy(), order, vectors, _LEAST_PIVOT)
    return vectors


def random_coordinates(chart: IntRow, draw: random.Random) -> list[IntRow]:
    """Integer matrix Q with ``chart @ Q = (g, 0, .., 0)``, g > 0, otherwise random."""
    rank = len(chart)
    pivot = max(range(rank), key=lambda k: abs(chart[k]))
    kernel = []
    for j in range(rank):
        if j != pivot:
            vector = [0] * rank
            vector[j] = chart[pivot]
            vector[pivot] = -chart[j]
            kernel.append(vector)
    top = 1 << _BITS
    columns = []
    for k in range(rank):
        weights = [draw.randrange(-top, top) for _ in kernel]
        column = [
            sum(w * vector[i] for w, vector in zip(weights, kernel, strict=True))
            for i in range(rank)
        ]
        if k == 0:
            column[pivot] += top * chart[pivot]
        columns.append(column)
    return [tuple(column[i] for column in columns) for i in range(rank)]


def scaled_matrix(matrix: list[IntRow], shifts: list[int]) -> NDArray[np.float64]:
    """Entries divided by ``2**shift`` of their column and one power of two for all."""
    rank = len(matrix)
    transposed = [tuple(row[k] for row in matrix) for k in range(rank)]
    peaks = [max(abs(x) for x in column).bit_length() for column in transposed]
    floats = scaled_floats(transposed, [0] * rank)
    top = max(p - s for p, s in zip(peaks, shifts, strict=True))
    factors = [p - s - top for p, s in zip(peaks, shifts, strict=True)]
    return np.ascontiguousarray(np.ldexp(floats, np.array(factors)[:, None]).T)
