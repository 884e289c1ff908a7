"""Seconds of a first call, with an empty cache of compiled code, and of later ones.

The command line as a whole, in a process of its own: what a newcomer waits for.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from bench import instances
from bench.harness import ROOT, Options, Report, Row, demand

FIRST = "seconds of a first call, empty cache"
LATER = "seconds of a later call"
IMPORT = "seconds to import both packages"


def timed(words: list[str], cache: Path, expected: str) -> float:
    """Run Python once, and look for what it should print."""
    folders = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    path = os.pathsep.join(folder for folder in folders if folder)
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": path}
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *words], env=environment, capture_output=True, text=True
    )
    seconds = time.perf_counter() - start
    answer = done.stdout + done.stderr
    demand(
        done.returncode == 0 and expected in answer,
        f"{' '.join(words)}: {expected!r} is not in what it prints:\n{answer}",
    )
    return seconds


def run(options: Options, report: Report) -> None:
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "matrix.npy", instances.gaussian(200, 4))
        penguins = str(ROOT / "convex_solver" / "data" / "penguins.csv")
        bills = ["--columns", "bill_length_mm,bill_depth_mm"]
        enumerate_ = ["-m", "arrangement", "enumerate"]
        fit = ["-m", "convex_solver", "fit", "penguins", "--target", "body_mass_g"]
        fit += ["--features", "bill_length_mm,bill_depth_mm", "--standardize"]
        matrix = str(folder / "matrix.npy")
        commands = {
            "list a Gaussian matrix": (
                [*enumerate_, matrix, "--no-intercept"],
                "all distinct",
            ),
            "list the penguins": ([*enumerate_, penguins, *bills], "107,618"),
            "fit the penguins": ([*fit, "--beta", "1000"], "optimal"),
        }
        if options.quick:
            commands = {"list the penguins": commands["list the penguins"]}
        for title, (words, expected) in commands.items():
            cache = folder / title.replace(" ", "-")
            # a file is never overwritten
            ending = "json" if "fit" in words else "npz"
            outputs = [["-o", f"{cache}-{k}.{ending}"] for k in range(3)]
            first, *others = (
                timed([*words, *output], cache, expected) for output in outputs
            )
            later = min(others)
            rows.append(
                {
                    "command": title,
                    "first, s": first,
                    "goal first": 20,
                    "met first": report.goal(FIRST, title, first, 20),
                    "later, s": later,
                    "goal later": 3,
                    "met later": report.goal(LATER, title, later, 3),
                }
            )
        report.table("First and later calls", rows)
        both = ["-c", "import arrangement, convex_solver"]
        none = min(timed(["-c", ""], folder, "") for _ in range(3))
        seconds = min(timed(both, folder, "") for _ in range(3))
        row = {"import": "arrangement, convex_solver", "seconds": seconds - none}
        verdict = report.goal(IMPORT, "both", seconds - none, 2)
        report.table("Imports", [{**row, "goal": 2, "met": verdict}])
