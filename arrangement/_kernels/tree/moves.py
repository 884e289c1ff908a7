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
from arrangement._kernels.state import (
    ENTERED_FRAME,
    IS_KNOWN,
    LEAF,
    N_EMITTED,
    N_FRAMES,
    N_MOVES,
    PHASE,
    TREE_DEPTH,
)

# kinds: the side of A, waiting for nothing; a side to enter; one that was entered
PASSED, WAITING, ENTERED = range(3)

# phases: take the cell on top; cut it down to A; A is on top
TAKE, DESCEND, ARRIVE = range(3)

# moves besides the place of a row that is crossed to a new chamber
BACK, ROOT = -1, -2


@bare_forced
def next_cut(cells, union, tree):
    """Place of the row to cut the cell on top by, or LEAF when none is left.

    Of the rows that cut it, the one with the fewest rays strictly on A's side (only a
    guess; numbers from 16 on are not told apart).
    """
    masks, signs = cells.masks, tree.signs
    n_words = signs.size
    top = cells.control[N_FRAMES] - 1
    start = cells.start[top]
    place = LEAF
    fewest = 1 << 30
    for w in range(n_words):
        rest = union[w] & union[n_words + w] & tree.allowed[w]
        if rest == ZERO:
            continue
        # bit i of the planes together: the number for row i, added without a loop
        ones = twos = fours = eights = many = ZERO
        for t in range(start, start + cells.n_rays[top]):
            ray = cells.ids[t]
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
def push_copy(cells, tree):
    """Put a copy of the cell on top above it; False when ``ids`` is too short."""
    ids = cells.ids
    top = cells.control[N_FRAMES] - 1
    start, count, free = cells.start[top], cells.n_rays[top], tree.free[top]
    if free + count > ids.size:
        return False
    for t in range(count):
        ids[free + t] = ids[start + t]
    cells.start[top + 1] = free
    cells.n_rays[top + 1] = count
    cells.pool_top[top + 1] = cells.pool_top[top]
    cells.control[N_FRAMES] = top + 2
    return True


@bare_forced
def _swap(values, i, j):
    kept = values[i]
    values[i] = values[j]
    values[j] = kept


@bare_forced
def name_sides(cells, tree, place):
    """Of two children, the positive one on top: put A's side on top and name both."""
    top = cells.control[N_FRAMES] - 1
    free = cells.start[top] + cells.n_rays[top]
    if tree.signs[place >> 6] & (ONE << np.uint64(place & 63)) == ZERO:
        _swap(cells.start, top, top - 1)
        _swap(cells.n_rays, top, top - 1)
    tree.kind[top - 1] = WAITING
    tree.crossed[top - 1] = place
    tree.free[top - 1] = free
    tree.kind[top] = PASSED
    tree.free[top] = free


@bare_forced
def take(control, tree, moves):
    """Take the cell on top: enter it, or leave it; False when ``moves`` is full."""
    top = control[N_FRAMES] - 1
    if tree.kind[top] == WAITING:
        if tree.crossed[top] >= 0:
            _flip(tree.signs, tree.crossed[top])
            control[TREE_DEPTH] += 1
        tree.kind[top] = ENTERED
        control[ENTERED_FRAME] = top
        control[IS_KNOWN] = 0
        control[PHASE] = DESCEND
        for w in range(tree.allowed.size):
            tree.allowed[w] = ~ZERO
        return True
    if tree.kind[top] == ENTERED and tree.crossed[top] >= 0:
        if control[N_MOVES] == moves.size:
            return False
        moves[control[N_MOVES]] = BACK
        control[N_MOVES] += 1
        control[TREE_DEPTH] -= 1
        _flip(tree.signs, tree.crossed[top])
    control[N_FRAMES] = top
    return True


@bare_forced
def _flip(signs, place):
    signs[place >> 6] ^= ONE << np.uint64(place & 63)


@bare_inner
def take_back(cells, tree, valid):
    """Undo the cuts from the first one on by a row that is no facet of A, on top.

    A's facets are inequalities of the cell that was entered, or among the rows it was
    cut by; ``allowed`` gets the latter.  False when there is nothing to undo.
    """
    control, allowed = cells.control, tree.allowed
    top = control[N_FRAMES] - 1
    start, count = cells.start[top], cells.n_rays[top]
    wrong = -1
    for w in range(allowed.size):
        allowed[w] = ZERO
    for frame in range(control[ENTERED_FRAME] + 1, top):
        if tree.kind[frame] == WAITING:
            word = tree.crossed[frame] >> 6
            flag = ONE << np.uint64(tree.crossed[frame] & 63)
            if is_facet(cells.masks, cells.ids, start, count, valid, word, flag):
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
def write_move(control, tree, moves):
    """Write the move to the chamber on top and go on with what waits."""
    place = tree.crossed[control[ENTERED_FRAME]]
    moves[control[N_MOVES]] = place if place >= 0 else ROOT
    control[N_MOVES] += 1
    control[PHASE] = TAKE
