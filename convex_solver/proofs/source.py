"""Where the numbers of a proof stand: columns of a table, and how they are read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from convex_solver.errors import ProofError
from convex_solver.reading import Data


@dataclass(frozen=True)
class TableForm:
    """A table of text as the checker reads it.

    Attributes
    ----------
    separator, decimal : str
        One character each; decimal is a point or a comma.
    header : int
        The record that holds the names of the columns, from 1; 0 if none does.
    skip : int
        Records above the first sample.
    columns : tuple of (int, str)
        Place, from 0, and name of each column of X (of all patches, one after another).
    target, weights : (int, str)
        Likewise; weights are None where there are none.
    """

    separator: str
    decimal: str
    header: int
    skip: int
    columns: tuple[tuple[int, str], ...]
    target: tuple[int, str]
    weights: tuple[int, str] | None = None

    @classmethod
    def plain(cls, data: Data) -> TableForm:
        """Return the form of a CSV without names: X, then y, then the weights."""
        width = data.rows.width * data.n_patches
        weights = None if data.weights is None else (width + 1, "weights")
        names = tuple((k, f"x{k + 1}") for k in range(width))
        return cls(",", ".", 0, 0, names, (width, "y"), weights)


def reading(data: Data, form: TableForm) -> dict[str, Any]:
    """Return the part of a claim that says how data are read."""
    scaling = data.scaling
    return {
        "separator": form.separator,
        "decimal": form.decimal,
        "header": form.header,
        "skip": form.skip,
        "columns": [list(column) for column in form.columns],
        "target": list(form.target),
        "weights": None if form.weights is None else list(form.weights),
        "floats": data.floats,
        "patches": data.n_patches,
        "center": None if scaling is None else pairs(scaling.center.tolist()),
        "scale": None if scaling is None else pairs(scaling.scale.tolist()),
        "intercept": data.intercept,
        "sha256": data.digest,
    }


def samples(data: Data) -> list[list[Fraction]]:
    """Return what a table shows for each sample: its rows, target and weight."""
    K, rows = data.n_patches, data.rows.exact
    weights = data.weights_exact
    found = []
    for i, y in enumerate(data.y_exact):
        numbers = [x for row in rows[i * K : (i + 1) * K] for x in row]
        more = [y] if weights is None else [y, weights[i]]
        found.append([Fraction(x) for x in numbers + more])
    return found


def pairs(numbers: list[float]) -> list[list[int]]:
    """Return floats as ``[m, e]``, ``m 2^e`` with m odd or zero."""
    return [pair(x) for x in numbers]


def pair(number: float) -> list[int]:
    """Return one float as ``[m, e]``.

    Examples
    --------
    >>> pair(-0.75), pair(0.0)
    ([-3, -2], [0, 0])
    """
    if not math.isfinite(number):
        raise ProofError(f"{number!r} came; a proof holds finite numbers only.")
    top, bottom = number.as_integer_ratio()
    shift = (top & -top).bit_length() - 1 if top else 0
    return [top >> shift, shift - bottom.bit_length() + 1]
