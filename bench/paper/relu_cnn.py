"""Figures 10 and 11: a two-layer ReLU CNN on images of CIFAR-10.

n = 195 images, filters 4 x 4 x 3 with stride 4 (64 patches of 48 numbers an image),
m = 50 filters, batches of 20, hinge loss, as in the paper.  It does not say which
classes, scaling or weight decay; here: the first 195 of 500 airplanes and automobiles,
pixels divided by 256 less 0.5, beta 0.1.  200 other images are for tests.

- *SGD*: momentum 0.9, five starts, the rate the best of four on a short run.
- *GD*, *Adam*: one start each.
- *Alg1*: the convex program over the patterns of 50 filters at the start, the middle
  and the end of gradient descent, and of 50 clusters of patches and the opposite ones,
  as the appendix has it; *Alg3*: over those at its end; *Alg2*: over 100 patterns
  sampled in the column space.  Their time includes the descent.
- *solve*: the best network that it has when its time is over.  In rank 48 its
  relaxation proves next to nothing with hinge loss, and the bound, which is in the
  table, is not near any objective.

*Distances of neurons* (Figure 11): every neuron is ``|alpha| u``, of length 1; rows are
those of the best start of SGD, heaviest first; columns are those of Alg1, and of
another start of SGD, matched to the rows one to one by least total distance.  A dark
diagonal would mean that the same neurons were found.  Neurons of opposite sign of alpha
are as far apart as can be, 2.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.paper import style
from bench.paper.common import (
    SHOWN,
    End,
    MissingDataError,
    Options,
    Parts,
    Result,
    accuracy,
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
    extract_patches,
    load_airplanes_automobiles,
    solve,
    train,
)

STARTS = 5
RATES = (0.004, 0.012, 0.04, 0.12)
ALG_TOL = 1e-3
DESCENT = 1000
PROBLEM = "relu_cnn"
# Rows and columns of the matrices of distances at most.
MOST_NEURONS = 50


@dataclass(frozen=True)
class Case:
    """Sizes, and seconds of every search, of Alg1 to Alg3 each, and of `solve`."""

    n: int = 195
    filters: int = 50
    batch: int = 20
    beta: float = 0.1
    directions: int = 100
    seconds: float = 30.0
    alg_seconds: float = 110.0
    solve_seconds: float = 60.0
    shares: tuple[float, ...] = (1 / 3, 1.0)


QUICK = Case(
    n=24,
    filters=6,
    batch=6,
    directions=12,
    seconds=0.5,
    alg_seconds=3.0,
    solve_seconds=1.0,
    shares=(1.0,),
)


@dataclass(frozen=True)
class Problem:
    """Patches (n, K, d) and labels, for training and for tests."""

    X: NDArray[np.float64]
    y: NDArray[np.float64]
    X_test: NDArray[np.float64]
    y_test: NDArray[np.float64]


def read(case: Case, options: Options) -> Problem:
    """Return the images as patches; in a quick run made ones."""
    if options.quick:
        random = np.random.default_rng(0)
        y = np.where(np.arange(2 * case.n) % 2 == 0, 1.0, -1.0)
        images = random.normal(size=(2 * case.n, 8, 8, 1))
        images[:, :4] += 0.3 * y[:, None, None, None]
        X = extract_patches(images, (4, 4), stride=4)
        return Problem(X[: case.n], y[: case.n], X[case.n :], y[case.n :])
    try:
        found = load_airplanes_automobiles(options.data)
    except MissingDataSetError as error:
        raise MissingDataError(str(error)) from error

    def patches(images: NDArray[np.uint8]) -> NDArray[np.float64]:
        return extract_patches(images / 256.0 - 0.5, (4, 4), stride=4)

    n = case.n
    y, y_test = found.y[:n].astype(float), found.y_test.astype(float)
    return Problem(patches(found.X[:n]), y, patches(found.X_test), y_test)


def run(options: Options) -> Result:
    case = QUICK if options.quick else Case()
    result = Result(PROBLEM)
    parts = Parts(result, options)
    problem = read(case, options)
    program = ConvexProgram(problem.X, problem.y, case.beta, loss="hinge")
    warm_up("hinge")
    for method in ("sgd", "gd", "adam"):
        train(program, method=method, n_neurons=2, steps=3, batch_size=2)
    common = {"n": case.n, "filters": case.filters, "beta": case.beta}
    common |= {"seconds": case.seconds, "quick": options.quick, "shares": case.shares}
    done: dict[str, dict[str, Any]] = {}

    def part(name: str, work: Callable[[], dict[str, Any]], **more: Any) -> None:
        done[name] = parts.part(name, common | more, work)

    about = {"batch": case.batch, "rates": RATES}
    part("rate", lambda: _rate(case, program), **about)
    sgd = _sgd_options(case, done["rate"]["rate"])
    for k in range(STARTS):
        part(
            f"sgd{k}", lambda k=k: _search(case, problem, program, seed=k, **sgd), **sgd
        )
    for name in ("gd", "adam"):
        how = {"method": name, "n_neurons": case.filters}
        part(name, lambda how=how: _search(case, problem, program, **how))
    about = {"limit": case.alg_seconds, "tol": ALG_TOL, "descent": DESCENT}
    about["directions"] = case.directions
    for name in ("alg1", "alg2", "alg3"):
        part(name, lambda name=name: _alg(case, problem, program, name), **about)
    part("optimal", lambda: _optimal(case, problem, program), limit=case.solve_seconds)
    _report(case, done, result)
    result.pictures += _draw(done, options)
    result.pictures += _draw_distances(done, result, options)
    return result


def _sgd_options(case: Case, rate: float) -> dict[str, Any]:
    return {
        "method": "sgd",
        "n_neurons": case.filters,
        "batch_size": case.batch,
        "step_size": rate / case.n,
    }


def _rate(case: Case, program: ConvexProgram) -> dict[str, Any]:
    """Return the first rate of SGD that ends lowest on short runs of one start."""
    found = {}
    for rate in RATES:
        (training,) = timed(program, [case.seconds / 6.0], **_sgd_options(case, rate))
        if training is not None:
            found[rate] = training.objective
    return {"rate": min(found, key=lambda rate: found[rate]), "tried": found}


def _point(problem: Problem, network: TwoLayerReLU, found: Any) -> dict[str, Any]:
    """Return where a run ended, with its accuracies and its heaviest neurons."""
    order = np.argsort(-np.abs(network.alphas))[:MOST_NEURONS]
    return {
        "seconds": found.seconds,
        "objective": found.objective,
        "train": accuracy(network.predict(problem.X), problem.y),
        "test": accuracy(network.predict(problem.X_test), problem.y_test),
        "neurons": network.n_neurons,
        "weights": np.round(network.weights[order], 6),
        "alphas": np.round(network.alphas[order], 6),
    }


def _search(
    case: Case, problem: Problem, program: ConvexProgram, **how: Any
) -> dict[str, Any]:
    """A local search, run anew for every time given; the curve of the longest."""
    points, trace = [], None
    times = [share * case.seconds for share in case.shares]
    for training in timed(program, times, **how):
        if training is not None:
            points.append(_point(problem, training.network, training))
            trace = curves(training)[0]
    return {"points": points, "trace": trace}


def _alg(
    case: Case, problem: Problem, program: ConvexProgram, name: str
) -> dict[str, Any]:
    """One of the programs over some patterns, with the descent that it needs."""
    begin = time.perf_counter()
    descent = None
    if name != "alg2":
        descent = train(
            program,
            method="gd",
            n_neurons=case.filters,
            steps=DESCENT,
            record=DESCENT // 2,
            time_limit=0.25 * case.alg_seconds,
        )
    spent = time.perf_counter() - begin
    options: dict[str, Any] = {"tol": ALG_TOL, "bound": None}
    options["time_limit"] = case.alg_seconds - spent
    found = _approximation(case, program, name, descent, options)
    point = _point(problem, found.network, found)
    point |= {"seconds": time.perf_counter() - begin, "patterns": found.n_patterns}
    point["restricted gap"] = found.restricted_gap
    return {"points": [point], "descent": descent and descent.objective}


def _approximation(
    case: Case, program: ConvexProgram, name: str, descent: Any, options: dict[str, Any]
) -> Approximation:
    if name == "alg1":
        return alg1(program, training=descent, n_clusters=case.filters, **options)
    if name == "alg2":
        return alg2(program, n_directions=case.directions, **options)
    return alg3(program, training=descent, **options)


def _optimal(case: Case, problem: Problem, program: ConvexProgram) -> dict[str, Any]:
    solution = solve(program, time_limit=case.solve_seconds)
    point = _point(problem, solution.network, solution)
    return {"points": [point | {"bound": solution.lower_bound}]}


def _report(case: Case, done: dict[str, dict[str, Any]], result: Result) -> None:
    bound = done["optimal"]["points"][-1]["bound"]
    starts = [done[f"sgd{k}"]["points"][-1] for k in range(STARTS)]
    best = min(starts, key=lambda point: point["objective"])

    def end(method: str, label: str, point: dict[str, Any], **more: Any) -> End:
        return End(
            problem=PROBLEM,
            method=method,
            label=label,
            objective=point["objective"],
            lower_bound=bound,
            seconds=more.get("seconds", point["seconds"]),
            train_accuracy=point["train"],
            test_accuracy=point["test"],
            worst=more.get("worst"),
        )

    worst = max(point["objective"] for point in starts)
    total = sum(point["seconds"] for point in starts)
    ends = [end("sgd", f"SGD, best of {STARTS}", best, worst=worst, seconds=total)]
    for name in ("gd", "adam"):
        label = style.METHODS[name].label
        ends.append(end(name, label, done[name]["points"][-1]))
    for name in ("alg1", "alg2", "alg3"):
        point = done[name]["points"][-1]
        label = f"{style.METHODS[name].label}, {point['patterns']} patterns"
        ends.append(end(name, label, point))
    point = done["optimal"]["points"][-1]
    ends.append(end("optimal", f"`solve`, {point['neurons']} neurons", point))
    result.end(*ends)
    descent = done["alg1"]["descent"]
    result.table(
        f"ReLU CNN: n = {case.n}, {case.filters} filters, beta {case.beta:g}, hinge",
        end_rows(ends),
        formats=SHOWN,
        note=f"The descent that Alg1 takes patterns from ended at {descent:.5g}.",
    )


def _draw(done: dict[str, dict[str, Any]], options: Options) -> list[str]:
    """Draw objective and both accuracies against time."""
    figure, axes = style.canvas(1, 3, size=(12.0, 4.2))
    objective, train_axes, test_axes = axes[0]
    lines = {f"sgd{k}": "sgd" for k in range(STARTS)}
    lines |= {name: name for name in ("gd", "adam", "alg1", "alg2", "alg3", "optimal")}
    for key, name in lines.items():
        look, points = style.METHODS[name], done[key]["points"]
        trace = done[key].get("trace")
        if trace:
            objective.plot(
                trace["seconds"][1:], trace["objective"][1:], **look.trace(alpha=0.5)
            )
        label = "solve" if name == "optimal" else look.label
        label = None if key in {f"sgd{k}" for k in range(1, STARTS)} else label
        how = look.curve(label=label)
        seconds = [point["seconds"] for point in points]
        objective.plot(seconds, [point["objective"] for point in points], **how)
        train_axes.plot(seconds, [point["train"] for point in points], **how)
        test_axes.plot(seconds, [point["test"] for point in points], **how)
    for one in axes[0]:
        one.set_xscale("log")
    train_axes.set_ylim(top=101.5)
    objective.set_yscale("log")
    x = "seconds of one run"
    style.dress(objective, title="training objective (hinge)", x=x, y="objective")
    style.dress(train_axes, title="accuracy, training images", x=x, y="%")
    style.dress(test_axes, title="accuracy, test images", x=x, y="%")
    style.log_ticks(*axes.flat)
    style.legend_below(figure, axes, most=7)
    return style.save(figure, options.output, PROBLEM)


def distances(
    left: tuple[ArrayLike, ArrayLike], right: tuple[ArrayLike, ArrayLike]
) -> NDArray[np.float64]:
    """Return distances of unit neurons (k, l): 2 where the signs of alpha differ."""
    u, v = (
        np.asarray(side[0]) / np.linalg.norm(side[0], axis=1, keepdims=True)
        for side in (left, right)
    )
    apart = np.linalg.norm(u[:, None] - v[None], axis=2)
    differ = np.sign(left[1])[:, None] != np.sign(right[1])[None]
    return np.where(differ, 2.0, apart)


def matched(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the matrix with its columns in the order that fits the rows best."""
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(matrix)
    rest = np.setdiff1d(np.arange(matrix.shape[1]), columns)
    return matrix[:, np.concatenate([columns[np.argsort(rows)], rest])]


