"""Numbers of every kind become exact columns, here and once.

Floats, integers and text are read in vectors, a `Column` each; entries of other kinds
one by one, and so is everything again where an entry is no number, to say which.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrangement.errors import InputError, InputTypeError
from arrangement.exact.columns import Column
from arrangement.exact.containers import (
    ONE_HOT,
    column_labels,
    exact_array,
    frame_columns,
)
from arrangement.exact.kinds import column_of
from arrangement.exact.scalars import exact_number
from arrangement.exact.word_rows import word_columns
from arrangement.options import short

FLOAT_READINGS = ("binary", "decimal")


class Matrix(NamedTuple):
    """A matrix as read: ``n_rows`` rows, by columns, unscaled.

    ``n_patches`` rows, one after another, are a sample.
    """

    columns: list[Column]
    n_rows: int
    n_patches: int = 1

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.columns)

    def rows(self) -> list[tuple[Fraction | int, ...]]:
        """Return the rows as int and Fraction."""
        if not self.columns:
            return [()] * self.n_rows
        return list(zip(*(column.numbers() for column in self.columns), strict=True))


def read_matrix(
    values: ArrayLike | Sequence[Sequence[Any]] | Any, *, floats: str, name: str
) -> Matrix:
    """Return a matrix (n, d) exactly.

    Raises
    ------
    InputError
        Wrong number of dimensions, ragged rows, NaN, infinity, text that is no
        number.
    InputTypeError
        Complex numbers, booleans and other things that are not real numbers; what is
        no array.
    """
    array = exact_array(values, name=name)
    return _matrix(array, column_labels(values), floats=floats, name=name)


def _matrix(
    array: np.ndarray[Any, Any],
    labels: tuple[str, ...] | None,
    *,
    floats: str,
    name: str,
) -> Matrix:
    if array.ndim != 2:
        hint = (
            f"Use {name}[None, :] for one hyperplane, {name}[:, None] for one column"
            if array.ndim == 1
            else "Give one hyperplane normal a row"
        )
        if array.ndim == 1 and any(isinstance(x, (list, tuple)) for x in array):
            raise InputError(f"{name} is ragged; every row needs the same length.")
        raise InputError(f"{name} has shape {array.shape}; expected (n, d). {hint}.")
    return _read(array, labels, floats=floats, name=name)


def check_frame(values: Any, *, name: str = "X") -> None:
    """Refuse a data frame with a column that holds no numbers, or a missing value.

    Other things pass, and so do numbers.

    Raises
    ------
    InputError, InputTypeError
        As `read_matrix`: the message names the row and the column.
    """
    columns = frame_columns(values)
    if columns is None:
        return
    exact_array(values, name=name)  # no categories
    for label, column in columns:
        array = exact_array(column, name=name)
        if array.dtype.kind in "iu" or (
            array.dtype.kind == "f" and np.all(np.isfinite(array))
        ):
            continue
        _read(array[:, None], (repr(label),), floats="binary", name=name)


def read_samples(values: ArrayLike | Any, *, floats: str, name: str) -> Matrix:
    """Return the rows of samples (n, K, d), K rows each; K = 1 for (n, d).

    Raises
    ------
    InputError, InputTypeError
        As `read_matrix`; also if there are no patches.
    """
    array = exact_array(values, name=name)
    if array.ndim != 3:
        return _matrix(array, column_labels(values), floats=floats, name=name)
    n, n_patches, d = array.shape
    if n_patches == 0:
        raise InputError(
            f"{name} has shape {array.shape}; a sample needs at least one patch."
        )
    stacked = array.reshape(n * n_patches, d)
    return _read(stacked, None, floats=floats, name=name, n_patches=n_patches)


def _read(
    array: np.ndarray[Any, Any],
    labels: tuple[str, ...] | None,
    *,
    floats: str,
    name: str,
    n_patches: int = 1,
) -> Matrix:
    n, d = array.shape

    def where(position: int) -> str:
        row, column = divmod(position, d)
        label = str(column) if labels is None else short(labels[column])
        sample, patch = divmod(row, n_patches)
        place = f"sample {sample}, patch {patch}" if n_patches > 1 else f"row {row}"
        return f"{place}, column {label}"

    hint = "" if labels is None else ONE_HOT
    columns = _columns(array, floats=floats, name=name, where=where, hint=hint)
    return Matrix(columns, n, n_patches)


def read_vector(
    values: ArrayLike | Sequence[Any] | Any, *, floats: str, name: str
) -> Column:
    """Return the entries of a 1-D array exactly; errors as in `read_matrix`."""
    array = exact_array(values, name=name)
    if array.ndim != 1:
        labels = column_labels(values)
        hint = ""
        if array.ndim == 2 and array.shape[1] == 1:
            hint = f" Use {name}[{':, 0' if labels is None else short(labels[0])}]."
        raise InputError(f"{name} has shape {array.shape}; expected a 1-D array.{hint}")
    (column,) = _columns(
        array[:, None],
        floats=floats,
        name=name,
        where=lambda position: f"entry {position}",
    )
    return column


def float_array(values: ArrayLike | Any, *, name: str) -> NDArray[np.float64]:
    """Return numbers of any kind as float64, each rounded once, to nearest.

    NaN and infinity stay where the values are an array of floats.

    Raises
    ------
    InputError, InputTypeError
        As `exact_array` and `exact_number`; also numbers beyond float64.
    """
    array = exact_array(values, name=name)
    if array.dtype.kind in "iu" or array.dtype in (np.float64, np.float32, np.float16):
        return array.astype(np.float64)

    def where(position: int) -> str:
        place = np.unravel_index(position, array.shape)
        return f"entry {', '.join(str(k) for k in place)}"

    flat = array.reshape(-1, 1)
    (column,) = _columns(flat, floats="binary", name=name, where=where)
    rounded, _ = column.rounded()
    beyond = np.flatnonzero(~np.isfinite(rounded))
    if beyond.size:
        raise InputError(
            f"{name} has a number beyond float64 ({where(int(beyond[0]))}); scale it "
            "or correct it."
        )
    return rounded.reshape(array.shape)


def _columns(
    array: np.ndarray[Any, Any],
    *,
    floats: str,
    name: str,
    where: Callable[[int], str],
    hint: str = "",
) -> list[Column]:
    """Return the columns of an array (n, d).

    ``where`` says in a message which entry is meant, from its position; ``hint`` is
    what to do with text that is no number.
    """
    if floats not in FLOAT_READINGS:
        raise InputError(f"floats={floats!r} is unknown; use one of {FLOAT_READINGS}.")
    _check_kind(array, name)
    words = word_columns(array, floats)
    if words is not None:
        return words
    try:
        # a column at a time, so side by side
        return [column_of(column, floats) for column in np.array(array.T, order="C")]
    except (InputError, InputTypeError):
        _find_fault(array.ravel(), floats, name, where, hint)
        raise


def _check_kind(array: np.ndarray[Any, Any], name: str) -> None:
    kind = array.dtype.kind
    if kind == "c":
        raise InputTypeError(f"{name} is complex; expected real numbers.")
    if kind == "b":
        raise InputTypeError(
            f"{name} holds booleans; expected numbers. Use {name}.astype(int)."
        )
    if kind not in "iufOUST":
        raise InputTypeError(
            f"{name} has dtype {array.dtype}; expected integers, floats, Fraction, "
            "Decimal or decimal strings."
        )


def _find_fault(
    flat: np.ndarray[Any, Any],
    floats: str,
    name: str,
    where: Callable[[int], str],
    hint: str,
) -> None:
    """Raise the error of the first entry, row by row, that is no number."""
    if flat.dtype.kind == "S":
        flat = np.char.decode(flat, "ascii", "replace")
    for position, value in enumerate(flat):
        try:
            exact_number(value, floats=floats)
        except (InputError, InputTypeError) as error:
            advice = hint if isinstance(value, str) else ""
            raise type(error)(f"{name}: {error} ({where(position)}).{advice}") from None
