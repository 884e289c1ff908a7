"""`ConicProgram`: the full program in standard conic form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from convex_solver.errors import ConvexSolverError
from convex_solver.typing import Array


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
    first_block, rank : int
        Where the blocks start in x, and their length.
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
    rank: int
    n_cone_rows: int
    constant: float = 0.0
    form: str = "dense"

    def __repr__(self) -> str:
        """Return the sizes, on one line."""
        return (
            f"ConicProgram({self.q.size:,} variables; {self.b.size:,} rows; "
            f"{self.A.nnz:,} entries; {self.n_chambers:,} chambers; form={self.form!r})"
        )

    @property
    def n_blocks(self) -> int:
        """Number of blocks, two a chamber."""
        return 2 * self.n_chambers


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
