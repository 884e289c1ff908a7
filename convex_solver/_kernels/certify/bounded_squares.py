"""Least squares with few unknowns between bounds, in few dimensions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convex_solver._kernels.compile import bare_inner


class Spare(NamedTuple):
    """Scratch of the free unknowns."""

    basis: NDArray[np.float64]  # (r + 1, r)
    upper: NDArray[np.float64]  # (r + 1, r + 1)
    move: NDArray[np.float64]  # (r + 1,)
    rest: NDArray[np.float64]  # (r,)


class Squares(NamedTuple):
    """Unknowns of a least-squares problem between bounds, and its scratch."""

    vectors: NDArray[np.float64]  # (most, r)
    upper: NDArray[np.float64]  # (most,)
    x: NDArray[np.float64]  # (most,)
    start: NDArray[np.float64]  # (r,)
    free: NDArray[np.int64]  # (r + 1,)
    spare: Spare


@bare_inner
def bounded_squares(vectors, upper, count, x, residual, start, free, spare):
    """Minimise ``|start + sum x_k vectors_k|``, ``0 <= x_k <= upper_k``, in place.

    An active set method (Stark & Parker 1995) from the given ``x``, each entry at a
    bound; at most ``r`` entries are free at once.  ``residual`` (r,) ends as the sum.
    Nothing rests on its accuracy: every feasible ``x`` gives a valid bound.
    """
    r = start.size
    work = spare.move
    gather(vectors, count, x, start, residual)
    scale = norm(residual)
    n_free = np.int64(0)
    for _ in range(4 * count + 8):
        k = most_violated(vectors, upper, count, x, residual, free, n_free, scale)
        if k < 0 or n_free == r:
            return
        free[n_free] = k
        n_free += 1
        while n_free > 0:
            solve_free(vectors, residual, free, n_free, spare)
            step = 1.0
            for t in range(n_free):
                step = min(step, room(x[free[t]], work[t], upper[free[t]]))
            kept = 0
            for t in range(n_free):
                f = free[t]
                limit = room(x[f], work[t], upper[f])
                x[f] = min(max(x[f] + step * work[t], 0.0), upper[f])
                if limit <= step and limit < 1.0:
                    x[f] = 0.0 if work[t] < 0.0 else upper[f]
                else:
                    free[kept] = f
                    kept += 1
            gather(vectors, count, x, start, residual)
            done = kept == n_free
            n_free = kept
            if done:
                break


@bare_inner
def room(value, move, upper):
    """Largest part of ``move`` that keeps ``value`` in ``[0, upper]``."""
    if move < 0.0:
        return value / -move
    if move > 0.0 and upper < np.inf:
        return (upper - value) / move
    return np.inf


@bare_inner
def norm(vector):
    """Euclidean norm."""
    total = 0.0
    for k in range(vector.size):
        total += vector[k] * vector[k]
    return np.sqrt(total)


@bare_inner
def gather(vectors, count, x, start, out):
    """Fill ``out = start + sum x_k vectors_k``."""
    for k in range(start.size):
        out[k] = start[k]
    for i in range(count):
        if x[i] != 0.0:
            for k in range(start.size):
                out[k] += x[i] * vectors[i, k]


@bare_inner
def most_violated(vectors, upper, count, x, residual, free, n_free, scale):
    """Index of the bound that most wants to move, or -1."""
    best = -1
    worst = 1e-15 * scale
    for i in range(count):
        slope = 0.0
        size = 0.0
        for k in range(residual.size):
            slope += vectors[i, k] * residual[k]
            size += vectors[i, k] * vectors[i, k]
        if size == 0.0:
            continue
        gain = 0.0
        if x[i] < upper[i] and slope < 0.0:
            gain = -slope / np.sqrt(size)
        elif x[i] > 0.0 and slope > 0.0:
            gain = slope / np.sqrt(size)
        if gain > worst:
            known = False
            for t in range(n_free):
                known = known or free[t] == i
            if not known:
                worst = gain
                best = i
    return best


@bare_inner
def solve_free(vectors, residual, free, size, spare):
    """Fill ``move`` with the steps to the least squares of the free unknowns."""
    basis, upper, move, rest = spare.basis, spare.upper, spare.move, spare.rest
    r = residual.size
    for k in range(r):
        rest[k] = -residual[k]
    for t in range(size):
        for k in range(r):
            basis[t, k] = vectors[free[t], k]
        for s in range(t + 1):
            upper[s, t] = 0.0
        for _ in range(2):  # twice is enough (Giraud et al. 2005)
            for s in range(t):
                dot = 0.0
                for k in range(r):
                    dot += basis[s, k] * basis[t, k]
                upper[s, t] += dot
                for k in range(r):
                    basis[t, k] -= dot * basis[s, k]
        length = norm(basis[t])
        upper[t, t] = length
        move[t] = 0.0
        if length == 0.0:
            continue
        for k in range(r):
            basis[t, k] /= length
            move[t] += basis[t, k] * rest[k]
        for k in range(r):
            rest[k] -= move[t] * basis[t, k]
    for t in range(size - 1, -1, -1):
        value = move[t]
        for s in range(t + 1, size):
            value -= upper[t, s] * move[s]
        move[t] = value / upper[t, t] if upper[t, t] > 0.0 else 0.0
