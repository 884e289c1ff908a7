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
from dataclasses import dataclass, field, replace

import numpy as np
import scipy.linalg
from numpy.typing import ArrayLike

from arrangement import InputError
from arrangement.options import short_repr
from convex_solver.certificates import (
    CNNInfeasibility,
    MinimumNormCertificate,
    Redundancy,
    SolutionStatus,
    bounds_by,
    combination,
    infeasibility,
    inverse_work,
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
from convex_solver.linear_cnn.solution import SOLVER_SHARE, reason_to_stop
from convex_solver.networks import LinearCNN
from convex_solver.reading import (
    TOL,
    Samples,
    check_kind,
    deadline_after,
    fits,
    part_of_time,
    read_patch_samples,
    read_seconds,
    read_tolerance,
)
from convex_solver.typing import Array

# beta of the steps, as shares of the least that gives zero: smaller ones converge in
# fewer steps, each a little harder.
FIRST_SHARE, LAST_SHARE, SHRINK = 0.1, 1e-5, 0.1
MAX_STEPS = 30
# Share of the time that proofs of dependence take, before anything is solved.
PROOF_SHARE = 0.4
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

    __repr__ = short_repr

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
    stopped : str
        Why it ended: ``"tolerance"``, ``"time limit"``, ``"interrupted"``,
        ``"stalled"`` (no further progress in float64) or ``"infeasible"``.
    seconds, tol : float
        Time taken, and the relative gap that was asked for.
    """

    objective: float
    lower_bound: float
    gap: float
    status: SolutionStatus
    network: LinearCNN | None = field(repr=False)
    certificate: MinimumNormCertificate | CNNInfeasibility = field(repr=False)
    stopped: str
    seconds: float
    tol: float

    __repr__ = short_repr


def solve_minimum_norm_cnn(
    program: MinimumNormLinearCNN,
    *,
    tol: float = TOL,
    time_limit: float | None = None,
) -> MinimumNormSolution:
    """Find the interpolating linear CNN of least weights, with its certificate.

    Parameters
    ----------
    program : MinimumNormLinearCNN
    tol : float
        Relative gap at which the status is optimal.
    time_limit : float, optional
        Seconds for the whole call, certificate included; then the best network so far
        is returned with its certified gap.  A step that would end long after that is
        not begun.  Where it was
        not decided in time how the samples depend on each other, there is no finite
        upper bound, and the network meets the targets of independent ones.

    Returns
    -------
    MinimumNormSolution
        Also after Ctrl-C: ``stopped`` says so.

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
    check_kind(program, MinimumNormLinearCNN, "program")
    tol = read_tolerance(tol)
    deadline = deadline_after(read_seconds(time_limit))
    start = time.monotonic()
    n, n_patches, _ = program.patches.shape
    flat, targets = program.samples.flat, program.samples.outputs
    found = _decided(program.samples, part_of_time(deadline, PROOF_SHARE))
    if isinstance(found, CNNInfeasibility):
        seconds = time.monotonic() - start
        infinite, status = float("inf"), SolutionStatus.INFEASIBLE
        return MinimumNormSolution(
            infinite, infinite, 0.0, status, None, found, "infeasible", seconds, tol
        )
    kept = np.array([i for i in range(n) if i not in found.left_out])
    if len(kept) > flat.shape[1]:
        raise InputError(
            f"{len(kept)} samples of {flat.shape[1]} numbers depend on each other in a "
            "way that rounding hides, so feasibility is not decided. Scale the columns "
            "alike, or remove samples that nearly repeat others."
        )
    is_over = found.stopped == "interrupted"
    end = start if is_over else part_of_time(deadline, SOLVER_SHARE)
    Z, V, stopped = _multipliers(program.patches[kept], targets[kept], end)
    dual = np.zeros_like(targets)
    dual[kept] = V
    network = recover_linear_cnn(Z, n_patches, program.y.shape[1:])
    certificate = bounds_by(
        deadline,
        lambda end: minimum_norm_bounds(
            program.samples,
            network,
            dual.reshape(program.y.shape),
            found.proofs,
            deadline=end,
        ),
    )
    status = certificate.status(tol)
    return MinimumNormSolution(
        network.decay(),
        certificate.lower_bound,
        certificate.gap,
        status,
        network,
        certificate,
        reason_to_stop(status, found.stopped or stopped),
        time.monotonic() - start,
        tol,
    )


@dataclass(frozen=True)
class _Dependencies:
    """Samples that follow from others, with the proofs that were found of that.

    ``stopped`` says why there is not one of each, and is empty where there is.
    """

    proofs: tuple[Redundancy, ...] = ()
    left_out: frozenset[int] = frozenset()
    stopped: str = ""


def _decided(samples: Samples, deadline: float) -> _Dependencies | CNNInfeasibility:
    """Decide which samples follow from others, until the deadline or Ctrl-C."""
    try:
        return _redundant(samples, deadline)
    except KeyboardInterrupt:
        found = _redundant(samples, time.monotonic())
        assert isinstance(found, _Dependencies)
        return replace(found, stopped="interrupted")


def _redundant(samples: Samples, deadline: float) -> _Dependencies | CNNInfeasibility:
    """Return the samples that follow from others, or a contradiction between them."""
    flat = samples.flat
    n, q = flat.shape
    if not fits(inverse_work(flat), deadline):
        # the first of them, and nothing is known of the others
        return _Dependencies((), frozenset(range(q, n)), "time limit")
    if n <= q and right_inverse(flat).is_proven:
        return _Dependencies()
    proofs, unknown = [], []
    for row, dependency in dependent_rows(flat, deadline):
        if dependency is None:
            unknown.append(row)
            continue
        rows = tuple(dependency)
        coefficients = tuple(dependency.values())
        if any(combination(samples.outputs, dependency)):
            return infeasibility(samples, rows, coefficients)
        proofs.append(Redundancy(row, rows, coefficients))
    proven = [proof.row for proof in proofs]
    if time.monotonic() < deadline:
        return _Dependencies(tuple(proofs), frozenset(proven))
    return _Dependencies(tuple(proofs), frozenset(proven + unknown), "time limit")


def _multipliers(patches: Array, y: Array, deadline: float) -> tuple[Array, Array, str]:
    """Return the best interpolating Z and the best dual V seen, and why it ended.

    Floats only.  Where there is no time for it Z is zero, and V the targets.

    The samples are replaced by orthonormal combinations of them, ``A^T = Q R``: the
    constraint ``Q^T Z = R^-T Y`` is the same, and its condition number is one.
    """
    n, n_patches, d = patches.shape
    size = np.ldexp(1.0, np.frexp(np.max(np.abs(patches), axis=(1, 2)))[1])[:, None]
    flat, targets = patches.reshape(n, -1) / size, y / size
    if not fits(6.0 * flat.size * n, deadline):
        return np.zeros((d, n_patches * y.shape[1])), y, "time limit"
    basis, factor = np.linalg.qr(flat.T)
    if not np.all(np.diag(factor)):  # dependent to rounding, and not proven to be
        factor[np.diag_indices(n)] += np.finfo(float).eps
    rows = np.ascontiguousarray(basis.T).reshape(patches.shape)
    right = scipy.linalg.solve_triangular(factor, targets, trans="T")
    Z, V, stopped = _orthonormal(NuclearModel(rows, y.shape[1]), right, deadline)
    # once more with the samples themselves, to remove the rounding of the factor
    raw = NuclearModel(flat.reshape(patches.shape), y.shape[1])
    missing = targets - raw.predict(Z).reshape(y.shape)
    blocks = basis @ scipy.linalg.solve_triangular(factor, missing, trans="T")
    Z = Z + blocks.reshape(n_patches, d, -1).transpose(1, 0, 2).reshape(d, -1)
    return Z, scipy.linalg.solve_triangular(factor, V) / size, stopped


def _orthonormal(
    model: NuclearModel, y: Array, deadline: float
) -> tuple[Array, Array, str]:
    """Solve for samples that are orthonormal, by the method of multipliers."""
    patches = model.patches

    def interpolating(Z: Array) -> Array:
        return Z + model.adjoint(y.ravel() - model.predict(Z))

    V = np.zeros_like(y)
    best_Z, best_V = interpolating(np.zeros_like(model.adjoint(y.ravel()))), V
    upper, lower = model.norm(best_Z), 0.0
    share, waited = FIRST_SHARE, 0
    Z, stopped = None, "stalled"
    for _ in range(MAX_STEPS):
        beta = share * model.dual_norm(model.adjoint(y.ravel()))
        result = minimise_nuclear(
            patches, y + beta * V, beta, start=Z, deadline=deadline
        )
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
        if result.stopped != "stalled":
            stopped = result.stopped
            break
        if upper - lower <= 1e-14 * upper or waited == PATIENCE:
            break
        share = max(SHRINK * share, LAST_SHARE)
    return best_Z, best_V, stopped
