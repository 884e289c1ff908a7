"""The proof that a list of patterns is complete.

Three facts prove it: every pattern is realised by a witness whose signs were decided
exactly; no pattern occurs twice; and there are as many as an independent count
says (`counting`), or as many as Cover's bound, which no arrangement exceeds.
Nothing here uses the enumerator.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrangement.errors import (
    BudgetExceededError,
    IncompleteListingError,
    InputError,
    InputTypeError,
)
from arrangement.exact import column_shifts
from arrangement.model import Arrangement, PatternSet, Proof
from arrangement.options import Deadline, block_rows
from arrangement.verification.checks import _check_fixed_bits, _half, check_distinct
from arrangement.verification.output_bits import _Rules
from arrangement.verification.prover import _count, _make_proof
from arrangement.verification.witnesses import _check_witnesses, _float_witnesses

_CHUNK = 1 << 14


def verify(
    patterns: PatternSet | NDArray[np.uint64],
    X: Arrangement | ArrayLike | Any,
    *,
    offsets: ArrayLike | None = None,
    rank: str | int = "exact",
    floats: str = "binary",
    time_limit: float | None = None,
) -> Proof:
    """Prove from the bits alone that a list of patterns is complete for a matrix.

    Parameters
    ----------
    patterns : PatternSet or ndarray (P, ceil(n/64)) uint64
        In any order.  Nothing but the bits is used; witnesses are found anew.
    X, offsets, rank, floats
        As in `enumerate_patterns`.
    time_limit : float, optional
        Most seconds, kept within about one: nothing is proven then.

    Returns
    -------
    Proof

    Raises
    ------
    IncompleteListingError
        A pattern is missing, repeated, not realised, or does not fit the matrix;
        the message says which.
    BudgetExceededError
        The time is up, and the list may be complete or not.

    Notes
    -----
    A float witness is tried first (the least-norm point of the hull of the signed
    rows) and its signs are decided exactly; a rational linear program decides the
    rest.

    Examples
    --------
    >>> from arrangement import enumerate_patterns
    >>> X = [[1, 0], [0, 1], [1, 1]]
    >>> verify(enumerate_patterns(X), X).n_patterns
    6
    """
    deadline = Deadline(time_limit)
    rules = _Rules(Arrangement.coerce(X, offsets=offsets, rank=rank, floats=floats))
    if not isinstance(patterns, (PatternSet, np.ndarray)):
        raise InputTypeError(
            f"patterns is {type(patterns).__name__}; expected a PatternSet or packed "
            "words (P, ceil(n/64)) uint64."
        )
    packed = patterns.packed if isinstance(patterns, PatternSet) else patterns
    n_rows = patterns.n_rows if isinstance(patterns, PatternSet) else rules.n
    if n_rows != rules.n or packed.ndim != 2 or packed.shape[1] != rules.width:
        raise IncompleteListingError(
            f"the patterns have {n_rows} rows in words of shape {packed.shape[1:]}; "
            f"the matrix has {rules.n} rows."
        )
    if packed.dtype != np.uint64:
        raise InputError(f"patterns have dtype {packed.dtype}; expected uint64.")
    total = len(packed)
    _check_fixed_bits(rules, packed)
    check_distinct(rules, packed)
    method, count = _count(rules, total, deadline.left())
    half = _half(rules, packed)
    shifts = column_shifts(rules.rows, rules.arrangement.cone.rank)
    exact = 0
    size = block_rows(_CHUNK, 8 * rules.n)
    for start in range(0, len(half), size):
        if deadline.is_late():
            raise BudgetExceededError(
                f"{deadline} was reached when {start:,} of {len(half):,} patterns were "
                "found to be realised; raise time_limit."
            )
        block = half[start : start + size]
        witnesses = _float_witnesses(rules, block, shifts)
        exact += _check_witnesses(
            rules, block, 1, witnesses, shifts, is_late=deadline.is_late
        )
    return _make_proof(rules, total, exact, method, count)
