"""Assemble the full program from the stream of chambers: Clarabel's form, CVXPY."""

from __future__ import annotations

import numpy as np

from arrangement.options import whole_number
from convex_solver.conic.columns import iter_columns, right_hand_side
from convex_solver.conic.model import ConicProgram, Filler, diagonal
from convex_solver.conic.sizes import ConicSizes, check_form, sizes_with
from convex_solver.errors import ProgramTooLargeError
from convex_solver.program import ConvexProgram
from convex_solver.reading import check_kind

# Bytes of a program that is built in memory; a solver needs some twenty times as much.
MAX_BYTES = 1 << 30


def build_conic(
    program: ConvexProgram, *, form: str = "dense", max_bytes: int = MAX_BYTES
) -> ConicProgram:
    """Assemble the full program, with facets for the cones, in standard conic form.

    The arrays are made in their final size and filled batch by batch from the stream
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
    check_kind(program, ConvexProgram, "program")
    max_bytes = whole_number(max_bytes, "max_bytes", 0)
    check_form(form)
    loss = program.data_term.conic()
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
        rank=sizes.rank,
        n_cone_rows=sizes.n_cone_rows,
        constant=loss.constant,
        form=form,
    )


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
