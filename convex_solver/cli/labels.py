"""Classes of a table: two texts or numbers, as -1 and +1."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from arrangement import InputError
from arrangement.io import Table

# What the targets of a classification are where they need no code.
PLAIN = ("-1", "1")
_SHOWN = 5


def find_classes(table: Table, name: str) -> tuple[str, str] | None:
    """Return the texts that -1 and +1 stand for; None for the numbers -1 and 1.

    Numbers rise, texts are in the order of their characters, as in scikit-learn: the
    second one is the class +1.

    Raises
    ------
    InputError
        There is one class, or more than two.
    """
    found = sorted(set(table.labels(name)), key=_order)
    if set(found) <= set(PLAIN):
        return None
    if len(found) != 2:
        listed = ", ".join(repr(label) for label in found[:_SHOWN])
        more = ", ..." if len(found) > _SHOWN else ""
        advice = (
            "Keep the rows of two of them, or fit ConvexReLUClassifier, which has a "
            "network for each class."
            if len(found) > 2
            else "Add rows of another class."
        )
        raise InputError(
            f"{table.path}, column {name!r} holds {len(found)} class"
            f"{'es' if len(found) > 1 else ''}: {listed}{more}; this loss needs two "
            f"classes, or labels -1 and +1. {advice}"
        )
    return found[0], found[1]


def classes_text(classes: Sequence[str]) -> str:
    """Say which class is which.

    Examples
    --------
    >>> classes_text(["no", "yes"])
    'no = -1, yes = +1 (the positive class)'
    """
    return f"{classes[0]} = -1, {classes[1]} = +1 (the positive class)"


def coded(table: Table, name: str, classes: tuple[str, str]) -> list[int]:
    """Return the column of classes as -1 and +1.

    Raises
    ------
    InputError
        A class that is none of the two.
    """
    code = {classes[0]: -1, classes[1]: 1}
    labels = table.labels(name)
    for row, label in enumerate(labels):
        if label not in code:
            where = f"line {table.lines[row]}" if table.lines else f"row {row}"
            raise InputError(
                f"{table.path}, {where}, column {name!r}: class {label!r} came; the "
                f"model has {classes[0]!r} and {classes[1]!r}."
            )
    return [code[label] for label in labels]


def _order(label: str) -> tuple[bool, Decimal, str]:
    try:
        return False, Decimal(label), label
    except InvalidOperation:
        return True, Decimal(0), label
