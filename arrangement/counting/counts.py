"""Exact counts: Cover's bound, characteristic polynomial, chambers.

The road taken here shares nothing with the enumerator. Write ``pi(t)`` for the sum of
``|w_k| t**k``, where ``|w_k|`` is the number of no-broken-circuit sets of ``k`` rows;
``chi(t) = t**r pi(-1/t)`` is the characteristic polynomial and ``pi(1)`` the number of
chambers (Zaslavsky 1975, Theorem A). Deleting and restricting the last row, again and
again, gives

    pi(h_1 .. h_m) = 1 + t * sum_i pi(h_1 .. h_{i-1} restricted to h_i),

where rows that become proportional are merged. In an affine arrangement a row
``a . z = b`` is homogeneous, ``(a, -b)``, and a row that becomes proportional to the
row at infinity is dropped. A central arrangement is ``(1 + t)`` times its chart
(any row taken as infinity). Lines in a plane are not recursed on: their points are
counted (dimensions 1 and 2 are closed forms).

Why working modulo primes is exact
----------------------------------
The only decision is whether rows ``v, w`` become proportional after restriction to
rows ``h_1 .. h_j``: whether the rank of ``S = {h_1 .. h_j, v, w}`` is ``j + 1``. ``S``
has at most ``r`` rows (``r`` columns; the row at infinity may be one of them). Let
``B`` bound the absolute value of every minor of at most ``r`` rows, and let
``p_1 .. p_k`` be primes with product above ``B``.

(1) ``rank S = max over t of rank (S mod p_t)``. A minor that is zero is zero modulo
    every prime, so no rank grows. With ``s = rank S`` some ``s x s`` minor is not
    zero; its absolute value is at most ``B``, below the product of the primes, so
    some ``p_t`` does not divide it.
(2) The walk goes on only while every row of every restricted list is non-zero modulo
    *every* prime, and a restricted row that is pivoted on is one of them. So, by
    induction, ``h_1 .. h_j`` are independent modulo every prime, and elimination
    modulo ``p_t`` (each prime with a pivot of its own) yields the coordinates of ``v``
    modulo ``p_t`` in the quotient by their span.
(3) Hence ``rank (S mod p_t)`` is ``j + 1`` when ``v`` and ``w`` are proportional in
    the quotient modulo ``p_t``, else ``j + 2``, and by (1) they are proportional over
    the rationals exactly when they are proportional modulo every prime: when their
    normalised residues are equal. This is an equivalence relation, so hashing and
    keeping the first is sound. Proportional to infinity: the same with ``w`` infinity.
(4) A row that is zero modulo some prime was not zero over the rationals (its rank with
    the ``h`` is ``j + 1``, as it was not merged). That prime divides a non-zero minor;
    the walk is abandoned and starts again with other primes. Only finitely many
    primes divide a non-zero minor, so this ends. With one prime it cannot happen:
    ``p > B`` divides no non-zero minor.

``B`` is Hadamard's bound: rows and columns are non-zero integer vectors, so a minor is
at most the product of the ``r`` largest row norms, and at most the product over all
columns of ``sqrt(r) max |entry|``. Only the square of ``B`` is computed, in integers.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrangement._kernels import counting as kernels
from arrangement._kernels.state import BAD_PRIME, DONE
from arrangement.counting.classes import ClassesTooLargeError, Limits
from arrangement.counting.groups import (
    check_choice,
    found_group,
    given_group,
    numbers_by_symmetry,
)
from arrangement.counting.pace import Pace
from arrangement.counting.primes import (
    _TABLE_LIMIT,
    _inverse_table,
    _iter_primes,
    _minor_bound_squared,
    _residues,
    _take_primes,
)
from arrangement.errors import BudgetExceededError
from arrangement.io import ProgressLike, listener, shows_progress
from arrangement.model import Arrangement
from arrangement.options import (
    Deadline,
    IsLate,
    Listener,
    Progress,
    never,
    whole_number,
)

IntRow = tuple[int, ...]
Symmetries: TypeAlias = str | Sequence[ArrayLike] | None
# Row operations a kernel call, at most, each tens of nanoseconds to a microsecond.
_WORK_PER_CALL = 2**21
# Restrictions visited, a fraction of a second, before symmetries are searched for.
_FIRST_NODES = 2**18
# Seconds from one word of progress to the next.
_EVERY = 1.0


def cover_bound(n: int, r: int) -> int:
    """Return the largest number of chambers of ``n`` hyperplanes of rank ``r``.

    Parameters
    ----------
    n : int
        Number of hyperplanes through the origin, at least 0.
    r : int
        Rank of their normals, at least 0.

    Returns
    -------
    int
        ``2 * sum_{k < r} C(n - 1, k)``, and 1 if ``n`` or ``r`` is 0; an unbounded
        Python integer. Reached exactly when every ``r`` normals are independent.

    Raises
    ------
    InputTypeError
        If ``n`` or ``r`` is not an integer (bool and float are refused).
    InputError
        If ``n`` or ``r`` is negative.

    Notes
    -----
    Cover (1965), Theorem 1. When ``r > n`` the sum is ``2**n``.

    Examples
    --------
    >>> cover_bound(283, 4), cover_bound(0, 3), cover_bound(5, 0)
    (7475728, 1, 1)
    """
    n = whole_number(n, "n", 0)
    r = whole_number(r, "r", 0)
    if n == 0 or r == 0:
        return 1
    term = total = 1
    for k in range(1, min(r, n)):
        term = term * (n - k) // k
        total += term
    return 2 * total


@shows_progress
def count_patterns(
    X: Arrangement | ArrayLike,
    *,
    offsets: ArrayLike | None = None,
    rank: str | int = "exact",
    floats: str = "binary",
    symmetry: Symmetries = "auto",
    max_nodes: int = 10**9,
    time_limit: float | None = None,
    progress: ProgressLike = None,
) -> int:
    """Count the sign patterns of a matrix (chambers of its arrangement) exactly.

    Parameters
    ----------
    X : Arrangement or array_like, shape (n, d)
        One hyperplane normal a row; any real dtype, integers of any size; not
        modified.
    offsets : array_like, shape (n,), optional
        ``b`` of affine hyperplanes ``x_i . z = b_i``; central when omitted.
    rank, floats
        How the numbers are read, see `Arrangement`.
    symmetry : "auto", None or sequence of array_like, shape (n,)
        Permutations of the rows, ``s[i]`` the row to which row ``i`` goes, that linear
        maps bring about (up to a factor for each row): flats that they take to one
        another are counted once.  Each is checked exactly.  ``"auto"``: where a
        count takes long, symmetries are searched for.  None: none are used.
    max_nodes : int
        Most restrictions to visit, at least 1. Their number is below the result;
        one costs time proportional to the rows restricted.
    time_limit : float, optional
        Most seconds, kept within about one.
    progress : callable or True, optional
        Called with a `Progress` about every second; True draws a bar.

    Returns
    -------
    int
        Unbounded Python integer; never overflows. 1 when there is no hyperplane.

    Raises
    ------
    BudgetExceededError
        If more than ``max_nodes`` restrictions would be visited, or the time is up.
    InputError, InputTypeError
        If the input is not a real matrix, or an option is not acceptable.

    Notes
    -----
    ``P = (-1)**r chi(-1)`` (Zaslavsky 1975, Theorem A). At most ``O(n**(r - 2))``
    restrictions, each linear in the rows; memory ``O(n r**2)`` words times the
    number of primes. By symmetry: a restriction for each class of flats
    (`arrangement.counting.classes`), and memory for those of two ranks.

    Examples
    --------
    >>> count_patterns([[1, -1, 0], [0, 1, -1], [1, 0, -1]])
    6
    >>> count_patterns([[1, 0], [0, 1], [1, 1]], offsets=[0, 0, 1])
    7
    >>> count_patterns(np.eye(4), symmetry=[[1, 2, 3, 0]])
    16
    """
    limits = max_nodes, time_limit, progress
    return sum(_whitney(X, offsets, rank, floats, symmetry, *limits))


@shows_progress
def characteristic_polynomial(
    X: Arrangement | ArrayLike,
    *,
    offsets: ArrayLike | None = None,
    rank: str | int = "exact",
    floats: str = "binary",
    symmetry: Symmetries = "auto",
    max_nodes: int = 10**9,
    time_limit: float | None = None,
    progress: ProgressLike = None,
) -> tuple[int, ...]:
    """Return the characteristic polynomial of the (essentialised) arrangement.

    Parameters
    ----------
    X, offsets, rank, floats, symmetry, max_nodes, time_limit, progress
        As in `count_patterns`.

    Returns
    -------
    tuple of int
        Coefficients in ascending powers of ``t``, ``r + 1`` of them with ``r`` the
        rank of the normals; the last is 1, signs alternate. Python integers.

    Raises
    ------
    BudgetExceededError, InputError, InputTypeError
        As in `count_patterns`.

    Notes
    -----
    ``chi(t) = sum over flats F of mu(F) t**(dim F)``, with dimensions in the
    essential space of dimension ``r``. The usual polynomial in the space of
    dimension ``d`` is ``t**(d - r)`` times this one.

    Examples
    --------
    >>> characteristic_polynomial([[1, -1, 0], [0, 1, -1], [1, 0, -1]])
    (2, -3, 1)
    """
    limits = max_nodes, time_limit, progress
    numbers = _whitney(X, offsets, rank, floats, symmetry, *limits)
    return tuple(-value if k % 2 else value for k, value in enumerate(numbers))[::-1]


@shows_progress
def count_bounded(
    X: Arrangement | ArrayLike,
    *,
    offsets: ArrayLike | None = None,
    rank: str | int = "exact",
    floats: str = "binary",
    symmetry: Symmetries = "auto",
    max_nodes: int = 10**9,
    time_limit: float | None = None,
    progress: ProgressLike = None,
) -> int:
    """Count the relatively bounded chambers exactly.

    Parameters
    ----------
    X, offsets, rank, floats, symmetry, max_nodes, time_limit, progress
        As in `count_patterns`.

    Returns
    -------
    int
        Chambers that are bounded in the essential space (when the normals have rank
        ``d``: bounded chambers). A central arrangement of rank 1 or more has none;
        with no hyperplane the whole space is a point, and the count is 1.

    Raises
    ------
    BudgetExceededError, InputError, InputTypeError
        As in `count_patterns`.

    Notes
    -----
    ``|chi(1)|`` (Zaslavsky 1975, Theorem C).

    Examples
    --------
    >>> count_bounded([[1, 0], [0, 1], [1, 1]], offsets=[0, 0, 1])
    1
    """
    limits = max_nodes, time_limit, progress
    numbers = _whitney(X, offsets, rank, floats, symmetry, *limits)
    return abs(sum(numbers[::2]) - sum(numbers[1::2]))


def whitney_numbers(
    rows: Sequence[IntRow],
    rank: int,
    infinity: IntRow | None,
    max_nodes: int,
    is_late: IsLate = never,
    progress: Listener | None = None,
) -> tuple[int, ...]:
    """Return ``|w_0|, |w_1|, ..`` of an essential arrangement of integer rows.

    Parameters
    ----------
    rows : sequence of tuples of int
        Each of length ``rank``; together with ``infinity`` they span. Zero rows,
        proportional rows and rows proportional to ``infinity`` do no harm.
    rank : int
        Number of columns, at least 0.
    infinity : tuple of int or None
        The row at infinity of an affine arrangement, not zero; None: central.
    max_nodes : int
        Most restrictions to visit, at least 1.
    is_late : callable
        Whether the time is up, asked about every second.
    progress : callable, optional
        Called with a `Progress` about every second.

    Returns
    -------
    tuple of int
        ``rank + 1`` numbers when central, ``rank`` when affine.
    """
    rows = [row for row in rows if any(row)]
    if infinity is not None:
        return _chart_numbers(rows, rank, infinity, max_nodes, is_late, progress)
    if not rows:
        return (1,) + (0,) * rank
    chart = _chart_numbers(rows[1:], rank, rows[0], max_nodes, is_late, progress)
    return tuple(a + b for a, b in zip((*chart, 0), (0, *chart), strict=True))


def _whitney(
    X: Arrangement | ArrayLike,
    offsets: ArrayLike | None,
    rank: str | int,
    floats: str,
    symmetry: Any,
    max_nodes: int,
    time_limit: float | None,
    progress: ProgressLike,
) -> tuple[int, ...]:
    """Read what a count was asked for and return the Whitney numbers."""
    max_nodes = whole_number(max_nodes, "max_nodes", 1)
    is_late = Deadline(time_limit).is_late
    progress = listener(progress)
    check_choice(symmetry)
    arrangement = Arrangement.coerce(X, offsets=offsets, rank=rank, floats=floats)
    # of millions of rows the integers alone take minutes
    _stop_if_late(is_late, arrangement.n_hyperplanes)
    cone = arrangement.cone
    limits = Limits(max_nodes, is_late, progress)
    walk = partial(whitney_numbers, cone.rows, cone.rank, cone.infinity)
    if symmetry is not None and not isinstance(symmetry, str):
        group = given_group(arrangement, symmetry)
        if group is not None:
            return numbers_by_symmetry(arrangement, group, limits)
    elif symmetry is not None and max_nodes > _FIRST_NODES:
        try:
            return walk(_FIRST_NODES, is_late, progress)
        except BudgetExceededError:
            if is_late():
                raise
            group = found_group(arrangement, is_late)
        if group is not None:
            try:
                return numbers_by_symmetry(arrangement, group, limits)
            except ClassesTooLargeError:
                pass  # the walk needs hardly any memory
    return walk(max_nodes, is_late, progress)


def _chart_numbers(
    rows: Sequence[IntRow],
    rank: int,
    infinity: IntRow,
    max_nodes: int,
    is_late: IsLate,
    progress: Listener | None,
) -> tuple[int, ...]:
    """Count the no-broken-circuit sets of the chart where ``infinity`` is 1."""
    if rank == 1 or not rows:
        return (1,) + (0,) * (rank - 1)
    _stop_if_late(is_late, len(rows))
    bound_squared = _minor_bound_squared([*rows, infinity], rank)
    supply = _iter_primes(bound_squared)
    visited = 0
    while True:
        primes = _take_primes(supply, bound_squared)
        residues = _residues(rows, infinity, primes)
        _stop_if_late(is_late, len(rows))
        counts, visited = _walk(residues, primes, max_nodes, visited, is_late, progress)
        if counts is not None:
            return counts


def _walk(
    residues: NDArray[np.int64] | None,
    primes: list[int],
    max_nodes: int,
    visited: int,
    is_late: IsLate,
    progress: Listener | None,
) -> tuple[tuple[int, ...] | None, int]:
    """Walk the whole tree; the numbers are None when one of the primes is bad."""
    if residues is None:
        return None, visited
    m, k, width = residues.shape
    dimension = width - 1
    moduli = np.array(primes, dtype=np.int64)
    inverses = _inverse_table(primes[0] if k == 1 else _TABLE_LIMIT)
    modulo = kernels.Primes(moduli, 1.0 / moduli, inverses)
    slots = np.zeros((2 << m.bit_length(), 2), dtype=np.int64)
    scratch = kernels.Scratch(*np.zeros((3, m), dtype=np.int64))
    if not kernels.normalise(residues, m, width, modulo, scratch):
        return None, visited
    kept = kernels.merge(residues, m, k, width, slots, 1, scratch.infinite)
    if kept < 0:
        return None, visited
    counts = np.zeros(dimension + 1, dtype=np.int64)
    counts[0] = 1
    if dimension == 1:
        counts[1] = kept
        return tuple(counts.tolist()), visited
    # A level is touched only as far as its list reaches, so pages never used are
    # never committed by the operating system.
    levels = np.empty((dimension, m, k, width), dtype=np.int64)
    levels[0] = residues
    length = np.zeros(dimension, dtype=np.int64)
    length[0] = kept
    position = np.zeros(dimension, dtype=np.int64)
    state = np.zeros(kernels.N_STATE, dtype=np.int64)
    state[kernels.NODES] = visited
    state[kernels.STAMP] = 1
    tree = kernels.Restrictions(levels, length, position, counts, state)
    # Counters grow by at most m a node, and 2**63 / m nodes take centuries.
    limit = min(max_nodes, 2**62)
    said, pace = time.monotonic(), Pace(_WORK_PER_CALL)
    while True:
        status = pace.call(kernels.advance, tree, modulo, slots, scratch, limit)
        visited = int(state[kernels.NODES])
        if status == DONE:
            return tuple(counts.tolist()), visited
        if status == BAD_PRIME:
            return None, visited
        if progress is not None and time.monotonic() - said >= _EVERY:
            said = _tell(progress, counts)
        if visited >= limit or is_late():
            over = "max_nodes" if visited >= limit else "time_limit"
            reason = f"max_nodes={max_nodes}" if visited >= limit else "the time is up"
            raise BudgetExceededError(
                f"the count visited {visited} restrictions of {m} rows in dimension "
                f"{dimension}, {reason}, and is not finished (at least "
                f"{int(counts.sum())} chambers so far); raise {over}, or reduce the "
                "rows or the rank."
            )


def _stop_if_late(is_late: IsLate, n: int) -> None:
    """End a count that has not begun."""
    if is_late():
        raise BudgetExceededError(
            f"the time is up, and the count of {n:,} rows has not begun; raise "
            "time_limit, or reduce the rows."
        )


def _tell(progress: Listener, counts: NDArray[np.int64]) -> float:
    """Say how far a count has come; return when."""
    so_far = int(counts.sum())
    progress(Progress(f"counting: at least {so_far:,} chambers, not listed"))
    return time.monotonic()
