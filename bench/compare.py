"""The same work with the packages of two checkouts, alternating.

A round starts a process for each checkout, with compiled code in a cache of its own,
and takes every piece of work in turn: this, other, other, this, ...  Of all rounds the
least and the median are compared.  What runs beside it slows both.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.harness import ROOT, commit, markdown, setting, shown

WORKER = ROOT / "bench" / "workers" / "compare.py"
MOST = 1.05
SAME = 1e-9
# Runs of each side in a round: for so many seconds, and at least and at most so many.
SECONDS, LEAST_RUNS, MOST_RUNS = 2.0, 3, 25
HEADS = (
    "work",
    "other, ms",
    "this, ms",
    "least",
    "median",
    "least CPU",
    "",
)


class Side:
    """A process with the packages of one checkout."""

    def __init__(self, checkout: Path, cache: Path) -> None:
        self.checkout = checkout
        environment = {
            **os.environ,
            "PYTHONPATH": str(checkout),
            "NUMBA_CACHE_DIR": str(cache),
            "OPENBLAS_NUM_THREADS": "1",  # idle threads that spin count as CPU time
            "OMP_NUM_THREADS": "1",
        }
        self.process = subprocess.Popen(
            [sys.executable, str(WORKER), str(checkout)],
            env=environment,
            # not in a checkout: its packages would come first
            cwd=cache,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.import_seconds = float(self._read()["import"])

    def ask(self, name: str) -> dict[str, Any]:
        assert self.process.stdin is not None
        # where it has ended, reading says so
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(name + "\n")
            self.process.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"the process for {self.checkout} has ended")
        reply: dict[str, Any] = json.loads(line)
        return reply

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def differ(a: Any, b: Any) -> bool:
    """Whether two answers differ: floats by more than 1e-9, all else at all."""
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return any(differ(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, float) and isinstance(b, float):
        return not math.isclose(a, b, rel_tol=SAME)
    return bool(a != b)


class Comparison:
    """Times of both sides for every piece of work."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self.times: dict[str, tuple[list[Any], list[Any]]] = {}
        self.notes: dict[str, str] = {}
        self.imports: tuple[list[float], list[float]] = [], []

    def round(self, this: Side, other: Side) -> None:
        for imports, side in zip(self.imports, (this, other), strict=True):
            imports.append(side.import_seconds)
        for name in self.names:
            mine, theirs = this.ask(name), other.ask(name)
            for side, reply in (("this", mine), ("other", theirs)):
                if "error" in reply:
                    self.notes[name] = f"{side}: {reply['error']}"
            if name in self.notes:
                continue
            if differ(mine["answer"], theirs["answer"]):
                text = f"answers differ: {mine['answer']}, other {theirs['answer']}"
                self.notes[name] = text
                continue
            kept = self.times.setdefault(name, ([], []))
            spent, runs = 0.0, 0
            while runs < LEAST_RUNS or (spent < 2 * SECONDS and runs < MOST_RUNS):
                sides = [(this, kept[0]), (other, kept[1])]
                for side, times in sides if runs % 2 else reversed(sides):
                    reply = side.ask(name)
                    times.append((reply["seconds"], reply["cpu"]))
                    spent += reply["seconds"]
                runs += 1
            # what is known so far, of a run that may take an hour
            print(" ".join(self.row(name)), file=sys.stderr, flush=True)

    def row(self, name: str) -> list[str]:
        if name in self.notes:
            return [name, *["-"] * 5, self.notes[name]]
        if name not in self.times:
            return [name, *["-"] * 5, "not measured"]
        this, other = self.times[name]
        ratios = [
            choose(t[k] for t in this) / choose(t[k] for t in other)
            for choose, k in ((min, 0), (statistics.median, 0), (min, 1))
        ]
        # the clock and CPU time agree that it is slower
        slow = "slower" if min(ratios[0], ratios[2]) > MOST else ""
        least = [f"{1000 * min(t[0] for t in times):.3g}" for times in (other, this)]
        return [name, *least, *(f"{ratio:.3f}" for ratio in ratios), slow]

    def rows(self) -> list[list[str]]:
        this, other = self.imports
        ratio = min(this) / min(other)
        median = statistics.median(this) / statistics.median(other)
        least = [f"{1000 * min(times):.3g}" for times in (other, this)]
        verdict = "slower" if ratio > MOST else ""
        first = ["imports", *least, f"{ratio:.3f}", f"{median:.3f}", "-", verdict]
        return [first, *(self.row(name) for name in self.names)]


def run(against: Path, rooms: Sequence[str], rounds: int, *, quick: bool) -> int:
    """Print the comparison; 1 when something is slower or different."""
    from bench.works import ROOMS, WORKS  # late: they import all that they time

    unknown = set(rooms) - set(ROOMS)
    if unknown or not (against / "arrangement").is_dir():
        what = f"no room {', '.join(sorted(unknown))}; rooms: {', '.join(ROOMS)}"
        print(what if unknown else f"{against} is no checkout", file=sys.stderr)
        return 2
    names = [
        f"{work.room}, {work.name}"
        for work in WORKS
        if (work.room in rooms or not rooms) and (work.is_quick or not quick)
    ]
    found = Comparison(names)
    with tempfile.TemporaryDirectory() as folder:
        caches = [Path(folder) / name for name in ("this", "other")]
        for cache in caches:
            cache.mkdir()
        # Ctrl-C ends it with what is known so far
        with contextlib.suppress(KeyboardInterrupt):
            for k in range(rounds):
                print(f"round {k + 1} of {rounds}", file=sys.stderr, flush=True)
                this = Side(ROOT, caches[0])
                other = Side(against.resolve(), caches[1])
                found.round(this, other)
                this.close()
                other.close()
    print("\n".join(f"{key}: {value}" for key, value in setting().items()))
    print(f"other: {commit(against)}\n")
    print("Ratios are this over other: of the least and median seconds, and of CPU.\n")
    print(markdown(HEADS, found.rows()))
    slower = [row[0] for row in found.rows() if row[-1]]
    print(
        f"\n{len(slower)} of {len(names) + 1} slower by {shown(MOST - 1)} or different"
    )
    return 1 if slower else 0
