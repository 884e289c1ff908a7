"""Zero rows, classes of parallel rows, and the first row of each class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from arrangement.exact import Column, Grouped, IntegerRows


@dataclass(frozen=True, eq=False)
class Parallels:
    """The distinct hyperplanes among rows, and what became of each row.

    Attributes
    ----------
    rows : IntegerRows
        One for each class: its first row, homogeneous where there are offsets.
    first : ndarray, shape (n_classes,), int64
        Which row that is.
    class_of : ndarray, shape (n,), int64
        Class of each row, in the order of their first ones; -1 for no hyperplane.
    orientation : ndarray, shape (n,), int8
        +1 where a row is a positive multiple of the first of its class, else -1.
    constant_signs : ndarray, shape (n,), int8
        Of a row that is no hyperplane: 0, or the sign of -b when affine; -1 elsewhere.
    """

    rows: IntegerRows
    first: NDArray[np.int64]
    class_of: NDArray[np.int64]
    orientation: NDArray[np.int8]
    constant_signs: NDArray[np.int8]

    @classmethod
    def of_rows(cls, rows: IntegerRows, width: int) -> Parallels:
        """Sort rows into classes; those with normals (n, width) of zero have none."""
        moving = np.zeros(len(rows), dtype=bool)
        for k in range(width):
            moving |= rows.signs(k) != 0
        places = np.flatnonzero(moving)
        constant_signs = np.full(len(rows), -1, dtype=np.int8)
        still = np.flatnonzero(~moving)
        if still.size:
            is_affine = len(rows.columns) > width
            constant_signs[still] = rows.signs(-1)[still] if is_affine else 0
        class_of = np.full(len(rows), -1, dtype=np.int64)
        orientation = np.ones(len(rows), dtype=np.int8)
        moved = rows.take(places)
        class_of[places], first, orientation[places] = moved.classes()
        return cls(
            moved.take(first), places[first], class_of, orientation, constant_signs
        )

    @classmethod
    def of_groups(cls, found: Grouped) -> Parallels:
        """Return what was found in one call."""
        return cls(
            found.rows,
            found.first,
            found.class_of,
            found.orientation,
            found.constant_signs,
        )

    def over(self, columns: Sequence[Column], width: int) -> Parallels:
        """Give each class another row, and merge once more what became parallel.

        A projection may do that, and may make rows zero.
        """
        rows = IntegerRows.of_columns(columns, len(self.rows))
        again = Parallels.of_rows(rows, width)
        # -1, no class, stays what it is
        class_of = np.append(again.class_of, np.int64(-1))[self.class_of]
        flip = np.append(again.orientation, np.int8(1))[self.class_of]
        signs = np.append(again.constant_signs, np.int8(-1))[self.class_of]
        lost = (self.class_of >= 0) & (class_of < 0)
        constant_signs = np.where(
            lost, signs * self.orientation, self.constant_signs
        ).astype(np.int8)
        return replace(
            again,
            first=self.first[again.first],
            class_of=class_of,
            orientation=(self.orientation * flip).astype(np.int8),
            constant_signs=constant_signs,
        )
