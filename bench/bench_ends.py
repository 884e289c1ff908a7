"""Runs on what people bring: every one ends, and nearly all with a certificate.

Random data of five kinds (Gaussian, two decimals, raw columns with means up to 10^5
times their spread, equal rows, truth tables), every loss, half of the targets without
noise, beta from 10 to 1e-10.  Where the certificate does not reach the tolerance, the
network is compared with what training from ten starts and sampled patterns find:
"beaten" counts networks that are worse than either by more than 1e-6.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import numpy as np

from bench.harness import Options, Report, Row
from convex_solver import ConvexProgram, approximate, solve, train
from convex_solver.losses import LOSSES

from reference.questions import any_question

N_INSTANCES, N_QUICK = 2000, 45
TOL = 1e-6
# A guard: a run that meets it has not ended by itself.
LIMIT = 15.0
STATEMENT = "share of runs that are certified to 1e-6"


def run(options: Options, report: Report) -> None:
    count = N_QUICK if options.quick else N_INSTANCES
    # compiles: every loss, and raw columns and weights that have no more digits
    for k in (*range(len(LOSSES)), 24, 62):
        one(k, LOSSES[k % len(LOSSES)])
    found = [one(k, LOSSES[k % len(LOSSES)]) for k in range(count)]
    for name in ("loss", "kind", "beta"):
        groups = sorted({each[name] for each in found})
        report.table(
            f"By {name}",
            [row(name, group, found) for group in groups],
            formats={"worst gap": ".1e", "certified": ".1%"},
        )
    missed = [each for each in found if not each["is_certified"]]
    report.table(
        "Not certified",
        [
            {key: each[key] for key in ("k", "loss", "kind", "n", "d", "beta_is")}
            | {key: each[key] for key in ("stopped", "gap", "seconds", "is_beaten")}
            for each in missed
        ],
        formats={"beta_is": ".1e", "gap": ".1e"},
    )
    certified = 1.0 - len(missed) / count
    report.goal(STATEMENT, f"{count:,} runs", certified, 0.99, at_least=True)
    slow = max(each["seconds"] for each in found)
    report.goal("seconds of the longest run", f"{count:,} runs", slow, LIMIT)


def one(k: int, loss: str) -> dict[str, Any]:
    kind, question = any_question(k, loss)
    program = ConvexProgram(**question)
    begin = time.perf_counter()
    solution = solve(program, tol=TOL, time_limit=LIMIT)
    seconds = time.perf_counter() - begin
    is_certified = bool(solution.gap <= TOL)
    return {
        "k": k,
        "loss": loss,
        "kind": kind,
        "n": program.n,
        "d": program.d,
        "beta": f"1e{int(np.floor(np.log10(program.beta))):+d}",
        "beta_is": program.beta,
        "stopped": solution.stopped,
        "gap": solution.gap,
        "seconds": seconds,
        "is_certified": is_certified,
        "is_beaten": not is_certified and is_beaten(program, solution.objective),
    }


def is_beaten(program: ConvexProgram, objective: float) -> bool:
    """Whether another method of the package finds a better network."""
    trained = train(program, n_starts=10, time_limit=20.0).objective
    sampled = approximate(program, time_limit=20.0).objective
    return bool(min(trained, sampled) < objective * (1.0 - TOL))


def row(name: str, group: str, found: list[dict[str, Any]]) -> Row:
    mine = [each for each in found if each[name] == group]
    reasons = Counter(each["stopped"] for each in mine if not each["is_certified"])
    return {
        name: group,
        "runs": len(mine),
        "certified": sum(each["is_certified"] for each in mine) / len(mine),
        "worst gap": max(each["gap"] for each in mine),
        "median s": float(np.median([each["seconds"] for each in mine])),
        "longest s": max(each["seconds"] for each in mine),
        "not certified": ", ".join(f"{c} {r}" for r, c in reasons.items()) or "-",
        "beaten": sum(each["is_beaten"] for each in mine),
    }
