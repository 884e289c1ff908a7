"""How large proofs of lists are, and how long it takes to make and to check them.

Each matrix is listed and proven; then the list is proven into a file, and the file
checked against the table and the list by `arrangement.checker`, in a fresh interpreter
without packages.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from arrangement import cover_bound, enumerate_patterns, verify
from bench.harness import ROOT, Options, Report, Row, best_time, demand

CHECKER = ROOT / "arrangement" / "checker.py"
N_QUICK = 2


def matrices() -> list[tuple[str, np.ndarray]]:
    """Matrices by name: of some Cover's bound is reached, of others it is far off."""
    rng = np.random.default_rng(0)
    braid = [
        [(k == i) - (k == j) for k in range(8)] for i, j in combinations(range(8), 2)
    ]
    tenths = np.round(10 * rng.normal(size=(100, 3)), 1)
    return [
        ("60 x 4, digits up to 3", rng.integers(-3, 4, (60, 4))),
        ("braid, 28 x 8", np.array(braid)),
        ("60 x 4, Gaussian", rng.normal(size=(60, 4))),
        ("100 x 3 tenths and ones", np.column_stack([tenths, np.ones(100)])),
        ("200 x 3, digits", rng.integers(-9, 10, (200, 3))),
        ("30 x 5, digits up to 2", rng.integers(-2, 3, (30, 5))),
        ("40 x 6, bits", rng.integers(0, 2, (40, 6))),
    ]


def row(name: str, X: np.ndarray, folder: Path, report: Report) -> Row:
    """List, prove and check one matrix."""
    listed, _, patterns = best_time(lambda: enumerate_patterns(X), repeats=3, long=2.0)
    proof, table, saved = (folder / f"{name}.{end}" for end in ("jsonl", "csv", "npz"))
    table.write_text("".join(",".join(map(repr, line)) + "\n" for line in X.tolist()))
    patterns.save(saved)

    def proven(path: Path | None) -> Any:
        if path is not None:
            path.unlink(missing_ok=True)
        return verify(patterns, X, proof=path)

    alone, _, found = best_time(lambda: proven(None), repeats=3, long=2.0)
    made, _, _ = best_time(lambda: proven(proof), repeats=3, long=2.0)
    begin = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(CHECKER), str(proof), str(table), str(saved)],
        check=False,
        capture_output=True,
        text=True,
    )
    checked = time.perf_counter() - begin
    demand(done.returncode == 0, f"{name} is not accepted: {done.stdout}")
    demand(f" {len(patterns)}: all" in done.stdout, f"{name}: another number")
    demand(found.count == len(patterns) <= cover_bound(len(X), patterns.rank), name)
    times = checked / (listed + made)
    report.goal("checking a list: times of its making", name, times, 1.0)
    return {
        "matrix": name,
        "patterns": len(patterns),
        "of Cover's bound": len(patterns) / patterns.bound,
        "list, s": listed,
        "verify, s": alone,
        "with a proof, s": made,
        "MB": proof.stat().st_size / 1e6,
        "check, s": checked,
    }


def run(options: Options, report: Report) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # loads what compiled code lists and proves, by both ways
        rng = np.random.default_rng(1)
        for k, first in enumerate(
            (rng.integers(-1, 2, (12, 4)), rng.normal(size=(20, 4)))
        ):
            row(f"first {k}", first, folder, Report())
        chosen = matrices()[: N_QUICK if options.quick else None]
        rows = [row(what, X, folder, report) for what, X in chosen]
    report.table(
        "Proofs of lists", rows, formats={"MB": ".3g", "of Cover's bound": ".1%"}
    )
