"""How many sign patterns there are: random, degenerate and real matrices.

Every matrix is listed with proof and counted by the other road, and both must agree;
larger ones with symmetries are only counted, and compared with published numbers.
Data sets are read as the decimals they show, with an intercept.  Each case runs in a
process of its own, which first compiles (or loads) the kernels on a few of its rows;
memory is the peak above what the process held then.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from arrangement import Arrangement, count_patterns, cover_bound, enumerate_patterns
from bench import instances
from bench.harness import Options, Report, Row, apart, best_time, check, peak_bytes

from reference import families

Case = tuple[str, str, Any]

RANDOM = {2: (10, 100, 1000), 3: (10, 100, 300), 4: (10, 20, 50, 100), 5: (10, 20, 40)}
REAL = {"iris": [2, 3], "ripley_synth": [0, 1], "mcycle": [0], "haberman": [0, 1, 2]}
KINDS = {
    "random": "on the bound",
    "degenerate": "threshold, resonance, braid",
    "real": "data with an intercept",
}
# By symmetry: what nothing lists here.  Counts: OEIS A000609, orders of Weyl groups,
# and Brysiewicz, Eble, Kuehne, Computing characteristic polynomials of hyperplane
# arrangements with symmetries (2021).
SYMMETRIC = {
    "braid 11": (families.braid, 11, 479_001_600),
    "threshold 6": (families.threshold, 6, 15_028_134),
    "resonance 7": (families.resonance, 7, 347_326_352),
    "resonance 8": (families.resonance, 8, 419_172_756_930),
    "threshold 7": (families.threshold, 7, 8_378_070_864),
    "threshold 8": (families.threshold, 8, 17_561_539_552_946),
    "resonance 9": (families.resonance, 9, 1_955_230_985_997_140),
}
# seconds to count
GOALS = {
    "haberman": 0.5,
    "braid 11": 1.0,
    "threshold 6": 1.0,
    "resonance 7": 1.0,
    "resonance 8": 5.0,
    "threshold 7": 5.0,
    "resonance 9": 900.0,
}
COUNTING = "seconds to count"
HEADS = {"P / C": ".3f", "P / n^r": ".1e"}
COLOURS = {2: "#0072B2", 3: "#009E73", 4: "#D55E00", 5: "#882288"}


def cases(*, quick: bool) -> Iterator[Case]:
    for r, sizes in RANDOM.items():
        for n in sizes[: 2 if quick else None]:
            yield "random", f"Gaussian ({n}, {r})", instances.gaussian(n, r)
    for k in (3, 5) if quick else (3, 4, 5):
        yield "degenerate", f"threshold {k}", families.threshold(k)
    for k in (4,) if quick else (3, 4, 5, 6):
        yield "degenerate", f"resonance {k}", families.resonance(k)
    for k in (5,) if quick else (2, 3, 4, 5, 8):
        yield "degenerate", f"braid {k}", families.braid(k)
    yield "real", "penguins, bills", instances.penguin_rows()
    for name, columns in () if quick else REAL.items():
        rows = instances.real_rows(name, columns)
        if rows is not None:
            yield "real", name, rows


def measure(name: str, rows: Any) -> Row:
    """List with proof, count by the other road, and compare."""
    enumerate_patterns(rows[:12])
    count_patterns(rows[:12])
    before = peak_bytes()
    listing, _, listed = best_time(lambda: len(enumerate_patterns(rows)), repeats=2)
    peak = peak_bytes() - before
    counting, _, count = best_time(lambda: count_patterns(rows), repeats=2)
    check(name, listed, count)
    arrangement = Arrangement(rows)
    n, rank = arrangement.n_hyperplanes, arrangement.rank
    bound = cover_bound(n, rank)
    return {
        "matrix": name,
        "n": n,
        "rank": rank,
        "patterns P": count,
        "Cover bound C": bound,
        "P / C": count / bound,
        "P / n^r": count / n**rank,
        "list + proof, s": listing,
        "count, s": counting,
        "peak MiB": peak / 2**20,
    }


def measure_by_symmetry(name: str) -> Row:
    """Count by symmetry, the search for it included, and compare with the tables."""
    family, k, expected = SYMMETRIC[name]
    rows = family(k)
    # loads the kernels
    check("resonance 6", count_patterns(families.resonance(6)), 1_066_044)
    before = peak_bytes()
    seconds, cpu, count = best_time(lambda: count_patterns(rows), repeats=2)
    check(name, count, expected)
    return {
        "matrix": name,
        "n": len(rows),
        "patterns P": count,
        "count, s": seconds,
        "CPU, s": cpu,
        "peak MiB": (peak_bytes() - before) / 2**20,
    }


def draw(measured: list[tuple[str, Row]], path: Path) -> None:
    """Draw patterns against n: a line of Cover's bound for each rank, and the cases."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    figure = Figure(figsize=(8.0, 5.6), dpi=80, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set(xscale="log", yscale="log", xlim=(4.5, 1900), ylim=(4, 4e7))
    sizes = np.unique(np.geomspace(5, 1200, 200).astype(int))
    for r, colour in COLOURS.items():
        bounds = np.array([float(cover_bound(int(n), r)) for n in sizes])
        inside = bounds <= 1.6e7
        axes.plot(sizes[inside], bounds[inside], color=colour, lw=1.3, zorder=2)
        axes.annotate(f"r = {r}", (sizes[inside][-1], bounds[inside][-1]), color=colour)
    markers = {"random": "o", "degenerate": "s", "real": "D"}
    for kind, row in measured:
        colour = COLOURS.get(row["rank"])
        if colour is None:
            continue
        face = "white" if kind == "random" else colour
        place = [row["n"]], [row["patterns P"]]
        axes.scatter(*place, marker=markers[kind], color=face, edgecolor=colour)
        if kind == "real":
            axes.annotate(
                row["matrix"],
                (row["n"], row["patterns P"]),
                xytext=(8, -10),
                textcoords="offset points",
            )
    handles = [Line2D([], [], color="grey")]
    handles += [Line2D([], [], color="grey", marker=m, ls="") for m in markers.values()]
    axes.legend(handles, ["Cover's bound", *KINDS.values()], frameon=False)
    axes.set_xlabel("rows n")
    axes.set_ylabel("sign patterns P")
    axes.set_title("Sign patterns of an n-row matrix of rank r, all listed and proven")
    axes.grid(which="major", color="0.9", zorder=0)
    figure.savefig(path, metadata={"Software": None})


def run(options: Options, report: Report) -> None:
    measured = []
    for kind, name, rows in cases(quick=options.quick):
        row = apart(measure, name, rows)
        goal = GOALS.get(name)
        verdict = None
        if goal is not None:
            verdict = report.goal(COUNTING, name, row["count, s"], goal)
            verdict = f"{goal:g} s: {verdict}"
        measured.append((kind, {**row, "goal": verdict}))
    report.table("Patterns", [row for _, row in measured], formats=HEADS)
    by_symmetry = []
    for name in list(SYMMETRIC)[: 3 if options.quick else None]:
        row = apart(measure_by_symmetry, name)
        verdict = None
        if (limit := GOALS.get(name)) is not None:
            verdict = report.goal(COUNTING, name, row["count, s"], limit)
            verdict = f"{limit:g} s: {verdict}"
        by_symmetry.append({**row, "goal": verdict})
    report.table("By symmetry, nothing listed", by_symmetry)
    if options.plots is not None:
        draw(measured, options.plots / "pattern_counts.png")
        report.pictures.append("pattern_counts.png")
