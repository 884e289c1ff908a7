"""Local searches that try to beat a certified optimum.

Adam from many starts (``--starts``, each of them, on every one of twenty instances of
every loss and every program): no start may end below the certified lower bound, and
where the best comes within 1% of it, the optimum is one that searches find too.
"Excess" is over the certified lower bound, relative.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from bench import instances
from bench.harness import Options, Report, Row, demand
from convex_solver import (
    CircularCNNProgram,
    ConvexProgram,
    LinearCNNProgram,
    MinimumNormLinearCNN,
    interpolate,
    solve,
    solve_circular_cnn,
    solve_linear_cnn,
    solve_minimum_norm_cnn,
    train,
)
from convex_solver.losses import LOSSES

from instances import circular_instance, linear_instance, searchable
from reference import cnn_training, interpolation

N_INSTANCES = 20
TOL = 1e-9
NEAR = 0.01
SHAPES = ((4, 2), (6, 2), (5, 3), (6, 3), (8, 3))
STATEMENT = "share of instances where a search comes within 1%"
# A float objective may be below its exact value by its rounding.
ROUNDING = 1e-12
SHOWN = {
    "largest gap": ".0e",
    "least excess": "+.1e",
    "median of the best": ".1e",
    "worst best": ".1e",
    "within 1%": ".0%",
    "starts within 1%": ".0%",
}

# The certified solution, and where the searches end.
Search = Callable[[int, int], tuple[Any, Any]]


def relu(loss: str) -> Search:
    def search(k: int, starts: int) -> tuple[Any, Any]:
        X, y, beta = searchable(loss, k)
        program = ConvexProgram(X, y, beta, loss=loss)
        found = train(program, n_neurons=15, n_starts=starts, steps=1000, seed=k)
        return solve(program, tol=TOL), found.objectives

    return search


def interpolating(k: int, starts: int) -> tuple[Any, Any]:
    n, r = SHAPES[k % len(SHAPES)]
    X, y = instances.interpolation(n, r, 100 + k)
    # in parts, which bounds the memory
    parts = [min(200, starts - done) for done in range(0, starts, 200)]
    norms = [
        interpolation.local_searches(
            X, y, n_starts=m, n_neurons=2 * n, steps=1500, seed=i
        )
        for i, m in enumerate(parts)
    ]
    return interpolate(X, y, tol=TOL), np.concatenate(norms)


def linear(outputs: int | None) -> Search:
    def search(k: int, starts: int) -> tuple[Any, Any]:
        patches, y = linear_instance(k, 8 + k, 2 + k % 3, 3 + k % 2, outputs)
        share = (0.3, 0.1, 0.03)[k % 3]
        beta = share * LinearCNNProgram(patches, y, 1.0).beta_max()
        found, _ = cnn_training.linear_search(patches, y, beta, starts, k, steps=600)
        return solve_linear_cnn(LinearCNNProgram(patches, y, beta)), found

    return search


def circular(k: int, starts: int) -> tuple[Any, Any]:
    X, y = circular_instance(k, 8 + k, 3 + k % 5)
    share = (0.3, 0.1, 0.03)[k % 3]
    beta = share * CircularCNNProgram(X, y, 1.0).beta_max()
    found, _ = cnn_training.circular_search(X, y, beta, starts, k, steps=600)
    return solve_circular_cnn(CircularCNNProgram(X, y, beta)), found


def minimum_norm(k: int, starts: int) -> tuple[Any, Any]:
    outputs = (None, 2)[k % 2]
    patches, y = linear_instance(k, 3 + k % 4, 2 + k % 3, 4, outputs)
    solution = solve_minimum_norm_cnn(MinimumNormLinearCNN(patches, y))
    found = cnn_training.interpolation_search(patches, y, starts, k, steps=600)
    return solution, found


def searches() -> Iterator[tuple[str, Search]]:
    for loss in LOSSES:
        yield f"ReLU, {loss}", relu(loss)
    yield "ReLU, interpolation", interpolating
    yield "linear CNN", linear(None)
    yield "linear CNN, 2 outputs", linear(2)
    yield "circular CNN", circular
    yield "minimum-norm linear CNN", minimum_norm


def row(name: str, search: Search, options: Options, report: Report) -> Row:
    """Compare all starts on all instances with the certified optimum."""
    start = time.perf_counter()
    starts, count = (10, 2) if options.quick else (options.starts, N_INSTANCES)
    gaps, excesses = [], []
    for k in range(count):
        solution, found = search(k, starts)
        relative = found / solution.lower_bound - 1.0
        least = float(relative.min())
        demand(least >= -ROUNDING, f"{name}, {k}: a start is below the bound: {least}.")
        gaps.append(solution.gap)
        excesses.append(relative)
    best = np.array([float(one.min()) for one in excesses])
    share = float(np.mean(best <= NEAR))
    # a few starts prove nothing about what searches find
    verdict = None
    if not options.quick:
        verdict = report.goal(STATEMENT, name, share, 0.5, at_least=True)
    return {
        "program": name,
        "instances": count,
        "starts each": starts,
        "largest gap": max(gaps),
        "least excess": float(best.min()),
        "median of the best": float(np.median(best)),
        "worst best": float(best.max()),
        "within 1%": share,
        "met": verdict,
        "starts within 1%": float(np.mean(np.array(excesses) <= NEAR)),
        "seconds": time.perf_counter() - start,
    }


def run(options: Options, report: Report) -> None:
    rows = [row(*search, options, report) for search in searches()]
    report.table("Searches against certified optima", rows, formats=SHOWN)
