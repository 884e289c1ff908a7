"""Faces from the chambers' bits against faces from restricted rows, flat by flat.

The one way never looks at a number once it has the chambers; the other restricts the
rows to each flat, exactly, and lists the chambers there anew.  Their lists are equal,
in order.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arrangement import Arrangement, face_numbers, iter_covectors
from arrangement._kernels import faces as kernels
from arrangement.listing import covectors, face_walk, plan

from reference import families
from strategies import affine_arrangements, matrices

moderate = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


# the third row depends on two before it, on most flats too: the order is that of the
# signs of independent rows first
DEPENDENT = [
    [1, 0, 0, 0],
    [0, 1, 0, 0],
    [1, 1, 0, 0],
    [1, -1, 0, 0],
    [0, 0, 1, 0],
    [1, 0, 1, 0],
    [0, 1, 1, 1],
]


@st.composite
def instances(draw):
    """Draw a matrix with or without offsets."""
    if draw(st.booleans()):
        return draw(matrices(max_rows=8, max_columns=5)), None
    return draw(affine_arrangements(max_rows=7, max_columns=4))


def listed(X, b=None, **options):
    return np.concatenate(list(iter_covectors(X, offsets=b, **options)))


def flat_by_flat(X, b=None, **options):
    """List without walks: of no arrangement the chambers are few enough to keep."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(face_walk, "_BYTES", 0)
        return listed(X, b, **options)


@moderate
@given(instances(), st.sampled_from([None, 1, 3, 8, 64]))
def test_both_ways_list_the_same_in_order(instance, size):
    X, b = instance
    assert np.array_equal(listed(X, b, block_size=size), flat_by_flat(X, b))


@moderate
@given(instances(), st.integers(0, 5), st.sampled_from([1, 2, 5]))
def test_one_dimension_alone(instance, dimension, size):
    X, b = instance
    dimension = min(dimension, Arrangement(X, b).rank)
    options = {"dimension": dimension}
    expected = flat_by_flat(X, b, **options)
    assert np.array_equal(listed(X, b, **options), expected)
    assert np.array_equal(listed(X, b, block_size=size, **options), expected)


@moderate
@given(instances(), st.integers(1, 40))
def test_walks_begin_where_the_chambers_are_few_enough(instance, most):
    """The whole has too many, and some flats of it do not."""
    X, b = instance
    expected = flat_by_flat(X, b)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(face_walk, "most_chambers", lambda n_rows: most)
        assert np.array_equal(listed(X, b), expected)


@moderate
@given(
    st.sampled_from(["uniform", "planted", "affine"]),
    st.integers(6, 9),
    st.integers(4, 5),
    st.integers(0, 99),
)
def test_flats_that_are_listed_by_vertices_come_in_their_order(kind, n, r, seed):
    """As for thousands of chambers: with sixteen, flats go by vertices if they can."""
    source = np.random.default_rng(seed)
    X = source.integers(-99, 100, (n, r))
    b = source.integers(-99, 100, n) if kind == "affine" else None
    if kind == "planted":
        X[-1] = X[0] + X[1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "FEW", 16)
        patch.setattr(face_walk, "FEW", 16)
        face_walk._few_rows.cache_clear()
        try:
            for size in (None, 5):
                signs = listed(X, b, block_size=size)
                assert np.array_equal(signs, flat_by_flat(X, b))
        finally:
            face_walk._few_rows.cache_clear()


@pytest.mark.parametrize("n", [63, 64, 65, 127, 128, 129])
def test_around_the_width_of_a_word(n):
    source = np.random.default_rng(n)
    X = source.integers(-9, 10, (n, 3))
    X[-4:] = [X[0] * 0, X[1], -X[2], 3 * X[3]]
    assert np.array_equal(listed(X), flat_by_flat(X))
    lines, b = X[:, :2], source.integers(-9, 10, n)
    assert np.array_equal(listed(lines, b), flat_by_flat(lines, b))


