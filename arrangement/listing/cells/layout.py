"""Choose the arithmetic that is proven to suffice, and lay out the kernels' arrays."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from operator import mul
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels import rows as kernels
from arrangement._kernels.state import MINORS, PRODUCTS, SOLVED, VALUES, Outside, Rows
from arrangement.exact import (
    IntRow,
    MinorBounds,
    cofactors,
    column_shifts,
    exact_signs,
    primitive,
    rounded,
    scaled_floats,
)
from arrangement.model import Arrangement

# float(x) rounds by 2**-53; the 1-norm is summed with as many roundings as columns
_NORM_SLACK = 1.0 + 2.0**-40
# rows as integers, or where these do not exceed it as float64
Lines: TypeAlias = Sequence[IntRow] | NDArray[np.float64]


@dataclass(frozen=True)
class Layout:
    """Everything a walk needs that does not change during a listing.

    ``rows`` and ``outside`` are those of `_kernels/state.py`: rows are int64 when
    ``n_digits`` is 0, and ``wide`` is what is of two words there, while minors of
    r - 1 rows are of at most ``ray_bits``; if not, float64 with
    further columns (see `_kernels/cells/float_rays.py`), and ``lines`` the exact rows,
    of which determinants have at most ``n_digits`` digits of 32 bits.
    ``input_row`` (places,) maps a place to the first input row of its class (-1:
    infinity, or no row); ``places`` are those of the rows of the cone, infinity last,
    ``base_places`` (r,) those of the base.
    """

    rows: Rows
    outside: Outside
    lines: Sequence[IntRow]
    input_row: NDArray[np.int64]
    base_places: NDArray[np.int64]
    places: NDArray[np.int64]
    n_rows: int
    rank: int
    n_digits: int
    wide: int
    ray_bits: int
    words_per_pattern: int
    shifts: tuple[int, ...]

    @property
    def n_words(self) -> int:
        """Words of a mask over the rows."""
        return int(self.rows.valid.size)

    @cached_property
    def row_words(self) -> NDArray[np.uint64]:
        """Exact entries (places, r, n + 1) in digits of 32 bits.

        Made when a ray has to be exact, which in most listings none has.
        """
        lines = self.lines if self.n_digits else ()
        return _row_words(lines, self.places, 64 * self.n_words)

    @cached_property
    def is_named(self) -> bool:
        """Whether the places of the rows are the input rows themselves."""
        return bool(np.all(self.input_row[self.places] == self.places))

    @property
    def is_wide(self) -> bool:
        """Whether there are integers of two words."""
        return self.wide > 0

    @property
    def arithmetic(self) -> str:
        """The arithmetic used, in words."""
        if self.is_wide:
            return "int64, products of two words, bound proven"
        if self.n_digits == 0:
            return "int64, bound proven"
        return f"float64 filter, {32 * self.n_digits}-bit integers in doubt"


def make_layout(arrangement: Arrangement) -> Layout:
    """Place the rows, find a base, and prove which arithmetic suffices."""
    cone = arrangement.cone
    rows, floats = cone.lines, cone.floats
    chosen = arrangement.base_lines
    base = cofactors([rows[i] for i in chosen])
    bounds = cone.bounds
    is_wide = not _fits_int64(cone.rank, bounds)
    use_int64 = not is_wide or _fits_two_words(cone.rank, bounds)
    is_wide &= use_int64
    # minors modulo 2**64 are those below 2**63
    values = PRODUCTS if bounds.bits(cone.rank) <= 62 else VALUES
    rung = (use_int64, is_wide)
    near: Lines = rows if floats is None else floats
    shifts = [0] * cone.rank if use_int64 else column_shifts(near, cone.rank)
    n_digits = 0 if use_int64 else -(-(bounds.bits(cone.rank) + 2) // 32)
    places, n_words, is_direct = _places(arrangement, len(rows))
    copied = places[: len(cone.rows)] if is_direct else places[:0]
    n_bits = 64 * max(-(-arrangement.n_hyperplanes // 64), 1)
    constant, moving = np.zeros((2, n_bits // 64), dtype=np.uint64)
    kernels.fixed_bits(
        arrangement.class_of, arrangement.constant_signs, moving, constant
    )
    input_row = np.full(64 * n_words, -1, dtype=np.int64)
    input_row[places[: len(cone.rows)]] = arrangement.first_rows
    return Layout(
        rows=_make_rows(rows, near, base, shifts, rung, places, 64 * n_words),
        outside=Outside(
            copied=_mask(copied, 64 * n_words),
            constant=constant,
            moving=moving,
            members=_members(arrangement, places, is_direct),
        ),
        lines=rows,
        input_row=input_row,
        places=places,
        base_places=places[chosen],
        n_rows=len(rows),
        rank=cone.rank,
        n_digits=n_digits,
        wide=values if is_wide else 0,
        ray_bits=bounds.bits(cone.rank - 1),
        words_per_pattern=n_bits // 64,
        shifts=tuple(shifts),
    )


def _mask(places: NDArray[np.int64], n_bits: int) -> NDArray[np.uint64]:
    """Return the mask of some places."""
    mask = np.zeros(n_bits // 64, dtype=np.uint64)
    kernels.set_bits(places, mask)
    return mask


def packed_flags(flags: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Return masks (.., words) of flags (.., 64 words)."""
    raw = np.packbits(flags, axis=-1, bitorder="little")
    return raw.view("<u8").astype(np.uint64, copy=False)


