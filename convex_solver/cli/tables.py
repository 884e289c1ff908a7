"""The columns that a command uses."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from arrangement.io import Table, UsageError, open_table
from convex_solver.datasets import penguins_csv

# Columns that one column may become.
_MOST_VALUES = 100


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
    names = _indicators(options.one_hot or [], table, names)
    if options.target in names:
        raise UsageError(f"--target {options.target!r} is among --features.")
    if options.weights is not None and options.weights in [*names, options.target]:
        raise UsageError(
            f"--weights {options.weights!r} is the target or among --features."
        )
    return names


def _indicators(chosen: list[str], table: Table, names: list[str]) -> list[str]:
    """Put a column of 0 and 1 for each value in the place of the columns chosen."""
    for name in chosen:
        if name not in names:
            table.require(name)
            raise UsageError(f"--one-hot {name!r} is not among the features.")
    out: list[str] = []
    for name in names:
        if name not in chosen:
            out.append(name)
            continue
        values = sorted(set(table.rows(table.complete([name])).labels(name)))
        if len(values) > _MOST_VALUES:
            raise UsageError(
                f"--one-hot {name!r}: the column holds {len(values):,} values; at most "
                f"{_MOST_VALUES} become columns."
            )
        out += [f"{name}={value}" for value in values]
    return out


def warn_of_new_values(table: Table, names: Sequence[str]) -> None:
    """Say on stderr which values no column of 0 and 1 stands for: all are 0 there."""
    known: dict[str, set[str]] = {}
    for name in names:
        pair = table.indicator(name)
        if pair is not None:
            known.setdefault(pair[0], set()).add(pair[1])
    for column, values in known.items():
        new = sorted(set(table.labels(column)) - values)
        if new:
            shown = ", ".join(repr(value) for value in new[:5])
            more = ", ..." if len(new) > 5 else ""
            print(
                f"convex-solver: note: column {column!r} holds {shown}{more}, which "
                "the model does not know; its columns are 0 there",
                file=sys.stderr,
            )


def weights_of(table: Table, name: str | None) -> NDArray[Any] | None:
    """Return the column of weights, if there is one."""
    return None if name is None else table.numbers([name])[:, 0]
