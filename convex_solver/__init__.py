"""The certified global optimum of two-layer ReLU networks, by convex programming."""

from typing import TYPE_CHECKING, Any

from arrangement.errors import InputError, InputTypeError
from convex_solver.approximations import (
    Approximation,
    alg1,
    alg2,
    alg3,
    approximate,
)
from convex_solver.baselines import SeenPatterns, Training, train
from convex_solver.blocks import ProgramBlock, iter_blocks
from convex_solver.builder import ConicProgram, build_conic, to_cvxpy
from convex_solver.certificate import Certificate, SolutionStatus, certify
from convex_solver.circular_cnn import (
    CircularCNNProgram,
    merge_circular_cnn,
    solve_circular_cnn,
)
from convex_solver.cnn_certificate import (
    CNNCertificate,
    certify_circular_cnn,
    certify_linear_cnn,
)
from convex_solver.cnn_networks import CircularCNN, LinearCNN
from convex_solver.conic_counts import ConicSizes, conic_sizes
from convex_solver.conic_files import read_conic, write_conic
from convex_solver.datasets import load_penguins, penguins_csv
from convex_solver.errors import (
    CertificateError,
    ClaimNotReproducedError,
    ConicFileError,
    ConvexSolverError,
    DigestMismatchError,
    ModelFileError,
    NoInterpolationError,
    ProgramTooLargeError,
    TrainingDivergedError,
)
from convex_solver.gauge_certificate import (
    InterpolationCertificate,
    certify_interpolation,
)
from convex_solver.interpolation import Interpolation, interpolate
from convex_solver.linear_cnn import CNNSolution, LinearCNNProgram, solve_linear_cnn
from convex_solver.losses import Loss
from convex_solver.minimum_norm_certificate import (
    CNNInfeasibility,
    MinimumNormCertificate,
    Redundancy,
    certify_infeasible_cnn,
    certify_minimum_norm_cnn,
)
from convex_solver.minimum_norm_cnn import (
    MinimumNormLinearCNN,
    MinimumNormSolution,
    solve_minimum_norm_cnn,
)
from convex_solver.model_file import Model, certify_model, load_model, save_model
from convex_solver.network import TwoLayerReLU
from convex_solver.obstruction import Obstruction, find_obstruction
from convex_solver.patches import extract_patches
from convex_solver.program import ConvexProgram
from convex_solver.pruning import reduce_network
from convex_solver.solver import Solution, beta_max, solve, solve_path

if TYPE_CHECKING:
    from convex_solver.estimators import ConvexReLUClassifier as ConvexReLUClassifier
    from convex_solver.estimators import ConvexReLURegressor as ConvexReLURegressor

__all__ = [
    "Approximation",
    "CNNCertificate",
    "CNNInfeasibility",
    "CNNSolution",
    "Certificate",
    "CertificateError",
    "CircularCNN",
    "CircularCNNProgram",
    "ClaimNotReproducedError",
    "ConicFileError",
    "ConicProgram",
    "ConicSizes",
    "ConvexProgram",
    "ConvexSolverError",
    "DigestMismatchError",
    "InputError",
    "InputTypeError",
    "Interpolation",
    "InterpolationCertificate",
    "LinearCNN",
    "LinearCNNProgram",
    "Loss",
    "MinimumNormCertificate",
    "MinimumNormLinearCNN",
    "MinimumNormSolution",
    "Model",
    "ModelFileError",
    "NoInterpolationError",
    "Obstruction",
    "ProgramBlock",
    "ProgramTooLargeError",
    "Redundancy",
    "SeenPatterns",
    "Solution",
    "SolutionStatus",
    "Training",
    "TrainingDivergedError",
    "TwoLayerReLU",
    "alg1",
    "alg2",
    "alg3",
    "approximate",
    "beta_max",
    "build_conic",
    "certify",
    "certify_circular_cnn",
    "certify_infeasible_cnn",
    "certify_interpolation",
    "certify_linear_cnn",
    "certify_minimum_norm_cnn",
    "certify_model",
    "conic_sizes",
    "extract_patches",
    "find_obstruction",
    "interpolate",
    "iter_blocks",
    "load_model",
    "load_penguins",
    "merge_circular_cnn",
    "penguins_csv",
    "read_conic",
    "reduce_network",
    "save_model",
    "solve",
    "solve_circular_cnn",
    "solve_linear_cnn",
    "solve_minimum_norm_cnn",
    "solve_path",
    "to_cvxpy",
    "train",
    "write_conic",
]

# Not in __all__, which must work without scikit-learn.
_ESTIMATORS = ("ConvexReLUClassifier", "ConvexReLURegressor")


def __getattr__(name: str) -> Any:
    """Import the estimators, and scikit-learn with them, when they are asked for."""
    if name not in _ESTIMATORS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from convex_solver import estimators
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "sklearn":
            raise
        raise ImportError(
            f"{name} needs scikit-learn, which is not installed; "
            "pip install scikit-learn, or this package with [sklearn]."
        ) from error
    return getattr(estimators, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_ESTIMATORS])
