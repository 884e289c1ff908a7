"""The point of the interior point method, and what follows from it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from convex_solver._kernels.solve import Point, Step
from convex_solver._kernels.solve import interior_point as kernels
from convex_solver.losses import DataTerm, NewtonTerm, longest_step
from convex_solver.restricted.working_set import WorkingSet
from convex_solver.rounding import lengths
from convex_solver.typing import Array

# Size of the predictions at the start, relative to y.
START_SIZE = 0.1
# Share of the way to the border that a step takes.
STEP = 0.995


class Iterate:
    """Weights, bounds and multipliers of all blocks, and the state of the loss.

    Attributes
    ----------
    t, w : ndarray, shapes (G,) and (G, r)
        ``t >= |w|``.
    s0 : float
    s1 : ndarray, shape (G, r)
        ``s0 >= |s1|``; ``s0`` ends at beta.
    q, lam : ndarray, shape (m,)
        ``F w`` and the multipliers of the facets.
    z : ndarray, shape (n,)
        The prediction.
    term : NewtonTerm
        Has ``v``, the gradient of the loss.
    residual : ndarray, shape (G, r)
        Of the dual equations ``A^T v - F^T lam = s1``.
    """

    # whether the loss of its first predictions may be infinite
    may_overflow = False

    def __init__(
        self, blocks: WorkingSet, data: DataTerm, beta: float, growth: float = 1.0
    ) -> None:
        """Start on the central path of a larger beta, where the zero network is best.

        There ``v`` is the gradient of the loss at zero and ``s0`` twice the largest
        price, so that all equations but ``s0 = beta`` hold, with room to spare; every
        step then brings ``s0`` closer to beta.  Weights are ``growth`` times what
        predictions of the size of the targets take.
        """
        self.blocks, self.data, self.beta = blocks, data, beta
        self._begin(growth)

    def _begin(self, growth: float) -> None:
        """Set everything; see `__init__`."""
        blocks, data, beta = self.blocks, self.data, self.beta
        counts = np.diff(blocks.starts)
        outputs = blocks.outputs(blocks.centres)
        spread = float(lengths(outputs.reshape(1, -1))[0])
        rough, wanted = data.rough_fit()
        # blocks of chambers where no row is active output nothing, whatever their size
        wanted = wanted / spread if spread > 0.0 else 1.0
        size = growth * START_SIZE * max(wanted, 1e-150)
        self.w = size * blocks.centres
        self.t = np.full(len(blocks), 1.5 * size)
        self.z = blocks.predict(self.w)
        v = data.gradient(rough)
        self.s0 = max(beta, 2.0 * self._largest_price(v))
        self.term: NewtonTerm = data.newton(self.z, v, self.s0 * size)
        self.s0 = max(self.s0, 1.5 * self._largest_price(self.v))
        self.q = np.empty(blocks.rows.shape[0])
        kernels.facet_products(blocks.facets, self.w, self.q)
        # at the analytic centre sum of F_f / (F_f u) is the number of facets times u
        share = np.repeat(0.1 * self.s0 * size / np.maximum(counts, 1), counts)
        self.lam = share / self.q
        self.s1 = self._slopes()
        self.measure()

    @property
    def v(self) -> Array:
        """The gradient of the loss, (n,), a variable of its own."""
        return self.term.v

    @property
    def point(self) -> Point:
        """The arrays of the blocks, for the kernels."""
        return Point(self.t, self.w, self.s0, self.s1, self.q, self.lam)

    @property
    def n_pairs(self) -> int:
        """Number of products whose sum is the complementarity."""
        return int(self.t.size + self.q.size + self.term.n_pairs)

    @property
    def is_finite(self) -> bool:
        """Whether the gradient of the loss is finite."""
        return bool(np.all(np.isfinite(self.v)))

    @property
    def is_inside(self) -> bool:
        """Whether the weights are strictly inside their cones."""
        return bool(np.all(self.t > row_norms(self.w)))

    @property
    def active(self) -> NDArray[np.bool_]:
        """Whether the weights of each block are large beside their slack, (G,)."""
        room = 1.0 - row_norms(self.s1) / self.s0
        return np.asarray(row_norms(self.w) > room * self.t.max())

    def _largest_price(self, v: Array) -> float:
        prices = row_norms(self.blocks.transposed(v))
        return float(prices.max(initial=0.0))

    def _slopes(self) -> Array:
        """``A^T v - F^T lam``, which s1 has to equal."""
        slopes = self.blocks.transposed(self.v)
        kernels.add_multipliers(self.blocks.facets, self.lam, -1.0, slopes)
        return slopes

    def measure(self) -> None:
        """Compute the residual of the dual equations."""
        self.residual = self._slopes() - self.s1

    def largest_step(self, step: Step) -> float:
        """Return the length of a step that stays inside all cones, 1 at most."""
        length = min(self._room(step), self.term.largest_step())
        return float(min(1.0, STEP * length))

    def _room(self, step: Step) -> float:
        """Return the length of a step to the border of the cones of the blocks."""
        s0, ds0 = np.full(self.t.size, self.s0), np.full(self.t.size, step.ds0)
        room = min(
            kernels.cone_step(self.t, self.w, step.dt, step.dw),
            kernels.cone_step(s0, self.s1, ds0, step.ds1),
            longest_step(self.q, step.dq),
            longest_step(self.lam, step.dlam),
        )
        return float(room)

    def complementarity(self, step: Step, length: float) -> float:
        """Sum of all products after a step of that length."""
        w, s1 = self.w + length * step.dw, self.s1 + length * step.ds1
        s0 = self.s0 + length * step.ds0
        total = s0 * float((self.t + length * step.dt).sum())
        total += float(np.vdot(w, s1))
        q, lam = self.q + length * step.dq, self.lam + length * step.dlam
        return total + float(q @ lam) + self.term.complementarity(length)

    def move(self, step: Step, length: float, dv: Array) -> None:
        """Take a step."""
        self._move_weights(step, length)
        self.z = self.blocks.predict(self.w)
        self.term.move(length, self.z, dv)
        self._move_slopes(step, length)

    def _move_weights(self, step: Step, length: float) -> None:
        """Take a step of the weights and their bounds."""
        self.w = self.w + length * step.dw
        self.t = self.t + length * step.dt
        # q follows w; where rounding would spoil its sign, the update is kept
        moved = self.q + length * step.dq
        kernels.facet_products(self.blocks.facets, self.w, self.q)
        self.q = np.where(self.q > 0.5 * moved, self.q, moved)

    def _move_slopes(self, step: Step, length: float) -> None:
        """Take a step of the multipliers, after v has taken its own."""
        self.s0 += length * step.ds0
        self.s1 = self.s1 + length * step.ds1
        self.lam = self.lam + length * step.dlam
        # s1 follows v and the multipliers, as q follows w
        exact = self._slopes()
        room = self.s0 - row_norms(self.s1)
        safe = self.s0 - row_norms(exact) > 0.5 * room
        self.s1[safe] = exact[safe]
        for g in np.flatnonzero(~safe):
            self._mend(int(g), exact[g] - self.s1[g])

    def _mend(self, g: int, residual: Array) -> None:
        """Change the multipliers of a block so that a residual of its s1 is gone.

        Where s1 cannot follow them, they follow it: by the least relative change, if
        that leaves them half of what they are.  Steps of multipliers are quotients by
        ``q``, which lose their digits where that is next to nothing.
        """
        here = slice(self.blocks.starts[g], self.blocks.starts[g + 1])
        moved = self.lam[here, None] * self.blocks.rows[here]
        sizes = np.maximum(np.abs(moved).max(axis=0, initial=0.0), 1e-300)
        if not (np.all(np.isfinite(moved)) and np.all(np.isfinite(residual / sizes))):
            return
        shares = np.linalg.lstsq((moved / sizes).T, residual / sizes, rcond=None)[0]
        if np.all(shares >= -0.5):  # False for NaN
            self.lam[here] *= 1.0 + shares

    def bounds(self) -> tuple[float, float, Array]:
        """Objective of the weights, dual bound, and the price of every block."""
        primal = self.data.value(self.z) + self.beta * float(row_norms(self.w).sum())
        v = self.data.clip(self.v)
        vector = self.s1 + self.residual
        if not np.array_equal(v, self.v):
            vector += self.blocks.transposed(v - self.v)
        prices = row_norms(vector)
        worst = float(prices.max(initial=0.0))
        cap = self.beta / worst if worst > 0.0 else np.inf
        dual = -self.data.conjugate(self.data.best_scale(v, cap) * v)
        return primal, dual, prices

    def merits(self, step: Step) -> tuple[float, float]:
        """Complementarity, and what the residuals can change in the duality gap."""
        weights = row_norms(self.w)
        sizes = row_norms(self.residual)
        residual = float(weights @ sizes) + self.term.residual()
        residual += abs(self.s0 - self.beta) * float(self.t.sum())
        return self.complementarity(step, 0.0), residual

    def at_most(self) -> float:
        """Return what residuals change at most, at weights as large as beta lets them.

        No more than the objective: where weights have to grow by orders of magnitude,
        `merits` says too little.
        """
        value = self.data.value(self.z)
        sizes = row_norms(self.residual)
        off = float(sizes.max(initial=0.0)) + abs(self.s0 - self.beta)
        return min(value / self.beta * off, value)


def row_norms(rows: Array) -> Array:
    """Return the lengths (G,) of rows (G, r); `numpy.linalg.norm` takes three times.

    Squares of what is beyond 1e154 are infinite, as they are there.
    """
    return np.asarray(np.sqrt(np.einsum("gk,gk->g", rows, rows)))
