"""Regions a second beside exact packages of others, on the same integer matrices.

``--peer sage=PYTHON`` and ``--peer polypart=PYTHON`` name the interpreters of
environments that have the package (this one when omitted); a peer that is not installed
is left out with the reason.  Sage comes from PyPI: ``pip install passagemath-polyhedra
passagemath-modules passagemath-graphs passagemath-combinat passagemath-flint``.
polypart needs pycddlib, which needs the headers of cddlib and GMP.

Sage and polypart keep a polyhedron for each region; here a list has patterns and its
proof (every region with a witness decided exactly).  All counts are compared.  Beside
them a tree of HiGHS linear programs, as one writes it today, on Gaussian matrices.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from arrangement import count_patterns, enumerate_patterns
from bench import instances
from bench.harness import Options, Report, Row, ask, best_time, check, demand

from reference import families

PEERS = ("sage", "polypart")
PROBE = [[1, 0], [0, 1], [1, 1]]


def cases(*, quick: bool) -> dict[str, Any]:
    """Integer matrices: generic ones and two of the degenerate families."""
    shapes = ((20, 3),) if quick else ((20, 3), (16, 4), (10, 5))
    listed = {f"integers ({n}, {r})": instances.peer_rows(n, r) for n, r in shapes}
    for k in (3,) if quick else (3, 4):
        listed[f"threshold n={k}"] = families.threshold(k)
    if not quick:
        listed["resonance n=4"] = families.resonance(4)
    return listed


def here(rows: Any) -> tuple[int, float, float]:
    """Return the number of regions, and seconds of a proven list and of the count."""
    listing, _, patterns = best_time(lambda: enumerate_patterns(rows))
    counting, _, count = best_time(lambda: count_patterns(rows))
    check("patterns", len(patterns), count)
    demand(patterns.proof is not None, "no proof")
    return count, listing, counting


def row(name: str, rows: Any, answer: dict[str, Any]) -> Row:
    count, listing, counting = here(rows)
    (listed, slow), (counted, slow_count) = answer["listed"], answer["counted"]
    check(f"{name}, {answer['version']}", (listed, counted), (count, count))
    return {
        "case": name,
        "peer": answer["version"],
        "regions": count,
        "lists, regions/s": count / slow,
        "proven list here, regions/s": count / listing,
        "times": slow / listing,
        "counts, s": slow_count,
        "count here, s": counting,
        "times as fast": slow_count / counting,
    }


def program_tree(X: np.ndarray) -> int:
    """Count patterns by a tree of HiGHS linear programs, as one writes it today."""
    from scipy.optimize import linprog

    n, r = X.shape
    found = 0
    stack: list[list[int]] = [[1]]
    while stack:
        signs = stack.pop()
        if len(signs) == n:
            found += 1
            continue
        for side in (1, -1):
            trial = [*signs, side]
            A = np.array(trial)[:, None] * X[: len(trial)]
            # largest margin in a box
            result = linprog(
                np.r_[np.zeros(r), -1.0],
                A_ub=np.c_[-A, np.linalg.norm(A, axis=1)],
                b_ub=np.zeros(len(A)),
                bounds=[(-1, 1)] * r + [(None, 1)],
            )
            if result.success and -result.fun > 1e-9:
                stack.append(trial)
    return 2 * found


def tree_row(n: int, r: int) -> Row:
    X = instances.gaussian(n, r, n)
    count, listing, _ = here(X)
    seconds, _, found = best_time(lambda: program_tree(X), repeats=1)
    check("tree of linear programs", found, count)
    return {
        "case": f"Gaussian ({n}, {r})",
        "other": "tree of HiGHS programs",
        "regions": count,
        "regions/s": count / seconds,
        "proven list here, regions/s": count / listing,
        "times": seconds / listing,
    }


def run(options: Options, report: Report) -> None:
    here(PROBE)
    rows: list[Row] = []
    notes = []
    for peer in PEERS:
        python = options.peers.get(peer, sys.executable)
        answer = ask("peers", peer, {"rows": PROBE}, options.limit, python)
        if isinstance(answer, str):
            notes.append(f"{peer} was left out: {answer}.")
            continue
        for name, matrix in cases(quick=options.quick).items():
            question = {"rows": [list(line) for line in matrix]}
            answer = ask("peers", peer, question, options.limit, python)
            if isinstance(answer, str):
                notes.append(f"{peer}, {name}: {answer}.")
                continue
            rows.append(row(name, matrix, answer))
    shapes = ((10, 3),) if options.quick else ((20, 3), (16, 4))
    trees = [tree_row(*shape) for shape in shapes]
    report.table("Trees of linear programs", trees, note=" ".join(notes))
    report.table("Exact packages", rows)
