"""Scalars at the border: each becomes one Python float or int, or one clear error.

One rule everywhere.  A number is a Python or NumPy int or float (also as a 0-d array),
a ``Fraction`` or a ``Decimal`` that float64 holds exactly: a certificate is about the
very number given.  Text, booleans and complex numbers are none.
"""

from __future__ import annotations

import math
import numbers
import time
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from arrangement import InputError, InputTypeError
from arrangement.executors import check_executor
from arrangement.options import count_jobs, said, whole_number

# Defaults, the same wherever the option is: the gap asked for, relative to the upper
# bound; the most cones of a covering for each sign, some 4 microseconds each.
TOL = 1e-6
MAX_CONES = 3 * 10**6
# What a run gets that begins when the time of its call is over.
LEAST_SECONDS = 1e-3
# Operations a second of a singular value decomposition, at least, on one core (products
# of matrices have four times as many); and the seconds past its deadline that such a
# step may end.
SPEED, GRACE = 1e9, 1.0


def read_number(
    value: Any,
    name: str,
    *,
    above: float | None = None,
    at_least: float | None = None,
    below: float | None = None,
) -> float:
    """Return a finite number in range as a Python float that equals it.

    Raises
    ------
    InputTypeError
        Text, a bool, a complex number, a sequence, anything but a real number.
    InputError
        NaN, infinity, out of range, or a number that float64 would round.

    Examples
    --------
    >>> import numpy as np
    >>> read_number(np.float32(0.5), "beta", above=0.0)
    0.5
    >>> read_number("0.5", "beta")
    Traceback (most recent call last):
    arrangement.errors.InputTypeError: beta='0.5'; expected a number. Use float(beta).
    """
    exact = _exact(value, name)
    need = _range_text(above, at_least, below)
    if exact is None:
        raise InputError(f"{said(name, value)}; expected {need}.")
    try:
        number = float(exact)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise InputError(f"{said(name, value)} is beyond float64; expected {need}.")
    if (
        (above is not None and not exact > above)
        or (at_least is not None and not exact >= at_least)
        or (below is not None and not exact < below)
    ):
        raise InputError(f"{said(name, value)}; expected {need}.")
    if Fraction(number) != exact:
        raise InputError(
            f"{said(name, value)}, which float64 would round to {number!r}; give a "
            "float."
        )
    return number


def check_kind(value: Any, kind: type | tuple[type, ...], name: str) -> None:
    """Refuse what is of another kind.

    Raises
    ------
    InputTypeError
        ``value`` is of no ``kind``.

    Examples
    --------
    >>> check_kind(3, str, "method")
    Traceback (most recent call last):
    arrangement.errors.InputTypeError: method=3, of type int; expected str.
    """
    if not isinstance(value, kind):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        raise InputTypeError(
            f"{said(name, value)}, of type {type(value).__name__}; expected "
            f"{' or '.join(one.__name__ for one in kinds)}."
        )


def _exact(value: Any, name: str) -> Fraction | None:
    """Return the number exactly; None for NaN and infinities."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, bool | np.bool_) or not isinstance(
        value, int | float | np.integer | np.floating | Decimal | numbers.Rational
    ):
        advice = f" Use float({name})." if isinstance(value, str) else ""
        raise InputTypeError(f"{said(name, value)}; expected a number.{advice}")
    if isinstance(value, float | np.floating):
        return Fraction(*value.as_integer_ratio()) if np.isfinite(value) else None
    if isinstance(value, Decimal):
        if not value.is_finite():
            return None
        # the fraction of a huge exponent would fill the memory
        size = value.adjusted()
        if value and not -400 < size < 400:
            return Fraction(10) ** 400 * (1 if value > 0 else -1) if size > 0 else (
                Fraction(1 if value > 0 else -1, 10**400)
            )  # fmt: skip
        return Fraction(value)
    if isinstance(value, numbers.Integral):
        return Fraction(int(value))
    return Fraction(int(value.numerator), int(value.denominator))


def _range_text(
    above: float | None, at_least: float | None, below: float | None
) -> str:
    parts = []
    if above is not None:
        parts.append(f"above {above:g}")
    if at_least is not None:
        parts.append(f"of at least {at_least:g}")
    if below is not None:
        parts.append(f"below {below:g}")
    return "a finite number" + (" " + " and ".join(parts) if parts else "")


def read_beta(beta: Any) -> float:
    """Return a finite positive weight decay."""
    return read_number(beta, "beta", above=0.0)


def read_tolerance(tol: Any, name: str = "tol") -> float:
    """Return a tolerance of at least 0."""
    return read_number(tol, name, at_least=0.0)


def read_seconds(time_limit: Any) -> float | None:
    """Return a time limit above 0, None for none."""
    if time_limit is None:
        return None
    return read_number(time_limit, "time_limit", above=0.0)


def read_cones(max_cones: Any) -> int:
    """Return the most cones of a covering, at least 1."""
    return whole_number(max_cones, "max_cones", 1)


@dataclass(frozen=True)
class Limits:
    """What ends a run, how many threads it has, and an executor if there is one."""

    tol: float
    time_limit: float | None
    max_rounds: int | None
    max_cones: int
    n_jobs: int = 1
    executor: Executor | None = None

    def __post_init__(self) -> None:
        """Read every limit."""
        check_executor(self.executor)
        values: dict[str, Any] = {
            "tol": read_number(self.tol, "tol", above=0.0),
            "time_limit": read_seconds(self.time_limit),
            "max_cones": read_cones(self.max_cones),
            "n_jobs": count_jobs(self.n_jobs),
        }
        if self.max_rounds is not None:
            values["max_rounds"] = whole_number(self.max_rounds, "max_rounds", 1)
        for name, value in values.items():
            object.__setattr__(self, name, value)

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


def fits(work: float, deadline: float) -> bool:
    """Whether dense linear algebra of so many operations ends about at a deadline.

    A step of it is not cut short, so it is not begun where it would end more than a
    second later.
    """
    return time.monotonic() + work / SPEED <= deadline + GRACE
