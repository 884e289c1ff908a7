"""Many rows, and two threads: seconds, memory and gaps of certified optima.

Planted regressions, at a share of the beta at which zero is optimal (the largest price
that climbing finds).  With many rows the seconds are those from the arrays to the
certificate, in a process of its own whose peak memory is shown.  With threads: the same
call with one and with two, alternating, the better of two runs each; the answers have
to be the same to the last bit.
"""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np

from bench import instances
from bench.bench_relaxation import largest_price
from bench.harness import Options, Report, Row, apart, demand, peak_bytes
from convex_solver import ConvexProgram, solve

# (n, r), share of beta_max, gap asked, and the seconds allowed
MANY = ((100_000, 3, 0.01, 1e-3, 60.0), (1_000_000, 3, 0.1, 1e-2, 300.0))
MOST_MB = 2000.0
# (n, r), beta, whether it is a share of beta_max, gap
SHARED = (
    (1000, 3, 0.1, False, 1e-6),
    (1000, 5, 0.1, True, 1e-3),
    (10_000, 3, 0.01, True, 1e-3),
)
QUICK = (2000, 3, 0.1, True, 1e-3)
AT_LEAST = 1.6
REPEATS = 2


def run(options: Options, report: Report) -> None:
    if options.quick:
        n, r, beta, _, tol = QUICK
        many, shared = ((n, r, beta, tol, 60.0),), (QUICK,)
    else:
        many, shared = MANY, SHARED
    report.table(
        "Many rows",
        [row_of_many(*case, report) for case in many],
        formats={"gap": ".1e", "asked": ".0e"},
    )
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2
    if processors < 2:
        print("threads: not measured, as this process has one processor", flush=True)
        return
    report.table(
        "Two threads",
        [row_of_threads(*case, report) for case in shared],
        formats={"gap": ".1e", "times": ".2f"},
    )


def program_of(n: int, r: int, beta: float, *, is_share: bool) -> ConvexProgram:
    question = instances.planted_network(n, r, 1.0)
    X, y = np.array(question["X"]), np.array(question["y"])
    if is_share:
        beta *= largest_price(X, y)
    return ConvexProgram(X, y, beta)


def compile_all(n_jobs: int) -> None:
    solve(program_of(20, 3, 0.1, is_share=False), n_jobs=n_jobs)
    solve(program_of(2000, 3, 0.3, is_share=True), tol=1e-2, n_jobs=n_jobs)


def many_rows(n: int, r: int, share: float, tol: float, limit: float) -> dict[str, Any]:
    """Solve one instance in a process of its own."""
    compile_all(1)
    question = instances.planted_network(n, r, 1.0)
    X, y = np.array(question["X"]), np.array(question["y"])
    del question
    beta = share * largest_price(X, y)
    begin, cpu = time.perf_counter(), time.process_time()
    solution = solve(ConvexProgram(X, y, beta), tol=tol, time_limit=limit)
    seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
    bounds = (solution.certificate.lower_bound, solution.objective)
    return {
        "seconds": seconds,
        "cpu": cpu,
        "gap": solution.gap,
        "bounds": bounds,
        "memory": peak_bytes() / 1e6,
        "neurons": solution.network.n_neurons,
        "rounds": len(solution.history),
    }


def row_of_many(
    n: int, r: int, share: float, tol: float, limit: float, report: Report
) -> Row:
    name = f"({n:,}, {r}), {share:g}"
    found = apart(many_rows, n, r, share, tol, limit)
    lower, upper = found["bounds"]
    demand(lower <= upper and found["gap"] >= 0.0, f"{name}: the bounds cross.")
    is_met = report.goal(
        "many rows: certified gap over what was asked", name, found["gap"] / tol, 1.0
    )
    return {
        "(n, r), share of beta_max": name,
        "seconds": found["seconds"],
        "goal": limit,
        "met": report.goal("many rows: seconds", name, found["seconds"], limit),
        "CPU, s": found["cpu"],
        "gap": found["gap"],
        "asked": tol,
        "met gap": is_met,
        "MB": round(found["memory"]),
        "met MB": report.goal("many rows: peak MB", name, found["memory"], MOST_MB),
        "rounds": found["rounds"],
        "neurons": found["neurons"],
    }


def row_of_threads(
    n: int, r: int, beta: float, is_share: bool, tol: float, report: Report
) -> Row:
    name = f"({n:,}, {r}), {beta:g}" + " of beta_max" * is_share
    compile_all(2)
    program = program_of(n, r, beta, is_share=is_share)
    seconds: dict[int, list[float]] = {1: [], 2: []}
    answers = {}
    for _ in range(REPEATS):
        for n_jobs, spent in seconds.items():
            begin = time.perf_counter()
            answers[n_jobs] = solve(program, tol=tol, n_jobs=n_jobs)
            spent.append(time.perf_counter() - begin)
    one, two = answers[1], answers[2]
    same = (one.network.weights == two.network.weights).all()
    demand(
        bool(same) and one.lower_bound == two.lower_bound,
        f"{name}: two threads end elsewhere than one.",
    )
    alone, both = min(seconds[1]), min(seconds[2])
    return {
        "(n, r), beta": name,
        "one thread, s": alone,
        "two, s": both,
        "times": alone / both,
        "goal": AT_LEAST,
        "met": report.goal(
            "two threads: times one", name, alone / both, AT_LEAST, at_least=True
        ),
        "gap": one.gap,
    }
