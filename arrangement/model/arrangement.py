"""`Arrangement`: hyperplanes as given, and the exact central cone behind them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrangement.errors import InputError, InputTypeError
from arrangement.exact import (
    IntRow,
    canonical,
    exact_number,
    hadamard_bits,
    independent_rows,
    integer_row,
    multiply,
    read_matrix,
    read_vector,
    reduce_columns,
)

_UNIFORM_TESTS = 10**6


@dataclass(frozen=True)
class Cone:
    """A central essential arrangement of distinct hyperplanes in Z^rank.

    ``rows`` holds no zero row and no two proportional ones; each stands for a class
    of parallel input rows and is a positive multiple of the first of them.  For an
    affine arrangement the rows are homogeneous, ``infinity`` is the row of the last
    coordinate, and only chambers on its positive side belong to the arrangement.
    """

    rows: tuple[IntRow, ...]
    infinity: IntRow | None
    rank: int


@dataclass(frozen=True, eq=False, init=False)
class Arrangement:
    """An arrangement of hyperplanes, read exactly.

    Parameters
    ----------
    normals : array_like, shape (n, d)
        One hyperplane normal a row: float64, float32, any integer dtype, Python
        ints of any size, ``Fraction``, ``Decimal``, decimal strings, nested lists.
        Not modified.
    offsets : array_like, shape (n,), optional
        ``b`` of the affine hyperplanes ``a_i . z = b_i``; central when omitted.
    rank : {"exact", "numerical"} or int
        ``"exact"``: the true rank, found without tolerance.  ``"numerical"`` or
        ``k``: the object listed is the stored float64 matrix ``X V_k`` (V from the
        SVD, k the number of singular values above ``max(n, d) * eps * s_max``).
        Zero rows and parallel classes are decided on ``normals`` first and
        re-imposed.
    floats : {"binary", "decimal"}
        Read a float as the binary number it is, or as its shortest decimal.

    Attributes
    ----------
    n_hyperplanes, dimension : int
        Shape (n, d) of ``normals``.
    rank : int
        Rank of the normals listed.
    is_central, is_projected : bool
        No offsets given; a projection ``X V_k`` is listed.
    projection : ndarray, shape (d, k), float64, or None
        ``V_k`` when projected.

    Raises
    ------
    InputError
        Shapes, NaN, infinity, text that is no number, unknown options.
    InputTypeError
        Complex numbers or other things that are not real numbers.

    Examples
    --------
    >>> a = Arrangement([[1, 0], [0, 1], [-2, 0], [0, 0]])
    >>> a.n_hyperplanes, a.rank, a.n_distinct, a.is_central
    (4, 2, 2, True)
    """

    n_hyperplanes: int
    dimension: int
    rank: int
    is_central: bool
    projection: NDArray[np.float64] | None = field(repr=False)
    cone: Cone = field(repr=False)
    class_of: NDArray[np.int64] = field(repr=False)
    orientation: NDArray[np.int8] = field(repr=False)
    constant_bits: NDArray[np.bool_] = field(repr=False)
    constant_signs: NDArray[np.int8] = field(repr=False)
    pivot_columns: tuple[int, ...] = field(repr=False)
    column_scales: tuple[Fraction, ...] = field(repr=False)
    column_basis: tuple[IntRow, ...] | None = field(repr=False)

    def __init__(
        self,
        normals: ArrayLike | Any,
        offsets: ArrayLike | Any | None = None,
        *,
        rank: str | int = "exact",
        floats: str = "binary",
    ) -> None:
        n, d, rows = read_matrix(normals, floats=floats, name="normals")
        shifts = None
        if offsets is not None:
            shifts = read_vector(offsets, floats=floats, name="offsets")
            if len(shifts) != n:
                raise InputError(
                    f"offsets has length {len(shifts)}; expected {n}, one for each "
                    "row of normals."
                )
        self._build(rows, d, shifts, _check_rank(rank, n, d))

    @classmethod
    def of_rows(cls, rows: list[list[Fraction | int]], dimension: int) -> Arrangement:
        """Return the central arrangement of rows that were read exactly already."""
        arrangement = object.__new__(cls)
        arrangement._build(rows, dimension, None, None)
        return arrangement

    def _build(
        self,
        rows: list[list[Fraction | int]],
        d: int,
        shifts: list[Fraction | int] | None,
        target: int | str | None,
    ) -> None:
        """Find classes, rank and the cone behind exact rows (n, d)."""
        n = len(rows)
        scales, scaled = _scale_columns(rows, d)
        homogeneous = [
            integer_row(row if shifts is None else [*row, -shifts[i]])
            for i, row in enumerate(scaled)
        ]
        parts = _Parts(homogeneous, d)
        projection = None
        if target is None:
            normals_only = [row[:d] for row in parts.rows]
            _, columns = independent_rows(normals_only, d)
        else:
            projection = _right_singular_vectors(rows, n, d, target)
            columns = list(range(projection.shape[1]))
            scales = [Fraction(1)] * len(columns)
            parts.project(rows, shifts, projection)
        kept = [*columns] if shifts is None else [*columns, -1]
        cone_rows, true_rank = parts.restrict(kept, affine=shifts is not None)
        if projection is not None and true_rank < len(columns):
            raise InputError(
                f"the projection to rank {len(columns)} has exact rank {true_rank}; "
                f"ask for rank={true_rank}."
            )
        infinity = None if shifts is None else (*([0] * len(columns)), 1)
        cone_rows, basis = _shorten(cone_rows, len(kept), affine=shifts is not None)
        values = {
            "n_hyperplanes": n,
            "dimension": d,
            "rank": len(columns),
            "is_central": shifts is None,
            "projection": projection,
            "cone": Cone(cone_rows, infinity, len(kept)),
            "class_of": parts.class_of,
            "orientation": parts.orientation,
            "constant_bits": parts.constant_signs >= 0,
            "constant_signs": parts.constant_signs,
            "pivot_columns": tuple(columns),
            "column_scales": tuple(scales[c] for c in columns),
            "column_basis": basis,
        }
        for key, value in values.items():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)
            object.__setattr__(self, key, value)

    @classmethod
    def coerce(
        cls,
        X: Arrangement | ArrayLike | Any,
        *,
        offsets: ArrayLike | None = None,
        rank: str | int = "exact",
        floats: str = "binary",
    ) -> Arrangement:
        """Return ``X`` itself when it is an `Arrangement`, else read it."""
        if isinstance(X, Arrangement):
            if offsets is not None or rank != "exact" or floats != "binary":
                raise InputError(
                    "X is an Arrangement already; give offsets, rank and floats to "
                    "Arrangement(...) instead."
                )
            return X
        return cls(X, offsets, rank=rank, floats=floats)

    @property
    def is_projected(self) -> bool:
        """Whether the stored float64 ``X V_k`` is listed instead of ``X``."""
        return self.projection is not None

    @property
    def n_distinct(self) -> int:
        """Number of distinct hyperplanes (zero rows dropped, parallel rows merged)."""
        return len(self.cone.rows)

    @property
    def first_rows(self) -> NDArray[np.int64]:
        """First input row of each class of parallel rows, (n_distinct,)."""
        kept = np.flatnonzero(self.class_of >= 0)
        _, first = np.unique(self.class_of[kept], return_index=True)
        return kept[first]

    def place_order(self) -> list[int]:
        """Return the classes in the order that decides that of a listing by cells.

        The first ``rank`` independent ones, then the others as they come.
        """
        base, _ = independent_rows(self.cone.rows, self.cone.rank)
        chosen = set(base)
        others = (k for k in range(len(self.cone.rows)) if k not in chosen)
        return [*base, *others]

    @property
    def is_uniform(self) -> bool:
        """Whether every ``rank`` distinct hyperplanes are independent.

        Zero rows are dropped and parallel rows merged first.  For an affine
        arrangement the same is asked of the homogeneous rows together with
        infinity (general position).

        Raises
        ------
        InputError
            If more than a million minors would have to be tested; compare
            ``count_patterns`` with ``cover_bound`` instead: equal means uniform.
        """
        rows = list(self.cone.rows)
        if self.cone.infinity is not None:
            rows.append(self.cone.infinity)
        size = min(self.cone.rank, len(rows))
        if math.comb(len(rows), size) > _UNIFORM_TESTS:
            raise InputError(
                f"{math.comb(len(rows), size)} minors to test; compare "
                "count_patterns(X) with cover_bound(n_distinct, rank) instead."
            )
        return all(
            len(independent_rows(subset, self.cone.rank)[0]) == size
            for subset in combinations(rows, size)
        )

    def lift(self, points: list[IntRow]) -> NDArray[Any]:
        """Map points of the cone to the coordinates of the data, exact integers.

        Returns
        -------
        ndarray, shape (len(points), d) or (len(points), d + 1) when affine
            int64 where every entry fits, else object (Python ints), each row scaled
            by a positive number.  Columns that are not pivots are zero.
        """
        width = self.dimension if self.projection is None else len(self.pivot_columns)
        width += not self.is_central
        out = []
        if self.column_basis is not None:
            points = multiply(points, list(zip(*self.column_basis, strict=True)))
        for point in points:
            row: list[Fraction | int] = [0] * width
            for value, column, scale in zip(
                point, self.pivot_columns, self.column_scales, strict=False
            ):
                row[column] = value * scale
            if not self.is_central:
                row[-1] = point[-1]
            out.append(integer_row(row))
        return integer_array(out, width)


def _shorten(
    rows: tuple[IntRow, ...], width: int, *, affine: bool
) -> tuple[tuple[IntRow, ...], tuple[IntRow, ...] | None]:
    """Change to an integer basis with short columns where that lowers the bound.

    Minors, and so all signs, stay the same.  Data near a common plane, or far from
    the origin, become small and well conditioned.
    """
    if width < 2 or len(rows) < width:
        return rows, None
    try:
        basis = reduce_columns(rows, width, fixed=affine)
    except ValueError:
        return rows, None
    shorter = multiply(rows, basis)
    if hadamard_bits(shorter, width) >= hadamard_bits(rows, width):
        return rows, None
    return tuple(shorter), tuple(basis)


def integer_array(rows: list[IntRow], width: int) -> NDArray[Any]:
    """Return rows as int64 if every entry fits, else as an object array."""
    peak = max((abs(x) for row in rows for x in row), default=0)
    dtype = np.int64 if peak < 2**63 else object
    return np.array(rows, dtype=dtype).reshape(len(rows), width)


def _check_rank(rank: str | int, n: int, d: int) -> int | str | None:
    if isinstance(rank, str):
        if rank == "exact":
            return None
        if rank == "numerical":
            return rank
        raise InputError(f"rank={rank!r} is unknown; use 'exact', 'numerical' or k.")
    if isinstance(rank, (bool, np.bool_)) or not isinstance(rank, (int, np.integer)):
        raise InputTypeError(f"rank={rank!r}; expected 'exact', 'numerical' or an int.")
    if not 0 <= rank <= min(n, d):
        raise InputError(f"rank={rank}; expected 0 <= rank <= min(n, d) = {min(n, d)}.")
    return int(rank)


def _scale_columns(
    rows: list[list[Fraction | int]], d: int
) -> tuple[list[Fraction], list[list[Fraction | int]]]:
    """Scale columns to primitive integers; signs are kept, witnesses map back.

    With data in different units this keeps the integers, and so the bound that
    lets machine integers be used, as small as they can be.
    """
    scales: list[Fraction] = []
    columns = []
    for k in range(d):
        column = [row[k] for row in rows]
        scale = Fraction(math.lcm(*(x.denominator for x in column)) if column else 1)
        divisor = math.gcd(*(int(x * scale) for x in column)) if column else 0
        if divisor > 1:
            scale /= divisor
        scales.append(scale)
        columns.append([int(x * scale) for x in column])
    return scales, [[column[i] for column in columns] for i in range(len(rows))]


class _Parts:
    """Zero rows, parallel classes and the first row of each, built once."""

    def __init__(self, homogeneous: list[IntRow], d: int) -> None:
        n = len(homogeneous)
        self.class_of = np.full(n, -1, dtype=np.int64)
        self.orientation = np.ones(n, dtype=np.int8)
        # of a row that is no hyperplane: 0, or the sign of -b when affine; -1 elsewhere
        self.constant_signs = np.full(n, -1, dtype=np.int8)
        self.first: list[int] = []
        self.rows: list[IntRow] = []
        seen: dict[IntRow, tuple[int, int]] = {}
        for i, row in enumerate(homogeneous):
            if not any(row[:d]):
                self.constant_signs[i] = 0 if len(row) == d else _sign(row[-1])
                continue
            key, sign = canonical(row)
            if key not in seen:
                seen[key] = (len(self.rows), sign)
                self.first.append(i)
                self.rows.append(row)
            self.class_of[i], first_sign = seen[key]
            self.orientation[i] = sign * first_sign

    def project(
        self,
        rows: list[list[Fraction | int]],
        shifts: list[Fraction | int] | None,
        projection: NDArray[np.float64],
    ) -> None:
        """Replace each representative by its row of the float64 ``X V_k``."""
        picked = [rows[i] for i in self.first]
        image = _to_float(picked, len(picked), projection.shape[0]) @ projection
        if not np.all(np.isfinite(image)):
            raise InputError("X V_k overflows float64; scale the columns of X first.")
        projected = []
        for place, i in enumerate(self.first):
            row: list[Fraction | int] = [exact_number(x) for x in image[place]]
            if shifts is not None:
                row.append(-shifts[i])
            projected.append(integer_row(row))
        self.rows = projected

    def restrict(
        self, columns: list[int], *, affine: bool
    ) -> tuple[tuple[IntRow, ...], int]:
        """Keep ``columns``; merge once more (a projection may create parallels)."""
        width = len(columns) - affine
        remap = np.full(len(self.rows) + 1, -1, dtype=np.int64)
        flip = np.ones(len(self.rows) + 1, dtype=np.int8)
        seen: dict[IntRow, tuple[int, int]] = {}
        rows: list[IntRow] = []
        constant: dict[int, int] = {}
        for index, row in enumerate(self.rows):
            short = integer_row([row[c] for c in columns])
            if not any(short[:width]):
                constant[index] = _sign(short[-1]) if affine else 0
                continue
            key, sign = canonical(short)
            if key not in seen:
                seen[key] = (len(rows), sign)
                rows.append(short)
            remap[index], first_sign = seen[key]
            flip[index] = sign * first_sign
        for index, sign in constant.items():
            members = np.flatnonzero(self.class_of == index)
            self.constant_signs[members] = sign * self.orientation[members]
        self.orientation = self.orientation * flip[self.class_of]
        self.class_of = remap[self.class_of]
        normals = [row[:width] for row in rows]
        return tuple(rows), len(independent_rows(normals, width)[0])


def _sign(value: int) -> int:
    return (value > 0) - (value < 0)


def _to_float(rows: list[list[Fraction | int]], n: int, d: int) -> NDArray[np.float64]:
    try:
        return np.array([[float(x) for x in row] for row in rows]).reshape(n, d)
    except OverflowError:
        raise InputError(
            "an entry is beyond float64, which a projected rank needs; scale the "
            "columns or use rank='exact'."
        ) from None


def _right_singular_vectors(
    rows: list[list[Fraction | int]], n: int, d: int, target: int | str
) -> NDArray[np.float64]:
    if n == 0 or d == 0:
        return np.zeros((d, 0))
    _, singular, vt = np.linalg.svd(_to_float(rows, n, d), full_matrices=False)
    if target == "numerical":
        cut = max(n, d) * np.finfo(np.float64).eps * singular[0]
        target = int(np.count_nonzero(singular > cut))
    return np.ascontiguousarray(vt[: int(target)].T)
