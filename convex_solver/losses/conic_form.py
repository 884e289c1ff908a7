"""`ConicLoss`: a loss in conic form, over variables of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

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


def sparse_matrix(
    entries: list[tuple[NDArray[np.int64], NDArray[np.int64], Array]],
    shape: tuple[int, int],
) -> sp.csc_matrix:
    """Matrix of (rows, columns, values)."""
    rows, columns, values = (
        np.concatenate([entry[k] for entry in entries]) for k in range(3)
    )
    return sp.csc_matrix((values, (rows, columns)), shape=shape)
