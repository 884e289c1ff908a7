"""The program with its chambers replaced by leaves: a dual point in any dimension.

A network is a point of the relaxed program (`convex_solver.leaves.point`), with the
moments of the neurons of one sign in one leaf, so its value is a lower bound; its
multipliers ``v`` are a dual point of the program itself, and feasible: what the moments
say of each leaf proves it.  Where the bounds of the rows leave most open, leaves are
halved (`convex_solver.solver.halving`), as many as there is time for.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from arrangement.io import heard_once
from convex_solver.certificates import Certificate, bounds
from convex_solver.leaves import MOST_RANK, DualPoint, Hint, Rows
from convex_solver.losses import DataTerm
from convex_solver.networks import TwoLayerReLU
from convex_solver.program import ConvexProgram
from convex_solver.reading import fits
from convex_solver.solver.halving import Halving, Pace, Part, chosen
from convex_solver.typing import Array

MOST_STEPS = 100
# Steps without a better bound after which it is sought in the centre, how many steps
# towards that, and the complementarity from which on, as a share of the objective.
PATIENCE, CENTRING, NEAR = 4, 4, 0.03
# Of the gap that is asked for, what the program itself may leave; of the gap to a
# network, where leaves are halved afterwards.
LAST, ROUGH = 0.3, 0.07
# Weight of the first moments, as a share of the zero network's objective over beta.
START = 0.5
# Complementarity, as a share of the objective, with which a run begins whose leaves
# were halved: from moments that the last one had then.
WARM = 0.3
# Rows with entries below this share of the largest singular value are left out: their
# squares would underflow.
SHORTEST = 2.0**-200
# Leaves of a refinement that is told no other number.
MOST_LEAVES = 512
# Products of two columns in all rows, which are kept three times.
MOST_PRODUCTS = 1.6e8
# A certificate reads leaves in this many times what rows and point of a run take.
READING = 3.0
# Decimals of the shares in hints.
DIGITS = 6
# Entries that a run may have, and about what it has for each leaf: for each row, and
# for each square of the number of moments.
MOST_ENTRIES, ROW_ENTRIES, WIDTH_ENTRIES = 1e8, 60, 6


@dataclass(frozen=True, eq=False)
class RelaxedSolution:
    """A dual point, and about the lower bound that it gives.

    ``v`` (n,); ``estimate``, the dual value when it is scaled to be feasible, but for
    rounding; ``value`` of a point of the relaxation, not below its optimum; ``hints``,
    what proves it; ``seconds``.
    """

    v: Array
    estimate: float
    value: float
    hints: tuple[Hint, ...]
    seconds: float


def relaxed_certificate(
    program: ConvexProgram,
    network: TwoLayerReLU,
    found: RelaxedSolution,
    deadline: float,
    executor: Executor | None = None,
) -> Certificate:
    """Bounds with a dual point of the relaxation, whose price is relaxed too."""
    return bounds(
        program.data,
        network,
        found.v,
        program.beta,
        program.loss,
        method="relaxation",
        leaves=found.hints,
        deadline=deadline,
        executor=executor,
    )


class _Run:
    """The way to the optimum over some leaves; it can be left and gone on.

    Attributes
    ----------
    parts : list of Part
    point : DualPoint
    best, value : float
        The best bound, and the least value of a point of the relaxed program.
    v, hints
        Behind the best bound.
    early, early_v
        Moments and dual point at which a run over halved leaves may begin.
    is_done : bool
    rough : float
        Share of the gap to a network that it may leave.
    seconds, reading : float
        What steps have taken, and about what a certificate takes to read the leaves.
    """

    def __init__(self, parts: list[Part], point: DualPoint, reading: float) -> None:
        self.parts, self.point, self.reading = parts, point, reading
        self.signs = np.array([part.sign for part in parts])
        self.best, self.value = -math.inf, math.inf
        self.v, self.hints = point.term.v, point.hints(self.signs, point.weight)
        self.early, self.early_v = point.moments, point.term.v
        self.is_done, self.rough, self.seconds = False, ROUGH, 0.0
        self._is_over = False  # as no step is left
        self._steps = self._waited = self._centred = 0
        (leaves, n), r = point.is_open.shape, point.packing.r
        # a step is not cut short: operations of one, and what the last one took
        self._work, self._spent = 2.0 * leaves * n * (r * (r + 3) // 2) ** 2, 0.0

    @np.errstate(all="ignore")
    def go(self, aim: Callable[[float, float], float], deadline: float) -> None:
        """Go on until the deadline; ``aim`` says from bound and ``rough`` how far.

        The bound of the first point is there in any case.
        """
        begin = now = time.monotonic()
        while not self.is_done:
            share, late = self._look(aim), now + 0.5 * self._spent > deadline
            if self.is_done or late or not (self._spent or fits(self._work, deadline)):
                break
            self._is_over = self.is_done = not self.point.advance(share)
            last, now = now, time.monotonic()
            self._spent = now - last
        self.seconds += time.monotonic() - begin

    def resume(self) -> bool:
        """Go on after the end, as far as was asked for; whether that is possible."""
        is_over = self._is_over or self.rough == 0.0 or self._steps >= MOST_STEPS
        if is_over or not self.is_done:
            return False
        self.is_done, self.rough, self._waited, self._centred = False, 0.0, 0, 0
        return True

    def _look(self, aim: Callable[[float, float], float]) -> float | None:
        """Note the bound of the point and whether it will do; return how to go on."""
        point = self.point
        bound, candidate = point.dual_value()
        self.value = min(self.value, point.value())
        self._waited += 1
        if bound > self.best:
            self.best, self.v, self._waited = bound, candidate, 0
            self.hints = point.hints(self.signs, point.weight)
        goal = aim(self.best, self.rough) * self.value
        left = point.complementarity()
        if left > WARM * self.value:
            self.early, self.early_v = point.moments, point.term.v
        # a bound far from what is left: the forms want a point in the centre
        is_stuck = self._waited >= PATIENCE and left <= NEAR * self.value
        is_late = left <= 0.5 * goal or is_stuck
        self._centred = self._centred + 1 if is_late else 0
        self._steps += 1
        self.is_done = (
            self.value - self.best <= goal
            or self._steps >= MOST_STEPS
            or self._centred > CENTRING
        )
        return 1.0 if is_late else None


class RelaxedProgram:
    """The relaxations of one program.

    Attributes
    ----------
    best : RelaxedSolution or None
        The best one of `refine` so far.
    is_interrupted : bool
        Whether Ctrl-C ended the last call of `refine`.
    """

    def __init__(self, program: ConvexProgram, seed: int = 0) -> None:
        self.data: DataTerm = program.data_term
        _, values, vt = np.linalg.svd(program.X, full_matrices=False)
        self.basis = vt[: program.rank]
        self.size = float(values[0])
        self.price, self.beta = program.beta, program.beta / self.size
        rows = program.X @ self.basis.T / self.size
        used = np.abs(rows).max(axis=1) >= SHORTEST
        self.X, self.used = np.ascontiguousarray(rows[used]), used
        samples = np.repeat(np.arange(program.n), program.n_patches)[used]
        self.total = sparse.csr_array(
            (np.ones(samples.size), (samples, np.arange(samples.size))),
            shape=(program.n, samples.size),
        )
        self.zero = self.data.value(np.zeros(self.data.y.size))
        self.halving = Halving(self.X, np.random.default_rng(seed))
        self.best: RelaxedSolution | None = None
        self.is_interrupted = False
        self._run: _Run | None = None
        self._seconds = 0.0  # that halving a leaf takes

    @staticmethod
    def takes(program: ConvexProgram) -> bool:
        """Whether the rank is one for which there is memory and time."""
        r, rows = program.rank, program.n * program.n_patches
        return 1 < r <= MOST_RANK and rows * r * (r + 1) <= MOST_PRODUCTS

    def solve(self, tol: float, deadline: float = math.inf) -> RelaxedSolution:
        """Solve over the whole sphere, to a relative gap of about ``tol``."""
        if self.zero <= 0.0:
            return RelaxedSolution(np.zeros(self.data.y.size), 0.0, 0.0, (), 0.0)
        run = self._begin_run(self._whole())
        run.go(lambda *_: tol, deadline)
        return self._solution(run)

    @heard_once()
    @np.errstate(all="ignore")
    def refine(
        self,
        upper: float,
        tol: float,
        deadline: float,
        *,
        most: int = MOST_LEAVES,
        report: Callable[[str], object] = lambda _: None,
    ) -> RelaxedSolution | None:
        """Halve leaves until the bound is within ``tol`` of a network's objective.

        A later call goes on where the last one ended.  The best of all bounds is
        returned, also after Ctrl-C and where numbers overflow or underflow; None if
        that came before there was one.

        Parameters
        ----------
        upper, tol : float
            A network's objective, and the relative gap to it that is enough.
        deadline : float
            Of `time.monotonic`.
        most : int
            Leaves, of both signs together, after which no more are halved.
        report : callable
            Called with a line after each run.
        """
        self.is_interrupted = False

        def aim(bound: float, share: float) -> float:
            return max(LAST * tol, share * (upper - bound) / upper)

        try:
            while self._is_worthwhile(upper, tol, deadline, most):
                run = self._run
                if run is None:
                    run = self._begin_run(self._whole())
                elif run.is_done:
                    parts = self._halve_in(run, deadline)
                    if parts is None:
                        break
                    run = self._begin_run(parts, run.early_v)
                self._run = run
                run.go(aim, deadline - run.reading)
                if not np.all(np.isfinite(run.v)):
                    break
                if self.best is None or run.best > self.best.estimate:
                    self.best = self._solution(run)
                gap = (upper - self.best.estimate) / upper
                report(
                    f"{len(run.parts)} leaves: the relaxation gives about "
                    f"{self.best.estimate:.10g}, gap {gap:.1e}, certified at the end"
                )
                if not run.is_done:
                    break  # no time for another step
        except KeyboardInterrupt:
            self.is_interrupted = True
            report("interrupted: keeping the best bound")
        except np.linalg.LinAlgError:
            report("no more digits: keeping the best bound")
        return self.best

    def finish(
        self, upper: float, tol: float, deadline: float, report: Callable[[str], object]
    ) -> None:
        """Solve the last program of `refine` to the end, where no halving fits in."""
        if self._run is not None and self._run.resume():
            self.refine(upper, tol, deadline, report=report)

    def _is_worthwhile(
        self, upper: float, tol: float, deadline: float, most: int
    ) -> bool:
        """Whether to go on: there is need, room and time."""
        if upper <= 0.0 or self.zero <= 0.0:
            return False
        if self.best is None or self._run is None:
            return True
        if upper - self.best.estimate <= tol * upper or time.monotonic() > deadline:
            return False
        if not self._run.is_done:
            return True
        count, (n, r) = len(self._run.parts), self.X.shape
        width = r * (r + 3) // 2
        entries = count * (ROW_ENTRIES * n + WIDTH_ENTRIES * width**2)
        return count < most and entries <= MOST_ENTRIES

    def _whole(self) -> list[Part]:
        return self.halving.whole(0.5 * START * self.zero / self.beta)

    def _begin_run(self, parts: list[Part], v: Array | None = None) -> _Run:
        begin = time.monotonic()
        leaves = [part.leaf for part in parts]
        point = DualPoint(
            Rows(self.X, leaves),
            leaves,
            np.array([part.sign for part in parts]),
            np.array([part.m for part in parts]),
            np.array([part.M for part in parts]),
            self.data,
            self.beta,
            self.total,
            v,
            1.0 if v is None else WARM,
        )
        return _Run(parts, point, READING * (time.monotonic() - begin))

    def _solution(self, run: _Run) -> RelaxedSolution:
        hints = self._outside(run.hints)
        return RelaxedSolution(run.v, run.best, run.value, hints, run.seconds)

    def _outside(self, hints: list[Hint]) -> tuple[Hint, ...]:
        """Return hints in the coordinates and for the rows of the program."""
        known: dict[bytes, Array] = {}
        outside = []
        for hint in hints:
            shares = np.zeros((len(hint.shares), self.used.size))
            # as many digits as a file holds
            shares[:, self.used] = np.round(hint.shares, DIGITS)
            mapped = hint.mapped(self.basis, known)
            softness = hint.softness * self.size
            outside.append(
                replace(mapped, shares=shares, softness=softness, price=self.price)
            )
        return tuple(outside)

    def _halve_in(self, run: _Run, deadline: float) -> list[Part] | None:
        """Halve as many leaves as there is time for; None where that is none."""
        begin = time.monotonic()
        pace = Pace(run.seconds, run.reading, self._seconds)
        some = chosen(run.point.slack(), pace, run.point.effort, deadline - begin)
        if not np.any(some):
            return None
        parts = self.halving.halve(run.parts, run.point, run.early, some)
        if len(parts) == len(run.parts):
            return None
        self._seconds = (time.monotonic() - begin) / int(np.count_nonzero(some))
        return parts
