"""Tables, goal and picture of a regression."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.harness import Row
from bench.paper import style
from bench.paper.common import (
    SHOWN,
    End,
    Options,
    Result,
    end_rows,
)
from bench.paper.regression_cases import STARTS, WIDE, Case, Problem

GOAL = "excess of solve over the best of all others at equal time"
# Objectives that differ by less, relative, are equal.
EQUAL = 1e-9


def report(
    case: Case, problem: Problem, done: dict[str, dict[str, Any]], result: Result
) -> None:
    """Give ends, tables and the goal to the result."""
    starts = [done[f"sgd{k}"]["points"] for k in range(STARTS)]
    last = [points[-1] for points in starts if points]
    bound = max(point["bound"] for point in done["optimal"]["points"])

    def end(method: str, label: str, point: dict[str, Any], **more: Any) -> End:
        return End(
            problem=case.name,
            method=method,
            label=label,
            objective=point["objective"],
            lower_bound=bound,
            seconds=point["seconds"],
            test_error=point["error"],
            worst=more.get("worst"),
        )

    best = min(last, key=lambda point: point["objective"])
    worst = max(point["objective"] for point in last)
    total = sum(point["seconds"] for point in last)
    ends = [
        end("sgd", f"SGD, best of {STARTS}", best | {"seconds": total}, worst=worst)
    ]
    wide = done["adam"]["points"][-1]
    ends.append(
        end("adam", f"Adam, {WIDE} neurons, {STARTS}", wide, worst=wide["worst"])
    )
    for name in ("alg1", "alg2", "alg3"):
        point = done[name]["points"][-1]
        label = f"{style.METHODS[name].label}, {point['patterns']} patterns"
        ends.append(end(name, label, point))
    ours = done["optimal"]["points"][-1]
    ends.append(end("optimal", f"`solve`, {ours['neurons']} neurons", ours))
    result.end(*ends)
    others = min(one.objective for one in ends[:-1])
    excess = max(ours["objective"] / others - 1.0, 0.0)
    result.goal(GOAL, case.name, excess, EQUAL)
    n, d = problem.X.shape
    result.table(
        f"{case.title}: n = {n}, d = {d - 1} and ones, beta {problem.beta:.4g}",
        end_rows(ends),
        formats=SHOWN,
        note=f"Rate of SGD: {done['rate']['rate']:g} / n. Times as in the picture: "
        f"{case.seconds:g} s for every method and for each start of SGD; up to "
        f"{2 * case.seconds:g} s for Alg1 to Alg3.",
    )
    _more_tables(case, done, result)
    for row in done["components"]["points"]:
        name = f"{case.name}, {row['k']} components"
        label = f"`solve`, {row['k']} principal components"
        result.end(
            End(name, "optimal", label, row["objective"], row["bound"], row["seconds"])
        )
    result.raw = {
        "points": {name: one["points"] for name, one in done.items() if "points" in one}
    }
    result.raw["traces"] = [done[f"sgd{k}"]["trace"] for k in range(STARTS)]
    result.raw["bound"] = bound


def _more_tables(case: Case, done: dict[str, dict[str, Any]], result: Result) -> None:
    formats = {"objective": ".7g", "certified bound": ".7g", "certified gap": ".1e"}
    formats |= {"test error": ".4g", "variance kept": ".0%"}
    betas: list[Row] = [
        {
            "share of the largest beta": f"{row['share']:g}",
            "beta": row["beta"],
            "objective": row["objective"],
            "certified bound": row["bound"],
            "certified gap": row["gap"],
            "neurons": row["neurons"],
            "test error": row["error"],
        }
        for row in done["betas"]["points"]
    ]
    title = f"{case.title}: `solve` for {case.seconds:g} s, other weight decays"
    result.table(title, betas, formats=formats)
    components: list[Row] = [
        {
            "principal components": f"{row['k']} (rank {row['k'] + 1})",
            "variance kept": row["variance"],
            "seconds": row["seconds"],
            "objective": row["objective"],
            "certified bound": row["bound"],
            "certified gap": row["gap"],
            "status": row["status"],
            "test error": row["error"],
        }
        for row in done["components"]["points"]
    ]
    ours = done["optimal"]["points"][-1]
    components.append(
        {
            "principal components": "all features",
            "variance kept": 1.0,
            "seconds": ours["seconds"],
            "objective": ours["objective"],
            "certified bound": ours["bound"],
            "certified gap": ours["gap"],
            "status": "inaccurate" if ours["gap"] > 1e-6 else "optimal",
            "test error": ours["error"],
        }
    )
    result.table(
        f"{case.title}: rank reduction",
        components,
        formats=formats,
        note="The data are projected on their leading principal components and ones "
        "are appended; beta is that of the whole problem, of which each of these "
        "networks is one too.",
    )


def draw(
    case: Case, done: dict[str, dict[str, Any]], raw: dict[str, Any], options: Options
) -> list[str]:
    """Draw objective, excess over the least one, and test error against time."""
    figure, axes = style.canvas(1, 3, size=(12.0, 4.4))
    objective, excess, error = axes[0]
    named: dict[str, list[list[dict[str, Any]]]] = {
        "sgd": [done[f"sgd{k}"]["points"] for k in range(STARTS)],
        **{name: [done[name]["points"]] for name in ("adam", "alg1", "alg2", "alg3")},
        "optimal": [done["optimal"]["points"]],
    }
    every = [p for lines in named.values() for line in lines for p in line]
    least = min(point["objective"] for point in every)
    for trace in raw["traces"]:
        if trace:
            later = slice(1, None)  # the start is at no time
            objective.plot(
                trace["seconds"][later],
                trace["objective"][later],
                **style.METHODS["sgd"].trace(alpha=0.45),
            )
    for name, lines in named.items():
        look = style.METHODS[name]
        for k, line in enumerate(lines):
            label = "solve" if name == "optimal" else look.label
            label = label if k == 0 else None
            seconds = [point["seconds"] for point in line]
            options_ = look.curve(label=label, zorder=4 if name == "optimal" else 3)
            if name == "optimal":
                options_ |= {"markersize": 9, "linewidth": 1.8}
            values = np.array([point["objective"] for point in line])
            objective.plot(seconds, values, **options_)
            excess.plot(seconds, values / least - 1.0, **options_)
            error.plot(seconds, [point["error"] for point in line], **options_)
    ours = done["optimal"]["points"]
    objective.plot(
        [point["seconds"] for point in ours],
        [point["bound"] for point in ours],
        **style.METHODS["bound"].curve(label=style.METHODS["bound"].label),
    )
    for one in axes[0]:
        one.set_xscale("log")
    objective.set_yscale("log")
    excess.set_yscale("symlog", linthresh=1e-6)
    largest = max(point["objective"] for point in every) / least - 1.0
    excess.set_ylim(-2e-7, max(2.0 * largest, 2e-6))
    x = "seconds of one run"
    style.dress(objective, title="training objective", x=x, y="objective")
    title = "above the least objective of all"
    style.dress(excess, title=title, x=x, y="relative excess")
    style.dress(error, title="test error", x=x, y="mean square, of the variance")
    _limit_errors(error, every)
    style.log_ticks(*axes.flat)
    figure.suptitle(case.title, x=0.01, ha="left", fontsize=11, color=style.INK)
    style.legend_below(figure, axes, most=7)
    return style.save(figure, options.output, case.name)


def _limit_errors(axes: Any, points: list[dict[str, Any]]) -> None:
    """Leave out errors far above that of the mean, which would hide the others."""
    errors = np.array([point["error"] for point in points])
    shown = errors[errors <= max(1.1, 1.5 * float(np.min(errors)))]
    low, high = float(shown.min()), float(shown.max())
    margin = 0.06 * max(high - low, 1e-3)
    axes.set_ylim(low - margin, high + margin)
