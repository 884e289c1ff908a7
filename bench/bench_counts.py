"""How many sign patterns there are: random, degenerate and real matrices.

``python bench/bench_counts.py [--output FILE.png]``; set ARRANGEMENT_DATA to the
folder of the data sets that cannot ship with the project to include them.  Each case
runs in a process of its own, which first compiles (or loads) the kernels on a few of
its rows; memory is the peak above what the process held then.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import report

report.add_paths()

from known import families  # noqa: E402

from arrangement import (  # noqa: E402
    Arrangement,
    count_patterns,
    cover_bound,
    enumerate_patterns,
)

SEED = 0
RANDOM = {
    2: (10, 30, 100, 300, 1000),
    3: (10, 30, 100, 300),
    4: (10, 20, 50, 100),
    5: (10, 20, 40),
}
REAL = {
    "iris, petals": ("iris", (2, 3)),
    "ripley_synth": ("ripley_synth", (0, 1)),
    "mcycle": ("mcycle", (0,)),
    "haberman": ("haberman", (0, 1, 2)),
}
HEADER = (
    "matrix",
    "n",
    "rank",
    "patterns P",
    "Cover bound C",
    "P / C",
    "P / n^r",
    "list + proof, CPU s",
    "count, CPU s",
    "peak MiB",
)
COLOURS = {2: "#0072B2", 3: "#009E73", 4: "#D55E00", 5: "#882288"}


@dataclass(frozen=True)
class Case:
    """A matrix, and what was measured on it."""

    kind: str
    name: str
    rows: Any
    n: int = 0
    rank: int = 0
    count: int = 0
    list_seconds: float = 0.0
    count_seconds: float = 0.0
    peak: float = 0.0

    @property
    def bound(self) -> int:
        return cover_bound(self.n, self.rank)


def random_cases() -> Iterator[Case]:
    for r, sizes in RANDOM.items():
        for n in sizes:
            X = np.random.default_rng([SEED, n, r]).standard_normal((n, r))
            yield Case("random", f"Gaussian ({n}, {r})", X)


def degenerate_cases() -> Iterator[Case]:
    for k in (3, 4, 5):
        yield Case("degenerate", f"threshold {k}", families.threshold(k))
    for k in (3, 4, 5, 6):
        yield Case("degenerate", f"resonance {k}", families.resonance(k))
    for k in (2, 3, 4, 5, 8):
        yield Case("degenerate", f"braid {k}", families.braid(k))


def real_cases() -> Iterator[Case]:
    from convex_solver import load_penguins

    X, _ = load_penguins(("bill_length_mm", "bill_depth_mm"))
    yield Case("real", "penguins, bills", [[*row, "1"] for row in X])
    folder = report.data_folder()
    if folder is None:
        return
    for name, (stem, columns) in REAL.items():
        with np.load(folder / f"{stem}.npz", allow_pickle=False) as data:
            integers = data["X_int"][:, list(columns)]
        # decimals times a power of ten, column by column: the same arrangement
        ones = np.ones(len(integers), dtype=np.int64)
        yield Case("real", name, np.column_stack([integers, ones]))


def peak_bytes() -> int:
    """Return the largest resident size this process has had."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def measure(case: Case) -> Case:
    """List with proof, count by the other road, and compare."""
    few = case.rows[:12]
    enumerate_patterns(few)
    count_patterns(few)
    before = peak_bytes()
    _, list_seconds, listed = report.best_time(
        lambda: len(enumerate_patterns(case.rows)), repeats=2
    )
    peak = peak_bytes() - before
    _, count_seconds, count = report.best_time(
        lambda: count_patterns(case.rows), repeats=2
    )
    if listed != count:
        raise SystemExit(f"{case.name}: {listed} listed, {count} counted.")
    arrangement = Arrangement(case.rows)
    return replace(
        case,
        n=arrangement.n_hyperplanes,
        rank=arrangement.rank,
        count=count,
        list_seconds=list_seconds,
        count_seconds=count_seconds,
        peak=peak / 2**20,
    )


