"""The arrays that the kernels of the proof work on, by name."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class OutputBits(NamedTuple):
    """Where the bits of a pattern come from.

    Masks (n_words,) of the first output bits of the rows, ``firsts``, and of those that
    no row moves and that are set, ``constant``.  All others are ``copies`` (k, 5) of
    first ones, from rows parallel to theirs: word and bit copied from, word and bit of
    the copy, whether it is flipped.
    """

    firsts: NDArray[np.uint64]
    constant: NDArray[np.uint64]
    copies: NDArray[np.int64]


class Coordinates(NamedTuple):
    """The rows at the places of their first output bits, ``values`` (r, 64 n_words).

    Every entry is within u relative of the true (scaled) entry or underflowed below
    2**-1074; ``norm`` is an upper bound of all 1-norms.
    """

    values: NDArray[np.float64]
    norm: float


class Elimination(NamedTuple):
    """The rows while r - 2 of them are eliminated, one more at each depth.

    ``work`` (r - 1, r, 64 n_words) holds the coordinates by depth, and ``bounds``
    (r - 1, 2) how far off they are and how large.  Those at depth 0 are given: the rows
    at the places of their first output bits, scaled to 1 and off by at most u; ``rows``
    (r - 2,) int64 those eliminated, as far as ``control`` (4,) int64 tells.

    Of the line that is left, ``line`` (2 * 64 n_words,) are the last two coordinates, x
    before y, ``keys`` (64 n_words,) int16 those of all rows (see `_kernels/keys.py`),
    ``others`` (n_words,) the rows but those eliminated.  ``order`` (64 n_words,) int64
    begins with them as their vertices follow one another, where that is known.  Of
    ``masks`` (4, n_words) two are the rows whose x is negative and those whose keys are
    sure; where the order is known, one those positive before its first vertex; one is
    scratch.  The rest, (64 n_words,), is scratch, int64 but for ``fractions``; of
    ``chambers``, those at the vertices of the rows, all are -1.
    """

    work: NDArray[np.float64]
    bounds: NDArray[np.float64]
    rows: NDArray[np.int64]
    control: NDArray[np.int64]
    line: NDArray[np.float64]
    keys: NDArray[np.int16]
    others: NDArray[np.uint64]
    masks: NDArray[np.uint64]
    order: NDArray[np.int64]
    fractions: NDArray[np.float64]
    buckets: NDArray[np.int64]
    ends: NDArray[np.int64]
    chambers: NDArray[np.int64]


def new_elimination(coords: NDArray[np.float64], depth: int) -> Elimination:
    """Return the state before the first row goes; ``coords`` (r, places) are copied.

    ``depth`` is r - 1.
    """
    places = coords.shape[1]
    work = np.empty((depth, *coords.shape))
    work[0] = coords
    bounds = np.zeros((depth, 2))
    bounds[0] = [2.0**-53, 1.0]
    order, buckets, ends = np.zeros((3, places), dtype=np.int64)
    return Elimination(
        work,
        bounds,
        rows=np.zeros(max(depth - 1, 0), dtype=np.int64),
        control=np.zeros(4, dtype=np.int64),
        line=np.zeros(2 * places),
        keys=np.zeros(places, dtype=np.int16),
        others=np.zeros(places // 64, dtype=np.uint64),
        masks=np.zeros((4, places // 64), dtype=np.uint64),
        order=order,
        fractions=np.zeros(places),
        buckets=buckets,
        ends=ends,
        chambers=np.full(places, -1, dtype=np.int64),
    )
