"""The certified optimum beside what others reach: seconds, memory, true gap.

``python bench/bench_solve.py [--quick] [--full] [--pyscnn PYTHON] [--plot FILE]``

First table: this solver on seeded instances, against goals in seconds and certified
gap.  Second: the same problem by CVXPY with Clarabel on the full program (each cone by
all rows, or by its facets), sampled patterns with an exact solve, Adam from ten starts
and pyscnn (``--pyscnn`` names an interpreter that has it).  The *true* gap is the
excess over the certified lower bound.  Third: real data (``ARRANGEMENT_DATA`` for those
that are not shipped).  ``--full`` adds what takes minutes (CVXPY at 100 rows).

Instances: ``X = [Gaussian(n, r - 1), 1]``, targets of a planted network of three ReLU
neurons, plus noise of size 0.3.  Every method runs in a process of its own.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import report

report.add_paths()

from convex_solver import load_penguins  # noqa: E402

WORKER = Path(__file__).with_name("solve_worker.py")
SEED = 1
LIMIT = 900.0


@dataclass(frozen=True)
class Goal:
    """Seconds and certified gap to reach."""

    n: int
    r: int
    beta: float
    seconds: float
    gap: float


GOALS = (
    Goal(50, 3, 0.1, 0.2, 1e-9),
    Goal(100, 3, 0.1, 1.0, 1e-9),
    Goal(200, 3, 0.1, 6.0, 1e-9),
    Goal(50, 4, 0.1, 4.0, 1e-9),
    Goal(50, 3, 1e-3, 1.0, 1e-8),
    Goal(100, 3, 1e-3, 3.0, 1e-8),
    Goal(200, 3, 1e-3, 20.0, 1e-8),
    Goal(1000, 3, 0.1, 120.0, 1e-6),
    Goal(10000, 2, 0.1, 60.0, 1e-6),
    Goal(100, 5, 1.0, 300.0, 1e-4),
)
SPEED_GOAL = 200.0
GOAL_HEADER = (
    "(n, r), beta",
    "seconds",
    "goal",
    "",
    "certified gap",
    "goal",
    "",
    "MB",
    "rounds",
    "blocks",
    "cones",
    "neurons",
)
PEER_HEADER = ("problem", "method", "seconds", "MB", "objective", "true gap")


def instance(n: int, r: int, beta: float, seed: int = SEED) -> dict[str, Any]:
    """Return a question on data drawn from a seed."""
    random = np.random.default_rng([seed, n, r])
    X = np.column_stack([random.standard_normal((n, r - 1)), np.ones(n)])
    weights = random.standard_normal((r, 3))
    alphas = random.standard_normal(3)
    y = np.maximum(X @ weights, 0.0) @ alphas + 0.3 * random.standard_normal(n)
    return {"X": X.tolist(), "y": y.tolist(), "beta": beta}


def ask(method: str, question: dict[str, Any], python: str = sys.executable) -> Any:
    """Return the worker's answer, or in words why there is none."""
    return report.ask(WORKER, python, method, question, LIMIT)


def goal_line(goal: Goal) -> list[str]:
    """Solve one instance and compare it with its goals."""
    question = instance(goal.n, goal.r, goal.beta)
    answers = [ask("solve", dict(question, tol=goal.gap)) for _ in range(2)]
    for answer in answers:
        if isinstance(answer, str):
            raise SystemExit(f"{goal}: {answer}")
    answer = min(answers, key=lambda a: a["seconds"])
    memory = answer["memory"] / 1e6
    return [
        f"({goal.n:,}, {goal.r}), {goal.beta:g}",
        report.seconds_text(answer["seconds"]),
        f"{goal.seconds:g}",
        report.verdict(answer["seconds"] <= goal.seconds),
        f"{answer['gap']:.1e}",
        f"{goal.gap:g}",
        report.verdict(answer["gap"] <= goal.gap),
        f"{memory:.0f}" if memory < 1000 else f"{memory:.0f} MISSED",
        str(answer["rounds"]),
        str(answer["blocks"]),
        f"{answer['cones']:,}",
        str(answer["neurons"]),
    ]


def compare(
    name: str,
    question: dict[str, Any],
    methods: list[str],
    samples: tuple[int, ...],
    pyscnn: str | None,
) -> tuple[list[list[str]], dict[str, Any]]:
    """Return lines for every method, and our answer."""
    tried: list[tuple[str, str, dict[str, Any], str]] = [
        ("solve, certified", "solve", dict(question, tol=1e-9), sys.executable)
    ]
    titles = {
        "facets": "CVXPY + Clarabel, facets",
        "rows": "CVXPY + Clarabel, all rows",
        "adam": "Adam, 10 starts, 50 neurons",
    }
    tried += [(titles[m], m, question, sys.executable) for m in methods]
    for count in samples:
        title = f"{count:,} sampled patterns, exact"
        tried.append((title, "sampled", dict(question, samples=count), sys.executable))
    if pyscnn is not None:
        more = dict(question, samples=1000)
        tried.append(("pyscnn, 1,000 gates", "pyscnn", more, pyscnn))
    lines, ours = [], None
    for title, method, asked, python in tried:
        answer = ask(method, asked, python)
        if isinstance(answer, str):
            lines.append([name, title, answer, "-", "-", "-"])
            continue
        ours = answer if ours is None else ours
        excess = answer["objective"] / ours["lower"] - 1.0
        if excess < -1e-6:
            raise SystemExit(f"{title} is below the certified bound by {excess:.1e}.")
        lines.append(
            [
                name,
                title,
                report.seconds_text(answer["seconds"]),
                f"{answer['memory'] / 1e6:.0f}",
                f"{answer['objective']:.10g}",
                f"{excess:+.1e}",
            ]
        )
        if ours is not answer:
            lines[-1][2] += f" ({answer['seconds'] / ours['seconds']:.0f} x)"
    if ours is None:
        raise SystemExit(f"{name}: {lines[0][2]}")
    return lines, ours


