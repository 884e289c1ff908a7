"""Bound ``max |v^T (X u)_+|``, ``|u| <= 1``, by quadratic forms: any dimension.

On a leaf K of the sphere (`convex_solver.leaves.leaf`), with ``a <= s = x_i.u <= b``,

    (s)_+ <= 1/2 s + 1/2 (c + A s + B s^2)     c the largest ``|s| - A s - B s^2``,
    (s)_+ >= 1/2 s + 1/2 s (p + d.u)           where ``|p + d.u| <= 1`` on K,
    0 <= (F.(1, u)) (1 - e.u)                  F a facet of K, ``|e| <= 1``,
    0 <= (F.(1, u)) (F'.(1, u))

so that ``sum w_i (x_i.u)_+ <= c + g.u + u^T H u`` there, with any multipliers of the
last two that are not negative; and where

    [[alpha, -g^T / 2], [-g / 2, nu I - H]]

is positive semidefinite, that is at most ``c + nu + alpha`` for ``|u| = 1``.  Which A,
B, p, d, e and multipliers to take, hints say (`convex_solver.leaves.Hint`).  Any hint
proves a bound, whoever made it: nothing of how is relied on here, and that the leaves
cover the sphere is checked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrangement.executors import check_executor
from convex_solver.certificates.elsewhere import results_somewhere
from convex_solver.certificates.signed_rows import SignedRows, merge_rows
from convex_solver.errors import LeavesError
from convex_solver.leaves import (
    Facets,
    Hint,
    Packing,
    RowBounds,
    Rows,
    covers,
    largest_moments,
)
from convex_solver.rounding import U, frobenius_above, unit_rows
from convex_solver.typing import Array

# Halvings of the interval of the multiplier nu.
BISECTIONS = 100
# Growth of alpha until the matrix is proven positive semidefinite, and tries.
GROWTH, TRIES = 4.0, 60
# Leaves of a task of an executor.
LEAVES = 8
NOTHING = np.zeros(0)


@dataclass(frozen=True, eq=False)
class Relaxation:
    """A bound of the price by relaxation.

    ``bound`` is at least ``|v^T (X u)_+|`` for the exact data and every ``|u| <= 1``;
    ``n_leaves``, how many leaves the sphere was halved into, for v and -v together.
    """

    bound: float
    n_leaves: int


@np.errstate(all="ignore")  # what overflows ends as an infinite bound
def relax_sphere(
    X: ArrayLike,
    v: ArrayLike,
    X_error: ArrayLike,
    *,
    hints: Sequence[Hint] = (),
    deadline: float = math.inf,
    executor: Executor | None = None,
) -> Relaxation:
    """Bound ``|v^T (X u)_+|`` over the unit ball from above and with all rounding.

    Parameters
    ----------
    X : array_like, shape (n, d), float64
    v : array_like, shape (n,), float64
    X_error : array_like, shape (n, d), float64
        ``|exact - X|`` entry by entry; the bound is one for the exact data.
    hints : sequence of Hint
        Of leaves that cover the sphere, for neurons of each sign; without any, moments
        are sought for the whole sphere.
    deadline : float
        Of `time.monotonic`; past it the form is not improved any more.
    executor : concurrent.futures.Executor, optional
        Bounds the price on the leaves of hints, some of them a task.

    Raises
    ------
    LeavesError
        If the leaves of a sign do not cover the sphere, or belong to other data.
    """
    check_executor(executor)
    X, v = np.array(X, dtype=np.float64), np.array(v, dtype=np.float64)
    error = np.array(X_error, dtype=np.float64)
    for hint in hints:
        shape = hint.shares.shape[1], hint.m.size
        if shape != X.shape:
            raise LeavesError(
                f"a leaf is one of data of shape {shape}; these have {X.shape}."
            )
    count = max(len(hints), 2)
    if not all(np.all(np.isfinite(part)) for part in (X, v, error)):
        return Relaxation(math.inf, count)
    problem = merge_rows(X, v, error)
    if problem.linear.size == 0:
        largest = 0.0
    elif hints:
        largest = _on_leaves(problem, X, hints, executor)
    else:
        largest = max(_on_sphere(problem, sign, deadline) for sign in (1.0, -1.0))
    total = (largest * problem.stretch + problem.slack) * (1.0 + 8.0 * U)
    bound = float(np.ldexp(total, problem.exponent))
    if total > 0.0:
        bound = math.nextafter(bound, math.inf)
    return Relaxation(bound if bound >= 0.0 else math.inf, count)


def _on_leaves(
    problem: SignedRows, X: Array, hints: Sequence[Hint], executor: Executor | None
) -> float:
    """Bound the price of both signs, in units of the merged rows."""
    known: dict[bytes, Array] = {}
    tasks: list[tuple[Any, ...]] = []
    _, lengths = unit_rows(X[problem.source])
    scale = np.linalg.norm(problem.rows, axis=1) / lengths
    for sign in (1.0, -1.0):
        mine = [
            hint.mapped(problem.basis, known).for_rows(
                problem.source, scale, float(np.ldexp(hint.price, -problem.exponent))
            )
            for hint in hints
            if hint.sign == sign
        ]
        # in the coordinates in which they are used
        if not mine or not covers([hint.leaf for hint in mine]):
            raise LeavesError(
                f"the {len(mine)} leaves for neurons of sign {sign:+.0f} do not cover "
                "the sphere; give those that halving it has left."
            )
        signs, linear = -sign * problem.signs, -sign * problem.linear
        tasks += [
            (problem.rows, signs, linear, mine[k : k + LEAVES])
            for k in range(0, len(mine), LEAVES)
        ]
    bounds = results_somewhere(executor, _largest_bound, tasks)
    return max((bound for bound in bounds if bound is not None), default=0.0)


def _largest_bound(
    rows: Array, signs: Array, linear: Array, hints: list[Hint]
) -> float:
    """Bound the price on some leaves; in a worker."""
    with np.errstate(all="ignore"):
        return max(leaf_bound(rows, signs, linear, hint) for hint in hints)


def _on_sphere(problem: SignedRows, sign: float, deadline: float) -> float:
    signs, linear = sign * problem.signs, sign * problem.linear
    if not len(problem.rows):
        return float(np.linalg.norm(linear)) * (1.0 + 2.0**-40) + 2.0**-900
    hint = largest_moments(problem.rows, signs, linear, deadline)
    return leaf_bound(problem.rows, signs, linear, hint)


class _Form:
    """The sum ``c + g.u + u^T H u`` of what is added, and the size of its terms."""

    def __init__(self, r: int) -> None:
        self.c, self.g, self.H = 0.0, np.zeros(r), np.zeros((r, r))
        self.size, self.terms = 0.0, r

    def add(self, c: Array, g: Array, H: Array, size: float, terms: int) -> None:
        """Add what ``terms`` terms add up to, of ``size`` in absolute value."""
        self.c += float(np.sum(c))
        self.g = self.g + g
        self.H = self.H + H
        self.size += size
        self.terms += terms

    def largest(self) -> float:
        """Bound the form over the unit sphere from above, with all rounding."""
        H = np.tril(self.H) + np.tril(self.H, -1).T
        # sums and products of each term round some times; what underflows is far
        # below 2^-900
        slack = 4.0 * (self.terms + 32) * U * self.size + (self.terms + 1) * 2.0**-900
        bound = self.c + sphere_bound(H, self.g) + slack
        bound += 8.0 * U * (abs(bound) + abs(self.c) + slack)
        return bound if math.isfinite(bound) else math.inf


def leaf_bound(rows: Array, signs: Array, linear: Array, hint: Hint) -> float:
    """Bound ``max(0, linear.u + sum s_i (a_i.u)_+)`` over a leaf, with all rounding.

    Parameters
    ----------
    rows : ndarray, shape (n, r), float64
        Taken as exact; entries of at most about 1, none of them zero.
    signs : ndarray, shape (n,), float64
        1.0 and -1.0.
    linear : ndarray, shape (r,), float64
    hint : Hint
        The leaf, and what form to take; its sign is not used, its price is in units of
        the rows.
    """
    r = linear.size
    form = _Form(r)
    form.add(NOTHING, linear, np.zeros((r, r)), float(np.linalg.norm(linear)), 1)
    m, M = hint.m[None], hint.M[None]
    if len(rows):
        bounded = Rows(rows, [hint.leaf])
        at = bounded.at(m, M, hint.softness)
        _add_upper(form, bounded, at, signs > 0.0)
        _add_lower(form, bounded, at, signs < 0.0, hint.shares)
        sides = np.where(bounded.is_open[0], 0.5, bounded.level[0]) * signs
        size = float(np.linalg.norm(rows, axis=1).sum())
        form.add(NOTHING, sides @ rows, np.zeros((r, r)), size, len(rows))
    _add_facets(form, hint)
    bound = form.largest()
    return max(bound, 0.0) if bound == bound else math.inf


def _add_upper(
    form: _Form, rows: Rows, at: RowBounds, wanted: NDArray[np.bool_]
) -> None:
    """Add majorants of ``|s| / 2`` for the wanted rows whose sign may change."""
    used = wanted & rows.is_open[0]
    X, low, high = rows.X[used], rows.low[0, used], rows.high[0, used]
    A, B = at.slopes[1, 0, used], at.slopes[2, 0, used]
    if not np.all(B >= 0.0):
        form.c = math.inf
        return
    # of |s| - A s - B s^2 on both sides of zero, concave parabolas; the place of the
    # largest value rounds too, which changes it by less
    c = np.zeros(len(X))
    size = np.zeros(len(X))
    for end, slope in ((high, 1.0 - A), (-low, 1.0 + A)):
        place = np.where(slope > 0.0, np.fmin(end, 0.5 * slope / B), 0.0)
        c = np.maximum(c, slope * place - B * place * place)
        size = np.maximum(size, (1.0 + np.abs(A)) * place + B * place * place)
    lengths = np.linalg.norm(X, axis=1)
    total = size + np.abs(A) * lengths + B * lengths**2
    H = 0.5 * (X * B[:, None]).T @ X
    form.add(0.5 * c, 0.5 * (A @ X), H, 0.5 * float(total.sum()), len(X))


def _add_lower(
    form: _Form, rows: Rows, at: RowBounds, wanted: NDArray[np.bool_], raw: Array
) -> None:
    """Take off ``s pi(u) / 2`` for the wanted rows whose sign may change."""
    used = wanted & rows.is_open[0]
    X, r = rows.X[used], rows.X.shape[1]
    lengths = np.linalg.norm(X, axis=1)
    policy = at.policy[0, used]
    if not np.all(np.linalg.norm(policy, axis=1) <= 1.0 + 4.0 * (r + 8) * U):
        form.c = math.inf
        return
    # shares that add up to less than 1, by more than the policies exceed it
    shares = np.fmax(raw[:, used], 0.0)
    shares = shares / np.maximum(shares.sum(axis=0), 2.0**-500)
    shares = shares * (1.0 - 8.0 * (r + 16) * U)
    low, high = rows.low[0, used], rows.high[0, used]
    both = 2.0 / (high - low)
    constant = shares[1] - shares[2] - shares[3] * (0.5 * both * (low + high))
    along = (X * shares[0, :, None]).T @ policy
    H = -0.25 * (along + along.T)
    weights = shares[3] * both
    H -= 0.5 * (X * weights[:, None]).T @ X
    size = 3.0 * lengths + weights * lengths**2
    form.add(NOTHING, -0.5 * (constant @ X), H, 0.5 * float(size.sum()), len(X))


def _add_facets(form: _Form, hint: Hint) -> None:
    """Add products of facets with multipliers."""
    facets = Facets([hint.leaf], Packing(hint.m.size))
    count = len(facets.single)
    if hint.multipliers.shape != facets.leaf.shape or not count:
        return
    y = np.maximum(hint.multipliers * hint.price, 0.0)
    at = facets.at(hint.m[None], hint.M[None], hint.facet_softness)
    r = hint.m.size
    policy = at.policy * (1.0 - 8.0 * (r + 8) * U)
    if not np.all(np.linalg.norm(policy, axis=1) * (1.0 + (r + 4) * U) <= 1.0):
        form.c = math.inf
        return
    sizes = np.abs(facets.single[:, 0]) + np.linalg.norm(facets.single[:, 1:], axis=1)
    forms = facets.forms(policy)
    pairs = np.linalg.norm(facets.products, axis=(1, 2))
    total = 2.0 * float(y[:count] @ sizes) + 4.0 * float(y[count:] @ pairs)
    whole = np.tensordot(y, forms, axes=1)
    form.add(whole[0, 0], 2.0 * whole[0, 1:], whole[1:, 1:], total, len(y))


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
