"""Where the numbers of a proof stand: columns of a table, and how they are read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from arrangement.exact import cell_kind, rows_digest
from convex_solver.errors import ProofError
from convex_solver.reading import Data

# What a table shows for each sample: its rows, its target, its weight if it has one.
Samples = list[list[Fraction]]


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
    floats : {"decimal", "binary"}
        Whether a cell is the decimal that it shows, or the float64 nearest to it.
    classes : tuple of (str, int)
        The texts of targets in the table, and what each stands for, where they are no
        numbers.
    """

    separator: str
    decimal: str
    header: int
    skip: int
    columns: tuple[tuple[int, str], ...]
    target: tuple[int, str]
    weights: tuple[int, str] | None = None
    floats: str = "decimal"
    classes: tuple[tuple[str, int], ...] = ()

    @classmethod
    def plain(cls, data: Data, shown: Samples) -> TableForm:
        """Return the form of a CSV without names: X, then y, then the weights.

        Where all numbers are floats their shortest decimals will do (``repr``); others
        are shown digit by digit.

        Raises
        ------
        ProofError
            Numbers that no decimal shows, as 1/3.
        """
        width = data.rows.width * data.n_patches
        weights = None if data.weights is None else (width + 1, "weights")
        names = tuple((k, f"x{k + 1}") for k in range(width))
        floats = cell_kind(x for sample in shown for x in sample)
        if floats is None:
            raise ProofError(
                "the data have numbers that no decimal shows, such as 1/3, so that no "
                "table could go with a proof. Round them, or scale the columns."
            )
        return cls(",", ".", 0, 0, names, (width, "y"), weights, floats)


def reading(data: Data, form: TableForm, shown: list[list[Fraction]]) -> dict[str, Any]:
    """Return the part of a claim that says how data are read.

    ``shown`` are the `samples`.
    """
    center, scale = np.zeros(data.rows.width), np.ones(data.rows.width)
    if data.scaling is not None:
        center, scale = data.scaling.center, data.scaling.scale
    return {
        "separator": form.separator,
        "decimal": form.decimal,
        "header": form.header,
        "skip": form.skip,
        "columns": [list(column) for column in form.columns],
        "target": list(form.target),
        "weights": None if form.weights is None else list(form.weights),
        "floats": form.floats,
        "classes": dict(form.classes),
        "patches": data.n_patches,
        "center": pairs(center.tolist()),
        "scale": pairs(scale.tolist()),
        "intercept": data.intercept,
        "sha256": rows_digest(shown),
    }


def samples(data: Data) -> Samples:
    """Return the samples, exactly."""
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
