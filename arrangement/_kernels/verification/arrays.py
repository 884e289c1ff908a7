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
    at the places of their first output bits, scaled to 1 and off by at most u.  The
    rest is scratch: ``line`` (2 * 64 n_words,) the last two coordinates, x before y,
    ``singles`` the same in float32, ``others`` (n_words,) the rows to compare.
    """

    work: NDArray[np.float64]
    bounds: NDArray[np.float64]
    line: NDArray[np.float64]
    singles: NDArray[np.float32]
    others: NDArray[np.uint64]
