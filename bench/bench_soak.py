"""Memory of one process that calls at random what is public, for a long time.

`tests/fuzz/test_soak.py`: lists, counts, proofs, stores, programs, solutions, files,
commands and refusals, each call drawn anew.  The first third of the time fills caches
and the allocator's reserves; what the resident memory grows by from then on is the
figure.  ``--soak SECONDS`` says how long.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys

from bench.harness import ROOT, Options, Report, demand

SAID = re.compile(
    r"^(?P<calls>\d+) calls (?P<kinds>\{.*\}); MiB (?P<sizes>\[.*\]); "
    r"(?P<grown>[-+.\d]+) at last$",
    re.MULTILINE,
)
QUICK, MOST = 10.0, 24.0


def run(options: Options, report: Report) -> None:
    seconds = QUICK if options.quick else options.soak
    words = ["-m", "pytest", "tests/fuzz/test_soak.py", "--thorough", "-q", "-s"]
    words += ["-p", "no:cacheprovider", "--soak", str(seconds)]
    done = subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    found = SAID.search(done.stdout)
    demand(found is not None, f"the soak ends early:\n{done.stdout[-3000:]}")
    assert found is not None
    sizes = ast.literal_eval(found["sizes"])
    grown = float(found["grown"])
    kinds = ast.literal_eval(found["kinds"])
    report.goal("MiB that memory grows by", f"{seconds:,.0f} s", grown, MOST)
    row = {
        "seconds": seconds,
        "calls": int(found["calls"]),
        "MiB after a third": sizes[len(sizes) // 3],
        "largest MiB": max(sizes),
        "MiB grown": grown,
        "test": "passed" if done.returncode == 0 else "failed",
    }
    report.table("Memory", [row], formats={"seconds": ",.0f"})
    named = [{"call": name, "times": times} for name, times in kinds.items()]
    report.table("Calls", named)
