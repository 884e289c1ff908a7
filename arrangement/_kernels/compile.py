"""Decorators for the kernels.

A wrapper for calls from Python unpacks every array of every argument and costs more
to compile than most bodies, so only entry points get one.  Calls between kernels
pass some forty arrays; where a call is hot it is inlined (measured: 2.3 times).
"""

from __future__ import annotations

from typing import Any

import numba

_INNER: dict[str, Any] = {
    "cache": True,
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}

kernel: Any = numba.njit(cache=True, nogil=True)
inner: Any = numba.njit(**_INNER)
inlined: Any = numba.njit(**_INNER, forceinline=True)
