"""Seconds to list every pattern of arrangements whose numbers are known.

``python bench/bench_enumeration.py [--quick]``; set ARRANGEMENT_DATA to the folder of
haberman.npz for its count.  Compilation is excluded by a small run first; the count
is checked inside the run; the output's bytes are also written by a plain fill in the
same run, which is as fast as any listing could be.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import report

report.add_paths()

from known import families  # noqa: E402

from arrangement import count_patterns, enumerate_patterns  # noqa: E402

HEADER = (
    "case",
    "patterns",
    "seconds",
    "goal",
    "",
    "CPU s",
    "patterns/s",
    "bytes/pattern",
    "fill, s",
    "times fill",
)


@dataclass(frozen=True)
class Case:
    """An arrangement, its number of patterns, and the goal in seconds."""

    name: str
    rows: families.Rows
    count: int
    goal: float


CASES = (
    Case("threshold n=5", families.threshold(5), 94_572, 0.2),
    Case("resonance n=6", families.resonance(6), 1_066_044, 2.0),
    Case("threshold n=6", families.threshold(6), 15_028_134, 30.0),
)
HABERMAN = (5_808_146, 10.0)


def fill_seconds(n_bytes: int) -> float:
    """Return the least time in which ``n_bytes`` are written by a fill."""
    output = np.empty(n_bytes // 8, dtype=np.uint64)
    value = np.uint64(2**64 - 1)
    least = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        output.fill(value)
        least = min(least, time.perf_counter() - start)
    return least


def check(name: str, found: int, expected: int) -> None:
    """Stop when a count is wrong: its time would mean nothing."""
    if found != expected:
        raise SystemExit(f"{name}: {found:,} patterns; {expected:,} expected.")


def list_case(case: Case, *, prove: bool) -> list[str]:
    """Time one listing, proven or not, and return its line of the table."""

    def work() -> tuple[int, int]:
        patterns = enumerate_patterns(case.rows, prove=prove)
        check(case.name, len(patterns), case.count)
        return len(patterns), patterns.packed.nbytes

    seconds, cpu, (count, n_bytes) = report.best_time(work)
    fill = fill_seconds(n_bytes)
    return [
        f"{case.name}, {'proven' if prove else 'listing only'}",
        f"{count:,}",
        report.seconds_text(seconds),
        f"{case.goal:g}" if prove else "-",
        report.time_verdict(seconds, cpu, case.goal) if prove else "-",
        report.seconds_text(cpu),
        f"{count / seconds:,.0f}",
        f"{n_bytes / count:g}",
        f"{fill:.2g}",
        f"{seconds / fill:,.0f}",
    ]


def count_haberman() -> list[str]:
    """Time the count of [X 1] of the haberman data, exact decimals."""
    expected, goal = HABERMAN
    name = "haberman, count_patterns"
    folder = report.data_folder()
    if folder is None:
        return [f"{name} (ARRANGEMENT_DATA unset)", *["-"] * (len(HEADER) - 1)]
    with np.load(folder / "haberman.npz", allow_pickle=False) as data:
        integers = data["X_int"]
    # decimals times a power of ten, column by column: the same arrangement
    X = np.column_stack([integers, np.ones(len(integers), dtype=np.int64)])
    count_patterns(X[:8])
    seconds, cpu, count = report.best_time(lambda: count_patterns(X))
    check(name, count, expected)
    met = report.time_verdict(seconds, cpu, goal)
    rate = f"{count / seconds:,.0f}"
    wall, busy = report.seconds_text(seconds), report.seconds_text(cpu)
    return [name, f"{count:,}", wall, f"{goal:g}", met, busy, rate, "-", "-", "-"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="skip threshold n=6")
    options = parser.parse_args()
    report.print_setting()
    small: tuple[tuple[Callable[[int], Any], int], ...] = (
        (families.threshold, 3),
        (families.resonance, 4),
    )
    for family, n in small:
        enumerate_patterns(family(n))
    cases = CASES[:2] if options.quick else CASES
    rows = [list_case(case, prove=prove) for case in cases for prove in (True, False)]
    report.print_table(HEADER, [*rows, count_haberman()])


if __name__ == "__main__":
    main()
