"""Faces of every dimension: their sign vectors (covectors), and how many there are.

A face of dimension k is a chamber of the arrangement restricted to a flat of dimension
k, for exactly one flat.  So the covectors are listed flat by flat.  The chambers of the
whole are listed once, in exact numbers; those of the flats follow from their bits
(`face_walk`).  Where they are too many to be kept, the rows are restricted to the
hyperplanes one after another (`flats`), and each begins with its own.  Planes of a
central arrangement, or lines of an affine one, need no chambers then: their hyperplanes
are sorted by angle, exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrangement.errors import InputError
from arrangement.exact import scaled_floats
from arrangement.listing.face_walk import (
    ASK,
    DONE,
    FaceWalk,
    KeptChambers,
)
from arrangement.listing.plan import chamber_bound, is_by_vertices
from arrangement.listing.restrictions import Columns, Restriction, Signs, signs_of
from arrangement.listing.streams import iter_patterns
from arrangement.model import Arrangement, Flat, primitive, restricted, whole_space
from arrangement.options import block_rows, whole_number

# faces handled at once, and signs in a table of values: a few megabytes
_CHUNK = 1 << 12
_BLOCK = 1 << 15
_TABLE = 1 << 18


def iter_covectors(
    X: Arrangement | ArrayLike | Any,
    *,
    offsets: ArrayLike | None = None,
    rank: str | int = "exact",
    floats: str = "binary",
    block_size: int | None = None,
    dimension: int | None = None,
) -> Iterator[Signs]:
    """Yield the sign vectors of all faces of the arrangement of a matrix, in blocks.

    Entry i of a sign vector is the sign of ``x_i . z`` (affine: ``x_i . z - b_i``) at
    a point z of the relative interior of the face.  Chambers are faces without zeros
    (zero rows aside); the lowest face of a central arrangement is all zeros.  Of an
    affine arrangement all faces of the finite part are listed, none at infinity.

    Parameters
    ----------
    X, offsets, rank, floats
        As in `enumerate_patterns`.
    block_size : int, optional
        Faces a block, at least 1; the last block may be shorter.  By default 32,768, or
        fewer where a block would take over 64 MiB.
    dimension : int, optional
        List only the faces of this dimension, from 0 to the rank of the normals.
        Counted in the essential space: in that of X all are larger by d - rank.

    Yields
    ------
    ndarray, shape (b, n), int8, C-contiguous
        Entries -1, 0, 1, a new array each time.  A zero row of a central arrangement
        is 0 everywhere, a zero normal of an affine one the sign of ``-b_i``.

    Raises
    ------
    InputError, InputTypeError
        As `Arrangement`; block size or dimension out of range or no integers.

    Notes
    -----
    Order: dimensions downwards.  Chambers come in the order of `iter_patterns`.  Lower
    faces come flat by flat, flats in lexicographic order of their first bases (of the
    first rows of the distinct hyperplanes); on a flat, in the order of `iter_patterns`
    for the restriction, but along a line of an affine arrangement and around a plane
    of a central one.  In a central arrangement each face that is not the lowest is
    followed by its opposite.  The order does not depend on the block size.

    Memory: a block and up to 32,768 faces of it more, the walk of one `iter_patterns`,
    and at most 256 MiB for the chambers of the arrangement, or where these are more,
    for those of one flat; then also, of one flat of each dimension above, the matrix
    restricted to it, ``O(n r)`` integers each.  No list of flats is kept.
    Chambers are decided by `iter_patterns` in exact numbers, and faces by them alone:
    by pairs that differ in all rows through a flat and in no others; what has to be
    restricted is, in integers (see `flats`).

    Faces as chambers of restrictions: Zaslavsky (1975), *Facing up to arrangements*;
    covectors and their composition: Björner et al., *Oriented Matroids* (2nd ed.
    1999), sections 2.1 and 3.7; faces from chambers: section 4.2.

    Examples
    --------
    >>> faces = next(iter_covectors([[1, 0], [0, 1]]))
    >>> faces.shape
    (9, 2)
    >>> next(iter_covectors([[1, 0], [0, 1]], dimension=1)).tolist()
    [[0, 1], [0, -1], [-1, 0], [1, 0]]
    >>> lines = [[1, 0], [0, 1], [1, 1]]
    >>> next(iter_covectors(lines, offsets=[0, 0, 1], dimension=0)).tolist()
    [[0, 0, -1], [0, 1, 0], [1, 0, 0]]
    """
    size = None
    if block_size is not None:
        size = whole_number(block_size, "block_size", 1)
    arrangement = Arrangement.coerce(X, offsets=offsets, rank=rank, floats=floats)
    size = size or block_rows(_BLOCK, arrangement.n_hyperplanes)
    dimensions = list(range(arrangement.rank, -1, -1))
    if dimension is not None:
        asked = whole_number(dimension, "dimension")
        if asked not in dimensions:
            raise InputError(
                f"dimension={asked}; expected 0 <= dimension <= {arrangement.rank}, "
                "the rank of the normals. Leave it out for all faces."
            )
        dimensions = [asked]
    return _blocks(_Lister(arrangement, dimensions), size)


def _blocks(lister: _Lister, size: int) -> Iterator[Signs]:
    """Cut the faces into blocks of one size, written where they stay."""
    n_rows = lister.arrangement.n_hyperplanes
    most = min(size, block_rows(_BLOCK, n_rows))
    pieces: list[Signs] = []
    piece, count = np.empty((most, n_rows), dtype=np.int8), 0
    total = 0
    for source in lister.sources():
        while True:
            written = source.fill(piece[count:])
            if not written:
                break
            count += written
            if count < len(piece):
                continue
            pieces.append(piece)
            total += count
            if total == size:
                yield pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
                pieces, total = [], 0
            rows = min(most, size - total)
            piece, count = np.empty((rows, n_rows), dtype=np.int8), 0
    if total + count:
        yield np.concatenate([*pieces, piece[:count]])


class _Copied:
    """Faces that come in chunks."""

    def __init__(self, chunks: Iterator[Signs]) -> None:
        self._chunks = chunks
        self._rest: Signs | None = None

    def fill(self, out: Signs) -> int:
        """Write faces, as many as there is room for; 0 when there are no more."""
        count = 0
        while count < len(out):
            if self._rest is None or not len(self._rest):
                self._rest = next(self._chunks, None)
                if self._rest is None:
                    break
            part = self._rest[: len(out) - count]
            out[count : count + len(part)] = part
            self._rest = self._rest[len(part) :]
            count += len(part)
        return count


class _Walked:
    """Faces of one dimension on the flats inside one of them."""

    def __init__(self, lister: _Lister, walk: FaceWalk, inside: Restriction) -> None:
        self._lister = lister
        self._walk = walk
        self._inside = inside
        self._spread = inside.spread
        self._other: _Copied | None = None

    def fill(self, out: Signs) -> int:
        """Write faces, as many as there is room for; 0 when there are no more."""
        count = 0
        while count < len(out):
            if self._other is not None:
                written = self._other.fill(out[count:])
                count += written
                if not written:
                    self._other = None
                continue
            status, written = self._walk.fill(out[count:], self._spread)
            count += written
            if status == DONE:
                break
            if status == ASK:
                self._ask()
        return count

    def _ask(self) -> None:
        """Find out in which order the chambers of the flat on top come."""
        inside = self._inside
        basis = tuple(inside.rows[k] for k in self._walk.basis)
        lower = self._lister.restriction(restricted(inside.flat, basis))
        cone = lower.inner.cone
        bound = chamber_bound(
            len(cone.rows), cone.rank, is_central=lower.inner.is_central
        )
        is_by_signs = not is_by_vertices(lower.inner, bound)
        self._walk.go_on(is_by_signs=is_by_signs)
        if not is_by_signs:
            self._other = _Copied(self._lister.chambers(lower))


class _Lister:
    """Lists the faces of one dimension after another."""

    def __init__(self, arrangement: Arrangement, dimensions: list[int]) -> None:
        self.arrangement = arrangement
        self.extra = 0 if arrangement.is_central else 1
        self._dimensions = dimensions
        classes = arrangement.class_of
        self._moving = classes >= 0
        # constant rows take column 0, which exists wherever this is used, times 0
        self._columns = Columns(
            np.where(self._moving, classes, 0),
            np.where(self._moving, arrangement.orientation, 0).astype(np.int8),
            np.where(self._moving, 0, arrangement.constant_signs).astype(np.int8),
        )
        self._kept = KeptChambers(arrangement)
        self._walks: list[FaceWalk] = []

    def sources(self) -> Iterator[_Copied | _Walked]:
        """Yield what lists the faces, one after another."""
        n_rows = self.arrangement.n_hyperplanes
        whole = None
        for dimension in self._dimensions:
            if dimension == self.arrangement.rank:
                yield _Copied(self._all_chambers())
            elif dimension + self.extra == 0:
                yield _Copied(iter([np.zeros((1, n_rows), dtype=np.int8)]))
            else:
                whole = whole or self._whole()
                yield from self._inside(whole, dimension)

    def _whole(self) -> Restriction:
        classes = [[row] for row in range(self.arrangement.n_distinct)]
        flat = whole_space(self.arrangement.cone)
        return Restriction(flat, classes, self.arrangement, self._columns)

    def _inside(
        self, inside: Restriction, dimension: int
    ) -> Iterator[_Copied | _Walked]:
        """Yield what lists the faces of a lower dimension on flats inside one.

        From its chambers, where these can be kept; else flat by flat.
        """
        flat = inside.flat
        walk = self._walk(inside)
        if walk is not None:
            walk.begin(dimension)
            yield _Walked(self, walk, inside)
            return
        if flat.dimension + self.extra == 2:
            yield _Copied(self._on_flat(flat, dimension))
            return
        for members in flat.classes():
            if members[0] <= flat.last:
                continue
            lower = flat.restrict(members[0])
            if lower.dimension > dimension and lower.dimension + self.extra > 2:
                yield from self._inside(self.restriction(lower), dimension)
            else:
                yield _Copied(self._on_flat(lower, dimension))

    def _walk(self, inside: Restriction) -> FaceWalk | None:
        """Return a walk that begins with all chambers of a restriction, or None."""
        if inside.inner is not self.arrangement:
            kept = KeptChambers(inside.inner)
            last = sum(row <= inside.flat.last for row in inside.rows) - 1
            return kept.walk(last)
        if not self._walks:
            found = self._kept.walk()
            if found is None:
                return None
            self._walks.append(found)
        return self._walks[0]

    def _all_chambers(self) -> Iterator[Signs]:
        """Yield the chambers; they are kept for what comes after."""
        size = block_rows(_CHUNK, self.arrangement.n_hyperplanes)
        constant = ~self._moving
        is_kept = len(self._dimensions) > 1
        for block in iter_patterns(self.arrangement, block_size=size):
            if is_kept:
                self._kept.add(block.packed)
            signs = block.to_signs()
            if constant.any():
                signs[:, constant] = self._columns.constant[constant]
            yield signs
        if is_kept:
            self._kept.end()

    def _on_flat(self, flat: Flat, dimension: int) -> Iterator[Signs]:
        """Yield the faces of a dimension on a flat of this one, or of one more."""
        if dimension + self.extra > 2:
            yield from self.chambers(self.restriction(flat))
            return
        classes = flat.classes()
        own = _own_coordinates(flat, classes)
        if flat.dimension == dimension:
            yield from self._between_points(own, [c[0] for c in classes])
            return
        firsts = [c[0] for c in classes if c[0] > flat.last]
        if firsts:
            yield from self._at_points(own, firsts)

    def _at_points(self, flat: Flat, firsts: list[int]) -> Iterator[Signs]:
        """Yield the faces that rows cut out of a line, or of a central plane."""
        points = _points(flat.oriented()[firsts])
        for begin, end in _pieces(len(points), len(flat.rows)):
            yield self._with_opposites(_signs_at(points[begin:end], flat.rows))

    def _between_points(self, flat: Flat, firsts: list[int]) -> Iterator[Signs]:
        """Yield the chambers of a line, or of a central plane, in order.

        Between two neighbours ``p, q`` the sign of a row is that at p, or that at q
        where it is 0 at p (the composition of covectors).
        """
        oriented = flat.oriented()[firsts]
        points = _points(oriented)
        # a row is positive at the points after its own: so this is the place of each
        places = np.concatenate(
            [
                np.count_nonzero(_signs_at(points[begin:end], oriented) > 0, axis=1)
                for begin, end in _pieces(len(points), len(points))
            ]
        )
        points = points[np.argsort(places)]
        if self.extra:
            far = np.array([[1, 0]], dtype=points.dtype)
            points = np.concatenate([-far, points, far])
        else:
            points = np.concatenate([points, -points[:1]])
        for begin, end in _pieces(len(points) - 1, len(flat.rows)):
            signs = _signs_at(points[begin : end + 1], flat.rows)
            yield self._with_opposites(np.where(signs[:-1], signs[:-1], signs[1:]))

    def _with_opposites(self, signs: Signs) -> Signs:
        spread = self._columns.spread(signs)
        if self.extra:
            return spread
        both = np.stack([spread, -spread], axis=1)
        return both.reshape(2 * spread.shape[0], spread.shape[1])

    def restriction(self, flat: Flat) -> Restriction:
        """Return the arrangement restricted to a flat, of one row a class."""
        classes = flat.classes()
        firsts = [members[0] for members in classes]
        normals, offsets = flat.rows[firsts], None
        if self.extra:
            normals, offsets = normals[:, :-1], -normals[:, -1]
        inner = Arrangement(normals, offsets)
        return Restriction(flat, classes, inner, self._columns)

    def chambers(self, inside: Restriction) -> Iterator[Signs]:
        """Yield the chambers of the restriction to a flat."""
        size = block_rows(_CHUNK, self.arrangement.n_hyperplanes)
        for block in iter_patterns(inside.inner, block_size=size):
            yield inside.columns.spread(block.to_signs())


def _own_coordinates(flat: Flat, classes: list[list[int]]) -> Flat:
    """Change to coordinates that only the rows decide, so that the order is theirs.

    On an affine line the first row that is not constant grows.  In a central plane the
    first rows of two classes become (1, 0) and (0, 1): the others are then minors of
    one more row over a common one, within the bound of `flats`.
    """
    rows = flat.rows
    a = rows[classes[0][0]]
    if flat.dimension == 1:
        flips = np.array([-1 if a[0] < 0 else 1, 1], dtype=rows.dtype)
        return Flat(rows * flips, 1, flat.last)
    b = rows[classes[1][0]]
    out = np.stack(
        [rows[:, 0] * b[1] - rows[:, 1] * b[0], rows[:, 1] * a[0] - rows[:, 0] * a[1]],
        axis=1,
    )
    out = out if a[0] * b[1] > a[1] * b[0] else -out
    return Flat(primitive(out), 2, flat.last)


def _points(oriented: NDArray[Any]) -> NDArray[Any]:
    """Return the zero of each row (x, y): the point (-y, x).

    With x positive, or x zero and y positive, they lie in half a turn from (-1, 0) to
    (1, 0) clockwise; of two points, that is later where the other's row is positive.
    """
    return np.stack([-oriented[:, 1], oriented[:, 0]], axis=1)


def _pieces(count: int, width: int) -> Iterator[tuple[int, int]]:
    """Cut ``range(count)`` so that a table ``width`` wide stays small."""
    step = max(1, min(_CHUNK, _TABLE // max(width, 1)))
    for begin in range(0, count, step):
        yield begin, min(begin + step, count)


def _signs_at(points: NDArray[Any], rows: NDArray[Any]) -> Signs:
    """Signs of rows (m, 2) at points (b, 2), decided exactly; shape (b, m)."""
    if rows.dtype != object:
        # two products below 2**61 each, see `flats`
        values = points[:, :1] * rows[:, 0] + points[:, 1:] * rows[:, 1]
        return signs_of(values)
    near_points = scaled_floats(points.tolist(), (0, 0))
    near_rows = scaled_floats(rows.tolist(), (0, 0))
    first = near_points[:, :1] * near_rows[:, 0]
    second = near_points[:, 1:] * near_rows[:, 1]
    guess = first + second
    # at most four roundings of 2**-53 (1 + tiny) each, and underflow of entries
    bound = (np.abs(first) + np.abs(second)) * 2.0**-50 + 2.0**-1000
    signs = signs_of(guess)
    p, i = np.nonzero(np.abs(guess) <= bound)
    values = points[p, 0] * rows[i, 0] + points[p, 1] * rows[i, 1]
    signs[p, i] = signs_of(values)
    return signs
