"""Data of the regressions: what is read, scaled and split; sizes and seconds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench import instances
from bench.bench_relaxation import largest_price
from bench.paper.common import (
    MissingDataError,
    Options,
)
from convex_solver import (
    ConvexProgram,
    MissingDataSetError,
    TwoLayerReLU,
    load_table,
)
from convex_solver.typing import Array

STARTS = 5
# Neurons of Adam.
WIDE = 50


@dataclass(frozen=True)
class Case:
    """One of the figures: data, sizes, and seconds that every method has."""

    name: str
    table: str
    title: str
    n: int
    batch: int
    seconds: float
    component_seconds: tuple[float, float]
    neurons: int = 12
    share: float = 0.1
    directions: int = 100
    # rows and features of the made data of a quick run
    quick: tuple[int, int] = (60, 7)

    def small(self) -> Case:
        """Return the case of a quick run."""
        return Case(
            name=self.name,
            table="",
            title=f"made data, {self.quick[0]} rows",
            n=self.quick[0],
            batch=10,
            seconds=0.6,
            component_seconds=(0.8, 0.8),
            neurons=6,
            directions=40,
            quick=self.quick,
        )

    def times(self) -> list[float]:
        """Return the seconds of the runs of which curves are made."""
        shares = (1 / 9, 1 / 3, 1.0) if self.table else (0.5, 1.0)
        return [self.seconds * share for share in shares]


@dataclass(frozen=True)
class Problem:
    """Data as the programs see them; ``beta`` belongs to these."""

    X: Array
    y: Array
    X_test: Array
    y_test: Array
    beta: float

    def program(self) -> ConvexProgram:
        return ConvexProgram(self.X, self.y, self.beta)

    def error(self, network: TwoLayerReLU) -> float:
        """Return the mean square of the residuals on the samples for tests."""
        return float(np.mean((network.predict(self.X_test) - self.y_test) ** 2))

    def components(self, k: int) -> Problem:
        """Return the same with the leading k principal components of the features."""
        features = self.X[:, :-1]
        axes = np.linalg.svd(features, full_matrices=False)[2][:k].T

        def turned(X: Array) -> Array:
            return np.column_stack([X[:, :-1] @ axes, np.ones(len(X))])

        X, X_test = turned(self.X), turned(self.X_test)
        return Problem(X, self.y, X_test, self.y_test, self.beta)


def read(case: Case, options: Options) -> Problem:
    """Return the data of a case: split, scaled, with a column of ones."""
    if options.quick:
        n, d = case.quick
        asked = instances.planted_network(2 * n, d + 1, 1.0)
        X, y = np.array(asked["X"])[:, :-1], np.array(asked["y"])
    else:
        try:
            X, y, _, _ = load_table(case.table, options.data)
        except MissingDataSetError as error:
            raise MissingDataError(str(error)) from error
        order = np.random.default_rng(0).permutation(len(y))
        X, y = X[order], y[order]
    X = (X - X[: case.n].mean(axis=0)) / X[: case.n].std(axis=0)
    y = (y - y[: case.n].mean()) / y[: case.n].std()
    X = np.column_stack([X, np.ones(len(X))])
    beta = case.share * largest_price(X[: case.n], y[: case.n])
    return Problem(X[: case.n], y[: case.n], X[case.n :], y[case.n :], beta)
