"""Lists shared out: two threads of one process, two workers of a Dask cluster.

With threads: the same list with one and with two, alternating, the least of several
runs each; so are lists of half of the chambers (``where=``), and folds along the tree,
whose one thread walks along all of it without pieces.  With workers: the same fold, and
the same store with its proof, on clusters of one worker and of two, which have loaded
the kernels; the answers have to be the same.

"The machine" is what two threads have of it at most: cores may share their units with
each other, or with those of other machines.  Walks of their own share nothing, not even
the list.  "times by shares" is what two would make of it if nothing else used the
machine and memory had no limit: the CPU time of one thread over the least time in which
two can do the pieces, as they were begun, and what is done beside them.  It shows
whether pieces are even; where it is above the times measured, the two wait for memory
or for each other.  The goal is one of lists that take 50 ms and more.
"""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numba
import numpy as np

from arrangement import (
    Arrangement,
    count_by_listing,
    cover_bound,
    enumerate_patterns,
    fold,
    iter_patterns,
    write_patterns,
)
from arrangement.listing import Piece, Plan, along, default_pieces, executors, threads
from bench import instances
from bench.harness import Options, Report, Row, best_time, check
from bench.works import deepest

from reference import families

THREADS, WORKERS = "two threads: times one", "two workers of Dask: times one"
AT_LEAST, AT_LEAST_WORKERS = 1.8, 1.7
# seconds of a list that is long enough for the goal
LONG = 0.05
REPEATS = 7


def cases(*, quick: bool) -> list[tuple[str, Any, int]]:
    """Return lists of some 50 ms and more: name, matrix, patterns."""
    if quick:
        return [("threshold n=5", families.threshold(5), 94_572)]
    found = [
        ("Gaussian (200, 4)", instances.gaussian(200, 4), cover_bound(200, 4)),
        ("Gaussian (24, 8)", instances.gaussian(24, 8), cover_bound(24, 8)),
        ("integers (300, 4)", instances.with_planted_rows(300)[0], 8_910_800),
        ("resonance n=6", families.resonance(6), 1_066_044),
        ("braid A9", families.braid(9), 3_628_800),
        ("threshold n=6", families.threshold(6), 15_028_134),
    ]
    haberman = instances.real_rows("haberman")
    if haberman is not None:
        found.append(("haberman, decimals", haberman, 5_808_146))
    return found


@contextmanager
def timed(place: Any, name: str) -> Iterator[list[float]]:
    """Collect the CPU seconds of the calls of a function, as they begin."""
    spent: list[tuple[float, float]] = []
    function = getattr(place, name)

    def measured(*arguments: Any) -> Any:
        start, begin = time.perf_counter(), time.thread_time()
        result = function(*arguments)
        spent.append((start, time.thread_time() - begin))
        return result

    found: list[float] = []
    setattr(place, name, measured)
    try:
        yield found
    finally:
        setattr(place, name, function)
        found += [seconds for _, seconds in sorted(spent)]


def timed_tasks() -> Any:
    return timed(threads._Task, "finish")


def timed_folds() -> Any:
    return timed(along, "_fold_piece")


def makespan(pieces: list[float], beside: float = 0.0) -> float:
    """Seconds of two that take pieces when they are free, one of them later."""
    ends = [beside, 0.0]
    for seconds in pieces:
        ends[ends.index(min(ends))] += seconds
    return max(ends)


def listed(X: Any) -> Callable[[int], int]:
    """Keep all patterns, by so many threads."""
    arrangement = Arrangement(X)

    def keep(n_jobs: int) -> int:
        return len(enumerate_patterns(arrangement, n_jobs=n_jobs, prove=False))

    return keep


def half_listed(X: Any) -> Callable[[int], int]:
    """Stream the patterns with a sign of the last row, which half of them have."""
    arrangement = Arrangement(X)
    where = {arrangement.n_hyperplanes - 1: -1}

    def stream(n_jobs: int) -> int:
        blocks = iter_patterns(arrangement, where=where, n_jobs=n_jobs)
        return 2 * sum(len(block) for block in blocks)

    return stream


