"""The full program in conic form: sizes, columns, files, CVXPY."""

from convex_solver.conic.build import build_conic
from convex_solver.conic.cvxpy_model import to_cvxpy
from convex_solver.conic.files import read_conic, write_conic
from convex_solver.conic.model import ConicProgram
from convex_solver.conic.sizes import ConicSizes, conic_sizes

__all__ = [
    "ConicProgram",
    "ConicSizes",
    "build_conic",
    "conic_sizes",
    "read_conic",
    "to_cvxpy",
    "write_conic",
]
