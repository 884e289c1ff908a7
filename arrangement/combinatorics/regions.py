"""Some of the chambers: those inside a polyhedron, and those that are bounded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrangement.combinatorics.class_bits import changed
from arrangement.errors import (
    InputError,
    ListingStoppedError,
    ListingTooLargeError,
)
from arrangement.io import ProgressLike, listener, shows_progress
from arrangement.listing import Plan, iter_patterns
from arrangement.model import Arrangement, PatternSet
from arrangement.options import (
    Deadline,
    free_bytes,
    whole_number,
)


def iter_patterns_inside(
    X: Arrangement | ArrayLike | Any,
    inequalities: ArrayLike | Any,
    bounds: ArrayLike | Any | None = None,
    *,
    offsets: ArrayLike | None = None,
    floats: str = "binary",
    block_size: int | None = None,
    n_jobs: int = 1,
    max_patterns: int | None = None,
    time_limit: float | None = None,
    progress: ProgressLike = None,
) -> Iterator[PatternSet]:
    """Yield the chambers that meet an open polyhedron, in blocks.

    The polyhedron is ``{z : g_j . z > h_j for all j}``; a pattern of ``X`` is listed,
    once, exactly if some point of it has these signs.  The inequalities add no bits.

    Parameters
    ----------
    X, offsets, floats, block_size, n_jobs, max_patterns, time_limit, progress
        As in `iter_patterns`.
    inequalities : array_like, shape (k, d)
        The rows ``g_j``, numbers of any kind, read exactly.
    bounds : array_like, shape (k,), optional
        ``h_j``; all 0 when omitted: an open cone.

    Yields
    ------
    PatternSet
        Blocks without a proof; ``witnesses()`` and ``facets()`` are those of the whole
        chamber.  None where the polyhedron has no interior point.

    Raises
    ------
    ListingStoppedError
        From the iterator, when a limit ends it before it is exhausted.
    InputError, InputTypeError
        As `Arrangement`; inequalities in another dimension; a projected arrangement.

    Notes
    -----
    A chamber and the polyhedron are convex and open, so what they share is one chamber
    of all rows together, or empty: these are listed with the signs of the inequalities
    required (`iter_patterns`, ``where``), inequalities first, so that what lies outside
    is hardly visited.  Their order is that of the blocks.  A polyhedron in a hyperplane
    has no interior: restrict the rows to it first.

    Examples
    --------
    Orders of three numbers in which the first is positive and the others sum to less
    than -1:

    >>> from arrangement.constructions import braid
    >>> cone = [[1, 0, 0], [0, -1, -1]]
    >>> for block in iter_patterns_inside(braid(3), cone, [0, 1]):
    ...     print(block.to_bool().astype(int).tolist())
    [[1, 1, 1], [1, 1, 0], [1, 0, 0], [0, 1, 1]]
    """
    progress = listener(progress)
    if block_size is not None:
        whole_number(block_size, "block_size", 1)
    deadline = Deadline(time_limit)
    arrangement = Arrangement.coerce(X, offsets=offsets, floats=floats)
    joint = _with_inequalities(arrangement, inequalities, bounds, floats)
    options: dict[str, Any] = {
        "block_size": block_size,
        "n_jobs": n_jobs,
        "max_patterns": max_patterns,
        "time_limit": deadline.left(),
        "progress": progress,
    }
    if joint is None:
        return iter(())
    n_more = joint.n_hyperplanes - arrangement.n_hyperplanes
    stream = iter_patterns(joint, where=dict.fromkeys(range(n_more), 1), **options)
    return _without_first(stream, n_more, Plan(arrangement, by_cells=True))


def _without_first(
    stream: Iterator[PatternSet], n_more: int, plan: Plan
) -> Iterator[PatternSet]:
    for block in stream:
        yield plan.pattern_set(changed(block, lambda bits: bits[:, n_more:]))


def _with_inequalities(
    arrangement: Arrangement, inequalities: Any, bounds: Any, floats: str
) -> Arrangement | None:
    """Put inequalities that are no constants before the rows; None: never true."""
    if arrangement.is_projected:
        raise InputError(
            "X is a float64 projection, whose chambers lie in other coordinates than "
            "the inequalities; use rank='exact'."
        )
    extra = Arrangement(inequalities, bounds, floats=floats)
    if extra.dimension != arrangement.dimension:
        raise InputError(
            f"inequalities has shape {(extra.n_hyperplanes, extra.dimension)}; "
            f"expected (k, {arrangement.dimension}), as many columns as X."
        )
    moving = extra.class_of >= 0
    if np.any(extra.constant_signs[~moving] <= 0):  # 0 > h: the sign of -h
        return None
    normals = [extra.normals[moving], arrangement.normals]
    shifts: list[NDArray[Any]] = []
    for part, kept in ((extra, moving), (arrangement, slice(None))):
        own = part.offsets
        zeros = np.zeros(part.n_hyperplanes, dtype=np.int64)
        shifts.append((zeros if own is None else own)[kept])
    is_affine = not arrangement.is_central or bool(np.any(shifts[0] != 0))
    rows = np.concatenate([part.astype(object) for part in normals])
    ends = np.concatenate([part.astype(object) for part in shifts])
    return Arrangement(rows, ends if is_affine else None)


@shows_progress
def patterns_inside(
    X: Arrangement | ArrayLike | Any,
    inequalities: ArrayLike | Any,
    bounds: ArrayLike | Any | None = None,
    *,
    offsets: ArrayLike | None = None,
    floats: str = "binary",
    n_jobs: int = 1,
    max_bytes: int | None = None,
    max_patterns: int | None = None,
    time_limit: float | None = None,
    progress: ProgressLike = None,
) -> PatternSet:
    """List the chambers that meet an open polyhedron; see `iter_patterns_inside`.

    Parameters
    ----------
    X, inequalities, bounds, offsets, floats, n_jobs, max_patterns, time_limit, progress
        As in `iter_patterns_inside`.
    max_bytes : int, optional
        Most bytes the packed list may take; half of the free memory by default.

    Returns
    -------
    PatternSet
        Without a proof: completeness is proven for whole arrangements.

    Raises
    ------
    ListingTooLargeError
        The list outgrew ``max_bytes``.
    ListingStoppedError
        A limit was reached; ``error.patterns`` has what was found.
    InputError, InputTypeError
        As `iter_patterns_inside`.

    Examples
    --------
    >>> len(patterns_inside([[1, 0], [0, 1], [1, 1]], [[1, 0]]))
    3
    """
    most = _most_bytes(max_bytes)
    deadline = Deadline(time_limit)
    arrangement = Arrangement.coerce(X, offsets=offsets, floats=floats)
    blocks = iter_patterns_inside(
        arrangement,
        inequalities,
        bounds,
        floats=floats,
        n_jobs=n_jobs,
        max_patterns=max_patterns,
        time_limit=deadline.left(),
        progress=progress,
    )
    return collect(blocks, Plan(arrangement, by_cells=True), most)


def _most_bytes(max_bytes: int | None) -> int:
    if max_bytes is None:
        return free_bytes() // 2
    return whole_number(max_bytes, "max_bytes", 0)


def collect(blocks: Iterator[PatternSet], plan: Plan, most: int) -> PatternSet:
    """Put blocks together; of what a limit ended, hand on what there is."""
    parts = [np.zeros((0, plan.width), dtype=np.uint64)]
    size = 0
    try:
        for block in blocks:
            parts.append(block.packed)
            size += block.packed.nbytes
            if size > most:
                raise ListingTooLargeError(
                    f"the list takes more than the {most:,} bytes allowed. Stream it, "
                    "which needs one block of memory, or raise max_bytes."
                )
    except ListingStoppedError as error:
        found = plan.pattern_set(np.concatenate(parts))
        raise ListingStoppedError(str(error), found) from None
    return plan.pattern_set(np.concatenate(parts))
