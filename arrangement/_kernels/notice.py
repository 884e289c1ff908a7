"""One word on the first run, which compiles: to a log, and to a terminal that waits.

Numba tells of every kernel that it compiles, and of none that it finds in its cache.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

from numba.core import event

LINE = "Compiling the kernels (first run only, up to a minute)..."
_PACKAGES = ("arrangement.", "convex_solver.")
_LOGGER = logging.getLogger("arrangement")


class Notice(event.Listener):  # type: ignore[misc]
    """Says once in a process that kernels of ours are being compiled.

    Attributes
    ----------
    is_said : bool
        Whether it was said, here or by a command line.
    """

    def __init__(self) -> None:
        self.is_said = False

    def on_start(self, event: Any) -> None:
        """Say it, unless the kernel is another package's."""
        kernel = event.data["dispatcher"].py_func
        if self.is_said or not str(kernel.__module__).startswith(_PACKAGES):
            return
        self.is_said = True
        _LOGGER.info("%s", LINE)
        # None under pythonw; a pipe or a notebook is no terminal
        if sys.stderr is not None and sys.stderr.isatty():
            print(LINE, file=sys.stderr, flush=True)

    def on_end(self, event: Any) -> None:
        """Nothing: several kernels follow one another."""


NOTICE = Notice()
event.register("numba:compile", NOTICE)
