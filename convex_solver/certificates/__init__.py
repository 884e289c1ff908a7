"""Bounds that a stranger can recompute; nothing here knows the solver."""

from convex_solver.certificates.covering import COVERED_RANK, cover_sphere
from convex_solver.certificates.dependencies import (
    CNNInfeasibility,
    Dependency,
    Redundancy,
    certify_infeasible_cnn,
    combination,
    infeasibility,
)
from convex_solver.certificates.exact_chambers import rounded_share
from convex_solver.certificates.interpolation import (
    InterpolationCertificate,
    certify_interpolation,
    check_rows,
    interpolation_bounds,
)
from convex_solver.certificates.linear_cnn import (
    CNNCertificate,
    certify_circular_cnn,
    certify_linear_cnn,
    circular_bounds,
    linear_bounds,
)
from convex_solver.certificates.minimum_norm import (
    MinimumNormCertificate,
    certify_minimum_norm_cnn,
    inverse_work,
    minimum_norm_bounds,
    right_inverse,
)
from convex_solver.certificates.model_file import (
    Claim,
    Model,
    certify_model,
    load_model,
    model_content,
    read_model,
    save_model,
)
from convex_solver.certificates.network_bounds import (
    exact_upper_bound,
    predict_closely,
    upper_bound,
)
from convex_solver.certificates.obstruction import Obstruction, find_obstruction, reach
from convex_solver.certificates.relaxation import relax_sphere
from convex_solver.certificates.relu import (
    Certificate,
    LowerBound,
    bounds,
    certify,
    lower_bound,
    read_for,
)
from convex_solver.certificates.status import SolutionStatus, bounds_by
from convex_solver.certificates.whole_numbers import (
    ExactRows,
    exact_predictions,
)
from convex_solver.certificates.words import gap_text, heading, shown_text, verdict

__all__ = [
    "COVERED_RANK",
    "CNNCertificate",
    "CNNInfeasibility",
    "Certificate",
    "Claim",
    "Dependency",
    "ExactRows",
    "InterpolationCertificate",
    "LowerBound",
    "MinimumNormCertificate",
    "Model",
    "Obstruction",
    "Redundancy",
    "SolutionStatus",
    "bounds",
    "bounds_by",
    "certify",
    "certify_circular_cnn",
    "certify_infeasible_cnn",
    "certify_interpolation",
    "certify_linear_cnn",
    "certify_minimum_norm_cnn",
    "certify_model",
    "check_rows",
    "circular_bounds",
    "combination",
    "cover_sphere",
    "exact_predictions",
    "exact_upper_bound",
    "find_obstruction",
    "gap_text",
    "heading",
    "infeasibility",
    "interpolation_bounds",
    "inverse_work",
    "linear_bounds",
    "load_model",
    "lower_bound",
    "minimum_norm_bounds",
    "model_content",
    "predict_closely",
    "reach",
    "read_for",
    "read_model",
    "relax_sphere",
    "right_inverse",
    "rounded_share",
    "save_model",
    "shown_text",
    "upper_bound",
    "verdict",
]
