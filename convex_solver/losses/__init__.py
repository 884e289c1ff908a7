"""The losses: values, gradients, conjugates and exact bounds."""

from convex_solver.losses.box import BoxTerm
from convex_solver.losses.logarithmic import LogisticTerm, PoissonTerm
from convex_solver.losses.loss import LOSSES, Loss, get_loss
from convex_solver.losses.terms import DataTerm

__all__ = [
    "LOSSES",
    "BoxTerm",
    "DataTerm",
    "LogisticTerm",
    "Loss",
    "PoissonTerm",
    "get_loss",
]
