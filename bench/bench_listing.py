"""Patterns a second, both ways of listing, against memory.

Lists are written in full, both antipodes, in blocks (`iter_patterns`); every sign is
decided exactly; least of several runs by one thread, with set-up and plan. "times
memset": against filling a block of 64 MiB as often as the list fills it. "kept": the
list in new memory; "by 2 threads": how many times as fast two make that, and their CPU
time over that of one; "proven": the list with its proof; "proof/listing": the CPU time
that the proof adds, over that of the list.

"What surrounds the kernel": from a NumPy array to the last pattern, in CPU seconds, as
memory is what counts. "kernel": what of a stream is spent in the compiled walk itself;
"fresh fill": as many bytes written to new memory.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from arrangement import (
    Arrangement,
    PatternSet,
    count_patterns,
    cover_bound,
    enumerate_patterns,
    face_numbers,
    iter_covectors,
    iter_patterns,
)
from arrangement._kernels.vertices import walk
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
AROUND = "stream from an array: times kernel and reading"
FILLED = "stream from an array: times memset"
FRESH = "proven list: times a fresh fill"
HIGH = "ISF suite: chambers a second, from an array"
FACES = "faces a second"
SMALL = "milliseconds to list and prove what is small, from an array"


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


def list_all(arrangement: Any) -> int:
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


def kernel_seconds(X: Any) -> float:
    """CPU time that a stream spends in the compiled walk over vertices: the least."""
    kernel, least = walk.advance, float("inf")
    spent = 0.0

    def timed(*arguments: Any) -> Any:
        nonlocal spent
        start = time.process_time()
        status = kernel(*arguments)
        spent += time.process_time() - start
        return status

    walk.advance = timed
    try:
        for _ in range(7):
            spent = 0.0
            list_all(X)
            least = min(least, spent)
    finally:
        walk.advance = kernel
    return least


def surroundings(n: int, r: int, report: Report) -> Row:
    """Compare a stream and a proven list with what they cannot do without."""
    X, name = instances.gaussian(n, r), f"Gaussian ({n}, {r})"
    count = cover_bound(n, r)
    n_bytes = 8 * count * -(-n // 64)
    whole = enumerate_patterns(X)
    check(name, len(whole), count)
    digest = hashlib.sha256()
    for block in iter_patterns(X):
        digest.update(block.packed)
    check(name, digest.digest(), hashlib.sha256(whole.packed).digest())
    del whole
    _, reading, _ = best_time(lambda: Arrangement(X), repeats=15)
    _, stream, found = best_time(lambda: list_all(X), repeats=15)
    check(name, found, count)
    kernel = kernel_seconds(X)
    _, proven, found = best_time(lambda: len(enumerate_patterns(X)), repeats=9)
    check(name, found, count)
    _, fresh, _ = best_time(
        lambda: np.empty(n_bytes // 8, dtype=np.uint64).fill(2), repeats=9
    )
    block = np.zeros(BLOCK_BYTES // 8, dtype=np.uint64)
    _, reused, _ = best_time(lambda: block.fill(2), repeats=15)
    memset = reused * n_bytes / BLOCK_BYTES
    around, filled = stream / (kernel + reading), stream / memset
    report.goal(AROUND, name, around, 1.3)
    report.goal(FILLED, name, filled, 12)
    report.goal(FRESH, name, proven / fresh, 4)
    return {
        "from an array": name,
        "patterns": count,
        "reading, s": reading,
        "kernel, s": kernel,
        "stream, s": stream,
        "times both (1.3)": around,
        "times memset (12)": filled,
        "proven, s": proven,
        "times a fresh fill (4)": proven / fresh,
    }


def small_lists(
    name: str, matrices: list[Any], goal: float | None, report: Report
) -> Row:
    """Time lists of which the patterns are the least part: CPU time, on average."""
    counts = [len(enumerate_patterns(X)) for X in matrices]
    check(name, counts, [count_patterns(X) for X in matrices])

    def work() -> int:
        return sum(len(enumerate_patterns(X)) for _ in range(10) for X in matrices)

    _, seconds, count = best_time(work, repeats=50)
    check(name, count, 10 * sum(counts))
    each = 1e3 * seconds / (10 * len(matrices))
    verdict = None if goal is None else report.goal(SMALL, name, each, goal)
    row: Row = {"small": name, "patterns": sum(counts), "ms each": each}
    return {**row, "goal": None if goal is None else f"{goal:g}: {verdict}"}


# of the instances of Rada's and of Dussault's suites: those in high rank for how few
# rows they have, not generic, and how many chambers they have
HIGH_RANK = {
    "data_aff_ratio_5_9": 11_325,
    "data_aff_ratio_6_9": 53_795,
    "data_aff_ratio_7_9": 135_039,
    "data_aff_srand_8_20_4": 213_467,
    "data_aff_degen2d_7": 3_840,
    "data_ratio_20_5_7": 8_470,
    "data_ratio_20_6_7": 26_194,
    "data_ratio_20_7_7": 76_790,
    "data_srand_8_20_2": 24_544,
    "data_srand_8_20_6": 186_430,
    "data_perm_8": 362_880,
    "crosspoly_10": 117_074,
}


def high_rank(report: Report, *, quick: bool) -> list[Row]:
    """List instances with many rays a chamber; CPU seconds, reading included."""
    stored = instances.real("isf_instances")
    rows: list[Row] = []
    for name, count in HIGH_RANK.items():
        if stored is None or (quick and count > 30_000):
            continue
        X, offsets = stored[name], None
        if name.startswith("data_aff"):
            # the last column is t of the hyperplane v . x = t
            X, offsets = X[:, :-1], X[:, -1]

        def work(X: Any = X, offsets: Any = offsets) -> int:
            return sum(len(block) for block in iter_patterns(X, offsets=offsets))

        _, seconds, found = best_time(work, repeats=5)
        check(name, found, count)
        rate = count / seconds
        verdict = report.goal(HIGH, name, rate, 5e5, at_least=True)
        rows.append(
            {
                "in high rank": name,
                "way": iter_patterns(X, offsets=offsets).plan,
                "patterns": count,
                "CPU seconds": seconds,
                "chambers/s": rate,
                "500,000": verdict,
            }
        )
    return rows


def faces(name: str, X: Any, report: Report, repeats: int = 5) -> Row:
    """Time a list of all faces, of which there are as many as are counted without."""
    arrangement = Arrangement(X)

    def walk() -> int:
        return sum(len(block) for block in iter_covectors(arrangement))

    count = sum(face_numbers(arrangement, symmetry="auto"))
    check(f"faces of {name}", walk(), count)
    seconds, _, count = best_time(walk, repeats=repeats)
    n_bytes = count * arrangement.n_hyperplanes
    verdict = report.goal(FACES, name, count / seconds, 1e6, at_least=True)
    return {
        "faces of": name,
        "faces": count,
        "seconds": seconds,
        "M faces/s": count / seconds / 1e6,
        "bytes/face": arrangement.n_hyperplanes,
        "GB/s": n_bytes / seconds / 1e9,
        "1 M/s": verdict,
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
    listed = [(1000, 3)] if options.quick else [(1000, 3), (200, 4), (10_000, 2)]
    around = [surroundings(n, r, report) for n, r in listed]
    report.table("What surrounds the kernel", around)
    ints = [np.random.default_rng(k).integers(-5, 6, (12, 3)) for k in range(20)]
    floats = [instances.gaussian(10, 3, k) for k in range(20)]
    few = [
        # on the machine on which it took 2.2
        small_lists("Gaussian (20, 3)", [instances.gaussian(20, 3)], 0.5, report),
        small_lists("20 Gaussian (10, 3)", floats, None, report),
        small_lists("20 of small integers, (12, 3)", ints, None, report),
    ]
    report.table("Small lists, proven, from an array", few)
    high = high_rank(report, quick=options.quick)
    if high:
        report.table("High rank: the ISF suite", high)
    shapes = [(20, 4)] if options.quick else [(40, 4), (200, 3)]
    walked = [faces(f"Gaussian {s}", instances.gaussian(*s), report) for s in shapes]
    walked.append(faces("braid A5", families.braid(5), report))
    if not options.quick:
        walked.append(faces("resonance n=6", families.resonance(6), report, 2))
    report.table("Faces (`iter_covectors`), as many as counted", walked)
    if options.plots is not None:
        path = options.plots / "scaling.png"
        report.table("Scaling", scaling(path, quick=options.quick))
        report.pictures.append("scaling.png")
