"""Assemble the full program from the stream of chambers: Clarabel's form, CVXPY."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from arrangement import BudgetExceededError, count_patterns
from convex_solver.blocks import iter_blocks
from convex_solver.conic_losses import conic_loss
from convex_solver.errors import InputError, ProgramTooLargeError
from convex_solver.program import ConvexProgram

Array = NDArray[np.float64]

# Entries of the loss map that the full program may have.  Clarabel needed about 1 GB
# at 3 million, so 5 million stay within ordinary memory.
MAX_ENTRIES = 5_000_000


@dataclass(frozen=True, eq=False)
class ConicProgram:
    """``min 1/2 x^T P x + q^T x`` subject to ``A x + s = b``, s in a product of cones.

    ``x`` holds the prediction-side variables of the loss, then for each chamber the
    reduced blocks v_i and w_i, then their norm bounds.

    Attributes
    ----------
    P, A : scipy.sparse.csc_matrix
    q, b : ndarray
    cones : list of (str, int)
        ``("zero", k)``, ``("nonnegative", k)``, ``("second_order", k)``,
        ``("exponential", 3)``, in the order of the rows of A.
    n_chambers : int
    first_block, n_blocks, rank : int
        Where the blocks start in x, how many (two a chamber), their length.
    n_cone_rows : int
        Rows that describe the cones K_i.
    """

    P: sp.csc_matrix
    q: Array
    A: sp.csc_matrix
    b: Array
    cones: list[tuple[str, int]]
    n_chambers: int
    first_block: int
    n_blocks: int
    rank: int
    n_cone_rows: int


def check_size(program: ConvexProgram, max_entries: int = MAX_ENTRIES) -> int:
    """Return the number of chambers, or refuse a program that is too large.

    Raises
    ------
    ProgramTooLargeError
        With the size and what to do instead.
    """
    per_chamber = program.n * max(program.rank, 1)
    most = max(max_entries // per_chamber, 1)
    advice = (
        f"The full program is solved up to {most} chambers at n = {program.n}, rank "
        f"{program.rank}. Use fewer features or fewer rows."
    )
    try:
        chambers = count_patterns(program.arrangement, max_nodes=10**7)
    except BudgetExceededError:
        raise ProgramTooLargeError(
            f"the program has too many chambers to count (n = {program.n}, rank "
            f"{program.rank}). {advice}"
        ) from None
    if chambers > most:
        size = 2 * chambers * program.rank
        raise ProgramTooLargeError(
            f"the program has {chambers:,} chambers ({size:,} variables in cones). "
            + advice
        )
    return chambers


def _chambers(
    program: ConvexProgram,
) -> tuple[NDArray[np.bool_], list[NDArray[np.int64]]]:
    patterns, facets = [], []
    for block in iter_blocks(program):
        patterns.append(block.patterns.to_bool())
        facets.extend(block.facets)
    return np.concatenate(patterns), facets


def build_conic(
    program: ConvexProgram, *, max_entries: int = MAX_ENTRIES
) -> ConicProgram:
    """Assemble the full program, with facets for the cones, in standard conic form.

    Raises
    ------
    ProgramTooLargeError
        Before anything is built, with the size.
    """
    check_size(program, max_entries)
    bits, facets = _chambers(program)
    return assemble(program, bits, facets)


def assemble(
    program: ConvexProgram,
    bits: NDArray[np.bool_],
    facets: list[NDArray[np.int64]],
) -> ConicProgram:
    """Assemble the program of some chambers: ``bits`` (P, n), their facet rows."""
    X, _ = program.reduced()
    n, r = X.shape
    n_blocks = 2 * len(bits)
    loss = conic_loss(program)
    first = loss.n_variables
    n_x = first + n_blocks * (r + 1)
    # prediction rows: z = sum_i D_i X (v_i - w_i)
    masked = bits[:, :, None] * X[None]
    signed = np.stack([masked, -masked], axis=1).reshape(n_blocks, n, r)
    loss_map = sp.csc_matrix(signed.transpose(1, 0, 2).reshape(n, n_blocks * r))
    norms = sp.csc_matrix((n, n_blocks))
    equality = sp.hstack([loss.prediction, -loss_map, norms])
    parts = [equality]
    rhs = [loss.offset]
    cones: list[tuple[str, int]] = [("zero", n)]
    cone_rows = _cone_matrix(X, bits, facets, copies=2)
    n_cone_rows = cone_rows.shape[0]
    parts.append(
        sp.hstack(
            [
                sp.csc_matrix((n_cone_rows, first)),
                -cone_rows,
                sp.csc_matrix((n_cone_rows, n_blocks)),
            ]
        )
    )
    rhs.append(np.zeros(n_cone_rows))
    cones.append(("nonnegative", n_cone_rows))
    for rows, right, extra in loss.constraints:
        parts.append(sp.hstack([rows, sp.csc_matrix((rows.shape[0], n_x - first))]))
        rhs.append(right)
        cones.extend(extra)
    parts.append(_norm_matrix(first, n_blocks, r))
    rhs.append(np.zeros(n_blocks * (r + 1)))
    cones.extend([("second_order", r + 1)] * n_blocks)
    q = np.zeros(n_x)
    q[:first] = loss.linear
    q[first + n_blocks * r :] = program.beta
    quadratic = np.zeros(n_x)
    quadratic[:first] = loss.quadratic
    return ConicProgram(
        P=sp.diags(quadratic).tocsc(),
        q=q,
        A=sp.vstack(parts).tocsc(),
        b=np.concatenate(rhs),
        cones=[cone for cone in cones if cone[1]],
        n_chambers=len(bits),
        first_block=first,
        n_blocks=n_blocks,
        rank=r,
        n_cone_rows=n_cone_rows,
    )


def _cone_matrix(
    X: Array,
    bits: NDArray[np.bool_],
    facets: Sequence[NDArray[np.int64]],
    copies: int,
) -> sp.csc_matrix:
    """Rows ``s_f x_f`` of the facets of each chamber, ``copies`` times in a row.

    Rows are scaled to unit length: the cones are the same, the solver better off.
    Zero rows, which are no facets but rows of the paper's formula, stay zero.
    """
    r = X.shape[1]
    n_blocks = copies * len(facets)
    counts = np.repeat([len(f) for f in facets], copies)
    flat = np.concatenate([f for f in facets for _ in range(copies)])
    block = np.repeat(np.arange(n_blocks), counts)
    sides = np.where(bits[block // copies, flat], 1.0, -1.0)
    lengths = np.linalg.norm(X, axis=1)
    units = X / np.where(lengths > 0.0, lengths, 1.0)[:, None]
    values = sides[:, None] * units[flat]
    columns = block[:, None] * r + np.arange(r)[None]
    rows = np.repeat(np.arange(len(flat)), r)
    return sp.csc_matrix(
        (values.ravel(), (rows, columns.ravel())), shape=(len(flat), n_blocks * r)
    )


def _norm_matrix(first: int, n_blocks: int, r: int) -> sp.csc_matrix:
    """Rows ``(t_k, u_k)`` in a second-order cone for each block."""
    block = np.arange(n_blocks)
    top_rows = block * (r + 1)
    rows = (top_rows[:, None] + 1 + np.arange(r)[None]).ravel()
    columns = first + np.arange(n_blocks * r)
    return sp.csc_matrix(
        (
            -np.ones(n_blocks * (r + 1)),
            (
                np.concatenate([top_rows, rows]),
                np.concatenate([first + n_blocks * r + block, columns]),
            ),
        ),
        shape=(n_blocks * (r + 1), first + n_blocks * (r + 1)),
    )


def to_cvxpy(program: ConvexProgram, *, cones: str = "facets") -> Any:
    """Return the full program as a CVXPY problem.

    Parameters
    ----------
    cones : {"facets", "rows"}
        Describe each ``K_i`` by its facets, or by all n rows as the paper writes it.
    """
    import cvxpy as cp

    if cones not in ("facets", "rows"):
        raise InputError(f"cones={cones!r} is unknown; use 'facets' or 'rows'.")
    check_size(program)
    bits, facets = _chambers(program)
    X = program.X
    # one variable for all v_i and one for all w_i: CVXPY compiles a variable a chamber
    # twenty times slower than Clarabel solves
    v, w = cp.Variable((len(bits), program.d)), cp.Variable((len(bits), program.d))
    masked = (bits[:, :, None] * X[None]).transpose(1, 0, 2).reshape(program.n, -1)
    prediction = masked @ cp.vec(v - w, order="C")
    kept = facets if cones == "facets" else [np.arange(program.n)] * len(bits)
    cone = _cone_matrix(X, bits, kept, copies=1)
    constraints = [cone @ cp.vec(u, order="C") >= 0 for u in (v, w)]
    cost = cp.sum(cp.norm(v, 2, axis=1)) + cp.sum(cp.norm(w, 2, axis=1))
    if program.loss.name == "squared":
        fit = 0.5 * cp.sum_squares(prediction - program.y)
    elif program.loss.name == "hinge":
        fit = cp.sum(cp.pos(1 - cp.multiply(program.y, prediction)))
    else:
        fit = cp.sum(cp.logistic(-cp.multiply(program.y, prediction)))
    return cp.Problem(cp.Minimize(fit + program.beta * cost), constraints)
