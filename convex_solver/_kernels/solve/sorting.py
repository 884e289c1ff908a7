"""An index sort that compiles in a fraction of the time of `numpy.argsort` in Numba."""

from __future__ import annotations

import numpy as np

from convex_solver._kernels.compile import inner


@inner
def sort_indices(keys, count, order):
    """Put the indices of ``keys[:count]`` in rising order of key; heap sort.

    ``order`` has room for ``count`` int64; keys must not be NaN.
    """
    for i in range(count):
        order[i] = i
    heap_largest(keys, order, count)
    for end in range(count - 1, 0, -1):
        order[0], order[end] = order[end], order[0]
        sift(keys, order, np.int64(0), end)


@inner
def sift(keys, order, start, count):
    """Restore the heap below ``start``: no child has a larger key than its parent."""
    root = start
    moved = order[root]
    key = keys[moved]
    while True:
        child = 2 * root + 1
        if child >= count:
            break
        if child + 1 < count and keys[order[child]] < keys[order[child + 1]]:
            child += 1
        if keys[order[child]] <= key:
            break
        order[root] = order[child]
        root = child
    order[root] = moved


@inner
def heap_largest(keys, heap, count):
    """Make ``heap[:count]`` a heap of places in ``keys``, the largest key first."""
    for start in range(count // 2 - 1, -1, -1):
        sift(keys, heap, start, count)


@inner
def pop_largest(keys, heap, count):
    """Take the place of the largest key off a heap of ``count`` places."""
    largest = heap[0]
    heap[0] = heap[count - 1]
    sift(keys, heap, np.int64(0), count - 1)
    return largest
