"""Each loss in conic form, over variables of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from convex_solver.program import ConvexProgram

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ConicLoss:
    """A loss in conic form over its own variables ``a``.

    ``prediction a - sum_i D_i X (v_i - w_i) = offset``; cost ``linear . a + 1/2 a^T
    diag (quadratic) a``; further constraints (rows, right-hand side, cones).
    """

    n_variables: int
    prediction: sp.csc_matrix
    offset: Array
    linear: Array
    quadratic: Array
    constraints: list[tuple[sp.csc_matrix, Array, list[tuple[str, int]]]]


def _squared(y: Array) -> ConicLoss:
    # a = residual z - y, so that the cost is 1/2 |a|^2 without a large constant
    n = y.size
    return ConicLoss(n, sp.eye(n, format="csc"), -y.copy(), np.zeros(n), np.ones(n), [])


def _hinge(y: Array) -> ConicLoss:
    # a = (z, h); h >= 0, h >= 1 - y z
    n = y.size
    eye = sp.eye(n, format="csc")
    rows = sp.vstack(
        [
            sp.hstack([sp.csc_matrix((n, n)), -eye]),
            sp.hstack([sp.diags(-y), -eye]),
        ]
    ).tocsc()
    right = np.concatenate([np.zeros(n), -np.ones(n)])
    linear = np.concatenate([np.zeros(n), np.ones(n)])
    prediction = sp.hstack([eye, sp.csc_matrix((n, n))]).tocsc()
    return ConicLoss(
        2 * n,
        prediction,
        np.zeros(n),
        linear,
        np.zeros(2 * n),
        [(rows, right, [("nonnegative", 2 * n)])],
    )


def _logistic(y: Array) -> ConicLoss:
    # a = (z, t, p, q): exp(-y z - t) <= p, exp(-t) <= q, p + q <= 1 is
    # t >= log(1 + exp(-y z)); exponential cone {(a, b, c): b exp(a / b) <= c}
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
    rows = sp.csc_matrix(
        (
            np.concatenate([e[2] for e in entries]),
            (
                np.concatenate([e[0] for e in entries]),
                np.concatenate([e[1] for e in entries]),
            ),
        ),
        shape=(6 * n, 4 * n),
    )
    right = np.zeros(6 * n)
    right[1::3] = 1.0
    eye = sp.eye(n, format="csc")
    zero = sp.csc_matrix((n, n))
    total = sp.hstack([zero, zero, eye, eye]).tocsc()
    linear = np.concatenate([np.zeros(n), one, np.zeros(2 * n)])
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


_FORMS = {
    "squared": _squared,
    "hinge": _hinge,
    "logistic": _logistic,
}


def conic_loss(program: ConvexProgram) -> ConicLoss:
    """Return the loss of a program in conic form."""
    return _FORMS[program.loss.name](program.y)
