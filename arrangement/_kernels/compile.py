"""Decorators for the kernels of both packages, chosen for the time of a first run.

``kernel`` is an entry point.  A wrapper for calls from Python unpacks every array of
every argument and costs more to compile than most bodies, so only entry points get
one, and none gets one for calls from C.

``inner`` is called by kernels and left to LLVM.  Numba links the code of all that a
kernel calls into it and optimises it once more, at every level of the calls.  So what
has calls of its own and is called from one place is ``inlined`` before its types are
inferred: half the time to compile, and the covering runs 1.2 times as fast.  For leaves
it does not pay, as it copies the whole caller.

``forced`` is inlined by LLVM, whatever LLVM thinks of it: calls pass some forty arrays,
and where a call is hot they cost more than its body (the walk over cells runs 2.3 times
as fast).

The ``bare`` kernels allocate nothing and are compiled without Numba's reference counts
(``_nrt``): an inlined call otherwise counts its arrays up and down, two atomic
operations each.  (Measured: half of the time of a walk over cells, four fifths of that
of a check at a vertex; the covering runs 1.7 times as fast.)  Within them arrays are
copied entry by entry, as an assignment of arrays compiles the text of its error
messages.

All are kept on disk, by `cache`, until the source of any kernel changes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba

from arrangement._kernels.cache import KernelCache

_ENTRY: dict[str, Any] = {"nogil": True, "no_cfunc_wrapper": True}
_INNER: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def _cached(**options: Any) -> Callable[[Any], Any]:
    """Return a decorator that compiles with these options, and keeps the result."""
    compiled = numba.njit(**options)

    def decorate(function: Any) -> Any:
        dispatcher = compiled(function)
        # with NUMBA_DISABLE_JIT it is the function itself
        if dispatcher is not function:
            # what `cache=True` does, with a cache of Numba's own
            dispatcher._cache = KernelCache(function)
        return dispatcher

    return decorate


kernel: Any = _cached(**_ENTRY)
inner: Any = _cached(**_INNER)
inlined: Any = _cached(inline="always")
bare_kernel: Any = _cached(**_ENTRY, _nrt=False)
bare_inner: Any = _cached(**_INNER, _nrt=False)
bare_inlined: Any = _cached(inline="always", _nrt=False)
bare_forced: Any = _cached(**_INNER, _nrt=False, forceinline=True)
