"""The arrays that the kernels of a covering work on, by name."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convex_solver._kernels.certify.bounded_squares import Squares


class Stack(NamedTuple):
    """Cones whose bound exceeds the goal, ``depth`` of them at most."""

    vertices: NDArray[np.float64]  # (depth, r, r)
    high: NDArray[np.float64]  # (depth, r), the gradients in two words
    low: NDArray[np.float64]
    sizes: NDArray[np.int64]  # (depth, 3)
    bounds: NDArray[np.float64]  # (depth,)


class Pool(NamedTuple):
    """The rows that cut each cone of the stack, and their values at its vertices."""

    rows: NDArray[np.int64]  # (size,)
    values: NDArray[np.float64]  # (r, size)


class Found(NamedTuple):
    """The best direction, and local maxima with their values in the last column."""

    best: NDArray[np.float64]  # (r,)
    peaks: NDArray[np.float64]  # (k, r + 1)


class Parent(NamedTuple):
    """A cone that is halved, with the new vertex last; which rows its halves keep."""

    rows: NDArray[np.int64]  # (n + 1,)
    values: NDArray[np.float64]  # (r + 1, n)
    vertices: NDArray[np.float64]  # (r + 1, r)
    gradient: NDArray[np.float64]  # (3, r): two words and their sum
    kept: NDArray[np.int64]  # (n + 1,)
    grown: NDArray[np.int64]  # (n + 1,)
    ends: NDArray[np.float64]  # (2, n)


class Lines(NamedTuple):
    """Linear bounds of a cone: values at its vertices with errors, twice, and how."""

    gradient: NDArray[np.float64]  # (r,)
    line: NDArray[np.float64]
    errors: NDArray[np.float64]
    lengths: NDArray[np.float64]
    vector: NDArray[np.float64]
    tangent: NDArray[np.float64]  # (n,)
    normals: NDArray[np.float64]  # (r, r)
    work: NDArray[np.float64]  # (r, r)
    other: NDArray[np.float64]  # (r,)
    other_errors: NDArray[np.float64]


class Scratch(NamedTuple):
    """What the kernel writes on while it bounds one cone."""

    parent: Parent
    lines: Lines
    squares: Squares
