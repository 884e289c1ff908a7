"""A spanning tree of the graph of chambers, walked depth first, without coordinates.

A cell K is entered at one of its chambers, A.  Take a facet of A whose row cuts K: it
splits K into the side of A and another side, which is entered at the chamber across
that facet.  Split the side of A on until it is A itself, then walk the other sides:
they are disjoint and fill K without A, so the facets crossed are the edges of a
spanning tree.  No row is crossed twice on the way from the root, so a chamber's depth
is the number of hyperplanes between it and the root: the tree is one of shortest
paths, as that of reverse search (Avis & Fukuda 1996; Sleumer 1999), but a chamber costs
a few cuts and no parent is searched for; nothing is remembered but the cells that wait.

Which rows are facets of A is known only when A is: a cell is cut by the row that leaves
the fewest rays on A's side, and cuts by rows that turn out to be no facets are taken
back.  (Measured: 1.0 to 1.8 cuts a chamber, where cutting by the lowest row that is
left took 1.9 to 3.1.)
"""

from __future__ import annotations

import numpy as np

from arrangement._kernels.bits import ONE, ZERO, lowest
from arrangement._kernels.cells import is_facet
from arrangement._kernels.compile import bare_forced, bare_inner
from arrangement._kernels.state import COUNT, LEAF, N_EMITTED, N_FRAMES, POOL_TOP, START

# further columns of ``meta``: what the cell is, the place of the row crossed into it,
# and from where on ``ids`` is free
KIND, CROSSED, FREE = 3, 4, 5
N_COLUMNS = 6

# kinds: the side of A, waiting for nothing; a side to enter; one that was entered
PASSED, WAITING, ENTERED = range(3)

# further entries of the control vector: what to do next, depth in the tree, moves
# written, the frame last entered, whether the facets of A are known
PHASE, DEPTH, N_MOVES, CELL, IS_KNOWN = range(10, 15)
CONTROL_SIZE = 15

# phases: take the cell on top; cut it down to A; A is on top
TAKE, DESCEND, ARRIVE = range(3)

# a cell was entered that contains a line; the wrapper has to cut it (see `state`)
NEED_RAYS = 16

# moves besides the place of a row that is crossed to a new chamber
BACK, ROOT = -1, -2


@bare_forced
def next_cut(masks, ids, start, count, union, allowed, signs):
    """Place of the row to cut the cell on top by, or LEAF when none is left.

    Of the rows that cut it, the one with the fewest rays strictly on A's side (only a
    guess; numbers from 16 on are not told apart).
    """
    n_words = allowed.size
    place = LEAF
    fewest = 1 << 30
    for w in range(n_words):
        rest = union[w] & union[n_words + w] & allowed[w]
        if rest == ZERO:
            continue
        # bit i of the planes together: the number for row i, added without a loop
        ones = twos = fours = eights = many = ZERO
        for t in range(start, start + count):
            ray = ids[t]
            carry = (masks[ray, w] & signs[w]) | (masks[ray, n_words + w] & ~signs[w])
            ones, carry = ones ^ carry, ones & carry
            twos, carry = twos ^ carry, twos & carry
            fours, carry = fours ^ carry, fours & carry
            eights, carry = eights ^ carry, eights & carry
            many |= carry
        number = 0
        for plane, value in (
            (many, 16), (eights, 8), (fours, 4), (twos, 2), (ones, 1)
        ):  # fmt: skip
            if rest & ~plane != ZERO:
                rest &= ~plane
            else:
                number += value
        if number < fewest:
            fewest = number
            place = 64 * w + lowest(rest)
    return place


@bare_forced
def push_copy(ids, meta, control):
    """Put a copy of the cell on top above it; False when ``ids`` is too short."""
    top = control[N_FRAMES] - 1
    start, count, free = meta[top, START], meta[top, COUNT], meta[top, FREE]
    if free + count > ids.size:
        return False
    for t in range(count):
        ids[free + t] = ids[start + t]
    meta[top + 1, START] = free
    meta[top + 1, COUNT] = count
    meta[top + 1, POOL_TOP] = meta[top, POOL_TOP]
    control[N_FRAMES] = top + 2
    return True


@bare_forced
def name_sides(meta, control, signs, place):
    """Of two children, the positive one on top: put A's side on top and name both."""
    top = control[N_FRAMES] - 1
    free = meta[top, START] + meta[top, COUNT]
    if signs[place >> 6] & (ONE << np.uint64(place & 63)) == ZERO:
        for column in (START, COUNT):
            kept = meta[top, column]
            meta[top, column] = meta[top - 1, column]
            meta[top - 1, column] = kept
    meta[top - 1, KIND] = WAITING
    meta[top - 1, CROSSED] = place
    meta[top - 1, FREE] = free
    meta[top, KIND] = PASSED
    meta[top, FREE] = free


@bare_forced
def take(meta, control, signs, allowed, moves):
    """Take the cell on top: enter it, or leave it; False when ``moves`` is full."""
    top = control[N_FRAMES] - 1
    if meta[top, KIND] == WAITING:
        if meta[top, CROSSED] >= 0:
            _flip(signs, meta[top, CROSSED])
            control[DEPTH] += 1
        meta[top, KIND] = ENTERED
        control[CELL] = top
        control[IS_KNOWN] = 0
        control[PHASE] = DESCEND
        for w in range(allowed.size):
            allowed[w] = ~ZERO
        return True
    if meta[top, KIND] == ENTERED and meta[top, CROSSED] >= 0:
        if control[N_MOVES] == moves.size:
            return False
        moves[control[N_MOVES]] = BACK
        control[N_MOVES] += 1
        control[DEPTH] -= 1
        _flip(signs, meta[top, CROSSED])
    control[N_FRAMES] = top
    return True


@bare_forced
def _flip(signs, place):
    signs[place >> 6] ^= ONE << np.uint64(place & 63)


@bare_inner
def take_back(masks, ids, meta, control, fixed, allowed):
    """Undo the cuts from the first one on by a row that is no facet of A, on top.

    A's facets are inequalities of the cell that was entered, or among the rows it was
    cut by; ``allowed`` gets the latter.  False when there is nothing to undo.
    """
    top = control[N_FRAMES] - 1
    start, count = meta[top, START], meta[top, COUNT]
    wrong = -1
    for w in range(allowed.size):
        allowed[w] = ZERO
    for frame in range(control[CELL] + 1, top):
        if meta[frame, KIND] == WAITING:
            word = meta[frame, CROSSED] >> 6
            flag = ONE << np.uint64(meta[frame, CROSSED] & 63)
            if is_facet(masks, ids, start, count, fixed, word, flag):
                allowed[word] |= flag
            elif wrong < 0:
                wrong = frame
    control[IS_KNOWN] = 1
    if wrong < 0:
        return False
    control[N_FRAMES] = wrong
    control[PHASE] = DESCEND
    return True


@bare_forced
def is_full(control, moves, patterns):
    """Whether there is no room for another chamber."""
    return control[N_MOVES] == moves.size or control[N_EMITTED] == patterns.shape[0]


@bare_forced
def write_move(meta, control, moves):
    """Write the move to the chamber on top and go on with what waits."""
    place = meta[control[CELL], CROSSED]
    moves[control[N_MOVES]] = place if place >= 0 else ROOT
    control[N_MOVES] += 1
    control[PHASE] = TAKE
