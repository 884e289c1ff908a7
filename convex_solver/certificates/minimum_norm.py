"""Certificates of interpolating linear CNNs, recomputed from the raw data alone.

A float network meets float targets only up to rounding, so the upper bound is one for
an *exact* interpolant near it. Let A be the (n, K d) matrix of the patches, restricted
to samples whose independence is proven: some B has ``|I - A B|_F = theta < 1``. Then
``A B`` is invertible with ``|(A B)^-1| <= 1 / (1 - theta)``, and the correction ``B (A
B)^-1 (Y - f)`` makes the network exact (rows are scaled to about one first); its
Frobenius norm is at most ``|B| |Y - f|_F / (1 - theta)``, and its nuclear norm
``sqrt(min(d, K C))`` times that. The other samples are proven, in integers, to follow
from these.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrangement.io import check_new_file
from arrangement.options import short_repr
from convex_solver.certificates.dependencies import Redundancy, _check
from convex_solver.certificates.linear_cnn import (
    DECOMPOSITION,
    linear_norm_above,
    linear_prediction,
    scale_below,
)
from convex_solver.certificates.status import Bounds
from convex_solver.networks import LinearCNN
from convex_solver.proofs import write_cnn_proof
from convex_solver.reading import (
    Samples,
    check_kind,
    fits,
    read_candidate,
    read_patch_samples,
)
from convex_solver.rounding import (
    U,
    above,
    decay_above,
    distance_above,
    frobenius_above,
    inner_product_below,
    product_error,
    spectral_norm_above,
    sum_above,
)
from convex_solver.typing import Array


@dataclass(frozen=True, eq=False)
class MinimumNormCertificate(Bounds):
    """Bounds on the least weights of an interpolating linear CNN.

    Attributes
    ----------
    upper_bound : float
        Some network that interpolates *exactly* has ``1/2 sum (|u_j|^2 + |w_j|^2)`` of
        this or less; infinite where that could not be proven.
    lower_bound : float
        None has less.
    gap : float
        ``(upper_bound - lower_bound) / upper_bound``.
    residual : float
        Upper bound of ``|f - Y|_F`` of the network itself.
    dual : ndarray, shape of y, read-only
        The feasible V behind the lower bound.
    dual_norm : float
        Upper bound of ``sigma_max([X_1^T V .. X_K^T V])``, at most 1.
    redundant : tuple of Redundancy
        Samples left out of the independence proof, with theirs.
    data_digest : str
        SHA-256 of patches and y.
    """

    upper_bound: float
    lower_bound: float
    residual: float
    dual: Array = field(repr=False)
    dual_norm: float
    redundant: tuple[Redundancy, ...] = field(repr=False)
    data_digest: str

    __repr__ = short_repr


@dataclass(frozen=True, eq=False)
class RightInverse:
    """What is known of an approximate right inverse B of ``diag(2**-shifts) A``.

    Bounds of ``|B|`` and of ``theta = |I - diag(2**-shifts) A B|_F``.
    """

    norm: float
    theta: float
    shifts: NDArray[np.int32]

    @property
    def is_proven(self) -> bool:
        """Whether A has independent rows."""
        return self.theta < 0.5


def inverse_work(A: Array) -> float:
    """Return about how many floating point operations `right_inverse` takes."""
    rows, columns = A.shape
    return float(DECOMPOSITION * rows * columns * min(rows, columns))


def right_inverse(A: Array) -> RightInverse:
    """Try to prove that the rows of ``A`` (n, q) are independent.

    Rows are scaled to about one first, by powers of two, exactly.

    Examples
    --------
    >>> right_inverse(np.array([[3.0, 0.0], [0.0, 5.0]])).is_proven
    True
    >>> right_inverse(np.array([[1.0], [2.0]])).is_proven
    False
    """
    shifts = np.frexp(np.max(np.abs(A), axis=1))[1]
    unknown = RightInverse(math.inf, math.inf, shifts)
    scaled = np.ldexp(A, -shifts[:, None])
    # an entry that becomes subnormal may lose a bit; a zero row has no inverse
    is_exact = np.array_equal(np.ldexp(scaled, shifts[:, None]), A)
    if len(A) > A.shape[1] or not is_exact or not np.all(np.any(A, axis=1)):
        return unknown
    try:
        B = np.linalg.pinv(scaled)
    except np.linalg.LinAlgError:
        return unknown
    error = np.abs(scaled @ B - np.eye(len(A))) * (1.0 + 2.0 * U)
    theta = frobenius_above(error + product_error(scaled, B))
    return RightInverse(spectral_norm_above(B), theta, shifts)


def certify_minimum_norm_cnn(
    network: LinearCNN,
    patches: ArrayLike,
    y: ArrayLike,
    *,
    dual: ArrayLike,
    redundant: Sequence[Redundancy] = (),
    proof: str | os.PathLike[str] | None = None,
) -> MinimumNormCertificate:
    """Bound the least weights of an interpolating linear CNN from both sides.

    Parameters
    ----------
    network : LinearCNN
        Interpolates up to rounding.
    patches : array_like, shape (n, K, d)
    y : array_like, shape (n,) or (n, C)
    dual : array_like, shape of y
        Candidate V; it is scaled into the feasible set.
    redundant : sequence of Redundancy
        Samples that follow from the others; each claim is checked exactly, and none
        may use a sample that is left out by an earlier one.
    proof : path-like, optional
        New file for a proof of both bounds that `convex_solver.linear_checker` checks,
        with a CSV of all patches, then y; see `convex_solver.proofs`.

    Returns
    -------
    MinimumNormCertificate

    Raises
    ------
    InputError
        Shapes; a claim that does not hold; a proof that exists.
    ProofError
        No proof can be written of these bounds.

    Examples
    --------
    >>> net = LinearCNN([[1.0]], [[1.0, 1.0]])
    >>> samples, y = [[[1.0], [0.0]], [[0.0], [1.0]]], [1.0, 2.0]
    >>> found = certify_minimum_norm_cnn(net, samples, y, dual=[0.3, 0.6])
    >>> found.residual > 1.0, found.lower_bound > 1.49
    (True, True)
    """
    check_kind(network, LinearCNN, "network")
    if proof is not None:
        check_new_file(proof)
    samples = read_patch_samples(patches, y)
    found = minimum_norm_bounds(samples, network, dual, redundant)
    if proof is not None:
        left_out = {claim.row for claim in found.redundant}
        kept = [i for i in range(len(samples.X)) if i not in left_out]
        # the dual point as the checker has it: v.f is at most the weights' sum
        write_cnn_proof(proof, samples, network, -found.dual, 1.0, kept=kept)
    return found


@np.errstate(all="ignore")  # what overflows ends as an infinite bound
def minimum_norm_bounds(
    samples: Samples,
    network: LinearCNN,
    dual: ArrayLike,
    redundant: Sequence[Redundancy] = (),
    *,
    deadline: float = math.inf,
) -> MinimumNormCertificate:
    """Return the certificate on samples read; see `certify_minimum_norm_cnn`.

    Past ``deadline`` (of `time.monotonic`) no more claims are checked, and what they
    left out counts as independent, which is then not proven; the upper bound is
    infinite too where an inverse would end long after it.
    """
    data, targets = samples.X, samples.y
    outputs, flat = samples.outputs, samples.flat
    left_out: set[int] = set()
    check_kind(redundant, Sequence, "redundant")
    for claim in redundant:
        check_kind(claim, Redundancy, "a claim of redundant")
        if time.monotonic() >= deadline:
            break
        _check(claim, flat, outputs, left_out)
        left_out.add(claim.row)
    checked = tuple(redundant)[: len(left_out)]
    kept = [i for i in range(len(data)) if i not in left_out]
    V = read_candidate(dual, targets.shape)
    norm_above = linear_norm_above(data, deadline)
    size = norm_above(V)
    V, dual_norm = scale_below(V, 1.0 / size if size > 0.0 else 0.0, 1.0, norm_above)
    lower = max(0.0, inner_product_below(V, targets))
    prediction, error = linear_prediction(network, data, outputs)
    miss = distance_above(prediction, error, outputs)
    rank = min(data.shape[2], data.shape[1] * outputs.shape[1])
    is_in_time = fits(inverse_work(flat[kept]), deadline)
    correction = _correction(flat[kept], miss[kept], rank) if is_in_time else math.inf
    decay = decay_above(1.0, [network.filters, network.outputs])
    return MinimumNormCertificate(
        sum_above([decay, correction]),
        lower,
        frobenius_above(miss),
        V,
        dual_norm,
        checked,
        samples.digest,
    )


def _correction(rows: Array, miss: Array, rank: int) -> float:
    """Bound the nuclear norm of what makes the network exact; infinite if unproven."""
    inverse = right_inverse(rows)
    if not inverse.is_proven:
        return math.inf
    factor = inverse.norm / (1.0 - inverse.theta) * math.sqrt(rank) * (1.0 + 16.0 * U)
    # the rows of the system are scaled, and so is what is missing
    missing = np.ldexp(miss, -inverse.shifts[:, None])
    return above(frobenius_above(np.nextafter(missing, np.inf)) * factor)
