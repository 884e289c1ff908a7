"""The bounded chambers of an affine arrangement, listed.

Let c be a direction that is orthogonal to no ray at infinity, and M above ``|c . v|``
for every vertex v.  A bounded chamber is the hull of its vertices, so it lies between
the two hyperplanes ``c . z = M`` and ``c . z = -M``.  An unbounded chamber has a ray at
infinity, on which ``c . z`` grows without bound up or down, and crosses one of them.
So the chambers of the arrangement in these two hyperplanes are the unbounded ones: of
one dimension less, and few beside all.  All others are bounded.

M is chosen by Hadamard's inequality and is above every vertex.  Whether c was chosen
well is decided by counting: with any c only unbounded chambers cross, and they all do
exactly if their number is that of the characteristic polynomial, ``|chi(-1)| -
|chi(1)|`` (Zaslavsky 1975, Theorems A and C).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrangement.combinatorics.class_bits import spread
from arrangement.combinatorics.pattern_index import PatternIndex
from arrangement.combinatorics.regions import _most_bytes, collect
from arrangement.counting import characteristic_polynomial
from arrangement.errors import (
    ArrangementError,
    BudgetExceededError,
    IncompleteListingError,
    InputError,
    ListingStoppedError,
)
from arrangement.exact import hadamard_bits
from arrangement.io import ProgressLike, listener, shows_progress
from arrangement.listing import Plan, iter_patterns
from arrangement.model import Arrangement, PatternSet
from arrangement.options import (
    Deadline,
    Listener,
    whole_number,
)

# directions that are tried, each with entries twice as large as the one before
_MOST_TRIES = 40


def iter_bounded_patterns(
    X: Arrangement | ArrayLike | Any,
    *,
    offsets: ArrayLike | None = None,
    floats: str = "binary",
    block_size: int | None = None,
    n_jobs: int = 1,
    time_limit: float | None = None,
    progress: ProgressLike = None,
) -> Iterator[PatternSet]:
    """Yield the relatively bounded chambers in blocks, each proven bounded.

    Parameters
    ----------
    X, offsets, floats, n_jobs, progress
        As in `iter_patterns`.
    block_size : int, optional
        Chambers of the whole list that are looked at at once; a block holds those of
        them that are bounded.
    time_limit : float, optional
        Stop after so many seconds, kept within about one.

    Yields
    ------
    PatternSet
        In the order of `iter_patterns`; never an empty block.  Together as many as
        `count_bounded` says.  A central arrangement of rank 1 or more has none.

    Raises
    ------
    ListingStoppedError, BudgetExceededError
        From the iterator: the time is up.
    IncompleteListingError
        At its end, if not as many came as there are (a defect of the program).
    InputError, InputTypeError
        As `Arrangement`; a projected arrangement.

    Notes
    -----
    Bounded in the essential space, as for `count_bounded`.  The unbounded chambers are
    held, some 76 bytes and a pattern each: ``O(n**(r - 1))`` of the ``O(n**r)``
    chambers.

    Examples
    --------
    >>> square = [[1, 0], [1, 0], [0, 1], [0, 1]], [0, 1, 0, 1]
    >>> blocks = iter_bounded_patterns(square[0], offsets=square[1])
    >>> [block.to_bool().astype(int).tolist() for block in blocks]
    [[[1, 0, 1, 0]]]
    """
    deadline = Deadline(time_limit)
    if block_size is not None:
        whole_number(block_size, "block_size", 1)
    progress = listener(progress)
    arrangement = Arrangement.coerce(X, offsets=offsets, floats=floats)
    if arrangement.is_projected:
        raise InputError("X is a float64 projection; use rank='exact'.")
    return _bounded(
        arrangement, deadline, progress, block_size=block_size, n_jobs=n_jobs
    )


def _bounded(
    arrangement: Arrangement,
    deadline: Deadline,
    progress: Listener | None,
    **options: Any,
) -> Iterator[PatternSet]:
    if arrangement.is_central and arrangement.rank:
        return
    chi = characteristic_polynomial(
        arrangement, time_limit=deadline.left(), progress=progress
    )
    expected = abs(sum(chi))
    if not expected:
        return
    unbounded = None
    if arrangement.n_distinct:
        number = sum(map(abs, chi)) - expected
        unbounded = PatternIndex(_unbounded(arrangement, number, deadline))
    found = 0
    stream = iter_patterns(
        arrangement, time_limit=deadline.left(), progress=progress, **options
    )
    for block in stream:
        kept = np.arange(len(block))
        if unbounded is not None:
            kept = np.flatnonzero(unbounded.find(block.packed) < 0)
        found += len(kept)
        if len(kept):
            yield block[kept]
    if found != expected:
        raise IncompleteListingError(
            f"{found:,} bounded chambers were listed, but there are {expected:,}."
        )


@shows_progress
def bounded_patterns(
    X: Arrangement | ArrayLike | Any,
    *,
    offsets: ArrayLike | None = None,
    floats: str = "binary",
    n_jobs: int = 1,
    max_bytes: int | None = None,
    time_limit: float | None = None,
    progress: ProgressLike = None,
) -> PatternSet:
    """List the relatively bounded chambers; see `iter_bounded_patterns`.

    Parameters
    ----------
    X, offsets, floats, n_jobs, time_limit, progress
        As in `iter_bounded_patterns`.
    max_bytes : int, optional
        Most bytes the packed list may take; half of the free memory by default.

    Returns
    -------
    PatternSet
        As many as `count_bounded` says, which was checked; ``proof`` is for whole
        arrangements and None.

    Raises
    ------
    ListingTooLargeError
        The list outgrew ``max_bytes``.
    ListingStoppedError, BudgetExceededError, InputError, InputTypeError
        As `iter_bounded_patterns`.

    Examples
    --------
    >>> from arrangement.constructions import shi
    >>> len(bounded_patterns(shi(4)))
    27
    """
    most = _most_bytes(max_bytes)
    deadline = Deadline(time_limit)
    arrangement = Arrangement.coerce(X, offsets=offsets, floats=floats)
    blocks = iter_bounded_patterns(
        arrangement,
        n_jobs=n_jobs,
        time_limit=deadline.left(),
        progress=progress,
    )
    return collect(blocks, Plan(arrangement, by_cells=True), most)


def _unbounded(
    arrangement: Arrangement, expected: int, deadline: Deadline
) -> NDArray[np.uint64]:
    """Return the patterns of the unbounded chambers, as many as expected."""
    random = np.random.default_rng(arrangement.rank)
    for k in range(_MOST_TRIES):
        size = 4 << k
        found = [int(x) for x in random.integers(1, size, arrangement.rank - 1)]
        signs = random.choice([-1, 1], arrangement.rank - 1).tolist()
        direction = [*(s * x for s, x in zip(signs, found, strict=True)), 1]
        patterns = _crossing(arrangement, direction, deadline)
        if len(patterns) == expected:
            return patterns
        if len(patterns) > expected:
            break
    raise ArrangementError(
        f"{len(patterns):,} chambers reach infinity, but {expected:,} are unbounded."
    )


def _crossing(
    arrangement: Arrangement, direction: list[int], deadline: Deadline
) -> NDArray[np.uint64]:
    """Return the patterns of the chambers that cross ``c . z = M`` or ``-M``.

    The last entry of c is 1, so that the last coordinate is what the others leave of M.
    """
    cone = arrangement.cone
    rank = arrangement.rank
    far = sum(map(abs, direction)) << hadamard_bits(cone.rows, rank)
    normals = np.zeros((len(cone.rows), rank - 1), dtype=object)
    for i, row in enumerate(cone.rows):
        normals[i] = [row[j] - row[rank - 1] * direction[j] for j in range(rank - 1)]
    upper, lower = (
        _list_at(arrangement, normals, level, deadline) for level in (far, -far)
    )
    both = PatternIndex(upper).find(lower) >= 0
    return np.concatenate([upper, lower[~both]])


def _list_at(
    arrangement: Arrangement, normals: NDArray[Any], level: int, deadline: Deadline
) -> NDArray[np.uint64]:
    """Return the patterns of the chambers that cross ``c . z = level``, each once."""
    k = arrangement.rank
    ends = np.zeros(len(normals), dtype=object)
    ends[:] = [-(row[k] + row[k - 1] * level) for row in arrangement.cone.rows]
    stream = iter_patterns(Arrangement(normals, ends), time_limit=deadline.left())
    try:
        return np.concatenate([spread(block, arrangement) for block in stream])
    except ListingStoppedError:
        raise BudgetExceededError(
            f"{deadline} was reached while the unbounded chambers were listed; raise "
            "time_limit."
        ) from None
