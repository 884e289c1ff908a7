"""Arrangements of Sage: its objects, and what it prints of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from arrangement.errors import InputError, InputTypeError
from arrangement.model import Arrangement
from arrangement.options import said, short

_TERM = re.compile(
    r"(?P<sign>[+-]?)(?:(?P<number>\d+(?:/\d+)?|\d*\.\d+)(?:\*(?P<times>[^\W\d]\w*))?"
    r"|(?P<name>[^\W\d]\w*))"
)
_SUMMARY = re.compile(r"Arrangement of \d+ hyperplanes of dimension")
_EMPTY = re.compile(r"Empty hyperplane arrangement of dimension (\d+)")
_AROUND = re.compile(r"\s*([-+*/])\s*")
_DIGITS = re.compile(r"(\d+)")

# variables and their coefficients, and the constant
_Form = tuple[dict[str, Fraction], Fraction]


def from_sage(source: Any, *, variables: Sequence[str] | None = None) -> Arrangement:
    """Return an arrangement of Sage, from the object or from what Sage prints of it.

    Parameters
    ----------
    source : object or str
        A ``HyperplaneArrangement``, or any iterable of hyperplanes with ``normal()``
        and ``constant_term()``; rational coefficients of any kind.  Or text:
        ``Arrangement <t0 - t1 | t0 + 1>``, what ``A.hyperplanes()`` prints, or linear
        forms in lines of their own.
    variables : sequence of str, optional
        For text: the variables in the order of the columns.  By default those that
        occur, by name, t2 before t10.

    Returns
    -------
    Arrangement
        One row for each hyperplane, in their order: a form ``a . x + c`` is the
        hyperplane ``a . x = -c``.  Central where all constants are 0, else affine.

    Raises
    ------
    InputError
        Text that is no list of linear forms with rational coefficients, or names
        another variable; the short form that Sage prints of many hyperplanes.
    InputTypeError
        Neither text nor hyperplanes.

    Examples
    --------
    >>> from arrangement import count_patterns
    >>> count_patterns(from_sage("Arrangement <y - 1 | x | x + y>"))
    7
    >>> from_sage("(Hyperplane 2*x + 0*y + 1/2, Hyperplane 0*x + y + 0)").offsets
    array([Fraction(-1, 2), 0], dtype=object)
    """
    if isinstance(source, str):
        return _of_text(source, variables)
    if variables is not None:
        raise InputError(
            "variables are for text; an object of Sage has its own order of columns."
        )
    try:
        planes = list(source)
    except TypeError:
        planes = [None]
    normals, constants = [], []
    for plane in planes:
        if not (hasattr(plane, "normal") and hasattr(plane, "constant_term")):
            raise InputTypeError(
                f"{said('source', source)}; expected the text that Sage prints, or "
                "hyperplanes with normal() and constant_term()."
            )
        normals.append(list(plane.normal()))
        constants.append(plane.constant_term())
    if not planes:
        width = int(source.dimension()) if hasattr(source, "dimension") else 0
        return Arrangement(_no_rows(width))
    is_central = not any(bool(c) for c in constants)
    return Arrangement(normals, None if is_central else [-c for c in constants])


def _no_rows(width: int) -> Any:
    return np.zeros((0, width), dtype=np.int64)


def _of_text(text: str, variables: Sequence[str] | None) -> Arrangement:
    empty = _EMPTY.search(text)
    if empty:
        return Arrangement(_no_rows(int(empty[1])))
    if _SUMMARY.search(text):
        raise InputError(
            f"{short(text.strip(), 60)!r} names no hyperplanes; give the text of "
            "A.hyperplanes(), or the object itself."
        )
    forms = [_parse(part) for part in _parts(text)]
    names = sorted({name for terms, _ in forms for name in terms}, key=_by_number)
    if variables is not None:
        unknown = [name for name in names if name not in variables]
        if unknown:
            raise InputError(
                f"variable {unknown[0]!r} is not among {short(str(list(variables)))}."
            )
        names = list(variables)
    if not forms:
        raise InputError("source has no hyperplanes; expected text that Sage prints.")
    normals = [[terms.get(name, Fraction(0)) for name in names] for terms, _ in forms]
    offsets = [-constant for _, constant in forms]
    return Arrangement(normals, offsets if any(offsets) else None)


def _by_number(name: str) -> list[Any]:
    """Key that sorts t2 before t10: texts and numbers take turns."""
    return [int(p) if k % 2 else p for k, p in enumerate(_DIGITS.split(name))]


def _parts(text: str) -> list[str]:
    """Cut text into linear forms."""
    inside = re.search(r"Arrangement\s*<(.*)>", text, re.DOTALL)
    if inside:
        parts = inside[1].split("|")
    elif "Hyperplane" in text:
        parts = text.strip().strip("()[],").split("Hyperplane")[1:]
    else:
        parts = text.splitlines()
    stripped = [part.strip().rstrip(",").strip() for part in parts]
    return [part for part in stripped if part]


def _parse(part: str) -> _Form:
    """Read one linear form."""
    text = _AROUND.sub(r"\1", part)
    terms: dict[str, Fraction] = {}
    constant = Fraction(0)
    place = 0
    while place < len(text):
        term = _TERM.match(text, place)
        is_first = place == 0
        if term is None or not (is_first or term["sign"]) or _is_zero_over(term):
            raise InputError(
                f"{short(part, 60)!r} is no linear form with rational coefficients, "
                "such as 2*x - 1/2*y + 3."
            )
        value = Fraction(term["number"] or 1) * (-1 if term["sign"] == "-" else 1)
        name = term["times"] or term["name"]
        if name is None:
            constant += value
        else:
            terms[name] = terms.get(name, Fraction(0)) + value
        place = term.end()
    return terms, constant


def _is_zero_over(term: re.Match[str]) -> bool:
    """Whether a coefficient divides by zero."""
    _, slash, bottom = (term["number"] or "").partition("/")
    return bool(slash) and not int(bottom)
