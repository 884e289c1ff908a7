"""What Figures 7 to 9 have in common: a regression in many dimensions, against time.

The paper gives n, d, the neurons m and the batches of SGD.  It does not give weight
decay, split, scaling or steps; here they are:

- *Data.* Rows in lexicographic order, shuffled with seed 0; the first n train, the rest
  test.  Columns and targets have mean 0 and variance 1 on the training rows, and a
  column of ones is appended, so the rank is d + 1.  Test error is the mean square on
  the targets so scaled: 1 is what their mean gives.
- *beta* is a tenth of the largest useful one (the largest price that climbing finds).
- *SGD*: m neurons, momentum 0.9, five starts, each a run of its own for every time
  given, with as many steps as fit and a rate that falls to 0 along a cosine.  The first
  rate is the best of four on a short run of the first start; that run is not counted.
- *Adam, wide*: full gradients, 50 neurons, five starts side by side: more neurons than
  the paper's, as the convex program too takes as many as it likes.
- *Alg1*: the convex program over the patterns of m neurons at the start, the middle and
  the end of gradient descent, and of m clusters of the rows (and the opposite ones);
  *Alg3*: over those at its end; *Alg2*: over patterns sampled in the column space.
  Their seconds are those of the descent and of the program, at most twice the time that
  the others have.
- *solve*: `solve` for every time given, each a run of its own, and its certified
  lower bound.  The width of its network is not limited.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench import instances
from bench.bench_relaxation import largest_price
from bench.harness import Row
from bench.paper import style
from bench.paper.common import (
    SHOWN,
    End,
    MissingDataError,
    Options,
    Parts,
    Result,
    curves,
    end_rows,
    warm_up,
)
from bench.paper.timed import timed
from convex_solver import (
    Approximation,
    ConvexProgram,
    MissingDataSetError,
    TwoLayerReLU,
    alg1,
    alg2,
    alg3,
    load_table,
    solve,
    train,
)
from convex_solver.typing import Array

STARTS = 5
# First rates of SGD that are tried, times the number of rows.
RATES = (0.004, 0.012, 0.04, 0.12)
# Neurons of Adam, and steps of the gradient descent whose patterns are taken.
WIDE, DESCENT = 50, 2000
# Relative gap to which programs over some patterns are solved.
ALG_TOL = 1e-4
# Shares of the largest useful beta that `solve` is also asked about.
SHARES = (0.5, 0.1, 0.02)
GOAL = "excess of solve over the best of all others at equal time"
# Objectives that differ by less, relative, are equal.
EQUAL = 1e-9


@dataclass(frozen=True)
class Case:
    """One of the figures: data, sizes, and seconds that every method has."""

    name: str
    table: str
    title: str
    n: int
    batch: int
    seconds: float
    component_seconds: tuple[float, float]
    neurons: int = 12
    share: float = 0.1
    directions: int = 100
    # rows and features of the made data of a quick run
    quick: tuple[int, int] = (60, 7)

    def small(self) -> Case:
        """Return the case of a quick run."""
        return Case(
            name=self.name,
            table="",
            title=f"made data, {self.quick[0]} rows",
            n=self.quick[0],
            batch=10,
            seconds=0.6,
            component_seconds=(0.8, 0.8),
            neurons=6,
            directions=40,
            quick=self.quick,
        )

    def times(self) -> list[float]:
        """Return the seconds of the runs of which curves are made."""
        shares = (1 / 9, 1 / 3, 1.0) if self.table else (0.5, 1.0)
        return [self.seconds * share for share in shares]


@dataclass(frozen=True)
class Problem:
    """Data as the programs see them; ``beta`` belongs to these."""

    X: Array
    y: Array
    X_test: Array
    y_test: Array
    beta: float

    def program(self) -> ConvexProgram:
        return ConvexProgram(self.X, self.y, self.beta)

    def error(self, network: TwoLayerReLU) -> float:
        """Return the mean square of the residuals on the samples for tests."""
        return float(np.mean((network.predict(self.X_test) - self.y_test) ** 2))

    def components(self, k: int) -> Problem:
        """Return the same with the leading k principal components of the features."""
        features = self.X[:, :-1]
        axes = np.linalg.svd(features, full_matrices=False)[2][:k].T

        def turned(X: Array) -> Array:
            return np.column_stack([X[:, :-1] @ axes, np.ones(len(X))])

        X, X_test = turned(self.X), turned(self.X_test)
        return Problem(X, self.y, X_test, self.y_test, self.beta)


def read(case: Case, options: Options) -> Problem:
    """Return the data of a case: split, scaled, with a column of ones."""
    if options.quick:
        n, d = case.quick
        asked = instances.planted_network(2 * n, d + 1, 1.0)
        X, y = np.array(asked["X"])[:, :-1], np.array(asked["y"])
    else:
        try:
            X, y, _, _ = load_table(case.table, options.data)
        except MissingDataSetError as error:
            raise MissingDataError(str(error)) from error
        order = np.random.default_rng(0).permutation(len(y))
        X, y = X[order], y[order]
    X = (X - X[: case.n].mean(axis=0)) / X[: case.n].std(axis=0)
    y = (y - y[: case.n].mean()) / y[: case.n].std()
    X = np.column_stack([X, np.ones(len(X))])
    beta = case.share * largest_price(X[: case.n], y[: case.n])
    return Problem(X[: case.n], y[: case.n], X[case.n :], y[case.n :], beta)


def run_case(case: Case, options: Options) -> Result:
    """Run all methods on one case, or on its small one."""
    case = case.small() if options.quick else case
    result = Result(case.name)
    parts = Parts(result, options)
    problem = read(case, options)
    warm_up()
    _warm(case)
    common = {"n": case.n, "beta": problem.beta, "quick": options.quick}
    common |= {"seconds": case.seconds, "neurons": case.neurons}
    done: dict[str, dict[str, Any]] = {}

    def part(name: str, work: Callable[[], dict[str, Any]], **more: Any) -> None:
        done[name] = parts.part(name, common | more, work)

    about_sgd = {"batch": case.batch, "rates": RATES}
    part("rate", lambda: _rate(case, problem), **about_sgd)
    rate = done["rate"]["rate"]
    for k in range(STARTS):
        part(
            f"sgd{k}", lambda k=k: _sgd(case, problem, k, rate), rate=rate, **about_sgd
        )
    part("adam", lambda: _adam(case, problem), wide=WIDE)
    for name in ("alg1", "alg2", "alg3"):
        more = {"descent": DESCENT, "directions": case.directions, "tol": ALG_TOL}
        part(name, lambda name=name: _alg(case, problem, name), **more)
    part("optimal", lambda: _optimal(case, problem))
    part("betas", lambda: _betas(case, problem), shares=SHARES)
    more = {"component_seconds": case.component_seconds}
    part("components", lambda: _components(case, problem), **more)
    _report(case, problem, done, result)
    result.pictures += _draw(case, done, result.raw, options)
    return result


def _warm(case: Case) -> None:
    """Compile what `solve` and the approximations use in many dimensions."""
    asked = instances.planted_network(24, 8, 1.0)
    program = ConvexProgram(asked["X"], asked["y"], 1.0)
    solve(program, time_limit=2.0)
    for method in ("sgd", "gd", "adam"):
        train(program, method=method, n_neurons=3, steps=5)
    alg2(program, n_directions=10, bound=None)


def _rate(case: Case, problem: Problem) -> dict[str, Any]:
    """Return the first rate of SGD that ends lowest on short runs of one start."""
    program = problem.program()
    found = {}
    for rate in RATES:
        (training,) = timed(
            program, [case.seconds / 8.0], **_sgd_options(case, rate), seed=0
        )
        if training is not None:
            found[rate] = training.objective
    return {"rate": min(found, key=lambda rate: found[rate]), "tried": found}


def _sgd_options(case: Case, rate: float) -> dict[str, Any]:
    return {
        "method": "sgd",
        "n_neurons": case.neurons,
        "batch_size": case.batch,
        "step_size": rate / case.n,
    }


def _sgd(case: Case, problem: Problem, seed: int, rate: float) -> dict[str, Any]:
    """One start of SGD, run anew for every time given."""
    program = problem.program()
    points, traces = [], []
    how = _sgd_options(case, rate)
    for training in timed(program, case.times(), **how, seed=seed):
        if training is None:
            continue
        points.append(_point(problem, training.network, training))
        traces = curves(training)
    return {"points": points, "trace": traces[0] if traces else None}


def _point(problem: Problem, network: TwoLayerReLU, found: Any) -> dict[str, Any]:
    return {
        "seconds": found.seconds,
        "objective": found.objective,
        "error": problem.error(network),
        "neurons": network.n_neurons,
    }


def _adam(case: Case, problem: Problem) -> dict[str, Any]:
    """Wide networks, all starts side by side."""
    program = problem.program()
    points = []
    how = {"n_neurons": WIDE, "n_starts": STARTS, "seed": 1}
    for training in timed(program, case.times(), **how):
        if training is not None:
            points.append(_point(problem, training.network, training))
            points[-1]["worst"] = float(np.nanmax(training.objectives))
    return {"points": points}


def _alg(case: Case, problem: Problem, name: str) -> dict[str, Any]:
    """One of the programs over some patterns, with the descent that it needs."""
    program = problem.program()
    begin = time.perf_counter()
    limit = 2.0 * case.seconds
    options: dict[str, Any] = {"tol": ALG_TOL, "bound": None}
    descent = None
    if name != "alg2":
        descent = train(
            program,
            method="gd",
            n_neurons=case.neurons,
            steps=DESCENT,
            record=DESCENT // 2,
            time_limit=limit / 4.0,
        )
    options["time_limit"] = limit - (time.perf_counter() - begin)
    found: Approximation
    if name == "alg1":
        found = alg1(program, training=descent, n_clusters=case.neurons, **options)
    elif name == "alg2":
        found = alg2(program, n_directions=case.directions, **options)
    else:
        found = alg3(program, training=descent, **options)
    point = _point(problem, found.network, found)
    point |= {"seconds": time.perf_counter() - begin, "patterns": found.n_patterns}
    point["restricted gap"] = found.restricted_gap
    return {"points": [point], "descent": descent and descent.objective}


def _optimal(case: Case, problem: Problem) -> dict[str, Any]:
    """`solve`, run anew for every time given."""
    program = problem.program()
    points = []
    for seconds in case.times():
        solution = solve(program, time_limit=seconds)
        points.append(_point(problem, solution.network, solution))
        points[-1] |= {"bound": solution.lower_bound, "gap": solution.gap}
    return {"points": points}


def _betas(case: Case, problem: Problem) -> dict[str, Any]:
    """`solve` for other weight decays: what they do to the gap and on the test."""
    program = problem.program()
    rows = []
    for share in SHARES:
        beta = problem.beta * share / case.share
        solution = solve(program.with_beta(beta), time_limit=case.seconds)
        rows.append(_point(problem, solution.network, solution))
        rows[-1] |= {"share": share, "beta": beta}
        rows[-1] |= {"bound": solution.lower_bound, "gap": solution.gap}
    return {"points": rows}


def _components(case: Case, problem: Problem) -> dict[str, Any]:
    """The optimum on the leading principal components, with the same beta."""
    rows = []
    n_features = problem.X.shape[1] - 1
    for k, seconds in zip((2, 3), case.component_seconds, strict=True):
        if k > n_features:
            continue
        reduced = problem.components(k)
        solution = solve(reduced.program(), tol=1e-6, time_limit=seconds)
        rows.append(_point(reduced, solution.network, solution))
        features, kept = problem.X[:, :-1], reduced.X[:, :-1]
        rows[-1] |= {"k": k, "bound": solution.lower_bound, "gap": solution.gap}
        rows[-1] |= {"status": solution.status.value}
        rows[-1]["variance"] = float(np.sum(kept**2) / np.sum(features**2))
    return {"points": rows}


def _report(
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


def _draw(
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
