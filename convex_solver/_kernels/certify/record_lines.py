"""The lines of recorded steps, as text.

Digits of some million numbers are most of the time of a proof where Python writes them.
"""

from __future__ import annotations

import numpy as np

from convex_solver._kernels.certify.recorded_covering import EDGE, LEAF, ROOT
from convex_solver._kernels.compile import bare_inlined, bare_inner, bare_kernel

# Characters as bytes.
COMMA, MINUS, ZERO, OPEN, CLOSE, QUOTE, END_OF_LINE = 44, 45, 48, 91, 93, 34, 10
ROOT_O, EDGE_B, SIDE_S, LEAF_P = (np.uint8(letter) for letter in b"obsp")
# Bytes that a record takes at most: what is not a number; a number and its comma; a row
# with its share or multiplier.
FRAME, NUMBER, PAIR = 96, 21, 44


@bare_kernel
def print_lines(tape, order, sign, vectors, scales, text):
    """Write what is on the tape to ``text``, bytes; return how many.

    ``vectors`` (size, r) and ``scales`` (size,) are those of leaves, in integers.
    """
    at = np.int64(0)
    for place in range(tape.used[0]):
        kind = tape.kinds[place]
        first, second = tape.numbers[place, 0], tape.numbers[place, 1]
        if kind == ROOT:
            at = put_pair(text, begun(text, at, ROOT_O), sign, first)
        elif kind == EDGE:
            at = put_pair(text, begun(text, at, EDGE_B), first, second)
        elif kind == LEAF:
            at = put_leaf(tape, order, place, vectors[place], scales[place], text, at)
        else:
            at = put(text, begun(text, at, SIDE_S), order[first])
        text[at], text[at + 1] = CLOSE, END_OF_LINE
        at += 2
    return at


@bare_inlined
def put_leaf(tape, order, place, vector, scale, text, at):
    """Write a leaf but for its end."""
    quarters, second = tape.numbers[place, 0], tape.numbers[place, 1]
    r = vector.size
    at = begun(text, at, LEAF_P)
    if quarters >= 0:
        at = put_pair(text, at, quarters, second)
    else:
        at = put_pair(text, at, 0, 0)
    text[at] = COMMA
    at = put(text, at + 1, scale)
    text[at], text[at + 1] = COMMA, OPEN
    at += 2
    for k in range(r):
        if k > 0:
            text[at] = COMMA
            at += 1
        at = put(text, at, vector[k])
    text[at] = CLOSE
    at += 1
    if quarters >= 0:
        return at
    n_convex, n_all = second, tape.numbers[place, 2]
    text[at], text[at + 1] = COMMA, OPEN
    at += 2
    for i in range(n_convex, n_all):
        if i > n_convex:
            text[at] = COMMA
            at += 1
        text[at] = OPEN
        name = order[tape.numbers[place, 3 + i]]
        at = put_pair(text, at + 1, name, int(tape.reals[place, r + i]))
        text[at] = CLOSE
        at += 1
    text[at], text[at + 1], text[at + 2] = CLOSE, COMMA, OPEN
    at += 3
    for i in range(n_convex):
        if i > 0:
            text[at] = COMMA
            at += 1
        at = put(text, at, int(tape.reals[place, r + i]))
    text[at] = CLOSE
    return at + 1


@bare_inner
def begun(text, at, letter):
    """Begin a line with its letter."""
    text[at], text[at + 1], text[at + 2] = OPEN, QUOTE, letter
    text[at + 3], text[at + 4] = QUOTE, COMMA
    return at + 5


@bare_inner
def put_pair(text, at, first, second):
    """Write two integers with a comma between."""
    at = put(text, at, first)
    text[at] = COMMA
    return put(text, at + 1, second)


@bare_inner
def put(text, at, value):
    """Write an integer above ``-2^63``; return the place behind it."""
    if value < 0:
        text[at] = MINUS
        at += 1
        value = -value
    length = 1
    bound = value // 10
    while bound > 0:
        length += 1
        bound //= 10
    for k in range(length - 1, -1, -1):
        text[at + k] = ZERO + value % 10
        value //= 10
    return at + length
