"""Write a proof: the claim, the network, the dual point, and the trees."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from arrangement.io import new_file
from convex_solver._kernels.certify import DEPTH
from convex_solver.errors import ProofError
from convex_solver.losses import Loss
from convex_solver.networks import TwoLayerReLU
from convex_solver.proofs.cones import ExactRows, tree_lines
from convex_solver.proofs.source import TableForm, pair, pairs, reading, samples
from convex_solver.reading import MAX_CONES, Data
from convex_solver.typing import Array

# The dual point of a proof is shorter than the certified one by this part, so that no
# leaf is as tight as rounding; it costs about twice as much of the lower bound.
MARGIN = 2.0**-30
# Its entries are integers of at most so many bits.
DUAL_BITS = 60
# Rank up to which a proof is made by cones.
MOST_RANK = 8


@dataclass(frozen=True)
class Proof:
    """What was written: ``n_lines`` and ``n_bytes`` of it, at ``path``."""

    path: str
    n_lines: int
    n_bytes: int


def write_proof(
    path: str | os.PathLike[str],
    data: Data,
    network: TwoLayerReLU,
    dual: Array,
    beta: float,
    loss: Loss,
    *,
    form: TableForm | None = None,
    max_cones: int = MAX_CONES,
) -> Proof:
    """Write a new file that proves the bounds of a certificate; see ``FORMAT.md``.

    Parameters
    ----------
    path : path-like
        An existing file is refused, nothing is half-written.
    data : Data
    network : TwoLayerReLU
    dual : ndarray, shape (n,)
        Of a certificate: feasible for these data and ``beta``.
    beta, loss : float, Loss
    form : TableForm, optional
        The table that the data come from; by default a CSV without names that has the
        columns of X, then y, then the weights.
    max_cones : int
        Most cones for each sign.

    Raises
    ------
    ProofError
        A rank above 8; more cones would be needed; a dual point that is not feasible;
        numbers beyond what the checker reads.
    InputError
        The path exists or cannot be written.
    """
    if data.arrangement.rank > MOST_RANK:
        raise ProofError(
            f"the data have rank {data.arrangement.rank}; proofs are written by cones, "
            f"up to rank {MOST_RANK}. Use fewer columns, or the certificate alone."
        )
    # imported when used, so that `python -m convex_solver.checker` finds it unused
    from convex_solver import checker

    shown = samples(data)
    form = TableForm.plain(data, shown) if form is None else form
    exponent, values = _whole(dual)
    claim = {
        "format": checker.FORMAT,
        "loss": [loss.name, pair(loss.parameter or 0.0)],
        "beta": pair(beta),
        "data": reading(data, form, shown),
    }
    basis = _basis(data)
    try:
        exact = checker.Data(claim["data"], loss.name, shown)
        rows, bits = _rows(exact, exponent, values, beta, basis)
    except checker.Rejected as error:
        raise ProofError(f"the checker does not take these data: {error}.") from error
    head: list[dict[str, Any]] = [
        claim,
        {
            "weights": [pairs(u) for u in network.weights.tolist()],
            "alphas": pairs(network.alphas.tolist()),
        },
        {"exponent": exponent, "values": values},
        {"bits": bits, "depth": DEPTH, "basis": basis},
    ]
    return _write(path, head, tree_lines(rows, max_cones))


def _write(
    path: str | os.PathLike[str], head: list[dict[str, Any]], lines: Iterator[str]
) -> Proof:
    n_lines = n_bytes = 0
    with new_file(path) as stream:
        for part in head:
            text = json.dumps(part, separators=(",", ":")) + "\n"
            n_bytes += stream.write(text.encode())
            n_lines += 1
        for line in lines:
            n_bytes += stream.write(line.encode())
            n_lines += 1
    return Proof(os.fspath(path), n_lines, n_bytes)


def _whole(dual: Array) -> tuple[int, list[int]]:
    """Return an exponent and integers: the dual point, shortened and rounded to zero.

    Zero lies in the domain of every conjugate, which is a product of intervals.
    """
    shorter = dual * (1.0 - MARGIN)
    size = float(np.abs(shorter).max(initial=0.0))
    if not math.isfinite(size):
        raise ProofError("the dual point is not finite; it proves nothing.")
    exponent = math.frexp(size)[1] - DUAL_BITS
    # a power of two: exact, and what is behind the point is cut off
    return exponent, [int(x) for x in np.ldexp(shorter, -exponent).tolist()]


def _basis(data: Data) -> dict[str, Any]:
    """Return nearly orthonormal columns that span the rows, as integers.

    The identity where the rank is full.
    """
    d, rank = data.X.shape[1], max(data.arrangement.rank, 1)
    if rank == d:
        return {"bits": 0, "rows": np.eye(d, dtype=int).tolist()}
    right = np.linalg.svd(data.X, full_matrices=False)[2][:rank].T
    rows = np.rint(np.ldexp(right, DUAL_BITS)).astype(np.int64).tolist()
    return {"bits": DUAL_BITS, "rows": rows}


def _rows(
    exact: Any,
    exponent: int,
    values: list[int],
    beta: float,
    basis: dict[str, Any],
) -> tuple[ExactRows, int]:
    """Return the rows in integers, fine enough that rounding is next to nothing."""
    from convex_solver import checker

    n, d = len(exact.numbers), exact.d
    bits = 64 + (n * d).bit_length()
    unit = Fraction(2) ** exponent / Fraction(beta)
    found = checker.Rows(exact, values, unit, bits, basis)
    return ExactRows(found.a, found.e, found.L, found.R, bits), bits
