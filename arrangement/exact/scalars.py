"""One number of any kind, exactly: an int or a `Fraction`, or an error that says why.

Kinds are told by what they can do, so that numbers of other systems (Sage, gmpy2,
sympy, tensors without dimensions) are read without importing those.
"""

from __future__ import annotations

import numbers
import re
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from arrangement.errors import InputError, InputTypeError
from arrangement.options import first_line, short

# A number that is written out has as many digits as it shows and as its exponent says:
# '1e10000000' would be ten million of them.  Far beyond float64, and far below what
# takes noticeable time.
MAX_DIGITS = 10_000

# possessive, so that what is no number is found out in one pass
_DECIMAL = re.compile(r"[+-]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE]([+-]?\d++))?")
_RATIO = re.compile(r"([+-]?\d+)/(\d+)")
_NOT_FINITE = frozenset({"nan", "inf", "infinity"})
_MISSING_TYPES = frozenset({"NoneType", "NAType", "NaTType"})


def decimal_fault(text: str) -> str:
    """Say why a text is no finite decimal number; empty when it is one.

    A decimal is an optional sign, digits with at most one point, and an optional
    exponent, of at most `MAX_DIGITS` digits written out.

    Examples
    --------
    >>> decimal_fault("-1.50e3"), decimal_fault("1/2")
    ('', "'1/2' is not a number")
    """
    match = _DECIMAL.fullmatch(text)
    if match is None:
        if text.lower().lstrip("+-") in _NOT_FINITE:
            return f"{text!r} came; expected finite numbers"
        return f"{short(text)!r} is not a number"
    exponent = match.group(1)
    if len(text) > MAX_DIGITS:
        return f"{short(text)!r} has more than {MAX_DIGITS:,} digits"
    # Python makes no int of more than 4300 digits from text
    size = "" if exponent is None else exponent.lstrip("+-0")
    if len(size) > len(str(MAX_DIGITS)) or int(size or "0") > MAX_DIGITS:
        return f"{short(text)!r} has an exponent beyond {MAX_DIGITS:,}"
    return ""


def exact_number(value: Any, *, floats: str = "binary") -> Fraction | int:
    """Return one number exactly; floats as binary values or shortest decimals.

    Raises
    ------
    InputError
        NaN, infinity, a nested sequence, text that is no number or is too long.
    InputTypeError
        A missing value, a boolean, a complex number, a date, or no number at all.
    """
    if isinstance(value, (bool, np.bool_)):
        raise InputTypeError("a boolean came; expected a number, as .astype(int) gives")
    if isinstance(value, (np.datetime64, np.timedelta64)):
        # NumPy calls a timedelta an integer
        raise InputTypeError(f"{type(value).__name__} came; expected a number")
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return _of_float(value, floats)
    if isinstance(value, Decimal):
        return _of_decimal(value)
    if isinstance(value, numbers.Rational):
        return Fraction(_part(value, "numerator"), _part(value, "denominator"))
    if isinstance(value, str):
        return _of_text(value)
    return _of_other(value, floats)


def _of_float(value: Any, floats: str) -> Fraction | int:
    if not np.isfinite(value):
        raise InputError(f"{value} came; expected finite numbers, drop or fill it")
    if floats == "decimal":
        # of its own precision: float32(0.1) is 0.1
        return Fraction(np.format_float_scientific(value, trim="0", unique=True))
    return Fraction(*value.as_integer_ratio())


def _of_decimal(value: Decimal) -> Fraction | int:
    if not value.is_finite():
        raise InputError(f"{value} came; expected finite numbers, drop or fill it")
    _, digits, exponent = value.as_tuple()
    if len(digits) > MAX_DIGITS or abs(int(exponent)) > MAX_DIGITS:
        raise InputError(
            f"a Decimal of more than {MAX_DIGITS:,} digits came; round it first"
        )
    return Fraction(value)


def _of_text(text: str) -> Fraction | int:
    # megabytes are neither searched nor copied
    stripped = text.strip() if len(text) <= 2 * MAX_DIGITS else text
    fault = decimal_fault(stripped)
    if not fault:
        # not int(text): Python refuses more than 4300 digits there
        return Fraction(Decimal(stripped))
    match = _RATIO.fullmatch(stripped)
    if match is None or len(stripped) > 2 * MAX_DIGITS:
        raise InputError(fault)
    numerator, denominator = (int(Decimal(part)) for part in match.groups())
    if denominator == 0:
        raise InputError(fault)
    return Fraction(numerator, denominator)


def _of_other(value: Any, floats: str) -> Fraction | int:
    kind = type(value).__name__
    if kind in _MISSING_TYPES:
        raise InputTypeError(f"{kind} came, a missing value; drop or fill it")
    if isinstance(value, (complex, np.complexfloating)):
        raise InputTypeError(f"{value} is complex; expected real numbers")
    if getattr(value, "ndim", None) == 0 and hasattr(value, "__array__"):
        return exact_number(_scalar(value), floats=floats)
    if isinstance(value, (list, tuple, np.ndarray)):
        raise InputError("a nested sequence came; every row needs the same length")
    if isinstance(value, numbers.Real) and hasattr(value, "as_integer_ratio"):
        # floats of other systems; only their binary value is known
        if floats == "binary":
            return Fraction(*(int(part) for part in value.as_integer_ratio()))
        raise InputTypeError(
            f"{kind} came, whose shortest decimal is not known; give a float, Decimal "
            "or decimal string"
        )
    raise InputTypeError(
        f"{kind} came; expected an int, float, Fraction, Decimal or decimal string"
    )


def _scalar(value: Any) -> Any:
    """Return the one entry of an array or tensor without dimensions."""
    try:
        scalar = np.asarray(value)[()]
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputTypeError(
            f"{type(value).__name__} came, which NumPy cannot read "
            f"({first_line(error)}); give a number"
        ) from None
    if getattr(scalar, "ndim", None) == 0 and not isinstance(scalar, np.generic):
        raise InputTypeError(f"{type(value).__name__} came; give a number")
    return scalar


def _part(value: Any, name: str) -> int:
    # registered as Rational, and yet a method: Sage
    part = getattr(value, name)
    return int(part() if callable(part) else part)


def exact_text(value: Fraction | int) -> str:
    """Return a number in lowest terms, as `str` does, of any size.

    Examples
    --------
    >>> exact_text(Fraction(-2, 6)), len(exact_text(10**5000))
    ('-1/3', 5001)
    """
    try:
        return str(value)
    except ValueError:
        # Python writes no int of more than 4300 digits
        top, bottom = Decimal(value.numerator), Decimal(value.denominator)
        return f"{top}" if bottom == 1 else f"{top}/{bottom}"
