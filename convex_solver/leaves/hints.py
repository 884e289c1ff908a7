"""What a solver says of a leaf: no more than which form to take for its bound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arrangement import InputTypeError
from convex_solver.leaves.cone import symmetric
from convex_solver.leaves.leaf import Leaf
from convex_solver.typing import Array


@dataclass(frozen=True, eq=False)
class Hint:
    """Moments and multipliers of one leaf, for neurons of one sign.

    Any of them give a form above the price on the leaf for any v, so that nobody has
    to believe a hint; good ones give a low form.

    Attributes
    ----------
    leaf : Leaf
    sign : float
        1.0 or -1.0, of the alphas: the price is that of ``-sign v``.
    m, M : ndarray, shapes (r,) and (r, r)
        Moments, of any size.
    shares : ndarray, shape (4, n)
        Of the lower bounds of `convex_solver.leaves.rows.RowBounds` in each row, not
        negative; those of a row add up to 1, or to something else.
    multipliers : ndarray, shape (k,)
        Of the inequalities of `convex_solver.leaves.facets.Facets`, as shares of
        ``price``.
    softness, facet_softness : float
        Of the norms, of rows and of facets.  ``softness`` may be one for each row.
    price : float
        The price that the multipliers belong to, such as beta.
    """

    leaf: Leaf
    sign: float
    m: Array
    M: Array
    shares: Array
    multipliers: Array
    softness: float | Array
    facet_softness: float
    price: float

    def __post_init__(self) -> None:
        """Lock the arrays: what was proven with a hint stays true."""
        for value in vars(self).values():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)

    def mapped(self, basis: Array, known: dict[bytes, Array]) -> Hint:
        """Return the hint in other coordinates: ``u`` is ``basis w``, basis (r, k)."""
        return replace(
            self,
            leaf=self.leaf.mapped(basis, known),
            m=self.m @ basis,
            M=symmetric(basis.T @ self.M @ basis),
        )

    def for_rows(self, source: NDArray[np.int64], scale: Array, price: float) -> Hint:
        """Return the hint for rows that are ``scale`` times those of ``source``."""
        return replace(
            self,
            shares=self.shares[:, source],
            softness=self.softness * scale,
            price=price,
        )


def read_hints(leaves: Any) -> tuple[Hint, ...]:
    """Return the hints that a caller gives.

    Raises
    ------
    InputTypeError
        They are no sequence of `Hint`.
    """
    is_sequence = isinstance(leaves, Sequence)
    wrong = (
        [hint for hint in leaves if not isinstance(hint, Hint)] if is_sequence else ()
    )
    if not is_sequence or wrong:
        found = type(leaves).__name__ + (f" with {wrong[0]!r:.40}" if wrong else "")
        raise InputTypeError(
            f"leaves is {found}; expected a sequence of Hint, such as the leaves of a "
            "certificate. Leave it out to have the price bounded without them."
        )
    return tuple(leaves)
