"""Choose the arithmetic that is proven to suffice, and lay out the kernel's arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels.state import Pool, Rows, Scratch, Stack
from arrangement.arrangement import Arrangement
from arrangement.exact import (
    IntRow,
    column_shifts,
    dual_basis,
    hadamard_bits,
    independent_rows,
    scaled_floats,
)

# float(x) rounds by 2**-53; the 1-norm is summed with as many roundings as columns
_NORM_SLACK = 1.0 + 2.0**-40


@dataclass(frozen=True)
class Layout:
    """Everything a kernel needs that does not change during a listing.

    ``order`` (m,) maps kernel rows to classes (-1: infinity); ``n_words`` is the number
    of base-2**32 digits of the largest determinant, 0 in int64 arithmetic.
    """

    rows: Rows
    base: Pool
    order: NDArray[np.int64]
    rank: int
    n_words: int
    words_per_pattern: int

    @property
    def arithmetic(self) -> str:
        """The arithmetic used, in words."""
        if self.n_words == 0:
            return "int64, bound proven"
        return f"float64 filter, {32 * self.n_words}-bit integers in doubt"


def make_layout(arrangement: Arrangement) -> Layout:
    """Order the rows (independent ones first) and prove which arithmetic suffices."""
    cone = arrangement.cone
    first = [] if cone.infinity is None else [cone.infinity]
    candidates = [*first, *cone.rows]
    chosen, _ = independent_rows(candidates, cone.rank)
    taken = set(chosen)
    order = [*chosen, *(i for i in range(len(candidates)) if i not in taken)]
    rows = [candidates[i] for i in order]
    base = dual_basis(rows[: cone.rank])
    use_int64 = _fits_int64(rows, base, cone.rank)
    shifts = [0] * cone.rank if use_int64 else column_shifts(rows, cone.rank)
    bits = hadamard_bits(rows, cone.rank) + 2
    n_words = 0 if use_int64 else -(-bits // 32)
    layout_order = np.array([i - len(first) for i in order], dtype=np.int64)
    width = -(-arrangement.n_hyperplanes // 64)
    return Layout(
        rows=_make_rows(arrangement, rows, layout_order, shifts, use_int64, width),
        base=_make_base(base, shifts, use_int64, n_words),
        order=layout_order,
        rank=cone.rank,
        n_words=n_words,
        words_per_pattern=width,
    )


def _fits_int64(rows: list[IntRow], base: list[IntRow], rank: int) -> bool:
    """Whether every intermediate of the int64 kernels stays below 2**62.

    A primitive ray is (r-1)-minors over their gcd, a value at a ray at most an
    r-minor.  ``combine_ints`` adds two products of the two; a partial sum of a dot
    product is at most ``r * max|x| * 2**b_(r-1)``.
    """
    ray_bits = hadamard_bits(rows, rank - 1)
    value_bits = hadamard_bits(rows, rank)
    entry_bits = max(abs(x) for row in rows for x in row).bit_length()
    base_bits = max(abs(x) for ray in base for x in ray).bit_length()
    sum_bits = rank.bit_length() + entry_bits + max(ray_bits, base_bits)
    return max(ray_bits + value_bits + 1, sum_bits) <= 62


def _digits(value: int, n_digits: int) -> list[int]:
    return [(value >> (32 * k)) & 0xFFFFFFFF for k in range(n_digits)]


def _make_rows(
    arrangement: Arrangement,
    rows: list[IntRow],
    order: NDArray[np.int64],
    shifts: list[int],
    use_int64: bool,
    width: int,
) -> Rows:
    m, r = len(rows), len(shifts)
    ints = np.zeros((0, r), dtype=np.int64)
    words = np.zeros((0, r, 1), dtype=np.uint64)
    if use_int64:
        ints = np.array(rows, dtype=np.int64).reshape(m, r)
        floats = ints.astype(np.float64)
    else:
        floats = scaled_floats(rows, shifts)
        bits = max(abs(x) for row in rows for x in row).bit_length()
        n_digits = max(1, -(-bits // 32))
        words = np.array(
            [[[*_digits(abs(x), n_digits), int(x < 0)] for x in row] for row in rows],
            dtype=np.uint64,
        )
    starts, member_word, member_bit, member_flip = _members(arrangement, order)
    constant = np.zeros(max(width, 1), dtype=np.uint64)
    for i in np.flatnonzero(arrangement.constant_bits):
        constant[i // 64] |= np.uint64(1 << (int(i) % 64))
    return Rows(
        ints=ints,
        floats=floats,
        norms=np.abs(floats).sum(axis=1) * _NORM_SLACK,
        words=words,
        shifts=np.array(shifts, dtype=np.int64),
        starts=starts,
        member_word=member_word,
        member_bit=member_bit,
        member_flip=member_flip,
        constant=constant,
    )


def _members(
    arrangement: Arrangement, order: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint64], NDArray[np.bool_]]:
    """Input rows of each kernel row, as word, bit and whether they are opposite."""
    lists: list[list[int]] = [[] for _ in arrangement.cone.rows]
    for i, c in enumerate(arrangement.class_of.tolist()):
        if c >= 0:
            lists[c].append(i)
    groups = [lists[c] if c >= 0 else [] for c in order.tolist()]
    starts = np.cumsum([0, *map(len, groups)], dtype=np.int64)
    members = np.array([i for group in groups for i in group], dtype=np.int64)
    bits = np.array([1 << (int(i) % 64) for i in members], dtype=np.uint64)
    return starts, members // 64, bits, arrangement.orientation[members] < 0


def _make_base(
    base: list[IntRow], shifts: list[int], use_int64: bool, n_words: int
) -> Pool:
    r = len(base)
    if use_int64:
        pool = empty_pool(0, r, 0)
        return pool._replace(ints=np.array(base, dtype=np.int64).reshape(r, r))
    pool = empty_pool(r, r, n_words)
    # scaling the columns of the rows by 2**-s scales rays by 2**s
    pool.floats[:] = scaled_floats(base, [-s for s in shifts])
    pool.errors[:] = 2.0**-50
    pool.exact[:] = 1
    modulus = 1 << (32 * n_words)
    for j, ray in enumerate(base):
        for k, value in enumerate(ray):
            pool.words[j, k] = _digits(value % modulus, n_words)
    return pool


def empty_pool(capacity: int, rank: int, n_words: int) -> Pool:
    """Allocate a pool of rays; ``n_words == 0`` means int64 arithmetic."""
    exact = n_words > 0
    size = capacity if exact else 0
    return Pool(
        ints=np.zeros((0 if exact else capacity, rank), dtype=np.int64),
        floats=np.zeros((size, rank)),
        errors=np.zeros(capacity),
        words=np.zeros((size, rank, n_words), dtype=np.uint64),
        exact=np.zeros(size, dtype=np.uint8),
    )


def empty_stack(depth: int, words: int, n_masks: int, capacity: int) -> Stack:
    """Allocate the stack of cells."""
    return Stack(
        meta=np.zeros((depth, 4), dtype=np.int64),
        signs=np.zeros((depth, max(words, 1)), dtype=np.uint64),
        slots=np.zeros((depth, 64 * n_masks), dtype=np.int64),
        ids=np.zeros(capacity, dtype=np.int64),
        masks=np.zeros((capacity, n_masks), dtype=np.uint64),
    )


def empty_scratch(capacity: int, rank: int, n_masks: int, n_words: int) -> Scratch:
    """Allocate the working arrays for cells of up to ``capacity`` rays."""
    subsets = 1 << rank if n_words else 0
    return Scratch(
        values=np.zeros(capacity, dtype=np.int64),
        approx=np.zeros(capacity),
        sides=np.zeros(capacity, dtype=np.int64),
        ids=np.zeros(capacity, dtype=np.int64),
        masks=np.zeros((capacity, n_masks), dtype=np.uint64),
        parents=np.zeros((capacity, 2), dtype=np.int64),
        mask=np.zeros(n_masks, dtype=np.uint64),
        tight=np.zeros(64 * n_masks, dtype=np.int64),
        residues=np.zeros((rank, rank + 1), dtype=np.int64),
        minors=np.zeros((subsets, n_words), dtype=np.uint64),
        word=np.zeros(n_words, dtype=np.uint64),
        dot=np.zeros(n_words, dtype=np.uint64),
    )
