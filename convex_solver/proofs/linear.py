"""Write a proof for a linear or circular CNN: three lines; see ``LINEAR.md``."""

from __future__ import annotations

import hashlib
import json
import os
from fractions import Fraction
from typing import Any

import numpy as np

from arrangement.exact import exact_text
from arrangement.io import new_file
from convex_solver.errors import ProofError
from convex_solver.networks import CircularCNN, LinearCNN
from convex_solver.proofs.proof import MARGIN, Proof, whole
from convex_solver.proofs.source import pair, pairs
from convex_solver.reading import Samples
from convex_solver.typing import Array


def write_cnn_proof(
    path: str | os.PathLike[str],
    samples: Samples,
    network: LinearCNN | CircularCNN,
    dual: Array,
    beta: float,
) -> Proof:
    """Write a new file that `convex_solver.linear_checker` checks.

    The data that go with it are a CSV without names: the numbers of all patches of a
    sample, one patch after another, then its targets, as float64 (``repr`` will do).

    Parameters
    ----------
    path : path-like
        An existing file is refused, nothing is half-written.
    samples : Samples
    network : LinearCNN or CircularCNN
    dual : ndarray, shape of the targets
        Of a certificate: feasible for these data and ``beta``.
    beta : float

    Raises
    ------
    ProofError
        The dual point is not feasible by enough; numbers beyond what a proof holds.
    InputError
        The path exists or cannot be written.
    """
    # imported when used, so that `python -m convex_solver.linear_checker` is alone
    from convex_solver import linear_checker

    circular = isinstance(network, CircularCNN)
    shape = samples.X.shape
    K, C = (1, 1) if circular else (shape[1], samples.outputs.shape[1])
    rows = np.hstack([samples.flat, samples.outputs]).tolist()
    text = "".join(",".join(map(_exact, row)) + "\n" for row in rows)
    exponent, values = whole(np.ravel(dual), MARGIN)
    flat = [np.ravel(w).tolist() for w in network.outputs]
    weights = zip(network.filters.tolist(), flat, strict=True)
    lines: list[Any] = [
        {
            "format": linear_checker.FORMAT,
            "architecture": "circular" if circular else "linear",
            "loss": "squared",
            "beta": pair(beta),
            "patches": K,
            "outputs": C,
            "data": {
                "separator": ",",
                "skip": 0,
                "floats": "binary",
                "sha256": hashlib.sha256(text.encode()).hexdigest(),
            },
        },
        [[pairs(u), pairs(w)] for u, w in weights],
        {"exponent": exponent, "values": values},
    ]
    _check_norm(samples, exponent, values, beta, circular=circular)
    n_bytes = 0
    with new_file(path) as stream:
        for line in lines:
            part = json.dumps(line, separators=(",", ":")) + "\n"
            if len(part) >= linear_checker.LONGEST:
                raise ProofError("the network is too large for the line of a proof.")
            n_bytes += stream.write(part.encode())
    return Proof(os.fspath(path), len(lines), n_bytes)


def _check_norm(
    samples: Samples, exponent: int, values: list[int], beta: float, *, circular: bool
) -> None:
    """Refuse what the checker would: its own test, before anything is written."""
    from convex_solver import linear_checker

    unit = Fraction(2) ** exponent
    v = [x * unit for x in values]
    C = samples.outputs.shape[1]
    V = [v[i : i + C] for i in range(0, len(v), C)]
    X = [[Fraction(x) for x in row] for row in samples.flat.tolist()]
    K = 1 if circular else samples.X.shape[1]
    B = linear_checker.matrix(circular, X, V, K)
    if not linear_checker.is_below(B, Fraction(beta)):
        raise ProofError(
            "the dual point is not feasible by enough to be proven: certify it again, "
            "so that it is scaled."
        )


def _exact(number: float) -> str:
    return exact_text(Fraction(number))
