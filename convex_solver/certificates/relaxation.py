"""Bound ``max |v^T (X u)_+|``, ``|u| <= 1``, by one quadratic form: any dimension.

For ``w_i > 0`` and any ``gamma_i > 0``, for ``w_i < 0`` and any ``|d_i| <= 1``,

    (s)_+ <= s / 2 + gamma_i s^2 / 4 + 1 / (4 gamma_i),
    (s)_+ >= s / 2 + s (d_i.u) / 2                         for ``|u| <= 1``,

so that ``sum w_i (x_i.u)_+ <= c + g.u + u^T H u``; and where

    [[alpha, -g^T / 2], [-g / 2, nu I - H]]

is positive semidefinite, that is at most ``c + nu + alpha`` for ``|u| = 1``.  The
slopes come from moments M (`convex_solver.leaves`): ``gamma_i = sqrt(tr M / x_i^T M
x_i)``, ``d_i`` along ``M x_i``.  Any M proves a bound, whoever found it: nothing of
how is relied on here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from convex_solver.certificates.signed_rows import merge_rows
from convex_solver.leaves import largest_moments, spread
from convex_solver.rounding import U, frobenius_above
from convex_solver.typing import Array

# Halvings of the interval of the multiplier nu.
BISECTIONS = 100
# Growth of alpha until the matrix is proven positive semidefinite, and tries.
GROWTH, TRIES = 4.0, 60


@dataclass(frozen=True, eq=False)
class Relaxation:
    """A bound of the price by relaxation.

    ``bound`` is at least ``|v^T (X u)_+|`` for the exact data and every ``|u| <= 1``;
    ``moments`` (2, r, r) are those behind it, for ``v`` and ``-v``, in the coordinates
    of the merged rows.
    """

    bound: float
    moments: Array


@np.errstate(all="ignore")  # what overflows ends as an infinite bound
def relax_sphere(
    X: ArrayLike, v: ArrayLike, X_error: ArrayLike, *, deadline: float = math.inf
) -> Relaxation:
    """Bound ``|v^T (X u)_+|`` over the unit ball from above and with all rounding.

    Parameters
    ----------
    X : array_like, shape (n, d), float64
    v : array_like, shape (n,), float64
    X_error : array_like, shape (n, d), float64
        ``|exact - X|`` entry by entry; the bound is one for the exact data.
    deadline : float
        Of `time.monotonic`; past it the form is not improved any more.
    """
    X, v = np.array(X, dtype=np.float64), np.array(v, dtype=np.float64)
    error = np.array(X_error, dtype=np.float64)
    if not all(np.all(np.isfinite(part)) for part in (X, v, error)):
        return Relaxation(math.inf, np.zeros((2, 0, 0)))
    problem = merge_rows(X, v, error)
    r = problem.linear.size
    if r == 0:
        moments, largest = np.zeros((2, 0, 0)), 0.0
    else:
        both = [
            _one_sign(
                problem.rows, sign * problem.signs, sign * problem.linear, deadline
            )
            for sign in (1.0, -1.0)
        ]
        moments = np.array([found for found, _ in both])
        largest = max(bound for _, bound in both)
    total = (largest * problem.stretch + problem.slack) * (1.0 + 8.0 * U)
    bound = float(np.ldexp(total, problem.exponent))
    if total > 0.0:
        bound = math.nextafter(bound, math.inf)
    return Relaxation(bound if bound >= 0.0 else math.inf, moments)


def _one_sign(
    rows: Array, signs: Array, linear: Array, deadline: float
) -> tuple[Array, float]:
    M, softness = np.eye(linear.size), 0.0
    if len(rows):
        M, softness = largest_moments(rows, signs, linear, deadline)
    return M, quadratic_bound(rows, signs, linear, M, softness)


def quadratic_bound(
    rows: Array, signs: Array, linear: Array, M: Array, softness: float = 0.0
) -> float:
    """Bound ``max(0, linear.u + sum s_i (a_i.u)_+)``, ``|u| <= 1``, with all rounding.

    Parameters
    ----------
    rows : ndarray, shape (n, r), float64
        Taken as exact; entries of at most about 1.
    signs : ndarray, shape (n,), float64
        1.0 and -1.0.
    linear : ndarray, shape (r,), float64
    M : ndarray, shape (r, r), float64
        The moments that say which slopes to take.
    softness : float
        Of the lower bounds of the rows, see `convex_solver.leaves.spread`.
    """
    n, r = rows.shape
    at = spread(rows, M, softness)
    gamma = np.sqrt(at.trace / at.square)
    # shorter than 1 also when their norms are rounded
    policy = at.policy * (1.0 - 8.0 * (r + 8) * U)
    lengths = np.linalg.norm(policy, axis=1) * (1.0 + (r + 4) * U)
    up, low = signs > 0.0, signs < 0.0
    if not (np.all(gamma[up] > 0.0) and np.all(lengths[low] <= 1.0)):
        return math.inf
    A, B, D, gamma = rows[up], rows[low], policy[low], gamma[up]
    c = 0.25 * float(np.sum(1.0 / gamma))
    g = linear + 0.5 * (A.sum(axis=0) - B.sum(axis=0))
    mixed = B.T @ D
    H = 0.25 * ((gamma[:, None] * A).T @ A) - 0.25 * (mixed + mixed.T)
    H = np.tril(H) + np.tril(H, -1).T
    # (n + 8) u times the sums of the absolute values of what is added up, and u-parts
    # of the norms themselves; what underflows is far below 2^-900
    norms = np.linalg.norm(rows, axis=1)
    size = c + 0.25 * float(gamma @ norms[up] ** 2) + 0.5 * float(norms[low].sum())
    size += 0.5 * float(norms.sum()) + float(np.linalg.norm(linear))
    slack = (n + r + 16) * U * size * (1.0 + 2.0**-20) + (n + 1) * 2.0**-900
    bound = c + sphere_bound(H, g) + slack
    bound += 8.0 * U * abs(bound) + 8.0 * U * (c + slack)
    return max(bound, 0.0) if math.isfinite(bound) else math.inf


def sphere_bound(H: Array, g: Array) -> float:
    """Bound ``g.u + u^T H u`` over the unit sphere from above, with all rounding.

    ``H`` (r, r) is symmetric.  Infinite where nothing can be proven.
    """
    r = g.size
    try:
        values, vectors = np.linalg.eigh(H)
    except np.linalg.LinAlgError:
        return math.inf
    size = frobenius_above(H) + frobenius_above(g)
    if not math.isfinite(size):
        return math.inf
    squares = 0.25 * (vectors.T @ g) ** 2
    nu = _best_multiplier(values, squares, size)
    alpha = float(np.sum(squares / (nu - values)))
    extra = 2.0 * U * (r + 2) * size
    for _ in range(TRIES):
        if _is_nonnegative(H, g, nu, alpha):
            return nu + alpha + 2.0 * U * (abs(nu) + alpha)
        nu, alpha = nu + extra, alpha + extra
        extra *= GROWTH
    return math.inf


def _best_multiplier(values: Array, squares: Array, size: float) -> float:
    """Minimise ``nu + sum squares / (nu - values)`` above the largest value."""
    top = float(values[-1])
    first = max(size, 1e-300) * 2.0**-46
    low, high = first, first + 2.0 * float(np.sqrt(np.sum(squares))) + first
    for _ in range(BISECTIONS):
        middle = math.sqrt(low * high)
        rises = float(np.sum(squares / (top - values + middle) ** 2)) < 1.0
        low, high = (low, middle) if rises else (middle, high)
    return top + high


def _is_nonnegative(H: Array, g: Array, nu: float, alpha: float) -> bool:
    """Whether ``[[alpha, -g^T / 2], [-g / 2, nu I - H]]`` is certainly semidefinite.

    If Cholesky's method ends for a matrix S of order k in floats, in whatever order,
    ``S + E`` is semidefinite for some ``|E| <= gamma_(k + 1) / (1 - gamma_(k + 1))
    tr S`` (Demmel; Higham, Accuracy and Stability, 2nd ed., Theorem 10.7).  So it has
    to end with twice that taken off the diagonal, whose rounding is in it too.
    """
    k = g.size + 1
    S = np.empty((k, k))
    S[0, 0] = alpha
    S[0, 1:] = S[1:, 0] = -0.5 * g
    S[1:, 1:] = -H
    S[np.arange(1, k), np.arange(1, k)] = nu - np.diag(H)
    diagonal = np.diag(S)
    # the roundings of nu - H are relative to the two
    rounded = U * (abs(nu) + float(np.abs(np.diag(H)).max(initial=0.0)))
    shift = 4.0 * (k + 4) * U * float(np.abs(diagonal).sum()) + 4.0 * rounded
    S[np.arange(k), np.arange(k)] = diagonal - shift - k * 2.0**-1000
    if not np.all(np.isfinite(S)):
        return False
    try:
        np.linalg.cholesky(S)
    except np.linalg.LinAlgError:
        return False
    return True
