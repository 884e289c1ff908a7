"""The program with its chambers replaced by leaves: a dual point in any dimension.

A network is a point of the relaxed program (`convex_solver.leaves.point`), with the
moments of the neurons of one sign in one leaf, so its value is a lower bound; its
multipliers ``v`` are a dual point of the program itself, and feasible: what the moments
say of each leaf proves it.  Where the bounds of the rows leave most open, leaves are
halved.  Where their moments are spread, that is across the direction in which the rows
that are open vary most; where they are those of one group, by a cap around it, once,
which makes all ranges narrower.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np
import scipy.linalg as la
from numpy.typing import NDArray
from scipy import sparse

from arrangement.io import heard_once
from convex_solver.certificates import Certificate, bounds
from convex_solver.leaves import MOST_RANK, DualPoint, Hint, Leaf, Rows
from convex_solver.losses import DataTerm
from convex_solver.networks import TwoLayerReLU
from convex_solver.program import ConvexProgram
from convex_solver.reading import fits
from convex_solver.rounding import unit_rows
from convex_solver.typing import Array

MOST_STEPS = 100
# Steps without a better bound after which it is sought in the centre, how many steps
# towards that, and the complementarity from which on, as a share of the objective.
PATIENCE, CENTRING, NEAR = 4, 4, 0.03
# Of the gap that is asked for, what the program itself may leave; of the gap to a
# network, where leaves are halved afterwards.
LAST, ROUGH = 0.3, 0.15
# Weight of the first moments, as a share of the zero network's objective over beta.
START = 0.5
# Complementarity, as a share of the objective, with which a run begins whose leaves
# were halved: from moments that the last one had then.
WARM = 0.3
# A half's moments have this much of its parent's, and at least this share of the
# weight.
MIX, LEAST_SHARE = 0.5, 0.05
# Leaves whose bounds leave open this share of the largest are halved together.
HALVED = 0.35
# Moments of one group have a mean of this length; the edge of a cap around it: 1 minus
# so many times what it is shorter.
GROUP, CAP = 0.9, 2.2
# Caps around directions with this cosine are alike, where the edge of one is this near.
ALIKE, EDGE = 0.9, 0.1
# Rows with entries below this share of the largest singular value are left out: their
# squares would underflow.
SHORTEST = 2.0**-200
# What of the identity is added to a variance that is divided by; its trace is below 1.
FLAT = 1e-9
# Points that a leaf keeps, those drawn as its moments are, those of first moments for
# each dimension, and those that a half has to have.
POINTS, DRAWN, SPREAD, LEAST_POINTS = 600, 1500, 30, 3
# Leaves of a refinement that is told no other number.
MOST_LEAVES = 512
# Products of two columns in all rows, which are kept three times.
MOST_PRODUCTS = 1.6e8
# A run takes this much longer than the last one did for as many leaves.
SLOWER = 1.2
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


@dataclass(frozen=True, eq=False)
class _Part:
    """A leaf with a sign, points inside it (k, r), and moments to begin with."""

    leaf: Leaf
    sign: float
    points: Array
    m: Array
    M: Array


class _Run:
    """The way to the optimum over some leaves; it can be left and gone on.

    Attributes
    ----------
    parts : list of _Part
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

    def __init__(self, parts: list[_Part], point: DualPoint, reading: float) -> None:
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
        self.random = np.random.default_rng(seed)
        self.best: RelaxedSolution | None = None
        self._run: _Run | None = None
        self._halving = 0.0  # seconds that halving a leaf takes

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

    def _whole(self) -> list[_Part]:
        whole = Leaf.whole(self.X.shape[1])
        points = whole.walk(np.zeros((0, 0)), POINTS, self.random)
        weight = 0.5 * START * self.zero / self.beta
        m, M = _moments(whole.walk(points, SPREAD * (points.shape[1] + 1), self.random))
        return [
            _Part(whole, sign, points, weight * m, weight * M) for sign in (1.0, -1.0)
        ]

    def _begin_run(self, parts: list[_Part], v: Array | None = None) -> _Run:
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

    def _halve_in(self, run: _Run, deadline: float) -> list[_Part] | None:
        """Halve as many leaves as there is time for; None where that is none."""
        slack = run.point.slack()
        for share in (HALVED, 1.0):
            wide = slack >= share * slack.max()
            more = 1.0 + float(np.mean(wide))
            needed = more * (SLOWER * run.seconds + run.reading)
            needed += self._halving * np.count_nonzero(wide)
            begin = time.monotonic()
            if needed > deadline - begin:
                continue
            parts = self._halve(run, wide)
            count = max(int(np.count_nonzero(wide)), 1)
            self._halving = (time.monotonic() - begin) / count
            if len(parts) > len(run.parts):
                return parts
        return None

    def _halve(self, run: _Run, wide: NDArray[np.bool_]) -> list[_Part]:
        point, early, open_rows = run.point, run.early, run.point.open_rows()
        halved: list[_Part] = []
        for k, part in enumerate(run.parts):
            now = _Part(part.leaf, part.sign, part.points, early.m[k], early.M[k])
            m, M = point.moments.m[k], point.moments.M[k]
            if wide[k] and np.all(np.isfinite(M)):
                mean, second = m / np.trace(M), M / np.trace(M)
                cuts = self._cuts(part.leaf, mean, second, open_rows[k])
                halved += self._halves(now, mean, second, cuts)
            else:
                halved.append(now)
        return halved

    def _cuts(
        self, leaf: Leaf, mean: Array, second: Array, open_rows: Array
    ) -> list[tuple[Array, float]]:
        """Return normals and thresholds that moments suggest, the best one first."""
        variance = second - np.multiply.outer(mean, mean)
        axes = np.linalg.eigh(variance)[1].T[::-1]
        between = [self._widest(variance, open_rows), *axes[:5]]
        cuts = [(normal, float(normal @ mean)) for normal in between]
        length = float(np.linalg.norm(mean))
        if length > GROUP:
            cap = mean / length, 1.0 - CAP * (1.0 - length)
            if not _is_capped(leaf, *cap):
                return [cap, *cuts]
        return cuts

    def _widest(self, variance: Array, open_rows: Array) -> Array:
        """Return the direction whose halves explain most of the rows' variances.

        Those of ``x.u`` fall by ``(x^T C d)^2 / d^T C d`` in the mean of the sides of a
        hyperplane with normal d, in proportion; rows weigh what they leave open.
        """
        variance = variance + FLAT * np.eye(len(variance))
        # lengths of rows cancel, and squares of short ones would be 0
        rows, _ = unit_rows(self.X)
        images = rows @ variance
        weights = open_rows / np.einsum("ij,ij->i", images, rows)
        _, vectors = la.eigh((images.T * weights) @ images, variance)
        return np.asarray(vectors[:, -1] / np.linalg.norm(vectors[:, -1]))

    def _halves(
        self,
        part: _Part,
        mean: Array,
        second: Array,
        cuts: list[tuple[Array, float]],
    ) -> list[_Part]:
        """Cut a leaf by the first cut with points on both sides; itself without one."""
        inner = part.leaf.walk(part.points, POINTS, self.random)
        weight = float(np.trace(part.M))
        near = self._draw(part.leaf, part.m / weight, part.M / weight)
        points = np.vstack([near, self._draw(part.leaf, mean, second), inner])
        for normal, threshold in cuts:
            sides = part.leaf.halves(normal, threshold)
            kept = [points[side.inside(points)] for side in sides]
            if min(map(len, kept)) >= LEAST_POINTS:
                return [
                    self._begin(part.sign, side, some[:POINTS], near, weight)
                    for side, some in zip(sides, kept, strict=True)
                ]
        return [part]

    def _begin(
        self, sign: float, side: Leaf, points: Array, near: Array, weight: float
    ) -> _Part:
        """Return a half, with moments between those of its parent and of all of it."""
        mine = near[side.inside(near)]
        every = side.walk(points, SPREAD * (points.shape[1] + 1), self.random)
        share = len(mine) / max(len(near), 1)
        m, M = _moments(every)
        if len(mine):
            m, M = (
                MIX * a + (1.0 - MIX) * b
                for a, b in zip(_moments(mine), (m, M), strict=True)
            )
        size = weight * max(share, LEAST_SHARE)
        return _Part(side, sign, points, size * m, size * M)

    def _draw(self, leaf: Leaf, mean: Array, second: Array) -> Array:
        """Return points of a leaf as moments have it."""
        variance, axes = np.linalg.eigh(second - np.multiply.outer(mean, mean))
        random = self.random.standard_normal((DRAWN, mean.size))
        near = random @ (axes * np.sqrt(np.maximum(variance, 1e-12))).T
        points = np.vstack([mean + near, mean + 0.3 * near])
        points /= np.linalg.norm(points, axis=1)[:, None]
        return np.asarray(points[leaf.inside(points)])


def _is_capped(leaf: Leaf, axis: Array, edge: float) -> bool:
    """Whether a facet of a leaf is already about the cap ``axis.u >= edge``."""
    facets = leaf.facets
    facets = facets / np.linalg.norm(facets[:, 1:], axis=1)[:, None]
    is_alike = facets[:, 1:] @ axis > ALIKE
    return bool(np.any(is_alike & (-facets[:, 0] > edge - EDGE)))


def _moments(points: Array) -> tuple[Array, Array]:
    return points.mean(axis=0), points.T @ points / len(points)
