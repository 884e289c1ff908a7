"""Each loss in conic form, over variables of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from convex_solver.losses import BoxTerm, LogisticTerm, PoissonTerm
from convex_solver.program import ConvexProgram
from convex_solver.typing import Array

Constraint = tuple[sp.csc_matrix, Array, list[tuple[str, int]]]


@dataclass(frozen=True, eq=False)
class ConicLoss:
    """A loss in conic form over its own variables ``a``.

    ``prediction a - sum_i D_i X (v_i - w_i) = offset``; cost ``linear . a + 1/2 a^T
    diag (quadratic) a + constant``; further constraints (rows, right-hand side, cones):
    ``right - rows a`` in a product of cones.
    """

    n_variables: int
    prediction: sp.csc_matrix
    offset: Array
    linear: Array
    quadratic: Array
    constraints: list[Constraint]
    constant: float = 0.0


def _box(data: BoxTerm) -> ConicLoss:
    """``min e^2 / (2 k) + hi x - lo p`` with ``z - a = e + x - p``, x and p >= 0.

    A loss with a dead zone has two of these a sample, and then z is a variable too.
    """
    n = data.y.size
    pieces = data.pieces()
    m = pieces.index.size
    kinds = [
        (pieces.curvature > 0.0, 1.0, np.zeros(m), pieces.curvature),
        (np.isfinite(pieces.hi), 1.0, pieces.hi, None),
        (np.isfinite(pieces.lo), -1.0, -pieces.lo, None),
    ]
    columns, linear, quadratic, signs = [], [], [], []
    for alive, sign, cost, curvature in kinds:
        rows = np.flatnonzero(alive)
        columns.append(
            sp.csc_matrix(
                (np.full(rows.size, sign), (rows, np.arange(rows.size))),
                shape=(m, rows.size),
            )
        )
        linear.append(np.where(np.isfinite(cost[rows]), cost[rows], 0.0))
        square = np.zeros(rows.size) if curvature is None else 1.0 / curvature[rows]
        quadratic.append(square)
        signs.append(np.full(rows.size, curvature is None))
    parts = sp.hstack(columns).tocsc()
    bounded = np.flatnonzero(np.concatenate(signs))
    constraints: list[Constraint] = []
    if m == n:
        prediction, offset, first = parts, -pieces.center, 0
    else:
        first = n
        size = first + parts.shape[1]
        prediction = sp.hstack([sp.eye(n), sp.csc_matrix((n, parts.shape[1]))]).tocsc()
        offset = np.zeros(n)
        copies = sp.csc_matrix((np.ones(m), (np.arange(m), pieces.index)), shape=(m, n))
        rows = sp.hstack([copies, -parts]).tocsc()
        constraints.append((rows, pieces.center, [("zero", m)]))
        linear.insert(0, np.zeros(n))
        quadratic.insert(0, np.zeros(n))
    size = first + parts.shape[1]
    if bounded.size:
        places = (np.arange(bounded.size), first + bounded)
        rows = sp.csc_matrix(
            (-np.ones(bounded.size), places), shape=(bounded.size, size)
        )
        constraints.append(
            (rows, np.zeros(bounded.size), [("nonnegative", bounded.size)])
        )
    return ConicLoss(
        size,
        prediction,
        offset,
        np.concatenate(linear),
        np.concatenate(quadratic),
        constraints,
    )


def _logistic(data: LogisticTerm) -> ConicLoss:
    # a = (z, t, p, q): exp(-y z - t) <= p, exp(-t) <= q, p + q <= 1 is
    # t >= log(1 + exp(-y z)); exponential cone {(a, b, c): b exp(a / b) <= c}
    y = data.y
    n = y.size
    index = np.arange(n)
    one = np.ones(n)
    entries = [
        (6 * index, index, y),
        (6 * index, n + index, one),
        (6 * index + 2, 2 * n + index, -one),
        (6 * index + 3, n + index, one),
        (6 * index + 5, 3 * n + index, -one),
    ]
    rows = _sparse(entries, (6 * n, 4 * n))
    right = np.zeros(6 * n)
    right[1::3] = 1.0
    eye = sp.eye(n, format="csc")
    zero = sp.csc_matrix((n, n))
    total = sp.hstack([zero, zero, eye, eye]).tocsc()
    linear = np.concatenate([np.zeros(n), data.targets.weights, np.zeros(2 * n)])
    return ConicLoss(
        4 * n,
        sp.hstack([eye, zero, zero, zero]).tocsc(),
        np.zeros(n),
        linear,
        np.zeros(4 * n),
        [
            (total, one, [("nonnegative", n)]),
            (rows, right, [("exponential", 3)] * (2 * n)),
        ],
    )


def _poisson(data: PoissonTerm) -> ConicLoss:
    # a = (z, t): exp(z) <= t; cost c (t - y z), constant c (y log y - y)
    y, c = data.y, data.targets.weights
    n = y.size
    index = np.arange(n)
    one = np.ones(n)
    rows = _sparse(
        [(3 * index, index, -one), (3 * index + 2, n + index, -one)], (3 * n, 2 * n)
    )
    right = np.zeros(3 * n)
    right[1::3] = 1.0
    prediction = sp.hstack([sp.eye(n), sp.csc_matrix((n, n))]).tocsc()
    logs = y * np.log(np.where(y > 0.0, y, 1.0))
    return ConicLoss(
        2 * n,
        prediction,
        np.zeros(n),
        np.concatenate([-c * y, c]),
        np.zeros(2 * n),
        [(rows, right, [("exponential", 3)] * n)],
        float(c @ (logs - y)),
    )


def _sparse(
    entries: list[tuple[NDArray[np.int64], NDArray[np.int64], Array]],
    shape: tuple[int, int],
) -> sp.csc_matrix:
    """Matrix of (rows, columns, values)."""
    rows, columns, values = (
        np.concatenate([entry[k] for entry in entries]) for k in range(3)
    )
    return sp.csc_matrix((values, (rows, columns)), shape=shape)


def conic_loss(program: ConvexProgram) -> ConicLoss:
    """Return the loss of a program in conic form."""
    data = program.data_term
    if isinstance(data, BoxTerm):
        return _box(data)
    if isinstance(data, LogisticTerm):
        return _logistic(data)
    if isinstance(data, PoissonTerm):
        return _poisson(data)
    raise NotImplementedError(type(data).__name__)
