"""Points of the relaxed program itself, in which v is free."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import scipy.linalg as la
from scipy import sparse

from convex_solver.leaves.cone import inverse_roots, symmetric
from convex_solver.leaves.forms import largest_on_sphere
from convex_solver.leaves.leaf import Leaf
from convex_solver.leaves.point import Point, Step
from convex_solver.leaves.rows import CHUNK, Rows
from convex_solver.losses import DataTerm, NewtonTerm
from convex_solver.typing import Array

# Operations for each row, moment and moment of a leaf that no other has to do with.
EACH = 10.0


class DualPoint(Point):
    """A point of the program itself, with v free.

    Parameters
    ----------
    data : DataTerm
    beta : float
    total : sparse array, shape (n, rows)
        Adds up the rows of each sample.
    v : ndarray, shape (n,), optional
        Where to begin, with moments that belong to it.
    gap : float
        Complementarity to begin with, as a share of the objective.
    """

    def __init__(
        self,
        rows: Rows,
        leaves: Sequence[Leaf],
        signs: Array,
        m: Array,
        M: Array,
        data: DataTerm,
        beta: float,
        total: sparse.csr_array,
        v: Array | None = None,
        gap: float = 1.0,
    ) -> None:
        super().__init__(rows, leaves, signs, m, M)
        self.data, self.weight, self.sums = data, beta, total
        self.z = total @ self.output(self.moments)
        if v is None:
            zero = data.value(np.zeros(data.y.size))
            v = data.gradient(data.rough_fit()[0])
        else:
            zero = self.value()
            # moments of halves are near the border of the cone
            self.emphasis = self._most()
        mu = max(gap * zero, 1e-300) / self.pairs
        self.term: NewtonTerm = data.newton(self.z, v, mu)
        self.many += self.term.n_pairs
        self._centre(mu)

    @property
    def v(self) -> Array:
        """The dual point, row by row."""
        return np.asarray(self.sums.T @ self.term.v)

    def _rest(self) -> float:
        return self.term.complementarity(0.0)

    def _longest(self) -> float:
        return self.term.largest_step()

    def value(self) -> float:
        """Return the objective of the relaxed program."""
        return self.data.value(self.z) + self.weight * float(self.traces().sum())

    def effort(self, count: int) -> float:
        """Return about how many operations a step takes with so many leaves.

        Rows are added up leaf by leaf; what couples the leaves grows with the square of
        their number, until there are more moments than samples.
        """
        n, width = self.data.y.size, self.packing.r + self.packing.size
        every = count * width
        coupling = min(n * every**2 + every**3 / 3, n**2 * (every + n / 3))
        return EACH * len(self.rows.X) * width * every + coupling

    def dual_value(self) -> tuple[float, Array]:
        """Return ``-l*`` of v scaled by what the forms prove, and v that l allows."""
        v = self.data.clip(self.term.v)
        price = float(largest_on_sphere(self.forms(self.sums.T @ v)).max())
        if price == math.inf:
            return -math.inf, v
        cap = self.weight / price if price > 0.0 else math.inf
        return -self.data.conjugate(self.data.best_scale(v, cap) * v), v

    def _price(self) -> Array:
        gradient = np.zeros((self.count, self.packing.r + self.packing.size))
        gradient[:, self.packing.r :] = self.weight * self.packing.identity
        return gradient

    def _couple(self, hessian: Array) -> None:
        self.h = np.maximum(self.term.curvature(), 1e-300)
        loose = np.where(self.is_open, 0.25 / self.total, 0.0).sum(axis=0)
        self.room = 1.0 + self.h * (self.sums @ loose)
        self.weights = self.h / self.room
        n, width = self.h.size, hessian.shape[1]
        self.by_samples = n <= self.count * width
        if self.by_samples:
            factor = inverse_roots(symmetric(hessian))
            self.factor = factor
            root = np.sqrt(self.weights)
            system = np.eye(n)
            for k in range(self.count):
                rows = self.rows.gradient_rows(self.images, self.pulls, k, slice(None))
                part = (self.sums @ rows) @ factor[k].T
                part *= root[:, None]
                system += part @ part.T
            self.system = la.cho_factor(system, overwrite_a=True, check_finite=False)
            return
        whole = la.block_diag(*hessian)
        ends = self.sums.indptr
        size = max(1, CHUNK // whole.shape[0])
        for k in range(0, n, size):
            stop = min(k + size, n)
            mine = slice(int(ends[k]), int(ends[stop]))
            blocks = [
                self.rows.gradient_rows(self.images, self.pulls, b, mine)
                for b in range(self.count)
            ]
            pulled = self.sums[k:stop, mine] @ np.hstack(blocks)
            pulled *= np.sqrt(self.weights[k:stop])[:, None]
            whole += pulled.T @ pulled
        self.system = la.cho_factor(whole, overwrite_a=True, check_finite=False)

    def _solve(self, right: Array, force: Array) -> tuple[Array, Array]:
        rho = self.term.shift(self.aim, False)
        # at moments that stay: v moves with e and with what the loss asks for
        signs = self.signs[:, None]
        moved = np.where(self.is_open, 0.5 * signs * force / self.total, 0.0)
        still = rho / self.room - self.weights * (self.sums @ moved.sum(axis=0))
        if self.by_samples:
            half = np.einsum("bij,bj->bi", self.factor, right)
            start = np.einsum("bji,bj->bi", self.factor, half)
            root = np.sqrt(self.weights)
            side = root * (self.sums @ self._outputs(start)) + still / root
            dv = root * la.cho_solve(self.system, side, check_finite=False)
            pulled = right - self.rows.pull(self.at, self.pulls * (self.sums.T @ dv))
            half = np.einsum("bij,bj->bi", self.factor, pulled)
            dx = np.einsum("bji,bj->bi", self.factor, half)
        else:
            pulled = self.rows.pull(self.at, self.pulls * (self.sums.T @ still))
            side = (right - pulled).ravel()
            dx = la.cho_solve(self.system, side, check_finite=False)
            dx = dx.reshape(right.shape)
            dv = still + self.weights * (self.sums @ self._outputs(dx))
        self.term.complete((dv - rho) / self.h, dv)
        self.term_step = dv
        return dx, np.asarray(self.sums.T @ dv)

    def _outputs(self, dx: Array) -> Array:
        """Return what steps of the moments change of the output, but for e's own."""
        r = self.packing.r
        dm, dM = dx[:, :r], self.packing.unpack(dx[:, r:])
        change = self.rows.change(self.at, dm, dM)
        return np.asarray(np.sum(self.pulls * change, axis=(0, 1)))

    def _move(self, step: Step, length: float) -> None:
        super()._move(step, length)
        self.z = self.sums @ self.output(self.moments)
        self.term.move(length, self.z, self.term_step)
