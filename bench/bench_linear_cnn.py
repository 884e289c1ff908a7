"""Linear and circular CNNs: certified gaps and seconds; CVXPY on the small sizes.

Sizes are (samples, patches, numbers a patch).  The objective of a small case must be
that of CVXPY with Clarabel, to 1e-6.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from bench import instances
from bench.harness import Options, Report, Row, best_time, demand
from convex_solver import (
    CircularCNNProgram,
    LinearCNNProgram,
    MinimumNormLinearCNN,
    extract_patches,
    solve_circular_cnn,
    solve_linear_cnn,
    solve_minimum_norm_cnn,
)

from instances import circular_instance, linear_instance
from reference import cnn_programs

Case = tuple[str, float | None, Callable[[], Any], Callable[[], float] | None]

GOAL = 1e-6
GAP = "certified gap of a CNN"
SHARES = (0.3, 0.03, 1e-3)
SMALL = 20
SHOWN = {"beta / beta max": "g", "gap": ".1e"}


def linear_data(*, quick: bool) -> Iterator[tuple[str, int, Any, Any]]:
    """Patches and targets, one and three outputs, and real ones."""
    shapes = [(20, 3, 4), (100, 8, 10)]
    if not quick:
        shapes += [(500, 16, 25), (1000, 64, 100)]
    for n, K, d in shapes:
        for C in (None, 3) if n < 1000 else (None,):
            patches, y = linear_instance(n, n, K, d, C)
            outputs = f", {C} outputs" if C else ""
            yield f"linear ({n}, {K}, {d}){outputs}", n, patches, y
    found = None if quick else instances.images(195)
    if found is not None:
        patches = extract_patches(found[0] / 255.0, (4, 4), stride=4)
        yield f"CIFAR {patches.shape}", len(patches), patches, found[1]


def linear_cases(*, quick: bool) -> Iterator[Case]:
    for name, n, patches, y in linear_data(quick=quick):
        most = LinearCNNProgram(patches, y, 1.0).beta_max()
        for share in SHARES:
            beta = share * most
            program = LinearCNNProgram(patches, y, beta)
            peer = None
            if n <= SMALL:
                # bound here: the loop goes on before the peer is called
                def peer(X: Any = patches, y: Any = y, beta: float = beta) -> float:
                    return float(cnn_programs.nuclear_optimum(X, y, beta))

            yield name, share, lambda p=program: solve_linear_cnn(p), peer


def circular_cases(*, quick: bool) -> Iterator[Case]:
    shapes = [(20, 8), (100, 30)] if quick else [(20, 8), (100, 30), (1000, 100)]
    for n, d in shapes:
        X, y = circular_instance(n, n, d)
        most = CircularCNNProgram(X, y, 1.0).beta_max()
        for share in SHARES:
            beta = share * most
            program = CircularCNNProgram(X, y, beta)
            peer = None
            if n <= SMALL:

                def peer(X: Any = X, y: Any = y, beta: float = beta) -> float:
                    return float(cnn_programs.circular_optimum(X, y, beta))

            name = f"circular ({n}, {d})"
            yield name, share, lambda p=program: solve_circular_cnn(p), peer


def minimum_norm_cases(*, quick: bool) -> Iterator[Case]:
    shapes = [(8, 3, 4), (60, 8, 10), (300, 16, 25)]
    for shape in shapes[: 2 if quick else None]:
        patches, y = linear_instance(shape[0], *shape)
        program = MinimumNormLinearCNN(patches, y)
        peer = None
        if shape[0] <= SMALL:

            def peer(X: Any = patches, y: Any = y) -> float:
                return float(cnn_programs.interpolation_optimum(X, y))

        name = f"minimum norm {shape}"
        yield name, None, lambda p=program: solve_minimum_norm_cnn(p), peer


def row(case: Case, report: Report) -> Row:
    """Solve, check the objective, and ask CVXPY where the case is small."""
    name, share, work, peer = case
    seconds, _, solution = best_time(work, repeats=3, long=1.0)
    other = None
    if peer is not None:
        start = time.perf_counter()
        value = peer()
        other = time.perf_counter() - start
        demand(
            abs(value - solution.objective) <= 1e-6 * solution.objective,
            f"{name}: CVXPY {value}, here {solution.objective}",
        )
    case_name = name if share is None else f"{name}, {share:g}"
    return {
        "case": name,
        "beta / beta max": share,
        "gap": solution.gap,
        "goal": f"{GOAL:g}",
        "met": report.goal(GAP, case_name, solution.gap, GOAL),
        "neurons": solution.network.n_neurons,
        "steps": getattr(solution, "n_iterations", None),
        "seconds": seconds,
        "CVXPY, s": other,
    }


def run(options: Options, report: Report) -> None:
    quick = options.quick
    made = (linear_cases, circular_cases, minimum_norm_cases)
    rows = [row(case, report) for cases in made for case in cases(quick=quick)]
    report.table("Certified optimum", rows, formats=SHOWN)
