"""Kernels of the walk over vertices."""

from arrangement._kernels.vertices import sample, walk
from arrangement._kernels.vertices.lines import U
from arrangement._kernels.vertices.walk import CHI, KNOWN

__all__ = ["CHI", "KNOWN", "U", "sample", "walk"]
