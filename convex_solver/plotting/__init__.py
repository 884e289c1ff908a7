"""Pictures: a fitted network with its data, a path over weight decays."""

from convex_solver.plotting.fit import boundaries, check_plot, plot_fit, render_fit
from convex_solver.plotting.path import plot_path, render_path
from convex_solver.plotting.style import FORMATS, check_format

__all__ = [
    "FORMATS",
    "boundaries",
    "check_format",
    "check_plot",
    "plot_fit",
    "plot_path",
    "render_fit",
    "render_path",
]
