"""Write a proof: the claim, the network, the dual point, and the trees."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from arrangement.io import new_file
from convex_solver._kernels.certify import DEPTH
from convex_solver.errors import ProofError
from convex_solver.leaves import Hint
from convex_solver.losses import Loss
from convex_solver.networks import TwoLayerReLU
from convex_solver.proofs.cones import ExactRows, tree_lines
from convex_solver.proofs.forms import FormTrees, Sources
from convex_solver.proofs.interpolation import exact_network
from convex_solver.proofs.source import TableForm, pair, pairs, reading, samples
from convex_solver.reading import MAX_CONES, Data
from convex_solver.typing import Array

# The dual point of a proof is shorter than the certified one by this part, so that no
# leaf is as tight as rounding; it costs about twice as much of the lower bound.
MARGIN = 2.0**-30
# Its entries are integers of at most so many bits.
DUAL_BITS = 60
# Rounding takes this power of two of the bound that forms are to show.
FORM_BITS = 36
# Rank up to which a proof is made by cones, where nothing says otherwise.
MOST_RANK = 8
# A dual point for which forms come out too high is shortened so often, and by so much
# more than needed.
TRIES, MORE = 4, 2.0**-32


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
    leaves: Sequence[Hint] = (),
    by_forms: bool = False,
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
    leaves : sequence of Hint
        Of the certificate, if it has any: the proof is then one by quadratic forms.
    by_forms : bool
        Whether it is such a one in any case, over the whole sphere without leaves; it
        is above rank 8.

    Raises
    ------
    ProofError
        More cones would be needed; a dual point that is not feasible; leaves of other
        data, or that do not cover the sphere; numbers beyond what the checker reads.
    InputError
        The path exists or cannot be written.
    """
    claim, exact = _claimed(data, loss.name, loss.parameter or 0.0, beta, form)
    line = {
        "weights": [pairs(u) for u in network.weights.tolist()],
        "alphas": pairs(network.alphas.tolist()),
    }
    by_forms = by_forms or bool(leaves)
    covering = _Covering(data, exact, dual, beta, max_cones, leaves, by_forms)
    return _proven(path, claim, line, covering)


def write_interpolation_proof(
    path: str | os.PathLike[str],
    data: Data,
    network: TwoLayerReLU,
    dual: Array,
    *,
    kept: Sequence[int],
    directions: Array,
    form: TableForm | None = None,
    max_cones: int = MAX_CONES,
) -> Proof:
    """Write a new file that proves bounds of an interpolation's least norm.

    Parameters
    ----------
    path, data, network, form, max_cones
        As for `write_proof`; the network meets the targets nearly.
    dual : ndarray, shape (n,)
        Feasible: prices are at most 1.
    kept, directions
        As for `exact_network`.

    Raises
    ------
    ProofError, InputError
        As for `write_proof` and `exact_network`.
    """
    claim, exact = _claimed(data, "exact", 0.0, 1.0, form)
    line = exact_network(exact.numbers, exact.unit, exact.y, network, kept, directions)
    covering = _Covering(data, exact, dual, 1.0, max_cones, (), False)
    return _proven(path, claim, line, covering)


def _claimed(
    data: Data, name: str, parameter: float, beta: float, form: TableForm | None
) -> tuple[dict[str, Any], Any]:
    """Return the first line of a proof, and the data as the checker has them."""
    # imported when used, so that `python -m convex_solver.checker` finds it unused
    from convex_solver import checker

    shown = samples(data)
    form = TableForm.plain(data, shown) if form is None else form
    how = reading(data, form, shown)
    claim = {
        "format": checker.FORMAT,
        "loss": [name, pair(parameter)],
        "beta": pair(beta),
        "data": how,
    }
    try:
        return claim, checker.Data(how, name, shown)
    except checker.Rejected as error:
        raise ProofError(f"the checker does not take these data: {error}.") from error


@dataclass(frozen=True, eq=False)
class _Covering:
    """What the trees of a proof are made of."""

    data: Data
    exact: Any
    dual: Array
    beta: float
    max_cones: int
    leaves: Sequence[Hint]
    by_forms: bool


