"""`Kind`: what the table of losses holds of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from convex_solver.losses.terms import DataTerm, Targets
from convex_solver.typing import Array


@dataclass(frozen=True)
class Parameter:
    """The parameter of a loss: its default, and its range (`read_number`)."""

    default: float
    range: dict[str, float]


class TargetRule(NamedTuple):
    """Which targets a loss takes: an exact test, what it asks in words, and advice."""

    is_met: Callable[[Fraction | int], bool]
    need: str
    advice: str


ANY = TargetRule(lambda y: True, "", "")
LABELS = TargetRule(lambda y: abs(y) == 1, "labels -1 and +1", "Recode the classes")
COUNTS = TargetRule(lambda y: y >= 0, "targets of at least 0", "Use another loss")


@dataclass(frozen=True)
class Kind:
    """One loss of the table: all that its name stands for.

    Attributes
    ----------
    name : str
    term : callable
        Makes the loss of given targets, from those and the parameter (or None).
    targets : TargetRule
    parameter : Parameter or None
        None where the loss has none.
    mean, guess : callable or None
        Predictions in the units of the targets, and rough predictions for targets;
        None where outputs of a network are predictions of the targets themselves.
    penalty : str
        A loss that is zero where this one is and grows along lines from there: below
        some beta it makes its networks reach zero.  Empty where no prediction does.
    """

    name: str
    term: Callable[[Targets, float | None], DataTerm]
    targets: TargetRule = ANY
    parameter: Parameter | None = None
    mean: Callable[[Array], Array] | None = None
    guess: Callable[[Array], Array] | None = None
    penalty: str = ""
