"""When no two-layer ReLU network interpolates: an exact reason that names the rows.

The outputs ``(X u)_+`` of all neurons span the vectors ``f_i = |c_i| b_k + x_i . w``,
where rows ``x_i = c_i h_k`` of one line share ``b_k`` and ``w`` is common to all.  So
targets y can be reached exactly when no ``v`` has

    sum_{i in k} |c_i| v_i = 0 for every line k,   sum_i v_i x_i = 0,   v . y != 0.

Then ``v^T (X u)_+ = 0`` for every u, and ``v`` is a certificate that anybody can check.
Everything here is done in rational arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from numpy.typing import ArrayLike

from arrangement import InputError
from arrangement.exact import integer_row, read_matrix, read_vector
from arrangement.options import short_repr

Number = Fraction | int


@dataclass(frozen=True)
class Obstruction:
    """Rows and integers ``v`` with ``v^T (X u)_+ = 0`` for all u, but ``v . y != 0``.

    Attributes
    ----------
    rows : tuple of int
        Rows with a coefficient.
    coefficients : tuple of int
        Coprime.
    value : Fraction
        ``v . y``, not zero.
    reason : str
        In words.
    """

    rows: tuple[int, ...]
    coefficients: tuple[int, ...]
    value: Fraction
    reason: str

    __repr__ = short_repr


@dataclass(frozen=True)
class Reach:
    """Which targets networks reach on given rows.

    ``rows`` are such that an output vector is determined by its entries there, and
    these can be anything; ``obstruction`` is None when the targets are reached.
    """

    rows: tuple[int, ...]
    obstruction: Obstruction | None


@dataclass
class _Equation:
    """``h . w = right``, with the multipliers of the rows that it came from."""

    h: list[Number]
    right: Number
    multipliers: dict[int, Number]

    def subtract(self, factor: Number, other: _Equation) -> None:
        self.h = [a - factor * b for a, b in zip(self.h, other.h, strict=True)]
        self.right -= factor * other.right
        for row, value in other.multipliers.items():
            self.multipliers[row] = self.multipliers.get(row, 0) - factor * value


def find_obstruction(
    X: ArrayLike | Any,
    y: ArrayLike | Any,
    *,
    intercept: bool = False,
    floats: str = "binary",
) -> Obstruction | None:
    """Return why no network takes the values y on the rows of X, or None.

    Parameters
    ----------
    X : array_like, shape (n, d)
        In any form that `arrangement.Arrangement` reads exactly.
    y : array_like, shape (n,)
    intercept : bool
        Append a column of ones first.
    floats : {"binary", "decimal"}

    Returns
    -------
    Obstruction or None
        None: some network of at most n neurons interpolates.

    Raises
    ------
    ValueError, TypeError
        Entries and shapes that cannot be read.

    Examples
    --------
    >>> find_obstruction([[1], [2], [-1]], [1, 2, 5]) is None
    True
    >>> find_obstruction([[1], [2]], [1, 3]).reason
    'rows 0 and 1 point in one direction, but their targets are not in proportion'
    """
    matrix = read_matrix(X, floats=floats, name="X")
    targets = read_vector(y, floats=floats, name="y")
    if len(targets) != matrix.n_rows:
        raise InputError(f"y has length {len(targets)}; expected {matrix.n_rows}.")
    return reach(matrix.rows(), targets, intercept=intercept).obstruction


def reach(
    rows: Sequence[Sequence[Number]], targets: Sequence[Number], *, intercept: bool
) -> Reach:
    """Return rows that determine an output vector, and the obstruction if any."""
    full = [[*row, 1] for row in rows] if intercept else rows
    lines: dict[tuple[Number, ...], tuple[list[int], list[int]]] = {}
    scales: list[Number] = [0] * len(rows)
    for i, row in enumerate(full):
        lead = next((x for x in row if x), None)
        if lead is None:
            if targets[i]:
                return Reach((), _obstruction({i: 1}, targets, f"row {i} is zero"))
            continue
        scales[i] = lead
        key = tuple(Fraction(x) / lead for x in row)
        lines.setdefault(key, ([], []))[lead < 0].append(i)
    kept: list[int] = []
    pairs: list[_Equation] = []
    for h, sides in lines.items():
        for side in sides:
            found = _apart(side, scales, targets)
            if found is not None:
                return Reach((), found)
        kept.append((sides[0] or sides[1])[0])
        if sides[0] and sides[1]:
            i, j = sides[0][0], sides[1][0]
            ahead, behind = 1 / Fraction(scales[i]), -1 / Fraction(scales[j])
            # f_i / |c_i| = b + h . w and f_j / |c_j| = b - h . w
            right = ahead * targets[i] - behind * targets[j]
            pairs.append(_Equation([2 * x for x in h], right, {i: ahead, j: -behind}))
    found, independent = _eliminate(pairs, targets)
    if found is not None:
        return Reach((), found)
    return Reach(tuple(sorted([*kept, *independent])), None)


def _apart(
    side: list[int], scales: list[Number], targets: Sequence[Number]
) -> Obstruction | None:
    """Compare ``y_i / |c_i|`` over rows of one direction, which have to agree."""
    first = side[0] if side else 0
    for i in side[1:]:
        one, other = (abs(Fraction(scales[k])) for k in (first, i))
        if one * targets[i] != other * targets[first]:
            v: dict[int, Number] = {first: other, i: -one}
            text = f"rows {first} and {i} point in one direction"
            return _obstruction(v, targets, text)
    return None


def _eliminate(
    equations: list[_Equation], targets: Sequence[Number]
) -> tuple[Obstruction | None, list[int]]:
    """Gaussian elimination; each equation that is left adds its second row."""
    pivots: list[tuple[int, _Equation]] = []
    independent: list[int] = []
    for equation in equations:
        second = list(equation.multipliers)[1]
        for column, pivot in pivots:
            if equation.h[column]:
                factor = Fraction(equation.h[column]) / pivot.h[column]
                equation.subtract(factor, pivot)
        column = next((k for k, x in enumerate(equation.h) if x), -1)
        if column >= 0:
            pivots.append((column, equation))
            independent.append(second)
        elif equation.right:
            text = "opposite pairs among these rows depend on each other"
            return _obstruction(equation.multipliers, targets, text), []
    return None, independent


def _obstruction(
    v: dict[int, Number], targets: Sequence[Number], text: str
) -> Obstruction:
    """Scale to coprime integers and say what is wrong."""
    exact = {i: Fraction(x) for i, x in sorted(v.items()) if x}
    whole = integer_row(list(exact.values()))
    value = sum(
        (Fraction(x) * targets[i] for i, x in zip(exact, whole, strict=True)),
        start=Fraction(0),
    )
    tail = ", but its target is not" if len(whole) == 1 else (
        ", but their targets are not in proportion"
        if len(whole) == 2
        else f" ({', '.join(map(str, exact))}), but their targets do not"
    )  # fmt: skip
    return Obstruction(tuple(exact), whole, value, text + tail)
