"""Directed bounds: float64 results that are certainly above (or below) exact ones.

With ``u = 2**-53`` a sum or product in float64 is off by at most u relative; a product
that underflows by ``2**-1075`` more, half of `TINY`.  A matrix product with inner
dimension k is off by at most ``gamma_k |A| |B|`` entry by entry, ``gamma_k = k u /
(1 - k u)``, in whatever order the terms are added (Higham, Accuracy and Stability,
2nd ed., Section 3.5), plus k times what underflows.  The bounds are computed in floats
themselves, by nonnegative terms only, so they are right to a relative ``gamma_k`` too;
the factors below have that and a few operations more in them.

One rule for all: **what is not finite bounds nothing**.  NaN and overflow are infinite
as upper bounds and minus infinity as lower ones; none is ever dropped.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from arrangement.exact import Column, exact_product
from convex_solver.typing import Array

# Unit round-off, and the smallest positive float.
U = 2.0**-53
TINY = 5e-324
# A few operations on positive numbers round by less than this, relative.
ROUNDING = 2.0**-48
# A few dozen sums of many nonnegative numbers do too.
UP = 1.0 + 2.0**-30
# Far above what underflows in products of numbers of about one.
LEAST = 2.0**-1000


def float_below(value: Fraction | int) -> float:
    """Return the largest float64 at or below a rational number, or minus infinity."""
    try:
        nearest = float(value)
    except OverflowError:
        return sys.float_info.max if value > 0 else -math.inf
    return nearest if Fraction(nearest) <= value else math.nextafter(nearest, -math.inf)


def nearest(value: Fraction | int) -> float:
    """Return the float64 nearest to a rational number, or an infinity."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def float_above(value: Fraction | int) -> float:
    """Return the smallest float64 at or above a rational number, or infinity."""
    return -float_below(-value)


def exact_dot(x: Array, y: Array) -> Fraction:
    """Return the sum of products of finite floats (n,), without rounding.

    Whole numbers of 53 bits, added up for each power of two that they come with: as
    many fractions are some hundred times as slow.
    """
    (a, p), (b, q) = (np.frexp(part) for part in (x, y))
    whole = [np.ldexp(part, 53).astype(np.int64).astype(object) for part in (a, b)]
    products, powers = whole[0] * whole[1], p.astype(np.int64) + q - 106
    total = Fraction(0)
    for power in np.unique(powers).tolist():
        part = int(np.sum(products[powers == power]))
        total += part * Fraction(2) ** power
    return total


def above(value: float) -> float:
    """Return the next float after the rounded result of an operation; NaN: infinity."""
    return math.inf if math.isnan(value) else math.nextafter(value, math.inf)


def known(bounds: Array) -> Array:
    """Return upper bounds with infinity where they are NaN."""
    return np.where(np.isnan(bounds), np.inf, bounds)


def nearest_error(rounded: Array, exact: Sequence[Fraction | int]) -> Array:
    """Bound how far numbers are from floats that are the nearest to them, (n,)."""
    if isinstance(exact, Column):
        nearest, same = exact.rounded()
        if np.array_equal(nearest, rounded):
            return spacing_error(rounded, same)
    pairs = zip(rounded.tolist(), exact, strict=True)
    same = np.array([Fraction(a) == b for a, b in pairs], dtype=np.bool_)
    return spacing_error(rounded, same)


def spacing_error(rounded: Array, same: NDArray[np.bool_]) -> Array:
    """Bound how far numbers are from the floats nearest to them; 0 where the same."""
    # all of the spacing, so that halving it does not underflow; above 1e308 it is
    # that of 1e308, and NumPy's overflows
    return np.where(same, 0.0, np.spacing(np.minimum(np.abs(rounded), 1e308)))


def product_above(a: float, b: float) -> float:
    """Bound a product of two nonnegative numbers from above."""
    return 0.0 if a == 0.0 or b == 0.0 else above(a * b)


def quotient_below(a: float, b: float) -> float:
    """Bound ``a / b`` of a positive and a nonnegative number from below.

    The quotient is rounded to nearest, so two steps down are below the true one by
    2^-53 of it or more.
    """
    if b == 0.0:
        return math.inf
    quotient = a / b
    if not quotient > 0.0:  # NaN included
        return 0.0
    return math.nextafter(math.nextafter(quotient, 0.0), 0.0)


