"""Data and options, read and checked once, at the border."""

from convex_solver.reading.arrays import (
    SUPPORTED,
    check_loss,
    digest,
    read_patches,
    read_signals,
    read_targets,
    real_array,
)
from convex_solver.reading.data import (
    Data,
    Rows,
    Scaling,
    read_data,
    read_rows,
)
from convex_solver.reading.options import (
    Limits,
    check_beta,
    check_count,
    check_tolerance,
    read_beta,
)
from convex_solver.reading.patches import extract_patches

__all__ = [
    "SUPPORTED",
    "Data",
    "Limits",
    "Rows",
    "Scaling",
    "check_beta",
    "check_count",
    "check_loss",
    "check_tolerance",
    "digest",
    "extract_patches",
    "read_beta",
    "read_data",
    "read_patches",
    "read_rows",
    "read_signals",
    "read_targets",
    "real_array",
]
