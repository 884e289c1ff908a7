"""Central arrangements of one parameter."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from arrangement.errors import InputError
from arrangement.model import Arrangement
from arrangement.options import said, whole_number

# entries of the largest matrix that is made: 800 MB
_MOST_ENTRIES = 10**8


def parameter(n: int, least: int = 1) -> int:
    """Return the parameter of a family as a Python int, or refuse it."""
    return whole_number(n, "n", least)


def empty_rows(n_rows: int, width: int, name: str, n: int) -> NDArray[np.int64]:
    """Return rows of zeros; refuse a matrix that would fill the memory."""
    if n_rows * width > _MOST_ENTRIES:
        raise InputError(
            f"{said('n', n)}: {name} has a matrix of {n_rows:,} x {width:,}; at most "
            f"{_MOST_ENTRIES:,} entries are made. Take a smaller n."
        )
    return np.zeros((n_rows, width), dtype=np.int64)


def _exponent(n: int, least: int) -> None:
    """Refuse an n for which there are ``2**n`` rows too many to be written down."""
    if parameter(n, least) > 64:
        raise InputError(
            f"{said('n', n)}: there are 2**n rows; at most {_MOST_ENTRIES:,} entries "
            "are made. Take a smaller n."
        )


def differences(pairs: NDArray[np.int64], out: NDArray[np.int64]) -> None:
    """Write ``e_i - e_j`` for each pair (i, j) into the rows of ``out``."""
    rows = np.arange(len(pairs))
    out[rows, pairs[:, 0]] = 1
    out[rows, pairs[:, 1]] = -1


def all_pairs(n: int) -> NDArray[np.int64]:
    """Return the pairs ``i < j`` below n, in lexicographic order."""
    return np.array(list(combinations(range(n), 2)), dtype=np.int64).reshape(-1, 2)


def boolean(n: int) -> Arrangement:
    """Return the coordinate hyperplanes ``x_i = 0`` of n-space: ``2**n`` chambers.

    Parameters
    ----------
    n : int
        Dimension, at least 1.

    Returns
    -------
    Arrangement
        n rows: the unit matrix.

    Raises
    ------
    InputError, InputTypeError
        n is no integer, too small or too large.

    Examples
    --------
    >>> from arrangement import count_patterns
    >>> count_patterns(boolean(5))
    32
    """
    rows = empty_rows(parameter(n), n, f"boolean({n})", n)
    np.fill_diagonal(rows, 1)
    return Arrangement(rows)


def braid(n: int) -> Arrangement:
    """Return the braid arrangement, ``x_i = x_j`` for all ``i < j``: n! chambers.

    Type A of rank n - 1.  A chamber is an order of the coordinates: bit 1 of the row of
    (i, j) says ``x_i > x_j``.

    Parameters
    ----------
    n : int
        Coordinates, at least 1.

    Returns
    -------
    Arrangement
        ``n (n - 1) / 2`` rows ``e_i - e_j``, pairs in lexicographic order.

    Raises
    ------
    InputError, InputTypeError
        As `boolean`.

    Notes
    -----
    ``chi(t) = (t - 1) (t - 2) .. (t - n + 1)`` in the essential space.  (Stanley, *An
    introduction to hyperplane arrangements*, 2007, Corollary 2.2.)

    Examples
    --------
    >>> from arrangement import characteristic_polynomial, count_patterns
    >>> braid(3).normals.tolist()
    [[1, -1, 0], [1, 0, -1], [0, 1, -1]]
    >>> count_patterns(braid(5)), characteristic_polynomial(braid(3))
    (120, (2, -3, 1))
    """
    parameter(n)
    rows = empty_rows(n * (n - 1) // 2, n, f"braid({n})", n)
    differences(all_pairs(n), rows)
    return Arrangement(rows)


def threshold(n: int) -> Arrangement:
    """Return the arrangement whose chambers are the threshold functions of n bits.

    Parameters
    ----------
    n : int
        Bits, at least 0.

    Returns
    -------
    Arrangement
        ``2**n`` rows ``(1, b)``, b all 0/1 vectors in lexicographic order; rank n + 1.
        A pattern is the table of a threshold function.

    Raises
    ------
    InputError, InputTypeError
        As `boolean`.

    Notes
    -----
    2, 4, 14, 104, 1882, 94572, 15028134, .. chambers (OEIS A000609).

    Examples
    --------
    >>> from arrangement import count_patterns
    >>> count_patterns(threshold(2)), threshold(1).normals.tolist()
    (14, [[1, 0], [1, 1]])
    """
    _exponent(n, 0)
    rows = empty_rows(2**n, n + 1, f"threshold({n})", n)
    rows[:, 0] = 1
    rows[:, 1:] = _binary_rows(n)
    return Arrangement(rows)


def resonance(n: int) -> Arrangement:
    """Return the resonance arrangement: all sums of coordinates over nonempty sets.

    Also called the all-subsets arrangement.

    Parameters
    ----------
    n : int
        Coordinates, at least 1.

    Returns
    -------
    Arrangement
        ``2**n - 1`` rows, the nonzero 0/1 vectors in lexicographic order.

    Raises
    ------
    InputError, InputTypeError
        As `boolean`.

    Notes
    -----
    2, 6, 32, 370, 11292, 1066044, .. chambers (OEIS A034997).

    Examples
    --------
    >>> from arrangement import count_patterns
    >>> count_patterns(resonance(4)), resonance(2).normals.tolist()
    (370, [[0, 1], [1, 0], [1, 1]])
    """
    _exponent(n, 1)
    rows = empty_rows(2**n - 1, n, f"resonance({n})", n)
    rows[:] = _binary_rows(n)[1:]
    return Arrangement(rows)


def _binary_rows(n: int) -> NDArray[np.int64]:
    """All 0/1 vectors of length n, (2**n, n), in lexicographic order."""
    return np.arange(2**n)[:, None] >> np.arange(n)[::-1] & 1
