"""`fold`: reduce over all chambers without keeping them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from arrangement._kernels.tree import visit_all
from arrangement.errors import InputError, InputTypeError
from arrangement.executors import check_executor
from arrangement.io import ProgressLike, listener, shows_progress
from arrangement.listing.along import fold_along, fold_subtrees
from arrangement.listing.executors import fold_pieces
from arrangement.listing.plan import Plan
from arrangement.listing.runs import run
from arrangement.model import Arrangement
from arrangement.options import IsLate, Progress, count_jobs, never

State = TypeVar("State")

ORDERS = ("listing", "tree")


@shows_progress
def fold(
    X: Arrangement | ArrayLike | Any,
    function: Callable[..., None],
    state: State,
    *,
    order: str = "listing",
    offsets: ArrayLike | None = None,
    rank: str | int = "exact",
    floats: str = "binary",
    n_jobs: int | None = None,
    progress: ProgressLike = None,
    executor: Executor | None = None,
    merge: Callable[[State, State], object] | None = None,
) -> State:
    """Run a compiled reduction over all sign patterns of a matrix, storing none.

    Parameters
    ----------
    X, offsets, rank, floats, progress
        As in `enumerate_patterns`.
    function : function compiled by ``numba.njit``
        Called for every pattern, both antipodes; its arguments depend on ``order``.
        Arrays that it is given are used again and must not be kept or changed.
    state : array or tuple of arrays
        Whatever ``function`` changes in place.
    order : {"listing", "tree"}
        ``"listing"``: ``function(state, pattern)`` is called in the order of
        ``iter_patterns(X)``; ``pattern`` (ceil(n/64),) uint64 is packed as in
        `PatternSet`.

        ``"tree"``: a walk along a spanning tree of the graph of chambers.  It starts at
        a root and crosses one hyperplane a step, there and back, so that sums over
        rows can be kept up to date by the rows that change.  At each chamber it comes
        to, ``function(state, pattern, witness, changed, depth, is_new)`` is called:

        - ``witness`` (d,) float64, or homogeneous (d + 1,) when affine: a point of the
          chamber.  The sign of every row at this very vector was decided exactly.
          NaN where a chamber is too thin for the float64 vectors that were tried;
        - ``changed`` (k,) int64: the rows whose bits changed since the last call, a
          whole class of parallel rows (empty at the root);
        - ``depth`` int: hyperplanes between root and chamber; the walk goes back
          by the way it came, so arrays indexed by depth can hold what belongs to the
          chambers on the way;
        - ``is_new`` bool: False when it comes back to a chamber.
    n_jobs : int, optional
        Threads that reduce pieces by themselves, as with ``executor``; -1 for as many
        as there are processors.
    executor : concurrent.futures.Executor, optional
        Reduces pieces by themselves, as in `iter_patterns`; each begins with ``state``
        as it came.  Along the tree a piece is a walk of its own over some of the
        chambers, with a root of its own: there ``changed`` is empty, and ``depth``
        counts from it.
    merge : function, required with ``executor`` and with ``n_jobs`` above 1
        ``merge(state, part)`` puts what a piece has come to into ``state``, in place;
        called here, once a piece, in their order.  So ``state`` must begin as what
        changes nothing (zero of a sum, the worst of a maximum).  The pieces and their
        order are the same whoever reduces them, one thread (``n_jobs=1``) or many.

    Returns
    -------
    array or tuple of arrays
        ``state`` itself.

    Raises
    ------
    InputTypeError
        ``function`` is not compiled by Numba, or is not a function.
    InputError
        As `enumerate_patterns`; an unknown ``order``.

    Notes
    -----
    Memory does not grow with the number P of patterns.  A call costs a few nanoseconds
    beyond the listing; the tree takes 2 P - 1 of them (less one for each further piece)
    and some microseconds a chamber (see `_kernels/tree/moves.py`).  A piece leaves what
    waits to others when it has come to 16,384 chambers, the first of them 1,024; by
    cells, 524,288 and 16,384.  In projected arrangements witnesses have the
    coordinates of the projection.  `PatternSet.witnesses` of the patterns that the
    state remembers gives exact points in their chambers.

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

    The same along the tree: one row a step decides whether there is an error more or
    less, whatever n, and the weights of the best classifier are kept.

    >>> @numba.njit
    ... def best_weights(state, pattern, witness, changed, depth, is_new):
    ...     labels, errors, best, weights = state
    ...     if depth == 0 and is_new:
    ...         for i in range(labels.size):
    ...             bit = pattern[i >> 6] >> np.uint64(i & 63) & np.uint64(1)
    ...             errors[0] += bit != labels[i]
    ...     for i in changed:
    ...         bit = pattern[i >> 6] >> np.uint64(i & 63) & np.uint64(1)
    ...         errors[0] += 1 if bit != labels[i] else -1
    ...     if is_new and errors[0] < best[0]:
    ...         best[0] = errors[0]
    ...         weights[:] = witness
    >>> labels = np.array([False, True, True, False])
    >>> state = labels, np.array([0]), np.array([5]), np.zeros(3)
    >>> _, _, best, weights = fold(X, best_weights, state, order="tree")
    >>> best[0], int(((np.array(X) @ weights >= 0) != labels).sum())
    (np.int64(1), 1)
    """
    if not callable(function) or not (
        hasattr(function, "py_func") or _runs_in_python(function)
    ):
        raise InputTypeError(
            f"function={function!r}; expected a function compiled by numba.njit."
        )
    if order not in ORDERS:
        raise InputError(f"order={order!r} is unknown; use one of {ORDERS}.")
    listen = listener(progress)
    n_threads = _check_merge(executor, n_jobs, merge)
    arrangement = Arrangement.coerce(X, offsets=offsets, rank=rank, floats=floats)
    plan = Plan(arrangement, by_cells=order == "tree")
    if merge is not None:
        fold_parts = fold_subtrees if order == "tree" else fold_pieces
        with _workers(executor, n_threads) as (workers, is_late):
            fold_parts(plan, workers, function, state, merge, listen, is_late)
        return state
    if order == "tree":
        fold_along(plan, function, state, listen)
        return state
    done = 0
    for block in run(plan):
        if not len(block.patterns):
            continue
        visit_all(function, state, np.ascontiguousarray(block.patterns))
        done += len(block.patterns)
        if listen is not None:
            listen(Progress.of_patterns(done, plan.bound))
    return state


def _check_merge(executor: Any, n_jobs: int | None, merge: Any) -> int:
    """Refuse pieces without a merge, and one without the other; return the threads."""
    n_threads = 1 if n_jobs is None else count_jobs(n_jobs)
    check_executor(executor, n_threads)
    is_shared = executor is not None or n_threads > 1
    if (is_shared or merge is not None) and not callable(merge):
        raise InputTypeError(
            f"merge={merge!r}; expected a function merge(state, part) that puts what "
            "a piece has come to into state."
        )
    if executor is None and n_jobs is None and merge is not None:
        raise InputError(
            "merge without executor or n_jobs: one state needs no merging. Leave it "
            "out, or say n_jobs."
        )
    return n_threads


@contextmanager
def _workers(
    executor: Executor | None, n_threads: int
) -> Iterator[tuple[Executor, IsLate]]:
    """Give the executor, or threads, which leave off when the consumer does."""
    if executor is not None:
        yield executor, never
        return
    halt = Event()
    with ThreadPoolExecutor(n_threads) as threads:
        try:
            yield threads, halt.is_set
        finally:
            halt.set()


def _runs_in_python(function: Any) -> bool:
    """Whether compilation is switched off (NUMBA_DISABLE_JIT)."""
    return not hasattr(visit_all, "py_func") and callable(function)
