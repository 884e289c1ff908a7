"""Quadratic forms above the price on a leaf, in floats: no proof, but an estimate.

Moments and multipliers say which of the bounds of each row and which products of
facets to add up; what comes out is a form ``(1, u)^T Q (1, u)`` that is at least the
price everywhere on the leaf, whatever the moments are.
"""

from __future__ import annotations

import numpy as np

from convex_solver.leaves.rows import RowBounds, Rows
from convex_solver.typing import Array

# Halvings of the interval of a multiplier, on a logarithmic scale.
BISECTIONS = 60


def row_forms(rows: Rows, at: RowBounds, w: Array, shares: Array) -> Array:
    """Return forms (B, r + 1, r + 1) above ``sum w_i (x_i.u)_+`` on the leaves.

    ``w`` (B, n); ``shares`` (4, B, n), of the lower bounds, adding up to 1.
    """
    X, r = rows.X, rows.X.shape[1]
    up = np.where(rows.is_open, 0.5 * np.maximum(w, 0.0), 0.0)
    down = np.where(rows.is_open, 0.5 * np.maximum(-w, 0.0), 0.0)
    parts = np.concatenate([at.slopes, np.zeros((1, *w.shape))]) * up
    gradients = rows.gradients(at)[:, 1:]
    parts -= down * np.einsum("ikbn,kbn->ibn", gradients, shares)
    parts[1] += w * np.where(rows.is_open, 0.5, rows.level)
    forms = np.zeros((len(w), r + 1, r + 1))
    forms[:, 0, 0] = parts[0].sum(axis=1)
    forms[:, 0, 1:] = forms[:, 1:, 0] = 0.5 * (parts[1] @ X)
    inner = (X.T * parts[2][:, None, :]) @ X
    product = (X.T * parts[3][:, None, :]) @ at.policy
    forms[:, 1:, 1:] = inner + 0.5 * (product + np.swapaxes(product, 1, 2))
    return forms


def largest_on_sphere(forms: Array) -> Array:
    """Maximise ``(1, u)^T Q (1, u)`` over ``|u| = 1`` for forms (B, r + 1, r + 1).

    Infinite where a number is not finite.
    """
    try:
        values, vectors = np.linalg.eigh(forms[:, 1:, 1:])
    except np.linalg.LinAlgError:
        return np.full(len(forms), np.inf)
    along = np.einsum("bij,bi->bj", vectors, forms[:, 0, 1:])
    squares = along * along
    top = values[:, -1:]
    size = np.sqrt(squares.sum(axis=1))
    low = 1e-15 * np.maximum(size + np.abs(top[:, 0]), 1e-300)
    high = 2.0 * size + low
    for _ in range(BISECTIONS):
        middle = np.sqrt(low * high)
        slope = np.sum(squares / (top - values + middle[:, None]) ** 2, axis=1)
        high = np.where(slope < 1.0, middle, high)
        low = np.where(slope < 1.0, low, middle)
    rest = np.sum(squares / (top - values + high[:, None]), axis=1)
    largest = forms[:, 0, 0] + top[:, 0] + high + rest
    return np.where(np.isnan(largest), np.inf, largest)
