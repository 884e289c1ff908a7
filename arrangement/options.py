"""Options that several functions share, checked at the border."""

from __future__ import annotations

import logging
import math
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import Enum
from fractions import Fraction
from functools import cache
from numbers import Real
from pathlib import Path, PurePath
from typing import Any, NamedTuple

import numpy as np

from arrangement.errors import InputError, InputTypeError

# threads that may be asked for: more are a mistake, and would stop the machine
_MOST_JOBS = 1024
# most bytes of a block, however many rows a pattern has
_BLOCK_BYTES = 1 << 26
# characters of a value or name that a message shows
_SHOWN = 40
# characters of a repr; entries of a tuple and bits of an integer that one shows
_MOST_REPR, _FEW, _MOST_BITS = 200, 6, 128
# of a SHA-256, which nobody reads further
_DIGEST, _HEXADECIMAL = 15, re.compile("[0-9a-f]{64}").fullmatch
# where Linux says how much memory there is, for all and for groups of processes: the
# limit, what is used and what of it are files, by the version of such groups
_MEMORY_INFO, _GROUPS_OF_PROCESS = Path("/proc/meminfo"), Path("/proc/self/cgroup")
_GROUPS, _START = Path("/sys/fs/cgroup"), 1 << 13
_NAMES = {
    1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "memory.stat"),
    2: ("memory.max", "memory.current", "memory.stat"),
}
_AVAILABLE = re.compile(r"^MemAvailable:\s+(\d+) kB", re.MULTILINE)
_INACTIVE = re.compile(r"^inactive_file (\d+)", re.MULTILINE)
_TOTAL_INACTIVE = re.compile(r"^total_inactive_file (\d+)", re.MULTILINE)