def sum_above(terms: Iterable[float]) -> float:
    """Bound a sum of nonnegative numbers from above; zero when all are zero.

    fsum rounds correctly, so one step up suffices.
    """
    numbers = [x for x in terms if x != 0.0]
    if not numbers:
        return 0.0
    try:
        return above(math.fsum(numbers))
    except (OverflowError, ValueError):  # a sum beyond float64; infinities of two signs
        return math.inf


def sum_below(terms: Sequence[float]) -> float:
    """Bound a sum from below; zero when all terms are zero."""
    terms = [x for x in terms if x != 0.0]
    try:
        total = math.fsum(terms)
    except (OverflowError, ValueError):
        if not all(map(math.isfinite, terms)):
            return -math.inf
        return float_below(sum(map(Fraction, terms), Fraction(0)))
    return -above(-total) if len(terms) else 0.0


def exact_sum(a: Array, b: Array) -> tuple[Array, Array]:
    """Return ``(s, e)`` with ``a + b = s + e`` and s the rounded sum (Knuth)."""
    s = a + b
    back = s - a
    return s, (a - (s - back)) + (b - back)


def add_above(a: Array, b: Array | float) -> Array:
    """Round a + b upwards: exact sums stay, so that a loss of zero is bounded by zero.

    The error of the sum is a float (Knuth's TwoSum); it is NaN after an overflow.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        s = a + b
        rest = s - a
        error = (a - (s - rest)) + (b - rest)
        return known(np.where(error <= 0.0, s, np.nextafter(s, np.inf)))


def distance_above(f: Array, f_error: Array, y: Array) -> Array:
    """Bound ``|f - y|`` from above, for values within ``f_error`` of f."""
    ends = [add_above(side * f, -side * y) for side in (1.0, -1.0)]
    return add_above(np.maximum(*ends), f_error)


def half_squares_above(values: Array) -> float:
    """Bound ``1/2 sum values^2`` from above; zero exactly when all are zero."""
    flat = np.ravel(values)
    flat = flat[flat != 0.0]
    with np.errstate(over="ignore"):
        squares = np.nextafter(0.5 * np.nextafter(flat * flat, np.inf), np.inf)
    return sum_above(squares.tolist())


def decay_above(beta: float, weights: Iterable[Array]) -> float:
    """Bound ``beta / 2`` times the sum of all squared weights from above.

    ``beta`` meets the squares before the halving: half of a subnormal one would lose
    its last bit, which they may multiply.
    """
    sizes = [x for part in weights for x in np.ravel(part).tolist()]
    total = sum_above(above(x * x) for x in sizes if x)
    product = product_above(beta, total)
    return 0.0 if product == 0.0 else above(0.5 * product)


def product_error(a: Array, b: Array, extra: int = 0) -> Array:
    """Bound ``|fl(a @ b) - a @ b|`` entry by entry; ``extra`` more roundings each."""
    k = a.shape[-1]
    factor = (k + 4 + extra) * U * (1.0 + 2.0**-20)
    lost = (2 * k + 2) * TINY * _meet(a, b)
    return known((np.abs(a) @ np.abs(b)) * factor + lost)


def product_in_two_words(a: Array, b: Array) -> tuple[Array, Array, Array]:
    """Return ``(high, low, error)`` with ``|a @ b - (high + low)| <= error``.

    Entry by entry, in about twice the digits: Dot2 of Ogita, Rump & Oishi (2005), with
    its two words kept apart.  The k low words, and as many errors of sums, are at most
    ``gamma_k |a| |b|`` together, and adding them up loses ``gamma_2k`` of that at most.
    Where products could underflow or overflow, the error is that of float64.
    """
    k = a.shape[-1]
    high = np.zeros((a.shape[0], b.shape[1]))
    low = np.zeros_like(high)
    if not (_is_tame(a) and _is_tame(b)):
        return a @ b, low, product_error(a, b)
    for column, row in zip(a.T, b, strict=True):
        p, lost = exact_product(column[:, None], row[None, :])
        high, rest = exact_sum(high, p)
        low += lost + rest
    factor = ((2 * k + 4) * U) ** 2 * (1.0 + 2.0**-20)
    return high, low, known((np.abs(a) @ np.abs(b)) * factor)


def _is_tame(a: Array) -> bool:
    """Whether all numbers are zero or far from the ends of float64."""
    size = np.abs(a)
    return bool(np.all((size == 0.0) | ((size > 1e-100) & (size < 1e100))))


def times_above(a: Array, b: Array) -> Array:
    """Bound a product of nonnegative matrices from above, entry by entry."""
    k = a.shape[-1]
    lost = (2 * k + 2) * TINY * _meet(a, b)
    return known((a @ b) * (1.0 + (k + 4) * 2.0 * U) + lost)


def _meet(a: Array, b: Array) -> NDArray[np.bool_]:
    """Return where a row of ``a`` and a column of ``b`` have an entry but zeros."""
    return np.asarray(np.logical_and.outer(np.any(a, axis=-1), np.any(b, axis=0)))


def frobenius_above(values: Array) -> float:
    """Bound the root of the sum of squares from above, at any size."""
    flat = np.abs(values).ravel()
    peak = float(flat.max(initial=0.0))
    if peak == 0.0:
        return 0.0
    if not math.isfinite(peak):  # NaN included
        return math.inf
    # by a power of two: exact but for what underflows, and that is far below 1e-300
    # times the peak, as the sum is rounded up by more
    shift = math.frexp(peak)[1]
    scaled = np.ldexp(flat, -shift)
    total = math.fsum((scaled * scaled).tolist()) * (1.0 + 8.0 * U)
    return scaled_above(math.sqrt(total) * (1.0 + 8.0 * U), shift)


def spectral_norm_above(matrix: Array) -> float:
    """Bound the largest singular value of a float64 matrix from above.

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
    return scaled_above(min(bound, frobenius_above(g) + 1e-300), shift)


