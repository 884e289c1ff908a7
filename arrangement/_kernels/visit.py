"""Call a user's compiled function on every pattern of a block."""

from __future__ import annotations

import numba


# not cached: it is compiled anew for each function it is given
@numba.njit(nogil=True)
def visit_all(function, state, patterns):
    """Call ``function(state, pattern)`` on each row of ``patterns``, in order."""
    for k in range(patterns.shape[0]):
        function(state, patterns[k])
