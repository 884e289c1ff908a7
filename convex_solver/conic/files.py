"""`write_conic`, `read_conic`: the full program as a file."""

from __future__ import annotations

import os
from pathlib import Path

from arrangement import InputError, InputTypeError
from arrangement.io import new_file
from convex_solver.conic.binary import MAGIC, read_binary, write_binary
from convex_solver.conic.cbf import read_cbf, write_cbf
from convex_solver.conic.model import ConicProgram
from convex_solver.conic.sizes import ConicSizes, check_form, sizes_with
from convex_solver.errors import ConicFileError
from convex_solver.program import ConvexProgram

_WRITERS = {".cbf": write_cbf, ".conic": write_binary}


def write_conic(
    path: str | os.PathLike[str], program: ConvexProgram, *, form: str = "dense"
) -> ConicSizes:
    """Stream the full program to a new file without ever holding it.

    Parameters
    ----------
    path : path-like
        What ends in ``.cbf`` is written in the Conic Benchmark Format, text that MOSEK
        and others read, with a digest in its last line; what ends in ``.conic`` in a
        binary form with a digest of each chunk.  An existing file is refused; the name
        appears only when all is written.
    program : ConvexProgram
    form : {"dense", "tree"}
        As in `build_conic`.  ``"tree"`` holds up to 64 bytes a chamber.

    Returns
    -------
    ConicSizes
        The sizes of `build_conic`'s program.  CBF has no quadratic cost: with one, the
        file has a variable and a second-order cone more.

    Raises
    ------
    InputError, InputTypeError
        No program, another ending, an existing file, a folder that cannot be written.
    ProgramTooLargeError
        More chambers than can be counted.

    Examples
    --------
    >>> import tempfile
    >>> program = ConvexProgram([[1.0, 2.0], [3.0, -1.0]], [1.0, 0.0], 0.1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sizes = write_conic(f"{folder}/program.cbf", program)
    ...     conic = read_conic(f"{folder}/program.cbf")
    >>> sizes.n_entries, conic.A.nnz, conic.cones[-1]
    (74, 78, ('second_order', 4))
    """
    if not isinstance(program, ConvexProgram):
        raise InputTypeError(
            f"program is {type(program).__name__}; expected a ConvexProgram, after the "
            "path."
        )
    target = Path(path)
    write = _WRITERS.get(target.suffix.lower())
    if write is None:
        raise InputError(
            f"{target} ends in {target.suffix!r}; expected .cbf (Conic Benchmark "
            "Format) or .conic (binary)."
        )
    check_form(form)
    loss = program.data_term.conic()
    sizes = sizes_with(program, loss, form)
    with new_file(target) as stream:
        write(stream, program, loss, sizes)
    return sizes


def read_conic(path: str | os.PathLike[str]) -> ConicProgram:
    """Read a file that `write_conic` wrote.

    Returns
    -------
    ConicProgram
        From ``.conic`` the very arrays of `build_conic`.  From CBF an equivalent
        program without a quadratic cost: one variable, last, and one cone, last,
        stand for it.

    Raises
    ------
    ConicFileError
        The file is missing, cut off, altered, or not one of these; the message
        says where.
    """
    target = Path(path)
    try:
        with target.open("rb") as stream:
            if stream.read(len(MAGIC)) == MAGIC:
                return read_binary(stream, target)
            stream.seek(0)
            return read_cbf(stream, target)
    except OSError as error:
        raise ConicFileError(f"cannot read {target}: {error.strerror}.") from error
