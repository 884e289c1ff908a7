"""A sceptic's searches, in rank 2 to 12: does any network end below a certified bound?

Random problems of all losses, 8 to 30 rows, beta from 0.3 to 0.003 of the largest
useful one.  `solve` has a second for each, so that in high rank its bounds are what
leaves prove; then Adam starts a thousand times (``--starts``, in parts side by side),
and `solve` is asked again for more digits, in three times as long.  No network may be
below the lower bound of the first call.  "Excess" is over that bound, relative: of the
best of the searches and of the second call.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from bench import instances
from bench.bench_relaxation import largest_price
from bench.harness import Options, Report, Row, demand
from convex_solver import ConvexProgram, solve, train
from convex_solver.losses import LOSSES
from convex_solver.typing import Array

N_INSTANCES, N_QUICK, QUICK_STARTS = 200, 11, 20
RANKS = range(2, 13)
SECONDS, AGAIN, TIGHT = 1.0, 3.0, 1e-9
NEURONS, STEPS, PART = 12, 400, 250
# A float objective may be below its exact value by its rounding.
ROUNDING = 1e-12
STATEMENT = "share of certified bounds that no network is below"
STARTS = 1000


def problem(k: int) -> tuple[str, int, Array, Array, float]:
    """Return loss, rank, rows, targets and beta of a number."""
    random = np.random.default_rng([12, k])
    loss, r = LOSSES[k % len(LOSSES)], RANKS[k % len(RANKS)]
    n = int(random.integers(max(8, r), 31))
    X = random.standard_normal((n, r))
    X[:, -1] = 1.0
    hidden = np.maximum(X @ random.standard_normal((r, 3)), 0.0)
    y = hidden @ random.standard_normal(3) + 0.3 * random.standard_normal(n)
    y = (y - y.mean()) / y.std()
    if loss in instances.LABELLED:
        y = np.where(y > np.median(y), 1.0, -1.0)
    elif loss == "poisson":
        y = random.poisson(np.exp(np.clip(0.5 * y, -2.0, 2.0))).astype(float)
    return loss, r, X, y, float(10.0 ** random.uniform(-2.5, -0.5))


def searched(program: ConvexProgram, starts: int, k: int) -> Iterator[float]:
    """Yield the best objective of every part of the starts."""
    for done in range(0, starts, PART):
        found = train(
            program,
            n_neurons=NEURONS,
            n_starts=min(PART, starts - done),
            steps=STEPS,
            seed=1000 * k + done,
        )
        yield float(np.nanmin(found.objectives))


def one(k: int, starts: int) -> dict[str, float]:
    loss, r, X, y, share = problem(k)
    slopes = ConvexProgram(X, y, 1.0, loss=loss).data_term.gradient(np.zeros(len(y)))
    program = ConvexProgram(X, y, share * largest_price(X, slopes), loss=loss)
    first = solve(program, tol=1e-6, time_limit=SECONDS)
    again = solve(program, tol=TIGHT, time_limit=AGAIN)
    best = min(searched(program, starts, k))
    lower = first.lower_bound
    least = min(best, again.objective, first.objective)
    demand(
        least >= lower - ROUNDING * abs(lower),
        f"{loss}, rank {r}, {k}: {least} is below the bound {lower}",
    )
    return {
        "rank": r,
        "gap": first.gap,
        "searches": best / lower - 1.0 if lower > 0.0 else np.inf,
        "again": again.objective / lower - 1.0 if lower > 0.0 else np.inf,
        "won": float(best < first.objective * (1.0 - 1e-6)),
    }


def run(options: Options, report: Report) -> None:
    count = N_QUICK if options.quick else N_INSTANCES
    starts = QUICK_STARTS if options.quick else max(options.starts, STARTS)
    begin = time.perf_counter()
    found = [one(k, starts) for k in range(count)]
    report.table(
        f"{count} problems, {starts:,} starts each",
        [row(r, [each for each in found if each["rank"] == r]) for r in RANKS],
        formats={
            "median gap": ".1e",
            "least excess, searches": ".1e",
            "least excess, again": ".1e",
        },
    )
    report.goal(
        STATEMENT, f"{count} problems, {starts:,} starts each", 1.0, 1.0, at_least=True
    )
    print(f"{time.perf_counter() - begin:.0f} s", flush=True)


def row(r: int, mine: list[dict[str, float]]) -> Row:
    return {
        "rank": r,
        "problems": len(mine),
        "median gap": float(np.median([each["gap"] for each in mine])),
        "least excess, searches": min(each["searches"] for each in mine),
        "least excess, again": min(each["again"] for each in mine),
        "searches won": int(sum(each["won"] for each in mine)),
    }