def put_together(state: Any, part: Any) -> None:
    state[0] += part[0]
    state[1] = max(state[1], part[1])
    state[2] += part[2]


def along_tree(X: Any) -> Callable[[int], int]:
    """Fold along the tree: in one walk, or in pieces by two threads."""
    arrangement = Arrangement(X)

    def walk(n_jobs: int) -> int:
        state = np.zeros(3, dtype=np.int64)
        shared: dict[str, Any] = {}
        if n_jobs > 1:
            shared = {"n_jobs": n_jobs, "merge": put_together}
        fold(arrangement, deepest, state, order="tree", **shared)
        return int(state[0])

    return walk


def by_threads(
    name: str,
    work: Callable[[int], int],
    count: int,
    report: Report,
    timed: Callable[[], Any] = timed_tasks,
) -> Row:
    check(name, work(1), count)
    check(name, work(2), count)
    alone = both = cpu = both_cpus = ideal = float("inf")
    for _ in range(REPEATS):
        seconds, one_cpu, _ = best_time(lambda: work(1), repeats=1)
        alone, cpu = min(alone, seconds), min(cpu, one_cpu)
        with timed() as pieces:
            seconds, both_cpu, _ = best_time(lambda: work(2), repeats=1)
        both, both_cpus = min(both, seconds), min(both_cpus, both_cpu)
        beside = max(both_cpu - sum(pieces), 0.0)
        ideal = min(ideal, makespan(pieces, beside))
    is_long = alone >= LONG
    return {
        "two threads": name,
        "patterns": count,
        "one thread, s": alone,
        "two, s": both,
        "times": alone / both,
        "goal": AT_LEAST if is_long else None,
        "met": report.goal(THREADS, name, alone / both, AT_LEAST, at_least=True)
        if is_long
        else "-",
        "pieces": len(pieces),
        "times by shares": cpu / ideal,
        "CPU, two to one": both_cpus / cpu,
    }


@numba.njit
def count_ones(state: Any, pattern: Any) -> None:
    """How many patterns have each number of ones."""
    ones = 0
    for word in pattern:
        while word != np.uint64(0):
            word &= word - np.uint64(1)
            ones += 1
    state[ones] += 1


def add(state: Any, part: Any) -> None:
    state += part


def warm(_: int) -> int:
    """Load the kernels of a worker."""
    X = families.threshold(4)
    fold(X, count_ones, np.zeros(20, dtype=np.int64))
    with tempfile.TemporaryDirectory() as folder:
        write_patterns(Path(folder) / "a.zarr", X)
    return os.getpid()


@contextmanager
def executor_of(count: int) -> Iterator[Any]:
    """Give the executor of a cluster of so many workers."""
    from dask.distributed import Client, LocalCluster

    cluster = LocalCluster(
        n_workers=count, threads_per_worker=1, processes=True, dashboard_address=None
    )
    with cluster, Client(cluster) as client:
        client.run(warm, 0)
        yield client.get_executor()


