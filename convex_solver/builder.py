"""Assemble the full program from the stream of chambers: Clarabel's form, CVXPY."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from arrangement import BudgetExceededError, count_patterns
from arrangement.errors import InputError
from convex_solver.blocks import iter_blocks
from convex_solver.conic_columns import iter_columns, right_hand_side
from convex_solver.conic_counts import ConicSizes, check_form, sizes_with, unit_rows
from convex_solver.conic_losses import conic_loss
from convex_solver.errors import ConvexSolverError, ProgramTooLargeError
from convex_solver.program import ConvexProgram

Array = NDArray[np.float64]

# Entries of the loss map that the full program may have.  Clarabel needed about 1 GB
# at 3 million, so 5 million stay within ordinary memory.
MAX_ENTRIES = 5_000_000
# Bytes of a program that is built in memory; a solver needs some twenty times as much.
MAX_BYTES = 1 << 30


@dataclass(frozen=True, eq=False)
class ConicProgram:
    """``min 1/2 x^T P x + q^T x + constant``, ``A x + s = b``, s in a product of cones.

    ``x`` holds the variables of the loss, then for each chamber the reduced blocks v_i
    and w_i, then their norm bounds, then the flows of the form "tree".

    Attributes
    ----------
    P, A : scipy.sparse.csc_matrix
        P is diagonal; its zeros are not stored.
    q, b : ndarray
    cones : list of (str, int)
        ``("zero", k)``, ``("nonnegative", k)``, ``("second_order", k)``,
        ``("exponential", 3)``, in the order of the rows of A; the exponential cone is
        the closure of ``{(x, y, z) : y > 0, y exp(x / y) <= z}``.
    n_chambers : int
    first_block, n_blocks, rank : int
        Where the blocks start in x, how many (two a chamber), their length.
    n_cone_rows : int
        Rows that describe the cones K_i.
    constant : float
        Part of the objective.
    form : {"dense", "tree"}
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
    constant: float = 0.0
    form: str = "dense"


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


def build_conic(
    program: ConvexProgram, *, form: str = "dense", max_bytes: int = MAX_BYTES
) -> ConicProgram:
    """Assemble the full program, with facets for the cones, in standard conic form.

    The arrays are made in their final size and filled block by block from the stream
    of chambers: the peak of memory is little above that of the result.

    Parameters
    ----------
    program : ConvexProgram
    form : {"dense", "tree"}
        ``"dense"``: the loss map ``D_i X`` as it is, about ``n P r`` entries.
        ``"tree"``: the same map along a spanning tree of chambers, about ``5 P r``
        entries and ``P r`` more free variables and equations (see `conic_tree`).
    max_bytes : int
        Most bytes of the result.

    Returns
    -------
    ConicProgram
        Its optimum is that of ``program``.

    Raises
    ------
    ProgramTooLargeError
        Before anything is built, with the size in bytes.

    Notes
    -----
    Pilanci & Ergen 2020, equations (8) and (19), one pair of blocks a chamber; each
    ``K_i`` by its facets.  `conic_sizes` gives the sizes alone, `write_conic` writes
    the program to a file without holding it.

    Examples
    --------
    >>> program = ConvexProgram([[1.0, 2.0], [3.0, -1.0]], [1.0, 0.0], 0.1)
    >>> conic = build_conic(program)
    >>> conic.A.shape, conic.n_blocks, conic.cones[:3]
    ((42, 26), 8, [('zero', 2), ('nonnegative', 16), ('second_order', 3)])
    """
    check_form(form)
    loss = conic_loss(program)
    sizes = sizes_with(program, loss, form)
    if sizes.n_bytes > max_bytes:
        raise _too_large(program, sizes, max_bytes)
    b = np.zeros(sizes.n_rows)
    rows, values = right_hand_side(loss, sizes)
    b[rows] = values
    q = np.zeros(sizes.n_variables)
    q[: sizes.n_loss_variables] = loss.linear
    q[sizes.first_norm : sizes.first_flow] = program.beta
    squares = np.flatnonzero(loss.quadratic)
    filler = Filler(sizes.n_rows, sizes.n_variables, sizes.n_entries, sizes.index_dtype)
    for piece in iter_columns(program, loss, sizes):
        filler.add(np.diff(piece.indptr), piece.indices, piece.data)
    return ConicProgram(
        P=diagonal(squares, loss.quadratic[squares], sizes.n_variables),
        q=q,
        A=filler.matrix(),
        b=b,
        cones=[(kind, size) for kind, size, times in sizes.cones for _ in range(times)],
        n_chambers=sizes.n_chambers,
        first_block=sizes.n_loss_variables,
        n_blocks=2 * sizes.n_chambers,
        rank=sizes.rank,
        n_cone_rows=sizes.n_cone_rows,
        constant=loss.constant,
        form=form,
    )


