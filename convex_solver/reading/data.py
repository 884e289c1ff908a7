"""Read `X`, `y` and weights exactly, once: the float copy, its error, and a digest.

The numbers are rationals (binary floats, decimals, fractions). The program works on
a float64 copy in its own coordinates, ``(X - center) / scale`` with a ones column
appended when there is an intercept; each entry of the copy is the correctly rounded
value of the exact entry, and the rounding is recorded so that a certificate can
account for it.

All that follows a reading shares one `Data`, in which nothing can change: solver,
candidates of the dual point, certificate and report speak of the same numbers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from arrangement import Arrangement, InputError
from arrangement.exact import exact_text, read_samples, read_vector
from convex_solver.rounding import nearest_error
from convex_solver.typing import Array

_WEIGHTS = "sample_weight"

Exact = tuple[Fraction | int, ...]


@dataclass(frozen=True, eq=False)
class Rows:
    """A matrix as read, exactly: rows (n K, d), K of them for each sample."""

    exact: tuple[Exact, ...] = field(repr=False)
    width: int
    n_patches: int

    @property
    def n_samples(self) -> int:
        """Number of samples, n."""
        return len(self.exact) // self.n_patches

    @property
    def values(self) -> Array:
        """The rows in float64, (n K, d); a new array."""
        floats = [float(x) for row in self.exact for x in row]
        return np.array(floats, dtype=np.float64).reshape(-1, self.width)


@dataclass(frozen=True, eq=False)
class Scaling:
    """Column transform of the program: ``(X - center) / scale``.

    With an intercept this is an invertible map of the columns, and so it leaves the
    patterns as they are; without one that is so where ``center`` is zero.
    """

    center: Array
    scale: Array

    def __post_init__(self) -> None:
        """Keep copies, which nothing outside can change."""
        for name in ("center", "scale"):
            values = np.array(getattr(self, name), dtype=np.float64)
            object.__setattr__(self, name, _frozen(values))


@dataclass(frozen=True, eq=False)
class Data:
    """The data of one problem, exact and in float64; nothing in it can be changed.

    Attributes
    ----------
    rows : Rows
        ``X`` as read: exact, unscaled, without the ones column.
    arrangement : Arrangement
        Of the exact rows (with the ones column): unscaled where the scaling is a map
        of the columns onto themselves, and else as they enter.
    X, X_error : ndarray, shape (n K, d), float64, read-only
        The program's coordinates, and a bound on ``|exact - X|`` entry by entry.
    y, y_error : ndarray, shape (n,), float64, read-only
        Likewise.
    y_exact : tuple of Fraction or int
        The targets without rounding.
    weights, weights_exact : ndarray, shape (n,), and tuple, or None
        Weights of the samples.
    intercept, scaling : bool, and Scaling or None
        How the program's coordinates come from ``rows``.
    floats : {"binary", "decimal"}
        How floats were read.
    digest : str
        SHA-256 of the unscaled numbers in lowest terms (``1.50`` equals ``3/2``).
    """

    rows: Rows = field(repr=False)
    arrangement: Arrangement = field(repr=False)
    X: Array = field(repr=False)
    X_error: Array = field(repr=False)
    y: Array = field(repr=False)
    y_error: Array = field(repr=False)
    y_exact: Exact = field(repr=False)
    weights: Array | None = field(repr=False)
    weights_exact: Exact | None = field(repr=False)
    intercept: bool
    scaling: Scaling | None = field(repr=False)
    floats: str
    digest: str

    @property
    def n_patches(self) -> int:
        """Rows of each sample, one after another: ``X`` has n times as many."""
        return self.rows.n_patches

    @property
    def entering(self) -> Sequence[Exact]:
        """The exact rows as they enter, but for the scale of the columns."""
        if self.scaling is None or not np.any(self.scaling.center):
            return self.rows.exact
        center = [Fraction(c) for c in self.scaling.center.tolist()]
        return [
            tuple(x - c for x, c in zip(row, center, strict=True))
            for row in self.rows.exact
        ]

    @property
    def design(self) -> Array:
        """``X`` as a network takes it: (n, d), or (n, n_patches, d) for patches."""
        if self.n_patches == 1:
            return self.X
        return self.X.reshape(-1, self.n_patches, self.X.shape[1])

    def spread(self, v: Array) -> Array:
        """Give every row the entry of its sample: ``v^T sum_k (X_k u)_+``."""
        return np.repeat(v, self.n_patches) if self.n_patches > 1 else v

    def with_targets(self, y: ArrayLike | Any) -> Data:
        """Return the same rows and weights with other targets; X is not read again."""
        targets = _read_targets(self.rows, y, self.floats)
        values, errors = _round(targets, "y")
        return replace(
            self,
            y=values,
            y_error=errors,
            y_exact=targets,
            digest=_digest(self.rows, targets, self.weights_exact),
        )


def read_data(
    X: ArrayLike | Any,
    y: ArrayLike | Any,
    *,
    intercept: bool,
    standardize: bool = False,
    scaling: Scaling | None = None,
    floats: str = "binary",
    sample_weight: ArrayLike | Any | None = None,
) -> Data:
    """Read ``X`` (n, d) or (n, K, d), and ``y`` (n,), exactly and round them once.

    ``standardize`` asks for the scaling of `fit_scaling`; ``scaling`` gives another.
    What is given is copied: later changes of it are not seen.

    Raises
    ------
    ValueError, TypeError
        As `Arrangement` for entries and shapes; `InputError` if the lengths differ
        or if there are no rows, no patches or no columns.
    """
    rows = read_rows(X, floats=floats)
    targets = _read_targets(rows, y, floats)
    weights = None
    if sample_weight is not None:
        weights = tuple(read_vector(sample_weight, floats=floats, name=_WEIGHTS))
        if len(weights) != rows.n_samples:
            raise InputError(
                f"sample_weight has length {len(weights)}; expected {rows.n_samples}."
            )
    rounded = None if weights is None else _round(weights, _WEIGHTS)[0]
    n, d = len(rows.exact), rows.width + bool(intercept)
    if n == 0 or d == 0:
        raise InputError(
            f"X has shape ({n}, {d}); a program needs at least one row and one column."
        )
    if standardize:
        scaling = fit_scaling(rows, intercept=intercept, weights=rounded)
    plain = [[*row, 1] if intercept else [*row] for row in rows.exact]
    exact = [x for row in plain for x in row]
    if scaling is not None:
        exact = _scaled(rows, scaling, intercept=intercept)
        # a map of the columns onto themselves keeps the patterns, and the numbers as
        # given are shorter; a shift without a column of ones is none
        if np.any(scaling.center) and not intercept:
            plain = [exact[k * d : (k + 1) * d] for k in range(n)]
    values, errors = _round(exact, "X")
    y_values, y_errors = _round(targets, "y")
    return Data(
        rows=rows,
        arrangement=Arrangement.of_rows(plain, d),
        X=values.reshape(n, d),
        X_error=errors.reshape(n, d),
        y=y_values,
        y_error=y_errors,
        y_exact=targets,
        weights=rounded,
        weights_exact=weights,
        intercept=bool(intercept),
        scaling=scaling,
        floats=floats,
        digest=_digest(rows, targets, weights),
    )


def read_rows(X: ArrayLike | Any, *, floats: str) -> Rows:
    """Read a matrix (n, d), or patches (n, K, d), exactly."""
    n_patches, d, rows = read_samples(X, floats=floats, name="X")
    return Rows(tuple(map(tuple, rows)), d, n_patches)


def _read_targets(rows: Rows, y: ArrayLike | Any, floats: str) -> Exact:
    targets = tuple(read_vector(y, floats=floats, name="y"))
    if len(targets) != rows.n_samples:
        what = "row" if rows.n_patches == 1 else "set of patches"
        raise InputError(
            f"y has length {len(targets)}; expected {rows.n_samples}, one for each "
            f"{what} of X."
        )
    return targets


def fit_scaling(rows: Rows, *, intercept: bool, weights: Array | None) -> Scaling:
    """Return mean and standard deviation of each column (1 for a constant column).

    A sample of weight two counts as two; all patches of a sample count alike.
    Without an intercept the columns are not centred, as that would not be a map of
    the columns onto themselves, and the scale is the root mean square.
    """
    n, d = len(rows.exact), rows.width
    values, _ = _round([x for row in rows.exact for x in row], "X")
    values = values.reshape(n, d)
    counts = np.ones(n)
    # the loss says what is wrong with weights that cannot be used
    if weights is not None and np.all(weights > 0.0) and weights.sum() < np.inf:
        counts = np.repeat(weights, rows.n_patches)
    center = np.average(values, axis=0, weights=counts) if intercept else np.zeros(d)
    constant = values.min(axis=0) == values.max(axis=0)
    if intercept:
        # the mean may be an ulp off; the column must become exactly zero
        center = np.where(constant, values[0], center)
    spread = np.sqrt(np.average((values - center) ** 2, axis=0, weights=counts))
    scale = np.where(spread > 0.0, spread, 1.0)
    if not (np.all(np.isfinite(center)) and np.all(np.isfinite(scale))):
        raise InputError("a column of X is too large to standardise; scale it first.")
    return Scaling(center, scale)


def _scaled(rows: Rows, scaling: Scaling, *, intercept: bool) -> list[Fraction | int]:
    center = [Fraction(c) for c in scaling.center.tolist()]
    inverse = [1 / Fraction(s) for s in scaling.scale.tolist()]
    if rows.width != len(center):
        raise InputError(
            f"X has {rows.width} columns; the scaling was made for {len(center)}."
        )
    out: list[Fraction | int] = []
    for row in rows.exact:
        out += [(x - c) * s for x, c, s in zip(row, center, inverse, strict=True)]
        out += [1] * intercept
    return out


def _round(values: Sequence[Fraction | int], name: str) -> tuple[Array, Array]:
    try:
        # int / int and float(Fraction) are correctly rounded in Python
        rounded = np.array([float(x) for x in values], dtype=np.float64)
    except OverflowError:
        raise InputError(
            f"{name} has an entry beyond float64, which the program needs; scale it."
        ) from None
    return _frozen(rounded), _frozen(nearest_error(rounded, values))


def _frozen(array: Array) -> Array:
    array.setflags(write=False)
    return array


def _digest(
    rows: Rows,
    targets: Sequence[Fraction | int],
    weights: Sequence[Fraction | int] | None,
) -> str:
    state = hashlib.sha256()
    n_patches = rows.n_patches
    for k, target in enumerate(targets):
        patches = rows.exact[k * n_patches : (k + 1) * n_patches]
        numbers = [*(x for row in patches for x in row), target]
        state.update((",".join(map(exact_text, numbers)) + "\n").encode())
    if n_patches > 1:
        state.update(f"patches {n_patches}\n".encode())
    if weights is not None:
        state.update(("weights " + ",".join(map(exact_text, weights)) + "\n").encode())
    return state.hexdigest()
