"""Columns of data frames by name: in the order in which a network takes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from arrangement import InputError, InputTypeError
from arrangement.exact import column_names
from arrangement.options import said, short


def names_of(values: Any, width: int) -> tuple[str, ...]:
    """Return the names of the columns of a data frame, or x0, x1, ... ."""
    named = column_names(values)
    if named is not None and len(named) == width:
        return named
    return tuple(f"x{k}" for k in range(width))


def read_names(names: Any) -> tuple[str, ...]:
    """Return the names that a caller gives.

    Raises
    ------
    InputTypeError
        They are no sequence of texts.
    """
    is_sequence = isinstance(names, Iterable) and not isinstance(names, str)
    found = tuple(names) if is_sequence else ()
    if not is_sequence or not all(isinstance(name, str) for name in found):
        raise InputTypeError(
            f"{said('feature_names', names)}; expected a sequence of texts, one for "
            "each column."
        )
    return found


def check_names(feature_names: Sequence[str], values: Any) -> None:
    """Refuse a data frame with other columns than a network takes, or in another order.

    Data without names pass, and so do names given to a network that has none.

    Raises
    ------
    InputError
        The names do not agree.
    """
    found = column_names(values)
    expected = tuple(feature_names)
    is_nameless = expected == tuple(f"x{k}" for k in range(len(expected)))
    if found is None or found == expected or is_nameless:
        return
    advice = "Give a frame with these columns"
    if set(expected) <= set(found):
        advice = "Give X[list(network.feature_names)]"
    raise InputError(
        f"X has the columns {short(', '.join(found), 80)}; the network takes "
        f"{short(', '.join(expected), 80)}, in this order. {advice}, or an array "
        "without names."
    )
