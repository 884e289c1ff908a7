"""Figure 2: SGD on five points of one dimension, beside the certified optimum.

X = -2, -1, 0, 1, 2 with a column of ones, labels 1, -1, 1, 1, -1, squared loss, beta
1e-4; m = 8, 15 and 50 neurons, ten starts of SGD each, and of Adam. The paper gives
neither batch nor step size nor length: here a batch is one sample, the first step comes
from the curvature at the start and falls along a cosine. "Approximate" is the convex
program over the patterns of a few random directions; there are only ten patterns, so
three directions are taken to see what missing patterns cost.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.harness import best_time, demand
from bench.paper import style
from bench.paper.common import (
    SHOWN,
    End,
    Options,
    Parts,
    Result,
    end_rows,
    thinned,
    warm_up,
)
from bench.paper.starts import end_of, n_stuck, network_of, searches
from convex_solver import ConvexProgram, approximate, solve

X = np.array([[x, 1.0] for x in (-2.0, -1.0, 0.0, 1.0, 2.0)])
Y = np.array([1.0, -1.0, 1.0, 1.0, -1.0])
BETA = 1e-4
WIDTHS = (8, 15, 50)
# What Table 1 of the paper prints as the objective of this optimum.
PRINTED = "0.001"
FEW = 3
# Multiples of the optimum above which starts are counted.
STUCK = (1.01, 1.1, 2.0, 100.0)


def optimum(tol: float) -> dict[str, Any]:
    """Return the certified optimum, timed, and the approximation by few patterns."""
    warm_up()
    program = ConvexProgram(X, Y, BETA)
    seconds, _, solution = best_time(lambda: solve(program, tol=tol))
    found: dict[str, Any] = {
        "objective": solution.objective,
        "lower_bound": solution.lower_bound,
        "status": solution.status.value,
        "seconds": seconds,
        "weights": solution.network.weights,
        "alphas": solution.network.alphas,
    }
    few = approximate(program, n_directions=FEW, bound=solution)
    found["few"] = {
        "objective": few.objective,
        "seconds": few.seconds,
        "n_patterns": few.n_patterns,
        "weights": few.network.weights,
        "alphas": few.network.alphas,
    }
    return found


def run(options: Options) -> Result:
    result = Result("toy_1d")
    parts = Parts(result, options)
    n_starts = 3 if options.quick else 10
    lengths = {"sgd": 2_000, "adam": 500} if options.quick else None
    lengths = lengths or {"sgd": 20_000, "adam": 5_000}
    settings: dict[str, Any] = {"beta": BETA, "tol": 1e-9, "few": FEW}
    best = parts.part("optimum", settings, lambda: optimum(1e-9))
    demand(best["status"] == "optimal", "Figure 2: no certificate.")
    demand(
        f"{best['objective']:.3f}" == PRINTED,
        f"Figure 2: {best['objective']!r} is not {PRINTED}, as Table 1 prints it.",
    )
    program = ConvexProgram(X, Y, BETA)
    trained: dict[int, dict[str, Any]] = {}
    lower = best["lower_bound"]
    for m in WIDTHS:
        problem = f"Figure 2, m = {m}"
        for method, label in (("sgd", "SGD"), ("adam", "Adam")):
            how = {"method": method, "n_neurons": m, "steps": lengths[method]}
            how |= {"batch_size": 1} if method == "sgd" else {}
            found = parts.part(
                f"{method} m={m}",
                how | {"n_starts": n_starts, "beta": BETA},
                lambda how=how: searches(program, n_starts, **how),
            )
            trained.setdefault(m, {})[method] = found
            result.end(end_of(problem, method, label, found, lower))
        result.end(*_ends_of_optimum(problem, best))
    _tables(result, trained, best, n_starts)
    _keep(result, trained, best)
    result.pictures += style.save(_picture(trained, best), options.output, "toy_1d")
    return result


def _ends_of_optimum(problem: str, best: dict[str, Any]) -> list[End]:
    few, lower = best["few"], best["lower_bound"]
    name = f"Approximate, {few['n_patterns']} of 10 patterns"
    return [
        End(
            problem, "approximate", name, few["objective"], lower, float(few["seconds"])
        ),
        End(problem, "optimal", "Optimal", best["objective"], lower, best["seconds"]),
    ]


def _tables(
    result: Result, trained: dict[int, Any], best: dict[str, Any], n_starts: int
) -> None:
    result.table(
        "Figure 2: where the methods end",
        end_rows(result.ends),
        formats=SHOWN,
        note="Objective of the best start, seconds of all starts. The optimum does not "
        "depend on m: it has "
        f"{len(best['alphas'])} neurons.",
    )
    rows = [
        {"neurons m": m, "method": label}
        | {
            f"above {factor:g} x": n_stuck(found[method], best["objective"], factor)
            for factor in STUCK
        }
        for m, found in trained.items()
        for method, label in (("sgd", "SGD"), ("adam", "Adam"))
    ]
    result.table(
        f"How many of {n_starts} starts end above so many times the optimum", rows
    )


def _keep(result: Result, trained: dict[int, Any], best: dict[str, Any]) -> None:
    result.raw["optimum"] = best
    result.raw["ends of starts"] = {
        f"m = {m}": {
            method: [start["objective"] for start in found["starts"]]
            for method, found in methods.items()
        }
        for m, methods in trained.items()
    }


def _picture(trained: dict[int, Any], best: dict[str, Any]) -> Any:
    figure, axes = style.canvas(2, len(trained), size=(10.0, 6.4), sharey="row")
    grid = np.linspace(-2.4, 2.4, 193)
    design = np.column_stack([grid, np.ones_like(grid)])
    sgd, few = style.METHODS["sgd"], style.METHODS["approximate"]
    optimal, bound = style.METHODS["optimal"], style.METHODS["bound"]
    for column, (m, methods) in enumerate(trained.items()):
        above, below = axes[0, column], axes[1, column]
        for k, start in enumerate(methods["sgd"]["starts"]):
            steps, objective = thinned(
                np.maximum(start["curve"]["steps"], 1), start["curve"]["objective"]
            )
            above.plot(
                steps, objective, label="" if k else "SGD, each start", **sgd.trace()
            )
            outputs = network_of(start).predict(design)
            below.plot(grid, outputs, label="" if k else "_", **sgd.trace())
        above.axhline(
            best["few"]["objective"],
            label="Approximate (convex, few patterns)",
            **few.trace(linewidth=1.4, alpha=1.0, linestyle="-."),
        )
        above.axhline(
            best["lower_bound"],
            label="certified optimum",
            **bound.trace(linewidth=1.6, alpha=1.0),
        )
        above.set_xscale("log")
        above.set_yscale("log")
        style.dress(above, title=f"m = {m} neurons", x="step of SGD")
        below.plot(
            grid,
            network_of(best["few"]).predict(design),
            **few.trace(linewidth=1.4, alpha=1.0, linestyle="-."),
        )
        below.plot(
            grid,
            network_of(best).predict(design),
            **optimal.trace(linewidth=2.0, alpha=1.0, linestyle=bound.line),
        )
        below.plot(
            X[:, 0],
            Y,
            linestyle="none",
            marker="o",
            markersize=6.5,
            color=style.INK,
            markeredgecolor="white",
            label="data",
            zorder=5,
        )
        below.set_ylim(-2.4, 2.4)
        style.dress(below, x="x")
    style.dress(axes[0, 0], y="objective (no unit)")
    style.dress(axes[1, 0], y="output f(x)")
    style.legend_below(figure, axes)
    return figure
