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
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from convex_solver.reading import fits
from convex_solver.typing import Array

MAX_OUTER = 60
MAX_INNER = 60
# Outer steps without a smaller gap before the end, as many as sigma needs to grow from
# first to last: float64 gives no more.
PATIENCE = 13
# sigma |A|^2 at the first step, its growth, and its limit: beyond it the Newton system
# has too few digits left.
FIRST_SIGMA, GROWTH, LAST_SIGMA = 10.0, 10.0, 1e13
# Residual of the dual of a step, relative to v, up to which the step is a step; and
# Newton steps to try without a smaller one where the value has no digits left.
SOLVED, STALLED = 1e-2, 6
# What an entry of the columns of a step costs, in operations: some passes over memory.
ENTRY = 60.0


class TooLateError(Exception):
    """What comes next would end long after the deadline."""


@dataclass(frozen=True, eq=False)
class ProxStep:
    """A value of the prox and what its derivative does to the rows of ``A``.

    ``A (d prox) A^T = columns @ diag(weights) @ columns.T``, weights in (0, 1].
    """

    point: Array
    columns: Array = field(repr=False)
    weights: Array = field(repr=False)


class Regularised(Protocol):
    """The linear map and the norm of one program; points may have any shape.

    Attributes
    ----------
    work : float
        Floating point operations, about, of the norm, the prox or its derivative.
    """

    work: float

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

    def linearise(self, x: Array, t: float, deadline: float = math.inf) -> ProxStep:
        """Return the prox with its derivative.

        Raises
        ------
        TooLateError
            The columns would be made long after ``deadline`` (of `time.monotonic`).
        """


@dataclass(frozen=True, eq=False)
class ProximalResult:
    """The best point, the best dual point, and floats for their values.

    ``primal`` and ``dual`` are plain float64 sums: no certificate.  ``stopped`` is
    ``"time limit"``, ``"interrupted"``, or ``"stalled"``: float64 gives no more.
    """

    point: Array
    v: Array
    primal: float
    dual: float
    n_outer: int
    n_newton: int
    stopped: str = "stalled"

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
    deadline: float = math.inf,
) -> ProximalResult:
    """Minimise until the relative gap in float64 is at most ``tol``, or stalls.

    Ctrl-C ends it as well, with the best that was found.

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
    deadline : float
        Of `time.monotonic`; then it ends.  A Newton step is not cut short, but one
        that would end a second later is not begun.
    """
    z = np.zeros_like(model.adjoint(y)) if start is None else start
    v = model.predict(z) - y
    best = _Best(model, y, beta, constant)
    best.offer(z, v)
    sigma, limit = FIRST_SIGMA, LAST_SIGMA
    newton = waited = outer = 0
    stopped = "stalled"
    try:
        while best.gap > tol and outer < MAX_OUTER and waited < PATIENCE:
            if _is_late(deadline, model.work):
                stopped = "time limit"
                break
            outer += 1
            accuracy = max(1e-2 * best.gap, 1e-15)
            dual = _StepDual(model, y, beta, z, sigma, deadline)
            step = dual.minimise(v, accuracy)
            newton += step.count
            before = best.primal - best.dual
            best.offer(step.point, step.v)
            waited = 0 if best.primal - best.dual < 0.9 * before else waited + 1
            if step.residual <= SOLVED:
                z, v = step.point, step.v
            else:  # this sigma is too much for float64: back to one that worked
                limit = max(sigma / GROWTH, FIRST_SIGMA)
            sigma = min(GROWTH * sigma, limit)
    except TooLateError:
        stopped = "time limit"
    except KeyboardInterrupt:
        stopped = "interrupted"
    return ProximalResult(
        best.z, best.v, best.primal, best.dual, outer, newton, stopped
    )


def check_columns(n_entries: float, each: float, deadline: float) -> None:
    """Raise `TooLateError` where columns of so many entries take too long.

    ``each`` is how many products an entry takes.
    """
    if not fits(n_entries * (ENTRY + each), deadline):
        raise TooLateError


def _is_late(deadline: float, work: float) -> bool:
    """Whether the time is up, or would be long before so much work was done."""
    return time.monotonic() >= deadline or not fits(work, deadline)


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


