"""Bound ``max |v^T (X u)_+|``, ``|u| <= 1``, by covering the sphere: no listing.

The sphere is covered by simplicial cones; a cone whose bound exceeds the goal is
bisected.  The claim is about every ``u``, so the covering is all that has to be
complete, and it is by construction, whatever the degeneracy of the data.  It takes
about ``(sum |v_i| |x_i| / max)^((r-1)/2)`` cones, where a listing has ``n^(r-1)``.
"""

from __future__ import annotations

import math
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from arrangement import InputError
from arrangement.executors import check_executor
from convex_solver._kernels.certify import (
    ATOL,
    BEST,
    GOAL,
    N_PEAKS,
    NEAR,
    RTOL,
    TOP,
)
from convex_solver.certificates.covering_pieces import Pieces, Side, side_of
from convex_solver.certificates.covering_tasks import advance_on
from convex_solver.certificates.signed_rows import SignedRows, merge_rows
from convex_solver.rounding import U
from convex_solver.typing import Array

LEAST_RTOL = 1e-13
# Steps from the best guess to a local maximum; mostly some five.
MOST_CLIMBS = 50
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
    n_jobs: int = 1,
    executor: Executor | None = None,
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
    n_jobs : int
        Threads, at least 1.  Without a deadline the result does not depend on it.
    executor : concurrent.futures.Executor, optional
        Visits the cones of long coverings: processes, Dask's ``client.get_executor()``,
        mpi4py, loky.  Without a deadline the result does not depend on it either.  A
        task is some thousand cones, and is sent with the rows.

    Returns
    -------
    Covering

    Raises
    ------
    InputError, InputTypeError
        If the shapes do not fit, ``floor`` is negative or ``rtol`` below 1e-13; an
        executor that is none.

    Warns
    -----
    RuntimeWarning
        The executor has lost its workers; what they left is done in this process.

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
    check_executor(executor)
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
    sides = [side_of(problem, sign) for sign in (1.0, -1.0)]
    best = np.zeros(problem.linear.size)
    for side in sides:
        best = _try(side, guesses @ problem.basis, scalars, best, n_peaks)
    pieces = Pieces(sides, scalars, best, n_peaks)
    elsewhere = None if executor is None else partial(advance_on, executor)
    pieces.run(max_cones, deadline, n_jobs, elsewhere)
    # a cone that floats cannot halve may stay above the goal
    is_reached = n_peaks > 0 or scalars[TOP] <= scalars[GOAL]
    bound = max(float(scalars[TOP]), pieces.left) + own
    return _result(problem, pieces, bound, bool(pieces.is_done and is_reached))


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


def _try(
    side: Side, guesses: Array, scalars: Array, best: Array, n_peaks: int
) -> Array:
    """Start the goal at the largest value near guesses and axes; where that is."""
    r = side.rank
    peaks = np.abs(guesses).max(axis=1, initial=0.0)
    usable = (peaks > 0.0) & np.isfinite(peaks)
    points = np.vstack([guesses[usable] / peaks[usable, None], np.eye(r), -np.eye(r)])
    if points.size == 0:
        return best
    points /= np.linalg.norm(points, axis=1)[:, None]
    # one at a time: there may be many rows
    values = np.array([side.value(point) for point in points])
    k = int(np.argmax(values))
    point, value = _climbed(side, points[k], float(values[k]))
    if not value > scalars[BEST]:
        return best
    scalars[BEST] = value
    if n_peaks == 0:
        goal = value * (1.0 + scalars[RTOL]) + scalars[ATOL]
        scalars[GOAL] = max(scalars[GOAL], goal)
    return point


def _climbed(side: Side, point: Array, value: float) -> tuple[Array, float]:
    """Go to a local maximum, mostly: each step to the largest value of a pattern."""
    for _ in range(MOST_CLIMBS):
        gradient = side.gradient(point)
        length = float(np.linalg.norm(gradient))
        if not 0.0 < length < math.inf:
            break
        other = side.value(gradient / length)
        if not other > value:
            break
        point, value = gradient / length, other
    return point, value


def _result(
    problem: SignedRows, pieces: Pieces, bound: float, is_reached: bool
) -> Covering:
    """Go back to the units and coordinates of the data, rounding up."""
    total = (bound * problem.stretch + problem.slack) * (1.0 + 8.0 * U)
    found = [_peaks(pieces, side) for side in pieces.sides]
    values = [side.sign * p[:, -1] for side, p in zip(pieces.sides, found, strict=True)]
    with np.errstate(over="ignore", under="ignore"):
        bound = float(np.ldexp(total, problem.exponent))
        value = float(np.ldexp(pieces.scalars[BEST], problem.exponent))
        heights = np.ldexp(np.concatenate(values), problem.exponent)
    if total > 0.0:
        bound = math.nextafter(bound, math.inf)
    order = np.argsort(-np.abs(heights), kind="stable")
    return Covering(
        bound=bound,
        value=value,
        direction=problem.basis @ pieces.best,
        n_cones=sum(pieces.n_cones(side) for side in pieces.sides),
        is_reached=is_reached,
        peaks=np.vstack(found)[order, :-1] @ problem.basis.T,
        peak_values=heights[order],
        share=1.0 if is_reached else pieces.share,
    )


def _peaks(pieces: Pieces, side: Side) -> Array:
    """Return the largest local maxima of a side, each once, and their values."""
    own = [piece for piece in pieces.begun if piece.side is side]
    none = np.zeros((0, side.rank + 1))
    found = np.vstack([none, *(p.found.peaks[: p.counters[N_PEAKS]] for p in own)])
    found = found[np.argsort(-found[:, -1], kind="stable")]
    kept: list[int] = []
    for k, peak in enumerate(found):
        apart = np.sum((found[kept, :-1] - peak[:-1]) ** 2, axis=1)
        if len(kept) < pieces.n_peaks and not np.any(apart < NEAR):
            kept.append(k)
    return np.asarray(found[kept])
