"""Reflection arrangements of the Weyl groups, in integers."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from arrangement.constructions.families import (
    all_pairs,
    differences,
    empty_rows,
)
from arrangement.errors import InputError, InputTypeError
from arrangement.model import Arrangement
from arrangement.options import whole_number

# least rank of each infinite family, and ranks of the others
_LEAST = {"A": 1, "B": 1, "C": 1, "D": 2}
_RANKS = {"E": (6, 7, 8), "F": (4,), "G": (2,)}
# the dihedral groups whose mirrors have rational slopes (Niven's theorem)
_DIHEDRAL = {2: ("D", 2), 3: ("A", 2), 4: ("B", 2), 6: ("G", 2)}


def coxeter(letter: str, n: int) -> Arrangement:
    """Return the mirrors of a Weyl group: its positive roots as rows.

    Parameters
    ----------
    letter : {"A", "B", "C", "D", "E", "F", "G", "I"}
        Type in the notation of Cartan and Killing.  "I" are the dihedral groups.
    n : int
        Rank: at least 1 for A, B and C, 2 for D; 6, 7, 8 for E, 4 for F, 2 for G.  For
        "I" the number m of mirrors in the plane: 2, 3, 4 or 6.

    Returns
    -------
    Arrangement
        Roots in the coordinates of Bourbaki, doubled where these are halves: A_n in
        n + 1 coordinates (`braid`), G2 in 3, E6 and E7 in 8, others in n.

    Raises
    ------
    InputError
        A type or a rank that there is not; H3, H4 and dihedral groups without rational
        coordinates.
    InputTypeError
        Letter or rank of another type.

    Notes
    -----
    ``chi(t)`` is the product of ``t - e`` over the exponents e, and the chambers are as
    many as the group has elements, the product of ``1 + e`` (Bourbaki, *Lie groups and
    Lie algebras*, chapter 6, plates I to IX; Orlik & Solomon 1980).

    Examples
    --------
    >>> from arrangement import count_patterns
    >>> count_patterns(coxeter("B", 3)), len(coxeter("E", 8).normals)
    (48, 120)
    >>> coxeter("G", 2).normals.tolist()[3:]
    [[2, -1, -1], [1, -2, 1], [1, 1, -2]]
    """
    if not isinstance(letter, str):
        raise InputTypeError(f"letter={letter!r}; expected one of A to G, or I.")
    rank = whole_number(n, "n", 1)
    kind = letter.strip().upper()
    if kind == "I":
        kind, rank = _dihedral(rank)
    elif kind == "H":
        raise InputError(
            f"H{rank} has no rational coordinates: its mirrors need the golden ratio. "
            "Types A to G have."
        )
    if kind in _LEAST:
        if rank < _LEAST[kind]:
            raise InputError(
                f"n={rank}; type {kind} has rank {_LEAST[kind]} or more. Use A1 for "
                "one mirror."
            )
    elif kind not in _RANKS:
        raise InputError(f"letter={letter!r} is unknown; use one of A to G, or I.")
    elif rank not in _RANKS[kind]:
        ranks = ", ".join(map(str, _RANKS[kind]))
        raise InputError(f"n={rank}; type {kind} has rank {ranks} only.")
    return Arrangement(_roots(kind, rank))


def _dihedral(mirrors: int) -> tuple[str, int]:
    if mirrors not in _DIHEDRAL:
        raise InputError(
            f"I2({mirrors}) has no rational coordinates (only m = 2, 3, 4, 6 have). "
            f"Any m lines through a point have the same chambers: generic({mirrors}, "
            "2)."
        )
    return _DIHEDRAL[mirrors]


def _roots(kind: str, rank: int) -> NDArray[np.int64]:
    """Return the positive roots of one type."""
    if kind == "E":
        return _exceptional(rank)
    if kind == "F":
        halves = [(1, *tail) for tail in product((1, -1), repeat=3)]
        return np.concatenate([2 * _units(4), 2 * _pairs(4), halves])
    width = rank + (kind in "AG")
    pairs = all_pairs(width)
    name = f"coxeter({kind!r}, {rank})"
    short = empty_rows(len(pairs), width, name, rank)
    differences(pairs, short)
    if kind == "A":
        return short
    if kind == "G":
        long = np.array([[2, -1, -1], [1, -2, 1], [1, 1, -2]])
        return np.concatenate([short, long])
    if kind == "D":
        return _pairs(rank)
    return np.concatenate([_units(rank) * (1 + (kind == "C")), _pairs(rank)])


def _units(n: int) -> NDArray[np.int64]:
    return np.eye(n, dtype=np.int64)


def _pairs(n: int) -> NDArray[np.int64]:
    """Return ``e_i - e_j`` and ``e_i + e_j``: the roots of type D."""
    minus = np.zeros((n * (n - 1) // 2, n), dtype=np.int64)
    differences(all_pairs(n), minus)
    return np.stack([minus, np.abs(minus)], axis=1).reshape(-1, n)


def _exceptional(rank: int) -> NDArray[np.int64]:
    """Return the roots of E8, doubled; for E7 and E6 those in a subspace."""
    tails = np.array(list(product((1, -1), repeat=7)))
    spinors = np.column_stack([np.ones(len(tails), dtype=np.int64), tails])
    even = spinors.prod(axis=1) > 0
    roots = np.concatenate([2 * _pairs(8), spinors[even]])
    if rank < 8:
        roots = roots[roots[:, 6] == -roots[:, 7]]
    if rank < 7:
        roots = roots[roots[:, 5] == roots[:, 6]]
    return roots
