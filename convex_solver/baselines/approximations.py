"""The convex program over some patterns only: what others use in place of all of them.

Any list of patterns gives a restricted program whose optimum is a network's objective,
an upper bound of the true optimum.  How far above it is only the exact bound can tell,
so that every `Approximation` carries its true gap, unless no bound is wanted.

Of the methods that Pilanci & Ergen (2020) compare, the appendix fixes only the first
(Figure 10: patterns along gradient descent and of 50 clusters of patches).  `alg2` and
`alg3` are readings of their names, stated in their docstrings.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace

import numpy as np

from arrangement import InputError
from arrangement.options import short_repr, whole_number
from convex_solver.baselines.clusters import cluster_directions
from convex_solver.networks import TwoLayerReLU
from convex_solver.program import ConvexProgram, reduce_network
from convex_solver.reading import LEAST_SECONDS, TOL, Limits, check_kind, part_of_time
from convex_solver.restricted import blocks_of, solve_by_cuts
from convex_solver.solver import (
    RelaxedProgram,
    Solution,
    relaxed_certificate,
    solve,
)
from convex_solver.training import Training, train
from convex_solver.typing import Array

# The exact optimum is sought for the gap up to this rank, for so many seconds, to this
# relative gap.
BOUND_RANK = 6
BOUND_SECONDS = 20.0
BOUND_TOL = 1e-6
# Share of the time that a training takes, where the call has to train.
TRAINING_SHARE = 0.5
# Shares of what is left then: of the time to find the cones of the patterns, and of the
# time to solve their program; the rest is for dropping neurons, and for the bound.
SET_UP_SHARE, SOLVE_SHARE = 0.4, 0.7


@dataclass(frozen=True, eq=False)
class Approximation:
    """The optimum over some patterns, and what is known about the rest.

    Attributes
    ----------
    network : TwoLayerReLU
    objective : float
        Its objective (2), as it is: ``program.network_objective(network)``.
    lower_bound : float or None
        Certified lower bound of the optimum over all patterns; None if none was wanted.
    n_patterns : int
        Distinct patterns of the restricted program, each with both signs.
    restricted_bound : float
        Dual value of the restricted program in float64; no bound of the true optimum.
        (A run that ``time_limit`` ended may have an objective below it: a neuron has
        then left its cone, for a pattern that is not in the list.)
    source : str
        Where the patterns come from.
    training : Training or None
        The local search that they were taken from.
    seconds : float
        Of the restricted program: without drawing or clustering, training and the
        exact bound.
    """

    network: TwoLayerReLU
    objective: float
    lower_bound: float | None
    n_patterns: int
    restricted_bound: float = field(repr=False)
    source: str
    training: Training | None = field(repr=False)
    seconds: float

    __repr__ = short_repr

    @property
    def gap(self) -> float | None:
        """``(objective - lower_bound) / objective``, None if unknown; 0 if both are 0.

        The true gap: how far the patterns left out have put the result from the
        optimum of all networks, at most.
        """
        if self.lower_bound is None:
            return None
        if self.objective <= 0.0:
            return 0.0
        return max(self.objective - self.lower_bound, 0.0) / self.objective

    @property
    def restricted_gap(self) -> float:
        """Relative gap to which the restricted program was solved."""
        if self.objective <= 0.0:
            return 0.0
        return max(self.objective - self.restricted_bound, 0.0) / self.objective

    def __str__(self) -> str:
        """Return the result in one line."""
        gap = "unknown" if self.gap is None else f"{self.gap:.1e}"
        return (
            f"{self.source}: objective {self.objective:.10g} over {self.n_patterns:,} "
            f"patterns, gap {gap}"
        )


def approximate(
    program: ConvexProgram,
    *,
    n_directions: int = 1000,
    seed: int = 0,
    tol: float = TOL,
    time_limit: float | None = None,
    bound: Solution | float | str | None = "auto",
) -> Approximation:
    """Solve the program over the patterns of Gaussian directions.

    Parameters
    ----------
    program : ConvexProgram
    n_directions : int
        Directions drawn, at least 1; several may have one pattern.
    seed : int
        Not negative.
    tol : float
        Relative gap to which the restricted program is solved, above 0.
    time_limit : float, optional
        Seconds for the whole call, above 0: patterns whose cones were not found by
        then are left out, the restricted program is left as it is, and a bound is
        sought in what is left.  A training of the call's own takes half at most.
    bound : Solution, float, "auto" or None
        For the true gap: a solution of the same program, or a certified lower bound;
        "auto" solves the program itself, or above rank 6 its relaxation, for up to 20
        seconds, and takes what is certified then; None does not try.

    Returns
    -------
    Approximation

    Raises
    ------
    InputError
        An option out of range, a bound above the objective found.
    ProgramTooLargeError
        If the blocks would take over 1 GB.

    Examples
    --------
    >>> X = [[-2, 1], [-1, 1], [0, 1], [1, 1], [2, 1]]
    >>> program = ConvexProgram(X, [1, -1, 1, 1, -1], beta=1e-4)
    >>> few = approximate(program, n_directions=3)
    >>> many = approximate(program, n_directions=500)
    >>> many.n_patterns, many.gap < 1e-5 < few.gap
    (10, True)
    """
    check_kind(program, ConvexProgram, "program")
    run = _Run(tol, time_limit, bound)
    whole_number(n_directions, "n_directions", 1)
    whole_number(seed, "seed", 0)
    random = np.random.default_rng(seed)
    drawn = random.standard_normal((n_directions, program.d))
    source = f"{n_directions:,} Gaussian directions"
    return _solve_over(program, drawn, source, None, run)


def alg1(
    program: ConvexProgram,
    *,
    training: Training | None = None,
    n_clusters: int = 50,
    seed: int = 0,
    tol: float = TOL,
    time_limit: float | None = None,
    bound: Solution | float | str | None = "auto",
) -> Approximation:
    """Solve over the patterns seen along gradient descent and those of clusters.

    Parameters
    ----------
    program, seed, tol, time_limit, bound
        As for `approximate`.
    training : Training, optional
        Its ``trajectory`` and ``last`` patterns are used.  When omitted: gradient
        descent on 50 neurons for 500 steps, recorded every 250.
    n_clusters : int
        Clusters of the rows (of the patches, where there are patches), at least 0.

    Returns
    -------
    Approximation

    Raises
    ------
    InputError, ProgramTooLargeError
        As for `approximate`; a training of another program.

    Notes
    -----
    Alg1 of Figure 10 of Pilanci & Ergen (2020), which has 50 clusters of patches; the
    only one of the three that the paper's appendix fixes.  The cluster directions are
    the k-means centres less the mean of all rows, and their negatives: rows without
    negative entries, as of pixels, are on one side of every centre itself.  As the
    patterns of the last network are among them, the result is not worse than it, also
    where the time ends before the program is solved.

    Examples
    --------
    >>> X = [[-2, 1], [-1, 1], [0, 1], [1, 1], [2, 1]]
    >>> program = ConvexProgram(X, [1, -1, 1, 1, -1], beta=0.1)
    >>> found = alg1(program, n_clusters=3)
    >>> found.objective < found.training.objective
    True
    """
    check_kind(program, ConvexProgram, "program")
    run = _Run(tol, time_limit, bound)
    whole_number(n_clusters, "n_clusters", 0)
    whole_number(seed, "seed", 0)
    if training is None:
        training = _trained(program, run, record=250, seed=seed)
    centres = cluster_directions(program, n_clusters, seed=seed, deadline=run.deadline)
    directions = [_taken(program, training, "trajectory"), centres]
    source = f"{training.method} trajectory and {n_clusters} clusters"
    return _solve_over(program, np.vstack(directions), source, training, run)


def alg2(
    program: ConvexProgram,
    *,
    n_directions: int = 1000,
    seed: int = 0,
    tol: float = TOL,
    time_limit: float | None = None,
    bound: Solution | float | str | None = "auto",
) -> Approximation:
    """Solve over patterns sampled evenly in the column space of the data.

    Parameters
    ----------
    program, n_directions, seed, tol, time_limit, bound
        As for `approximate`.

    Returns
    -------
    Approximation

    Raises
    ------
    InputError, ProgramTooLargeError
        As for `approximate`.

    Notes
    -----
    The paper's Alg2 samples patterns; its appendix fixes only Alg1.  Here
    ``X u = Q g`` with Q an orthonormal basis of the columns and Gaussian g: patterns
    depend on nothing but the column space, and so does this way of drawing them,
    while that of `approximate` depends on how the columns are scaled and correlated.

    Examples
    --------
    >>> program = ConvexProgram([[1.0, 2.0], [3.0, -1.0]], [1.0, 0.0], 0.1)
    >>> alg2(program, n_directions=100).gap < 1e-5
    True
    """
    check_kind(program, ConvexProgram, "program")
    run = _Run(tol, time_limit, bound)
    whole_number(n_directions, "n_directions", 1)
    whole_number(seed, "seed", 0)
    _, sizes, vt = np.linalg.svd(program.X, full_matrices=False)
    kept = np.arange(len(sizes)) < program.rank
    random = np.random.default_rng(seed)
    drawn = random.standard_normal((n_directions, int(kept.sum())))
    directions = (drawn / sizes[kept]) @ vt[kept]
    source = f"{n_directions:,} directions sampled in the column space"
    return _solve_over(program, directions, source, None, run)


def alg3(
    program: ConvexProgram,
    *,
    training: Training | None = None,
    seed: int = 0,
    tol: float = TOL,
    time_limit: float | None = None,
    bound: Solution | float | str | None = "auto",
) -> Approximation:
    """Solve over the patterns that gradient descent has at its end.

    Parameters
    ----------
    program, seed, tol, time_limit, bound
        As for `approximate`.
    training : Training, optional
        Its ``last`` patterns are used.  When omitted: gradient descent on 50 neurons
        for 500 steps.

    Returns
    -------
    Approximation

    Raises
    ------
    InputError, ProgramTooLargeError
        As for `approximate`; a training of another program.

    Notes
    -----
    The paper's Alg3 takes patterns of gradient descent; its appendix fixes only Alg1.

    Examples
    --------
    >>> program = ConvexProgram([[1.0, 2.0], [3.0, -1.0]], [1.0, 0.0], 0.1)
    >>> alg3(program).source
    'last gd network'
    """
    check_kind(program, ConvexProgram, "program")
    run = _Run(tol, time_limit, bound)
    whole_number(seed, "seed", 0)
    if training is None:
        training = _trained(program, run, record=0, seed=seed)
    directions = _taken(program, training, "last")
    source = f"last {training.method} network"
    return _solve_over(program, directions, source, training, run)


def _trained(program: ConvexProgram, run: _Run, *, record: int, seed: int) -> Training:
    """Train by gradient descent; Ctrl-C ends the whole call."""
    seconds = TRAINING_SHARE * max(run.deadline - time.monotonic(), LEAST_SECONDS)
    found = train(
        program,
        method="gd",
        steps=500,
        record=record,
        seed=seed,
        time_limit=None if math.isinf(seconds) else seconds,
    )
    if found.stopped == "interrupted":
        raise KeyboardInterrupt
    return found


def _taken(program: ConvexProgram, training: Training, which: str) -> Array:
    """Directions of a training's patterns, those of its last network first."""
    check_kind(training, Training, "training")
    directions = training.last.directions
    if which == "trajectory":
        directions = np.vstack([directions, training.trajectory.directions])
    words = (len(program.X) + 63) // 64
    if directions.shape[1] != program.d or training.last.packed.shape[1] != words:
        raise InputError(
            f"the training is of a program with {directions.shape[1]} columns; this "
            f"one has {program.d} and {len(program.X)} rows. Train on it."
        )
    return directions


