"""Shares of a listing by cells: prefixes of signs with about as many chambers each.

Chambers are drawn (`chamber_sample`); a share ends where one of them begins, and those
in it weigh as much as those in the others.  What ends there is the prefix by which it
differs from the one before it, so that few prefixes describe a share.  Nothing but the
sizes of the shares depends on what is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from arrangement.listing.cells import ChamberSample, Layout, chamber_sample

# chambers drawn, of each share, and of all at most; and bits of them at most
_A_SHARE, _MOST, _MOST_BITS = 1 << 7, 1 << 18, 1 << 27
# a share may end as far from where it should as this, in shares
_SLACK = 0.05

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
    most = min(_A_SHARE * wanted, _MOST, _MOST_BITS // layout.n_rows)
    sample = chamber_sample(layout, max(most, 2 * wanted))
    begins = [None, *_begins(sample, wanted), None]
    return [_share(sample, first, last) for first, last in pairwise(begins)]


def _begins(sample: ChamberSample, wanted: int) -> list[tuple[int, int]]:
    """Where shares begin, but the first: a chamber, and the row that it begins with.

    Of all that are near enough to where they should be, those that differ from the one
    before in the first row: few prefixes describe such a share.
    """
    positive = sample.positive
    count = len(positive)
    wanted = min(wanted, count)
    depths = (positive[1:] != positive[:-1]).argmax(axis=1)
    ends = np.cumsum(sample.weights)
    ends = ends[:-1] / ends[-1] * wanted
    begins: list[tuple[int, int]] = []
    for target in range(1, wanted):
        low, high = np.searchsorted(ends, [target - _SLACK, target + _SLACK])
        if low == high:
            # none is near: the nearest of the two around
            low = max(low - 1, 0)
            high = min(low + 2, count - 1)
            near = low + int(np.argmin(np.abs(ends[low:high] - target)))
        else:
            off = np.abs(ends[low:high] - target)
            near = low + int(np.lexsort((off, depths[low:high]))[0])
        # every share has a chamber that was drawn
        least = begins[-1][0] if begins else 0
        near = min(max(near, least), count - 1 - wanted + target)
        begins.append((near + 1, int(depths[near])))
    return begins


def _share(
    sample: ChamberSample, first: tuple[int, int] | None, last: tuple[int, int] | None
) -> SignShare:
    """Describe all chambers from one begin to before another (None: from end to end).

    A begin is a prefix, whose last sign is -.  Between two are the first itself, what
    is on the other side of its positive rows, the last row first, as far as the two
    prefixes differ, and what is on the other side of the negative rows of the second.
    """
    low, high = _prefix(sample, first), _prefix(sample, last)
    size = min(low.size, high.size)
    shared = int(np.argmax([*(low[:size] != high[:size]), True]))
    found, begin = [], low.size
    if last is None or shared < low.size:
        # the other share does not begin within the prefix of this one
        begin = 0 if last is None else shared + 1
        found = [low, *_beyond(sample, first, low, 1, begin)[::-1]]
    found += _beyond(sample, last, high, -1, begin)
    width = max(prefix.size for prefix in found)
    signs = np.zeros((len(found), width), dtype=np.int8)
    for row, prefix in zip(signs, found, strict=True):
        row[: prefix.size] = prefix
    return SignShare(sample.order[:width].copy(), signs)


def _prefix(sample: ChamberSample, begin: tuple[int, int] | None) -> Signs:
    """Return the prefix where a share begins; an empty one for an end of the list."""
    if begin is None:
        return np.zeros(0, dtype=np.int8)
    chamber, row = begin
    return np.where(sample.positive[chamber, : row + 1], 1, -1).astype(np.int8)


def _beyond(
    sample: ChamberSample,
    begin: tuple[int, int] | None,
    prefix: Signs,
    side: int,
    first: int,
) -> list[Signs]:
    """Return the prefixes beyond rows of one, from ``first`` on, on a side of them."""
    if begin is None:
        return []
    cuts = sample.cuts[begin[0], : prefix.size] & (prefix == side)
    found = []
    for row in np.flatnonzero(cuts[first:]) + first:
        found.append(prefix[: row + 1].copy())
        found[-1][row] = -side
    return found
