"""Stream the program chamber by chamber."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from arrangement import BudgetExceededError, PatternSet, count_patterns, iter_patterns
from arrangement.options import short_repr
from convex_solver.errors import ProgramTooLargeError
from convex_solver.program.program import ConvexProgram
from convex_solver.reading import check_kind
from convex_solver.rounding import lengths
from convex_solver.typing import Array


@dataclass(frozen=True, eq=False)
class ProgramBatch:
    """Some chambers of the program.

    Attributes
    ----------
    patterns : PatternSet
    facets : list of ndarray, int64
        For each chamber the input rows that bound its cone: ``(2 bit - 1) x_f . u >=
        0`` over these rows describes ``K_i``.  The first row of each parallel class
        stands for it; zero rows are never facets.
    X : ndarray, shape (n K, r), float64
        Rows of the program in reduced coordinates, ``X V``; not a copy.
    n_patches : int
        Rows a sample, K; row ``i K + k`` is patch k of sample i.
    """

    patterns: PatternSet
    facets: list[NDArray[np.int64]]
    X: Array = field(repr=False)
    n_patches: int = 1

    __repr__ = short_repr

    def loss_columns(self) -> Array:
        """Return the columns of the loss map that belong to these chambers.

        Returns
        -------
        ndarray, shape (P, r, n), float64, C-contiguous
            Row ``[p, k]`` is column k of ``D_p X V``, patches of a sample added up:
            what coordinate k of ``v_p`` adds to the predictions.  A new array of
            ``8 n r`` bytes a chamber: take smaller batches where n is large.

        Examples
        --------
        >>> program = ConvexProgram([[1.0, 2.0], [3.0, -1.0]], [1.0, 0.0], 0.1)
        >>> batch = next(iter_batches(program, batch_size=1))
        >>> batch.patterns.to_bool()[0].tolist(), batch.loss_columns()[0].tolist()
        ([True, True], [[1.0, 3.0], [2.0, -1.0]])
        """
        bits = self.patterns.to_bool()
        masked = np.multiply(bits[:, None, :], np.ascontiguousarray(self.X.T))
        if self.n_patches > 1:
            p, r, rows = masked.shape
            shape = (p, r, rows // self.n_patches, self.n_patches)
            masked = masked.reshape(shape).sum(axis=3)
        out: Array = masked
        return out


def iter_batches(
    program: ConvexProgram, *, batch_size: int = 4096
) -> Iterator[ProgramBatch]:
    """Yield the program chamber by chamber, ``batch_size`` at a time.

    Nothing but one batch and the enumerator's stack is held in memory.

    Yields
    ------
    ProgramBatch
        In the order of ``iter_patterns(program.arrangement, facets=True)``.

    Examples
    --------
    >>> program = ConvexProgram([[1.0, 2.0], [3.0, -1.0]], [1.0, 0.0], 0.1)
    >>> [len(batch.facets) for batch in iter_batches(program, batch_size=3)]
    [3, 1]
    """
    check_kind(program, ConvexProgram, "program")
    X, _ = program.reduced()
    n_patches = program.n_patches
    for patterns in iter_patterns(
        program.arrangement, block_size=batch_size, facets=True
    ):
        yield ProgramBatch(patterns, patterns.facets(), X, n_patches)


# Entries of the loss map that the full program may have.  Clarabel needed about 1 GB
# at 3 million, so 5 million stay within ordinary memory.
MAX_ENTRIES = 5_000_000


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


def unit_rows(X: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale rows to unit length: the cones are the same, a solver is better off."""
    sizes = lengths(X)
    out: NDArray[np.float64] = X / np.where(sizes > 0.0, sizes, 1.0)[:, None]
    return out
