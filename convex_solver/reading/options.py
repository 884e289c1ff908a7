"""Options that several functions share, checked at the border."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from arrangement import InputError, InputTypeError

# Defaults, the same wherever the option is: the gap asked for, relative to the upper
# bound; the most cones of a covering for each sign, some 4 microseconds each.
TOL = 1e-6
MAX_CONES = 3 * 10**6
# What a run gets that begins when the time of its call is over.
LEAST_SECONDS = 1e-3


def read_beta(beta: float) -> float:
    """Return a finite positive weight decay."""
    if isinstance(beta, complex) or not isinstance(beta, int | float | np.number):
        raise InputTypeError(f"beta={beta!r}; expected a number.")
    value = float(beta)
    if not (math.isfinite(value) and value > 0.0):
        raise InputError(f"beta={beta!r}; expected a finite number above 0.")
    return value


def check_tolerance(tol: float) -> None:
    """Refuse a tolerance that is no number of 0 or more."""
    if not (math.isfinite(tol) and tol >= 0.0):
        raise InputError(f"tol={tol!r}; expected a finite number, 0 or above.")


def check_count(name: str, value: int, least: int) -> None:
    """Raise `InputError` unless ``value`` is an integer of at least ``least``."""
    is_integer = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not (is_integer and value >= least):
        raise InputError(f"{name}={value!r}; expected an integer of at least {least}.")


def check_beta(beta: Any) -> float:
    """Return beta as a float, or raise: finite and positive is required."""
    if isinstance(beta, (bool, complex, str)) or np.ndim(beta) != 0:
        raise InputTypeError(f"beta={beta!r}; expected a finite number above 0.")
    try:
        value = float(beta)
    except (TypeError, ValueError):
        raise InputTypeError(
            f"beta={beta!r}; expected a finite number above 0."
        ) from None
    if not math.isfinite(value) or value <= 0.0:
        raise InputError(f"beta={value!r}; expected a finite number above 0.")
    return value


@dataclass(frozen=True)
class Limits:
    """What ends a run."""

    tol: float
    time_limit: float | None
    max_rounds: int | None
    max_cones: int

    def __post_init__(self) -> None:
        """Check every limit."""
        if not 0.0 < self.tol < math.inf:
            raise InputError(f"tol={self.tol!r}; expected a number above 0.")
        if self.time_limit is not None and not self.time_limit > 0.0:
            raise InputError(
                f"time_limit={self.time_limit!r}; expected seconds above 0."
            )
        if self.max_rounds is not None and not self.max_rounds >= 1:
            raise InputError(f"max_rounds={self.max_rounds!r}; expected at least 1.")
        if not self.max_cones >= 1:
            raise InputError(f"max_cones={self.max_cones!r}; expected at least 1.")

    def share(self, begin: float, n_left: int) -> Limits:
        """Return the limits of the next of ``n_left`` runs of a call.

        It began at ``begin`` of `time.monotonic`; what is left of its time is shared
        alike, and next to nothing is left after the end.
        """
        if self.time_limit is None:
            return self
        left = begin + self.time_limit - time.monotonic()
        return replace(self, time_limit=max(left / n_left, LEAST_SECONDS))


def deadline_after(seconds: float | None) -> float:
    """Return when so many seconds from now are over, of `time.monotonic`; or never."""
    return math.inf if seconds is None else time.monotonic() + seconds


def part_of_time(deadline: float, share: float) -> float:
    """Return a deadline that leaves a share of the time until ``deadline``."""
    now = time.monotonic()
    return now + share * max(deadline - now, 0.0)
