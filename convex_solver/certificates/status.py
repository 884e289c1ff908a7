"""What two bounds say together: one gap, one place that calls a result optimal."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from enum import Enum
from fractions import Fraction
from typing import TypeVar

import numpy as np

from arrangement.io import heard_once
from convex_solver.reading import read_tolerance
from convex_solver.rounding import float_above

_Bounds = TypeVar("_Bounds")


class SolutionStatus(Enum):
    """What a certificate shows: only `status_of` sets ``OPTIMAL``."""

    OPTIMAL = "optimal"
    INACCURATE = "inaccurate"
    INFEASIBLE = "infeasible"


def relative_gap(upper: float, lower: float) -> float:
    """Return ``(upper - lower) / upper`` rounded up, and 0 when both are 0.

    Infinite where it is not known: a bound that is not finite, and a lower bound above
    the upper one, which shows that one of them is false.

    Examples
    --------
    >>> relative_gap(2.0, 1.5), relative_gap(0.0, 0.0), relative_gap(1.0, 1.1)
    (0.25, 0.0, inf)
    """
    if not (math.isfinite(upper) and math.isfinite(lower) and lower <= upper):
        return math.inf
    if upper == lower:
        return 0.0
    if upper <= 0.0:
        return math.inf
    # exactly, so that a gap of at most tol means upper - lower <= tol * upper
    return float_above((Fraction(upper) - Fraction(lower)) / Fraction(upper))


def status_of(upper: float, lower: float, tol: float) -> SolutionStatus:
    """Return OPTIMAL exactly when the gap of two bounds is at most ``tol``.

    Raises
    ------
    InputError, InputTypeError
        ``tol`` is no finite number of at least 0.
    """
    if relative_gap(upper, lower) <= read_tolerance(tol):
        return SolutionStatus.OPTIMAL
    return SolutionStatus.INACCURATE


class Bounds:
    """Two bounds of an optimum: base of the certificates, frozen dataclasses.

    Every array in one is made read-only, as what it proves must stay as it is.
    """

    upper_bound: float
    lower_bound: float

    def __post_init__(self) -> None:
        """Lock the arrays."""
        for value in vars(self).values():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)

    @property
    def gap(self) -> float:
        """``(upper_bound - lower_bound) / upper_bound``, rounded up; 0 when both are 0.

        Infinite where a bound is not finite.
        """
        return relative_gap(self.upper_bound, self.lower_bound)

    def status(self, tol: float) -> SolutionStatus:
        """Return OPTIMAL exactly when the gap is at most ``tol``."""
        return status_of(self.upper_bound, self.lower_bound, tol)


@heard_once()
def bounds_by(deadline: float, bounds: Callable[[float], _Bounds]) -> _Bounds:
    """Return ``bounds(deadline)``; after Ctrl-C those that take no time, and are loose.

    What was found is certified so in any case.
    """
    try:
        return bounds(deadline)
    except KeyboardInterrupt:
        return bounds(time.monotonic())
