"""What moments say of a row: bounds of the mean of ``|x.u|``, and their derivatives.

For moments ``(tau, m, M)`` of directions in a leaf, ``tau = tr M``, ``s = x.u`` with
mean ``x.m``, mean square ``q = x^T M x`` and ``a <= s <= b`` on the leaf, the mean of
``|s|`` is at most the concave envelope of ``|s|`` in ``(s, s^2)``:

    sqrt(tau q)                                where two values +-t do,
    x.m - 2 c tau + 2 c T1^2 / T2              where c, the end a nearest to 0, is one
        (T1 = x.m - c tau, T2 = q - 2 c x.m + c^2 tau; for b with x.m turned round),
    ((a + b) x.m - 2 a b tau) / (b - a)        where both ends are,

and at least ``|M x|``, ``x.m``, ``-x.m`` and ``(2 q - (a + b) x.m) / (b - a)``: each is
the mean of ``s pi(u)`` for an affine ``|pi| <= 1``.  Where ``a >= 0`` or ``b <= 0`` the
mean is ``+-x.m``.  ``|M x|`` has a kink where it is zero, and optima lie there: it is
softened, as ``(|M x|^2 + softness^2)^(1/2)``.

All gradients are sums of four vectors with a coefficient each (`N_PARTS`): the
gradients of ``tau``, of ``x.m``, of ``q`` and of ``|M x|``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convex_solver.leaves.leaf import Leaf
from convex_solver.leaves.packing import Packing
from convex_solver.typing import Array

N_PARTS = 4
# Lower bounds of a row: |M x|, x.m, -x.m and the one of both ends.
N_LOWER = 4
# Entries of the matrices that are made at a time.
CHUNK = 1 << 22


@dataclass(frozen=True, eq=False)
class RowBounds:
    """Bounds of the mean of ``|s|`` at some moments; arrays (B, n), B leaves.

    ``upper``; ``lower`` (4, B, n); ``mean``, ``square``, ``trace`` (B, 1); ``policy``
    (B, n, r), along ``M x`` and no longer than 1; ``least``, the softened ``|M x|``.
    Of the upper bound: its slopes in tau, the mean and q, (3, B, n), and its
    curvature, minus ``bend`` times the square of the vector ``turn`` (3, B, n).
    """

    upper: Array
    lower: Array
    mean: Array
    square: Array
    trace: Array
    least: Array
    policy: Array
    slopes: Array
    bend: Array
    turn: Array


class Rows:
    """Rows (n, r) on leaves: their ranges, and the functions of moments.

    Attributes
    ----------
    X : ndarray, shape (n, r)
        None of them zero.
    low, high : ndarray, shape (B, n)
        Range of ``x.u`` on each leaf.
    is_open : ndarray, shape (B, n), bool
        Whether the sign of ``x.u`` may change there.
    level : ndarray, shape (B, n)
        ``(x.u)_+ / x.u`` where it may not.
    """

    def __init__(self, X: Array, leaves: Sequence[Leaf]) -> None:
        self.X = X
        self.packing = Packing(X.shape[1])
        self.outer = self.packing.outer(X, X)
        self.low = np.array([-leaf.highest(-X) for leaf in leaves])
        self.high = np.array([leaf.highest(X) for leaf in leaves])
        self.is_open = (self.low < 0.0) & (self.high > 0.0)
        self.level = np.where(self.low >= 0.0, 1.0, 0.0)
        # any range does for the others
        self._a = np.where(self.is_open, self.low, -1.0)
        self._b = np.where(self.is_open, self.high, 1.0)
        self._sum = (self._a + self._b) / (self._b - self._a)
        self._inverse = 2.0 / (self._b - self._a)

    def at(self, m: Array, M: Array, softness: float | Array) -> RowBounds:
        """Return the bounds at moments (B, r) and (B, r, r)."""
        X, a, b = self.X, self._a, self._b
        tau = np.trace(M, axis1=1, axis2=2)[:, None]
        mean, image = m @ X.T, X @ M
        q = np.einsum("bij,ij->bi", image, X)
        least = np.hypot(np.linalg.norm(image, axis=2), softness)
        lower = np.array([least, mean, -mean, self._inverse * q - self._sum * mean])
        # the nearer end, with signs such that it is on the left
        side = np.where(-a > b, -1.0, 1.0)
        c, far = np.where(side < 0.0, -b, a), np.where(side < 0.0, -a, b)
        T1 = side * mean - c * tau
        T2 = q - 2.0 * c * side * mean + c * c * tau
        ratio = T1 / T2
        is_even = q <= c * c * tau
        is_chord = ~is_even & (c * T1 + T2 >= far * T1)
        root = np.sqrt(tau * q)
        zero = np.zeros_like(q)

        def pick(even: Array, chord: Array, end: Array) -> Array:
            return np.where(is_even, even, np.where(is_chord, chord, end))

        chord = -2.0 * a * b / (b - a)
        slopes = np.array(
            [
                pick(0.5 * root / tau, chord, -2.0 * c * (1.0 + c * ratio) ** 2),
                pick(zero, self._sum, side * (1.0 + 4.0 * c * ratio * (1 + c * ratio))),
                pick(0.5 * root / q, zero, -2.0 * c * ratio * ratio),
            ]
        )
        upper = slopes[0] * tau + slopes[1] * mean + slopes[2] * q
        bend = pick(0.25 * root, zero, -4.0 * c / T2)
        turn = np.array(
            [
                pick(1.0 / tau + zero, zero, -c * (1.0 + c * ratio)),
                pick(zero, zero, side * (1.0 + 2.0 * c * ratio)),
                pick(-1.0 / q, zero, -ratio),
            ]
        )
        policy = image / least[:, :, None]
        return RowBounds(upper, lower, mean, q, tau, least, policy, slopes, bend, turn)

    def gradients(self, at: RowBounds) -> Array:
        """Return the coefficients of upper and lower bounds, (4, 5, B, n)."""
        parts = np.zeros((N_PARTS, 1 + N_LOWER, *at.upper.shape))
        parts[:3, 0] = at.slopes
        parts[3, 1] = 1.0
        parts[1, 2], parts[1, 3] = 1.0, -1.0
        parts[1, 4], parts[2, 4] = -self._sum, self._inverse
        return parts

    def change(self, at: RowBounds, dm: Array, dM: Array) -> Array:
        """Return what steps of the moments change of the four parts, (4, B, n)."""
        image = self.X @ dM
        trace = np.trace(dM, axis1=1, axis2=2)[:, None]
        return np.array(
            [
                np.broadcast_to(trace, at.mean.shape),
                dm @ self.X.T,
                np.einsum("bij,ij->bi", image, self.X),
                np.einsum("bij,bij->bi", image, at.policy),
            ]
        )

    def pull(self, at: RowBounds, parts: Array) -> Array:
        """Add up gradients with coefficients (4, B, n), in ``(m, packed M)``."""
        X, packing = self.X, self.packing
        trace, mean, square, image = parts
        inner = square @ self.outer + trace.sum(axis=1)[:, None] * packing.identity
        product = (X.T * image[:, None, :]) @ at.policy
        inner += packing.pack(0.5 * (product + np.swapaxes(product, 1, 2)))
        return np.concatenate([mean @ X, inner], axis=1)

    def images(self, at: RowBounds) -> Array:
        """Return the gradients of ``|M x|`` in the packed M, (B, n, size)."""
        return self.packing.outer(self.X, at.policy)

    def gradient_rows(self, images: Array, parts: Array, block: int, k: slice) -> Array:
        """Return gradients of one leaf as vectors (rows, D)."""
        trace, mean, square, image = parts[:, block, k, None]
        r = self.packing.r
        rows = np.empty((len(mean), r + self.packing.size))
        np.multiply(mean, self.X[k], out=rows[:, :r])
        inner = rows[:, r:]
        np.multiply(square, self.outer[k], out=inner)
        inner += trace * self.packing.identity
        inner += image * images[block, k]
        return rows

    def add_squares(self, hessian: Array, images: Array, squares: Array) -> None:
        """Add the sum over rows of products of gradients (B, D, D).

        ``squares`` (4, 4, B, n), symmetric in the first two, are the weights of the
        products of parts; ``images`` as `images` has them.
        """
        step = max(1, CHUNK // self.packing.size)
        space = np.empty((2, min(step, len(self.X)), self.packing.size))
        for block, whole in enumerate(hessian):
            # rows whose sign does not change have no weights
            used = np.flatnonzero(np.any(squares[:, :, block] != 0.0, axis=(0, 1)))
            for k in range(0, used.size, step):
                part = used[k : k + step]
                weights = squares[:, :, block, part]
                self._add_some(whole, images[block, part], weights, part, space)

    def _add_some(
        self,
        whole: Array,
        image: Array,
        w: Array,
        part: NDArray[np.intp],
        space: Array,
    ) -> None:
        """Add some rows' products of one leaf; ``space`` is written to."""
        r, identity = self.packing.r, self.packing.identity
        x, outer = self.X[part], self.outer[part]
        sums: Array = space[0, : len(part)]
        more: Array = space[1, : len(part)]

        def mix(first: Array, second: Array) -> Array:
            np.multiply(outer, first[:, None], out=sums)
            np.multiply(image, second[:, None], out=more)
            np.add(sums, more, out=sums)
            return sums

        whole[:r, :r] += x.T @ (w[1, 1, :, None] * x)
        mixed = x.T @ mix(w[1, 2], w[1, 3])
        mixed += np.multiply.outer(w[0, 1] @ x, identity)
        whole[:r, r:] += mixed
        whole[r:, :r] += mixed.T
        inner = outer.T @ mix(w[2, 2], w[2, 3])
        inner += image.T @ mix(w[2, 3], w[3, 3])
        # the trace is that of all rows
        alone = w[0, 2] @ outer + w[0, 3] @ image + 0.5 * w[0, 0].sum() * identity
        cross = np.multiply.outer(alone, identity)
        inner += cross
        inner += cross.T
        whole[r:, r:] += inner

    def add_curvature(
        self, hessian: Array, at: RowBounds, up: Array, low: Array
    ) -> Array:
        """Add the Hessians of ``-up.upper + low.least``, but for what is returned.

        That is what they add to the weights of `add_squares`, (4, 4, B, n).  The
        Hessian of ``|M x|`` is ``(x x^T (x) I - s s^T) / least``, s the symmetric part
        of ``x policy^T``.
        """
        r = self.packing.r
        weights = low / at.least
        whole = (self.X.T * weights[:, None, :]) @ self.X
        self.packing.add_products(hessian[:, r:, r:], whole)
        squares = np.zeros((N_PARTS, N_PARTS, *up.shape))
        squares[:3, :3] = up * at.bend * at.turn[:, None] * at.turn[None]
        squares[3, 3] = -weights
        return squares
