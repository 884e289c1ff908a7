"""How far a certificate goes: cones of a covering against chambers of a listing.

Each program is solved to 1e-4, and the price of its dual point is bounded by a covering
of the sphere to 1e-9, within the certificate.  A listing would have to price as many
chambers as Cover's bound says; the covering visits its cones; the rest is what branch
and bound prunes.  Where both ways are quick their bounds must agree.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from bench import instances
from bench.harness import Options, Report, Row, best_time, demand
from convex_solver import Certificate, ConvexProgram, Solution, certify, solve

SHAPES = (
    (50, 3, 0.1),
    (200, 3, 0.1),
    (50, 4, 0.1),
    (1000, 3, 0.1),
    (200, 4, 0.1),
    (700, 4, 1.0),
    (50, 5, 0.1),
    (100, 5, 1.0),
    (200, 5, 1.0),
    (50, 6, 1.0),
    (100, 6, 1.0),
)
N_QUICK = 3
LISTED = 30_000
# cones a second, both signs, on one core
RATE = 100_000
STATEMENT = "cones a second, rank up to 5"
OPTIONS = ("loss", "standardize", "intercept", "floats")
SHOWN = {"cones / chambers": ".1e", "gap": ".0e", "price / beta - 1": "+.0e"}


def certified(asked: dict[str, Any], solution: Solution, method: str) -> Certificate:
    """Return the certificate of a solution, from the raw data."""
    chosen = {key: asked[key] for key in ("loss", "floats") if key in asked}
    return certify(
        solution.network,
        asked["X"],
        asked["y"],
        asked["beta"],
        dual=solution.certificate.dual,
        method=method,
        **chosen,
    )


def row(name: str, asked: dict[str, Any], options: Options, report: Report) -> Row:
    """Solve, cover, and compare with a listing where that is quick."""
    chosen = {key: asked[key] for key in OPTIONS if key in asked}
    program = ConvexProgram(asked["X"], asked["y"], asked["beta"], **chosen)
    start = time.perf_counter()
    solution = solve(program, tol=1e-4, time_limit=min(options.limit, 60.0))
    seconds = time.perf_counter() - start
    covering, _, found = best_time(
        lambda: certified(asked, solution, "covering"), repeats=3, long=2.0
    )
    bound = found.cover_bound
    cones = found.n_cones
    assert cones is not None
    if bound <= LISTED:
        other = certified(asked, solution, "chambers")
        # the dual point is scaled down by its price, so that both bounds are near
        apart = abs(other.lower_bound - found.lower_bound)
        demand(
            apart <= 1e-8 * found.upper_bound, f"{name}: the listing differs: {apart}."
        )
    verdict = None
    if program.rank <= 5 and cones >= 10_000:
        verdict = report.goal(STATEMENT, name, cones / covering, RATE, at_least=True)
    return {
        "problem": name,
        "chambers, at most": bound,
        "solve, s": seconds,
        "gap": solution.gap,
        "cones": cones,
        "certify, s": covering,
        "cones/s": cones / covering,
        "goal": f"{RATE:,}" if verdict else None,
        "met": verdict,
        "cones / chambers": cones / bound,
        "price / beta - 1": found.max_price / program.beta - 1.0,
    }


def run(options: Options, report: Report) -> None:
    solve(ConvexProgram(np.eye(3), [1.0, 2.0, 3.0], 0.1))
    rows = []
    for n, r, beta in SHAPES[: N_QUICK if options.quick else None]:
        asked = instances.planted_network(n, r, beta)
        rows.append(row(f"({n}, {r}), {beta:g}", asked, options, report))
    for name, (asked, _) in instances.real_problems(quick=options.quick).items():
        rows.append(row(name, asked, options, report))
    report.table("Cones and chambers", rows, formats=SHOWN)
