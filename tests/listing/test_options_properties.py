"""Options of the listings: threads, limits, required signs, proofs, pieces."""

import pickle
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrangement import (
    BudgetExceededError,
    InputError,
    InputTypeError,
    ListingStoppedError,
    enumerate_patterns,
    iter_patterns,
    partition,
)
from arrangement.options import Limits
from arrangement.verification import prover

from reference import families

GENERIC = np.random.default_rng(5).normal(size=(40, 4))
MATRICES = {
    "cells": families.resonance(5),
    "vertices": GENERIC,
    "plane": np.random.default_rng(6).normal(size=(2100, 2)),
    "floats": [[2**70, 3, -1], [5, 2**70, 1], [2**70 + 7, 1, 9], [2, 9, 7], [1, 0, 0]],
}


def joined(stream, n):
    blocks = [block.packed for block in stream]
    return np.concatenate([*blocks, np.zeros((0, -(-n // 64)), dtype=np.uint64)])


@pytest.mark.parametrize("name", MATRICES)
@pytest.mark.parametrize("n_jobs", [2, 3, -1])
def test_the_list_does_not_depend_on_the_number_of_threads(name, n_jobs):
    X = MATRICES[name]
    one, more = enumerate_patterns(X), enumerate_patterns(X, n_jobs=n_jobs)
    assert np.array_equal(one.packed, more.packed)
    assert one.proof == more.proof
    stream = iter_patterns(X, n_jobs=n_jobs, block_size=777)
    assert np.array_equal(joined(stream, len(X)), one.packed)


def test_both_ways_are_exercised():
    assert "vertices" in enumerate_patterns(GENERIC).plan
    assert "cells" in enumerate_patterns(families.resonance(5)).plan


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_affine_lists_do_not_depend_on_the_threads_either(n_jobs):
    draw = np.random.default_rng(8)
    for X, b in (
        (draw.integers(-2, 3, size=(14, 2)), draw.integers(-2, 3, size=14)),
        (draw.normal(size=(30, 3)), draw.normal(size=30)),
    ):
        found = enumerate_patterns(X, offsets=b, n_jobs=n_jobs)
        stream = iter_patterns(X, offsets=b, n_jobs=3 - n_jobs)
        assert np.array_equal(joined(stream, len(X)), found.packed)
        assert len(found) == found.proof.count


@pytest.mark.parametrize("name", MATRICES)
def test_a_stream_is_proven_once_it_is_exhausted(name):
    X = MATRICES[name]
    stream = iter_patterns(X, prove=True, block_size=100)
    first = next(stream)
    assert stream.proof is None
    assert stream.status == "incomplete"
    rest = joined(stream, len(X))
    assert stream.status == "complete"
    eager = enumerate_patterns(X)
    assert stream.proof.count == eager.proof.count == stream.n_patterns
    everything = {row.tobytes() for row in np.concatenate([first.packed, rest])}
    assert everything == {row.tobytes() for row in eager.packed}


@st.composite
def matrices(draw):
    d = draw(st.integers(1, 4))
    row = st.lists(st.integers(-2, 2), min_size=d, max_size=d)
    X = draw(st.lists(row, min_size=1, max_size=9))
    offsets = draw(st.none() | st.lists(st.integers(-2, 2), min_size=9, max_size=9))
    return X, None if offsets is None else offsets[: len(X)]


@settings(max_examples=60)
@given(matrices(), st.data())
def test_required_signs_list_what_a_filter_keeps(case, data):
    X, offsets = case
    where = data.draw(
        st.dictionaries(st.integers(0, len(X) - 1), st.sampled_from((-1, 1)))
    )
    bits = enumerate_patterns(X, offsets=offsets).to_bool()
    keep = np.ones(len(bits), dtype=bool)
    for row, sign in where.items():
        keep &= bits[:, row] == (sign > 0)
    stream = iter_patterns(X, offsets=offsets, where=where)
    found = [tuple(row) for block in stream for row in block]
    assert len(set(found)) == len(found)
    assert set(found) == {tuple(row) for row in bits[keep]}
    threads = iter_patterns(X, offsets=offsets, where=where, n_jobs=2)
    assert [tuple(row) for block in threads for row in block] == found


def test_required_signs_visit_only_what_they_leave():
    # one region of 2**20: listing the rest would take minutes
    X = np.eye(20, dtype=int)
    stream = iter_patterns(X, where=dict.fromkeys(range(3, 20), -1))
    assert sum(map(len, stream)) == 8


@settings(max_examples=40)
@given(matrices(), st.integers(1, 300), st.integers(1, 50))
def test_pieces_one_after_another_are_the_list_in_the_order_of_signs(case, k, size):
    X, offsets = case
    pieces = pickle.loads(pickle.dumps(partition(X, k, offsets=offsets)))
    assert 1 <= len(pieces) <= k
    whole = joined(iter_patterns(X, offsets=offsets, prove=True), len(X))
    parts = [joined(p.iter_patterns(block_size=size), len(X)) for p in pieces]
    assert [len(part) for part in parts] == [piece.count() for piece in pieces]
    assert np.array_equal(np.concatenate(parts), whole)


@pytest.mark.slow
@pytest.mark.parametrize("name", MATRICES)
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_most_patterns_are_honoured(name, n_jobs):
    X = MATRICES[name]
    whole = enumerate_patterns(X)
    total = len(whole)
    for most in (0, 1, total - 1):
        with pytest.raises(ListingStoppedError, match=f"max_patterns={most}") as info:
            enumerate_patterns(X, max_patterns=most, n_jobs=n_jobs)
        assert np.array_equal(info.value.patterns.packed, whole.packed[:most])
        assert info.value.patterns.proof is None
        stream = iter_patterns(X, max_patterns=most, n_jobs=n_jobs, block_size=64)
        seen = []
        with pytest.raises(BudgetExceededError, match="were yielded"):
            seen.extend(block.packed for block in stream)
        assert stream.status == "incomplete"
        assert sum(map(len, seen)) == most
    for most in (total, total + 1):
        assert len(enumerate_patterns(X, max_patterns=most, n_jobs=n_jobs)) == total
        stream = iter_patterns(X, max_patterns=most)
        assert sum(map(len, stream)) == total
        assert stream.status == "complete"


def test_a_time_limit_stops_a_long_list():
    with pytest.raises(ListingStoppedError, match="time_limit=") as info:
        # room for Cover's bound: else patterns are counted first where memory is short
        enumerate_patterns(families.threshold(6), time_limit=1e-3, max_bytes=10**10)
    assert 0 < len(info.value.patterns) < 15_028_134


@pytest.mark.parametrize("X", [families.threshold(6), GENERIC])
def test_a_stream_that_is_dropped_leaves_no_thread_behind(X):
    before = set(threading.enumerate())
    stream = iter_patterns(X, n_jobs=2)
    next(stream)
    del stream
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"n_jobs": True}, InputTypeError, "n_jobs=True"),
        ({"n_jobs": 0}, InputError, "n_jobs=0"),
        ({"n_jobs": -2}, InputError, "n_jobs=-2"),
        ({"n_jobs": 1.5}, InputTypeError, "n_jobs=1.5"),
        ({"n_jobs": "2"}, InputTypeError, "n_jobs='2'"),
        ({"progress": 3}, InputTypeError, "progress=3"),
        ({"max_patterns": -1}, InputError, "max_patterns=-1"),
        ({"max_patterns": True}, InputTypeError, "max_patterns=True"),
        ({"time_limit": 0}, InputError, "time_limit=0"),
        ({"time_limit": "1"}, InputTypeError, "time_limit='1'"),
    ],
)
def test_bad_options_are_refused_at_once(options, error, text):
    for function in (enumerate_patterns, iter_patterns):
        with pytest.raises(error, match=text):
            function([[1, 0], [0, 1]], **options)


@pytest.mark.parametrize(
    ("where", "text"),
    [
        ({2: 1}, "row 2; expected 0 <= row < 2"),
        ({-1: 1}, "row -1"),
        ({0: 0}, r"where\[0\] is 0"),
        ({0: True}, r"where\[0\] is True"),
        ({"a": 1}, "key 'a'"),
    ],
)
def test_bad_required_signs_are_refused_at_once(where, text):
    with pytest.raises(InputError, match=text):
        iter_patterns([[1, 0], [0, 1]], where=where)
    with pytest.raises(InputError, match="prove=True with where"):
        iter_patterns([[1, 0], [0, 1]], where={0: 1}, prove=True)


def test_bad_numbers_of_pieces_are_refused():
    with pytest.raises(InputError, match="k=0"):
        partition([[1, 0], [0, 1]], 0)
    with pytest.raises(InputTypeError, match="k='2'"):
        partition([[1, 0], [0, 1]], "2")


@pytest.mark.parametrize("way", ["list", "stream"])
def test_the_count_of_a_proof_is_part_of_the_time(way, monkeypatch):
    """All patterns are there then, without a proof."""

    def slow(arrangement, *, time_limit, progress):
        assert 0 < time_limit <= 2.0
        raise BudgetExceededError("the time is up")

    X = families.braid(3)
    whole = enumerate_patterns(X)
    monkeypatch.setattr(prover, "count_patterns", slow)
    # without the time up it is not the time that is to blame
    with pytest.raises(BudgetExceededError, match=r"the time is up$"):
        enumerate_patterns(X, time_limit=2.0)
    monkeypatch.setattr(Limits, "is_late", lambda _: True)
    message = "time_limit=2 s was reached after all patterns were listed"
    if way == "list":
        with pytest.raises(ListingStoppedError, match=message) as caught:
            enumerate_patterns(X, time_limit=2.0)
        assert np.array_equal(caught.value.patterns.packed, whole.packed)
        assert caught.value.patterns.proof is None
        return
    stream = iter_patterns(X, time_limit=2.0, prove=True)
    assert np.array_equal(next(stream).packed, whole.packed)
    with pytest.raises(ListingStoppedError, match=message):
        next(stream)
    assert (stream.status, stream.proof) == ("incomplete", None)


# --- options that are refused -------------------------------------------------

REFUSED = [
    *[
        ({"n_jobs": bad}, InputTypeError, f"n_jobs={bad!r}; expected an integer.")
        for bad in (True, 1.5, "2", None)
    ],
    *[
        ({"n_jobs": bad}, InputError, f"n_jobs={bad}; expected an integer >= 1, or -1")
        for bad in (0, -2)
    ],
    ({"n_jobs": 1025}, InputError, "n_jobs=1025; .*and at most 1,024"),
    *[
        ({"progress": bad}, InputTypeError, f"progress={bad!r}; expected True for a ")
        for bad in (1, "bar")
    ],
    *[
        ({"max_patterns": bad}, error, f"max_patterns={bad!r}; expected an int")
        for bad, error in (
            (-1, InputError),
            (True, InputTypeError),
            (1.5, InputTypeError),
            ("2", InputTypeError),
        )
    ],
    *[
        ({"time_limit": bad}, error, f"time_limit={bad!r}; expected a number of sec")
        for bad, error in (
            (-1, InputError),
            (0, InputError),
            (float("nan"), InputError),
            (True, InputTypeError),
            ("2", InputTypeError),
            (1j, InputTypeError),
        )
    ],
]
REFUSED_OF_STREAMS = [
    *[
        ({"where": {bad: 1}}, InputError, rf"where has the key {bad!r}; expected")
        for bad in (True, "0", 0.0, None)
    ],
    *[
        ({"where": {bad: 1}}, InputError, f"where names row {bad}; expected 0 <= row")
        for bad in (-1, 3)
    ],
    *[
        ({"where": {0: bad}}, InputError, rf"where\[0\] is {bad!r}; expected -1 or 1")
        for bad in (0, 2, "1", True, None, 0.5)
    ],
    ({"where": {0: 1}, "prove": True}, InputError, "prove=True with where"),
    ({"block_size": 0}, InputError, "block_size=0; expected an integer >= 1"),
    ({"block_size": True}, InputTypeError, "block_size=True; expected an int"),
    ({"block_size": 2.0}, InputTypeError, "block_size=2.0; expected an int"),
]


@pytest.mark.parametrize(("options", "error", "message"), REFUSED)
def test_options_of_listings_are_refused_before_anything_is_listed(
    options, error, message
):
    X = [[1, 0], [0, 1], [1, 1]]
    with pytest.raises(error, match=message):
        enumerate_patterns(X, **options)
    with pytest.raises(error, match=message):
        iter_patterns(X, **options)


@pytest.mark.parametrize(("options", "error", "message"), REFUSED_OF_STREAMS)
def test_options_of_streams_are_refused_before_anything_is_listed(
    options, error, message
):
    with pytest.raises(error, match=message):
        iter_patterns([[1, 0], [0, 1], [1, 1]], **options)


@pytest.mark.parametrize("where", [[1], 3, "0", {0: np.array([1, -1])}])
def test_required_signs_that_are_no_mapping_are_refused(where):
    with pytest.raises((InputError, InputTypeError), match="where"):
        iter_patterns([[1, 0], [0, 1], [1, 1]], where=where)


def test_limits_that_are_numpy_numbers_are_taken():
    X = [[1, 0], [0, 1], [1, 1]]
    patterns = enumerate_patterns(
        X, n_jobs=np.int64(2), max_patterns=np.int32(6), time_limit=np.float64(60)
    )
    assert len(patterns) == 6
