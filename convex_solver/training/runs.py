"""Non-convex training: gradient descent, SGD with momentum and Adam on objective (2).

This is what the convex program replaces, kept to compare with: local searches from
random starts, with no proof of anything.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from arrangement import InputError, pack
from arrangement.options import short_repr
from convex_solver.errors import TrainingDivergedError
from convex_solver.networks import TwoLayerReLU
from convex_solver.program import ConvexProgram, join_neurons
from convex_solver.reading import (
    check_kind,
    deadline_after,
    part_of_time,
    read_number,
    read_seconds,
)
from convex_solver.rounding import lengths
from convex_solver.training.descent import RULES, Options, Task, start_point
from convex_solver.typing import Array

# Pre-activations of the starts that run side by side, 4 MB: they stay in the cache.
CHUNK = 2**19
# Objectives noted along a run, about.
N_CHECKS = 200
# A start whose objective exceeds the first one by this factor has diverged.
BLOWN = 1e6
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

    __repr__ = short_repr

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
        The best objective of every start, balanced; infinite where it diverged, NaN
        where it did not begin in time.
    steps : ndarray, shape (c,), int64
        Steps at which objectives were noted; the first is 0, the start.
    history : ndarray, shape (c, n_starts), float64
        Objective (2) at those steps, as it was, before balancing; NaN where a start
        that the time ended was not there.
    trajectory : SeenPatterns
        Patterns of all neurons at the recorded steps, of all starts.
    last : SeenPatterns
        Patterns of the neurons of ``network``.
    method : str
        ``"adam"``, ``"gd"`` or ``"sgd"``.
    stopped : str
        Why it ended: ``"steps"``, ``"time limit"`` or ``"interrupted"``.
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
    stopped: str
    seconds: float

    __repr__ = short_repr

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
    batch_size: int | None = None,
    momentum: float = 0.9,
    record: int = 0,
    seed: int = 0,
    time_limit: float | None = None,
) -> Training:
    """Minimise objective (2) over the weights from random starts; no certificate.

    Parameters
    ----------
    program : ConvexProgram
        Data, loss and beta; neither is changed.
    method : {"adam", "gd", "sgd"}
        Adam on the full gradient, or on batches (of a loss with kinks, on its mean over
        a window of predictions that shrinks to nothing); gradient descent; mini-batch
        SGD with momentum.
    n_neurons : int
        Neurons m of every start, at least 1.
    n_starts : int
        At least 1.  Start k depends on ``seed`` and k only, not on how many there are.
    steps : int
        Updates, at least 1.  With batches an epoch is ``ceil(n / batch_size)`` of them.
    step_size : float, optional
        First step size, above 0.  Adam: relative to the size of the weights at
        the start (0.2 when omitted), falling to 0 along a cosine.  Gradient descent:
        a constant; when omitted, Armijo's condition is asked for, a step that fails
        it is halved and one that meets it grows by 1.3, so the objective never rises
        (a rejected step counts as one).  SGD: falls along a cosine; when omitted,
        half the median of the steps that gradient descent takes in 40 trials from
        the same start, times ``(1 - momentum)`` and the share of samples in a batch.
    batch_size : int, optional
        Samples of a batch, at least 1.  When omitted, 32 for SGD and all for Adam.
    momentum : float
        In [0, 1) (SGD only).
    record : int
        The patterns of all neurons are kept every so many steps, and those of the last
        step; 0 for those of the last step only.
    seed : int
        Not negative.
    time_limit : float, optional
        Seconds for the whole call; then the best network so far is returned.  Starts
        that do not run side by side have equal shares of what is left.  An update is
        not cut short, and step sizes fall as if all of them would come.

    Returns
    -------
    Training
        Also after Ctrl-C, which ends the updates: ``stopped`` says so.

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
    check_kind(program, ConvexProgram, "program")
    begin = time.monotonic()
    deadline = deadline_after(read_seconds(time_limit))
    size = step_size
    if size is not None:
        size = read_number(size, "step_size", above=0.0)
    inertia = read_number(momentum, "momentum", at_least=0.0, below=1.0)
    options = Options(
        method, n_neurons, n_starts, steps, size, batch_size, inertia, record
    )
    options.check(seed)
    task = Task(program, n_neurons)
    seen = _Recorder(task, options)
    with np.errstate(all="ignore"):
        parts, stopped = _parts(task, options, seed, seen, deadline)
    points = np.vstack([part.best for part in parts])
    noted, history = _joined(parts, n_starts)
    objectives = np.full(n_starts, np.nan)
    objectives[: len(points)] = np.concatenate([part.balanced(task) for part in parts])
    lost = int(np.sum(np.isinf(objectives)))
    if lost == len(points):
        raise TrainingDivergedError(
            f"{method} diverged from {'its start' if lost == 1 else 'all starts'} "
            f"with step_size={step_size!r}; use a smaller one, or None."
        )
    if lost:
        text = f"{lost} of {n_starts} starts diverged; step_size={step_size!r}."
        warnings.warn(text, RuntimeWarning, stacklevel=2)
    best = int(np.nanargmin(objectives))
    network = _network(task, points[best])
    objective = program.network_objective(network)
    objectives[best] = objective
    last = _Recorder(task, options)
    last.see(network.weights)
    return Training(
        network=network,
        objective=objective,
        objectives=objectives,
        steps=noted,
        history=history,
        trajectory=seen.patterns(),
        last=last.patterns(),
        method=method,
        stopped=stopped,
        seconds=time.monotonic() - begin,
    )


