"""Kernels of the certificate: coverings and prices."""

from convex_solver._kernels.certify.arrays import (
    Found,
    Lines,
    Parent,
    Pool,
    Scratch,
    Stack,
)
from convex_solver._kernels.certify.bounded_squares import Spare, Squares
from convex_solver._kernels.certify.chamber_prices import (
    Chambers,
    Weighted,
    price_block,
)
from convex_solver._kernels.certify.covering import (
    ATOL,
    BEST,
    CONES,
    DONE,
    GOAL,
    GROW,
    HEIGHT,
    LEFT,
    MOST_CONCAVE,
    MOST_CONVEX,
    N_PEAKS,
    ORTHANT,
    RTOL,
    TOP,
    cover,
)

__all__ = [
    "ATOL",
    "BEST",
    "CONES",
    "DONE",
    "GOAL",
    "GROW",
    "HEIGHT",
    "LEFT",
    "MOST_CONCAVE",
    "MOST_CONVEX",
    "N_PEAKS",
    "ORTHANT",
    "RTOL",
    "TOP",
    "Chambers",
    "Found",
    "Lines",
    "Parent",
    "Pool",
    "Scratch",
    "Spare",
    "Squares",
    "Stack",
    "Weighted",
    "cover",
    "price_block",
]
