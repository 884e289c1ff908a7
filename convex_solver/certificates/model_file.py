"""A fitted model with what it claims in one JSON file, and its independent check.

A file holds no certificate: whoever can write a file can write any certificate.  It
holds two bounds and the dual point from which the lower one is said to follow, and
`certify_model` computes from the data whether they do.  What else a certificate says
(gap, price, number of cones, proof) follows from these and the data; it is not stored.

The digest is over everything else in the file.  It shows damage and changes made by
hand; it proves nothing, since anybody can compute it.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import sys
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from arrangement import InputError, InputTypeError
from arrangement.io import shown
from arrangement.options import short_repr
from convex_solver.certificates.leaf_claims import read_hints, write_hints
from convex_solver.certificates.relu import Certificate, bounds, read_for
from convex_solver.certificates.status import relative_gap
from convex_solver.errors import (
    ClaimNotReproducedError,
    DigestMismatchError,
    LeavesError,
    ModelFileError,
)
from convex_solver.leaves import Hint
from convex_solver.losses import get_loss
from convex_solver.networks import Fields, TwoLayerReLU, read_json, write_json
from convex_solver.reading import check_kind
from convex_solver.typing import Array

FORMAT = "convex-relu model 4"
# Those before, without classes and without leaves, are read too; in the first one
# claims were stored that nothing checks.
_NO_CLASSES, _NO_LEAVES = "convex-relu model 3", "convex-relu model 2"
_OLDEST = "convex-relu model 1"

# Other machines round dot products differently, and their coverings end elsewhere.  The
# bounds in a file are weaker than the certificate's by this part of the upper one: then
# honest ones are reproduced everywhere, and the check needs no tolerance that would let
# better bounds than the computed ones pass.
MARGIN = 1e-9

_PARTS = (
    "format",
    "target_name",
    "weight_name",
    "floats",
    "classes",
    "network",
    "claim",
    "digest",
)
_PARTS_BEFORE = tuple(name for name in _PARTS if name != "classes")
_CLAIMS = (
    "upper_bound",
    "lower_bound",
    "beta",
    "loss",
    "data_digest",
    "dual",
    "leaves",
)
_READINGS = ("binary", "decimal")


@dataclass(frozen=True, eq=False)
class Claim:
    """What a model file says about its network; `certify_model` checks it.

    Attributes
    ----------
    upper_bound, lower_bound : float
        The network's objective is said to be at most the one, every network's at least
        the other; finite, ``0 <= lower_bound <= upper_bound``.
    beta, loss : float, str
        The problem.
    data_digest : str
        SHA-256 of the data as read.
    dual : ndarray, shape (n,), read-only
        The point that is said to prove the lower bound.
    leaves : tuple of Hint
        What forms to take for its price; empty where a covering does.
    """

    upper_bound: float
    lower_bound: float
    beta: float
    loss: str
    data_digest: str
    dual: Array = field(repr=False)
    leaves: tuple[Hint, ...] = field(default=(), repr=False)

    __repr__ = short_repr

    @property
    def gap(self) -> float:
        """``(upper_bound - lower_bound) / upper_bound``, and 0 when both are 0."""
        return relative_gap(self.upper_bound, self.lower_bound)


class Certified(Protocol):
    """What `save_model` needs of a `Solution`."""

    @property
    def network(self) -> TwoLayerReLU:
        """The network."""

    @property
    def certificate(self) -> Certificate:
        """Its certificate."""


@dataclass(frozen=True, eq=False)
class Model:
    """A network, what its file claims about it, and the names that the data need.

    ``target_name`` is the column predicted, ``weight_name`` that of the weights of the
    samples, if any; ``floats`` says how floats were read.  ``classes`` are the texts
    that -1 and +1 stand for, None where the targets are numbers.
    """

    network: TwoLayerReLU
    claim: Claim
    target_name: str
    floats: str
    weight_name: str | None = None
    classes: tuple[str, str] | None = None

    __repr__ = short_repr

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the prediction for each row of ``X``, in the units of the targets.

        Parameters
        ----------
        X : array_like, shape (n, d), or (n, K, d) for patches

        Returns
        -------
        ndarray, shape (n,)
            float64: the output of the network (``network.predict`` always returns
            that); of Poisson its exponential, the mean; of a classification -1 or +1,
            the sign of the output (-1 where it is 0).  Text where ``classes`` says what
            these stand for.

        Raises
        ------
        InputError
            As `TwoLayerReLU.predict`; a mean beyond float64.
        """
        outputs = self.network.predict(X)
        loss = get_loss(self.claim.loss)
        if loss.is_classification:
            is_positive = outputs > 0.0
            if self.classes is None:
                return np.where(is_positive, 1.0, -1.0)
            return np.array(self.classes)[is_positive.astype(np.int64)]
        with np.errstate(over="ignore"):
            mean = loss.mean(outputs)
        wrong = np.flatnonzero(~np.isfinite(mean))
        if wrong.size:
            raise InputError(
                f"the mean of row {wrong[0]} of X, exp({outputs[wrong[0]]:g}), is "
                "beyond float64. Leave the row out, or correct it."
            )
        return mean

    def probability(self, X: ArrayLike) -> Array:
        """Return the probability of the second class for each row of ``X``, (n,).

        Raises
        ------
        InputError
            The loss is not logistic; as `TwoLayerReLU.predict`.
        """
        loss = get_loss(self.claim.loss)
        if loss.name != "logistic":
            raise InputError(
                f"the {loss.name} loss gives no probabilities; the logistic loss does."
            )
        return np.asarray(expit(self.network.predict(X)))


