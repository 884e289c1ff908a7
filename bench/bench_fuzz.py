"""How many random cases the fuzzers of `tests/fuzz` were given, and how many failed.

Degenerate matrices of small integers against a complete set of points, all kinds of
numbers against slow references, certificates against exact optima, altered files and
killed writers.  Each fuzzer runs in processes of its own, of many cases each, so that
what one of them leaves behind ends with it.  Seconds are of CPU; the largest size is
that of a process, NumPy and compiled code included.  Fuzzers other than the first end
early after ``--limit`` seconds each.
"""

from __future__ import annotations

import ast
import os
import re
import resource
import subprocess
import sys
import time
from dataclasses import dataclass

from bench.harness import ROOT, Options, Report, Row, demand

# what `run_cases` and `Tally` print
OUTCOMES = re.compile(r"^(?P<kind>.+): (?P<counts>\{.*\}), (?P<failed>\d+) failures$")
CERTIFIED = re.compile(r"^\.*(?P<cases>\d+) cases: \d+ certified, \d+ refused$")
CHUNK, QUICK = 20_000, 1_000
# every case of some fuzzers writes files, or takes processes
SMALL = "test_small_matrices.py::test_lists_of_small_matrices_are_those_of_a_grid"
SHARES = (
    ("small integer matrices", SMALL, 1.0),
    ("matrices of all kinds", "test_matrices.py", 0.02),
    ("lists in parts", "test_parts_of_lists.py", 0.02),
    ("certificates", "test_certify.py", 0.01),
    ("altered proofs", "test_altered_proofs.py", 0.01),
    ("altered proofs of lists", "test_altered_listing_proofs.py", 0.01),
    ("altered models", "test_altered_models.py", 0.01),
    ("altered lists and stores", "test_altered_patterns.py", 0.01),
    ("altered conic files", "test_altered_conic.py", 0.01),
    ("killed writers, full disks", "test_faults.py", 0.001),
)


@dataclass
class Found:
    """What the processes of a fuzzer found."""

    cases: int = 0
    wrong: int = 0
    seconds: float = 0.0
    peak_bytes: int = 0

    def add(self, file: str, first: int, count: int) -> None:
        """Run so many seeds in a process."""
        words = ["-m", "pytest", f"tests/fuzz/{file}", "--thorough", "-q", "-s"]
        words += ["-p", "no:cacheprovider", "--fuzz", str(count)]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        with subprocess.Popen(
            [sys.executable, *words, "--fuzz-first", str(first)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        ) as process:
            assert process.stdout is not None
            said = process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        self._read(said, process.returncode, file)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.seconds += after.ru_utime - before.ru_utime
        self.seconds += after.ru_stime - before.ru_stime
        self.peak_bytes = max(self.peak_bytes, 1024 * usage.ru_maxrss)

    def _read(self, said: str, code: int, file: str) -> None:
        cases = wrong = 0
        for line in said.splitlines():
            if match := OUTCOMES.match(line):
                outcomes = ast.literal_eval(match["counts"])
                cases += sum(outcomes.values()) + int(match["failed"])
                wrong += int(match["failed"])
            elif match := CERTIFIED.match(line):
                cases += int(match["cases"])
        demand(cases > 0, f"{file} has no cases:\n{said[-2000:]}")
        if code and not wrong:
            wrong = 1  # a failure that no case tells of
        if wrong:
            print(said[-4000:], flush=True)
        self.cases += cases
        self.wrong += wrong


def fuzzed(name: str, file: str, size: int, limit: float) -> Row:
    """Run a fuzzer until its size, or the time, is reached."""
    found, begin = Found(), time.perf_counter()
    for first in range(0, size, CHUNK):
        found.add(file, first, min(CHUNK, size - first))
        seconds = time.perf_counter() - begin
        print(f"{name}: {found.cases:,}, {found.wrong} wrong, {seconds:.0f} s")
        sys.stdout.flush()
        if seconds > limit:
            break
    return {
        "fuzzer": name,
        "cases": found.cases,
        "wrong": found.wrong,
        "CPU, s": found.seconds,
        "ms a case": 1000 * found.seconds / found.cases,
        "peak MB": found.peak_bytes / 1e6,
    }


def run(options: Options, report: Report) -> None:
    most = QUICK if options.quick else options.cases
    rows = []
    for k, (name, file, share) in enumerate(SHARES):
        size = max(int(share * most), 20)
        rows.append(fuzzed(name, file, size, options.limit if k else float("inf")))
        if k == 0:
            case = f"{rows[0]['wrong']} wrong"
            report.goal(
                "small matrices of which all lists are right, in millions",
                case,
                (rows[0]["cases"] - rows[0]["wrong"]) / 1e6,
                1.0,
                at_least=True,
            )
    wrong = sum(row["wrong"] for row in rows)
    report.goal("cases that are wrong", "all fuzzers", wrong, 0.0)
    report.table("Fuzzers", rows, formats={"peak MB": ".0f", "ms a case": ".3g"})
