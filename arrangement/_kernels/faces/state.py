"""Names of the slots and arrays of the walk over faces."""

from __future__ import annotations

from typing import NamedTuple

from arrangement._kernels.state import Array

# the order of the chambers of a flat may not be that of signs: Python knows
ASK = 100

# slots of a level: where its arrays begin and how long they are; the row by which it
# was cut out of the one above, and whether no two rows are parallel there
BEGIN, COUNT, SLOTS, N_SLOTS, FILTER, N_FILTER, LAST, IS_DISTINCT, N_LEVEL = range(9)

# slots of ``control``: the level that the walk is on, and that of the flats on which
# faces are written; the dimension of the faces, of an affine arrangement one more;
# whether a flat is open, how many faces it has (opposite ones not counted) and how many
# are written (counted); rows up to which the order is that of signs without asking, and
# whether it is; rows written; the last stamp
(
    DEPTH, TARGET, CONE, IS_CENTRAL, IS_OPEN, N_FACES, AT, FEW_ROWS, IS_BY_SIGNS,
    WRITTEN, STAMP, N_CONTROL,
) = range(12)  # fmt: skip


class Path(NamedTuple):
    """A path of flats, each inside the one before.

    ``words`` (room, n_words) uint64 are chambers, bit ``i % 64`` of word ``i // 64``
    set where row i is positive, and ``hashes`` (room,) uint64; ``slots`` uint32 are
    tables of places of chambers, from 1 on, and ``filters`` uint64 those that tell most
    others apart; of each flat from a place of its own on (`BEGIN` and so on in
    ``levels`` (levels, N_LEVEL) int64).  ``zero``, ``moving`` and ``seen`` (levels,
    n_words) uint64 are the rows that are zero on a flat, those with both signs, and
    those among whose parallels the walk has been.  ``walls`` (rows,
    chambers / 64) uint64 are the chambers of the first flat of which a row is a wall,
    and ``keys`` (rows,) uint64.
    """

    words: Array
    hashes: Array
    slots: Array
    filters: Array
    levels: Array
    zero: Array
    moving: Array
    seen: Array
    walls: Array
    keys: Array


class Scratch(NamedTuple):
    """What a cut and an order are found with.

    ``parallel``, ``opposite`` and ``flips`` (n_words,) uint64 are masks of rows;
    ``order``, ``codes``, ``starts`` and ``stamps`` int64 have room for each chamber of
    a flat, and two more.
    """

    parallel: Array
    opposite: Array
    flips: Array
    order: Array
    codes: Array
    starts: Array
    stamps: Array


class Spread(NamedTuple):
    """How the signs of all rows follow: ``signs[source] * factor + constant``.

    ``source`` (n,) int64, ``factor`` and ``constant`` (n,) int8; ``is_direct`` where
    rows are their own source.  ``signs`` (64 n_words) int8 is scratch, ``eights`` (8
    n_words) uint64 the same memory, and ``own`` (n,) int8 gets the factors on a flat;
    ``bytes`` (256,) uint64 has the signs of eight bits, as eight int8.
    """

    source: Array
    factor: Array
    constant: Array
    is_direct: bool
    signs: Array
    eights: Array
    own: Array
    bytes: Array
