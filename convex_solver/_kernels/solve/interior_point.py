"""Kernels of the interior point method: the small matrices of every block.

A block has weights ``w`` (r,) in a cone ``F w >= 0``, a bound ``t >= |w|`` that costs
``beta t``, multipliers ``lam`` of the facets and ``s = (s0, s1)`` of the second-order
cone; ``s0`` is one number for all blocks and ends at beta.  With the Nesterov-Todd
point ``eta (w0, w1)``, ``w0**2 - |w1|**2 = 1``, and ``kappa = 1 + 2 |w1|**2``,
eliminating ``t`` leaves, without any subtraction,

    M = eta**-2 (I - (2 / kappa) w1 w1^T)
      = eta**-2 ((I - e e^T) + e e^T / kappa),   e = w1 / |w1|

and the facets add ``F^T diag(lam / q) F``, ``q = F w``, both positive definite.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convex_solver._kernels.compile import kernel
from convex_solver._kernels.solve.sorting import sort_indices


class Facets(NamedTuple):
    """Facets of block g: ``rows[starts[g] : starts[g + 1]]``."""

    starts: NDArray[np.int64]
    rows: NDArray[np.float64]


class Point(NamedTuple):
    """A point of all blocks: ``t`` (G,), ``w`` and ``s1`` (G, r), ``q, lam`` (m,)."""

    t: NDArray[np.float64]
    w: NDArray[np.float64]
    s0: float
    s1: NDArray[np.float64]
    q: NDArray[np.float64]
    lam: NDArray[np.float64]


class Step(NamedTuple):
    """What each part of a `Point` changes by."""

    dt: NDArray[np.float64]
    dw: NDArray[np.float64]
    ds0: float
    ds1: NDArray[np.float64]
    dq: NDArray[np.float64]
    dlam: NDArray[np.float64]


class Scaling(NamedTuple):
    """``eta**2`` (G,), the point ``(w0, w1)`` (G, r + 1) and ``kappa`` (G,)."""

    eta2: NDArray[np.float64]
    point: NDArray[np.float64]
    kappa: NDArray[np.float64]


class Aims(NamedTuple):
    """What a step aims at: of the cones ``e0`` (G,), ``e1`` (G, r), of facets ``h``."""

    e0: NDArray[np.float64]
    e1: NDArray[np.float64]
    h: NDArray[np.float64]


@kernel
def scale_blocks(current, scaling):
    """Fill in the Nesterov-Todd points; return the sum of ``x . s`` over the blocks."""
    t, w, s0, s1 = current.t, current.w, current.s0, current.s1
    eta2, point, kappa = scaling.eta2, scaling.point, scaling.kappa
    blocks, r = w.shape
    total = 0.0
    for g in range(blocks):
        ww = 0.0
        ss = 0.0
        ws = 0.0
        for k in range(r):
            ww += w[g, k] * w[g, k]
            ss += s1[g, k] * s1[g, k]
            ws += w[g, k] * s1[g, k]
        ww = math.sqrt(ww)
        ss = math.sqrt(ss)
        # one rounding of t or s0 at least: a point on the border would divide by zero
        det_x = math.sqrt(max(t[g] - ww, 1e-16 * t[g]) * (t[g] + ww))
        det_s = math.sqrt(max(s0 - ss, 1e-16 * s0) * (s0 + ss))
        inner = max(t[g] * s0 + ws, 1e-16 * t[g] * s0)
        total += inner
        gamma = math.sqrt(0.5 * (1.0 + inner / (det_x * det_s)))
        square = 0.0
        for k in range(r):
            value = (w[g, k] / det_x - s1[g, k] / det_s) / (2.0 * gamma)
            point[g, k + 1] = value
            square += value * value
        point[g, 0] = math.sqrt(1.0 + square)
        kappa[g] = 1.0 + 2.0 * square
        eta2[g] = det_x / det_s
    return total


@kernel
def insert_row(upper, row):
    """Update the triangle ``R`` of ``R^T R`` by one row, with Givens rotations."""
    r = row.size
    for j in range(r):
        if row[j] == 0.0:
            continue
        size = math.hypot(upper[j, j], row[j])
        c = upper[j, j] / size
        s = row[j] / size
        upper[j, j] = size
        for k in range(j + 1, r):
            old = upper[j, k]
            upper[j, k] = c * old + s * row[k]
            row[k] = c * row[k] - s * old


@kernel
def factor_blocks(facets, current, scaling, factors):
    """Lower ``L`` with ``L L^T = M + F^T diag(lam / q) F``, never formed.

    Rows of a square root of the matrix are rotated into a triangle, the largest
    first: near the end they differ by 10^9 and their squares by 10^18, of which only
    the former leaves the small ones any digits.
    """
    starts, rows, q, lam = facets.starts, facets.rows, current.q, current.lam
    eta2, point, kappa = scaling.eta2, scaling.point, scaling.kappa
    blocks, r, _ = factors.shape
    upper = np.zeros((r, r))
    row = np.zeros(r)
    most = 1
    for g in range(blocks):
        most = max(most, starts[g + 1] - starts[g])
    ratios = np.zeros(most)
    order = np.zeros(most, dtype=np.int64)
    for g in range(blocks):
        upper[:, :] = 0.0
        begin, end = starts[g], starts[g + 1]
        count = end - begin
        for k in range(count):
            ratios[k] = -lam[begin + k] / q[begin + k]
        sort_indices(ratios, count, order)
        for k in range(count):
            f = begin + order[k]
            size = math.sqrt(-ratios[order[k]])
            for i in range(r):
                row[i] = size * rows[f, i]
            insert_row(upper, row)
        inverse = 1.0 / math.sqrt(eta2[g])
        norm = math.sqrt(0.5 * (kappa[g] - 1.0))
        # Householder reflection that takes e = w1 / |w1| to the first axis
        first = point[g, 1] / norm if norm > 0.0 else 1.0
        sign = 1.0 if first >= 0.0 else -1.0
        for j in range(r - 1, -1, -1):
            # row j of I - u u^T / (1 + |e_0|), u = e + sign e_0
            size = inverse if j > 0 else inverse / math.sqrt(kappa[g])
            for i in range(r):
                unit = 1.0 if i == j else 0.0
                if norm > 0.0:
                    ei = point[g, i + 1] / norm + (sign if i == 0 else 0.0)
                    ej = point[g, j + 1] / norm + (sign if j == 0 else 0.0)
                    unit -= ei * ej / (1.0 + abs(first))
                row[i] = size * unit
            insert_row(upper, row)
        for i in range(r):
            # rotations keep the diagonal of R at or above zero
            for j in range(r):
                factors[g, i, j] = upper[j, i] if j <= i else 0.0


@kernel
def multiply_blocks(factors, vectors, out):
    """``out_g = L_g (L_g^T vectors_g)``."""
    blocks, r, _ = factors.shape
    half = np.zeros(r)
    for g in range(blocks):
        for i in range(r):
            value = 0.0
            for k in range(i, r):
                value += factors[g, k, i] * vectors[g, k]
            half[i] = value
        for i in range(r):
            value = 0.0
            for k in range(i + 1):
                value += factors[g, i, k] * half[k]
            out[g, i] = value


@kernel
def forward_blocks(factors, matrix, out):
    """Overwrite ``out`` (G r, n) with ``L_g^-1 matrix_g``, block rows of ``matrix``."""
    blocks, r, _ = factors.shape
    n = matrix.shape[1]
    for g in range(blocks):
        for i in range(r):
            row = g * r + i
            inverse = 1.0 / factors[g, i, i]
            for c in range(n):
                out[row, c] = matrix[row, c] * inverse
            for k in range(i):
                ratio = factors[g, i, k] * inverse
                for c in range(n):
                    out[row, c] -= ratio * out[g * r + k, c]


@kernel
def backward_blocks(factors, vector, out):
    """``out_g = L_g^-T vector_g`` for vectors (G, r)."""
    blocks, r, _ = factors.shape
    for g in range(blocks):
        for i in range(r - 1, -1, -1):
            value = vector[g, i]
            for k in range(i + 1, r):
                value -= factors[g, k, i] * out[g, k]
            out[g, i] = value / factors[g, i, i]


@kernel
def centring(current, scaling, step, mu, correct, aims):
    """Right sides of the second-order cones: ``W^-1 (lambda^-1 o (mu e - corr)) - s``.

    ``corr = (W^-1 dx) o (W ds)`` of the predictor when ``correct``, which ``step`` then
    holds.  What it leaves ``s0`` to gain, ``ds0``, is taken off ``e0``.
    """
    t, w, s0, s1 = current.t, current.w, current.s0, current.s1
    dt, dw, ds0, ds1 = step.dt, step.dw, step.ds0, step.ds1
    eta2, point, e0, e1 = scaling.eta2, scaling.point, aims.e0, aims.e1
    blocks, r = w.shape
    scaled = np.zeros(r + 1)  # lambda = W s
    left = np.zeros(r + 1)
    right = np.zeros(r + 1)
    rhs = np.zeros(r + 1)
    source = np.zeros(r + 1)
    for g in range(blocks):
        if mu == 0.0 and not correct:
            e0[g] = -s0 - ds0
            for k in range(r):
                e1[g, k] = -s1[g, k]
            continue
        eta = math.sqrt(eta2[g])
        fill(source, s0, s1[g])
        apply_scaling(point[g], eta, 1.0, source, scaled)
        rhs[:] = 0.0
        rhs[0] = mu
        if correct:
            fill(source, dt[g], dw[g])
            apply_scaling(point[g], 1.0 / eta, -1.0, source, left)
            fill(source, ds0, ds1[g])
            apply_scaling(point[g], eta, 1.0, source, right)
            for k in range(r + 1):
                rhs[0] -= left[k] * right[k]
            for k in range(1, r + 1):
                rhs[k] -= left[0] * right[k] + right[0] * left[k]
        ww = 0.0
        ss = 0.0
        for k in range(r):
            ww += w[g, k] * w[g, k]
            ss += s1[g, k] * s1[g, k]
        ww = math.sqrt(ww)
        ss = math.sqrt(ss)
        det = math.sqrt(max(t[g] - ww, 1e-16 * t[g]) * (t[g] + ww))
        det *= math.sqrt(max(s0 - ss, 1e-16 * s0) * (s0 + ss))
        first = scaled[0] * rhs[0]
        for k in range(1, r + 1):
            first -= scaled[k] * rhs[k]
        source[0] = first / det
        for k in range(1, r + 1):
            source[k] = (rhs[k] - source[0] * scaled[k]) / scaled[0]
        apply_scaling(point[g], 1.0 / eta, -1.0, source, left)
        e0[g] = left[0] - s0 - ds0
        for k in range(r):
            e1[g, k] = left[k + 1] - s1[g, k]


@kernel
def fill(out, first, others):
    """``out = (first, others)``, entry by entry: see `compile` on array assignments."""
    out[0] = first
    for k in range(others.size):
        out[1 + k] = others[k]


@kernel
def apply_scaling(point, factor, sign, x, out):
    """``out = W x`` (sign 1, factor eta) or ``W^-1 x`` (sign -1, factor 1 / eta)."""
    size = x.size
    dot = 0.0
    for k in range(1, size):
        dot += point[k] * x[k]
    out[0] = factor * (point[0] * x[0] + sign * dot)
    ratio = dot / (1.0 + point[0])
    for k in range(1, size):
        out[k] = factor * (x[k] + point[k] * (sign * x[0] + ratio))


@kernel
def right_sides(facets, scaling, aims, residual, out):
    """``b = F^T h + e1 + (2 w0 / kappa) e0 w1 - residual`` for every block."""
    starts, rows, point, kappa = (
        facets.starts,
        facets.rows,
        scaling.point,
        scaling.kappa,
    )
    e0, e1, h = aims.e0, aims.e1, aims.h
    blocks, r = e1.shape
    for g in range(blocks):
        ratio = 2.0 * point[g, 0] / kappa[g] * e0[g]
        for k in range(r):
            value = e1[g, k] + ratio * point[g, k + 1] - residual[g, k]
            for f in range(starts[g], starts[g + 1]):
                value += rows[f, k] * h[f]
            out[g, k] = value


@kernel
def complete_steps(facets, current, scaling, aims, step):
    """Fill in the steps of t, s1, q and lam that go with ``step.dw``."""
    starts, rows, q, lam = facets.starts, facets.rows, current.q, current.lam
    eta2, point, kappa = scaling.eta2, scaling.point, scaling.kappa
    e0, e1, h = aims.e0, aims.e1, aims.h
    dt, dw, ds1, dq, dlam = step.dt, step.dw, step.ds1, step.dq, step.dlam
    blocks, r = dw.shape
    for g in range(blocks):
        dot = 0.0
        square = 0.5 * (kappa[g] - 1.0)
        for k in range(r):
            dot += point[g, k + 1] * dw[g, k]
        dt[g] = (eta2[g] * e0[g] + 2.0 * point[g, 0] * dot) / kappa[g]
        ratio = 2.0 * point[g, 0] / kappa[g] * e0[g]
        along = dot / square if square > 0.0 else 0.0
        for k in range(r):
            part = along * point[g, k + 1]
            value = (dw[g, k] - part + part / kappa[g]) / eta2[g]
            ds1[g, k] = e1[g, k] + ratio * point[g, k + 1] - value
        for f in range(starts[g], starts[g + 1]):
            value = 0.0
            for k in range(r):
                value += rows[f, k] * dw[g, k]
            dq[f] = value
            dlam[f] = h[f] - lam[f] / q[f] * value


@kernel
def cone_step(t, w, dt, dw):
    """Largest step in [0, 1e30] that keeps every ``t >= |w|``."""
    blocks, r = w.shape
    best = 1e30
    for g in range(blocks):
        ww = 0.0
        wd = 0.0
        dd = 0.0
        for k in range(r):
            ww += w[g, k] * w[g, k]
            wd += w[g, k] * dw[g, k]
            dd += dw[g, k] * dw[g, k]
        norm = math.sqrt(ww)
        step = math.sqrt(dd)
        c = (t[g] - norm) * (t[g] + norm)
        b = t[g] * dt[g] - wd
        a = (dt[g] - step) * (dt[g] + step)
        # c + 2 b x + a x**2 = 0, and t + x dt >= 0
        if a >= 0.0 and b >= 0.0:
            continue
        root = b * b - a * c
        if root < 0.0:
            continue
        root = math.sqrt(root)
        if b < 0.0:
            x = c / (root - b)
        elif a < 0.0:
            x = -(b + root) / a
        else:
            continue
        best = min(best, x)
    return best


@kernel
def facet_products(facets, w, out):
    """``out_f = rows_f . w_g`` for the facets f of every block g."""
    starts, rows = facets.starts, facets.rows
    for g in range(w.shape[0]):
        for f in range(starts[g], starts[g + 1]):
            value = 0.0
            for k in range(w.shape[1]):
                value += rows[f, k] * w[g, k]
            out[f] = value


@kernel
def add_multipliers(facets, lam, sign, out):
    """``out_g += sign F_g^T lam_g``."""
    starts, rows = facets.starts, facets.rows
    for g in range(out.shape[0]):
        for f in range(starts[g], starts[g + 1]):
            for k in range(out.shape[1]):
                out[g, k] += sign * lam[f] * rows[f, k]
