"""Data and options, read and checked once, at the border."""

from convex_solver.reading.arrays import (
    SUPPORTED,
    check_loss,
    read_candidate,
    read_patches,
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
    LEAST_SECONDS,
    MAX_CONES,
    TOL,
    Limits,
    check_kind,
    deadline_after,
    fits,
    part_of_time,
    read_beta,
    read_cones,
    read_number,
    read_seconds,
    read_tolerance,
)
from convex_solver.reading.patches import extract_patches
from convex_solver.reading.signals import (
    Samples,
    read_patch_samples,
    read_signal_samples,
)

__all__ = [
    "LEAST_SECONDS",
    "MAX_CONES",
    "SUPPORTED",
    "TOL",
    "Data",
    "Limits",
    "Rows",
    "Samples",
    "Scaling",
    "check_kind",
    "check_loss",
    "deadline_after",
    "extract_patches",
    "fits",
    "part_of_time",
    "read_beta",
    "read_candidate",
    "read_cones",
    "read_data",
    "read_number",
    "read_patch_samples",
    "read_patches",
    "read_rows",
    "read_seconds",
    "read_signal_samples",
    "read_tolerance",
    "real_array",
]
