"""`Arrangement`: hyperplanes as given, and the exact central cone behind them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrangement.errors import InputError, InputTypeError
from arrangement.exact import (
    Column,
    IntegerRows,
    IntRow,
    MinorBounds,
    RowTuples,
    Shortened,
    grouped,
    independent_rows,
    integer_row,
    leads_with_pivots,
    multiply,
    pivot_columns,
    read_matrix,
    read_vector,
    rounded,
    shorten,
)
from arrangement.io import html_facts
from arrangement.model.parallel import Parallels
from arrangement.options import short_repr

_UNIFORM_TESTS = 10**6


@dataclass(frozen=True)
class Cone:
    """A central essential arrangement of distinct hyperplanes in Z^rank.

    ``rows`` holds no zero row and no two proportional ones; each stands for a class
    of parallel input rows and is a positive multiple of the first of them.  For an
    affine arrangement the rows are homogeneous, ``infinity`` is the row of the last
    coordinate, and only chambers on its positive side belong to the arrangement.
    """

    rows: Sequence[IntRow]
    infinity: IntRow | None
    rank: int

    @property
    def lines(self) -> Sequence[IntRow]:
        """The rows, and infinity after them where there is one."""
        return self.rows if self.infinity is None else (*self.rows, self.infinity)

    @cached_property
    def bounds(self) -> MinorBounds:
        """How large the minors of the ``lines`` can be."""
        return MinorBounds(self.lines, self.rank, self.floats)

    @cached_property
    def floats(self) -> NDArray[np.float64] | None:
        """The ``lines``, each entry rounded once; None where one exceeds float64."""
        floats = _in_floats(self.lines, self.rank)
        if floats is not None:
            floats.setflags(write=False)
        return floats


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
    distinct : IntegerRows
        The first row of each class of parallel rows, primitive, over the pivot columns.
    first_rows : ndarray, shape (n_distinct,), int64
        Which input row that is.
    normals : ndarray, shape (n, d)
        The rows as they were read, exact: int64 where they fit, else Python integers
        and ``Fraction``; a new array each time.
    offsets : ndarray, shape (n,), or None
        Likewise ``b``; None when central.

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
    distinct: IntegerRows = field(repr=False)
    class_of: NDArray[np.int64] = field(repr=False)
    orientation: NDArray[np.int8] = field(repr=False)
    constant_bits: NDArray[np.bool_] = field(repr=False)
    constant_signs: NDArray[np.int8] = field(repr=False)
    first_rows: NDArray[np.int64] = field(repr=False)
    pivot_columns: tuple[int, ...] = field(repr=False)
    column_scales: tuple[Fraction, ...] = field(repr=False)
    columns: tuple[Column, ...] = field(repr=False)
    shifts: Column | None = field(repr=False)

    __repr__ = short_repr

    def __init__(
        self,
        normals: ArrayLike | Any,
        offsets: ArrayLike | Any | None = None,
        *,
        rank: str | int = "exact",
        floats: str = "binary",
    ) -> None:
        matrix = read_matrix(normals, floats=floats, name="normals")
        n, d = matrix.n_rows, matrix.width
        shifts = None
        if offsets is not None:
            shifts = read_vector(offsets, floats=floats, name="offsets")
            if len(shifts) != n:
                raise InputError(
                    f"offsets has length {len(shifts)}; expected {n}, one for each "
                    "row of normals."
                )
        self._build(matrix.columns, n, shifts, _check_rank(rank, n, d))

    @classmethod
    def of_columns(cls, columns: Sequence[Column], n_rows: int) -> Arrangement:
        """Return the central arrangement of columns that were read exactly already."""
        arrangement = object.__new__(cls)
        arrangement._build(columns, n_rows, None, None)
        return arrangement

    def _build(
        self,
        columns: Sequence[Column],
        n: int,
        shifts: Column | None,
        target: int | str | None,
    ) -> None:
        """Find classes, rank and the rows behind exact columns (n, d).

        Columns are scaled to primitive integers first: signs are kept, and witnesses
        map back.  With data in different units this keeps the integers, and so the
        bound that lets machine integers be used, as small as they can be.
        """
        d = len(columns)
        last = [] if shifts is None else [shifts.negated()]
        words = grouped([*columns, *last], n, d)
        if words is None:
            pairs = [column.primitive() for column in columns]
            scales = [scale for scale, _ in pairs]
            scaled = [column for _, column in pairs]
            parts = Parallels.of_rows(IntegerRows.of_columns([*scaled, *last], n), d)
        else:
            scales, parts = words.scales, Parallels.of_groups(words)
        projection = None
        if target is None:
            kept = pivot_columns(parts.rows, d)
            if len(kept) < d:
                found = [parts.rows.columns[k] for k in kept]
                ends = parts.rows.columns[d:]
                parts = parts.over([*found, *ends], len(kept))
        else:
            projection = _right_singular_vectors(columns, n, target)
            kept = list(range(projection.shape[1]))
            scales = [Fraction(1)] * len(kept)
            parts = parts.over(
                _projected(parts.first, columns, last, projection), len(kept)
            )
            true_rank = len(pivot_columns(parts.rows, len(kept)))
            if true_rank < len(kept):
                raise InputError(
                    f"the projection to rank {len(kept)} has exact rank {true_rank}; "
                    f"ask for rank={true_rank}."
                )
        values = {
            "n_hyperplanes": n,
            "dimension": d,
            "rank": len(kept),
            "is_central": shifts is None,
            "projection": projection,
            "distinct": parts.rows,
            "class_of": parts.class_of,
            "orientation": parts.orientation,
            "constant_bits": parts.constant_signs >= 0,
            "constant_signs": parts.constant_signs,
            "first_rows": parts.first,
            "pivot_columns": tuple(kept),
            "column_scales": tuple(scales[c] for c in kept),
            "columns": tuple(columns),
            "shifts": shifts,
        }
        for key, value in values.items():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)
            object.__setattr__(self, key, value)

    @property
    def normals(self) -> NDArray[Any]:
        """The rows as they were read, (n, d), exact."""
        rows = list(zip(*(column.numbers() for column in self.columns), strict=True))
        return exact_numbers(rows, (self.n_hyperplanes, self.dimension))

    @property
    def offsets(self) -> NDArray[Any] | None:
        """The offsets as they were read, (n,), exact; None when central."""
        if self.shifts is None:
            return None
        return exact_numbers([tuple(self.shifts)], (self.n_hyperplanes,))

    def _repr_html_(self) -> str:
        """Return what a notebook shows: sizes and kind, in a table."""
        n_planes = int(np.count_nonzero(self.class_of >= 0))
        kind = "central" if self.is_central else "affine"
        merged = f"{self.n_distinct:,}"
        if n_planes > self.n_distinct:
            merged += f" ({n_planes - self.n_distinct:,} rows repeat one)"
        constant = self.n_hyperplanes - n_planes
        facts = [
            ("rows", f"{self.n_hyperplanes:,} in {self.dimension:,} columns"),
            ("distinct hyperplanes", merged),
            *([("rows without one", f"{constant:,}, zero")] if constant else []),
            ("rank", f"{self.rank:,}"),
            ("kind", f"{kind}, projected" if self.is_projected else kind),
        ]
        return html_facts("Arrangement of hyperplanes", facts)

    @cached_property
    def _shortened(self) -> Shortened:
        """The rows of the cone and their basis."""
        rows, width = RowTuples(self.distinct), self.rank + (not self.is_central)
        floats = self.distinct.floats()
        return shorten(rows, width, floats, fixed=not self.is_central)

    @cached_property
    def cone(self) -> Cone:
        """The arrangement as it is listed: Python integers in the columns of a basis.

        Found when it is first asked for, as a short basis takes long in high rank,
        where nothing is listed.
        """
        infinity = None if self.is_central else (*([0] * self.rank), 1)
        width = self.rank + (not self.is_central)
        found = self._shortened
        cone = Cone(found.rows, infinity, width)
        if infinity is None:
            # found already, to see which basis is short
            cone.__dict__["bounds"] = found.bounds
            if found.floats is not None:
                found.floats.setflags(write=False)
                cone.__dict__["floats"] = found.floats
        return cone

    @property
    def column_basis(self) -> Sequence[IntRow] | None:
        """The change of basis behind the rows of the cone; None for the identity."""
        return self._shortened.basis

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
        return len(self.distinct)

    @cached_property
    def base_lines(self) -> list[int]:
        """The first ``cone.rank`` independent ones of ``cone.lines``, infinity first.

        Infinity comes first because chambers of an affine arrangement are those on its
        positive side.
        """
        rows, rank, infinity = self.cone.rows, self.cone.rank, self.cone.infinity
        if infinity is None:
            if leads_with_pivots(self.distinct, rank):
                return list(range(rank))
            return independent_rows(rows, rank)[0]
        chosen, _ = independent_rows((infinity, *rows), rank)
        return [len(rows), *(i - 1 for i in chosen[1:])]

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
        extra = int(not self.is_central)
        n_rows = self.n_distinct + extra
        size = min(self.rank + extra, n_rows)
        if math.comb(n_rows, size) > _UNIFORM_TESTS:
            raise InputError(
                f"{math.comb(n_rows, size)} minors to test; compare "
                "count_patterns(X) with cover_bound(n_distinct, rank) instead."
            )
        rows = list(self.cone.rows)
        if self.cone.infinity is not None:
            rows.append(self.cone.infinity)
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


def _in_floats(rows: Sequence[IntRow], width: int) -> NDArray[np.float64] | None:
    """Return rows, each entry rounded once; None where one exceeds float64."""
    try:
        return rounded(rows).reshape(len(rows), width)
    except OverflowError:
        return None


def exact_numbers(
    rows: Sequence[Sequence[Fraction | int]], shape: tuple[int, ...]
) -> NDArray[Any]:
    """Return numbers as int64 if every one fits, else as int and Fraction (object)."""
    numbers = [x for row in rows for x in row]
    fits = all(isinstance(x, int) and -(2**63) <= x < 2**63 for x in numbers)
    out = np.empty(len(numbers), dtype=np.int64 if fits else object)
    out[:] = numbers
    return out.reshape(shape)


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


def _projected(
    first: NDArray[np.int64],
    columns: Sequence[Column],
    last: list[Column],
    projection: NDArray[np.float64],
) -> list[Column]:
    """Return the columns of the float64 ``X V_k``, of some rows, and the last ones."""
    picked = _to_float([column[first] for column in columns], first.size)
    image = picked @ projection
    if not np.all(np.isfinite(image)):
        raise InputError("X V_k overflows float64; scale the columns of X first.")
    found = [Column.of_floats(np.ascontiguousarray(values)) for values in image.T]
    return [*found, *(column[first] for column in last)]


def _to_float(columns: Sequence[Column], n: int) -> NDArray[np.float64]:
    out = np.zeros((n, len(columns)))
    for k, column in enumerate(columns):
        out[:, k] = column.rounded()[0]
    if not np.all(np.isfinite(out)):
        raise InputError(
            "an entry is beyond float64, which a projected rank needs; scale the "
            "columns or use rank='exact'."
        )
    return out


def _right_singular_vectors(
    columns: Sequence[Column], n: int, target: int | str
) -> NDArray[np.float64]:
    d = len(columns)
    if n == 0 or d == 0:
        return np.zeros((d, 0))
    _, singular, vt = np.linalg.svd(_to_float(columns, n), full_matrices=False)
    if target == "numerical":
        cut = max(n, d) * np.finfo(np.float64).eps * singular[0]
        target = int(np.count_nonzero(singular > cut))
    return np.ascontiguousarray(vt[: int(target)].T)
