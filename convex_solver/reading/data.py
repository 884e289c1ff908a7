"""Read `X`, `y` and weights exactly, once: the float copy, its error, and a digest.

The numbers are rationals (binary floats, decimals, fractions). The program works on
a float64 copy in its own coordinates, ``(X - center) / scale`` with a ones column
appended when there is an intercept; each entry of the copy is the correctly rounded
value of the exact entry, and the rounding is recorded so that a certificate can
account for it.  The exact numbers stay columns of `arrangement.exact`, which NumPy
scales, rounds and writes; Python numbers are made where they are asked for.

All that follows a reading shares one `Data`, in which nothing can change: solver,
candidates of the dual point, certificate and report speak of the same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrangement import Arrangement, InputError
from arrangement.exact import Column, Matrix, read_samples, read_vector
from convex_solver.reading.digest import data_digest
from convex_solver.reading.scaled import scaled_column
from convex_solver.rounding import spacing_error
from convex_solver.typing import Array

_WEIGHTS = "sample_weight"

Exact = tuple[Fraction | int, ...]


@dataclass(frozen=True, eq=False)
class Rows:
    """A matrix as read, exactly: rows (n K, d), K of them for each sample."""

    matrix: Matrix = field(repr=False)

    @property
    def columns(self) -> Sequence[Column]:
        """The columns, n K numbers each."""
        return self.matrix.columns

    @property
    def width(self) -> int:
        """Number of columns, d."""
        return self.matrix.width

    @property
    def n_patches(self) -> int:
        """Rows of each sample, K."""
        return self.matrix.n_patches

    @property
    def n_rows(self) -> int:
        """Number of rows, n K."""
        return self.matrix.n_rows

    @property
    def n_samples(self) -> int:
        """Number of samples, n."""
        return self.n_rows // self.n_patches

    @cached_property
    def exact(self) -> tuple[Exact, ...]:
        """The rows as Python numbers; made when they are first asked for."""
        return tuple(self.matrix.rows())

    @property
    def values(self) -> Array:
        """The rows in float64, (n K, d); a new array.

        Raises
        ------
        OverflowError
            An entry is beyond float64.
        """
        out = np.empty((self.n_rows, self.width))
        for k, column in enumerate(self.columns):
            out[:, k] = column.rounded()[0]
        if not np.all(np.isfinite(out)):
            raise OverflowError("an entry is beyond float64")
        return out


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
    y_read : Column
        The targets without rounding; ``y_exact`` are the same as Python numbers.
    weights, weights_read : ndarray, shape (n,), and Column, or None
        Weights of the samples; ``weights_exact`` are the same as Python numbers.
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
    y_read: Column = field(repr=False)
    weights: Array | None = field(repr=False)
    weights_read: Column | None = field(repr=False)
    intercept: bool
    scaling: Scaling | None = field(repr=False)
    floats: str
    digest: str

    @cached_property
    def y_exact(self) -> Exact:
        """The targets as int and Fraction."""
        return tuple(self.y_read)

    @cached_property
    def weights_exact(self) -> Exact | None:
        """The weights as int and Fraction; None where there are none."""
        return None if self.weights_read is None else tuple(self.weights_read)

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

    def merged(self, first: NDArray[np.int64], weights: Column) -> Data:
        """Return some samples with new weights: those that stand for all like them.

        ``first`` (m,) are the samples, in rising order.
        """
        K = self.n_patches
        chosen = (first[:, None] * K + np.arange(K)).ravel()
        columns = [column[chosen] for column in self.rows.columns]
        rows = Rows(Matrix(columns, chosen.size, K))
        targets = self.y_read[first]
        return replace(
            self,
            rows=rows,
            arrangement=_arrangement(rows, self.intercept, self.scaling),
            X=_frozen(self.X[chosen]),
            X_error=_frozen(self.X_error[chosen]),
            y=_frozen(self.y[first]),
            y_error=_frozen(self.y_error[first]),
            y_read=targets,
            weights=_round([weights], _WEIGHTS)[0][:, 0],
            weights_read=weights,
            digest=data_digest(rows.matrix, targets, weights),
        )

    def with_targets(self, y: ArrayLike | Any) -> Data:
        """Return the same rows and weights with other targets; X is not read again."""
        targets = _read_targets(self.rows, y, self.floats)
        values, errors = _round([targets], "y")
        return replace(
            self,
            y=values[:, 0],
            y_error=errors[:, 0],
            y_read=targets,
            digest=data_digest(self.rows.matrix, targets, self.weights_read),
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
        weights = read_vector(sample_weight, floats=floats, name=_WEIGHTS)
        if len(weights) != rows.n_samples:
            raise InputError(
                f"sample_weight has length {len(weights)}; expected {rows.n_samples}."
            )
    rounded = None if weights is None else _round([weights], _WEIGHTS)[0][:, 0]
    n, d = rows.n_rows, rows.width + bool(intercept)
    if n == 0 or d == 0:
        raise InputError(
            f"X has shape ({n}, {d}); a program needs at least one row and one column."
        )
    if standardize:
        scaling = fit_scaling(rows, intercept=intercept, weights=rounded)
    ones = _ones(n, bool(intercept))
    if scaling is None:
        values, errors = _round([*rows.columns, *ones], "X")
    else:
        values, errors = _scaled(rows, scaling, ones)
    y_values, y_errors = _round([targets], "y")
    return Data(
        rows=rows,
        arrangement=_arrangement(rows, bool(intercept), scaling),
        X=values,
        X_error=errors,
        y=y_values[:, 0],
        y_error=y_errors[:, 0],
        y_read=targets,
        weights=rounded,
        weights_read=weights,
        intercept=bool(intercept),
        scaling=scaling,
        floats=floats,
        digest=data_digest(rows.matrix, targets, weights),
    )


def read_rows(X: ArrayLike | Any, *, floats: str) -> Rows:
    """Read a matrix (n, d), or patches (n, K, d), exactly."""
    return Rows(read_samples(X, floats=floats, name="X"))


def _read_targets(rows: Rows, y: ArrayLike | Any, floats: str) -> Column:
    targets = read_vector(y, floats=floats, name="y")
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
    d = rows.width
    if not d:
        return Scaling(np.zeros(0), np.ones(0))
    values, _ = _round(rows.columns, "X")
    constant = values.min(axis=0) == values.max(axis=0)
    counts = np.ones(rows.n_rows)
    # the loss says what is wrong with weights that cannot be used
    if weights is not None and np.all(weights > 0.0) and weights.sum() < np.inf:
        counts = np.repeat(weights, rows.n_patches)
    unit, powers = _near_one(values)
    center = np.zeros(d)
    if intercept:
        # the mean may be an ulp off; the column must become exactly zero
        means = np.ldexp(np.average(unit, axis=0, weights=counts), powers)
        center = np.where(constant, values[0], means)
    # half of each: the difference of the largest numbers is beyond float64
    unit, powers = _near_one(0.5 * values - 0.5 * center)
    half = np.sqrt(np.average(unit**2, axis=0, weights=counts))
    with np.errstate(over="ignore"):
        spread = np.ldexp(half, powers + 1)
    is_zero = (spread == 0.0) & ~constant
    if np.any(is_zero) or not np.all(np.isfinite(spread)):
        size = "small" if np.any(is_zero) else "large"
        raise InputError(f"a column of X is too {size} to standardise; scale it first.")
    return Scaling(center, np.where(spread > 0.0, spread, 1.0))


def _near_one(values: Array) -> tuple[Array, NDArray[np.intc]]:
    """Return columns over powers of two, near 1 then, and the exponents.

    Squares of numbers such as 1e-162 or 1e200 would underflow or overflow.
    """
    powers = np.frexp(np.abs(values).max(axis=0, initial=0.0))[1]
    return np.ldexp(values, -powers), powers


def _scaled(
    rows: Rows, scaling: Scaling, ones: Sequence[Column]
) -> tuple[Array, Array]:
    """Return ``(X - center) / scale``, rounded once, and the errors."""
    center, scale = scaling.center.tolist(), scaling.scale.tolist()
    if rows.width != len(center):
        raise InputError(
            f"X has {rows.width} columns; the scaling was made for {len(center)}."
        )
    found = [
        scaled_column(column, c, s)
        for column, c, s in zip(rows.columns, center, scale, strict=True)
    ]
    return _stacked([*found, *(column.rounded() for column in ones)], "X")


def _ones(n: int, intercept: bool) -> list[Column]:
    return [Column.of_integers(np.ones(n, dtype=np.int64))] * intercept


def _arrangement(rows: Rows, intercept: bool, scaling: Scaling | None) -> Arrangement:
    """Return the arrangement of the exact rows.

    A map of the columns onto themselves keeps the patterns, and the numbers as given
    are shorter; a shift without a column of ones is none.
    """
    columns = [*rows.columns, *_ones(rows.n_rows, intercept)]
    if scaling is not None and np.any(scaling.center) and not intercept:
        columns = _moved(rows, scaling)
    return Arrangement.of_columns(columns, rows.n_rows)


def _moved(rows: Rows, scaling: Scaling) -> list[Column]:
    """Return the columns of ``(X - center) / scale``, exactly."""
    center = [Fraction(c) for c in scaling.center.tolist()]
    inverse = [1 / Fraction(s) for s in scaling.scale.tolist()]
    return [
        Column.of_numbers([(x - c) * s for x in column])
        for column, c, s in zip(rows.columns, center, inverse, strict=True)
    ]


def _round(columns: Sequence[Column], name: str) -> tuple[Array, Array]:
    """Return columns side by side in float64, and the errors."""
    return _stacked([column.rounded() for column in columns], name)


def _stacked(
    found: Sequence[tuple[Array, NDArray[np.bool_]]], name: str
) -> tuple[Array, Array]:
    values = np.stack([rounded for rounded, _ in found], axis=1)
    if not np.all(np.isfinite(values)):
        raise InputError(
            f"{name} has an entry beyond float64, which the program needs; scale it."
        )
    errors = np.zeros_like(values)
    for k, (rounded, same) in enumerate(found):
        if not np.all(same):
            errors[:, k] = spacing_error(rounded, same)
    return _frozen(values), _frozen(errors)


def _frozen(array: Array) -> Array:
    array.setflags(write=False)
    return array
