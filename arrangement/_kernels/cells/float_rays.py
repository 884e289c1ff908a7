"""Float rays with proven error bounds, computed afresh from the rows tight at them.

Rays that are combined from their parents lose digits at every step; solving for a ray
gives an error that does not depend on how it was reached.

``rows`` (places, r + 1) float64 hold the entries times powers of two (one a column, one
a row), rounded, and an upper bound of their 1-norm; ``rays`` (cap, r + 2) the entries,
at most 1, a bound on their distance (max norm) from a positive multiple of the true
ray, and how it was found (COMBINED, SOLVED, EXACT).

Error bounds (u = 2**-53).  A row is stored as x^ with ``|x^ - x| <= u |x^|`` entry by
entry (x scaled by powers of two); a ray as p^, ``max |p^| <= 1``, with
``max |p^ - c p| <= e`` for some c > 0.  Then ``fl(x^ . p^)`` differs from ``c x . p``
by at most ``|x^|_1 (e (1 + u) + u) + gamma_r |x^|_1 <= |x^|_1 * 1.01 (e + (r + 4) u)``;
an underflow anywhere adds at most r 2**-1074, which the slack in 1.01 u |x^|_1 covers
since the rows are scaled to ``max |x^| >= 1/2``.
"""

from __future__ import annotations

import numpy as np

from arrangement._kernels.bits import ONE, ZERO, lowest
from arrangement._kernels.compile import bare_forced, bare_inner
from arrangement._kernels.state import SOLVED

U = 2.0**-53


@bare_forced
def value_at(rows, rays, row, ray):
    """Float value of a row at a ray."""
    total = 0.0
    for k in range(rows.shape[1] - 1):
        total += rows[row, k] * rays[ray, k]
    return total


@bare_forced
def value_error(rows, rays, row, ray):
    """Bound on the error of a float value (see the module's docstring)."""
    width = rows.shape[1] - 1
    return rows[row, width] * 1.01 * (rays[ray, width] + (width + 4) * U)


@bare_inner
def _choose(rows, masks, valid, pending, solver, ray):
    """Choose r - 1 rows tight at a ray, far from dependent; how many were found.

    ``chosen`` gets their places, ``columns`` their pivots and then the free column.
    """
    echelon, columns = solver.work, solver.columns
    width = rows.shape[1] - 1
    n_words = pending.size
    found = 0
    taken = 0
    for w in range(n_words):
        rest = valid[w] & ~(masks[ray, w] | masks[ray, n_words + w] | pending[w])
        while rest != ZERO and found < width - 1:
            row = 64 * w + lowest(rest)
            rest &= rest - ONE
            for k in range(width):
                echelon[found, k] = rows[row, k]
            for f in range(found):
                pivot = columns[f]
                factor = echelon[found, pivot] / echelon[f, pivot]
                for k in range(width):
                    echelon[found, k] -= factor * echelon[f, k]
                echelon[found, pivot] = 0.0
            best = 0
            for k in range(width):
                if abs(echelon[found, k]) > abs(echelon[found, best]):
                    best = k
            # too small a pivot costs accuracy, never correctness
            if abs(echelon[found, best]) > 2.0**-30:
                solver.chosen[found] = row
                columns[found] = best
                taken |= 1 << best
                found += 1
    for k in range(width):
        if (taken >> k) & 1 == 0:
            columns[found] = k
    return found


@bare_inner
def _invert(rows, solver, inverse):
    """Approximate inverse of the chosen rows on their pivot columns (Gauss-Jordan)."""
    size = rows.shape[1] - 2
    chosen, columns = solver.chosen, solver.columns
    for i in range(size):
        for j in range(size):
            inverse[i, j] = rows[chosen[i], columns[j]]
            inverse[i, size + j] = 1.0 if i == j else 0.0
    for c in range(size):
        pivot = inverse[c, c]
        if not abs(pivot) > 2.0**-60:
            return False
        for j in range(2 * size):
            inverse[c, j] /= pivot
        for i in range(size):
            factor = inverse[i, c]
            if i != c and factor != 0.0:
                for j in range(2 * size):
                    inverse[i, j] -= factor * inverse[c, j]
    return True


