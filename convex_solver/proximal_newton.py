"""``min 1/2 |A z - y|^2 + beta * norm(z)`` by proximal points and semismooth Newton.

The outer loop is the proximal point method, ``z+ = argmin objective(z) +
|z - z_k|^2 / (2 sigma)``, whose rate improves without limit as ``sigma`` grows.  Each
step is solved in its dual, which is smooth and strongly convex whatever the data:

    min_v  1/2 |v|^2 + v . y + |prox(z_k - sigma A^T v)|^2 / (2 sigma)

with ``prox`` of ``sigma * beta * norm``; its gradient is ``v + y - A prox(..)`` and a
generalised Hessian is ``I + sigma A (d prox) A^T``, never singular.  Newton's method
with a line search converges from anywhere and superlinearly at the end, and at the
minimum ``v`` is the gradient of the loss at the new ``z``: a dual point for the
certificate, with no subtraction of nearly equal numbers (Li, Sun & Toh, SIAM J. Optim.
28 (2018) 433-458, who treat the LASSO).  First-order methods stall on ill-conditioned
data, and Newton on the factors of the network has a singular Hessian (rotations).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MAX_OUTER = 60
MAX_INNER = 60
# Outer steps without a smaller gap before the end, as many as sigma needs to grow from
# first to last: float64 gives no more.
PATIENCE = 13
# sigma |A|^2 at the first step, its growth, and its limit: beyond it the Newton system
# has too few digits left.
FIRST_SIGMA, GROWTH, LAST_SIGMA = 10.0, 10.0, 1e13


@dataclass(frozen=True, eq=False)
class ProxStep:
    """A value of the prox and what its derivative does to the rows of ``A``.

    ``A (d prox) A^T = columns @ diag(weights) @ columns.T``, weights in (0, 1].
    """

    point: Array
    columns: Array = field(repr=False)
    weights: Array = field(repr=False)


class Regularised(Protocol):
    """The linear map and the norm of one program; points may have any shape."""

    def predict(self, z: Array) -> Array:
        """Return ``A z`` as a vector (m,)."""

    def adjoint(self, v: Array) -> Array:
        """Return ``A^T v``, of the shape of a point."""

    def norm(self, z: Array) -> float:
        """Return the norm."""

    def dual_norm(self, g: Array) -> float:
        """Return ``max g . z`` over ``norm(z) <= 1``."""

    def prox(self, x: Array, t: float) -> Array:
        """Return ``argmin t norm(z) + |z - x|^2 / 2``."""

    def linearise(self, x: Array, t: float) -> ProxStep:
        """Return the prox with its derivative."""


@dataclass(frozen=True, eq=False)
class ProximalResult:
    """The best point, the best dual point, and floats for their values.

    ``primal`` and ``dual`` are plain float64 sums: no certificate.
    """

    point: Array
    v: Array
    primal: float
    dual: float
    n_outer: int
    n_newton: int

    @property
    def gap(self) -> float:
        """Relative gap, ``(primal - dual) / primal``."""
        return (self.primal - self.dual) / self.primal if self.primal > 0.0 else 0.0


def minimise(
    model: Regularised,
    y: Array,
    beta: float,
    *,
    tol: float,
    constant: float = 0.0,
    start: Array | None = None,
) -> ProximalResult:
    """Minimise until the relative gap in float64 is at most ``tol``, or stalls.

    Parameters
    ----------
    model : Regularised
        ``A`` and the norm; ``|A|`` should be about 1.
    y : ndarray, shape (m,)
    beta : float
        Positive.
    tol : float
        Relative gap.
    constant : float
        Added to both values: the part of the loss that no point can change.
    start : ndarray, optional
        A point to start from, zero when omitted.
    """
    z = np.zeros_like(model.adjoint(y)) if start is None else start
    v = model.predict(z) - y
    best = _Best(model, y, beta, constant)
    best.offer(z, v)
    sigma = FIRST_SIGMA
    newton = waited = outer = 0
    while best.gap > tol and outer < MAX_OUTER and waited < PATIENCE:
        outer += 1
        accuracy = max(1e-2 * best.gap, 1e-15)
        z, v, steps = _proximal_step(model, y, beta, z, v, sigma, accuracy)
        newton += steps
        before = best.primal - best.dual
        best.offer(z, v)
        waited = 0 if best.primal - best.dual < 0.9 * before else waited + 1
        sigma = min(GROWTH * sigma, LAST_SIGMA)
    return ProximalResult(best.z, best.v, best.primal, best.dual, outer, newton)


class _Best:
    """The least primal and the largest dual value seen, each with its point."""

    def __init__(
        self, model: Regularised, y: Array, beta: float, constant: float
    ) -> None:
        self.model, self.y, self.beta, self.constant = model, y, beta, constant
        self.primal, self.dual = math.inf, -math.inf

    @property
    def gap(self) -> float:
        if not self.primal > 0.0:
            return 0.0
        return max(0.0, (self.primal - self.dual) / self.primal)

    def offer(self, z: Array, v: Array) -> None:
        residual = self.model.predict(z) - self.y
        primal = 0.5 * float(residual @ residual) + self.beta * self.model.norm(z)
        if primal + self.constant < self.primal:
            self.primal, self.z = primal + self.constant, z
        # v of the Newton method, and the residual, which is safer far from the end
        for candidate in (v, residual):
            dual_norm = self.model.dual_norm(self.model.adjoint(candidate))
            square = float(candidate @ candidate)
            cap = self.beta / dual_norm if dual_norm > 0.0 else math.inf
            inner = -float(candidate @ self.y)
            scale = min(max(inner / square, 0.0), cap) if square > 0.0 else 0.0
            value = scale * inner - 0.5 * scale * scale * square + self.constant
            if value > self.dual:
                self.dual, self.v = value, scale * candidate


def _proximal_step(
    model: Regularised,
    y: Array,
    beta: float,
    z: Array,
    v: Array,
    sigma: float,
    accuracy: float,
) -> tuple[Array, Array, int]:
    """Return the proximal point, its ``v``, and the Newton steps it took."""
    dual = _StepDual(model, y, beta, z, sigma)
    step = dual.linearise(v)
    value = dual.value(v, step.point)
    count, left = 0, math.inf
    while count < MAX_INNER:
        gradient = v + y - model.predict(step.point)
        size = float(np.linalg.norm(gradient))
        # v and not y is the measure: with a small beta it is far smaller
        if size <= accuracy * float(np.linalg.norm(v)) or size > 0.1 * left:
            break
        count += 1
        found = dual.search(
            v, value, gradient, _newton_direction(step, gradient, sigma)
        )
        if found is None:
            break
        # where the value says nothing any more, the gradient has to shrink
        left = size if value - found[1] <= 1e-14 * abs(found[1]) else math.inf
        v, value = found
        step = dual.linearise(v)
    return step.point, v, count


@dataclass(frozen=True, eq=False)
class _StepDual:
    """The smooth dual of one proximal step."""

    model: Regularised
    y: Array
    beta: float
    z: Array
    sigma: float

    def shifted(self, v: Array) -> Array:
        return self.z - self.sigma * self.model.adjoint(v)

    def linearise(self, v: Array) -> ProxStep:
        return self.model.linearise(self.shifted(v), self.sigma * self.beta)

    def value(self, v: Array, point: Array) -> float:
        square = float(np.sum(point * point)) / (2.0 * self.sigma)
        return float(v @ (0.5 * v + self.y)) + square

    def search(
        self, v: Array, value: float, gradient: Array, direction: Array
    ) -> tuple[Array, float] | None:
        """Return the first point along the direction that lowers the value enough."""
        slope = float(direction @ gradient)
        length = 1.0
        for _ in range(30):
            trial = v + length * direction
            point = self.model.prox(self.shifted(trial), self.sigma * self.beta)
            new = self.value(trial, point)
            # rounding of the value must not refuse the last steps
            if new <= value + 1e-4 * length * slope + 1e-15 * abs(value):
                return trial, new
            length *= 0.5
        return None


def _newton_direction(step: ProxStep, gradient: Array, sigma: float) -> Array:
    """Solve ``(I + sigma F diag(w) F^T) direction = -gradient``."""
    m, k = step.columns.shape
    if k == 0:
        return -gradient
    scaled = step.columns * np.sqrt(sigma * step.weights)
    if k < m:
        # outside the span of the columns the system is the identity
        basis, factor = np.linalg.qr(scaled)
        inside = basis.T @ gradient
        system = factor @ factor.T
        system[np.diag_indices(k)] += 1.0
        return basis @ (inside - np.linalg.solve(system, inside)) - gradient
    system = scaled @ scaled.T
    system[np.diag_indices(m)] += 1.0
    return -np.asarray(np.linalg.solve(system, gradient))
