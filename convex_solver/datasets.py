"""Data that come with the package."""

from __future__ import annotations

import csv
from pathlib import Path

from arrangement import InputError


def penguins_csv() -> Path:
    """Return the path of the Palmer penguins (342 rows, CC0; Gorman et al. 2014).

    Columns: bill_length_mm, bill_depth_mm, flipper_length_mm, body_mass_g, species
    (0, 1, 2 for Adelie, Chinstrap, Gentoo).

    Examples
    --------
    >>> penguins_csv().name
    'penguins.csv'
    """
    return Path(__file__).with_name("data") / "penguins.csv"


def load_penguins(
    features: tuple[str, ...] = ("flipper_length_mm",), target: str = "body_mass_g"
) -> tuple[list[list[str]], list[str]]:
    """Return ``(X, y)`` as decimal strings, which are read without rounding.

    Raises
    ------
    InputError
        If a column does not exist.

    Examples
    --------
    >>> X, y = load_penguins()
    >>> len(X), X[0], y[0]
    (342, ['181'], '3750')
    """
    with penguins_csv().open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    for name in (*features, target):
        if name not in rows[0]:
            raise InputError(f"no column {name!r}; there are {', '.join(rows[0])}.")
    return [[row[name] for name in features] for row in rows], [r[target] for r in rows]
