"""Equal samples as one with their weights added up: the same program with fewer terms.

Samples with the same rows and the same target have the same prediction and the same
loss, so that the objective is the same function of the network.  A dual point of the
smaller program is one of the other when each sample takes its share of the weight.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from arrangement.exact import Column
from convex_solver.program.program import ConvexProgram
from convex_solver.typing import Array

# Fewer samples than this share of all are worth another program.
WORTH = 0.9


@dataclass(frozen=True, eq=False)
class Merged:
    """A program with fewer samples, and the way back from its dual points.

    Attributes
    ----------
    program : ConvexProgram
    whole : ConvexProgram
        The one that it stands for.
    group : ndarray of int, shape (n,), or None
        The sample of ``program`` that each sample of ``whole`` is; None: they are the
        same program.
    share : ndarray, shape (n,)
        Of each sample in the weight of its group.
    """

    program: ConvexProgram
    whole: ConvexProgram
    group: NDArray[np.int64] | None
    share: Array

    @classmethod
    def not_at_all(cls, program: ConvexProgram) -> Merged:
        """Return a program as it is."""
        return cls(program, program, None, np.ones(program.n))

    def lift(self, v: Array) -> Array:
        """Return the dual point (n,) of the whole program, in its domain."""
        if self.group is None:
            return v
        return self.whole.data_term.clip(v[self.group] * self.share)


def merge_equal(program: ConvexProgram) -> Merged:
    """Merge samples that are equal in float64, where there are many."""
    n = program.n
    first, group = _groups(program)
    if first.size > WORTH * n:
        return Merged.not_at_all(program)
    exact = program.data.weights_exact
    sizes = np.bincount(group)
    if exact is None:
        share, total = 1.0 / sizes[group], Column.of_integers(sizes)
    else:
        sums: list[Fraction | int] = [0] * first.size
        for k, weight in zip(group.tolist(), exact, strict=True):
            sums[k] += weight
        total = Column.of_numbers(sums)
        share = np.array(
            [float(c / sums[k]) for k, c in zip(group.tolist(), exact, strict=True)]
        )
    largest = float(np.max(total.rounded()[0]))
    if not (math.isfinite(largest) and np.all(share >= sys.float_info.min)):
        return Merged.not_at_all(program)
    return Merged(program.with_samples(first, total), program, group, share)


def _groups(program: ConvexProgram) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first sample of each group, rising, and the group of each sample.

    By a hash of the bits, and then by the numbers: samples of one hash that are not
    equal are groups of their own.
    """
    n = program.n
    numbers = np.column_stack([program.X.reshape(n, -1), program.y]) + 0.0
    _, first, group = np.unique(
        _hashes(numbers), return_index=True, return_inverse=True
    )
    if first.size > WORTH * n:
        return np.arange(n), np.arange(n)
    own = first[group]
    differs = np.any(numbers != numbers[own], axis=1)
    own[differs] = np.flatnonzero(differs)
    firsts, group = np.unique(own, return_inverse=True)
    return firsts, group.ravel()


def _hashes(numbers: Array) -> NDArray[np.uint64]:
    """Return a hash of the bits of each row: a sum of mixed words, modulo 2^64."""
    bits = np.ascontiguousarray(numbers).view(np.uint64)
    mixed = (bits ^ (bits >> np.uint64(29))) * _multipliers(bits.shape[1])
    return np.asarray(mixed.sum(axis=1, dtype=np.uint64))


def _multipliers(count: int) -> NDArray[np.uint64]:
    """Return odd numbers, always the same."""
    drawn = np.random.default_rng(0).integers(2**63, size=count, dtype=np.uint64)
    return 2 * drawn + np.uint64(1)
