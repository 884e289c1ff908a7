"""A network that takes given values exactly, in rational numbers.

One in floats misses its targets by rounding.  Neurons of coarse directions, as many as
there are values to set, make up for it: their outer weights solve a linear system in
integers, and are so small that they hardly count.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from arrangement.exact import solved
from convex_solver.errors import ProofError
from convex_solver.networks import TwoLayerReLU
from convex_solver.proofs.source import pair, pairs
from convex_solver.typing import Array

# Bits of the coarse directions, tried in turn: few make short numbers.
DIRECTION_BITS = (6, 12, 24, 48)
# The longest integer of a proof, in bits.
LONGEST_BITS = 4096


def exact_network(
    rows: Sequence[Sequence[int]],
    unit: int,
    targets: Sequence[Fraction],
    network: TwoLayerReLU,
    kept: Sequence[int],
    directions: Array,
) -> dict[str, Any]:
    """Return the line of a network that meets all targets exactly.

    Parameters
    ----------
    rows : sequence of sequence of int
        Rows of the design, times ``unit``.
    unit : int
    targets : sequence of Fraction
        In reach of networks.
    network : TwoLayerReLU
        It meets them nearly.
    kept : sequence of int
        Rows whose outputs determine those of all others.
    directions : ndarray, shape (m, d)
        Whose outputs span all that are in reach.

    Raises
    ------
    ProofError
        If that needs longer integers than proofs have, or finer directions.
    """
    weights, alphas = network.weights.tolist(), network.alphas.tolist()
    found: dict[str, Any] = {
        "weights": [pairs(u) for u in weights],
        "alphas": pairs(alphas),
    }
    neurons = [
        (Fraction(a), [Fraction(x) for x in u])
        for a, u in zip(alphas, weights, strict=True)
    ]
    missed = []
    for i in kept:
        heights = (_dot(rows[i], u) for _, u in neurons)
        hidden = [max(Fraction(0), height) for height in heights]
        value = _dot(hidden, [a for a, _ in neurons]) / unit
        missed.append((targets[i] - value) * unit)
    if not any(missed):
        return found
    for vector, size in _corrections([rows[i] for i in kept], missed, directions):
        check_length(size, len(kept))
        # both weights of a neuron alike
        norm = math.log2(math.hypot(*vector))
        about = abs(size.numerator).bit_length() - size.denominator.bit_length()
        shift = math.floor((norm - about) / 2)
        found["weights"].append([[x, -shift] if x else pair(0.0) for x in vector])
        found["alphas"].append([size.numerator, shift, size.denominator])
    return found


def exact_outputs(
    rows: list[list[Fraction]], missed: list[list[Fraction]]
) -> list[list[Fraction]]:
    """Return a matrix Z with ``rows @ Z = missed``, most of its rows zero.

    Raises
    ------
    ProofError
        If the rows depend on each other, or need longer integers than proofs have.
    """
    scales = [math.lcm(*(x.denominator for x in row)) for row in rows]
    pairs = zip(rows, scales, strict=True)
    whole = [[int(x * scale) for x in row] for row, scale in pairs]
    places = independent(whole, len(rows))
    found = [[Fraction(0)] * len(missed[0]) for _ in rows[0]]
    square = [[line[k] for k in places] for line in whole] if places else []
    for c, right in enumerate(zip(*missed, strict=True)):
        scaled = [x * scale for x, scale in zip(right, scales, strict=True)]
        sizes = solved(square, scaled) if places else None
        if sizes is None or places is None:
            raise ProofError("rows depend on each other, up to rounding.")
        for k, size in zip(places, sizes, strict=True):
            check_length(size, len(rows))
            found[k][c] = size
    return found


def check_length(size: Fraction, count: int) -> None:
    """Refuse a number that takes longer integers than a proof has."""
    longest = max(abs(size.numerator), size.denominator).bit_length()
    if longest > LONGEST_BITS:
        raise ProofError(
            f"a network that takes {count} values exactly needs integers of "
            f"{longest:,} bits; a proof has at most {LONGEST_BITS:,}. Round the data, "
            "or take fewer rows."
        )


def _corrections(
    rows: list[Sequence[int]], missed: list[Fraction], directions: Array
) -> list[tuple[list[int], Fraction]]:
    """Return directions of integers, and sizes whose outputs are what is missed."""
    for bits in DIRECTION_BITS:
        whole = np.rint(np.ldexp(directions, bits)).astype(np.int64)
        vectors = np.unique(whole, axis=0).tolist()
        outputs = [[max(0, _dot(x, u)) for u in vectors] for x in rows]
        places = independent(outputs, len(rows))
        if places is None:
            continue
        square = [[line[k] for k in places] for line in outputs]
        sizes = solved(square, missed)
        if sizes is not None:
            pairs = zip(places, sizes, strict=True)
            return [(vectors[k], size) for k, size in pairs if size]
    raise ProofError(
        "no neurons are found that make up for what the network misses; rows are too "
        "close to each other."
    )


def independent(outputs: list[list[int]], count: int) -> list[int] | None:
    """Return so many columns, the least dependent ones first, or None."""
    tops = [max(map(abs, line)) or 1 for line in outputs]
    rest = np.array(
        [[x / top for x in line] for line, top in zip(outputs, tops, strict=True)]
    )
    places = []
    for _ in range(count):
        norms = np.linalg.norm(rest, axis=0)
        best = int(np.argmax(norms))
        if not norms[best] > 1e-12:
            return None
        unit = rest[:, best] / norms[best]
        rest = rest - np.outer(unit, unit @ rest)
        places.append(best)
    return places


def _dot(p: Sequence[Any], q: Sequence[Any]) -> Any:
    return sum(x * y for x, y in zip(p, q, strict=True))
