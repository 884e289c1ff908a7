"""How large proofs are, and how long it takes to make and to check them.

Each program is solved to 1e-4, or for a minute where its bound comes from forms on
leaves, and certified; then the proof is written, with the certificate it rests on, and
checked against the table by `convex_solver.checker` in a fresh interpreter without
packages, and by the second checker if there is a compiler.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench import instances
from bench.harness import ROOT, Options, Report, Row, best_time, demand
from convex_solver import ConvexProgram, certify, solve
from convex_solver.certificates import COVERED_RANK

# Samples, columns, beta; seconds that the checkers may take.
SHAPES = (
    (50, 3, 0.1, 10.0, None),
    (1000, 3, 0.1, 600.0, 10.0),
    (50, 5, 0.1, None, None),
    (200, 4, 0.1, None, None),
    (100, 5, 1.0, None, None),
    (50, 6, 1.0, None, None),
    (60, 10, 3.0, 60.0, 10.0),
    (400, 14, 30.0, 60.0, 10.0),
)
N_QUICK = 1
MEGABYTES = 50.0
CHECKER = ROOT / "convex_solver" / "checker.py"
SECOND = ROOT / "tests" / "proofs" / "second_checker.rs"


def compiled(folder: Path) -> Path | None:
    """Compile the second checker; None where there is no compiler."""
    compiler = shutil.which("rustc")
    if compiler is None:
        return None
    program = folder / "second"
    words = [compiler, "-O", "--edition", "2021", "-o", str(program), str(SECOND)]
    subprocess.run(words, check=True, capture_output=True)
    return program


def checked(name: str, *words: str | Path) -> float:
    """Return the seconds of a checker, which has to accept."""
    begin = time.perf_counter()
    done = subprocess.run(
        [*map(str, words)], check=False, capture_output=True, text=True
    )
    seconds = time.perf_counter() - begin
    demand(done.returncode == 0, f"{name} is not accepted: {done.stdout}")
    return seconds


def row(
    shape: tuple[Any, ...], second: Path | None, folder: Path, report: Report
) -> Row:
    """Certify, prove and check one problem."""
    n, r, beta, most_own, most_second = shape
    name = f"({n:,}, {r}), {beta:g}"
    asked = instances.planted_network(n, r, beta)
    X, y = np.asarray(asked["X"], float), np.asarray(asked["y"], float)
    limit = 120 if r <= COVERED_RANK else 60
    solution = solve(ConvexProgram(X, y, beta), tol=1e-4, time_limit=limit)
    proof, table = folder / f"{n}-{r}.jsonl", folder / f"{n}-{r}.csv"
    samples = np.column_stack([X, y]).tolist()
    table.write_text("".join(",".join(map(repr, row)) + "\n" for row in samples))

    def certified(path: Path | None) -> Any:
        if path is not None:
            path.unlink(missing_ok=True)
        given = solution.certificate
        return certify(
            solution.network,
            X,
            y,
            beta,
            dual=given.dual,
            leaves=given.leaves,
            proof=path,
        )

    alone, _, found = best_time(lambda: certified(None), repeats=3, long=2.0)
    made, _, _ = best_time(lambda: certified(proof), repeats=3, long=2.0)
    size = proof.stat().st_size / 1e6
    own = checked(name, sys.executable, "-I", "-S", CHECKER, proof, table)
    other = None if second is None else checked(name, second, proof, table)
    report.goal("MB of a proof", name, size, MEGABYTES)
    report.goal(
        "making a proof: certificates' times", name, (made - alone) / alone, 2.0
    )
    if most_own:
        report.goal("seconds to check, pure Python", name, own, most_own)
    if most_second and other is not None:
        report.goal("seconds to check, second checker", name, other, most_second)
    with proof.open("rb") as stream:
        lines = sum(1 for _ in stream)
    return {
        "problem": name,
        "gap": found.gap,
        "cones of the certificate": found.n_cones,
        "leaves": len(found.leaves) or None,
        "certify, s": alone,
        "and the proof, s": made,
        "lines": lines,
        "MB": size,
        "check, s": own,
        "second checker, s": other,
    }


def run(options: Options, report: Report) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        second = compiled(folder)
        warm = row((10, 2, 0.1, None, None), second, folder, Report())
        demand(warm["gap"] < 1e-3, "the first proof is loose.")
        shapes = SHAPES[: N_QUICK if options.quick else None]
        rows = [row(shape, second, folder, report) for shape in shapes]
    report.table("Proofs", rows, formats={"gap": ".0e", "MB": ".3g"})
