"""A fitted model with its certificate in one JSON file, and its independent check."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from convex_solver.certificates.relu import Certificate, bounds, read_for
from convex_solver.errors import (
    ClaimNotReproducedError,
    DigestMismatchError,
    ModelFileError,
)
from convex_solver.losses import get_loss
from convex_solver.networks import TwoLayerReLU, read_json, write_json

FORMAT = "convex-relu model 1"

# Other machines may round a dot product differently; the claim may not be better
# than what is recomputed by more than this fraction.
RELATIVE_SLACK = 1e-9


@dataclass(frozen=True, eq=False)
class Model:
    """A network, its certificate, and the names that the data need.

    ``target_name`` is the column predicted, ``weight_name`` that of the weights of the
    samples, if any; ``floats`` says how floats were read.
    """

    network: TwoLayerReLU
    certificate: Certificate
    target_name: str
    floats: str
    weight_name: str | None = None


def save_model(
    path: str | os.PathLike[str],
    network: TwoLayerReLU,
    certificate: Certificate,
    *,
    target_name: str = "y",
    weight_name: str | None = None,
    floats: str = "binary",
) -> None:
    """Write a new model file; an existing one is refused, nothing is half-written."""
    claims = asdict(certificate)
    claims["dual"] = certificate.dual.tolist()
    write_json(
        path,
        {
            "format": FORMAT,
            "target_name": target_name,
            "weight_name": weight_name,
            "floats": floats,
            "network": network.to_dict(),
            "certificate": claims,
            "digest": certificate.digest(network),
        },
    )


def load_model(path: str | os.PathLike[str]) -> Model:
    """Read a model file without checking its certificate; see `certify_model`.

    Raises
    ------
    ModelFileError
        If it is missing, unreadable or no model file.
    DigestMismatchError
        If weights, dual, beta or claims are not those that were written.
    """
    content = read_json(path)
    if content.get("format") != FORMAT:
        raise ModelFileError(f"{path} is no model file ({FORMAT!r} expected).")
    network = TwoLayerReLU.from_dict(content.get("network", {}))
    try:
        claims: dict[str, Any] = dict(content["certificate"])
        claims["dual"] = np.array(claims["dual"], dtype=np.float64)
        certificate = Certificate(**claims)
        target, floats = str(content["target_name"]), str(content["floats"])
        weight = content.get("weight_name")
        stored = content["digest"]
    except (KeyError, TypeError, ValueError) as error:
        raise ModelFileError(f"{path} lacks a part of the model: {error}.") from error
    if certificate.digest(network) != stored:
        raise DigestMismatchError(
            f"{path}: the digest does not match, so weights, dual point, beta or "
            "claims "
            "were changed after the model was certified."
        )
    return Model(
        network, certificate, target, floats, None if weight is None else str(weight)
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

    Raises
    ------
    DigestMismatchError
        The data are not those that were certified.
    ClaimNotReproducedError
        The recomputed bounds are worse than the claim.
    """
    claim = model.certificate
    data = read_for(model.network, X, y, model.floats, sample_weight)
    if data.digest != claim.data_digest:
        raise DigestMismatchError(
            "the data are not those that the model was certified on (their digest "
            "differs)."
        )
    loss = get_loss(claim.loss)
    found = bounds(data, model.network, claim.dual, claim.beta, loss)
    slack = RELATIVE_SLACK * abs(claim.upper_bound)
    if found.upper_bound > claim.upper_bound + slack:
        raise ClaimNotReproducedError(
            f"the network's objective is {found.upper_bound!r}, above the claimed "
            f"{claim.upper_bound!r}."
        )
    if found.lower_bound < claim.lower_bound - slack:
        raise ClaimNotReproducedError(
            f"the dual point proves {found.lower_bound!r}, below the claimed lower "
            f"bound {claim.lower_bound!r}."
        )
    gap = (claim.upper_bound - claim.lower_bound) / (claim.upper_bound or 1.0)
    if abs(gap - claim.gap) > RELATIVE_SLACK:
        raise ClaimNotReproducedError(
            f"the claimed gap {claim.gap!r} is not that of the claimed bounds, {gap!r}."
        )
    return found
