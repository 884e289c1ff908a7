"""Kernels of the walk along a tree of adjacent chambers."""

from arrangement._kernels.tree import moves, walk_floats, walk_ints
from arrangement._kernels.tree.points import unscale
from arrangement._kernels.tree.visit import visit_all, visit_along

__all__ = ["moves", "unscale", "visit_all", "visit_along", "walk_floats", "walk_ints"]
