"""What others use in place of the exact program: objective, time and true gap.

Seeded problems whose certified optimum is known: gradient descent, SGD and Adam from
ten starts, and the program over some patterns (Gaussian, Alg1 to Alg3). The true gap is
``(objective - certified bound) / objective``; nothing may be below the bound. And image
patches as in Figure 10 of Pilanci & Ergen (2020), where there is no exact bound, but
Alg1 must beat the gradient descent whose patterns it takes.
"""

from __future__ import annotations

import time

from bench import instances
from bench.harness import Options, Report, Row, demand
from convex_solver import (
    Approximation,
    ConvexProgram,
    SolutionStatus,
    Training,
    alg1,
    alg2,
    alg3,
    approximate,
    extract_patches,
    solve,
    train,
)

SMALL = ((20, 3, 0.1), (50, 3, 1e-2), (100, 4, 1.0))
TITLES = {"gd": "gradient descent", "sgd": "SGD, momentum 0.9", "adam": "Adam"}
# Images, and filters or clusters; the relative gap of the restricted programs.
PATCHES = (195, 50)
PATCH_TOL = 1e-3
SHOWN = {"objective": ".8g", "true gap": ".1e"}


def planted(n: int, r: int, beta: float) -> ConvexProgram:
    asked = instances.planted_network(n, r, beta)
    return ConvexProgram(asked["X"], asked["y"], beta)


def row(
    name: str, title: str, found: Training | Approximation, lower: float | None
) -> Row:
    """Return a row of the table, its gap checked against the certified bound."""
    gap = None
    if lower is not None:
        demand(found.objective >= lower, f"{name}, {title}: below the certified bound.")
        gap = 1.0 - lower / found.objective
    return {
        "problem": name,
        "method": title,
        "seconds": found.seconds,
        "objective": found.objective,
        "true gap": gap,
        "patterns": found.n_patterns if isinstance(found, Approximation) else None,
    }


def small_rows(n: int, r: int, beta: float, steps: int) -> list[Row]:
    """Return the rows of one problem with a known optimum."""
    name = f"({n}, {r}), {beta:g}"
    program = planted(n, r, beta)
    begin = time.perf_counter()
    solution = solve(program, tol=1e-8)
    seconds = time.perf_counter() - begin
    demand(solution.status is SolutionStatus.OPTIMAL, f"{name}: no certificate.")
    lower = solution.lower_bound
    rows: list[Row] = [
        {
            "problem": name,
            "method": "certified",
            "seconds": seconds,
            "objective": solution.objective,
            "true gap": solution.gap,
            "patterns": "all",
        }
    ]
    for method, title in TITLES.items():
        found = train(program, method=method, n_starts=10, steps=steps)
        rows.append(row(name, f"{title}, 10 starts", found, lower))
    descent = train(program, method="gd", steps=steps, record=100)
    common = {"bound": solution}
    tried: dict[str, Approximation] = {
        "100 Gaussian directions": approximate(program, n_directions=100, **common),
        "1,000 Gaussian directions": approximate(program, **common),
        "Alg1 (of one GD start)": alg1(
            program, training=descent, n_clusters=min(50, n), **common
        ),
        "Alg2, 1,000 directions": alg2(program, **common),
        "Alg3 (of one GD start)": alg3(program, training=descent, **common),
    }
    rows += [row(name, title, found, lower) for title, found in tried.items()]
    return rows


def figure_10(n: int, size: int) -> tuple[str, list[Row]] | None:
    """Return the rows of image patches, with as many filters as clusters."""
    found = instances.images(n)
    if found is None:
        return None
    X = extract_patches(found[0] / 256.0 - 0.5, (4, 4), stride=4)
    begin = time.perf_counter()
    program = ConvexProgram(X, found[1], 0.1)
    reading = time.perf_counter() - begin
    rows, d = program.X.shape
    title = (
        f"{n} images, {rows:,} patches of {d} numbers, rank {program.rank}, beta 0.1, "
        f"{size} filters and clusters, read exactly in {reading:.1f} s"
    )
    trained = {
        name: train(program, method=method, n_neurons=size, steps=500, record=250)
        for method, name in TITLES.items()
    }
    lines = [row("images", f"{k}, one start", v, None) for k, v in trained.items()]
    descent, tol = trained["gradient descent"], {"tol": PATCH_TOL}
    tried: dict[str, Approximation] = {
        f"{2 * size} Gaussian directions": approximate(
            program, n_directions=2 * size, **tol
        ),
        "Alg1 (of that GD start)": alg1(
            program, training=descent, n_clusters=size, **tol
        ),
        f"Alg2, {2 * size} directions": alg2(program, n_directions=2 * size, **tol),
        "Alg3 (of that GD start)": alg3(program, training=descent, **tol),
    }
    best = tried["Alg1 (of that GD start)"].objective
    demand(best < descent.objective, "Alg1 does not beat gradient descent.")
    lines += [row("images", title, one, None) for title, one in tried.items()]
    return title, lines


def run(options: Options, report: Report) -> None:
    train(planted(10, 2, 0.1), steps=2)
    approximate(planted(10, 2, 0.1), n_directions=5)
    steps = 1000 if options.quick else 5000
    lines: list[Row] = []
    for case in SMALL[: 1 if options.quick else None]:
        lines += small_rows(*case, steps)
    report.table("Against the certified optimum", lines, formats=SHOWN)
    figure = None if options.quick else figure_10(*PATCHES)
    if figure is not None:
        report.table(*figure, formats=SHOWN)