def short(text: str, most: int = _SHOWN) -> str:
    """Return text for a message: the start of what is long."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def first_line(error: BaseException) -> str:
    """Return what an exception says, for a message of one line."""
    said = (str(error) or type(error).__name__).splitlines()[0]
    return short(said.rstrip("."), 3 * _SHOWN)


def said(name: str, value: Any) -> str:
    """Return the name of an option and what came, of whatever size, on one line."""
    try:
        text = repr(value)
    except ValueError:  # an int of more digits than Python prints
        text = f"(an int of {value.bit_length()} bits)"
    text = " ".join(text.split())
    if len(text) > 60:
        text = text[:40] + ".."
    return f"{name} is {text}" if " " in name else f"{name}={text}"


def short_repr(thing: Any, **first: Any) -> str:
    """Return a repr of one short line: what a thing holds, arrays by shape and dtype.

    For the ``__repr__`` of dataclasses, whose fields say what is shown, and of named
    tuples: at most 200 characters; what is beyond is left out at the end.  ``first``
    stands before the fields.

    Examples
    --------
    >>> print(short_repr(Progress("half of it", 5, 10**300)))
    Progress(message='half of it', done=5, total=<997 bits>)
    """
    names = getattr(thing, "_fields", None)
    if names is None:
        names = [each.name for each in fields(thing) if each.repr]
    values = first | {name: getattr(thing, name) for name in names}
    parts = [f"{name}={_short_value(value)}" for name, value in values.items()]
    begin = f"{type(thing).__qualname__}("
    room = _MOST_REPR - len(begin) - len(", ...)")
    kept = len(parts)
    while kept > 1 and len(", ".join(parts[:kept])) > room:
        kept -= 1
    more = ", ..." if kept < len(parts) else ""
    return f"{begin}{short(', '.join(parts[:kept]), room)}{more})"


def _short_value(value: Any) -> str:
    """Return a value for a repr, of some 60 characters at most."""
    if isinstance(value, np.ndarray):
        if value.ndim == 1 and value.size <= _FEW and value.dtype.kind in "biu":
            return repr(value.tolist())
        shape = " x ".join(f"{n:,}" for n in value.shape)
        return f"<{shape or 'scalar'} {value.dtype}>"
    if isinstance(value, np.generic):
        return _short_value(value.item())
    if isinstance(value, Enum):
        return repr(value.value)
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, PurePath):
        text = str(value)
        return repr(text if len(text) <= _SHOWN else f"...{text[3 - _SHOWN :]}")
    if isinstance(value, str):
        return repr(short(value, _DIGEST if _HEXADECIMAL(value) else _SHOWN))
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        return f"<{value.bit_length():,} bits>"
    if isinstance(value, Fraction):
        return "/".join(map(_short_value, value.as_integer_ratio()))
    if type(value) in (tuple, list):
        few = [_short_value(each) for each in value[:_FEW]]
        text = ", ".join(few)
        if len(value) > _FEW or len(text) > _SHOWN:
            return f"<{len(value):,} of {type(value[0]).__name__}>"
        if isinstance(value, list):
            return f"[{text}]"
        return f"({text},)" if len(few) == 1 else f"({text})"
    return short(repr(value), 60)


def log_of(package: str) -> logging.Logger:
    """Return the log of a package, silent until a program listens to it.

    What a call does is told at INFO, each of its steps at DEBUG.
    """
    log = logging.getLogger(package)
    if not log.handlers:
        log.addHandler(logging.NullHandler())
    return log


# whether what is left to do is not wanted any more
IsLate = Callable[[], bool]


def never() -> bool:
    """Return False: there is no limit."""
    return False


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
        raise InputTypeError(f"{said(name, value)}; expected an integer.")
    if least is not None and value < least:
        raise InputError(f"{said(name, value)}; expected an integer >= {least}.")
    return int(value)


def seconds(value: Any, name: str = "time_limit") -> float:
    """Return a time limit as a float; None is infinite.

    Raises
    ------
    InputTypeError
        What came is not a real number.
    InputError
        It is not above 0, or NaN.
    """
    if value is None:
        return math.inf
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        raise InputTypeError(f"{said(name, value)}; expected a number of seconds > 0.")
    number: Any = value
    if not number > 0:
        raise InputError(f"{said(name, value)}; expected a number of seconds > 0.")
    try:
        return float(number)
    except OverflowError:
        return math.inf


def count_jobs(n_jobs: Any) -> int:
    """Return the number of threads that ``n_jobs`` asks for (-1: one a processor)."""
    jobs = whole_number(n_jobs, "n_jobs")
    if jobs == -1:
        return os.cpu_count() or 1
    if not 1 <= jobs <= _MOST_JOBS:
        raise InputError(
            f"{said('n_jobs', jobs)}; expected an integer >= 1, or -1 for all "
            f"processors, and at most {_MOST_JOBS:,}."
        )
    return jobs


@dataclass(frozen=True)
class Progress:
    """How far a call has come: what every ``progress`` of both packages is called with.

    ``progress=print`` shows one as a line.

    Attributes
    ----------
    message : str
        In words; what `str` returns.
    done, total : int or None
        What is counted so far, and the most that it can be; None where nothing is.
    """

    message: str
    done: int | None = None
    total: int | None = None

    __repr__ = short_repr

    @classmethod
    def of_patterns(cls, done: int, bound: int) -> Progress:
        """Return the progress of a listing: patterns so far, and Cover's bound."""
        return cls(f"{done:,} patterns of at most {bound:,}", done, bound)

    def __str__(self) -> str:
        """Return the message."""
        return self.message


Listener = Callable[[Progress], object]


class _Left(float):
    """Seconds that a call hands on of a limit; messages name the limit itself."""

    whole: float


