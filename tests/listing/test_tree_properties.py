"""The walk along the tree of chambers, call by call, against its definition.

Between calls exactly one class of parallel rows changes; the walk goes back by the
way it came; every chamber is new once; its depth is the number of hyperplanes between
it and the root; and every sign of its witness is decided here in Fractions.
"""

from __future__ import annotations

from fractions import Fraction

import numba
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from arrangement import Arrangement, InputError, enumerate_patterns, fold
from arrangement.model.patterns import unpack

from reference import families
from reference.brute_force import chambers
from strategies import affine_arrangements, matrices

pytestmark = pytest.mark.kernels

moderate = settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


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


def recorded(arrangement, n_chambers):
    """Patterns, witnesses, changed rows, depths and news of every call."""
    n = arrangement.n_hyperplanes
    width = arrangement.dimension
    if arrangement.projection is not None:
        width = arrangement.projection.shape[1]
    calls = 2 * n_chambers + 2
    state = (
        np.zeros(1, dtype=np.int64),
        np.zeros((calls, -(-n // 64)), dtype=np.uint64),
        np.zeros((calls, width + (not arrangement.is_central))),
        np.zeros((calls, n), dtype=np.bool_),
        np.zeros(calls, dtype=np.int64),
        np.zeros(calls, dtype=np.bool_),
    )
    fold(arrangement, record, state, order="tree")
    total = int(state[0][0])
    bits = unpack(state[1][:total], n)
    return bits, *(array[:total] for array in state[2:])


def check_walk(arrangement, expected):
    """Check every call of the walk; return patterns and witnesses of the chambers."""
    bits, witnesses, rows, depths, news = recorded(arrangement, len(expected))
    assert len(bits) == 2 * len(expected) - 1
    found = [tuple(pattern) for pattern in bits[news].tolist()]
    assert len(set(found)) == len(found)
    assert set(found) == expected
    classes = arrangement.class_of
    way = [0]
    assert news[0]
    assert depths[0] == 0
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


@pytest.mark.slow
@given(matrices())
@moderate
def test_the_walk_over_central_arrangements(X):
    arrangement = Arrangement(X)
    bits, witnesses = check_walk(arrangement, set(chambers(X)))
    check_witnesses(X, None, bits, witnesses)


@given(affine_arrangements())
@moderate
def test_the_walk_over_affine_arrangements(drawn):
    X, offsets = drawn
    arrangement = Arrangement(X, offsets)
    bits, witnesses = check_walk(arrangement, set(chambers(X, offsets)))
    check_witnesses(X, offsets, bits, witnesses)


def listed(arrangement):
    """Patterns by the listing, proven."""
    return {tuple(pattern.tolist()) for pattern in enumerate_patterns(arrangement)}


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


@pytest.mark.parametrize("name", NAMES)
def test_the_walk_over_larger_arrangements(name):
    X = named(name)
    arrangement = Arrangement(X)
    bits, witnesses = check_walk(arrangement, listed(arrangement))
    assert check_witnesses(X, None, bits, witnesses) == 0


@pytest.mark.parametrize(
    "name", ["threshold", "40 rows", "30 rows of floats", "129 rows"]
)
def test_the_walk_over_larger_affine_arrangements(name):
    X = named(name)
    X, offsets = X[:, :-1], X[:, -1]
    arrangement = Arrangement(X, offsets)
    bits, witnesses = check_walk(arrangement, listed(arrangement))
    assert check_witnesses(X, offsets, bits, witnesses) == 0


def test_witnesses_that_are_kept_are_right_where_chambers_come_from_rounding():
    # rank 3 only by the rounding of a product of rank 2
    normals = np.random.default_rng(5).normal(size=(15, 2))
    X = normals @ [[1.0, 1e8, 3.0], [0.0, 1e-8, 1.0]]
    arrangement = Arrangement(X)
    bits, witnesses = check_walk(arrangement, listed(arrangement))
    assert 0 < check_witnesses(X, None, bits, witnesses) < len(bits)


def test_witnesses_of_chambers_an_ulp_wide():
    slopes = [1.0]
    for _ in range(12):
        slopes.append(float(np.nextafter(slopes[-1], 2.0)))
    X = np.array([[-slope, 1.0] for slope in slopes])
    arrangement = Arrangement(X)
    bits, witnesses = check_walk(arrangement, listed(arrangement))
    assert check_witnesses(X, None, bits, witnesses) == 0


def test_a_chamber_without_float_points_gets_nan():
    # between the lines of slopes 1 and 1 + 2**-200 there are no two floats of like size
    X = np.array([[-1, 1], [-(2**200) - 1, 2**200]], dtype=object)
    arrangement = Arrangement(X)
    bits, witnesses = check_walk(arrangement, listed(arrangement))
    assert check_witnesses(X, None, bits, witnesses) == 2


@pytest.mark.parametrize("rank", [2, "numerical"])
def test_the_walk_over_a_projection(rank):
    X = np.random.default_rng(2).normal(size=(14, 2)) @ np.array(
        [[1.0, 0.3, -2.0], [0.1, 1.0, 0.7]]
    )
    arrangement = Arrangement(X, rank=rank)
    bits, witnesses = check_walk(arrangement, listed(arrangement))
    image = X @ arrangement.projection
    assert check_witnesses(image, None, bits, witnesses) == 0


def test_arrangements_without_hyperplanes_have_one_chamber():
    for X, offsets in (
        (np.zeros((0, 3)), None),
        (np.zeros((4, 0)), None),
        (np.zeros((3, 2)), None),
        (np.zeros((3, 2)), np.array([1.0, 0.0, -1.0])),
        (np.zeros((0, 2)), np.zeros(0)),
    ):
        arrangement = Arrangement(X, offsets)
        bits, witnesses = check_walk(arrangement, listed(arrangement))
        assert check_witnesses(X, offsets, bits, witnesses) == 0


def test_the_walk_is_the_same_in_blocks_of_any_size(monkeypatch):
    for X in (families.threshold(3), np.random.default_rng(0).normal(size=(12, 3))):
        arrangement = Arrangement(X)
        whole = recorded(arrangement, 200)
        for size in (1, 2, 7):
            monkeypatch.setattr("arrangement.listing.along.CHAMBERS", size)
            again = recorded(arrangement, 200)
            for one, other in zip(whole, again, strict=True):
                assert np.array_equal(one, other)
        monkeypatch.undo()


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="minutes without compilation")
def test_progress_and_unknown_orders():
    seen = []
    X = np.random.default_rng(0).normal(size=(60, 4))
    state = (np.zeros(1, dtype=np.int64),)
    fold(
        X,
        count_new,
        state,
        order="tree",
        progress=lambda at: seen.append((at.done, at.total)),
    )
    assert seen[-1] == (int(state[0][0]), seen[0][1])
    assert len(seen) > 1
    with pytest.raises(InputError, match="order='depth' is unknown"):
        fold(X, count_new, state, order="depth")


@numba.njit
def count_new(state, pattern, witness, changed, depth, is_new):
    state[0][0] += is_new
