"""Billions of chambers folded, in pieces that are kept, by as many processes as cores.

A list is cut into pieces (`partition`), and each is folded by itself into how many of
its patterns have each number of ones.  What a piece has come to is written to
`bench/results/parts` at once, so that a run that was killed goes on where it was.  The
sum of all is compared with the count of chambers on another way, with what antipodes
are (as many with k ones as with n - k), and, for threshold functions, with what is cut
off a cube: one vertex, or the two of an edge.

After ``--limit`` seconds no piece of a list is begun, and the next run goes on: the
page shows how many are done.  "CPU s" is that of pieces, the making of them left out.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import multiprocessing
import os
import pickle
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from itertools import islice
from pathlib import Path
from typing import Any

import numba
import numpy as np

from arrangement import cover_bound, partition
from arrangement.listing import Piece
from bench import instances
from bench.harness import ROOT, Options, Report, Row, check

from reference import families

PARTS = ROOT / "bench" / "results" / "parts"
Part = dict[str, Any]


@numba.njit
def count_ones(state: Any, pattern: Any) -> None:
    """How many patterns have each number of ones."""
    ones = 0
    for word in pattern:
        left = word
        while left != np.uint64(0):
            left &= left - np.uint64(1)
            ones += 1
    state[ones] += 1


def load() -> None:
    """Load compiled code of both ways, which is no part of any list."""
    for rows in (families.threshold(3), instances.gaussian(20, 4)):
        for piece in partition(rows, 2):
            fold_piece(piece)


def fold_piece(piece: Piece) -> Part:
    """Fold one piece."""
    ones = np.zeros(piece.arrangement.n_hyperplanes + 1, dtype=np.int64)
    begin = time.process_time()
    piece.fold(count_ones, ones)
    seconds = time.process_time() - begin
    return {"piece": piece.number, "seconds": seconds, "ones": ones.tolist()}


class Kept:
    """Parts of a list that are done: a line of JSON each, for these pieces only."""

    def __init__(self, folder: Path, pieces: list[Piece]) -> None:
        shares = pickle.dumps([piece.share for piece in pieces])
        rows = pieces[0].arrangement.normals.tolist()
        name = hashlib.sha256(shares + repr(rows).encode()).hexdigest()[:16]
        self._path = folder / f"{name}.jsonl"
        self.parts: dict[int, Part] = {}
        for part in self._lines():
            self.parts[part["piece"]] = part

    def _lines(self) -> Iterator[Part]:
        if self._path.exists():
            for line in self._path.read_text(encoding="ascii").splitlines():
                # the last one, of a run that was killed, may be torn
                with contextlib.suppress(ValueError):
                    yield json.loads(line)

    def add(self, part: Part) -> None:
        """Keep a part before the next is waited for."""
        self._path.parent.mkdir(exist_ok=True)
        with self._path.open("a", encoding="ascii") as file:
            file.write("\n" * self._is_torn() + json.dumps(part) + "\n")
        self.parts[part["piece"]] = part

    def _is_torn(self) -> bool:
        text = self._path.read_text(encoding="ascii")
        return bool(text) and not text.endswith("\n")


def cases(*, quick: bool) -> list[tuple[str, Any, int, int]]:
    """Name, matrix, number of chambers, pieces."""
    threshold = families.threshold
    if quick:
        return [
            ("threshold n=5", threshold(5), 94_572, 8),
            ("Gaussian (60, 4)", instances.gaussian(60, 4), cover_bound(60, 4), 8),
        ]
    return [
        ("Gaussian (150, 6)", instances.gaussian(150, 6), cover_bound(150, 6), 64),
        ("threshold n=6", threshold(6), 15_028_134, 16),
        ("threshold n=7", threshold(7), 8_378_070_864, 400),
    ]


def fold_all(left: list[Piece], kept: Kept, limit: float) -> None:
    """Fold pieces until all are done, or for so many seconds and what was begun."""
    end = time.monotonic() + limit
    context = multiprocessing.get_context("spawn")
    n_workers = os.cpu_count() or 1
    waiting = iter(left)
    with ProcessPoolExecutor(n_workers, mp_context=context, initializer=load) as pool:
        begun = {pool.submit(fold_piece, piece) for piece in islice(waiting, n_workers)}
        while begun:
            done, begun = wait(begun, return_when=FIRST_COMPLETED)
            for one in done:
                kept.add(one.result())
                if time.monotonic() < end:
                    more = islice(waiting, 1)
                    begun |= {pool.submit(fold_piece, piece) for piece in more}


def row(
    name: str, X: Any, count: int, k: int, limit: float
) -> tuple[Row, list[int] | None]:
    """Fold what is left of a list, and check all of it; no sums where some is left."""
    begin = time.perf_counter()
    pieces = partition(X, k)
    made = time.perf_counter() - begin
    kept = Kept(PARTS, pieces)
    fold_all([piece for piece in pieces if piece.number not in kept.parts], kept, limit)
    parts = list(kept.parts.values())
    ones = [sum(some) for some in zip(*(part["ones"] for part in parts), strict=True)]
    is_whole = len(parts) == len(pieces)
    if is_whole:
        check(name, sum(ones), count)
        check(f"{name}, antipodes", ones, ones[::-1])
    if is_whole and name.startswith("threshold"):
        n = len(X[0]) - 1
        check(f"{name}, corners", ones[:3], [1, 2**n, n * 2 ** (n - 1)])
    seconds = sum(part["seconds"] for part in parts)
    found: Row = {
        "list": name,
        "patterns": count,
        "folded": sum(ones),
        "pieces": len(pieces),
        "done": len(parts),
        "made in, s": made,
        "largest": max(sum(part["ones"]) for part in parts),
        "CPU s": seconds,
        "M patterns a CPU second": sum(ones) / seconds / 1e6,
    }
    return found, ones if is_whole else None


def run(options: Options, report: Report) -> None:
    rows, functions = [], []
    for name, X, count, k in cases(quick=options.quick):
        found, ones = row(name, X, count, k, options.limit)
        rows.append(found)
        if name.startswith("threshold") and ones is not None:
            functions.append((name, ones))
    report.table("Folded", rows)
    for name, ones in functions:
        half = ones[: (len(ones) + 1) // 2]
        report.table(
            f"{name}: functions by the number of their true points",
            [{"true points": k, "functions": many} for k, many in enumerate(half)],
            note="As many have that number of false points.",
        )