def save_model(
    path: str | os.PathLike[str],
    solution: Certified,
    *,
    target_name: str = "y",
    weight_name: str | None = None,
    floats: str = "binary",
    classes: tuple[str, str] | None = None,
) -> None:
    """Write a new model file; an existing one is refused, nothing is half-written.

    Parameters
    ----------
    path : path-like
    solution : Solution
        Or anything else with ``network`` and ``certificate``.  The bounds are written a
        billionth weaker than they are, so that other machines reproduce them.
    target_name, weight_name : str, optional
        Columns of the table that the data come from.
    floats : {"binary", "decimal"}
        How the floats of the data were read.
    classes : pair of str, optional
        What the targets -1 and +1 stand for in the table.

    Raises
    ------
    InputError, InputTypeError
        The path exists or cannot be written; nothing certified, or bounds that are not
        finite, which claim nothing.
    """
    content = model_content(
        solution,
        target_name=target_name,
        weight_name=weight_name,
        floats=floats,
        classes=classes,
    )
    write_json(path, content)


def model_content(
    solution: Certified,
    *,
    target_name: str = "y",
    weight_name: str | None = None,
    floats: str = "binary",
    classes: tuple[str, str] | None = None,
) -> dict[str, Any]:
    """Return what `save_model` writes, as JSON has it; raises as that does."""
    network = getattr(solution, "network", None)
    certificate = getattr(solution, "certificate", None)
    if not isinstance(network, TwoLayerReLU) or not isinstance(
        certificate, Certificate
    ):
        raise InputTypeError(
            f"solution is {type(solution).__name__}; expected the result of solve, or "
            "anything with a network and a certificate, after the path."
        )
    if floats not in _READINGS:
        raise InputError(f"floats={floats!r}; expected one of {_READINGS}.")
    upper, lower = certificate.upper_bound, certificate.lower_bound
    if not 0.0 <= lower <= upper < math.inf:
        raise InputError(
            f"the bounds {lower!r} and {upper!r} claim nothing that a file could hold; "
            "expected finite ones, the lower not above the upper."
        )
    content = {
        "format": FORMAT,
        "target_name": target_name,
        "weight_name": weight_name,
        "floats": floats,
        "classes": None if classes is None else list(classes),
        "network": network.to_dict(),
        "claim": {
            "upper_bound": min(
                math.nextafter(upper * (1.0 + MARGIN), math.inf) if upper else 0.0,
                sys.float_info.max,
            ),
            "lower_bound": max(lower - MARGIN * upper, 0.0),
            "beta": certificate.beta,
            "loss": certificate.loss,
            "data_digest": certificate.data_digest,
            "dual": certificate.dual.tolist(),
            "leaves": write_hints(certificate.leaves),
        },
    }
    return content | {"digest": _digest(content)}


def _digest(content: dict[str, Any]) -> str:
    """SHA-256 of all parts but the digest itself, as JSON with sorted keys."""
    parts = {name: value for name, value in content.items() if name != "digest"}
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def load_model(path: str | os.PathLike[str]) -> Model:
    """Read a model file without checking its claim; `certify_model` does that.

    Raises
    ------
    ModelFileError
        It is missing, damaged, of another format, or says what cannot be.
    DigestMismatchError
        Something in it was changed after it was written.
    """
    return _model(read_json(path), os.fspath(path))


def read_model(content: Any, source: str) -> Model:
    """Return the model that JSON describes; ``source`` begins messages.

    Raises
    ------
    ModelFileError, DigestMismatchError
        As `load_model`.
    """
    if not isinstance(content, dict):
        raise ModelFileError(f"{source} holds {shown(content)}; expected an object.")
    return _model(content, source)


