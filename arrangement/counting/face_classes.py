"""Face numbers by symmetry: faces on the flats of each class, no flat twice.

A face of dimension ``r - k`` is a chamber of the restriction to a flat ``F`` of rank
``k``, and that has ``sum of |mu(F, G)|`` over the flats ``G`` inside ``F`` (Zaslavsky
1975, Theorem A). The identity (1) of :mod:`arrangement.counting.classes`, in the
interval from ``F`` on and with each atom weighed by the rows that it adds, is

    (|G| - |F|) |mu(F, G)| = sum over H covered by G, H >= F, of (|G| - |H|) |mu(F, H)|.

With ``T_{k,s}(O)`` the sum of ``|mu(F, G)|`` over ``G`` in ``O`` and the flats ``F``
of rank ``k`` with ``s`` rows that contain ``G``, summing over ``F`` gives (2) of that
module with ``|F| - s`` in place of ``|F|``. What starts it is ``T_{k,s}(O)`` for ``O``
of rank ``k``, flats of ``s`` rows: the number of flats in ``O``. It follows from the
others, as ``mu(F, G)`` sums to zero over ``F``: the number is the alternating sum of
the ``T`` of lower ``k``. The proof that classes may be finer than orbits is that of
(3), as all of this is linear.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from arrangement.counting.classes import (
    IntRow,
    Limits,
    Run,
    expand,
    first_level,
    iter_runs,
    lift,
    sizes_of,
)
from arrangement.model import Stabilisers

# by (k, s): residues (classes, moduli)
Totals = dict[tuple[int, int], NDArray[np.int64]]


class _Edges:
    """Copies of the edges between the classes of two ranks."""

    def __init__(self) -> None:
        self._parts: list[NDArray[np.int64]] = []

    def take(self, part: NDArray[np.int64]) -> None:
        """Keep a copy of some more."""
        self._parts.append(part.copy())

    def all(self) -> NDArray[np.int64]:
        """Return all of them, (n, 3)."""
        return np.concatenate(self._parts)


def face_numbers_by_classes(
    rows: Sequence[IntRow], rank: int, group: Stabilisers, limits: Limits
) -> tuple[int, ...]:
    """Return ``f_0, .., f_r`` of a central arrangement, as `class_numbers` takes it.

    Raises
    ------
    BudgetExceededError
        Too many classes, too much time or memory.
    """
    m = len(rows)
    # each flat has a basis, and each chamber of a restriction is one of at most m rows
    most = max(math.comb(m, k) * _most_chambers(m, rank - k) for k in range(rank + 1))
    for run in iter_runs(rows, rank, group, limits, most):
        found = _count(run, most)
        if found is not None:
            return found
    raise AssertionError("primes do not end")


def _most_chambers(m: int, rank: int) -> int:
    """Bound the chambers of ``m`` hyperplanes (Cover)."""
    return 2 * sum(math.comb(m, i) for i in range(rank)) if rank else 1


def _count(run: Run, most: int) -> tuple[int, ...] | None:
    """Count with some primes; None when one of them is bad."""
    rank = run.matrix.columns.shape[1]
    moduli = run.weights.moduli
    level = first_level(run)
    totals: Totals = {(0, 0): np.ones((1, moduli.size), dtype=np.int64)}
    sums = np.zeros((rank + 1, moduli.size), dtype=np.int64)
    sums[0] = 1
    for below_rank in range(1, rank + 1):
        edges = _Edges()
        below = expand(run, level, below_rank - 1, edges.take)
        if below is None:
            return None
        sizes = sizes_of(below)
        totals = _totals(run, totals, edges.all(), sizes, below_rank)
        for (k, _), table in totals.items():
            for column in range(moduli.size):
                more = int(table[:, column].astype(object).sum())
                sums[k, column] = (int(sums[k, column]) + more) % int(moduli[column])
        level = below
    return tuple(
        lift(sums[rank - k].tolist(), run.weights, most) for k in range(rank + 1)
    )


def _totals(
    run: Run,
    above: Totals,
    edges: NDArray[np.int64],
    sizes: NDArray[np.int64],
    rank: int,
) -> Totals:
    """Return the totals of the classes of a rank from those of the rank above."""
    moduli, inverses = run.weights.moduli, run.weights.inverses
    parent, child, gained = edges.T
    order = np.argsort(child, kind="stable")
    parent, child, gained = parent[order], child[order], gained[order]
    starts = np.searchsorted(child, np.arange(len(sizes)))
    out: Totals = {}
    flats = np.zeros((len(sizes), moduli.size), dtype=np.int64)
    for (k, s), table in above.items():
        found = np.empty((len(sizes), moduli.size), dtype=np.int64)
        for t, q in enumerate(moduli.tolist()):
            # terms are below q < 2**31, and edges fewer than 2**31
            terms = table[parent, t] * gained % q
            total = np.add.reduceat(terms, starts) % q
            found[:, t] = total * inverses[t][sizes - s] % q
            flats[:, t] += -found[:, t] if (rank - k) % 2 == 0 else found[:, t]
            flats[:, t] %= q
        out[k, s] = found
    for s in np.unique(sizes).tolist():
        out[rank, s] = np.where((sizes == s)[:, None], flats, 0)
    return out
