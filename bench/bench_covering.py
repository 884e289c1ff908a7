"""How far a certificate goes: cones of the covering against chambers of a listing.

``python bench/bench_covering.py [--limit SECONDS]``.  Each program is solved (to 1e-4,
which takes its own time), and the price of its dual point is then bounded by a covering
of the sphere to 1e-9: what a listing would have to price is Cover's bound, what the
covering visits is its cones, and the share that is never visited is what branch and
bound prunes.  Where both ways are quick their bounds are compared.  Real data need
``ARRANGEMENT_DATA``, except the penguins.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
import report

report.add_paths()

from bench_solve import instance, real_data  # noqa: E402

from convex_solver import ConvexProgram, certify, solve  # noqa: E402
from convex_solver.covering import cover_sphere  # noqa: E402

SHAPES = (
    (50, 3, 0.1),
    (200, 3, 0.1),
    (1000, 3, 0.1),
    (50, 4, 0.1),
    (200, 4, 0.1),
    (700, 4, 1.0),
    (50, 5, 0.1),
    (100, 5, 1.0),
    (200, 5, 1.0),
    (50, 6, 1.0),
    (100, 6, 1.0),
    (30, 7, 1.0),
)
HEADER = (
    "problem",
    "chambers, at most",
    "solve, s",
    "estimated gap",
    "cones",
    "covering, s",
    "cones / chambers",
    "bound / beta - 1",
)
MAX_CONES = 3 * 10**7
LISTED = 30_000


def line(name: str, program: ConvexProgram, limit: float) -> list[str]:
    """Solve, cover, and compare with a listing where that is quick."""
    start = time.perf_counter()
    solution = solve(program, tol=1e-4, time_limit=limit, max_cones=10**6)
    seconds = time.perf_counter() - start
    v = solution.certificate.dual
    bound = solution.certificate.cover_bound
    start = time.perf_counter()
    found = cover_sphere(
        program.X,
        v,
        X_error=program.data.X_error,
        floor=program.beta * (1.0 - 1e-3),
        rtol=1e-9,
        hints=solution.network.weights,
        max_cones=MAX_CONES,
    )
    covering = time.perf_counter() - start
    if bound <= LISTED:
        X, y = program.raw
        options: dict[str, Any] = {"loss": program.loss, "floats": program.floats}
        other = certify(
            solution.network, X, y, program.beta, dual=v, method="chambers", **options
        )
        if other.max_price > found.bound * (1.0 + 1e-8):
            raise SystemExit(f"{name}: the listing finds a larger price.")
    reached = "" if found.is_reached else " (budget)"
    return [
        name,
        f"{bound:,}" if bound < 10**10 else f"{float(bound):.1e}",
        report.seconds_text(seconds),
        f"{solution.history[-1].gap:.0e}" if solution.history else "-",
        f"{found.n_cones:,}{reached}",
        report.seconds_text(covering),
        f"{found.n_cones / bound:.1e}",
        f"{found.bound / program.beta - 1.0:+.0e}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--limit", type=float, default=60.0, help="seconds to solve each (default 60)"
    )
    options = parser.parse_args()
    report.print_setting()
    solve(ConvexProgram(np.eye(3), [1.0, 2.0, 3.0], 0.1))  # compilation
    lines = []
    for n, r, beta in SHAPES:
        asked = instance(n, r, beta)
        program = ConvexProgram(asked["X"], asked["y"], beta)
        lines.append(line(f"({n}, {r}), {beta:g}", program, options.limit))
        print(lines[-1], flush=True)
    for name, (asked, _) in real_data().items():
        names = ("loss", "standardize", "intercept", "floats")
        chosen = {key: asked[key] for key in names if key in asked}
        program = ConvexProgram(asked["X"], asked["y"], asked["beta"], **chosen)
        lines.append(line(name, program, options.limit))
    print()
    report.print_table(HEADER, lines)


if __name__ == "__main__":
    main()
