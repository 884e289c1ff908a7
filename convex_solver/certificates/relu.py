"""`certify`: bounds on the optimum, recomputed from the raw data alone.

The lower bound comes from Theorem 6's dual, ``max -l*(v)`` subject to
``|v^T (X u)_+| <= beta`` for all ``|u| <= 1``.  The largest ``|v^T (X u)_+|`` is
bounded from above over *all* directions, by a covering of the sphere or over all
chambers of a proven listing; ``v`` is scaled by what that allows, and every rounding is
added to the wrong side.  Nothing here is shared with the solver: neither its program
nor its pricing.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from arrangement import InputError, PatternSet
from arrangement.executors import check_executor
from arrangement.io import check_new_file, html_facts
from arrangement.options import short_repr
from convex_solver.certificates.chambers import Price
from convex_solver.certificates.exact_chambers import MUCH, nudged_dual, rounded_share
from convex_solver.certificates.network_bounds import upper_bound
from convex_solver.certificates.prices import largest_price
from convex_solver.certificates.status import Bounds
from convex_solver.certificates.words import verdict
from convex_solver.leaves import Hint, read_hints
from convex_solver.losses import DataTerm, Loss, get_loss
from convex_solver.networks import (
    TwoLayerReLU,
    check_fit,
    check_names,
    scaling_of,
)
from convex_solver.proofs import write_proof
from convex_solver.reading import (
    MAX_CONES,
    Data,
    check_kind,
    deadline_after,
    read_beta,
    read_candidate,
    read_cones,
    read_data,
    read_seconds,
    read_tolerance,
)
from convex_solver.rounding import (
    TINY,
    product_above,
    quotient_below,
    sum_above,
)
from convex_solver.typing import Array

# Distance of a covering's bound from the largest value.
RTOL = 1e-11
# Parts of the best factor that are tried where the rounding of a dual point to
# subnormal numbers has to be paid for.
SHARES = (1.0, 1.0 - 2.0**-50, 1.0 - 2.0**-20, 0.5)


@dataclass(frozen=True, eq=False)
class Certificate(Bounds):
    """Bounds on the optimum of one problem, each on the safe side of its rounding.

    Attributes
    ----------
    upper_bound : float
        At least the network's objective (2), for the exact data.
    lower_bound : float
        No network of any width has an objective below it.
    gap : float
        ``(upper_bound - lower_bound) / upper_bound``, and 0 when both are 0.
    dual : ndarray, shape (n,), read-only
        The feasible ``v`` behind the lower bound (gradient of the loss by sign).
    max_price : float
        Upper bound of ``|v^T (X u)_+|``, ``|u| <= 1``, before ``v`` was scaled.
    beta, loss : float, str
        The problem.
    n_patterns : int or None
        Chambers priced, all there are; None when they were not listed.
    cover_bound : int
        Cover's bound on their number.
    proof : str
        Why every direction is accounted for.
    data_digest : str
        SHA-256 of the data as read.
    n_cones : int or None
        Cones that cover the sphere; None when chambers were listed.
    leaves : tuple of Hint
        The forms above the price that are the proof, if that is how it was found; with
        the dual point they are what another program needs to bound it again.
    """

    upper_bound: float
    lower_bound: float
    dual: Array = field(repr=False)
    max_price: float
    beta: float
    loss: str
    n_patterns: int | None
    cover_bound: int
    proof: str
    data_digest: str
    n_cones: int | None = None
    leaves: tuple[Hint, ...] = field(default=(), repr=False)

    __repr__ = short_repr

    def _repr_html_(self) -> str:
        """Return what a notebook shows: both bounds, and what proves them."""
        facts = [
            ("upper bound", f"{self.upper_bound:.12g}"),
            ("lower bound", f"{self.lower_bound:.12g}"),
            ("gap", f"{self.gap:.2e} relative"),
            ("problem", f"{self.loss} loss, beta = {self.beta:g}"),
            ("shown", verdict(self.gap)),
            ("lower bound by", self.proof),
            ("data", f"{self.dual.size:,} rows, SHA-256 {self.data_digest[:16]}..."),
        ]
        return html_facts("Certificate", facts)


def certify(
    network: TwoLayerReLU,
    X: ArrayLike | Any,
    y: ArrayLike | Any,
    beta: float,
    *,
    loss: str | Loss = "squared",
    sample_weight: ArrayLike | Any | None = None,
    dual: ArrayLike | None = None,
    floats: str = "binary",
    patterns: PatternSet | None = None,
    method: str = "auto",
    rtol: float = RTOL,
    max_cones: int = MAX_CONES,
    leaves: Sequence[Hint] = (),
    time_limit: float | None = None,
    executor: Executor | None = None,
    proof: str | os.PathLike[str] | None = None,
) -> Certificate:
    """Bound the optimum from both sides, from the data and a candidate dual point.

    Parameters
    ----------
    network : TwoLayerReLU
        Gives the upper bound; its ``intercept``, ``center`` and ``scale`` say how the
        data enter.
    X : array_like, shape (n, d - intercept) or (n, K, d - intercept)
        The raw data, in any form that `arrangement.Arrangement` reads; with K patches
        a sample the network's outputs on them are added up.
    y : array_like, shape (n,)
        Targets.
    beta : float
        Weight decay, positive.
    loss : str or Loss
        As for `ConvexProgram`.
    sample_weight : array_like, shape (n,), optional
        As for `ConvexProgram`.
    dual : array_like, shape (n,), optional
        Candidate ``v``; the loss's gradient at the prediction when omitted.  Any
        point will do: it is clipped, priced and scaled.
    floats : {"binary", "decimal"}
        How floats in ``X`` and ``y`` are read.
    patterns : PatternSet, optional
        A proven listing of the same data; its chambers are then priced.
    method : {"auto", "covering", "chambers", "relaxation"}
        How ``|v^T (X u)_+|`` is bounded: by a covering of the sphere (`cover_sphere`),
        which needs about the square root of the number of chambers, chamber by chamber,
        or by quadratic forms above it (in any dimension and at once, but not tight).
        "auto" lists chambers only where the covering exceeds its budget and there are
        not too many of them, and takes the quadratic form if it is the better bound;
        above rank 8, and where leaves are given, it tries nothing else.
    rtol : float
        How far the bound of a covering may be above the largest value, relative: a
        larger one needs fewer cones and costs as much of the lower bound.
    max_cones : int
        Most cones of the covering for each sign.  What is left beyond them is bounded
        as well: the certificate is valid, but loose.
    leaves : sequence of Hint
        Of another certificate, whose dual point is given: the parts of the sphere on
        which forms are taken, and which.  Nothing in them is believed.
    time_limit : float, optional
        Seconds for the whole call; then a covering ends as if ``max_cones`` were
        reached: the certificate is valid, but loose.
    executor : concurrent.futures.Executor, optional
        Proves the bound: a pool of processes, Dask's ``client.get_executor()``, mpi4py,
        loky.  Its workers visit cones, list chambers or bound forms; without a time
        limit the certificate is the same.
    proof : path-like, optional
        A new file that proves the bounds to others, by cones or, where they rest on a
        relaxation, by forms.  They check it with `convex_solver.checker` and a CSV
        without names that has the columns of X (of all patches, one after another),
        then y, then the weights.

    Returns
    -------
    Certificate

    Raises
    ------
    ProofError
        No proof can be written of these bounds, see `convex_solver.proofs.write_proof`.
    InputError, InputTypeError
        Shapes, labels, beta; a listing without a proof; an unknown method; rtol or
        max_cones out of range, or the limit; leaves that are none, or do not cover the
        sphere; an executor that is none.

    Warns
    -----
    RuntimeWarning
        The executor has lost its workers; what they left is done in this process.

    Notes
    -----
    Lemma 4 and Theorem 6 of Pilanci & Ergen (2020).
    """
    deadline = deadline_after(read_seconds(time_limit))
    if proof is not None:
        check_new_file(proof)
    data = read_for(network, X, y, floats, sample_weight)
    term = get_loss(loss)
    found = bounds(
        data,
        network,
        dual,
        beta,
        term,
        patterns=patterns,
        method=method,
        rtol=rtol,
        max_cones=max_cones,
        leaves=leaves,
        deadline=deadline,
        executor=executor,
    )
    if proof is not None:
        write_proof(
            proof,
            data,
            network,
            found.dual,
            found.beta,
            term,
            max_cones=max_cones,
            leaves=found.leaves,
            by_forms=found.n_cones is None and found.n_patterns is None,
        )
    return found


@np.errstate(all="ignore")  # what overflows ends as an infinite bound
def bounds(
    data: Data,
    network: TwoLayerReLU,
    dual: ArrayLike | None,
    beta: float,
    loss: Loss,
    *,
    patterns: PatternSet | None = None,
    method: str = "auto",
    rtol: float = RTOL,
    max_cones: int = MAX_CONES,
    leaves: Sequence[Hint] = (),
    deadline: float = math.inf,
    n_jobs: int = 1,
    executor: Executor | None = None,
) -> Certificate:
    """Return the certificate of a network on data that were read; see `certify`.

    It depends on nothing but its arguments: what a solver found enters as ``network``
    and ``dual``, which are candidates, and what it computed is computed again;
    ``leaves`` say what forms to take for a relaxation; they are candidates too.  Past
    ``deadline`` (of `time.monotonic`) a covering ends as if ``max_cones`` were reached,
    and the chambers that are listed in its place may prove nothing.  A covering has
    ``n_jobs`` threads; an executor does what is long.
    """
    check_executor(executor)
    check_fit(data, network)
    beta = read_beta(beta)
    term = _term(data, loss)
    lower = _lower(
        data,
        loss,
        term,
        _candidate(term, network, data, dual),
        network.weights,
        beta,
        method=method,
        patterns=patterns,
        rtol=read_tolerance(rtol, "rtol"),
        max_cones=read_cones(max_cones),
        leaves=read_hints(leaves),
        deadline=deadline,
        n_jobs=n_jobs,
        executor=executor,
    )
    return lower.certificate(network)


@dataclass(frozen=True, eq=False)
class LowerBound:
    """A lower bound of the optimum of one problem, and all that proves it.

    Attributes
    ----------
    value : float
        No network of any width has an objective below it.
    dual : ndarray, shape (n,), float64
        The feasible point behind it.
    """

    value: float
    dual: Array = field(repr=False)
    _price: Price = field(repr=False)
    _leaves: tuple[Hint, ...] = field(repr=False)
    _beta: float
    _loss: Loss
    _term: DataTerm = field(repr=False)
    _data: Data = field(repr=False)

    @np.errstate(all="ignore")
    def certificate(self, network: TwoLayerReLU) -> Certificate:
        """Return it beside the bound that a network is."""
        price, term = self._price, self._term
        return Certificate(
            upper_bound=upper_bound(network, self._data, self._beta, term),
            lower_bound=self.value,
            dual=self.dual.copy(),
            max_price=price.largest,
            beta=self._beta,
            loss=str(self._loss),
            n_patterns=price.n_patterns,
            cover_bound=price.bound,
            proof=price.proof,
            data_digest=self._data.digest,
            n_cones=price.n_cones,
            leaves=self._leaves,
        )


@np.errstate(all="ignore")  # what overflows ends as an infinite price
def lower_bound(
    data: Data,
    loss: Loss,
    dual: Array,
    hints: Array,
    beta: float,
    *,
    rtol: float,
    max_cones: int,
    deadline: float,
    n_jobs: int,
    executor: Executor | None = None,
) -> LowerBound:
    """Return what a covering of at most so many cones proves of a dual point.

    ``hints`` (k, d) are directions where its price may be large; the rest is as for
    `bounds`.
    """
    return _lower(
        data,
        loss,
        _term(data, loss),
        dual,
        hints,
        beta,
        method="covering",
        patterns=None,
        rtol=rtol,
        max_cones=max_cones,
        leaves=(),
        deadline=deadline,
        n_jobs=n_jobs,
        executor=executor,
    )


def _term(data: Data, loss: Loss) -> DataTerm:
    return loss.at(
        data.y,
        weights=data.weights,
        y_exact=data.y_read,
        weights_exact=data.weights_read,
    )


def _lower(
    data: Data,
    loss: Loss,
    term: DataTerm,
    dual: Array,
    hints: Array,
    beta: float,
    **options: Any,
) -> LowerBound:
    v = term.clip(dual)
    price = largest_price(data, data.spread(v), hints, **options)
    scaled = _feasible(term, v, data, beta, price.largest)
    value = max(0.0, term.dual_lower(scaled))
    leaves = _scaled(price.leaves, v, scaled)
    found = LowerBound(value, scaled, price, leaves, beta, loss, term, data)
    is_free = options["method"] == "auto" and options["patterns"] is None
    share = rounded_share(data, data.spread(scaled), beta)
    if not (is_free and MUCH < share < math.inf):
        return found
    nudged = nudged_dual(data, term, v, beta, price.bound, options["deadline"])
    other = 0.0 if nudged is None else term.dual_lower(nudged[0])
    if nudged is None or not other > value:
        return found
    return LowerBound(other, *nudged, (), beta, loss, term, data)


def _scaled(leaves: Sequence[Hint], v: Array, scaled: Array) -> tuple[Hint, ...]:
    """Return the hints for the dual point that v was scaled to."""
    size = float(np.abs(v).max(initial=0.0))
    share = float(np.abs(scaled).max(initial=0.0)) / size if size > 0.0 else 1.0
    return tuple(replace(hint, price=hint.price * share) for hint in leaves)


def read_for(
    network: TwoLayerReLU,
    X: ArrayLike | Any,
    y: ArrayLike | Any,
    floats: str,
    sample_weight: ArrayLike | Any | None,
) -> Data:
    """Read data as a network takes them, or say that they do not fit it."""
    check_kind(network, TwoLayerReLU, "network")
    check_names(network.feature_names, X)
    data = read_data(
        X,
        y,
        intercept=network.intercept,
        scaling=scaling_of(network),
        floats=floats,
        sample_weight=sample_weight,
    )
    check_fit(data, network)
    return data


def _candidate(
    term: DataTerm, network: TwoLayerReLU, data: Data, dual: ArrayLike | None
) -> Array:
    """Return the point given, or the gradient of the loss at the prediction."""
    if dual is not None:
        return read_candidate(dual, data.y.shape)
    gradient = term.gradient(network.evaluate(data.design))
    if not np.all(np.isfinite(gradient)):
        raise InputError(
            "the network's predictions on these data are beyond float64, so that they "
            "give no dual point. Give one, or another network."
        )
    return gradient


def _feasible(
    term: DataTerm, v: Array, data: Data, beta: float, max_price: float
) -> Array:
    """Scale ``v`` into the dual feasible set, at the best factor allowed.

    ``t max_price <= beta`` for the float t; the price has what the rounding of ``t v``
    adds, relative to each entry, in it.  What is not relative (entries that become
    subnormal, or that clipping moves) is paid for by ``sum |change_i| |x_i|``.
    """
    best = term.best_scale(v, quotient_below(beta, max_price))
    lengths = np.abs(data.X).sum(axis=1) + data.X_error.sum(axis=1)
    lengths = lengths.reshape(len(v), -1).sum(axis=1)
    for share in SHARES:
        factor = share * best
        raw = factor * v
        if not np.all(np.isfinite(raw)):
            break
        scaled = term.clip(raw)
        change = np.abs(raw - scaled) * 2.0
        change += TINY * ((v != 0.0) & (np.abs(raw) < 2.0**-1022))
        if not np.any(change):
            return scaled
        pairs = zip(change.tolist(), lengths.tolist(), strict=True)
        # twice: the lengths are rounded
        extra = 2.0 * sum_above(product_above(a, b) for a, b in pairs)
        if sum_above([product_above(factor, max_price), extra]) <= beta:
            return scaled
    return np.zeros_like(v)  # always feasible
