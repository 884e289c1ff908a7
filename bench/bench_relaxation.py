"""Certified gaps where no covering ends: the relaxation over leaves.

Planted networks (`instances.planted_network`) and real data, the first rows after a
seeded shuffle, standardised, with an intercept; at shares of the largest useful beta
(the largest price that climbing finds).  "root": the bound over the whole sphere, and
the seconds that it takes; "recheck": seconds that `certify` takes for the dual point
and the leaves, where the proof has any.  The last cases are of rank 5, where cones
prove more: species by four sizes of iris and penguins.  "MB": the peak of the process,
which solves all cases one after another.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from bench import instances
from bench.harness import Options, Report, Row, demand, peak_bytes
from convex_solver import ConvexProgram, certify, load_penguins, solve
from convex_solver.solver import RelaxedProgram
from convex_solver.typing import Array

# rows, rank, share of the largest beta, seconds, and the gap to reach
PLANTED = (
    (400, 14, 0.5, 2.0, 1e-5),
    (400, 14, 0.1, 20.0, 1e-4),
    (100, 8, 0.1, 60.0, 5e-4),
    (200, 10, 0.1, 60.0, 3e-3),
)
REAL = (
    ("boston_housing", 400, 0.5, 5.0, 1e-4),
    ("boston_housing", 400, 0.1, 60.0, 1e-2),
    ("boston_housing", 400, 0.03, 300.0, 0.15),
    ("kin8nm", 4000, 0.5, 60.0, 5e-3),
    ("kin8nm", 4000, 0.1, 300.0, 0.2),
    ("bank32nh", 4000, 0.5, 120.0, 2e-3),
)
# of rank 5, where cones win: share of the largest beta, seconds, and the gap to reach
SPECIES, FOUR_SIZES = ("iris", "penguins"), (0.03, 10.0, 1e-4)
PENGUIN_SIZES = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g")
MOST_MB = 2000.0
GAP = "certified gap in the time given"
STARTS, STEPS = 100, 100
# a climb may end where all rows are below zero
TINY = 1e-300
# rows of which a product with all starts is held at a time
BLOCK = 2**14


def largest_price(X: Array, y: Array) -> float:
    """Largest ``|y^T (X u)_+|`` that climbing finds: no bound."""
    U = np.random.default_rng(0).normal(size=(X.shape[1], STARTS))
    for _ in range(STEPS):
        U /= np.maximum(np.linalg.norm(U, axis=0), TINY)
        U = _gradients(X, y, U)
    U /= np.maximum(np.linalg.norm(U, axis=0), TINY)
    return float(np.abs((U * _gradients(X, y, U)).sum(axis=0)).max())


def _gradients(X: Array, y: Array, U: Array) -> Array:
    """Gradients of ``|y^T (X u)_+|`` in the columns of U, by blocks of rows."""
    total = np.zeros_like(U)
    for start in range(0, len(X), BLOCK):
        rows, part = X[start : start + BLOCK], y[start : start + BLOCK]
        total += rows.T @ (part[:, None] * (rows @ U > 0.0))
    return np.asarray(total * np.sign((U * total).sum(axis=0)))


def cases(*, quick: bool) -> Iterator[tuple[str, Array, Array, float, float, float]]:
    """Return name, data, targets, share of the largest beta, seconds and the goal."""
    for n, r, share, seconds, goal in PLANTED[2:3] if quick else PLANTED:
        question = instances.planted_network(n, r, 1.0)
        X, y = np.array(question["X"]), np.array(question["y"])
        name = f"planted ({n}, {r}), {share:g}"
        yield name, X, y, share, 3.0 if quick else seconds, goal
    for name, n, share, seconds, goal in () if quick else REAL:
        data = instances.real(name)
        if data is None:
            continue
        order = np.random.default_rng(0).permutation(len(data["y"]))[:n]
        X, y = data["X"][order].astype(float), data["y"][order].astype(float)
        X = standardised(X)
        yield f"{name} {X.shape}, {share:g}", X, y - y.mean(), share, seconds, goal
    for name in () if quick else SPECIES:
        data = instances.real(name)
        if name == "penguins":
            sizes, kinds = load_penguins(PENGUIN_SIZES, "species")
            data = {"X": np.array(sizes, float), "y": np.array(kinds, float)}
        if data is None:
            continue
        X, y = standardised(data["X"]), data["y"].astype(float)
        share, seconds, goal = FOUR_SIZES
        yield f"{name} {X.shape}, {share:g}", X, y - y.mean(), share, seconds, goal


def standardised(X: Array) -> Array:
    """Return the columns in units of their deviations, with an intercept."""
    return np.column_stack([(X - X.mean(axis=0)) / X.std(axis=0), np.ones(len(X))])


def run(options: Options, report: Report) -> None:
    rows: list[Row] = []
    small = instances.planted_network(20, 7, 1.0)
    solve(ConvexProgram(small["X"], small["y"], 1.0), time_limit=5.0)  # compiles
    for name, X, y, share, seconds, goal in cases(quick=options.quick):
        program = ConvexProgram(X, y, share * largest_price(X, y))
        solution = solve(program, time_limit=seconds)
        upper, certificate = solution.objective, solution.certificate
        demand(
            solution.lower_bound <= upper * (1 + 1e-9),
            f"{name}: a bound above the objective of a network",
        )
        leaves = certificate.leaves
        start = time.perf_counter()
        again = certify(
            solution.network, X, y, program.beta, dual=certificate.dual,
            method="relaxation" if leaves else "covering", leaves=leaves,
        )  # fmt: skip
        recheck = time.perf_counter() - start
        demand(
            again.lower_bound >= solution.lower_bound * (1 - 1e-9),
            f"{name}: a bound that is not found again",
        )
        begin = time.monotonic()
        root = RelaxedProgram(program).refine(upper, 1e-6, np.inf, most=2)
        first = time.monotonic() - begin
        verdict = report.goal(GAP, name, solution.gap, goal)
        rows.append(
            {
                "case": name,
                "objective": upper,
                "certified gap": solution.gap,
                "goal": goal,
                "verdict": verdict,
                "solve, s": solution.seconds,
                "limit, s": seconds,
                "leaves": len(leaves),
                "recheck, s": recheck,
                "root gap": (upper - root.estimate) / upper if root else 1.0,
                "root, s": first,
                "MB": round(peak_bytes() / 1e6),
            }
        )
    report.goal("peak MB of all", "all cases", peak_bytes() / 1e6, MOST_MB)
    report.table("Relaxation", rows)