class _Recorder:
    """Collects distinct patterns, each with the first direction that had it."""

    def __init__(self, task: Task, options: Options) -> None:
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

    def is_due(self, step: int) -> bool:
        """Whether patterns are kept at a step that is not the last."""
        return self.every > 0 and step % self.every == 0

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


class _Part:
    """Some starts, side by side: best points (S, m (d + 1)), and what was noted."""

    def __init__(self, task: Task, point: Array) -> None:
        self.best = point.copy()
        self.least = np.full(len(point), np.inf)
        self.noted: list[tuple[int, Array]] = []
        self.stopped = "steps"
        self._limit = np.full(len(point), np.inf)
        self._task = task

    def note(self, step: int, point: Array) -> None:
        """Note the objectives, once a step; starts that blew up are set to zero."""
        if self.noted and self.noted[-1][0] == step:
            return
        task = self._task
        values = task.values(point, task.outputs(point, task.X)[0])
        lost = ~(values <= self._limit)
        values[lost] = np.inf
        # nothing of a run that blew up is kept, its good beginning neither
        self.least[lost], self._limit[lost] = np.inf, -np.inf
        point[lost] = 0.0
        better = values < self.least
        self.best[better], self.least[better] = point[better], values[better]
        if not self.noted:
            self._limit[~lost] = BLOWN * np.maximum(values[~lost], 1e-300)
        self.noted.append((step, values))

    def balanced(self, task: Task) -> Array:
        """Objectives of the best points after Lemma 2's rescaling; inf if diverged."""
        weights, alphas = task.split(self.best)
        norms = lengths(weights).reshape(alphas.shape)
        gain = 0.5 * task.program.beta * np.sum((norms - np.abs(alphas)) ** 2, axis=1)
        return np.where(np.isfinite(self.least), self.least - gain, np.inf)


def _parts(
    task: Task, options: Options, seed: int, seen: _Recorder, deadline: float
) -> tuple[list[_Part], str]:
    """Train all starts, as many side by side as stay in the cache; say why it ended.

    The first of them are noted at least, whatever the time.
    """
    n_starts = options.n_starts
    size = max(1, CHUNK // max(1, options.n_neurons * len(task.X)))
    parts: list[_Part] = []
    try:
        for first in range(0, n_starts, size):
            if parts and time.monotonic() >= deadline:
                return parts, "time limit"
            end = part_of_time(deadline, size / max(size, n_starts - first))
            numbers = range(first, min(first + size, n_starts))
            parts.append(_run(task, options, seed, numbers, seen, end))
            if parts[-1].stopped == "interrupted":
                return parts, "interrupted"
    except KeyboardInterrupt:
        if not parts:
            raise
        return parts, "interrupted"
    is_whole = all(part.stopped == "steps" for part in parts)
    return parts, "steps" if is_whole else "time limit"


def _run(
    task: Task,
    options: Options,
    seed: int,
    numbers: Sequence[int],
    seen: _Recorder,
    deadline: float,
) -> _Part:
    """Train some starts side by side, until the deadline or Ctrl-C at the latest."""
    point = np.vstack([start_point(task, seed, k) for k in numbers])
    between = max(1, options.steps // N_CHECKS)
    part = _Part(task, point)
    part.note(0, point)
    step = 0
    try:
        rule = RULES[options.method](task, options, point, seed, deadline)
        while step < options.steps:
            if time.monotonic() >= deadline:
                part.stopped = "time limit"
                break
            if step % between == 0:
                part.note(step, point)
            if seen.is_due(step):
                seen.see(task.split(point)[0])
            rule(point, step)
            step += 1
    except KeyboardInterrupt:
        part.stopped = "interrupted"
    part.note(step, point)
    seen.see(task.split(point)[0])
    return part


def _joined(parts: list[_Part], n_starts: int) -> tuple[NDArray[np.int64], Array]:
    """Return the steps noted in any of the parts, and the history of all starts."""
    steps = np.unique([step for part in parts for step, _ in part.noted])
    history = np.full((len(steps), n_starts), np.nan)
    first = 0
    for part in parts:
        end = first + len(part.best)
        for step, values in part.noted:
            history[np.searchsorted(steps, step), first:end] = values
        first = end
    return steps.astype(np.int64), history


def _network(task: Task, point: Array) -> TwoLayerReLU:
    """Balance, and add up neurons of equal sign and pattern where that helps."""
    program = task.program
    weights, alphas = task.split(point[None])
    network = program.network(weights, alphas[0]).balance()
    merged = join_neurons(program, network)
    if program.network_objective(merged) <= program.network_objective(network):
        return merged
    return network
