"""Read `X` and `y` exactly, once: the float copy, its error, and a digest.

The numbers are rationals (binary floats, decimals, fractions). The program works on
a float64 copy in its own coordinates, ``(X - center) / scale`` with a ones column
appended when there is an intercept; each entry of the copy is the correctly rounded
value of the exact entry, and the rounding is recorded so that a certificate can
account for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrangement import Arrangement
from arrangement.exact import read_matrix, read_vector
from convex_solver.errors import InputError

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Data:
    """The data of one problem, exact and in float64.

    Attributes
    ----------
    arrangement : Arrangement
        Of the exact, unscaled rows (with the ones column).
    X, X_error : ndarray, shape (n, d), float64
        The program's coordinates, and a bound on ``|exact - X|`` entry by entry.
    y, y_error : ndarray, shape (n,), float64
        Likewise.
    y_exact : tuple of Fraction or int
        The targets without rounding.
    digest : str
        SHA-256 of the unscaled numbers in lowest terms (``1.50`` equals ``3/2``).
    """

    arrangement: Arrangement
    X: Array
    X_error: Array
    y: Array
    y_error: Array
    y_exact: tuple[Fraction | int, ...]
    digest: str


@dataclass(frozen=True, eq=False)
class Scaling:
    """Column transform of the program: ``(X - center) / scale``.

    With an intercept this is an invertible map of the columns, and so it leaves the
    patterns as they are; without one, ``center`` is zero.
    """

    center: Array
    scale: Array


def read_data(
    X: ArrayLike | Any,
    y: ArrayLike | Any,
    *,
    intercept: bool,
    scaling: Scaling | None = None,
    floats: str = "binary",
) -> Data:
    """Read ``X`` (n, d) and ``y`` (n,) exactly and round them once.

    Raises
    ------
    ValueError, TypeError
        As `Arrangement` for entries and shapes; `InputError` if the lengths differ
        or if there are no rows or no columns.
    """
    n, d, rows = read_matrix(X, floats=floats, name="X")
    targets = read_vector(y, floats=floats, name="y")
    if n == 0 or d + intercept == 0:
        raise InputError(
            f"X has shape ({n}, {d}); a program needs at least one row and one column."
        )
    if len(targets) != n:
        raise InputError(
            f"y has length {len(targets)}; expected {n}, one for each row of X."
        )
    digest = _digest(rows, targets)
    exact = [[*row, 1] if intercept else list(row) for row in rows]
    arrangement = Arrangement(np.array(exact, dtype=object).reshape(n, d + intercept))
    if scaling is not None:
        exact = _scaled(rows, scaling, intercept=intercept)
    values, errors = _round([x for row in exact for x in row], "X")
    y_values, y_errors = _round(targets, "y")
    return Data(
        arrangement,
        values.reshape(n, d + intercept),
        errors.reshape(n, d + intercept),
        y_values,
        y_errors,
        tuple(targets),
        digest,
    )


def fit_scaling(X: ArrayLike | Any, *, intercept: bool, floats: str) -> Scaling:
    """Return mean and standard deviation of each column (1 for a constant column).

    Without an intercept the columns are not centred, as that would not be a map of
    the columns onto themselves, and the scale is the root mean square.
    """
    n, d, rows = read_matrix(X, floats=floats, name="X")
    if n == 0:
        raise InputError("X has no rows; a program needs at least one.")
    values, _ = _round([x for row in rows for x in row], "X")
    values = values.reshape(n, d)
    center = values.mean(axis=0) if intercept else np.zeros(d)
    constant = values.min(axis=0) == values.max(axis=0)
    if intercept:
        # the mean may be an ulp off; the column must become exactly zero
        center = np.where(constant, values[0], center)
    spread = np.sqrt(np.mean((values - center) ** 2, axis=0))
    scale = np.where(spread > 0.0, spread, 1.0)
    if not (np.all(np.isfinite(center)) and np.all(np.isfinite(scale))):
        raise InputError("a column of X is too large to standardise; scale it first.")
    return Scaling(center, scale)


def _scaled(
    rows: list[list[Fraction | int]], scaling: Scaling, *, intercept: bool
) -> list[list[Fraction | int]]:
    center = [Fraction(c) for c in scaling.center.tolist()]
    inverse = [1 / Fraction(s) for s in scaling.scale.tolist()]
    if rows and len(rows[0]) != len(center):
        raise InputError(
            f"X has {len(rows[0])} columns; the scaling was made for {len(center)}."
        )
    return [
        [(x - c) * s for x, c, s in zip(row, center, inverse, strict=True)]
        + ([1] if intercept else [])
        for row in rows
    ]


def _round(values: Sequence[Fraction | int], name: str) -> tuple[Array, Array]:
    try:
        # int / int and float(Fraction) are correctly rounded in Python
        rounded = np.array([float(x) for x in values], dtype=np.float64)
    except OverflowError:
        raise InputError(
            f"{name} has an entry beyond float64, which the program needs; scale it."
        ) from None
    exact = np.array(
        [Fraction(r) == x for r, x in zip(rounded.tolist(), values, strict=True)],
        dtype=np.bool_,
    )
    # to nearest: at most half the distance to the next float; take all of it, so
    # that the halving cannot underflow
    return rounded, np.where(exact, 0.0, np.spacing(np.abs(rounded)))


def _digest(rows: list[list[Fraction | int]], targets: Sequence[Fraction | int]) -> str:
    state = hashlib.sha256()
    for row, target in zip(rows, targets, strict=True):
        state.update((",".join(str(x) for x in [*row, target]) + "\n").encode())
    return state.hexdigest()
