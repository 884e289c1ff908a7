"""Call a user's compiled function on every chamber of a block."""

from __future__ import annotations

import numba
import numpy as np

from arrangement._kernels.bits import ONE
from arrangement._kernels.tree.moves import BACK, ROOT


# not cached: it is compiled anew for each function it is given
@numba.njit(nogil=True)
def visit_all(function, state, patterns):
    """Call ``function(state, pattern)`` on each row of ``patterns``, in order."""
    for k in range(patterns.shape[0]):
        function(state, patterns[k])


@numba.njit(nogil=True)
def visit_along(
    function, state, moves, points, starts, members, pattern, crossed, path, depth
):
    """Call ``function`` on each chamber that ``moves`` come to; return the depth.

    ``points`` (chambers, d) belong to the new ones; the input rows at place p are
    ``members[starts[p]:starts[p + 1]]``.  Carried from block to block: ``pattern``
    (words,), the places ``crossed`` (depths,) and points ``path`` (depths, d) on the
    way from the root.
    """
    n_new = 0
    for k in range(moves.size):
        is_new = moves[k] != BACK
        first = last = 0
        if moves[k] == ROOT:
            depth = 0
        else:
            if is_new:
                depth += 1
                crossed[depth] = moves[k]
            first, last = starts[crossed[depth]], starts[crossed[depth] + 1]
            if not is_new:
                depth -= 1
        if is_new:
            # entry by entry: see `compile`
            for i in range(path.shape[1]):
                path[depth, i] = points[n_new, i]
            n_new += 1
        changed = members[first:last]
        for row in changed:
            pattern[row >> 6] ^= ONE << np.uint64(row & 63)
        function(state, pattern, path[depth], changed, depth, is_new)
    return depth
