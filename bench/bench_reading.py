"""Seconds from numbers to exact rows, and to all that a program holds before a round.

"Arrangement" is the reading of a matrix: integer rows, classes of parallel ones, rank.
"Program" is all that `ConvexProgram` does: that, targets, floats with their errors, the
digest.  Beside them one pass over the same bytes (a SHA-256 of them, which a digest
needs at least), and for text what `numpy.loadtxt` takes to round it.  Rows, floats and
digest of a sample are those of the slow reading, number by number in fractions.
"""

from __future__ import annotations

import hashlib
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from arrangement import Arrangement
from arrangement.io import read_table
from bench.harness import Options, Report, Row, best_time, check
from convex_solver import ConvexProgram

from reference import reading

PROGRAM = "seconds to read a program of Gaussian float64"
SAMPLE = 200
# Rows, columns, and the seconds that a program may take.
SHAPES = (
    (1_000_000, 3, 3.0),
    (12_480, 48, 0.5),
    (100_000, 2, 0.3),
    (10_000, 3, 0.3),
    (90, 80, 1.0),
)
TEXT = {
    "6 decimals": "{:.6f}",
    "17 decimals": "{:.17f}",
    "shortest": "{!r}",
    "exponents": "{:.9e}",
}


def kinds(n: int) -> dict[str, Any]:
    """Return the same size of data in other kinds."""
    random = np.random.default_rng(1)
    mixed = np.empty((n, 3), dtype=object)
    mixed[:, 0] = random.integers(-9, 10, n).tolist()
    mixed[:, 1:] = random.normal(size=(n, 2))
    return {
        "float32": random.normal(size=(n, 3)).astype(np.float32),
        "int64 of 60 bits": random.integers(-(2**60), 2**60, (n, 3)),
        "integers -3 to 3": random.integers(-3, 4, (n, 3)),
        "integers beside floats": mixed,
        "lists of floats": random.normal(size=(n, 3)).tolist(),
    }


def check_sample(name: str, X: Any, found: Arrangement) -> None:
    """Compare some rows, up to the scale of the columns, with the slow reading."""
    sample = np.random.default_rng(2).integers(0, len(X), SAMPLE).tolist()
    rows = found.distinct.tuples()
    for i, row in zip(sample, reading.matrix([X[i] for i in sample]), strict=True):
        scaled = [x * s for x, s in zip(row, found.column_scales, strict=True)]
        side, place = int(found.orientation[i]), int(found.class_of[i])
        got = tuple(side * x for x in rows[place]) if place >= 0 else (0,) * len(row)
        check(f"{name}, row {i}", got, reading.primitive(scaled))


def check_program(name: str, X: Any, y: Any) -> None:
    """Compare a program of a few rows with the slow reading, digest and errors too."""
    X, y = X[:SAMPLE], y[:SAMPLE]
    exact, targets = reading.matrix(X), [Fraction(v) for v in y.tolist()]
    data = ConvexProgram(X, y, 1.0).data
    check(f"{name}, digest", data.digest, reading.digest(exact, targets))
    pairs = [reading.nearest(x) for row in exact for x in row]
    check(f"{name}, floats", data.X.ravel().tolist(), [x for x, _ in pairs])
    check(f"{name}, errors", data.X_error.ravel().tolist(), [e for _, e in pairs])


def one_pass(X: np.ndarray[Any, Any]) -> float:
    return best_time(lambda: hashlib.sha256(X).digest())[0]


def programs(options: Options, report: Report) -> list[Row]:
    rows = []
    for n, d, limit in SHAPES:
        if options.quick and n * d > 50_000:
            continue
        random = np.random.default_rng(0)
        X, y = random.normal(size=(n, d)), random.normal(size=n)
        name = f"{n:,} x {d}"
        seconds, _, found = best_time(lambda X=X: Arrangement(X))
        whole, cpu, program = best_time(lambda X=X, y=y: ConvexProgram(X, y, 1.0))
        check(f"{name}, rank", (found.rank, program.rank), (d, d))
        check(f"{name}, distinct", found.n_distinct, n)
        check_sample(name, X, found)
        check_program(name, X, y)
        rows.append(
            {
                "numbers": name,
                "one pass, s": one_pass(X),
                "arrangement, s": seconds,
                "program, s": whole,
                "CPU, s": cpu,
                "ns a number": 1e9 * whole / X.size,
                "goal": limit,
                "met": report.goal(PROGRAM, name, whole, limit),
            }
        )
    return rows


def other_kinds(n: int) -> list[Row]:
    rows = []
    for name, X in kinds(n).items():
        seconds, _, found = best_time(lambda X=X: Arrangement(X))
        check_sample(name, X, found)
        rows.append(
            {
                "numbers": f"{n:,} x 3, {name}",
                "arrangement, s": seconds,
                "ns a number": 1e9 * seconds / (3 * n),
            }
        )
    return rows


def text(n: int, folder: Path) -> list[Row]:
    rows = []
    values = np.random.default_rng(3).normal(size=(n, 3)).tolist()
    for name, form in TEXT.items():
        path = folder / f"{name}.csv"
        lines = [",".join(form.format(x) for x in row) for row in values]
        path.write_text("\n".join(["a,b,c", *lines]) + "\n", encoding="utf-8")
        table, _, cells = best_time(lambda path=path: read_table(path).numbers())
        seconds, _, found = best_time(lambda cells=cells: Arrangement(cells))
        floats, _, loaded = best_time(
            lambda path=path: np.loadtxt(path, delimiter=",", skiprows=1)
        )
        check_sample(name, cells, found)
        nearest = ConvexProgram(cells[:SAMPLE], np.zeros(SAMPLE), 1.0).X
        check(f"{name}, floats", nearest.tolist(), loaded[:SAMPLE].tolist())
        rows.append(
            {
                "text": f"{n:,} x 3, {name}",
                "loadtxt, s": floats,
                "table, s": table,
                "arrangement, s": seconds,
                "ns a number": 1e9 * (table + seconds) / (3 * n),
            }
        )
    return rows


def run(options: Options, report: Report) -> None:
    report.table("Floats", programs(options, report))
    n = 5_000 if options.quick else 100_000
    report.table("Other kinds", other_kinds(n))
    with tempfile.TemporaryDirectory() as folder:
        report.table("Text", text(n, Path(folder)))
