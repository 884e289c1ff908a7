"""How far `solve` and others go beyond a limit of the time, and what they have then.

Gaussian data and targets (their signs for classification), standardised, with an
intercept: problems that do not end within the limit.  A call may take a fifth of the
limit more, and two seconds where that is less; its network has at most as many neurons
as there are rows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from bench.harness import Options, Report, Row, demand
from convex_solver import ConvexProgram, interpolate, solve, solve_path
from convex_solver.typing import Array

SIZES = ((60, 5), (60, 10), (100, 7), (200, 10), (1000, 33), (2000, 5), (20000, 3))
LIMITS, QUICK_LIMITS = (1.0, 3.0, 10.0, 60.0), (1.0,)
BETAS = (0.1, 1e-3)
PATH = (1.0, 0.3, 0.1, 0.03)
OVERTIME, SECONDS = 0.2, 2.0
STATEMENT = "seconds beyond the limit, in those allowed"

Call = Callable[[float], Any]


def data(n: int, d: int, loss: str) -> tuple[Array, Array]:
    """Gaussian rows, and targets or labels."""
    X = np.random.default_rng(1).normal(size=(n, d))
    y = np.random.default_rng(2).normal(size=n)
    return X, np.sign(y) if loss in ("hinge", "logistic") else y


def program(n: int, d: int, beta: float, loss: str = "squared") -> ConvexProgram:
    """Return the program of such data."""
    X, y = data(n, d, loss)
    return ConvexProgram(X, y, beta, loss=loss, intercept=True, standardize=True)


def calls(*, quick: bool) -> Iterator[tuple[str, int, Call]]:
    """Return what is called with a limit: its name, rows, and a function."""

    def solving(given: ConvexProgram) -> Call:
        return lambda limit: solve(given, time_limit=limit)

    def interpolating(X: Array, y: Array) -> Call:
        return lambda limit: interpolate(
            X, y, intercept=True, standardize=True, time_limit=limit
        )

    def on_path(given: ConvexProgram) -> Call:
        return lambda limit: solve_path(given, PATH, time_limit=limit)[-1]

    for n, d in SIZES[:3] if quick else SIZES:
        for beta in BETAS:
            yield f"solve ({n}, {d}), {beta:g}", n, solving(program(n, d, beta))
    for n, d in SIZES[:1] if quick else SIZES[:5]:
        for loss in ("logistic", "hinge"):
            given = program(n, d, BETAS[0], loss)
            yield f"{loss} ({n}, {d}), {BETAS[0]:g}", n, solving(given)
        yield f"interpolate ({n}, {d})", n, interpolating(*data(n, d, "squared"))
        yield f"path ({n}, {d})", n, on_path(program(n, d, BETAS[0]))


def run(options: Options, report: Report) -> None:
    for loss in ("squared", "logistic", "hinge"):
        for d in (2, 4, 7, 9):  # compiles
            solve(program(15, d, BETAS[0], loss), time_limit=2.0)
    rows: list[Row] = []
    for name, n, call in calls(quick=options.quick):
        for limit in QUICK_LIMITS if options.quick else LIMITS:
            begin = time.perf_counter()
            found = call(limit)
            took = time.perf_counter() - begin
            neurons = found.network.n_neurons
            demand(neurons <= n, f"{name}: {neurons} neurons for {n} rows")
            allowed = max(OVERTIME * limit, SECONDS)
            beyond = max(took - limit, 0.0)
            case = f"{name}, {limit:g} s"
            rows.append(
                {
                    "case": name,
                    "limit, s": limit,
                    "took, s": took,
                    "verdict": report.goal(STATEMENT, case, beyond / allowed, 1.0),
                    "certified gap": found.gap,
                    "neurons": neurons,
                }
            )
    report.table("Limits of the time", rows)
