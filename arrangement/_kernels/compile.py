"""Decorators for the kernels of both packages, chosen for the time of a first run.

``kernel`` is an entry point.  A wrapper for calls from Python unpacks every array of
every argument and costs more to compile than most bodies, so only entry points get
one, and none gets one for calls from C.

``inner`` is called by kernels and left to LLVM.  Numba links the code of all that a
kernel calls into it and optimises it once more, at every level of the calls.  So what
has calls of its own and is called from one place is ``inlined`` before its types are
inferred: half the time to compile, and the covering runs 1.2 times as fast.  For leaves
it does not pay, as it copies the whole caller.

What is no entry is never run by itself: LLVM only tidies it (`Level`), and optimises it
where it is linked into an entry.

``forced`` is inlined by LLVM, whatever LLVM thinks of it: calls pass some forty arrays,
and where a call is hot they cost more than its body (the walk over cells runs 2.3 times
as fast).

The ``bare`` kernels allocate nothing and are compiled without Numba's reference counts
(``_nrt``): an inlined call otherwise counts its arrays up and down, two atomic
operations each.  (Measured: half of the time of a walk over cells, four fifths of that
of a check at a vertex; the covering runs 1.7 times as fast.)  Within them arrays are
copied entry by entry, as an assignment of arrays compiles the text of its error
messages.

A plain number is a type of its own to Numba, which compiles a kernel once for ``0`` and
once more for a count that begins as 0.  So a count that is passed on begins as
``np.int64(0)``.

Numba knows compiled code on disk by the file that holds the function, and the code
contains that of all it calls, constants included.  So once a callee in another file
changed, as in an update of the package, it would go on with the old one.  `KernelCache`
knows every kernel by all files of kernels that it may call: those of its package and
those of this one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import numba
from numba.core import event
from numba.core.caching import CompileResultCacheImpl, FunctionCache

_OWN = __name__.rpartition(".")[0]
_ENTRY: dict[str, Any] = {"nogil": True, "no_cfunc_wrapper": True}
_INNER: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}


class _Locator:
    """Where Numba keeps the code of a function, with the stamp of all kernels."""

    def __init__(self, locator: Any, module: str) -> None:
        self._locator = locator
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return getattr(self._locator, name)

    def get_source_stamp(self) -> tuple[Any, str]:
        """Return Numba's own stamp of the file, and the digest of all kernels."""
        package, is_kernel, _ = self._module.partition("._kernels")
        kernels = digest(f"{package}._kernels" if is_kernel else _OWN)
        return self._locator.get_source_stamp(), kernels


class _Results(CompileResultCacheImpl):  # type: ignore[misc]
    def __init__(self, function: Any) -> None:
        self._module = function.__module__
        super().__init__(function)

    @property
    def locator(self) -> _Locator:
        return _Locator(super().locator, self._module)


class KernelCache(FunctionCache):  # type: ignore[misc]
    """Numba's cache of a function; only what makes it outdated is another thing."""

    _impl_class = _Results


@cache
def digest(package: str) -> str:
    """Digest the sources of all kernels that those of a package may call."""
    digester = sha256()
    for name in sorted({package, _OWN}):
        for path, source in _sources(files(name), name):
            digester.update(f"{path} {len(source)}\n".encode())
            digester.update(source)
    return digester.hexdigest()


def _sources(folder: Traversable, name: str) -> Iterator[tuple[str, bytes]]:
    """Yield names and contents of the sources in a folder, or in a part of a zip."""
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        path = f"{name}/{entry.name}"
        if entry.is_dir():
            yield from _sources(entry, path)
        elif path.endswith(".py"):
            yield path, entry.read_bytes()


class Level(event.Listener):  # type: ignore[misc]
    """Optimises entries as `numba.config.OPT` says, and what they call next to nothing.

    Numba tells of each compilation, under the one lock of its compiler; what a kernel
    calls is compiled within it.
    """

    # one level removes what is dead: without that Numba keeps no code on disk
    LOW = 1

    def __init__(self) -> None:
        self._outer: list[int] = []

    def on_start(self, event: Any) -> None:
        """Lower the level for a kernel that is no entry; an entry has all of it."""
        self._outer.append(numba.config.OPT)
        full = self._outer[0]
        is_entry = _IS_ENTRY.get(event.data["dispatcher"])
        # what is none of ours goes with its caller
        if is_entry is not None:
            numba.config.OPT = full if is_entry else min(full, type(full)(self.LOW))

    def on_end(self, event: Any) -> None:
        """Return to the level of the kernel that calls it."""
        # Ctrl-C may come before a start is noted
        if self._outer:
            numba.config.OPT = self._outer.pop()


# of every kernel
_IS_ENTRY: dict[Any, bool] = {}
event.register("numba:compile", Level())


def _cached(*, is_entry: bool = False, **options: Any) -> Callable[[Any], Any]:
    """Return a decorator that compiles with these options, and keeps the result."""
    compiled = numba.njit(**options)

    def decorate(function: Any) -> Any:
        dispatcher = compiled(function)
        # with NUMBA_DISABLE_JIT it is the function itself
        if dispatcher is not function:
            # what `cache=True` does, with a cache of Numba's own
            dispatcher._cache = KernelCache(function)
            _IS_ENTRY[dispatcher] = is_entry
        return dispatcher

    return decorate


kernel: Any = _cached(is_entry=True, **_ENTRY)
inner: Any = _cached(**_INNER)
inlined: Any = _cached(inline="always")
bare_kernel: Any = _cached(is_entry=True, **_ENTRY, _nrt=False)
bare_inner: Any = _cached(**_INNER, _nrt=False)
bare_inlined: Any = _cached(inline="always", _nrt=False)
bare_forced: Any = _cached(**_INNER, _nrt=False, forceinline=True)
