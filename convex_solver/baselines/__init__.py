"""What the optimum is compared with: programs over some patterns only."""

from convex_solver.baselines.approximations import (
    Approximation,
    alg1,
    alg2,
    alg3,
    approximate,
)

__all__ = [
    "Approximation",
    "alg1",
    "alg2",
    "alg3",
    "approximate",
]
