"""Show that patterns are realised: points whose signs are decided exactly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels.verification import borders as vertex_proof
from arrangement._kernels.verification import (
    check_signs,
    margin_direction,
)
from arrangement.errors import BudgetExceededError, IncompleteListingError
from arrangement.exact import IntRow, scaled_floats
from arrangement.model import unpack
from arrangement.options import IsLate, never
from arrangement.verification.checks import _short
from arrangement.verification.output_bits import _Rules
from arrangement.verification.realisability import interior_point

# signs that are unpacked at a time, as there may be many rows
_SIGNS = 2**18
# exact searches before the first look at the clock
_AT_ONCE = 8


def _float_witnesses(
    rules: _Rules, block: NDArray[np.uint64], shifts: Sequence[int]
) -> NDArray[np.float64]:
    """Candidates from the bits: the direction of largest margin, in floats."""
    rank = rules.arrangement.cone.rank
    out = np.zeros((len(block), rank))
    floats = rules.coordinates(shifts).values[:, rules.first].T
    infinity = rules.arrangement.cone.infinity
    if infinity is not None:
        floats = np.vstack([floats, scaled_floats([infinity], shifts)])
    if not len(floats):
        out[:, :1] = 1.0
        return out
    norms = np.linalg.norm(floats, axis=1, keepdims=True)
    unit = floats / norms
    signs = np.ones((len(unit), 1))
    corral = np.zeros(rank + 2, dtype=np.int64)
    gram = np.zeros((rank + 2, rank + 3))
    weights, step = np.zeros(rank + 2), np.zeros(rank + 2)
    m, size = len(rules.rows), max(_SIGNS // max(rules.n, 1), 1)
    for first in range(0, len(block), size):
        bits = unpack(block[first : first + size], rules.n)[:, rules.first]
        for k, some in enumerate(np.where(bits, 1.0, -1.0), first):
            signs[:m, 0] = some
            margin_direction(
                signs * unit, out[k], corral, gram, weights, step, 50 * rank
            )
    return out


def _check_witnesses(
    rules: _Rules,
    patterns: NDArray[np.uint64],
    step: int,
    witnesses: NDArray[np.float64],
    shifts: Sequence[int],
    *,
    is_late: IsLate = never,
) -> int:
    """Decide every sign at every witness; return how many needed exact search.

    Raises
    ------
    BudgetExceededError
        Once ``is_late()``, after a few searches: the first block is soon proven.
    """
    rank = rules.arrangement.cone.rank
    if rank == 0:
        return 0
    coordinates = rules.coordinates(shifts)
    copied = np.zeros(rules.width, dtype=np.uint64)
    bad = np.zeros(len(witnesses), dtype=np.bool_)
    check_signs(coordinates, witnesses, patterns, step, rules.bits, copied, bad)
    if rules.arrangement.cone.infinity is not None:
        bad |= ~(witnesses[:, -1] > 0)
    for count, k in enumerate(np.flatnonzero(bad).tolist()):
        if count >= _AT_ONCE and is_late():
            raise BudgetExceededError("the time is up for the proof of a block.")
        _exact_witness(rules, patterns[step * k])
    return int(np.count_nonzero(bad))


def _check_vertices(
    rules: _Rules,
    patterns: NDArray[np.uint64],
    step: int,
    witnesses: NDArray[np.float64],
    shifts: Sequence[int],
    bases: NDArray[np.int64],
    *,
    is_late: IsLate = never,
) -> int:
    """Prove patterns by the rows at a vertex; by points where that does not do."""
    elimination = rules.elimination(shifts)
    bad = np.ones(len(bases), dtype=np.bool_)
    vertex_proof.check_borders(
        elimination, bases, patterns, step, rules.bits.firsts, bad
    )
    rules.take_back(elimination, shifts)
    signs = np.zeros(rules.width, dtype=np.uint64)
    vertex_proof.check_copies(patterns, step, rules.bits, signs, bad)
    left = np.flatnonzero(bad)
    if not len(left):
        return 0
    rest = np.ascontiguousarray(patterns[step * left])
    points = witnesses[left]
    # no candidate came with a vertex, nor with the few chambers that have none
    is_new = (bases[left, 0] >= 0) | ~points.any(axis=1)
    points[is_new] = _float_witnesses(rules, rest[is_new], shifts)
    return _check_witnesses(rules, rest, 1, points, shifts, is_late=is_late)


def _exact_witness(rules: _Rules, words: NDArray[np.uint64]) -> IntRow:
    """Return an interior point found in exact arithmetic; all its signs are decided."""
    bits = unpack(words[None], rules.n)[0]
    sides = [1 if bits[i] else -1 for i in rules.first]
    signed = [
        tuple(side * x for x in row)
        for side, row in zip(sides, rules.rows, strict=True)
    ]
    infinity = rules.arrangement.cone.infinity
    if infinity is not None:
        signed.append(infinity)
    point = interior_point(signed, rules.arrangement.cone.rank)
    shown = _short(bits.astype(int).tolist())
    if point is None:
        raise IncompleteListingError(
            f"pattern {shown} is not realised by any point: it is altered, or belongs "
            "to another matrix."
        )
    expected = rules.bits.constant.copy()
    for i, row in enumerate(rules.rows):
        value = sum(a * b for a, b in zip(row, point, strict=True))
        for _, word, bit, flip in rules.members[rules.members[:, 0] == i].tolist():
            if value != 0 and (value > 0) != bool(flip):
                expected[word] |= np.uint64(1 << bit)
    if not np.array_equal(expected, words):
        raise IncompleteListingError(
            f"pattern {shown} gives parallel rows signs that contradict each other."
        )
    return point
