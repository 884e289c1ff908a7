"""Regions a second beside exact packages of others, on the same integer matrices.

``python bench/bench_peers.py [--sage PYTHON] [--polypart PYTHON] [--limit SECONDS]``.
The options name the interpreters of environments that have the package (this one when
omitted); a peer that is not installed is skipped with the reason.  Sage comes from
PyPI: ``pip install passagemath-polyhedra passagemath-modules passagemath-graphs
passagemath-combinat passagemath-flint``.  polypart needs pycddlib, which needs the
headers of cddlib and GMP.

Sage and polypart keep a polyhedron for each region; here a list has patterns and its
proof (every region with a witness decided exactly).  All counts are compared.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import report

report.add_paths()

from known import families  # noqa: E402

from arrangement import count_patterns, enumerate_patterns  # noqa: E402

WORKER = Path(__file__).with_name("peer_worker.py")
PEERS = ("sage", "polypart")
HEADER = (
    "case",
    "peer",
    "regions",
    "lists, regions/s",
    "proven list here, regions/s",
    "times",
    "counts, s",
    "count here, s",
    "times",
)


def cases() -> dict[str, list[list[int]]]:
    """Integer matrices: generic ones and two of the degenerate families."""
    listed = {}
    for n, r in ((20, 3), (16, 4), (10, 5)):
        X = np.random.default_rng(1000 * n + r).integers(-99, 100, size=(n, r))
        listed[f"integers ({n}, {r})"] = X.tolist()
    for n in (3, 4):
        listed[f"threshold n={n}"] = [list(row) for row in families.threshold(n)]
    listed["resonance n=4"] = [list(row) for row in families.resonance(4)]
    return listed


def ask(python: str, peer: str, question: Any, limit: float) -> dict[str, Any] | str:
    """Return the peer's answer, or in words why there is none."""
    return report.ask(WORKER, python, peer, question, limit)


def here(rows: Any) -> tuple[int, float, float]:
    """Return the number of regions, and seconds of a proven list and of the count."""
    listing, _, patterns = report.best_time(lambda: enumerate_patterns(rows))
    counting, _, count = report.best_time(lambda: count_patterns(rows))
    if len(patterns) != count or patterns.proof is None:
        raise SystemExit(f"{len(patterns):,} patterns, {count:,} counted.")
    return count, listing, counting


def line(
    name: str, peer: str, answer: dict[str, Any], ours: tuple[int, float, float]
) -> list[str]:
    count, listing, counting = ours
    (listed, slow), (counted, slow_count) = answer["listed"], answer["counted"]
    if listed != count or counted != count:
        raise SystemExit(f"{name}: {peer} lists {listed}, counts {counted}; {count}.")
    return [
        name,
        answer["version"],
        f"{count:,}",
        f"{count / slow:,.0f}",
        f"{count / listing:,.0f}",
        f"{slow / listing:,.0f}",
        report.seconds_text(slow_count),
        report.seconds_text(counting),
        f"{slow_count / counting:,.0f}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for peer in PEERS:
        parser.add_argument(f"--{peer}", default=sys.executable, metavar="PYTHON")
    parser.add_argument("--limit", type=float, default=300.0, help="seconds a case")
    options = vars(parser.parse_args())
    report.print_setting()
    rows, notes = [], []
    probe = [[1, 0], [0, 1], [1, 1]]
    here(probe)
    for peer in PEERS:
        answer = ask(options[peer], peer, {"rows": probe}, options["limit"])
        if isinstance(answer, str):
            notes.append(f"{peer} was skipped: {answer}")
            continue
        for name, matrix in cases().items():
            ours = here(matrix)
            answer = ask(options[peer], peer, {"rows": matrix}, options["limit"])
            if isinstance(answer, str):
                notes.append(f"{peer}, {name} ({ours[0]:,} regions): {answer}")
                continue
            rows.append(line(name, peer, answer, ours))
    if rows:
        report.print_table(HEADER, rows)
    print("\n".join(notes))


if __name__ == "__main__":
    main()
