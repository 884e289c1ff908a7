"""Kernels of the walk over vertices."""

from arrangement._kernels.vertices import walk
from arrangement._kernels.vertices.walk import (
    DEPTH,
    INCREASE,
    LAST,
    STOP,
    UNDECIDED_PREFIX,
    UNDECIDED_VERTEX,
)

__all__ = [
    "DEPTH",
    "INCREASE",
    "LAST",
    "STOP",
    "UNDECIDED_PREFIX",
    "UNDECIDED_VERTEX",
    "walk",
]
