"""`Prover`: check a list block by block while it is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels.verification import first_disorder, hash_chambers, may_repeat
from arrangement.counting import count_patterns
from arrangement.errors import IncompleteListingError
from arrangement.model import Arrangement, Proof
from arrangement.options import IsLate, Listener, never
from arrangement.verification.checks import check_distinct
from arrangement.verification.output_bits import _Rules
from arrangement.verification.witnesses import _check_vertices, _check_witnesses


@dataclass(frozen=True)
class Checked:
    """What `Prover.check` found: exact searches, hashes, a pattern out of place."""

    n_exact: int
    keys: NDArray[np.uint64] | None
    misplaced: int


@dataclass(frozen=True)
class PartProof:
    """What was checked about a part of a list; proofs of all parts make one of it.

    Attributes
    ----------
    n_patterns, n_exact : int
        Patterns of the part, each with a witness; witnesses found by exact searches.
    first, last : ndarray, shape (step, words), uint64
        The first and the last chamber, each with its antipode where the list has both:
        parts that follow one another are checked where they meet.
    keys : ndarray of uint64 or None
        A hash of each chamber, where the list is in no order that shows it distinct.
    """

    n_patterns: int
    n_exact: int
    first: NDArray[np.uint64]
    last: NDArray[np.uint64]
    keys: NDArray[np.uint64] | None


class Prover:
    """Collects the proof of a listing block by block.

    Strictly increasing patterns are distinct, and one block has to be held; for any
    other order 8 bytes a chamber are.  Once ``is_late()``, a check of many points in
    doubt ends with a `BudgetExceededError`.  ``progress`` is told of the count.
    """

    def __init__(
        self,
        arrangement: Arrangement,
        *,
        is_ordered: bool = True,
        is_late: IsLate = never,
        progress: Listener | None = None,
    ) -> None:
        self._progress = progress
        self._rules = _Rules(arrangement)
        self._is_ordered = is_ordered
        self._is_late = is_late
        self._keys: list[NDArray[np.uint64]] = []
        self._step = 2 if self._rules.has_antipodes else 1
        self._first = self._last = np.zeros((0, self._rules.width), dtype=np.uint64)
        self._total = 0
        self._exact = 0

    def check(
        self,
        patterns: NDArray[np.uint64],
        witnesses: NDArray[np.float64],
        shifts: Sequence[int],
        bases: NDArray[np.int64] | None = None,
    ) -> Checked:
        """Check a block of patterns by itself, antipodes after their chambers.

        ``witnesses`` (chambers, r) are candidates for points in the coordinates of the
        cone times ``2**shift``; of a central arrangement ``bases`` (chambers, r - 1)
        int64 may name the rows at a vertex of the chamber instead (first -1: none).
        Where neither proves the pattern, a point is looked for exactly.  Threads may
        check blocks at the same time.
        """
        rules, step = self._rules, self._step
        keys = None
        place = -1
        if not self._is_ordered:
            keys = np.zeros(len(patterns) // step, dtype=np.uint64)
            place = hash_chambers(patterns, step, rules.moving, rules.first_row, keys)
        elif rules.width:
            place = self._disorder(patterns)
        if bases is None or not self._rules.has_antipodes:
            exact = _check_witnesses(
                rules, patterns, step, witnesses, shifts, is_late=self._is_late
            )
        else:
            exact = _check_vertices(
                rules, patterns, step, witnesses, shifts, bases, is_late=self._is_late
            )
        return Checked(exact, keys, place)

    def append(self, patterns: NDArray[np.uint64], checked: Checked) -> None:
        """Take the next block of the list and what `check` found about it."""
        place, step = checked.misplaced, self._step
        if len(patterns):
            place = max(place, self._meet(patterns[:step], patterns[-step:]))
        self._take(place, checked.keys, checked.n_exact, len(patterns))

    def _disorder(self, patterns: NDArray[np.uint64]) -> int:
        rules = self._rules
        return int(
            first_disorder(
                patterns, self._step, rules.leading, rules.moving, rules.first_row
            )
        )

    def part(self) -> PartProof:
        """Return what is proven so far, of a part of a list."""
        keys = np.concatenate(self._keys) if self._keys else None
        return PartProof(self._total, self._exact, self._first, self._last, keys)

    def extend(self, part: PartProof) -> None:
        """Take the next part of the list, proven by itself by another prover."""
        place = self._meet(part.first, part.last) if part.n_patterns else -1
        self._take(place, part.keys, part.n_exact, part.n_patterns)

    def _meet(self, first: NDArray[np.uint64], last: NDArray[np.uint64]) -> int:
        """Whether what begins with ``first`` comes after all before: -1, or 0 if not.

        It ends with ``last``.
        """
        rules, place = self._rules, -1
        if self._is_ordered and rules.width:
            joined = np.concatenate([self._last, first])
            place = self._disorder(joined)
        if not len(self._first):
            self._first = first.copy()
        self._last = last.copy()
        return min(place, 0)

    def _take(
        self,
        place: int,
        keys: NDArray[np.uint64] | None,
        n_exact: int,
        n_patterns: int,
    ) -> None:
        if place >= 0:
            raise IncompleteListingError(
                f"pattern {self._total + place} of the list repeats or precedes an "
                "earlier one, or is not the antipode of the one before it."
            )
        if keys is not None:
            self._keys.append(keys)
        self._exact += n_exact
        self._total += n_patterns

    def conclude(
        self, patterns: NDArray[np.uint64], *, time_limit: float | None = None
    ) -> Proof:
        """Compare the number of patterns with the count and return the proof.

        ``patterns`` is the whole list, looked at again where hashes are equal;
        ``time_limit`` is that of the count.
        """
        total = self._total
        if self._keys and _may_repeat(np.concatenate(self._keys)):
            check_distinct(self._rules, patterns)
        method, count = _count(self._rules, total, time_limit, self._progress)
        return _make_proof(self._rules, total, self._exact, method, count)


def _may_repeat(keys: NDArray[np.uint64]) -> bool:
    """Whether keys may be equal; a few thousand of them at a time stay in the cache."""
    bits = min(max(1, (len(keys) >> 10).bit_length()), 20)
    ends = np.zeros(1 << bits, dtype=np.int64)
    table = np.empty(1 << 12, dtype=np.uint64)
    return bool(may_repeat(keys, ends, np.empty_like(keys), table))


def _count(
    rules: _Rules,
    total: int,
    time_limit: float | None = None,
    progress: Listener | None = None,
) -> tuple[str, int]:
    """Return where the number of chambers comes from, and it; it must be ``total``."""
    if total == rules.bound():
        return "cover bound", total
    count = count_patterns(rules.arrangement, time_limit=time_limit, progress=progress)
    if total != count:
        side = "missing" if total < count else "too many"
        raise IncompleteListingError(
            f"{total} patterns, but the arrangement has {count} chambers: "
            f"{abs(count - total)} {side}."
        )
    return "characteristic polynomial", count


def _make_proof(
    rules: _Rules, total: int, exact: int, method: str, count: int
) -> Proof:
    return Proof(
        n_patterns=total,
        bound=rules.bound(),
        count=count,
        method=method,
        n_exact_witnesses=exact,
        is_projected=rules.arrangement.is_projected,
    )
