"""Certificates of linear and circular CNNs, recomputed from the raw data alone.

Upper bound: the network's own objective.  Lower bound: any ``v`` with

    sigma_max([X_1^T V .. X_K^T V]) <= beta           linear CNN
    sigma_max(H(X^T v)) <= beta                       circular CNN

gives ``-1/2 |v|^2 - v . y`` (``v`` is the gradient of the loss at the prediction).  The
circular constraint is read off the network itself, without any Fourier transform:
``|Circ(u)^T g| = |H(g) u|`` with ``H(g)[k, a] = g[(a + k) mod d]``, so the neuron that
gains most is the first singular vector of ``H(g)``; that its singular values are
``sqrt(d)`` times the moduli of the unitary transform is the solver's affair.

Each stored dual point is feasible as it stands: its own norm is bounded, after it was
scaled.  Nothing is shared with the solver, and each rounding is added to the wrong side
(`convex_solver.rounding`).
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from arrangement import InputError
from arrangement.io import check_new_file
from arrangement.options import short_repr
from convex_solver.certificates.status import Bounds
from convex_solver.networks import CircularCNN, LinearCNN
from convex_solver.proofs import write_cnn_proof
from convex_solver.reading import (
    Samples,
    check_kind,
    fits,
    read_beta,
    read_candidate,
    read_patch_samples,
    read_signal_samples,
)
from convex_solver.rounding import (
    decay_above,
    distance_above,
    dual_value_below,
    frobenius_above,
    half_squares_above,
    product_error,
    spectral_norm_above,
    sum_above,
    times_above,
)
from convex_solver.typing import Array

# Operations of a singular value decomposition, and of what bounds its rounding, for
# each entry and column.
DECOMPOSITION = 12.0


@dataclass(frozen=True, eq=False)
class CNNCertificate(Bounds):
    """Bounds on the optimum of one program, each on the safe side of its rounding.

    Attributes
    ----------
    upper_bound : float
        At least the objective of the network.
    lower_bound : float
        No network of this architecture, of any width, has an objective below it.
    gap : float
        ``(upper_bound - lower_bound) / upper_bound``, and 0 when both are 0.
    dual : ndarray, shape of y, read-only
        The feasible ``v`` behind the lower bound.
    dual_norm : float
        Upper bound of the norm that the dual constraint keeps at ``beta`` or below,
        for ``dual`` as stored.
    beta : float
    architecture : str
        ``"linear"`` or ``"circular"``.
    data_digest : str
        SHA-256 of patches (or X) and y.
    """

    upper_bound: float
    lower_bound: float
    dual: Array = field(repr=False)
    dual_norm: float
    beta: float
    architecture: str
    data_digest: str

    __repr__ = short_repr

    def digest(self, network: LinearCNN | CircularCNN) -> str:
        """SHA-256 over weights, dual, beta, data and claims."""
        parts = [network.to_dict(), self.dual.tolist(), self.beta, self.architecture]
        claims = [self.data_digest, self.upper_bound, self.lower_bound, self.dual_norm]
        return hashlib.sha256(repr([*parts, *claims]).encode()).hexdigest()


def certify_linear_cnn(
    network: LinearCNN,
    patches: ArrayLike,
    y: ArrayLike,
    beta: float,
    *,
    dual: ArrayLike | None = None,
    proof: str | os.PathLike[str] | None = None,
) -> CNNCertificate:
    """Bound the optimum of a linear CNN from both sides.

    Parameters
    ----------
    network : LinearCNN
        Gives the upper bound.
    patches : array_like, shape (n, K, d)
    y : array_like, shape (n,) or (n, C)
    beta : float
        Weight decay, positive.
    dual : array_like, shape of y, optional
        Candidate ``v``, the residual of the network when omitted.  Any point will do:
        it is scaled into the feasible set.
    proof : path-like, optional
        New file for a proof of both bounds that `convex_solver.linear_checker` checks,
        with a CSV of all patches, then y; see `convex_solver.proofs`.

    Returns
    -------
    CNNCertificate

    Raises
    ------
    InputError, InputTypeError
        As `LinearCNNProgram`; a dual point of another shape; a proof that exists.
    ProofError
        No proof can be written of these bounds.

    Notes
    -----
    Pilanci & Ergen (2020), A.5 and A.7.

    Examples
    --------
    >>> net = LinearCNN([[0.0]], [[0.0]])
    >>> certify_linear_cnn(net, [[[1.0]], [[2.0]]], [1.0, -0.5], 9.0).gap < 1e-14
    True
    """
    check_kind(network, LinearCNN, "network")
    if proof is not None:
        check_new_file(proof)
    samples = read_patch_samples(patches, y)
    found = linear_bounds(samples, network, dual, beta)
    if proof is not None:
        write_cnn_proof(proof, samples, network, found.dual, found.beta)
    return found


@np.errstate(all="ignore")  # what overflows ends as an infinite bound
def linear_bounds(
    samples: Samples,
    network: LinearCNN,
    dual: ArrayLike | None,
    beta: float,
    *,
    deadline: float = math.inf,
) -> CNNCertificate:
    """Return the certificate on samples that were read; see `certify_linear_cnn`.

    Where a singular value decomposition would end long after ``deadline`` (of
    `time.monotonic`) the dual norm is bounded by the Frobenius norm.
    """
    data, targets, outputs = samples.X, samples.y, samples.outputs
    decay = read_beta(beta)
    prediction, error = linear_prediction(network, data, outputs)
    upper = objective_above(
        prediction, error, outputs, decay, [network.filters, network.outputs]
    )
    return _certificate(
        upper,
        _candidate(dual, prediction - outputs, targets),
        targets,
        decay,
        linear_norm_above(data, deadline),
        "linear",
        samples.digest,
    )


def certify_circular_cnn(
    network: CircularCNN,
    X: ArrayLike,
    y: ArrayLike,
    beta: float,
    *,
    dual: ArrayLike | None = None,
    proof: str | os.PathLike[str] | None = None,
) -> CNNCertificate:
    """Bound the optimum of a circular CNN from both sides.

    Parameters
    ----------
    network : CircularCNN
        Gives the upper bound.
    X : array_like, shape (n, d)
    y : array_like, shape (n,)
    beta : float
        Weight decay, positive.
    dual : array_like, shape (n,), optional
        Candidate ``v``, the residual of the network when omitted.
    proof : path-like, optional
        New file for a proof of both bounds that `convex_solver.linear_checker` checks,
        with a CSV of X, then y; see `convex_solver.proofs`.

    Returns
    -------
    CNNCertificate

    Raises
    ------
    InputError, InputTypeError
        As `CircularCNNProgram`; a dual point of another shape; a proof that exists.
    ProofError
        No proof can be written of these bounds.

    Notes
    -----
    Pilanci & Ergen (2020), A.6.  For a neuron ``(u, w)`` with ``|u| = 1`` the dual
    constraint is ``|v^T X Circ(u) w| <= beta |w|`` for every w, that is
    ``|Circ(u)^T X^T v| <= beta``.

    Examples
    --------
    >>> net = CircularCNN([[0.0, 0.0]], [[0.0, 0.0]])
    >>> X = [[1.0, 2.0], [0.0, 1.0]]
    >>> certify_circular_cnn(net, X, [1.0, -1.0], 9.0).gap < 1e-14
    True
    """
    check_kind(network, CircularCNN, "network")
    if proof is not None:
        check_new_file(proof)
    samples = read_signal_samples(X, y)
    found = circular_bounds(samples, network, dual, beta)
    if proof is not None:
        write_cnn_proof(proof, samples, network, found.dual, found.beta)
    return found


@np.errstate(all="ignore")
def circular_bounds(
    samples: Samples,
    network: CircularCNN,
    dual: ArrayLike | None,
    beta: float,
    *,
    deadline: float = math.inf,
) -> CNNCertificate:
    """Return the certificate on samples that were read; see `certify_circular_cnn`.

    ``deadline`` as for `linear_bounds`.
    """
    data, targets = samples.X, samples.y
    d = data.shape[1]
    decay = read_beta(beta)
    if network.filters.shape[1] != d:
        raise InputError(
            f"the network has filters {network.filters.shape}; X is {data.shape}."
        )
    turns = np.add.outer(np.arange(d), np.arange(d)) % d
    columns = np.ascontiguousarray(data.T)

    def norm_above(v: Array) -> float:
        g = (columns @ v[:, None])[:, 0]
        # an error of g enters every row of H: its norm there is sqrt(d) times larger
        error = product_error(columns, v[:, None])[turns, 0]
        return sum_above([_largest_above(g[turns], deadline), frobenius_above(error)])

    prediction, error = _circular_prediction(network, data)
    upper = objective_above(
        prediction, error, targets, decay, [network.filters, network.outputs]
    )
    return _certificate(
        upper,
        _candidate(dual, prediction - targets, targets),
        targets,
        decay,
        norm_above,
        "circular",
        samples.digest,
    )


def linear_norm_above(data: Array, deadline: float) -> Callable[[Array], float]:
    """Return a function that bounds ``sigma_max([X_1^T V .. X_K^T V])`` from above.

    ``deadline`` as for `linear_bounds`.
    """
    n, n_patches, d = data.shape
    columns = np.ascontiguousarray(data.reshape(n, -1).T)

    def norm_above(v: Array) -> float:
        v = v.reshape(n, -1)
        blocks = (columns @ v).reshape(n_patches, d, -1)
        stacked = blocks.transpose(1, 0, 2).reshape(d, -1)
        error = frobenius_above(product_error(columns, v))
        return sum_above([_largest_above(stacked, deadline), error])

    return norm_above


def _largest_above(matrix: Array, deadline: float) -> float:
    """Bound the largest singular value, by the Frobenius norm if there is no time."""
    rows, columns = matrix.shape
    work = DECOMPOSITION * rows * columns * min(rows, columns)
    if fits(work, deadline):
        return spectral_norm_above(matrix)
    return frobenius_above(matrix)


def linear_prediction(
    network: LinearCNN, data: Array, outputs: Array
) -> tuple[Array, Array]:
    """Return the prediction (n, C) in float64 and a bound on its error.

    Raises
    ------
    InputError
        The network does not fit patches (n, K, d) and targets (n, C).
    """
    n, n_patches, d = data.shape
    shape = (network.n_neurons, n_patches, outputs.shape[1])
    if network.filters.shape[1] != d or network.outputs.size != math.prod(shape):
        raise InputError(
            f"the network has filters {network.filters.shape} and outputs "
            f"{network.outputs.shape}; patches are {data.shape} and targets "
            f"{outputs.shape}."
        )
    rows = data.reshape(n * n_patches, d)
    filters = np.ascontiguousarray(network.filters.T)
    width = n_patches * network.n_neurons
    hidden = (rows @ filters).reshape(n, width)
    hidden_error = product_error(rows, filters).reshape(n, width)
    flat = network.outputs.reshape(shape).swapaxes(0, 1).reshape(width, shape[2])
    error = product_error(hidden, flat) + times_above(hidden_error, np.abs(flat))
    return hidden @ flat, error


def _circular_prediction(network: CircularCNN, data: Array) -> tuple[Array, Array]:
    d = data.shape[1]
    turns = np.subtract.outer(np.arange(d), np.arange(d)) % d
    # sum_j Circ(u_j) w_j as one product with m * d terms
    circ = (
        network.filters[:, turns].transpose(1, 0, 2).reshape(d, network.n_neurons * d)
    )
    weights = network.outputs.reshape(-1, 1)
    kernel = circ @ weights
    error = product_error(data, kernel)
    error += times_above(np.abs(data), product_error(circ, weights))
    return (data @ kernel)[:, 0], error[:, 0]


def objective_above(
    prediction: Array, error: Array, y: Array, beta: float, weights: list[Array]
) -> float:
    """Upper bound of ``1/2 |f - y|^2 + beta/2 sum weights^2`` for the exact f."""
    loss = half_squares_above(distance_above(prediction, error, y))
    return sum_above([loss, decay_above(beta, weights)])


def _candidate(dual: ArrayLike | None, residual: Array, y: Array) -> Array:
    return residual.reshape(y.shape) if dual is None else read_candidate(dual, y.shape)


def _certificate(
    upper: float,
    v: Array,
    y: Array,
    beta: float,
    norm_above: Callable[[Array], float],
    architecture: str,
    data_digest: str,
) -> CNNCertificate:
    scaled, dual_norm = _feasible(v, y, beta, norm_above)
    lower = max(0.0, dual_value_below(scaled, y))
    return CNNCertificate(
        upper, lower, scaled, dual_norm, beta, architecture, data_digest
    )


def _feasible(
    v: Array, y: Array, beta: float, norm_above: Callable[[Array], float]
) -> tuple[Array, float]:
    """Scale ``v`` by the best factor that keeps its norm at ``beta`` or below."""
    square = float(np.sum(v * v))
    best = -float(np.sum(v * y)) / square if square > 0.0 else 0.0
    size = norm_above(v)
    cap = beta / size if size > 0.0 else math.inf
    return scale_below(v, min(max(best, 0.0), cap), beta, norm_above)


def scale_below(
    v: Array, factor: float, limit: float, norm_above: Callable[[Array], float]
) -> tuple[Array, float]:
    """Return about ``factor * v`` with a norm of ``limit`` or less, and its bound.

    The bound is that of the scaled vector, so nothing depends on how it was scaled.
    """
    for shrink in (1.0, 1.0 - 2.0**-50, 1.0 - 2.0**-40, 1.0 - 2.0**-20):
        scaled = factor * shrink * v
        if not np.all(np.isfinite(scaled)):
            break
        bound = norm_above(scaled)
        if bound <= limit:
            return scaled, bound
    return np.zeros_like(v), 0.0
