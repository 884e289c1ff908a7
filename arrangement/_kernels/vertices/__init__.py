"""Kernels of the walk over vertices."""

from arrangement._kernels.vertices import walk
from arrangement._kernels.vertices.walk import (
    CHI,
    CONTROL_SIZE,
    DEPTH,
    INCREASE,
    KNOWN,
    LAST,
    STOP,
    UNDECIDED_PREFIX,
    UNDECIDED_VERTEX,
    U,
)

__all__ = [
    "CHI",
    "CONTROL_SIZE",
    "DEPTH",
    "INCREASE",
    "KNOWN",
    "LAST",
    "STOP",
    "UNDECIDED_PREFIX",
    "UNDECIDED_VERTEX",
    "U",
    "walk",
]
