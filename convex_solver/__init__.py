"""The certified global optimum of two-layer ReLU networks, by convex programming."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from arrangement import InputError, InputTypeError
from convex_solver.baselines import (
    Approximation,
    alg1,
    alg2,
    alg3,
    approximate,
)
from convex_solver.certificates import (
    Certificate,
    Claim,
    CNNCertificate,
    CNNInfeasibility,
    InterpolationCertificate,
    MinimumNormCertificate,
    Model,
    Obstruction,
    Redundancy,
    SolutionStatus,
    certify,
    certify_circular_cnn,
    certify_infeasible_cnn,
    certify_interpolation,
    certify_linear_cnn,
    certify_minimum_norm_cnn,
    certify_model,
    find_obstruction,
    load_model,
    save_model,
)
from convex_solver.conic import (
    ConicProgram,
    ConicSizes,
    build_conic,
    conic_sizes,
    read_conic,
    to_cvxpy,
    write_conic,
)
from convex_solver.datasets import (
    load_airplanes_automobiles,
    load_penguins,
    load_table,
    penguins_csv,
)
from convex_solver.errors import (
    CertificateError,
    ClaimNotReproducedError,
    ConicFileError,
    ConvexSolverError,
    DataSetError,
    DigestMismatchError,
    LeavesError,
    MissingDataSetError,
    ModelFileError,
    NoInterpolationError,
    ProgramTooLargeError,
    ProofError,
    TrainingDivergedError,
)
from convex_solver.linear_cnn import (
    CircularCNNProgram,
    CNNSolution,
    LinearCNNProgram,
    MinimumNormLinearCNN,
    MinimumNormSolution,
    reduce_circular_cnn,
    solve_circular_cnn,
    solve_linear_cnn,
    solve_minimum_norm_cnn,
)
from convex_solver.losses import Loss
from convex_solver.networks import CircularCNN, LinearCNN, TwoLayerReLU
from convex_solver.program import (
    ConvexProgram,
    ProgramBatch,
    iter_batches,
    reduce_network,
)
from convex_solver.reading import extract_patches
from convex_solver.solver import (
    Interpolation,
    Solution,
    SolutionPath,
    beta_grid,
    beta_max,
    beta_max_interval,
    interpolate,
    solve,
    solve_path,
)
from convex_solver.training import SeenPatterns, Training, train

if TYPE_CHECKING:
    from convex_solver.estimators import ConvexReLUClassifier as ConvexReLUClassifier
    from convex_solver.estimators import (
        ConvexReLUClassifierCV as ConvexReLUClassifierCV,
    )
    from convex_solver.estimators import ConvexReLURegressor as ConvexReLURegressor
    from convex_solver.estimators import ConvexReLURegressorCV as ConvexReLURegressorCV


__all__ = [
    "Approximation",
    "CNNCertificate",
    "CNNInfeasibility",
    "CNNSolution",
    "Certificate",
    "CertificateError",
    "CircularCNN",
    "CircularCNNProgram",
    "Claim",
    "ClaimNotReproducedError",
    "ConicFileError",
    "ConicProgram",
    "ConicSizes",
    "ConvexProgram",
    "ConvexSolverError",
    "DataSetError",
    "DigestMismatchError",
    "InputError",
    "InputTypeError",
    "Interpolation",
    "InterpolationCertificate",
    "LeavesError",
    "LinearCNN",
    "LinearCNNProgram",
    "Loss",
    "MinimumNormCertificate",
    "MinimumNormLinearCNN",
    "MinimumNormSolution",
    "MissingDataSetError",
    "Model",
    "ModelFileError",
    "NoInterpolationError",
    "Obstruction",
    "ProgramBatch",
    "ProgramTooLargeError",
    "ProofError",
    "Redundancy",
    "SeenPatterns",
    "Solution",
    "SolutionPath",
    "SolutionStatus",
    "Training",
    "TrainingDivergedError",
    "TwoLayerReLU",
    "alg1",
    "alg2",
    "alg3",
    "approximate",
    "beta_grid",
    "beta_max",
    "beta_max_interval",
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
    "iter_batches",
    "load_airplanes_automobiles",
    "load_model",
    "load_penguins",
    "load_table",
    "penguins_csv",
    "read_conic",
    "reduce_circular_cnn",
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
_ESTIMATORS = (
    "ConvexReLUClassifier",
    "ConvexReLUClassifierCV",
    "ConvexReLURegressor",
    "ConvexReLURegressorCV",
)


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
