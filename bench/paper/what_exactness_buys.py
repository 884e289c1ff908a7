"""How far above the certified optimum other ways end: distributions, not one number.

Problems that `solve` certifies to a relative gap of 1e-6: networks planted in noise
(n rows, rank r, several of each), at three weight decays; penguins (which ship), and
small sets of data that are read from a folder and left out where it is not there.  On
each, several draws or starts of every other way:

- *100*, *1,000*, *10,000 patterns*: the convex program over the patterns of so many
  Gaussian directions.  Repeats are counted once, and patterns that nothing leads to are
  missing.  1,000 dense Gaussian gates are also what the package pyscnn selects from; it
  is this rule that is compared, solved by the same solver, not that package.
- *SGD*, *Adam*: 50 neurons, ten starts, each counted by itself; the rate of SGD is the
  best of four on each problem.
- *Alg1*, *Alg2*, *Alg3*: as `convex_solver` has them, from descents of different seeds.

Excess is ``objective / certified lower bound - 1``; below 1e-8 it is not told from 0.
The gaps of the certificates are in the table: what is left of an excess then may be
theirs.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench import instances
from bench.harness import Row
from bench.paper import style
from bench.paper.common import (
    End,
    MissingDataError,
    Options,
    Parts,
    Result,
    warm_up,
)
from convex_solver import (
    ConvexProgram,
    Training,
    TrainingDivergedError,
    alg1,
    alg2,
    alg3,
    approximate,
    load_penguins,
    solve,
    train,
)
from convex_solver.typing import Array

NAME = "what_exactness_buys"
SIZES = ((20, 3), (50, 3), (100, 3), (50, 4))
BETAS = (1.0, 0.1, 0.01)
SEEDS = 2
# Data of a folder: features and loss.
REAL = {
    "mcycle": ("squared", [0]),
    "lidar": ("squared", [0]),
    "old_faithful": ("squared", [0]),
    "ripley_synth": ("hinge", [0, 1]),
}
TOL = 1e-6
# Seconds of the certificate, of every search and of every program over some patterns.
SOLVE_SECONDS, SEARCH_SECONDS, PROGRAM_SECONDS = 60.0, 3.0, 12.0
STARTS, STEPS, NEURONS = 10, 3000, 50
# First rates that are tried, times the number of rows; None is that of `train`.
RATES: dict[str, tuple[float | None, ...]] = {
    "sgd": (0.004, 0.012, 0.04, 0.12),
    "adam": (None,),
}
# Excesses are drawn from here on.
FLOOR = 1e-8
WAYS = {
    "sgd": ("SGD", "sgd"),
    "adam": ("Adam", "adam"),
    "100": ("100 patterns", "approximate"),
    "1000": ("1,000 patterns", "approximate"),
    "10000": ("10,000 patterns", "approximate"),
    "alg1": ("Alg1", "alg1"),
    "alg2": ("Alg2", "alg2"),
    "alg3": ("Alg3", "alg3"),
}


@dataclass(frozen=True)
class Instance:
    """A problem, and its weight decay as a number and as a name of the panel."""

    name: str
    X: Array
    y: Array
    beta: float
    loss: str = "squared"

    def program(self) -> ConvexProgram:
        return ConvexProgram(self.X, self.y, self.beta, loss=self.loss)


def planted(n: int, r: int, beta: float, seed: int) -> Instance:
    asked = instances.planted_network(n, r, beta, seed)
    name = f"planted ({n}, {r}), {seed}, beta {beta:g}"
    return Instance(name, np.array(asked["X"]), np.array(asked["y"]), beta)


def scaled(
    name: str, X: Array, y: Array, beta: float, loss: str = "squared"
) -> Instance:
    """Return real data with columns, and targets of a regression, of variance 1."""
    X = np.column_stack([(X - X.mean(axis=0)) / X.std(axis=0), np.ones(len(X))])
    y = (y - y.mean()) / y.std() if loss == "squared" else np.where(y > 0, 1.0, -1.0)
    return Instance(f"{name}, beta {beta:g}", X, y, beta, loss)


def all_instances(options: Options) -> Iterator[Instance]:
    """Return the problems, small ones in a quick run; say which data are missing."""
    sizes = ((16, 2), (16, 3)) if options.quick else SIZES
    seeds = 1 if options.quick else SEEDS
    for n, r in sizes:
        for beta in BETAS:
            for seed in range(1, seeds + 1):
                yield planted(n, r, beta, seed)
    features = ("bill_length_mm", "bill_depth_mm")
    X, y = (np.array(part, dtype=float) for part in load_penguins(features))
    chosen = slice(None, None, 10) if options.quick else slice(None)
    for beta in BETAS[:1] if options.quick else BETAS:
        yield scaled("penguins", X[chosen], y[chosen], beta)
    for name, (loss, columns) in {}.items() if options.quick else REAL.items():
        try:
            path = options.data_file(f"{name}.npz")
        except MissingDataError as reason:
            print(f"{NAME}: {name} is left out: {reason}", flush=True)
            continue
        with np.load(path, allow_pickle=False) as data:
            X, y = data["X"][:, columns].astype(float), data["y"].astype(float)
        for beta in BETAS:
            yield scaled(name, X, y, beta, loss)


def measure(instance: Instance, *, quick: bool) -> dict[str, Any]:
    """Return the certified optimum, and objectives and seconds of every other way."""
    program = instance.program()
    solution = solve(program, tol=TOL, time_limit=SOLVE_SECONDS)
    ways = {method: _searches(program, method, quick=quick) for method in RATES}
    for way, seeds, run in _programs(program, instance, quick=quick):
        ways[way] = []
        for seed in range(seeds):
            one = run(seed)
            ways[way].append([one.objective, one.seconds])
    return {
        "objective": solution.objective,
        "bound": solution.lower_bound,
        "gap": solution.gap,
        "seconds": solution.seconds,
        "status": solution.status.value,
        "neurons": solution.network.n_neurons,
        "ways": ways,
    }


def _searches(program: ConvexProgram, method: str, *, quick: bool) -> list[list[float]]:
    """Return objective and seconds of every start, at the rate whose best is least.

    The seconds are those of the runs at that rate.
    """
    starts = 3 if quick else STARTS
    best: Training | None = None
    for rate in RATES[method]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # some starts diverged
                found = train(
                    program,
                    method=method,
                    n_neurons=NEURONS,
                    n_starts=starts,
                    steps=1000 if quick else STEPS,
                    step_size=rate and rate / program.n,
                    time_limit=SEARCH_SECONDS * (1 if quick else STARTS),
                )
        except TrainingDivergedError:
            continue
        if best is None or found.objective < best.objective:
            best = found
    if best is None:
        return []
    each = best.seconds / starts
    good = best.objectives[np.isfinite(best.objectives)]
    return [[float(value), each] for value in good]


def _programs(
    program: ConvexProgram, instance: Instance, *, quick: bool
) -> Iterator[tuple[str, int, Callable[[int], Any]]]:
    """Return ways, numbers of draws, and the run of a draw."""
    common: dict[str, Any] = {"tol": TOL, "bound": None}
    common["time_limit"] = 1.0 if quick else PROGRAM_SECONDS
    draws = 1 if quick else 3
    for count, seeds in ((100, draws), (1000, draws), (10_000, 1)):
        if quick and count > 1000:
            continue

        def sampled(seed: int, count: int = count) -> Any:
            return approximate(program, n_directions=count, seed=seed, **common)

        yield str(count), seeds, sampled
    clusters = min(50, program.n)
    yield "alg1", draws, lambda k: alg1(program, n_clusters=clusters, seed=k, **common)
    yield "alg2", draws, lambda k: alg2(program, seed=k, **common)
    yield "alg3", draws, lambda k: alg3(program, seed=k, **common)


def run(options: Options) -> Result:
    result = Result(NAME)
    parts = Parts(result, options)
    warm_up()
    warm_up("hinge")
    small = planted(10, 2, 0.1, 1).program()
    approximate(small, n_directions=5, bound=None)
    for method in ("sgd", "adam", "gd"):
        train(small, method=method, steps=2)
    settings = {"quick": options.quick, "tol": TOL, "steps": STEPS, "starts": STARTS}
    settings |= {"rates": RATES}
    settings |= {"limits": (SOLVE_SECONDS, SEARCH_SECONDS, PROGRAM_SECONDS)}
    found = {}
    for instance in all_instances(options):
        about = settings | {"shape": instance.X.shape, "beta": instance.beta}
        found[instance.name] = (
            instance.beta,
            parts.part(
                instance.name,
                about,
                lambda one=instance: measure(one, quick=options.quick),
            ),
        )
    for name, (_, one) in found.items():
        result.end(*_ends(name, one))
    _tables(found, result)
    result.raw = {
        name: {
            "beta": beta,
            "objectives": {
                way: [float(f"{objective:.9g}") for objective, _ in draws]
                for way, draws in one["ways"].items()
            },
        }
        for name, (beta, one) in found.items()
    }
    result.pictures += _draw(found, options)
    return result


def _ends(name: str, one: dict[str, Any]) -> Iterator[End]:
    """Return the ends; if the least of a way is not below the bound, none is."""
    yield End(
        name, "optimal", "certified", one["objective"], one["bound"], one["seconds"]
    )
    for way, draws in one["ways"].items():
        if not draws:
            continue
        label, method = WAYS[way]
        objectives = [objective for objective, _ in draws]
        yield End(
            name,
            method,
            f"{label}, {len(draws)} of them",
            min(objectives),
            one["bound"],
            sum(seconds for _, seconds in draws),
            worst=max(objectives),
        )


def excesses(found: dict[str, Any], way: str, beta: float) -> Array:
    """Return the excesses of a way over all certified problems with this beta."""
    values = [
        objective / one["bound"] - 1.0
        for own, one in found.values()
        if own == beta and one["status"] == "optimal"
        for objective, _ in one["ways"].get(way, ())
    ]
    return np.array(values)


def _tables(found: dict[str, Any], result: Result) -> None:
    rows: list[Row] = []
    for way, (label, _) in WAYS.items():
        for beta in BETAS:
            values = excesses(found, way, beta)
            if not len(values):
                continue
            low, middle, high = np.quantile(values, [0.1, 0.5, 0.9])
            row: Row = {"way, beta": f"{label}, {beta:g}", "ends": len(values)}
            row |= {"least": values.min(), "10%": low, "median": middle, "90%": high}
            rows.append(
                row | {"most": values.max(), "within 1%": np.mean(values < 0.01)}
            )
    heads = ("least", "10%", "median", "90%", "most")
    formats = dict.fromkeys(heads, ".1e") | {"within 1%": ".0%"}
    result.table(
        "Relative excess over the certified bound",
        rows,
        formats=formats,
        note="Problems whose optimum is not certified in time are left out here and in "
        "the picture; starts of SGD that diverged are not counted.",
    )
    certified: list[Row] = [
        {
            "problem": name,
            "objective": one["objective"],
            "certified gap": one["gap"],
            "status": one["status"],
            "seconds": one["seconds"],
            "neurons": one["neurons"],
        }
        for name, (_, one) in found.items()
    ]
    formats = {"objective": ".7g", "certified gap": ".1e"}
    result.table("Certified optima", certified, formats=formats)


def _draw(found: dict[str, Any], options: Options) -> list[str]:
    """Draw a box of the excesses of every way with all its ends beside it, by beta."""
    figure, axes = style.canvas(
        1, len(BETAS), size=(12.0, 4.4), sharey=True, sharex=True
    )
    random = np.random.default_rng(0)
    ways = [way for way in WAYS if any(len(excesses(found, way, b)) for b in BETAS)]
    for one, beta in zip(axes[0], BETAS, strict=True):
        for k, way in enumerate(ways):
            values = excesses(found, way, beta)
            if not len(values):
                continue
            shown = np.maximum(values, FLOOR)
            look = style.METHODS[WAYS[way][1]]
            one.boxplot(
                shown,
                positions=[k],
                widths=0.55,
                showfliers=False,
                patch_artist=True,
                boxprops={"facecolor": "none", "edgecolor": style.INK},
                medianprops={"color": style.INK, "linewidth": 1.6},
                whiskerprops={"color": style.INK},
                capprops={"color": style.INK},
                manage_ticks=False,
                zorder=3,
            )
            places = k + random.uniform(-0.2, 0.2, len(shown))
            one.plot(places, shown, **look.points(markersize=3.2, alpha=0.55))
        one.set_yscale("log")
        one.set_ylim(bottom=0.5 * FLOOR)
        one.set_xticks(range(len(ways)))
        one.set_xticklabels([WAYS[way][0] for way in ways], rotation=40, ha="right")
        one.axhline(0.01, color=style.INK, linewidth=0.8, linestyle=":")
        y = "relative excess over the bound (dotted: 1%)" if one is axes[0, 0] else ""
        style.dress(one, title=f"beta {beta:g}", y=y)
    return style.save(figure, options.output, NAME)
