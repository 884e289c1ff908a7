"""Where the interior point method starts on raw columns: near a linear fit.

Where the mean of a column is far above its spread, one chamber is wide (all rows
active) and the others are thin: a prediction of size 1 takes weights that are 10^5 to
10^10 times as large there.  Started at the zero network, ``s0`` has the size of the
wide chamber's price and must fall by as much before any weight of the others counts,
and steps lose their digits on the way.

A linear fit that costs next to nothing leaves the wide chamber a price near zero.  Its
gradient ``v`` is kept while each block goes to the centre of its own cone, as ``s0``
falls to somewhat above the largest price: with ``v`` fixed the blocks have nothing to
do with each other.  That is a point near the central path, with weights of each chamber
as large as they have to be.
"""

from __future__ import annotations

import numpy as np

from convex_solver._kernels.solve import interior_point as kernels
from convex_solver.losses import NewtonTerm
from convex_solver.restricted.direction import Direction
from convex_solver.restricted.iterate import Iterate
from convex_solver.typing import Array

# Iterations of the linear fit; the share of a step to the border; what counts as done.
FITTING, SHARE, FITTED = 40, 0.9, 1e-3
# What s0 falls by in an iteration; iterations of that, and to the centre after it.
FALL, FALLING, CENTRING = 0.2, 80, 6
# The largest price is near where a bound is so many times the median one, or steps are
# shorter than this.
NEAR_PRICE, SHORT = 3.0, 1e-2


class FittedIterate(Iterate):
    """An `Iterate` that starts near a linear fit, with blocks at their own centres.

    Wide chambers of one sign alone predict far too much at first.
    """

    may_overflow = True

    def _begin(self, growth: float) -> None:
        """Set everything; see the module's docstring."""
        blocks, data = self.blocks, self.data
        zero = np.zeros_like(data.y)
        n_pairs = len(blocks) + len(blocks.rows) + zero.size
        mu = max(data.value(zero), 1e-300) / n_pairs
        self.term, self.z = self._near_line(mu)
        self._enter_cones()
        self._centre_blocks()
        self._resize(mu * (n_pairs - zero.size))
        self.term.move(0.0, self.z, zero)
        self.measure()

    def _near_line(self, mu: float) -> tuple[NewtonTerm, Array]:
        """Return the loss at a linear fit, and its predictions.

        Weights are penalised as much as the loss of the smallest column asks for: what
        larger columns can fit is fitted, and no weight is far out of range.
        """
        data, X = self.data, self.blocks.X
        rough, _ = data.rough_fit()
        z, x = np.zeros_like(data.y), np.zeros(X.shape[1])
        sizes = np.linalg.norm(X, axis=0)
        sizes[sizes == 0.0] = 1.0
        unit, ridge = X / sizes, (float(sizes.min()) / sizes) ** 2
        term = data.newton(z, data.gradient(rough), mu)
        term.is_strict = True
        for _ in range(FITTING):
            H, rho = term.curvature(), term.shift(mu, False)
            penalty = float(np.mean(H)) * ridge
            matrix = (unit * H[:, None]).T @ unit + np.diag(penalty)
            right = -(unit.T @ (term.v + rho)) - penalty * x
            dx = np.linalg.solve(matrix, right)
            dz = unit @ dx
            dv = H * dz + rho
            term.complete(dz, dv)
            length = min(1.0, SHARE * term.largest_step())
            x, z = x + length * dx, z + length * dz
            term.move(length, z, dv)
            is_near = np.linalg.norm(dz) <= FITTED * np.linalg.norm(z)
            if length == 1.0 and is_near:
                break
        return term, z

    def _enter_cones(self) -> None:
        """Start all blocks inside their cones, with s0 above all prices."""
        blocks = self.blocks
        counts = np.diff(blocks.starts)
        self.w = blocks.centres.copy()
        self.t = np.full(len(blocks), 1.5)
        self.s0 = max(self.beta, 2.0 * self._largest_price(self.v))
        self.q = np.empty(len(blocks.rows))
        kernels.facet_products(blocks.facets, self.w, self.q)
        share = np.repeat(0.1 * self.s0 / np.maximum(counts, 1), counts)
        self.lam = share / self.q
        self.s1 = self._slopes()
        self.measure()

    def _centre_blocks(self) -> None:
        """Lower s0 to somewhat above the largest price, and centre each block."""
        direction = Direction(self)
        last = 0
        for _ in range(FALLING):
            goal = self.s0 if last else max(self.beta, FALL * self.s0)
            direction.hold(goal, goal)
            length = min(1.0, SHARE * self._room(direction.step))
            self._move_weights(direction.step, length)
            self._move_slopes(direction.step, length)
            self.measure()
            is_near = self.t.max() > NEAR_PRICE * float(np.median(self.t))
            is_low = self.s0 <= self.beta * (1.0 + FITTED)
            if last or is_near or is_low or length < SHORT:
                last += 1
            if last > CENTRING:
                break

    def _resize(self, wanted: float) -> None:
        """Scale the weights so that the complementarity of the blocks is as wanted.

        Prices and multipliers do not change, and each block stays at its centre.
        """
        total = self.s0 * float(self.t.sum()) + float(np.sum(self.w * self.s1))
        factor = wanted / (total + float(self.q @ self.lam))
        self.w, self.t, self.q = self.w * factor, self.t * factor, self.q * factor
        self.z = self.blocks.predict(self.w)
