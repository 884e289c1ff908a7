"""The columns that a command uses."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from arrangement.io import Table, UsageError, open_table
from convex_solver.datasets import penguins_csv


def open_data(options: argparse.Namespace, file: str) -> Table:
    """Return the table that a command names; ``penguins`` is the one included."""
    path: str | Path = penguins_csv() if file == "penguins" else file
    return open_table(options, path)


def features_of(options: argparse.Namespace, table: Table) -> list[str]:
    """Return the columns to predict from; target and weights are none of them."""
    for name in (options.target, options.weights):
        if name is not None:
            table.require(name)
    names: list[str] | None = options.features
    if names is None:
        names = list(table.features(besides=(options.target, options.weights)))
    if options.target in names:
        raise UsageError(f"--target {options.target!r} is among --features")
    if options.weights is not None and options.weights in [*names, options.target]:
        raise UsageError(
            f"--weights {options.weights!r} is the target or among --features"
        )
    return names


def weights_of(table: Table, name: str | None) -> NDArray[Any] | None:
    """Return the column of weights, if there is one."""
    return None if name is None else table.numbers([name])[:, 0]