def _places(
    arrangement: Arrangement, n_rows: int
) -> tuple[NDArray[np.int64], int, bool]:
    """Place of each row, words of a mask, and whether a place is an output bit.

    The first row of each class takes its output bit as its place, so that whole words
    are copied, unless parallel rows would make the masks much longer than they need
    be.  Infinity, the last row of the cone, comes after all output bits.
    """
    n = arrangement.n_hyperplanes
    extra = int(arrangement.cone.infinity is not None)
    is_direct = -(-(n + extra) // 64) <= -(-n_rows // 64) + 1
    if not is_direct:
        return np.arange(n_rows), -(-n_rows // 64), False
    if extra:
        places = np.append(arrangement.first_rows, n)
    else:
        places = arrangement.first_rows.copy()
    return places, -(-(n + extra) // 64), True


def _members(
    arrangement: Arrangement, places: NDArray[np.int64], is_direct: bool
) -> NDArray[np.int64]:
    """Output bits that are copied one by one (see `state`)."""
    if is_direct and arrangement.n_hyperplanes == arrangement.n_distinct:
        # every row is the first of its class
        return np.zeros((0, 5), dtype=np.int64)
    classes = arrangement.class_of
    rows = np.flatnonzero(classes >= 0)
    source = places[classes[rows]]
    if is_direct:
        rows, source = rows[rows != source], source[rows != source]
    flips = arrangement.orientation[rows] < 0
    return np.stack([source // 64, source % 64, rows // 64, rows % 64, flips], axis=1)


def word_copies(members: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Group copied bits by words and rotation (see `_kernels.vertices.advance`)."""
    found: dict[tuple[int, int, int], list[int]] = {}
    for from_word, from_bit, to_word, to_bit, flip in members.tolist():
        key = (from_word, to_word, (to_bit - from_bit) % 64)
        masks = found.setdefault(key, [0, 0])
        masks[0] |= 1 << to_bit
        masks[1] |= flip << to_bit
    return np.array([(*k, *m) for k, m in found.items()], np.uint64).reshape(-1, 5)


def _fits_int64(rank: int, bounds: MinorBounds) -> bool:
    """Whether every intermediate of the int64 kernels stays below 2**62.

    A ray is at most (r-1)-minors, a value at one at most an r-minor.  ``combine`` adds
    two products of the two; a partial sum of a dot product is at most
    ``r * max|x| * 2**b_(r-1)``.
    """
    ray_bits = bounds.bits(rank - 1)
    sum_bits = rank.bit_length() + bounds.peak_bits + ray_bits
    return max(ray_bits + bounds.bits(rank) + 1, sum_bits) <= 62


def _fits_two_words(rank: int, bounds: MinorBounds) -> bool:
    """Whether rays are below 2**62, rows too, and what is summed to values 2**124."""
    ray_bits = bounds.bits(rank - 1)
    sum_bits = rank.bit_length() + bounds.peak_bits + ray_bits
    largest = max(bounds.bits(rank), sum_bits)
    return max(ray_bits, bounds.peak_bits) <= 62 and largest <= 124


def _make_rows(
    rows: Sequence[IntRow],
    near: Lines,
    base: list[IntRow],
    shifts: list[int],
    rung: tuple[bool, bool],
    places: NDArray[np.int64],
    n_places: int,
) -> Rows:
    """Return the rows and the base with the sign of every row at every base ray."""
    rank, (use_int64, is_wide) = len(base), rung
    valid = _mask(places, n_places)
    if use_int64:
        ints = np.zeros((n_places, rank), dtype=np.int64)
        ints[places] = rows
        rays = np.full((rank, rank + 1), MINORS, dtype=np.int64)
        rays[:, :rank] = base
        if not is_wide:
            values = rays[:, :rank] @ ints.T
            return Rows(ints, rays, _base_masks(values > 0, values < 0), valid)
        signs = np.zeros((rank, n_places), dtype=np.int8)
        none = [0] * rank
        scaled, vectors = scaled_floats(near, none), scaled_floats(base, none)
        signs[:, places] = exact_signs(rows, base, scaled, vectors)
        return Rows(ints, rays, _base_masks(signs > 0, signs < 0), valid)
    floats = np.zeros((n_places, rank + 1))
    float_rays = np.zeros((rank, rank + 2))
    float_rays[:, rank] = 2.0**-50
    float_rays[:, rank + 1] = SOLVED
    # of the primitive rays; scaling columns of the rows by 2**-s scales them by 2**s
    base = [primitive(ray) for ray in base]
    if isinstance(near, np.ndarray):
        with suppress(OverflowError):
            vectors = rounded(base)
            masks = np.zeros((rank, n_places // 32), dtype=np.uint64)
            signs = np.empty((rank, len(places)), dtype=np.int8)
            moves = np.array(shifts, dtype=np.int64)
            # a copy: kernels are compiled for arrays that may be written
            if kernels.lay_out(
                np.array(near), moves, vectors, places, floats, float_rays, signs,
                masks, _NORM_SLACK,
            ):  # fmt: skip
                _decide(rows, base, places, signs, masks)
            return Rows(floats, float_rays, masks, valid)
    scaled = scaled_floats(near, shifts)
    floats[places, :rank] = scaled
    floats[:, rank] = np.abs(floats).sum(axis=1) * _NORM_SLACK
    vectors = scaled_floats(base, [-s for s in shifts])
    float_rays[:, :rank] = vectors
    signs = np.zeros((rank, n_places), dtype=np.int8)
    signs[:, places] = exact_signs(rows, base, scaled, vectors)
    return Rows(floats, float_rays, _base_masks(signs > 0, signs < 0), valid)


def _decide(
    rows: Sequence[IntRow],
    base: Sequence[IntRow],
    places: NDArray[np.int64],
    signs: NDArray[np.int8],
    masks: NDArray[np.uint64],
) -> None:
    """Decide the signs in doubt exactly, and set their bits."""
    half = masks.shape[1] // 2
    for j, i in np.argwhere(signs == kernels.DOUBT).tolist():
        value = sum(map(mul, rows[i], base[j]))
        word, bit = divmod(int(places[i]), 64)
        if value:
            masks[j, word + half * (value < 0)] |= np.uint64(1 << bit)


def _base_masks(
    positive: NDArray[np.bool_], negative: NDArray[np.bool_]
) -> NDArray[np.uint64]:
    return np.concatenate([packed_flags(positive), packed_flags(negative)], axis=1)


def _digits(value: int, n_digits: int) -> list[int]:
    return [(value >> (32 * k)) & 0xFFFFFFFF for k in range(n_digits)]


def _row_words(
    rows: Sequence[IntRow], places: NDArray[np.int64], n_places: int
) -> NDArray[np.uint64]:
    """Sign and magnitude of every entry; empty when there are no rows."""
    if not rows:
        return np.zeros((0, 1, 2), dtype=np.uint64)
    n_digits = max(1, -(-max(abs(x) for row in rows for x in row).bit_length() // 32))
    words = np.zeros((n_places, len(rows[0]), n_digits + 1), dtype=np.uint64)
    words[places] = [
        [[*_digits(abs(x), n_digits), int(x < 0)] for x in row] for row in rows
    ]
    return words
