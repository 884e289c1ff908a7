"""Names of the columns and codes that the cell kernels and their wrapper share.

A row of the arrangement has a *place*: bit ``place % 64`` of word ``place // 64`` in
every mask.  Places follow the order of the input rows, so that the lowest bit is the
row to insert next.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]

# fixed masks over places (4, n_words): those that hold a row, those that are output
# bits, rows required to be positive, or negative
VALID, COPIED, NEED_PLUS, NEED_MINUS = range(4)

# fixed masks over output bits (2, words): constant bits, bits that an antipode flips
CONSTANT, MOVING = range(2)

# columns of ``meta``: a waiting cell's rays are ids[start:start + count], and the pool
# of rays is free from POOL_TOP on
START, COUNT, POOL_TOP = range(3)

# entries of the control vector; STEP is 2 where each pattern's antipode follows it,
# SINGLE 1 to stop after one chamber.  In filtered arithmetic a cut may stop until the
# ray DOUBTFUL is exact; N_NEW new rays are planned, N_MADE made, the next one perhaps
# begun (IS_BEGUN)
(
    N_FRAMES,
    NEXT_ROOT,
    N_ROOTS,
    N_EMITTED,
    STEP,
    SINGLE,
    DOUBTFUL,
    N_NEW,
    N_MADE,
    IS_BEGUN,
) = range(10)

# rows of the scratch lists (8, capacity), by position in the cell: the ray, the side
# of the new row it is on, whether exactly r - 1 rows are tight there, whether its
# value is known; positions on either side; positions of the parents of new rays
RAY, SIDE, IS_SIMPLE, HAS_VALUE, LEFT, RIGHT, PARENT_P, PARENT_Q = range(8)

# columns of ``members``: an output bit copied from a place, perhaps complemented
FROM_WORD, FROM_BIT, TO_WORD, TO_BIT, FLIP = range(5)

# rows of the scratch ``picks`` (3, places): rows tight at a ray, chosen independent
# ones, and their pivot columns
TIGHT, CHOSEN, COLUMNS = range(3)

# how a ray of filtered arithmetic was found
COMBINED, SOLVED, EXACT = range(3)

# what a walk reports
DONE, BLOCK_FULL, PAUSED, GROW_POOL, GROW_LISTS, REFINE = range(6)

# what the next row of a cell can be besides a place
LEAF, EXCLUDED = -1, -2


class Exact(NamedTuple):
    """Exact numbers of filtered arithmetic and working arrays for them.

    ``row_words`` (places, r, n + 1) uint64: entries of the rows; ``ray_words``
    (cap, r, n_digits) uint64: rays whose kind is EXACT; ``shifts`` (r,) int64:
    exponents of the scales of the columns.  Overwritten at will: ``minors``
    (2**r + 1, n_digits) uint64 and ``residues`` (r, r + 1) int64.
    """

    row_words: Array
    ray_words: Array
    shifts: Array
    minors: Array
    residues: Array


class Output(NamedTuple):
    """What a walk writes, chamber by chamber; what is not asked for has no rows.

    ``patterns`` (chambers times step, words) uint64; ``points`` (chambers, r) float64:
    candidates for points inside, in the coordinates of the cone times ``2**shift``;
    ``bases`` (chambers, r - 1) int64: rows at a vertex of the chamber, where the walk
    knows one (first -1: none); ``starts`` (chambers + 1,) and ``places`` int64: those
    of its facets.
    """

    patterns: Array
    points: Array
    bases: Array
    starts: Array
    places: Array
