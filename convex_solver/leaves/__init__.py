"""Relaxations of the price in any dimension: moments instead of directions.

A direction ``u`` of the sphere is replaced by its moments ``(m, M)``, which range over
all ``[[1, m^T], [m, M]] >= 0`` (positive semidefinite) with ``tr M = 1``.  A neuron's
output ``(x.u)_+`` on a row is then bounded by functions of ``m``, ``M`` and ``x``
alone, and what was a search over exponentially many chambers is a small concave
problem.  The sphere is halved into leaves, on each of which the bounds are tighter.
"""

from convex_solver.leaves.dual_point import DualPoint
from convex_solver.leaves.facets import Facets
from convex_solver.leaves.hints import Hint, read_hints
from convex_solver.leaves.leaf import Leaf, covers
from convex_solver.leaves.packing import Packing
from convex_solver.leaves.point import Moments, Point
from convex_solver.leaves.price import MOST_RANK, PricePoint, largest_moments
from convex_solver.leaves.rows import RowBounds, Rows

__all__ = [
    "MOST_RANK",
    "DualPoint",
    "Facets",
    "Hint",
    "Leaf",
    "Moments",
    "Packing",
    "Point",
    "PricePoint",
    "RowBounds",
    "Rows",
    "covers",
    "largest_moments",
    "read_hints",
]
