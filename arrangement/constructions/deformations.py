"""Affine deformations of the braid arrangement: ``x_i - x_j = l``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from arrangement.constructions.families import (
    all_pairs,
    differences,
    empty_rows,
    parameter,
)
from arrangement.exact import read_vector
from arrangement.model import Arrangement


def deformation(n: int, levels: ArrayLike | Any) -> Arrangement:
    """Return the affine hyperplanes ``x_i - x_j = l``, ``i < j``, l in ``levels``.

    Parameters
    ----------
    n : int
        Coordinates, at least 1.
    levels : array_like, shape (k,)
        Numbers of any kind, read exactly; at least one.

    Returns
    -------
    Arrangement
        ``k n (n - 1) / 2`` affine rows: pairs in lexicographic order, and for each pair
        the levels in theirs.

    Raises
    ------
    InputError, InputTypeError
        n is no integer, too small or too large; levels are no numbers.

    Notes
    -----
    Postnikov & Stanley, *Deformations of Coxeter hyperplane arrangements* (2000).

    Examples
    --------
    >>> from arrangement import count_patterns
    >>> count_patterns(deformation(3, [-1, 1]))
    19
    """
    parameter(n)
    shifts = read_vector(levels, floats="binary", name="levels")
    pairs = all_pairs(n)
    k = len(shifts)
    rows = empty_rows(k * len(pairs), n, f"a deformation of braid({n})", n)
    differences(np.repeat(pairs, k, axis=0), rows)
    offsets = np.empty(len(rows), dtype=object)
    offsets[:] = shifts.numbers() * len(pairs)
    return Arrangement(rows, offsets)


def shi(n: int) -> Arrangement:
    """Return the Shi arrangement, ``x_i - x_j = 0, 1`` for ``i < j``.

    Parameters, errors and order of the rows are those of `deformation`.

    Returns
    -------
    Arrangement
        ``(n + 1)**(n - 1)`` chambers, ``(n - 1)**(n - 1)`` of them bounded in the
        essential space (Shi 1986; Stanley 2007, Theorem 5.16).

    Examples
    --------
    >>> from arrangement import count_bounded, count_patterns
    >>> count_patterns(shi(4)), count_bounded(shi(4))
    (125, 27)
    """
    return deformation(n, (0, 1))


def catalan(n: int) -> Arrangement:
    """Return the Catalan arrangement, ``x_i - x_j = -1, 0, 1`` for ``i < j``.

    Parameters, errors and order of the rows are those of `deformation`.

    Returns
    -------
    Arrangement
        ``n! C_n`` chambers, ``n! C_(n-1)`` of them bounded in the essential space,
        with the Catalan numbers C (Stanley 2007, Proposition 5.14).

    Examples
    --------
    >>> from arrangement import count_patterns
    >>> count_patterns(catalan(3))
    30
    """
    return deformation(n, (-1, 0, 1))


def linial(n: int) -> Arrangement:
    """Return the Linial arrangement, ``x_i - x_j = 1`` for ``i < j``.

    Parameters, errors and order of the rows are those of `deformation`.

    Returns
    -------
    Arrangement
        1, 2, 7, 36, 246, .. chambers, the alternating trees on n + 1 vertices
        (Postnikov & Stanley 2000, Theorem 8.1; OEIS A007889).

    Examples
    --------
    >>> from arrangement import count_patterns
    >>> count_patterns(linial(4))
    36
    """
    return deformation(n, (1,))


def semiorder(n: int) -> Arrangement:
    """Return the semiorder arrangement, ``x_i - x_j = -1, 1`` for ``i < j``.

    Parameters, errors and order of the rows are those of `deformation`.

    Returns
    -------
    Arrangement
        1, 3, 19, 183, 2371, .. chambers, the labelled semiorders (Stanley 2007,
        Proposition 5.18; OEIS A006531).

    Examples
    --------
    >>> from arrangement import count_patterns
    >>> count_patterns(semiorder(4))
    183
    """
    return deformation(n, (-1, 1))
