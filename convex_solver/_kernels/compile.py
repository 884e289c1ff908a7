"""Decorators for the kernels, chosen for the time that a first run compiles.

Numba links the code of all that a kernel calls into it and optimises it once more, at
every level of the calls; so what has calls of its own and is called from one place is
``inlined`` before its types are inferred: half the time, and the covering runs 1.2
times as fast.  For leaves it does not pay, as inlining copies the whole caller.
A wrapper for calls from Python unpacks every array of every argument: only entry
points have one.  Within kernels arrays are copied entry by entry, as an assignment of
arrays compiles the text of its error messages.

The ``bare`` kernels allocate nothing and are compiled without Numba's reference
counts (``_nrt``), two atomic operations for each array of a call that is inlined: the
covering runs 1.7 times as fast.
"""

from __future__ import annotations

from typing import Any

import numba

kernel: Any = numba.njit(cache=True, nogil=True, no_cfunc_wrapper=True)
inner: Any = numba.njit(cache=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)
inlined: Any = numba.njit(cache=True, inline="always")
bare_kernel: Any = numba.njit(cache=True, nogil=True, no_cfunc_wrapper=True, _nrt=False)
bare_inner: Any = numba.njit(
    cache=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False
)
bare_inlined: Any = numba.njit(cache=True, inline="always", _nrt=False)
