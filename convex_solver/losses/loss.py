"""Convex losses by name, and their parameters.

Each loss is a sum over the samples, not a mean, of one of these functions of the
prediction ``f`` and the target ``y``:

===================  ==========================================  ==================
name                 value of one sample                         targets
===================  ==========================================  ==================
squared              ``(f - y)**2 / 2``
absolute             ``|f - y|``
huber:D              ``(f - y)**2 / 2`` up to ``|f - y| = D``,
                     then ``D |f - y| - D**2 / 2``
quantile:T           ``T (y - f)`` below y, ``(1 - T) (f - y)``
                     above it
epsilon_insensitive  ``max(0, |f - y| - E)``, written
                     ``epsilon_insensitive:E``
hinge                ``max(0, 1 - y f)``                         -1 or +1
squared_hinge        ``max(0, 1 - y f)**2``                      -1 or +1
logistic             ``log(1 + exp(-y f))``                      -1 or +1
poisson              ``exp(f) - y f - y + y log y``, half the    at least 0
                     deviance of counts with mean ``exp(f)``
===================  ==========================================  ==================

`Loss.at` gives the loss of particular targets, with its gradient and conjugate
(`convex_solver.losses.box`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from arrangement import InputError, InputTypeError
from convex_solver.losses.box import BoxTerm, Unit
from convex_solver.losses.logarithmic import LogisticTerm, PoissonTerm
from convex_solver.losses.terms import DataTerm, Targets
from convex_solver.typing import Array

# default parameters: scikit-learn's HuberRegressor, the median, its LinearSVR
PARAMETERS = {"huber": 1.35, "quantile": 0.5, "epsilon_insensitive": 0.1}
_RANGES: dict[str, tuple[str, Callable[[float], bool]]] = {
    "huber": ("above 0", lambda x: 0.0 < x < math.inf),
    "quantile": ("strictly between 0 and 1", lambda x: 0.0 < x < 1.0),
    "epsilon_insensitive": ("at least 0", lambda x: 0.0 <= x < math.inf),
}
_LABELLED = ("hinge", "squared_hinge", "logistic")
LOSSES = (
    "absolute",
    "epsilon_insensitive",
    "hinge",
    "huber",
    "logistic",
    "poisson",
    "quantile",
    "squared",
    "squared_hinge",
)


@dataclass(frozen=True)
class Loss:
    """A loss and its parameter; `get_loss` reads one from text.

    Attributes
    ----------
    name : str
        One of `LOSSES`.
    parameter : float or None
        Of ``huber``, ``quantile`` and ``epsilon_insensitive``; None for the others.

    Raises
    ------
    InputError
        An unknown name, a parameter out of range or where there is none.

    Examples
    --------
    >>> str(Loss("quantile", 0.9)), Loss("hinge").is_classification
    ('quantile:0.9', True)
    >>> Loss("absolute").at([1.0, 2.0]).value([0.0, 4.0])
    3.0
    """

    name: str
    parameter: float | None = None

    def __post_init__(self) -> None:
        """Check the name, and fill in the parameter."""
        if self.name not in LOSSES:
            raise InputError(
                f"loss={self.name!r} is unknown; use one of {', '.join(LOSSES)}."
            )
        if self.name not in PARAMETERS:
            if self.parameter is not None:
                raise InputError(
                    f"the {self.name} loss has no parameter; {self.parameter!r} was "
                    "given. Leave it out."
                )
            return
        given = PARAMETERS[self.name] if self.parameter is None else self.parameter
        text, is_allowed = _RANGES[self.name]
        if isinstance(given, (bool, str, complex)) or not is_allowed(given):
            raise InputError(
                f"the parameter of the {self.name} loss is {given!r}; expected a "
                f"number {text}."
            )
        object.__setattr__(self, "parameter", float(given))

    def __str__(self) -> str:
        """Return the text that `get_loss` reads."""
        if self.parameter is None:
            return self.name
        return f"{self.name}:{self.parameter!r}"

    @property
    def is_classification(self) -> bool:
        """Whether the targets must be -1 or +1."""
        return self.name in _LABELLED

    def mean(self, f: ArrayLike) -> Array:
        """Return predictions in the units of the targets, for outputs f of a network.

        The outputs themselves, but ``exp(f)`` for Poisson, whose link is the log.
        """
        outputs = np.asarray(f, dtype=np.float64)
        return np.exp(outputs) if self.name == "poisson" else outputs

    def at(
        self,
        y: ArrayLike,
        *,
        weights: ArrayLike | None = None,
        y_exact: Sequence[Fraction | int] | None = None,
        weights_exact: Sequence[Fraction | int] | None = None,
    ) -> DataTerm:
        """Return the loss of targets ``y`` (n,) as a function of the predictions.

        Parameters
        ----------
        y : array_like, shape (n,), float64
        weights : array_like, shape (n,), float64, optional
            What each sample counts, above 0; one when omitted.
        y_exact, weights_exact : sequence of Fraction or int, optional
            The numbers that ``y`` and ``weights`` are roundings of.

        Raises
        ------
        InputError
            Targets that the loss does not take; weights that are not positive.
        """
        targets = Targets.of(y, weights, y_exact, weights_exact)
        self.check(targets.y)
        if self.name == "logistic":
            return LogisticTerm(targets)
        if self.name == "poisson":
            return PoissonTerm(targets)
        return BoxTerm(targets, self._unit(targets.y))

    def check(self, y: Array) -> None:
        """Raise `InputError` unless the loss takes these targets."""
        if self.is_classification:
            wrong = np.flatnonzero(np.abs(y) != 1.0)
            need, advice = "labels -1 and +1", "Recode the classes"
        elif self.name == "poisson":
            wrong = np.flatnonzero(~(y >= 0.0))
            need, advice = "targets of at least 0", "Use another loss"
        else:
            return
        if wrong.size:
            raise InputError(
                f"y holds {y[wrong[0]]:g} at row {wrong[0]}; the {self.name} loss "
                f"needs {need}. {advice}."
            )

    def _unit(self, y: Array) -> Unit:
        """Curvature, dead zone and slopes of one sample of weight one."""
        slope = self.parameter if self.parameter is not None else 1.0
        if self.name == "squared":
            return Unit(Fraction(1), Fraction(0), None, None)
        if self.name == "huber":
            limit = Fraction(slope)
            return Unit(Fraction(1), Fraction(0), -limit, limit)
        if self.name == "quantile":
            share = Fraction(slope)
            return Unit(Fraction(0), Fraction(0), -share, 1 - share)
        if self.name == "epsilon_insensitive":
            return Unit(Fraction(0), Fraction(slope), Fraction(-1), Fraction(1))
        if self.name == "hinge":
            # 1 - y f is y - f for y = 1, f - y for y = -1
            return Unit(Fraction(0), Fraction(0), Fraction(-1), Fraction(1), y)
        if self.name == "squared_hinge":
            return Unit(Fraction(1, 2), Fraction(0), None, None, y)
        return Unit(Fraction(0), Fraction(0), Fraction(-1), Fraction(1))


def get_loss(loss: str | Loss) -> Loss:
    """Return the loss of that name, ``"name"`` or ``"name:parameter"``.

    Raises
    ------
    InputError, InputTypeError
        If the name is unknown, the parameter is no number or out of range.

    Examples
    --------
    >>> get_loss("huber:2")
    Loss(name='huber', parameter=2.0)
    """
    if isinstance(loss, Loss):
        return loss
    if not isinstance(loss, str):
        raise InputTypeError(
            f"loss has type {type(loss).__name__}; expected one of {', '.join(LOSSES)}."
        )
    name, colon, text = loss.partition(":")
    parameter: Any = None
    if colon:
        try:
            parameter = float(text)
        except ValueError:
            raise InputError(
                f"loss={loss!r}: {text!r} is no number; expected for example "
                "'quantile:0.9'."
            ) from None
    return Loss(name, parameter)
