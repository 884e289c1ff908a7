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
from numpy.typing import ArrayLike

from arrangement import Arrangement, InputError
from arrangement.exact import read_matrix, read_vector
from convex_solver.typing import Array

_WEIGHTS = "sample_weight"


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
    weights, weights_exact : ndarray, shape (n,), and tuple, or None
        Weights of the samples.
    n_patches : int
        Rows that belong to each sample, one after another: ``X`` has n times as many.
    digest : str
        SHA-256 of the unscaled numbers in lowest terms (``1.50`` equals ``3/2``).
    """

    arrangement: Arrangement
    X: Array
    X_error: Array
    y: Array
    y_error: Array
    y_exact: tuple[Fraction | int, ...]
    weights: Array | None
    weights_exact: tuple[Fraction | int, ...] | None
    n_patches: int
    digest: str

    @property
    def design(self) -> Array:
        """``X`` as a network takes it: (n, d), or (n, n_patches, d) for patches."""
        if self.n_patches == 1:
            return self.X
        return self.X.reshape(-1, self.n_patches, self.X.shape[1])

    def spread(self, v: Array) -> Array:
        """Give every row the entry of its sample: ``v^T sum_k (X_k u)_+``."""
        return np.repeat(v, self.n_patches) if self.n_patches > 1 else v


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
    sample_weight: ArrayLike | Any | None = None,
) -> Data:
    """Read ``X`` (n, d) or (n, K, d), and ``y`` (n,), exactly and round them once.

    Raises
    ------
    ValueError, TypeError
        As `Arrangement` for entries and shapes; `InputError` if the lengths differ
        or if there are no rows, no patches or no columns.
    """
    X, n_patches = stack_patches(X)
    n, d, rows = read_matrix(X, floats=floats, name="X")
    targets = read_vector(y, floats=floats, name="y")
    if n == 0 or d + intercept == 0:
        raise InputError(
            f"X has shape ({n}, {d}); a program needs at least one row and one column."
        )
    n_samples = n // n_patches
    if len(targets) != n_samples:
        what = "row" if n_patches == 1 else "set of patches"
        raise InputError(
            f"y has length {len(targets)}; expected {n_samples}, one for each {what} "
            "of X."
        )
    weights = None
    if sample_weight is not None:
        weights = read_vector(sample_weight, floats=floats, name=_WEIGHTS)
        if len(weights) != n_samples:
            raise InputError(
                f"sample_weight has length {len(weights)}; expected {n_samples}."
            )
    digest = _digest(rows, targets, weights, n_patches)
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
        None if weights is None else _round(weights, _WEIGHTS)[0],
        None if weights is None else tuple(weights),
        n_patches,
        digest,
    )


def stack_patches(X: ArrayLike | Any) -> tuple[Any, int]:
    """Return data (n, K, d) as rows (n K, d), and K; a matrix as it is, and 1.

    Raises
    ------
    InputError
        If there are no patches.
    """
    if hasattr(X, "ndim"):
        dimensions = X.ndim
    else:
        # a nested sequence, perhaps of fractions or text
        first, dimensions = X, 0
        while isinstance(first, (list, tuple)) and len(first):
            first, dimensions = first[0], dimensions + 1
        # a list of arrays, one for each sample
        dimensions += getattr(first, "ndim", 0)
    if dimensions != 3:
        return X, 1
    try:
        array: Any = X if hasattr(X, "reshape") else np.array(X, dtype=object)
        n, n_patches, d = array.shape
    except ValueError:
        raise InputError("X is ragged: samples differ in patches or columns.") from None
    if n_patches == 0:
        raise InputError(
            f"X has shape {array.shape}; a sample needs at least one patch."
        )
    return array.reshape(n * n_patches, d), int(n_patches)


def fit_scaling(
    X: ArrayLike | Any,
    *,
    intercept: bool,
    floats: str,
    sample_weight: ArrayLike | Any | None = None,
) -> Scaling:
    """Return mean and standard deviation of each column (1 for a constant column).

    A sample of weight two counts as two; all patches of a sample count alike.
    Without an intercept the columns are not centred, as that would not be a map of
    the columns onto themselves, and the scale is the root mean square.
    """
    X, n_patches = stack_patches(X)
    n, d, rows = read_matrix(X, floats=floats, name="X")
    if n == 0:
        raise InputError("X has no rows; a program needs at least one.")
    values, _ = _round([x for row in rows for x in row], "X")
    values = values.reshape(n, d)
    weights = np.ones(n)
    if sample_weight is not None:
        given, _ = _round(read_vector(sample_weight, floats=floats, name=_WEIGHTS), "")
        weights = np.repeat(given, n_patches)
        if weights.size != n or not (np.all(weights > 0.0) and weights.sum() < np.inf):
            # the loss says what is wrong with them
            weights = np.ones(n)
    center = np.average(values, axis=0, weights=weights) if intercept else np.zeros(d)
    constant = values.min(axis=0) == values.max(axis=0)
    if intercept:
        # the mean may be an ulp off; the column must become exactly zero
        center = np.where(constant, values[0], center)
    spread = np.sqrt(np.average((values - center) ** 2, axis=0, weights=weights))
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


def _digest(
    rows: list[list[Fraction | int]],
    targets: Sequence[Fraction | int],
    weights: Sequence[Fraction | int] | None,
    n_patches: int,
) -> str:
    state = hashlib.sha256()
    for k, target in enumerate(targets):
        patches = rows[k * n_patches : (k + 1) * n_patches]
        numbers = [*(x for row in patches for x in row), target]
        state.update((",".join(str(x) for x in numbers) + "\n").encode())
    if n_patches > 1:
        state.update(f"patches {n_patches}\n".encode())
    if weights is not None:
        state.update(("weights " + ",".join(map(str, weights)) + "\n").encode())
    return state.hexdigest()