def by_workers(name: str, X: Any, count: int, report: Report) -> list[Row]:
    """Fold and store on one worker and on two."""
    arrangement = Arrangement(X)
    seconds: dict[tuple[str, int], float] = {}
    for n_workers in (1, 2):
        with executor_of(n_workers) as executor, tempfile.TemporaryDirectory() as place:

            def folded(executor: Any = executor) -> int:
                state = np.zeros(arrangement.n_hyperplanes + 1, dtype=np.int64)
                fold(arrangement, count_ones, state, executor=executor, merge=add)
                return int(state.sum())

            def stored(executor: Any = executor, place: str = place) -> int:
                path = Path(place) / f"{time.monotonic_ns()}.zarr"
                return len(write_patterns(path, arrangement, executor=executor))

            works: dict[str, Callable[[], int]] = {"folded": folded, "stored": stored}
            for what, work in works.items():
                least, _, found = best_time(work, repeats=2, long=20.0)
                check(f"{name} {what}", found, count)
                seconds[what, n_workers] = least
    zeros = np.zeros(arrangement.n_hyperplanes + 1, dtype=np.int64)
    with timed(executors, "reduce_cells") as folds:
        fold(arrangement, count_ones, zeros, n_jobs=1, merge=add)
    with timed(Piece, "count") as counts:
        for piece in default_pieces(Plan(arrangement)):
            piece.count()
    rows: list[Row] = []
    for what, pieces in (("folded", folds), ("stored", counts)):
        times = seconds[what, 1] / seconds[what, 2]
        case = f"{name}, {what}"
        rows.append(
            {
                "two workers": case,
                "one worker, s": seconds[what, 1],
                "two, s": seconds[what, 2],
                "times": times,
                "goal": AT_LEAST_WORKERS,
                "met": report.goal(
                    WORKERS, case, times, AT_LEAST_WORKERS, at_least=True
                ),
                "pieces": len(pieces),
                "times by shares": sum(pieces) / makespan(pieces),
            }
        )
    return rows


def by_machine() -> Iterator[Row]:
    """How many times as fast two threads are at what is nothing but the machine.

    Products of matrices that stay in the cache keep the units of a core busy, memory
    that is filled keeps the bus; of walks over the same cells each is counted.
    """
    A = np.random.default_rng(0).normal(size=(700, 700))
    words = np.zeros(1 << 24)

    def multiplied() -> None:
        for _ in range(10):
            A @ A

    def filled() -> None:
        for _ in range(20):
            words.fill(1.0)

    def walked() -> None:
        count_by_listing(resonance)

    resonance = Arrangement(families.resonance(6))
    works = {
        "products of matrices": multiplied,
        "memset": filled,
        "walks of their own": walked,
    }
    for name, work in works.items():
        alone = both = float("inf")
        with ThreadPoolExecutor(2) as pool:
            for _ in range(REPEATS):
                alone = min(alone, best_time(work, repeats=1)[0])
                begin = time.perf_counter()
                wait([pool.submit(work), pool.submit(work)])
                both = min(both, time.perf_counter() - begin)
        yield {
            "two threads": name,
            "one thread, s": alone,
            "twice by two, s": both,
            "times": 2.0 * alone / both,
        }


def run(options: Options, report: Report) -> None:
    found = cases(quick=options.quick)
    affinity = getattr(os, "sched_getaffinity", None)
    processors = len(affinity(0)) if affinity else multiprocessing.cpu_count()
    if processors < 2:
        print("not measured, as this process has one processor", flush=True)
        return
    formats = {"times": ".2f", "times by shares": ".2f", "CPU, two to one": ".2f"}
    report.table("The machine", by_machine(), formats=formats)
    report.table(
        "Lists by two threads",
        [by_threads(name, listed(X), count, report) for name, X, count in found],
        formats=formats,
    )
    names = ("threshold n=5", "resonance n=6", "braid A9")
    rows = []
    for name, X, count in found:
        if name in names:
            work = along_tree(X)
            rows.append(by_threads(f"{name}, tree", work, count, report, timed_folds))
        if name != "threshold n=5":
            half = half_listed(X)
            rows.append(by_threads(f"{name}, half", half, count, report))
    report.table("Trees and regions by two threads", rows, formats=formats)
    if importlib.util.find_spec("distributed") is None:
        print("workers: not measured, as Dask is not installed", flush=True)
        return
    name = "threshold n=5" if options.quick else "threshold n=6"
    case = next(case for case in found if case[0] == name)
    report.table(
        "Lists by two workers of Dask", by_workers(*case, report), formats=formats
    )
