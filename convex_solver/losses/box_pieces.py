"""A piecewise linear and quadratic loss as a sum of pieces without dead zones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from convex_solver.losses.conic_form import ConicLoss, Constraint
from convex_solver.typing import Array


@dataclass(frozen=True, eq=False)
class Pieces:
    """``max over lo <= v <= hi of v (f - center) - curvature v^2 / 2``, added up.

    ``index`` says to which sample each piece belongs; all arrays are (m,).
    """

    index: NDArray[np.int64]
    center: Array
    curvature: Array
    lo: Array
    hi: Array

    def conic(self, n: int) -> ConicLoss:
        """``min e^2 / (2 k) + hi x - lo p`` with ``z - a = e + x - p``, x and p >= 0.

        A loss with a dead zone has two of these a sample, and then z is a variable too.
        """
        m = self.index.size
        parts, linear, quadratic, bounded = self._parts()
        constraints: list[Constraint] = []
        prediction, offset, first = parts, -self.center, 0
        if m != n:
            first = n
            prediction = sp.hstack([sp.eye(n), sp.csc_matrix((n, parts.shape[1]))])
            prediction, offset = prediction.tocsc(), np.zeros(n)
            places = (np.arange(m), self.index)
            copies = sp.csc_matrix((np.ones(m), places), shape=(m, n))
            rows = sp.hstack([copies, -parts]).tocsc()
            constraints.append((rows, self.center, [("zero", m)]))
            linear = np.concatenate([np.zeros(n), linear])
            quadratic = np.concatenate([np.zeros(n), quadratic])
        size, count = linear.size, bounded.size
        if count:
            places = (np.arange(count), first + bounded)
            rows = sp.csc_matrix((-np.ones(count), places), shape=(count, size))
            constraints.append((rows, np.zeros(count), [("nonnegative", count)]))
        return ConicLoss(size, prediction, offset, linear, quadratic, constraints)

    def _parts(self) -> tuple[sp.csc_matrix, Array, Array, NDArray[np.int64]]:
        """Columns of e, x and p, their costs and squares, which are at least 0."""
        m = self.index.size
        kinds = [
            (self.curvature > 0.0, 1.0, np.zeros(m), self.curvature),
            (np.isfinite(self.hi), 1.0, self.hi, None),
            (np.isfinite(self.lo), -1.0, -self.lo, None),
        ]
        columns, linear, quadratic, signs = [], [], [], []
        for alive, sign, cost, curvature in kinds:
            rows = np.flatnonzero(alive)
            k = rows.size
            columns.append(
                sp.csc_matrix((np.full(k, sign), (rows, np.arange(k))), shape=(m, k))
            )
            linear.append(np.where(np.isfinite(cost[rows]), cost[rows], 0.0))
            quadratic.append(np.zeros(k) if curvature is None else 1 / curvature[rows])
            signs.append(np.full(k, curvature is None))
        return (
            sp.hstack(columns).tocsc(),
            np.concatenate(linear),
            np.concatenate(quadratic),
            np.flatnonzero(np.concatenate(signs)),
        )
