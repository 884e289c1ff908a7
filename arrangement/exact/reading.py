"""Numbers of every kind become exact rows of integers, here and once."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from arrangement.errors import InputError, InputTypeError

FLOAT_READINGS = ("binary", "decimal")


def read_matrix(
    values: ArrayLike | Sequence[Sequence[Any]], *, floats: str, name: str
) -> tuple[int, int, list[list[Fraction | int]]]:
    """Return ``(n, d, rows)`` with exact entries (int or Fraction), unscaled.

    Raises
    ------
    InputError
        Wrong number of dimensions, ragged rows, NaN, infinity, text that is no
        number.
    InputTypeError
        Complex numbers, booleans and other things that are not real numbers.
    """
    array = _as_array(values, name)
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
    entries = _exact_entries(array.ravel(), floats=floats, name=name, width=d)
    return n, d, [entries[i * d : (i + 1) * d] for i in range(n)]


def read_vector(
    values: ArrayLike | Sequence[Any], *, floats: str, name: str
) -> list[Fraction | int]:
    """Return the exact entries of a 1-D array; errors as in `read_matrix`."""
    array = _as_array(values, name)
    if array.ndim != 1:
        raise InputError(f"{name} has shape {array.shape}; expected a 1-D array.")
    return _exact_entries(array, floats=floats, name=name, width=0)


def _as_array(values: Any, name: str) -> np.ndarray[Any, Any]:
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise InputError(
            f"{name} has masked entries; fill them or drop their rows first."
        )
    if not isinstance(values, np.ndarray) and hasattr(values, "__array__"):
        values = np.asarray(values)
    if isinstance(values, np.ndarray):
        return values
    try:
        # dtype=object keeps Python ints beyond 64 bits and Fractions as they are
        return np.array(values, dtype=object)
    except ValueError:
        raise InputError(
            f"{name} is ragged; every row needs the same length."
        ) from None


def _exact_entries(
    flat: np.ndarray[Any, Any], *, floats: str, name: str, width: int
) -> list[Fraction | int]:
    if floats not in FLOAT_READINGS:
        raise InputError(f"floats={floats!r} is unknown; use one of {FLOAT_READINGS}.")
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
    out: list[Fraction | int] = []
    # numpy scalars keep their type: float32(0.1) has the shortest decimal 0.1
    for position, value in enumerate(flat):
        try:
            out.append(exact_number(value, floats=floats))
        except (InputError, InputTypeError) as error:
            where = (
                f"row {position // width}, column {position % width}"
                if width
                else f"entry {position}"
            )
            raise type(error)(f"{name}: {error} ({where}).") from None
    return out


def exact_number(value: Any, *, floats: str = "binary") -> Fraction | int:
    """Return one number exactly; floats as binary values or shortest decimals."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if isinstance(value, (bool, np.bool_)):
        raise InputTypeError("a boolean came; expected a number")
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, (float, np.floating)):
        if not np.isfinite(value):
            raise InputError(f"{value} came; expected finite numbers")
        if floats == "decimal":
            return Fraction(np.format_float_scientific(value, trim="0", unique=True))
        return Fraction(*value.as_integer_ratio())
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise InputError(f"{value} came; expected finite numbers")
        return Fraction(value)
    if isinstance(value, numbers.Rational):
        return Fraction(int(value.numerator), int(value.denominator))
    if isinstance(value, str):
        return _parse(value)
    if isinstance(value, (complex, np.complexfloating)):
        raise InputTypeError(f"{value} is complex; expected real numbers")
    if isinstance(value, (list, tuple, np.ndarray)):
        raise InputError("a nested sequence came; every row needs the same length")
    raise InputTypeError(
        f"{type(value).__name__} came; expected an int, float, Fraction, Decimal or "
        "decimal string"
    )


def _parse(text: str) -> Fraction:
    try:
        value = Fraction(text.strip().replace("_", "\0"))
    except (ValueError, ZeroDivisionError):
        lowered = text.strip().lower().lstrip("+-")
        if lowered in ("nan", "inf", "infinity"):
            raise InputError(f"{text!r} came; expected finite numbers") from None
        raise InputError(f"{text!r} is not a number") from None
    return value
