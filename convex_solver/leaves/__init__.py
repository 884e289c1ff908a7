"""Relaxations of the price in any dimension: moments instead of directions.

A direction ``u`` of the sphere is replaced by its moments ``(m, M)``, which range over
all ``[[1, m^T], [m, M]] >= 0`` (positive semidefinite) with ``tr M = 1``.  A neuron's
output ``(x.u)_+`` on a row is then bounded by functions of ``m``, ``M`` and ``x``
alone, and what was a search over exponentially many chambers is a small concave
problem.
"""

from convex_solver.leaves.cone import cone_ratio, curvature, joined, pull_back
from convex_solver.leaves.packing import Packing
from convex_solver.leaves.price import MOST_RANK, largest_moments
from convex_solver.leaves.rows import Spread, add_curvature, form_price, spread

__all__ = [
    "MOST_RANK",
    "Packing",
    "Spread",
    "add_curvature",
    "cone_ratio",
    "curvature",
    "form_price",
    "joined",
    "largest_moments",
    "pull_back",
    "spread",
]
