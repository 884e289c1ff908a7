"""What others use in place of the exact program: objective, time and true gap.

``python bench/bench_approximations.py [--quick] [--sceptic [--starts N]]``

First table: seeded problems whose certified optimum is known.  Gradient descent, SGD
and Adam from ten starts, and the program over some patterns (Gaussian, Alg1 to Alg3);
the *true gap* is ``(objective - certified bound) / objective``.  Second: image patches
as in Figure 10 of Pilanci & Ergen (2020), where there is no exact bound
(``ARRANGEMENT_DATA`` names the folder of the images); ``--quick`` takes 40 of the 195.

``--sceptic`` instead: 1,000 starts of Adam on each of 20 instances for every loss
beside the certified optimum; it fails if one start beats the certified lower bound, and
shows on how many instances the best is within 1% of the optimum.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import report

report.add_paths()

from convex_solver import ConvexProgram, SolutionStatus, solve  # noqa: E402
from convex_solver.approximations import (  # noqa: E402
    Approximation,
    alg1,
    alg2,
    alg3,
    approximate,
)
from convex_solver.baselines import Training, train  # noqa: E402
from convex_solver.losses import LOSSES  # noqa: E402
from convex_solver.patches import extract_patches  # noqa: E402

from reference.local_search import N_INSTANCES, instance  # noqa: E402

SEED = 1
SMALL = ((20, 3, 0.1), (50, 3, 0.1), (50, 3, 1e-2), (100, 4, 1.0))
TITLES = {"gd": "gradient descent", "sgd": "SGD, momentum 0.9", "adam": "Adam"}
SCEPTIC_TOL = 1e-9
# Images, and filters or clusters; the relative gap of the restricted programs.
PATCHES, QUICK_PATCHES = (195, 50), (40, 10)
PATCH_TOL = 1e-3
HEADER = ("problem", "method", "seconds", "objective", "true gap", "patterns")


def planted(n: int, r: int, beta: float) -> ConvexProgram:
    """Return a program on ``[Gaussian, 1]`` with targets of a planted network."""
    random = np.random.default_rng([SEED, n, r])
    X = np.column_stack([random.standard_normal((n, r - 1)), np.ones(n)])
    hidden = np.maximum(X @ random.standard_normal((r, 3)), 0.0)
    y = hidden @ random.standard_normal(3) + 0.3 * random.standard_normal(n)
    return ConvexProgram(X, y, beta)


def line(
    name: str,
    title: str,
    seconds: float,
    found: Training | Approximation,
    lower: float | None,
) -> list[str]:
    """Return one line of the table, its gap checked against the certified bound."""
    gap = "unknown"
    if lower is not None:
        if found.objective < lower:
            raise SystemExit(f"{name}, {title}: below the certified bound.")
        gap = f"{1.0 - lower / found.objective:.1e}"
    patterns = f"{found.n_patterns:,}" if isinstance(found, Approximation) else "-"
    shown = report.seconds_text(seconds)
    return [name, title, shown, f"{found.objective:.8g}", gap, patterns]


def small_lines(n: int, r: int, beta: float) -> list[list[str]]:
    """Return the lines of one problem with a known optimum."""
    name = f"({n}, {r}), {beta:g}"
    program = planted(n, r, beta)
    begin = time.perf_counter()
    solution = solve(program, tol=1e-8)
    seconds = time.perf_counter() - begin
    if solution.status is not SolutionStatus.OPTIMAL:
        raise SystemExit(f"{name}: no certificate.")
    lower = solution.lower_bound
    gap = f"{solution.gap:.1e}"
    shown = report.seconds_text(seconds)
    lines = [[name, "certified", shown, f"{solution.objective:.8g}", gap, "all"]]
    for method, title in TITLES.items():
        found = train(program, method=method, n_starts=10, steps=5000)
        lines.append(line(name, f"{title}, 10 starts", found.seconds, found, lower))
    descent = train(program, method="gd", steps=5000, record=100)
    tried = {
        "100 Gaussian directions": lambda: approximate(
            program, n_directions=100, bound=solution
        ),
        "1,000 Gaussian directions": lambda: approximate(program, bound=solution),
        "Alg1 (of one GD start)": lambda: alg1(
            program, training=descent, n_clusters=min(50, n), bound=solution
        ),
        "Alg2, 1,000 directions": lambda: alg2(program, bound=solution),
        "Alg3 (of one GD start)": lambda: alg3(
            program, training=descent, bound=solution
        ),
    }
    for title, work in tried.items():
        approximation = work()
        lines.append(line(name, title, approximation.seconds, approximation, lower))
    return lines


def figure_10(n: int, size: int) -> list[list[str]]:
    """Return the lines of image patches, with as many filters as clusters."""
    folder = report.data_folder()
    if folder is None:
        raise SystemExit("ARRANGEMENT_DATA is not set: there are no images.")
    file = np.load(folder / "cifar10_airplane_automobile.npz")
    images = file["X"][:n].astype(np.float64) / 256.0 - 0.5
    X = extract_patches(images, (4, 4), stride=4)
    begin = time.perf_counter()
    program = ConvexProgram(X, file["y"][:n].astype(np.float64), 0.1)
    reading = time.perf_counter() - begin
    rows, d = program.X.shape
    print(
        f"{n} images, {rows:,} patches of {d} numbers, rank {program.rank}, beta 0.1, "
        f"{size} filters and clusters; read exactly in {reading:.0f} s\n",
        flush=True,
    )
    name, lines = f"{n} images", []
    trained = {
        method: train(program, method=method, n_neurons=size, steps=500, record=250)
        for method in TITLES
    }
    for method, title in TITLES.items():
        found = trained[method]
        lines.append(line(name, f"{title}, one start", found.seconds, found, None))
    descent = trained["gd"]
    tried = {
        f"{2 * size} Gaussian directions": lambda: approximate(
            program, n_directions=2 * size, tol=PATCH_TOL
        ),
        "Alg1 (of that GD start)": lambda: alg1(
            program, training=descent, n_clusters=size, tol=PATCH_TOL
        ),
        f"Alg2, {2 * size} directions": lambda: alg2(
            program, n_directions=2 * size, tol=PATCH_TOL
        ),
        "Alg3 (of that GD start)": lambda: alg3(
            program, training=descent, tol=PATCH_TOL
        ),
    }
    for title, work in tried.items():
        approximation = work()
        lines.append(line(name, title, approximation.seconds, approximation, None))
        if title.startswith("Alg1") and approximation.objective >= descent.objective:
            raise SystemExit("Alg1 does not beat gradient descent.")
    return lines


def sceptic_line(loss: str, n_starts: int) -> list[str]:
    """Compare all starts on all instances of one loss with the certified optimum."""
    begin = time.perf_counter()
    excesses, gaps = [], []
    for k in range(N_INSTANCES):
        X, y, beta = instance(loss, k)
        program = ConvexProgram(X, y, beta, loss=loss)
        solution = solve(program, tol=SCEPTIC_TOL)
        if solution.status is not SolutionStatus.OPTIMAL:
            raise SystemExit(f"{loss}, instance {k}: gap {solution.gap:.1e}.")
        found = train(program, n_neurons=15, n_starts=n_starts, steps=1000, seed=k)
        excesses.append(found.objectives / solution.objective - 1.0)
        gaps.append(solution.gap)
        if found.objectives.min() < solution.lower_bound:
            raise SystemExit(f"{loss}, instance {k}: a start beats the optimum.")
    best = np.min(excesses, axis=1)
    share = float(np.mean(best <= 0.01))
    return [
        loss,
        f"{np.size(excesses):,}",
        f"{max(gaps):.0e}",
        f"{best.min():+.1e}",
        f"{np.median(best):.1e}",
        f"{best.max():.1e}",
        f"{share:.0%}",
        report.verdict(share >= 0.5),
        f"{np.mean(np.array(excesses) <= 0.01):.0%}",
        report.seconds_text(time.perf_counter() - begin),
    ]


SCEPTIC_HEADER = (
    "loss",
    "starts",
    "largest gap",
    "best excess: least",
    "median",
    "largest",
    "within 1%",
    "",
    "starts within 1%",
    "seconds",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="smaller problems")
    parser.add_argument("--sceptic", action="store_true", help="starts against optima")
    parser.add_argument("--starts", type=int, default=1000, help="of each instance")
    parser.add_argument("--loss", choices=LOSSES, help="this loss only (--sceptic)")
    options = parser.parse_args()
    report.print_setting()
    if options.sceptic:
        losses = [options.loss] if options.loss else LOSSES
        rows = [sceptic_line(loss, options.starts) for loss in losses]
        report.print_table(SCEPTIC_HEADER, rows)
        return
    train(planted(10, 2, 0.1), steps=2)  # compiles
    approximate(planted(10, 2, 0.1), n_directions=5)
    lines: list[list[str]] = []
    for case in SMALL[: 2 if options.quick else None]:
        lines += small_lines(*case)
    report.print_table(HEADER, lines)
    print("\nImage patches, 4 x 4 x 3 with stride 4, pixels / 256 - 1/2\n", flush=True)
    report.print_table(
        HEADER, figure_10(*(QUICK_PATCHES if options.quick else PATCHES))
    )


if __name__ == "__main__":
    main()
