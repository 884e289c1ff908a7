"""A short integer point in each chamber, found from the bits alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels.verification import check_signs
from arrangement.errors import BudgetExceededError
from arrangement.model import Arrangement
from arrangement.options import Deadline, block_rows
from arrangement.verification.output_bits import _Rules
from arrangement.verification.witnesses import _exact_witness, _float_witnesses

# Bits of the coordinates, tried one after another: most chambers are wide.
_BITS = (4, 7, 11, 16, 24, 36, 52)
_CHUNK = 1 << 12


class Points:
    """Integer points in the chambers of packed patterns, block by block.

    ``n_exact`` counts those that floating point did not find.
    """

    def __init__(
        self, rules: _Rules, shifts: Sequence[int], deadline: Deadline
    ) -> None:
        self.n_exact = 0
        self._rules = rules
        self._shifts = shifts
        self._deadline = deadline
        self._lift = _lifting(rules.arrangement)

    def iter_blocks(self, packed: NDArray[np.uint64]) -> Iterator[NDArray[Any]]:
        """Yield points in the coordinates of the data, (k, d) or (k, d + 1) affine.

        Each is a vector of integers without a common factor: int64 where all of a
        block fit, else Python integers.

        Raises
        ------
        IncompleteListingError
            A pattern that no point has.
        BudgetExceededError
            The time is up.
        """
        size = block_rows(_CHUNK, 8 * self._rules.n)
        for start in range(0, len(packed), size):
            check_late(self._deadline, start, len(packed))
            block = packed[start : start + size]
            yield _primitive(_product(self._found(block), self._lift))

    def _found(self, block: NDArray[np.uint64]) -> NDArray[Any]:
        """Return integer points of the cone; every sign of each was decided exactly."""
        rules, shifts = self._rules, self._shifts
        rank = rules.arrangement.cone.rank
        if rank == 0:
            return np.zeros((len(block), 0), dtype=np.int64)
        floats = _float_witnesses(rules, block, shifts)
        peaks = np.abs(floats).max(axis=1, keepdims=True)
        floats /= np.where(peaks > 0.0, peaks, 1.0)
        coordinates = rules.coordinates(shifts)
        copied = np.zeros(rules.width, dtype=np.uint64)
        left = np.arange(len(block))
        whole = np.zeros(floats.shape)
        for bits in _BITS:
            tried = np.rint(np.ldexp(floats[left], bits))
            bad = np.zeros(len(left), dtype=np.bool_)
            check_signs(coordinates, tried, block[left], 1, rules.bits, copied, bad)
            if rules.arrangement.cone.infinity is not None:
                bad |= ~(tried[:, -1] > 0)
            whole[left[~bad]] = tried[~bad]
            left = left[bad]
            if not left.size:
                break
        out = _unscaled(whole, shifts, as_objects=bool(left.size))
        for k in left.tolist():
            out[k] = _exact_witness(rules, block[k])
        self.n_exact += int(left.size)
        return out


def check_late(deadline: Deadline, done: int, total: int) -> None:
    """Raise `BudgetExceededError` once the time is up."""
    if deadline.is_late():
        raise BudgetExceededError(
            f"{deadline} was reached when {done:,} of {total:,} patterns were found to "
            "be realised; raise time_limit."
        )


def _unscaled(
    whole: NDArray[np.float64], shifts: Sequence[int], *, as_objects: bool
) -> NDArray[Any]:
    """Return integers times ``2**(most - shift)``, column by column."""
    moves = [max(shifts) - shift for shift in shifts]
    small = max(moves) + _BITS[-1] <= 61 and not as_objects
    out: NDArray[Any] = whole.astype(np.int64)
    if not small:
        out = out.astype(object)
    for k, move in enumerate(moves):
        out[:, k] *= 1 << move
    return out


def _lifting(arrangement: Arrangement) -> NDArray[Any]:
    """Return an integer matrix L: ``L p`` is p in coordinates of the data, scaled."""
    cone = arrangement.cone
    width = arrangement.dimension + (not arrangement.is_central)
    basis = arrangement.column_basis
    if basis is None:
        basis = tuple(
            tuple(int(i == j) for j in range(cone.rank)) for i in range(cone.rank)
        )
    scales = list(arrangement.column_scales)
    scales += [] if cone.infinity is None else [Fraction(1)]
    unit = math.lcm(*(scale.denominator for scale in scales))
    places = [*arrangement.pivot_columns, *([] if cone.infinity is None else [-1])]
    out = np.zeros((width, cone.rank), dtype=object)
    for place, row, scale in zip(places, basis, scales, strict=True):
        out[place] = [x * int(scale * unit) for x in row]
    return out


def _product(points: NDArray[Any], matrix: NDArray[Any]) -> NDArray[Any]:
    """Return ``points @ matrix.T`` in integers that hold it."""
    if not matrix.shape[1]:
        return np.zeros((len(points), matrix.shape[0]), dtype=np.int64)
    sums = max((sum(map(abs, row)) for row in matrix.tolist()), default=0)
    peak = int(np.abs(points).max(initial=0)) * sums
    kind = np.int64 if peak < 2**62 and points.dtype == np.int64 else object
    out: NDArray[Any] = points.astype(kind) @ matrix.astype(kind).T
    return out


def _primitive(rows: NDArray[Any]) -> NDArray[Any]:
    """Divide each row by the greatest common factor of its entries."""
    if not rows.size:
        return rows
    sizes = np.gcd.reduce(rows, axis=1)
    sizes[sizes == 0] = 1
    out: NDArray[Any] = rows // sizes[:, None]
    return out
