"""Decorators for the kernels.

A wrapper for calls from Python unpacks every array of every argument and costs more
to compile than most bodies, so only entry points get one.  Calls between kernels
pass some forty arrays; where a call is hot it is inlined (measured: 2.3 times).

Kernels allocate nothing, so they are compiled without Numba's reference counts
(``_nrt``): an inlined call otherwise counts its arrays up and down, two atomic
operations each (measured: half of the time of a walk over cells, four fifths of that
of a check at a vertex).
"""

from __future__ import annotations

from typing import Any

import numba

_INNER: dict[str, Any] = {
    "_nrt": False,
    "cache": True,
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}

kernel: Any = numba.njit(cache=True, nogil=True, _nrt=False)
inner: Any = numba.njit(**_INNER)
inlined: Any = numba.njit(**_INNER, forceinline=True)
