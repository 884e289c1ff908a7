"""Seconds and certified gap of the full convex program; facets against all rows.

``python bench/bench_solve.py``.  Data: a Gaussian (n, r - 1) matrix and a column of
ones; targets of a planted network of three ReLU neurons, plus noise of size 0.3.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import report

report.add_paths()

from convex_solver import ConvexProgram, solve, to_cvxpy  # noqa: E402

SHAPES = ((20, 3), (50, 3), (20, 4))
BETAS = (0.1, 1e-3)
SEED = 0
MAX_GAP = 1e-6
MIN_ROW_RATIO = 4.0
MIN_TIME_RATIO = 2.0
REPEATS = 4

HEADER = (
    "(n, r)",
    "beta",
    "chambers",
    "seconds",
    "CPU s",
    "objective",
    "gap",
    "",
    "neurons",
)
CONES_HEADER = (
    "model",
    "beta",
    "inequality rows",
    "seconds",
    "CPU s",
    "in Clarabel, s",
    "objective",
    "above lower bound",
)


@dataclass(frozen=True)
class Run:
    """One CVXPY model, built and solved."""

    rows: int
    seconds: float
    cpu: float
    inner: float
    value: float


def fastest(runs: Sequence[Run]) -> Run:
    """Return the least of each time over runs of one model."""
    return Run(
        rows=runs[0].rows,
        seconds=min(run.seconds for run in runs),
        cpu=min(run.cpu for run in runs),
        inner=min(run.inner for run in runs),
        value=runs[0].value,
    )


def instance(n: int, r: int, beta: float) -> ConvexProgram:
    """Return the program on data drawn from a fixed seed."""
    random = np.random.default_rng([SEED, n, r])
    X = np.column_stack([random.standard_normal((n, r - 1)), np.ones(n)])
    weights = random.standard_normal((r, 3))
    alphas = random.standard_normal(3)
    y = np.maximum(X @ weights, 0.0) @ alphas + 0.3 * random.standard_normal(n)
    return ConvexProgram(X, y, beta)


def solve_case(n: int, r: int, beta: float) -> list[str]:
    """Solve and certify one program and return its line of the table."""
    program = instance(n, r, beta)
    seconds, cpu, solution = report.best_time(lambda: solve(program), long=2.0)
    return [
        f"({n}, {r})",
        f"{beta:g}",
        f"{solution.n_chambers:,}",
        report.seconds_text(seconds),
        report.seconds_text(cpu),
        f"{solution.objective:.9f}",
        f"{solution.gap:.1e}",
        report.verdict(solution.gap <= MAX_GAP),
        str(len(solution.network.alphas)),
    ]


def cvxpy_run(program: ConvexProgram, cones: str) -> Run:
    """Build the CVXPY model and solve it once."""
    start, start_cpu = time.perf_counter(), time.process_time()
    problem = to_cvxpy(program, cones=cones)
    value = problem.solve(solver="CLARABEL")
    return Run(
        rows=sum(constraint.size for constraint in problem.constraints),
        seconds=time.perf_counter() - start,
        cpu=time.process_time() - start_cpu,
        inner=problem.solver_stats.solve_time,
        value=float(value),
    )


def compare_cones(beta: float) -> tuple[list[list[str]], str]:
    """Return the table's lines and a sentence on the ratios, for (20, 3)."""
    program = instance(20, 3, beta)
    direct, direct_cpu, solution = report.best_time(lambda: solve(program))
    runs: dict[str, list[Run]] = {"rows": [], "facets": []}
    for _ in range(REPEATS):  # in turn, so that both meet the same load
        for cones, found in runs.items():
            found.append(cvxpy_run(program, cones))
    rows, facets = (fastest(found) for found in runs.values())
    difference = abs(rows.value - facets.value) / abs(facets.value)
    error = abs(rows.value / solution.objective - 1.0)
    if max(difference, error) > MAX_GAP:
        raise SystemExit(f"the models differ by {max(difference, error):.1e}.")
    lines = [
        [
            f"CVXPY, {name}",
            f"{beta:g}",
            f"{run.rows:,}",
            report.seconds_text(run.seconds),
            report.seconds_text(run.cpu),
            report.seconds_text(run.inner),
            f"{run.value:.9f}",
            f"{run.value / solution.lower_bound - 1.0:+.1e}",
        ]
        for name, run in (("rows", rows), ("facets", facets))
    ]
    lines.append(
        [
            "solve, facets, certified",
            f"{beta:g}",
            f"{facets.rows:,}",
            report.seconds_text(direct),
            report.seconds_text(direct_cpu),
            "-",
            f"{solution.objective:.9f}",
            f"{solution.objective / solution.lower_bound - 1.0:+.1e}",
        ]
    )
    size = rows.rows / facets.rows
    speed = rows.seconds / facets.seconds
    sentence = (
        f"beta {beta:g}, facets against rows: {size:.2f} times fewer inequality rows "
        f"(goal {MIN_ROW_RATIO:g}: {report.verdict(size >= MIN_ROW_RATIO)}); CVXPY "
        f"{speed:.2f} times faster (goal {MIN_TIME_RATIO:g}: "
        f"{report.verdict(speed >= MIN_TIME_RATIO)}), "
        f"{rows.cpu / facets.cpu:.2f} in CPU time, {rows.inner / facets.inner:.2f} "
        f"within Clarabel; `solve` {rows.seconds / direct:.1f} times faster than "
        f"CVXPY with all rows; the two models' objectives {difference:.1e} apart."
    )
    return lines, sentence


def main() -> None:
    report.print_setting()
    solve(instance(8, 3, 0.1))  # compilation, imports
    to_cvxpy(instance(8, 3, 0.1)).solve(solver="CLARABEL")
    print(f"Full program, solved and certified; goal: gap at most {MAX_GAP:g}\n")
    report.print_table(
        HEADER, [solve_case(n, r, beta) for n, r in SHAPES for beta in BETAS]
    )
    print("\nThe CVXPY model on (20, 3), each cone by its facets or by all n rows\n")
    compared = [compare_cones(beta) for beta in BETAS]
    report.print_table(CONES_HEADER, [line for lines, _ in compared for line in lines])
    print()
    for _, sentence in compared:
        print(sentence)


if __name__ == "__main__":
    main()
