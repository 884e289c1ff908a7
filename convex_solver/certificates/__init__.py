"""Bounds that a stranger can recompute; nothing here knows the solver."""

from convex_solver.certificates.covering import cover_sphere
from convex_solver.certificates.dependencies import (
    CNNInfeasibility,
    Dependency,
    Redundancy,
    certify_infeasible_cnn,
    combination,
)
from convex_solver.certificates.interpolation import (
    InterpolationCertificate,
    certify_interpolation,
    plain_rows,
)
from convex_solver.certificates.linear_cnn import (
    CNNCertificate,
    certify_circular_cnn,
    certify_linear_cnn,
)
from convex_solver.certificates.minimum_norm import (
    MinimumNormCertificate,
    certify_minimum_norm_cnn,
    right_inverse,
)
from convex_solver.certificates.model_file import (
    Model,
    certify_model,
    load_model,
    save_model,
)
from convex_solver.certificates.obstruction import Obstruction, find_obstruction
from convex_solver.certificates.relu import Certificate, certify
from convex_solver.certificates.status import SolutionStatus

__all__ = [
    "CNNCertificate",
    "CNNInfeasibility",
    "Certificate",
    "Dependency",
    "InterpolationCertificate",
    "MinimumNormCertificate",
    "Model",
    "Obstruction",
    "Redundancy",
    "SolutionStatus",
    "certify",
    "certify_circular_cnn",
    "certify_infeasible_cnn",
    "certify_interpolation",
    "certify_linear_cnn",
    "certify_minimum_norm_cnn",
    "certify_model",
    "combination",
    "cover_sphere",
    "find_obstruction",
    "load_model",
    "plain_rows",
    "right_inverse",
    "save_model",
]
