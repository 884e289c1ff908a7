"""The largest price from its definition: stationary points on every face."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arrangement import enumerate_patterns


def stationary_points(X: Any, v: Any) -> NDArray[np.float64]:
    """Points ``u`` among which ``|v^T (X u)_+|``, ``|u| <= 1``, has its maximum.

    The function is linear on a chamber, ``g . u``; its maximum over a ball is at the
    projection of ``g`` on the flat of the rows that hold it back.
    """
    X, v = np.array(X, float), np.array(v, float)
    d = X.shape[1]
    scale = np.linalg.norm(X, axis=1)
    rows = [i for i in range(len(X)) if scale[i] > 0.0]
    unit = X / np.where(scale > 0.0, scale, 1.0)[:, None]
    bases = [np.eye(d)]
    for size in range(1, d):
        for chosen in combinations(rows, size):
            _, values, right = np.linalg.svd(unit[list(chosen)])
            kept = int(np.sum(values > 1e-9))
            bases.append(right[kept:].T)
    points = []
    for bits in enumerate_patterns(X).to_bool():
        gradient = X.T @ (bits * v)
        for basis in bases:
            point = basis @ (basis.T @ gradient)
            length = np.linalg.norm(point)
            if length > 0.0:
                points += [point / length, -point / length]
    return np.array(points).reshape(-1, d)


def largest_price(X: Any, v: Any) -> float:
    """Largest ``|v^T (X u)_+|`` over those points, in floats."""
    points = stationary_points(X, v)
    hidden = np.maximum(np.array(X, float) @ points.T, 0.0)
    return float(np.abs(np.array(v, float) @ hidden).max(initial=0.0))


def holds_exactly(bound: float, X: Any, v: Any, points: Any) -> bool:
    """Whether ``|v^T (X u)_+| <= bound |u|`` at every point, in fractions."""
    rows = [[Fraction(x) for x in row] for row in X]
    weights = [Fraction(x) for x in v]
    for point in points:
        u = [Fraction(x) for x in np.array(point, float).tolist()]
        total = Fraction(0)
        for row, weight in zip(rows, weights, strict=True):
            inner = sum((a * b for a, b in zip(row, u, strict=True)), Fraction(0))
            total += weight * max(inner, Fraction(0))
        if total**2 > Fraction(bound) ** 2 * sum(x * x for x in u):
            return False
    return True
