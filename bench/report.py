"""What the benchmarks share: tables, timing, and the machine they ran on."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("numpy", "scipy", "numba", "cvxpy", "clarabel")


def add_paths() -> None:
    """Make the checkout and the known families of its tests importable."""
    for folder in (ROOT / "tests", ROOT):
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))


def data_folder() -> Path | None:
    """Return the folder that ARRANGEMENT_DATA names, or None."""
    name = os.environ.get("ARRANGEMENT_DATA")
    return Path(name) if name else None


def best_time(
    work: Callable[[], T], *, repeats: int = 5, long: float = 5.0
) -> tuple[float, float, T]:
    """Return the least seconds and CPU seconds of some runs, and the last result.

    A run longer than ``long`` seconds is not repeated.
    """
    least, least_cpu = float("inf"), float("inf")
    for _ in range(repeats):
        start, start_cpu = time.perf_counter(), time.process_time()
        result = work()
        seconds = time.perf_counter() - start
        least = min(least, seconds)
        least_cpu = min(least_cpu, time.process_time() - start_cpu)
        if seconds > long:
            break
    return least, least_cpu, result


def ask(
    worker: Path, python: str, way: str, question: Any, limit: float
) -> dict[str, Any] | str:
    """Return what a worker script answers, or in words why there is no answer.

    Question and answer are JSON, on standard input and output.
    """
    try:
        done = subprocess.run(
            [python, str(worker), way],
            input=json.dumps(question),
            capture_output=True,
            text=True,
            timeout=limit,
        )
    except OSError as error:
        return f"{python} does not run: {error.strerror}"
    except subprocess.TimeoutExpired:
        return f"more than {limit:g} s"
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        return lines[-1]
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def seconds_text(seconds: float) -> str:
    """Return a duration with three significant digits."""
    return f"{seconds:#.3g}".rstrip(".")


def verdict(is_met: bool) -> str:
    """Return how a figure compares with its goal."""
    return "met" if is_met else "MISSED"


def time_verdict(seconds: float, cpu: float, goal: float) -> str:
    """Return the verdict by the clock, and by CPU time where that one differs."""
    if cpu <= goal < seconds:
        return "MISSED (CPU met)"
    return verdict(seconds <= goal)


def print_table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a Markdown table with aligned columns; the first one is text."""
    cells = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]

    def line(row: Sequence[str]) -> str:
        padded = [row[0].ljust(widths[0])]
        padded += [c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True)]
        return "| " + " | ".join(padded) + " |"

    rules = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    print("\n".join([line(cells[0]), line(rules), *map(line, cells[1:])]))


def setting() -> dict[str, str]:
    """Return the machine, the versions and the commit."""
    command = ["git", "rev-parse", "--short", "HEAD"]
    try:
        commit = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        commit = "unknown"
    names = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return {
        "machine": f"{_processor()}, {os.cpu_count()} cores",
        "versions": f"Python {platform.python_version()}, {names}",
        "commit": commit,
    }


def print_setting() -> None:
    """Print the machine, the versions and the commit."""
    for name, value in setting().items():
        print(f"{name:9} {value}")
    print()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1] for line in lines if line.startswith("model name")]
    return names[0].strip() if names else platform.machine()
