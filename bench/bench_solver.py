"""The certified optimum beside what others reach: seconds, memory, true gap.

``X = [Gaussian(n, r - 1), 1]``, targets of a planted network of three ReLU neurons,
plus noise of size 0.3; and real data. Seconds include the certificate. Every method
runs in a process of its own, whose peak memory is shown, after small problems that
compile. Beside others: the same problem by CVXPY with Clarabel on the full program
(each cone by all rows, or by its facets), sampled patterns with an exact solve, Adam
from ten starts and pyscnn (``--peer pyscnn=PYTHON``). The true gap is the excess over
the certified lower bound, which no answer may be below.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from bench import instances
from bench.harness import Options, Report, Row, ask, demand

# n, r, beta; goals in seconds and certified gap
GOALS = (
    (50, 3, 0.1, 0.2, 1e-9),
    (100, 3, 0.1, 1.0, 1e-9),
    (50, 4, 0.1, 4.0, 1e-9),
    (50, 3, 1e-3, 1.0, 1e-8),
    (200, 3, 0.1, 6.0, 1e-9),
    (100, 3, 1e-3, 3.0, 1e-8),
    (200, 3, 1e-3, 20.0, 1e-8),
    (1000, 3, 0.1, 120.0, 1e-6),
    (10_000, 2, 0.1, 60.0, 1e-6),
    (100, 5, 1.0, 300.0, 1e-4),
)
N_QUICK = 3
SECONDS = "seconds to a certified optimum"
GAP = "certified gap over what was asked"
MEMORY = "peak MB"
REAL_GAP = "real data: certified gap over what was asked"
TIMES = "CVXPY on the full program: times our seconds"
MOST_MB, FULL_TIMES = 1000.0, 200.0
TITLES = {
    "facets": "CVXPY + Clarabel, facets",
    "rows": "CVXPY + Clarabel, all rows",
    "adam": "Adam, 10 starts, 50 neurons",
}
COMPARED = (
    (20, 3, 0.1, ("facets", "rows", "adam")),
    (50, 3, 1e-3, ("facets", "adam")),
    (100, 3, 0.1, ("adam", "rows")),
)
SHOWN = {"objective": ".10g", "gap": ".1e", "asked": ".0e", "true gap": "+.1e"}


def solved(name: str, question: dict[str, Any], limit: float) -> dict[str, Any]:
    answer = ask("solve", "solve", question, limit)
    if isinstance(answer, str):
        raise RuntimeError(f"{name}: {answer}")
    demand(
        answer["lower"] <= answer["objective"] and answer["gap"] >= 0.0,
        f"{name}: the bounds {answer['lower']}, {answer['objective']} cross.",
    )
    return answer


def goal_row(goal: tuple[Any, ...], options: Options, report: Report) -> Row:
    """Solve one instance, keep the better of two runs, compare it with its goals."""
    n, r, beta, most, gap = goal
    name = f"({n:,}, {r}), {beta:g}"
    question = dict(instances.planted_network(n, r, beta), tol=gap)
    answers = [solved(name, question, options.limit) for _ in range(2)]
    answer = min(answers, key=lambda one: one["seconds"])
    memory = answer["memory"] / 1e6
    return {
        "(n, r), beta": name,
        "seconds": answer["seconds"],
        "goal": most,
        "met": report.goal(SECONDS, name, answer["seconds"], most),
        "gap": answer["gap"],
        "asked": gap,
        "met gap": report.goal(GAP, name, answer["gap"] / gap, 1.0),
        "MB": round(memory),
        "met MB": report.goal(MEMORY, name, memory, MOST_MB),
        **counted(answer),
    }


def counted(answer: dict[str, Any]) -> Row:
    return {key: answer[key] for key in ("rounds", "blocks", "cones", "neurons")}


def methods(
    case: tuple[Any, ...], options: Options
) -> list[tuple[str, str, dict[str, Any], str]]:
    """Return titles, workers' methods, questions and interpreters."""
    n, r, beta, others = case
    question = instances.planted_network(n, r, beta)
    here = sys.executable
    tried = [("solve, certified", "solve", dict(question, tol=1e-9), here)]
    if options.quick:
        others = others[:2]
    tried += [(TITLES[name], name, question, here) for name in others]
    for count in (100,) if options.quick else (100, 1000, 10_000):
        more = dict(question, samples=count)
        tried.append((f"{count:,} sampled patterns, exact", "sampled", more, here))
    if "pyscnn" in options.peers:
        more = dict(question, samples=1000)
        tried.append(("pyscnn, 1,000 gates", "pyscnn", more, options.peers["pyscnn"]))
    return tried


