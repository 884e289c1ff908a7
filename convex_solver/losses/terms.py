"""`DataTerm`: a loss at given targets and weights, and its exact bounds."""

from __future__ import annotations

import math
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrangement import InputError
from arrangement.exact import Column
from convex_solver.losses.conic_form import ConicLoss
from convex_solver.losses.newton import NewtonTerm
from convex_solver.rounding import nearest, nearest_error
from convex_solver.typing import Array

Exact = Sequence[Fraction | int]


@dataclass(frozen=True, eq=False)
class Targets:
    """Targets and weights, in float64 and exactly.

    Attributes
    ----------
    y, weights : ndarray, shape (n,), float64
    y_error : ndarray, shape (n,), float64
        Bound on ``|exact - y|``.
    y_exact, weights_exact : Column, or tuple of Fraction or int
    is_weighted : bool
        Whether a weight differs from one.
    """

    y: Array
    weights: Array
    y_error: Array
    y_exact: Exact
    weights_exact: Exact
    is_weighted: bool

    @classmethod
    def of(
        cls,
        y: ArrayLike,
        weights: ArrayLike | None,
        y_exact: Sequence[Fraction | int] | None,
        weights_exact: Sequence[Fraction | int] | None,
    ) -> Targets:
        """Check and complete what `Loss.at` is given."""
        values = np.array(y, dtype=np.float64)
        if values.ndim != 1:
            raise InputError(f"y has shape {values.shape}; expected (n,).")
        wrong = np.flatnonzero(~np.isfinite(values))
        if wrong.size:
            raise InputError(
                f"y holds {values[wrong[0]]:g} at row {wrong[0]}; expected finite "
                "numbers."
            )
        counts = np.ones(values.size) if weights is None else np.array(weights, float)
        if counts.shape != values.shape:
            raise InputError(
                f"sample_weight has shape {counts.shape}; expected {values.shape}."
            )
        wrong = np.flatnonzero(~((counts > 0.0) & np.isfinite(counts)))
        if wrong.size:
            raise InputError(
                f"sample_weight holds {counts[wrong[0]]:g} at row {wrong[0]}; expected "
                "finite numbers above 0. Drop rows that are not to count."
            )
        # subnormal numbers have lost digits and their inverses overflow
        tiny = np.flatnonzero(counts < sys.float_info.min)
        if tiny.size:
            raise InputError(
                f"sample_weight holds {counts[tiny[0]]:g} at row {tiny[0]}; expected "
                f"at least {sys.float_info.min:.1e}. Multiply all weights, and beta, "
                "by the same number."
            )
        if y_exact is None:
            y_exact = Column.of_floats(values)
        if weights_exact is None:
            weights_exact = Column.of_floats(counts)
        # a weight of one is the float as well, without an error
        off = nearest_error(counts, weights_exact)
        return cls(
            values,
            counts,
            nearest_error(values, y_exact),
            y_exact if isinstance(y_exact, Column) else tuple(y_exact),
            weights_exact
            if isinstance(weights_exact, Column)
            else tuple(weights_exact),
            bool(np.any(counts != 1.0) or np.any(off != 0.0)),
        )


class Corner(NamedTuple):
    """A kink of the loss of a sample.

    ``at`` is the prediction, exactly; ``inward`` is +1 or -1 where the loss is zero
    next to it on that side, and 0 where it is on neither.
    """

    at: Fraction
    inward: int


