"""What all pieces of one call need: made once in each process, for the last call."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any, TypeVar

_T = TypeVar("_T")
_kept: dict[str, Any] = {}
_lock = Lock()


def kept(family: str, make: Callable[[], _T]) -> _T:
    """Return what ``make()`` made of the first piece of a family that came here."""
    with _lock:
        if family not in _kept:
            made = make()
            _kept.clear()
            _kept[family] = made
        found: _T = _kept[family]
        return found


def forget(family: str) -> None:
    """Keep nothing for a family: no more of its pieces will come.

    Without the lock: an iterator that was left may be collected while it is held.
    """
    _kept.pop(family, None)