def measure_apart(case: Case) -> Case:
    """Measure in a new process, so that peak memory is this case's own."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=context) as pool:
        return pool.submit(measure, case).result()


def table_line(case: Case) -> list[str]:
    return [
        case.name,
        f"{case.n}",
        f"{case.rank}",
        f"{case.count:,}",
        f"{case.bound:,}",
        f"{case.count / case.bound:.3f}",
        f"{case.count / case.n**case.rank:.1e}",
        f"{case.list_seconds:.2g}",
        f"{case.count_seconds:.2g}",
        f"{case.peak:.1f}",
    ]


def draw(cases: list[Case], path: Path) -> None:
    """Draw patterns against n: a line of Cover's bound for each rank, and the cases."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    figure = Figure(figsize=(8.0, 5.6), dpi=160, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set(xscale="log", yscale="log", xlim=(4.5, 1900), ylim=(4, 4e7))
    sizes = np.unique(np.geomspace(5, 1200, 200).astype(int))
    for r, colour in COLOURS.items():
        bounds = np.array([float(cover_bound(int(n), r)) for n in sizes])
        shown = bounds <= 1.6e7
        axes.plot(sizes[shown], bounds[shown], color=colour, lw=1.3, zorder=2)
        axes.annotate(
            f"r = {r}",
            (sizes[shown][-1], bounds[shown][-1]),
            xytext=(4, 3),
            textcoords="offset points",
            color=colour,
            weight="bold",
        )
    styles = {
        "random": {"marker": "o", "s": 26, "facecolor": "white", "zorder": 3},
        "degenerate": {"marker": "s", "s": 22, "alpha": 0.75, "zorder": 3},
        "real": {"marker": "D", "s": 46, "edgecolor": "black", "zorder": 4},
    }
    for case in cases:
        colour = COLOURS.get(case.rank)
        if colour is None:
            continue
        style = {"facecolor": colour, "edgecolor": colour, **styles[case.kind]}
        axes.scatter([case.n], [case.count], linewidths=1.2, **style)
        if case.kind == "real":
            axes.annotate(
                case.name,
                (case.n, case.count),
                xytext=(8, -10),
                textcoords="offset points",
                fontsize=9,
            )
    grey = {"markerfacecolor": "grey", "markeredgecolor": "grey", "ls": ""}
    handles = [
        Line2D([], [], color="grey", label="Cover's bound, about $2n^{r-1}/(r-1)!$"),
        Line2D([], [], **{**grey, "markerfacecolor": "white"}, marker="o"),
        Line2D([], [], **grey, marker="s"),
        Line2D([], [], **{**grey, "markeredgecolor": "black"}, marker="D"),
    ]
    labels = [
        str(handles[0].get_label()),
        "random: on the bound",
        "threshold, resonance, braid",
        "data sets with an intercept",
    ]
    axes.legend(handles, labels, loc="upper left", frameon=False, fontsize=9)
    axes.set_xlabel("rows n")
    axes.set_ylabel("sign patterns P")
    axes.set_title("Sign patterns of an n-row matrix of rank r, all listed and proven")
    axes.grid(which="major", color="0.9", zorder=0)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Software": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = Path(__file__).with_name("pattern_counts.png")
    parser.add_argument("--output", type=Path, default=default, help="the PNG")
    options = parser.parse_args()
    report.print_setting()
    cases = [*random_cases(), *degenerate_cases(), *real_cases()]
    measured = [measure_apart(case) for case in cases]
    report.print_table(HEADER, [table_line(case) for case in measured])
    draw(measured, options.output)
    print(f"\nFigure: {options.output.name}")
    if report.data_folder() is None:
        print(f"ARRANGEMENT_DATA is not set: no {'; '.join(REAL)}.")


if __name__ == "__main__":
    main()
