"""Chambers by orbits of a group of symmetries: one of each, and how many it stands for.

Two chambers with a common facet are neighbours, and any two are joined by a path of
neighbours. A symmetry takes neighbours to neighbours. So each orbit has a neighbour of
a chamber that stands for an orbit on the way to it: starting at any chamber, it is
enough to cross the facets of one chamber of each orbit, and the others are never seen.

A chamber is a set of signed rows, one for each distinct hyperplane, and the group
permutes signed rows. The image that stands for its orbit, and the number of symmetries
that keep the chamber, come out of one search (:mod:`arrangement._kernels.orbits`),
which is complete here, in a group whose chain of stabilisers is proven. The sizes of
all orbits must add up to the number of chambers, which is counted by another way.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrangement._kernels.orbits import find_images
from arrangement.counting import Symmetries, check_choice, count_patterns
from arrangement.errors import (
    BudgetExceededError,
    IncompleteListingError,
    ListingStoppedError,
)
from arrangement.io import ProgressLike, listener
from arrangement.listing.plan import Plan
from arrangement.listing.streams import iter_patterns
from arrangement.model import (
    Arrangement,
    Frame,
    Stabilisers,
    Symmetry,
    find_symmetries,
    make_chain,
    pack,
    read_symmetries,
)
from arrangement.options import Deadline, Listener, Progress, short_repr

Bits = NDArray[np.bool_]

# chambers whose facets are found in one go
_WAVE = 256
# rounds of refinement, and paths of one search before it is given up
_ROUNDS = 1
_MOST_PATHS = 1 << 20


class Orbit(NamedTuple):
    """A chamber, and how many there are in its orbit.

    Attributes
    ----------
    pattern : ndarray, shape (n,), bool
        Its sign pattern.
    size : int
        Chambers in the orbit, this one included.
    """

    pattern: NDArray[np.bool_]
    size: int

    def __repr__(self) -> str:
        """Return the fields on one short line, arrays by their shapes."""
        return short_repr(self)


def iter_orbits(
    X: Arrangement | ArrayLike | Any,
    *,
    symmetry: Symmetries = "auto",
    offsets: ArrayLike | None = None,
    rank: str | int = "exact",
    floats: str = "binary",
    time_limit: float | None = None,
    progress: ProgressLike = None,
) -> Iterator[Orbit]:
    """Yield one chamber of each orbit of a group of symmetries, and the orbit's size.

    The group is that of all maps of chambers behind the permutations of rows: with each
    permutation come the signs that a linear map gives to the rows, and so a central
    arrangement has the antipodal map (one for each component of the matroid).

    Parameters
    ----------
    X, offsets, rank, floats
        As in `enumerate_patterns`.
    symmetry : "auto", None or sequence of array_like, shape (n,)
        As in `count_patterns`; ``"auto"``: those that a search finds.  None: only
        the antipodal maps.  The row at infinity of an affine arrangement stays.
    time_limit : float, optional
        Stop after so many seconds; a wave of chambers and the count at the end are
        finished first, the latter within about a second.
    progress : callable, optional
        Called with a `Progress` after each wave of chambers.

    Yields
    ------
    Orbit
        ``pattern`` (n,) bool and ``size``, a Python int.  Order: from the first chamber
        of a list on, by the number of facets to cross; it is the same in every run.

    Raises
    ------
    ListingStoppedError
        The time was up, or a search for an image took too long.
    IncompleteListingError
        From the end: the sizes do not add up to the number of chambers (a defect of
        the program; please report it).
    InputError, InputTypeError
        As `count_patterns`.

    Notes
    -----
    Time: orbits times facets of one chamber, each a search for an image.  Memory: one
    set of bits an orbit.

    Examples
    --------
    >>> braid = [[1, -1, 0], [1, 0, -1], [0, 1, -1]]
    >>> [(orbit.pattern.astype(int).tolist(), orbit.size)
    ...  for orbit in iter_orbits(braid)]
    [([1, 1, 0], 6)]
    >>> [orbit.size for orbit in iter_orbits(braid, symmetry=None)]
    [2, 2, 2]
    """
    check_choice(symmetry)
    progress = listener(progress)
    deadline = Deadline(time_limit)
    arrangement = Arrangement.coerce(X, offsets=offsets, rank=rank, floats=floats)
    frame = Frame(arrangement.cone)
    last = None if arrangement.is_central else len(frame.rows) - 1
    if symmetry is None or not frame.rank:
        found: list[Symmetry] = []
    elif isinstance(symmetry, str):
        found = find_symmetries(frame, deadline.is_late, kept=last)
    else:
        found = read_symmetries(arrangement, symmetry, frame)
    group = make_chain(_signed(frame, found, last), 2 * len(frame.rows))
    return _Orbits(arrangement, group, deadline, progress).run()


def _signed(
    frame: Frame, found: list[Symmetry], last: int | None
) -> list[NDArray[np.int32]]:
    """Return permutations of the signed rows: row j is j, its opposite j + m.

    One for each symmetry, and for each component the map that turns it around.  The
    row ``last``, at infinity, keeps its sign.
    """
    m = len(frame.rows)
    rows = np.arange(m, dtype=np.int32)
    out = []
    identity = frame.symmetry(rows)
    components = np.zeros(m, dtype=np.int64)
    if identity is not None:
        components = identity.components
    for component in np.unique(components):
        if last is None or component != components[last]:
            flipped = np.where(components == component, rows + m, rows)
            out.append(np.concatenate([flipped, (flipped + m) % (2 * m)]))
    for symmetry in found:
        signs = symmetry.signs
        if last is not None and signs[last] < 0:
            signs = np.where(components == components[last], -signs, signs)
        image = np.where(signs > 0, symmetry.images, symmetry.images + m)
        out.append(np.concatenate([image, (image + m) % (2 * m)]))
    return [permutation.astype(np.int32) for permutation in out]


class _Orbits:
    """The walk from orbit to orbit."""

    def __init__(
        self,
        arrangement: Arrangement,
        group: Stabilisers,
        deadline: Deadline,
        progress: Listener | None,
    ) -> None:
        self.arrangement = arrangement
        self.plan = Plan(arrangement, by_cells=True)
        self.group = group
        self.search = group.search()
        self.deadline = deadline
        self.progress = progress
        self.n_orbits = self.total = 0

    def run(self) -> Iterator[Orbit]:
        """Yield the orbits, wave by wave, and check their sizes at the end."""
        first = next(iter_patterns(self.arrangement, block_size=2))[:1].to_bool()
        if not self.arrangement.n_distinct:
            yield Orbit(first[0], 1)
            return
        if not self.group.is_proven():
            raise ListingStoppedError(
                "the stabilisers of the group were not all found (a rare chance); give "
                "other generators as symmetry. 0 orbits were found."
            )
        known: set[bytes] = set()
        wave = [first[:, self.arrangement.first_rows]]
        while wave:
            new = []
            for chambers in wave:
                for image, size in self._images(chambers):
                    key = np.packbits(image).tobytes()
                    if key not in known:
                        known.add(key)
                        new.append(image)
                        self.n_orbits += 1
                        self.total += size
                        yield Orbit(self._patterns(image[None])[0], size)
            self._look_up()
            wave = [
                self._neighbours(np.array(new[k : k + _WAVE]))
                for k in range(0, len(new), _WAVE)
            ]
        self._check()

    def _look_up(self) -> None:
        """Say how far it is, and stop when the time is up."""
        so_far = f"{self.n_orbits:,} orbits of {self.total:,} patterns"
        if self.progress is not None:
            self.progress(Progress(so_far, self.total))
        if self.deadline.is_late():
            raise ListingStoppedError(
                f"{self.deadline} was reached. {so_far} were yielded."
            )

    def _images(self, chambers: Bits) -> Iterator[tuple[Bits, int]]:
        """Yield for each chamber that which stands for its orbit, and its size."""
        m = self.arrangement.n_distinct
        n_rows = self.group.chain.orbits.shape[1] // 2
        rows = np.arange(n_rows)
        signs = np.ones((len(chambers), n_rows), dtype=bool)
        signs[:, :m] = chambers
        sets = np.where(signs, rows, rows + n_rows)
        found = np.zeros((len(sets), 2 + len(self.group.base)), dtype=np.int64)
        is_done = find_images(
            sets, _ROUNDS, _MOST_PATHS, self.group.chain, self.search, found
        )
        if not is_done:
            raise ListingStoppedError(
                f"a chamber has too many symmetries to follow ({_MOST_PATHS:,} paths). "
                f"{self.n_orbits:,} orbits of {self.total:,} patterns were yielded."
            )
        for members, ends in zip(sets, found, strict=True):
            image = np.zeros(2 * n_rows, dtype=bool)
            image[members] = True
            yield image[:m], self.group.index_of(ends)

    def _neighbours(self, chambers: Bits) -> Bits:
        """Return the chambers across each facet of some chambers."""
        packed = pack(self._patterns(chambers))
        facets = self.plan.pattern_set(packed).facets()
        counts = [len(rows) for rows in facets]
        out = np.repeat(chambers, counts, axis=0)
        crossed = self.arrangement.class_of[np.concatenate(facets)]
        out[np.arange(len(out)), crossed] ^= True
        return out

    def _patterns(self, chambers: Bits) -> Bits:
        """Return the patterns of all rows from signs of the distinct hyperplanes."""
        known = self.arrangement
        bits = chambers[:, known.class_of] == (known.orientation > 0)
        return np.where(known.class_of >= 0, bits, known.constant_bits)

    def _check(self) -> None:
        """Compare the sizes of all orbits with a count that lists nothing."""
        try:
            count = count_patterns(self.arrangement, time_limit=self.deadline.left())
        except BudgetExceededError:
            raise ListingStoppedError(
                f"{self.deadline} was reached while the patterns were counted. "
                f"{self.n_orbits:,} orbits of {self.total:,} patterns were yielded, "
                "all that were found."
            ) from None
        if count != self.total:
            raise IncompleteListingError(
                f"{self.n_orbits:,} orbits of {self.total:,} patterns were found, but "
                f"the count is {count:,}; please report it."
            )
