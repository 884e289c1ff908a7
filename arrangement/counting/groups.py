"""Which symmetries a count uses: those given, or those found where that pays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from arrangement.counting.classes import LEAST_RANK, MOST_ROWS, Limits, class_numbers
from arrangement.errors import InputError
from arrangement.model import (
    Arrangement,
    Frame,
    Stabilisers,
    find_symmetries,
    make_chain,
    orbits_of,
    read_symmetries,
)
from arrangement.options import IsLate

# A group below this order is not worth a search for images.
LEAST_ORDER = 12
# Rows times levels of moves: bytes of tables of permutations are 12 times this.
_MOST_MOVES = 1 << 26


def given_group(arrangement: Arrangement, symmetry: Any) -> Stabilisers | None:
    """Return the group of permutations of input rows; None where none is needed.

    Raises
    ------
    InputError, InputTypeError
        One is no symmetry.
    """
    frame = Frame(arrangement.cone)
    found = read_symmetries(arrangement, symmetry, frame)
    m = len(frame.rows)
    if not is_sortable(m, frame.rank):
        return None
    return make_chain([one.images for one in found], m)


def found_group(arrangement: Arrangement, is_late: IsLate) -> Stabilisers | None:
    """Search for symmetries; None where there are too few to help."""
    frame = Frame(arrangement.cone)
    m = len(frame.rows)
    if not is_sortable(m, frame.rank):
        return None
    found = find_symmetries(frame, is_late)
    if not found:
        return None
    group = make_chain([one.images for one in found], m)
    is_small = group.order < LEAST_ORDER
    return None if is_small or group.chain.moves.size > _MOST_MOVES else group


def row_orbits(arrangement: Arrangement) -> NDArray[np.int64] | None:
    """Return for each distinct hyperplane the least of its orbit; None: not found.

    Restrictions to hyperplanes of one orbit have the same numbers of faces.
    """
    frame = Frame(arrangement.cone)
    m = len(frame.rows)
    if frame.rank < 2:
        return None
    last = None if arrangement.is_central else m - 1
    found = find_symmetries(frame, kept=last)
    return orbits_of([one.images for one in found], m)


def is_sortable(m: int, rank: int) -> bool:
    """Whether there are flats to sort into classes, and the kernels take the rows."""
    return rank >= LEAST_RANK and m <= MOST_ROWS


def numbers_by_symmetry(
    arrangement: Arrangement, group: Stabilisers, limits: Limits
) -> tuple[int, ...]:
    """Return the Whitney numbers, ``rank + 1`` of them when central, else ``rank``.

    A cone has ``1 + t`` times the polynomial of its chart.
    """
    frame = Frame(arrangement.cone)
    numbers = class_numbers(frame.rows, frame.rank, group, limits)
    if arrangement.is_central:
        return numbers
    chart = [1]
    for number in numbers[1:-1]:
        chart.append(number - chart[-1])
    return tuple(chart)


def check_choice(symmetry: Any) -> None:
    """Refuse texts that are no choice of symmetries."""
    if isinstance(symmetry, str) and symmetry != "auto":
        raise InputError(
            f"symmetry={symmetry!r} is unknown; use 'auto', None or a list of "
            "permutations of the rows."
        )
