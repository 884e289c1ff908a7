"""Faces of every dimension against compositions of cocircuits, and each other."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arrangement import Arrangement, enumerate_patterns, face_numbers, iter_covectors
from arrangement.listing import covectors as faces
from arrangement.model import flats

from reference.brute_force import homogeneous_rows
from reference.covectors import covectors, face_dimension
from strategies import KINDS, affine_arrangements, matrices

moderate = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
small = matrices(max_rows=6, max_columns=4)
small_affine = affine_arrangements(max_rows=5, max_columns=3)
# the kinds whose planes and lines are decided in int64
machine_integers = ("small", "small floats", "text")


@st.composite
def instances(draw):
    """Draw a matrix with or without offsets."""
    if draw(st.booleans()):
        return draw(small), None
    return draw(small_affine)


def listed(X, offsets=None, **options):
    """Return all faces in one array, (P, n)."""
    blocks = list(iter_covectors(X, offsets=offsets, **options))
    return np.concatenate(blocks)


def as_set(signs):
    """Return the set of rows; a face listed twice fails here."""
    found = {tuple(row) for row in signs.tolist()}
    assert len(found) == len(signs)
    return found


# --- against the reference ----------------------------------------------------


@settings(moderate, max_examples=200)
@given(small)
def test_faces_are_the_covectors(X):
    assert as_set(listed(X)) == covectors(X)


@settings(moderate, max_examples=150)
@given(small_affine)
def test_affine_faces_are_the_covectors_in_the_finite_part(instance):
    X, b = instance
    assert as_set(listed(X, b)) == covectors(X, b)


@moderate
@given(matrices(max_rows=9, max_columns=5, kinds=("small",)))
def test_faces_are_the_covectors_in_higher_rank(X):
    X = X[:8]
    assert as_set(listed(X)) == covectors(X)


@settings(moderate, max_examples=30)
@given(matrices(max_rows=5, kinds=("small floats", "floats", "float32")))
def test_faces_of_the_shortest_decimals(X):
    assert as_set(listed(X, floats="decimal")) == covectors(X, floats="decimal")


@moderate
@given(instances())
def test_each_dimension_holds_its_faces_and_their_number(instance):
    X, b = instance
    expected = covectors(X, b)
    rows = homogeneous_rows(X, b)
    normals = [row[: X.shape[1]] for row in rows]
    numbers = face_numbers(X, offsets=b)
    for k, number in enumerate(numbers):
        found = as_set(listed(X, b, dimension=k))
        assert found == {s for s in expected if face_dimension(s, normals) == k}
        assert len(found) == number
    assert sum(numbers) == len(expected)


# --- relations ----------------------------------------------------------------


@settings(moderate, max_examples=100)
@given(instances())
def test_euler_relation(instance):
    """The faces are a cell decomposition of a space of dimension r."""
    X, b = instance
    numbers = face_numbers(X, offsets=b)
    alternating = sum((-1) ** k * f for k, f in enumerate(numbers))
    assert alternating == (-1) ** (len(numbers) - 1)


@moderate
@given(instances())
def test_the_chambers_come_first_in_the_order_of_the_patterns(instance):
    X, b = instance
    arrangement = Arrangement(X, b)
    patterns = enumerate_patterns(arrangement)
    chambers = listed(arrangement)[: len(patterns)]
    assert np.array_equal(chambers >= 0, patterns.to_bool())
    moving = arrangement.class_of >= 0
    assert np.all(chambers[:, moving] != 0)
    top = listed(arrangement, dimension=arrangement.rank)
    assert np.array_equal(top, chambers)


@moderate
@given(instances(), st.sampled_from([1, 2, 3, 7, 64]))
def test_every_block_size_gives_the_same_stream(instance, size):
    X, b = instance
    blocks = list(iter_covectors(X, offsets=b, block_size=size))
    assert {len(block) for block in blocks[:-1]} <= {size}
    assert 1 <= len(blocks[-1]) <= size
    for block in blocks:
        assert block.dtype == np.int8
        assert block.flags.c_contiguous
        assert block.flags.owndata
    assert np.array_equal(np.concatenate(blocks), listed(X, b))


@moderate
@given(small)
def test_each_central_face_is_followed_by_its_opposite(X):
    signs = listed(X)
    assert not signs[-1].any()
    assert np.array_equal(signs[:-1:2], -signs[1:-1:2])


@moderate
@given(instances(), st.data())
def test_rows_given_again_turned_or_scaled_follow_the_first(instance, data):
    X, b = instance
    n = len(X)
    if n == 0:
        return
    exact = [[*row] for row in homogeneous_rows(X, b)]
    picks = data.draw(st.lists(st.integers(0, n - 1), max_size=4))
    factors = [data.draw(st.sampled_from((1, -1, 3, -2))) for _ in picks]
    more = exact + [
        [f * x for x in exact[i]] for i, f in zip(picks, factors, strict=True)
    ]
    rows = np.array(more, dtype=object).reshape(len(more), -1)
    d = X.shape[1]
    signs = listed(rows[:, :d], None if b is None else -rows[:, d])
    assert np.array_equal(signs[:, :n], listed(X, b))
    for place, (i, f) in enumerate(zip(picks, factors, strict=True)):
        assert np.array_equal(signs[:, n + place], np.sign(f) * signs[:, i])


@moderate
@given(matrices(max_rows=6, kinds=machine_integers), st.data())
def test_python_integers_decide_as_int64_does(X, data):
    b = None
    if data.draw(st.booleans()):
        b = np.array([data.draw(st.integers(-2, 2)) for _ in X], dtype=object)
    expected = listed(X, b)
    keep = flats.hadamard_bits
    try:
        flats.hadamard_bits = lambda rows, size: 31
        top = flats.whole_space(Arrangement(X, b).cone)
        assert top.rows.dtype == object
        assert np.array_equal(listed(X, b), expected)
    finally:
        flats.hadamard_bits = keep


@settings(moderate, max_examples=100)
@given(matrices(max_rows=6, kinds=("integers", *KINDS[2:])))
def test_signs_at_points_of_a_plane_need_no_luck(X):
    """The filter and the integers behind it, on rows that are nearly parallel."""
    rows = [row[:2] for row in homogeneous_rows(X) if len(row) > 1]
    if not rows:
        return
    table = np.array(rows, dtype=object)
    points = np.array([(-y, x) for x, y in rows], dtype=object)
    expected = [[p[0] * r[0] + p[1] * r[1] for r in rows] for p in points.tolist()]
    expected = [[(v > 0) - (v < 0) for v in row] for row in expected]
    assert faces._signs_at(points, table).tolist() == expected
