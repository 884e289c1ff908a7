"""Vertices of a sample, in floating point: whether most of them are simple."""

from __future__ import annotations

import numpy as np

from arrangement._kernels.compile import bare_kernel
from arrangement._kernels.sorting import sort_fractions


@bare_kernel
def null_vectors(work, order, out, least):
    """Find unit vectors ``out`` (s, r), each orthogonal to r - 1 rows.

    ``work`` (s, r - 1, r) float64 holds the rows, of size 1 or so, and is overwritten;
    ``order`` (r,) int64 is scratch.  A vector is 0 where a pivot is below ``least``:
    the rows are nearly dependent, and rounding would choose it.  Complete pivoting.
    """
    n_rows, rank = work.shape[1], work.shape[2]
    for s in range(work.shape[0]):
        rows = work[s]
        for k in range(rank):
            order[k] = k
            out[s, k] = 0.0
        is_found = True
        for step in range(n_rows):
            best, row, column = -1.0, step, step
            for i in range(step, n_rows):
                for k in range(step, rank):
                    if abs(rows[i, order[k]]) > best:
                        best, row, column = abs(rows[i, order[k]]), i, k
            if not best > least:
                is_found = False
                break
            order[step], order[column] = order[column], order[step]
            for k in range(rank):
                rows[step, k], rows[row, k] = rows[row, k], rows[step, k]
            pivot = rows[step, order[step]]
            for i in range(step + 1, n_rows):
                factor = rows[i, order[step]] / pivot
                for k in range(step, rank):
                    rows[i, order[k]] -= factor * rows[step, order[k]]
        if not is_found:
            continue
        out[s, order[rank - 1]] = 1.0
        norm = 1.0
        for step in range(n_rows - 1, -1, -1):
            total = 0.0
            for k in range(step + 1, rank):
                total += rows[step, order[k]] * out[s, order[k]]
            value = -total / rows[step, order[step]]
            out[s, order[step]] = value
            norm += value * value
        for k in range(rank):
            out[s, k] /= norm**0.5


@bare_kernel
def plane_order(rows, values, buckets, ends, order):
    """Find how the lines through ``rows`` (n, 2) follow one another around 0.

    ``values`` (n,) float64 gets ``x / (|x| + |y|)`` of each row, or of its opposite,
    where y > 0: from -1 to 1, and two differ by no more than their angle.  ``order``
    (n,) int64 is theirs; ``buckets`` and ``ends`` (n,) int64 are scratch.  False where
    they are too close together for this way to sort.
    """
    for i in range(values.size):
        x, y = rows[i, 0], rows[i, 1]
        if y < 0.0 or (y == 0.0 and x < 0.0):
            x, y = -x, -y
        values[i] = x / (abs(x) + y)
    return sort_fractions(values, buckets, ends, order)


@bare_kernel
def count_near(coords, vectors, values, near):
    """Count the rows that pass within ``near`` of a vertex, for all ``vectors`` (s, r).

    ``coords`` (r, n) float64 are the rows; ``values`` is scratch, for so many rows at a
    time, which stay in the cache.
    """
    count = 0
    n = coords.shape[1]
    for first in range(0, n, values.size):
        part = coords[:, first : first + values.size]
        # from 0 on, so that the compiler knows no index to be negative
        here = values[: part.shape[1]]
        for s in range(vectors.shape[0]):
            factor = vectors[s, 0]
            for i in range(here.size):
                here[i] = part[0, i] * factor
            for k in range(1, part.shape[0]):
                factor = vectors[s, k]
                for i in range(here.size):
                    here[i] += part[k, i] * factor
            for i in range(here.size):
                count += np.int64(abs(here[i]) < near)
    return count
