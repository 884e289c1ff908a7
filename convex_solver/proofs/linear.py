"""Write a proof for a linear or circular CNN: three lines; see ``LINEAR.md``."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from arrangement.exact import rows_digest
from arrangement.io import new_file
from convex_solver.errors import ProofError
from convex_solver.networks import CircularCNN, LinearCNN
from convex_solver.proofs.interpolation import exact_outputs
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
    *,
    kept: Sequence[int] | None = None,
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
    kept : sequence of int, optional
        Samples that the others follow from: the proof is then one of the least weights
        that meet all targets, which those of a linear network nearly do.

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
    exponent, values = whole(np.ravel(dual), MARGIN)
    flat = [np.ravel(w).tolist() for w in network.outputs]
    pairs_of = zip(network.filters.tolist(), flat, strict=True)
    neurons = [[pairs(u), pairs(w)] for u, w in pairs_of]
    if kept is not None and kept:
        neurons += _corrections(samples, network, kept)
    lines: list[Any] = [
        {
            "format": linear_checker.FORMAT,
            "architecture": "circular" if circular else "linear",
            "loss": "squared" if kept is None else "exact",
            "beta": pair(beta),
            "patches": K,
            "outputs": C,
            "data": {
                "separator": ",",
                "skip": 0,
                "floats": "binary",
                "sha256": rows_digest([list(map(Fraction, row)) for row in rows]),
            },
        },
        neurons,
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


def _corrections(
    samples: Samples, network: LinearCNN | CircularCNN, kept: Sequence[int]
) -> list[list[Any]]:
    """Return neurons that make up for what the network misses, exactly.

    There is one for each place of a patch; its weights for the patches are rational.
    """
    from convex_solver import linear_checker

    K, d = samples.X.shape[1:]
    C = samples.outputs.shape[1]
    neurons = [
        [_fractions(u), _fractions(np.ravel(w))]
        for u, w in zip(network.filters, network.outputs, strict=True)
    ]
    rows = [_fractions(samples.flat[i]) for i in kept]
    missed = []
    for row, i in zip(rows, kept, strict=True):
        found = linear_checker.outputs(False, row, neurons, K, C)
        targets = _fractions(samples.outputs[i])
        missed.append([y - f for y, f in zip(targets, found, strict=True)])
    if not any(map(any, missed)):
        return []
    Z = exact_outputs(rows, missed)
    added = []
    for a in range(d):
        w = [z for k in range(K) for z in Z[k * d + a]]
        if any(w):
            size = max(abs(z) for z in w)
            # both weights of a neuron alike
            shift = (size.denominator.bit_length() - size.numerator.bit_length()) // 2
            u = [[1, -shift] if b == a else pair(0.0) for b in range(d)]
            added.append([u, [[z.numerator, shift, z.denominator] for z in w]])
    return added


def _fractions(numbers: Array) -> list[Fraction]:
    return [Fraction(x) for x in numbers.tolist()]


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
