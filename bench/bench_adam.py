"""A certificate beside one training run: seconds of each, in the same process.

Planted regressions, beta 0.1 or a share of the one at which zero is optimal.  `solve`
runs to a certified gap of 1e-3; Adam (full batch, 100 neurons, float64, start and rates
of decay as in PyTorch) until its objective is within 1% of the optimum, which the
certificate bounds, with a step size of 1e-2 or 1e-3, whichever is there first.  Adam
does not know how far it is: its seconds are the least that a run of it can take.  The
objective is looked at every ten steps, outside the clock.
"""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

from bench import instances
from bench.harness import Options, Report, Row, demand
from convex_solver import ConvexProgram, beta_max, solve
from convex_solver.typing import Array

# (n, r), beta, and whether it is a share of beta_max.
CASES = (
    (50, 3, 0.1, False),
    (200, 3, 0.1, False),
    (1000, 3, 0.1, False),
    (1000, 5, 0.1, True),
    (5000, 3, 0.01, True),
    (10000, 3, 0.01, True),
)
QUICK = CASES[:2]
TOL, NEAR = 1e-3, 0.01
RATES = (1e-2, 1e-3)
NEURONS = 100
# Seconds of a run of Adam, and steps between looks at its objective.
LIMIT, EVERY = 60.0, 10
MOST = 3.0
DECAYS, SMALL = (0.9, 0.999), 1e-8


def run(options: Options, report: Report) -> None:
    solve(ConvexProgram(**instances.planted_network(20, 3, 0.1)))  # compiles
    rows = [one(*case) for case in (QUICK if options.quick else CASES)]
    report.table(
        "Seconds to a proof, and to a network",
        rows,
        formats={"gap": ".1e", "times Adam": ".2f"},
        note="Where Adam did not come within 1% in 60 s, its seconds are a bound.",
    )
    for row in rows:
        report.goal(
            "seconds to a certified 1e-3, times Adam's to 1%",
            row["problem"],
            row["times Adam"],
            MOST,
        )


def one(n: int, r: int, beta: float, is_share: bool) -> Row:
    """Solve, then train until the objective is near the optimum."""
    question = instances.planted_network(n, r, beta)
    if is_share:
        question["beta"] = beta * beta_max(ConvexProgram(**question))
    begin = time.perf_counter()
    program = ConvexProgram(**question)
    solution = solve(program, tol=TOL)
    seconds = time.perf_counter() - begin
    demand(solution.gap <= TOL, f"({n}, {r}) ended with a gap of {solution.gap:.1e}")
    goal = solution.objective * (1.0 + NEAR)
    runs = [adam(program, rate, goal) for rate in RATES]
    best = min(runs, key=lambda each: each["seconds"])
    for each in runs:
        least = solution.lower_bound * (1.0 - 1e-12)
        demand(each["objective"] >= least, "Adam ended below the certified bound")
    return {
        "problem": f"({n:,}, {r}), {beta:g}" + (" beta_max" if is_share else ""),
        "solve": seconds,
        "gap": solution.gap,
        "Adam": best["seconds"],
        "steps": best["steps"],
        "step size": best["rate"],
        "within 1%": best["is_near"],
        "times Adam": seconds / best["seconds"],
    }


def adam(program: ConvexProgram, rate: float, goal: float) -> dict[str, Any]:
    """Lower objective (2) of squared loss until it is at most ``goal``."""
    X, y, beta = program.X, program.y, program.beta
    random = np.random.default_rng(0)
    widths = 1.0 / math.sqrt(program.d), 1.0 / math.sqrt(NEURONS)
    point = np.vstack(
        [
            random.uniform(-widths[0], widths[0], (program.d, NEURONS)),
            random.uniform(-widths[1], widths[1], (1, NEURONS)),
        ]
    )
    first, second = np.zeros_like(point), np.zeros_like(point)
    seconds, steps, best = 0.0, 0, math.inf
    while best > goal and seconds < LIMIT:
        begin = time.perf_counter()
        for _ in range(EVERY):
            steps += 1
            slope = gradient(point, X, y, beta)
            first += (1.0 - DECAYS[0]) * (slope - first)
            second += (1.0 - DECAYS[1]) * (slope * slope - second)
            size = np.sqrt(second / (1.0 - DECAYS[1] ** steps)) + SMALL
            point -= rate / (1.0 - DECAYS[0] ** steps) * first / size
        seconds += time.perf_counter() - begin
        best = min(best, objective(point, X, y, beta))
    return {
        "seconds": seconds,
        "steps": steps,
        "rate": rate,
        "objective": best,
        "is_near": best <= goal,
    }


def gradient(point: Array, X: Array, y: Array, beta: float) -> Array:
    """Of objective (2) with squared loss; the last row of ``point`` are the alphas."""
    weights, alphas = point[:-1], point[-1]
    hidden = np.maximum(X @ weights, 0.0)
    slope = hidden @ alphas - y
    out: Array = beta * point
    out[-1] += slope @ hidden
    passed = (hidden > 0.0) * slope[:, None]
    out[:-1] += (X.T @ passed) * alphas
    return out


def objective(point: Array, X: Array, y: Array, beta: float) -> float:
    """Objective (2) with squared loss."""
    missed = np.maximum(X @ point[:-1], 0.0) @ point[-1] - y
    return float(0.5 * missed @ missed + 0.5 * beta * np.sum(point * point))
