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

What a fitted network's ``predict`` returns follows from the loss: its output, which
stands for the mean (squared), the median (absolute), the quantile T (quantile) or a
centre that outliers move little (huber, epsilon_insensitive) of the target; of poisson
the mean ``exp(f)``, of hinge, squared_hinge and logistic the class, the second one
where ``f > 0``.  Of logistic ``1 / (1 + exp(-f))`` is the probability of the second.

`Loss.at` gives the loss of particular targets (`convex_solver.losses.terms.DataTerm`):
value, gradient, conjugate, exact bounds, conic form, Newton steps.  A family of losses
is one file with all of that, and a row of `KINDS` for each name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from arrangement import InputError, InputTypeError
from convex_solver.losses.box import BOX_LOSSES
from convex_solver.losses.kinds import ANY, LABELS, Kind
from convex_solver.losses.logistic import LOGISTIC
from convex_solver.losses.poisson import POISSON
from convex_solver.losses.terms import DataTerm, Targets
from convex_solver.reading import read_number
from convex_solver.typing import Array

# The one table: a loss is its row here, and all else of it is in its own file.
KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in sorted((*BOX_LOSSES, LOGISTIC, POISSON), key=lambda kind: kind.name)
}
LOSSES = tuple(KINDS)


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
        rule = self.kind.parameter
        if rule is None:
            if self.parameter is not None:
                raise InputError(
                    f"the {self.name} loss has no parameter; {self.parameter!r} was "
                    "given. Leave it out."
                )
            return
        given = rule.default if self.parameter is None else self.parameter
        value = read_number(
            given, f"the parameter of the {self.name} loss", **rule.range
        )
        object.__setattr__(self, "parameter", value)

    def __str__(self) -> str:
        """Return the text that `get_loss` reads."""
        if self.parameter is None:
            return self.name
        return f"{self.name}:{self.parameter!r}"

    @property
    def kind(self) -> Kind:
        """The loss's row of the table."""
        return KINDS[self.name]

    @property
    def penalty(self) -> Loss | None:
        """The exact penalty for what this loss measures (`Kind`); itself if it is one.

        None where no prediction has a loss of zero.
        """
        name = self.kind.penalty
        if not name:
            return None
        return self if name == self.name else Loss(name)

    @property
    def is_classification(self) -> bool:
        """Whether the targets must be -1 or +1."""
        return self.kind.targets is LABELS

    @property
    def has_link(self) -> bool:
        """Whether predictions in the units of the targets are curved in the outputs."""
        return self.kind.mean is not None

    def mean(self, f: ArrayLike) -> Array:
        """Return predictions in the units of the targets, for outputs f of a network.

        The outputs themselves, but ``exp(f)`` for Poisson, whose link is the log.
        """
        outputs = np.asarray(f, dtype=np.float64)
        return outputs if self.kind.mean is None else self.kind.mean(outputs)

    def guess(self, y: ArrayLike) -> Array:
        """Return rough outputs of a network for targets: about where `mean` is y."""
        targets = np.asarray(y, dtype=np.float64)
        return targets if self.kind.guess is None else self.kind.guess(targets)

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
        self.check(targets.y_exact)
        return self.kind.term(targets, self.parameter)

    def check(self, y: Sequence[Fraction | int]) -> None:
        """Raise `InputError` unless the loss takes these targets, as they are exactly.

        A label of 1 + 1e-20, which float64 rounds to 1, is none.
        """
        rule = self.kind.targets
        if rule is ANY:
            return
        wrong = next((i for i, x in enumerate(y) if not rule.is_met(x)), None)
        if wrong is not None:
            value = Decimal(y[wrong].numerator) / y[wrong].denominator
            raise InputError(
                f"y holds {value:.22g} at row {wrong}; the {self.name} loss "
                f"needs {rule.need}. {rule.advice}."
            )


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
