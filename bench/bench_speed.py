"""Patterns a second, both ways of listing, against memory and against others.

``python bench/bench_speed.py [--quick] [--plot FILE.png] [--json FILE]``.  Lists are
written in full, both antipodes, into one reused block; every sign is decided
exactly; least of several runs, after one that compiles.  Counts are checked
inside the run.  ``memset`` is the time of filling the same block as often as the list
fills it.  Set-up is what comes before the first chamber, in one thread always, and part
of the seconds.  Two threads: by the clock, and the CPU time of both over that of one,
which a busy machine does not change.  Proof: CPU time of a list kept in memory with its
proof, less that of the same list without, over that of the listing.
A tree of HiGHS linear programs, as one writes it today, runs on small instances.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import report

report.add_paths()

from known import families  # noqa: E402

from arrangement import (  # noqa: E402
    Arrangement,
    cover_bound,
    enumerate_patterns,
    face_numbers,
    iter_covectors,
)
from arrangement.plan import Plan  # noqa: E402
from arrangement.vertices import VertexWalker  # noqa: E402
from arrangement.walker import Walker  # noqa: E402

BLOCK_BYTES = 64 << 20
HEADER = (
    "case",
    "way",
    "patterns",
    "seconds",
    "M patterns/s",
    "goal",
    "",
    "times memset",
    "bytes/pattern",
    "set-up, s",
    "2 threads",
    "their CPU",
    "kept, s",
    "proven, s",
    "proof/listing",
)
FACES_HEADER = ("faces of", "faces", "seconds", "M faces/s", "bytes/face")


@dataclass
class Case:
    """A matrix, its number of patterns, and the goal in patterns (or seconds)."""

    name: str
    rows: Any
    count: int
    rate: float = 0.0
    seconds: float = 0.0
    times_memset: float = 0.0


def gaussian(n: int, r: int, rate: float, *, times_memset: float = 0.0) -> Case:
    X = np.random.default_rng(1000 * n + r).normal(size=(n, r))
    count = cover_bound(n, r)
    return Case(f"Gaussian ({n}, {r})", X, count, rate, times_memset=times_memset)


def planted(n: int = 300) -> tuple[Case, Case]:
    """A generic matrix, and the same with duplicates and dependent quadruples."""
    draw = np.random.default_rng(7)
    X = draw.integers(-(2**20), 2**20, size=(n, 4))
    Y = X.copy()
    for k in range(20):
        i = 20 + 8 * k
        Y[i + 3] = np.array([1, -2, 1]) @ Y[i : i + 3]
    Y[5:10] = Y[:5]
    clean = Case(f"integers ({n}, 4)", X, cover_bound(n, 4))
    # each dependent quadruple costs one pair of antipodal chambers
    count = cover_bound(n - 5, 4) - 40
    return clean, Case(f"integers ({n}, 4), planted", Y, count)


def haberman() -> list[Case]:
    folder = report.data_folder()
    if folder is None:
        return []
    with np.load(folder / "haberman.npz", allow_pickle=False) as data:
        integers = data["X_int"]
    X = np.column_stack([integers, np.ones(len(integers), dtype=np.int64)])
    return [Case("haberman, decimals", X, 5_808_146)]


def cases(*, quick: bool) -> list[Case]:
    listed = [
        gaussian(100, 4, 40e6),
        gaussian(1000, 3, 10e6),
        gaussian(60, 5, 20e6),
        gaussian(40, 6, 20e6),
        gaussian(10_000, 2, 1e6),
        gaussian(200, 4, 0, times_memset=15),
        gaussian(24, 8, 0),
        *planted(),
        Case("threshold n=5", families.threshold(5), 94_572),
        Case("resonance n=6", families.resonance(6), 1_066_044, seconds=0.4),
        Case("braid A9", families.braid(9), 3_628_800, rate=1e6),
    ]
    if not quick:
        listed += [
            Case("threshold n=6", families.threshold(6), 15_028_134, seconds=6.0),
            *haberman(),
        ]
    return listed


def list_all(plan: Plan, n_jobs: int) -> int:
    """List into reused blocks; return the number of patterns."""
    return sum(len(block.patterns) for block in plan.blocks(n_jobs=n_jobs))


def prepare(plan: Plan) -> Walker | VertexWalker:
    """Do what comes before the first chamber."""
    assert plan.layout is not None
    if plan.by_vertices:
        return VertexWalker(plan.arrangement, plan.layout, step=plan.step)
    return Walker(plan.layout, step=plan.step)


def memset_seconds(n_bytes: int) -> float:
    """Time to fill a reused block of 64 MiB until ``n_bytes`` are written."""
    block = np.zeros(BLOCK_BYTES // 8, dtype=np.uint64)
    block.fill(1)
    least = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        block.fill(2)
        least = min(least, time.perf_counter() - start)
    return least * n_bytes / BLOCK_BYTES


def check(name: str, found: int, expected: int) -> None:
    """Stop when a count is wrong: its time would mean nothing."""
    if found != expected:
        raise SystemExit(f"{name}: {found:,} patterns; {expected:,} expected.")


def measure(case: Case) -> dict[str, Any]:
    arrangement = Arrangement(case.rows)
    plan = Plan(arrangement)
    # the first run compiles whatever this case alone needs
    check(case.name, list_all(plan, 1), case.count)
    check(case.name, len(enumerate_patterns(arrangement)), case.count)
    repeats = 5 if case.count > 2_000_000 else 15
    seconds, cpu, _ = report.best_time(lambda: list_all(plan, 1), repeats=repeats)
    two, two_cpu, count = report.best_time(lambda: list_all(plan, 2), repeats=repeats)
    check(case.name, count, case.count)
    kept, kept_cpu, _ = report.best_time(
        lambda: len(enumerate_patterns(arrangement, prove=False)), repeats=repeats
    )
    proven, proven_cpu, _ = report.best_time(
        lambda: len(enumerate_patterns(arrangement)), repeats=repeats
    )
    set_up, _, _ = report.best_time(lambda: prepare(plan))
    width = 8 * plan.width
    return {
        "case": case.name,
        "way": "vertices" if plan.by_vertices else "cells",
        "patterns": count,
        "seconds": seconds,
        "rate": count / seconds,
        "memset": seconds / memset_seconds(count * width),
        "bytes": width,
        "set_up": set_up,
        "two": seconds / two,
        "two_cpu": two_cpu / cpu,
        "kept": kept,
        "proven": proven,
        "proof": (proven_cpu - kept_cpu) / cpu,
    }


def goal_of(case: Case, figures: dict[str, Any]) -> tuple[str, str]:
    if case.rate:
        return f"{case.rate / 1e6:g} M/s", report.verdict(figures["rate"] >= case.rate)
    if case.seconds:
        met = figures["seconds"] <= case.seconds
        return f"{case.seconds:g} s", report.verdict(met)
    if case.times_memset:
        met = figures["memset"] <= case.times_memset
        return f"{case.times_memset:g} x memset", report.verdict(met)
    return "-", "-"


def line(case: Case, figures: dict[str, Any]) -> list[str]:
    return [
        case.name,
        figures["way"],
        f"{figures['patterns']:,}",
        report.seconds_text(figures["seconds"]),
        f"{figures['rate'] / 1e6:.2f}",
        *goal_of(case, figures),
        f"{figures['memset']:.1f}",
        f"{figures['bytes']}",
        report.seconds_text(figures["set_up"]),
        f"{figures['two']:.2f} x",
        f"{figures['two_cpu']:.2f} x",
        report.seconds_text(figures["kept"]),
        report.seconds_text(figures["proven"]),
        f"{figures['proof']:.1f} x",
    ]


def faces() -> list[list[str]]:
    """Time lists of all faces; their numbers must be those counted without a list."""
    rows = []
    for name, X in (
        ("Gaussian (40, 4)", np.random.default_rng(4).normal(size=(40, 4))),
        ("Gaussian (200, 3)", np.random.default_rng(3).normal(size=(200, 3))),
        ("braid A5", families.braid(5)),
    ):
        arrangement = Arrangement(X)

        def walk(arrangement: Arrangement = arrangement) -> int:
            return sum(len(block) for block in iter_covectors(arrangement))

        check(f"faces of {name}", walk(), sum(face_numbers(arrangement)))
        seconds, _, count = report.best_time(walk)
        figures = f"{count:,}", report.seconds_text(seconds)
        n_bytes = str(arrangement.n_hyperplanes)
        rows.append([name, *figures, f"{count / seconds / 1e6:.2f}", n_bytes])
    return rows


def program_tree(X: np.ndarray) -> int:
    """Count patterns by a tree of HiGHS linear programs, as one writes it today."""
    from scipy.optimize import linprog

    n, r = X.shape
    found = 0
    stack: list[list[int]] = [[1]]
    while stack:
        signs = stack.pop()
        if len(signs) == n:
            found += 1
            continue
        for side in (1, -1):
            trial = [*signs, side]
            A = np.array(trial)[:, None] * X[: len(trial)]
            # largest margin in a box
            result = linprog(
                np.r_[np.zeros(r), -1.0],
                A_ub=np.c_[-A, np.linalg.norm(A, axis=1)],
                b_ub=np.zeros(len(A)),
                bounds=[(-1, 1)] * r + [(None, 1)],
            )
            if result.success and -result.fun > 1e-9:
                stack.append(trial)
    return 2 * found


def competitors() -> list[list[str]]:
    """Times of others on small instances, beside ours."""
    rows = []
    for n, r in ((20, 3), (16, 4)):
        X = np.random.default_rng(n).normal(size=(n, r))
        plan = Plan(Arrangement(X))
        ours, _, count = report.best_time(lambda plan=plan: list_all(plan, 1))
        check("small", count, cover_bound(n, r))
        start = time.perf_counter()
        theirs = program_tree(X)
        seconds = time.perf_counter() - start
        check("tree of linear programs", theirs, count)
        rows.append(
            [
                f"({n}, {r})",
                "tree of HiGHS programs",
                f"{count / seconds:,.0f}",
                f"{count / ours:,.0f}",
                f"{seconds / ours:,.0f}",
            ]
        )
    return rows


def scaling(path: Path) -> list[str]:
    """Plot time against n for r = 2..6; return the fitted slopes."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    sizes = {
        2: (200, 500, 1000, 2000, 5000, 10_000),
        3: (50, 100, 200, 400, 800, 1600),
        4: (30, 50, 80, 120, 200, 300),
        5: (20, 30, 45, 60, 80),
        6: (16, 22, 30, 40, 50),
    }
    slopes = []
    figure, axes = plt.subplots(figsize=(6.4, 4.8))
    for r, ns in sizes.items():
        times = []
        for n in ns:
            X = np.random.default_rng(n).normal(size=(n, r))
            plan = Plan(Arrangement(X))
            seconds, _, count = report.best_time(
                lambda plan=plan: list_all(plan, 1), repeats=3
            )
            check(f"({n}, {r})", count, cover_bound(n, r))
            times.append(seconds)
        tail = slice(-3, None)
        slope = np.polyfit(np.log(ns[tail]), np.log(times[tail]), 1)[0]
        axes.loglog(ns, times, "o-", label=f"r = {r}, slope {slope:.2f}")
        slopes.append(f"r = {r}: time grows like n^{slope:.2f}; patterns n^{r - 1}")
    axes.set_xlabel("rows n")
    axes.set_ylabel("seconds to list every pattern (one core)")
    axes.set_title("Gaussian matrices; each pattern has n bits")
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=150)
    return slopes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="skip the long cases")
    parser.add_argument("--plot", type=Path, help="write the scaling plot here")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    report.print_setting()
    for small in (np.random.default_rng(0).normal(size=(60, 4)), families.threshold(4)):
        enumerate_patterns(small)
    rows, figures = [], []
    for case in cases(quick=options.quick):
        figures.append(measure(case))
        rows.append(line(case, figures[-1]))
    report.print_table(HEADER, rows)
    clean, planted_rows = (
        next(f for f in figures if f["case"] == case.name) for case in planted()
    )
    ratio = planted_rows["seconds"] / clean["seconds"]
    met = report.verdict(ratio <= 1.5)
    print(f"\nplanted rows: {ratio:.2f} times the matrix without them (1.5: {met})\n")
    report.print_table(FACES_HEADER, faces())
    print()
    report.print_table(
        ("instance", "other", "other, patterns/s", "here, patterns/s", "times"),
        competitors(),
    )
    if options.plot is not None:
        print("\n".join(scaling(options.plot)))
    if options.json is not None:
        text = json.dumps({"setting": report.setting(), "figures": figures}, indent=1)
        options.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
