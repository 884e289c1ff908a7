"""How the signs of all rows follow from those of the first of each class on a flat."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arrangement.listing.face_walk import Spread, spread_of
from arrangement.model import Arrangement, Flat

Signs = NDArray[np.int8]


@dataclass(frozen=True)
class Columns:
    """How every row follows from a few: ``signs[:, source] * factor + constant``."""

    source: NDArray[np.int64]
    factor: Signs
    constant: Signs

    def spread(self, signs: Signs) -> Signs:
        """Return the signs of all rows, shape (b, n)."""
        # an index in brackets would give columns after columns in memory
        taken = np.take(signs, self.source, axis=1)
        out: Signs = taken * self.factor + self.constant
        return out

    def after(self, first: Columns) -> Columns:
        """Combine: ``self.after(first).spread(s) == self.spread(first.spread(s))``."""
        return Columns(
            first.source[self.source],
            first.factor[self.source] * self.factor,
            first.constant[self.source] * self.factor + self.constant,
        )


@dataclass(frozen=True)
class Restriction:
    """The arrangement on a flat, of the first rows of its classes.

    ``above`` says how all rows follow from those of the flat.
    """

    flat: Flat
    classes: list[list[int]]
    inner: Arrangement
    above: Columns

    @property
    def rows(self) -> list[int]:
        """Which rows of the flat are those of ``inner``."""
        return [members[0] for members in self.classes]

    @cached_property
    def columns(self) -> Columns:
        """How all rows follow from those of ``inner``."""
        return self.above.after(restricted_columns(self.flat, self.classes))

    @cached_property
    def spread(self) -> Spread:
        """The same for a walk."""
        found = self.columns
        n_rows = self.inner.n_distinct
        return spread_of(found.source, found.factor, found.constant, n_rows)


def restricted_columns(flat: Flat, classes: list[list[int]]) -> Columns:
    """How rows restricted to a flat follow from the first of each class."""
    m = len(flat.rows)
    source = np.zeros(m, dtype=np.int64)
    factor = np.zeros(m, dtype=np.int8)
    # rows that are constant on the flat: zero, or parallel to it
    constant = signs_of(flat.rows[:, -1])
    turned = np.any(flat.oriented() != flat.rows, axis=1)
    for k, members in enumerate(classes):
        source[members] = k
        factor[members] = np.where(turned[members] == turned[members[0]], 1, -1)
        constant[members] = 0
    return Columns(source, factor, constant)


def signs_of(values: NDArray[Any]) -> Signs:
    """Return the signs of numbers, int64 or Python's."""
    # not np.sign: it would give Python integers for Python integers
    out: Signs = (values > 0).astype(np.int8) - (values < 0).astype(np.int8)
    return out
