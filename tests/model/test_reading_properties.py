"""An `Arrangement` read in vectors is that of the slow reading, number by number."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arrangement import Arrangement
from arrangement.model import matrix_sha256

from reference import reading
from reference.brute_force import matrix_rank

many = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TINY = [0.0, -0.0, 5e-324, -5e-324, 2.0**-1022, 1e-300, 1e300, -1e300, 0.1]
ULP = float(np.nextafter(1.0, 2.0))
entries = {
    "floats": st.floats(allow_nan=False, allow_infinity=False),
    "tiny": st.sampled_from([*TINY, 1.0, ULP, -ULP, 2.0]),
    "small integers": st.integers(-2, 2),
    "words": st.sampled_from(
        [0, 1, 2**62, 2**63 - 1, -(2**63), 2**53 + 1, -(2**53) - 1]
    ),
    "long integers": st.integers(-(2**90), 2**90),
    "decimals": st.sampled_from(
        [
            "0",
            "-0.0",
            "0.1",
            "1e-30",
            "-1e-30",
            "1.5",
            "0.3",
            "3",
            "-0.30",
            "1e-400",
            "123456789012345678",
            "0.1234567890123456789",
            "9999999999999999999999999999999999999999",
        ]
    ),
    "two places": st.integers(-300, 300).map(lambda x: f"{x / 100:.2f}"),
    "fractions": st.builds(Fraction, st.integers(-9, 9), st.integers(1, 12)),
}
entries["mixed"] = st.one_of(*entries.values())


@st.composite
def instances(draw):
    """Draw rows, and offsets or None; some rows and columns repeat others."""
    n, d = draw(st.integers(1, 6)), draw(st.integers(1, 4))
    kinds = [draw(st.sampled_from(sorted(entries))) for _ in range(d)]
    columns = [draw(st.lists(entries[k], min_size=n, max_size=n)) for k in kinds]
    for k in range(1, d):
        if draw(st.integers(0, 3)) == 0:
            columns[k] = list(columns[draw(st.integers(0, k - 1))])
    rows = [list(row) for row in zip(*columns, strict=True)]
    for i in range(1, n):
        if draw(st.integers(0, 2)) == 0:
            rows[i] = list(rows[draw(st.integers(0, i - 1))])
    offsets = None
    if draw(st.booleans()):
        kind = draw(st.sampled_from(sorted(entries)))
        offsets = draw(st.lists(entries[kind], min_size=n, max_size=n))
        offsets = [offsets[rows.index(row)] for row in rows]
    return rows, offsets


def check(X, offsets=None):
    found = Arrangement(X, offsets)
    exact = None if offsets is None else [reading.number(b) for b in offsets]
    wanted = reading.arrangement(reading.matrix(X), exact)
    assert found.class_of.tolist() == wanted["class_of"]
    assert found.orientation.tolist() == wanted["orientation"]
    assert found.constant_signs.tolist() == wanted["constant_signs"]
    assert found.constant_bits.tolist() == [s >= 0 for s in wanted["constant_signs"]]
    assert found.pivot_columns == wanted["pivot_columns"]
    assert found.column_scales == wanted["column_scales"]
    assert found.distinct.tuples() == wanted["distinct"]
    assert found.n_distinct == len(wanted["distinct"]) == len(found.cone.rows)
    assert all(type(x) is int for row in found.cone.rows for x in row)
    if found.column_basis is None:
        assert list(found.cone.rows) == wanted["distinct"]
    return found


@many
@given(instances())
def test_an_arrangement_is_that_of_the_slow_reading(instance):
    check(*instance)


@many
@given(instances())
def test_numbers_have_the_same_name_however_they_are_given(instance):
    rows, offsets = instance
    exact = None if offsets is None else [reading.number(b) for b in offsets]
    one, other = Arrangement(rows, offsets), Arrangement(reading.matrix(rows), exact)
    assert matrix_sha256(one) == matrix_sha256(other)
    assert one.cone == other.cone
    assert one.column_basis == other.column_basis


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.int64, np.uint64, object])
@pytest.mark.parametrize("shape", [(300, 2), (70, 3), (12, 5), (4, 7)])
def test_arrays_of_every_kind(kind, shape):
    random = np.random.default_rng(shape)
    X = random.integers(-3, 4, shape)
    X[shape[0] // 2 :] *= 2
    X[:, -1] = X[:, 0]
    if np.dtype(kind).kind == "u":
        X = np.abs(X).astype(kind) * np.uint64(2**62)
    check(X.astype(kind))
    if np.dtype(kind).kind == "f":
        check((random.normal(size=shape) * 10.0 ** random.integers(-9, 9)).astype(kind))


def test_a_high_rank_is_found_without_a_short_basis():
    X = np.random.default_rng(0).normal(size=(90, 80))
    found = Arrangement(X)
    assert (found.rank, found.n_distinct) == (80, 90)
    X[:, 79] = X[:, 3] + 2 * X[:, 5] - X[:, 78].round()
    X = X.round(3) * 1000
    X[:, 60] = 3 * X[:, 0] - 7 * X[:, 59]
    found = Arrangement(X)
    assert found.pivot_columns == (*range(60), *range(61, 80))


@many
@given(
    st.lists(st.tuples(*[st.integers(-3, 3)] * 3), min_size=3, max_size=8),
    st.integers(1, 3),
    st.booleans(),
)
def test_rows_of_a_projection_are_merged_once_more(rows, rank, is_affine):
    X = np.array(rows, dtype=float)
    if matrix_rank(rows) < rank:
        return
    offsets = [float(i % 3 - 1) for i in range(len(rows))] if is_affine else None
    whole = Arrangement(X, offsets)
    found = Arrangement(X, offsets, rank=rank)
    # the first row of each class is projected, and stands for the others
    kept = whole.first_rows.tolist()
    image = X[kept] @ found.projection
    ends = [[] if offsets is None else [-offsets[i]] for i in kept]
    exact = reading.matrix(
        [[*a, *b] for a, b in zip(image.tolist(), ends, strict=True)]
    )
    class_of, orientation, constant, first = reading.classes(exact, rank)
    assert found.distinct.tuples() == [reading.primitive(exact[k]) for k in first]
    for i, place in enumerate(whole.class_of.tolist()):
        side = int(whole.orientation[i])
        if place < 0 or class_of[place] < 0:
            sign = side * constant[place] if place >= 0 else whole.constant_signs[i]
            assert (found.class_of[i], found.constant_signs[i]) == (-1, sign)
        else:
            assert found.class_of[i] == class_of[place]
            assert found.orientation[i] == side * orientation[place]
