"""Column generation: a working set of chambers, priced and extended until none is left.

Each round solves the program over the working set (`interior_point`), takes its dual
point ``v``, and adds the chambers at the local maxima of ``|v^T (X u)_+|`` above beta
(`pricing`).  Early rounds are solved loosely: the dual points of an interior point
method are then central, which keeps columns few (Gondzio, Gonzalez-Brevis & Munari
2013).  What pricing finds is no proof; `Round.estimate` would be a lower bound if it
had missed nothing, and the certificate decides whether it has.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from convex_solver.certificates import cover_sphere
from convex_solver.program import ConvexProgram, best_of_blocks
from convex_solver.restricted import RestrictedSolution, empty_set, solve_restricted
from convex_solver.solver.pricing import Maxima, Pricer
from convex_solver.typing import Array

# Random starts of a pricing round for each dimension, and of the first round.
N_RANDOM = 20
N_FIRST = 60
# Rank from which a climb, some r steps of n r operations, is too long for so many.
HIGH = 10.0
# A master problem is solved to this share of the gap; at the end to one of tol, and to
# FINE at least, as the last digits cost an iteration each.
LOOSE = 0.1
TIGHT = 0.2
FINE = 1e-9
# Blocks with a price below this share of beta and next to no weight are dropped.
UNUSED = 0.8
# Maxima that a covering may return, and cones that it visits in a second, about.
N_PEAKS = 200
CONES_PER_SECOND = 1e5
# When climbing finds fewer new maxima than this for each dimension, a covering looks
# for others, unless the last one took more than this share of a master problem.
FEW = 5
PATIENCE = 0.5
QUICK_CONES = 10**5
# Bytes that the working set may take.
MAX_BYTES = 5e8


@dataclass(frozen=True, eq=False)
class Round:
    """What one round did.

    ``upper`` is the least objective of a network so far, ``estimate`` the dual value
    of this round's point scaled by the largest price that was found, ``priced`` the
    number of local maxima compared with beta, ``added`` the new blocks.
    """

    seconds: float
    upper: float
    estimate: float
    n_blocks: int
    priced: int
    added: int
    iterations: int

    @property
    def gap(self) -> float:
        """``(upper - estimate) / upper``; 0 when both are 0."""
        if self.upper <= 0.0:
            return 0.0
        return max((self.upper - self.estimate) / self.upper, 0.0)


class ColumnGeneration:
    """The state of a run: working set, best network, last dual point, history.

    Parameters
    ----------
    program : ConvexProgram
        Of rank 1 or more.
    tol : float
        Relative gap to aim at.
    deadline : float
        Of `time.perf_counter`; may be infinite.
    report : callable, optional
        Called with every `Round`.
    """

    def __init__(
        self,
        program: ConvexProgram,
        tol: float,
        *,
        deadline: float = np.inf,
        report: Callable[[Round], object] | None = None,
        seed: int = 0,
    ) -> None:
        self.program = program
        self.tol = tol
        self.deadline = deadline
        self.report = report
        self.begin = time.perf_counter()
        # orthogonal columns: the scaling of the master's systems then sees every axis
        _, _, vt = np.linalg.svd(program.X, full_matrices=False)
        self.basis = np.ascontiguousarray(vt[: program.rank].T)
        self.X = np.ascontiguousarray(program.X @ self.basis)
        self.pricer = Pricer(self.X, program.arrangement, seed)
        self.blocks = empty_set(self.X, program.n_patches)
        self.history: list[Round] = []
        self.rounds = 0
        n = program.n
        self.network = program.network(np.zeros((0, program.d)), np.zeros(0))
        self.upper = program.data_term.value(np.zeros(n))
        self.v = program.data_term.gradient(np.zeros(n))
        self.estimate = 0.0
        self.maxima = self.pricer.maxima(
            program.spread(self.v),
            np.zeros((0, self.X.shape[1])),
            self._count(N_FIRST),
            deadline,
        )
        self.is_tight = False
        self.added = 0
        self.searching = 0.0

    def _count(self, per_dimension: int) -> int:
        """Random starts: fewer for many rows and where a climb is long."""
        n, r = self.X.shape
        share = min(1.0, 1000.0 / n) * min(1.0, (HIGH / max(r, 1)) ** 2)
        return int(max(10.0, per_dimension * r * share))

    def begin_set(self, guesses: Array | None = None) -> None:
        """Fill the working set: maxima at the zero network, random ones, guesses."""
        r = self.X.shape[1]
        self._add(self.maxima.near, self.maxima.signs)
        some = self.pricer.random.standard_normal((self._count(10), r))
        self.add_directions(some)
        if guesses is not None and len(guesses):
            self.add_directions(guesses)

    def add_directions(self, directions: Array) -> int:
        """Add the chambers of directions (k, r), with both signs."""
        both = np.repeat([1.0, -1.0], len(directions))
        return self._add(np.vstack([directions, directions]), both)

    def _add(self, directions: Array, signs: Array) -> int:
        # without any block there is nothing to solve, so the first ones always fit
        deadline = self.deadline if len(self.blocks) else np.inf
        return self.blocks.add(directions, signs, deadline)

    @property
    def gap(self) -> float:
        """Estimated relative gap of the last round; 1 before the first."""
        return self.history[-1].gap if self.history else 1.0

    @property
    def is_out_of_time(self) -> bool:
        """Whether the deadline has passed."""
        return time.perf_counter() >= self.deadline

    @property
    def is_full(self) -> bool:
        """Whether the working set has reached its memory."""
        return self.blocks.nbytes > MAX_BYTES

    def step(self) -> Round:
        """One round: solve, price, extend."""
        data, beta = self.program.data_term, self.program.beta
        tight = self.is_tight or (self.rounds > 0 and self.added == 0)
        aim = min(TIGHT * self.tol, FINE)
        if not tight:
            aim = max(TIGHT * self.tol, LOOSE * self.gap)
        begin = time.perf_counter()
        solution = solve_restricted(
            self.blocks, data, beta, aim, deadline=self.deadline
        )
        solving = time.perf_counter() - begin
        broken = self.blocks.cut(solution.weights)
        self._take_network(solution)
        self.v = data.clip(solution.v)
        self.maxima = self._price(solution)
        new = self.maxima.values > beta * (1.0 + 0.1 * aim)
        few = FEW * self.X.shape[1]
        if not tight and np.sum(new) < few and self.searching < PATIENCE * solving:
            self.maxima = self.maxima.union(
                self._missed(max(0.05 * self.gap, 0.05 * self.tol), QUICK_CONES)
            )
        largest = self.maxima.largest
        cap = beta / largest if largest > 0.0 else np.inf
        scaled = data.best_scale(self.v, cap) * self.v
        self.estimate = -data.conjugate(scaled)
        if not tight:
            self._prune(solution)
        breaking = self.maxima.values > beta * (1.0 + 0.1 * aim)
        self.added = self._add(self.maxima.near[breaking], self.maxima.signs[breaking])
        self.added += broken
        self.is_tight = tight and self.added == 0
        self.rounds += 1
        latest = Round(
            time.perf_counter() - self.begin,
            self.upper,
            self.estimate,
            len(self.blocks),
            len(self.maxima.values),
            self.added,
            solution.iterations,
        )
        self.history.append(latest)
        if self.report is not None:
            self.report(latest)
        return latest

    def run(self, max_rounds: float = np.inf) -> str:
        """Go on until the estimated gap is at most tol; return why it ended."""
        if self.rounds == 0 and self.maxima.largest <= self.program.beta:
            return "tolerance"  # the zero network, unless the covering objects
        while True:
            if self.is_out_of_time:
                return "time limit"
            if self.rounds >= max_rounds:
                return "max_rounds"
            if self.is_full:
                return "memory"
            was_tight = self.is_tight
            latest = self.step()
            if latest.gap <= 0.5 * self.tol and latest.added == 0:
                return "tolerance"
            if latest.gap <= 0.3 * self.tol:
                return "tolerance"
            if was_tight and self.added == 0:
                # solved as well as it can be, and pricing finds nothing more
                return "stalled"

    def search(self, max_cones: int) -> int:
        """Cover the sphere; add the chambers that pricing missed, and count them.

        A covering sees every direction, so what it finds is what random starts did
        not.  Its bound is not used: the certificate makes its own.
        """
        margin = 0.05 * self.tol
        missed = self._missed(margin, max_cones)
        breaking = missed.values > self.program.beta * (1.0 + 0.2 * margin)
        if missed.largest <= self.program.beta * (1.0 + 2.0 * margin):
            return 0
        self.added = self._add(missed.near[breaking], missed.signs[breaking])
        self.is_tight = False
        self.maxima = missed.union(self.maxima)
        return self.added

    def _missed(self, margin: float, max_cones: int) -> Maxima:
        """Return maxima that a covering leads to, above ``beta (1 + margin)``."""
        begin = time.perf_counter()
        found = cover_sphere(
            self.X,
            self.program.spread(self.v),
            floor=self.program.beta * (1.0 + margin),
            rtol=max(margin, 1e-11),
            hints=self.maxima.directions[:N_PEAKS],
            n_peaks=N_PEAKS,
            max_cones=max_cones,
        )
        self.searching = time.perf_counter() - begin
        return self.pricer.maxima(
            self.program.spread(self.v), found.peaks, 0, self.deadline
        )

    def cones_in_time(self) -> int:
        """Cones that a covering can visit in the time left, or in a few seconds."""
        left = min(max(self.deadline - time.perf_counter(), 1.0), 1e6)
        return int(CONES_PER_SECOND * left)

    def useful_directions(self) -> Array:
        """Directions inside the chambers of the last program that carry a neuron."""
        near = self.maxima.near[self.maxima.values > 0.9 * self.program.beta]
        return np.vstack([self.network.weights @ self.basis, near])

    def _price(self, solution: RestrictedSolution) -> Maxima:
        norms = np.linalg.norm(solution.weights, axis=1)
        active = norms > 1e-6 * norms.max(initial=0.0)
        beta = self.program.beta
        old = self.maxima.directions[self.maxima.values > 0.9 * beta]
        seeds = np.vstack([solution.weights[active], old])
        return self.pricer.maxima(
            self.program.spread(self.v), seeds, self._count(N_RANDOM), self.deadline
        )

    def _prune(self, solution: RestrictedSolution) -> None:
        """Drop blocks that are far from use, so that master problems stay small."""
        n, r = self.program.n, self.X.shape[1]
        if len(self.blocks) * r <= n + 30 * r:
            return
        norms = np.linalg.norm(solution.weights, axis=1)
        used = norms > 1e-3 * norms.max(initial=0.0)
        near = solution.prices > UNUSED * self.program.beta
        self.blocks.keep(used | near)

    def _take_network(self, solution: RestrictedSolution) -> None:
        network = best_of_blocks(
            self.program, solution.weights @ self.basis.T, self.blocks.signs
        )
        value = self.program.network_objective(network)
        if value <= self.upper:
            self.upper, self.network = value, network