def compare(
    case: tuple[Any, ...], options: Options, report: Report
) -> tuple[list[Row], dict[str, Any]]:
    """Return a row for every method, and our answer."""
    n, r, beta, _ = case
    name = f"({n}, {r}), {beta:g}"
    rows: list[Row] = []
    ours: dict[str, Any] = {}
    for title, method, question, python in methods(case, options):
        answer = ask("solve", method, question, options.limit, python)
        if isinstance(answer, str):
            demand(bool(ours), f"{name}: {answer}")
            none = dict.fromkeys(("times solve", "MB", "objective", "true gap"))
            rows.append({"problem": name, "method": title, "seconds": answer, **none})
            continue
        ours = ours or answer
        excess = answer["objective"] / ours["lower"] - 1.0
        # Clarabel's optimum is feasible to its tolerance only
        demand(
            excess >= -1e-6, f"{title} is below the certified bound by {excess:.1e}."
        )
        times = answer["seconds"] / ours["seconds"]
        if method == "rows" and n == 100:
            report.goal(TIMES, name, times, FULL_TIMES, at_least=True)
        rows.append(
            {
                "problem": name,
                "method": title,
                "seconds": answer["seconds"],
                "times solve": times,
                "MB": round(answer["memory"] / 1e6),
                "objective": answer["objective"],
                "true gap": excess,
            }
        )
    return rows, ours


def real_row(
    name: str, question: dict[str, Any], tol: float, options: Options, report: Report
) -> Row:
    answer = solved(name, dict(question, tol=tol), options.limit)
    return {
        "data": name,
        "seconds": answer["seconds"],
        "MB": round(answer["memory"] / 1e6),
        "objective": answer["objective"],
        "gap": answer["gap"],
        "asked": tol,
        "met": report.goal(REAL_GAP, name, answer["gap"] / tol, 1.0),
        **counted(answer),
    }


def plot(path: Path, histories: dict[str, dict[str, Any]]) -> None:
    """Draw upper bound and dual value less the optimum against seconds."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), dpi=80, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for k, (name, answer) in enumerate(histories.items()):
        history = np.array(answer["history"])
        best = answer["lower"]
        upper = np.maximum(history[:, 1] / best - 1.0, 1e-13)
        lower = np.maximum(1.0 - history[:, 2] / best, 1e-13)
        colour = f"C{k}"
        axes.semilogy(history[:, 0], upper, "-", color=colour, label=f"{name}: upper")
        axes.semilogy(history[:, 0], lower, "--", color=colour, label="certified bound")
    axes.set_xlabel("seconds")
    axes.set_ylabel("distance from the optimum, relative")
    axes.legend(fontsize=8)
    figure.savefig(path, metadata={"Software": None})


def run(options: Options, report: Report) -> None:
    goals = GOALS[:N_QUICK] if options.quick else GOALS
    rows = [goal_row(goal, options, report) for goal in goals]
    report.table("Certified optimum, better of two runs", rows, formats=SHOWN)
    lines, histories = [], {}
    for case in COMPARED[: 1 if options.quick else None]:
        more, ours = compare(case, options, report)
        lines += more
        histories["({}, {}), beta {:g}".format(*case)] = ours
    report.table("Beside others", lines, formats=SHOWN)
    questions = instances.real_problems(quick=options.quick)
    rows = [real_row(name, *case, options, report) for name, case in questions.items()]
    report.table("Real data", rows, formats=SHOWN)
    if options.plots is not None:
        plot(options.plots / "bounds.png", histories)
        report.pictures.append("bounds.png")
