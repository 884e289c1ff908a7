"""Kernels of the solver: climbing, interior point, training."""

from convex_solver._kernels.solve import chambers, interior_point, training
from convex_solver._kernels.solve.ascent import ascend_all

__all__ = ["ascend_all", "chambers", "interior_point", "training"]
