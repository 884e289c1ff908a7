"""Counts by symmetry: the flats of each rank in classes, and no flat twice.

The identity
------------
Let ``A`` be a central essential arrangement of ``m`` distinct hyperplanes, of rank
``r``; ``|F|`` the number of its hyperplanes that contain the flat ``F``. For a
hyperplane ``a`` that contains ``F``, Weisner's theorem (Weisner 1935; Stanley,
*Enumerative Combinatorics 1*, Corollary 3.9.3) says that ``mu(x)`` sums to zero over
the flats ``x`` with ``x v a = F``, and in a geometric lattice those other than ``F``
are the flats that ``F`` covers and that do not have ``a``. As ``mu`` alternates in
sign, ``|mu(F)| = sum |mu(H)|`` over the flats ``H`` covered by ``F`` with ``a`` not
among their hyperplanes; summed over ``a``,

    |F| |mu(F)| = sum over H covered by F of (|F| - |H|) |mu(H)|.                    (1)

Let ``G`` be a group of permutations of the hyperplanes that permute the flats, and
cut the flats of each rank into classes, each within one orbit of ``G``. With a flat
``H_P`` of each class ``P``, define ``T`` of the class of the whole space as 1, and

    T(O) = 1/|F| * sum over P one rank below of T(P) * sum of (|F| - |H_P|)          (2)

over the covers ``F`` in ``O`` of ``H_P`` (``|F|`` is the same for all of ``O``). Then

    |w_k| = sum of |mu(F)| over the flats of rank k = sum of T over their classes.   (3)

Proof. For every orbit the sum of ``T`` over its classes is the sum of ``|mu|`` over
the orbit, by induction on the rank: sum (2) over the classes in an orbit; the inner
sum becomes one over all covers in that orbit, which is the same for any flat in the
orbit of ``H_P`` as ``G`` permutes covers and keeps ``|.|``; by induction ``T`` over the
classes of that orbit adds up to its ``|mu|``; and that is (1) summed over the orbit.
So classes need not be whole orbits: two flats may be apart without need, and the sum
is right as long as flats of one class are images of each other. Such a ``T`` may be a
fraction; all are kept modulo primes above ``m``, and ``|w_k| <= C(m, k)``, the number
of sets of ``k`` rows, tells how many primes give it back.

The two ranks at the top are not sorted. (1) twice, for flats ``H < G < F`` of ranks
``r - 3``, ``r - 2``, ``r - 1``, is a sum over the points of the lines of a plane, the
restriction to ``H``; and ``|w_r|`` is what makes ``chi(1) = 0``.

What makes it exact
-------------------
Flats are put into one class only when one is the image of the other under a product
of generators (:mod:`arrangement._kernels.orbits`), each of which was checked exactly
on the integer rows (:mod:`arrangement.model.symmetries`). What lies on a flat is
decided by ranks modulo primes whose product is above every minor (proof in
:mod:`arrangement.counting.counts`; here all rows are normals, and the rank of the rows
of a basis with two more is asked for). So neither chance nor rounding decides
anything; a bad prime starts the count again with others.

Cost: a class costs one restriction, ``O(m r (r - k))``, and one search for an image a
cover; memory, the classes of two ranks.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels import classes as kernels
from arrangement._kernels import planes
from arrangement._kernels.counting import Primes
from arrangement._kernels.orbits import Chain, Search
from arrangement._kernels.state import BAD_PRIME, DONE, GROW_POOL
from arrangement.counting.pace import Pace
from arrangement.counting.primes import (
    _TABLE_LIMIT,
    _inverse_table,
    _iter_primes,
    _minor_bound_squared,
    _take_primes,
)
from arrangement.errors import BudgetExceededError
from arrangement.model import Stabilisers
from arrangement.options import IsLate, Listener, Progress, free_bytes, never

IntRow = tuple[int, ...]
# Rows of sets that a kernel call moves, and pairs of lines that it meets modulo a prime
# (40 ns each), at most.
_WORK_PER_CALL = 2**21
_PAIRS_PER_CALL = 2**23
# Seconds from one word of progress to the next.
_EVERY = 1.0
# Rounds of refinement a level, and paths that one search follows to their end: more
# find the same image for more sets of an orbit.
_ROUNDS = 1
_MOST_PATHS = 512
# Classes that a new level has room for, besides those of the covers of one flat.
_ROOM = 1 << 12
# Points of a line that are found without hashing: the table stays in the cache.
_MOST_SPOTS = 2**17
# m terms below m * 2**31 stay below 2**62
MOST_ROWS = 2**15
# ranks from which on there is something to sort
LEAST_RANK = 4


class ClassesTooLargeError(BudgetExceededError):
    """The classes of two ranks would not fit in memory."""


class Limits:
    """What a count may take, and whom it tells how far it is.

    ``max_nodes`` classes to restrict, of which ``visited`` are done; ``max_bytes`` of
    the classes of two ranks, by default half of what is free.
    """

    def __init__(
        self,
        max_nodes: int,
        is_late: IsLate = never,
        progress: Listener | None = None,
        max_bytes: int | None = None,
    ) -> None:
        self.max_nodes = max_nodes
        self.visited = 0
        self._is_late = is_late
        self._progress = progress
        self._max_bytes = free_bytes() // 2 if max_bytes is None else max_bytes
        self._said = time.monotonic()

    def check(self, done: int, total: int, rank: int, found: int) -> None:
        """Say how far it is, and stop where a limit is reached.

        ``done`` of ``total`` classes of a rank; ``found`` of the next one so far.
        """
        so_far = f"{done:,} of {total:,} classes of flats of rank {rank}"
        if self._progress is not None and time.monotonic() - self._said >= _EVERY:
            self._said = time.monotonic()
            more = f", {found:,} of the next rank so far" if found else ""
            self._progress(Progress(f"counting: {so_far}{more}", done, total))
        is_full = self.visited + done >= self.max_nodes
        if is_full or self._is_late():
            over = "max_nodes" if is_full else "time_limit"
            reason = f"max_nodes={self.max_nodes}" if is_full else "the time is up"
            raise BudgetExceededError(
                f"the count by symmetry has done {so_far}, {reason}, and is not "
                f"finished; raise {over}, or give more symmetries."
            )

    def check_bytes(self, wanted: int) -> None:
        """Stop where the classes would take more memory than there may be."""
        if wanted > self._max_bytes:
            raise ClassesTooLargeError(
                f"the classes of flats of two ranks would take {wanted:,} bytes; "
                f"{self._max_bytes:,} are allowed. Give more symmetries, or free "
                "memory."
            )


@dataclass(frozen=True, eq=False)
class Run:
    """What the parts of one count share: rows modulo some primes, group, limits."""

    matrix: kernels.Matrix
    weights: kernels.Weights
    work: kernels.Work
    search: Search
    chain: Chain
    limits: Limits

    def begin(self) -> NDArray[np.int64]:
        """Return the state of a kernel that starts; no stamp is used twice."""
        self.work.slots[:, 0] = 0
        self.work.spots[:, 0] = 0
        return np.zeros(kernels.N_STATE, dtype=np.int64)


def class_numbers(
    rows: Sequence[IntRow], rank: int, group: Stabilisers, limits: Limits
) -> tuple[int, ...]:
    """Return ``|w_0|, .., |w_r|`` of a central arrangement by classes of flats.

    Parameters
    ----------
    rows : sequence of tuples of int
        Distinct hyperplanes of full rank: none zero, no two proportional; at most
        `MOST_ROWS`.
    rank : int
        Number of columns, at least `LEAST_RANK`.
    group : Stabilisers
        Of permutations of the rows that were checked to be symmetries.
    limits : Limits
        When to stop.

    Returns
    -------
    tuple of int
        ``rank + 1`` numbers.

    Raises
    ------
    BudgetExceededError
        Too many classes, too much time or memory.
    """
    m = len(rows)
    most = max(math.comb(m, k) for k in range(rank + 1))
    for run in iter_runs(rows, rank, group, limits, most):
        numbers = _count(run)
        if numbers is not None:
            return numbers
    raise AssertionError("primes do not end")


def iter_runs(
    rows: Sequence[IntRow], rank: int, group: Stabilisers, limits: Limits, most: int
) -> Iterator[Run]:
    """Yield runs with other primes each; totals up to ``most`` are given back."""
    bound_squared = _minor_bound_squared(rows, rank)
    supply = _iter_primes(bound_squared)
    weights = _weights(len(rows), most)
    while True:
        matrix = _matrix(rows, rank, _take_primes(supply, bound_squared))
        work = _work(matrix, weights)
        yield Run(matrix, weights, work, group.search(), group.chain, limits)


def _count(run: Run) -> tuple[int, ...] | None:
    """Count with some primes; None when one of them is bad."""
    _, r, m = run.matrix.columns.shape
    level = first_level(run)
    numbers = [1]
    for rank in range(r - 3):
        below = expand(run, level, rank)
        if below is None:
            return None
        level = below
        _divide(level, run.weights)
        totals = level.totals[: level.n_classes[0]].astype(object).sum(axis=0)
        numbers.append(lift(totals, run.weights, math.comb(m, rank + 1)))
    sums = _close(run, level, r - 3)
    if sums is None:
        return None
    for k, residues in enumerate(sums, r - 2):
        numbers.append(lift(residues, run.weights, math.comb(m, k)))
    # chi(1) = 0
    return (*numbers, abs(sum(numbers[::2]) - sum(numbers[1::2])))


def first_level(run: Run) -> kernels.Level:
    """Return the class of the whole space."""
    level = _new_level(run, 0, 1)
    level.totals[0] = 1
    level.n_classes[0] = 1
    return level


def expand(
    run: Run,
    level: kernels.Level,
    rank: int,
    take: Callable[[NDArray[np.int64]], None] | None = None,
) -> kernels.Level | None:
    """Return the classes one rank higher, their totals times ``|F|``.

    ``take`` gets a view of the edges between classes, a part at a time.
    """
    state = run.begin()
    m = run.matrix.columns.shape[2]
    below = _new_level(run, rank + 1, m + 1 + _ROOM)
    edges = np.zeros((0 if take is None else m + _ROOM, 3), dtype=np.int64)
    parts = run.matrix, run.weights, run.chain, run.search, run.work, state, edges
    pace = Pace(_WORK_PER_CALL)
    while True:
        status = pace.call(
            kernels.expand, level, below, rank, *parts, _ROUNDS, _MOST_PATHS
        )
        if take is not None:
            take(edges[: state[kernels.N_EDGES]])
            state[kernels.N_EDGES] = 0
        if status == DONE:
            run.limits.visited += int(level.n_classes[0])
            return below
        if status == BAD_PRIME:
            return None
        if status == GROW_POOL:
            below = _grown(run, level, below)
        done = int(state[kernels.DONE_FLATS])
        run.limits.check(done, int(level.n_classes[0]), rank, int(below.n_classes[0]))


def _close(run: Run, level: kernels.Level, rank: int) -> NDArray[np.int64] | None:
    """Return the Whitney numbers of the two ranks above the last classes."""
    state = run.begin()
    k, _, m = run.matrix.columns.shape
    sums = np.zeros((2, run.weights.moduli.size), dtype=np.int64)
    meeting = np.zeros((m, k, 1), dtype=np.int64)
    parts = run.matrix, run.weights, run.work, meeting, sums, state
    pace = Pace(_PAIRS_PER_CALL)
    while True:
        status = pace.call(planes.close, level, rank, *parts)
        if status == DONE:
            run.limits.visited += int(level.n_classes[0])
            return sums
        if status == BAD_PRIME:
            return None
        done = int(state[kernels.DONE_FLATS])
        run.limits.check(done, int(level.n_classes[0]), rank, 0)


def _matrix(rows: Sequence[IntRow], rank: int, primes: list[int]) -> kernels.Matrix:
    """Reduce all rows modulo the primes."""
    exact = np.array(rows, dtype=object).reshape(len(rows), rank)
    columns = np.array([(exact % p).T for p in primes]).astype(np.int64)
    moduli = np.array(primes, dtype=np.int64)
    table = _inverse_table(primes[0] if len(primes) == 1 else _TABLE_LIMIT)
    return kernels.Matrix(columns, Primes(moduli, 1.0 / moduli, table))


def _weights(m: int, most: int) -> kernels.Weights:
    """Return moduli for the totals: their product is above ``most``."""
    moduli = list(islice(_iter_primes(_TABLE_LIMIT**2), most.bit_length() // 30 + 1))
    inverses = [[0, *(pow(i, -1, q) for i in range(1, m + 1))] for q in moduli]
    return kernels.Weights(np.array(moduli, dtype=np.int64), np.array(inverses))


def lift(residues: Sequence[int], weights: kernels.Weights, most: int) -> int:
    """Return the number up to ``most`` that has some residues."""
    value, product = 0, 1
    for residue, q in zip(residues, weights.moduli.tolist(), strict=True):
        step = (int(residue) - value) * pow(product, -1, q) % q
        value += step * product
        product *= q
    if value > most:
        raise AssertionError(
            f"a count by classes gave {value}, and it is at most {most}; please "
            "report it."
        )
    return value


def _work(matrix: kernels.Matrix, weights: kernels.Weights) -> kernels.Work:
    """Return scratch for one restriction."""
    k, r, m = matrix.columns.shape
    source = random.Random(m)
    row = partial(np.zeros, m + 1, dtype=np.int64)
    primes = matrix.primes.values
    n_spots = int(primes[0]) + 1 if k == 1 and primes[0] < _MOST_SPOTS else 0
    return kernels.Work(
        reduced=np.zeros((k, r, r), dtype=np.int64),
        pivots=np.zeros((k, r), dtype=np.int64),
        free=np.zeros((k, r), dtype=np.int64),
        image=np.zeros((k, r, m), dtype=np.int64),
        outside=row(),
        inside=row(),
        points=np.zeros((m, k, r), dtype=np.int64),
        group=row(),
        sizes=row(),
        first=row(),
        members=row(),
        starts=row(),
        values=row(),
        prefix=row(),
        slots=np.zeros((4 << m.bit_length(), 2), dtype=np.int64),
        noise=np.array([source.getrandbits(31) for _ in range(m)], dtype=np.int64),
        sums=row(),
        partial=np.zeros(weights.moduli.size, dtype=np.int64),
        spots=np.zeros((n_spots, 2), dtype=np.int64),
    )


def _new_level(run: Run, rank: int, capacity: int) -> kernels.Level:
    """Return a level without classes, with room for so many."""
    m, words = run.matrix.columns.shape[2], run.search.masks.shape[1]
    return kernels.Level(
        masks=np.zeros((capacity, words), dtype=np.uint64),
        bases=np.zeros((capacity, rank), dtype=np.int32),
        totals=np.zeros((capacity, run.weights.moduli.size), dtype=np.int64),
        slots=np.full(2 << max(capacity, m).bit_length(), -1, dtype=np.int64),
        hashes=np.zeros(capacity, dtype=np.int64),
        n_classes=np.zeros(1, dtype=np.int64),
    )


def _grown(run: Run, level: kernels.Level, below: kernels.Level) -> kernels.Level:
    """Return a level with twice the room, unless memory ends."""
    held = sum(array.nbytes for array in (*level, *below))
    # the old arrays are there until the new ones are filled
    run.limits.check_bytes(held + 2 * sum(array.nbytes for array in below))
    count = int(below.n_classes[0])
    rank = below.bases.shape[1]
    larger = _new_level(run, rank, 2 * len(below.hashes))
    for name in ("masks", "bases", "totals", "hashes"):
        getattr(larger, name)[:count] = getattr(below, name)[:count]
    larger.n_classes[0] = count
    kernels.rebuild(larger)
    return larger


def _divide(level: kernels.Level, weights: kernels.Weights) -> None:
    """Divide the totals of all classes by the number of rows of their flats."""
    count = int(level.n_classes[0])
    sizes = sizes_of(level)
    for t, q in enumerate(weights.moduli.tolist()):
        inverse = weights.inverses[t][sizes]
        level.totals[:count, t] = level.totals[:count, t] * inverse % q


def sizes_of(level: kernels.Level) -> NDArray[np.int64]:
    """Return how many rows the flats of each class have."""
    masks = level.masks[: level.n_classes[0]]
    sizes: NDArray[np.int64] = np.bitwise_count(masks).sum(axis=1, dtype=np.int64)
    return sizes
