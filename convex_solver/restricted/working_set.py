"""The blocks of a restricted program: sign, pattern, facets and centre of each.

Directions and weights are those of the columns of X, in which norms are taken; facets
and what is inside a chamber are found in the coordinates of `program.axes`.
"""

from __future__ import annotations

import math
import time

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

from convex_solver._kernels.solve import Facets, chambers
from convex_solver.program import UNLIKE, column_sizes
from convex_solver.rounding import unit_rows
from convex_solver.typing import Array

# Largest rank in which facets are sought; above it every row stays.
HULL_RANK = 5


class WorkingSet:
    """Blocks ``+-D X`` with the facets of their chambers, stored flat.

    Attributes
    ----------
    signs : ndarray, shape (G,), float64
        +1 for v blocks, -1 for w blocks.
    patterns : ndarray, shape (G, n n_patches), bool
    AT : ndarray, shape (G r, n)
        ``(+-D X)^T`` of every block, one below the other; the rows of X that belong to
        a sample, ``n_patches`` in a row, are added up.
    starts, rows : ndarray, shapes (G + 1,) and (m, r)
        Facets of block g: ``rows[starts[g] : starts[g + 1]] @ w >= 0``.
    centres : ndarray, shape (G, r)
        Unit vectors strictly inside the chambers (the analytic centres).
    sizes : ndarray, shape (r,)
        Of the columns of X: ``sizes * w`` are coordinates in which they are alike.
    units : ndarray, shape (n, r)
        The rows in these, of length 1.
    """

    def __init__(self, X: Array, n_patches: int = 1) -> None:
        n, r = X.shape
        self.X = X
        self.n_patches = n_patches
        self.sizes = column_sizes(X)
        self.units, norms = unit_rows(X / self.sizes)
        self._nonzero = np.asarray(norms > 0.0)
        self._distinct = _distinct_lines(self.units, self._nonzero)
        self.signs = np.zeros(0)
        self.patterns = np.zeros((0, n), dtype=np.bool_)
        self.AT = np.zeros((0, n // n_patches))
        self.starts = np.zeros(1, dtype=np.int64)
        self.rows = np.zeros((0, r))
        self.centres = np.zeros((0, r))
        self._keys: set[bytes] = set()
        self._dropped: set[bytes] = set()
        self._gram: Array | None = None

    def __len__(self) -> int:
        """Return the number of blocks G."""
        return int(self.signs.size)

    def add(self, directions: Array, signs: Array, deadline: float = math.inf) -> int:
        """Add the chambers of generic directions (k, r); return how many were new.

        Past ``deadline`` (of `time.monotonic`) the rest is left out.
        """
        n, r = self.X.shape
        centres, patterns, kept_signs, rows, counts = [], [], [], [], []
        for u, sign in zip(directions, signs, strict=True):
            if time.monotonic() > deadline:
                break
            pattern = self.X @ u >= 0.0
            key = np.packbits(pattern).tobytes() + (b"+" if sign > 0 else b"-")
            if key in self._keys:
                continue
            sides = np.where(pattern, 1.0, -1.0)[:, None] * self.units
            facets = _facets(sides[self._distinct], self.sizes * u)
            if facets is None:
                continue
            facets = np.ascontiguousarray(self.facing(facets, u))
            centre = np.array(u)
            if not chambers.analytic_centre(facets, centre):
                continue
            if np.min(sides[self._nonzero] @ (self.sizes * centre), initial=1.0) <= 0.0:
                continue
            self._keys.add(key)
            centres.append(centre)
            patterns.append(pattern)
            kept_signs.append(float(sign))
            rows.append(facets)
            counts.append(len(facets))
        if not centres:
            return 0
        self.signs = np.concatenate([self.signs, kept_signs])
        self.patterns = np.vstack([self.patterns, patterns])
        self.centres = np.vstack([self.centres, centres])
        self.rows = np.ascontiguousarray(np.vstack([self.rows, *rows]))
        self.starts = np.concatenate([self.starts, self.starts[-1] + np.cumsum(counts)])
        fresh = np.empty((len(centres) * r, n // self.n_patches))
        for k, (pattern, sign) in enumerate(zip(patterns, kept_signs, strict=True)):
            active: Array = (sign * pattern) * self.X.T
            if self.n_patches > 1:
                active = np.asarray(
                    active.reshape(r, -1, self.n_patches).sum(axis=2), dtype=np.float64
                )
            fresh[k * r : (k + 1) * r] = active
        self._gram = None
        self.AT = np.vstack([self.AT, fresh])
        return len(centres)

    def facing(self, rows: Array, u: Array) -> Array:
        """Return unit rows (m, r) as rows for weights, for a cone around ``u``.

        Their products with ``u / |u|`` are the sines of the angles, in the coordinates
        of the rows.
        """
        _, (own, size) = unit_rows(np.stack([u, self.sizes * u]))
        return np.asarray(rows * (self.sizes * (own / size)))

    @property
    def facets(self) -> Facets:
        """Facets of all blocks, for the kernels."""
        return Facets(self.starts, self.rows)

    @property
    def is_raw(self) -> bool:
        """Whether columns of X are `UNLIKE`, as raw ones are: thin chambers follow."""
        return self.n_patches == 1 and float(self.sizes.max(initial=1.0)) > UNLIKE

    def cut(self, weights: Array, deadline: float = math.inf) -> int:
        """Add rows to cones that weights (G, r) break: none, all facets are there."""
        return 0

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays that grow with the number of blocks."""
        return int(self.AT.nbytes + self.patterns.nbytes + self.rows.nbytes)

    def keep(self, chosen: NDArray[np.bool_]) -> None:
        """Drop the blocks that are not chosen."""
        r = self.X.shape[1]
        parts = [
            self.rows[self.starts[g] : self.starts[g + 1]]
            for g in np.flatnonzero(chosen)
        ]
        counts = [len(part) for part in parts]
        self.rows = np.ascontiguousarray(np.vstack([np.zeros((0, r)), *parts]))
        self.starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        gone = {self._key(g) for g in np.flatnonzero(~chosen)}
        self._keys -= gone
        self._dropped |= gone
        wide = np.repeat(chosen, r)
        self.signs = self.signs[chosen]
        self.patterns = self.patterns[chosen]
        self.centres = self.centres[chosen]
        self.AT = self.AT[wide]
        self._gram = None

    def has_returned(self) -> NDArray[np.bool_]:
        """Whether each block was dropped before and added again, (G,)."""
        every = range(len(self)) if self._dropped else ()
        back = [self._key(g) in self._dropped for g in every]
        return np.array(back or [False] * len(self), dtype=np.bool_)

    def _key(self, g: int | np.intp) -> bytes:
        sign = b"+" if self.signs[g] > 0 else b"-"
        return np.packbits(self.patterns[g]).tobytes() + sign

    def predict(self, weights: Array) -> Array:
        """``sum_g A_g w_g``, (n,)."""
        return np.asarray(weights.ravel() @ self.AT)

    def outputs(self, weights: Array) -> Array:
        """``A_g w_g`` of every block, (G, n)."""
        G, r = weights.shape
        return np.asarray(np.einsum("gk,gkn->gn", weights, self.AT.reshape(G, r, -1)))

    def transposed(self, v: Array) -> Array:
        """``A_g^T v`` for every block, (G, r)."""
        return (self.AT @ v).reshape(-1, self.X.shape[1])

    def gram(self, curvature: Array) -> Array:
        """``A^T H A``, (G r, G r), a fresh array."""
        if np.all(curvature == 1.0):
            if self._gram is None:
                self._gram = self.AT @ self.AT.T
            return self._gram.copy()
        half = self.AT * np.sqrt(curvature)
        return np.asarray(half @ half.T)


def _facets(sides: Array, u: Array) -> Array | None:
    """Rows that bound the cone ``sides u >= 0`` around its inner direction ``u``.

    Extreme rays of the cone of the rows are vertices of the hull of ``x / (x . u)``.
    In high rank the hull costs more than it saves, and nearly all rows are facets.
    """
    count, r = sides.shape
    heights = sides @ u
    if count == 0 or np.min(heights) <= 0.0:
        return None
    if r == 1:
        return sides[:1]
    _, _, vt = np.linalg.svd(u[None, :])
    points = (sides @ vt[1:].T) / heights[:, None]
    if r == 2:
        chosen = np.unique([np.argmin(points[:, 0]), np.argmax(points[:, 0])])
    elif r == 3:
        out = np.empty(2 * count + 2, dtype=np.int64)
        size = chambers.extreme_rows(np.ascontiguousarray(points), out)
        chosen = np.unique(out[:size])
    elif r <= HULL_RANK:
        try:
            chosen = ConvexHull(points).vertices
        except QhullError:
            chosen = np.arange(count)
    else:
        chosen = np.arange(count)
    return np.asarray(sides[chosen])


def _distinct_lines(units: Array, nonzero: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the first of all rows that are parallel, to 1e-12; no zero rows."""
    index = np.flatnonzero(nonzero)
    if not index.size:
        return index
    rounded = np.round(units[index], 12) + 0.0
    leading = (np.abs(rounded) > 0.0).argmax(axis=1)
    rounded *= np.sign(rounded[np.arange(len(index)), leading])[:, None]
    _, first = np.unique(rounded, axis=0, return_index=True)
    return np.sort(index[first])
