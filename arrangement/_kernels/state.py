"""Arrays that the cell kernels work on, grouped; allocated by the wrapper."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]

# columns of Stack.meta
LEVEL, START, COUNT, POOL_TOP = 0, 1, 2, 3

# entries of the control vector
N_FRAMES, NEXT_ROOT, N_ROOTS, N_EMITTED = 0, 1, 2, 3

# what a kernel reports
DONE, BLOCK_FULL, PAUSED, CUT, GROW_POOL, GROW_LISTS, GROW_SLOTS, LEAF, FAILED = range(
    9
)


class Rows(NamedTuple):
    """The m rows in the order of insertion; the first r are independent.

    ``ints`` (m, r) int64 is empty, (0, r), when the bound for int64 fails; then
    ``words`` (m, r, n_digits + 1) uint64 are the exact entries, ``floats`` (m, r) the
    entries times powers of two (one a column and one a row) rounded to float64, and
    ``norms`` (m,) upper bounds of the 1-norms of ``floats``; ``shifts`` (r,) int64
    the exponents of the column scales.  Bits that row i sets are the members
    ``starts[i]:starts[i + 1]`` of ``member_word``, ``member_bit``, ``member_flip``.
    """

    ints: Array
    floats: Array
    norms: Array
    words: Array
    shifts: Array
    starts: Array
    member_word: Array
    member_bit: Array
    member_flip: Array
    constant: Array


class Pool(NamedTuple):
    """Rays of the cells on the stack; a stack itself (POOL_TOP).

    ``ints`` (cap, r) int64 primitive; or, when the bound for int64 fails,
    ``floats`` (cap, r) with largest entry at most 1, ``errors`` (cap,) bounds on their
    distance (max norm) from a positive multiple of the true ray, ``exact`` (cap,)
    uint8 whether ``words`` (cap, r, n_words) hold the true ray.
    """

    ints: Array
    floats: Array
    errors: Array
    words: Array
    exact: Array


class Stack(NamedTuple):
    """Cells that wait, depth first.

    ``meta`` (depth, 4) int64; ``signs`` (depth, n_words) uint64 output bits so far;
    ``slots`` (depth, 64 * n_masks) int64 the row that holds each slot; a cell's rays
    are ``ids[start:start + count]`` with zero sets ``masks`` (cap, n_masks) uint64 over
    the slots.  Only rows that cut the cell hold a slot: a row whose sign was
    forced is no facet.
    """

    meta: Array
    signs: Array
    slots: Array
    ids: Array
    masks: Array


class Scratch(NamedTuple):
    """Working arrays, overwritten at will."""

    values: Array
    approx: Array
    sides: Array
    ids: Array
    masks: Array
    parents: Array
    mask: Array
    tight: Array
    residues: Array
    minors: Array
    word: Array
    dot: Array


class Output(NamedTuple):
    """One block of chambers; empty arrays are not filled."""

    patterns: Array
    witnesses: Array
    facet_starts: Array
    facets: Array
