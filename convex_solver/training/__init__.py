"""Non-convex training of the network itself: local searches, with no proof."""

from convex_solver.training.runs import SeenPatterns, Training, train

__all__ = ["SeenPatterns", "Training", "train"]
