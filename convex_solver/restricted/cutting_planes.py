"""Blocks of a restricted program whose cones take only the rows that matter.

In high rank nearly every row of the data is a facet of every cone, thousands of them,
of which a solution touches a few.  A `CuttingSet` starts each cone with the rows
nearest to its direction; `cut` adds those that a solution breaks.  The program with
fewer rows is a relaxation: its dual value is a lower bound of the restricted program's.
"""

from __future__ import annotations

import math
import time

import numpy as np
from numpy.typing import NDArray

from convex_solver.restricted.cones import HULL_RANK
from convex_solver.restricted.working_set import WorkingSet, key_of
from convex_solver.typing import Array

Index = NDArray[np.int64]

# A direction closer than this to a hyperplane, or a centre to its cone's border, tells
# nothing about the side it is on.
THIN = 1e-12
# Rows of a cone at the start, and rows that one cut may add, for each dimension.
FIRST_ROWS = 2
MORE_ROWS = 1
# Blocks below this share of the largest do not count: an interior point leaves them.
IDLE = 1e-7
NEWTON_STEPS = 60


class CuttingSet(WorkingSet):
    """A `WorkingSet` with few rows a cone, and more where solutions ask for them.

    ``centres`` are those of the cones with the rows that they have.
    """

    def __init__(self, X: Array, n_patches: int = 1) -> None:
        super().__init__(X, n_patches)
        self._distinct_units = self.units[self._distinct]
        self._inner: list[Array] = []
        self._chosen: list[Index] = []

    def add(self, directions: Array, signs: Array, deadline: float = math.inf) -> int:
        """Add the chambers of generic directions (k, r); return how many were new.

        Past ``deadline`` (of `time.monotonic`) the rest is left out.
        """
        r = self.X.shape[1]
        patterns, kept, centres, fresh = [], [], [], []
        for u, sign in zip(directions, signs, strict=True):
            if time.monotonic() > deadline:
                break
            size, z = float(np.linalg.norm(u)), self.sizes * u
            heights = (
                self._distinct_units @ (z / np.linalg.norm(z)) if size > 0.0 else [0.0]
            )
            if np.min(np.abs(heights), initial=1.0) <= THIN:
                continue
            pattern = self.X @ u >= 0.0
            key = key_of(np.packbits(pattern).tobytes(), sign)
            if key in self._keys:
                continue
            few = np.argsort(np.abs(heights), kind="stable")[: FIRST_ROWS * r]
            centre = analytic_centre(self._sides(pattern, few, u), u / size)
            if centre is None:
                continue
            self._keys.add(key)
            self._inner.append(u / size)
            self._chosen.append(few)
            patterns.append(pattern)
            kept.append(float(sign))
            centres.append(centre)
            fresh.append(self._active(pattern, float(sign)))
        if kept:
            self.signs = np.concatenate([self.signs, kept])
            self.patterns = np.vstack([self.patterns, patterns])
            self.centres = np.vstack([self.centres, centres])
            self.AT = np.vstack([self.AT, *fresh])
            self._gram = None
            self._flatten()
        return len(kept)

    def cut(self, weights: Array, deadline: float = math.inf) -> int:
        """Add rows that weights (G, r) break, the worst of each block; count them.

        Past ``deadline`` (of `time.monotonic`) the other blocks stay as they are.
        """
        r = self.X.shape[1]
        norms = np.linalg.norm(weights, axis=1)
        active = np.flatnonzero(norms > IDLE * norms.max(initial=0.0))
        added = 0
        for g in active.tolist():
            if time.monotonic() > deadline:
                break
            z = self.sizes * weights[g]
            heights = self._distinct_units @ (z / np.linalg.norm(z))
            heights *= np.where(self.patterns[g, self._distinct], 1.0, -1.0)
            heights[self._chosen[g]] = 0.0
            worst = np.argsort(heights, kind="stable")[: MORE_ROWS * r]
            worst = worst[heights[worst] < -THIN]
            if not worst.size:
                continue
            chosen = np.concatenate([self._chosen[g], worst])
            sides = self._sides(self.patterns[g], chosen, self._inner[g])
            centre = analytic_centre(sides, self._inner[g])
            if centre is None:
                continue
            self._chosen[g], self.centres[g] = chosen, centre
            added += worst.size
        self._flatten()
        return added

    def keep(self, chosen: NDArray[np.bool_]) -> None:
        """Drop the blocks that are not chosen."""
        super().keep(chosen)
        kept = np.flatnonzero(chosen).tolist()
        self._inner = [self._inner[g] for g in kept]
        self._chosen = [self._chosen[g] for g in kept]

    def _sides(self, pattern: NDArray[np.bool_], rows: Index, inner: Array) -> Array:
        """Rows of a cone around a direction, turned so that they are positive there."""
        turn = np.where(pattern[self._distinct[rows]], 1.0, -1.0)
        return self.facing(turn[:, None] * self._distinct_units[rows], inner)

    def _active(self, pattern: NDArray[np.bool_], sign: float) -> Array:
        """``(+-D X)^T`` with the rows of each sample added up, (r, n)."""
        rows = self.X * np.where(pattern, sign, 0.0)[:, None]
        pooled = rows.reshape(-1, self.n_patches, self.X.shape[1]).sum(axis=1)
        return np.asarray(pooled.T)

    def _flatten(self) -> None:
        each = zip(self.patterns, self._chosen, self._inner, strict=True)
        parts = [self._sides(*block) for block in each]
        self.rows = np.ascontiguousarray(np.vstack([self.rows[:0], *parts]))
        counts = [len(part) for part in parts]
        self.starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def empty_set(X: Array, n_patches: int) -> WorkingSet:
    """Return a set for blocks with all facets, or in high rank with few rows a cone."""
    kind = WorkingSet if X.shape[1] <= HULL_RANK else CuttingSet
    return kind(X, n_patches)


def analytic_centre(rows: Array, inner: Array) -> Array | None:
    """Return the unit vector with ``sum rows_f / (rows_f u) = m u``, from one inside.

    The minimiser of ``|u|^2 / 2 - sum log(rows u) / m`` by damped Newton steps; the
    kernel of that name does the same for small cones, this one by BLAS.  None if
    rounding keeps it from being reached.
    """
    u = np.array(inner, dtype=np.float64)
    m, r = rows.shape
    if m == 0:
        return u
    slack = rows @ u
    if np.min(slack) <= THIN:
        return None
    for _ in range(NEWTON_STEPS):
        scaled = rows / slack[:, None]
        gradient = u - scaled.sum(axis=0) / m
        hessian = np.eye(r) + scaled.T @ scaled / m
        try:
            step = np.linalg.solve(hessian, gradient)
        except np.linalg.LinAlgError:  # rows of very unlike slack
            return None
        decrement = float(step @ gradient)
        if not decrement >= 0.0:  # NaN
            break
        # self-concordant: a damped step is inside and goes down
        size = 1.0 if decrement * m < 0.05 else 1.0 / (1.0 + math.sqrt(decrement * m))
        u -= size * step
        slack = rows @ u
        if not np.min(slack) > 0.0:
            return None
        if decrement < 1e-16:  # that step left about the square of it
            break
    miss = (rows / slack[:, None]).sum(axis=0) / m - u
    sizes = np.abs(rows).max(axis=0, initial=1.0)  # above 1 for unlike columns only
    is_near = np.linalg.norm(miss) < 0.1 and np.linalg.norm(miss / sizes) < 1e-3
    return u if is_near else None
