"""`fold`: reduce over all chambers without keeping them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrangement._kernels.state import DONE, N_MOVES, PAUSED
from arrangement._kernels.tree import visit_all, visit_along
from arrangement.errors import InputError, InputTypeError
from arrangement.executors import check_executor
from arrangement.io import ProgressLike, listener, shows_progress
from arrangement.listing.cells import Layout
from arrangement.listing.executors import fold_pieces
from arrangement.listing.plan import Plan
from arrangement.listing.runs import run
from arrangement.listing.tree import FloatWitnesses, TreeWalker, data_width
from arrangement.model import Arrangement, pack
from arrangement.options import Listener, Progress

State = TypeVar("State")

ORDERS = ("listing", "tree")
# new chambers a block
CHAMBERS = 1 << 12


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
    executor : concurrent.futures.Executor, optional
        Reduces the pieces of the listing by themselves, as in `iter_patterns`; each
        begins with ``state`` as it came.  Only in the order of the listing.
    merge : function, required with ``executor``
        ``merge(state, part)`` puts what a piece has come to into ``state``, in place;
        called here, once a piece, in their order.  So ``state`` must begin as what
        changes nothing (zero of a sum, the worst of a maximum).

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
    beyond the listing; the tree takes 2 P - 1 of them and some microseconds a chamber
    (see `_kernels/tree/moves.py`).  In projected arrangements witnesses have the
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
    _check_merge(executor, merge, order)
    arrangement = Arrangement.coerce(X, offsets=offsets, rank=rank, floats=floats)
    if executor is not None and merge is not None:
        plan = Plan(arrangement)
        fold_pieces(plan, executor, function, state, merge, listen)
        return state
    if order == "tree":
        _fold_along(arrangement, function, state, listen)
        return state
    plan = Plan(arrangement)
    done = 0
    for block in run(plan):
        if not len(block.patterns):
            continue
        visit_all(function, state, np.ascontiguousarray(block.patterns))
        done += len(block.patterns)
        if listen is not None:
            listen(Progress.of_patterns(done, plan.bound))
    return state


def _check_merge(executor: Any, merge: Any, order: str) -> None:
    """Refuse an executor without a merge, and one without the other."""
    check_executor(executor)
    if executor is not None and order != "listing":
        raise InputError(
            f"order={order!r} with executor: the tree is walked in one piece. Use "
            "order='listing'."
        )
    if executor is not None and not callable(merge):
        raise InputTypeError(
            f"merge={merge!r}; expected a function merge(state, part) that puts what "
            "a piece has come to into state."
        )
    if executor is None and merge is not None:
        raise InputError("merge without executor: one state needs no merging.")


def _fold_along(
    arrangement: Arrangement,
    function: Callable[..., None],
    state: Any,
    progress: Listener | None,
) -> None:
    """Visit the chambers along the tree."""
    plan = Plan(arrangement, by_cells=True)
    if plan.layout is None or plan.is_single:
        pattern = pack(arrangement.constant_bits[None])[0]
        point = np.zeros(data_width(arrangement))
        if not arrangement.is_central:
            point[-1] = 1.0
        function(state, pattern, point, np.zeros(0, dtype=np.int64), 0, True)
        return
    walker = TreeWalker(arrangement, plan.layout)
    witnesses = FloatWitnesses(arrangement, plan.layout)
    moves = np.zeros(2 * CHAMBERS, dtype=np.int64)
    patterns = np.zeros((CHAMBERS, plan.layout.words_per_pattern), dtype=np.uint64)
    candidates = np.zeros((CHAMBERS, plan.layout.rank))
    members = _members_of_places(arrangement, plan.layout)
    pattern = np.zeros(plan.width, dtype=np.uint64)
    crossed = np.zeros(plan.layout.n_rows + 1, dtype=np.int64)
    path = np.zeros((plan.layout.n_rows + 1, witnesses.width))
    depth = done = 0
    status = PAUSED
    while status != DONE:
        status = walker.walk(moves, patterns, candidates)
        new = walker.n_written
        if new and not done:
            pattern[:] = patterns[0, : plan.width]
        points = witnesses.points(patterns[:new], candidates[:new])
        made = moves[: int(walker.control[N_MOVES])]
        depth = visit_along(
            function, state, made, points, *members, pattern, crossed, path, depth
        )
        walker.control[N_MOVES] = walker.n_written = 0
        done += new
        if progress is not None:
            progress(Progress.of_patterns(done, plan.bound))


def _members_of_places(
    arrangement: Arrangement, layout: Layout
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where the input rows of each place begin, and these rows."""
    is_plane = arrangement.class_of >= 0
    rows = np.flatnonzero(is_plane)
    places = layout.places[arrangement.class_of[rows]]
    counts = np.bincount(places, minlength=layout.input_row.size)
    starts = np.concatenate([[0], np.cumsum(counts)])
    return starts, rows[np.argsort(places, kind="stable")]


def _runs_in_python(function: Any) -> bool:
    """Whether compilation is switched off (NUMBA_DISABLE_JIT)."""
    return not hasattr(visit_all, "py_func") and callable(function)
