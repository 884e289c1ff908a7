"""The networks that come out: ReLU, linear and circular, and their files."""

from convex_solver.networks.fitting import check_fit, moved_to, scaling_of
from convex_solver.networks.json_files import (
    Fields,
    read_json,
    why_no_json,
    write_json,
)
from convex_solver.networks.linear import CircularCNN, LinearCNN
from convex_solver.networks.names import check_names, names_of, read_names
from convex_solver.networks.relu import TwoLayerReLU

__all__ = [
    "CircularCNN",
    "Fields",
    "LinearCNN",
    "TwoLayerReLU",
    "check_fit",
    "check_names",
    "moved_to",
    "names_of",
    "read_json",
    "read_names",
    "scaling_of",
    "why_no_json",
    "write_json",
]
