"""An exact change of basis that makes the columns of a matrix short (LLL)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from operator import mul
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels import short_columns as kernels
from arrangement.exact.floats import rounded
from arrangement.exact.linear_algebra import IntRow, MinorBounds, multiply

# rows that the Gram matrix of the columns is taken over: only a guide
_GRAM_ROWS = 2000
# columns up to which floats are asked first
_MOST_COLUMNS = 12


class Shortened(NamedTuple):
    """Rows, the ``basis`` they were multiplied by or None, and how large minors are.

    ``floats`` are the rows, each entry rounded once; None beyond float64.
    """

    rows: Sequence[IntRow]
    basis: Sequence[IntRow] | None
    bounds: MinorBounds
    floats: NDArray[np.float64] | None


def shorten(
    rows: Sequence[IntRow],
    width: int,
    floats: NDArray[np.float64] | None,
    *,
    fixed: bool,
) -> Shortened:
    """Change to an integer basis with short columns where that lowers the bound.

    Parameters
    ----------
    rows : sequence of tuple of int
    width : int
        Entries of each.
    floats : ndarray, shape (n, width), float64, or None
        The rows, each entry rounded once.
    fixed : bool
        As in `reduce_columns`.

    Returns
    -------
    Shortened
        What came where nothing is gained.
    """
    if width < 2 or len(rows) < width:
        return Shortened(rows, None, MinorBounds(rows, width, floats), floats)
    logs = None
    if floats is not None and width <= _MOST_COLUMNS:
        found = np.empty((width, width), dtype=np.int64)
        logs, work = np.empty((width, 2)), np.empty((4, width, width))
        answer = kernels.short_basis(floats, _GRAM_ROWS, fixed, found, work, logs)
        if answer == kernels.STAY:
            bounds = MinorBounds(rows, width, logs=logs)
            return Shortened(rows, None, bounds, floats)
        if answer == kernels.TURN:
            return _turned(rows, [tuple(row) for row in found.T.tolist()])
    bounds = MinorBounds(rows, width, floats)
    try:
        basis = reduce_columns(rows, width, fixed=fixed)
    except ValueError:
        return Shortened(rows, None, bounds, floats)
    if all(sum(map(abs, row)) == 1 for row in basis):
        # columns in another order, and as long as they were
        return Shortened(rows, None, bounds, floats)
    shorter = _turned(rows, basis)
    if shorter.bounds.bits(width) >= bounds.bits(width):
        return Shortened(rows, None, bounds, floats)
    return shorter


def _turned(rows: Sequence[IntRow], basis: list[IntRow]) -> Shortened:
    """Return the rows in another basis."""
    shorter, floats = multiply(rows, basis), None
    with suppress(OverflowError):
        floats = rounded(shorter)
    return Shortened(shorter, basis, MinorBounds(shorter, len(basis), floats), floats)


def reduce_columns(rows: Sequence[IntRow], width: int, *, fixed: bool) -> list[IntRow]:
    """Find a unimodular U (rows of it) that makes the columns of ``rows @ U`` short.

    U is found by the integral LLL algorithm on the Gram matrix of the columns (Cohen
    1993, Algorithm 2.6.7); all r x r minors of the rows stay the same.  With ``fixed``
    the last row of U is (0, .., 0, 1).

    Raises
    ------
    ValueError
        The columns of the leading rows, which the Gram matrix is taken over, are
        dependent.
    """
    gram = _gram(rows[:_GRAM_ROWS], width)
    basis = [[int(i == j) for j in range(width)] for i in range(width)]
    lam = [[0] * width for _ in range(width)]
    d = [1] * (width + 1)  # d[i + 1]: Gram determinant of the first i + 1 vectors

    def size_reduce(k: int, j: int) -> None:
        q = (2 * lam[k][j] + d[j + 1]) // (2 * d[j + 1])
        if q:
            basis[k] = [x - q * y for x, y in zip(basis[k], basis[j], strict=True)]
            lam[k][j] -= q * d[j + 1]
            for i in range(j):
                lam[k][i] -= q * lam[j][i]

    def swap(k: int, last: int) -> None:
        basis[k], basis[k - 1] = basis[k - 1], basis[k]
        for j in range(k - 1):
            lam[k][j], lam[k - 1][j] = lam[k - 1][j], lam[k][j]
        mu = lam[k][k - 1]
        new = (d[k - 1] * d[k + 1] + mu * mu) // d[k]
        for i in range(k + 1, last + 1):
            t = lam[i][k]
            lam[i][k] = (d[k + 1] * lam[i][k - 1] - mu * t) // d[k]
            lam[i][k - 1] = (new * t + mu * lam[i][k]) // d[k + 1]
        d[k] = new

    k, reached = 0, -1
    while k < width:
        if k > reached:
            reached = k
            # basis[k] is a unit vector still
            image = gram[k]
            for j in range(k + 1):
                u = sum(map(mul, image, basis[j]))
                for i in range(j):
                    u = (d[i + 1] * u - lam[k][i] * lam[j][i]) // d[i]
                if j < k:
                    lam[k][j] = u
                else:
                    d[k + 1] = u
            if d[k + 1] == 0:
                raise ValueError("the columns of the leading rows are dependent")
        if k > 0:
            size_reduce(k, k - 1)
            movable = not (fixed and k == width - 1)
            short = 4 * d[k + 1] * d[k - 1] < 3 * d[k] ** 2 - 4 * lam[k][k - 1] ** 2
            if movable and short:
                swap(k, reached)
                k = max(k - 1, 1)
                continue
            for j in range(k - 2, -1, -1):
                size_reduce(k, j)
        k += 1
    return [tuple(column[i] for column in basis) for i in range(width)]


def _gram(rows: Sequence[IntRow], width: int) -> list[list[int]]:
    """Return the products of the columns with each other."""
    columns = list(zip(*rows, strict=True))
    gram = [[0] * width for _ in range(width)]
    for i in range(width):
        for j in range(i + 1):
            gram[i][j] = gram[j][i] = sum(map(mul, columns[i], columns[j]))
    return gram
