"""The proof that a list of patterns is complete.

Three facts prove it: every pattern is realised by a witness whose signs were decided
exactly; no pattern occurs twice; and there are as many as an independent count
says (`counting`), or as many as Cover's bound, which no arrangement exceeds.
Nothing here uses the enumerator.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrangement.counting import Tree, count_tree
from arrangement.errors import (
    IncompleteListingError,
    InputError,
    InputTypeError,
)
from arrangement.exact import IntRow, column_shifts
from arrangement.io import check_new_file
from arrangement.model import Arrangement, PatternSet, Proof
from arrangement.options import Deadline, block_rows
from arrangement.proofs import ProofFile, Source, write_listing
from arrangement.verification.checks import _check_fixed_bits, _half, check_distinct
from arrangement.verification.output_bits import _Rules
from arrangement.verification.points import Points, check_late
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
    proof: str | os.PathLike[str] | None = None,
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
    proof : path-like, optional
        New file for a proof that ``python -m arrangement.checker PROOF DATA.csv``
        checks with nothing of this package (``proofs/FORMAT.md``).  DATA.csv has the
        columns of X, then ``offsets``, without names, as ``repr`` shows them.

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
    InputError
        The file exists or cannot be written; X is an `Arrangement`, or has numbers
        that no table shows; another rank than the exact one.

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
    if proof is None:
        arrangement = Arrangement.coerce(X, offsets=offsets, rank=rank, floats=floats)
        return _Check(patterns, arrangement, deadline).by_witnesses()
    if isinstance(X, Arrangement):
        raise InputError(
            "X is an Arrangement, which no longer has the numbers of a table; give the "
            "matrix itself for a proof."
        )
    check_new_file(proof)
    arrangement = Arrangement(X, offsets, rank=rank, floats=floats)
    source = Source.plain(X, offsets, floats=floats)
    return _Check(patterns, arrangement, deadline).to_file(proof, source)[0]


def verify_to_file(
    patterns: PatternSet | NDArray[np.uint64],
    arrangement: Arrangement,
    source: Source,
    path: str | os.PathLike[str],
    *,
    time_limit: float | None = None,
) -> tuple[Proof, ProofFile]:
    """Prove as `verify` does, of a matrix whose numbers stand in a table."""
    return _Check(patterns, arrangement, Deadline(time_limit)).to_file(path, source)


class _Check:
    """A list whose bits obey all rules and which is as long as it has to be.

    What is left is a point for each pattern.
    """

    def __init__(
        self,
        patterns: PatternSet | NDArray[np.uint64],
        arrangement: Arrangement,
        deadline: Deadline,
    ) -> None:
        self.rules = rules = _Rules(arrangement)
        self.deadline = deadline
        self.packed = _packed(rules, patterns)
        _check_fixed_bits(rules, self.packed)
        check_distinct(rules, self.packed)
        self.method, self.count = _count(rules, len(self.packed), deadline.left())
        self.half = _half(rules, self.packed)
        self.shifts = column_shifts(rules.rows, arrangement.cone.rank)

    def by_witnesses(self) -> Proof:
        """Find a point for each pattern, and forget it."""
        rules, exact, is_late = self.rules, 0, self.deadline.is_late
        size = block_rows(_CHUNK, 8 * rules.n)
        for start in range(0, len(self.half), size):
            check_late(self.deadline, start, len(self.half))
            block = self.half[start : start + size]
            witnesses = _float_witnesses(rules, block, self.shifts)
            exact += _check_witnesses(
                rules, block, 1, witnesses, self.shifts, is_late=is_late
            )
        return self._proof(exact)

    def to_file(
        self, path: str | os.PathLike[str], source: Source
    ) -> tuple[Proof, ProofFile]:
        """Find a point for each pattern, in integers, and write them all."""
        if self.rules.arrangement.is_projected:
            raise InputError(
                "the list is that of a float64 projection of X, so a proof from X "
                "would be of another; use rank='exact'."
            )
        # as numbers: the words last first
        ordered = self.half[np.lexsort(self.half.T)] if self.rules.width else self.half
        is_late, total = self.deadline.is_late, len(self.packed)
        regions = total if self.rules.arrangement.is_central else 2 * total
        points = Points(self.rules, self.shifts, self.deadline)

        def count(rows: Sequence[IntRow], rank: int) -> Tree:
            return count_tree(rows, rank, regions, is_late)

        file = write_listing(
            path,
            source,
            points.iter_blocks(ordered),
            count,
            pairs=self.rules.has_antipodes,
        )
        return self._proof(points.n_exact), file

    def _proof(self, exact: int) -> Proof:
        total = len(self.packed)
        return _make_proof(self.rules, total, exact, self.method, self.count)


def _packed(
    rules: _Rules, patterns: PatternSet | NDArray[np.uint64]
) -> NDArray[np.uint64]:
    """Return the words of a list; refuse what does not fit the rows."""
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
    return packed
