"""Pictures of networks and of runs; each takes and returns Matplotlib's axes."""

from convex_solver.plot.curves import bounds, path
from convex_solver.plot.directions import neurons
from convex_solver.plot.drawings import boundaries
from convex_solver.plot.files import FORMATS, check_format
from convex_solver.plot.fit_files import check_plot, plot_fit, render_fit
from convex_solver.plot.networks import fit
from convex_solver.plot.path_files import plot_path, render_path

__all__ = [
    "FORMATS",
    "boundaries",
    "bounds",
    "check_format",
    "check_plot",
    "fit",
    "neurons",
    "path",
    "plot_fit",
    "plot_path",
    "render_fit",
    "render_path",
]
