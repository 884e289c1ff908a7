"""The calls of a walk along the tree of chambers, recorded and checked.

Between calls exactly one class of parallel rows changes; the walk goes back by the
way it came; no chamber is new twice; its depth is the number of hyperplanes between
it and the root.
"""

from __future__ import annotations

from fractions import Fraction

import numba
import numpy as np

from arrangement import fold
from arrangement.model.patterns import unpack

from reference import families


@numba.njit
def record(state, pattern, witness, changed, depth, is_new):
    count, patterns, witnesses, rows, depths, news = state
    k = count[0]
    count[0] = k + 1
    patterns[k] = pattern
    witnesses[k] = witness
    for i in changed:
        rows[k, i] = True
    depths[k] = depth
    news[k] = is_new


def room_for(arrangement, n_chambers):
    """A state that `record` can write every call of a walk into."""
    n = arrangement.n_hyperplanes
    width = arrangement.dimension
    if arrangement.projection is not None:
        width = arrangement.projection.shape[1]
    calls = 2 * n_chambers + 2
    return (
        np.zeros(1, dtype=np.int64),
        np.zeros((calls, -(-n // 64)), dtype=np.uint64),
        np.zeros((calls, width + (not arrangement.is_central))),
        np.zeros((calls, n), dtype=np.bool_),
        np.zeros(calls, dtype=np.int64),
        np.zeros(calls, dtype=np.bool_),
    )


def calls_of(arrangement, state):
    """Patterns, witnesses, changed rows, depths and news of every call."""
    total = int(state[0][0])
    bits = unpack(state[1][:total], arrangement.n_hyperplanes)
    return bits, *(array[:total].copy() for array in state[2:])


def recorded(arrangement, n_chambers):
    """The calls of one walk."""
    state = room_for(arrangement, n_chambers)
    fold(arrangement, record, state, order="tree")
    return calls_of(arrangement, state)


def recorded_pieces(arrangement, n_chambers, **workers):
    """The calls of the walks along pieces, piece by piece, in the order of merging."""
    pieces = []
    fold(
        arrangement,
        record,
        room_for(arrangement, n_chambers),
        order="tree",
        merge=lambda _, part: pieces.append(calls_of(arrangement, part)),
        **workers,
    )
    return pieces


def check_calls(arrangement, calls):
    """Check that calls are those of a walk; return patterns and witnesses.

    Of its chambers, in the order in which it came to them.
    """
    bits, witnesses, rows, depths, news = calls
    found = {tuple(pattern) for pattern in bits[news].tolist()}
    assert len(found) == news.sum()
    assert len(bits) == 2 * len(found) - 1
    classes = arrangement.class_of
    way = [0]
    assert news[0]
    assert depths[0] == 0
    assert not rows[0].any()
    for k in range(1, len(bits)):
        change = bits[k] != bits[k - 1]
        (crossed,) = set(classes[change].tolist())
        assert crossed >= 0
        assert np.array_equal(change, classes == crossed)
        assert np.array_equal(rows[k], change)
        if news[k]:
            way.append(k)
        else:
            way.pop()
            assert np.array_equal(bits[k], bits[way[-1]])
            assert np.array_equal(witnesses[k], witnesses[way[-1]], equal_nan=True)
        assert depths[k] == len(way) - 1
        away = set(classes[bits[k] != bits[0]].tolist())
        assert depths[k] == len(away)
    assert way == [0]
    return bits[news], witnesses[news]


def check_witnesses(X, offsets, bits, witnesses):
    """Decide every sign in Fractions; return how many witnesses are NaN."""
    matrix = [[Fraction(x) for x in row] for row in X.tolist()]
    shifts = [0] * len(matrix) if offsets is None else map(Fraction, offsets.tolist())
    rows = [(*row, -b) for row, b in zip(matrix, shifts, strict=True)]
    missing = 0
    for pattern, witness in zip(bits, witnesses, strict=True):
        if np.isnan(witness).any():
            missing += 1
            continue
        point = [Fraction(x) for x in witness.tolist()]
        if offsets is None:
            point.append(Fraction(1))
        assert point[-1] > 0
        for bit, row in zip(pattern.tolist(), rows, strict=True):
            value = sum(x * y for x, y in zip(row, point, strict=True))
            assert (value >= 0) == bit
            assert value != 0 or not any(row[:-1])
    return missing


def named(name):
    rng = np.random.default_rng(5)
    plain = rng.normal(size=(64, 2))
    twice = np.concatenate([plain, -2.0 * plain[:40], np.zeros((30, 2))])
    return {
        "threshold": np.array(families.threshold(4)),
        "resonance": np.array(families.resonance(4)),
        "braid": np.array(families.braid(5)),
        "B5": np.array(families.coxeter_b(5)),
        "63 rows": plain[:63],
        "64 rows": plain,
        "65 rows": rng.normal(size=(65, 2)),
        "129 rows": rng.integers(-99, 100, size=(129, 2)),
        "40 rows": rng.integers(-9, 10, size=(40, 3)),
        "30 rows of floats": rng.normal(size=(30, 3)),
        "parallel": twice,
        "rank 6": rng.integers(-9, 10, size=(12, 6)),
        "rank 6 of floats": rng.normal(size=(11, 6)),
        "dependent columns": rng.integers(-3, 4, (20, 3))
        @ np.array([[1, 2, 0, 1, 0], [0, 1, 1, 3, 0], [2, 0, 1, 1, 0]]),
        "units": rng.normal(size=(15, 3)) * [1e-150, 1.0, 1e140],
    }[name]


NAMES = (
    "threshold",
    "resonance",
    "braid",
    "B5",
    "63 rows",
    "64 rows",
    "65 rows",
    "129 rows",
    "40 rows",
    "30 rows of floats",
    "parallel",
    "rank 6",
    "rank 6 of floats",
    "dependent columns",
    "units",
)
