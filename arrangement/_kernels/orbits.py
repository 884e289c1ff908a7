"""Kernels of counting by symmetry: one image of a set of rows for its whole orbit.

A permutation group is held as a *chain* of stabilisers ``G = G_0 > G_1 > .. > G_l``:
level ``i`` fixes one more row, and lists elements of ``G_i``, the *moves*, that take
each row of an orbit there.  A product of moves, one a level, is an element of ``G``, so
whatever path is taken, the image of a set is an image under the group: that is all that
correctness needs.  Which path is taken is decided by numbers that do not change when
the set is moved by the group, so that sets of one orbit end, as a rule, in one image;
where they do not, an orbit is counted in several classes, which is slower and no less
exact (see :mod:`arrangement.counting.classes`).

Everything is int64 and nothing wraps: labels are below ``2**31``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from arrangement._kernels.bits import ONE, ZERO
from arrangement._kernels.compile import inner, kernel
from arrangement._kernels.state import Array

# An odd 31-bit multiplier: the product stays below 2**62.
_MULTIPLIER = 1_640_531_527
_MASK31 = 2**31 - 1


class Chain(NamedTuple):
    """A group of permutations of ``m`` rows as a chain of ``levels`` stabilisers.

    ``starts`` (levels + 1,): the moves of level ``i`` are ``starts[i] ..
    starts[i + 1] - 1``.  ``moves`` (total, m) int32 are permutations.  ``orbits``
    (levels + 1, m) int32 are orbits of rows under ``G_i``, each with a number of its
    own; ``sizes`` of them; ``noise`` of each a number below ``2**31``.
    ``colours`` (total, m) int64: the noise of the orbit under ``G_{i+1}`` that the move
    takes a row to.
    """

    starts: Array
    moves: Array
    orbits: Array
    sizes: Array
    noise: Array
    colours: Array


class Search(NamedTuple):
    """Scratch of `find_image`; ``best`` (m,) is what it found.

    ``images`` and ``labels`` (levels + 1, m) by row; ``values`` and ``ties``
    (levels + 1, longest level) by move; ``path``, ``best_path``, ``trace``,
    ``best_trace`` and ``n_ties`` (levels + 1,); ``n_equal`` (levels + 1,) the branches
    beside the best path that end in the same image, that path included; ``length``
    (1,) of the best path; ``seen`` (orbits,); ``masks`` (2, words) uint64 of an image
    and of the best one.
    """

    images: Array
    labels: Array
    values: Array
    ties: Array
    path: Array
    best_path: Array
    trace: Array
    best_trace: Array
    n_ties: Array
    n_equal: Array
    length: Array
    seen: Array
    best: Array
    masks: Array


@inner
def mix(a: int, b: int) -> int:
    """Return a number below ``2**31`` of two such numbers."""
    x = (a ^ b) * _MULTIPLIER
    return (x ^ (x >> 29)) & _MASK31


@inner
def is_union(image: Array, n: int, orbits: Array, sizes: Array, seen: Array) -> bool:
    """Tell whether ``n`` rows are a union of orbits; ``seen`` is zero and stays so."""
    total = 0
    for i in range(n):
        orbit = orbits[image[i]]
        if seen[orbit] == 0:
            seen[orbit] = 1
            total += sizes[orbit]
    for i in range(n):
        seen[orbits[image[i]]] = 0
    return total == n


@inner
def weigh(level: int, n: int, chain: Chain, search: Search) -> None:
    """Give each move of a level a number that tells how the set looks to it."""
    image, labels = search.images[level], search.labels[level]
    first = chain.starts[level]
    for e in range(first, chain.starts[level + 1]):
        colours = chain.colours[e]
        total = 0
        for i in range(n):
            total += mix(labels[i], colours[image[i]])
        search.values[level, e - first] = (total ^ (total >> 31)) & _MASK31


@inner
def relabel(level: int, n: int, chain: Chain, search: Search) -> None:
    """Give each row of the set a number that tells how it looks to the moves."""
    image, labels = search.images[level], search.labels[level]
    first = chain.starts[level]
    for i in range(n):
        total = 0
        for e in range(first, chain.starts[level + 1]):
            total += mix(search.values[level, e - first], chain.colours[e, image[i]])
        labels[i] = mix(labels[i], (total ^ (total >> 31)) & _MASK31)


@inner
def choose(level: int, n: int, rounds: int, chain: Chain, search: Search) -> int:
    """List the moves with the least number at a level; return that number."""
    weigh(level, n, chain, search)
    for _ in range(rounds):
        relabel(level, n, chain, search)
        weigh(level, n, chain, search)
    least, count = _MASK31 + 1, 0
    for j in range(chain.starts[level + 1] - chain.starts[level]):
        value = search.values[level, j]
        if value < least:
            least, count = value, 0
        if value == least:
            search.ties[level, count] = j
            count += 1
    search.n_ties[level] = count
    search.path[level] = 0
    return least


@inner
def descend(level: int, n: int, chain: Chain, search: Search) -> None:
    """Apply the move chosen at a level."""
    move = chain.starts[level] + search.ties[level, search.path[level]]
    moves = chain.moves[move]
    for i in range(n):
        search.images[level + 1, i] = moves[search.images[level, i]]
        search.labels[level + 1, i] = search.labels[level, i]


@inner
def set_mask(image: Array, n: int, mask: Array) -> None:
    """Write ``n`` rows as bits: row ``i`` is bit ``i % 64`` of word ``i // 64``."""
    mask[:] = ZERO
    for i in range(n):
        mask[image[i] >> 6] |= ONE << np.uint64(image[i] & 63)


