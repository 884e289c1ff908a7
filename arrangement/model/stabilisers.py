"""A group of permutations of rows as a chain of stabilisers.

``G = G_0 >= G_1 >= ..``: each group fixes one more row than the last, one of a smallest
orbit, and for each row of that orbit an element that takes it there is kept.  Elements
of the next group are found as those of random elements of this one that are brought
back to fix the row.  Every element is a product of the generators, so it is in the
group, whatever chance does; only whether the last group of the chain is trivial, and
whether an orbit is whole, rests on it (with 24 random elements of a group, one that they
do not generate has odds below one in a million).  So `Stabilisers.order` divides
the order of the group, and equals it but for that.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels.orbits import Chain, Search

Permutation = NDArray[np.int32]

# random elements that stand for a group, and steps before the first of them
_ELEMENTS = 24
_WARM_UP = 60
_LEAST_POOL = 10


@dataclass(frozen=True, eq=False)
class Stabilisers:
    """A chain of stabilisers.

    Attributes
    ----------
    chain : Chain
        What the kernels read.
    base : tuple of int
        The rows that are fixed one after another.
    order : int
        Elements of the group that are products of moves, one of each level.
    """

    chain: Chain
    base: tuple[int, ...]
    order: int

    def search(self) -> Search:
        """Return scratch for `find_image`."""
        levels, m = len(self.base), self.chain.orbits.shape[1]
        longest = int(np.diff(self.chain.starts).max(initial=1))
        paths = np.zeros((5, levels + 1), dtype=np.int64)
        return Search(
            *np.zeros((2, levels + 1, m), dtype=np.int64),
            *np.zeros((2, levels + 1, longest), dtype=np.int64),
            *paths,
            np.zeros(1, dtype=np.int64),
            np.zeros(self.chain.sizes.size, dtype=np.int64),
            np.zeros(m, dtype=np.int64),
            np.zeros((2, (m + 63) // 64), dtype=np.uint64),
        )


def make_chain(generators: Sequence[Permutation], m: int) -> Stabilisers:
    """Return the chain of the group of some permutations of ``m`` rows."""
    source = random.Random(m)
    elements = [np.asarray(g, dtype=np.int32) for g in generators]
    labels, base, moves = [orbits_of(elements, m)], [], []
    while np.any(sizes := np.bincount(labels[-1], minlength=m) > 1):
        counts = np.bincount(labels[-1], minlength=m)
        point = int(np.argmin(np.where(sizes, counts, m + 1)))
        found = _transversal(elements, point, m)
        base.append(point)
        moves.append(found)
        elements = _stabiliser(elements, point, found, source, m)
        labels.append(orbits_of(elements, m))
    order = math.prod(len(level) for level in moves)
    return Stabilisers(_as_arrays(labels, moves, m, source), tuple(base), order)


def orbits_of(elements: Sequence[Permutation], m: int) -> NDArray[np.int64]:
    """Return of each row the least row of its orbit."""
    labels = np.arange(m)
    while True:
        before = labels
        for element in elements:
            labels = np.minimum(labels, labels[element])
            labels = np.minimum(labels, labels[labels])
        if np.array_equal(labels, before):
            return labels


def _transversal(
    elements: Sequence[Permutation], point: int, m: int
) -> dict[int, Permutation]:
    """Return for each row of the orbit of a point an element that takes it there."""
    found = {point: np.arange(m, dtype=np.int32)}
    pairs = [(element, _inverse(element)) for element in elements]
    waiting = [point]
    for row in waiting:
        for forth, back in pairs:
            for step, undo in ((forth, back), (back, forth)):
                image = int(step[row])
                if image not in found:
                    found[image] = found[row][undo]
                    waiting.append(image)
    return found


def _stabiliser(
    elements: Sequence[Permutation],
    point: int,
    moves: dict[int, Permutation],
    source: random.Random,
    m: int,
) -> list[Permutation]:
    """Return elements of the group that fix a point; the identity is left out."""
    out = []
    identity = np.arange(m, dtype=np.int32)
    for element in _random_elements(elements, _ELEMENTS, source):
        fixing = moves[int(element[point])][element]
        if not np.array_equal(fixing, identity):
            out.append(fixing)
    return out


def _random_elements(
    elements: Sequence[Permutation], count: int, source: random.Random
) -> list[Permutation]:
    """Return random products (product replacement with an accumulator)."""
    pool = list(elements)
    while len(pool) < _LEAST_POOL:
        pool.append(pool[len(pool) % len(elements)])
    total, out = pool[0], []
    for step in range(_WARM_UP + count):
        i, j = source.sample(range(len(pool)), 2)
        other = pool[j] if source.random() < 0.5 else _inverse(pool[j])
        pool[i] = pool[i][other] if source.random() < 0.5 else other[pool[i]]
        total = total[pool[i]]
        if step >= _WARM_UP:
            out.append(total)
    return out


def _inverse(element: Permutation) -> Permutation:
    out = np.empty_like(element)
    out[element] = np.arange(element.size, dtype=np.int32)
    return out


def _as_arrays(
    labels: list[NDArray[np.int64]],
    moves: list[dict[int, Permutation]],
    m: int,
    source: random.Random,
) -> Chain:
    """Number the orbits of all levels, and colour rows by where a move takes them."""
    orbits = np.zeros((len(labels), m), dtype=np.int32)
    sizes: list[Any] = []
    for level, label in enumerate(labels):
        _, number, count = np.unique(label, return_inverse=True, return_counts=True)
        orbits[level] = number + sum(map(len, sizes))
        sizes.append(count)
    sizes_all = np.concatenate(sizes).astype(np.int64)
    noise = np.array([source.getrandbits(31) for _ in sizes_all], dtype=np.int64)
    starts = np.cumsum([0, *map(len, moves)]).astype(np.int64)
    listed = [np.array(list(level.values())) for level in moves]
    table = np.concatenate([np.zeros((0, m), np.int32), *listed]).astype(np.int32)
    colours = np.zeros(table.shape, dtype=np.int64)
    for level, (begin, end) in enumerate(zip(starts, starts[1:], strict=False)):
        colours[begin:end] = noise[orbits[level + 1][table[begin:end]]]
    return Chain(starts, table, orbits, sizes_all, noise, colours)
