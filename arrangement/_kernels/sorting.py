"""Numbers of size 1 at most in order: to be certified afterwards, or given up."""

from __future__ import annotations

import numpy as np

from arrangement._kernels.compile import bare_forced

# moves of the insertion, a number, before it is given up
_MOVES = 8


@bare_forced
def sort_fractions(values, buckets, ends, order):
    """Write into ``order`` (n,) int64 how ``values`` float64 rise, -1 to 1 evenly best.

    ``buckets`` and ``ends`` (n,) int64 are scratch.  Of what is no number nothing is
    promised.  False where so many are so close together that this would take long;
    then ``order`` is of no use.
    """
    n = order.size
    last = n - 1
    for b in range(n):
        ends[b] = 0
    half = 0.5 * last
    for i in range(n):
        place = (values[i] + 1.0) * half
        b = np.int64(place) if 0.0 <= place <= last else last
        buckets[i] = b
        ends[b] += 1
    total = np.int64(0)
    for b in range(n):
        begin = total
        total += ends[b]
        ends[b] = begin
    for i in range(n):
        b = buckets[i]
        order[ends[b]] = i
        ends[b] += 1
    moves = _MOVES * n
    for i in range(1, n):
        own = order[i]
        value = values[own]
        k = i
        while k > 0 and values[order[k - 1]] > value:
            order[k] = order[k - 1]
            k -= 1
            moves -= 1
            if moves < 0:
                return False
        order[k] = own
    return True
