"""Ask another package, in the interpreter that has it, which needs nothing else.

``python bench/workers/peers.py PEER`` reads a question from standard input and writes
the answer, both JSON. ``sage`` and ``polypart`` get the rows of a central arrangement
and give ``listed`` and ``counted``: regions and seconds. ``comb``, ``purge`` and
``cell`` of E01Loss get ``points`` and ``labels`` -1 or 1 and give errors and seconds of
``fitted``. Imports and the making of objects are not timed.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

Rows = list[list[int]]


def timed(make: Callable[[], Any], work: Callable[[Any], int]) -> tuple[int, float]:
    """Return what ``work`` counts and its least seconds, on fresh objects.

    The first run loads what is imported late, so it counts only if it is the last.
    """
    least = float("inf")
    for _ in range(3):
        made = make()
        start = time.perf_counter()
        count = work(made)
        seconds = time.perf_counter() - start
        least = min(least, seconds)
        if seconds > 2.0:
            break
    return count, least


def sage(rows: Rows) -> dict[str, Any]:
    """HyperplaneArrangements of Sage, from the wheels of passagemath."""
    from sage.all__sagemath_polyhedra import QQ
    from sage.geometry.hyperplane_arrangement.arrangement import HyperplaneArrangements

    names = tuple(f"x{k}" for k in range(len(rows[0])))

    def make() -> Any:
        space = HyperplaneArrangements(QQ, names)
        return space(*[[row, 0] for row in rows])

    return {
        "version": f"passagemath-polyhedra {version('passagemath-polyhedra')}",
        "listed": timed(make, lambda made: len(made.regions())),
        "counted": timed(make, lambda made: int(made.n_regions())),
    }


def polypart(rows: Rows) -> dict[str, Any]:
    """Partition trees of polypart, of a cube around the origin."""
    from polypart.delres import number_of_regions
    from polypart.geometry import Hyperplane, Polytope
    from polypart.ppart import build_partition_tree

    width = len(rows[0])
    sides = [
        [side * (i == k) for i in range(width)]
        for k in range(width)
        for side in (1, -1)
    ]

    def make() -> Any:
        planes = [Hyperplane.from_coefficients([*row, 0]) for row in rows]
        return Polytope(sides, [1] * len(sides)), planes

    return {
        "version": f"polypart {version('polypart')}",
        "listed": timed(make, lambda made: int(build_partition_tree(*made)[1])),
        "counted": timed(make, lambda made: int(number_of_regions(*made[::-1]))),
    }


def e01loss(way: str, question: dict[str, Any]) -> dict[str, Any]:
    """Run one of the algorithms of E01Loss, with the fit that it ends with."""
    import numpy as np
    from e01loss import exact_classify01loss as package

    algorithm = getattr(package, f"exact_classify01loss_{way}")
    points = np.array(question["points"], dtype=float)
    labels = np.array(question["labels"])
    return {
        "version": f"E01Loss {version('e01loss')}",
        "fitted": timed(lambda: points, lambda made: int(algorithm(made, labels)[1])),
    }


def answer(name: str, question: dict[str, Any]) -> dict[str, Any]:
    if name == "sage":
        return sage(question["rows"])
    if name == "polypart":
        return polypart(question["rows"])
    return e01loss(name, question)


if __name__ == "__main__":
    # what the package prints must not mix with the answer
    output, sys.stdout = sys.stdout, sys.stderr
    json.dump(answer(sys.argv[1], json.load(sys.stdin)), output)
