"""The walk along the tree of chambers, call by call, against its definition.

Between calls exactly one class of parallel rows changes; the walk goes back by the
way it came; every chamber is new once; its depth is the number of hyperplanes between
it and the root; and every sign of its witness is decided here in Fractions.
"""

from __future__ import annotations

import numba
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from arrangement import Arrangement, InputError, enumerate_patterns, fold

from reference import families
from reference.brute_force import chambers
from reference.tree_calls import (
    NAMES,
    check_calls,
    check_witnesses,
    named,
    recorded,
)
from strategies import affine_arrangements, matrices

pytestmark = pytest.mark.kernels

moderate = settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def check_walk(arrangement, expected):
    """Check every call of the walk; return patterns and witnesses of the chambers."""
    bits, witnesses = check_calls(arrangement, recorded(arrangement, len(expected)))
    found = {tuple(pattern) for pattern in bits.tolist()}
    assert len(found) == len(bits)
    assert found == expected
    return bits, witnesses


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
