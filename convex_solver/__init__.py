"""The certified global optimum of two-layer ReLU networks, by convex programming.

Pilanci & Ergen (*Neural Networks are Convex Regularizers*, ICML 2020): a two-layer ReLU
network with weight decay has the optimal value of one convex program, with a pair of
blocks for every sign pattern of the data.

The program
-----------
`ConvexProgram` is the program as the paper writes it; ``intercept=True`` and
``standardize=True``, which are the defaults of the estimators and of the command line,
append a column of ones and scale the columns.  It reads its data once and keeps what it
read.  The objective is ``loss(f(X), y) + beta/2 (sum |u_j|^2 + sum alpha_j^2)``, a sum
over the samples and not a mean, and the weights of the intercept are penalised like all
others: the theorem needs it.  Losses are squared, absolute, Huber, quantile,
epsilon-insensitive, hinge, squared hinge, logistic and Poisson deviance, with weights
of the samples.

>>> X, y = [[-2, 1], [-1, 1], [0, 1], [1, 1], [2, 1]], [1, -1, 1, 1, -1]
>>> program = ConvexProgram(X, y, beta=0.01, loss="quantile:0.9",
...                         sample_weight=[1, 2, 1, 1, 1])
>>> solve(program).gap < 1e-6
True

`solve` stops at ``tol``, ``time_limit`` (seconds of the whole call, certificate
included) or Ctrl-C (a second one ends the certificate too) and then returns the best
network, the best certified lower bound and the gap, whatever it is.  A limit may be
exceeded by a fifth of it, or by two seconds.  ``n_jobs`` threads price and prove; the
result is the same for every number of them.  Columns may be raw (years, hPa, map
coordinates): the program is solved in coordinates that suit it, and stays the one
given.  `solve_path` follows several weight decays, `beta_max` is the least one at which
the zero network is optimal, `reduce_network` drops neurons that a network does not
need.  The first call of a kind compiles kernels and says so (`help(arrangement)`).

Certified
---------
The lower bound comes from a dual point ``v`` with ``|v^T (X u)_+| <= beta`` for all
``|u| <= 1``.  That holds for every direction u, not for a list: cones that cover the
sphere are halved until each is proved to stay below beta, with every rounding added to
the wrong side.  It takes about the square root of the number of patterns.
``certify(..., method="chambers")`` proves the same bound independently, over all
chambers of a proven list; ``method="relaxation"``, of any rank, by moment matrices over
leaves of the sphere. The upper bound is the objective of the network returned.
``status`` is ``optimal`` only if these two agree to the tolerance; otherwise it says
``inaccurate``.  A model file (`save_model`, `load_model`) stores network, dual point
and bounds (a billionth weaker, so that other machines reproduce them) with a digest of
all of it and of the data; what it says is a claim until `certify_model` has computed
it.  ``certify(..., proof=path)`` writes a proof that needs no trust in this package:
`convex_solver.checker` checks it with integers and fractions alone.

Every program of the paper
--------------------------
=============================================  ====================================
two-layer ReLU network, any loss above         `solve`, of a `ConvexProgram`
(equations (8), (19)); CNN with sum pooling:
``X`` of shape (samples, patches, d)
cheapest network through all points            `interpolate`, or an exact reason why
((7), (15), A.10)                              none exists, naming the rows
two-layer linear CNN (A.5, A.7)                `solve_linear_cnn`
its minimum-norm form (A.7)                    `solve_minimum_norm_cnn`
circular CNN (A.6, "L1-Convex")                `solve_circular_cnn`
=============================================  ====================================

Each returns the network, whose own objective is the optimum, and has its ``certify_``
function.  What these are compared with is here as well: `train` (gradient descent, SGD
with momentum, Adam, many starts side by side) and the programs over some patterns only,
`approximate` (random directions) and `alg1`, `alg2`, `alg3` (patterns seen along a
training run and of clusters), each with its true gap.

>>> found = interpolate(X, y)
>>> found.status.value, round(found.norm, 3), found.network.n_neurons <= 5
('optimal', 10.129, True)
>>> try:
...     interpolate([[1, 0], [2, 0], [0, 1]], [1, 3, 0])
... except NoInterpolationError as error:
...     error.obstruction.rows, error.obstruction.coefficients
((0, 1), (2, -1))

The full program itself: `iter_batches` streams it, `conic_sizes` tells its exact sizes
without listing, `build_conic` assembles it for a conic solver, `to_cvxpy` for CVXPY,
and `write_conic` streams it to disk (CBF, which MOSEK and others read, or a binary
file) without ever holding it; `read_conic` reads both.  ``form="tree"`` writes the loss
map along a spanning tree of chambers: about 5 nonzeros a variable instead of n.

In many dimensions
------------------
Above rank 6 `solve` begins with networks that local searches find, and bounds the
optimum by a relaxation: moment matrices in the place of neurons, with a value that no
network is below, in any rank up to some 60.  Where that is loose, the sphere of
directions is halved into leaves, as long as there is time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from arrangement import InputError, InputTypeError
from convex_solver import plot
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
    MissingLibraryError,
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
    "MissingLibraryError",
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
    "plot",
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
