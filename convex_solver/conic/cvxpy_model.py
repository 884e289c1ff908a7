"""The full program for CVXPY."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from arrangement import InputError
from convex_solver.program import ConvexProgram, check_size, iter_batches, unit_rows
from convex_solver.reading import check_kind
from convex_solver.typing import Array


def to_cvxpy(program: ConvexProgram, *, cones: str = "facets") -> Any:
    """Return the full program as a CVXPY problem.

    Parameters
    ----------
    cones : {"facets", "rows"}
        Describe each ``K_i`` by its facets, or by all rows as the paper writes it.
    """
    check_kind(program, ConvexProgram, "program")
    import cvxpy as cp

    if cones not in ("facets", "rows"):
        raise InputError(f"cones={cones!r} is unknown; use 'facets' or 'rows'.")
    check_size(program)
    columns, sides, kept = [], [], []
    for batch in iter_batches(program):
        columns.append(batch.loss_columns())
        sides.append(batch.patterns.to_bool())
        kept.extend(batch.facets)
    P, r = sum(map(len, columns)), program.rank
    bits = np.concatenate(sides)
    if cones == "rows":
        kept = [np.arange(bits.shape[1])] * P
    # one variable for all v_i and one for all w_i: CVXPY compiles a variable a chamber
    # twenty times slower than Clarabel solves
    v, w = cp.Variable((P, r)), cp.Variable((P, r))
    masked = np.concatenate(columns).reshape(P * r, program.n).T
    prediction = masked @ cp.vec(v - w, order="C")
    cone = _cone_matrix(unit_rows(program.reduced()[0]), bits, kept)
    constraints = [cone @ cp.vec(u, order="C") >= 0 for u in (v, w)]
    loss = program.data_term.conic()
    a = cp.Variable(loss.n_variables)
    constraints.append(loss.prediction @ a - prediction == loss.offset)
    for rows, right, kinds in loss.constraints:
        constraints.extend(_in_cones(cp, right - rows @ a, kinds))
    fit = loss.linear @ a + 0.5 * (loss.quadratic @ cp.square(a)) + loss.constant
    cost = cp.sum(cp.norm(v, 2, axis=1)) + cp.sum(cp.norm(w, 2, axis=1))
    return cp.Problem(cp.Minimize(fit + program.beta * cost), constraints)


def _in_cones(cp: Any, slack: Any, kinds: list[tuple[str, int]]) -> list[Any]:
    """Constraints of CVXPY that put the slack in these cones."""
    out = []
    start = 0
    for kind, count in kinds:
        part = slack[start : start + count]
        start += count
        if kind == "zero":
            out.append(part == 0)
        elif kind == "nonnegative":
            out.append(part >= 0)
        elif kind == "second_order":
            out.append(cp.SOC(part[0], part[1:]))
        else:
            out.append(cp.ExpCone(part[0], part[1], part[2]))
    return out


def _cone_matrix(
    units: Array, bits: NDArray[np.bool_], kept: list[NDArray[np.int64]]
) -> sp.csc_matrix:
    """Rows ``s_f x_f`` of each chamber, of unit length.

    Zero rows, which are no facets but rows of the paper's formula, stay zero.
    """
    r = units.shape[1]
    flat = np.concatenate(kept)
    block = np.repeat(np.arange(len(kept)), [len(rows) for rows in kept])
    sides = np.where(bits[block, flat], 1.0, -1.0)
    columns = block[:, None] * r + np.arange(r)[None]
    rows = np.repeat(np.arange(len(flat)), r)
    return sp.csc_matrix(
        ((sides[:, None] * units[flat]).ravel(), (rows, columns.ravel())),
        shape=(len(flat), len(kept) * r),
    )
