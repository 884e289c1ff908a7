"""The proof that a list of patterns is complete.

Three facts prove it: every pattern is realised by a witness whose signs were decided
exactly; no pattern occurs twice; and there are as many as an independent count
says (`counting`), or as many as Cover's bound, which no arrangement exceeds.
Nothing here uses the enumerator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrangement._kernels import vertex_proof
from arrangement._kernels.proof import (
    check_signs,
    first_disorder,
    hash_chambers,
    margin_direction,
    may_repeat,
)
from arrangement.arrangement import Arrangement
from arrangement.counting import count_patterns, cover_bound
from arrangement.errors import IncompleteListingError, InputError, InputTypeError
from arrangement.exact import column_shifts, independent_rows, scaled_floats
from arrangement.patterns import PatternSet, unpack
from arrangement.proof import Proof
from arrangement.realisability import interior_point

_CHUNK = 1 << 14


class _Rules:
    """Output bits of an arrangement, derived anew from its classes."""

    def __init__(self, arrangement: Arrangement) -> None:
        self.arrangement = arrangement
        self.n = arrangement.n_hyperplanes
        self.width = -(-self.n // 64)
        cone = arrangement.cone
        self.has_antipodes = arrangement.is_central and cone.rank > 0
        self.rows = list(cone.rows)
        extra = [] if cone.infinity is None else [cone.infinity]
        self.n_lines = len(self.rows) + len(extra)
        hyperplanes = arrangement.class_of >= 0
        self.moving = _pack_rows(np.flatnonzero(hyperplanes), self.width)
        self.constant = _pack_rows(
            np.flatnonzero(arrangement.constant_bits), self.width
        )
        by_class = np.argsort(arrangement.class_of, kind="stable")
        members = by_class[arrangement.class_of[by_class] >= 0]
        classes = arrangement.class_of[members]
        flips = arrangement.orientation[members] < 0
        # row of the cone, word, bit and flip of each output bit, row by row
        self.members = np.stack([classes, members // 64, members % 64, flips], axis=1)
        self.first = members[np.searchsorted(classes, np.arange(len(self.rows)))]
        # the other output bits are copies of the first of their class
        source = self.first[classes]
        copies = [source // 64, source % 64, members // 64, members % 64, flips]
        self.copies = np.stack(copies, axis=1)[members != source]
        self.firsts = _pack_rows(self.first, self.width)
        chosen, _ = independent_rows([*extra, *self.rows], cone.rank)
        places = [i - len(extra) for i in chosen if i >= len(extra)]
        self._scaled: tuple[Any, NDArray[np.float64], float] | None = None
        self.first_row = int(self.first[places[0]]) if places else 0
        self.leading = _pack_rows(self.first[places], self.width)

    def coordinates(self, shifts: Sequence[int]) -> tuple[NDArray[np.float64], float]:
        """Rows as floats, column k over ``2**shifts[k]``, and a bound of their 1-norms.

        Coordinate by coordinate (r, 64 width), each row at its first output bit.
        """
        key = tuple(shifts)
        if self._scaled is None or self._scaled[0] != key:
            floats = scaled_floats(self.rows, shifts)
            norm = float(np.abs(floats).sum(axis=1).max(initial=0.0))
            coords = np.zeros((len(key), 64 * self.width))
            coords[:, self.first] = floats.T
            self._scaled = key, coords, norm * (1.0 + 2.0**-40)
        return self._scaled[1:]

    def bound(self) -> int:
        cone = self.arrangement.cone
        full = cover_bound(self.n_lines, cone.rank)
        return full if cone.infinity is None else full // 2


def _pack_rows(rows: NDArray[np.int64], width: int) -> NDArray[np.uint64]:
    out = np.zeros(width, dtype=np.uint64)
    for i in rows.tolist():
        out[i // 64] |= np.uint64(1 << (i % 64))
    return out


@dataclass(frozen=True)
class Checked:
    """What `Prover.check` found: exact searches, hashes, a pattern out of place."""

    n_exact: int
    keys: NDArray[np.uint64] | None
    misplaced: int


class Prover:
    """Collects the proof of a listing block by block.

    Strictly increasing patterns are distinct, and one block has to be held; for any
    other order 8 bytes a chamber are.
    """

    def __init__(self, arrangement: Arrangement, *, is_ordered: bool = True) -> None:
        self._rules = _Rules(arrangement)
        self._is_ordered = is_ordered
        self._keys: list[NDArray[np.uint64]] = []
        self._step = 2 if self._rules.has_antipodes else 1
        self._last = np.zeros((0, self._rules.width), dtype=np.uint64)
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
            place = hash_chambers(patterns, step, rules.moving, keys)
        elif rules.width:
            place = first_disorder(patterns, step, rules.leading, rules.moving)
        if bases is None or not self._rules.has_antipodes:
            exact = _check_witnesses(rules, patterns, step, witnesses, shifts)
        else:
            exact = _check_vertices(rules, patterns, step, witnesses, shifts, bases)
        return Checked(exact, keys, place)

    def append(self, patterns: NDArray[np.uint64], checked: Checked) -> None:
        """Take the next block of the list and what `check` found about it."""
        place = checked.misplaced
        if place < 0 and self._is_ordered and self._rules.width and len(patterns):
            joined = np.concatenate([self._last, patterns[: self._step]])
            rules = self._rules
            place = first_disorder(joined, self._step, rules.leading, rules.moving)
            place = min(place, 0)
            self._last = patterns[-self._step :].copy()
        if place >= 0:
            raise IncompleteListingError(
                f"pattern {self._total + place} of the list repeats or precedes an "
                "earlier one, or is not the antipode of the one before it."
            )
        if checked.keys is not None:
            self._keys.append(checked.keys)
        self._exact += checked.n_exact
        self._total += len(patterns)

    def conclude(self, patterns: NDArray[np.uint64]) -> Proof:
        """Compare the number of patterns with the count and return the proof.

        ``patterns`` is the whole list, looked at again where hashes are equal.
        """
        total = self._total
        if self._keys and _may_repeat(np.concatenate(self._keys)):
            _check_distinct(self._rules, patterns)
        return _make_proof(self._rules, total, self._exact, *_count(self._rules, total))


def verify(
    patterns: PatternSet | NDArray[np.uint64],
    X: Arrangement | ArrayLike | Any,
    *,
    offsets: ArrayLike | None = None,
    rank: str | int = "exact",
    floats: str = "binary",
) -> Proof:
    """Prove from the bits alone that a list of patterns is complete for a matrix.

    Parameters
    ----------
    patterns : PatternSet or ndarray (P, ceil(n/64)) uint64
        In any order.  Nothing but the bits is used; witnesses are found anew.
    X, offsets, rank, floats
        As in `enumerate_patterns`.

    Returns
    -------
    Proof

    Raises
    ------
    IncompleteListingError
        A pattern is missing, repeated, not realised, or does not fit the matrix;
        the message says which.

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
    _check_distinct(rules, packed)
    method, count = _count(rules, total)
    half = _half(rules, packed)
    shifts = column_shifts(rules.rows, rules.arrangement.cone.rank)
    exact = 0
    for start in range(0, len(half), _CHUNK):
        block = half[start : start + _CHUNK]
        witnesses = _float_witnesses(rules, block, shifts)
        exact += _check_witnesses(rules, block, 1, witnesses, shifts)
    return _make_proof(rules, total, exact, method, count)