def _gram_above(basis: Array) -> float:
    """Upper bound of ``|basis|^2``, which is about 1."""
    gram = basis.T @ basis
    off = np.abs(gram - np.eye(len(gram))) * (1.0 + 2.0 * U)
    return (1.0 + frobenius_above(off + product_error(basis.T, basis))) * (1.0 + 4 * U)


def scaled_above(value: float, shift: int) -> float:
    """Bound ``value * 2**shift`` of a nonnegative number from above."""
    if value == 0.0:
        return 0.0
    try:
        return above(math.ldexp(value, shift))
    except OverflowError:
        return math.inf


def dual_value_below(v: Array, y: Array) -> float:
    """Bound ``-1/2 |v|^2 - v . y`` from below: summed exactly, rounded down once."""
    total = Fraction(0)
    for value, target in zip(v.ravel().tolist(), y.ravel().tolist(), strict=True):
        exact = Fraction(value)
        total -= exact * (exact / 2 + Fraction(target))
    return float_below(total)


def inner_product_below(v: Array, y: Array) -> float:
    """Bound ``v . y`` from below: summed exactly, rounded down once."""
    pairs = zip(v.ravel().tolist(), y.ravel().tolist(), strict=True)
    return float_below(sum((Fraction(a) * Fraction(b) for a, b in pairs), Fraction(0)))


def unit_rows(X: Array) -> tuple[Array, Array]:
    """Return rows (n, d) divided by their lengths, and these (n,): to nearest, about.

    Squares of small and of large rows neither underflow nor overflow.  A row of zeros
    stays one.
    """
    peaks = np.abs(X).max(axis=1, initial=0.0)
    scaled = X / np.where(peaks > 0.0, peaks, 1.0)[:, None]
    sizes = np.linalg.norm(scaled, axis=1)
    return scaled / np.where(sizes > 0.0, sizes, 1.0)[:, None], peaks * sizes


def lengths(rows: Array) -> Array:
    """Return the lengths (n,) of rows (n, d): to nearest, about, whatever their size.

    As `numpy.linalg.norm`, whose squares underflow below 1e-162 and overflow above
    1e154; rows are taken over powers of two here, so that other lengths are the same.
    """
    powers = np.frexp(np.abs(rows).max(axis=1, initial=0.0))[1]
    near_one = np.linalg.norm(np.ldexp(rows, -powers[:, None]), axis=1)
    return np.asarray(np.ldexp(near_one, powers))
