"""Lines that a kernel prints are those that Python's JSON does."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convex_solver._kernels.certify import (
    EDGE,
    FRAME,
    LEAF,
    MOST_CONCAVE,
    MOST_CONVEX,
    NUMBER,
    PAIR,
    ROOT,
    SIDE,
    Tape,
    print_lines,
)

pytestmark = pytest.mark.kernels

MOST = MOST_CONVEX + MOST_CONCAVE
R, N = 3, 40
WHOLE = st.integers(-(2**62), 2**62) | st.integers(-11, 11) | st.just(10**18)
UNITS = st.integers(0, 2**53) | st.just(2**62)
SIMPLE = st.one_of(
    st.tuples(st.just(ROOT), st.tuples(st.integers(0, 7), st.just(0))),
    st.tuples(st.just(EDGE), st.tuples(st.integers(0, 2), st.integers(0, 2))),
    st.tuples(st.just(SIDE), st.tuples(st.integers(0, N - 1), st.just(0))),
)
TANGENTS = st.tuples(
    st.just(LEAF),
    st.tuples(st.integers(0, 4), st.integers(0, 2)),
    st.lists(WHOLE, min_size=R, max_size=R),
    st.integers(0, 4096),
)
SIGNS = st.tuples(
    st.just(LEAF),
    st.lists(st.tuples(st.integers(0, N - 1), UNITS), max_size=MOST_CONVEX),
    st.lists(st.tuples(st.integers(0, N - 1), UNITS), max_size=MOST_CONCAVE),
    st.lists(WHOLE, min_size=R, max_size=R),
    st.integers(0, 4096),
)


def line(record, order, sign):
    """Return what the line of a record says."""
    kind = record[0]
    if kind == ROOT:
        return ["o", sign, record[1][0]]
    if kind == EDGE:
        return ["b", *record[1]]
    if kind == SIDE:
        return ["s", order[record[1][0]]]
    if len(record) == 4:
        return ["p", *record[1], record[3], record[2]]
    shares = [[order[name], units] for name, units in record[2]]
    multipliers = [units for _, units in record[1]]
    return ["p", 0, 0, record[4], record[3], shares, multipliers]


@given(
    st.lists(SIMPLE | TANGENTS | SIGNS, max_size=8),
    st.permutations(range(N)),
    st.sampled_from([-1, 1]),
)
@settings(max_examples=60, deadline=None)
def test_lines_are_those_of_json(records, order, sign):
    size = max(len(records), 1)
    tape = Tape(
        np.array([len(records)]),
        np.zeros(size, dtype=np.int64),
        np.zeros((size, 3 + MOST), dtype=np.int64),
        np.zeros((size, R + MOST)),
    )
    vectors = np.zeros((size, R), dtype=np.int64)
    scales = np.zeros(size, dtype=np.int64)
    for k, record in enumerate(records):
        tape.kinds[k] = record[0]
        if len(record) == 5:
            rows = record[1] + record[2]
            tape.numbers[k, :3] = -1, len(record[1]), len(rows)
            for i, (name, units) in enumerate(rows):
                tape.numbers[k, 3 + i], tape.reals[k, R + i] = name, units
        else:
            tape.numbers[k, :2] = record[1]
        if record[0] == LEAF:
            vectors[k], scales[k] = record[-2:]
    text = np.zeros(size * (FRAME + NUMBER * R + PAIR * MOST), dtype=np.uint8)
    end = print_lines(tape, np.array(order), sign, vectors, scales, text)
    expected = [
        json.dumps(line(record, order, sign), separators=(",", ":")) + "\n"
        for record in records
    ]
    assert text[:end].tobytes().decode() == "".join(expected)
