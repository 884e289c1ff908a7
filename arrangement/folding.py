"""`fold`: reduce over all chambers without keeping them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from arrangement._kernels.visit import visit_all
from arrangement.arrangement import Arrangement
from arrangement.errors import InputTypeError
from arrangement.options import check_progress
from arrangement.plan import Plan

State = TypeVar("State")


def fold(
    X: Arrangement | ArrayLike | Any,
    function: Callable[[State, Any], None],
    state: State,
    *,
    offsets: ArrayLike | None = None,
    rank: str | int = "exact",
    floats: str = "binary",
    progress: Callable[[int, int], object] | None = None,
) -> State:
    """Run a compiled reduction over all sign patterns of a matrix, storing none.

    Parameters
    ----------
    X, offsets, rank, floats, progress
        As in `enumerate_patterns`.
    function : function compiled by ``numba.njit``
        Called as ``function(state, pattern)`` for every pattern, both antipodes, in the
        order of ``iter_patterns(X)``; ``pattern`` (ceil(n/64),) uint64 is packed as in
        `PatternSet` and must not be kept or changed.
    state : array or tuple of arrays
        Whatever ``function`` changes in place.

    Returns
    -------
    array or tuple of arrays
        ``state`` itself.

    Raises
    ------
    InputTypeError
        ``function`` is not compiled by Numba, or is not a function.
    InputError
        As `enumerate_patterns`.

    Notes
    -----
    A call costs a few nanoseconds beyond the listing.  `PatternSet.witnesses` of the
    patterns that the state remembers gives exact points in their chambers.

    Examples
    --------
    The least number of errors of a linear classifier (exact 0-1 loss):

    >>> import numba
    >>> X = [[0, 0, 1], [1, 0, 1], [0, 1, 1], [1, 1, 1]]
    >>> labels = np.array([0b0110], dtype=np.uint64)  # exclusive or
    >>> @numba.njit
    ... def fewest_errors(state, pattern):
    ...     best, target = state
    ...     errors = 0
    ...     for w in range(pattern.size):
    ...         wrong = pattern[w] ^ target[w]
    ...         while wrong != np.uint64(0):
    ...             wrong &= wrong - np.uint64(1)
    ...             errors += 1
    ...     best[0] = min(best[0], errors)
    >>> fold(X, fewest_errors, (np.array([4]), labels))[0]
    array([1])
    """
    if not callable(function) or not (
        hasattr(function, "py_func") or _runs_in_python(function)
    ):
        raise InputTypeError(
            f"function={function!r}; expected a function compiled by numba.njit."
        )
    check_progress(progress)
    arrangement = Arrangement.coerce(X, offsets=offsets, rank=rank, floats=floats)
    plan = Plan(arrangement)
    done = 0
    for block in plan.blocks():
        visit_all(function, state, np.ascontiguousarray(block.patterns))
        done += len(block.patterns)
        if progress is not None:
            progress(done, plan.bound)
    return state


def _runs_in_python(function: Any) -> bool:
    """Whether compilation is switched off (NUMBA_DISABLE_JIT)."""
    return not hasattr(visit_all, "py_func") and callable(function)