@pytest.mark.parametrize(
    ("X", "b"),
    [
        (families.braid(5), None),
        (families.resonance(4), None),
        (families.coxeter_b(4), None),
        (families.boolean(7), None),
        families.shi(4),
        families.catalan(4),
    ],
    ids=["braid", "resonance", "type B", "Boolean", "Shi", "Catalan"],
)
def test_families(X, b):
    signs = listed(X, b)
    assert np.array_equal(signs, flat_by_flat(X, b))
    assert len(signs) == sum(face_numbers(X, offsets=b))


@pytest.mark.kernels
@pytest.mark.every
@pytest.mark.parametrize(
    ("X", "b"),
    [
        (families.braid(3), None),
        (families.resonance(3), None),
        (families.generic(7, 4, seed=1), None),
        families.shi(3),
        (DEPENDENT, None),
        ([row[:3] for row in DEPENDENT], [0, 0, 1, 0, 2, 0, 1]),
    ],
    ids=["braid", "resonance", "generic", "Shi", "dependent", "dependent affine"],
)
def test_small_families(X, b):
    expected = flat_by_flat(X, b)
    for size in (1, 2, 7, None):
        assert np.array_equal(listed(X, b, block_size=size), expected)


@pytest.mark.slow
def test_large_generic_restrictions():
    """Those of 74 rows in space are listed by vertices as they are."""
    X = np.random.default_rng(0).normal(size=(75, 4))
    signs = listed(X, dimension=3)
    assert np.array_equal(signs, flat_by_flat(X, dimension=3))


def test_a_block_larger_than_any_list_costs_no_memory():
    X = np.random.default_rng(0).integers(-9, 10, (70, 3))
    (block,) = iter_covectors(X, block_size=10**15)
    assert np.array_equal(block, listed(X))
    assert block.flags.owndata


def test_blocks_larger_than_what_is_written_at_once(monkeypatch):
    X = np.random.default_rng(0).integers(-9, 10, (20, 3))
    expected = listed(X)
    monkeypatch.setattr(covectors, "_BLOCK", 10)
    for size in (7, 10, 11, 25, 40, 1000):
        blocks = list(iter_covectors(X, block_size=size))
        assert {len(block) for block in blocks[:-1]} == {size}
        assert np.array_equal(np.concatenate(blocks), expected)


def test_work_between_two_looks_at_the_clock_is_bounded(monkeypatch):
    expected = listed(families.braid(5))
    monkeypatch.setattr(face_walk, "_BUDGET", 1)
    assert np.array_equal(listed(families.braid(5)), expected)


def test_hashes_decide_nothing(monkeypatch):
    """With equal keys many chambers have the hash of others; bits are compared."""
    X = np.random.default_rng(1).integers(-3, 4, (12, 4))
    expected = listed(X)

    class Draw:
        def integers(self, low, high, size, dtype):
            return np.full(size, 12345, dtype=dtype)

    monkeypatch.setattr(face_walk, "_draw", lambda seed: Draw())
    assert np.array_equal(listed(X), expected)


@pytest.mark.kernels
@settings(moderate, max_examples=20)
@given(st.integers(1, 3), st.integers(0, 20), st.integers(0, 99))
def test_numbers_rise_as_signs_do(n_words, count, seed):
    source = np.random.default_rng(seed)
    words = source.integers(0, 2**64, (count, n_words), dtype=np.uint64)
    numbers, back = np.empty_like(words), np.empty_like(words)
    kernels.reverse(words, numbers)
    kernels.reverse(numbers, back)
    assert np.array_equal(back, words)

    def signs(row):
        return [-(int(w) >> k & 1) for w in row for k in range(64)]

    for i, j in combinations(range(min(count, 6)), 2):
        is_before = tuple(numbers[i].tolist()) < tuple(numbers[j].tolist())
        assert is_before == (signs(words[i]) < signs(words[j]))
