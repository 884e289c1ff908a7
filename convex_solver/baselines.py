"""Non-convex training: gradient descent, SGD with momentum and Adam on objective (2).

This is what the convex program replaces, kept to compare with: local searches from
random starts, with no proof of anything.  All starts run side by side, each step two
matrix products over starts times neurons; the state is flat, ``point`` (S, m (d + 1)),
first the weights and then the alphas of every start.

Measured at 50 rows, d = 3, 50 neurons, 50 starts, one core: 0.15 ms for a gradient of
all starts in this form, 0.15 ms fused in one kernel without BLAS and 1.3 ms in NumPy
alone; at 12,480 rows, d = 48, one start: 2.7, 9.8 and 7.7 ms.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from arrangement.patterns import pack
from convex_solver._kernels import training as kernels
from convex_solver.data_terms import BoxTerm
from convex_solver.errors import InputError, TrainingDivergedError
from convex_solver.network import TwoLayerReLU
from convex_solver.program import ConvexProgram
from convex_solver.recovery import merge_neurons

Array = NDArray[np.float64]

METHODS = ("adam", "gd", "sgd")
# Pre-activations of the starts that run side by side, 4 MB: they stay in the cache.
CHUNK = 2**19
# Objectives noted along a run, about.
N_CHECKS = 200
# A start whose objective exceeds the first one by this factor has diverged.
BLOWN = 1e6
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
# Bytes that the patterns of a trajectory may take.
MAX_PATTERN_BYTES = 2**30


@dataclass(frozen=True, eq=False)
class SeenPatterns:
    """Distinct activation patterns, each with a direction that has it.

    Attributes
    ----------
    packed : ndarray, shape (P, ceil(N / 64)), uint64
        Bit ``i % 64`` of word ``i // 64`` is ``1[x_i . u >= 0]`` for row i of the
        program's data (every patch is a row); in the order in which they were seen.
    directions : ndarray, shape (P, d), float64
        The weights u of the first neuron with that pattern.
    """

    packed: NDArray[np.uint64]
    directions: Array

    def __len__(self) -> int:
        """Return the number of patterns P."""
        return len(self.directions)


@dataclass(frozen=True, eq=False)
class Training:
    """What a local search found.

    Attributes
    ----------
    network : TwoLayerReLU
        The best network of all starts, every neuron balanced (Lemma 2).
    objective : float
        Its objective (2), ``program.network_objective(network)``.
    objectives : ndarray, shape (n_starts,), float64
        The best objective of every start, balanced; infinite where it diverged.
    steps : ndarray, shape (c,), int64
        Steps at which objectives were noted; the first is 0, the start.
    history : ndarray, shape (c, n_starts), float64
        Objective (2) at those steps, as it was, before balancing.
    trajectory : SeenPatterns
        Patterns of all neurons at the recorded steps, of all starts.
    last : SeenPatterns
        Patterns of the neurons of ``network``.
    method : str
        ``"adam"``, ``"gd"`` or ``"sgd"``.
    seconds : float
    """

    network: TwoLayerReLU
    objective: float
    objectives: Array
    steps: NDArray[np.int64] = field(repr=False)
    history: Array = field(repr=False)
    trajectory: SeenPatterns = field(repr=False)
    last: SeenPatterns = field(repr=False)
    method: str
    seconds: float

    @property
    def n_diverged(self) -> int:
        """Number of starts that diverged."""
        return int(np.sum(np.isinf(self.objectives)))


def train(
    program: ConvexProgram,
    *,
    method: str = "adam",
    n_neurons: int = 50,
    n_starts: int = 1,
    steps: int = 2000,
    step_size: float | None = None,
    batch_size: int = 32,
    momentum: float = 0.9,
    record: int = 0,
    seed: int = 0,
) -> Training:
    """Minimise objective (2) over the weights from random starts; no certificate.

    Parameters
    ----------
    program : ConvexProgram
        Data, loss and beta; neither is changed.
    method : {"adam", "gd", "sgd"}
        Adam on the full gradient (of a loss with kinks, on its mean over a window of
        predictions that shrinks to nothing); gradient descent; mini-batch SGD with
        momentum.
    n_neurons : int
        Neurons m of every start, at least 1.
    n_starts : int
        At least 1.  Start k depends on ``seed`` and k only, not on how many there are.
    steps : int
        Updates, at least 1.  For SGD an epoch is ``ceil(n / batch_size)`` of them.
    step_size : float, optional
        First step size, above 0.  Adam: relative to the size of the weights at
        the start (0.2 when omitted), falling to 0 along a cosine.  Gradient descent:
        a constant; when omitted, Armijo's condition is asked for, a step that fails
        it is halved and one that meets it grows by 1.3, so the objective never rises
        (a rejected step counts as one).  SGD: falls along a cosine; when omitted,
        half the median of the steps that gradient descent takes in 40 trials from
        the same start, times ``(1 - momentum)`` and the share of samples in a batch.
    batch_size : int
        Samples of a batch, at least 1 (SGD only).
    momentum : float
        In [0, 1) (SGD only).
    record : int
        The patterns of all neurons are kept every so many steps, and those of the last
        step; 0 for those of the last step only.
    seed : int
        Not negative.

    Returns
    -------
    Training

    Raises
    ------
    InputError
        An option out of range, or a trajectory that would take over 1 GiB.
    TrainingDivergedError
        If no start stayed finite.

    Warns
    -----
    RuntimeWarning
        If some starts, but not all, diverged: their objectives are infinite.

    Notes
    -----
    A start has Gaussian directions and balanced neurons, and predictions of about the
    size of the targets, times a factor between 1/3 and 9 that differs between starts.
    The result is the best point noted along the way (some 200 of them, the last one
    included), with ``|u_j| = |alpha_j|`` (Lemma 2 of Pilanci & Ergen 2020) and neurons
    of equal sign and pattern added up where that is not worse.

    Examples
    --------
    >>> X = [[-2, 1], [-1, 1], [0, 1], [1, 1], [2, 1]]
    >>> program = ConvexProgram(X, [1, -1, 1, 1, -1], beta=0.1)
    >>> found = train(program, n_neurons=10, n_starts=20)
    >>> found.objectives.shape, round(found.objective, 4)
    ((20,), 0.8914)
    """
    begin = time.perf_counter()
    options = _Options(
        method, n_neurons, n_starts, steps, step_size, batch_size, momentum, record
    )
    options.check(seed)
    task = _Task(program, n_neurons)
    seen = _Recorder(task, options)
    size = max(1, CHUNK // max(1, n_neurons * len(task.X)))
    with np.errstate(all="ignore"):
        parts = [
            _run(
                task, options, seed, np.arange(first, min(first + size, n_starts)), seen
            )
            for first in range(0, n_starts, size)
        ]
    points = np.vstack([part.best for part in parts])
    history = np.hstack([part.history for part in parts])
    objectives = np.concatenate([part.balanced(task) for part in parts])
    lost = int(np.sum(np.isinf(objectives)))
    if lost == n_starts:
        raise TrainingDivergedError(
            f"{method} diverged from {'its start' if lost == 1 else 'all starts'} "
            f"with step_size={step_size!r}; use a smaller one, or None."
        )
    if lost:
        text = f"{lost} of {n_starts} starts diverged; step_size={step_size!r}."
        warnings.warn(text, RuntimeWarning, stacklevel=2)
    network = _network(task, points[int(np.argmin(objectives))])
    objective = program.network_objective(network)
    objectives[int(np.argmin(objectives))] = objective
    last = _Recorder(task, options)
    last.see(network.weights)
    return Training(
        network=network,
        objective=objective,
        objectives=objectives,
        steps=parts[0].steps,
        history=history,
        trajectory=seen.patterns(),
        last=last.patterns(),
        method=method,
        seconds=time.perf_counter() - begin,
    )


@dataclass(frozen=True)
class _Options:
    method: str
    n_neurons: int
    n_starts: int
    steps: int
    step_size: float | None
    batch_size: int
    momentum: float
    record: int

    def check(self, seed: int) -> None:
        if self.method not in METHODS:
            raise InputError(
                f"method={self.method!r} is unknown; use one of {METHODS}."
            )
        for name in ("n_neurons", "n_starts", "steps", "batch_size"):
            check_count(name, getattr(self, name), 1)
        check_count("record", self.record, 0)
        check_count("seed", seed, 0)
        size = self.step_size
        if size is not None and not 0.0 < size < math.inf:
            raise InputError(f"step_size={size!r}; expected a number above 0, or None.")
        if not 0.0 <= self.momentum < 1.0:
            raise InputError(
                f"momentum={self.momentum!r}; expected at least 0 and less than 1."
            )


def check_count(name: str, value: int, least: int) -> None:
    """Raise `InputError` unless ``value`` is an integer of at least ``least``."""
    is_integer = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not (is_integer and value >= least):
        raise InputError(f"{name}={value!r}; expected an integer of at least {least}.")


class _Task:
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
        losses = np.array([_loss_value(self.program, f) for f in predictions])
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
        slopes = _loss_slopes(self.program, predictions)
        return values, self.gradient(point, Z, slopes, self.X)


def _loss_value(program: ConvexProgram, f: Array) -> float:
    return program.data_term.value(f)


def _loss_slopes(program: ConvexProgram, predictions: Array) -> Array:
    """Subgradients of the loss, (S, n): it acts on each sample by itself."""
    return program.data_term.gradient(predictions)


class _Recorder:
    """Collects distinct patterns, each with the first direction that had it."""

    def __init__(self, task: _Task, options: _Options) -> None:
        self.X = task.X
        self.every = options.record
        self.found: dict[bytes, Array] = {}
        times = options.steps // self.every + 1 if self.every else 1
        most = times * options.n_starts * options.n_neurons * ((len(self.X) + 63) // 64)
        if 8 * most > MAX_PATTERN_BYTES:
            raise InputError(
                f"record={self.every} may keep {8 * most / 2**30:.1f} GiB of patterns; "
                "record less often, or use fewer starts or neurons."
            )

    def is_due(self, step: int, last: int) -> bool:
        return step == last or (self.every > 0 and step % self.every == 0)

    def see(self, weights: Array) -> None:
        """Keep the patterns of finite, nonzero weights (k, d)."""
        sizes = np.max(np.abs(weights), axis=1, initial=0.0)
        weights = weights[(sizes > 0.0) & np.isfinite(sizes)]
        if not len(weights):
            return
        packed = pack(weights @ self.X.T >= 0.0)
        for row, direction in zip(packed, weights, strict=True):
            self.found.setdefault(row.tobytes(), direction.copy())

    def patterns(self) -> SeenPatterns:
        words = (len(self.X) + 63) // 64
        flat = np.frombuffer(b"".join(self.found), dtype=np.uint64)
        directions = np.array([*self.found.values()])
        return SeenPatterns(
            flat.reshape(-1, words), directions.reshape(-1, self.X.shape[1])
        )


@dataclass(eq=False)
class _Part:
    """The starts of one batch: best points (S, m (d + 1)) and the history."""

    best: Array
    least: Array
    steps: NDArray[np.int64]
    history: Array

    def balanced(self, task: _Task) -> Array:
        """Objectives of the best points after Lemma 2's rescaling; inf if diverged."""
        weights, alphas = task.split(self.best)
        norms = np.linalg.norm(weights, axis=1).reshape(alphas.shape)
        gain = 0.5 * task.program.beta * np.sum((norms - np.abs(alphas)) ** 2, axis=1)
        return np.where(np.isfinite(self.least), self.least - gain, np.inf)


