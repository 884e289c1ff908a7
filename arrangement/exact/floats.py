"""Exact integers as scaled float64, with the rounding known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels import rows as kernels
from arrangement._kernels import word_rows as words

# Dekker's splitter: halves of 26 bits.
_SPLITTER = 2.0**27 + 1.0


def rounded(rows: Sequence[Sequence[int]] | NDArray[Any]) -> NDArray[np.float64]:
    """Round every integer once, to nearest; floats come back as they are.

    Raises
    ------
    OverflowError
        An integer exceeds float64.
    """
    if isinstance(rows, np.ndarray):
        return rows.astype(np.float64, copy=False)
    width = len(rows[0]) if rows else 0
    # half the time of np.array, which looks for the shape first
    entries = np.fromiter(chain.from_iterable(rows), np.float64, len(rows) * width)
    return entries.reshape(len(rows), width)


def exact_product(
    a: NDArray[np.float64], b: NDArray[np.float64] | float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return ``(p, e)``, floats with ``a b = p + e`` and p the rounded product.

    Dekker (1971), Section 5.  Nothing may overflow on the way, or underflow: 1e-120 to
    1e120 is safe for both, and so is 0.
    """
    p = a * b
    a_high, b_high = (_SPLITTER * x - (_SPLITTER * x - x) for x in (a, b))
    a_low, b_low = a - a_high, b - b_high
    error = a_low * b_low - (((p - a_high * b_high) - a_low * b_high) - a_high * b_low)
    return p, np.asarray(error)


def scaled_floats(
    rows: Sequence[Sequence[int]] | NDArray[Any], shifts: Sequence[int]
) -> NDArray[np.float64]:
    """Round rows, columns scaled by ``2**-shift`` and rows to peak in [1/2, 1].

    Every entry has relative error at most 2**-53, or underflows towards zero with
    absolute error below 2**-1074.
    """
    if not len(rows):
        return np.zeros((0, len(shifts)))
    try:
        floats = rounded(rows)
    except OverflowError:
        return _scaled_one_by_one(rows, shifts)
    out = np.empty(floats.shape)
    # a copy: kernels are compiled for arrays that may be written
    kernels.scale_rows(np.array(floats), np.array(shifts, dtype=np.int64), out)
    return out


def _scaled_one_by_one(
    rows: Sequence[Sequence[int]] | NDArray[Any], shifts: Sequence[int]
) -> NDArray[np.float64]:
    """`scaled_floats` where an integer exceeds float64."""
    out = np.zeros((len(rows), len(shifts)))
    for i, row in enumerate(rows):
        peak = max(
            (x.bit_length() - s for x, s in zip(row, shifts, strict=True) if x),
            default=0,
        )
        for k, (x, s) in enumerate(zip(row, shifts, strict=True)):
            if x:
                out[i, k] = _ldexp(x, -s - peak)
    return out


def _ldexp(value: int, shift: int) -> float:
    """Return ``value * 2**shift`` rounded once (value may exceed float64)."""
    excess = value.bit_length() - 64
    if excess > 0:
        # keep 64 bits and a sticky bit, so that the one rounding is right
        sticky = 1 if abs(value) & ((1 << excess) - 1) else 0
        value = (abs(value) >> excess | sticky) * (1 if value > 0 else -1)
        shift += excess
    return math.ldexp(float(value), shift)


def column_shifts(
    rows: Sequence[Sequence[int]] | NDArray[Any], width: int
) -> list[int]:
    """Exponents e with every ``|x| < 2**e`` in the column (0 for zero columns).

    At most one more than needed, where rounding to a float reaches ``2**e``.
    """
    if not len(rows):
        return [0] * width
    try:
        # a copy: kernels are compiled for arrays that may be written
        floats = np.array(rounded(rows), order="C")
    except OverflowError:
        return [
            max(map(abs, column)).bit_length() for column in zip(*rows, strict=True)
        ]
    peaks = np.empty(width)
    words.column_peaks(floats, peaks)
    return [math.frexp(peak)[1] for peak in peaks.tolist()]