def _proven(
    path: str | os.PathLike[str],
    claim: dict[str, Any],
    network: dict[str, Any],
    covering: _Covering,
) -> Proof:
    """Write the four lines of a proof, and the trees."""
    from convex_solver import checker

    data, exact, dual = covering.data, covering.exact, covering.dual
    beta, leaves = covering.beta, covering.leaves
    basis = _basis(data)
    lines: Iterable[bytes]
    try:
        if covering.by_forms or data.arrangement.rank > MOST_RANK:
            exponent, values, rows, lines = _by_forms(
                exact, data, dual, beta, basis, leaves
            )
        else:
            exponent, values = whole(dual, MARGIN)
            rows = _rows(exact, exponent, values, beta, basis, 64)
            lines = tree_lines(rows, covering.max_cones)
    except checker.Rejected as error:
        raise ProofError(f"the checker does not take these data: {error}.") from error
    head: list[dict[str, Any]] = [
        claim,
        network,
        {"exponent": exponent, "values": values},
        {"bits": [rows.bits, DEPTH, basis["bits"]], "basis": basis["rows"]},
    ]
    return _write(path, head, lines)


def _by_forms(
    exact: Any,
    data: Data,
    dual: Array,
    beta: float,
    basis: dict[str, Any],
    leaves: Sequence[Hint],
) -> tuple[int, list[int], ExactRows, list[bytes]]:
    """Return exponent and values of the dual point, its rows, and the lines of trees.

    The forms that are written are those of the certificate but for rounding; where that
    is too much the dual point is shortened.
    """
    for leaf in leaves:
        shape = leaf.shares.shape[1], leaf.m.size
        if shape != data.X.shape:
            raise ProofError(
                f"a leaf is one of data of shape {shape}; these have {data.X.shape}."
            )
    W = np.ldexp(np.array(basis["rows"], dtype=np.float64), -basis["bits"])
    off = MARGIN
    for _ in range(TRIES):
        exponent, values = whole(dual, off)
        rows = _rows(exact, exponent, values, beta, basis, FORM_BITS)
        sources = _sources(exact, values, data.X)
        A = np.array([[x / (1 << rows.bits) for x in row] for row in rows.a])
        A = A.reshape(len(rows.a), rows.rank)
        size = (1.0 - off) / beta
        hints = [sources.hint(leaf, W, A, leaf.price * size) for leaf in leaves]
        trees = FormTrees(rows, hints)
        if trees.excess <= 1.0 - 2.0**-40:
            return exponent, values, rows, trees.lines
        if not math.isfinite(trees.excess):
            break
        off = 1.0 - (1.0 - off) / trees.excess + MORE
    raise ProofError(
        "the dual point is not feasible by enough to be proven: certify it again, so "
        "that it is scaled."
    )


def _sources(exact: Any, values: list[int], X: Array) -> Sources:
    """Return the row that weighs most of each group that is numbered, in that order."""
    found: dict[tuple[int, ...], list[int]] = {}
    for i, x in enumerate(exact.numbers):
        size = math.gcd(*x)
        if size:
            side = 1 if next(filter(None, x)) > 0 else -1
            line = found.setdefault(tuple(side * y // size for y in x), [0, 0, 1, 0])
            weight = values[i // exact.patches] * size
            line[3] += weight
            if abs(weight) > line[0]:
                line[:3] = abs(weight), i, side
    lines = [line for line in found.values() if line[3]]
    places = np.array([line[1] for line in lines], dtype=np.int64)
    sides = np.array([line[2] for line in lines], dtype=np.float64)
    return Sources(places, sides, np.linalg.norm(X[places], axis=1))


def _write(
    path: str | os.PathLike[str], head: list[dict[str, Any]], lines: Iterable[bytes]
) -> Proof:
    n_lines = n_bytes = 0
    with new_file(path) as stream:
        for part in head:
            text = json.dumps(part, separators=(",", ":")) + "\n"
            n_bytes += stream.write(text.encode())
            n_lines += 1
        for line in lines:  # or many in a piece
            n_bytes += stream.write(line)
            n_lines += line.count(b"\n")
    return Proof(os.fspath(path), n_lines, n_bytes)


def whole(dual: Array, off: float) -> tuple[int, list[int]]:
    """Return an exponent and integers: the dual point, shortened and rounded to zero.

    Zero lies in the domain of every conjugate, which is a product of intervals.
    """
    shorter = dual * (1.0 - off)
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
    spare: int,
) -> ExactRows:
    """Return the rows in integers, so fine that rounding takes ``2^-spare`` of R."""
    from convex_solver import checker

    n, d = len(exact.numbers), exact.d
    bits = spare + (n * d).bit_length()
    unit = Fraction(2) ** exponent / Fraction(beta)
    how = {"bits": [bits, DEPTH, basis["bits"]], "basis": basis["rows"]}
    found = checker.Rows(exact, [x * unit for x in values], how)
    return ExactRows(found.a, found.e, found.L, found.R, bits)
