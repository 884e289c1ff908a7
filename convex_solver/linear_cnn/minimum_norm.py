"""Linear CNNs that interpolate, with the least weights: the minimum-norm program.

Of all networks with ``f(x_i) = sum_j sum_k (x_ik . u_j) w_jk = y_i``, find one with the
least ``1/2 sum_j (|u_j|^2 + |w_j|^2)`` (Pilanci & Ergen 2020, A.7):

    min  |[Z_1 .. Z_K]|_*   s.t.  sum_k X_k Z_k = Y
    max  <V, Y>             s.t.  sigma_max([X_1^T V .. X_K^T V]) <= 1

It is infeasible exactly when some ``V`` has ``X_k^T V = 0`` for every k and
``<V, Y> != 0``: one integer combination of samples whose patches cancel and whose
targets do not, for floats as the rationals they are.

Solved by the method of multipliers: each step is a nuclear-norm program with targets
``Y + beta V`` (`solve_linear_cnn`), whose residual over -beta is the next V.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np
import scipy.linalg
from numpy.typing import ArrayLike

from arrangement import InputError
from convex_solver.certificates import (
    CNNInfeasibility,
    MinimumNormCertificate,
    Redundancy,
    SolutionStatus,
    combination,
    infeasibility,
    minimum_norm_bounds,
    right_inverse,
)
from convex_solver.linear_cnn.exact_rows import dependent_rows
from convex_solver.linear_cnn.linear import (
    PatchProblem,
    minimise_nuclear,
    recover_linear_cnn,
)
from convex_solver.linear_cnn.nuclear_norm import NuclearModel
from convex_solver.networks import LinearCNN
from convex_solver.reading import TOL, Samples, read_patch_samples, read_tolerance
from convex_solver.typing import Array

# beta of the steps, as shares of the least that gives zero: smaller ones converge in
# fewer steps, each a little harder.
FIRST_SHARE, LAST_SHARE, SHRINK = 0.1, 1e-5, 0.1
MAX_STEPS = 30
# Steps without a smaller gap before the end.
PATIENCE = 5


@dataclass(frozen=True, eq=False, init=False)
class MinimumNormLinearCNN(PatchProblem):
    """Interpolation by a two-layer linear CNN of least weights.

    Parameters
    ----------
    patches : array_like, shape (n, K, d)
        As from `extract_patches`; copied, float64.
    y : array_like, shape (n,) or (n, C)
        Targets; no column may be constant.

    Raises
    ------
    InputError, InputTypeError
        As `LinearCNNProgram`.

    Examples
    --------
    >>> MinimumNormLinearCNN([[[1.0, 0.0]], [[0.0, 1.0]]], [3.0, 4.0]).y.tolist()
    [3.0, 4.0]
    """

    def __init__(self, patches: ArrayLike, y: ArrayLike) -> None:
        object.__setattr__(self, "samples", read_patch_samples(patches, y))


@dataclass(frozen=True, eq=False)
class MinimumNormSolution:
    """The interpolating network of least weights, or the proof that there is none.

    Attributes
    ----------
    objective : float
        ``1/2 sum_j (|u_j|^2 + |w_j|^2)`` of ``network``; infinite when infeasible.
    lower_bound, gap : float
        Certified: no interpolating network has smaller weights; infinite and 0 when
        infeasible.
    status : SolutionStatus
        OPTIMAL, INACCURATE or INFEASIBLE, as the certificate says.
    network : LinearCNN or None
        Its prediction differs from y by ``certificate.residual`` at most; None when
        infeasible.
    certificate : MinimumNormCertificate or CNNInfeasibility
    seconds, tol : float
        Time taken, and the relative gap that was asked for.
    """

    objective: float
    lower_bound: float
    gap: float
    status: SolutionStatus
    network: LinearCNN | None = field(repr=False)
    certificate: MinimumNormCertificate | CNNInfeasibility = field(repr=False)
    seconds: float
    tol: float


def solve_minimum_norm_cnn(
    program: MinimumNormLinearCNN, *, tol: float = TOL
) -> MinimumNormSolution:
    """Find the interpolating linear CNN of least weights, with its certificate.

    Parameters
    ----------
    program : MinimumNormLinearCNN
    tol : float
        Relative gap at which the status is optimal.

    Returns
    -------
    MinimumNormSolution

    Raises
    ------
    InputError
        More samples than numbers in one, and floats do not find how they depend on
        each other (nearly repeated samples).

    Notes
    -----
    Feasibility is decided exactly.  Where the samples are independent beyond doubt
    (an approximate inverse proves it) every target can be met; otherwise each sample
    that depends on others is proven to do so in integers, and its target either
    follows from theirs, and it is left out, or is the proof of infeasibility.  The
    proof takes about ``r**3`` operations on long integers, r the samples involved:
    seconds for 100.

    Examples
    --------
    >>> both = MinimumNormLinearCNN([[[1.0, 0.0]], [[0.0, 1.0]]], [3.0, 4.0])
    >>> solution = solve_minimum_norm_cnn(both)
    >>> solution.status.value, round(solution.objective, 9)
    ('optimal', 5.0)
    >>> twice = MinimumNormLinearCNN([[[1.0]], [[2.0]]], [1.0, 3.0])
    >>> solve_minimum_norm_cnn(twice).certificate.coefficients
    (-1, 2)
    """
    tol = read_tolerance(tol)
    start = time.monotonic()
    n, n_patches, _ = program.patches.shape
    flat, targets = program.samples.flat, program.samples.outputs
    found = _redundant(program.samples)
    if isinstance(found, CNNInfeasibility):
        seconds = time.monotonic() - start
        infinite, status = float("inf"), SolutionStatus.INFEASIBLE
        return MinimumNormSolution(
            infinite, infinite, 0.0, status, None, found, seconds, tol
        )
    left_out = {proof.row for proof in found}
    kept = np.array([i for i in range(n) if i not in left_out])
    if len(kept) > flat.shape[1]:
        raise InputError(
            f"{len(kept)} samples of {flat.shape[1]} numbers depend on each other in a "
            "way that rounding hides, so feasibility is not decided. Scale the columns "
            "alike, or remove samples that nearly repeat others."
        )
    Z, V = _multipliers(program.patches[kept], targets[kept])
    dual = np.zeros_like(targets)
    dual[kept] = V
    network = recover_linear_cnn(Z, n_patches, program.y.shape[1:])
    certificate = minimum_norm_bounds(
        program.samples, network, dual.reshape(program.y.shape), found
    )
    return MinimumNormSolution(
        network.decay(),
        certificate.lower_bound,
        certificate.gap,
        certificate.status(tol),
        network,
        certificate,
        time.monotonic() - start,
        tol,
    )


def _redundant(samples: Samples) -> tuple[Redundancy, ...] | CNNInfeasibility:
    """Return the samples that follow from others, or a contradiction between them."""
    flat = samples.flat
    if len(flat) <= flat.shape[1] and right_inverse(flat).is_proven:
        return ()
    proofs = []
    for row, dependency in dependent_rows(flat):
        if dependency is None:
            continue
        rows = tuple(dependency)
        coefficients = tuple(dependency.values())
        if any(combination(samples.outputs, dependency)):
            return infeasibility(samples, rows, coefficients)
        proofs.append(Redundancy(row, rows, coefficients))
    return tuple(proofs)


def _multipliers(patches: Array, y: Array) -> tuple[Array, Array]:
    """Return the best interpolating Z and the best dual V seen; floats only.

    The samples are replaced by orthonormal combinations of them, ``A^T = Q R``: the
    constraint ``Q^T Z = R^-T Y`` is the same, and its condition number is one.
    """
    n, n_patches, d = patches.shape
    size = np.ldexp(1.0, np.frexp(np.max(np.abs(patches), axis=(1, 2)))[1])[:, None]
    flat, targets = patches.reshape(n, -1) / size, y / size
    basis, factor = np.linalg.qr(flat.T)
    if not np.all(np.diag(factor)):  # dependent to rounding, and not proven to be
        factor[np.diag_indices(n)] += np.finfo(float).eps
    rows = np.ascontiguousarray(basis.T).reshape(patches.shape)
    right = scipy.linalg.solve_triangular(factor, targets, trans="T")
    Z, V = _orthonormal(NuclearModel(rows, y.shape[1]), right)
    # once more with the samples themselves, to remove the rounding of the factor
    raw = NuclearModel(flat.reshape(patches.shape), y.shape[1])
    missing = targets - raw.predict(Z).reshape(y.shape)
    blocks = basis @ scipy.linalg.solve_triangular(factor, missing, trans="T")
    Z = Z + blocks.reshape(n_patches, d, -1).transpose(1, 0, 2).reshape(d, -1)
    return Z, scipy.linalg.solve_triangular(factor, V) / size


def _orthonormal(model: NuclearModel, y: Array) -> tuple[Array, Array]:
    """Solve for samples that are orthonormal, by the method of multipliers."""
    patches = model.patches

    def interpolating(Z: Array) -> Array:
        return Z + model.adjoint(y.ravel() - model.predict(Z))

    V = np.zeros_like(y)
    best_Z, best_V = interpolating(np.zeros_like(model.adjoint(y.ravel()))), V
    upper, lower = model.norm(best_Z), 0.0
    share, waited = FIRST_SHARE, 0
    Z = None
    for _ in range(MAX_STEPS):
        beta = share * model.dual_norm(model.adjoint(y.ravel()))
        result = minimise_nuclear(patches, y + beta * V, beta, start=Z)
        Z, V = result.point, -result.v / beta
        before = upper - lower
        candidate = interpolating(Z)
        value = model.norm(candidate)
        if value < upper:
            upper, best_Z = value, candidate
        size = model.dual_norm(model.adjoint(V.ravel()))
        value = float(np.sum(V * y)) / max(size, 1.0)
        if value > lower:
            lower, best_V = value, V / max(size, 1.0)
        waited = 0 if upper - lower < 0.5 * before else waited + 1
        if upper - lower <= 1e-14 * upper or waited == PATIENCE:
            break
        share = max(SHRINK * share, LAST_SHARE)
    return best_Z, best_V
