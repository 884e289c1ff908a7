"""Shares of a listing by cells: prefixes of signs with about as many chambers each.

How many chambers have a prefix is estimated: a few rows more are drawn, the cells of
these and the rows of the prefix are listed, and those in the prefix counted.  Only
prefixes where one share ends and the next begins are looked at closer, until the end
is where it should be.  Nothing but the sizes of the shares depends on the estimates.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels.state import DONE, N_FRAMES, Output
from arrangement.listing.cells import Layout, Walker, new_output, only_places

# cells a share that the first sample has; those of all prefixes of a round that are
# looked at closer, and of one of them at least; cells of a sample at most
_CELLS, _CLOSER, _LEAST_CLOSER, _MOST = 1 << 7, 1 << 14, 1 << 7, 1 << 18
# so few chambers (and bits of them) are all listed
_FEW, _MOST_BITS = 1 << 16, 1 << 24
# prefixes that the shares have together, at least
_PARTS = 1 << 6
# rows that a prefix gets at a time, at least
_LEAST_ROWS = 8
# a share may end as far from where it should as this, in shares
_SLACK = 0.05
# rounds of looking closer; each about doubles the rows of a prefix
_ROUNDS = 20
# the seed of what is drawn: shares are the same in every process
_SEED = 2020
# a base of more rows is not listed to see how many of its cones are cut
_MOST_BASE = 14

Signs = NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class SignShare:
    """Chambers by prefixes: each row of ``signs`` is one, at ``places`` (0: any).

    ``places`` (m,) int64 are those of the first rows in the order of the listing,
    ``signs`` (prefixes, m) int8.
    """

    places: NDArray[np.int64]
    signs: Signs

    def at_places(self, prefix: Signs, n_places: int) -> Signs:
        """Return the signs of all places that a prefix asks for."""
        signs = np.zeros(n_places, dtype=np.int8)
        signs[self.places] = prefix
        return signs


def sign_shares(layout: Layout, wanted: int) -> list[SignShare]:
    """Split all chambers into ``wanted`` shares, in order, none of them empty.

    Fewer where there are fewer chambers.
    """
    sampler = _Sampler(layout)
    leaves = _Leaves(*sampler.first(wanted))
    total = leaves.total
    if total <= _FEW and total * len(sampler.order) <= _MOST_BITS:
        leaves = sampler.all_cells() or leaves
    enough = max(_CLOSER // wanted, _LEAST_CLOSER)
    for _ in range(_ROUNDS):
        large = leaves.large(wanted)
        if not large:
            break
        leaves.put([(k, sampler.closer(leaves.prefixes[k], enough)) for k in large])
    return leaves.shares(sampler.order, wanted)


# prefixes in order (count, rows), and the chambers that each of them may have
_Counted = tuple[Signs, NDArray[np.float64]]


class _Leaves:
    """Prefixes in order that hold every chamber once, with estimated weights."""

    def __init__(self, signs: Signs, weights: NDArray[np.float64]) -> None:
        self.prefixes = list(signs)
        self._weights = weights
        self._signs: Signs | None = signs

    @property
    def total(self) -> float:
        """Chambers that there may be."""
        return float(self._weights.sum())

    def large(self, wanted: int) -> list[int]:
        """Return the prefixes to look at closer.

        Errors of estimates that are independent even out, so a share is of some
        prefixes; and it has to end near where it should.
        """
        ends = np.cumsum(self._weights) / self.total * wanted
        begins = np.concatenate([[0.0], ends[:-1]])
        target = np.floor(begins + _SLACK) + 1.0
        is_large = (target - begins > _SLACK) & (ends - target > _SLACK)
        is_large |= self._weights * _PARTS > self.total
        # fewer prefixes than shares: all have to be split
        is_large |= len(self.prefixes) < wanted
        return np.flatnonzero(is_large & (self._weights > 1.0)).tolist()

    def put(self, grown: list[tuple[int, _Counted]]) -> None:
        """Put longer prefixes in the place of some."""
        self._signs = None
        weights = self._weights.tolist()
        for k, (signs, counts) in reversed(grown):
            self.prefixes[k : k + 1] = list(signs)
            weights[k : k + 1] = counts.tolist()
        self._weights = np.array(weights)

    def shares(self, order: NDArray[np.int64], wanted: int) -> list[SignShare]:
        """Cut the prefixes into shares and describe each by few of them."""
        n_leaves = len(self.prefixes)
        wanted = min(wanted, n_leaves)
        signs = self._signs
        if signs is None:
            width = max(prefix.size for prefix in self.prefixes)
            signs = np.zeros((n_leaves, width), dtype=np.int8)
            for row, prefix in zip(signs, self.prefixes, strict=True):
                row[: prefix.size] = prefix
        bounds = [0, *self._cuts(signs, wanted), n_leaves]
        return [_described(signs, order, begin, end) for begin, end in pairwise(bounds)]

    def _cuts(self, signs: Signs, wanted: int) -> list[int]:
        """Where shares end: of all places near enough, where the first row changes.

        Few prefixes describe such a share.
        """
        ends = np.cumsum(self._weights)[:-1] / self.total * wanted
        depths = (signs[1:] != signs[:-1]).argmax(axis=1)
        cuts: list[int] = []
        for target in range(1, wanted):
            low, high = np.searchsorted(ends, [target - _SLACK, target + _SLACK])
            if low == high:
                low = max(low - 1, 0)
                high = low + 2
            depth = depths[low:high]
            off = np.abs(ends[low:high] - target)
            if high - low == 2:
                depth = np.zeros_like(depth)
            cut = 1 + low + int(np.lexsort((off, depth))[0])
            # every share gets a prefix
            least = cuts[-1] + 1 if cuts else 1
            cuts.append(min(max(cut, least), len(signs) - wanted + target))
        return cuts


def _described(
    signs: Signs, order: NDArray[np.int64], begin: int, end: int
) -> SignShare:
    """Describe the prefixes ``begin`` to ``end`` by the shortest that hold no other.

    All that have a prefix follow one another, and the first and the last of them
    differ where any do.
    """
    found: list[Signs] = []
    waiting = [(0, len(signs), 0)]
    while waiting:
        low, high, depth = waiting.pop()
        if high <= begin or low >= end:
            continue
        if begin <= low and high <= end:
            prefix = np.zeros(signs.shape[1], dtype=np.int8)
            prefix[:depth] = signs[low, :depth]
            found.append(prefix)
            continue
        differ = signs[low, depth:] != signs[high - 1, depth:]
        column = depth + int(np.argmax(differ))
        middle = low + int(np.searchsorted(-signs[low:high, column], 0))
        waiting += [(middle, high, column + 1), (low, middle, column + 1)]
    prefixes = np.stack(found)
    width = int(np.flatnonzero(prefixes.any(axis=0)).max(initial=-1)) + 1
    return SignShare(order[:width].copy(), prefixes[:, :width].copy())


class _Sampler:
    """Counts cells of some of the rows, in whole or in a prefix.

    ``order`` are the places in the order of the listing: the base, then the others.
    """

    def __init__(self, layout: Layout) -> None:
        base = layout.base_places
        others = np.setdiff1d(layout.places, base)
        self.order = np.concatenate([base, others])
        self._layout = layout
        self._walker = Walker(layout)
        self._draw = np.random.default_rng(_SEED)
        block = np.zeros((1 << 10, layout.words_per_pattern), dtype=np.uint64)
        self._output: Output = new_output(layout)._replace(patterns=block)
        # where a sign is read; infinity is in no pattern, and positive
        self._bits = np.maximum(layout.input_row[self.order], 0)
        self._is_infinity = layout.input_row[self.order] < 0

    def first(self, wanted: int) -> _Counted:
        """Return the first prefixes, with enough cells to tell their sizes."""
        rank = self._layout.rank
        if rank > _MOST_BASE:
            return self._orthants(min(rank, (8 * wanted).bit_length() + 1))
        none = np.zeros(0, dtype=np.int8)
        extra = max(_LEAST_ROWS, (4 * wanted).bit_length() - rank)
        return self._count(none, rank + extra, _CELLS * wanted)

    def all_cells(self) -> _Leaves | None:
        """Return all chambers, each a prefix of all rows; None if they are not few."""
        none = np.zeros(0, dtype=np.int8)
        bits = self._cells(none, np.arange(len(self.order)), 2 * _FEW)
        if len(bits) >= 2 * _FEW:
            return None
        return _Leaves(np.where(bits, 1, -1).astype(np.int8), np.ones(len(bits)))

    def closer(self, prefix: Signs, enough: int) -> _Counted:
        """Return the longer prefixes in one, or that there is one chamber."""
        rank, n_rows = self._layout.rank, len(self.order)
        size, more = prefix.size, _LEAST_ROWS
        while rank <= size < n_rows:
            size = min(size + more, n_rows)
            more *= 2
            found = self._count(prefix, size, enough)
            if len(found[0]) > 1:
                return found
        # the cones of a large base are not looked at closer
        return prefix[None], np.ones(1)

    def _orthants(self, size: int) -> _Counted:
        """All signs of the first rows of a base, which are independent."""
        numbers = np.arange(1 << (size - 1))
        bits = numbers[:, None] >> np.arange(size - 1)[::-1] & 1
        signs = np.ones((len(numbers), size), dtype=np.int8)
        signs[:, 1:] -= 2 * bits.astype(np.int8)
        return signs, np.ones(len(numbers))

    def _count(self, prefix: Signs, size: int, enough: int) -> _Counted:
        """Count cells in the prefixes of ``size`` rows that begin with one.

        More and more rows are drawn until there are ``enough``.
        """
        size = min(size, len(self.order))
        rest = len(self.order) - size
        n_drawn = min(2 * (size - prefix.size), rest)
        while True:
            drawn = size + np.sort(self._draw.choice(rest, n_drawn, replace=False))
            chosen = np.concatenate([np.arange(size), drawn])
            bits = self._cells(prefix, chosen)
            is_enough = len(bits) >= min(enough, _MOST)
            if n_drawn == rest or is_enough:
                return self._estimated(bits, size, n_drawn / max(rest, 1))
            n_drawn = min(2 * n_drawn, rest)

    def _estimated(self, bits: NDArray[np.bool_], size: int, part: float) -> _Counted:
        """Estimate the chambers of each prefix from cells of a part of the rows.

        A cone that c rows cut has 1 + c + (flats of two rows and more in it) chambers,
        and of a flat of j rows all are drawn with probability ``part**j``.  How many
        flats are of j rows is taken to be as ``C(c, j)``, as in a generic arrangement.
        """
        leading, drawn = bits[:, :size], bits[:, size:]
        starts = np.flatnonzero((leading[1:] != leading[:-1]).any(axis=1)) + 1
        starts = np.concatenate([[0], starts])
        counts = np.diff(np.concatenate([starts, [len(bits)]])).astype(np.float64)
        if part < 1.0 and drawn.shape[1]:
            sums = np.add.reduceat(drawn, starts, axis=0, dtype=np.int64)
            cut = ((sums > 0) & (sums < counts[:, None])).sum(axis=1)
            term, seen, whole = np.ones(len(cut)), np.zeros(len(cut)), 0.0
            for j in range(1, self._layout.rank):
                term = term * np.maximum(cut - j + 1, 0) / j
                if j > 1:
                    seen += term
                    whole = whole + term * part**-j
            flats = counts - 1.0 - cut
            scale = np.divide(whole, seen, out=np.ones(len(cut)), where=seen > 0.0)
            counts = 1.0 + cut / part + np.maximum(flats, 0.0) * scale
        signs = np.where(leading[starts], 1, -1).astype(np.int8)
        return signs, counts

    def _cells(
        self, prefix: Signs, chosen: NDArray[np.int64], most: int = 1 << 62
    ) -> NDArray[np.bool_]:
        """Bits of the chosen rows in each of their cells in a prefix.

        Where there are ``most`` or more, only some of them.
        """
        walker = self._walker
        walker.layout = only_places(self._layout, self.order[chosen])
        required = np.zeros(self._layout.input_row.size, dtype=np.int8)
        required[self.order[: prefix.size]] = prefix
        walker.control[N_FRAMES] = 0
        walker.require(required)
        blocks = []
        status, left = -1, most
        while status != DONE and left > 0:
            status = walker.advance(self._output)
            blocks.append(self._written(walker.n_written, chosen))
            left -= walker.n_written
            walker.n_written = 0
        return np.concatenate(blocks)

    def _written(self, count: int, chosen: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Bits of the chosen rows in what was written."""
        places = self._bits[chosen]
        words = self._output.patterns[:count, places // 64]
        bits: NDArray[np.bool_]
        bits = (words >> (places % 64).astype(np.uint64) & np.uint64(1)).astype(bool)
        bits[:, self._is_infinity[chosen]] = True
        return bits
