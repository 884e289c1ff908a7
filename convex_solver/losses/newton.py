"""`NewtonTerm`: a loss inside the interior point method: curvature, residual, steps.

A Newton step makes ``dv = H dz + rho`` with a diagonal ``H``.  For a loss of the family
of `convex_solver.losses.box.BoxTerm` it is what is left when the multipliers of the
bounds of v have been eliminated, for logistic and Poisson the second derivative, with
``rho = l'(z) - v``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from convex_solver.typing import Array


class NewtonTerm(ABC):
    """What the interior point method asks of a loss; ``v`` is its gradient variable."""

    v: Array
    n_pairs: int = 0
    # whether the second-order term of a corrector may be left out far from the path
    is_quadratic: bool = False
    # whether steps of v may not be cut short sample by sample, where that is the way
    is_strict: bool = False

    @abstractmethod
    def curvature(self) -> Array:
        """H, (n,), positive."""

    @abstractmethod
    def shift(self, mu: float, correct: bool) -> Array:
        """``rho`` of ``dv = H dz + rho`` for the centring ``mu``."""

    @abstractmethod
    def residual(self) -> float:
        """Return what the residual of the equation can change in the duality gap."""

    @abstractmethod
    def complete(self, dz: Array, dv: Array) -> None:
        """Take note of the steps of z and v."""

    @abstractmethod
    def move(self, step: float, z: Array, dv: Array) -> None:
        """Go to the new point with prediction z."""

    def largest_step(self) -> float:
        """Largest step inside the inequalities of the loss: no limit without them."""
        return np.inf

    def complementarity(self, step: float) -> float:
        """Sum of the products of the inequalities after a step."""
        return 0.0


def longest_step(x: Array, dx: Array) -> float:
    """Return the largest t with ``x + t dx >= 0`` for positive x: infinity for none."""
    # two calls: there are some ten vectors each step; what is no number is no limit
    steepest = np.fmin.reduce(dx / x, initial=0.0)
    return float(-1.0 / steepest) if steepest != 0.0 else np.inf
