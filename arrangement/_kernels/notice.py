"""One word on the first run, which compiles: to a log, and to a person who waits.

Numba tells of every kernel that it compiles, and of none that it finds in its cache.
A person is who looks at a terminal or at a notebook; pipes, files and worker processes
get nothing.  The line comes once in a process, and only where kernels have taken
`WAIT` seconds to compile; `logging.getLogger("arrangement").setLevel("WARNING")` keeps
it from coming.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from multiprocessing import current_process
from typing import Any

from numba.core import event

LINE = "Compiling the kernels (first run only, up to a minute)..."
# seconds of silence that nobody wonders about
WAIT = 2.0
_PACKAGES = ("arrangement.", "convex_solver.")
_LOGGER = logging.getLogger("arrangement")


class Notice(event.Listener):  # type: ignore[misc]
    """Says once in a process that kernels of ours are being compiled.

    Attributes
    ----------
    is_said : bool
        Whether it was said, here or by a command line.
    wait : float
        Seconds of compilation, all kernels together, after which it is said.
    """

    def __init__(self) -> None:
        self.is_said = False
        self.wait = WAIT
        # kernels compile one at a time; what they call compiles within them
        self._depth = 0
        self._begin = 0.0
        self._timer: threading.Timer | None = None

    def on_start(self, event: Any) -> None:
        """Begin to wait, unless the kernel is another package's."""
        if not _is_ours(event):
            return
        self._depth += 1
        if self._depth > 1 or self.is_said:
            return
        self._begin = time.monotonic()
        # Numba compiles without a pause in which this thread could look at a clock
        self._timer = threading.Timer(self.wait, self._say)
        self._timer.daemon = True
        self._timer.start()

    def on_end(self, event: Any) -> None:
        """Keep in mind how long it took: several kernels follow one another."""
        if not _is_ours(event) or not self._depth:
            return
        self._depth -= 1
        if self._depth or self._timer is None:
            return
        self._timer.cancel()
        self._timer = None
        self.wait = max(0.0, self.wait - (time.monotonic() - self._begin))

    def _say(self) -> None:
        """Tell the log, and whoever waits."""
        if self.is_said:
            return
        self.is_said = True
        _LOGGER.info("%s", LINE)
        if _is_asked_for() and _is_watched() and not _is_shown_by_log():
            print(LINE, file=sys.stderr, flush=True)


def _is_ours(event: Any) -> bool:
    kernel = event.data["dispatcher"].py_func
    return str(kernel.__module__).startswith(_PACKAGES)


def _is_asked_for() -> bool:
    """Whether nobody has set the log of this package to what is graver than this."""
    return _LOGGER.level <= logging.INFO


def _is_watched() -> bool:
    """Whether somebody sees what is written on standard error, and sees it once."""
    # workers would each say the same
    return current_process().name == "MainProcess" and _is_screen(sys.stderr)


def _is_screen(stream: Any) -> bool:
    """Whether what is written there is seen at once: in a terminal, or a notebook."""
    if stream is None or getattr(stream, "closed", False):
        return False  # standard error under pythonw
    if getattr(stream, "isatty", bool)():
        return True
    interactive = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return stream in (sys.stdout, sys.stderr) and hasattr(interactive, "kernel")


def _is_shown_by_log() -> bool:
    """Whether a handler of the log has written the line where it is seen."""
    logger: logging.Logger | None = _LOGGER
    while logger is not None and _LOGGER.isEnabledFor(logging.INFO):
        for handler in logger.handlers:
            is_told = handler.level <= logging.INFO
            if is_told and _is_screen(getattr(handler, "stream", None)):
                return True
        logger = logger.parent if logger.propagate else None
    return False


NOTICE = Notice()
event.register("numba:compile", NOTICE)
