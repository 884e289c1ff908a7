"""Write a proof of a list: the claim, a point for each pattern, the count."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arrangement.errors import BudgetExceededError, InputError
from arrangement.exact import IntRow
from arrangement.io import new_file
from arrangement.proofs.source import Source


@dataclass(frozen=True)
class ProofFile:
    """What was written: ``n_lines`` and ``n_bytes`` of it, at ``path``."""

    path: str
    n_lines: int
    n_bytes: int


def write_listing(
    path: str | os.PathLike[str],
    source: Source,
    points: Iterable[NDArray[Any]],
    count: Callable[[Sequence[IntRow], int], Any],
    *,
    pairs: bool,
) -> ProofFile:
    """Write a new file that proves a list; see ``FORMAT.md``.

    Parameters
    ----------
    path : path-like
        An existing file is refused, nothing is half-written.
    source : Source
        The matrix.
    points : iterable of ndarray, shape (k, d)
        Integers, a row for each pattern, in the order of the patterns as numbers; d
        counts the column of ones and that of offsets.
    count : callable
        Gives the evidence of the count, of the hyperplanes of the claim and their rank.
    pairs : bool
        Whether a point stands for the opposite one, too.

    Raises
    ------
    InputError
        The path exists or cannot be written; numbers beyond what the checker reads.
    BudgetExceededError
        The time is up.
    """
    # imported when used, so that `python -m arrangement.checker` finds it unused
    from arrangement import checker

    claim = {
        "format": checker.FORMAT,
        "pairs": pairs,
        "data": source.reading(),
    }
    rows = checker.Rows(claim["data"], source.samples)
    n_lines = n_bytes = 0
    with new_file(path) as stream:

        def write(value: Any) -> None:
            nonlocal n_lines, n_bytes
            text = json.dumps(value, separators=(",", ":")) + "\n"
            if len(text) >= checker.LONGEST:
                raise BudgetExceededError(
                    f"a line of the proof would have {len(text):,} characters, more "
                    "than the checker reads. Use fewer rows or columns."
                )
            n_bytes += stream.write(text.encode())
            n_lines += 1

        write(claim)
        for block in points:
            if block.dtype == object and np.abs(block).max(initial=0) >= checker.BIG:
                raise InputError(
                    f"a point has entries of {checker.BIG.bit_length() - 1:,} bits and "
                    "more, which the checker does not read; scale the columns, or use "
                    "the list without a proof."
                )
            for point in block.tolist():
                write(point)
        write({"count": count(rows.lines, rows.rank)})
    return ProofFile(os.fspath(path), n_lines, n_bytes)