class _Run:
    """Tolerance, time and bound of one call, checked; the clock starts here."""

    def __init__(
        self, tol: float, time_limit: float | None, bound: Solution | float | str | None
    ) -> None:
        limits = Limits(tol, time_limit, None, 1)
        _check_bound(bound)
        self.tol, self.bound = limits.tol, bound
        self.begin = time.monotonic()
        seconds = math.inf if limits.time_limit is None else limits.time_limit
        self.deadline = self.begin + seconds


def _solve_over(
    program: ConvexProgram,
    directions: Array,
    source: str,
    training: Training | None,
    run: _Run,
) -> Approximation:
    """Solve the program over the patterns of directions (k, d)."""
    begin = time.monotonic()
    _, basis = program.principal()
    blocks = blocks_of(
        program, basis, directions, part_of_time(run.deadline, SET_UP_SHARE)
    )
    best = program.network(np.zeros((0, program.d)), np.zeros(0))
    objective = restricted = program.network_objective(best)
    if training is not None and training.objective < objective:
        # a program that the time ends may be far from the network that it began with
        best, objective = training.network, training.objective
    if len(blocks):
        network, restricted = solve_by_cuts(
            program, blocks, basis, run.tol, part_of_time(run.deadline, SOLVE_SHARE)
        )
        network = reduce_network(program, network, deadline=run.deadline)
        value = program.network_objective(network)
        if value < objective:
            best, objective = network, value
    found = Approximation(
        network=best,
        objective=objective,
        lower_bound=None,
        n_patterns=(len(blocks) + 1) // 2,
        restricted_bound=restricted,
        source=source,
        training=training,
        seconds=time.monotonic() - begin,
    )
    return replace(found, lower_bound=_lower_bound(program, objective, run))


