"""What the optimum is compared with: training and sampled programs."""

from convex_solver.baselines.approximations import (
    Approximation,
    alg1,
    alg2,
    alg3,
    approximate,
)
from convex_solver.baselines.training import SeenPatterns, Training, train

__all__ = [
    "Approximation",
    "SeenPatterns",
    "Training",
    "alg1",
    "alg2",
    "alg3",
    "approximate",
    "train",
]
