"""Seconds and certified gap of the full convex program; facets against all rows.

``python bench/bench_solve.py``.  Data: a Gaussian (n, r - 1) matrix and a column of
ones; targets of a planted network of three ReLU neurons, plus noise of size 0.3.
"""

from __future__ import annotations

import time
from typing import Any

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

HEADER = ("(n, r)", "beta", "chambers", "seconds", "objective", "gap", "", "neurons")
CONES_HEADER = (
    "cones",
    "beta",
    "inequality rows",
    "seconds",
    "in Clarabel, s",
    "objective",
    "above lower bound",
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
    start = time.perf_counter()
    solution = solve(program)
    seconds = time.perf_counter() - start
    return [
        f"({n}, {r})",
        f"{beta:g}",
        f"{solution.n_chambers:,}",
        report.seconds_text(seconds),
        f"{solution.objective:.9f}",
        f"{solution.gap:.1e}",
        report.verdict(solution.gap <= MAX_GAP),
        str(len(solution.network.alphas)),
    ]


def cvxpy_case(program: ConvexProgram, cones: str) -> dict[str, Any]:
    """Build and solve one CVXPY model; the least seconds of three."""
    times: list[tuple[float, float]] = []
    for _ in range(3):
        start = time.perf_counter()
        problem = to_cvxpy(program, cones=cones)
        value = problem.solve(solver="CLARABEL")
        seconds = time.perf_counter() - start
        times.append((seconds, problem.solver_stats.solve_time))
    return {
        "rows": sum(constraint.size for constraint in problem.constraints),
        "seconds": min(total for total, _ in times),
        "inner": min(inner for _, inner in times),
        "value": float(value),
    }


def compare_cones(beta: float) -> tuple[list[list[str]], str]:
    """Return the table's lines and a sentence on the ratios, for (20, 3)."""
    program = instance(20, 3, beta)
    lower = solve(program).lower_bound
    results = {cones: cvxpy_case(program, cones) for cones in ("rows", "facets")}
    lines = [
        [
            cones,
            f"{beta:g}",
            f"{result['rows']:,}",
            report.seconds_text(result["seconds"]),
            report.seconds_text(result["inner"]),
            f"{result['value']:.9f}",
            f"{result['value'] / lower - 1.0:+.1e}",
        ]
        for cones, result in results.items()
    ]
    rows, facets = results["rows"], results["facets"]
    difference = abs(rows["value"] - facets["value"]) / abs(facets["value"])
    if difference > MAX_GAP:
        raise SystemExit(f"the two models differ by {difference:.1e}.")
    ratios = [rows[key] / facets[key] for key in ("rows", "seconds", "inner")]
    sentence = (
        f"beta {beta:g}: {ratios[0]:.2f} times fewer rows (goal "
        f"{MIN_ROW_RATIO:g}: {report.verdict(ratios[0] >= MIN_ROW_RATIO)}); "
        f"{ratios[1]:.2f} times faster in all (goal {MIN_TIME_RATIO:g}: "
        f"{report.verdict(ratios[1] >= MIN_TIME_RATIO)}), {ratios[2]:.2f} times in "
        f"Clarabel; objectives {difference:.1e} apart."
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
