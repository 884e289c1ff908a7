"""Data of the linear convolutional programs: checked, float64, with a digest."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrangement import InputError, InputTypeError
from arrangement.exact import exact_array
from convex_solver.reading.options import read_number
from convex_solver.typing import Array

# Magnitudes whose squares and products stay far from the limits of float64.
SMALLEST, LARGEST = 1e-150, 1e150

SUPPORTED = (
    "supported are linear CNNs (real or vector targets) and circular CNNs (one real "
    "target, filters as long as the signal), both with loss='squared'; ReLU CNNs with "
    "other losses are ConvexProgram's"
)


def real_array(values: ArrayLike | Any, name: str) -> Array:
    """Return finite float64 numbers equal to the values given.

    Raises
    ------
    InputTypeError
        Complex numbers, bools, or what is not a number.
    InputError
        NaN, infinity, or an integer that float64 does not hold exactly.
    """
    given = exact_array(values, name=name)
    if given.dtype.kind == "O":
        return _each_exact(given, name)
    if given.dtype.kind == "c":
        raise InputTypeError(
            f"{name} is complex ({given.dtype}); the program needs real numbers. Give "
            f"{name}.real, or real and imaginary part as two problems."
        )
    if given.dtype.kind not in "fiu":
        raise InputTypeError(
            f"{name} has dtype {given.dtype}; expected real numbers (float or int)."
        )
    if given.dtype.kind == "f" and given.dtype.itemsize > 8:
        raise InputTypeError(
            f"{name} has dtype {given.dtype}, which float64 would round; round it "
            "first."
        )
    result = np.array(given, dtype=np.float64, order="C")
    if not np.all(np.isfinite(result)):
        raise InputError(f"{name} holds NaN or infinity; expected finite numbers.")
    if given.dtype.kind in "iu" and not np.array_equal(result.astype(object), given):
        raise InputError(
            f"{name} holds integers of 2**53 or more, which float64 rounds; scale them."
        )
    return result


def read_candidate(values: ArrayLike, shape: tuple[int, ...]) -> Array:
    """Return a candidate dual point as finite float64 numbers of a shape.

    Any point will do, so that numbers of other kinds are rounded.
    """
    given = exact_array(values, name="dual")
    if given.dtype.kind == "O":
        is_number = [_is_real(x) for x in given.ravel()]
    else:
        is_number = [given.dtype.kind in "fiu"]
    if not all(is_number):
        raise InputTypeError(f"dual has dtype {given.dtype}; expected real numbers.")
    try:
        result = np.array(given, dtype=np.float64, order="C")
    except OverflowError:
        raise InputError("dual holds a number beyond float64.") from None
    if result.shape != shape or not np.all(np.isfinite(result)):
        raise InputError(f"dual has shape {result.shape}; expected {shape}, finite.")
    return result


def _is_real(x: Any) -> bool:
    return not isinstance(x, bool | np.bool_) and isinstance(
        x, int | float | np.integer | np.floating | Decimal | Fraction
    )


def _each_exact(given: NDArray[Any], name: str) -> Array:
    """Return numbers of any kind that float64 holds exactly, one by one."""
    flat = given.ravel().tolist()
    if not all(type(x) is float for x in flat):
        flat = [read_number(x, f"a number in {name}") for x in flat]
    result = np.array(flat, dtype=np.float64).reshape(given.shape)
    if not np.all(np.isfinite(result)):
        raise InputError(f"{name} holds NaN or infinity; expected finite numbers.")
    return result


def _check_range(values: Array, name: str) -> None:
    """Refuse magnitudes whose squares, or their sums, float64 does not hold."""
    peak = float(np.max(np.abs(values), initial=0.0))
    if not (peak == 0.0 or SMALLEST <= peak <= LARGEST):
        raise InputError(
            f"the largest magnitude in {name} is {peak:g}; expected {SMALLEST:g} to "
            f"{LARGEST:g}. Scale it."
        )


def read_patches(patches: ArrayLike | Any) -> Array:
    """Return patches (n, K, d), with at least one sample, patch and entry."""
    result = real_array(patches, "patches")
    if result.ndim != 3:
        raise InputError(
            f"patches has shape {result.shape}; expected (n, K, d). Use "
            "extract_patches, or X[:, None, :] for one patch a sample."
        )
    if result.size == 0:
        raise InputError(
            f"patches has shape {result.shape}: the set of patches is empty. Expected "
            "at least one sample, one patch and one entry."
        )
    _check_range(result, "patches")
    return result


def read_signals(X: ArrayLike | Any) -> Array:
    """Return signals (n, d), at least one of at least one entry."""
    result = real_array(X, "X")
    if result.ndim != 2:
        raise InputError(f"X has shape {result.shape}; expected (n, d), one channel.")
    if result.size == 0:
        raise InputError(f"X has shape {result.shape}; expected at least (1, 1).")
    _check_range(result, "X")
    return result


def read_targets(y: ArrayLike | Any, n: int, *, vector: bool = True) -> Array:
    """Return targets (n,), or (n, C) where ``vector`` allows it; none constant."""
    result = real_array(y, "y")
    if result.ndim == 2 and not vector:
        raise InputError(
            f"y has shape {result.shape}: a circular CNN with vector output is an "
            f"unsupported combination; {SUPPORTED}."
        )
    if result.ndim not in (1, 2) or result.shape[0] != n or result.size == 0:
        raise InputError(
            f"y has shape {result.shape}; expected ({n},){' or (n, C)' * vector}, one "
            "row for each sample."
        )
    constant = np.atleast_1d(np.all(result == result[:1], axis=0))
    if np.any(constant):
        which = "" if result.ndim == 1 else f" in column {np.flatnonzero(constant)[0]}"
        raise InputError(
            f"y is constant{which} ({np.ravel(result[0])[np.argmax(constant)]:g} in "
            f"every one of {n} rows): there is nothing to learn. Give targets that "
            "vary, and leave constant columns out."
        )
    _check_range(result, "y")
    return result


def check_loss(loss: str) -> None:
    """Refuse every loss but the squared one, by name."""
    if loss != "squared":
        raise InputError(
            f"loss={loss!r} with a linear or circular CNN is an unsupported "
            f"combination; {SUPPORTED}."
        )


def digest(*arrays: Array) -> str:
    """SHA-256 of shapes and float64 values."""
    state = hashlib.sha256()
    for array in arrays:
        # adding 0.0 makes -0.0 and 0.0 one number
        state.update(repr(array.shape).encode() + (array + 0.0).astype("<f8").tobytes())
    return state.hexdigest()
