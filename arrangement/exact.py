"""Read numbers of any kind as exact integers, and exact linear algebra on them.

A float64 is a rational number, a decimal string is one, a ``Fraction`` is one.
Scaling a row by a positive number changes no sign pattern, so every row becomes
a tuple of Python integers and no rounding ever happens.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrangement.errors import InputError, InputTypeError

IntRow: TypeAlias = tuple[int, ...]

# rows that the Gram matrix of the columns is taken over: only a guide
_GRAM_ROWS = 2000
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


def integer_row(row: Sequence[Fraction | int]) -> IntRow:
    """Scale a row by the positive number that makes it primitive integers."""
    scale = math.lcm(*(value.denominator for value in row)) if row else 1
    integers = [value.numerator * (scale // value.denominator) for value in row]
    divisor = math.gcd(*integers) if integers else 0
    if divisor > 1:
        integers = [value // divisor for value in integers]
    return tuple(integers)


def canonical(row: IntRow) -> tuple[IntRow, int]:
    """Return ``(key, orientation)``: first nonzero entry positive in ``key``."""
    for value in row:
        if value:
            return (row, 1) if value > 0 else (tuple(-x for x in row), -1)
    return row, 0


class Echelon:
    """Incremental fraction-free row echelon form over the integers.

    ``add(row)`` returns whether the row is independent of those added before.
    The reduced rows are kept primitive, so their size stays that of minors.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        self.pivots: list[int] = []
        self._rows: list[list[int]] = []

    @property
    def rank(self) -> int:
        """Number of independent rows added."""
        return len(self.pivots)

    def add(self, row: Iterable[int]) -> bool:
        """Add a row; False (and nothing changes) when it is dependent."""
        if self.rank == self.width:
            return False
        current = list(row)
        for pivot, basis in zip(self.pivots, self._rows, strict=True):
            factor = current[pivot]
            if factor:
                lead = basis[pivot]
                current = [
                    lead * x - factor * y for x, y in zip(current, basis, strict=True)
                ]
        divisor = math.gcd(*current) if current else 0
        if divisor == 0:
            return False
        current = [x // divisor for x in current]
        self.pivots.append(next(k for k, x in enumerate(current) if x))
        self._rows.append(current)
        return True


def independent_rows(rows: Sequence[IntRow], width: int) -> tuple[list[int], list[int]]:
    """Return indices of the first maximal independent rows and pivot columns."""
    echelon = Echelon(width)
    chosen: list[int] = []
    for index, row in enumerate(rows):
        if echelon.rank == width:
            break
        if echelon.add(row):
            chosen.append(index)
    return chosen, sorted(echelon.pivots)


def dual_basis(basis: Sequence[IntRow]) -> list[IntRow]:
    """Primitive integer vectors ``c_k`` with ``basis[j] . c_k`` = 0 (j != k), > 0.

    These are the rays of the simplicial cone ``{z : basis z >= 0}``, the columns of
    the inverse up to positive factors.  Gauss-Jordan with exact integers.
    """
    size = len(basis)
    work = [
        list(row) + [int(i == j) for j in range(size)] for i, row in enumerate(basis)
    ]
    for column in range(size):
        pivot = next(i for i in range(column, size) if work[i][column])
        work[column], work[pivot] = work[pivot], work[column]
        lead = work[column]
        for i in range(size):
            factor = work[i][column]
            if i != column and factor:
                head = lead[column]
                row = [
                    head * x - factor * y for x, y in zip(work[i], lead, strict=True)
                ]
                divisor = math.gcd(*row)
                work[i] = [x // divisor for x in row] if divisor > 1 else row
    columns = []
    for k in range(size):
        # row i of the inverse is work[i][size:] / work[i][i]
        inverse = [Fraction(work[i][size + k], work[i][i]) for i in range(size)]
        columns.append(integer_row(inverse))
    return columns


def reduce_columns(rows: Sequence[IntRow], width: int, *, fixed: bool) -> list[IntRow]:
    """Find a unimodular U (rows of it) that makes the columns of ``rows @ U`` short.

    U is found by the integral LLL algorithm on the Gram matrix of the columns (Cohen
    1993, Algorithm 2.6.7); all r x r minors of the rows stay the same.  With ``fixed``
    the last row of U is (0, .., 0, 1).

    Raises
    ------
    ValueError
        The columns of the leading rows, which the Gram matrix is taken over, are
        dependent.
    """
    gram = [
        [sum(row[i] * row[j] for row in rows[:_GRAM_ROWS]) for j in range(width)]
        for i in range(width)
    ]
    basis = [[int(i == j) for j in range(width)] for i in range(width)]
    lam = [[0] * width for _ in range(width)]
    d = [1] * (width + 1)  # d[i + 1]: Gram determinant of the first i + 1 vectors

    def size_reduce(k: int, j: int) -> None:
        q = (2 * lam[k][j] + d[j + 1]) // (2 * d[j + 1])
        if q:
            basis[k] = [x - q * y for x, y in zip(basis[k], basis[j], strict=True)]
            lam[k][j] -= q * d[j + 1]
            for i in range(j):
                lam[k][i] -= q * lam[j][i]

    def swap(k: int, last: int) -> None:
        basis[k], basis[k - 1] = basis[k - 1], basis[k]
        for j in range(k - 1):
            lam[k][j], lam[k - 1][j] = lam[k - 1][j], lam[k][j]
        mu = lam[k][k - 1]
        new = (d[k - 1] * d[k + 1] + mu * mu) // d[k]
        for i in range(k + 1, last + 1):
            t = lam[i][k]
            lam[i][k] = (d[k + 1] * lam[i][k - 1] - mu * t) // d[k]
            lam[i][k - 1] = (new * t + mu * lam[i][k]) // d[k + 1]
        d[k] = new

    k, reached = 0, -1
    while k < width:
        if k > reached:
            reached = k
            image = [sum(x * y for x, y in zip(basis[k], g, strict=True)) for g in gram]
            for j in range(k + 1):
                u = sum(x * y for x, y in zip(image, basis[j], strict=True))
                for i in range(j):
                    u = (d[i + 1] * u - lam[k][i] * lam[j][i]) // d[i]
                if j < k:
                    lam[k][j] = u
                else:
                    d[k + 1] = u
            if d[k + 1] == 0:
                raise ValueError("the columns of the leading rows are dependent")
        if k > 0:
            size_reduce(k, k - 1)
            movable = not (fixed and k == width - 1)
            short = 4 * d[k + 1] * d[k - 1] < 3 * d[k] ** 2 - 4 * lam[k][k - 1] ** 2
            if movable and short:
                swap(k, reached)
                k = max(k - 1, 1)
                continue
            for j in range(k - 2, -1, -1):
                size_reduce(k, j)
        k += 1
    return [tuple(column[i] for column in basis) for i in range(width)]


def multiply(rows: Sequence[IntRow], matrix: Sequence[IntRow]) -> list[IntRow]:
    """Return ``rows @ matrix`` in Python integers."""
    columns = list(zip(*matrix, strict=True))
    return [
        tuple(
            sum(x * y for x, y in zip(row, column, strict=True)) for column in columns
        )
        for row in rows
    ]


def determinant(rows: Sequence[Sequence[int]]) -> int:
    """Return the determinant of a square integer matrix (Bareiss 1968)."""
    matrix = [list(row) for row in rows]
    size = len(matrix)
    sign, previous = 1, 1
    for c in range(size - 1):
        pivot = next((i for i in range(c, size) if matrix[i][c]), None)
        if pivot is None:
            return 0
        if pivot != c:
            matrix[c], matrix[pivot] = matrix[pivot], matrix[c]
            sign = -sign
        lead = matrix[c][c]
        for i in range(c + 1, size):
            factor = matrix[i][c]
            matrix[i] = [
                (lead * x - factor * y) // previous
                for x, y in zip(matrix[i], matrix[c], strict=True)
            ]
        previous = lead
    return sign * matrix[-1][-1] if size else 1


def hadamard_bits(rows: Sequence[IntRow], size: int) -> int:
    """Return b with ``|minor| < 2**b`` for every minor of ``size`` rows.

    Hadamard's inequality on the ``size`` longest rows, with the norm rounded up;
    a minor on fewer columns is bounded by the same row norms.  Also tried on
    columns, since data with columns of very different size is the usual case.
    """
    if size <= 0 or not rows:
        return 1
    norms = sorted((sum(x * x for x in row) for row in rows), reverse=True)[:size]
    by_rows = math.prod(max(norm, 1) for norm in norms)
    peaks = [max(abs(row[k]) for row in rows) for k in range(len(rows[0]))]
    peaks = sorted((max(peak, 1) for peak in peaks), reverse=True)[:size]
    by_columns = math.prod(peak * peak * size for peak in peaks)
    return (math.isqrt(min(by_rows, by_columns)) + 1).bit_length()


def rounded(rows: Sequence[Sequence[int]] | NDArray[Any]) -> NDArray[np.float64]:
    """Round every integer once, to nearest; floats come back as they are.

    Raises
    ------
    OverflowError
        An integer exceeds float64.
    """
    if isinstance(rows, np.ndarray) and rows.dtype == np.float64:
        return rows
    return np.array(rows, dtype=object).astype(np.float64)


def scaled_floats(
    rows: Sequence[Sequence[int]] | NDArray[Any], shifts: Sequence[int]
) -> NDArray[np.float64]:
    """Round rows, columns scaled by ``2**-shift`` and rows to peak in [1/2, 1].

    Every entry has relative error at most 2**-53, or underflows towards zero with
    absolute error below 2**-1074.
    """
    if not len(rows):
        return np.zeros((0, len(shifts)))
    try:
        # scaling is exact but for underflow
        floats = rounded(rows)
    except OverflowError:
        return _scaled_one_by_one(rows, shifts)
    exponents = np.frexp(floats)[1].astype(np.int64) - np.array(shifts, dtype=np.int64)
    peaks = np.where(floats != 0.0, exponents, -(1 << 40)).max(axis=1, keepdims=True)
    moves = np.where(floats != 0.0, -np.array(shifts, dtype=np.int64) - peaks, 0)
    # beyond that everything is zero or, never, infinite
    return np.ldexp(floats, np.clip(moves, -(1 << 30), 1 << 30).astype(np.int32))


def _scaled_one_by_one(
    rows: Sequence[Sequence[int]] | NDArray[Any], shifts: Sequence[int]
) -> NDArray[np.float64]:
    """`scaled_floats` where an integer exceeds float64."""
    out = np.zeros((len(rows), len(shifts)))
    for i, row in enumerate(rows):
        peak = max(
            (x.bit_length() - s for x, s in zip(row, shifts, strict=True) if x),
            default=0,
        )
        for k, (x, s) in enumerate(zip(row, shifts, strict=True)):
            if x:
                out[i, k] = _ldexp(x, -s - peak)
    return out


def _ldexp(value: int, shift: int) -> float:
    """Return ``value * 2**shift`` rounded once (value may exceed float64)."""
    excess = value.bit_length() - 64
    if excess > 0:
        # keep 64 bits and a sticky bit, so that the one rounding is right
        sticky = 1 if abs(value) & ((1 << excess) - 1) else 0
        value = (abs(value) >> excess | sticky) * (1 if value > 0 else -1)
        shift += excess
    return math.ldexp(float(value), shift)


def column_shifts(
    rows: Sequence[Sequence[int]] | NDArray[Any], width: int
) -> list[int]:
    """Exponents e with every ``|x| < 2**e`` in the column (0 for zero columns).

    At most one more than needed, where rounding to a float reaches ``2**e``.
    """
    if not len(rows):
        return [0] * width
    try:
        sizes = np.abs(np.array(rows, dtype=object).astype(np.float64))
    except OverflowError:
        return [
            max(map(abs, column)).bit_length() for column in zip(*rows, strict=True)
        ]
    return [int(e) for e in np.frexp(sizes.max(axis=0))[1]]
