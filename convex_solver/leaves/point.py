"""A point of the relaxed program over leaves, and Newton's steps from it.

    min  l(z, y) + beta sum_B tau_B
    s.t. z = sum_B s_B 1/2 (X m_B + e_B),   lower_k(m, M) <= e <= upper(m, M),
         moments of B semidefinite, and inside the inequalities of its leaf,

over blocks B, leaves with a sign ``s_B``: `DualPoint`.  Its multiplier v is a dual
point of the convex program, for which the multipliers prove the price.  For a fixed v
the same moments with ``tau = 1`` have the largest relaxed price: `PricePoint`.

Primal-dual, with one barrier parameter, which counts more for the few cones and facets
than for the many rows; e and the multipliers are eliminated row by row, and what is
left couples the blocks through v alone: a system of the samples, or one of all moments,
whichever is smaller.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.linalg as la
from numpy.typing import NDArray

from convex_solver.leaves.cone import (
    cone_ratio,
    curvature,
    joined,
    pull_back,
    symmetric,
)
from convex_solver.leaves.facets import Facets
from convex_solver.leaves.forms import row_forms
from convex_solver.leaves.hints import Hint
from convex_solver.leaves.leaf import Leaf
from convex_solver.leaves.packing import Packing
from convex_solver.leaves.rows import N_LOWER, RowBounds, Rows
from convex_solver.losses import longest_step
from convex_solver.typing import Array

# Share of the way to the border that a step takes, and the shortest step.
STEP, SHORTEST = 0.97, 1e-6
# The least centring; a step this short is aimed closer to the centre, with this one;
# how much shorter each try is.
LEAST_CENTRING, SHORT, CENTRAL, BACK = 1e-3, 0.3, 0.8, 0.75
# Rows that a step puts in their place change the objective by at most this share of the
# complementarity; halvings of the interval of one.
OFF, HALVINGS = 1.0, 50
# There are 5 n gaps of rows in a leaf and r + 1 eigenvalues of moments: with one
# parameter for all, steps see the border of the cone when they hit it.  So cones and
# facets have a multiple of it where they cut steps short, up to this share of what rows
# have together, and less where rows do, by this factor a step; a row cuts a step short
# that leaves less than this share of it.  Measured at (4000, 9): 92 steps over 4 leaves
# without it, 10 to 14 with it; always with the most, some programs do not end.
EMPHASIS, MORE, LOST = 0.1, 4.0, 0.5
# How much smaller each try of a softness is, and the least.
HARDER, HARDEST = 0.3, 1e-30


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean (B, r) and second moments (B, r, r) of the blocks, and e (B, n)."""

    m: Array
    M: Array
    e: Array


@dataclass(frozen=True, eq=False)
class Correction:
    """Products of the changes of a step, which a linear model leaves out.

    Over the gaps of the rows, over the values of the facets, and of the cones.
    """

    rows: Array | float
    facets: Array | float
    cones: Array | float


NONE = Correction(0.0, 0.0, 0.0)


@dataclass(frozen=True, eq=False)
class Step:
    """A direction: of the moments, and of the multipliers of everything."""

    moments: Moments
    rows: Array
    facets: Array
    cones: Array
    v: Array
    aim: float
    correction: Correction


