"""Certificates of minimum-norm interpolation, recomputed from the raw data alone.

Let ``g(y)`` be the least ``sum |u_j| |alpha_j|`` of a network that takes the values y
on the data exactly.

- lower bound: ``v . y <= g(y) max |v^T (X u)_+|`` for every ``v``, in rational
  arithmetic but for the maximum, which a covering of the sphere bounds from above;
- upper bound: a network in floats misses the targets by some ``e``, and ``g(y) <=
  g(y - e) + g(e)``.  ``g(e)`` is bounded by an exact solution on some neurons, whose
  existence and size an approximate inverse proves (Rump 2010, Acta Numerica 19,
  Section 10).
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrangement import InputError
from arrangement.io import check_new_file
from arrangement.options import short_repr
from convex_solver.certificates.covering import cover_sphere
from convex_solver.certificates.network_bounds import predict_within
from convex_solver.certificates.obstruction import reach
from convex_solver.certificates.relu import read_for
from convex_solver.certificates.status import Bounds
from convex_solver.errors import NoInterpolationError, ProofError
from convex_solver.networks import TwoLayerReLU, check_fit
from convex_solver.proofs import write_interpolation_proof
from convex_solver.reading import (
    MAX_CONES,
    Data,
    deadline_after,
    fits,
    read_candidate,
    read_cones,
    read_seconds,
    read_tolerance,
)
from convex_solver.rounding import (
    LEAST,
    TINY,
    UP,
    U,
    add_above,
    decay_above,
    distance_above,
    float_below,
    product_error,
    sum_above,
    times_above,
)
from convex_solver.typing import Array

# How far the covering's bound may be from the value.
RTOL = 1e-11
# Points tried on each hyperplane for one that is far from the others.
TRIALS = 16


@dataclass(frozen=True, eq=False)
class InterpolationCertificate(Bounds):
    """Bounds on the least norm of an interpolating network.

    Attributes
    ----------
    upper_bound : float
        Some network that interpolates *exactly* has this norm or less; infinite where
        that could not be proven.
    lower_bound : float
        No interpolating network of any width has a smaller norm.
    gap : float
        ``(upper_bound - lower_bound) / upper_bound``, and 0 when both are 0.
    correction : float
        The part of the upper bound that pays for the residuals.
    residual : float
        Upper bound of ``|f(x_i) - y_i|``.
    dual : ndarray, shape (n,), read-only
        The ``v`` behind the lower bound ``v . y / max_price``.
    max_price : float
        Upper bound of ``|v^T (X u)_+|``, ``|u| <= 1``.
    n_cones : int
        Cones that cover the sphere.
    data_digest : str
        SHA-256 of the data as read.
    """

    upper_bound: float
    lower_bound: float
    correction: float
    residual: float
    dual: Array = field(repr=False)
    max_price: float
    n_cones: int
    data_digest: str

    __repr__ = short_repr


def certify_interpolation(
    network: TwoLayerReLU,
    X: ArrayLike | Any,
    y: ArrayLike | Any,
    *,
    dual: ArrayLike,
    floats: str = "binary",
    rtol: float = RTOL,
    max_cones: int = MAX_CONES,
    time_limit: float | None = None,
    proof: str | os.PathLike[str] | None = None,
) -> InterpolationCertificate:
    """Bound the least norm of an interpolating network from both sides.

    Parameters
    ----------
    network : TwoLayerReLU
        Gives the upper bound; its ``intercept``, ``center`` and ``scale`` say how the
        data enter.  It need not interpolate, but what it misses is paid for.
    X : array_like, shape (n, d - intercept)
    y : array_like, shape (n,)
    dual : array_like, shape (n,)
        Candidate ``v``, of any size and sign.
    floats : {"binary", "decimal"}
        How floats in ``X`` and ``y`` are read.
    rtol : float
        How far the bound of the covering may be above the largest value, relative.
    max_cones : int
        Most cones of the covering for each sign; the bound holds, but is loose, where
        more would be needed.
    time_limit : float, optional
        Seconds for the whole call, as in `certify`; what writes a proof comes after it.
    proof : path-like, optional
        New file for a proof of both bounds that `convex_solver.checker` checks, with
        the data as a CSV of the columns of X, then y; see `convex_solver.proofs`.

    Returns
    -------
    InterpolationCertificate

    Raises
    ------
    NoInterpolationError
        If no network of any width interpolates.
    InputError
        Shapes; patches; rtol, max_cones or the limit out of range; a proof that exists.
    ProofError
        No proof can be written of these bounds.
    ValueError, TypeError
        As `arrangement.Arrangement` for entries that cannot be read.

    Notes
    -----
    Pilanci & Ergen (2020), equations (7) and (15) and appendix A.10; the dual is
    ``max v . y`` subject to ``|v^T (X u)_+| <= 1``.

    Examples
    --------
    >>> net = TwoLayerReLU([[1.0, 0.0], [-1.0, 0.0]], [1.0, 1.0])
    >>> X, y = [[-1, 1], [0, 1], [1, 1]], [1, 0, 1]
    >>> found = certify_interpolation(net, X, y, dual=[1.0, -2.0, 1.0])
    >>> round(found.lower_bound, 9), round(found.upper_bound, 9)
    (2.0, 2.0)
    """
    deadline = deadline_after(read_seconds(time_limit))
    if proof is not None:
        check_new_file(proof)
    data = read_for(network, X, y, floats, None)
    found = interpolation_bounds(
        data, network, dual, rtol=rtol, max_cones=max_cones, deadline=deadline
    )
    if proof is not None:
        _write_proof(proof, data, network, found, max_cones)
    return found


def _write_proof(
    path: str | os.PathLike[str],
    data: Data,
    network: TwoLayerReLU,
    found: InterpolationCertificate,
    max_cones: int,
) -> None:
    """Write the proof of a certificate, with the dual point as long as it may be."""
    price = found.max_price
    if not price < math.inf:
        raise ProofError("the dual point has no finite price; it proves nothing.")
    value = float(found.dual @ data.y)
    scale = math.copysign(1.0 / price, -value) if price > 0.0 else 0.0
    kept = reach(data.entering, data.y_exact, intercept=data.intercept).rows
    places = np.array(kept, dtype=np.intp)
    write_interpolation_proof(
        path,
        data,
        network,
        found.dual * scale,
        kept=kept,
        directions=_directions(data.X, places, network.weights),
        max_cones=max_cones,
    )


@np.errstate(all="ignore")  # what overflows ends as an infinite bound
def interpolation_bounds(
    data: Data,
    network: TwoLayerReLU,
    dual: ArrayLike,
    *,
    rtol: float = RTOL,
    max_cones: int = MAX_CONES,
    deadline: float = math.inf,
    n_jobs: int = 1,
) -> InterpolationCertificate:
    """Return the certificate on data that were read; see `certify_interpolation`.

    Past ``deadline`` (of `time.monotonic`) the covering ends as if ``max_cones`` were
    reached, and what targets are missed by is not paid for: the upper bound is
    infinite.  It has ``n_jobs`` threads.
    """
    check_rows(data)
    check_fit(data, network)
    v = read_candidate(dual, data.y.shape)
    reached = reach(data.entering, data.y_exact, intercept=data.intercept)
    if reached.obstruction is not None:
        raise NoInterpolationError(reached.obstruction)
    covering = cover_sphere(
        data.X,
        v,
        X_error=data.X_error,
        hints=network.weights,
        rtol=read_tolerance(rtol, "rtol"),
        max_cones=read_cones(max_cones),
        deadline=deadline,
        n_jobs=n_jobs,
    )
    missed = _missed(network, data)
    correction = _cost(data, missed, network.weights, reached.rows, deadline)
    decay = decay_above(1.0, [network.weights, network.alphas])
    return InterpolationCertificate(
        upper_bound=sum_above([decay, correction]),
        lower_bound=_lower(v, data, covering.bound),
        correction=correction,
        residual=float(np.max(missed)),
        dual=v,
        max_price=covering.bound,
        n_cones=covering.n_cones,
        data_digest=data.digest,
    )


def check_rows(data: Data) -> None:
    """Refuse patches: one a sample is a row, more are not supported."""
    if data.n_patches > 1:
        raise InputError(
            "interpolation is supported for rows, X of shape (n, d); with patches use "
            "ConvexProgram and a small beta."
        )


def _lower(v: Array, data: Data, max_price: float) -> float:
    """Round ``|v . y| / max_price`` down; the sign of ``v`` is free."""
    if not 0.0 < max_price < math.inf:
        return 0.0
    pairs = zip(v.tolist(), data.y_exact, strict=True)
    value = abs(sum((Fraction(a) * b for a, b in pairs), start=Fraction(0)))
    exact = value / Fraction(max_price)
    return float_below(exact)


def _missed(network: TwoLayerReLU, data: Data) -> Array:
    """Bound ``|f(x_i) - y_i|`` for the exact data, zero where it is."""
    prediction, error = predict_within(network, data)
    return add_above(distance_above(prediction, error, data.y), data.y_error)


def _cost(
    data: Data, missed: Array, hints: Array, rows: tuple[int, ...], deadline: float
) -> float:
    """Bound ``g(e)`` for every ``e`` in reach with ``|e_i| <= missed_i``.

    Such an e is determined by its entries on ``rows``.  With outputs C of unit
    directions there, M near its right inverse and ``|I - C M| <= theta < 1`` in the
    maximum norm, ``a = M (C M)^-1 e`` are sizes of neurons that output e, and
    ``|(C M)^-1 e| <= |e| + theta / (1 - theta) max |e|``.
    """
    if not np.any(missed):
        return 0.0
    kept = np.array(rows, dtype=np.intp)
    if not kept.size or not np.all(np.isfinite(missed)):
        # no rows: all outputs are zero, and so is e
        return 0.0 if not kept.size else math.inf
    # six directions a row; a decomposition is not cut short
    if not fits(float(kept.size) ** 2 * (len(hints) + 6 * kept.size), deadline):
        return math.inf
    # rows to about one, by powers of two; what underflows then is added to the errors
    powers = np.frexp(np.abs(data.X[kept]).max(axis=1))[1]
    X = np.ldexp(data.X[kept], -powers[:, None])
    errors = np.ldexp(data.X_error[kept], -powers[:, None]) + LEAST
    missed = np.ldexp(missed[kept], -powers) + LEAST
    directions = _directions(data.X, kept, hints)
    units = np.ascontiguousarray(directions.T)
    C = np.maximum(X @ units, 0.0)
    off = product_error(X, units) + times_above(errors, np.abs(units))
    try:
        M = np.linalg.pinv(C, rcond=1e-15)
    except np.linalg.LinAlgError:
        return math.inf
    spread = np.abs(M)
    wrong = np.abs(np.eye(len(C)) - C @ M) * (1.0 + 4.0 * U)
    wrong += product_error(C, M) + times_above(off, spread)
    theta = float(wrong.sum(axis=1).max()) * UP
    if not theta < 0.5:
        return math.inf
    norms = np.linalg.norm(directions, axis=1) * UP
    sizes = (missed + theta / (1.0 - theta) * missed.max()) * UP
    return sum_above((times_above(norms, spread) * sizes * UP + TINY).tolist())


def _directions(X: Array, rows: NDArray[np.intp], hints: Array) -> Array:
    """Directions (m, d) whose outputs span all that are in reach; only a guide.

    With w on hyperplane k, off the others, and a small s, the outputs of ``w + s h_k``
    and ``w - s h_k`` less twice those of w are nonzero on rows of that line only.
    """
    peaks = np.abs(X).max(axis=1, initial=0.0)
    units = X[peaks > 0.0] / peaks[peaks > 0.0][:, None]
    units /= np.linalg.norm(units, axis=1)[:, None]
    mixed = np.random.default_rng(0).standard_normal((TRIALS, len(units))) @ units
    found = [_units(hints)]
    for k in rows:
        h = X[k] / peaks[k]
        h /= np.linalg.norm(h)
        points = mixed - np.outer(mixed @ h, h)
        points = _units(points - np.outer(points @ h, h))
        across = np.abs(units @ h)
        others = units[across < 1.0 - 1e-13]
        heights = np.abs(points @ others.T)
        steps = heights / np.maximum(np.abs(others @ h), 1e-3)
        room = steps.min(axis=1, initial=1.0)
        found.append(np.stack([h, -h]))
        if room.size:
            best = int(np.argmax(room))
            w, step = points[best], 0.5 * room[best] * h
            found.append(_units(np.stack([w, -w, w + step, w - step])))
    return np.vstack(found)


def _units(rows: Array) -> Array:
    """Scale rows to about one and drop those that are (nearly) zero."""
    norms = np.linalg.norm(rows, axis=1)
    alive = (norms > 1e-9) & np.isfinite(norms)
    return np.asarray(rows[alive] / norms[alive, None])
