"""Bad input is refused in one clear line; good input of any kind is read alike."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from arrangement import (
    Arrangement,
    count_patterns,
    cover_bound,
    enumerate_patterns,
    iter_patterns,
    verify,
)
from arrangement.errors import ArrangementError, InputError, InputTypeError

BAD_MATRICES = {
    "NaN": ([[1.0, math.nan]], r"(?i)nan.*finite.*row 0, column 1"),
    "infinity": ([[1.0, 2.0], [-math.inf, 0.0]], r"(?i)inf.*finite.*row 1, column 0"),
    "NaN float32": (np.array([[np.nan]], dtype=np.float32), r"(?i)nan.*finite"),
    "NaN Decimal": ([[Decimal("NaN"), 1]], r"(?i)nan.*finite"),
    "infinite text": ([["inf", "1"]], r"(?i)inf.*finite"),
    "text": ([["1", "two"]], r"'two' is not a number.*row 0, column 1"),
    "empty text": ([["1", ""]], r"'' is not a number"),
    "division by zero": ([["1", "1/0"]], r"'1/0' is not a number"),
    "one dimension": ([1, 2, 3], r"shape \(3,\).*expected \(n, d\)"),
    "no dimension": (3.0, r"shape \(\).*expected \(n, d\)"),
    "three dimensions": (np.zeros((2, 2, 2)), r"shape \(2, 2, 2\).*expected \(n, d\)"),
    "ragged": ([[1, 2], [3]], r"ragged|same length"),
    "ragged deeper": ([[1, 2], [3, [4]]], r"ragged|same length|nested"),
}
BAD_TYPES = {
    "complex": (np.array([[1j, 2]]), r"complex.*real"),
    "complex with no imaginary part": (np.array([[1 + 0j]]), r"complex.*real"),
    "complex object": ([[1, 2j]], r"complex.*real"),
    "bool": (np.array([[True, False]]), r"bool"),
    "None": ([[None, 1]], r"NoneType.*row 0, column 0"),
    "dictionary": ([[{}, 1]], r"dict"),
    "dates": (np.array([["2020-01-01"]], dtype="datetime64[D]"), r"datetime64"),
}
ENTRY_POINTS = [
    Arrangement,
    enumerate_patterns,
    count_patterns,
    lambda X, **options: list(iter_patterns(X, **options)),
]
ENTRY_NAMES = ["Arrangement", "enumerate_patterns", "count_patterns", "iter_patterns"]
entry_points = pytest.mark.parametrize("function", ENTRY_POINTS, ids=ENTRY_NAMES)


@entry_points
@pytest.mark.parametrize("name", BAD_MATRICES)
def test_a_bad_value_or_shape_is_refused(function, name):
    X, message = BAD_MATRICES[name]
    with pytest.raises(InputError, match=message) as caught:
        function(X)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, ArrangementError)
    assert "\n" not in str(caught.value)


@entry_points
@pytest.mark.parametrize("name", BAD_TYPES)
def test_a_bad_type_is_refused(function, name):
    X, message = BAD_TYPES[name]
    with pytest.raises(InputTypeError, match=message) as caught:
        function(X)
    assert isinstance(caught.value, TypeError)
    assert "\n" not in str(caught.value)


def test_one_bad_entry_anywhere_is_found():
    good = np.arange(12.0).reshape(4, 3)
    enumerate_patterns(good)
    for i, j in np.ndindex(4, 3):
        bad = good.copy()
        bad[i, j] = np.nan
        with pytest.raises(InputError, match=rf"row {i}, column {j}"):
            enumerate_patterns(bad)


@entry_points
def test_offsets_of_another_length_are_refused(function):
    X = [[1, 0], [0, 1], [1, 1]]
    function(X, offsets=[1, 2, 3])
    for offsets in ([], [1, 2], [1, 2, 3, 4]):
        with pytest.raises(InputError, match=rf"length {len(offsets)}; expected 3"):
            function(X, offsets=offsets)
    with pytest.raises(InputError, match=r"offsets.*1-D"):
        function(X, offsets=[[1, 2, 3]])


@entry_points
def test_offsets_that_are_no_numbers_are_refused(function):
    X = [[1, 0], [0, 1]]
    with pytest.raises(InputError, match=r"offsets.*(?i:nan).*entry 1"):
        function(X, offsets=[0.0, math.nan])
    with pytest.raises(InputTypeError, match=r"offsets.*complex"):
        function(X, offsets=np.array([0, 1j]))


@entry_points
@pytest.mark.parametrize("rank", ["approximate", "Exact", ""])
def test_an_unknown_rank_name_is_refused(function, rank):
    with pytest.raises(InputError, match=r"rank=.*'exact', 'numerical'"):
        function([[1, 0], [0, 1]], rank=rank)


@entry_points
@pytest.mark.parametrize("rank", [-1, 3, 100])
def test_an_impossible_rank_is_refused(function, rank):
    with pytest.raises(InputError, match=rf"rank={rank}.*min\(n, d\) = 2"):
        function([[1, 0], [0, 1], [1, 1]], rank=rank)


@entry_points
@pytest.mark.parametrize("rank", [True, 1.0, None])
def test_a_rank_that_is_no_integer_is_refused(function, rank):
    with pytest.raises(InputTypeError, match=r"rank=.*expected"):
        function([[1, 0], [0, 1]], rank=rank)


@entry_points
@pytest.mark.parametrize("floats", ["exact", "Decimal", ""])
def test_an_unknown_reading_of_floats_is_refused(function, floats):
    with pytest.raises(InputError, match=r"floats=.*binary.*decimal"):
        function([[1.0, 0.0], [0.0, 1.0]], floats=floats)


@pytest.mark.parametrize("block_size", [True, False, 1.0, "8"])
def test_a_block_size_that_is_no_integer_is_refused(block_size):
    with pytest.raises(InputTypeError, match=r"block_size"):
        list(iter_patterns([[1, 0], [0, 1]], block_size=block_size))


@pytest.mark.parametrize("block_size", [0, -1])
def test_a_block_size_below_one_is_refused(block_size):
    with pytest.raises(InputError, match=r"block_size.*an integer >= 1"):
        list(iter_patterns([[1, 0], [0, 1]], block_size=block_size))


@pytest.mark.parametrize("function", ENTRY_POINTS[1:], ids=ENTRY_NAMES[1:])
def test_an_arrangement_with_options_again_is_refused(function):
    arrangement = Arrangement([[1, 0], [0, 1]])
    function(arrangement)
    for options in ({"offsets": [0, 0]}, {"rank": 1}, {"floats": "decimal"}):
        with pytest.raises(InputError, match=r"Arrangement already"):
            function(arrangement, **options)


@pytest.mark.parametrize(("n", "r"), [(-1, 2), (2, -1)])
def test_cover_bound_refuses_negative_arguments(n, r):
    with pytest.raises(InputError, match=r"-1"):
        cover_bound(n, r)


def test_bad_n_jobs_and_max_bytes_are_refused():
    X = [[1, 0], [0, 1]]
    with pytest.raises(InputError, match=r"n_jobs"):
        enumerate_patterns(X, n_jobs=0)
    with pytest.raises(InputError, match=r"max_bytes"):
        enumerate_patterns(X, max_bytes=-1)


def test_input_arrays_are_not_modified():
    for dtype in (np.float64, np.float32, np.int64, object):
        X = np.array([[2, 4], [-3, 6], [0, 0], [-1, 2]], dtype=dtype)
        b = np.array([2, 4, 1, 3], dtype=dtype)
        X_before, b_before = X.copy(), b.copy()
        verify(enumerate_patterns(X), X)
        enumerate_patterns(X, offsets=b)
        enumerate_patterns(X, rank=1)
        count_patterns(X, offsets=b)
        list(iter_patterns(X, offsets=b))
        assert X.dtype == dtype
        assert np.array_equal(X, X_before)
        assert np.array_equal(b, b_before)


def test_read_only_and_strided_arrays_are_read():
    X = np.arange(24.0).reshape(4, 6) ** 2
    view = X[::2, ::-3]
    view.setflags(write=False)
    expected = enumerate_patterns(view.copy()).to_bool()
    assert np.array_equal(enumerate_patterns(view).to_bool(), expected)
    fortran = np.asfortranarray(view)
    assert np.array_equal(enumerate_patterns(fortran).to_bool(), expected)


def test_numbers_of_every_kind_are_read_alike():
    whole = [[3, -1, 0], [1, 2, 2], [0, 0, 0], [4, 1, 2], [-6, 2, 0]]
    expected = enumerate_patterns(whole).to_bool()
    as_arrays = [
        np.array(whole, dtype=dtype)
        for dtype in (np.int8, np.int16, np.int64, np.float32, np.float64, object)
    ]
    as_lists = [
        [[kind(x) for x in row] for row in whole]
        for kind in (float, Fraction, Decimal, str, np.int16, np.float32)
    ]
    as_lists.append([[f" {x}.00e0 " for x in row] for row in whole])
    as_lists.append([tuple(row) for row in whole])
    as_lists.append(np.array(whole).astype("U4"))
    as_lists.append(np.array(whole).astype("S4"))
    for X in as_arrays + as_lists:
        assert np.array_equal(enumerate_patterns(X).to_bool(), expected)


def test_decimal_text_is_read_without_rounding():
    X = [["0.1", "1"], ["0.1000000000000000055511151231257827", "1"]]
    assert len(enumerate_patterns(X)) == 4
    assert len(enumerate_patterns(np.array(X, dtype=float))) == 2
    assert len(enumerate_patterns([["1/3", "1"], ["2/6", "1"]])) == 2


def test_integers_beyond_64_bits_are_read_without_rounding():
    big = 2**64
    assert len(enumerate_patterns([[big, 1], [big + 1, 1]])) == 4
    assert len(enumerate_patterns([[big, big], [1, 1]])) == 2
    assert len(enumerate_patterns([[10**400, 1], [10**400 + 1, 1]])) == 4
