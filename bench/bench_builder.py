"""The full program in conic form: streamed, written, read, solved; dense against tree.

``python bench/bench_builder.py [--quick]``.  Each case runs in a process of its own,
which first compiles (or loads) the kernels on a small problem; memory is the peak of
that process, the interpreter and its libraries included (some 130 MiB).
"""

from __future__ import annotations

import argparse
import functools
import multiprocessing
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import report
from bench_counts import peak_bytes

report.add_paths()

from convex_solver import (  # noqa: E402
    ConvexProgram,
    build_conic,
    conic_sizes,
    iter_blocks,
    read_conic,
    solve,
    write_conic,
)

from reference.conic import solve_conic  # noqa: E402

STREAM = (1000, 3)
WRITTEN = (100, 3)
BETA = 0.1
FORMS = ("dense", "tree")


def planted(n: int, r: int) -> ConvexProgram:
    """Gaussian data with a column of ones and a planted network."""
    rng = np.random.default_rng([0, n, r])
    X = np.column_stack([rng.standard_normal((n, r - 1)), np.ones(n)])
    hidden = np.maximum(X @ rng.standard_normal((r, 3)), 0)
    y = hidden @ rng.standard_normal(3) + 0.3 * rng.standard_normal(n)
    return ConvexProgram(X, y, BETA)


def apart(work: Callable[..., Any], *arguments: Any) -> Any:
    """Run in a new process, so that peak memory is this case's own."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=context) as pool:
        return pool.submit(work, *arguments).result()


def peak_mib() -> float:
    return peak_bytes() / 2**20


def stream(with_columns: bool) -> tuple[float, float, int]:
    """Seconds, peak and chambers of all blocks, with the columns of the loss map."""
    for block in iter_blocks(planted(9, 3)):
        block.loss_columns()
    program = planted(*STREAM)
    start = time.perf_counter()
    chambers = facets = 0
    for block in iter_blocks(program, block_size=1024):
        chambers += len(block.patterns)
        facets += sum(map(len, block.facets))
        if with_columns:
            block.loss_columns()
    seconds = time.perf_counter() - start
    sizes = conic_sizes(program)
    if (chambers, 2 * facets) != (sizes.n_chambers, sizes.n_cone_rows):
        raise SystemExit("what was streamed is not what was counted")
    return seconds, peak_mib(), chambers


def write(path: Path, form: str) -> tuple[float, float]:
    """Seconds and peak of writing a file."""
    write_conic(path.with_stem(f"{path.stem}-small"), planted(9, 3), form=form)
    program = planted(*WRITTEN)
    start = time.perf_counter()
    write_conic(path, program, form=form)
    return time.perf_counter() - start, peak_mib()


def solved_after_reading(path: Path) -> tuple[float, float]:
    """Seconds of reading, and the optimum."""
    start = time.perf_counter()
    conic = read_conic(path)
    seconds = time.perf_counter() - start
    return seconds, solve_conic(conic)[0]


def compare(n: int, r: int, form: str) -> tuple[int, float, float, float, float, float]:
    """Entries, bytes, seconds to build and solve, peak, optimum."""
    solve_conic(build_conic(planted(9, 3), form=form))
    program = planted(n, r)
    start = time.perf_counter()
    conic = build_conic(program, form=form)
    built = time.perf_counter() - start
    size = conic_sizes(program, form=form).n_bytes / 2**20
    start = time.perf_counter()
    value, _ = solve_conic(conic)
    return conic.A.nnz, size, built, time.perf_counter() - start, peak_mib(), value


@functools.cache
def optimum(n: int, r: int) -> float:
    return float(solve(planted(n, r), tol=1e-9).objective)


def stream_rows() -> list[list[str]]:
    rows = []
    for with_columns, what in ((False, "patterns, facets"), (True, "and columns")):
        seconds, peak, chambers = apart(stream, with_columns)
        verdicts = [report.verdict(seconds <= 30), report.verdict(peak <= 500)]
        figures = [f"{chambers:,}", f"{seconds:.2f}", "30", verdicts[0]]
        rows.append([what, *figures, f"{peak:.0f}", "500", verdicts[1]])
    return rows


def file_rows(folder: Path, forms: tuple[str, ...]) -> list[list[str]]:
    rows = []
    for form in forms:
        for ending in ("cbf", "conic"):
            path = folder / f"{form}.{ending}"
            seconds, peak = apart(write, path, form)
            read, value = apart(solved_after_reading, path)
            excess = value / optimum(*WRITTEN) - 1
            verdicts = [
                report.verdict(seconds <= 10),
                report.verdict(peak <= 300),
                report.verdict(abs(excess) <= 1e-6),
            ]
            rows.append(
                [
                    f"{form}, .{ending}",
                    f"{path.stat().st_size / 2**20:.1f}",
                    f"{seconds:.2f}",
                    verdicts[0],
                    f"{peak:.0f}",
                    verdicts[1],
                    f"{read:.2f}",
                    f"{excess:.0e}",
                    verdicts[2],
                ]
            )
    return rows


def form_rows(cases: list[tuple[int, int, str]]) -> list[list[str]]:
    rows = []
    for n, r, form in cases:
        entries, size, built, solved, peak, value = apart(compare, n, r, form)
        excess = value / optimum(n, r) - 1
        figures = [f"{entries:,}", f"{size:.1f}", f"{built:.2f}", f"{solved:.2f}"]
        rows.append([f"({n}, {r}) {form}", *figures, f"{peak:.0f}", f"{excess:.0e}"])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="leave out what is slow")
    options = parser.parse_args()
    report.print_setting()
    print(f"Stream of {STREAM}, goals 30 s and 500 MiB")
    header = ["blocks of 1024", "chambers", "s", "goal", "", "peak MiB", "goal", ""]
    report.print_table(header, stream_rows())
    print(f"\nFull program of {WRITTEN} on disk, goals 10 s, 300 MiB, excess 1e-6")
    header = ["file", "MiB", "write s", "", "peak MiB", "", "read s", "excess", ""]
    forms = FORMS[1:] if options.quick else FORMS
    with tempfile.TemporaryDirectory() as folder:
        report.print_table(header, file_rows(Path(folder), forms))
    cases = [(n, r, form) for n, r in ((20, 3), (50, 3), (20, 4)) for form in FORMS]
    cases.append((100, 3, "tree"))
    if not options.quick:
        cases += [(100, 3, "dense"), (200, 3, "tree")]
    print("\nSolved by Clarabel, one thread")
    header = ["program", "entries", "MiB", "build s", "solve s", "peak MiB", "excess"]
    report.print_table(header, form_rows(cases))


if __name__ == "__main__":
    main()
