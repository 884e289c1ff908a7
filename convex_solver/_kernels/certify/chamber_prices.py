"""Rigorous upper bounds of ``max |v^T (X u)_+|``, chamber by chamber."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convex_solver._kernels.compile import inner, kernel

U = 2.0**-53


class Chambers(NamedTuple):
    """``patterns`` (P, n_words), and which rows are ``facets`` of each.

    Those of chamber p are ``facets[starts[p]:starts[p + 1]]``.
    """

    patterns: NDArray[np.uint64]
    starts: NDArray[np.int64]
    facets: NDArray[np.int64]


class Weighted(NamedTuple):
    """Rows ``X`` (n, d) with their errors, and their weights ``v`` (n,).

    ``slack`` bounds the error of ``X^T D v`` for any pattern D.
    """

    X: NDArray[np.float64]
    error: NDArray[np.float64]
    v: NDArray[np.float64]
    slack: float


class Facets(NamedTuple):
    """Those of one chamber, first in their arrays, with their multipliers ``lam``.

    ``rows`` (most, d) point into it, ``errors`` (most, d) are theirs.
    """

    rows: NDArray[np.float64]
    errors: NDArray[np.float64]
    lam: NDArray[np.float64]


@kernel
def price_block(chambers, weighted, prices):
    """Fill ``prices`` (P, 2): upper bounds of ``max +-v^T D X u``, u in K, |u| <= 1.

    For any multipliers ``lam >= 0`` on rows f with sign s_f, weak duality (Lemma 4)
    gives ``max <= |g + sum lam_f s_f x_f|``, ``g = +-X^T D v``: so wrong multipliers
    can only loosen a bound.  To the slack of g they add
    ``sum lam_f (|x_f| (k + 4) u + e_f)``, entry by entry, and the norm and these sums
    round by less than the final factor.
    """
    patterns, starts = chambers.patterns, chambers.starts
    X, v = weighted.X, weighted.v
    n, d = X.shape
    limit = 0
    for p in range(patterns.shape[0]):
        limit = max(limit, starts[p + 1] - starts[p])
    gradient = np.zeros(d)
    target = np.zeros(d)
    facets = Facets(np.zeros((limit, d)), np.zeros((limit, d)), np.zeros(limit))
    for p in range(patterns.shape[0]):
        for k in range(d):
            gradient[k] = 0.0
        for i in range(n):
            if patterns[p, i >> 6] >> np.uint64(i & 63) & np.uint64(1) != 0:
                for k in range(d):
                    gradient[k] += v[i] * X[i, k]
        count = starts[p + 1] - starts[p]
        for f in range(count):
            i = chambers.facets[starts[p] + f]
            bit = patterns[p, i >> 6] >> np.uint64(i & 63) & np.uint64(1)
            side = 1.0 if bit != 0 else -1.0
            for k in range(d):
                facets.rows[f, k] = side * X[i, k]
                facets.errors[f, k] = weighted.error[i, k]
        for sign in range(2):
            for k in range(d):
                target[k] = gradient[k] if sign == 0 else -gradient[k]
            project(target, facets, count)
            prices[p, sign] = dual_value(target, facets, count, weighted.slack)


@inner
def dual_value(target, facets, count, slack):
    """Upper bound of ``|target + sum lam_f rows_f|`` with all rounding added."""
    rows, errors, lam = facets.rows, facets.errors, facets.lam
    d = target.size
    total = 0.0
    error_norm = 0.0
    unit = (count + 4) * U * 1.01
    for k in range(d):
        value = target[k]
        size = abs(value) * unit
        for f in range(count):
            value += lam[f] * rows[f, k]
            size += lam[f] * (abs(rows[f, k]) * unit + errors[f, k])
        total += value * value
        error_norm += size * size
    # d additions, a square root and two sums: far below 2**-40 relative
    factor = 1.0 + (d + 20) * U
    return ((np.sqrt(total) + np.sqrt(error_norm)) * factor + slack) * factor


@inner
def project(target, facets, count):
    """Nonnegative least squares ``min |target + rows^T lam|`` (Lawson & Hanson 1974).

    The minimiser is the projection of ``target`` on the cone ``rows u >= 0`` (Moreau).
    Small dense systems; ends after at most ``6 count + 12`` steps in any case.
    """
    rows, lam = facets.rows, facets.lam
    d = target.size
    passive = np.zeros(count, dtype=np.int64)
    chosen = np.zeros(count, dtype=np.bool_)
    residual = target.copy()
    scale = 0.0
    for k in range(d):
        scale += target[k] * target[k]
    scale = np.sqrt(scale)
    for f in range(count):
        lam[f] = 0.0
    n_passive = 0
    trial = np.zeros(count)
    for _ in range(6 * count + 12):
        best = -1
        worst = -1e-15 * scale
        for f in range(count):
            if chosen[f]:
                continue
            value = 0.0
            norm = 0.0
            for k in range(d):
                value += rows[f, k] * residual[k]
                norm += rows[f, k] * rows[f, k]
            if norm > 0.0 and value / np.sqrt(norm) < worst:
                worst = value / np.sqrt(norm)
                best = f
        if best < 0 or n_passive == d:
            return
        chosen[best] = True
        passive[n_passive] = best
        n_passive += 1
        while n_passive > 0:
            solve_passive(target, rows, passive, n_passive, trial)
            step = 1.0
            for t in range(n_passive):
                if trial[t] <= 0.0:
                    old = lam[passive[t]]
                    step = min(step, old / (old - trial[t]) if old > trial[t] else 0.0)
            if step == 1.0:
                for t in range(n_passive):
                    lam[passive[t]] = max(trial[t], 0.0)
                break
            kept = 0
            for t in range(n_passive):
                f = passive[t]
                lam[f] += step * (trial[t] - lam[f])
                if trial[t] <= 0.0 and lam[f] <= 1e-300 + 1e-14 * abs(trial[t]):
                    lam[f] = 0.0
                    chosen[f] = False
                else:
                    passive[kept] = f
                    kept += 1
            if kept == n_passive:
                return
            n_passive = kept
        for k in range(d):
            residual[k] = target[k]
            for f in range(count):
                residual[k] += lam[f] * rows[f, k]


@inner
def solve_passive(target, rows, passive, size, out):
    """Least squares on the passive rows by modified Gram-Schmidt."""
    d = target.size
    basis = np.zeros((size, d))
    upper = np.zeros((size, size))
    rest = -target.copy()
    right = np.zeros(size)
    for t in range(size):
        for k in range(d):
            basis[t, k] = rows[passive[t], k]
        for _ in range(2):  # twice is enough (Giraud et al. 2005)
            for s in range(t):
                dot = 0.0
                for k in range(d):
                    dot += basis[s, k] * basis[t, k]
                upper[s, t] += dot
                for k in range(d):
                    basis[t, k] -= dot * basis[s, k]
        norm = 0.0
        for k in range(d):
            norm += basis[t, k] * basis[t, k]
        norm = np.sqrt(norm)
        upper[t, t] = norm
        if norm == 0.0:
            continue
        for k in range(d):
            basis[t, k] /= norm
            right[t] += basis[t, k] * rest[k]
        for k in range(d):
            rest[k] -= right[t] * basis[t, k]
    for t in range(size - 1, -1, -1):
        value = right[t]
        for s in range(t + 1, size):
            value -= upper[t, s] * out[s]
        out[t] = value / upper[t, t] if upper[t, t] > 0.0 else 0.0