class Point(ABC):
    """Moments and multipliers, strictly inside.

    Parameters
    ----------
    rows : Rows
    leaves : sequence of Leaf
    signs : ndarray, shape (B,)
        1.0 and -1.0, of the alphas of neurons in the leaf.
    m, M : ndarray, shapes (B, r) and (B, r, r)
        Moments of points inside each leaf.
    """

    def __init__(
        self, rows: Rows, leaves: Sequence[Leaf], signs: Array, m: Array, M: Array
    ) -> None:
        self.rows, self.leaves, self.signs = rows, leaves, signs
        self.packing = rows.packing
        self.bordered = Packing(self.packing.r + 1)
        self.facets = Facets(leaves, self.packing)
        self.softness = 0.0
        self.is_open = rows.is_open
        self.count = len(leaves)
        self.few = self.count * (self.packing.r + 1) + len(self.facets.leaf)
        self.many = (1 + N_LOWER) * int(self.is_open.sum())
        self.emphasis = 1.0  # of cones and facets
        self.moments = Moments(m, M, np.zeros_like(rows.low))
        self._look()
        middle = 0.5 * (self.at.upper + self.at.lower.max(axis=0))
        self.moments = Moments(m, M, np.where(self.is_open, middle, 0.0))
        self._look()

    def _centre(self, mu: float) -> None:
        """Set the multipliers to what they are on the central path."""
        whole = joined(self.moments.m, self.moments.M)
        self.Z: Array = self.emphasis * mu * _inverse(whole)
        self.y: Array = np.where(self.is_open, mu / self.gaps, 0.0)
        self.y_facets: Array = self.emphasis * mu / self.at_facets.values

    # what the two kinds of points differ in

    @property
    @abstractmethod
    def v(self) -> Array:
        """The dual point, row by row (n,)."""

    @abstractmethod
    def _couple(self, hessian: Array) -> None:
        """Factorise what is left when e is eliminated."""

    @abstractmethod
    def _solve(self, right: Array, force: Array) -> tuple[Array, Array]:
        """Return the steps of the moments (B, D), and of v row by row."""

    def _longest(self) -> float:
        return math.inf

    def _rest(self) -> float:
        """Complementarity of what is not of the blocks."""
        return 0.0

    @abstractmethod
    def _price(self) -> Array:
        """Return what is added to the gradient in the moments, (B, D)."""

    # the point

    def _look(self) -> None:
        """Compute the bounds of the rows and the facets."""
        now = self.moments
        self.at = self.rows.at(now.m, now.M, self.softness)
        self.at_facets = self.facets.at(now.m, now.M, self.softness)
        self.gaps = self._gaps(now.e, self.at.upper, self.at.lower)

    def _gaps(self, e: Array, upper: Array, lower: Array) -> Array:
        gaps = np.concatenate([(upper - e)[None], e - lower])
        return np.where(self.is_open, gaps, 1.0)

    def output(self, now: Moments) -> Array:
        """Return ``sum_B s_B`` times the mean of ``(x.u)_+``, row by row (n,)."""
        mean = now.m @ self.rows.X.T
        each = np.where(self.is_open, 0.5 * (mean + now.e), self.rows.level * mean)
        return np.asarray(self.signs @ each)

    @property
    def pairs(self) -> float:
        """How many times the barrier parameter the complementarity is."""
        return self.emphasis * self.few + self.many

    def complementarity(self) -> float:
        """Sum of all products."""
        now = self.moments
        total = float(np.sum(self.y * self.gaps * self.is_open))
        total += float(self.y_facets @ self.at_facets.values)
        total += float(np.sum(joined(now.m, now.M) * self.Z))
        return total + self._rest()

    def traces(self) -> Array:
        """Return the weights tau of the blocks, (B,)."""
        return np.asarray(np.trace(self.moments.M, axis1=1, axis2=2))

    def shares(self) -> Array:
        """Return what each lower bound of a row has of its multipliers, (4, B, n)."""
        lower = self.y[1:]
        return np.asarray(lower / np.maximum(lower.sum(axis=0), 1e-300))

    def forms(self, v: Array) -> Array:
        """Return forms above the price of v (n,) on each leaf with its sign."""
        w = -self.signs[:, None] * v
        forms = row_forms(self.rows, self.at, w, self.shares())
        added = self.facets.forms(self.at_facets.policy)
        np.add.at(forms, self.facets.leaf, self.y_facets[:, None, None] * added)
        return forms

    def open_rows(self) -> Array:
        """Return what the bounds of each row leave open of the objective, (B, n)."""
        width = self.at.upper - self.at.lower.max(axis=0)
        return np.asarray(0.5 * np.abs(self.v) * np.where(self.is_open, width, 0.0))

    def slack(self) -> Array:
        """Return what the bounds of the rows leave open of the objective, (B,)."""
        return np.asarray(self.open_rows().sum(axis=1))

    def hints(self, signs: Array, price: float) -> list[Hint]:
        """Return what the forms at this point are made of; ``price`` as beta is."""
        shares, y = self.shares(), self.y_facets / price
        return [
            Hint(
                leaf,
                float(sign),
                self.moments.m[k],
                self.moments.M[k],
                shares[:, k],
                y[self.facets.leaf == k],
                self.softness,
                self.softness,
                price,
            )
            for k, (leaf, sign) in enumerate(zip(self.leaves, signs, strict=True))
        ]

    # a step

    @np.errstate(all="ignore")  # a step of what overflows is none
    def advance(self, aim: float | None = None) -> bool:
        """Take a step; False where none is left.

        ``aim`` is the share of the barrier parameter to go to: 1 towards the centre,
        where forms are best for what it is.
        """
        try:
            return self._step(aim)
        except (la.LinAlgError, ValueError):  # the latter of numbers not finite
            return False

    def _step(self, wanted: float | None) -> bool:
        mu = self.complementarity() / self.pairs
        self._soften(mu)
        self._factorise()
        tries: list[tuple[float, Correction]] = [(wanted or CENTRAL, NONE)]
        if wanted is None:
            predicted = self._direction(0.0)
            share = (1.0 - self._reach(predicted, self._length(predicted))) ** 2
            aim = min(max(share, LEAST_CENTRING), CENTRAL)
            corrected = predicted.correction
            tries = [(aim, corrected), (CENTRAL, corrected), *tries]
        for aim, correction in tries:
            step = self._direction(aim * mu, correction)
            whole = self._length(step)
            length = self._reach(step, whole)
            # where it is short, closer to the centre, and then without what a bad
            # prediction may have spoilt
            if length >= SHORT:
                break
        if not length > SHORTEST:
            return False
        self._move(step, length)
        self._weigh(whole, length)
        return True

    def _most(self) -> float:
        """Return the largest emphasis of cones and facets."""
        return max(1.0, EMPHASIS * self.many / self.few)

    def _weigh(self, whole: float, length: float) -> None:
        """Emphasise what has cut short a step, whose rows have left so much of it."""
        if whole < SHORT:
            self.emphasis = min(MORE * self.emphasis, self._most())
        elif length < LOST * whole:
            self.emphasis = max(1.0, self.emphasis / MORE)

    def _soften(self, mu: float) -> None:
        """Soften the norms by what weighs as much as their gaps."""
        size = float(np.mean(np.abs(self.v)))
        softness = mu / size if size > 0.0 else math.inf
        self.softness = min(self.softness or math.inf, softness)
        while True:
            if not HARDEST < self.softness < math.inf:
                self.softness = 0.0
            self._look()
            is_inside = np.all(self.gaps > 0.0) and np.all(self.at_facets.values > 0.0)
            if is_inside or self.softness == 0.0:
                return
            self.softness *= HARDER

    def _factorise(self) -> None:
        now, rows, at, y = self.moments, self.rows, self.at, self.y
        self.inverse = _inverse(joined(now.m, now.M))
        hessian = curvature(self.Z, self.inverse, self.packing, self.bordered)
        self.stiffness = np.where(self.is_open, y / self.gaps, 0.0)
        total = self.stiffness.sum(axis=0)
        self.total = np.where(self.is_open, total, 1.0)
        self.parts = rows.gradients(at)
        # e follows the mean of the bounds' gradients, each as stiff as it is
        self.mean = np.einsum("ikbn,kbn->ibn", self.parts, self.stiffness) / self.total
        apart = self.parts - self.mean[:, None]
        squares = np.einsum("ikbn,kbn,jkbn->ijbn", apart, self.stiffness, apart)
        squares += rows.add_curvature(hessian, at, y[0], y[1])
        self.images = rows.images(at)
        rows.add_squares(hessian, self.images, squares)
        self.facet_gradients = self.facets.gradients(self.at_facets)
        self.facets.add_curvature(
            hessian, self.at_facets, self.facet_gradients, self.y_facets
        )
        # the output's gradients
        signs = self.signs[:, None]
        self.pulls = np.where(self.is_open, 0.5 * signs * self.mean, 0.0)
        self.pulls[1] += signs * np.where(self.is_open, 0.5, rows.level)
        self._couple(hessian)

    def _direction(self, mu: float, correction: Correction = NONE) -> Step:
        """Solve for the step to the centre of ``mu``."""
        rows, at, r = self.rows, self.at, self.packing.r
        signs, is_open = self.signs[:, None], self.is_open
        aims = np.where(is_open, mu / self.gaps - correction.rows, 0.0)
        pushes = aims.copy()
        pushes[0] *= -1.0
        coefficients = np.einsum("ikbn,kbn->ibn", self.parts, pushes)
        coefficients[1] += signs * self.v * np.where(is_open, 0.5, rows.level)
        force = np.where(is_open, 0.5 * signs * self.v - pushes.sum(axis=0), 0.0)
        wall = self.emphasis * mu * self.inverse - correction.cones
        gradient = self._price() - pull_back(wall, self.packing)
        gradient += rows.pull(at, coefficients + force * self.mean)
        facet_aims = self.emphasis * mu / self.at_facets.values - correction.facets
        gradient -= self.facets.pull(self.facet_gradients, facet_aims, self.count)
        self.aim = mu
        dx, dv = self._solve(-gradient, force)
        dm, dM = dx[:, :r], self.packing.unpack(dx[:, r:])
        change = rows.change(at, dm, dM)
        de = np.sum(self.mean * change, axis=0)
        de -= (force + 0.5 * signs * dv) / self.total
        de = np.where(is_open, de, 0.0)
        bounds = np.einsum("ikbn,ibn->kbn", self.parts, change)
        gaps = np.concatenate([(bounds[0] - de)[None], de - bounds[1:]])
        dy = np.where(is_open, aims - self.y - self.stiffness * gaps, 0.0)
        moved = np.einsum("kd,kd->k", self.facet_gradients, dx[self.facets.leaf])
        stiffness = self.y_facets / self.at_facets.values
        dy_facets = facet_aims - self.y_facets - stiffness * moved
        whole = self.inverse @ joined(dm, dM) @ self.Z
        dZ = wall - self.Z - symmetric(whole)
        second = Correction(
            np.where(is_open, dy * gaps / self.gaps, 0.0),
            dy_facets * moved / self.at_facets.values,
            symmetric(self.inverse @ joined(dm, dM) @ dZ),
        )
        return Step(Moments(dm, dM, de), dy, dy_facets, dZ, dv, mu, second)

    def _length(self, step: Step) -> float:
        """Return the length of a step that keeps multipliers and moments inside.

        But for the rows: see `_reach`.
        """
        now, change = self.moments, step.moments
        length = min(
            longest_step(self.y_facets, step.facets),
            cone_ratio(self.Z, step.cones),
            cone_ratio(joined(now.m, now.M), joined(change.m, change.M)),
            self._longest(),
        )
        return min(1.0, STEP * length)

    def _ahead(self, step: Step, length: float) -> Moments:
        now, change = self.moments, step.moments
        return Moments(
            now.m + length * change.m,
            now.M + length * change.M,
            now.e + length * change.e,
        )

    def _reach(self, step: Step, length: float) -> float:
        """Shorten a step until facets keep a share of what they lose, and most rows.

        Rows that do not are few, and put in their place alone.
        """
        most = OFF * self.complementarity()
        while length > SHORTEST:
            moved = self._ahead(step, length)
            facets = self.facets.at(moved.m, moved.M, self.softness).values
            least = (1.0 - STEP) * (1.0 - 0.5 * length)
            if np.all(facets > least * self.at_facets.values):
                at = self.rows.at(moved.m, moved.M, self.softness)
                lost = self._lost(step, length, moved, at)
                width = np.where(self.is_open, at.upper - at.lower.max(axis=0), 1.0)
                moves = 0.5 * np.abs(self.v) * np.where(lost, width, 0.0)
                if np.all(width > 0.0) and float(moves.sum()) <= most:
                    return length
            length *= BACK
        return length

    def _lost(
        self, step: Step, length: float, moved: Moments, at: RowBounds
    ) -> NDArray[np.bool_]:
        """Whether a row loses nearly all of a gap or of a multiplier (B, n)."""
        least = (1.0 - STEP) * (1.0 - 0.5 * length)
        gaps = self._gaps(moved.e, at.upper, at.lower)
        y = self.y + length * step.rows
        kept = np.all((gaps > least * self.gaps) & (y > least * self.y), axis=0)
        return np.asarray(~kept & self.is_open)

    def _place(self, lost: NDArray[np.bool_], mu: float) -> None:
        """Put rows where they are on the central path for these moments and v."""
        if not np.any(lost):
            return
        side = (0.5 * self.signs[:, None] * self.v)[lost]
        lower, upper = self.at.lower[:, lost], self.at.upper[lost]
        low, high = lower.max(axis=0), upper
        for _ in range(HALVINGS):
            middle = 0.5 * (low + high)
            push = np.sum(mu / (middle - lower), axis=0) - mu / (upper - middle)
            low, high = (
                np.where(push > side, middle, low),
                np.where(push > side, high, middle),
            )
        e = 0.5 * (low + high)
        self.moments.e[lost] = e
        self.gaps[:, lost] = np.concatenate([(upper - e)[None], e - lower])
        self.y[:, lost] = mu / self.gaps[:, lost]

    def _move(self, step: Step, length: float) -> None:
        moved = self._ahead(step, length)
        at = self.rows.at(moved.m, moved.M, self.softness)
        lost = self._lost(step, length, moved, at)
        self.moments = moved
        self.y = self.y + length * step.rows
        self.y_facets = self.y_facets + length * step.facets
        self.Z = self.Z + length * step.cones
        self._look()
        self._place(lost, step.aim)


def _inverse(whole: Array) -> Array:
    return symmetric(np.asarray(np.linalg.inv(whole), dtype=np.float64))
