"""The chambers around many directions as cones: their facets and their centres.

A few hundred directions are taken together: what is the same for each of them, products
with all rows above all, is one array operation then.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

from convex_solver._kernels.solve import chambers
from convex_solver.rounding import unit_rows
from convex_solver.typing import Array

# Largest rank in which facets are sought; above it every row stays.
HULL_RANK = 5
# Most directions of a slab, and most entries that an array of one has
MOST_DIRECTIONS, MOST_ENTRIES = 512, 1 << 18


class Cone(NamedTuple):
    """A chamber: rows (m, r) of its facets, and a unit vector (r,) strictly inside."""

    facets: Array
    centre: Array


class Lines(NamedTuple):
    """What bounds chambers, in coordinates ``sizes * u``, in which columns are alike.

    ``units`` (n, r) are the rows of length 1 that are not zero, ``distinct`` (m,) and
    ``nonzero`` (n,) the places of one row of every line, and of these, among all.
    """

    units: Array
    sizes: Array
    distinct: NDArray[np.int64]
    nonzero: NDArray[np.int64]

    def slab(self) -> int:
        """Directions that are taken together."""
        entries = max(len(self.units) * len(self.sizes), 1)
        return max(min(MOST_DIRECTIONS, MOST_ENTRIES // entries), 1)


def cones_around(
    lines: Lines, directions: Array, patterns: NDArray[np.bool_]
) -> list[Cone | None]:
    """Return the chambers of directions (k, r), which have ``patterns`` (k, n).

    None for one whose direction is on a hyperplane, or so near to one that rounding
    keeps the centre from being found.
    """
    if not lines.distinct.size:
        return [None] * len(directions)
    inner = directions * lines.sizes
    rows = lines.units[np.searchsorted(lines.nonzero, lines.distinct)]
    turns = np.where(patterns[:, lines.distinct], 1.0, -1.0)
    heights = inner @ rows.T * turns
    found: list[Cone | None] = [None] * len(directions)
    places = np.flatnonzero(heights.min(axis=1) > 0.0)
    inner, turns, heights = inner[places], turns[places], heights[places]
    lengths = lines.sizes * _stretches(directions[places], inner)[:, None]
    chosen = _facets(rows, inner, turns, heights)
    for k, turn, length, facing in zip(places, turns, lengths, chosen, strict=True):
        facets = turn[facing, None] * rows[facing] * length
        centre = directions[k].copy()
        if chambers.analytic_centre(facets, centre):
            found[k] = Cone(facets, centre)
    _drop_outside(lines, patterns, found)
    return found


def turned_rows(rows: Array, sizes: Array, u: Array) -> Array:
    """Return unit rows (m, r) as rows for weights, for a cone around ``u``.

    Their products with ``u / |u|`` are the sines of the angles, in the coordinates of
    the rows.
    """
    own = u[None, :]
    return np.asarray(rows * (sizes * _stretches(own, own * sizes)))


def _stretches(directions: Array, inner: Array) -> Array:
    """Lengths of directions over those of the same in the coordinates of the rows."""
    return np.asarray(unit_rows(directions)[1] / unit_rows(inner)[1])


def _drop_outside(
    lines: Lines, patterns: NDArray[np.bool_], found: list[Cone | None]
) -> None:
    """Forget the cones whose centre is not strictly on its side of all rows."""
    kept = np.array([k for k, cone in enumerate(found) if cone is not None], np.int64)
    if not kept.size:
        return
    centres = np.stack([cone.centre for cone in found if cone is not None])
    heights = (centres * lines.sizes) @ lines.units.T
    signed = np.where(patterns[np.ix_(kept, lines.nonzero)], heights, -heights)
    for k, lowest in zip(kept.tolist(), signed.min(axis=1), strict=True):
        if lowest <= 0.0:
            found[k] = None


def _facets(
    rows: Array, inner: Array, turns: Array, heights: Array
) -> list[NDArray[np.int64] | list[int]]:
    """Rows that bound the cones ``turns rows u >= 0`` around inner directions.

    Extreme rays of the cone of the rows are vertices of the hull of ``x / (x . u)``.
    In high rank the hull costs more than it saves, and nearly all rows are facets.
    """
    count, r = rows.shape
    every = np.arange(count)
    if r == 1:
        return [every[:1]] * len(inner)
    if r > HULL_RANK:
        return [every] * len(inner)
    # a basis of what is orthogonal to each direction
    bases = np.linalg.svd(inner[:, None, :])[2][:, 1:]
    points = rows @ bases.transpose(0, 2, 1) * (turns / heights)[:, :, None]
    if r == 2:
        ends = points[:, :, 0].argmin(axis=1), points[:, :, 0].argmax(axis=1)
        return [sorted(set(pair)) for pair in np.stack(ends, axis=1).tolist()]
    if r > 3:
        return [_hull(some) for some in points]
    vertices: list[NDArray[np.int64] | list[int]] = []
    out = np.empty(2 * count + 2, dtype=np.int64)
    for some in points:
        size = chambers.extreme_rows(some, out)
        vertices.append(sorted(set(out[:size].tolist())))
    return vertices


def _hull(points: Array) -> NDArray[np.int64]:
    try:
        return np.asarray(ConvexHull(points).vertices, dtype=np.int64)
    except QhullError:
        return np.arange(len(points))


def distinct_lines(units: Array, nonzero: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the first of all rows that are parallel, to 1e-12; no zero rows."""
    index = np.flatnonzero(nonzero)
    if not index.size:
        return index
    rounded = np.round(units[index], 12) + 0.0
    leading = (np.abs(rounded) > 0.0).argmax(axis=1)
    rounded *= np.sign(rounded[np.arange(len(index)), leading])[:, None]
    _, first = np.unique(rounded, axis=0, return_index=True)
    return np.sort(index[first])
