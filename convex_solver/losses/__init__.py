"""The losses: value, gradient, conjugate, exact bounds, conic form, steps."""

from convex_solver.losses.conic_form import ConicLoss
from convex_solver.losses.loss import LOSSES, Loss, get_loss
from convex_solver.losses.newton import NewtonTerm, longest_step
from convex_solver.losses.terms import DataTerm

__all__ = [
    "LOSSES",
    "ConicLoss",
    "DataTerm",
    "Loss",
    "NewtonTerm",
    "get_loss",
    "longest_step",
]
