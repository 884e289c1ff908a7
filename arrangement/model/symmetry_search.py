"""Symmetries found, not given: a search on the angles between the rows.

Rows are scaled in floating point until each has the same leverage, that is, until the
diagonal of ``P = Y (Y^T Y)^-1 Y^T`` is constant; such a scaling, where there is one, is
unique up to signs (Barthe 1998), so a symmetry of the hyperplanes permutes rows and
columns of ``P`` up to signs, and a signed permutation that keeps ``P`` is one.  Rows of
a basis are sent one after another to rows that look the same from those before, and the
search goes back where the rows seen from the images are not those seen from the basis.

Nothing here decides anything: each permutation is checked exactly
(:mod:`arrangement.model.symmetries`), and rounding, or a search that is given up, can
only miss symmetries.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from arrangement.exact import IntRow, independent_rows
from arrangement.model.stabilisers import orbits_of
from arrangement.model.symmetries import Frame, Symmetry
from arrangement.options import IsLate, never

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Words = NDArray[np.uint64]

# rows whose angles are compared: some arrays of their squares, and a second or two
_MOST_FOUND = 3000
# steps of the scaling, and how far from constant its leverages may end
_STEPS = 200
_LEVEL = 1e-12
_FADED = 1e-6
# numbers of P, at most 1, that are taken for the same
_SAME = 1e-7
# sets of rows compared before a search is given up, each a sort of all rows
_MOST_NODES = 20_000
# an odd multiplier of words; products wrap
_MULTIPLIER = np.uint64(6_364_136_223_846_793_005)
_SHIFT = np.uint64(29)


def find_symmetries(
    frame: Frame, is_late: IsLate = never, *, kept: int | None = None
) -> list[Symmetry]:
    """Return symmetries that generate those found, each checked exactly.

    Parameters
    ----------
    frame : Frame
        The rows, and what the check needs.
    is_late : callable
        Whether to end with what was found.
    kept : int, optional
        A row that has to stay where it is, as that at infinity of chambers.

    Returns
    -------
    list of Symmetry
        Empty where none but the identity is found, and where there are more than
        3,000 rows.
    """
    if len(frame.rows) > _MOST_FOUND or is_late():
        return []
    values = _scaled(frame.rows, is_late)
    if values is None or is_late():
        return []
    table, kinds = _angles(values)
    if kept is not None:
        kinds[kept] = kinds.max() + 1
    counts = np.bincount(kinds)[kinds]
    order = np.lexsort((np.arange(kinds.size), counts))
    ordered = [frame.rows[i] for i in order]
    basis = [int(order[i]) for i in independent_rows(ordered, frame.rank)[0]]
    return _Search(frame, table, kinds, basis, is_late).run()


def _scaled(rows: list[IntRow], is_late: IsLate) -> Floats | None:
    """Return the rows with equal leverages in an orthonormal basis of columns."""
    values = np.array([[x / max(map(abs, row)) for x in row] for row in rows])
    try:
        for _ in range(_STEPS):
            basis = np.linalg.qr(values)[0]
            leverage = np.einsum("ij,ij->i", basis, basis)
            # rows that cannot all be levelled may fade away: what is seen so far does
            is_done = np.ptp(leverage) < _LEVEL or leverage.min() < _FADED
            if is_done or is_late():
                break
            values = values / np.sqrt(leverage)[:, None]
        out: Floats = np.linalg.qr(values)[0]
    except np.linalg.LinAlgError:
        return None
    return out if np.all(np.isfinite(out)) else None


def _angles(values: Floats) -> tuple[Longs, Longs]:
    """Return signed numbers of the entries of ``P``, and a kind of each row."""
    inner = values @ values.T
    flat = np.abs(inner).ravel()
    order = np.argsort(flat)
    number = np.zeros(flat.size, dtype=np.int64)
    number[order[1:]] = np.cumsum(np.diff(flat[order]) > _SAME)
    number += flat[order[0]] > _SAME
    table = number.reshape(inner.shape) * np.sign(inner).astype(np.int64)
    looks = np.sort(np.abs(table), axis=1)
    looks = np.column_stack([np.abs(np.diagonal(table)), looks])
    hashes = np.zeros(len(looks), dtype=np.uint64)
    for column in looks.T.astype(np.uint64):
        hashes = _mixed(hashes, column)
    return table, np.unique(hashes, return_inverse=True)[1].astype(np.int64)


def _mixed(hashes: Words, column: Words) -> Words:
    """Return other words for other pairs: each step can be undone."""
    hashes = (hashes ^ column) * _MULTIPLIER
    return hashes ^ (hashes >> _SHIFT)


class _Search:
    """The search for generators, from the stabiliser of most of the basis upwards.

    Signed rows are numbers below ``2 m``: row ``j`` is ``j``, its opposite ``j + m``.
    """

    def __init__(
        self,
        frame: Frame,
        table: Longs,
        kinds: Longs,
        basis: list[int],
        is_late: IsLate,
    ) -> None:
        self.frame = frame
        self.table = np.concatenate([table, -table]).astype(np.uint64)
        self.basis = basis
        self.is_late = is_late
        self.nodes = 0
        self.m = len(kinds)
        # how all rows look from the first rows of the basis, level by level
        start = np.concatenate([kinds, kinds]).astype(np.uint64)
        self.looks = [start]
        for row in basis:
            self.looks.append(self._look(self.looks[-1], row))
        self.sorted = [np.sort(look) for look in self.looks]

    def _look(self, look: Words, row: int) -> Words:
        """Return how all rows look when they are also seen from one more."""
        column = self.table[:, row % self.m]
        # numbers of opposite signs are opposite words
        return _mixed(look, column if row < self.m else -column)

    def run(self) -> list[Symmetry]:
        """Return generators."""
        found: list[Symmetry] = []
        signed: list[Longs] = []
        for level in range(len(self.basis) - 1, -1, -1):
            failed: set[int] = set()
            orbits = orbits_of(signed, 2 * self.m)
            for row in self._candidates(level, self.looks[level]):
                if level == 0 and row >= self.m:
                    continue
                here = orbits[row]
                if here == orbits[self.basis[level]] or here in failed:
                    continue
                image = self._extend(level, self.looks[level], row)
                checked = self._checked(image)
                if checked is None or image is None:
                    failed.add(int(here))
                else:
                    found.append(checked)
                    signed.append(image)
                    orbits = orbits_of(signed, 2 * self.m)
                    failed = {int(orbits[row]) for row in failed}
                if self._is_over():
                    return found
        return found

    def _is_over(self) -> bool:
        return self.nodes > _MOST_NODES or self.is_late()

    def _checked(self, image: Longs | None) -> Symmetry | None:
        if image is None:
            return None
        rows = (image[: self.m] % self.m).astype(np.int32)
        if not np.array_equal(np.sort(rows), np.arange(self.m)):
            return None
        return self.frame.symmetry(rows)

    def _candidates(self, level: int, look: Words) -> Iterator[int]:
        """Yield the rows that look from the images as the next row of the basis."""
        wanted = self.looks[level][self.basis[level]]
        yield from np.flatnonzero(look == wanted).tolist()

    def _extend(self, level: int, look: Words, row: int) -> Longs | None:
        """Return an image of all signed rows with those of the basis up to a level."""
        self.nodes += 1
        look, level = self._look(look, row), level + 1
        order = np.argsort(look, kind="stable")
        if not np.array_equal(look[order], self.sorted[level]):
            return None
        if level == len(self.basis):
            out = np.empty(2 * self.m, dtype=np.int64)
            out[np.argsort(self.looks[level], kind="stable")] = order
            return out
        for candidate in self._candidates(level, look):
            found = self._extend(level, look, candidate)
            if found is not None or self._is_over():
                return found
        return None
