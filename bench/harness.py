"""What the benchmarks share: options, timing, memory, answers, tables, the machine.

A benchmark is a module ``bench_<name>.py`` with ``run(options, report)``, which
measures its cases, checks their answers and gives tables and goals to the report.
"""

from __future__ import annotations

import json
import math
import multiprocessing
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
Row = dict[str, Any]

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("numpy", "scipy", "numba", "cvxpy", "clarabel")
PYTHON_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")


class WrongAnswerError(Exception):
    """An answer is wrong, so that its time would mean nothing."""


@dataclass(frozen=True)
class Options:
    """What the command line asks of a benchmark."""

    quick: bool = False
    limit: float = 300.0
    starts: int = 100
    cases: int = 1_000_000
    soak: float = 1800.0
    peers: dict[str, str] = field(default_factory=dict)
    plots: Path | None = None


@dataclass(frozen=True)
class Goal:
    """A figure and what it should be: at most ``limit``, or at least."""

    statement: str
    case: str
    found: float
    limit: float
    at_least: bool

    @property
    def is_met(self) -> bool:
        return self.share <= 1.0

    @property
    def share(self) -> float:
        """How much of what is allowed is taken: above 1 the goal is missed."""
        if self.at_least:
            return self.limit / self.found if self.found > 0 else float("inf")
        if self.limit == 0:
            return float("inf") if self.found > 0 else 0.0
        return self.found / self.limit


@dataclass(frozen=True)
class Table:
    """Raw figures by heading; ``formats`` for those that need another one."""

    title: str
    rows: list[Row]
    formats: dict[str, str]
    note: str

    def text(self) -> str:
        """Return the title and a Markdown table."""
        heads = list(self.rows[0])
        cells = [
            [shown(row[h], self.formats.get(h)) for h in heads] for row in self.rows
        ]
        heads = ["" if head.split()[0] == "met" else head for head in heads]
        parts = [f"## {self.title}", markdown(heads, cells), self.note]
        return "\n\n".join(part for part in parts if part)


class Report:
    """Tables, goals and pictures of one run of a benchmark."""

    def __init__(self) -> None:
        self.tables: list[Table] = []
        self.goals: list[Goal] = []
        self.pictures: list[str] = []

    def table(
        self,
        title: str,
        rows: Iterable[Row],
        *,
        formats: dict[str, str] | None = None,
        note: str = "",
    ) -> None:
        """Add a table, and print it; one without rows is left out."""
        table = Table(title, list(rows), formats or {}, note)
        if table.rows:
            self.tables.append(table)
            print(table.text(), end="\n\n", flush=True)

    def goal(
        self,
        statement: str,
        case: str,
        found: float,
        limit: float,
        *,
        at_least: bool = False,
    ) -> str:
        """Add a figure that has a goal; return the verdict."""
        goal = Goal(statement, case, found, limit, at_least)
        self.goals.append(goal)
        return "met" if goal.is_met else "MISSED"

    def as_json(self) -> dict[str, Any]:
        return {
            "goals": [asdict(goal) for goal in self.goals],
            "tables": [
                {"title": table.title, "rows": [_plain(row) for row in table.rows]}
                for table in self.tables
            ],
        }


def _plain(row: Row) -> Row:
    """Return a row with words for what JSON has no numbers for."""
    return {
        key: str(value)
        if isinstance(value, float) and not math.isfinite(value)
        else value
        for key, value in row.items()
    }


def markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table with aligned columns; the first one is text."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    widths = [max(width, 3) for width in widths]

    def line(row: Sequence[str]) -> str:
        padded = [row[0].ljust(widths[0])]
        padded += [c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True)]
        return "| " + " | ".join(padded) + " |"

    rules = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join([line(heads), line(rules), *map(line, rows)])


def shown(value: Any, form: str | None = None) -> str:
    """Return a figure as a table shows it."""
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if form is not None:
        return format(value, form)
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:#.3g}".rstrip(".")


def data_folder() -> Path | None:
    """Return the folder that ARRANGEMENT_DATA names, or None."""
    name = os.environ.get("ARRANGEMENT_DATA")
    return Path(name) if name else None


def check(name: str, found: Any, expected: Any) -> None:
    """Stop unless an answer is the known one."""
    if found != expected:
        raise WrongAnswerError(f"{name}: {found} found, {expected} expected.")


def demand(is_right: bool, message: str) -> None:
    """Stop unless something holds."""
    if not is_right:
        raise WrongAnswerError(message)


def best_time(
    work: Callable[[], T], *, repeats: int = 5, long: float = 5.0
) -> tuple[float, float, T]:
    """Return the least seconds and CPU seconds of some runs, and the last result.

    No run is begun after ``long`` seconds.
    """
    least, least_cpu, spent = float("inf"), float("inf"), 0.0
    for _ in range(repeats):
        start, start_cpu = time.perf_counter(), time.process_time()
        result = work()
        seconds = time.perf_counter() - start
        least = min(least, seconds)
        least_cpu = min(least_cpu, time.process_time() - start_cpu)
        spent += seconds
        if spent > long:
            break
    return least, least_cpu, result


def peak_bytes() -> int:
    """Return the largest resident size this process has had.

    Linux hands the largest size of a parent on to its children in ``ru_maxrss``.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text(encoding="utf-8").splitlines()
        peaks = [line.split()[1] for line in lines if line.startswith("VmHWM")]
        if peaks:
            return int(peaks[0]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def apart(work: Callable[..., T], *arguments: Any) -> T:
    """Run in a new process, so that peak memory is this case's own."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=context) as pool:
        return pool.submit(work, *arguments).result()


def ask(
    worker: str, way: str, question: Any, limit: float, python: str = sys.executable
) -> dict[str, Any] | str:
    """Return what a worker script answers, or in words why there is no answer.

    Question and answer are JSON, on standard input and output.
    """
    path = ROOT / "bench" / "workers" / f"{worker}.py"
    try:
        done = subprocess.run(
            [python, str(path), way],
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


def setting() -> dict[str, str]:
    """Return the machine, versions, commit and date, and how busy the machine is."""
    names = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    busy = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    limits = [f"{k}={os.environ[k]}" for k in PYTHON_THREADS if k in os.environ]
    threads = f"{os.cpu_count()} CPUs" + "".join(f", {limit}" for limit in limits)
    return {
        "machine": f"{_processor()}, {threads}, {platform.system()}",
        "load": f"{busy:.1f} processes running at the start",
        "versions": f"Python {platform.python_version()}, {names}",
        "commit": commit(ROOT),
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }


def commit(folder: Path) -> str:
    """Return the commit of a checkout, and whether its packages differ from it."""

    def git(*words: str) -> str:
        command = ["git", *words]
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    try:
        name = git("rev-parse", "--short", "HEAD")
        changed = git("status", "--porcelain", "--", "arrangement", "convex_solver")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{name} with changes" if changed else name


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1] for line in lines if line.startswith("model name")]
    return names[0].strip() if names else platform.machine()