def _run(
    task: _Task,
    options: _Options,
    seed: int,
    numbers: NDArray[np.int64],
    seen: _Recorder,
) -> _Part:
    """Train some starts side by side."""
    point = np.vstack([_start(task, seed, int(k)) for k in numbers])
    rule = RULES[options.method](task, options, point, seed)
    between = max(1, options.steps // N_CHECKS)
    best, least = point.copy(), np.full(len(point), np.inf)
    limit = np.full(len(point), np.inf)
    steps, history = [], []
    for step in range(options.steps + 1):
        if step % between == 0 or step == options.steps:
            values = task.values(point, task.outputs(point, task.X)[0])
            if step == 0:
                limit = BLOWN * np.maximum(values, 1e-300)
            lost = ~(values <= limit)
            values[lost] = np.inf
            # nothing of a run that blew up is kept, its good beginning neither
            least[lost], limit[lost] = np.inf, -np.inf
            point[lost] = 0.0
            better = values < least
            best[better], least[better] = point[better], values[better]
            steps.append(step)
            history.append(values)
        if seen.is_due(step, options.steps):
            seen.see(task.split(point)[0])
        if step < options.steps:
            rule(point, step)
    return _Part(best, least, np.array(steps), np.array(history))


def _start(task: _Task, seed: int, number: int) -> Array:
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
    size = float(np.sqrt(np.mean(program.y**2)))
    if program.loss.name == "poisson":  # predictions are logarithms of rates
        size = math.log1p(size)
    return size if size > 0.0 else 1.0


Rule = Callable[[Array, int], None]


def _adam(task: _Task, options: _Options, point: Array, seed: int) -> Rule:
    first, second = np.zeros_like(point), np.zeros_like(point)
    share = ADAM_RATE if options.step_size is None else options.step_size
    sizes = share * np.sqrt(np.mean(point * point, axis=1))
    data = task.program.data_term
    has_kinks = isinstance(data, BoxTerm) and data.unit.curvature == 0
    window = WINDOW * _size_of_targets(task.program) * OFFSETS

    def step(point: Array, number: int) -> None:
        fall = _cosine(number, options.steps)
        predictions, Z = task.outputs(point, task.X)
        around = window * fall**2 if has_kinks else [0.0]
        slopes = [_loss_slopes(task.program, predictions + shift) for shift in around]
        mean = np.mean(slopes, axis=0)
        gradient = task.gradient(point, Z, mean, task.X)
        kernels.adam_step(
            point, gradient, first, second, sizes * fall, *ADAM_DECAYS, number + 1
        )

    return step


def _gradient_descent(task: _Task, options: _Options, point: Array, seed: int) -> Rule:
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

    def __init__(self, task: _Task, point: Array) -> None:
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


def _sgd(task: _Task, options: _Options, point: Array, seed: int) -> Rule:
    n, K = task.n, task.n_patches
    size = min(options.batch_size, n)
    if options.step_size is not None:
        rates = np.full(len(point), options.step_size)
    else:
        search, trial = _Armijo(task, point), point.copy()
        for _ in range(N_PROBES):
            search.step(trial)
        # the last row is there in case that none was taken
        usual = np.nanmedian([*search.taken, search.sizes], axis=0)
        rates = PROBE_SHARE * usual * (1.0 - options.momentum) * (size / n)
    # the order of the samples is the same for all starts, however they are batched
    random = np.random.default_rng([seed, 0, 1])
    speed = np.zeros_like(point)
    order = np.zeros(0, dtype=np.int64)

    def step(point: Array, number: int) -> None:
        nonlocal order, speed
        if not len(order):
            order = random.permutation(n)
        batch, order = order[:size], order[size:]
        X = task.X[(batch[:, None] * K + np.arange(K)).ravel()]
        predictions, Z = task.outputs(point, X)
        # the loss knows all samples; each of its slopes depends on one prediction
        whole = np.zeros((len(point), n))
        whole[:, batch] = predictions
        slopes = _loss_slopes(task.program, whole)[:, batch] * (n / len(batch))
        speed *= options.momentum
        speed -= task.gradient(point, Z, slopes, X)
        point += (rates * _cosine(number, options.steps))[:, None] * speed

    return step


RULES: dict[str, Callable[[_Task, _Options, Array, int], Rule]] = {
    "adam": _adam,
    "gd": _gradient_descent,
    "sgd": _sgd,
}


def _cosine(step: int, steps: int) -> float:
    return 0.5 * (1.0 + math.cos(math.pi * step / steps))


def _network(task: _Task, point: Array) -> TwoLayerReLU:
    """Balance, and add up neurons of equal sign and pattern where that helps."""
    program = task.program
    weights, alphas = task.split(point[None])
    network = program.network(weights, alphas[0]).balance()
    merged = merge_neurons(program, network)
    if program.network_objective(merged) <= program.network_objective(network):
        return merged
    return network
