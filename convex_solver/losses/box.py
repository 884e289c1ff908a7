"""The loss of given targets: value, gradient, conjugate, and bounds despite rounding.

``l(f) = sum_i c_i l_i(f_i)`` with weights ``c_i``, and ``l*(v) = max_f v . f - l(f)``.
The dual variable is ``v = gradient of l at the prediction`` everywhere (API, files,
certificate).  Zero is in the domain of each conjugate and the domains are convex, so
shrinking a dual point never leaves them.

All losses but logistic and Poisson are of one family: with ``s = f - y``, a curvature
``k``, a dead zone ``e`` and slopes between ``lo <= 0`` and ``hi >= 0``,

    l(f) = max over lo <= v <= hi of  v s - e |v| - k v^2 / 2,

so that ``l*(v) = v y + e |v| + k v^2 / 2`` on ``[lo, hi]`` (`BoxTerm`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convex_solver.losses.box_pieces import Pieces
from convex_solver.losses.box_steps import BoxNewton
from convex_solver.losses.conic_form import ConicLoss
from convex_solver.losses.kinds import ANY, LABELS, Kind, Parameter, TargetRule
from convex_solver.losses.newton import NewtonTerm
from convex_solver.losses.terms import Corner, DataTerm, Exact, Targets, largest_factor
from convex_solver.rounding import (
    ROUNDING,
    add_above,
    exact_dot,
    float_above,
    float_below,
    sum_above,
)
from convex_solver.typing import Array

# Entries of a dual point below this share of the largest count as zero.
ZERO = 1e-6


@dataclass(frozen=True, eq=False)
class Unit:
    """One sample of weight one in the family of `BoxTerm`.

    ``lo`` and ``hi`` are None where there is no limit.  With ``labels`` (n,), a label
    of +1 has slopes from ``lo`` to 0 and a label of -1 from 0 to ``hi``.
    """

    curvature: Fraction
    dead_zone: Fraction
    lo: Fraction | None
    hi: Fraction | None
    labels: Array | None = None


class BoxTerm(DataTerm):
    """The piecewise linear and quadratic losses; see the module's docstring.

    Attributes
    ----------
    dead_zone : float
    curvature : ndarray, shape (n,), float64
        ``k / c_i``: what multiplies ``v_i^2 / 2`` in the conjugate.
    lo, hi : ndarray, shape (n,), float64
        Bounds of v, rounded towards zero; infinite where there is none.
    """

    def __init__(self, targets: Targets, unit: Unit) -> None:
        super().__init__(targets)
        self.unit = unit
        self.dead_zone = float(unit.dead_zone)
        self.curvature = float(unit.curvature) / targets.weights
        self.lo = -self._limits(unit.lo, +1.0)
        self.hi = self._limits(unit.hi, -1.0)
        # slopes of a sample of weight one
        slopes = [math.inf if s is None else abs(float(s)) for s in (unit.lo, unit.hi)]
        self._below, self._above = self._sides(slopes)
        # no slope has a limit: a parabola on both sides of the dead zone
        self._is_parabola = unit.labels is None and math.isinf(min(slopes))
        self._k = float(unit.curvature)

    def pieces(self) -> Pieces:
        """Return the loss without dead zones: with one, two pieces a sample.

        The first n are for predictions above the targets, the others for those below.
        """
        n, zone = self.y.size, self.dead_zone
        copies = 2 if zone > 0.0 else 1
        center, lo, hi = self.y, self.lo, self.hi
        if zone > 0.0:
            zero = np.zeros(n)
            center = np.concatenate([self.y + zone, self.y - zone])
            lo = np.concatenate([zero, self.lo])
            hi = np.concatenate([self.hi, zero])
        return Pieces(
            np.tile(np.arange(n), copies),
            center,
            np.tile(self.curvature, copies),
            lo,
            hi,
        )

    def _limits(self, slope: Fraction | None, side: float) -> Array:
        """Sizes of one of the bounds, rounded down; zero for labels without it."""
        targets, labels = self.targets, self.unit.labels
        if slope is None:
            sizes = np.full(targets.y.size, np.inf)
        elif targets.is_weighted:
            exact = [abs(slope) * c for c in targets.weights_exact]
            sizes = np.array([float_below(x) for x in exact], dtype=np.float64)
        else:
            sizes = np.full(targets.y.size, float_below(abs(slope)))
        if labels is not None:
            sizes = np.where(labels == side, sizes, 0.0)
        return sizes

    def _sides(self, slopes: list[float]) -> tuple[Array, Array]:
        """Return unit slopes below and above, zero on the flat side of a label."""
        labels, size = self.unit.labels, self.y.size
        below, above = (np.full(size, s) for s in slopes)
        if labels is not None:
            below = np.where(labels > 0.0, below, 0.0)
            above = np.where(labels < 0.0, above, 0.0)
        return below, above

    def _height(self, excess: Array, slope: Array) -> Array:
        """``max over 0 <= v <= slope of v t - k v^2 / 2`` for ``t >= 0``, weight one.

        No digits are lost: beyond ``t = k slope`` it is ``slope (t - k slope / 2)``,
        and the bracket is at least half of t.
        """
        k = self._k
        with np.errstate(invalid="ignore", over="ignore"):
            if k == 0.0:
                return np.where(excess > 0.0, slope * excess, 0.0)
            corner = k * slope
            far = slope * (excess - 0.5 * corner)
            near = excess * excess * (0.5 / k)
            return np.where(slope > 0.0, np.where(excess > corner, far, near), 0.0)

    def value(self, f: ArrayLike) -> float:
        """Return the loss of predictions (n,)."""
        s = np.asarray(f, dtype=np.float64) - self.y
        if self._is_parabola and self._k > 0.0:
            with np.errstate(over="ignore"):
                excess = np.maximum(np.abs(s) - self.dead_zone, 0.0)
                heights = excess * excess * (0.5 / self._k)
        else:
            heights = self._height(np.maximum(s - self.dead_zone, 0.0), self._above)
            heights += self._height(np.maximum(-s - self.dead_zone, 0.0), self._below)
        return float(self.targets.weights @ heights)

    def gradient(self, f: Array) -> Array:
        """Return a subgradient (n,): zero, where zero is one."""
        s = f - self.y
        excess = np.sign(s) * np.maximum(np.abs(s) - self.dead_zone, 0.0)
        if self.unit.curvature == 0:
            limit = np.where(excess > 0.0, self.hi, self.lo)
            return np.where(excess == 0.0, 0.0, limit)
        return np.asarray(np.clip(excess / self.curvature, self.lo, self.hi))

    def second_derivative(self, f: Array) -> Array:
        """Return how fast the gradient grows, (n,): zero at kinks and on lines."""
        if self.unit.curvature == 0:
            return np.zeros_like(f)
        v = self.gradient(f)
        return np.where((self.lo < v) & (v < self.hi), 1.0 / self.curvature, 0.0)

    def steepest(self, f: Array) -> Array:
        """Return the largest second derivative anywhere, (n,); zero with kinks."""
        if self.unit.curvature == 0:
            return np.zeros_like(f)
        return np.asarray(1.0 / self.curvature)

    def smoothed(self, cost: float) -> DataTerm:
        """Return the loss with its corners rounded, lower by ``cost`` at most.

        Its conjugate has ``k v^2 / (2 c)`` more (Moreau 1965), so gradients stay in the
        domain; a sample is lower by ``k c s^2 / 2`` with the larger slope s.
        """
        if not self.has_kinks:
            return self
        slopes = np.maximum(self._below, self._above)
        most = float(self.targets.weights @ slopes**2)
        # no more than what divided by a weight is finite
        largest = 1e300 * min(float(self.targets.weights.min(initial=1.0)), 1.0)
        width = max(min(2.0 * cost / most, largest), 1e-300)
        return BoxTerm(self.targets, replace(self.unit, curvature=Fraction(width)))

    def kinks(self, f: Array) -> NDArray[np.int64]:
        """Return the samples where the subgradient is not unique."""
        if self.unit.curvature != 0:
            return np.zeros(0, dtype=np.int64)
        return np.flatnonzero(np.abs(f - self.y) == self.dead_zone)

    def conjugate(self, v: Array) -> float:
        """Return ``l*(v)``; infinite outside the domain."""
        if np.any(v < self.lo) or np.any(v > self.hi):
            return math.inf
        linear = float(v @ self.y) + self.dead_zone * float(np.abs(v).sum())
        return linear + 0.5 * float(v @ (self.curvature * v))

    def clip(self, v: Array) -> Array:
        """Return the nearest point of the domain, (n,)."""
        return np.asarray(np.clip(v, self.lo, self.hi))

    def best_scale(self, v: Array, cap: float) -> float:
        """Return about the ``t`` in [0, cap] that maximises ``-l*(t v)``."""
        limit = np.where(v > 0.0, self.hi, -self.lo)
        cap = min(cap, largest_factor(v, limit))
        slope = -float(v @ self.y) - self.dead_zone * float(np.abs(v).sum())
        square = float(v @ (self.curvature * v))
        if square == 0.0:
            if not np.any(v):
                return min(1.0, cap)
            return cap if slope > 0.0 else 0.0
        return min(max(slope / square, 0.0), cap)

    def predictions_at(self, v: Array) -> Array:
        """Return the predictions (n,) at which ``v`` is the gradient; NaN at corners.

        ``v`` inside its bounds; samples at zero are at a corner with a dead zone or
        with labels.
        """
        f = self.y + self.dead_zone * np.sign(v) + self.curvature * v
        if self.unit.labels is None and self.dead_zone == 0.0:
            return np.asarray(f)
        alive = np.abs(v) > ZERO * np.abs(v).max(initial=0.0)
        return np.where(alive, f, np.nan)

    def _finite_upper(self, f: Array, f_error: Array) -> float:
        """Bound the loss from above, for predictions within absolute errors (n,).

        The loss grows with ``|f - y|`` on either side, so the ends of the interval are
        enough; `_height` rounds a few times, all relative.
        """
        y, y_error = self.y, self.targets.y_error
        below, above = self._below, self._above
        total = np.zeros_like(y)
        for side, slope in ((1.0, above), (-1.0, below)):
            s = add_above(side * f, -side * y)
            s = add_above(add_above(s, f_error), y_error)
            excess = np.maximum(add_above(s, -self.dead_zone), 0.0)
            # up before the product too: a height may be subnormal
            height = np.nextafter(self._height(excess, slope), np.inf)
            height = self.targets.weights * height
            raised = np.nextafter(height * (1.0 + ROUNDING), np.inf)
            # the larger of the two ends
            there = (excess > 0.0) & (slope > 0.0)
            total = np.maximum(total, np.where(there, raised, 0.0))
        return sum_above(total.tolist())

    def upper_at(self, f: Exact) -> float:
        """Bound the loss of exact predictions (n,) from above: rounded once."""
        unit, targets = self.unit, self.targets
        k, total = unit.curvature, Fraction(0)
        labels = [0] * self.y.size
        if unit.labels is not None:
            labels = [int(label) for label in unit.labels.tolist()]  # no float meets s
        numbers = zip(f, targets.y_exact, targets.weights_exact, labels, strict=True)
        for prediction, target, weight, label in numbers:
            s = Fraction(prediction) - target
            excess = abs(s) - unit.dead_zone
            if excess <= 0 or label * s > 0:
                continue
            slope = unit.hi if s > 0 else unit.lo
            if slope is not None and (k == 0 or excess > k * abs(slope)):
                height = abs(slope) * (excess - k * abs(slope) / 2)
            else:
                height = excess * excess / (2 * k)
            total += weight * height
        return float_above(total)

    def corners_at(self, v: Array) -> list[Corner | None]:
        """Return the kinks (n,) at which ``v`` is a subgradient, inside its bounds.

        None where it is at a bound, or at zero where predictions may differ.
        """
        n, zone = self.y.size, self.unit.dead_zone
        if self.unit.curvature != 0:
            return [None] * n
        inside = (v > (1.0 - ZERO) * self.lo) & (v < (1.0 - ZERO) * self.hi)
        sides = np.zeros(n, dtype=np.int64)
        labels = self.unit.labels
        if labels is not None or zone > 0:
            # above the zone v is positive; a label's is so where it is -1
            sides = np.sign(v).astype(np.int64)
            inside &= np.abs(v) > ZERO * np.abs(v).max(initial=0.0)
        return [
            Corner(Fraction(y) + side * zone, -side) if is_corner else None
            for y, side, is_corner in zip(
                self.targets.y_exact, sides.tolist(), inside.tolist(), strict=True
            )
        ]

    def dual_lower(self, v: Array) -> float:
        """Bound ``-l*(v)`` from below, exact but for one rounding."""
        unit, targets = self.unit, self.targets
        is_float = not (targets.is_weighted or np.any(targets.y_error))
        if is_float and np.all(np.isfinite(v)):
            if np.any(v < self.lo) or np.any(v > self.hi):
                return -math.inf
            size = exact_dot(np.abs(v), np.ones_like(v)) if unit.dead_zone else 0
            square = exact_dot(v, v) if unit.curvature else 0
            linear = exact_dot(v, self.y) + size * unit.dead_zone
            return float_below(-linear - unit.curvature * square / 2)
        labels = [0] * v.size if unit.labels is None else unit.labels.tolist()
        total = Fraction(0)
        numbers = zip(
            v.tolist(), targets.y_exact, targets.weights_exact, labels, strict=True
        )
        for value, target, weight, label in numbers:
            if value == 0.0:
                continue
            exact = Fraction(value)
            bound = unit.hi if value > 0.0 else unit.lo
            if label * value > 0.0 or (
                bound is not None and abs(exact) > abs(bound) * weight
            ):
                return -math.inf
            total -= exact * target + abs(exact) * unit.dead_zone
            if unit.curvature:
                total -= unit.curvature * exact * exact / (2 * weight)
        return float_below(total)

    @property
    def has_kinks(self) -> bool:
        """Whether the loss has kinks."""
        return self.unit.curvature == 0

    def conic(self) -> ConicLoss:
        """Return the loss in conic form."""
        return self.pieces().conic(self.y.size)

    def newton(self, z: Array, v: Array, target: float) -> NewtonTerm:
        """Return the loss inside the interior point method, see `NewtonTerm`."""
        mean = self.value(np.zeros_like(z)) / max(z.size, 1)
        return BoxNewton(self.pieces(), z, v, target, mean)


def _kind(
    name: str,
    unit: Callable[[Fraction, Array], Unit],
    targets: TargetRule = ANY,
    parameter: Parameter | None = None,
    penalty: str = "",
) -> Kind:
    """Kind of a loss of the family, from its parameter and labels."""

    def term(given: Targets, value: float | None) -> DataTerm:
        return BoxTerm(given, unit(Fraction(value or 0), given.y))

    return Kind(name, term, targets, parameter, penalty=penalty or name)


_ZERO, _ONE = Fraction(0), Fraction(1)
# default parameters: scikit-learn's HuberRegressor, the median, its LinearSVR
BOX_LOSSES = (
    _kind(
        "squared",
        lambda _, y: Unit(_ONE, _ZERO, None, None),
        penalty="absolute",
    ),
    _kind("absolute", lambda _, y: Unit(_ZERO, _ZERO, -_ONE, _ONE)),
    _kind(
        "huber",
        lambda limit, y: Unit(_ONE, _ZERO, -limit, limit),
        parameter=Parameter(1.35, {"above": 0.0}),
        penalty="absolute",
    ),
    _kind(
        "quantile",
        lambda share, y: Unit(_ZERO, _ZERO, -share, 1 - share),
        parameter=Parameter(0.5, {"above": 0.0, "below": 1.0}),
    ),
    _kind(
        "epsilon_insensitive",
        lambda zone, y: Unit(_ZERO, zone, -_ONE, _ONE),
        parameter=Parameter(0.1, {"at_least": 0.0}),
    ),
    # 1 - y f is y - f for y = 1, f - y for y = -1
    _kind("hinge", lambda _, y: Unit(_ZERO, _ZERO, -_ONE, _ONE, y), LABELS),
    _kind(
        "squared_hinge",
        lambda _, y: Unit(Fraction(1, 2), _ZERO, None, None, y),
        LABELS,
        penalty="hinge",
    ),
)
