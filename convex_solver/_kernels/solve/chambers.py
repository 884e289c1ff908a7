"""Kernels for single chambers in float64: facets in low rank, analytic centres."""

from __future__ import annotations

import math

import numpy as np

from convex_solver._kernels.compile import kernel
from convex_solver._kernels.solve.sorting import sort_indices

# A direction closer than this to a facet tells nothing about its chamber.
THIN = 1e-14


@kernel
def extreme_rows(points, out):
    """Put the indices of the vertices of the hull of points (n, 2) into ``out``.

    Andrew's monotone chain; returns their number.  Collinear points are left out.
    """
    n = points.shape[0]
    first = points[:, 0].copy()
    order = np.zeros(n, dtype=np.int64)
    sort_indices(first, n, order)
    # ties in the first coordinate by the second, by insertion: runs are short
    for i in range(1, n):
        j = i
        while (
            j > 0
            and points[order[j - 1], 0] == points[order[j], 0]
            and points[order[j - 1], 1] > points[order[j], 1]
        ):
            order[j - 1], order[j] = order[j], order[j - 1]
            j -= 1
    size = 0
    for turn in range(2):
        base = size
        for k in range(n):
            i = order[k] if turn == 0 else order[n - 1 - k]
            while size - base >= 2:
                a = out[size - 2]
                b = out[size - 1]
                cross = (points[b, 0] - points[a, 0]) * (
                    points[i, 1] - points[a, 1]
                ) - (points[b, 1] - points[a, 1]) * (points[i, 0] - points[a, 0])
                if cross > 0.0:
                    break
                size -= 1
            out[size] = i
            size += 1
        size -= 1
    return max(size, 1)


@kernel
def solve_positive(matrix, right):
    """Solve by Cholesky; ``matrix`` (r, r), at least the identity, is overwritten."""
    r = right.size
    x = right.copy()
    for j in range(r):
        for k in range(j):
            for i in range(j, r):
                matrix[i, j] -= matrix[i, k] * matrix[j, k]
        # entries of 1e20 leave a pivot no digits, and it may come out as zero
        matrix[j, j] = math.sqrt(max(matrix[j, j], 1.0))
        for i in range(j + 1, r):
            matrix[i, j] /= matrix[j, j]
    for i in range(r):
        for k in range(i):
            x[i] -= matrix[i, k] * x[k]
        x[i] /= matrix[i, i]
    for i in range(r - 1, -1, -1):
        for k in range(i + 1, r):
            x[i] -= matrix[k, i] * x[k]
        x[i] /= matrix[i, i]
    return x


@kernel
def analytic_centre(rows, u):
    """Move ``u``, inside ``rows u > 0``, to the minimiser of the barrier below.

    ``|u|**2 / 2 - sum log(rows u) / m``; there ``|u| = 1`` and
    ``sum rows_f / (rows_f u) = m u``.  Returns whether that was reached.
    """
    m, r = rows.shape
    norm = 0.0
    for k in range(r):
        norm += u[k] * u[k]
    norm = math.sqrt(norm)
    for k in range(r):
        u[k] /= norm
    if m == 0:
        return True
    slack = rows @ u
    if np.min(slack) <= THIN:
        return False
    for _ in range(60):
        gradient = u.copy()
        hessian = np.eye(r)
        for f in range(m):
            inverse = 1.0 / slack[f]
            for i in range(r):
                gradient[i] -= inverse * rows[f, i] / m
                for j in range(r):
                    hessian[i, j] += inverse * inverse * rows[f, i] * rows[f, j] / m
        step = solve_positive(hessian, gradient)
        decrement = 0.0
        for k in range(r):
            decrement += step[k] * gradient[k]
        # damped Newton (self-concordant): always inside and always down
        size = 1.0 / (1.0 + math.sqrt(max(decrement, 0.0) * m))
        if decrement * m < 0.05:
            size = 1.0
        for k in range(r):
            u[k] -= size * step[k]
        slack = rows @ u
        if np.min(slack) <= 0.0:
            return False
        if decrement < 1e-16:  # that step left about the square of it
            break
    # from very near a facet the steps may be lost to rounding
    miss = 0.0
    share = 0.0
    for k in range(r):
        value = -u[k]
        size = 1.0  # rows are longer than 1 for columns of unlike sizes only
        for f in range(m):
            value += rows[f, k] / slack[f] / m
            size = max(size, abs(rows[f, k]))
        miss += value * value
        share += (value / size) ** 2
    return math.sqrt(miss) < 0.1 and math.sqrt(share) < 1e-3
