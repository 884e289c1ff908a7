"""Write down a covering by cones: lines of a tree, with what bounds each leaf."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convex_solver._kernels.certify import (
    END,
    ENDED,
    FRAME,
    FULL,
    HIGH,
    LEFT,
    MOST_CONCAVE,
    MOST_CONVEX,
    NUMBER,
    PAIR,
    ROOT,
    SHORT,
    SPENT,
    Tape,
    grown,
    make_scratch,
    make_stack,
    print_lines,
    record,
)
from convex_solver.errors import ProofError
from convex_solver.rounding import U
from convex_solver.typing import Array

# Records that are held at a time.
TAPE = 4096
# Of the bound R: what the kernel leaves to the rounding of the vectors.
SPARE = 2.0**-33


@dataclass(frozen=True, eq=False)
class ExactRows:
    """What the checker makes of data and dual point, in integers.

    Attributes
    ----------
    a : list of list of int
        Rows, times ``2^bits / beta`` and their weights.
    e : list of int
        Their signs.
    linear : list of int
    bound : int
        R: that ``|g(w)| <= R |w|`` is to be shown.
    bits : int
    """

    a: list[list[int]]
    e: list[int]
    linear: list[int]
    bound: int
    bits: int

    @property
    def rank(self) -> int:
        """Dimension of the space that is covered."""
        return len(self.linear)


class Floats:
    """The rows as the kernel takes them: for one sign, the convex ones first."""

    def __init__(self, rows: ExactRows, sign: int) -> None:
        r = rows.rank
        entries = [abs(x) for row in [*rows.a, rows.linear] for x in row]
        self.shift = max(entries, default=1).bit_length()
        signs = sign * np.array(rows.e, dtype=np.int64)
        self.order = np.argsort(-signs, kind="stable")
        self.n_convex = int(np.sum(signs > 0))
        scaled = [[self._float(x) for x in row] for row in rows.a]
        A = np.array(scaled, dtype=np.float64).reshape(len(rows.a), r)
        self.columns = np.ascontiguousarray(A[self.order].T)
        self.linear = sign * np.array([self._float(x) for x in rows.linear])
        self.bound = self._float(rows.bound) * (1.0 - 2.0 * U)
        # values of rows at vertices are off by (r + 1) u |a|, the rows by u |a|
        total = float(np.abs(A).max(axis=1, initial=0.0).sum())
        total += float(np.abs(self.linear).max(initial=0.0))
        self.slack = 2.0 * (r + 4) * U * total + 2.0**-400

    def _float(self, x: int) -> float:
        return x / (1 << self.shift)


def tree_lines(rows: ExactRows, max_cones: int) -> Iterator[bytes]:
    """Return the lines of the trees of both signs and all orthants, many in a piece.

    Raises
    ------
    ProofError
        The dual point is not feasible, or nearly not; more cones would be needed; or
        halves finer than floats.
    """
    for sign in (1, -1):
        yield from _Recorder(rows, sign, max_cones).lines()


class _Recorder:
    """The kernel at work on the trees of one sign."""

    def __init__(self, rows: ExactRows, sign: int, max_cones: int) -> None:
        self.rows, self.sign, self.max_cones = rows, sign, max_cones
        self.floats = Floats(rows, sign)
        r, n = self.floats.columns.shape
        most = MOST_CONVEX + MOST_CONCAVE
        self.tape = Tape(
            np.zeros(1, dtype=np.int64),
            np.zeros(TAPE, dtype=np.int64),
            np.zeros((TAPE, 3 + most), dtype=np.int64),
            np.zeros((TAPE, r + most)),
        )
        size = TAPE * (FRAME + NUMBER * r + PAIR * most)
        self.text = np.zeros(size, dtype=np.uint8)
        self.memory = make_stack(r, 8 * (r + 1), 2 * n + 64)
        self.scratch = make_scratch(r, n)
        self.counters = np.zeros(6, dtype=np.int64)
        self.counters[END], self.counters[LEFT] = 2**r, max_cones
        self.orthant = 0

    def lines(self) -> Iterator[bytes]:
        floats = self.floats
        goal = floats.bound * (1.0 - SPARE)
        limits = np.array([goal, floats.slack])
        code = FULL
        while code in (FULL, SHORT):
            code = record(
                floats.columns,
                floats.n_convex,
                floats.linear,
                *self.memory,
                self.counters,
                limits,
                self.scratch,
                self.tape,
            )
            if code == SHORT:
                self.memory = grown(*self.memory)
                continue
            yield self._flushed()
        if code != ENDED:
            raise ProofError(self._reason(code))

    def _reason(self, code: int) -> str:
        if code == SPENT:
            return (
                f"{self.max_cones:,} cones do not prove the bound. Allow more "
                "(max_cones), or take a larger beta or fewer columns."
            )
        if code == HIGH:
            return (
                "the dual point is not feasible by enough to be proven: certify it "
                "again, so that it is scaled."
            )
        return "the covering needs cones finer than float64 has; no proof is made."

    def _flushed(self) -> bytes:
        """Return the lines of what is on the tape, and wind it back."""
        tape, count = self.tape, int(self.tape.used[0])
        roots = np.flatnonzero(tape.kinds[:count] == ROOT)
        begun = np.concatenate([[self.orthant], tape.numbers[roots, 0]])
        places = np.searchsorted(roots, np.arange(count), side="right")
        vectors, scales = self._whole(
            tape.reals[:count, : self.rows.rank], begun[places]
        )
        self.orthant = int(begun[-1])
        end = print_lines(
            tape, self.floats.order, self.sign, vectors, scales, self.text
        )
        tape.used[0] = 0
        return self.text[:end].tobytes()

    def _whole(
        self, vectors: Array, orthants: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Round vectors to as few bits as their norms leave room for.

        Each entry in the sign of its orthant: no product with a vertex falls then.
        Returns ``p`` and ``scale`` with ``p 2^(bits - scale)`` in units of the rows.
        """
        r, bound = vectors.shape[1], self.floats.bound
        room = bound - np.linalg.norm(vectors, axis=1) * (1.0 + 2.0**-40)
        step = np.maximum(room, bound * 2.0**-36) / (2.0 * math.sqrt(r))
        off = self.rows.bits - self.floats.shift
        fine = np.maximum(np.ceil(-np.log2(step)).astype(np.int64), -off)
        signs = 1.0 - 2.0 * (orthants[:, None] >> np.arange(r) & 1)
        whole = signs * np.ceil(signs * np.ldexp(vectors, fine[:, None]))
        return whole.astype(np.int64), fine + off
