"""Exact sizes of the full program in conic form, before anything is built.

Chambers are counted by Zaslavsky's theorem (`arrangement.count_patterns`).  The other
numbers follow:

- a row that is no zero row is on in exactly half of the chambers (antipodes);
- a hyperplane h bounds two chambers for every chamber of the arrangement restricted to
  h, so the facets of all chambers are twice the sum of those counts;
- the spanning tree of `conic_tree` has, for the j-th hyperplane, as many edges as the
  arrangement of the hyperplanes before it, restricted to it, has chambers.

When the count of chambers reaches Cover's bound the hyperplanes are in general
position, and so are all restrictions: their counts are Cover's too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from arrangement import (
    BudgetExceededError,
    InputError,
    count_patterns,
    restricted_counts,
)
from arrangement.options import short_repr
from convex_solver.conic.tree import PlaceMap
from convex_solver.errors import ProgramTooLargeError
from convex_solver.losses import ConicLoss
from convex_solver.program import ConvexProgram, iter_batches, unit_rows
from convex_solver.reading import check_kind

FORMS = ("dense", "tree")
# restrictions visited for one count
_MAX_NODES = 10**8


@dataclass(frozen=True)
class ConicSizes:
    """Sizes of the full program in conic form, and where its parts are.

    Columns: variables of the loss, then ``v_1, w_1, v_2, ..``, their norm bounds and,
    in the form "tree", the flows.  Rows: predictions, balances of the flows ("tree"),
    facets of ``v_1, w_1, ..``, constraints of the loss, norms.

    Attributes
    ----------
    form : {"dense", "tree"}
    n_chambers, rank, n_samples : int
    n_loss_variables, n_loss_rows : int
        Variables of the loss; rows of its own constraints.
    n_cone_rows : int
        Rows that describe the cones ``K_i``, of v and of w.
    n_entries : int
        Entries stored in A.
    n_quadratic : int
        Entries stored in P.
    cones : tuple of (str, int, int)
        Kind, size and how many, in the order of the rows of A.
    """

    form: str
    n_chambers: int
    rank: int
    n_samples: int
    n_loss_variables: int
    n_loss_rows: int
    n_cone_rows: int
    n_entries: int
    n_quadratic: int
    cones: tuple[tuple[str, int, int], ...]

    __repr__ = short_repr

    @property
    def n_flows(self) -> int:
        """Variables of the spanning tree."""
        return self.n_chambers * self.rank if self.form == "tree" else 0

    @property
    def first_norm(self) -> int:
        """Column of the first norm bound."""
        return self.n_loss_variables + 2 * self.n_chambers * self.rank

    @property
    def first_flow(self) -> int:
        """Column of the first flow."""
        return self.first_norm + 2 * self.n_chambers

    @property
    def n_variables(self) -> int:
        """Columns of A."""
        return self.first_flow + self.n_flows

    @property
    def cone_row(self) -> int:
        """First row of the facets."""
        return self.n_samples + self.n_flows

    @property
    def loss_row(self) -> int:
        """First row of the constraints of the loss."""
        return self.cone_row + self.n_cone_rows

    @property
    def norm_row(self) -> int:
        """First row of the norms."""
        return self.loss_row + self.n_loss_rows

    @property
    def n_rows(self) -> int:
        """Rows of A."""
        return self.norm_row + 2 * self.n_chambers * (self.rank + 1)

    @property
    def index_dtype(self) -> type[np.signedinteger]:
        """Type of the indices of A."""
        largest = max(self.n_entries, self.n_rows, self.n_variables)
        return np.int32 if largest <= np.iinfo(np.int32).max else np.int64

    @property
    def n_bytes(self) -> int:
        """Bytes of the arrays of P, q, A and b together."""
        index = np.dtype(self.index_dtype).itemsize
        entries = (8 + index) * (self.n_entries + self.n_quadratic)
        starts = 2 * index * (self.n_variables + 1)
        return entries + starts + 8 * (self.n_variables + self.n_rows)


def conic_sizes(program: ConvexProgram, *, form: str = "dense") -> ConicSizes:
    """Return the exact sizes of the full program without listing it.

    Parameters
    ----------
    program : ConvexProgram
    form : {"dense", "tree"}
        See `build_conic`.

    Raises
    ------
    InputError
        An unknown form.
    ProgramTooLargeError
        More chambers than can be counted.

    Examples
    --------
    >>> program = ConvexProgram([[1.0, 2.0], [3.0, -1.0]], [1.0, 0.0], 0.1)
    >>> sizes = conic_sizes(program)
    >>> sizes.n_chambers, sizes.n_variables, sizes.n_rows, sizes.n_entries
    (4, 26, 42, 74)
    """
    check_kind(program, ConvexProgram, "program")
    check_form(form)
    return sizes_with(program, program.data_term.conic(), form)


def check_form(form: str) -> None:
    """Refuse an unknown form."""
    if form not in FORMS:
        raise InputError(f"form={form!r} is unknown; use one of {FORMS}.")


def sizes_with(program: ConvexProgram, loss: ConicLoss, form: str) -> ConicSizes:
    """Return the sizes with a loss in conic form."""
    arrangement = program.arrangement
    try:
        chambers = count_patterns(arrangement, max_nodes=_MAX_NODES)
        facets = restricted_counts(
            arrangement, chambers, earlier=False, max_nodes=_MAX_NODES
        )
        flows = None
        if form == "tree":
            flows = restricted_counts(
                arrangement, chambers, earlier=True, max_nodes=_MAX_NODES
            )
    except BudgetExceededError:
        raise ProgramTooLargeError(
            f"the program has too many chambers to count (n = {program.n}, rank "
            f"{program.rank}); use fewer features or fewer rows."
        ) from None
    X, _ = program.reduced()
    n_samples = program.n
    n_loss_rows = sum(rows.shape[0] for rows, _, _ in loss.constraints)
    facet_rows = arrangement.first_rows
    n_cone_rows = 4 * sum(facets)
    per_row = np.count_nonzero(unit_rows(X)[facet_rows], axis=1).tolist()
    rank = program.rank
    n_entries = loss.prediction.nnz + sum(rows.nnz for rows, _, _ in loss.constraints)
    n_entries += 4 * sum(f * k for f, k in zip(facets, per_row, strict=True))
    n_entries += 2 * chambers * (rank + 1)
    if flows is None:
        n_entries += _loss_map_entries(program, X, chambers)
    else:
        n_entries += _tree_entries(program, X, chambers, flows)
    n_zero = n_samples + (chambers * rank if form == "tree" else 0)
    own = [cone for _, _, cones in loss.constraints for cone in cones]
    cones = [("zero", n_zero, 1), ("nonnegative", n_cone_rows, 1)]
    cones += [(kind, size, 1) for kind, size in own]
    cones.append(("second_order", rank + 1, 2 * chambers))
    return ConicSizes(
        form,
        chambers,
        rank,
        n_samples,
        loss.n_variables,
        n_loss_rows,
        n_cone_rows,
        int(n_entries),
        int(np.count_nonzero(loss.quadratic)),
        tuple(cone for cone in _runs(cones) if cone[1]),
    )


def _runs(cones: list[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    out: list[tuple[str, int, int]] = []
    for kind, size, times in cones:
        if (
            out
            and out[-1][:2] == (kind, size)
            and kind in ("second_order", "exponential")
        ):
            out[-1] = (kind, size, out[-1][2] + times)
        else:
            out.append((kind, size, times))
    return out


def _loss_map_entries(
    program: ConvexProgram, X: NDArray[np.float64], chambers: int
) -> int:
    """Entries of ``D_i X`` over all chambers, of v and of w.

    With several patches a sample an entry is stored in every chamber, zero or not: how
    many are zero is not known before the listing.
    """
    n_patches = program.n_patches
    if n_patches > 1:
        return 2 * chambers * int(np.count_nonzero(support(X, n_patches)))
    # two copies, each in half of the chambers; zero rows have no entries
    return chambers * int(np.count_nonzero(X))


def support(X: NDArray[np.float64], n_patches: int) -> NDArray[np.bool_]:
    """Return where a sample has a coordinate that is not zero, (n, r)."""
    rows = (X != 0.0).reshape(len(X) // n_patches, n_patches, X.shape[1])
    out: NDArray[np.bool_] = rows.any(axis=1)
    return out


def _tree_entries(
    program: ConvexProgram, X: NDArray[np.float64], chambers: int, flows: list[int]
) -> int:
    places = PlaceMap(program.arrangement, X, program.n_patches)
    root = next(iter_batches(program, batch_size=1)).patterns.to_bool()[0]
    # v, w and both ends of every edge; the root has one end
    balance = program.rank * (2 * chambers + 2 * (chambers - 1) + 1)
    sums = sum(e * places.n_entries(k) for k, e in enumerate(flows))
    return balance + sums + places.at_root(root)[0].size