def _check_fixed_bits(rules: _Rules, packed: NDArray[np.uint64]) -> None:
    """Check that padding is zero and constant bits are right."""
    wrong = np.any((packed & ~rules.moving) != rules.constant, axis=1)
    if wrong.any():
        raise IncompleteListingError(
            f"pattern {int(np.argmax(wrong))} has a padding bit set, or a wrong bit "
            "for "
            "a row that is no hyperplane."
        )


def _check_distinct(rules: _Rules, packed: NDArray[np.uint64]) -> None:
    ordered = _sort_rows(packed)
    same = np.flatnonzero(np.all(ordered[1:] == ordered[:-1], axis=1))
    if same.size:
        bits = unpack(ordered[same[:1]], rules.n)[0].astype(int).tolist()
        raise IncompleteListingError(
            f"{same.size} patterns occur twice, the first of them {_short(bits)}."
        )


def _may_repeat(keys: NDArray[np.uint64]) -> bool:
    """Whether keys may be equal; a few thousand of them at a time stay in the cache."""
    bits = min(max(1, (len(keys) >> 10).bit_length()), 20)
    ends = np.zeros(1 << bits, dtype=np.int64)
    table = np.empty(1 << 12, dtype=np.uint64)
    return bool(may_repeat(keys, ends, np.empty_like(keys), table))


