"""Write ``v^T (X u)_+`` with fewer and shorter rows, and bound what that changes.

The function becomes ``g.w + sum_i s_i (a_i.w)_+`` with ``s_i = +-1`` and ``w = W^T u``:
in as many dimensions as ``X`` has (numerical) rank, weights folded into the rows,
rows on one line merged.  Every step is a choice; its error is bounded and kept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convex_solver.rounding import U, product_in_two_words
from convex_solver.typing import Array

# Norms of vectors in float64 and the sums behind them: far more than they round.
SAFE = 1.0 + 2.0**-30
# Rows are on one line when they are equal so far, relative to the longer one. A
# larger distance would only cost accuracy, a smaller one speed.
PARALLEL = 16 * U
# Columns of which the longest combination is so many times the shortest are turned.
UNLIKE = 2.0**6
# Rows whose entries are all below this share of the largest are left out: squares of
# their squares would underflow, and what they are is far below all rounding.
SHORTEST = 2.0**-200


@dataclass(frozen=True, eq=False)
class SignedRows:
    """``f(u) = 2^exponent (linear.w + sum signs_i (rows_i.w)_+)``, ``w = basis^T u``.

    Attributes
    ----------
    rows : ndarray, shape (m, r), float64
        Entries of absolute value at most about 1.
    signs : ndarray, shape (m,), float64
        -1.0 or 1.0.
    linear : ndarray, shape (r,), float64
    source : ndarray of int, shape (m,)
        The row of X that each lies along, in its direction.
    basis : ndarray, shape (d, r), float64
        Orthonormal columns, nearly: ``|w| <= stretch |u|``.
    stretch : float
    slack : float
        ``|f(u) - right side| <= 2^exponent slack |u|``.
    exponent : int
    """

    rows: Array
    signs: Array
    linear: Array
    source: NDArray[np.int64]
    basis: Array
    stretch: float
    slack: float
    exponent: int


def merge_rows(X: Array, v: Array, X_error: Array) -> SignedRows:
    """Reduce ``v^T (X u)_+``; ``X`` (n, d), ``v`` (n,), ``|exact - X| <= X_error``.

    All finite.  ``X`` and ``v`` are scaled by powers of two to entries in [1/2, 1]:
    what underflows then is below 2^-1000 of that, which the slack holds, as it does
    the rows that are left out.
    """
    used = (v != 0.0) & np.any((X != 0.0) | (X_error != 0.0), axis=1)
    source = np.flatnonzero(used)
    X, v, X_error = X[used], v[used], X_error[used]
    n, d = X.shape
    e_X, e_v = _exponent(X), _exponent(v)
    X, X_error = np.ldexp(X, -e_X), np.ldexp(X_error, -e_X)
    weights = np.abs(np.ldexp(v, -e_v))
    # |v| e, and |v| |x| u once more for whoever scales v and rounds
    slack = _length(weights @ (X_error + U * np.abs(X)))
    basis, stretch = _row_space(X)
    reduced, residual = rotated(X, basis)
    slack += _length(weights @ residual)
    slack += math.sqrt(d) * n * 2.0**-1000
    rows = weights[:, None] * reduced
    kept = np.flatnonzero(np.any(rows != 0.0, axis=1))
    # large weights may meet short rows: scaled once more, squares do not underflow
    e_rows = _exponent(rows)
    rows, slack = np.ldexp(rows[kept], -e_rows), float(np.ldexp(slack, -e_rows))
    is_long = np.abs(rows).max(axis=1, initial=0.0) >= SHORTEST
    slack += math.sqrt(d) * np.count_nonzero(~is_long) * SHORTEST
    rows, kept = rows[is_long], kept[is_long]
    slack += (
        U * math.sqrt(d) * float(np.abs(rows).max(axis=1, initial=0.0).sum()) * SAFE
    )
    rows, signs, linear, leads, merged = _merge_parallel(rows, np.sign(v[kept]))
    slack += merged + math.sqrt(d) * n * 2.0**-500
    return SignedRows(
        rows,
        signs,
        linear,
        source[kept][leads],
        basis,
        stretch,
        slack,
        e_X + e_v + e_rows,
    )


def _length(vector: Array) -> float:
    """Norm, rounded up, of a vector of any size; nothing underflows."""
    peak = float(np.abs(vector).max(initial=0.0))
    return peak * float(np.linalg.norm(vector / (peak or 1.0))) * SAFE


def _exponent(values: Array) -> int:
    return int(np.frexp(np.abs(values).max(initial=0.0))[1])


def _row_space(X: Array) -> tuple[Array, float]:
    """Orthonormal basis of the rows' span, and a bound of its norm.

    Columns that are alike stay as they are; others are turned to their principal axes:
    raw columns with means far above their spread have all kinks beside the plane that
    is normal to the first, and cones along it are halved across it alone.

    ``|W^T u|^2 = u^T W W^T u <= |W^T W| |u|^2``, and a computed entry of ``W^T W`` is
    off by at most ``(d + 2) u``, as the columns have norm 1 to rounding.
    """
    n, d = X.shape
    if n == 0 or d == 0:
        return np.zeros((d, 0)), 1.0
    _, values, right = np.linalg.svd(X, full_matrices=False)
    rank = int(np.sum(values > 4 * max(n, d) * U * values[0])) if values.size else 0
    if rank == d and values[0] <= UNLIKE * values[-1]:
        return np.eye(d), 1.0
    basis = np.ascontiguousarray(right[:rank].T)
    excess = float(np.linalg.norm(basis.T @ basis - np.eye(rank)))
    return basis, 1.0 + (excess + rank * (d + 4) * 2 * U) * SAFE


def rotated(X: Array, basis: Array) -> tuple[Array, Array]:
    """Return ``X basis``, and a bound of what that leaves of X, entry by entry.

    In twice the digits: the bound is then about what it takes to write the product as
    floats, which counts where rows are far longer than what they differ by.
    """
    if basis.shape[1] == X.shape[1] and np.array_equal(basis, np.eye(X.shape[1])):
        return X, np.zeros_like(X)
    high, low, _ = product_in_two_words(X, basis)
    reduced = high + low
    back, rest, error = product_in_two_words(reduced, np.ascontiguousarray(basis.T))
    left = X - back
    # two roundings, of the difference and of taking off the rest
    residual = np.abs(left - rest) * SAFE + 2.0 * U * np.abs(left) + error
    return reduced, np.asarray(residual)


def _merge_parallel(
    A: Array, signs: Array
) -> tuple[Array, Array, Array, NDArray[np.int64], float]:
    """Merge rows on one line: ``(c a.u)_+ = c (a.u)_+``, or ``|c| ((a.u)_+ - a.u)``.

    Lines are told apart in floats; a pair that is missed only costs time, and where
    ``a_i = c a + e`` the function changes by at most ``|e| |u|``.
    """
    m, r = A.shape
    linear = np.zeros(r)
    if m < 2:
        return A, signs, linear, np.arange(m), 0.0
    # irrational directions: rows of small integers do not meet in them by chance
    along = A @ np.sqrt(np.arange(2.0, r + 2.0))
    along = np.where(along == 0.0, 1.0, along)
    unit = A / along[:, None]
    order = np.argsort(unit @ np.sqrt(np.arange(3.0, 2 * r + 3.0, 2.0)), kind="stable")
    steps = np.abs(np.diff(unit[order], axis=0)).max(axis=1)
    near = steps <= PARALLEL * np.abs(unit[order][1:]).max(axis=1)
    alone = ~(np.append(near, False) | np.insert(near, 0, False))
    rows: list[Array] = [A[order[alone]]]
    kinds: list[Array] = [signs[order[alone]]]
    leads: list[NDArray[np.int64]] = [order[alone]]
    terms: list[Array] = []
    slack = 0.0
    # groups of two and more: few, where rows are many and differ
    starts = np.flatnonzero(near & ~np.insert(near[:-1], 0, False))
    ends = np.flatnonzero(near & ~np.append(near[1:], False)) + 2
    for start, end in zip(starts, ends, strict=True):
        group = order[start:end]
        merged, sign, lead, term, loss = _merge_line(
            A[group], signs[group], along[group]
        )
        rows.append(merged)
        kinds.append(sign)
        leads.append(group[lead])
        terms.append(term)
        slack += loss
    if terms:
        linear = np.array([math.fsum(column) for column in np.array(terms).T])
    return (
        np.vstack(rows), np.concatenate(kinds), linear, np.concatenate(leads), slack
    )  # fmt: skip


def _merge_line(
    A: Array, signs: Array, along: Array
) -> tuple[Array, Array, NDArray[np.int64], Array, float]:
    """Merge the rows near the line of the longest one; the others stay."""
    k = int(np.argmax(np.abs(A).max(axis=1)))
    lead, ratio = A[k], along / along[k]
    error = np.linalg.norm(A - ratio[:, None] * lead, axis=1)
    size = np.linalg.norm(A, axis=1)
    close = error <= 2 * PARALLEL * size
    # the error itself; what ratio * a, the sums and the new row round
    slack = float(np.sum(error[close] + 8 * U * size[close])) * SAFE
    weights = (signs * np.abs(ratio))[close]
    linear = -math.fsum(weights[ratio[close] < 0.0]) * lead
    weight = math.fsum(weights)
    rows, kinds, leads = A[~close], signs[~close], np.flatnonzero(~close)
    if abs(weight) > 4 * U * float(np.abs(weights).sum()):
        rows = np.vstack([rows, abs(weight) * lead])
        kinds = np.append(kinds, math.copysign(1.0, weight))
        leads = np.append(leads, k)
    else:
        slack += abs(weight) * float(np.linalg.norm(lead)) * SAFE
    return rows, kinds, leads, linear, slack
