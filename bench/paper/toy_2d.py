"""Figures 3 and 6: a classification in the plane, one negative beside the positives.

Made data, as the paper does not give its own: n = 50, two clouds of points, one of each
class, and a single negative close to the positives; a column of ones makes r = 3. Hinge
loss, beta 0.01, m = 50 neurons, ten starts of SGD (batches of 5) and of Adam.
"Approximate" is the convex program over the patterns of 100 random directions, of the
2,452 that there are. The certified optimum is timed without compilation, by the clock
and in seconds of CPU, which other work on the machine does not change; the paper
reports 118 s, with SDPT3 on its machine and its data.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.harness import best_time, demand
from bench.paper import style
from bench.paper.common import (
    SHOWN,
    End,
    Options,
    Parts,
    Result,
    accuracy,
    end_rows,
    thinned,
    warm_up,
)
from bench.paper.starts import end_of, network_of, searches
from convex_solver import ConvexProgram, approximate, solve

PROBLEM = "Figure 3, n = 50"
N, SEED, BETA, WIDTH, BATCH = 50, 1, 0.01, 50, 5
DIRECTIONS = 100
TOL = 1e-6
# Seconds that the certified optimum may take.
MOST_SECONDS = 2.0

Array = NDArray[np.float64]


def make_data(seed: int = SEED) -> tuple[Array, Array]:
    """Return ``(X, y)``: 24 negatives, 25 positives, and a negative beside those."""
    random = np.random.default_rng(seed)
    negative = 0.9 * random.standard_normal((24, 2)) + [-2.0, 0.0]
    positive = 0.9 * random.standard_normal((25, 2)) + [2.0, 0.0]
    points = np.vstack([negative, positive, [[2.6, 0.4]]])
    y = np.concatenate([-np.ones(24), np.ones(25), [-1.0]])
    return np.column_stack([points, np.ones(N)]), y


def problem() -> ConvexProgram:
    X, y = make_data()
    return ConvexProgram(X, y, BETA, loss="hinge")


def optimum() -> dict[str, Any]:
    """Return the certified optimum, timed, and its bounds round by round."""
    warm_up("hinge")
    seconds, cpu, solution = best_time(lambda: solve(problem(), tol=TOL), long=10.0)
    rounds = solution.history
    return {
        "objective": solution.objective,
        "lower_bound": solution.lower_bound,
        "status": solution.status.value,
        "seconds": seconds,
        "cpu": cpu,
        "weights": solution.network.weights,
        "alphas": solution.network.alphas,
        # every run takes the same rounds; those shown end when the best run ended
        "rounds": {
            "seconds": [r.seconds * seconds / solution.seconds for r in rounds],
            "upper": [r.upper for r in rounds],
            "lower": [r.lower for r in rounds],
        },
    }


def sampled() -> dict[str, Any]:
    found = approximate(problem(), n_directions=DIRECTIONS, bound=None, tol=TOL)
    return {
        "objective": found.objective,
        "seconds": found.seconds,
        "n_patterns": found.n_patterns,
        "weights": found.network.weights,
        "alphas": found.network.alphas,
    }


def run(options: Options) -> Result:
    result = Result("toy_2d")
    parts = Parts(result, options)
    n_starts = 3 if options.quick else 10
    lengths = {"sgd": 1_000, "adam": 200} if options.quick else None
    lengths = lengths or {"sgd": 20_000, "adam": 2_000}
    shared: dict[str, Any] = {"n": N, "seed": SEED, "beta": BETA, "loss": "hinge"}
    best = parts.part("optimum", shared | {"tol": TOL}, optimum)
    demand(best["status"] == "optimal", f"{PROBLEM}: no certificate.")
    few = parts.part("approximate", shared | {"directions": DIRECTIONS}, sampled)
    trained: dict[str, Any] = {}
    for method in ("sgd", "adam"):
        how = {"method": method, "n_neurons": WIDTH, "steps": lengths[method]}
        how |= {"batch_size": BATCH} if method == "sgd" else {}
        trained[method] = parts.part(
            method,
            shared | how | {"n_starts": n_starts},
            lambda how=how: searches(problem(), n_starts, **how),
        )
    _ends(result, trained, few, best)
    _tables(result, trained, few, best)
    result.raw |= {"optimum": best, "approximate": few}
    result.raw["ends of starts"] = {
        method: [[s["objective"], s["accuracy"]] for s in found["starts"]]
        for method, found in trained.items()
    }
    for name, figure in (
        ("toy_2d_regions", _regions(trained, few, best)),
        ("toy_2d_time", _time(trained, few, best)),
        ("toy_2d_short", _short(trained, few, best)),
    ):
        result.pictures += style.save(figure, options.output, name)
    return result


def _ends(
    result: Result, trained: dict[str, Any], few: dict[str, Any], best: dict[str, Any]
) -> None:
    """Say where the methods end, with the accuracy on the training data."""
    X, y = make_data()
    for one in (few, best, *(s for t in trained.values() for s in t["starts"])):
        outputs = network_of(one).predict(X)
        one["accuracy"] = accuracy(outputs, y)
        one["finds it"] = bool(outputs[-1] < 0.0)
    lower = best["lower_bound"]
    for method, label in (("sgd", "SGD"), ("adam", "Adam")):
        first = min(trained[method]["starts"], key=lambda start: start["objective"])
        shown = first["accuracy"]
        found = trained[method]
        result.end(end_of(PROBLEM, method, label, found, lower, train_accuracy=shown))
    for method, label, one in (
        ("approximate", f"Approximate, {few['n_patterns']} of 2,452 patterns", few),
        ("optimal", "Optimal", best),
    ):
        result.end(
            End(
                PROBLEM,
                method,
                label,
                one["objective"],
                lower,
                one["seconds"],
                train_accuracy=one["accuracy"],
            )
        )


def _tables(
    result: Result, trained: dict[str, Any], few: dict[str, Any], best: dict[str, Any]
) -> None:
    result.table(
        "Figure 3: where the methods end",
        end_rows(result.ends),
        formats=SHOWN,
        note="Objective and accuracy of the best start, seconds of all starts.",
    )
    result.table(
        "Who classifies the single negative",
        [
            {
                "method": style.METHODS[method].label,
                "starts": len(ones),
                "that classify it": sum(one["finds it"] for one in ones),
                "that classify all": sum(one["accuracy"] == 100.0 for one in ones),
            }
            for method, ones in (
                *((name, found["starts"]) for name, found in trained.items()),
                ("approximate", [few]),
                ("optimal", [best]),
            )
        ],
    )
    verdict = result.goal(
        "certified optimum, n = 50, r = 3, hinge: seconds of CPU",
        PROBLEM,
        best["cpu"],
        MOST_SECONDS,
    )
    row = {
        "problem": PROBLEM,
        "by the clock, s": best["seconds"],
        "CPU, s": best["cpu"],
    }
    row |= {"goal, s": MOST_SECONDS, "met": verdict, "the paper, SDPT3, s": "118"}
    result.table("Time of the certified optimum", [row])


def _panel(axes: Any, one: dict[str, Any], title: str) -> None:
    """Draw the decision regions of one network, and what it reached."""
    X, y = make_data()

    def predict(points: Array) -> Array:
        ones = np.ones(len(points))
        outputs: Array = network_of(one).predict(np.column_stack([points, ones]))
        return outputs

    style.draw_regions(axes, predict, X[:, :2], y)
    axes.plot(
        *X[-1, :2],
        linestyle="none",
        marker="o",
        markersize=12,
        markerfacecolor="none",
        markeredgecolor=style.INK,
        markeredgewidth=1.4,
        label="the single negative beside the positives",
    )
    text = f"{title}\nobjective {one['objective']:.3f}, {one['accuracy']:.0f}% right"
    style.dress(axes, title=text)
    axes.grid(visible=False)


def _regions(trained: dict[str, Any], few: dict[str, Any], best: dict[str, Any]) -> Any:
    panels = [
        (f"SGD, start {k + 1}", start)
        for k, start in enumerate(trained["sgd"]["starts"])
    ]
    panels += [("Approximate", few), ("Optimal, certified", best)]
    n_columns = min(4, len(panels))
    n_rows = -(-len(panels) // n_columns)
    figure, axes = style.canvas(
        n_rows, n_columns, size=(10.4, 2.75 * n_rows), sharex=True, sharey=True
    )
    for one in axes.flat[len(panels) :]:
        one.set_axis_off()
    for where, (title, one) in zip(axes.flat, panels, strict=False):
        _panel(where, one, title)
    for one in axes[-1]:
        style.dress(one, x="feature 1")
        one.grid(visible=False)
    for one in axes[:, 0]:
        style.dress(one, y="feature 2")
        one.grid(visible=False)
    style.legend_below(figure, axes)
    return figure


def _short(trained: dict[str, Any], few: dict[str, Any], best: dict[str, Any]) -> Any:
    """Draw three of these: the median start of SGD, Approximate, Optimal."""
    starts = sorted(trained["sgd"]["starts"], key=lambda start: start["objective"])
    panels = (
        ("SGD, median of the starts", starts[len(starts) // 2]),
        ("Approximate", few),
        ("Optimal, certified", best),
    )
    figure, axes = style.canvas(1, 3, size=(10.4, 3.6), sharex=True, sharey=True)
    for where, (title, one) in zip(axes.flat, panels, strict=True):
        _panel(where, one, title)
        style.dress(where, x="feature 1")
        where.grid(visible=False)
    style.dress(axes[0, 0], y="feature 2")
    axes[0, 0].grid(visible=False)
    style.legend_below(figure, axes)
    return figure


def _time(trained: dict[str, Any], few: dict[str, Any], best: dict[str, Any]) -> Any:
    """Draw objectives and certified bound against time."""
    figure, axes = style.canvas(size=(7.6, 4.8))
    one = axes[0, 0]
    for name in ("sgd", "adam"):
        method = style.METHODS[name]
        for k, start in enumerate(trained[name]["starts"]):
            seconds, objective = thinned(
                start["curve"]["seconds"][1:],
                np.minimum.accumulate(start["curve"]["objective"])[1:],
            )
            label = "" if k else f"{method.label}, each start"
            one.plot(seconds, objective, label=label, **method.trace())
    method = style.METHODS["approximate"]
    one.plot(
        [few["seconds"]],
        [few["objective"]],
        label="Approximate",
        **method.points(markersize=7),
    )
    rounds = best["rounds"]
    optimal, bound = style.METHODS["optimal"], style.METHODS["bound"]
    marks = optimal.curve(markersize=8)
    one.plot(rounds["seconds"], rounds["upper"], label="Optimal, upper bound", **marks)
    seconds = [*rounds["seconds"], best["seconds"]]
    lower = np.maximum.accumulate([*rounds["lower"], best["lower_bound"]])
    shown = lower > 0.0
    one.plot(
        np.array(seconds)[shown],
        lower[shown],
        label="Optimal, lower bound (certified at its end)",
        **bound.curve(marker="."),
    )
    last = max(
        start["curve"]["seconds"][-1] for t in trained.values() for start in t["starts"]
    )
    one.plot(
        [best["seconds"], max(last, best["seconds"])],
        [best["lower_bound"]] * 2,
        **bound.trace(linewidth=1.0, linestyle=":", alpha=1.0),
    )
    one.set_xscale("log")
    one.set_yscale("log")
    style.dress(one, x="seconds, one core", y="objective, best so far (no unit)")
    style.legend_below(figure, axes, most=3)
    return figure
