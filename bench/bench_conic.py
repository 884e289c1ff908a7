"""The full program in conic form: streamed, written, read, solved; dense against tree.

Each case runs in a process of its own, which first compiles (or loads) the kernels on a
small problem; memory is the peak of that process, the interpreter and its libraries
included (some 130 MiB).  What is streamed must be as much as is counted without a
listing, and Clarabel's optimum (one thread) that of `solve`: "excess" is relative.
"""

from __future__ import annotations

import functools
import tempfile
import time
from pathlib import Path

from bench import instances
from bench.harness import Options, Report, Row, apart, check, peak_bytes
from convex_solver import (
    ConvexProgram,
    build_conic,
    conic_sizes,
    iter_batches,
    read_conic,
    solve,
    write_conic,
)

from reference.conic import solve_conic

FORMS = ("dense", "tree")
STREAM_SECONDS = "seconds to stream every block"
STREAM_MEMORY = "peak MiB of streaming"
WRITE_SECONDS = "seconds to write the full program"
WRITE_MEMORY = "peak MiB of writing"
EXCESS = "distance of Clarabel's optimum, relative"
SHOWN = {"excess": ".0e", "MiB": ".1f"}


def planted(n: int, r: int) -> ConvexProgram:
    asked = instances.planted_network(n, r, 0.1, seed=0)
    return ConvexProgram(asked["X"], asked["y"], asked["beta"])


def peak_mib() -> float:
    return peak_bytes() / 2**20


def stream(n: int, r: int, with_columns: bool) -> tuple[float, float, int]:
    """Seconds, peak and chambers of all blocks, with the columns of the loss map."""
    for batch in iter_batches(planted(9, 3)):
        batch.loss_columns()
    program = planted(n, r)
    start = time.perf_counter()
    chambers = facets = 0
    for batch in iter_batches(program, batch_size=1024):
        chambers += len(batch.patterns)
        facets += sum(map(len, batch.facets))
        if with_columns:
            batch.loss_columns()
    seconds = time.perf_counter() - start
    sizes = conic_sizes(program)
    counted = sizes.n_chambers, sizes.n_cone_rows
    check("the stream", (chambers, 2 * facets), counted)
    return seconds, peak_mib(), chambers


def write(n: int, path: Path, form: str) -> tuple[float, float]:
    """Seconds and peak of writing a file."""
    write_conic(path.with_stem(f"{path.stem}-small"), planted(9, 3), form=form)
    program = planted(n, 3)
    start = time.perf_counter()
    write_conic(path, program, form=form)
    return time.perf_counter() - start, peak_mib()


def solved_after_reading(path: Path) -> tuple[float, float]:
    """Seconds of reading, and the optimum."""
    start = time.perf_counter()
    conic = read_conic(path)
    seconds = time.perf_counter() - start
    return seconds, solve_conic(conic)[0]


def built(n: int, r: int, form: str) -> Row:
    """Build a program in memory and solve it."""
    solve_conic(build_conic(planted(9, 3), form=form))
    program = planted(n, r)
    start = time.perf_counter()
    conic = build_conic(program, form=form)
    building = time.perf_counter() - start
    size = conic_sizes(program, form=form).n_bytes / 2**20
    start = time.perf_counter()
    value, _ = solve_conic(conic)
    return {
        "program": f"({n}, {r}) {form}",
        "entries": int(conic.A.nnz),
        "MiB": size,
        "build, s": building,
        "solve, s": time.perf_counter() - start,
        "peak MiB": round(peak_mib()),
        "excess": value / optimum(n, r) - 1,
    }


@functools.cache
def optimum(n: int, r: int) -> float:
    return float(solve(planted(n, r), tol=1e-9).objective)


def stream_rows(n: int, report: Report) -> list[Row]:
    rows = []
    for with_columns, what in ((False, "patterns, facets"), (True, "and columns")):
        seconds, peak, chambers = apart(stream, n, 3, with_columns)
        rows.append(
            {
                "blocks of 1024": what,
                "chambers": chambers,
                "seconds": seconds,
                "met": report.goal(STREAM_SECONDS, what, seconds, 30),
                "peak MiB": round(peak),
                "met MiB": report.goal(STREAM_MEMORY, what, peak, 500),
            }
        )
    return rows


def file_rows(n: int, forms: tuple[str, ...], report: Report) -> list[Row]:
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for form in forms:
            for ending in ("cbf", "conic"):
                path = Path(folder) / f"{form}.{ending}"
                name = f"{form}, .{ending}"
                seconds, peak = apart(write, n, path, form)
                read, value = apart(solved_after_reading, path)
                excess = value / optimum(n, 3) - 1
                rows.append(
                    {
                        "file": name,
                        "MiB": path.stat().st_size / 2**20,
                        "write, s": seconds,
                        "met": report.goal(WRITE_SECONDS, name, seconds, 10),
                        "peak MiB": round(peak),
                        "met MiB": report.goal(WRITE_MEMORY, name, peak, 300),
                        "read, s": read,
                        "excess": excess,
                        "met excess": report.goal(EXCESS, name, abs(excess), 1e-6),
                    }
                )
    return rows


def run(options: Options, report: Report) -> None:
    n, written = (200, 50) if options.quick else (1000, 100)
    forms = FORMS[1:] if options.quick else FORMS
    report.table(f"Stream of ({n}, 3)", stream_rows(n, report))
    title = f"Full program of ({written}, 3) on disk, read and solved"
    report.table(title, file_rows(written, forms, report), formats=SHOWN)
    shapes = [(20, 3)] if options.quick else [(20, 3), (50, 3), (20, 4), (100, 3)]
    cases = [(*shape, form) for shape in shapes for form in FORMS]
    if not options.quick:
        cases.append((200, 3, "tree"))
    rows = [apart(built, *case) for case in cases]
    for row in rows:
        report.goal(EXCESS, row["program"], abs(row["excess"]), 1e-6)
    report.table("In memory, solved by Clarabel", rows, formats=SHOWN)
