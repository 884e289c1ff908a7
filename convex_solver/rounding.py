"""Bounds that hold despite rounding: spectral norms, products, sums of squares.

With ``u = 2**-53``, a float64 product of matrices with inner dimension k is off by at
most ``gamma_k |A| |B|`` entry by entry, ``gamma_k = k u / (1 - k u)``, in whatever
order the terms are added (Higham, Accuracy and Stability, 2nd ed., Section 3.5), plus
less than ``k 2**-1074`` where products underflow. The bound itself is computed in
floats, by nonnegative terms only, so it is right to a relative ``gamma_k`` too; the
counts below have that and a few operations more in them.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from fractions import Fraction

import numpy as np

from convex_solver.typing import Array

U = 2.0**-53
TINY = 5e-324


def product_error(a: Array, b: Array, extra: int = 0) -> Array:
    """Bound ``|fl(a @ b) - a @ b|`` entry by entry; ``extra`` more roundings each."""
    k = a.shape[-1]
    factor = (k + 4 + extra) * U * (1.0 + 2.0**-20)
    return np.asarray((np.abs(a) @ np.abs(b)) * factor + (2 * k + 2) * TINY)


def frobenius_above(values: Array) -> float:
    """Upper bound of the square root of the sum of squares."""
    flat = np.abs(values).ravel()
    peak = float(flat.max(initial=0.0))
    if peak == 0.0:
        return 0.0
    if not math.isfinite(peak):
        return math.inf
    # by a power of two: exact but for what underflows, and that is far below 1e-300
    # times the peak, as the sum is rounded up by more
    scaled = np.ldexp(flat, -math.frexp(peak)[1])
    total = math.fsum((scaled * scaled).tolist()) * (1.0 + 8.0 * U)
    root = math.sqrt(total) * (1.0 + 8.0 * U)
    return _scaled_up(root, math.frexp(peak)[1])


def spectral_norm_above(matrix: Array) -> float:
    """Upper bound of the largest singular value of a float64 matrix.

    ``|G| <= |U| |S| |V| + |G - U S V|_F`` for any U, S, V, here a computed singular
    value decomposition, and ``|U|^2 <= 1 + |U^T U - I|_F``: nothing is assumed of the
    decomposition, only of sums and products.
    """
    peak = float(np.max(np.abs(matrix), initial=0.0))
    if peak == 0.0:
        return 0.0
    if not math.isfinite(peak):  # NaN included
        return math.inf
    shift = math.frexp(peak)[1]
    # entries that become subnormal are off by 2**-1075 at most, beside a peak near 1
    g = np.ldexp(matrix, -shift)
    try:
        left, s, right = np.linalg.svd(g, full_matrices=False)
    except np.linalg.LinAlgError:
        return frobenius_above(matrix)
    scaled = left * s
    residual = np.abs(g - scaled @ right) * (1.0 + 2.0 * U)
    residual += product_error(scaled, right, extra=2)
    largest = float(s.max()) * math.sqrt(
        _gram_above(left) * _gram_above(np.ascontiguousarray(right.T))
    )
    bound = (largest + frobenius_above(residual)) * (1.0 + 16.0 * U) + 1e-300
    # the Frobenius norm is a bound too, and the better one for rank one
    return _scaled_up(min(bound, frobenius_above(g) + 1e-300), shift)


def _gram_above(basis: Array) -> float:
    """Upper bound of ``|basis|^2``, which is about 1."""
    gram = basis.T @ basis
    off = np.abs(gram - np.eye(len(gram))) * (1.0 + 2.0 * U)
    return (1.0 + frobenius_above(off + product_error(basis.T, basis))) * (1.0 + 4 * U)


def _scaled_up(value: float, shift: int) -> float:
    try:
        return math.nextafter(math.ldexp(value, shift), math.inf)
    except OverflowError:
        return math.inf


def sum_above(terms: Iterable[float]) -> float:
    """Upper bound of a sum of nonnegative terms; infinite where one is NaN.

    fsum rounds correctly, so one step up suffices.
    """
    try:
        total = math.nextafter(math.fsum(terms), math.inf)
    except OverflowError:
        return math.inf
    return math.inf if math.isnan(total) else total


def half_squares_above(values: Array) -> float:
    """Upper bound of ``1/2 sum values^2``; zero exactly when all are zero."""
    flat = np.ravel(values)
    flat = flat[flat != 0.0]
    if flat.size == 0:
        return 0.0
    with np.errstate(over="ignore"):
        squares = np.nextafter(0.5 * np.nextafter(flat * flat, np.inf), np.inf)
    return sum_above(squares.tolist())


def dual_value_below(v: Array, y: Array) -> float:
    """Lower bound of ``-1/2 |v|^2 - v . y``, summed exactly and rounded down once."""
    total = Fraction(0)
    for value, target in zip(v.ravel().tolist(), y.ravel().tolist(), strict=True):
        exact = Fraction(value)
        total -= exact * (exact / 2 + Fraction(target))
    return float_below(total)


def inner_product_below(v: Array, y: Array) -> float:
    """Lower bound of ``v . y``, summed exactly and rounded down once."""
    pairs = zip(v.ravel().tolist(), y.ravel().tolist(), strict=True)
    return float_below(sum((Fraction(a) * Fraction(b) for a, b in pairs), Fraction(0)))


# A few operations on positive numbers round by less than this, relative.
ROUNDING = 2.0**-48


def float_below(value: Fraction | int) -> float:
    """Return the largest float64 at or below a rational number, or minus infinity."""
    try:
        nearest = float(value)
    except OverflowError:
        return sys.float_info.max if value > 0 else -math.inf
    return nearest if Fraction(nearest) <= value else math.nextafter(nearest, -math.inf)


def sum_up(x: Array) -> float:
    """Bound a sum of nonnegative numbers from above."""
    # fsum is correctly rounded, so one step up is an upper bound
    try:
        total = math.fsum(x)
    except OverflowError:  # finite terms, a sum beyond float64
        return math.inf
    return 0.0 if total == 0.0 and not np.any(x) else math.nextafter(total, math.inf)


def add_up(a: Array, b: Array | float) -> Array:
    """Round a + b upwards: exact sums stay, so that a loss of zero is bounded by zero.

    The error of the sum is a float (Knuth's TwoSum); it is NaN after an overflow.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        s = a + b
        rest = s - a
        error = (a - (s - rest)) + (b - rest)
    return np.where(error <= 0.0, s, np.nextafter(s, np.inf))
