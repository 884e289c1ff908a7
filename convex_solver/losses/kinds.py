"""`Kind`: what the table of losses holds of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convex_solver.losses.terms import DataTerm, Targets
from convex_solver.typing import Array


@dataclass(frozen=True)
class Parameter:
    """The parameter of a loss: its default, its range in words and as a test."""

    default: float
    range: str
    is_allowed: Callable[[float], bool]


class TargetRule(NamedTuple):
    """Which targets a loss takes: a test, what it asks in words, and advice."""

    is_met: Callable[[Array], NDArray[np.bool_]]
    need: str
    advice: str


ANY = TargetRule(lambda y: np.ones(y.shape, dtype=np.bool_), "", "")
LABELS = TargetRule(
    lambda y: np.abs(y) == 1.0, "labels -1 and +1", "Recode the classes"
)
COUNTS = TargetRule(lambda y: y >= 0.0, "targets of at least 0", "Use another loss")


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
    """

    name: str
    term: Callable[[Targets, float | None], DataTerm]
    targets: TargetRule = ANY
    parameter: Parameter | None = None
    mean: Callable[[Array], Array] | None = None
    guess: Callable[[Array], Array] | None = None
