"""Flats of an arrangement, and the arrangement restricted to each, exactly.

A flat is kept as all distinct hyperplanes restricted to it: row i holds the i-th linear
form (affine: with its constant, last) in coordinates of the flat, scaled by a positive
number, so that signs on the flat are signs of these rows.  A hyperplane through the
flat is a zero row.  The flats one dimension lower are the classes of proportional
rows that are not constant: no closure is ever computed.

Why int64 suffices when it is used
----------------------------------
Eliminating c coordinates by c rows turns row i into the minors of c + 1 rows over the
determinant of the c pivots.  A primitive row is such a vector over its gcd, so its
entries are at most the largest minor, below ``2**b`` (`hadamard_bits`, which grows with
the size, so that of ``rank`` rows bounds all).  A step, and a value at a point found
from one row, is a sum of two products of entries: below ``2**(2 b + 1)``.  When that
is above ``2**62`` the arrays hold Python integers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arrangement.errors import BudgetExceededError
from arrangement.exact import hadamard_bits
from arrangement.model.arrangement import Cone
from arrangement.options import IsLate, never


@dataclass(frozen=True)
class Flat:
    """A flat, as the restriction of all distinct hyperplanes to it.

    Attributes
    ----------
    rows : ndarray, shape (m, dimension) or (m, dimension + 1) when affine
        int64 or Python integers; each row zero or primitive.
    dimension : int
        Of the flat, in the essential space.
    last : int
        Last row of the lexicographically first basis of the flat; -1 for the whole
        space.
    """

    rows: NDArray[Any]
    dimension: int
    last: int = -1

    def restrict(self, row: int) -> Flat:
        """Intersect with the hyperplane of a row that is not constant here."""
        rows, normal = self.rows, self.rows[row]
        pivot = int(np.flatnonzero(normal[: self.dimension] != 0)[0])
        others = [c for c in range(rows.shape[1]) if c != pivot]
        # times |pivot| and not times pivot: signs must stay what they are
        turned = normal if normal[pivot] > 0 else -normal
        out = rows[:, others] * turned[pivot] - rows[:, pivot, None] * turned[others]
        return Flat(primitive(out), self.dimension - 1, row)

    def classes(self) -> list[list[int]]:
        """Group the rows that are not constant here by the flat they cut out.

        Each class is ascending, and so are the first rows of the classes.
        """
        keys = self.oriented().tolist()
        groups: dict[tuple[int, ...], list[int]] = {}
        moving = np.any(self.rows[:, : self.dimension] != 0, axis=1)
        for i in np.flatnonzero(moving).tolist():
            groups.setdefault(tuple(keys[i]), []).append(i)
        return list(groups.values())

    def oriented(self) -> NDArray[Any]:
        """Return the rows with the first nonzero entry of each normal positive."""
        normals = self.rows[:, : self.dimension]
        lead = np.argmax(normals != 0, axis=1)
        flips = normals[np.arange(len(normals)), lead] < 0
        return np.where(flips[:, None], -self.rows, self.rows)


def primitive(rows: NDArray[Any]) -> NDArray[Any]:
    """Divide each row by the gcd of its entries."""
    if rows.shape[1] == 0:
        return rows
    # of one column of Python integers NumPy hands on the entries themselves
    divisor = np.abs(np.gcd.reduce(rows, axis=1))
    divisor[divisor == 0] = 1
    out: NDArray[Any] = rows // divisor[:, None]
    return out


def whole_space(cone: Cone) -> Flat:
    """Return the flat of no hyperplane, in the arithmetic that is proven to do."""
    affine = cone.infinity is not None
    small = 2 * hadamard_bits(cone.rows, cone.rank) + 1 <= 62
    rows = np.array(cone.rows, dtype=np.int64 if small else object)
    return Flat(rows.reshape(len(cone.rows), cone.rank), cone.rank - affine)


def iter_flats(top: Flat, dimension: int) -> Iterator[Flat]:
    """Yield the flats of one dimension inside ``top``, each once, depth first.

    A flat is reached from the one spanned by all but the last row of its
    lexicographically first basis, and from no other: a class cuts out a child exactly
    when its first row comes after the basis of the parent.  So nothing is remembered
    but the path.  Order: lexicographic by first basis.
    """
    if top.dimension == dimension:
        yield top
        return
    for members in top.classes():
        if members[0] > top.last:
            yield from iter_flats(top.restrict(members[0]), dimension)


def check_time(is_late: IsLate) -> None:
    """Raise `BudgetExceededError` once it is late."""
    if is_late():
        raise BudgetExceededError(
            "the time is up, and the flats are not all found and counted; raise "
            "time_limit, or reduce the rows or the rank."
        )


def iter_levels(
    top: Flat, is_late: IsLate = never
) -> Iterator[tuple[int, Collection[tuple[int, ...]]]]:
    """Yield for each dimension downwards the bases of its flats, level by level.

    Another road than `iter_flats`: every flat one dimension lower is cut out of each
    flat that contains it, and told from others by the set of its hyperplanes, a bit
    mask.  Holds the masks of two levels.  Once late, it raises as `check_time` does.
    """
    level: dict[int, tuple[int, ...]] = {0: ()}
    for dimension in range(top.dimension, -1, -1):
        yield dimension, level.values()
        lower: dict[int, tuple[int, ...]] = {}
        if dimension:
            for mask, basis in level.items():
                check_time(is_late)
                for members in restricted(top, basis).classes():
                    below = mask | sum(1 << i for i in members)
                    lower.setdefault(below, (*basis, members[0]))
        level = lower


def restricted(top: Flat, basis: tuple[int, ...]) -> Flat:
    """Intersect with several independent hyperplanes, one after another."""
    for row in basis:
        top = top.restrict(row)
    return top