@inner
def compare(level: int, image: Array, n: int, search: Search) -> int:
    """Compare the end of a path with the best so far: below, equal to, above 0.

    Traces first, level by level, then where they end, then the sets of rows.
    """
    for i in range(level):
        if i >= search.length[0]:
            return 1
        if search.trace[i] != search.best_trace[i]:
            return -1 if search.trace[i] < search.best_trace[i] else 1
    if level != search.length[0]:
        return -1
    set_mask(image, n, search.masks[0])
    for w in range(search.masks.shape[1]):
        mine, other = search.masks[0, w], search.masks[1, w]
        if mine != other:
            return -1 if mine < other else 1
    return 0


@inner
def keep(level: int, n: int, search: Search) -> None:
    """Make the path that ended at a level the best one."""
    search.length[0] = level
    for i in range(level):
        search.n_equal[i] = 1
        search.best_path[i] = search.path[i]
        search.best_trace[i] = search.trace[i]
    for i in range(n):
        search.best[i] = search.images[level, i]
    set_mask(search.best, n, search.masks[1])


@inner
def finish(level: int, n: int, is_first: bool, search: Search) -> int:
    """Take note of the end of a path; return the level below which to go on.

    An end equal to the best one is an automorphism that takes the branch of the best
    one to this branch, where the paths part: what is left of this branch has only
    images that were seen there.
    """
    order = -1 if is_first else compare(level, search.images[level], n, search)
    if order < 0:
        keep(level, n, search)
    if order != 0:
        return level
    parting = 0
    while search.path[parting] == search.best_path[parting]:
        parting += 1
    search.n_equal[parting] += 1
    return parting + 1


@inner
def is_worse(level: int, search: Search) -> bool:
    """Tell whether a path can be left: its trace is above that of the best one."""
    for i in range(level + 1):
        if i >= search.length[0]:
            return True
        if search.trace[i] != search.best_trace[i]:
            return search.trace[i] > search.best_trace[i]
    return False


@inner
def find_image(n: int, rounds: int, most: int, chain: Chain, search: Search) -> int:
    """Write an image of the rows ``search.images[0, :n]`` to ``search.best``.

    Its mask is ``search.masks[1]``, and row ``i`` of the one is the image of row ``i``
    of the other, by the same element of the group.  At most ``most`` paths are followed
    to their end; their number is returned.
    """
    search.labels[0, :n] = 1
    n_ends, level = 0, np.int64(0)
    while True:
        image = search.images[level]
        is_end = is_union(image, n, chain.orbits[level], chain.sizes, search.seen)
        if is_end:
            level = finish(level, n, n_ends == 0, search)
            n_ends += 1
        else:
            search.trace[level] = choose(level, n, rounds, chain, search)
            if n_ends > 0 and is_worse(level, search):
                is_end = True
        if is_end:
            # back to the last choice that is left
            level -= 1
            while level >= 0:
                search.path[level] += 1
                if search.path[level] < search.n_ties[level]:
                    break
                level -= 1
            if level < 0 or n_ends >= most:
                return n_ends
        descend(level, n, chain, search)
        level += 1


@kernel
def find_images(
    sets: Array, rounds: int, most: int, chain: Chain, search: Search, found: Array
) -> bool:
    """Replace sets of rows ``sets[i]`` by their images; False: too many paths.

    ``found[i]`` is where the best path ends, then ``n_equal`` of its levels.  Where all
    paths were followed, sets of one orbit have one image, and the elements that keep a
    set are as many as the product of ``n_equal`` times those of the group that is left
    at the end: an element that does takes the best path to a path with the same end,
    and each branch that has one is counted where it parts.
    """
    n, n_levels = sets.shape[1], search.n_equal.size
    for i in range(sets.shape[0]):
        # entry by entry: an assignment of arrays compiles the text of its errors
        for k in range(n):
            search.images[0, k] = sets[i, k]
        if find_image(n, rounds, most, chain, search) >= most:
            return False
        for k in range(n):
            sets[i, k] = search.best[k]
        found[i, 0] = search.length[0]
        for level in range(n_levels):
            found[i, 1 + level] = search.n_equal[level]
    return True