class Deadline:
    """A number of seconds for a whole call; the clock starts here."""

    def __init__(self, time_limit: Any) -> None:
        self._seconds = seconds(time_limit)
        self._begin = time.monotonic()
        is_part = isinstance(time_limit, _Left)
        self._whole = time_limit.whole if is_part else self._seconds

    def __str__(self) -> str:
        """Return how a message names it."""
        return f"time_limit={self._whole:g} s"

    def left(self) -> float:
        """Seconds that are left for a part of the call; above 0, as limits are."""
        spent = time.monotonic() - self._begin
        left = _Left(max(self._seconds - spent, 1e-9))
        left.whole = self._whole
        return left

    def is_late(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() - self._begin > self._seconds


class Limits(Deadline):
    """Most patterns and most seconds of a listing; the clock starts here."""

    def __init__(self, max_patterns: Any, time_limit: Any) -> None:
        super().__init__(time_limit)
        self.max_patterns = (
            None
            if max_patterns is None
            else whole_number(max_patterns, "max_patterns", 0)
        )

    def room(self, total: int) -> int:
        """Patterns that may follow ``total`` of them."""
        if self.max_patterns is None:
            return 1 << 62
        return self.max_patterns - total

    def reached(self, total: int) -> str:
        """Why to take nothing after ``total`` patterns, or an empty text."""
        if self.room(total) <= 0:
            return f"max_patterns={self.max_patterns} was reached."
        if self.is_late():
            return f"{self} was reached."
        return ""

    def reached_before(self, total: int, n_next: int) -> str:
        """Why to stop before the next ``n_next`` patterns, or an empty text.

        What comes first is kept, however little time there was.  Where none come, only
        the time counts: perhaps none will follow.
        """
        if n_next == 0:
            return self.reached(total) if self.is_late() else ""
        return self.reached(total) if total else ""


def block_rows(most: int, row_bytes: int) -> int:
    """Return how many things of so many bytes are held at once: at most ``most``.

    Fewer where these would take over 64 MiB; even, so that a chamber and its antipode
    are never parted, and at least 2.
    """
    return max(2, min(most, _BLOCK_BYTES // max(row_bytes, 1)) & ~1)


def free_bytes() -> int:
    """Bytes of memory that this process can take now.

    What the system says is available without swapping: free memory alone, which leaves
    out the files that it keeps as long as nobody needs their room, shrinks on every
    machine that has been used for a while.  No more than the control groups of the
    process leave it, as a container or a batch job has them.  8 GiB where the system
    does not say.
    """
    stated = _AVAILABLE.search(_start_of(_MEMORY_INFO))
    free = 1024 * int(stated[1]) if stated else _pages("SC_AVPHYS_PAGES")
    return int(max(0, min([free, *(group.left() for group in _limited_groups())])))


def _pages(name: str) -> int:
    """Bytes of so many pages, by the name that POSIX has for their number."""
    try:
        return os.sysconf(name) * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 1 << 33


class _Group(NamedTuple):
    """A control group with a limit: where it says its limit, its use and its files."""

    limit: Path
    used: Path
    statistics: Path
    # files kept in memory that were not used lately, which are dropped first
    dropped: re.Pattern[str]

    def most(self) -> int | None:
        """Return the limit in bytes, or None ("max", or no such file)."""
        said = _start_of(self.limit).strip()
        return int(said) if said.isdecimal() else None

    def left(self) -> float:
        """Bytes under the limit that are not used, or are of files to be dropped."""
        most, used = self.most(), _start_of(self.used).strip()
        if most is None or not used.isdecimal():
            return math.inf  # the group is gone
        files = self.dropped.search(_start_of(self.statistics))
        return most - int(used) + (int(files[1]) if files else 0)


@cache
def _limited_groups() -> list[_Group]:
    """Control groups of this process that limit its memory, parents included.

    Version 2 (``memory.max``) and version 1 (``memory.limit_in_bytes``) of Linux.  A
    limit above all memory of the machine is none.
    """
    groups, whole = [], _pages("SC_PHYS_PAGES")
    for line in _start_of(_GROUPS_OF_PROCESS).splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            root, names, dropped = _GROUPS, _NAMES[2], _INACTIVE
        elif "memory" in controllers.split(","):
            root, names, dropped = _GROUPS / "memory", _NAMES[1], _TOTAL_INACTIVE
        else:
            continue
        inner = root / path.strip("/")
        folders = [inner, *(above for above in inner.parents if root in above.parents)]
        for folder in dict.fromkeys([*folders, root]):
            limit, used, statistics = (folder / name for name in names)
            group = _Group(limit, used, statistics, dropped)
            most = group.most()
            if most is not None and most < whole:
                groups.append(group)
    return groups


def _start_of(path: Path) -> str:
    """Return the first characters of a file of the system; none where it is absent."""
    try:
        with path.open("rb", buffering=0) as file:
            return file.read(_START).decode("ascii", "replace")
    except OSError:
        return ""
