"""Chambers of a cell that a few last rows cut, in integers, without a cut.

A cut makes all rays of both children, and near the leaves there are most cells: in high
rank, where cells have dozens of rays, it takes longer than to see from the values of
the rows that still cut what they do (`parts`), which is done for up to six of them.
"""

from __future__ import annotations

import numpy as np

from arrangement._kernels.bits import ONE, ZERO
from arrangement._kernels.cells.orthants import padded
from arrangement._kernels.cells.parts import (
    emit_few,
    find_few,
    find_parts,
    has_room,
    read_signs,
    side_of,
    write_inside,
)
from arrangement._kernels.compile import bare_forced, bare_inner
from arrangement._kernels.state import LEAST_RAYS, N_EMITTED, N_FRAMES, SINGLE, STEP


@bare_forced
def fill_near(rows, cells, cut, k):
    """Note the values of ``k`` rows at the top cell's rays in floats (see `parts`).

    With u = 2**-53: entries of rows are off by 2 u relative, those of rays too; rows
    have 1-norm 1, and rays entries of size 1, but for as little; a sum of r products is
    off by r u at most.
    """
    width = rows.shape[1]
    for j in range(k):
        line, norm = cut.lines[k - 1 - j], 0.0
        for c in range(width):
            line[c] = np.float64(rows[cut.few[j], c])
            norm += abs(line[c])
        for c in range(width):
            line[c] *= 1.0 / norm
    top = cells.control[N_FRAMES] - 1
    start, count, scales = cells.start[top], cells.n_rays[top], cut.scales
    error = 1.1 * (width + 6) * 2.0**-53
    for t in range(count):
        ray, peak = cells.ids[start + t], 0.0
        for c in range(width):
            value = np.float64(cells.rays[ray, c])
            cut.turned[c, t] = value
            peak = max(peak, abs(value))
        scales[t] = 1.0 / peak
    # ray by ray it takes four times as long
    for b in range(k):
        near = cut.near[b]
        for t in range(count):
            near[t] = 0.0
        for c in range(width):
            factor, entries = cut.lines[b, c], cut.turned[c]
            for t in range(count):
                near[t] += factor * entries[t]
        for t in range(count):
            value = near[t] * scales[t]
            near[t] = value if value * side_of(cut.signs[t], b) > 0.0 else 0.0
        for t in range(count, padded(count)):
            near[t] = 0.0
    for t in range(count, padded(count)):
        cut.signs[t] = 0
    return error


@bare_forced
def has_many_rays(cells):
    """Whether it is worth while to look at the last rows of the top cell."""
    control = cells.control
    return cells.n_rays[control[N_FRAMES] - 1] >= control[LEAST_RAYS]


@bare_inner
def list_parts(rows, required, outside, cells, cut, output):
    """Write all chambers of a cell that few rows cut, without a cut, if possible.

    It is not where facets are asked for, or a single chamber, where the block is too
    short, or in doubt (see `parts`).
    """
    control = cells.control
    count = cells.n_rays[control[N_FRAMES] - 1]
    if output.starts.size > 0 or control[SINGLE] == 1 or count > cut.ray.size:
        return False
    k = find_few(cut.union, required, cut.few)
    if k < 2:
        return False
    within, met = read_signs(cells, cut, k)
    parts, shown = ~ZERO >> (np.uint64(64) - (ONE << np.uint64(k))), ZERO
    if met != parts:
        error = fill_near(rows, cells, cut, k)
        parts, shown = find_parts(rows, cells, cut, k, met, error)
        if parts == ZERO:
            return False
    if not has_room(parts, within | shown, control, output):
        return False
    if output.points.shape[0] > 0:
        points = output.points[control[N_EMITTED] // control[STEP] :]
        if not write_inside(rows, cells, cut, k, parts, shown, points):
            return False
    emit_few(cut.union, cut.few, k, parts, outside, control, output.patterns)
    return True