@bare_inner
def _solve(rows, solver, inverse, point, residual):
    """Solve the chosen rows for a ray, 1 in the free column: bound on its error.

    With B, b the true rows on the pivot columns and on the free one, B^, b^ as stored,
    R the approximate inverse and x^ = -R b^:
    ``x^ - x = (R B)^-1 R (B x^ + b)``, and ``|(R B)^-1| <= 1 / (1 - rho)`` when
    ``|I - R B| <= rho < 1`` (max norms).  A computed sum of s products is off by at
    most ``(s + 1) u`` times the sum of their sizes, and the rows by u relative; 1.01
    covers the rounding of the bounds themselves.
    """
    size = rows.shape[1] - 2
    chosen, columns = solver.chosen, solver.columns
    free = columns[size]
    unit = (size + 4) * U
    for i in range(size):
        point[i] = 0.0
        for j in range(size):
            point[i] -= inverse[i, size + j] * rows[chosen[j], free]
    rho = 0.0
    for i in range(size):
        total, terms = 0.0, 0.0
        value = rows[chosen[i], free]
        scale = abs(value)
        for j in range(size):
            column = columns[j]
            entry = -1.0 if i == j else 0.0
            for k in range(size):
                product = inverse[i, size + k] * rows[chosen[k], column]
                entry += product
                terms += abs(product)
            total += abs(entry)
            product = rows[chosen[i], column] * point[j]
            value += product
            scale += abs(product)
        rho = max(rho, 1.01 * (total + unit * (terms + 1.0)))
        residual[i] = 1.01 * (abs(value) + unit * scale) + 2.0**-1000
    error = 0.0
    for i in range(size):
        total = 0.0
        for j in range(size):
            total += abs(inverse[i, size + j]) * residual[j]
        error = max(error, total)
    if not rho < 0.5:
        return np.inf
    return 1.01 * error / (1.0 - rho)


@bare_inner
def solve_ray(rows, rays, masks, valid, pending, solver, ray):
    """Compute a ray from the rows tight at it; False if it gets no better.

    The rows known to be tight (not in ``pending``) have rank r - 1, and some row of
    known sign orients it (see `exact_rays.resolve`).
    """
    width = rows.shape[1] - 1
    work, columns = solver.work, solver.columns
    # the echelon of the chosen rows comes before these
    inverse = work[width : 2 * width]
    found = _choose(rows, masks, valid, pending, solver, ray)
    if found < width - 1 or not _invert(rows, solver, inverse):
        return False
    point = work[2 * width]
    error = _solve(rows, solver, inverse, point, work[2 * width + 1])
    candidate = work[2 * width + 2 :]
    peak = 1.0
    for k in range(width - 1):
        peak = max(peak, abs(point[k]))
    for k in range(width - 1):
        candidate[0, columns[k]] = point[k] / peak
    candidate[0, columns[width - 1]] = 1.0 / peak
    candidate[0, width] = 1.01 * error / peak + 2.0 * U
    if not candidate[0, width] < rays[ray, width]:
        return False
    n_words = pending.size
    for w in range(n_words):
        known = masks[ray, w] | masks[ray, n_words + w]
        while known != ZERO:
            flag = known & (~known + ONE)
            row = 64 * w + lowest(known)
            value = value_at(rows, candidate, row, 0)
            if abs(value) > value_error(rows, candidate, row, 0):
                is_plus = masks[ray, w] & flag != ZERO
                factor = 1.0 if is_plus == (value > 0.0) else -1.0
                for k in range(width):
                    rays[ray, k] = factor * candidate[0, k]
                rays[ray, width] = candidate[0, width]
                rays[ray, width + 1] = SOLVED
                return True
            known ^= flag
    return False
