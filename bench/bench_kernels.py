"""Seconds of the hot kernels, room by room, on work that they dominate.

Least of several runs on one core where the kernel has no threads of its own; what is
counted says what one item costs.  ``--against PATH`` times the same work with another
checkout: a change of a kernel's signature should cost nothing there.
"""

from __future__ import annotations

from bench.harness import Options, Report, Row, best_time, check
from bench.works import WORKS, Work


def row(work: Work, long: float) -> Row:
    job = work.prepare()
    answer = work.answer(job())  # compiles
    seconds, cpu, found = best_time(job, repeats=9, long=long)
    check(f"{work.room}, {work.name}, once more", work.answer(found), answer)
    items = work.items(answer)
    return {
        "room": work.room,
        "work": work.name,
        "seconds": seconds,
        "CPU, s": cpu,
        "items": items and f"{items:,} {work.unit}",
        "ns an item": items and seconds / items * 1e9,
    }


def run(options: Options, report: Report) -> None:
    works = [work for work in WORKS if work.is_quick or not options.quick]
    long = 1.0 if options.quick else 4.0
    report.table("Kernels by room", [row(work, long) for work in works])
