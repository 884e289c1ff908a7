"""Bound ``max |v^T (X u)_+|``, ``|u| <= 1``, by covering the sphere: no listing.

The sphere is covered by simplicial cones; a cone whose bound exceeds the goal is
bisected.  The claim is about every ``u``, so the covering is all that has to be
complete, and it is by construction, whatever the degeneracy of the data.  It takes
about ``(sum |v_i| |x_i| / max)^((r-1)/2)`` cones, where a listing has ``n^(r-1)``.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrangement import InputError
from convex_solver._kernels.certify import (
    ATOL,
    BEST,
    CONES,
    DONE,
    GOAL,
    GROW,
    HEIGHT,
    LEFT,
    MOST_CONCAVE,
    MOST_CONVEX,
    N_PEAKS,
    ORTHANT,
    RTOL,
    TOP,
    Found,
    Lines,
    Parent,
    Pool,
    Scratch,
    Spare,
    Squares,
    Stack,
    cover,
)
from convex_solver.certificates.signed_rows import SignedRows, merge_rows
from convex_solver.rounding import U
from convex_solver.typing import Array

# Cones between looks at the clock: as many as take some tenths of a second, between a
# thousand a second in high rank and a million in low.
FIRST_CONES = 256
CONES_PER_CALL = 50_000
QUICK, SLOW = 0.05, 0.25
LEAST_RTOL = 1e-13
# Rank above which a covering is tried only where it is asked for: millions of cones
# prove less there than one quadratic form.
COVERED_RANK = 8


@dataclass(frozen=True, eq=False)
class Covering:
    """A bound of the largest price, and how it was found.

    Attributes
    ----------
    bound : float
        At least ``|v^T (X u)_+|`` for the exact data and every ``|u| <= 1``.
    value : float
        The largest value seen, in float64; ``bound`` is near it when ``is_reached``.
    direction : ndarray, shape (d,), float64
        The unit vector with that value; zero when all values are zero.
    n_cones : int
        Cones visited for both signs.
    is_reached : bool
        False when the budget, the deadline or float64 ended the search: then ``bound``
        holds, but is loose.
    peaks : ndarray, shape (k, d), float64
        Unit vectors of distinct local maxima, largest first; empty if not asked for.
    peak_values : ndarray, shape (k,), float64
        ``v^T (X u)_+`` there, with its sign.
    share : float
        Of the orthants of both signs, those that were begun.
    """

    bound: float
    value: float
    direction: Array = field(repr=False)
    n_cones: int
    is_reached: bool
    peaks: Array = field(repr=False)
    peak_values: Array = field(repr=False)
    share: float = 1.0


@np.errstate(all="ignore")  # what overflows ends as an infinite bound
def cover_sphere(
    X: ArrayLike,
    v: ArrayLike,
    *,
    X_error: ArrayLike | None = None,
    floor: float = 0.0,
    rtol: float = 1e-11,
    hints: ArrayLike | None = None,
    n_peaks: int = 0,
    max_cones: int = 10**6,
    deadline: float = math.inf,
) -> Covering:
    """Bound ``|v^T (X u)_+|`` over the unit ball, from above and with all rounding.

    Parameters
    ----------
    X : array_like, shape (n, d), float64
    v : array_like, shape (n,), float64
    X_error : array_like, shape (n, d), optional
        ``|exact - X|`` entry by entry; the bound is then one for the exact data.
    floor : float
        A bound of ``floor`` is good enough; at least 0.
    rtol : float
        Relative distance of the bound from the largest value or the floor; at least
        1e-13, as no bound in float64 comes nearer.
    hints : array_like, shape (k, d), optional
        Directions where the value may be large; any will do.
    n_peaks : int
        Local maxima to return, at most; those above ``floor`` are then all visited.
    max_cones : int
        Most cones to visit, for each sign.
    deadline : float
        Of `time.monotonic`.  It ends the search within half a second or so, as
        ``max_cones`` does: some cones of each sign are visited in any case, and what is
        left is bounded.

    Returns
    -------
    Covering

    Raises
    ------
    InputError
        If the shapes do not fit, ``floor`` is negative or ``rtol`` below 1e-13.

    Notes
    -----
    Theorem 6's constraint and Lemma 4's multipliers (Pilanci & Ergen 2020), in a
    branch and bound.  Overflow and NaN give an infinite bound.

    Examples
    --------
    >>> found = cover_sphere([[1.0, 0.0], [0.0, 1.0]], [3.0, 4.0])
    >>> round(found.bound, 9), found.is_reached
    (5.0, True)
    """
    if not (floor >= 0.0 and rtol >= LEAST_RTOL):
        raise InputError(
            f"floor={floor!r}, rtol={rtol!r}; expected at least 0 and {LEAST_RTOL}."
        )
    X, v, error, guesses = _checked(X, v, X_error, hints)
    peaks = np.zeros((0, X.shape[1]))
    if not all(np.all(np.isfinite(part)) for part in (X, v, error, [floor, rtol])):
        return Covering(math.inf, 0.0, peaks[:1].sum(0), 0, False, peaks, np.zeros(0))
    problem = merge_rows(X, v, error)
    own = _kernel_slack(problem)
    with np.errstate(over="ignore", under="ignore"):
        target = float(np.ldexp(floor, -problem.exponent)) / problem.stretch
    goal = target * (1.0 + rtol) + 4.0 * own
    # What the sums of the bounds themselves round is of that order too.
    scalars = np.array([goal, 0.0, rtol, 4.0 * own, 0.0, target])
    sides = [_side(problem, sign, n_peaks) for sign in (1.0, -1.0)]
    for side in sides:
        _try(side, guesses @ problem.basis, scalars)
    # half of the time for the first sign, so that the second has its share, and what
    # that leaves of it
    now = time.monotonic()
    ends = (max(now, 0.5 * (now + deadline)), deadline)
    done = [
        _run(side, scalars, max_cones, end)
        for side, end in zip(sides, ends, strict=True)
    ]
    if not done[0] and time.monotonic() < deadline:
        done[0] = _run(sides[0], scalars, max_cones, deadline)
    # a cone that floats cannot halve may stay above the goal
    is_reached = all(done) and (n_peaks > 0 or scalars[TOP] <= scalars[GOAL])
    largest = max(scalars[TOP], *(_left_over(side) for side in sides))
    return _result(problem, sides, scalars, largest + own, bool(is_reached))


def _checked(
    X: ArrayLike, v: ArrayLike, X_error: ArrayLike | None, hints: ArrayLike | None
) -> tuple[Array, Array, Array, Array]:
    X = np.array(X, dtype=np.float64)
    v = np.array(v, dtype=np.float64)
    if X.ndim != 2 or v.shape != X.shape[:1]:
        raise InputError(
            f"X has shape {X.shape} and v {v.shape}; expected (n, d) and (n,)."
        )
    error = np.zeros_like(X) if X_error is None else np.array(X_error, np.float64)
    if error.shape != X.shape:
        raise InputError(f"X_error has shape {error.shape}; expected {X.shape}.")
    guesses = np.zeros((0, X.shape[1])) if hints is None else np.array(hints, float)
    if guesses.ndim != 2 or guesses.shape[1] != X.shape[1]:
        raise InputError(
            f"hints has shape {guesses.shape}; expected (k, {X.shape[1]})."
        )
    return X, v, error, guesses


def _kernel_slack(problem: SignedRows) -> float:
    """Add up what the kernel leaves to its caller; ``|w|_1 <= sqrt(r) |w|``.

    ``r u |a_i|_inf`` for each row, and what a sum of m + 1 terms in two words loses,
    below ``2 (m u)^2 S`` with S the sum of the ``|a_i|_inf``.  The largest of these is
    near 1; norms below 2^-537 may underflow, which the last term holds.
    """
    m, r = problem.rows.shape
    total = float(np.abs(problem.rows).max(axis=1, initial=0.0).sum())
    total += float(np.abs(problem.linear).max(initial=0.0))
    unit = r * U + 2.0 * ((m + 1) * U) ** 2
    slack = math.sqrt(r) * unit * total * (1.0 + 2.0**-30)
    return slack + (m + 1) * 2.0**-500 if total > 0.0 else 0.0


@dataclass(eq=False)
class _Side:
    """State of the kernel for ``f`` or ``-f``: rows as columns, convex ones first."""

    sign: float
    columns: Array
    n_convex: int
    linear: Array
    counters: NDArray[np.int64]
    found: Found
    stack: Stack
    pool: Pool

    def grow(self) -> None:
        """Double the memory of the stack and of the pool."""
        self.stack = Stack(*(np.concatenate([part, part]) for part in self.stack))
        self.pool = Pool(np.tile(self.pool.rows, 2), np.tile(self.pool.values, 2))


def _side(problem: SignedRows, sign: float, n_peaks: int) -> _Side:
    m, r = problem.rows.shape
    signs = sign * problem.signs
    order = np.argsort(-signs, kind="stable")
    depth, room = 64 * (r + 1), 4 * m + 64
    return _Side(
        sign=sign,
        columns=np.ascontiguousarray(problem.rows[order].T),
        n_convex=int(np.sum(signs > 0.0)),
        linear=sign * problem.linear,
        counters=np.zeros(5, dtype=np.int64),
        found=Found(np.zeros(r), np.zeros((n_peaks, r + 1))),
        stack=Stack(
            np.zeros((depth, r, r)),
            np.zeros((depth, r)),
            np.zeros((depth, r)),
            np.zeros((depth, 3), dtype=np.int64),
            np.zeros(depth),
        ),
        pool=Pool(np.zeros(room, dtype=np.int64), np.zeros((r, room))),
    )


def _try(side: _Side, guesses: Array, scalars: Array) -> None:
    """Start the goal at the largest value over guesses and axes."""
    r = side.linear.size
    peaks = np.abs(guesses).max(axis=1, initial=0.0)
    usable = (peaks > 0.0) & np.isfinite(peaks)
    points = np.vstack([guesses[usable] / peaks[usable, None], np.eye(r), -np.eye(r)])
    if points.size == 0:
        return
    points /= np.linalg.norm(points, axis=1)[:, None]
    hidden = np.maximum(points @ side.columns, 0.0)
    values = points @ side.linear + hidden[:, : side.n_convex].sum(axis=1)
    values -= hidden[:, side.n_convex :].sum(axis=1)
    k = int(np.argmax(values))
    if values[k] > scalars[BEST]:
        scalars[BEST] = values[k]
        side.found.best[:] = points[k]
        if side.found.peaks.shape[0] == 0:
            goal = values[k] * (1.0 + scalars[RTOL]) + scalars[ATOL]
            scalars[GOAL] = max(scalars[GOAL], goal)


def _run(side: _Side, scalars: Array, max_cones: int, deadline: float) -> bool:
    """Run the kernel in pieces, with more memory when it asks for it."""
    r, m = side.columns.shape
    if r == 0 or 2**r > max_cones:
        return bool(r == 0)
    scratch = _scratch(r, m)
    counters = side.counters
    piece, begin = FIRST_CONES, time.monotonic()
    while counters[CONES] < max_cones:
        counters[LEFT] = min(piece, max_cones - int(counters[CONES]))
        code = cover(
            side.columns,
            side.n_convex,
            side.linear,
            side.stack,
            side.pool,
            counters,
            scalars,
            side.found,
            scratch,
        )
        if code == DONE:
            return True
        if code == GROW:
            side.grow()
        now = time.monotonic()
        if now >= deadline:
            return False
        if code != GROW and now - begin < QUICK:
            piece = min(2 * piece, CONES_PER_CALL)
        elif now - begin > SLOW:
            piece = max(piece // 2, 1)
        begin = now
    return False


def _scratch(r: int, m: int) -> Scratch:
    parent = Parent(
        rows=np.zeros(m + 1, dtype=np.int64),
        values=np.zeros((r + 1, m)),
        vertices=np.zeros((r + 1, r)),
        gradient=np.zeros((3, r)),
        kept=np.zeros(m + 1, dtype=np.int64),
        grown=np.zeros(m + 1, dtype=np.int64),
        ends=np.zeros((2, m)),
    )
    lines = Lines(
        gradient=np.zeros(r),
        line=np.zeros(r),
        errors=np.zeros(r),
        lengths=np.zeros(r),
        vector=np.zeros(r),
        tangent=np.zeros(m),
        normals=np.zeros((r, r)),
        work=np.zeros((r, r)),
        other=np.zeros(r),
        other_errors=np.zeros(r),
    )
    most = MOST_CONVEX + MOST_CONCAVE + r
    spare = Spare(
        np.zeros((r + 1, r)), np.zeros((r + 1, r + 1)), np.zeros(r + 1), np.zeros(r)
    )
    squares = Squares(
        vectors=np.zeros((most, r)),
        upper=np.zeros(most),
        x=np.zeros(most),
        start=np.zeros(r),
        free=np.zeros(r + 1, dtype=np.int64),
        spare=spare,
    )
    return Scratch(parent, lines, squares)


def _left_over(side: _Side) -> float:
    """Bound on what the budget left: cones on the stack, orthants never opened.

    ``f(w) <= |linear| + sum over the convex rows |a_i|`` for every ``|w| <= 1``.
    """
    left = float(side.stack.bounds[: side.counters[HEIGHT]].max(initial=0.0))
    if side.counters[ORTHANT] < 2**side.linear.size:
        lengths = np.linalg.norm(side.columns[:, : side.n_convex], axis=0)
        total = float(np.linalg.norm(side.linear) + lengths.sum())
        left = max(left, total * (1.0 + 2.0**-30))
    return left


def _result(
    problem: SignedRows,
    sides: list[_Side],
    scalars: Array,
    bound: float,
    is_reached: bool,
) -> Covering:
    """Go back to the units and coordinates of the data, rounding up."""
    total = (bound * problem.stretch + problem.slack) * (1.0 + 8.0 * U)
    with np.errstate(over="ignore", under="ignore"):
        bound = float(np.ldexp(total, problem.exponent))
        value = float(np.ldexp(scalars[BEST], problem.exponent))
        found = [side.found.peaks[: side.counters[N_PEAKS]] for side in sides]
        values = [side.sign * p[:, -1] for side, p in zip(sides, found, strict=True)]
        heights = np.ldexp(np.concatenate(values), problem.exponent)
    if total > 0.0:
        bound = math.nextafter(bound, math.inf)
    order = np.argsort(-np.abs(heights), kind="stable")
    directions = np.vstack(found)[order, :-1] @ problem.basis.T
    best = max(sides, key=lambda side: _value(side))
    return Covering(
        bound=bound,
        value=value,
        direction=problem.basis @ best.found.best,
        n_cones=sum(int(side.counters[CONES]) for side in sides),
        is_reached=is_reached,
        peaks=directions,
        peak_values=heights[order],
        share=float(np.mean([s.counters[ORTHANT] / 2**s.linear.size for s in sides])),
    )


def _value(side: _Side) -> float:
    hidden = np.maximum(side.found.best @ side.columns, 0.0)
    kinks = hidden[: side.n_convex].sum() - hidden[side.n_convex :].sum()
    return float(side.found.best @ side.linear + kinks)
