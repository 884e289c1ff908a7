"""How much a kernel may do in one call, so that Ctrl-C and the time are looked at."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

# of what is allowed, a first call does this share
_FIRST = 2**-5
# seconds that a call should take
_LEAST, _MOST = 0.05, 0.2


class Pace:
    """Calls a kernel that stops after so much work; ``most`` is the most of it.

    Less where that takes long: the work is dear, or others use the processor too.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._work = max(int(most * _FIRST), 1)

    def call(self, kernel: Callable[..., Any], *arguments: Any) -> int:
        """Return what the kernel returns; its last argument is the work."""
        begin = time.monotonic()
        status = int(kernel(*arguments, self._work))
        seconds = time.monotonic() - begin
        if seconds > _MOST:
            self._work = max(self._work // 2, 1)
        elif seconds < _LEAST:
            self._work = min(2 * self._work, self._most)
        return status
