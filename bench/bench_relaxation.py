"""Certified gaps above rank 6, where no covering ends: the relaxation over moments.

Planted networks (`instances.planted_network`) and real data, at shares of the largest
useful beta (the largest value of a local search; the interval says how well it is
known).  "relaxation": seconds to a dual point and to its rigorous price; "bound": what
is proven from it; "solve": objective and certified gap with the time limit given.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from bench import instances
from bench.harness import Options, Report, Row, demand
from convex_solver import ConvexProgram, solve
from convex_solver.certificates import relax_sphere
from convex_solver.solver import RelaxedProgram, relaxed_certificate
from convex_solver.typing import Array

PLANTED = (
    (100, 8, 0.1, 10.0),
    (200, 10, 0.1, 10.0),
    (400, 14, 0.5, 10.0),
    (400, 14, 0.1, 10.0),
)
# rows, shuffled by a fixed seed, with standardised columns and an intercept
REAL = (
    ("boston_housing", 400, 0.5, 10.0),
    ("boston_housing", 400, 0.1, 10.0),
)
STARTS, STEPS = 100, 100


def largest_price(X: Array, y: Array) -> float:
    """Largest ``|y^T (X u)_+|`` that climbing finds: no bound."""
    U = np.random.default_rng(0).normal(size=(X.shape[1], STARTS))
    for _ in range(STEPS):
        U /= np.linalg.norm(U, axis=0)
        heights = X @ U
        signs = np.sign(y @ np.maximum(heights, 0.0))
        U = X.T @ (y[:, None] * (heights > 0.0)) * signs
    U /= np.linalg.norm(U, axis=0)
    return float(np.abs(y @ np.maximum(X @ U, 0.0)).max())


def cases(*, quick: bool) -> Iterator[tuple[str, Array, Array, float, float]]:
    """Return name, data, targets, share of the largest beta and seconds."""
    for n, r, share, seconds in PLANTED[:1] if quick else PLANTED:
        question = instances.planted_network(n, r, 1.0)
        X, y = np.array(question["X"]), np.array(question["y"])
        yield f"planted ({n}, {r}), {share:g}", X, y, share, 3.0 if quick else seconds
    for name, n, share, seconds in () if quick else REAL:
        data = instances.real(name)
        if data is None:
            continue
        order = np.random.default_rng(0).permutation(len(data["y"]))[:n]
        X, y = data["X"][order].astype(float), data["y"][order].astype(float)
        X = np.column_stack([(X - X.mean(axis=0)) / X.std(axis=0), np.ones(len(X))])
        yield f"{name} {X.shape}, {share:g}", X, y - y.mean(), share, seconds


def run(options: Options, report: Report) -> None:
    rows: list[Row] = []
    for name, X, y, share, seconds in cases(quick=options.quick):
        top = largest_price(X, y)
        above = relax_sphere(X, y, np.zeros_like(X)).bound
        demand(top <= above * (1 + 1e-9), f"{name}: a price above its bound")
        program = ConvexProgram(X, y, share * top)
        found = RelaxedProgram(program).solve(1e-6)
        start = time.perf_counter()
        none = program.network(np.zeros((0, program.d)), np.zeros(0))
        bound = relaxed_certificate(program, none, found.v, np.inf).lower_bound
        pricing = time.perf_counter() - start
        solution = solve(program, time_limit=seconds)
        demand(
            max(bound, solution.lower_bound) <= solution.objective * (1 + 1e-9),
            f"{name}: a bound above the objective of a network",
        )
        rows.append(
            {
                "case": name,
                "beta_max within": above / top - 1.0,
                "relaxation, s": found.seconds,
                "its price, s": pricing,
                "bound": bound,
                "solve, s": solution.seconds,
                "limit, s": seconds,
                "objective": solution.objective,
                "certified gap": solution.gap,
            }
        )
    report.table("Relaxation", rows)