def _half(rules: _Rules, packed: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return one pattern of each antipodal pair, after checking the pairs."""
    if not rules.has_antipodes:
        return packed
    antipodes = packed ^ rules.moving
    if not np.array_equal(_sort_rows(antipodes), _sort_rows(packed)):
        listed = {words.tobytes() for words in packed}
        alone = next(k for k, w in enumerate(antipodes) if w.tobytes() not in listed)
        raise IncompleteListingError(
            f"the antipode of pattern {alone} is not listed: one of them is altered or "
            "missing."
        )
    row = rules.first_row
    flag = np.uint64(1 << (row % 64))
    return np.ascontiguousarray(packed[(packed[:, row // 64] & flag) != 0])


def _sort_rows(packed: NDArray[np.uint64]) -> NDArray[np.uint64]:
    if packed.shape[1] == 0:
        return packed
    return packed[np.lexsort(packed.T[::-1])]


def _short(bits: list[int]) -> str:
    text = "".join(map(str, bits))
    return text if len(text) <= 40 else text[:37] + "..."


def _float_witnesses(
    rules: _Rules, block: NDArray[np.uint64], shifts: Sequence[int]
) -> NDArray[np.float64]:
    """Candidates from the bits: the direction of largest margin, in floats."""
    rank = rules.arrangement.cone.rank
    out = np.zeros((len(block), rank))
    floats = scaled_floats(rules.rows, shifts)
    infinity = rules.arrangement.cone.infinity
    if infinity is not None:
        floats = np.vstack([floats, scaled_floats([infinity], shifts)])
    if not len(floats):
        out[:, :1] = 1.0
        return out
    norms = np.linalg.norm(floats, axis=1, keepdims=True)
    unit = floats / norms
    signs = np.ones((len(block), len(unit)))
    signs[:, : len(rules.rows)] = np.where(
        unpack(block, rules.n)[:, rules.first], 1, -1
    )
    corral = np.zeros(rank + 2, dtype=np.int64)
    gram = np.zeros((rank + 2, rank + 3))
    weights, step = np.zeros(rank + 2), np.zeros(rank + 2)
    for k in range(len(block)):
        margin_direction(
            signs[k][:, None] * unit, out[k], corral, gram, weights, step, 50 * rank
        )
    return out


def _check_witnesses(
    rules: _Rules,
    patterns: NDArray[np.uint64],
    step: int,
    witnesses: NDArray[np.float64],
    shifts: Sequence[int],
) -> int:
    """Decide every sign at every witness; return how many needed exact search."""
    rank = rules.arrangement.cone.rank
    if rank == 0:
        return 0
    coords, norm = rules.coordinates(shifts)
    bad = np.zeros(len(witnesses), dtype=np.bool_)
    check_signs(
        coords,
        norm,
        witnesses,
        patterns,
        step,
        rules.firsts,
        rules.constant,
        rules.copies,
        np.zeros(rules.width, dtype=np.uint64),
        bad,
    )
    if rules.arrangement.cone.infinity is not None:
        bad |= ~(witnesses[:, -1] > 0)
    for k in np.flatnonzero(bad).tolist():
        _exact_witness(rules, patterns[step * k])
    return int(np.count_nonzero(bad))


def _check_vertices(
    rules: _Rules,
    patterns: NDArray[np.uint64],
    step: int,
    witnesses: NDArray[np.float64],
    shifts: Sequence[int],
    bases: NDArray[np.int64],
) -> int:
    """Prove patterns by the rows at a vertex; by points where that does not do."""
    coords, _ = rules.coordinates(shifts)
    depth = bases.shape[1]
    work = np.empty((depth, *coords.shape))
    work[0] = coords
    bounds = np.zeros((depth, 2))
    bounds[0] = [vertex_proof.U, 1.0]
    scratch = np.zeros(rules.width, dtype=np.uint64)
    bad = np.ones(len(bases), dtype=np.bool_)
    line = np.empty(2 * coords.shape[1])
    singles = np.empty(line.shape, dtype=np.float32)
    vertex_proof.check_borders(
        work, bounds, line, singles, bases, patterns, step, rules.firsts, scratch, bad
    )
    vertex_proof.check_copies(
        patterns, step, rules.firsts, rules.constant, rules.copies, scratch, bad
    )
    left = np.flatnonzero(bad)
    if not len(left):
        return 0
    rest = np.ascontiguousarray(patterns[step * left])
    points = witnesses[left]
    # no candidate came with a vertex, nor with the few chambers that have none
    is_new = (bases[left, 0] >= 0) | ~points.any(axis=1)
    points[is_new] = _float_witnesses(rules, rest[is_new], shifts)
    return _check_witnesses(rules, rest, 1, points, shifts)


def _exact_witness(rules: _Rules, words: NDArray[np.uint64]) -> None:
    """Find an interior point in exact arithmetic and decide all its signs."""
    bits = unpack(words[None], rules.n)[0]
    sides = [1 if bits[i] else -1 for i in rules.first]
    signed = [
        tuple(side * x for x in row)
        for side, row in zip(sides, rules.rows, strict=True)
    ]
    infinity = rules.arrangement.cone.infinity
    if infinity is not None:
        signed.append(infinity)
    point = interior_point(signed, rules.arrangement.cone.rank)
    shown = _short(bits.astype(int).tolist())
    if point is None:
        raise IncompleteListingError(
            f"pattern {shown} is not realised by any point: it is altered, or belongs "
            "to another matrix."
        )
    expected = rules.constant.copy()
    for i, row in enumerate(rules.rows):
        value = sum(a * b for a, b in zip(row, point, strict=True))
        for _, word, bit, flip in rules.members[rules.members[:, 0] == i].tolist():
            if value != 0 and (value > 0) != bool(flip):
                expected[word] |= np.uint64(1 << bit)
    if not np.array_equal(expected, words):
        raise IncompleteListingError(
            f"pattern {shown} gives parallel rows signs that contradict each other."
        )


def _count(rules: _Rules, total: int) -> tuple[str, int]:
    """Return where the number of chambers comes from, and it; it must be ``total``."""
    if total == rules.bound():
        return "cover bound", total
    count = count_patterns(rules.arrangement)
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


__all__ = ["Proof", "Prover", "verify"]
