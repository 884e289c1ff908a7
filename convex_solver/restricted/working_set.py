"""The blocks of a restricted program: sign, pattern, facets and centre of each.

Directions and weights are those of the columns of X, in which norms are taken; facets
and what is inside a chamber are found in the coordinates of `program.axes`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from convex_solver._kernels.solve import Facets
from convex_solver.program import UNLIKE, column_sizes
from convex_solver.restricted.cones import (
    Cone,
    Lines,
    cones_around,
    distinct_lines,
    turned_rows,
)
from convex_solver.rounding import unit_rows
from convex_solver.typing import Array


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
        is_nonzero = np.asarray(norms > 0.0)
        nonzero = np.flatnonzero(is_nonzero)
        self._distinct = distinct_lines(self.units, is_nonzero)
        self._lines = Lines(self.units[nonzero], self.sizes, self._distinct, nonzero)
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
        # each direction once, whatever signs it is wanted with
        places: dict[bytes, int] = {}
        which = [places.setdefault(u.tobytes(), len(places)) for u in directions]
        own = directions[np.unique(which, return_index=True)[1]]
        found: list[tuple[Cone | None, NDArray[np.bool_], bytes]] = []
        step = self._lines.slab()
        for first in range(0, len(own), step):
            if time.monotonic() > deadline:
                break
            found += self._chambers(own[first : first + step])
        order, cones, patterns = [], [], []
        for k, place in enumerate(which):
            if place >= len(found):
                continue
            cone, pattern, bits = found[place]
            key = key_of(bits, signs[k])
            if cone is not None and key not in self._keys:
                self._keys.add(key)
                order.append(k)
                cones.append(cone)
                patterns.append(pattern)
        if order:
            self._append(cones, np.array(patterns), signs[order])
        return len(order)

    def _chambers(
        self, directions: Array
    ) -> Iterator[tuple[Cone | None, NDArray[np.bool_], bytes]]:
        """Cone, pattern and bits of each direction of a slab; no cone in vain."""
        patterns = directions @ self.X.T >= 0.0
        packed = [bits.tobytes() for bits in np.packbits(patterns, axis=1)]
        known = self._keys
        is_new = [not {key_of(bits, 1), key_of(bits, -1)} <= known for bits in packed]
        fresh = iter(cones_around(self._lines, directions[is_new], patterns[is_new]))
        for new, pattern, bits in zip(is_new, patterns, packed, strict=True):
            yield next(fresh) if new else None, pattern, bits

    def _append(
        self, cones: Sequence[Cone], patterns: NDArray[np.bool_], signs: Array
    ) -> None:
        """Put blocks behind those that there are."""
        n, r = self.X.shape
        counts = [len(cone.facets) for cone in cones]
        facets = [cone.facets for cone in cones]
        self.signs = np.concatenate([self.signs, signs])
        self.patterns = np.vstack([self.patterns, patterns])
        self.centres = np.vstack([self.centres, *(cone.centre for cone in cones)])
        self.rows = np.ascontiguousarray(np.vstack([self.rows, *facets]))
        self.starts = np.concatenate([self.starts, self.starts[-1] + np.cumsum(counts)])
        old = len(self.AT)
        AT = np.empty((old + len(cones) * r, n // self.n_patches))
        AT[:old] = self.AT
        columns = np.ascontiguousarray(self.X.T)
        for pattern, sign, block in zip(
            patterns, signs, AT[old:].reshape(len(cones), r, -1), strict=True
        ):
            if self.n_patches == 1:
                np.multiply(columns, sign * pattern, out=block)
            else:
                active = (sign * pattern) * columns
                active.reshape(r, -1, self.n_patches).sum(axis=2, out=block)
        self._gram = None
        self.AT = AT

    def facing(self, rows: Array, u: Array) -> Array:
        """Return unit rows (m, r) as rows for weights, for a cone around ``u``.

        As `turned_rows` in the coordinates in which columns are alike.
        """
        return turned_rows(rows, self.sizes, u)

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
        return key_of(np.packbits(self.patterns[g]).tobytes(), self.signs[g])

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


def key_of(bits: bytes, sign: float) -> bytes:
    """Return what tells blocks apart: the bits of a pattern, and a sign."""
    return bits + (b"+" if sign > 0 else b"-")
