"""Numbers of every kind become exact rows of integers, here and once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrangement.errors import InputError, InputTypeError
from arrangement.exact.containers import column_labels, exact_array
from arrangement.exact.scalars import exact_number
from arrangement.options import short

FLOAT_READINGS = ("binary", "decimal")


def read_matrix(
    values: ArrayLike | Sequence[Sequence[Any]] | Any, *, floats: str, name: str
) -> tuple[int, int, list[list[Fraction | int]]]:
    """Return ``(n, d, rows)`` with exact entries (int or Fraction), unscaled.

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
) -> tuple[int, int, list[list[Fraction | int]]]:
    if array.ndim != 2:
        hint = (
            f"Use {name}[None, :] for one hyperplane, {name}[:, None] for one column"
            if array.ndim == 1
            else "Give one hyperplane normal a row"
        )
        if array.ndim == 1 and any(isinstance(x, (list, tuple)) for x in array):
            raise InputError(f"{name} is ragged; every row needs the same length.")
        raise InputError(f"{name} has shape {array.shape}; expected (n, d). {hint}.")
    n, d = array.shape
    return n, d, _rows(array, labels, floats=floats, name=name)


def read_samples(
    values: ArrayLike | Any, *, floats: str, name: str
) -> tuple[int, int, list[list[Fraction | int]]]:
    """Return ``(K, d, rows)`` of samples (n, K, d), K rows each; K = 1 for (n, d).

    Raises
    ------
    InputError, InputTypeError
        As `read_matrix`; also if there are no patches.
    """
    array = exact_array(values, name=name)
    if array.ndim != 3:
        labels = column_labels(values)
        _, d, rows = _matrix(array, labels, floats=floats, name=name)
        return 1, d, rows
    n, n_patches, d = array.shape
    if n_patches == 0:
        raise InputError(
            f"{name} has shape {array.shape}; a sample needs at least one patch."
        )
    stacked = array.reshape(n * n_patches, d)
    rows = _rows(stacked, None, floats=floats, name=name, n_patches=n_patches)
    return n_patches, d, rows


def _rows(
    array: np.ndarray[Any, Any],
    labels: tuple[str, ...] | None,
    *,
    floats: str,
    name: str,
    n_patches: int = 1,
) -> list[list[Fraction | int]]:
    n, d = array.shape

    def where(position: int) -> str:
        row, column = divmod(position, d)
        label = str(column) if labels is None else short(labels[column])
        sample, patch = divmod(row, n_patches)
        place = f"sample {sample}, patch {patch}" if n_patches > 1 else f"row {row}"
        return f"{place}, column {label}"

    entries = exact_entries(array, floats=floats, name=name, where=where)
    return [entries[i * d : (i + 1) * d] for i in range(n)]


def read_vector(
    values: ArrayLike | Sequence[Any] | Any, *, floats: str, name: str
) -> list[Fraction | int]:
    """Return the exact entries of a 1-D array; errors as in `read_matrix`."""
    array = exact_array(values, name=name)
    if array.ndim != 1:
        labels = column_labels(values)
        hint = ""
        if array.ndim == 2 and array.shape[1] == 1:
            hint = f" Use {name}[{':, 0' if labels is None else short(labels[0])}]."
        raise InputError(f"{name} has shape {array.shape}; expected a 1-D array.{hint}")
    return exact_entries(
        array, floats=floats, name=name, where=lambda position: f"entry {position}"
    )


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

    entries = exact_entries(array, floats="binary", name=name, where=where)
    try:
        rounded = [float(entry) for entry in entries]
    except OverflowError:
        raise InputError(f"{name} has an entry beyond float64; scale it.") from None
    return np.array(rounded, dtype=np.float64).reshape(array.shape)


def exact_entries(
    array: np.ndarray[Any, Any],
    *,
    floats: str,
    name: str,
    where: Callable[[int], str],
) -> list[Fraction | int]:
    """Return the entries of an array exactly, row by row.

    ``where`` says in a message which entry is meant, from its position.
    """
    if floats not in FLOAT_READINGS:
        raise InputError(f"floats={floats!r} is unknown; use one of {FLOAT_READINGS}.")
    flat = array.ravel()
    kind = flat.dtype.kind
    if kind in "iu":
        return [int(value) for value in flat.tolist()]
    if kind == "c":
        raise InputTypeError(f"{name} is complex; expected real numbers.")
    if kind == "b":
        raise InputTypeError(
            f"{name} holds booleans; expected numbers. Use {name}.astype(int)."
        )
    if kind not in "fOUST":
        raise InputTypeError(
            f"{name} has dtype {flat.dtype}; expected integers, floats, Fraction, "
            "Decimal or decimal strings."
        )
    if kind == "S":
        flat = np.char.decode(flat, "ascii", "replace")
    if kind == "f" and floats == "binary" and np.isfinite(flat).all():
        return [Fraction(*x.as_integer_ratio()) for x in _scalars(flat)]
    out: list[Fraction | int] = []
    # numpy scalars keep their type: float32(0.1) has the shortest decimal 0.1
    for position, value in enumerate(flat):
        try:
            out.append(exact_number(value, floats=floats))
        except (InputError, InputTypeError) as error:
            raise type(error)(f"{name}: {error} ({where(position)}).") from None
    return out


def _scalars(flat: np.ndarray[Any, Any]) -> Iterable[Any]:
    # Python floats are faster, and hold all but long doubles
    return flat.tolist() if flat.dtype.itemsize <= 8 else flat
