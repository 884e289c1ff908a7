"""Patterns a second, both ways of listing, against memory.

Lists are written in full, both antipodes, in blocks (`iter_patterns`); every sign is
decided exactly; least of several runs by one thread, with set-up and plan. "times
memset": against filling a block of 64 MiB as often as the list fills it. "kept": the
list in new memory; "by 2 threads": how many times as fast two make that, and their CPU
time over that of one; "proven": the list with its proof; "proof/listing": the CPU time
that the proof adds, over that of the list.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from arrangement import (
    Arrangement,
    PatternSet,
    cover_bound,
    enumerate_patterns,
    face_numbers,
    iter_covectors,
    iter_patterns,
)
from bench import instances
from bench.harness import Options, Report, Row, best_time, check

from reference import families

BLOCK_BYTES = 64 << 20
SCALED = {
    2: (200, 500, 1000, 2000, 5000, 10_000),
    3: (50, 100, 200, 400, 800, 1600),
    4: (30, 50, 80, 120, 200, 300),
    5: (20, 30, 45, 60, 80),
    6: (16, 22, 30, 40, 50),
}
RATE = "M patterns a second"
SECONDS = "seconds to list"
PROVEN = "seconds to list and prove"
MEMSET = "times memset"
PLANTED = "planted rows: times the generic matrix"


@dataclass
class Case:
    """A matrix, its number of patterns, and the goals it has."""

    name: str
    rows: Any
    count: int
    rate: float | None = None
    seconds: float | None = None
    proven: float | None = None
    times_memset: float | None = None


def generic(n: int, r: int, rate: float | None, **goals: float) -> Case:
    rows = instances.gaussian(n, r)
    return Case(f"Gaussian ({n}, {r})", rows, cover_bound(n, r), rate, **goals)


def planted(n: int) -> tuple[Case, Case]:
    clean, degenerate = instances.with_planted_rows(n)
    # each dependent quadruple costs one pair of antipodal chambers
    count = cover_bound(n - 5, 4) - 40
    return (
        Case(f"integers ({n}, 4)", clean, cover_bound(n, 4)),
        Case(f"integers ({n}, 4), planted", degenerate, count),
    )


def cases(*, quick: bool) -> list[Case]:
    threshold, resonance = families.threshold, families.resonance
    small = [
        generic(100, 4, 40),
        generic(1000, 3, 10),
        Case("threshold n=5", threshold(5), 94_572, proven=0.2),
    ]
    if quick:
        return [*small, *planted(200)]
    listed = [
        *small,
        generic(60, 5, 20),
        generic(40, 6, 20),
        generic(10_000, 2, 1),
        generic(200, 4, None, times_memset=15),
        generic(24, 8, None),
        *planted(300),
        Case("resonance n=6", resonance(6), 1_066_044, seconds=0.4, proven=2),
        Case("braid A9", families.braid(9), 3_628_800, rate=1),
        Case("threshold n=6", threshold(6), 15_028_134, seconds=6, proven=30),
    ]
    haberman = instances.real_rows("haberman")
    if haberman is not None:
        listed.append(Case("haberman, decimals", haberman, 5_808_146, proven=3))
    return listed


def list_all(arrangement: Arrangement) -> int:
    """List in blocks that are not kept; return the number of patterns."""
    return sum(len(block) for block in iter_patterns(arrangement, n_jobs=1))


def memset_seconds(n_bytes: int) -> float:
    """Time to fill a reused block of 64 MiB until ``n_bytes`` are written."""
    block = np.zeros(BLOCK_BYTES // 8, dtype=np.uint64)
    block.fill(1)
    least, _, _ = best_time(lambda: block.fill(2))
    return least * n_bytes / BLOCK_BYTES


def measure(case: Case, report: Report) -> Row:
    arrangement = Arrangement(case.rows)

    def keep(n_jobs: int, *, prove: bool = False) -> PatternSet:
        return enumerate_patterns(arrangement, n_jobs=n_jobs, prove=prove)

    # the first runs compile whatever this case alone needs
    check(case.name, list_all(arrangement), case.count)
    patterns = keep(1, prove=True)
    check(case.name, len(patterns), case.count)
    n_words = patterns.packed.shape[1]
    way = patterns.plan.split(";")[0].split("(")[0].strip()
    del patterns
    repeats = 5 if case.count > 2_000_000 else 15
    seconds, _, _ = best_time(lambda: list_all(arrangement), repeats=repeats)
    kept, kept_cpu, _ = best_time(lambda: len(keep(1)), repeats=repeats)
    two, two_cpu, count = best_time(lambda: len(keep(2)), repeats=repeats)
    check(case.name, count, case.count)
    proven, proven_cpu, _ = best_time(lambda: len(keep(1, prove=True)), repeats=repeats)
    rate = count / seconds / 1e6
    memset = seconds / memset_seconds(count * 8 * n_words)
    goals = [
        (RATE, rate, case.rate, True),
        (SECONDS, seconds, case.seconds, False),
        (PROVEN, proven, case.proven, False),
        (MEMSET, memset, case.times_memset, False),
    ]
    verdicts = [
        f"{limit:g} {statement.split(',')[0]}: "
        + report.goal(statement, case.name, found, limit, at_least=at_least)
        for statement, found, limit, at_least in goals
        if limit is not None
    ]
    return {
        "case": case.name,
        "way": way,
        "patterns": count,
        "seconds": seconds,
        "M patterns/s": rate,
        "times memset": memset,
        "bytes/pattern": 8 * n_words,
        "kept, s": kept,
        "by 2 threads": kept / two,
        "their CPU": two_cpu / kept_cpu,
        "proven, s": proven,
        "proof/listing": (proven_cpu - kept_cpu) / kept_cpu,
        "goals": "; ".join(verdicts) or None,
    }


def faces(name: str, X: Any) -> Row:
    """Time a list of all faces, of which there are as many as are counted without."""
    arrangement = Arrangement(X)

    def walk() -> int:
        return sum(len(block) for block in iter_covectors(arrangement))

    check(f"faces of {name}", walk(), sum(face_numbers(arrangement)))
    seconds, _, count = best_time(walk)
    return {
        "faces of": name,
        "faces": count,
        "seconds": seconds,
        "M faces/s": count / seconds / 1e6,
        "bytes/face": arrangement.n_hyperplanes,
    }


def scaling(path: Path, *, quick: bool) -> list[Row]:
    """Draw time against n for r = 2..6; return the fitted slopes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.8), dpi=80, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    rows = []
    for r, wanted in SCALED.items():
        times = []
        sizes = wanted[: 4 if quick else None]
        for n in sizes:
            X = Arrangement(instances.gaussian(n, r, n))
            seconds, _, count = best_time(lambda X=X: list_all(X), repeats=3)
            check(f"({n}, {r})", count, cover_bound(n, r))
            times.append(seconds)
        slope = float(np.polyfit(np.log(sizes[-3:]), np.log(times[-3:]), 1)[0])
        axes.loglog(sizes, times, "o-", label=f"r = {r}, slope {slope:.2f}")
        rows.append({"rank": r, "time grows like n to the": slope, "patterns": r - 1})
    axes.set_xlabel("rows n")
    axes.set_ylabel("seconds to list every pattern (one core)")
    axes.set_title("Gaussian matrices; each pattern has n bits")
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend()
    figure.savefig(path, metadata={"Software": None})
    return rows


def run(options: Options, report: Report) -> None:
    for small in (instances.gaussian(60, 4), families.threshold(4)):
        enumerate_patterns(small)
    rows = [measure(case, report) for case in cases(quick=options.quick)]
    note = ""
    if not options.quick:
        seconds = {row["case"]: row["seconds"] for row in rows}
        clean, degenerate = (case.name for case in planted(300))
        ratio = seconds[degenerate] / seconds[clean]
        verdict = report.goal(PLANTED, degenerate, ratio, 1.5)
        note = (
            f"Planted rows take {ratio:.2f} times the generic matrix (1.5: {verdict})."
        )
    report.table("Listing", rows, note=note)
    shapes = [(20, 4)] if options.quick else [(40, 4), (200, 3)]
    listed = [faces(f"Gaussian {s}", instances.gaussian(*s)) for s in shapes]
    listed.append(faces("braid A5", families.braid(5)))
    report.table("Faces (`iter_covectors`), as many as counted", listed)
    if options.plots is not None:
        path = options.plots / "scaling.png"
        report.table("Scaling", scaling(path, quick=options.quick))
        report.pictures.append("scaling.png")
