"""What must hold of the bits of a list: fixed rows, order, no pattern twice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from arrangement.errors import IncompleteListingError
from arrangement.model import unpack
from arrangement.verification.output_bits import _Rules


def _check_fixed_bits(rules: _Rules, packed: NDArray[np.uint64]) -> None:
    """Check that padding is zero and constant bits are right."""
    wrong = np.any((packed & ~rules.moving) != rules.bits.constant, axis=1)
    if wrong.any():
        raise IncompleteListingError(
            f"pattern {int(np.argmax(wrong))} has a padding bit set, or a wrong bit "
            "for "
            "a row that is no hyperplane."
        )


def check_distinct(rules: _Rules, packed: NDArray[np.uint64]) -> None:
    """Refuse a list in which a pattern occurs twice."""
    ordered = _sort_rows(packed)
    same = np.flatnonzero(np.all(ordered[1:] == ordered[:-1], axis=1))
    if same.size:
        bits = unpack(ordered[same[:1]], rules.n)[0].astype(int).tolist()
        raise IncompleteListingError(
            f"{same.size} patterns occur twice, the first of them {_short(bits)}."
        )


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
