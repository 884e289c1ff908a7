"""The exact 0-1 loss of a linear classifier: `fold` beside E01Loss.

``--peer e01loss=PYTHON`` names the interpreter of an environment with ``pip install
e01loss`` (this one when omitted); left out with the reason where it is not installed.
Both minimise the errors of ``1[points w + b >= 0]``. Here the listing of all chambers
counts errors by words, or the walk along the tree by one point a step, with the weights
of the best classifier at its end; reading the data, as decimals, is included, and both
ways must agree. Of E01Loss: ``purge`` and ``comb`` solve a linear program for each
partial labelling (the floats of the data, within the solver's tolerance), ``cell``
takes every d points for independent.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numba
import numpy as np

from arrangement import fold
from arrangement.model import pack
from bench import instances
from bench.harness import Options, Report, Row, ask, best_time, check

from reference.reductions import zero_one_loss

WAYS = ("purge", "comb", "cell")
PROBE = {"points": [[0, 0], [1, 0], [0, 1], [2, 2]], "labels": [-1, 1, 1, 1]}


@numba.njit
def fewest_errors(state, pattern):
    best, labels = state
    errors = 0
    for w in range(pattern.size):
        wrong = pattern[w] ^ labels[w]
        while wrong != np.uint64(0):
            wrong &= wrong - np.uint64(1)
            errors += 1
    best[0] = min(best[0], errors)


def by_listing(points: Any, labels: Any) -> int:
    """Fewest errors, every pattern compared with the labels word by word."""
    X = np.column_stack([points, np.ones(len(points))])
    state = np.array([len(points)]), pack(labels[None])[0]
    return int(fold(X, fewest_errors, state, floats="decimal")[0][0])


def by_tree(points: Any, labels: Any) -> int:
    """Fewest errors, kept up to date one point a step."""
    return int(zero_one_loss(points, labels, floats="decimal")[0])


def cases(*, quick: bool) -> Iterator[tuple[str, Any, Any]]:
    """Two Gaussian blobs that overlap; pairs of species of iris."""
    for d in (2, 3):
        for n in (30,) if quick else (30, 45, 60):
            yield ("blobs", *instances.blobs(n, d))
    iris = None if quick else instances.real("iris")
    if iris is None:
        return
    kept = iris["y"] > 0
    for name, columns in (("sepals", [0, 1]), ("petals", [2, 3])):
        X, y = iris["X"][kept][:, columns], iris["y"][kept] == 2
        yield f"iris {name}, 1 or 2", X, y


def theirs(way: str, question: Any, errors: int, options: Options) -> float | str:
    """Return the seconds of one of their algorithms, or what came instead."""
    python = options.peers.get("e01loss", sys.executable)
    answer = ask("peers", way, question, options.limit, python)
    if isinstance(answer, str):
        return answer
    found, seconds = answer["fitted"]
    return float(seconds) if found == errors else f"{found} errors"


def run(options: Options, report: Report) -> None:
    python = options.peers.get("e01loss", sys.executable)
    answer = ask("peers", "purge", PROBE, options.limit, python)
    note, ways = "", WAYS
    if isinstance(answer, str):
        note, ways = f"E01Loss was left out: {answer}.", ()
    rows: list[Row] = []
    for name, points, labels in cases(quick=options.quick):
        by_listing(points, labels)  # compiles what it needs
        by_tree(points, labels)
        listing, _, errors = best_time(lambda p=points, y=labels: by_listing(p, y))
        walk, _, least = best_time(lambda p=points, y=labels: by_tree(p, y))
        check(f"{name}, along the tree", least, errors)
        signs = np.where(labels, 1, -1).tolist()
        question = {"points": points.tolist(), "labels": signs}
        n, d = points.shape
        row: Row = {"case": name, "n": n, "d": d, "errors": errors}
        row |= {"listing, s": listing, "tree, s": walk}
        for way in ways:
            row[f"E01Loss {way}, s"] = theirs(way, question, errors, options)
        rows.append(row)
    report.table("Fewest errors", rows, note=note)