def _model(content: dict[str, Any], path: str) -> Model:
    version = content.get("format")
    if version == _OLDEST:
        raise ModelFileError(
            f"{path} has format {_OLDEST!r}, in which claims were stored that nothing "
            f"checks; this version reads {FORMAT!r}. Fit and write the model again."
        )
    if version not in (FORMAT, _NO_CLASSES, _NO_LEAVES):
        raise ModelFileError(
            f"{path} is no model file: its format is {shown(version)}; expected "
            f"{FORMAT!r}."
        )
    names = _PARTS if version == FORMAT else _PARTS_BEFORE
    parts = Fields(content, path, names)
    network = TwoLayerReLU.from_dict(parts["network"], source=f"{path}: the network")
    names = _CLAIMS[:-1] if version == _NO_LEAVES else _CLAIMS
    claim = _read_claim(parts["claim"], f"{path}: the claim", names)
    if parts.text("floats") not in _READINGS:
        raise parts.error("floats", f"one of {_READINGS}")
    weight = None if parts["weight_name"] is None else parts.text("weight_name")
    if _digest(content) != parts.text("digest"):
        raise DigestMismatchError(
            f"{path}: the digest does not match, so weights, dual point, beta or "
            "claims were changed after the model was certified."
        )
    name, floats = parts.text("target_name"), parts.text("floats")
    classes = _read_classes(parts, claim) if version == FORMAT else None
    return Model(network, claim, name, floats, weight, classes)


def _read_classes(parts: Fields, claim: Claim) -> tuple[str, str] | None:
    if parts["classes"] is None:
        return None
    texts = parts.texts("classes")
    is_pair = len(texts) == 2 and texts[0] != texts[1]
    if not (is_pair and get_loss(claim.loss).is_classification):
        raise parts.error("classes", "two different texts, of a classification")
    return texts[0], texts[1]


def _read_claim(content: Any, source: str, names: tuple[str, ...]) -> Claim:
    """Check what a claim can be without knowing the data."""
    parts = Fields(content, source, names)
    upper, lower = parts.number("upper_bound"), parts.number("lower_bound")
    if not 0.0 <= lower <= upper:
        raise parts.error("lower_bound", f"a number from 0 to {upper!r}, the upper one")
    if not parts.number("beta") > 0.0:
        raise parts.error("beta", "a number above 0")
    try:
        get_loss(parts.text("loss"))
    except InputError:
        raise parts.error("loss", "the name of a loss") from None
    dual = parts.array("dual")
    dual.setflags(write=False)
    return Claim(
        upper_bound=upper,
        lower_bound=lower,
        beta=parts.number("beta"),
        loss=parts.text("loss"),
        data_digest=parts.text("data_digest"),
        dual=dual,
        leaves=read_hints(parts, source) if "leaves" in names else (),
    )


def certify_model(
    model: Model,
    X: ArrayLike | Any,
    y: ArrayLike | Any,
    *,
    sample_weight: ArrayLike | Any | None = None,
) -> Certificate:
    """Recompute the certificate of a model from the data; it must hold as claimed.

    Data and weights are those that it was certified with.

    Returns
    -------
    Certificate
        The recomputed one: each bound at least as good as the claimed one.

    Raises
    ------
    DigestMismatchError
        The data are not those that were certified.
    ClaimNotReproducedError
        The recomputed bounds are worse than the claim.
    InputError
        The network or the loss does not fit the data.
    """
    check_kind(model, Model, "model")
    claim = model.claim
    data = read_for(model.network, X, y, model.floats, sample_weight)
    if data.digest != claim.data_digest:
        raise DigestMismatchError(
            "the data are not those that the model was certified on (their digest "
            "differs)."
        )
    if claim.dual.shape != data.y.shape:
        raise ClaimNotReproducedError(
            f"the claimed dual point has {claim.dual.size} entries; the data have "
            f"{data.y.size} rows."
        )
    loss = get_loss(claim.loss)
    method = "relaxation" if claim.leaves else "auto"
    try:
        found = bounds(
            data,
            model.network,
            claim.dual,
            claim.beta,
            loss,
            method=method,
            leaves=claim.leaves,
        )
    except LeavesError as error:
        raise ClaimNotReproducedError(f"of the claim, {error}") from None
    # written so that a bound that is NaN does not pass either
    if not found.upper_bound <= claim.upper_bound:
        raise ClaimNotReproducedError(
            f"the network's objective is {found.upper_bound!r}, above the claimed "
            f"{claim.upper_bound!r}."
        )
    if not found.lower_bound >= claim.lower_bound:
        raise ClaimNotReproducedError(
            f"the dual point proves {found.lower_bound!r}, below the claimed lower "
            f"bound {claim.lower_bound!r}."
        )
    return found