@dataclass(frozen=True, eq=False)
class _Step:
    """A proximal point, its ``v``, how well it was found, and the Newton steps."""

    point: Array
    v: Array
    residual: float
    count: int


@dataclass(frozen=True, eq=False)
class _StepDual:
    """The smooth dual of one proximal step."""

    model: Regularised
    y: Array
    beta: float
    z: Array
    sigma: float
    deadline: float = math.inf

    def minimise(self, v: Array, accuracy: float) -> _Step:
        """Return the point with the smallest gradient that Newton's method meets.

        Raises
        ------
        TooLateError
            There is no time for the first one.
        """
        step = self.linearise(v)
        value = self.value(v, step.point)
        best = _Step(step.point, v, math.inf, 0)
        stalled = 0
        for count in range(MAX_INNER + 1):
            gradient = v + self.y - self.model.predict(step.point)
            # v and not y is the measure: with a small beta it is far smaller
            size = float(np.linalg.norm(gradient)) / (float(np.linalg.norm(v)) or 1.0)
            stalled = 0 if size < 0.5 * best.residual else stalled + 1
            if size < best.residual:
                best = _Step(step.point, v, size, count)
            if size <= accuracy or count == MAX_INNER:
                break
            m, k = step.columns.shape
            if _is_late(self.deadline, 1.0 * m * k * min(m, k) + self.model.work):
                break
            found = self.search(
                v, value, gradient, _newton_direction(step, gradient, self.sigma)
            )
            # far from the end the gradient may grow while the value falls
            falls = found is not None and value - found[1] > 1e-14 * abs(value)
            if found is None or (stalled >= STALLED and not falls):
                break
            v, value = found
            try:
                step = self.linearise(v)
            except TooLateError:
                break
        return best

    def shifted(self, v: Array) -> Array:
        return self.z - self.sigma * self.model.adjoint(v)

    def linearise(self, v: Array) -> ProxStep:
        shifted = self.shifted(v)
        return self.model.linearise(shifted, self.sigma * self.beta, self.deadline)

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
            if _is_late(self.deadline, self.model.work):
                return None
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


def minimise_data(
    flat: Array,
    y: Array,
    beta: float,
    build: Callable[[Array], Regularised],
    *,
    start: Array | None = None,
    deadline: float = math.inf,
) -> ProximalResult:
    """Minimise for data (n, q) and targets (n, C), in the units given.

    More samples than unknowns are first reduced by a QR decomposition, which leaves
    the objective as it is up to a constant (and the residual that no point can change
    would cost digits of ``v``); then data and targets are scaled to norm one.

    Parameters
    ----------
    flat : ndarray, shape (n, q)
    y : ndarray, shape (n, C)
    beta : float
    build : callable
        Makes the model of such data; its predictions are (rows * C,).
    start : ndarray, optional
        A point to start from.
    deadline : float
        As in `minimise`; the point is zero where there is no time for any step.
    """
    basis: Array | None = None
    reduced, rest = y, np.zeros_like(y)
    n, q = flat.shape
    if _is_late(deadline, 4.0 * min(n, q) ** 3 + n * q * min(n, q)):
        return _zero(build(flat), y)
    if len(flat) > flat.shape[1]:
        basis, flat = np.linalg.qr(flat)
        reduced = basis.T @ y
        rest = y - basis @ reduced
        rest -= basis @ (basis.T @ rest)
    size = float(np.linalg.norm(flat, 2)) or 1.0
    length = float(np.linalg.norm(y))
    unit = length / size
    result = minimise(
        build(flat / size),
        (reduced / length).ravel(),
        beta / (size * length),
        tol=1e-14,
        constant=0.5 * float(np.sum((rest / length) ** 2)),
        start=None if start is None else start / unit,
        deadline=deadline,
    )
    v = length * result.v.reshape(reduced.shape)
    if basis is not None:
        v = basis @ v - rest
    return replace(
        result,
        point=unit * result.point,
        v=v,
        primal=length * length * result.primal,
        dual=length * length * result.dual,
    )


def _zero(model: Regularised, y: Array) -> ProximalResult:
    """Return the point zero and its residual, unscaled; its dual value is unknown."""
    loss = 0.5 * float(np.sum(y * y))
    zero = np.zeros_like(model.adjoint(y.ravel()))
    return ProximalResult(zero, -y, loss, 0.0, 0, 0, "time limit")
