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
# SINGLE 1 to stop after one chamber
N_FRAMES, NEXT_ROOT, N_ROOTS, N_EMITTED, STEP, SINGLE = range(6)

# rows of the scratch lists (8, capacity), by position in the cell: the ray, the side
# of the new row it is on, whether exactly r - 1 rows are tight there, whether its
# value is known; positions on either side; positions of the parents of new rays
RAY, SIDE, IS_SIMPLE, HAS_VALUE, LEFT, RIGHT, PARENT_P, PARENT_Q = range(8)

# columns of ``members``: an output bit copied from a place, perhaps complemented
FROM_WORD, FROM_BIT, TO_WORD, TO_BIT, FLIP = range(5)

# what a walk reports
DONE, BLOCK_FULL, PAUSED, GROW_POOL, GROW_LISTS, FAILED = range(6)

# what the next row of a cell can be besides a place
LEAF, EXCLUDED = -1, -2


class FloatRows(NamedTuple):
    """Rows by place, for filtered arithmetic.

    ``floats`` (places, r): the exact entries times powers of two (one a column, one a
    row) rounded to float64; ``norms`` (places,) upper bounds of their 1-norms;
    ``words`` (places, r, n_digits + 1) uint64 the exact entries; ``shifts`` (r,) int64
    the exponents of the column scales.
    """

    floats: Array
    norms: Array
    words: Array
    shifts: Array


class FloatRays(NamedTuple):
    """Rays in filtered arithmetic.

    ``floats`` (cap, r) with largest entry at most 1; ``errors`` (cap,) bounds on their
    distance (max norm) from a positive multiple of the true ray; ``exact`` (cap,) uint8
    whether ``words`` (cap, r, n_words) hold the true ray.
    """

    floats: Array
    errors: Array
    words: Array
    exact: Array


class ExactScratch(NamedTuple):
    """Working arrays for rays that have to be exact, overwritten at will.

    ``pending`` (n_words,) marks rows whose sign at the newest ray is not known yet;
    all zero between calls.
    """

    pending: Array
    tight: Array
    residues: Array
    minors: Array
    word: Array
    dot: Array