def real_data() -> dict[str, tuple[dict[str, Any], float]]:
    """Return named questions with their tolerance."""
    X, y = load_penguins(("bill_length_mm", "bill_depth_mm"))
    kilograms = [float(value) / 1000.0 for value in y]
    common = {"standardize": True, "intercept": True, "floats": "decimal"}
    cases: dict[str, tuple[dict[str, Any], float]] = {}
    for beta in (1.0, 0.1):
        cases[f"penguins, two features, beta {beta:g}"] = (
            {"X": X, "y": kilograms, "beta": beta, **common},
            1e-8,
        )
    folder = report.data_folder()
    if folder is None:
        print(
            "ARRANGEMENT_DATA is not set: real data that are not shipped are left out."
        )
        return cases
    mcycle = np.load(folder / "mcycle.npz")
    ripley = np.load(folder / "ripley_synth.npz")
    haberman = np.load(folder / "haberman.npz")
    iris = np.load(folder / "iris.npz")
    for beta in (1.0, 0.1, 0.01):
        cases[f"mcycle, beta {beta:g}"] = (
            {
                "X": mcycle["X"].tolist(),
                "y": mcycle["y"].tolist(),
                "beta": beta,
                **common,
            },
            1e-8,
        )
        for loss in ("hinge", "logistic"):
            cases[f"ripley_synth, {loss}, beta {beta:g}"] = (
                {
                    "X": ripley["X"].tolist(),
                    "y": np.where(ripley["y"] > 0, 1, -1).tolist(),
                    "beta": beta,
                    "loss": loss,
                    "intercept": True,
                    "floats": "decimal",
                },
                1e-8,
            )
    classes = (np.asarray(haberman["y"]) == np.max(haberman["y"])) * 2 - 1
    cases["haberman, logistic, beta 1"] = (
        {
            "X": haberman["X"].tolist(),
            "y": classes.tolist(),
            "beta": 1.0,
            "loss": "logistic",
            **common,
        },
        1e-6,
    )
    cases["iris, four features, versicolor, hinge, beta 1"] = (
        {
            "X": iris["X"].tolist(),
            "y": np.where(iris["y"] == 1, 1, -1).tolist(),
            "beta": 1.0,
            "loss": "hinge",
            **common,
        },
        1e-4,
    )
    return cases


def real_line(name: str, question: dict[str, Any], tol: float) -> list[str]:
    """Return the line of one real problem."""
    answer = ask("solve", dict(question, tol=tol))
    if isinstance(answer, str):
        return [name, answer, *["-"] * 7]
    return [
        name,
        report.seconds_text(answer["seconds"]),
        f"{answer['memory'] / 1e6:.0f}",
        f"{answer['objective']:.10g}",
        f"{answer['gap']:.1e}",
        f"{tol:g}",
        report.verdict(answer["gap"] <= tol),
        f"{answer['cones']:,}",
        str(answer["neurons"]),
    ]


def plot(path: Path, histories: dict[str, dict[str, Any]]) -> None:
    """Draw upper bound and dual value less the optimum against seconds."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4.5))
    for k, (name, answer) in enumerate(histories.items()):
        history = np.array(answer["history"])
        best = answer["lower"]
        upper = np.maximum(history[:, 1] / best - 1.0, 1e-13)
        lower = np.maximum(1.0 - np.maximum.accumulate(history[:, 2]) / best, 1e-13)
        colour = f"C{k}"
        axes.semilogy(history[:, 0], upper, "-", color=colour, label=f"{name}: upper")
        axes.semilogy(history[:, 0], lower, "--", color=colour, label="dual value")
    axes.set_xlabel("seconds")
    axes.set_ylabel("distance from the optimum, relative")
    axes.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="instances up to 100 rows")
    parser.add_argument("--full", action="store_true", help="CVXPY at 100 rows too")
    parser.add_argument("--pyscnn", metavar="PYTHON", help="interpreter with pyscnn")
    parser.add_argument("--plot", metavar="FILE", type=Path, help="bounds against time")
    options = parser.parse_args()
    report.print_setting()
    if options.pyscnn is None:
        print("pyscnn is left out; --pyscnn names an interpreter that has it.\n")
    goals = [goal for goal in GOALS if goal.n <= 100 or not options.quick]
    print("Certified optimum, better of two runs\n")
    report.print_table(GOAL_HEADER, [goal_line(goal) for goal in goals])
    print("\nBeside others (seconds: their ratio to `solve`)\n", flush=True)
    lines, histories = [], {}
    for n, r, beta in ((20, 3, 0.1), (50, 3, 1e-3), (100, 3, 0.1)):
        methods = ["facets", "rows", "adam"]
        if n == 50:
            methods = ["facets", "adam"]
        if n == 100:
            methods = ["facets", "rows", "adam"] if options.full else ["adam"]
        more, ours = compare(
            f"({n}, {r}), {beta:g}",
            instance(n, r, beta),
            methods,
            (100, 1000, 10000),
            options.pyscnn,
        )
        lines += more
        histories[f"({n}, {r}), beta {beta:g}"] = ours
    report.print_table(PEER_HEADER, lines)
    print("\nReal data\n", flush=True)
    header = ("data", "seconds", "MB", "objective", "certified gap", "goal", "")
    report.print_table(
        (*header, "cones", "neurons"),
        [real_line(name, *case) for name, case in real_data().items()],
    )
    if options.plot is not None:
        plot(options.plot, histories)
        print(f"\nwritten {options.plot}")


if __name__ == "__main__":
    main()