class DataTerm(ABC):
    """A weighted loss of given targets, as a function of the predictions.

    Attributes
    ----------
    targets : Targets
    """

    def __init__(self, targets: Targets) -> None:
        self.targets = targets

    @property
    def y(self) -> Array:
        """Targets, (n,)."""
        return self.targets.y

    @abstractmethod
    def value(self, f: ArrayLike) -> float:
        """Return the loss of predictions (n,)."""

    @abstractmethod
    def gradient(self, f: Array) -> Array:
        """Return a subgradient, (..., n) like f: the one nearest to zero at a kink."""

    @abstractmethod
    def second_derivative(self, f: Array) -> Array:
        """Return how fast the gradient grows, (n,): zero at kinks and on lines."""

    def steepest(self, f: Array) -> Array:
        """Return the largest second derivative anywhere, (n,).

        That at ``f``, where there is none or a family does not know better.
        """
        return self.second_derivative(f)

    def smoothed(self, cost: float) -> DataTerm:
        """Return a loss without kinks, lower by ``cost`` at most.

        Its gradients are in the domain of the conjugate.

        This one, unless a family has kinks.
        """
        return self

    @abstractmethod
    def kinks(self, f: Array) -> NDArray[np.int64]:
        """Return the samples where the subgradient is not unique."""

    @abstractmethod
    def conjugate(self, v: Array) -> float:
        """Return ``l*(v)``; infinite outside the domain."""

    @abstractmethod
    def clip(self, v: Array) -> Array:
        """Return the nearest point of the domain of the conjugate, (n,)."""

    @abstractmethod
    def best_scale(self, v: Array, cap: float) -> float:
        """Return about the ``t`` in [0, cap] that maximises ``-l*(t v)``.

        ``v`` is in the domain, and so is ``t v``.
        """

    def value_upper(self, f: Array, f_error: Array) -> float:
        """Bound the loss from above, for predictions within absolute errors (n,).

        Infinite where a prediction or its error is not finite: then nothing is known.
        """
        if not (np.all(np.isfinite(f)) and np.all(np.isfinite(f_error))):
            return math.inf
        with np.errstate(all="ignore"):
            return self._finite_upper(f, f_error)

    def upper_at(self, f: Exact) -> float:
        """Bound the loss of predictions (n,) that are exact from above.

        To a rounding or two of each prediction, unless a family does without.
        """
        near = np.array([nearest(x) for x in f])
        if not np.all(np.isfinite(near)):
            return math.inf
        return self.value_upper(near, nearest_error(near, f))

    @abstractmethod
    def _finite_upper(self, f: Array, f_error: Array) -> float:
        """`value_upper` for finite predictions and errors."""

    @abstractmethod
    def dual_lower(self, v: Array) -> float:
        """Bound ``-l*(v)`` from below; minus infinity outside the domain."""

    @property
    def has_kinks(self) -> bool:
        """Whether the loss has kinks; not unless a family says so."""
        return False

    @abstractmethod
    def conic(self) -> ConicLoss:
        """Return the loss in conic form."""

    @abstractmethod
    def newton(self, z: Array, v: Array, target: float) -> NewtonTerm:
        """Return the loss inside the interior point method.

        Parameters
        ----------
        z : ndarray, shape (n,)
            Predictions at the start.
        v : ndarray, shape (n,)
            A gradient in the domain: where the method's own starts from, about.
        target : float
            Complementarity of a sample that is wanted at the start.
        """

    def predictions_at(self, v: Array) -> Array:
        """Return the predictions (n,) at which ``v`` is the gradient.

        NaN where they are not one number, and everywhere unless a family knows better.
        """
        return np.full_like(self.y, np.nan)

    def corners_at(self, v: Array) -> list[Corner | None]:
        """Return the kinks (n,) at which ``v`` is a subgradient; none, as a rule."""
        return [None] * self.y.size

    def rough_fit(self) -> tuple[Array, float]:
        """Return predictions (n,) to take a first gradient at, and the size of a fit.

        Zeros, and the norm of the targets, unless a family knows better.
        """
        return np.zeros_like(self.y), float(np.linalg.norm(self.y))


def largest_factor(v: Array, limit: Array) -> float:
    """Return the largest ``t`` with ``t |v| <= limit``, rounded down; at least 1.

    Rounding ``t v_i`` keeps that, as the limits are floats.
    """
    alive = np.abs(v) > 0.0
    with np.errstate(over="ignore"):
        ratio = float(np.min(limit[alive] / np.abs(v[alive]), initial=np.inf))
    return max(math.nextafter(ratio, 0.0) if math.isfinite(ratio) else ratio, 1.0)