def _check_bound(bound: Solution | float | str | None) -> None:
    if bound is None or isinstance(bound, Solution) or bound == "auto":
        return
    is_number = isinstance(bound, (int, float)) and not isinstance(bound, bool)
    if not (is_number and 0.0 <= float(bound) < math.inf):
        raise InputError(
            f"bound={bound!r}; expected a Solution, a lower bound of at least 0, "
            "'auto' or None."
        )


def _lower_bound(program: ConvexProgram, objective: float, run: _Run) -> float | None:
    """Return a certified lower bound of the optimum, or None where there is none."""
    bound = run.bound
    if bound is None:
        return None
    if isinstance(bound, str):
        seconds = min(BOUND_SECONDS, run.deadline - time.monotonic())
        if seconds <= 0.0:
            return None
        if program.rank <= BOUND_RANK or not RelaxedProgram.takes(program):
            bound = solve(program, tol=BOUND_TOL, time_limit=seconds)
        else:
            none = program.network(np.zeros((0, program.d)), np.zeros(0))
            deadline = time.monotonic() + seconds
            found = RelaxedProgram(program).refine(
                objective, BOUND_TOL, deadline, most=2
            )
            if found is None:
                return None
            bound = relaxed_certificate(program, none, found, math.inf).lower_bound
    lower = bound.lower_bound if isinstance(bound, Solution) else float(bound)
    # a certificate is below every network's objective, but for its rounding
    if lower > objective * (1.0 + 1e-12):
        raise InputError(
            f"the bound {lower!r} is above the objective {objective!r} of a network: "
            "it is not one of this program."
        )
    return lower
