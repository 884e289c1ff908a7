"""Random coordinates in which vertices are listed, and whether to list by vertices."""

from __future__ import annotations

import random

import numpy as np
from numpy.typing import NDArray

from arrangement.exact import IntRow, column_shifts, scaled_floats
from arrangement.model import Arrangement

# coordinates are random, but the same in every run
SEED = 2020
_BITS = 40
_SAMPLES = 2000


def is_nearly_generic(arrangement: Arrangement) -> bool:
    """Whether a sample of vertices in floating point is simple; only a guide."""
    cone = arrangement.cone
    rows = [*cone.rows] if cone.infinity is None else [*cone.rows, cone.infinity]
    rank = cone.rank
    if len(rows) <= rank:
        return False
    floats = scaled_floats(rows, column_shifts(rows, rank))
    draw = np.random.default_rng(SEED)
    samples = min(_SAMPLES, max(64, 4 * 10**6 // len(rows)))
    chosen = np.argsort(draw.random((samples, min(len(rows), 64))), axis=1)
    places = np.sort(draw.choice(len(rows), chosen.shape[1], replace=False))
    chosen = places[chosen[:, : rank - 1]]
    _, _, vt = np.linalg.svd(floats[chosen], full_matrices=True)
    values = np.abs(vt[:, -1] @ floats.T)
    return int((values < 1e-10).sum()) <= samples * (rank - 1)


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
