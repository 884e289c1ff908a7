"""Column generation: a working set of chambers, priced and extended until none is left.

Each round solves the program over the working set (`Columns`), takes its dual point
``v``, and adds the chambers at the local maxima of ``|v^T (X u)_+|`` above beta
(`Search`).  Early rounds are solved loosely: the dual points of an interior point
method are then central, which keeps columns few (Gondzio, Gonzalez-Brevis & Munari
2013).  What pricing finds is no proof: what the dual value would be if it had missed
nothing is an estimate that steers the run and is shown to nobody.  Where that has
halved its gap, a short covering proves a bound, and the best one is kept.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from arrangement.options import short_repr
from convex_solver.certificates import (
    COVERED_RANK,
    LowerBound,
    lower_bound,
    rounded_share,
)
from convex_solver.networks import TwoLayerReLU
from convex_solver.program import (
    ConvexProgram,
    best_of_blocks,
    blocks_from_network,
    rotated,
)
from convex_solver.reading import part_of_time
from convex_solver.restricted import RestrictedSolution, solve_restricted
from convex_solver.rounding import lengths
from convex_solver.solver.columns import MAX_BYTES, SPARED, Columns
from convex_solver.solver.local_search import Found
from convex_solver.solver.pricing import Maxima
from convex_solver.solver.search import Search
from convex_solver.typing import Array

# Maxima of a first network, where searches find none; its seconds at least, its gap.
N_FIRST, FIRST_SECONDS, FIRST_GAP = 5, 0.3, 1e-4
# Random chambers that a working set begins with, for each dimension.
N_BEGIN = 10
# A master problem is solved to this share of the gap; at the end to one of tol, and to
# FINE at least, as the last digits cost an iteration each.
LOOSE = 0.1
TIGHT = 0.2
FINE = 1e-9
# A share of tol that is enough where a master problem ends for want of digits.
ENOUGH = 0.1
# When climbing finds fewer new maxima than this for each dimension, a covering looks
# for others, unless the last one took more than this share of a master problem.  A cone
# takes about as long as CONE entries in an iteration; seconds, which differ from run to
# run, would make the result differ too.
FEW = 5
PATIENCE = 0.5
CONE = 65
QUICK_CONES = 10**5
# A bound is certified again when the estimated gap is this share of what it was, with
# cones that take this share of the time of the master problem, and some at least.
HALF, PROOF, FEWEST_CONES = 0.5, 0.25, 2000
# A bound so many times as far away as the estimate asks for more cones the next time.
FAR = 2.0
# The exact sums over the samples take about so many entries for each.
SAMPLE = 3000
# Share of what is left of the time for the last covering, as a certificate needs as
# much again.
COVERING_SHARE = 0.3
# Before the gap is this small, a covering has far too much to look at above beta.
NEAR_GAP = 0.03
# How far a neuron of a local search is moved to be inside a chamber, as a share of it.
NUDGE = 1e-6
# Neurons of a local search of less than this share of the largest are no chambers.
LIGHT = 1e-6


@dataclass(frozen=True, eq=False)
class Round:
    """What one round did.

    ``upper`` is the least objective of a network so far, ``lower`` the best lower bound
    of the optimum that was certified so far (0 before the first), ``n_blocks`` those of
    the program, or directions of neurons that moved, ``priced`` the number of local
    maxima compared with beta, ``added`` the new blocks or directions.
    """

    seconds: float
    upper: float
    lower: float
    n_blocks: int
    priced: int
    added: int
    iterations: int

    __repr__ = short_repr

    @property
    def gap(self) -> float:
        """``(upper - lower) / upper``; 0 when both are 0."""
        return _gap(self.upper, self.lower)


def _gap(upper: float, lower: float) -> float:
    return max((upper - lower) / upper, 0.0) if upper > 0.0 else 0.0


class ColumnGeneration:
    """A run: best network, last dual point, the round that it is in.

    Parameters
    ----------
    program : ConvexProgram
        Of rank 1 or more.
    tol : float
        Relative gap to aim at.
    deadline : float
        Of `time.monotonic`; may be infinite.
    report : callable, optional
        Called with every `Round`.
    n_jobs : int
        Threads of the search for prices.
    executor : concurrent.futures.Executor, optional
        Of coverings that are long.
    max_cones : int
        Of the coverings that certify a bound on the way, for each sign.
    """

    def __init__(
        self,
        program: ConvexProgram,
        tol: float,
        *,
        deadline: float = np.inf,
        report: Callable[[Round], object] | None = None,
        seed: int = 0,
        n_jobs: int = 1,
        executor: Executor | None = None,
        max_cones: int = QUICK_CONES,
    ) -> None:
        self.program = program
        self.most_cones = min(max_cones, QUICK_CONES)
        self.tol = tol
        self.deadline = deadline
        self.report = report
        self.begin = time.monotonic()
        # orthogonal columns: the scaling of the master's systems then sees every axis
        self.X, self.basis = program.principal()
        self.network = program.network(np.zeros((0, program.d)), np.zeros(0))
        # the best one with at most n neurons, where time ends before any is reduced
        self.narrow = self.network
        self.upper = program.data_term.value(np.zeros(program.n))
        self.v = program.data_term.gradient(np.zeros(program.n))
        self.columns = Columns(self.X, program.n_patches, deadline)
        self.prices = Search(
            program, self.X, self.basis, self.v, seed, deadline, n_jobs, executor
        )
        self.history: list[Round] = []
        self.estimate, self._gap = 0.0, 1.0
        self.proven: LowerBound | None = None
        # the estimated gap when a bound was last proven, or tried to be
        self._tried = 1.0
        # what these took and may take, in entries visited
        self._paid, self._allowed = 0.0, 0.0
        self._cones = FEWEST_CONES
        self.is_tight = False
        self.added = 0
        # where the proof is far behind, a gap that is enough for now
        self.enough = 0.0

    def begin_set(self, guesses: Array | None = None) -> None:
        """Fill the working set: maxima at the zero network, random ones, guesses."""
        self.columns.add_breaking(self.prices.maxima, -np.inf)
        room = 0.5 * SPARED * MAX_BYTES / (8.0 * max(self.X.size, 1))
        self.columns.add_both(self.prices.random_directions(N_BEGIN, room))
        if guesses is not None and len(guesses):
            self.columns.add_both(guesses)

    def begin_near(self, found: Found) -> None:
        """Add the chambers of a network, and keep it if it is the best one so far.

        Its blocks are in the columns of the program.
        """
        every = rotated(found.blocks, self.basis)
        sizes = lengths(every)
        used = sizes > LIGHT * sizes.max(initial=0.0)
        blocks, signs = every[used], found.signs[used]
        # many neurons of a local optimum are on a hyperplane, between chambers
        z = blocks * self.prices.pricer.sizes
        aside = np.random.default_rng(len(z)).standard_normal(z.shape)
        z += NUDGE * lengths(z)[:, None] * aside
        self.columns.add(z / self.prices.pricer.sizes, signs)
        # a network that is zero but for rounding is none
        self._take_blocks(blocks, signs, self.upper * (1.0 - 1e-12))

    def begin_with_few(self) -> None:
        """Solve over a few maxima at the zero network: a first network, at once."""
        values = self.prices.maxima.values
        if not len(values):
            return
        least = values[min(N_FIRST, len(values)) - 1]
        self.columns.add_breaking(self.prices.maxima, least * (1.0 - 1e-12))
        if len(self.columns.blocks):
            late = max(self.deadline, time.monotonic() + FIRST_SECONDS)
            self._take_network(self._solve(FIRST_GAP, late))

    def take(self, network: TwoLayerReLU, objective: float, v: Array) -> None:
        """Take a network and a dual point from elsewhere: a round by itself."""
        weights, signs = rotated(network.weights, self.basis), np.sign(network.alphas)
        self.columns.add(weights, signs)
        if objective <= self.upper:
            self.network, self.upper = network, objective
            if network.n_neurons <= self.program.n:
                self.narrow = network
        self.v = self.program.data_term.clip(v)
        self.prices.climb(self.v, weights, signs)
        self.estimate = self.dual_estimate()
        self._note(0)

    def take_moved(
        self, blocks: Array, signs: Array, v: Array, size: int, added: int, steps: int
    ) -> None:
        """Take a network that moved, and the dual point beside it: a round by itself.

        ``blocks`` (m, r) in the coordinates of X, of ``size`` directions, ``added`` of
        them new; they moved by so many ``steps``.
        """
        self._take_blocks(blocks, signs, self.upper)
        self.v = self.program.data_term.clip(v)
        self.prices.climb(self.v, blocks, signs, is_near=True)
        self.estimate = self.dual_estimate()
        self._prove((steps + 1) * size * self.X.size)
        self.added = added
        self._note(0, size)

    def recall(self, v: Array, maxima: Maxima) -> None:
        """Go back to a dual point of before, and to its maxima."""
        self.v, self.prices.maxima = v, maxima
        self.estimate = self.dual_estimate()
        self._gap = _gap(self.upper, self.estimate)

    @contextmanager
    def until(self, deadline: float) -> Iterator[None]:
        """Have another deadline for a while."""
        own = self.deadline
        self.deadline = self.prices.deadline = self.columns.deadline = deadline
        try:
            yield
        finally:
            self.deadline = self.prices.deadline = self.columns.deadline = own

    def blocks_of_network(self) -> tuple[Array, Array]:
        """Return blocks (m, r) of the best network in the coordinates of X, signs."""
        blocks, signs = blocks_from_network(self.network)
        return rotated(blocks, self.basis), signs

    @property
    def n_blocks(self) -> int:
        """Blocks of the last program, or directions where neurons moved last."""
        is_moved = self.history and not self.history[-1].iterations
        return self.history[-1].n_blocks if is_moved else len(self.columns.blocks)

    @property
    def gap(self) -> float:
        """Estimated relative gap of the last round; 1 before the first."""
        return self._gap

    @property
    def is_out_of_time(self) -> bool:
        """Whether the deadline has passed."""
        return time.monotonic() >= self.deadline

    def run(self, max_rounds: float = np.inf) -> str:
        """Go on until the estimated gap is at most tol; return why it ended."""
        if not self.history and self.prices.maxima.largest <= self.program.beta:
            return "tolerance"  # the zero network, unless the covering objects
        while True:
            if self.is_out_of_time:
                return "time limit"
            if len(self.history) >= max_rounds:
                return "max_rounds"
            if self.columns.is_full:
                return "memory"
            if not len(self.columns.blocks):
                return "stalled"  # float64 holds the inside of no chamber
            was_tight = self.is_tight
            latest = self.step()
            if self.gap <= 0.5 * self.tol and latest.added == 0:
                return "tolerance"
            if self.gap <= max(0.3 * self.tol, self.enough):
                return "tolerance"
            if was_tight and self.added == 0:
                # solved as well as it can be, and pricing finds nothing more
                return "stalled"

    def step(self) -> Round:
        """One round: solve, price, extend."""
        beta = self.program.beta
        tight = self.is_tight or (bool(self.history) and self.added == 0)
        aim = self._aim(tight)
        solution = self._solve(aim, self.deadline)
        effort = solution.iterations * len(self.columns.blocks) * self.X.size
        broken = self.columns.cut(solution.weights)
        before = self.upper
        self._take_network(solution)
        self.v = self.program.data_term.clip(solution.v)
        self._price(solution, beta * (1.0 + 0.1 * aim), effort, tight)
        self.estimate = self.dual_estimate()
        self._prove(effort)
        if not tight and self.upper < before:
            # otherwise what is dropped could come back for ever
            self.columns.prune(solution, beta)
        found = self.columns.add_breaking(self.prices.maxima, beta * (1.0 + 0.1 * aim))
        self.added = found + broken
        self.is_tight = tight and self.added == 0
        return self._note(solution.iterations)

    def search(self, max_cones: int) -> int:
        """Cover the sphere; add the chambers that pricing missed, and count them.

        None in high rank, where no covering ends, and where one has proven enough.
        """
        if self.program.rank > COVERED_RANK or self._proven_gap <= self.tol:
            return 0
        beta = self.program.beta
        # a price above beta by this share costs no more of the dual value
        margin = max(0.05, 0.3 * (1.0 - self.gap / self.tol)) * self.tol
        # no covering ends below what rounding takes of a price
        share = rounded_share(self.program.data, self.program.spread(self.v), beta)
        room = max(margin, share) if np.isfinite(share) else margin
        end = part_of_time(self.deadline, COVERING_SHARE)
        missed = self.prices.cover(self.v, room, max_cones, end)
        if missed.largest <= beta * (1.0 + 2.0 * margin):
            return 0
        self.added = self.columns.add_breaking(missed, beta * (1.0 + 0.2 * margin))
        self.is_tight = False
        self.prices.maxima = missed.union(self.prices.maxima)
        return self.added

    def useful_directions(self) -> Array:
        """Directions inside the chambers of the last program that carry a neuron."""
        near = self.prices.promising().near
        return np.vstack([rotated(self.network.weights, self.basis), near])

    def _aim(self, tight: bool) -> float:
        """Relative gap to solve the master problem to."""
        if tight:
            return min(TIGHT * self.tol, FINE)
        return max(TIGHT * self.tol, LOOSE * self.gap)

    def _solve(self, aim: float, deadline: float) -> RestrictedSolution:
        return solve_restricted(
            self.columns.blocks,
            self.program.data_term,
            self.program.beta,
            aim,
            enough=ENOUGH * self.tol,
            deadline=deadline,
        )

    def _take_network(self, solution: RestrictedSolution) -> None:
        """Keep the network of the master problem if it is the best one so far."""
        self._take_blocks(solution.weights, self.columns.blocks.signs, self.upper)

    def _take_blocks(self, blocks: Array, signs: Array, most: float) -> None:
        network = best_of_blocks(self.program, blocks @ self.basis.T, signs)
        value = self.program.network_objective(network)
        if value <= most:
            self.upper, self.network = value, network
            if network.n_neurons <= self.program.n:
                self.narrow = network

    def _price(
        self, solution: RestrictedSolution, price: float, effort: int, tight: bool
    ) -> None:
        """Find the maxima of the new dual point, by a covering too where few are new.

        ``price`` is what new ones are above, ``effort`` what the master problem took:
        entries of the matrix visited for each block and iteration.
        """
        prices = self.prices
        prices.climb(self.v, solution.weights, self.columns.blocks.signs)
        is_few = np.sum(prices.maxima.values > price) < FEW * self.X.shape[1]
        is_few &= self.program.rank <= COVERED_RANK and self.gap <= NEAR_GAP
        if not tight and is_few and CONE * prices.n_cones < PATIENCE * effort:
            margin = max(0.05 * self.gap, 0.05 * self.tol)
            missed = prices.cover(self.v, margin, QUICK_CONES)
            prices.maxima = prices.maxima.union(missed)

    def dual_estimate(self) -> float:
        """Dual value of the point scaled by the largest price that was found."""
        data, largest = self.program.data_term, self.prices.maxima.largest
        cap = self.program.beta / largest if largest > 0.0 else np.inf
        return -data.conjugate(data.best_scale(self.v, cap) * self.v)

    @property
    def lower(self) -> float:
        """The best lower bound of the optimum that is certified; 0 before the first."""
        return 0.0 if self.proven is None else self.proven.value

    @property
    def _proven_gap(self) -> float:
        return _gap(self.upper, self.lower)

    def _prove(self, effort: int) -> None:
        """Certify a bound with some cones, where the estimate has come much nearer."""
        self._allowed += PROOF * effort
        gap = _gap(self.upper, self.estimate)
        is_near = gap <= HALF * self._tried and self.estimate > self.lower
        if not is_near or self.program.rank > COVERED_RANK:
            return
        # not by the clock, so that the same call gives the same bounds
        cones = int(min(max(PROOF * effort / CONE, self._cones), self.most_cones))
        cost = 2 * CONE * cones + SAMPLE * self.program.n
        # one that ends earlier than the last one did proves next to nothing
        if self._paid + cost > self._allowed or 2 * cones < self.prices.n_cones:
            return
        self._tried, self._paid = gap, self._paid + cost
        found = lower_bound(
            self.program.data,
            self.program.loss,
            self.v,
            self.prices.maxima.directions @ self.basis.T,
            self.program.beta,
            rtol=max(LOOSE * gap, 0.1 * self.tol, FINE),
            max_cones=cones,
            deadline=self.deadline,
            n_jobs=self.prices.n_jobs,
            executor=self.prices.executor,
        )
        if found.value > self.lower:
            self.proven = found
        if self.upper - found.value > FAR * (self.upper - self.estimate):
            self._cones *= 2

    def _note(self, iterations: int, n_moved: int = 0) -> Round:
        """Add the round to the history and report it; of ``n_moved`` directions."""
        self._gap = _gap(self.upper, self.estimate)
        latest = Round(
            time.monotonic() - self.begin,
            self.upper,
            self.lower,
            n_moved or len(self.columns.blocks),
            len(self.prices.maxima.values),
            self.added,
            iterations,
        )
        self.history.append(latest)
        if self.report is not None:
            self.report(latest)
        return latest