class Filler:
    """A sparse matrix of known size that is filled from left to right."""

    def __init__(
        self, n_rows: int, n_columns: int, n_entries: int, dtype: type[Any]
    ) -> None:
        self._shape = n_rows, n_columns
        self._data = np.empty(n_entries)
        self._indices = np.empty(n_entries, dtype=dtype)
        self._starts = np.zeros(n_columns + 1, dtype=dtype)
        self._n_columns = self._n_entries = 0

    def add(self, counts: NDArray[Any], rows: NDArray[Any], values: Array) -> None:
        """Append columns with so many entries each."""
        column, entry = self._n_columns, self._n_entries
        if (
            column + counts.size > self._shape[1]
            or entry + values.size > self._data.size
        ):
            raise ConvexSolverError(_WRONG_SIZE)
        self._starts[column + 1 : column + 1 + counts.size] = entry + np.cumsum(counts)
        self._indices[entry : entry + rows.size] = rows
        self._data[entry : entry + values.size] = values
        self._n_columns += counts.size
        self._n_entries += values.size

    def matrix(self) -> sp.csc_matrix:
        """Return the matrix once it is full; the arrays are not copied."""
        if (self._n_columns, self._n_entries) != (self._shape[1], self._data.size):
            raise ConvexSolverError(_WRONG_SIZE)
        return sp.csc_matrix(
            (self._data, self._indices, self._starts), shape=self._shape
        )


_WRONG_SIZE = (
    "the program has another size than was counted first. Please report the data."
)


def diagonal(index: NDArray[Any], values: Array, size: int) -> sp.csc_matrix:
    """Square matrix with these values at these places of its diagonal, ascending."""
    starts = np.zeros(size + 1, dtype=np.int64)
    starts[index + 1] = 1
    return sp.csc_matrix((values, index, np.cumsum(starts)), shape=(size, size))


def _too_large(
    program: ConvexProgram, sizes: ConicSizes, max_bytes: int
) -> ProgramTooLargeError:
    advice = "Write it to a file with write_conic, use fewer features or fewer rows, "
    if sizes.form == "dense":
        advice += 'take form="tree" (about 5 entries a variable, not n), '
    return ProgramTooLargeError(
        f"the program has {sizes.n_chambers:,} chambers and takes {sizes.n_bytes:,} "
        f"bytes (n = {program.n}, rank {sizes.rank}, {sizes.n_entries:,} entries); "
        f"max_bytes={max_bytes:,}. {advice}or raise max_bytes."
    )


def to_cvxpy(program: ConvexProgram, *, cones: str = "facets") -> Any:
    """Return the full program as a CVXPY problem.

    Parameters
    ----------
    cones : {"facets", "rows"}
        Describe each ``K_i`` by its facets, or by all rows as the paper writes it.
    """
    import cvxpy as cp

    if cones not in ("facets", "rows"):
        raise InputError(f"cones={cones!r} is unknown; use 'facets' or 'rows'.")
    check_size(program)
    columns, sides, kept = [], [], []
    for block in iter_blocks(program):
        columns.append(block.loss_columns())
        sides.append(block.patterns.to_bool())
        kept.extend(block.facets)
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
    loss = conic_loss(program)
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
