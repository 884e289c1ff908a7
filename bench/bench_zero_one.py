"""The exact 0-1 loss of a linear classifier: `fold` beside E01Loss.

``python bench/bench_zero_one.py [--e01loss PYTHON] [--limit SECONDS]``.  The option
names the interpreter of an environment with ``pip install e01loss`` (this one when
omitted); skipped with the reason where it is not installed.  Both minimise the errors
of ``1[points w + b >= 0]``; the least numbers must agree.  Here the listing of all
chambers counts errors by words, or the walk along the tree by one point a step, with
the weights of the best classifier at its end; reading the data, as decimals, is
included.  Of E01Loss: ``purge`` and ``comb`` solve a linear program for each partial
labelling (the floats of the data, within the solver's tolerance), ``cell`` takes every
d points for independent.  Iris data are read from the folder that ARRANGEMENT_DATA
names.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

import numba
import numpy as np
import report

report.add_paths()

from bench_peers import ask  # noqa: E402
from known.reductions import zero_one_loss  # noqa: E402

from arrangement import fold  # noqa: E402
from arrangement.patterns import pack  # noqa: E402

WAYS = ("purge", "comb", "cell")
HEADER = (
    "case",
    "n",
    "d",
    "errors",
    "listing here, s",
    "tree here, s",
    *(f"E01Loss {way}, s" for way in WAYS),
)


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
    return zero_one_loss(points, labels, floats="decimal")[0]


def cases() -> list[tuple[str, Any, Any]]:
    """Two Gaussian blobs that overlap; pairs of species of iris."""
    listed = []
    for d in (2, 3):
        for n in (30, 45, 60):
            rng = np.random.default_rng(100 * d + n)
            labels = np.arange(n) % 2 == 0
            points = rng.normal(size=(n, d)) + 1.5 * labels[:, None]
            listed.append(("blobs", points, labels))
    folder = report.data_folder()
    if folder is None:
        print("iris was skipped: ARRANGEMENT_DATA is not set")
        return listed
    with np.load(folder / "iris.npz", allow_pickle=False) as data:
        X, y = data["X"], data["y"]
    kept = y > 0
    for name, columns in (("sepals", [0, 1]), ("petals", [2, 3])):
        listed.append((f"iris {name}, 1 or 2", X[kept][:, columns], y[kept] == 2))
    return listed


def theirs(python: str, way: str, question: Any, limit: float, errors: int) -> str:
    """Return the seconds of one of their algorithms, or what came instead."""
    answer = ask(python, way, question, limit)
    if isinstance(answer, str):
        return answer
    found, seconds = answer["fitted"]
    text = report.seconds_text(seconds)
    return text if found == errors else f"{text}: {found} errors"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--e01loss", default=sys.executable, metavar="PYTHON")
    parser.add_argument("--limit", type=float, default=120.0, help="seconds a case")
    options = parser.parse_args()
    report.print_setting()
    probe = {"points": [[0, 0], [1, 0], [0, 1], [2, 2]], "labels": [-1, 1, 1, 1]}
    answer = ask(options.e01loss, "purge", probe, options.limit)
    ways = WAYS
    if isinstance(answer, str):
        print(f"E01Loss was skipped: {answer}")
        ways = ()
    rows = []
    for name, points, labels in cases():
        by_listing(points, labels)  # compiles what it needs
        by_tree(points, labels)
        listing, _, errors = report.best_time(
            lambda points=points, labels=labels: by_listing(points, labels)
        )
        walk, _, least = report.best_time(
            lambda points=points, labels=labels: by_tree(points, labels)
        )
        if least != errors:
            raise SystemExit(f"{name}: {errors} errors listed, {least} along the tree.")
        question = {
            "points": points.tolist(),
            "labels": np.where(labels, 1, -1).tolist(),
        }
        found = [
            theirs(options.e01loss, way, question, options.limit, errors)
            for way in ways
        ]
        found += ["-"] * (len(WAYS) - len(found))
        texts = [report.seconds_text(seconds) for seconds in (listing, walk)]
        rows.append([name, *map(str, points.shape), errors, *texts, *found])
    report.print_table(HEADER, rows)


if __name__ == "__main__":
    main()
