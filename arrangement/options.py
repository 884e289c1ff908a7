"""Options that several functions share, checked at the border."""

from __future__ import annotations

import math
import os
import time
from typing import Any

import numpy as np

from arrangement.errors import InputError, InputTypeError

# characters of a value or name that a message shows
_SHOWN = 40


def short(text: str, most: int = _SHOWN) -> str:
    """Return text for a message: the start of what is long."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def first_line(error: BaseException) -> str:
    """Return what an exception says, for a message of one line."""
    said = (str(error) or type(error).__name__).splitlines()[0]
    return short(said.rstrip("."), 3 * _SHOWN)


def whole_number(value: Any, name: str, least: int | None = None) -> int:
    """Return an integer option as a Python int: no bool, no float, at least ``least``.

    Raises
    ------
    InputTypeError
        What came is not an integer.
    InputError
        It is below ``least``.
    """
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        raise InputTypeError(f"{name}={value!r}; expected an integer.")
    if least is not None and value < least:
        raise InputError(f"{name}={value}; expected an integer >= {least}.")
    return int(value)


def count_jobs(n_jobs: Any) -> int:
    """Return the number of threads that ``n_jobs`` asks for."""
    if isinstance(n_jobs, bool) or not isinstance(n_jobs, (int, np.integer)):
        raise InputTypeError(
            f"n_jobs={n_jobs!r}; expected an int >= 1, or -1 for all processors."
        )
    if n_jobs == -1:
        return os.cpu_count() or 1
    if n_jobs < 1:
        raise InputError(
            f"n_jobs={n_jobs}; expected an int >= 1, or -1 for all processors."
        )
    return int(n_jobs)


def check_block_size(block_size: Any) -> None:
    """Refuse a number of patterns a block that is no int or below 1."""
    if isinstance(block_size, bool) or not isinstance(block_size, (int, np.integer)):
        raise InputTypeError(f"block_size={block_size!r}; expected an int >= 1.")
    if block_size < 1:
        raise InputError(f"block_size={block_size}; expected at least 1.")


def check_progress(progress: Any) -> None:
    """Refuse a ``progress`` that cannot be called."""
    if progress is not None and not callable(progress):
        raise InputTypeError(
            f"progress={progress!r}; expected a function (patterns_so_far, bound)."
        )


class Limits:
    """Most patterns and most seconds of a listing; the clock starts here."""

    def __init__(self, max_patterns: Any, time_limit: Any) -> None:
        if max_patterns is not None and (
            isinstance(max_patterns, bool)
            or not isinstance(max_patterns, (int, np.integer))
            or max_patterns < 0
        ):
            raise InputError(f"max_patterns={max_patterns!r}; expected an int >= 0.")
        if time_limit is not None and (
            isinstance(time_limit, bool)
            or not isinstance(time_limit, (int, float, np.number))
            or not time_limit > 0
        ):
            raise InputError(f"time_limit={time_limit!r}; expected seconds > 0.")
        self.max_patterns = None if max_patterns is None else int(max_patterns)
        self._time_limit = math.inf if time_limit is None else float(time_limit)
        self._begin = time.monotonic()

    def room(self, total: int) -> int:
        """Patterns that may follow ``total`` of them."""
        if self.max_patterns is None:
            return 1 << 62
        return self.max_patterns - total

    def is_late(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() - self._begin > self._time_limit

    def reached(self, total: int) -> str:
        """Why to take nothing after ``total`` patterns, or an empty text."""
        if self.room(total) <= 0:
            return f"max_patterns={self.max_patterns} was reached."
        if self.is_late():
            return f"time_limit={self._time_limit:g} s was reached."
        return ""

    def reached_before(self, total: int, n_next: int) -> str:
        """Why to stop before the next ``n_next`` patterns, or an empty text.

        What comes first is kept, however little time there was.  Where none come, only
        the time counts: perhaps none will follow.
        """
        if n_next == 0:
            return self.reached(total) if self.is_late() else ""
        return self.reached(total) if total else ""


def free_bytes() -> int:
    """Bytes of memory available now (8 GiB where the system does not say)."""
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 1 << 33
