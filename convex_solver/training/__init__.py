"""Non-convex training of the network itself: local searches, with no proof."""

from convex_solver.training.runs import SeenPatterns, Training, train
from convex_solver.training.slides import Slide

__all__ = ["SeenPatterns", "Slide", "Training", "train"]