def _draw_distances(
    done: dict[str, dict[str, Any]], result: Result, options: Options
) -> list[str]:
    """Draw the matrices of distances between neurons."""
    order = sorted(
        range(STARTS), key=lambda k: done[f"sgd{k}"]["points"][-1]["objective"]
    )
    best, other = (done[f"sgd{k}"]["points"][-1] for k in order[:2])
    convex = done["alg1"]["points"][-1]

    def neurons(point: dict[str, Any]) -> tuple[ArrayLike, ArrayLike]:
        return point["weights"], point["alphas"]

    figure, axes = style.canvas(1, 2, size=(9.6, 4.4))
    titles = {"SGD and Alg1": convex, "SGD and another start of SGD": other}
    for one, (title, point) in zip(axes[0], titles.items(), strict=True):
        matrix = matched(distances(neurons(best), neurons(point)))
        drawn = one.imshow(matrix, cmap="cividis", vmin=0.0, vmax=2.0, aspect="auto")
        one.grid(visible=False)
        label = "neurons of Alg1" if point is convex else "neurons of another start"
        style.dress(one, title=title, x=label, y="neurons of the best start of SGD")
        one.grid(visible=False)
        diagonal = np.diagonal(matrix)
        result.raw[title] = {
            "median distance of matched neurons": float(np.median(diagonal)),
            "matched within 0.1": int(np.sum(diagonal < 0.1)),
            "of": len(diagonal),
        }
    bar = figure.colorbar(drawn, ax=axes[0], shrink=0.9)
    bar.set_label("distance of unit neurons", fontsize=9, color=style.INK)
    rows = [{"neurons": title, **found} for title, found in result.raw.items()]
    result.table("Figure 11: neurons that are matched one to one", rows)
    return style.save(figure, options.output, f"{PROBLEM}_neurons")
