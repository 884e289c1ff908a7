"""What a solver says of a leaf: no more than which form to take for its bound."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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
    mu : float
        The barrier parameter of those moments, as a share of ``price``.
    multipliers : ndarray, shape (k,)
        Of the inequalities of `convex_solver.leaves.facets.Facets`, as shares of it.
    price : float
        The price that mu and the multipliers belong to, such as beta.
    """

    leaf: Leaf
    sign: float
    m: Array
    M: Array
    mu: float
    multipliers: Array
    price: float

    def mapped(self, basis: Array, price: float, known: dict[bytes, Array]) -> Hint:
        """Return the hint in other coordinates: ``u`` is ``basis w``, basis (r, k)."""
        return Hint(
            self.leaf.mapped(basis, known),
            self.sign,
            self.m @ basis,
            np.asarray(basis.T @ self.M @ basis),
            self.mu,
            self.multipliers,
            price,
        )
