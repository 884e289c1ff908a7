"""Kernels of the solver: climbing, interior point, training."""

from convex_solver._kernels.solve import chambers, interior_point, training
from convex_solver._kernels.solve.ascent import Climbs, Kinked, ascend_all
from convex_solver._kernels.solve.interior_point import (
    Aims,
    Facets,
    Point,
    Scaling,
    Step,
)

__all__ = [
    "Aims",
    "Climbs",
    "Facets",
    "Kinked",
    "Point",
    "Scaling",
    "Step",
    "ascend_all",
    "chambers",
    "interior_point",
    "training",
]
