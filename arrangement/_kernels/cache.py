"""Compiled code on disk, which is used only while no kernel's source has changed.

Numba knows a compiled function by the file that holds it, and its code contains that of
all it calls, constants included.  So once a callee in another file changes, as in an
update of the package, it would go on with the old one.  Here every kernel is known by
all the files of kernels that it may call: those of its package and those of this one.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from numba.core.caching import CompileResultCacheImpl, FunctionCache

_OWN = __name__.rpartition(".")[0]


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
