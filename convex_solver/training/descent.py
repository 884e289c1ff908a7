"""Objective (2) for many starts side by side, and the rules that lower it.

The state of a search is flat, ``point`` (S, m (d + 1)), first the weights and then the
alphas of every start.  A gradient is two matrix products over starts times neurons.
Measured at 50 rows, d = 3, 50 neurons, 50 starts, one core: 0.15 ms for all starts in
this form, 0.15 ms fused in one kernel without BLAS and 1.3 ms in NumPy alone; at 12,480
rows, d = 48, one start: 2.7, 9.8 and 7.7 ms.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from arrangement import InputError
from arrangement.options import whole_number
from convex_solver._kernels.solve import training as kernels
from convex_solver.program import ConvexProgram
from convex_solver.typing import Array

METHODS = ("adam", "gd", "sgd")
# Samples of a batch of SGD.
BATCH = 32
# First rate of Adam, as a share of the size of the weights at the start.  On 12
# instances of 8 to 24 rows, 50 starts of 20 neurons, 5,000 steps, these decays brought
# the best start within 0.07% of the optimum on each; (0.9, 0.999) at its best rate
# within 1% on 7 of them: small weight decay is felt only with a long momentum.
ADAM_RATE = 0.2
ADAM_DECAYS = (0.99, 0.99)
# Powers of 3 between which the size of the first predictions varies, relative to y.
SPREAD = (-1.0, 2.0)
# A loss with kinks has its slopes averaged over predictions up to this share of the
# size of the targets away, at these points, less and less as the rate falls: with
# absolute loss the median excess of the best start halves, with hinge loss it falls
# to a fifth.
WINDOW = 0.3
OFFSETS = np.array([-0.9, -0.6, -0.3, 0.0, 0.3, 0.6, 0.9])
# Armijo's condition, and how a step grows and shrinks.
DESCENT = 1e-4
GROW, SHRINK = 1.3, 0.5
# Steps of gradient descent that find a step size for SGD.
N_PROBES = 40
PROBE_SHARE = 0.5


@dataclass(frozen=True)
class Options:
    """What `convex_solver.training.train` is asked for."""

    method: str
    n_neurons: int
    n_starts: int
    steps: int
    step_size: float | None
    batch_size: int | None
    momentum: float
    record: int

    def check(self, seed: int) -> None:
        """Raise `InputError` for what is out of range."""
        if self.method not in METHODS:
            raise InputError(
                f"method={self.method!r} is unknown; use one of {METHODS}."
            )
        for name in ("n_neurons", "n_starts", "steps"):
            whole_number(getattr(self, name), name, 1)
        if self.batch_size is not None:
            whole_number(self.batch_size, "batch_size", 1)
        whole_number(self.record, "record", 0)
        whole_number(seed, "seed", 0)


class Task:
    """The data as the kernels see them, and objective (2) for a batch of starts."""

    def __init__(self, program: ConvexProgram, n_neurons: int) -> None:
        self.program = program
        self.X = np.ascontiguousarray(program.X)
        self.m, self.d = n_neurons, self.X.shape[1]
        self.n, self.n_patches = program.n, program.n_patches

    def split(self, point: Array) -> tuple[Array, Array]:
        """Return views of a point: weights (S m, d) and alphas (S, m)."""
        cut = self.m * self.d
        return point[:, :cut].reshape(-1, self.d), point[:, cut:]

    def outputs(self, point: Array, X: Array) -> tuple[Array, Array]:
        """Predictions (S, len(X) / K), and pre-activations (S m, len(X))."""
        weights, alphas = self.split(point)
        Z = weights @ X.T
        out = np.empty((len(point), len(X) // self.n_patches))
        kernels.pool_outputs(
            Z, np.ascontiguousarray(alphas), self.n_patches, np.empty(len(X)), out
        )
        return out, Z

    def values(self, point: Array, predictions: Array) -> Array:
        """Objective (2) of every start, (S,)."""
        decay = 0.5 * self.program.beta * np.sum(point * point, axis=1)
        losses = np.array([self.program.data_term.value(f) for f in predictions])
        return np.asarray(decay + losses)

    def gradient(self, point: Array, Z: Array, slopes: Array, X: Array) -> Array:
        """Gradient of objective (2) (S, m (d + 1)); ``Z`` is overwritten.

        ``slopes`` (S, len(X) / K) are those of the loss.  The slope of alpha_j is
        ``u_j`` times what reaches its weights, so that no third product is needed.
        """
        weights, alphas = self.split(point)
        wide = np.repeat(slopes, self.n_patches, axis=1)
        kernels.gate_slopes(Z, wide)
        passed = Z @ X
        out = self.program.beta * point
        inner = np.sum(passed * weights, axis=1).reshape(alphas.shape)
        passed *= alphas.reshape(-1, 1)
        cut = self.m * self.d
        out[:, :cut] += passed.reshape(len(point), cut)
        out[:, cut:] += inner
        return out

    def slope(self, point: Array) -> tuple[Array, Array]:
        """Objective (S,) and gradient at a point, on all samples."""
        predictions, Z = self.outputs(point, self.X)
        values = self.values(point, predictions)
        slopes = self.program.data_term.gradient(predictions)
        return values, self.gradient(point, Z, slopes, self.X)


def start_point(task: Task, seed: int, number: int) -> Array:
    """Return the point of one start (1, m (d + 1))."""
    random = np.random.default_rng([seed, number])
    weights = random.standard_normal((task.m, task.d))
    signs = random.choice([-1.0, 1.0], task.m)
    factor = 3.0 ** random.uniform(*SPREAD)
    norms = np.linalg.norm(weights, axis=1)
    point = np.concatenate([weights.ravel(), signs * norms])[None]
    spread = float(np.sqrt(np.mean(task.outputs(point, task.X)[0] ** 2)))
    aim = factor * _size_of_targets(task.program)
    # outputs grow with the square of the weights
    return point * (math.sqrt(aim / spread) if spread > 0.0 else 1.0)


def _size_of_targets(program: ConvexProgram) -> float:
    if program.loss.is_classification:
        return 1.0
    size = float(program.loss.guess(np.sqrt(np.mean(program.y**2))))
    return size if size > 0.0 else 1.0


# of a point, which it changes, and the number of the step; one that needs trials to be
# made looks at a deadline
Rule = Callable[[Array, int], None]


def _adam(
    task: Task,
    options: Options,
    point: Array,
    seed: int,
    deadline: float = math.inf,
) -> Rule:
    moments = kernels.Moments(np.zeros_like(point), np.zeros_like(point), *ADAM_DECAYS)
    share = ADAM_RATE if options.step_size is None else options.step_size
    sizes = share * np.sqrt(np.mean(point * point, axis=1))
    has_kinks = task.program.data_term.has_kinks
    window = WINDOW * _size_of_targets(task.program) * OFFSETS
    batches = _Batches(task, options.batch_size or task.n, seed)

    def step(point: Array, number: int) -> None:
        fall = _cosine(number, options.steps)
        around = window * fall**2 if has_kinks else np.zeros(1)
        gradient = batches.gradient(point, around)
        kernels.adam_step(point, gradient, moments, sizes * fall, number + 1)

    return step


def _gradient_descent(
    task: Task,
    options: Options,
    point: Array,
    seed: int,
    deadline: float = math.inf,
) -> Rule:
    if options.step_size is not None:
        size = options.step_size

        def plain(point: Array, number: int) -> None:
            point -= size * task.slope(point)[1]

        return plain
    search = _Armijo(task, point)

    def step(point: Array, number: int) -> None:
        search.step(point)

    return step


class _Armijo:
    """Gradient descent whose every step lowers the objective enough, start by start."""

    def __init__(self, task: Task, point: Array) -> None:
        self.task = task
        self.values, self.gradient = task.slope(point)
        squares = np.sum(self.gradient**2, axis=1)
        # a first step that moves the weights by a tenth of their size
        sizes = np.sum(point * point, axis=1)
        self.sizes = 0.1 * np.sqrt(sizes / np.maximum(squares, 1e-300))
        self.taken: list[Array] = []

    def step(self, point: Array) -> None:
        trial = point - self.sizes[:, None] * self.gradient
        values, gradient = self.task.slope(trial)
        fall = DESCENT * self.sizes * np.sum(self.gradient**2, axis=1)
        met = values <= self.values - fall
        point[met], self.values[met] = trial[met], values[met]
        self.gradient[met] = gradient[met]
        self.taken.append(np.where(met, self.sizes, np.nan))
        self.sizes *= np.where(met, GROW, SHRINK)


def _sgd(
    task: Task,
    options: Options,
    point: Array,
    seed: int,
    deadline: float = math.inf,
) -> Rule:
    batches = _Batches(task, options.batch_size or BATCH, seed)
    if options.step_size is not None:
        rates = np.full(len(point), options.step_size)
    else:
        search, trial = _Armijo(task, point), point.copy()
        for _ in range(N_PROBES):
            if time.monotonic() >= deadline:
                break
            search.step(trial)
        # the last row is there in case that none was taken
        usual = np.nanmedian([*search.taken, search.sizes], axis=0)
        rates = PROBE_SHARE * usual * (1.0 - options.momentum)
        rates *= batches.size / task.n
    speed = np.zeros_like(point)

    def step(point: Array, number: int) -> None:
        nonlocal speed
        speed *= options.momentum
        speed -= batches.gradient(point, np.zeros(1))
        point += (rates * _cosine(number, options.steps))[:, None] * speed

    return step


class _Batches:
    """Gradients on some samples after others, all of them in an epoch.

    The order of the samples is the same for all starts, however these are batched.
    """

    def __init__(self, task: Task, size: int, seed: int) -> None:
        self.task, self.size = task, min(size, task.n)
        self._random = np.random.default_rng([seed, 0, 1])
        self._order = np.zeros(0, dtype=np.int64)

    def gradient(self, point: Array, shifts: Array) -> Array:
        """Return that of the next batch, as if all samples were like it.

        The slopes of the loss are the means of those at the predictions and ``shifts``.
        """
        task, data = self.task, self.task.program.data_term
        if self.size == task.n:
            predictions, Z = task.outputs(point, task.X)
            slopes = [data.gradient(predictions + shift) for shift in shifts]
            return task.gradient(point, Z, np.mean(slopes, axis=0), task.X)
        if not len(self._order):
            self._order = self._random.permutation(task.n)
        batch, self._order = self._order[: self.size], self._order[self.size :]
        K = task.n_patches
        X = task.X[(batch[:, None] * K + np.arange(K)).ravel()]
        predictions, Z = task.outputs(point, X)
        # the loss knows all samples; each of its slopes depends on one prediction
        whole = np.zeros((len(point), task.n))
        whole[:, batch] = predictions
        slopes = [data.gradient(whole + shift)[:, batch] for shift in shifts]
        mean = np.mean(slopes, axis=0) * (task.n / len(batch))
        return task.gradient(point, Z, mean, X)


RULES: dict[str, Callable[[Task, Options, Array, int, float], Rule]] = {
    "adam": _adam,
    "gd": _gradient_descent,
    "sgd": _sgd,
}


def _cosine(step: int, steps: int) -> float:
    return 0.5 * (1.0 + math.cos(math.pi * step / steps))
