"""What the kernels and their wrappers share: named arrays, codes and reports.

A row of the arrangement has a *place*: bit ``place % 64`` of word ``place // 64`` in
every mask.  Places follow the order of the input rows, so that the lowest bit is the
row to insert next.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]

# entries of the control vector of all walks
(
    # where each pattern's antipode follows it STEP is 2; patterns written
    STEP,
    N_EMITTED,
    # by cells: cells waiting, cones of the base; SINGLE 1 to stop after one chamber
    N_FRAMES,
    NEXT_ROOT,
    N_ROOTS,
    SINGLE,
    # in integers, what is of two words: 0, PRODUCTS of values and rays, VALUES too
    WIDE,
    # bits of a word that the sizes of rays of minors leave
    SPARE_BITS,
    # rays of a cell whose last rows are looked at before it is cut, at least
    LEAST_RAYS,
    # a cut may stop until the ray DOUBTFUL is exact (in integers: its position); in
    # filtered arithmetic N_NEW new rays are planned, and N_MADE made, the next one
    # perhaps begun (IS_BEGUN)
    DOUBTFUL,
    N_NEW,
    N_MADE,
    IS_BEGUN,
    # along the tree: what to do next, depth, moves written, the frame last entered,
    # whether the facets of the chamber to enter are known
    PHASE,
    TREE_DEPTH,
    N_MOVES,
    ENTERED_FRAME,
    IS_KNOWN,
    # by vertices: rows eliminated, the next last row (-1: the prefix is new), the
    # place of the prefix to increase (-1: none), the end of the range of the row at
    # the place HEAD of the prefix (those before it stay)
    N_ELIMINATED,
    LAST,
    INCREASE,
    STOP,
    HEAD,
    # whether the rows are known in the order in which they cross the line of the prefix
    ORDER,
    CONTROL_SIZE,
) = range(25)

# of that order: not looked for, known, in doubt
OPEN, ORDERED, DOUBTED = range(3)

# columns of ``members``: an output bit copied from a place, perhaps complemented
FROM_WORD, FROM_BIT, TO_WORD, TO_BIT, FLIP = range(5)

# how a ray of filtered arithmetic was found
COMBINED, SOLVED, EXACT = range(3)

# what is of two words
PRODUCTS, VALUES = 1, 2

# and one of integers: the minors of rows, or what their gcd leaves of them
PRIMITIVE, MINORS = range(2)

# what a kernel reports that stops before its end
(
    DONE,
    BLOCK_FULL,
    PAUSED,
    # by cells and along the tree: arrays to enlarge, a ray to make exact, a cell that
    # contains a line and has to be cut
    GROW_POOL,
    GROW_LISTS,
    REFINE,
    NEED_RAYS,
    # by vertices: sets of rows to decide exactly, a determinant that may not vanish
    UNDECIDED_PREFIX,
    UNDECIDED_VERTEX,
    NOT_GENERIC,
    # in counting: other primes are needed
    BAD_PRIME,
) = range(11)

# last rows of a cell whose signs are looked for at once, at most: sets of their signs
# are a word; and the length of a vector of coordinates by a basis (`cells.orthants`)
LAST_ROWS, BASIS = 6, 8

# what the next row of a cell can be besides a place
LEAF, EXCLUDED = -1, -2


class Rows(NamedTuple):
    """The rows, and the simplicial cones of r of them that a walk starts from.

    ``rows`` (places, r) int64, or (places, r + 1) float64 (see `cells.float_rays`);
    ``base`` the rays of the first cone, (r, r + 1) or (r, r + 2), and ``base_masks``
    (r, 2 n_words) their masks; ``valid`` (n_words,) the places that hold a row.
    """

    rows: Array
    base: Array
    base_masks: Array
    valid: Array


class Required(NamedTuple):
    """Masks (n_words,) of the rows required to be positive, and negative."""

    plus: Array
    minus: Array


class Outside(NamedTuple):
    """How masks over places become patterns.

    ``copied`` (n_words,) the places that are output bits; ``constant`` and ``moving``
    (words,) the output bits that are always set, and those that an antipode flips;
    ``members`` (k, 5) the output bits that are copied one by one.
    """

    copied: Array
    constant: Array
    moving: Array
    members: Array


class Cells(NamedTuple):
    """The rays, and the cells that wait on a stack.

    Ray k has the coordinates ``rays[k]`` and the masks ``masks[k]`` (2 n_words,): where
    it is strictly positive, where negative.  The rays of a waiting cell are
    ``ids[start:start + n_rays]``, and the pool of rays is free from ``pool_top`` on;
    these three (depth,) are by position in the stack.
    """

    masks: Array
    rays: Array
    ids: Array
    start: Array
    n_rays: Array
    pool_top: Array
    control: Array


class Cut(NamedTuple):
    """Scratch of one cut, by position in the cell that is cut, new rays last.

    ``ray``; ``zeros`` (capacity, n_words), the rows tight there, and ``is_simple``,
    whether they are exactly r - 1; ``side`` of the new row, and ``value`` there where
    ``has_value``, its upper word in ``high``; ``parent_p`` and ``parent_q`` of a new
    ray, by position.  ``left`` and ``right`` list the positions on either side.
    ``columns`` (n_words, capacity) are ``zeros`` word by word, and ``across`` those on
    the right, where words are few; ``words`` (2, n_words) is scratch;
    ``union`` (2 n_words,) is that of the masks of a cell, ``pending`` (n_words,) the
    rows whose sign at a ray is open.

    Of a cell that ``few`` (most,) rows cut (see `cells.parts`): ``lines`` (most + 1, r)
    float64 those rows, scaled, and a vector; by position their ``signs``, and their
    values ``near`` (most, capacity) float64; ``turned`` (r, capacity) the entries of
    the rays, and what ``scales`` (capacity,) them to size 1.  Of a test of signs (see
    `cells.orthants`): ``present`` (capacity,) 1 where not all rows vanish; the sides to
    which it does ``turn`` (most,) rows, and their ``weights``; the ``inverse`` (most +
    1, 8) of the ``basis`` (8,), which are rays by position, and the coordinates
    (8,) of the ``step`` to the next.  By number of a part: the rays at its ``corners``
    (2**most, most) that show it with the ``shares``.
    """

    union: Array
    pending: Array
    zeros: Array
    columns: Array
    across: Array
    words: Array
    few: Array
    lines: Array
    near: Array
    present: Array
    scales: Array
    turned: Array
    turn: Array
    weights: Array
    inverse: Array
    step: Array
    basis: Array
    corners: Array
    shares: Array
    value: Array
    high: Array
    ray: Array
    side: Array
    is_simple: Array
    has_value: Array
    left: Array
    right: Array
    parent_p: Array
    parent_q: Array
    signs: Array


class Solver(NamedTuple):
    """Scratch for a ray of filtered arithmetic (see `cells.float_rays`).

    ``work`` (2 r + 3, 2 r + 2) float64; rows ``tight`` at the ray, independent ones
    ``chosen`` of them, and their pivot ``columns``, each as long as there are places.
    """

    work: Array
    tight: Array
    chosen: Array
    columns: Array


class Tree(NamedTuple):
    """What the walk along the tree knows besides the cells.

    By position in the stack: the ``kind`` of a cell, the place of the row ``crossed``
    into it, and from where on ``ids`` is ``free``.  ``signs`` (n_words,) of the chamber
    to enter, and the rows ``allowed`` to cut its cell.
    """

    kind: Array
    crossed: Array
    free: Array
    signs: Array
    allowed: Array


class Chart(NamedTuple):
    """What the walk over vertices knows of the rows, row 0 aside.

    ``free`` (n_free,) their places, ascending, and ``valid`` (n_words,) the mask of
    them; ``binomials[c, k]`` is C(k, c).  Where every place is an output bit, ``base``
    (n_words,) are the constant bits and row 0, and ``flips`` the bits that antipodes
    turn, and patterns are written straight away; then ``copies`` (k, 5) uint64: turn
    word SOURCE left by ROTATE bits, flip those TURNED, and those in MASK are bits of
    word TARGET.  Else ``flips`` is zero.
    """

    free: Array
    binomials: Array
    valid: Array
    base: Array
    flips: Array
    copies: Array


class Path(NamedTuple):
    """Where the walk over vertices stands in one level.

    ``prefix`` (d - 1,) the rows of the set but the last, as positions in ``free``;
    ``coords`` (d, d + 1, places) float64 the coordinates of all rows when so many of
    them are eliminated, ``bounds`` (d, 4) on their errors and sizes, ``signs`` (d,) of
    the determinant; ``offsets`` (d,) scratch: places in the next table.
    """

    coords: Array
    bounds: Array
    signs: Array
    prefix: Array
    offsets: Array
    control: Array


class Line(NamedTuple):
    """Scratch along the line of a prefix.

    Of all rows the ``keys`` (places,) int16 of the order in which they cross it; masks
    (n_words,) of the ``others`` than row 0 and the prefix, of those ``negative`` along
    the line, those whose keys are ``unsure``, and those whose ``sides`` are ``known``.
    Bit j of ``sides[s]`` (d - 1, n_words) is the sign of the s-th row of the prefix
    where row j crosses.  Chambers that are not written straight away go through
    ``union`` (2, n_words).  ``order`` (n_free,) int64 begins with the others, as
    positions in ``free``, in the order in which they cross, where that is known;
    ``fractions`` float64, ``buckets`` and ``ends`` int64 (n_free,) are scratch for it.
    """

    keys: Array
    others: Array
    negative: Array
    unsure: Array
    known: Array
    sides: Array
    union: Array
    order: Array
    fractions: Array
    buckets: Array
    ends: Array


class Simple(NamedTuple):
    """What is written of the chambers at simple vertices.

    ``patterns`` as in `Output`; ``bases`` (chambers, d) int64 the places of the rows at
    the vertex, or empty, and ``sides`` float64 the signs there, or no columns.
    """

    patterns: Array
    bases: Array
    sides: Array


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
