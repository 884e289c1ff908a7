"""Networks of few neurons on many samples: sizes solved for, directions moved.

Objective (2) in units ``u_j`` with sizes and signs: ``l(sum_j s_j a_j (X u_j)_+) + beta
sum_j a_j``, ``a_j >= 0``, on the unit sphere.  Two things lower it:

- With the directions as they are it is convex in the sizes, and solved for
  (`Slide.settle`).  The gradient v then has ``|v^T (X u_j)_+| <= beta`` at all of them,
  also at those of size zero, which are kept for that.
- With the patterns as they are it is convex in the blocks ``a_j u_j``, and with many
  samples a pattern changes little in a step: Newton's method lets neurons slide through
  chambers that are far too thin to be met one by one (`Slide.move`; the sliding step of
  Denoyelle, Duval, Peyre & Soubies 2019, by Newton's method).

Nothing that is proven depends on it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import numpy as np
import scipy.linalg as la

from convex_solver.losses import DataTerm
from convex_solver.reading import fits
from convex_solver.typing import Array

# Entries of the matrix of slopes that are held at a time.
CHUNK = 1 << 21
# Damping: where it starts, its least, by how much it changes, and how often in a step.
DAMPING, LEAST, CHANGE, TRIES = 1e-6, 1e-12, 8.0, 12
# A neuron that a step would turn round, or shorten to less than this share, goes.
GONE = 1e-3
# Quadratic models of a loss for one set of sizes; halvings of a step; the relative gain
# that rounding may hide, which ends them when it comes again.  How much of the largest
# curvature a model has more where it has none, at first, and by how much it changes.
MODELS, HALVINGS, HIDDEN = 40, 6, 1e-13
FLOOR, RISE = 1e-6, 10.0
# Changes of the set of neurons with a size, for each direction; how far below beta a
# price is to be, as a share; what is added to a diagonal.
SWAPS, OVER, RIDGE = 10, 1e-10, 1e-13
# Seconds that products of matrices take, as a share of what `fits` expects.
FAST = 0.03
# Sizes below this share of the largest are zero.
NOTHING = 1e-12


class Slide:
    """A network that is being moved, and directions that it may take up.

    Parameters
    ----------
    X : ndarray, shape (n n_patches, r), float64
        Rows; norms of blocks are taken in these columns.
    n_patches : int
        Rows of a sample.
    beta : float
    deadline : float
        Of `time.monotonic`; past it nothing changes any more.

    Attributes
    ----------
    units, signs, sizes : ndarray, shapes (k, r), (k,) and (k,)
        Directions of length 1, the signs of the neurons in them, and sizes, some zero.
    f : ndarray, shape (n,)
        Predictions.
    """

    def __init__(
        self, X: Array, n_patches: int, beta: float, deadline: float = math.inf
    ) -> None:
        self.beta, self.n_patches, self.deadline = beta, n_patches, deadline
        self.columns = np.ascontiguousarray(X.T)
        self.n = len(X) // n_patches
        self.units: Array = np.zeros((0, X.shape[1]))
        self.signs: Array = np.zeros(0)
        self.sizes: Array = np.zeros(0)
        self.f: Array = np.zeros(self.n)

    @property
    def blocks(self) -> tuple[Array, Array]:
        """Blocks (m, r) of the neurons with a size, and their signs (m,)."""
        used = self.sizes > 0.0
        return self.sizes[used, None] * self.units[used], self.signs[used]

    def add(self, directions: Array, signs: Array) -> None:
        """Add directions (k, r) of any length, of size zero."""
        norms = np.linalg.norm(directions, axis=1)
        self.units = np.vstack([self.units, directions / norms[:, None]])
        self.signs = np.concatenate([self.signs, signs])
        self.sizes = np.concatenate([self.sizes, np.zeros(len(norms))])

    def place(self, blocks: Array, signs: Array) -> None:
        """Become another network, of blocks (m, r) that are not zero.

        The directions of this one are kept.
        """
        self.sizes = np.zeros_like(self.sizes)
        self.add(blocks, signs)
        self.sizes[len(self.sizes) - len(signs) :] = np.linalg.norm(blocks, axis=1)
        self.f = self.predict(blocks, signs)

    def keep(self, v: Array, price: float, most: int) -> None:
        """Drop directions that are priced below ``price`` at v, and beyond ``most``.

        None with a size.  The price of a direction is ``-s v^T (X u)_+``: what a neuron
        there would gain.
        """
        prices = np.zeros(len(self.units))
        for samples, rows in self._chunks(len(self.units)):
            prices -= self.signs * (self._outputs(self.units, rows) @ v[samples])
        kept = (prices > price) | (self.sizes > 0.0)
        prices[self.sizes > 0.0] = np.inf
        kept[np.argsort(-prices, kind="stable")[most:]] = False
        kept |= self.sizes > 0.0
        self.units, self.signs = self.units[kept], self.signs[kept]
        self.sizes = self.sizes[kept]

    def predict(self, blocks: Array, signs: Array) -> Array:
        """Return the predictions (n,) of a network."""
        f = np.zeros(self.n)
        for samples, rows in self._chunks(len(blocks)):
            f[samples] = signs @ self._outputs(blocks, rows)
        return f

    def settle(self, data: DataTerm) -> None:
        """Find the sizes that are best for the directions as they are.

        Newton's method: a quadratic model of the loss is minimised over the sizes,
        which are at least zero, by changing the set of those that are not.
        """
        value = self._value(data, self.sizes, self.f)
        floor, is_last = 0.0, False
        work = FAST * self.columns.shape[1] * len(self.units) ** 2
        for _ in range(MODELS if len(self.units) else 0):
            if not fits(work, self.deadline):
                return
            aim, gain = self._best_of_model(data, floor), -np.inf
            step = self.sizes if aim is None else aim - self.sizes
            for halvings in range(0 if aim is None else HALVINGS):
                sizes = self.sizes + 0.5**halvings * step
                f = self._predict_sizes(sizes)
                gain = value - self._value(data, sizes, f)
                if gain >= -HIDDEN * value:
                    break
            if not gain >= -HIDDEN * value:
                floor = max(RISE * floor, FLOOR)
                if floor > 1.0:
                    return
                continue
            self.sizes, self.f, floor = sizes, f, floor / RISE
            value -= gain
            is_end = gain <= HIDDEN * value
            if is_end and is_last:
                return
            is_last = is_end

    def move(self, data: DataTerm, steps: int, tol: float) -> int:
        """Take Newton steps until one gains less than ``tol``, relative; count them.

        Damped as Levenberg and Marquardt do, so that the objective falls.  Where the
        neurons were, directions of size zero stay.
        """
        blocks, signs = self.blocks
        f, damping, taken = self.f, DAMPING, 0
        value = _objective(data, self.beta, blocks, f)
        while taken < steps and len(blocks):
            work = FAST * blocks.size**2 * (2.0 * self.columns.shape[1] + blocks.size)
            if not fits(work, self.deadline):
                break
            gradient, K = self._model(data, blocks, signs, f)
            scale = 1.0 / np.sqrt(np.maximum(np.diagonal(K), 1e-300))
            K *= scale
            K *= scale[:, None]
            for _ in range(TRIES):
                step = _damped_step(gradient, K, scale, damping)
                if step is not None:
                    there, kept = _moved(blocks, step)
                    other, predicted = signs[kept], self.predict(there, signs[kept])
                    found = _objective(data, self.beta, there, predicted)
                    if found < value:
                        break
                damping = max(damping * CHANGE, DAMPING)
                if time.monotonic() > self.deadline:
                    found = value  # what it was
                    break
            else:
                break
            if not found < value:
                break
            gain, taken = value - found, taken + 1
            blocks, signs, f, value = there, other, predicted, found
            damping = max(damping / CHANGE, LEAST)
            if gain <= tol * value:
                break
        if taken:
            self.place(blocks, signs)
        return taken

    def objective(self, data: DataTerm) -> float:
        """Return objective (2) with the loss ``data``."""
        return self._value(data, self.sizes, self.f)

    def _value(self, data: DataTerm, sizes: Array, f: Array) -> float:
        return data.value(f) + self.beta * float(sizes.sum())

    def _predict_sizes(self, sizes: Array) -> Array:
        used = sizes > 0.0
        return self.predict(sizes[used, None] * self.units[used], self.signs[used])

    def _best_of_model(self, data: DataTerm, floor: float) -> Array | None:
        """Return the sizes (k,) that minimise the quadratic model at the present ones.

        They are those of the model to rounding: the active set of Lawson & Hanson
        (1974, chapter 23), from what is in use.  None where it has no minimum.
        """
        v, curvature = data.gradient(self.f), data.second_derivative(self.f)
        if floor > 0.0:
            curvature = curvature + floor * data.steepest(self.f)
        k = len(self.units)
        slope, gram = np.full(k, self.beta), np.zeros((k, k))
        for samples, rows in self._chunks(k):
            outputs = self.signs[:, None] * self._outputs(self.units, rows)
            slope += outputs @ v[samples]
            outputs *= np.sqrt(curvature[samples])
            gram += outputs @ outputs.T
        # the model is slope (x - sizes) + (x - sizes) gram (x - sizes) / 2
        linear = slope - gram @ self.sizes
        is_wanted = (slope < -OVER * self.beta) | (self.sizes > 0.0)
        if np.any(is_wanted & ~(np.diagonal(gram) > 0.0)):
            return None
        sizes = _nonnegative(gram, linear, self.sizes, OVER * self.beta)
        if sizes is None:
            return None
        return np.where(sizes > NOTHING * sizes.max(initial=0.0), sizes, 0.0)

    def _model(
        self, data: DataTerm, blocks: Array, signs: Array, f: Array
    ) -> tuple[Array, Array]:
        """Return the gradient (m r,) and the curvature (m r, m r), patterns kept."""
        m, r = blocks.shape
        v, curvature = data.gradient(f), data.second_derivative(f)
        norms = np.linalg.norm(blocks, axis=1)
        units = blocks / norms[:, None]
        gradient = self.beta * units.ravel()
        K = np.zeros((m * r, m * r))
        for samples, rows in self._chunks(m * r):
            columns = self.columns[:, rows]
            active = signs[:, None] * (blocks @ columns > 0.0)
            slopes = self._pooled(active[:, None, :] * columns).reshape(m * r, -1)
            gradient += slopes @ v[samples]
            slopes *= np.sqrt(curvature[samples])
            K += slopes @ slopes.T
        aside = np.eye(r) - units[:, :, None] * units[:, None, :]
        aside *= (self.beta / norms)[:, None, None]
        for j in range(m):
            here = slice(j * r, (j + 1) * r)
            K[here, here] += aside[j]
        return gradient, K

    def _outputs(self, blocks: Array, rows: slice) -> Array:
        """Return what neurons output, (m, samples)."""
        z = blocks @ self.columns[:, rows]
        return self._pooled(np.maximum(z, 0.0, out=z))

    def _pooled(self, z: Array) -> Array:
        """Add up the rows of each sample, which are the last axis."""
        if self.n_patches == 1:
            return z
        size = z.shape[-1] // self.n_patches
        return np.asarray(z.reshape(*z.shape[:-1], size, self.n_patches).sum(axis=-1))

    def _chunks(self, width: int) -> Iterator[tuple[slice, slice]]:
        """Yield samples and their rows, so many that ``width`` numbers a row fit."""
        size = max(CHUNK // (max(width, 1) * self.n_patches), 1)
        for start in range(0, self.n, size):
            stop = min(start + size, self.n)
            rows = slice(start * self.n_patches, stop * self.n_patches)
            yield slice(start, stop), rows


def _objective(data: DataTerm, beta: float, blocks: Array, f: Array) -> float:
    return data.value(f) + beta * float(np.linalg.norm(blocks, axis=1).sum())


def _damped_step(
    gradient: Array, K: Array, scale: Array, damping: float
) -> Array | None:
    """Return the step to where a damped model is least; None if it has no digits."""
    damped = K.copy()
    damped[np.diag_indices(len(K))] += damping
    lower, info = la.lapack.dpotrf(damped, lower=1)
    if info != 0:
        return None
    found = la.cho_solve((lower, True), -gradient * scale, check_finite=False) * scale
    return np.asarray(found) if np.all(np.isfinite(found)) else None


def _moved(blocks: Array, step: Array) -> tuple[Array, Array]:
    """Return the blocks that are left after a step, and which they are (m,)."""
    there = blocks + step.reshape(blocks.shape)
    ahead = np.einsum("jk,jk->j", there, blocks)
    kept = ahead > GONE * np.einsum("jk,jk->j", blocks, blocks)
    return there[kept], kept


def _nonnegative(gram: Array, linear: Array, start: Array, tol: float) -> Array | None:
    """Return about the ``x >= 0`` (k,) that minimises ``linear x + x gram x / 2``.

    Slopes may be below zero by ``tol`` where x is zero.  None where it has no digits.
    """
    x, heights = start.copy(), np.diagonal(gram).copy()
    inside = x > 0.0
    for _ in range(SWAPS * (len(x) + 1)):
        used = np.flatnonzero(inside)
        if len(used):
            part = gram[np.ix_(used, used)]
            part[np.diag_indices(len(used))] += RIDGE * heights[used]
            lower, info = la.lapack.dpotrf(part, lower=1)
            if info != 0:
                return None
            aim = la.cho_solve((lower, True), -linear[used], check_finite=False)
            if not np.all(np.isfinite(aim)):
                return None
            if np.any(aim <= 0.0):
                # go as far as all of them stay, and leave out the first that does not
                ends = np.full(len(used), np.inf)
                falls = aim <= 0.0
                ends[falls] = x[used][falls] / np.maximum(
                    (x[used] - aim)[falls], 1e-300
                )
                first = int(np.argmin(ends))
                x[used] += min(ends[first], 1.0) * (aim - x[used])
                x[used[first]] = 0.0
                inside[used[first]] = False
                continue
            x[used] = aim
        slopes = linear + gram @ x
        slopes[inside | (heights <= 0.0)] = 0.0
        lowest = int(np.argmin(slopes))
        if not slopes[lowest] < -tol:
            break
        inside[lowest] = True
    return np.maximum(x, 0.0)
